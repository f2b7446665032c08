//! The side of a pseudo-terminal that programs have as their terminal.

use alloc::string::String;
use alloc::sync::Arc;

use linux_abi::Errno;
use linux_abi::file::OpenFlags;
use vfs_core::Metadata;

use super::job::Wish;
use super::pair::Pair;
use crate::fs::{File, Held, Patience, Readiness, Transfer, WatchList, errno};

/// The programs' side.
#[derive(Debug)]
pub(super) struct Slave {
    pair: Arc<Pair>,
    held: Held,
}

impl Slave {
    /// Opens it; it becomes the controlling terminal of a session leader that has none.
    pub(super) fn open(pair: Arc<Pair>, held: Held, flags: OpenFlags) -> Result<Self, Errno> {
        {
            let mut state = pair.state.lock();
            if !state.has_master || state.is_locked {
                return Err(Errno::EIO);
            }
            state.slaves = state.slaves.saturating_add(1);
            state.was_opened = true;
        }
        let slave = Self { pair, held };
        if !flags.contains(OpenFlags::NOCTTY) {
            slave.pair.take_if_free();
        }
        Ok(slave)
    }
}

impl File for Slave {
    fn transfer(&self) -> Transfer {
        Transfer::Stream
    }

    fn read(&self, _at: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.pair.check_foreground(Wish::Read)?;
        let count = {
            let mut state = self.pair.state.lock();
            if !state.has_master {
                return Ok(0);
            }
            let modes = *state.terminal.modes();
            if !modes.is_canonical() {
                let wanted = modes.minimum().min(buffer.len());
                if state.terminal.readable() < wanted {
                    return Err(Errno::EAGAIN);
                }
                if modes.minimum() == 0 && state.terminal.readable() == 0 {
                    return if modes.tenths() == 0 { Ok(0) } else { Err(Errno::EAGAIN) };
                }
            }
            state.terminal.read(buffer).ok_or(Errno::EAGAIN)?
        };
        // There is room to type again.
        self.pair.master_watch.notify(Readiness::OUT);
        Ok(count)
    }

    fn read_patience(&self) -> Patience {
        let state = self.pair.state.lock();
        let modes = state.terminal.modes();
        let ns = u64::from(modes.tenths()) * 100_000_000;
        match modes.minimum() {
            _ if modes.is_canonical() => Patience::Endless,
            0 => Patience::First { ns },
            _ if ns == 0 => Patience::Endless,
            _ => Patience::Between { ns },
        }
    }

    fn waiting_bytes(&self) -> usize {
        self.pair.state.lock().terminal.readable()
    }

    fn read_rest(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let count = self.pair.state.lock().terminal.read(buffer).unwrap_or(0);
        if count == 0 {
            return Err(Errno::EAGAIN);
        }
        self.pair.master_watch.notify(Readiness::OUT);
        Ok(count)
    }

    fn write(&self, _at: u64, bytes: &[u8]) -> Result<usize, Errno> {
        if self.pair.state.lock().terminal.modes().stops_background() {
            self.pair.check_foreground(Wish::Change)?;
        }
        let count = {
            let mut state = self.pair.state.lock();
            if !state.has_master {
                return Err(Errno::EIO);
            }
            state.terminal.write(bytes)
        };
        if count == 0 && !bytes.is_empty() {
            return Err(Errno::EAGAIN);
        }
        self.pair.master_watch.notify(Readiness::IN);
        Ok(count)
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        self.held.metadata().map_err(errno)
    }

    fn ioctl(&self, request: u32, argument: u64) -> Result<u64, Errno> {
        self.pair.slave_ioctl(request, argument)
    }

    fn readiness(&self) -> Readiness {
        let state = self.pair.state.lock();
        Readiness::NONE
            .with_if(state.terminal.can_read() || !state.has_master, Readiness::IN)
            .with_if(state.terminal.can_write() || !state.has_master, Readiness::OUT)
            .with_if(!state.has_master, Readiness::HUP)
    }

    fn watch_list(&self) -> Option<&WatchList> {
        Some(&self.pair.slave_watch)
    }

    fn describe(&self) -> String {
        alloc::format!("/dev/pts/{}", self.pair.index)
    }
}

impl Drop for Slave {
    fn drop(&mut self) {
        let is_last = {
            let mut state = self.pair.state.lock();
            state.slaves = state.slaves.saturating_sub(1);
            state.slaves == 0
        };
        if is_last {
            self.pair.master_watch.notify(Readiness::IN | Readiness::HUP);
        }
    }
}

//! The side of a pseudo-terminal that a terminal emulator holds: what it writes is typed, what it
//! reads is shown.

use alloc::string::String;
use alloc::sync::Arc;

use linux_abi::Errno;
use linux_abi::file::OpenFlags;
use vfs_core::Metadata;

use super::job::Asker;
use super::modes::{FIONREAD, TIOCGPGRP, fetch, give, give_count};
use super::pair::{self, Pair};
use super::slave::Slave;
use crate::fs::{self, File, Held, Readiness, Transfer, WatchList, errno};
use crate::process;

const TIOCGPTN: u32 = 0x8004_5430;
const TIOCSPTLCK: u32 = 0x4004_5431;
const TIOCGPTLCK: u32 = 0x8004_5439;

/// The master's side.
#[derive(Debug)]
pub(super) struct Master {
    pair: Arc<Pair>,
    held: Held,
}

impl Master {
    /// Makes a new pseudo-terminal, with its name below `/dev/pts`.
    pub(super) fn open(held: Held) -> Result<Self, Errno> {
        let asker = Asker::current().ok_or(Errno::ENXIO)?;
        let uid = process::credentials_of(asker.pid).map_or(0, |it| it.effective_uid.0);
        let pair = pair::make()?;
        if let Err(error) = fs::add_terminal(pair.index, super::PTS_MAJOR, uid) {
            pair::forget(pair.index);
            return Err(errno(error));
        }
        Ok(Self { pair, held })
    }
}

impl Master {
    /// Opens the programs' side, whatever lies at its path: `TIOCGPTPEER`.
    pub(super) fn open_peer(&self, flags: OpenFlags) -> Result<Slave, Errno> {
        let held = fs::hold_terminal(self.pair.index).map_err(errno)?;
        Slave::open(Arc::clone(&self.pair), held, flags)
    }
}

impl File for Master {
    fn transfer(&self) -> Transfer {
        Transfer::Stream
    }

    fn read(&self, _at: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        let count = {
            let mut state = self.pair.state.lock();
            match state.terminal.take_output(buffer) {
                0 if buffer.is_empty() => return Ok(0),
                0 if state.has_lost_slaves() => return Err(Errno::EIO),
                0 => return Err(Errno::EAGAIN),
                count => count,
            }
        };
        self.pair.slave_watch.notify(Readiness::OUT);
        Ok(count)
    }

    fn write(&self, _at: u64, bytes: &[u8]) -> Result<usize, Errno> {
        self.pair.type_in(bytes)
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        self.held.metadata().map_err(errno)
    }

    fn ioctl(&self, request: u32, argument: u64) -> Result<u64, Errno> {
        match request {
            TIOCGPTN => give(argument, &self.pair.index.to_le_bytes()),
            TIOCSPTLCK => {
                let wanted = i32::from_le_bytes(fetch(argument)?);
                self.pair.state.lock().is_locked = wanted != 0;
                Ok(0)
            }
            TIOCGPTLCK => {
                let is_locked = self.pair.state.lock().is_locked;
                give(argument, &i32::from(is_locked).to_le_bytes())
            }
            TIOCGPGRP => self.pair.give_foreground(argument),
            FIONREAD => give_count(argument, self.pair.state.lock().terminal.shown()),
            _ => self.pair.common_ioctl(request, argument),
        }
    }

    fn readiness(&self) -> Readiness {
        let state = self.pair.state.lock();
        Readiness::NONE
            .with_if(state.terminal.shown() > 0, Readiness::IN)
            .with_if(state.terminal.can_type(), Readiness::OUT)
            .with_if(state.has_lost_slaves(), Readiness::HUP)
    }

    fn watch_list(&self) -> Option<&WatchList> {
        Some(&self.pair.master_watch)
    }

    fn describe(&self) -> String {
        String::from("/dev/ptmx")
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        fs::remove_terminal(self.pair.index);
        pair::forget(self.pair.index);
        self.pair.hang_up();
        self.pair.slave_watch.notify(Readiness::IN | Readiness::OUT | Readiness::HUP);
    }
}

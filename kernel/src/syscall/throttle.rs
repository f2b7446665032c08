//! Rates of reading and writing: who is ahead of what its process, or its set, may move a second waits
//! before it moves more, also by a descriptor that does not wait otherwise, as files on a slow disk do.

use linux_abi::Errno;
use process_core::{BlockReason, LimitKind, ProcessError};

use super::Caller;
use crate::fs::pause;
use crate::process::Direction;

impl Caller<'_> {
    /// Waits until bytes may move.
    ///
    /// # Errors
    /// ERESTARTSYS for a signal, or the process's end.
    #[inline]
    pub(super) fn await_bytes(&self, direction: Direction) -> Result<(), Errno> {
        if self.process.moves_freely(direction) { Ok(()) } else { self.wait_for_bytes(direction) }
    }

    #[cold]
    fn wait_for_bytes(&self, direction: Direction) -> Result<(), Errno> {
        while let Some(until_ns) = self.process.bytes_wait_until(direction) {
            loop {
                match pause(self.thread, BlockReason::Throttle, Some(until_ns)) {
                    Ok(()) => {}
                    // The time has come; another thread may have been first.
                    Err(Errno::EAGAIN) => break,
                    Err(errno) => return Err(errno),
                }
            }
        }
        Ok(())
    }

    /// Bytes have moved.
    #[inline]
    pub(super) fn charge_bytes(&self, direction: Direction, bytes: usize) {
        if !self.process.moves_freely(direction) {
            self.process.charge_bytes(direction, bytes as u64);
        }
    }

    /// What a refusal of a descriptor comes to; EMFILE is counted.
    pub(super) fn no_descriptor(&self, errno: Errno) -> Errno {
        if errno == Errno::EMFILE {
            self.process.met(LimitKind::OpenFiles, format_args!("refused"));
        }
        errno
    }

    /// Whether the process's set allows it so many descriptors more.
    ///
    /// # Errors
    /// EMFILE.
    pub(super) fn check_room_for_files(&self, more: usize) -> Result<(), Errno> {
        let checked: Result<(), ProcessError> = self.process.check_room_for_files(more);
        checked.map_err(|_| Errno::EMFILE)
    }
}

//! eventfd(2): a counter to wait for.

use alloc::string::String;

use hal::interrupts::SpinLock;
use linux_abi::Errno;
use vfs_core::{FileKind, Metadata};

use super::file::{File, Transfer, nameless};
use super::{Readiness, WatchList};
use crate::levels;

/// What the counter is never more than.
const MOST: u64 = u64::MAX - 1;

/// A counter: writes add to it, a read takes all of it, or one if it is a semaphore.
#[derive(Debug)]
pub struct EventCounter {
    count: SpinLock<u64>,
    is_semaphore: bool,
    watchers: WatchList,
}

impl EventCounter {
    /// One that starts with `count` and is emptied by a read.
    #[must_use]
    pub fn new(count: u64) -> Self {
        let count = SpinLock::new(levels::FILES, "event counter", count);
        Self { count, is_semaphore: false, watchers: WatchList::new() }
    }

    /// One that starts with `count` and loses 1 by a read.
    #[must_use]
    pub fn semaphore(count: u64) -> Self {
        Self { is_semaphore: true, ..Self::new(count) }
    }
}

impl File for EventCounter {
    fn knows_no_wait(&self) -> bool {
        true
    }

    fn transfer(&self) -> Transfer {
        Transfer::Messages
    }

    fn read(&self, _at: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        let place = buffer.first_chunk_mut::<8>().ok_or(Errno::EINVAL)?;
        let taken = {
            let mut count = self.count.lock();
            let taken = if self.is_semaphore { (*count).min(1) } else { *count };
            *count -= taken;
            taken
        };
        if taken == 0 {
            return Err(Errno::EAGAIN);
        }
        *place = taken.to_le_bytes();
        self.watchers.notify(Readiness::OUT);
        Ok(8)
    }

    fn write(&self, _at: u64, bytes: &[u8]) -> Result<usize, Errno> {
        let added = u64::from_le_bytes(*bytes.first_chunk().ok_or(Errno::EINVAL)?);
        if added > MOST {
            return Err(Errno::EINVAL);
        }
        {
            let mut count = self.count.lock();
            let sum = count.checked_add(added).filter(|sum| *sum <= MOST);
            *count = sum.ok_or(Errno::EAGAIN)?;
        }
        self.watchers.notify(Readiness::IN);
        Ok(8)
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        // The kind is none of those that there are: mode 0600 and nothing else.
        Ok(nameless(FileKind::Regular, 0o600, 0))
    }

    fn readiness(&self) -> Readiness {
        let count = *self.count.lock();
        Readiness::NONE.with_if(count > 0, Readiness::IN).with_if(count < MOST, Readiness::OUT)
    }

    fn watch_list(&self) -> Option<&WatchList> {
        Some(&self.watchers)
    }

    fn describe(&self) -> String {
        String::from("anon_inode:[eventfd]")
    }
}

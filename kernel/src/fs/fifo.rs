//! Pipes with a name: fifo(7). The ends are those of any pipe; this is how they find each other.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::{Arc, Weak};

use hal::interrupts::SpinLock;
use linux_abi::Errno;
use linux_abi::file::{AccessMode, OpenFlags};
use vfs_core::Metadata;

use super::file::{File, Transfer};
use super::pipe::{PipeEnd, Shared};
use super::tree::Held;
use super::tree_file::path_text;
use super::{OpenFile, Readiness, Waiting, WatchList, errno, until_ready};
use crate::levels;
use crate::scheduler;

/// The most named pipes that are open at once.
const MOST: usize = 16_384;

/// Named pipes that are open, by file system and inode.
static OPEN: SpinLock<BTreeMap<(u32, u64), Weak<Named>>> =
    SpinLock::new(levels::PROCESS, "named pipes", BTreeMap::new());

/// What the ends of a named pipe share.
struct Named {
    key: (u32, u64),
    pipe: Arc<Shared>,
    /// How many ends of each kind were ever opened: an open waits for the next one of the other kind,
    /// even if that is closed again at once.
    ever: SpinLock<Ever>,
}

#[derive(Clone, Copy, Default)]
struct Ever {
    readers: u64,
    writers: u64,
}

impl Drop for Named {
    fn drop(&mut self) {
        let mut open = OPEN.lock();
        // A new one may have taken the place already.
        if open.get(&self.key).is_some_and(|known| known.strong_count() == 0) {
            open.remove(&self.key);
        }
    }
}

/// An end of a named pipe, or both.
pub(super) struct Fifo {
    end: PipeEnd,
    named: Arc<Named>,
    held: Held,
    /// How many writers there had been when a reader came that did not wait for one: until the next
    /// one has come and gone, nothing has hung up.
    writers_before: Option<u64>,
}

impl core::fmt::Debug for Fifo {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.end.fmt(f)
    }
}

/// Opens a named pipe, and waits until the other end is open, too, unless it is not to.
///
/// # Errors
/// ENFILE when too many are open; ENXIO for writing alone, without waiting, while nobody reads;
/// ERESTARTSYS.
pub(super) fn open(
    held: Held,
    metadata: &Metadata,
    access: AccessMode,
    flags: OpenFlags,
) -> Result<OpenFile, Errno> {
    let named = find((metadata.system, metadata.inode))?;
    let is_nonblocking = flags.contains(OpenFlags::NONBLOCK);
    if access == AccessMode::WriteOnly && is_nonblocking && !named.pipe.has_readers() {
        return Err(Errno::ENXIO);
    }
    let before = *named.ever.lock();
    let (end, is_faced) = PipeEnd::open_facing(&named.pipe, access);
    {
        let mut ever = named.ever.lock();
        ever.readers += u64::from(access != AccessMode::WriteOnly);
        ever.writers += u64::from(access != AccessMode::ReadOnly);
    }
    let mut fifo = Fifo { end, named, held, writers_before: None };
    // Whoever waits for this end to be opened goes on, all of them.
    fifo.named.pipe.watchers().notify(Readiness::READ_WRITE | Readiness::ALWAYS);
    let meets = |named: &Named| {
        let ever = *named.ever.lock();
        let is_met = match access {
            AccessMode::ReadOnly => named.pipe.has_writers() || ever.writers != before.writers,
            AccessMode::WriteOnly => named.pipe.has_readers() || ever.readers != before.readers,
            AccessMode::ReadWrite => true,
        };
        if is_met { Ok(()) } else { Err(Errno::EAGAIN) }
    };
    if is_nonblocking {
        if meets(&fifo.named).is_err() {
            fifo.writers_before = Some(before.writers);
        }
    } else if !is_faced {
        let waiting = if access == AccessMode::ReadOnly { Waiting::READ } else { Waiting::WRITE };
        let thread = scheduler::current().ok_or(Errno::EINTR)?;
        until_ready(&thread, &fifo, waiting, || meets(&fifo.named))?;
    }
    Ok(OpenFile::new(Box::new(fifo), access, flags | OpenFlags::LARGEFILE))
}

/// What the open ends share; made by the first of them.
fn find(key: (u32, u64)) -> Result<Arc<Named>, Errno> {
    let ever = SpinLock::new(levels::FILES, "named pipe", Ever::default());
    let new = Arc::new(Named { key, pipe: Shared::new(key.1), ever });
    let known = {
        let mut open = OPEN.lock();
        let known = open.get(&key).and_then(Weak::upgrade);
        if known.is_none() {
            if open.len() >= MOST {
                drop(open);
                return Err(Errno::ENFILE);
            }
            open.insert(key, Arc::downgrade(&new));
        }
        known
    };
    Ok(known.unwrap_or(new))
}

impl File for Fifo {
    fn transfer(&self) -> Transfer {
        Transfer::Stream
    }

    fn read(&self, at: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.end.read(at, buffer)
    }

    fn write(&self, at: u64, bytes: &[u8]) -> Result<usize, Errno> {
        self.end.write(at, bytes)
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        self.held.metadata().map_err(errno)
    }

    fn ioctl(&self, request: u32, argument: u64) -> Result<u64, Errno> {
        self.end.ioctl(request, argument)
    }

    fn readiness(&self) -> Readiness {
        let ready = self.end.readiness();
        let writers = self.named.ever.lock().writers;
        if self.writers_before == Some(writers) { ready.without(Readiness::HUP) } else { ready }
    }

    fn watch_list(&self) -> Option<&WatchList> {
        self.end.watch_list()
    }

    fn held(&self) -> Option<&Held> {
        Some(&self.held)
    }

    fn as_pipe(&self) -> Option<&PipeEnd> {
        Some(&self.end)
    }

    fn pipe_capacity(&self) -> Result<u64, Errno> {
        self.end.pipe_capacity()
    }

    fn set_pipe_capacity(&self, bytes: u32) -> Result<u64, Errno> {
        self.end.set_pipe_capacity(bytes)
    }

    fn describe(&self) -> String {
        path_text(&self.held)
    }
}

//! Pipes: `vfs_core::Pipe` decides and copies, this wakes who waits.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;

use hal::interrupts::SpinLock;
use linux_abi::Errno;
use linux_abi::file::{AccessMode, OpenFlags, ioctl as requests};
use vfs_core::{FileKind, HeapPage, Metadata, PIPE_ATOMIC_BYTES, Pipe, PipeOutcome};

use super::file::{File, Transfer, nameless, next_inode};
use super::{OpenFile, Readiness, WatchList, errno};
use crate::levels;

/// What the ends of a pipe share.
pub(super) struct Shared {
    /// Its number.
    number: u64,
    pipe: SpinLock<Pipe<HeapPage>>,
    /// Readers wait for `IN`, writers for `OUT`.
    watchers: WatchList,
}

impl Shared {
    pub(super) fn new(number: u64) -> Arc<Self> {
        Arc::new(Self {
            number,
            pipe: SpinLock::new(levels::FILES, "pipe", Pipe::new()),
            watchers: WatchList::new(),
        })
    }

    pub(super) fn watchers(&self) -> &WatchList {
        &self.watchers
    }

    pub(super) fn has_readers(&self) -> bool {
        self.pipe.lock().has_readers()
    }

    pub(super) fn has_writers(&self) -> bool {
        self.pipe.lock().has_writers()
    }
}

/// An end of a pipe.
pub struct PipeEnd {
    shared: Arc<Shared>,
    reads: bool,
    writes: bool,
}

impl core::fmt::Debug for PipeEnd {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PipeEnd").field("number", &self.shared.number).finish_non_exhaustive()
    }
}

impl PipeEnd {
    pub(super) fn open(shared: &Arc<Shared>, access: AccessMode) -> Self {
        Self::open_facing(shared, access).0
    }

    /// As [`Self::open`]; says, too, whether the other end was open at that moment. Looked at later,
    /// it may have been closed again by who has found this one.
    pub(super) fn open_facing(shared: &Arc<Shared>, access: AccessMode) -> (Self, bool) {
        let reads = access != AccessMode::WriteOnly;
        let writes = access != AccessMode::ReadOnly;
        let mut pipe = shared.pipe.lock();
        let is_faced = reads && pipe.has_writers() || writes && pipe.has_readers();
        if reads {
            pipe.add_reader();
        }
        if writes {
            pipe.add_writer();
        }
        drop(pipe);
        (Self { shared: Arc::clone(shared), reads, writes }, is_faced)
    }
}

impl PipeEnd {
    /// Whether both are ends of one pipe.
    #[must_use]
    pub fn is_same_pipe(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// How many bytes more find room.
    #[must_use]
    pub fn room_bytes(&self) -> usize {
        self.shared.pipe.lock().room_bytes()
    }

    /// Gives what comes next to `take`, which says how many bytes are to be taken out: nobody else
    /// reads meanwhile. None at the end of the pipe. `take` does not wait.
    ///
    /// # Errors
    /// EAGAIN when there is nothing, or another one passes something on; `take`'s.
    pub fn pass_on<R>(
        &self,
        buffer: &mut [u8],
        take: impl FnOnce(&[u8]) -> Result<(usize, R), Errno>,
    ) -> Result<Option<R>, Errno> {
        let bytes = match self.shared.pipe.lock().begin_passing_on(buffer) {
            PipeOutcome::Copied { bytes, .. } => bytes,
            PipeOutcome::WouldBlock => return Err(Errno::EAGAIN),
            PipeOutcome::Closed => return Ok(None),
        };
        let taken = take(buffer.get(..bytes).unwrap_or_default());
        let count = taken.as_ref().map_or(0, |(count, _)| *count);
        let (wakes_writers, is_left) = {
            let mut pipe = self.shared.pipe.lock();
            (pipe.end_passing_on(count), !pipe.is_empty())
        };
        // Readers may have found the pipe occupied.
        let news =
            Readiness::NONE.with_if(wakes_writers, Readiness::OUT).with_if(is_left, Readiness::IN);
        if !news.is_none() {
            self.shared.watchers.notify(news);
        }
        taken.map(|(_, answer)| Some(answer))
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        let ended = {
            let mut pipe = self.shared.pipe.lock();
            let ended_writing = self.writes && pipe.remove_writer();
            let ended_reading = self.reads && pipe.remove_reader();
            ended_writing || ended_reading
        };
        if ended {
            let gone = Readiness::READ_WRITE | Readiness::HUP | Readiness::ERR;
            self.shared.watchers.notify(gone);
        }
    }
}

impl File for PipeEnd {
    fn transfer(&self) -> Transfer {
        Transfer::Stream
    }

    fn read(&self, _at: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        let outcome = self.shared.pipe.lock().read(buffer);
        match outcome {
            PipeOutcome::Copied { bytes, wakes_others } => {
                if wakes_others {
                    self.shared.watchers.notify(Readiness::OUT);
                }
                Ok(bytes)
            }
            PipeOutcome::WouldBlock => Err(Errno::EAGAIN),
            PipeOutcome::Closed => Ok(0),
        }
    }

    fn write(&self, _at: u64, bytes: &[u8]) -> Result<usize, Errno> {
        let mut done = 0;
        // In pieces, because interrupts are disabled under the lock; what is small goes in one.
        loop {
            let rest = &bytes[done..];
            let piece = if bytes.len() <= PIPE_ATOMIC_BYTES {
                rest
            } else {
                &rest[..rest.len().min(PIPE_ATOMIC_BYTES)]
            };
            let outcome = self.shared.pipe.lock().write(piece);
            let failure = match outcome {
                Ok(PipeOutcome::Copied { bytes: copied, .. }) => {
                    done += copied;
                    if done < bytes.len() && copied > 0 {
                        continue;
                    }
                    None
                }
                Ok(PipeOutcome::WouldBlock) => Some(Errno::EAGAIN),
                Ok(PipeOutcome::Closed) => Some(Errno::EPIPE),
                Err(error) => Some(errno(error)),
            };
            if done > 0 {
                self.shared.watchers.notify(Readiness::IN);
            }
            return match failure {
                Some(error) if done == 0 => Err(error),
                _ => Ok(done),
            };
        }
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        Ok(nameless(FileKind::Fifo, 0o600, self.shared.number))
    }

    fn ioctl(&self, request: u32, argument: u64) -> Result<u64, Errno> {
        if request != requests::FIONREAD {
            return Err(Errno::ENOTTY);
        }
        let length = self.shared.pipe.lock().len();
        let length = i32::try_from(length).unwrap_or(i32::MAX);
        hal::user::copy_to(argument, &length.to_le_bytes()).map_err(|_| Errno::EFAULT)?;
        Ok(0)
    }

    fn readiness(&self) -> Readiness {
        let pipe = self.shared.pipe.lock();
        Readiness::NONE
            .with_if(self.reads && !pipe.is_empty(), Readiness::IN)
            .with_if(self.reads && !pipe.has_writers(), Readiness::HUP)
            .with_if(self.writes && pipe.is_writable(), Readiness::OUT)
            .with_if(self.writes && !pipe.has_readers(), Readiness::ERR)
    }

    fn watch_list(&self) -> Option<&WatchList> {
        Some(&self.shared.watchers)
    }

    fn as_pipe(&self) -> Option<&PipeEnd> {
        Some(self)
    }

    fn pipe_capacity(&self) -> Result<u64, Errno> {
        Ok(self.shared.pipe.lock().capacity() as u64)
    }

    fn set_pipe_capacity(&self, bytes: u32) -> Result<u64, Errno> {
        let bytes = usize::try_from(bytes).map_err(|_| Errno::EINVAL)?;
        if bytes == 0 {
            return Err(Errno::EINVAL);
        }
        let changed = self.shared.pipe.lock().set_capacity(bytes);
        let (capacity, wakes_writers) = changed.map_err(errno)?;
        if wakes_writers {
            self.shared.watchers.notify(Readiness::OUT);
        }
        Ok(capacity as u64)
    }

    fn describe(&self) -> String {
        alloc::format!("pipe:[{}]", self.shared.number)
    }
}

/// A new pipe: its end for reading and its end for writing.
#[must_use]
pub fn make_pipe(flags: OpenFlags) -> (OpenFile, OpenFile) {
    let shared = Shared::new(next_inode());
    let open = |access| OpenFile::new(Box::new(PipeEnd::open(&shared, access)), access, flags);
    (open(AccessMode::ReadOnly), open(AccessMode::WriteOnly))
}

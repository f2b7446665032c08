//! What every kind of open file can do: [`File`].

use core::any::Any;
use core::fmt::Debug;
use core::sync::atomic::{AtomicU64, Ordering};

use linux_abi::Errno;
use vfs_core::{FileKind, Metadata, Owner};

use super::pipe::PipeEnd;
use super::tree::Held;
use super::{Readiness, WatchList, wall_time};
use crate::socket::Socket;

/// How bytes go in and out of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// At a position that the open file keeps and lseek(2) moves: regular files.
    Positioned,
    /// One after the other, in pieces of any size; no position (ESPIPE): pipes, terminals, stream
    /// sockets.
    Stream,
    /// Each read and each write is one message, which is neither split nor joined: `read` and `write`
    /// get all that the program passed in one slice. No position. Datagram sockets, eventfd, inotify.
    Messages,
}

/// How long a read waits for bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Until there are as many as it takes.
    Endless,
    /// For the first one, so long; after that it finds none.
    First {
        /// In nanoseconds.
        ns: u64,
    },
    /// For the first one without end, and for each further one so long.
    Between {
        /// In nanoseconds.
        ns: u64,
    },
}

/// What lies behind an [`OpenFile`](super::OpenFile), which keeps the position, the status flags
/// (`O_NONBLOCK`, `O_APPEND`) and what it was opened for, and checks them.
///
/// Errors are Linux's numbers: a file's answer is a system call's answer, and the kinds of file are
/// too many for one enumeration of what can go wrong with them.
///
/// # Waiting
/// No method waits. `read` and `write` answer EAGAIN when they would have to; the caller then enters
/// the file's [`WatchList`], tries again, and parks ([`super::until_ready`]). So a file that can make
/// one wait
/// 1. has a `WatchList` and gives it in `watch_list` (two ends of one thing may share one),
/// 2. says in `readiness` what it is ready for at the moment,
/// 3. calls `list.notify(bits)` with what it has just become ready for, after it changed its state
///    and let go of its locks: `IN` when data came, `OUT` when room came, `HUP` or `ERR` when the
///    other side went. News too many do no harm; news too few hang programs.
///
/// Locks of the file's own that `readiness` takes must not be held when `notify` is called; any level
/// below `WAIT_QUEUE` will do for them ([`crate::levels`]).
pub trait File: Any + Send + Sync + Debug {
    /// How bytes are moved, and whether there is a position.
    fn transfer(&self) -> Transfer;

    /// Whether it matters where a file with a position is read or written; if not, it always stands
    /// at its start.
    fn is_position_used(&self) -> bool {
        true
    }

    /// Reads at `at` (0 for what has no position). Fewer bytes than the buffer takes are all there
    /// are at the moment; 0 is the end.
    ///
    /// # Errors
    /// EAGAIN if it would have to wait; EINVAL if it can't be read, EISDIR for a directory.
    fn read(&self, at: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        let _ = (at, buffer);
        Err(Errno::EINVAL)
    }

    /// How long a read waits.
    fn read_patience(&self) -> Patience {
        Patience::Endless
    }

    /// How many bytes there are, if `read` may say EAGAIN although there are some.
    fn waiting_bytes(&self) -> usize {
        0
    }

    /// Reads what there is, if that is less than `read` waits for.
    ///
    /// # Errors
    /// EAGAIN if there is nothing.
    fn read_rest(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let _ = buffer;
        Err(Errno::EAGAIN)
    }

    /// Whether a call can say that it does not wait here: `RWF_NOWAIT`. Pipes and sockets, and what is
    /// always ready.
    fn knows_no_wait(&self) -> bool {
        self.as_pipe().is_some() || self.as_socket().is_some()
    }

    /// Writes at `at` (0 for what has no position); says how many bytes went.
    ///
    /// # Errors
    /// EAGAIN if it would have to wait; EPIPE if nobody will read it, on which the caller sends
    /// SIGPIPE; EINVAL if it can't be written.
    fn write(&self, at: u64, bytes: &[u8]) -> Result<usize, Errno> {
        let _ = (at, bytes);
        Err(Errno::EINVAL)
    }

    /// Writes at the end, in one step; says where the end was and how many bytes went. Only for what
    /// has a position; the others write as always.
    ///
    /// # Errors
    /// As `write`.
    fn append(&self, bytes: &[u8]) -> Result<(u64, usize), Errno> {
        Ok((0, self.write(0, bytes)?))
    }

    /// The end, for lseek(2) and `FIONREAD`. Only for what has a position.
    ///
    /// # Errors
    /// ESPIPE without one.
    fn size(&self) -> Result<u64, Errno> {
        match self.transfer() {
            Transfer::Positioned => Ok(self.metadata()?.size),
            Transfer::Stream | Transfer::Messages => Err(Errno::ESPIPE),
        }
    }

    /// Where the next data, or the next hole, is from a position on: lseek(2). What has no holes is
    /// data up to its end.
    ///
    /// # Errors
    /// ENXIO behind the end.
    fn seek(&self, from: u64, wants_data: bool) -> Result<u64, Errno> {
        let size = self.size()?;
        if from >= size {
            return Err(Errno::ENXIO);
        }
        Ok(if wants_data { from } else { size })
    }

    /// What fstat(2) tells.
    ///
    /// # Errors
    /// When the file is gone.
    fn metadata(&self) -> Result<Metadata, Errno>;

    /// ioctl(2), for requests about this kind of file: those about every descriptor (`FIONBIO`,
    /// `FIOCLEX`) are dealt with before, and `FIONREAD` of what has a position. Runs in the caller's
    /// address space: `argument` may be a pointer to be used with `hal::user::copy_to`.
    ///
    /// # Errors
    /// ENOTTY for a request that means nothing here; EFAULT.
    fn ioctl(&self, request: u32, argument: u64) -> Result<u64, Errno> {
        let _ = (request, argument);
        Err(Errno::ENOTTY)
    }

    /// What it is ready for now. Files without a watch list are at all times.
    fn readiness(&self) -> Readiness {
        Readiness::READ_WRITE
    }

    /// Who waits for it; none if it never makes anybody wait.
    fn watch_list(&self) -> Option<&WatchList> {
        None
    }

    /// What it holds at most, if it is a pipe: `F_GETPIPE_SZ`.
    ///
    /// # Errors
    /// EBADF if it is none.
    fn pipe_capacity(&self) -> Result<u64, Errno> {
        Err(Errno::EBADF)
    }

    /// Changes what it holds at most, if it is a pipe, and answers what that is then: `F_SETPIPE_SZ`.
    ///
    /// # Errors
    /// EBADF if it is none, EBUSY, EPERM.
    fn set_pipe_capacity(&self, bytes: u32) -> Result<u64, Errno> {
        let _ = bytes;
        Err(Errno::EBADF)
    }

    /// The end of a pipe that it is, for the calls that only pipes know.
    fn as_pipe(&self) -> Option<&PipeEnd> {
        None
    }

    /// The socket that it is, for the calls that only sockets know.
    fn as_socket(&self) -> Option<&dyn Socket> {
        None
    }

    /// The file of the tree that was opened; none for what has no name there.
    fn held(&self) -> Option<&Held> {
        None
    }

    /// What operators are shown instead of a path, as Linux's `/proc/PID/fd` links: `pipe:[3]`,
    /// `anon_inode:[eventfd]`; a path for what has one.
    fn describe(&self) -> alloc::string::String;
}

/// The file as the type that it is, if it is `T`.
#[must_use]
pub fn downcast<T: File>(file: &dyn File) -> Option<&T> {
    (file as &dyn Any).downcast_ref()
}

/// A number for a file that no file system holds: a pipe, a socket. No two have the same.
#[must_use]
pub fn next_inode() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // Relaxed: only the numbers matter.
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What fstat(2) tells about a file that no file system holds.
#[must_use]
pub fn nameless(kind: FileKind, permissions: u16, inode: u64) -> Metadata {
    let now = wall_time();
    Metadata {
        // Linux's number for pipes and sockets differs too from all that is mounted.
        system: u32::MAX,
        inode,
        kind,
        permissions,
        links: 1,
        owner: Owner { uid: 0, gid: 0 },
        size: 0,
        allocated_bytes: 0,
        accessed: now,
        modified: now,
        changed: now,
        device: None,
    }
}

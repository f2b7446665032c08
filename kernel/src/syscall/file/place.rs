//! From what a call names to a place in the tree of files, in the caller's name.

use alloc::sync::Arc;

use linux_abi::Errno;
use linux_abi::file::{AT_FDCWD, AtFlags};
use vfs_core::{FileError, LastLink, WalkContext, walk};

use super::{errno, file};
use crate::fs::{self, Held, OpenFile, Place, Tree, Who};
use crate::memory::FileBytes;
use crate::process;
use crate::syscall::Caller;
use crate::syscall::process::errno as process_errno;

/// Where relative paths start.
enum Start {
    Directory(Arc<Held>),
    File(Arc<OpenFile>),
}

impl Start {
    fn of(caller: &Caller<'_>, directory: i32, path: &[u8]) -> Result<Self, Errno> {
        if directory == AT_FDCWD || path.first() == Some(&b'/') {
            return Ok(Self::Directory(caller.process.standpoint().directory()));
        }
        Ok(Self::File(file(caller, directory)?))
    }

    fn place(&self) -> Result<Place, Errno> {
        match self {
            Self::Directory(held) => Ok(held.place()),
            Self::File(file) => file.held().map(Held::place).ok_or(Errno::ENOTDIR),
        }
    }
}

/// In whose name the caller uses files.
pub(super) fn who(caller: &Caller<'_>) -> Result<Who, Errno> {
    let credentials =
        process::credentials_of(caller.process.pid()).map_err(|e| process_errno(&e))?;
    Who::effective(&credentials).map_err(errno)
}

/// Works on the tree from the caller's point of view: `directory` is what a `*at` call names.
/// What `f` answers is dropped without the lock.
pub(in crate::syscall) fn at<R>(
    caller: &Caller<'_>,
    directory: i32,
    path: &[u8],
    f: impl FnOnce(&mut Tree, &WalkContext<'_, Place>) -> Result<R, FileError>,
) -> Result<R, Errno> {
    at_as(caller, &who(caller)?, directory, path, f)
}

/// As [`at`], in the name of someone else.
pub(super) fn at_as<R>(
    caller: &Caller<'_>,
    who: &Who,
    directory: i32,
    path: &[u8],
    f: impl FnOnce(&mut Tree, &WalkContext<'_, Place>) -> Result<R, FileError>,
) -> Result<R, Errno> {
    let start = Start::of(caller, directory, path)?;
    let root = caller.process.standpoint().root();
    let identity = who.identity();
    let context =
        WalkContext { root: root.place(), directory: start.place()?, identity: &identity };
    // What is held above is let go of after the lock.
    let mut tree = fs::tree().lock();
    let done = f(&mut tree, &context);
    drop(tree);
    done.map_err(errno)
}

/// The bytes of a program's file, which an empty path says the descriptor itself is.
pub(in crate::syscall) fn program_file(
    caller: &Caller<'_>,
    directory: i32,
    path: &[u8],
    follows: bool,
) -> Result<FileBytes, Errno> {
    let start = Start::of(caller, directory, path)?;
    let start = match &start {
        Start::Directory(held) => held,
        Start::File(file) => file.held().ok_or(Errno::EACCES)?,
    };
    let root = caller.process.standpoint().root();
    let who = who(caller)?;
    let last = if follows { LastLink::Follow } else { LastLink::Keep };
    let found = fs::program_at(&root, start, &who.identity(), path, last);
    found.map(|(bytes, _)| bytes).map_err(|error| match error {
        FileError::IsADirectory => Errno::EACCES,
        other => errno(other),
    })
}

/// Works on the file that a path names, or, if the path is empty and `AT_EMPTY_PATH` says so, on the
/// descriptor's.
pub(super) fn at_file<R>(
    caller: &Caller<'_>,
    directory: i32,
    path: &[u8],
    flags: AtFlags,
    last: LastLink,
    f: impl FnOnce(&mut Tree, &WalkContext<'_, Place>, Place) -> Result<R, FileError>,
) -> Result<R, Errno> {
    let is_itself = path.is_empty() && flags.contains(AtFlags::EMPTY_PATH);
    at(caller, directory, path, |tree, context| {
        let place = if is_itself {
            context.directory
        } else {
            walk(&*tree, context, path, last)?.existing(&*tree)?
        };
        f(tree, context, place)
    })
}

/// Works on an open file's place; what has none is refused with `otherwise`.
pub(super) fn at_open<R>(
    caller: &Caller<'_>,
    number: i32,
    otherwise: Errno,
    f: impl FnOnce(&mut Tree, &Who, Place) -> Result<R, FileError>,
) -> Result<R, Errno> {
    let file = file(caller, number)?;
    if file.is_path_only() {
        return Err(Errno::EBADF);
    }
    let place = file.held().ok_or(otherwise)?.place();
    let who = who(caller)?;
    let mut tree = fs::tree().lock();
    let done = f(&mut tree, &who, place);
    drop(tree);
    done.map_err(errno)
}

/// How a call follows a link at the end.
pub(super) fn last_link(flags: AtFlags) -> LastLink {
    if flags.contains(AtFlags::SYMLINK_NOFOLLOW) { LastLink::Keep } else { LastLink::Follow }
}

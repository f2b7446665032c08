//! A file's size and room: truncate(2), fallocate(2), and the calls that wait for a disk.

use linux_abi::file::AT_FDCWD;
use linux_abi::{Arguments, Errno};
use vfs_core::{Access, FileError, FileKind, FileTree, LastLink, PAGE_BYTES, walk};

use super::file;
use super::place::{at, at_open};
use crate::fs::{self, FileKey, Place, Tree};
use crate::memory::is_short;
use crate::process::{self, Loss};
use crate::syscall::{Answer, Caller, user};

/// `fallocate`'s modes.
const KEEP_SIZE: u32 = 1;
const PUNCH_HOLE: u32 = 2;

pub(in crate::syscall) fn truncate(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let size = u64::try_from(arguments.long(1)).map_err(|_| Errno::EINVAL)?;
    let path = user::path(arguments.pointer(0))?;
    let cut = at(caller, AT_FDCWD, &path, |tree, context| {
        let place = walk(&*tree, context, &path, LastLink::Follow)?.existing(&*tree)?;
        let metadata = FileTree::metadata(&*tree, &place)?;
        match metadata.kind {
            FileKind::Regular => {}
            FileKind::Directory => return Err(FileError::IsADirectory),
            _ => return Err(FileError::InvalidValue),
        }
        context.identity.check(&metadata, Access::WRITE)?;
        cut(tree, place, size)
    })?;
    after_cut(cut);
    Ok(0)
}

/// Gives a regular file another size; answers which it is if it has become shorter.
pub(super) fn cut(tree: &mut Tree, place: Place, size: u64) -> Result<Option<FileKey>, FileError> {
    let metadata = FileTree::metadata(&*tree, &place)?;
    let key = FileKey::from(&metadata);
    fs::check_not_running(key)?;
    let (fs, inode) = tree.writable(place)?;
    fs.truncate(inode, size, fs::wall_time())?;
    Ok((size < metadata.size).then_some(key))
}

/// What [`cut`] leaves to be done without the tree's lock.
pub(super) fn after_cut(key: Option<FileKey>) {
    if let Some(key) = key {
        process::take_from_memories(key, &Loss::End);
    }
}

pub(in crate::syscall) fn ftruncate(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let size = u64::try_from(arguments.long(1)).map_err(|_| Errno::EINVAL)?;
    let open = file(caller, arguments.int(0))?;
    if open.is_path_only() {
        return Err(Errno::EBADF);
    }
    if open.regular().is_none() || !open.can_write() {
        return Err(Errno::EINVAL);
    }
    let cut =
        at_open(caller, arguments.int(0), Errno::EINVAL, |tree, _, place| cut(tree, place, size))?;
    after_cut(cut);
    Ok(0)
}

pub(in crate::syscall) fn fallocate(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let open = file(caller, arguments.int(0))?;
    let mode = arguments.unsigned(1);
    let start = u64::try_from(arguments.long(2)).map_err(|_| Errno::EINVAL)?;
    let length = u64::try_from(arguments.long(3)).map_err(|_| Errno::EINVAL)?;
    if length == 0 {
        return Err(Errno::EINVAL);
    }
    let punches = mode & PUNCH_HOLE != 0;
    if mode & !(KEEP_SIZE | PUNCH_HOLE) != 0 || (punches && mode & KEEP_SIZE == 0) {
        return Err(Errno::EOPNOTSUPP);
    }
    if !open.can_write() {
        return Err(Errno::EBADF);
    }
    if open.regular().is_none() {
        return Err(if open.metadata()?.kind == FileKind::Fifo {
            Errno::ESPIPE
        } else {
            Errno::ENODEV
        });
    }
    let end = start.checked_add(length).filter(|end| i64::try_from(*end).is_ok());
    let end = end.ok_or(Errno::EFBIG)?;
    if is_short() && !punches {
        return Err(Errno::ENOSPC);
    }
    let key = at_open(caller, arguments.int(0), Errno::ENODEV, |tree, _, place| {
        let key = FileKey::from(&FileTree::metadata(&*tree, &place)?);
        let (fs, inode) = tree.writable(place)?;
        if punches {
            fs.punch(inode, start..end, fs::wall_time())?;
        } else {
            fs.allocate(inode, start..end, mode & KEEP_SIZE != 0, fs::wall_time())?;
        }
        Ok(key)
    })?;
    if punches {
        let page = PAGE_BYTES as u64;
        process::take_from_memories(key, &Loss::Hole(start.div_ceil(page)..end / page));
    }
    Ok(0)
}

/// All files are in memory: what is written is as safe as it will ever be.
pub(in crate::syscall) fn sync() -> Answer {
    Ok(0)
}

pub(in crate::syscall) fn fsync(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let open = file(caller, arguments.int(0))?;
    if open.is_path_only() {
        return Err(Errno::EBADF);
    }
    // What has no file has nothing that could be lost.
    if open.held().is_some() { Ok(0) } else { Err(Errno::EINVAL) }
}

pub(in crate::syscall) fn syncfs(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let open = file(caller, arguments.int(0))?;
    if open.is_path_only() { Err(Errno::EBADF) } else { Ok(0) }
}

/// All files are in memory: there is nothing to be read before it is asked for.
pub(in crate::syscall) fn readahead(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let open = file(caller, arguments.int(0))?;
    if !open.can_read() {
        return Err(Errno::EBADF);
    }
    if open.regular().is_some() { Ok(0) } else { Err(Errno::EINVAL) }
}

/// As [`sync`], of a part of a file.
pub(in crate::syscall) fn sync_file_range(
    caller: &mut Caller<'_>,
    arguments: &Arguments,
) -> Answer {
    const KNOWN: u32 = 7;
    let open = file(caller, arguments.int(0))?;
    let start = u64::try_from(arguments.long(1)).map_err(|_| Errno::EINVAL)?;
    let length = u64::try_from(arguments.long(2)).map_err(|_| Errno::EINVAL)?;
    let end = start.checked_add(length).ok_or(Errno::EINVAL)?;
    if arguments.unsigned(3) & !KNOWN != 0 || i64::try_from(end).is_err() {
        return Err(Errno::EINVAL);
    }
    if open.is_path_only() {
        return Err(Errno::EBADF);
    }
    match open.metadata()?.kind {
        FileKind::Regular | FileKind::Directory | FileKind::BlockDevice => Ok(0),
        _ => Err(Errno::ESPIPE),
    }
}

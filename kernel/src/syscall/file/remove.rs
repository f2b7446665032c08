//! Taking names away, and changing them.

use linux_abi::file::{AT_FDCWD, AtFlags};
use linux_abi::{Arguments, Errno, UserPointer};
use vfs_core::{FileError, FileKind, LastLink, LastName, RenameMode, walk};

use super::open::name_copy;
use super::place::at;
use crate::fs::{self, Tree};
use crate::syscall::{Answer, Caller, user};

/// `renameat2`'s flags.
const NO_REPLACE: u32 = 1;
const EXCHANGE: u32 = 2;

pub(in crate::syscall) fn unlink(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    unlink_name(caller, AT_FDCWD, arguments.pointer(0))
}

pub(in crate::syscall) fn unlinkat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let flags = AtFlags::from_bits(arguments.unsigned(2)).ok_or(Errno::EINVAL)?;
    match flags {
        AtFlags::NONE => unlink_name(caller, arguments.int(0), arguments.pointer(1)),
        AtFlags::REMOVEDIR => remove_directory(caller, arguments.int(0), arguments.pointer(1)),
        _ => Err(Errno::EINVAL),
    }
}

pub(in crate::syscall) fn rmdir(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    remove_directory(caller, AT_FDCWD, arguments.pointer(0))
}

pub(in crate::syscall) fn rename(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let (old, new) = (arguments.pointer(0), arguments.pointer(1));
    rename_name(caller, (AT_FDCWD, old), (AT_FDCWD, new), RenameMode::Replace)
}

pub(in crate::syscall) fn renameat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let old = (arguments.int(0), arguments.pointer(1));
    let new = (arguments.int(2), arguments.pointer(3));
    rename_name(caller, old, new, RenameMode::Replace)
}

pub(in crate::syscall) fn renameat2(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let mode = match arguments.unsigned(4) {
        0 => RenameMode::Replace,
        NO_REPLACE => RenameMode::Keep,
        EXCHANGE => RenameMode::Exchange,
        _ => return Err(Errno::EINVAL),
    };
    let old = (arguments.int(0), arguments.pointer(1));
    let new = (arguments.int(2), arguments.pointer(3));
    rename_name(caller, old, new, mode)
}

fn unlink_name(caller: &Caller<'_>, directory: i32, path: UserPointer) -> Answer {
    let path = user::path(path)?;
    let now = fs::wall_time();
    let freed = at(caller, directory, &path, |tree, context| {
        let walked = walk(&*tree, context, &path, LastLink::Name)?;
        let LastName::Name(name) = walked.last else { return Err(FileError::IsADirectory) };
        let name = name_copy(name)?;
        let node = walked.node.ok_or(FileError::NotFound)?;
        if walked.wants_directory {
            let kind = vfs_core::FileTree::metadata(&*tree, &node)?.kind;
            let is_directory = kind == FileKind::Directory;
            return Err(if is_directory {
                FileError::IsADirectory
            } else {
                FileError::NotADirectory
            });
        }
        tree.check_uncovered(walked.directory, name.get())?;
        let (fs, parent) = tree.writable(walked.directory)?;
        fs.unlink(parent, name.get(), context.identity, now)
    })?;
    // Without the lock.
    drop(freed);
    Ok(0)
}

fn remove_directory(caller: &Caller<'_>, directory: i32, path: UserPointer) -> Answer {
    let path = user::path(path)?;
    let now = fs::wall_time();
    let freed = at(caller, directory, &path, |tree, context| {
        let walked = walk(&*tree, context, &path, LastLink::Name)?;
        let (directory, name, _) = walked.old_name(&*tree)?;
        let name = name_copy(name)?;
        tree.check_uncovered(directory, name.get())?;
        let (fs, parent) = tree.writable(directory)?;
        fs.remove_directory(parent, name.get(), context.identity, now)
    })?;
    drop(freed);
    Ok(0)
}

fn rename_name(
    caller: &Caller<'_>,
    old: (i32, UserPointer),
    new: (i32, UserPointer),
    mode: RenameMode,
) -> Answer {
    let old_path = user::path(old.1)?;
    let new_path = user::path(new.1)?;
    let now = fs::wall_time();
    // The directory that the new name is looked up from has to outlast the lock.
    let new_start = at(caller, new.0, &new_path, |tree, context| tree.hold(context.directory))?;
    let freed = at(caller, old.0, &old_path, |tree, context| {
        let from = walk(&*tree, context, &old_path, LastLink::Name)?;
        let there = vfs_core::WalkContext { directory: new_start.place(), ..context.clone() };
        let to = walk(&*tree, &there, &new_path, LastLink::Name)?;
        Tree::check_same_mount(from.directory, to.directory)?;
        let LastName::Name(from_name) = from.last else { return Err(FileError::Busy) };
        let to_name = match to.last {
            LastName::Name(name) => name,
            _ if mode == RenameMode::Keep => return Err(FileError::AlreadyExists),
            _ => return Err(FileError::Busy),
        };
        let moved = from.node.ok_or(FileError::NotFound)?;
        if mode == RenameMode::Keep && to.node.is_some() {
            return Err(FileError::AlreadyExists);
        }
        let kind = vfs_core::FileTree::metadata(&*tree, &moved)?.kind;
        let is_slashed = from.wants_directory || to.wants_directory;
        if kind != FileKind::Directory && is_slashed && mode != RenameMode::Exchange {
            return Err(FileError::NotADirectory);
        }
        let (from_name, to_name) = (name_copy(from_name)?, name_copy(to_name)?);
        let (from, to) = (from.directory, to.directory);
        tree.check_uncovered(from, from_name.get())?;
        tree.check_uncovered(to, to_name.get())?;
        let (_, to_directory) = tree.writable(to)?;
        let (fs, from_directory) = tree.writable(from)?;
        let from = (from_directory, from_name.get());
        fs.rename(from, (to_directory, to_name.get()), mode, context.identity, now)
    })?;
    drop(freed);
    Ok(0)
}

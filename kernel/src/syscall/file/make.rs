//! Making what has a name: directories, devices, pipes, links.

use linux_abi::file::{AT_FDCWD, AtFlags};
use linux_abi::{Arguments, Errno, UserPointer};
use process_core::Capability;
use vfs_core::{DeviceNumber, FileError, FileKind, FileTree, LastLink, NewNode, WalkContext, walk};

use super::errno;
use super::open::{Name, name_copy};
use super::place::{at, who};
use crate::fs::{self, Node, Place, Tree};
use crate::memory::is_short;
use crate::syscall::{Answer, Caller, user};

pub(in crate::syscall) fn mkdir(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    make_directory(caller, AT_FDCWD, arguments.pointer(0), arguments.unsigned(1))
}

pub(in crate::syscall) fn mkdirat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    make_directory(caller, arguments.int(0), arguments.pointer(1), arguments.unsigned(2))
}

pub(in crate::syscall) fn mknod(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let device = arguments.unsigned(2);
    make_node(caller, AT_FDCWD, arguments.pointer(0), arguments.unsigned(1), device)
}

pub(in crate::syscall) fn mknodat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let (mode, device) = (arguments.unsigned(2), arguments.unsigned(3));
    make_node(caller, arguments.int(0), arguments.pointer(1), mode, device)
}

pub(in crate::syscall) fn symlink(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    make_symbolic_link(caller, arguments.pointer(0), AT_FDCWD, arguments.pointer(1))
}

pub(in crate::syscall) fn symlinkat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    make_symbolic_link(caller, arguments.pointer(0), arguments.int(1), arguments.pointer(2))
}

pub(in crate::syscall) fn link(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let (old, new) = (arguments.pointer(0), arguments.pointer(1));
    make_link(caller, (AT_FDCWD, old), (AT_FDCWD, new), AtFlags::NONE)
}

pub(in crate::syscall) fn linkat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let flags = AtFlags::from_bits(arguments.unsigned(4)).ok_or(Errno::EINVAL)?;
    if !(AtFlags::SYMLINK_FOLLOW | AtFlags::EMPTY_PATH).contains(flags) {
        return Err(Errno::EINVAL);
    }
    let old = (arguments.int(0), arguments.pointer(1));
    let new = (arguments.int(2), arguments.pointer(3));
    make_link(caller, old, new, flags)
}

/// The bits of a mode that are no kind, less the caller's umask.
fn permissions(caller: &Caller<'_>, mode: u32) -> u16 {
    let mode = u16::try_from(mode & 0o7777).unwrap_or(0);
    mode & !caller.process.standpoint().mask()
}

/// Where something is to be made, and under which name.
fn new_name(
    tree: &Tree,
    context: &WalkContext<'_, Place>,
    path: &[u8],
    kind: FileKind,
) -> Result<(Place, Name), FileError> {
    if is_short() {
        return Err(FileError::NoSpace);
    }
    let (directory, name) = walk(tree, context, path, LastLink::Name)?.new_name(kind)?;
    Ok((directory, name_copy(name)?))
}

fn make(
    caller: &Caller<'_>,
    directory: i32,
    path: &[u8],
    permissions: u16,
    kind: FileKind,
    new: NewNode<'_>,
) -> Answer {
    let now = fs::wall_time();
    at(caller, directory, path, |tree, context| {
        let (directory, name) = new_name(tree, context, path, kind)?;
        let (fs, inode) = tree.fillable(directory)?;
        fs.create(inode, name.get(), new, permissions, context.identity, now)
    })?;
    Ok(0)
}

fn make_directory(caller: &Caller<'_>, directory: i32, path: UserPointer, mode: u32) -> Answer {
    let path = user::path(path)?;
    // Set-id bits of a directory come from its parent.
    let permissions = permissions(caller, mode & 0o1777);
    make(caller, directory, &path, permissions, FileKind::Directory, NewNode::Directory)
}

fn make_node(
    caller: &Caller<'_>,
    directory: i32,
    path: UserPointer,
    mode: u32,
    device: u32,
) -> Answer {
    // Linux's `new_decode_dev`.
    let number =
        DeviceNumber { major: device >> 8 & 0xfff, minor: device & 0xff | device >> 12 & 0xf_ff00 };
    // No kind stands for a regular file.
    let kind =
        if mode & 0o170_000 == 0 { Some(FileKind::Regular) } else { FileKind::from_mode(mode) };
    let new = match kind.ok_or(Errno::EINVAL)? {
        FileKind::Regular => NewNode::Regular(&[]),
        FileKind::Fifo => NewNode::Fifo,
        FileKind::Socket => NewNode::Socket,
        FileKind::CharacterDevice => NewNode::CharacterDevice(number),
        FileKind::BlockDevice => NewNode::BlockDevice(number),
        FileKind::Directory => return Err(Errno::EPERM),
        FileKind::SymbolicLink => return Err(Errno::EINVAL),
    };
    let path = user::path(path)?;
    if matches!(new, NewNode::CharacterDevice(_) | NewNode::BlockDevice(_)) {
        who(caller)?.check(Capability::Mknod).map_err(errno)?;
    }
    make(caller, directory, &path, permissions(caller, mode), FileKind::Regular, new)
}

fn make_symbolic_link(
    caller: &Caller<'_>,
    target: UserPointer,
    directory: i32,
    path: UserPointer,
) -> Answer {
    let target = user::path(target)?;
    if target.is_empty() {
        return Err(Errno::ENOENT);
    }
    let path = user::path(path)?;
    let new = NewNode::SymbolicLink(&target);
    make(caller, directory, &path, 0o777, FileKind::SymbolicLink, new)
}

fn make_link(
    caller: &Caller<'_>,
    old: (i32, UserPointer),
    new: (i32, UserPointer),
    flags: AtFlags,
) -> Answer {
    let old_path = user::path(old.1)?;
    let new_path = user::path(new.1)?;
    let last =
        if flags.contains(AtFlags::SYMLINK_FOLLOW) { LastLink::Follow } else { LastLink::Keep };
    let held = at(caller, old.0, &old_path, |tree, context| {
        let file = if old_path.is_empty() && flags.contains(AtFlags::EMPTY_PATH) {
            context.directory
        } else {
            walk(&*tree, context, &old_path, last)?.existing(&*tree)?
        };
        tree.hold(file)
    })?;
    let now = fs::wall_time();
    at(caller, new.0, &new_path, |tree, context| {
        let file = held.place();
        let (directory, name) = new_name(tree, context, &new_path, FileKind::Regular)?;
        Tree::check_same_mount(directory, file)?;
        let Node::Memory(inode) = file.node else { return Err(FileError::NotPermitted) };
        let kind = FileTree::metadata(&*tree, &file)?.kind;
        if kind == FileKind::Directory {
            return Err(FileError::NotPermitted);
        }
        let (fs, parent) = tree.writable(directory)?;
        fs.link(parent, name.get(), inode, context.identity, now)
    })?;
    Ok(0)
}

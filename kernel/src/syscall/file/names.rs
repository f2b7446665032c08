//! Calls that go by a file's name: opening, links, directories.

use alloc::sync::Arc;

use linux_abi::file::{AT_FDCWD, AccessMode, Open, OpenFlags};
use linux_abi::layout::{DirectoryEntries, EntryKind};
use linux_abi::{Arguments, Errno, UserPointer};
use vfs_core::{
    Access, FileKind, FileTree, Identity, InodeId, LastLink, LinkTarget, NewNode, OpenPlan, TmpFs,
    WalkContext, plan_open, walk,
};

use super::descriptors::insert;
use super::{errno, file};
use crate::fs::{self, OpenFile};
use crate::process;
use crate::syscall::process::errno as process_errno;
use crate::syscall::{Answer, Caller, user};

/// Looks at the file system from the caller's point of view.
pub(super) fn at_directory<R>(
    caller: &Caller<'_>,
    directory: i32,
    path: &[u8],
    f: impl FnOnce(&mut TmpFs<fs::FramePage>, &WalkContext<'_, InodeId>) -> Result<R, Errno>,
) -> Result<R, Errno> {
    let start = if path.first() == Some(&b'/') {
        None
    } else if directory == AT_FDCWD {
        let path =
            process::working_directory_of(caller.process.pid()).map_err(|e| process_errno(&e))?;
        Some(StartAt::Path(path))
    } else {
        Some(StartAt::Directory(file(caller, directory)?.directory().ok_or(Errno::ENOTDIR)?))
    };
    let credentials =
        process::credentials_of(caller.process.pid()).map_err(|e| process_errno(&e))?;
    let is_root = credentials.effective_uid.0 == 0;
    let identity = Identity {
        uid: credentials.effective_uid.0,
        gid: credentials.effective_gid.0,
        groups: &[],
        overrides_permissions: is_root,
        overrides_reading: is_root,
        owns_all: is_root,
        can_give_away: is_root,
    };
    let mut tree = fs::root().lock();
    let root = tree.root();
    let mut context = WalkContext { root, directory: root, identity: &identity };
    match start {
        None => {}
        Some(StartAt::Directory(inode)) => context.directory = inode,
        Some(StartAt::Path(path)) => {
            let walked = walk(&*tree, &context, path.as_bytes(), LastLink::Follow);
            context.directory = walked.and_then(|it| it.existing(&*tree)).map_err(errno)?;
        }
    }
    f(&mut tree, &context)
}

enum StartAt {
    Path(Arc<str>),
    Directory(InodeId),
}

pub(in crate::syscall) fn open(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    open_file(caller, &Open::decode_open(arguments)?)
}

pub(in crate::syscall) fn openat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    open_file(caller, &Open::decode_openat(arguments)?)
}

pub(in crate::syscall) fn creat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    open_file(caller, &Open::decode_creat(arguments))
}

fn open_file(caller: &mut Caller<'_>, request: &Open) -> Answer {
    let path = user::path(request.path)?;
    let access_bits = match request.access {
        AccessMode::ReadOnly => 0,
        AccessMode::WriteOnly => 1,
        AccessMode::ReadWrite => 2,
    };
    let flags =
        vfs_core::OpenFlags::from_bits(request.flags.bits() | access_bits).map_err(errno)?;
    let now = fs::wall_time();
    let inode = at_directory(caller, request.directory, &path, |tree, context| {
        let plan = plan_open(&*tree, context, &path, flags).map_err(errno)?;
        match plan {
            OpenPlan::Existing { node, truncates } => {
                if truncates {
                    tree.truncate(node, 0, now).map_err(errno)?;
                }
                Ok(node)
            }
            OpenPlan::Create { directory, name } => {
                let name = name.to_vec();
                let permissions = request.mode & !0o022;
                tree.create(
                    directory,
                    &name,
                    NewNode::Regular(&[]),
                    permissions,
                    context.identity,
                    now,
                )
                .map_err(errno)
            }
        }
    })?;
    let file = OpenFile::open(inode, request.access, request.flags).map_err(errno)?;
    insert(caller, Arc::new(file), request.flags.contains(OpenFlags::CLOEXEC))
}

pub(in crate::syscall) fn readlink(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    read_link(caller, AT_FDCWD, arguments.pointer(0), arguments.pointer(1), arguments.long(2))
}

pub(in crate::syscall) fn readlinkat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let (path, to) = (arguments.pointer(1), arguments.pointer(2));
    read_link(caller, arguments.int(0), path, to, arguments.long(3))
}

fn read_link(
    caller: &Caller<'_>,
    directory: i32,
    path: UserPointer,
    to: UserPointer,
    length: i64,
) -> Answer {
    let length = usize::try_from(length).ok().filter(|length| *length > 0).ok_or(Errno::EINVAL)?;
    let path = user::path(path)?;
    let target = at_directory(caller, directory, &path, |tree, context| {
        let node = walk(&*tree, context, &path, LastLink::Keep)
            .and_then(|walked| walked.existing(&*tree))
            .map_err(errno)?;
        if tree.metadata(node).map_err(errno)?.kind != FileKind::SymbolicLink {
            return Err(Errno::EINVAL);
        }
        match FileTree::link_target(&*tree, &node).map_err(errno)? {
            LinkTarget::Path(path) => Ok(path.to_vec()),
            LinkTarget::Node(_) => Err(Errno::EINVAL),
        }
    })?;
    let count = target.len().min(length);
    user::write(to, &target[..count])?;
    Ok(count as u64)
}

pub(in crate::syscall) fn getdents(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    let directory = file.directory().ok_or(Errno::ENOTDIR)?;
    let length = usize::try_from(arguments.unsigned(2)).map_err(|_| Errno::EINVAL)?;
    let mut buffer = user::buffer(length)?;
    let written = {
        let mut offset = file.offset()?;
        let tree = fs::root().lock();
        let mut list = DirectoryEntries::new(&mut buffer);
        let mut is_full = false;
        for entry in tree.entries(directory, *offset).map_err(errno)? {
            let kind = EntryKind::from_mode(entry.kind.mode_bits());
            if list.push(entry.inode, entry.place.cast_signed(), kind, entry.name).is_err() {
                is_full = true;
                break;
            }
            *offset = entry.place;
        }
        if is_full && list.written_bytes() == 0 {
            return Err(Errno::EINVAL);
        }
        list.written_bytes()
    };
    user::write(arguments.pointer(1), &buffer[..written])?;
    Ok(written as u64)
}

pub(in crate::syscall) fn getcwd(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let path =
        process::working_directory_of(caller.process.pid()).map_err(|e| process_errno(&e))?;
    let needed = path.len() + 1;
    if arguments.word(1) < needed as u64 {
        return Err(Errno::ERANGE);
    }
    let mut bytes = path.as_bytes().to_vec();
    bytes.push(0);
    user::write(arguments.pointer(0), &bytes)?;
    Ok(needed as u64)
}

pub(in crate::syscall) fn chdir(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let path = user::path(arguments.pointer(0))?;
    let canonical = at_directory(caller, AT_FDCWD, &path, |tree, context| {
        let node = walk(&*tree, context, &path, LastLink::Follow)
            .and_then(|walked| walked.existing(&*tree))
            .map_err(errno)?;
        let metadata = tree.metadata(node).map_err(errno)?;
        if metadata.kind != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
        context.identity.check(&metadata, Access::EXECUTE).map_err(errno)?;
        tree.path_of(context.root, node).map_err(errno)
    })?;
    let text = alloc::string::String::from_utf8_lossy(&canonical);
    process::set_working_directory(caller.process.pid(), Arc::from(text.as_ref()))
        .map_err(|e| process_errno(&e))?;
    Ok(0)
}

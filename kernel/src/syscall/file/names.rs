//! Where names lead: links, directories' contents, the caller's own place.

use alloc::sync::Arc;

use linux_abi::file::AT_FDCWD;
use linux_abi::layout::{DirectoryEntries, EntryKind};
use linux_abi::{Arguments, Errno, UserPointer};
use process_core::Capability;
use vfs_core::{Access, FileError, FileEvents, FileKind, FileTree, LastLink, WalkContext, walk};

use super::place::{at, who};
use super::{errno, file};
use crate::fs::{self, Held, Place, Tree};
use crate::process;
use crate::syscall::process::errno as process_errno;
use crate::syscall::{Answer, Caller, user};

pub(in crate::syscall) fn readlink(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    read_link(caller, AT_FDCWD, arguments.pointer(0), arguments.pointer(1), arguments.int(2))
}

pub(in crate::syscall) fn readlinkat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let (path, to) = (arguments.pointer(1), arguments.pointer(2));
    read_link(caller, arguments.int(0), path, to, arguments.int(3))
}

fn read_link(
    caller: &Caller<'_>,
    directory: i32,
    path: UserPointer,
    to: UserPointer,
    length: i32,
) -> Answer {
    let length = usize::try_from(length).ok().filter(|length| *length > 0).ok_or(Errno::EINVAL)?;
    let path = user::path(path)?;
    let target = at(caller, directory, &path, |tree, context| {
        // An empty path stands for a link that was opened by itself.
        let place = if path.is_empty() && directory != AT_FDCWD {
            context.directory
        } else {
            walk(&*tree, context, &path, LastLink::Keep)?.existing(&*tree)?
        };
        if FileTree::metadata(&*tree, &place)?.kind != FileKind::SymbolicLink {
            let is_named = !path.is_empty();
            return Err(if is_named { FileError::InvalidValue } else { FileError::NotFound });
        }
        tree.read_link(context.root, place)
    })?;
    let count = target.len().min(length);
    user::write(to, &target[..count])?;
    Ok(count as u64)
}

pub(in crate::syscall) fn getdents(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    list(caller, arguments, |buffer| DirectoryEntries::old(buffer))
}

pub(in crate::syscall) fn getdents64(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    list(caller, arguments, |buffer| DirectoryEntries::new(buffer))
}

fn list(
    caller: &Caller<'_>,
    arguments: &Arguments,
    entries: for<'a> fn(&'a mut [u8]) -> DirectoryEntries<'a>,
) -> Answer {
    let file = file(caller, arguments.int(0))?;
    if file.is_path_only() {
        return Err(Errno::EBADF);
    }
    let place = file.held().ok_or(Errno::ENOTDIR)?.place();
    let length = usize::try_from(arguments.unsigned(2)).map_err(|_| Errno::EINVAL)?;
    let mut buffer = user::buffer(length)?;
    let written = {
        if file.metadata()?.kind != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
        let mut offset = file.offset()?;
        let mut list = entries(&mut buffer);
        let is_full = fs::list(place, &mut offset, &mut |entry| {
            let kind = EntryKind::from_mode(entry.kind.mode_bits());
            list.push(entry.inode, entry.place.cast_signed(), kind, entry.name).is_ok()
        })
        .map_err(errno)?;
        if is_full && list.written_bytes() == 0 {
            return Err(Errno::EINVAL);
        }
        list.written_bytes()
    };
    file.tell(FileEvents::ACCESS);
    user::write(arguments.pointer(1), &buffer[..written])?;
    Ok(written as u64)
}

pub(in crate::syscall) fn getcwd(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let directory = caller.process.standpoint().directory();
    let root = caller.process.standpoint().root();
    let path = {
        let tree = fs::tree().lock();
        tree.path_of(root.place(), directory.place())
    };
    let mut bytes = match path {
        Ok(path) => path,
        // Removed: no path leads there. Outside the root: one that cannot be used.
        Err(FileError::NotFound) => {
            let tree = fs::tree().lock();
            let top = tree.root().map_err(errno)?;
            let mut path = tree.path_of(top, directory.place()).map_err(errno)?;
            path.splice(0..0, *b"(unreachable)");
            path
        }
        Err(error) => return Err(errno(error)),
    };
    bytes.push(0);
    if arguments.word(1) < bytes.len() as u64 {
        return Err(Errno::ERANGE);
    }
    user::write(arguments.pointer(0), &bytes)?;
    Ok(bytes.len() as u64)
}

/// A directory that the caller may enter.
fn enterable(
    tree: &mut Tree,
    context: &WalkContext<'_, Place>,
    place: Place,
) -> Result<Held, FileError> {
    let metadata = FileTree::metadata(&*tree, &place)?;
    if metadata.kind != FileKind::Directory {
        return Err(FileError::NotADirectory);
    }
    context.identity.check(&metadata, Access::EXECUTE)?;
    tree.hold(place)
}

pub(in crate::syscall) fn chdir(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let path = user::path(arguments.pointer(0))?;
    let directory = at(caller, AT_FDCWD, &path, |tree, context| {
        let place = walk(&*tree, context, &path, LastLink::Follow)?.existing(&*tree)?;
        enterable(tree, context, place)
    })?;
    go_to(caller, directory)
}

pub(in crate::syscall) fn fchdir(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    // An open directory may be entered even if it was opened for its place only.
    let open = file(caller, arguments.int(0))?;
    let place = open.held().ok_or(Errno::ENOTDIR)?.place();
    let directory = at(caller, AT_FDCWD, b"", |tree, context| enterable(tree, context, place))?;
    go_to(caller, directory)
}

fn go_to(caller: &Caller<'_>, directory: Held) -> Answer {
    // What operators see: the path as it is now, from the root of all.
    let path = {
        let tree = fs::tree().lock();
        tree.root().and_then(|root| tree.path_of(root, directory.place()))
    };
    if let Ok(path) = path {
        let text = alloc::string::String::from_utf8_lossy(&path);
        process::set_working_directory(caller.process.pid(), Arc::from(text.as_ref()))
            .map_err(|e| process_errno(&e))?;
    }
    caller.process.standpoint().set_directory(Arc::new(directory));
    Ok(0)
}

pub(in crate::syscall) fn chroot(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let path = user::path(arguments.pointer(0))?;
    let root = at(caller, AT_FDCWD, &path, |tree, context| {
        let place = walk(&*tree, context, &path, LastLink::Follow)?.existing(&*tree)?;
        let top = tree.root()?;
        Ok((enterable(tree, context, place)?, tree.path_text(top, place)))
    })?;
    let (root, path) = root;
    who(caller)?.check(Capability::SysChroot).map_err(errno)?;
    caller.process.standpoint().set_root(Arc::new(root));
    let path = Arc::from(alloc::string::String::from_utf8_lossy(&path).as_ref());
    process::set_root_directory(caller.process.pid(), path).map_err(|e| process_errno(&e))?;
    Ok(0)
}

pub(in crate::syscall) fn umask(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let mask = u16::try_from(arguments.unsigned(0) & 0o777).unwrap_or(0);
    Ok(u64::from(caller.process.standpoint().set_mask(mask)))
}

/// Extended attributes: no file system here has any.
pub(in crate::syscall) fn xattr(
    caller: &Caller<'_>,
    arguments: &Arguments,
    last: LastLink,
) -> Answer {
    let path = user::path(arguments.pointer(0))?;
    at(caller, AT_FDCWD, &path, |tree, context| {
        walk(&*tree, context, &path, last)?.existing(&*tree).map(drop)
    })?;
    Err(Errno::EOPNOTSUPP)
}

/// As [`xattr`], for an open file.
pub(in crate::syscall) fn fxattr(caller: &Caller<'_>, arguments: &Arguments) -> Answer {
    let open = file(caller, arguments.int(0))?;
    if open.is_path_only() { Err(Errno::EBADF) } else { Err(Errno::EOPNOTSUPP) }
}

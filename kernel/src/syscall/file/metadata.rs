//! What is known about a file, and what the caller may do with it.

use linux_abi::file::{AT_FDCWD, AtFlags};
use linux_abi::layout::{Stat, Timespec};
use linux_abi::{Arguments, Errno, UserPointer};
use vfs_core::{Access, LastLink, Metadata, WallTime, walk};

use super::names::at_directory;
use super::{errno, file};
use crate::syscall::{Answer, Caller, user};

fn put_stat(metadata: &Metadata, to: UserPointer) -> Answer {
    let time = |at: WallTime| Timespec::from_nanoseconds(at.nanoseconds);
    let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let stat = Stat {
        device: 1,
        inode: metadata.inode,
        links: u64::from(metadata.links),
        mode: metadata.mode(),
        uid: metadata.owner.uid,
        gid: metadata.owner.gid,
        represented_device: metadata
            .device
            .map_or(0, |device| u64::from(device.major) << 8 | u64::from(device.minor)),
        size: signed(metadata.size),
        block_size: 4096,
        blocks: signed(metadata.allocated_bytes.div_ceil(512)),
        accessed: time(metadata.accessed),
        modified: time(metadata.modified),
        changed: time(metadata.changed),
        ..Stat::zeroed()
    };
    user::write(to, &stat.to_bytes())?;
    Ok(0)
}

fn lookup(
    caller: &Caller<'_>,
    directory: i32,
    path: &[u8],
    last: LastLink,
) -> Result<Metadata, Errno> {
    at_directory(caller, directory, path, |tree, context| {
        let node = walk(&*tree, context, path, last).and_then(|it| it.existing(&*tree));
        tree.metadata(node.map_err(errno)?).map_err(errno)
    })
}

pub(in crate::syscall) fn stat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let path = user::path(arguments.pointer(0))?;
    let metadata = lookup(caller, AT_FDCWD, &path, LastLink::Follow)?;
    put_stat(&metadata, arguments.pointer(1))
}

pub(in crate::syscall) fn lstat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let path = user::path(arguments.pointer(0))?;
    let metadata = lookup(caller, AT_FDCWD, &path, LastLink::Keep)?;
    put_stat(&metadata, arguments.pointer(1))
}

pub(in crate::syscall) fn fstat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    put_stat(&file(caller, arguments.int(0))?.metadata()?, arguments.pointer(1))
}

pub(in crate::syscall) fn fstatat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let flags = AtFlags::from_bits(arguments.unsigned(3)).ok_or(Errno::EINVAL)?;
    let path = user::path(arguments.pointer(1))?;
    if path.is_empty() && flags.contains(AtFlags::EMPTY_PATH) && arguments.int(0) != AT_FDCWD {
        return put_stat(&file(caller, arguments.int(0))?.metadata()?, arguments.pointer(2));
    }
    let last =
        if flags.contains(AtFlags::SYMLINK_NOFOLLOW) { LastLink::Keep } else { LastLink::Follow };
    let metadata = lookup(caller, arguments.int(0), &path, last)?;
    put_stat(&metadata, arguments.pointer(2))
}

pub(in crate::syscall) fn access(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    check_access(caller, AT_FDCWD, arguments.pointer(0), arguments.unsigned(1))
}

pub(in crate::syscall) fn faccessat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    check_access(caller, arguments.int(0), arguments.pointer(1), arguments.unsigned(2))
}

fn check_access(caller: &Caller<'_>, directory: i32, path: UserPointer, mode: u32) -> Answer {
    let mut wanted = Access::EXISTS;
    for (bit, access) in [(1, Access::EXECUTE), (2, Access::WRITE), (4, Access::READ)] {
        if mode & bit != 0 {
            wanted = wanted.and(access);
        }
    }
    if mode & !7 != 0 {
        return Err(Errno::EINVAL);
    }
    let path = user::path(path)?;
    at_directory(caller, directory, &path, |tree, context| {
        let node = walk(&*tree, context, &path, LastLink::Follow)
            .and_then(|walked| walked.existing(&*tree))
            .map_err(errno)?;
        let metadata = tree.metadata(node).map_err(errno)?;
        context.identity.check(&metadata, wanted).map_err(errno)?;
        Ok(0)
    })
}

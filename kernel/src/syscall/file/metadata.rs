//! What is known about a file and its file system, and what the caller may do with it.

use linux_abi::file::{AT_FDCWD, AtFlags};
use linux_abi::layout::{Stat, StatFs, Statx, StatxTime, Timespec};
use linux_abi::{Arguments, Errno, UserPointer};
use vfs_core::{Access, DeviceNumber, FileKind, FileTree, LastLink, Metadata, NAME_MAX, WallTime};

use super::place::{at_as, at_file, last_link};
use super::{errno, file};
use crate::fs::{Fullness, Who};
use crate::process;
use crate::syscall::process::errno as process_errno;
use crate::syscall::{Answer, Caller, user};

const BLOCK_BYTES: u64 = 4096;
/// `faccessat2`: by the effective ids.
const EACCESS: u32 = 0x200;
/// `statx`: how fresh the answer has to be; all are.
const SYNC_BITS: u32 = 0x6000;

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A device's number as `st_rdev` has it: Linux's `new_encode_dev`.
fn encoded(device: Option<DeviceNumber>) -> u64 {
    let Some(DeviceNumber { major, minor }) = device else { return 0 };
    let (major, minor) = (u64::from(major), u64::from(minor));
    minor & 0xff | major << 8 | (minor & !0xff) << 12
}

fn put_stat(metadata: &Metadata, to: UserPointer) -> Answer {
    let time = |at: WallTime| Timespec::from_nanoseconds(at.nanoseconds);
    let stat = Stat {
        device: u64::from(metadata.system),
        inode: metadata.inode,
        links: u64::from(metadata.links),
        mode: metadata.mode(),
        uid: metadata.owner.uid,
        gid: metadata.owner.gid,
        represented_device: encoded(metadata.device),
        size: signed(metadata.size),
        block_size: signed(BLOCK_BYTES),
        blocks: signed(metadata.allocated_bytes.div_ceil(512)),
        accessed: time(metadata.accessed),
        modified: time(metadata.modified),
        changed: time(metadata.changed),
        ..Stat::zeroed()
    };
    user::write(to, &stat.to_bytes())?;
    Ok(0)
}

/// What is known about the file that a `*at` call names.
fn look(
    caller: &Caller<'_>,
    directory: i32,
    path: &[u8],
    flags: AtFlags,
) -> Result<Metadata, Errno> {
    if path.is_empty() && flags.contains(AtFlags::EMPTY_PATH) && directory != AT_FDCWD {
        return file(caller, directory)?.metadata();
    }
    at_file(caller, directory, path, flags, last_link(flags), |tree, _, place| {
        FileTree::metadata(tree, &place)
    })
}

pub(in crate::syscall) fn stat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let path = user::path(arguments.pointer(0))?;
    put_stat(&look(caller, AT_FDCWD, &path, AtFlags::NONE)?, arguments.pointer(1))
}

pub(in crate::syscall) fn lstat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let path = user::path(arguments.pointer(0))?;
    let metadata = look(caller, AT_FDCWD, &path, AtFlags::SYMLINK_NOFOLLOW)?;
    put_stat(&metadata, arguments.pointer(1))
}

pub(in crate::syscall) fn fstat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    put_stat(&file(caller, arguments.int(0))?.metadata()?, arguments.pointer(1))
}

pub(in crate::syscall) fn fstatat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let flags = stat_flags(arguments.unsigned(3))?;
    let path = user::path(arguments.pointer(1))?;
    put_stat(&look(caller, arguments.int(0), &path, flags)?, arguments.pointer(2))
}

fn stat_flags(bits: u32) -> Result<AtFlags, Errno> {
    let flags = AtFlags::from_bits(bits).ok_or(Errno::EINVAL)?;
    let known = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT | AtFlags::EMPTY_PATH;
    if known.contains(flags) { Ok(flags) } else { Err(Errno::EINVAL) }
}

pub(in crate::syscall) fn statx(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let bits = arguments.unsigned(2);
    let mask = arguments.unsigned(3);
    if bits & SYNC_BITS == SYNC_BITS || mask & Statx::RESERVED != 0 {
        return Err(Errno::EINVAL);
    }
    let flags = stat_flags(bits & !SYNC_BITS)?;
    // Since Linux 6.11 no path is as good as an empty one.
    let path = match arguments.pointer(1).non_null() {
        None if flags.contains(AtFlags::EMPTY_PATH) => alloc::vec::Vec::new(),
        _ => user::path(arguments.pointer(1))?,
    };
    let metadata = look(caller, arguments.int(0), &path, flags)?;
    let time = |at: WallTime| {
        let time = Timespec::from_nanoseconds(at.nanoseconds);
        StatxTime {
            seconds: time.seconds,
            nanoseconds: u32::try_from(time.nanoseconds).unwrap_or(0),
            reserved: 0,
        }
    };
    let device = metadata.device.unwrap_or(DeviceNumber { major: 0, minor: 0 });
    let statx = Statx {
        mask: Statx::BASIC,
        block_size: 4096,
        links: metadata.links,
        uid: metadata.owner.uid,
        gid: metadata.owner.gid,
        mode: u16::try_from(metadata.mode()).unwrap_or(0),
        inode: metadata.inode,
        size: metadata.size,
        blocks: metadata.allocated_bytes.div_ceil(512),
        accessed: time(metadata.accessed),
        changed: time(metadata.changed),
        modified: time(metadata.modified),
        represented_major: device.major,
        represented_minor: device.minor,
        device_minor: metadata.system,
        ..Statx::zeroed()
    };
    user::write(arguments.pointer(4), &statx.to_bytes())?;
    Ok(0)
}

pub(in crate::syscall) fn access(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    check_access(caller, AT_FDCWD, arguments.pointer(0), arguments.unsigned(1), 0)
}

pub(in crate::syscall) fn faccessat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    check_access(caller, arguments.int(0), arguments.pointer(1), arguments.unsigned(2), 0)
}

pub(in crate::syscall) fn faccessat2(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let (mode, flags) = (arguments.unsigned(2), arguments.unsigned(3));
    check_access(caller, arguments.int(0), arguments.pointer(1), mode, flags)
}

fn check_access(
    caller: &Caller<'_>,
    directory: i32,
    path: UserPointer,
    mode: u32,
    bits: u32,
) -> Answer {
    let mut wanted = Access::EXISTS;
    for (bit, access) in [(1, Access::EXECUTE), (2, Access::WRITE), (4, Access::READ)] {
        if mode & bit != 0 {
            wanted = wanted.and(access);
        }
    }
    if mode & !7 != 0 {
        return Err(Errno::EINVAL);
    }
    let flags = AtFlags::from_bits(bits & !EACCESS).ok_or(Errno::EINVAL)?;
    if !(AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH).contains(flags) {
        return Err(Errno::EINVAL);
    }
    let path = user::path(path)?;
    let credentials =
        process::credentials_of(caller.process.pid()).map_err(|e| process_errno(&e))?;
    let who =
        if bits & EACCESS != 0 { Who::effective(&credentials) } else { Who::real(&credentials) };
    let who = who.map_err(errno)?;
    at_as(caller, &who, directory, &path, |tree, context| {
        let place = if path.is_empty() && flags.contains(AtFlags::EMPTY_PATH) {
            context.directory
        } else {
            vfs_core::walk(&*tree, context, &path, last_link(flags))?.existing(&*tree)?
        };
        let metadata = FileTree::metadata(&*tree, &place)?;
        let is_stored = matches!(
            metadata.kind,
            FileKind::Regular | FileKind::Directory | FileKind::SymbolicLink
        );
        if mode & 2 != 0 && is_stored {
            tree.check_writable(place)?;
        }
        context.identity.check(&metadata, wanted)
    })?;
    Ok(0)
}

pub(in crate::syscall) fn statfs(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let path = user::path(arguments.pointer(0))?;
    let (flags, last) = (AtFlags::NONE, LastLink::Follow);
    let fullness =
        at_file(caller, AT_FDCWD, &path, flags, last, |tree, _, place| tree.fullness(place))?;
    put_statfs(&fullness, arguments.pointer(1))
}

pub(in crate::syscall) fn fstatfs(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let open = file(caller, arguments.int(0))?;
    // Pipes and sockets are on a file system of their own on Linux, which nobody asks about.
    let place = open.held().ok_or(Errno::ENOSYS)?.place();
    let fullness = crate::fs::tree().lock().fullness(place).map_err(errno)?;
    put_statfs(&fullness, arguments.pointer(1))
}

fn put_statfs(fullness: &Fullness, to: UserPointer) -> Answer {
    /// The flags are valid.
    const VALID: i64 = 0x20;
    let free = fullness.limit_bytes.saturating_sub(fullness.used_bytes) / BLOCK_BYTES;
    let has_limit = fullness.limit_bytes != 0;
    let statfs = StatFs {
        kind: fullness.kind.magic(),
        block_size: signed(BLOCK_BYTES),
        blocks: fullness.limit_bytes / BLOCK_BYTES,
        free_blocks: free,
        available_blocks: free,
        // Each file takes at least some memory, so that there are at most so many.
        inodes: if has_limit { fullness.inodes + free } else { 0 },
        free_inodes: if has_limit { free } else { 0 },
        id: [i32::try_from(fullness.system).unwrap_or(0), 0],
        name_length: i64::try_from(NAME_MAX).unwrap_or(255),
        fragment_size: signed(BLOCK_BYTES),
        flags: i64::from(fullness.flags.bits()) | VALID,
        ..StatFs::zeroed()
    };
    user::write(to, &statfs.to_bytes())?;
    Ok(0)
}

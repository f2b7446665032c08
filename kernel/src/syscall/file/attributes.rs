//! Changing what is known about a file: permissions, owner, times.

use linux_abi::file::{AT_FDCWD, AtFlags};
use linux_abi::layout::{Timespec, Timeval};
use linux_abi::{Arguments, Errno, UserPointer};
use vfs_core::{Access, FileError, FileKind, FileTree, Identity, LastLink, WallTime};

use super::place::{at_file, at_open, last_link};
use crate::fs::{self, Place, Tree};
use crate::syscall::{Answer, Caller, user};

/// `tv_nsec` for "now" and "as it is".
const UTIME_NOW: i64 = (1 << 30) - 1;
const UTIME_OMIT: i64 = (1 << 30) - 2;

pub(in crate::syscall) fn chmod(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    change_mode(caller, AT_FDCWD, arguments.pointer(0), arguments.unsigned(1), AtFlags::NONE)
}

pub(in crate::syscall) fn fchmodat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let (path, mode) = (arguments.pointer(1), arguments.unsigned(2));
    change_mode(caller, arguments.int(0), path, mode, AtFlags::NONE)
}

pub(in crate::syscall) fn fchmodat2(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let flags = follow_flags(arguments.unsigned(3))?;
    let (path, mode) = (arguments.pointer(1), arguments.unsigned(2));
    change_mode(caller, arguments.int(0), path, mode, flags)
}

pub(in crate::syscall) fn fchmod(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let mode = arguments.unsigned(1);
    at_open(caller, arguments.int(0), Errno::EPERM, |tree, who, place| {
        set_mode(tree, place, mode, &who.identity())
    })?;
    Ok(0)
}

pub(in crate::syscall) fn chown(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let owner = (arguments.unsigned(1), arguments.unsigned(2));
    change_owner(caller, AT_FDCWD, arguments.pointer(0), owner, AtFlags::NONE)
}

pub(in crate::syscall) fn lchown(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let owner = (arguments.unsigned(1), arguments.unsigned(2));
    change_owner(caller, AT_FDCWD, arguments.pointer(0), owner, AtFlags::SYMLINK_NOFOLLOW)
}

pub(in crate::syscall) fn fchownat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let flags = follow_flags(arguments.unsigned(4))?;
    let owner = (arguments.unsigned(2), arguments.unsigned(3));
    change_owner(caller, arguments.int(0), arguments.pointer(1), owner, flags)
}

pub(in crate::syscall) fn fchown(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let owner = (arguments.unsigned(1), arguments.unsigned(2));
    at_open(caller, arguments.int(0), Errno::EPERM, |tree, who, place| {
        set_owner(tree, place, owner, &who.identity())
    })?;
    Ok(0)
}

pub(in crate::syscall) fn utimensat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let flags = follow_flags(arguments.unsigned(3))?;
    let times = match arguments.pointer(2).non_null() {
        None => Times::NOW,
        Some(at) => {
            let bytes: [u8; 2 * Timespec::BYTES] = user::read(at)?;
            let part = |index: usize| {
                let mut one = [0; Timespec::BYTES];
                let start = index * Timespec::BYTES;
                one.copy_from_slice(&bytes[start..start + Timespec::BYTES]);
                Time::from_timespec(Timespec::from_bytes(&one))
            };
            Times { accessed: part(0)?, modified: part(1)? }
        }
    };
    if times.accessed == Time::Kept && times.modified == Time::Kept {
        return Ok(0);
    }
    let Some(path) = arguments.pointer(1).non_null() else {
        if flags != AtFlags::NONE || arguments.int(0) == AT_FDCWD {
            return Err(if flags == AtFlags::NONE { Errno::EFAULT } else { Errno::EINVAL });
        }
        at_open(caller, arguments.int(0), Errno::EPERM, |tree, who, place| {
            set_times(tree, place, times, &who.identity())
        })?;
        return Ok(0);
    };
    change_times(caller, arguments.int(0), path, times, flags)
}

pub(in crate::syscall) fn utimes(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let times = timevals(arguments.pointer(1))?;
    change_times(caller, AT_FDCWD, arguments.pointer(0), times, AtFlags::NONE)
}

pub(in crate::syscall) fn futimesat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let times = timevals(arguments.pointer(2))?;
    change_times(caller, arguments.int(0), arguments.pointer(1), times, AtFlags::NONE)
}

pub(in crate::syscall) fn utime(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let times = match arguments.pointer(1).non_null() {
        None => Times::NOW,
        Some(at) => {
            let bytes: [u8; 16] = user::read(at)?;
            let part = |start: usize| {
                let mut one = [0; 8];
                one.copy_from_slice(&bytes[start..start + 8]);
                Time::of(i64::from_le_bytes(one), 0)
            };
            Times { accessed: part(0), modified: part(8) }
        }
    };
    change_times(caller, AT_FDCWD, arguments.pointer(0), times, AtFlags::NONE)
}

/// The flags of calls that follow or do not, or take an empty path.
fn follow_flags(bits: u32) -> Result<AtFlags, Errno> {
    let flags = AtFlags::from_bits(bits).ok_or(Errno::EINVAL)?;
    let known = AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH;
    if known.contains(flags) { Ok(flags) } else { Err(Errno::EINVAL) }
}

fn change_mode(
    caller: &Caller<'_>,
    directory: i32,
    path: UserPointer,
    mode: u32,
    flags: AtFlags,
) -> Answer {
    let path = user::path(path)?;
    at_file(caller, directory, &path, flags, last_link(flags), |tree, context, place| {
        set_mode(tree, place, mode, context.identity)
    })?;
    Ok(0)
}

fn set_mode(
    tree: &mut Tree,
    place: Place,
    mode: u32,
    identity: &Identity<'_>,
) -> Result<(), FileError> {
    if FileTree::metadata(tree, &place)?.kind == FileKind::SymbolicLink {
        return Err(FileError::NotSupported);
    }
    let permissions = u16::try_from(mode & 0o7777).unwrap_or(0);
    let (fs, inode) = tree.writable(place)?;
    fs.set_permissions(inode, permissions, identity, fs::wall_time())
}

fn change_owner(
    caller: &Caller<'_>,
    directory: i32,
    path: UserPointer,
    owner: (u32, u32),
    flags: AtFlags,
) -> Answer {
    let path = user::path(path)?;
    at_file(caller, directory, &path, flags, last_link(flags), |tree, context, place| {
        set_owner(tree, place, owner, context.identity)
    })?;
    Ok(0)
}

fn set_owner(
    tree: &mut Tree,
    place: Place,
    (uid, gid): (u32, u32),
    identity: &Identity<'_>,
) -> Result<(), FileError> {
    // -1 leaves one as it is.
    let given = |id: u32| Some(id).filter(|id| *id != u32::MAX);
    let (fs, inode) = tree.writable(place)?;
    fs.set_owner(inode, given(uid), given(gid), identity, fs::wall_time())
}

/// What a time is to become.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Time {
    Now,
    Kept,
    Set(WallTime),
}

impl Time {
    /// A moment; what lies before 1970 or after 2554 becomes the nearest that can be kept.
    fn of(seconds: i64, nanoseconds: u32) -> Self {
        let seconds = u64::try_from(seconds).unwrap_or(0);
        let whole = seconds.saturating_mul(1_000_000_000);
        Self::Set(WallTime { nanoseconds: whole.saturating_add(u64::from(nanoseconds)) })
    }

    fn from_timespec(time: Timespec) -> Result<Self, Errno> {
        match time.nanoseconds {
            UTIME_NOW => Ok(Self::Now),
            UTIME_OMIT => Ok(Self::Kept),
            0..1_000_000_000 => {
                Ok(Self::of(time.seconds, u32::try_from(time.nanoseconds).unwrap_or(0)))
            }
            _ => Err(Errno::EINVAL),
        }
    }

    fn from_timeval(time: Timeval) -> Result<Self, Errno> {
        match time.microseconds {
            0..1_000_000 => {
                let nanoseconds = u32::try_from(time.microseconds * 1000).unwrap_or(0);
                Ok(Self::of(time.seconds, nanoseconds))
            }
            _ => Err(Errno::EINVAL),
        }
    }

    fn at(self, now: WallTime) -> Option<WallTime> {
        match self {
            Self::Now => Some(now),
            Self::Kept => None,
            Self::Set(time) => Some(time),
        }
    }
}

#[derive(Clone, Copy)]
struct Times {
    accessed: Time,
    modified: Time,
}

impl Times {
    const NOW: Self = Self { accessed: Time::Now, modified: Time::Now };
}

fn timevals(at: UserPointer) -> Result<Times, Errno> {
    let Some(at) = at.non_null() else { return Ok(Times::NOW) };
    let bytes: [u8; 2 * Timeval::BYTES] = user::read(at)?;
    let part = |index: usize| {
        let mut one = [0; Timeval::BYTES];
        let start = index * Timeval::BYTES;
        one.copy_from_slice(&bytes[start..start + Timeval::BYTES]);
        Time::from_timeval(Timeval::from_bytes(&one))
    };
    Ok(Times { accessed: part(0)?, modified: part(1)? })
}

fn change_times(
    caller: &Caller<'_>,
    directory: i32,
    path: UserPointer,
    times: Times,
    flags: AtFlags,
) -> Answer {
    let path = user::path(path)?;
    let last: LastLink = last_link(flags);
    at_file(caller, directory, &path, flags, last, |tree, context, place| {
        set_times(tree, place, times, context.identity)
    })?;
    Ok(0)
}

/// utimensat(2): the owner may set any time, who may write only the present one.
fn set_times(
    tree: &mut Tree,
    place: Place,
    times: Times,
    identity: &Identity<'_>,
) -> Result<(), FileError> {
    let metadata = FileTree::metadata(tree, &place)?;
    if !identity.is_owner(&metadata) {
        if times.accessed != Time::Now || times.modified != Time::Now {
            return Err(FileError::NotPermitted);
        }
        identity.check(&metadata, Access::WRITE)?;
    }
    let now = fs::wall_time();
    let (fs, inode) = tree.writable(place)?;
    fs.set_times(inode, times.accessed.at(now), times.modified.at(now), now)
}

//! Mounting file systems, and taking them off.

use linux_abi::file::AT_FDCWD;
use linux_abi::{Arguments, Errno, UserPointer};
use process_core::Capability;
use vfs_core::{FileError, FileKind, FileTree, LastLink, MountFlags, walk};

use super::errno;
use super::place::{at, who};
use crate::fs::{self, SystemKind};
use crate::syscall::{Answer, Caller, user};

const MS_REMOUNT: u64 = 32;
const MS_BIND: u64 = 4096;
/// What changes how mounts spread, which they do not here.
const MS_PROPAGATION: u64 = 1 << 17 | 1 << 18 | 1 << 19 | 1 << 20;
const MS_MOVE: u64 = 8192;
/// `umount2`'s flags.
const MNT_FORCE: u32 = 1;
const MNT_DETACH: u32 = 2;
const UMOUNT_NOFOLLOW: u32 = 8;

pub(in crate::syscall) fn mount(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let text = |at: UserPointer| match at.non_null() {
        Some(at) => user::path(at),
        None => Ok(alloc::vec::Vec::new()),
    };
    let kind = text(arguments.pointer(2))?;
    let source = text(arguments.pointer(0))?;
    let options = text(arguments.pointer(4))?;
    let path = user::path(arguments.pointer(1))?;
    let flags = arguments.word(3);
    let mount_flags = MountFlags::from_bits(u32::try_from(flags & 15).unwrap_or(0));
    who(caller)?.check(Capability::SysAdmin).map_err(errno)?;
    let shown = if flags & (MS_BIND | MS_REMOUNT) == MS_BIND {
        let place = at(caller, AT_FDCWD, &source, |tree, context| {
            let place = walk(&*tree, context, &source, LastLink::Follow)?.existing(&*tree)?;
            tree.hold(place)
        })?;
        Some(place)
    } else {
        None
    };
    at(caller, AT_FDCWD, &path, |tree, context| {
        let on = walk(&*tree, context, &path, LastLink::Follow)?.existing(&*tree)?;
        let is_directory = FileTree::metadata(&*tree, &on)?.kind == FileKind::Directory;
        if flags & MS_REMOUNT != 0 {
            return tree.remount(on, mount_flags);
        }
        if let Some(shown) = &shown {
            let shown = shown.place();
            let kind = FileTree::metadata(&*tree, &shown)?.kind;
            if (kind == FileKind::Directory) != is_directory {
                return Err(FileError::NotADirectory);
            }
            return tree.bind(shown, on, &source).map(drop);
        }
        if flags & MS_PROPAGATION != 0 {
            return Ok(());
        }
        if flags & MS_MOVE != 0 {
            return Err(FileError::InvalidValue);
        }
        let kind = SystemKind::from_name(&kind).ok_or(FileError::NoDevice)?;
        if !is_directory {
            return Err(FileError::NotADirectory);
        }
        let asked = Options::parse(&options)?;
        let limit = asked.size_bytes.unwrap_or_else(fs::memory_share);
        let source: &[u8] = if source.is_empty() { b"none" } else { &source };
        tree.mount_new(kind, limit, asked.permissions, on, mount_flags, source).map(drop)
    })?;
    Ok(0)
}

/// The options of tmpfs(5) that mean something here.
struct Options {
    size_bytes: Option<u64>,
    permissions: u16,
}

impl Options {
    fn parse(text: &[u8]) -> Result<Self, FileError> {
        let mut options = Self { size_bytes: None, permissions: 0o1777 };
        for option in text.split(|byte| *byte == b',').filter(|option| !option.is_empty()) {
            let option = core::str::from_utf8(option).map_err(|_| FileError::InvalidValue)?;
            let invalid = |_| FileError::InvalidValue;
            match option.split_once('=') {
                Some(("size", size)) => options.size_bytes = Some(bytes(size)?),
                Some(("mode", mode)) => {
                    let mode = u16::from_str_radix(mode, 8).map_err(invalid)?;
                    options.permissions = mode & 0o7777;
                }
                // Without effect, as there is no such limit, or no such user.
                Some(("nr_inodes" | "nr_blocks" | "uid" | "gid" | "hidepid", _)) => {}
                _ => return Err(FileError::InvalidValue),
            }
        }
        Ok(options)
    }
}

/// A size as tmpfs(5) writes it: with k, m, g, or a part of the machine's memory in percent.
fn bytes(text: &str) -> Result<u64, FileError> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, unit)) if !unit.is_ascii_digit() => text.split_at(at),
        _ => (text, ""),
    };
    let number: u64 = number.parse().map_err(|_| FileError::InvalidValue)?;
    let size = match unit {
        "" => Some(number),
        "k" | "K" => number.checked_mul(1 << 10),
        "m" | "M" => number.checked_mul(1 << 20),
        "g" | "G" => number.checked_mul(1 << 30),
        "%" => {
            let memory = hal::frame::figures().total_bytes;
            number.checked_mul(memory).map(|product| product / 100)
        }
        _ => return Err(FileError::InvalidValue),
    };
    let size = size.ok_or(FileError::InvalidValue)?;
    // None at all stands for no limit; what there is stays one.
    Ok(if size == 0 { fs::memory_share() } else { size })
}

pub(in crate::syscall) fn umount(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let flags = arguments.unsigned(1);
    if flags & !(MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW) != 0 {
        return Err(Errno::EINVAL);
    }
    let path = user::path(arguments.pointer(0))?;
    let last = if flags & UMOUNT_NOFOLLOW != 0 { LastLink::Keep } else { LastLink::Follow };
    let who = who(caller)?;
    let released = at(caller, AT_FDCWD, &path, |tree, context| {
        let place = walk(&*tree, context, &path, last)?.existing(&*tree)?;
        who.check(Capability::SysAdmin)?;
        tree.unmount(place, flags & MNT_DETACH != 0)
    })?;
    // Without the lock.
    drop(released);
    Ok(0)
}

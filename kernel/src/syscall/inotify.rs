//! `inotify`: listening to what happens to files.

use alloc::boxed::Box;

use linux_abi::file::AT_FDCWD;
use linux_abi::{Arguments, Errno};
use vfs_core::{Access, FileError, FileEvents, FileKind, FileTree, LastLink, walk};

use super::events::{check_event_flags, open_events};
use super::{Answer, Caller, file, user};
use crate::fs::{FileKey, Inotify, Present, WatchRequest};

const ONLY_DIRECTORY: u32 = 0x0100_0000;
const DO_NOT_FOLLOW: u32 = 0x0200_0000;
const EXCLUDE_UNLINKED: u32 = 0x0400_0000;
const MUST_BE_NEW: u32 = 0x1000_0000;
const EXTEND: u32 = 0x2000_0000;
const ONCE: u32 = 0x8000_0000;
/// What may be asked for: events, also those that come unasked, and how.
const KNOWN: u32 =
    0x4000_efff | ONLY_DIRECTORY | DO_NOT_FOLLOW | EXCLUDE_UNLINKED | MUST_BE_NEW | EXTEND | ONCE;

pub(super) fn init(caller: &Caller<'_>) -> Answer {
    open_events(caller, Box::new(Inotify::new()?), 0)
}

pub(super) fn init1(caller: &Caller<'_>, arguments: &Arguments) -> Answer {
    let flags = arguments.unsigned(0);
    check_event_flags(flags)?;
    open_events(caller, Box::new(Inotify::new()?), flags)
}

pub(super) fn add_watch(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let bits = arguments.unsigned(2);
    if bits & KNOWN == 0 || bits & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    let listening = file::file(caller, arguments.int(0))?;
    let present = match (bits & EXTEND != 0, bits & MUST_BE_NEW != 0) {
        (true, true) => return Err(Errno::EINVAL),
        (true, false) => Present::Extend,
        (false, true) => Present::Refuse,
        (false, false) => Present::Replace,
    };
    let inotify = listening.downcast::<Inotify>().ok_or(Errno::EINVAL)?;
    let request = WatchRequest {
        events: FileEvents::from_bits_truncate(bits & FileEvents::ALL.bits()),
        is_once: bits & ONCE != 0,
        excludes_unlinked: bits & EXCLUDE_UNLINKED != 0,
    };
    let path = user::path(arguments.pointer(1))?;
    let last = if bits & DO_NOT_FOLLOW != 0 { LastLink::Keep } else { LastLink::Follow };
    let watch = file::at(caller, AT_FDCWD, &path, |tree, context| {
        let place = walk(&*tree, context, &path, last)?.existing(&*tree)?;
        let metadata = FileTree::metadata(&*tree, &place)?;
        if bits & ONLY_DIRECTORY != 0 && metadata.kind != FileKind::Directory {
            return Err(FileError::NotADirectory);
        }
        context.identity.check(&metadata, Access::READ)?;
        tree.start_noting();
        Ok(inotify.watch(FileKey::from(&metadata), request, present))
    })?;
    Ok(u64::from(watch?.cast_unsigned()))
}

pub(super) fn rm_watch(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let listening = file::file(caller, arguments.int(0))?;
    listening.downcast::<Inotify>().ok_or(Errno::EINVAL)?.end(arguments.int(1))?;
    Ok(0)
}

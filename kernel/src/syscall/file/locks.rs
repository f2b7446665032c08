//! Locks on files: `fcntl` with `F_SETLK` and its kin, `flock`.

use alloc::sync::Arc;

use linux_abi::file::LockCommand;
use linux_abi::layout::Flock;
use linux_abi::{Arguments, Errno, UserPointer};
use vfs_core::{ByteRange, RecordLockKind};

use crate::fs::{self, LockOwner, OpenFile};
use crate::syscall::{Answer, Caller, user};

const F_RDLCK: i16 = 0;
const F_WRLCK: i16 = 1;
const F_UNLCK: i16 = 2;

pub(in crate::syscall) fn flock(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const SHARED: u32 = 1;
    const EXCLUSIVE: u32 = 2;
    const NO_WAIT: u32 = 4;
    const UNLOCK: u32 = 8;
    /// LOCK_MAND and its kin, which Linux has given up.
    const MANDATORY: u32 = 0x20;
    let operation = arguments.unsigned(1);
    if operation & MANDATORY != 0 {
        return Err(Errno::EINVAL);
    }
    let kind = match operation & !NO_WAIT {
        SHARED => Some(RecordLockKind::Shared),
        EXCLUSIVE => Some(RecordLockKind::Exclusive),
        UNLOCK => None,
        _ => return Err(Errno::EINVAL),
    };
    let file = super::file(caller, arguments.int(0))?;
    if file.is_path_only() {
        return Err(Errno::EBADF);
    }
    match kind {
        None => fs::unlock_whole(&file)?,
        Some(kind) => {
            let waiting = (operation & NO_WAIT == 0).then_some(caller.thread);
            fs::lock_whole(waiting, &file, kind)?;
        }
    }
    Ok(0)
}

/// Which bytes are meant.
fn range(file: &OpenFile, flock: &Flock) -> Result<ByteRange, Errno> {
    let base = match flock.whence {
        0 => 0,
        1 => i64::try_from(*file.offset()?).map_err(|_| Errno::EOVERFLOW)?,
        2 => i64::try_from(file.metadata()?.size).map_err(|_| Errno::EOVERFLOW)?,
        _ => return Err(Errno::EINVAL),
    };
    let start = base.checked_add(flock.start).ok_or(Errno::EOVERFLOW)?;
    let (first, last) = match flock.length {
        0 => (start, i64::MAX),
        length @ 1.. => (start, start.checked_add(length - 1).ok_or(Errno::EOVERFLOW)?),
        // As many bytes before.
        length => (start.checked_add(length).ok_or(Errno::EINVAL)?, start - 1),
    };
    let first = u64::try_from(first).map_err(|_| Errno::EINVAL)?;
    let last = u64::try_from(last).map_err(|_| Errno::EINVAL)?;
    Ok(ByteRange { first, last })
}

pub(super) fn lock(
    caller: &Caller<'_>,
    file: &Arc<OpenFile>,
    command: LockCommand,
    at: UserPointer,
) -> Answer {
    let flock = Flock::from_bytes(&user::read(at)?);
    let owner = if command.is_of_open_file() {
        if flock.pid != 0 {
            return Err(Errno::EINVAL);
        }
        file.lock_owner()
    } else {
        LockOwner::Process(caller.process.pid())
    };
    let range = range(file, &flock)?;
    let kind = match flock.kind {
        F_RDLCK => Some(RecordLockKind::Shared),
        F_WRLCK => Some(RecordLockKind::Exclusive),
        F_UNLCK => None,
        _ => return Err(Errno::EINVAL),
    };
    if command.is_question() {
        let kind = kind.ok_or(Errno::EINVAL)?;
        return tell(file, owner, range, kind, (flock, at));
    }
    let Some(kind) = kind else {
        fs::unlock_range(file, owner, range)?;
        return Ok(0);
    };
    let is_allowed = match kind {
        RecordLockKind::Shared => file.can_read(),
        RecordLockKind::Exclusive => file.can_write(),
    };
    if !is_allowed {
        return Err(Errno::EBADF);
    }
    if command.waits() {
        fs::lock_range_waiting(caller.thread, file, owner, range, kind)?;
    } else {
        fs::lock_range(file, owner, range, kind)?;
    }
    Ok(0)
}

/// `F_GETLK`: what is in the way.
fn tell(
    file: &OpenFile,
    owner: LockOwner,
    range: ByteRange,
    kind: RecordLockKind,
    (asked, to): (Flock, UserPointer),
) -> Answer {
    let answer = match fs::conflicting_lock(file, owner, range, kind)? {
        None => Flock { kind: F_UNLCK, ..asked },
        Some(conflict) => {
            let start = i64::try_from(conflict.range.first).unwrap_or(i64::MAX);
            let length = match i64::try_from(conflict.range.last) {
                Ok(last) if last < i64::MAX => last - start + 1,
                _ => 0,
            };
            Flock {
                kind: match conflict.kind {
                    RecordLockKind::Shared => F_RDLCK,
                    RecordLockKind::Exclusive => F_WRLCK,
                },
                whence: 0,
                start,
                length,
                pid: match conflict.owner {
                    LockOwner::Process(pid) => i32::try_from(pid.number()).unwrap_or(0),
                    LockOwner::OpenFile(_) => -1,
                },
                ..asked
            }
        }
    };
    user::write(to, &answer.to_bytes())?;
    Ok(0)
}

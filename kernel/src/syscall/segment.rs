//! Shared memory by number: `shmget`, `shmat`, `shmdt`, `shmctl`.

use linux_abi::layout::SegmentDescription;
use linux_abi::{Arguments, Errno};
use process_core::{Gid, SegmentError, SegmentRequest, Uid};
use vm_core::address_space::{Backing, Error, Kind, MapRequest, PAGE_BYTES, Placement, Protection};

use super::memory::{bounds, errno as map_errno, space};
use super::{Answer, Caller, user};
use crate::memory::Object;
use crate::process::{self, SegmentChange};

fn errno(error: SegmentError) -> Errno {
    match error {
        SegmentError::NotFound | SegmentError::BadSize => Errno::EINVAL,
        SegmentError::Exists => Errno::EEXIST,
        SegmentError::AccessDenied => Errno::EACCES,
        SegmentError::NotOwner => Errno::EPERM,
        SegmentError::Removed => Errno::EIDRM,
        SegmentError::TooMany => Errno::ENOSPC,
        SegmentError::OutOfMemory => Errno::ENOMEM,
    }
}

pub(super) fn shmget(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const CREATE: u32 = 0o1000;
    const EXCLUSIVE: u32 = 0o2000;
    const HUGE: u32 = 0o4000;
    let (flags, bytes) = (arguments.unsigned(2), arguments.word(1));
    // There are no huge pages to be had, nor more than there is.
    if flags & HUGE != 0 || bytes > hal::frame::total_bytes() {
        return Err(Errno::ENOMEM);
    }
    let request = SegmentRequest {
        key: arguments.int(0),
        bytes,
        creates: flags & CREATE != 0,
        is_exclusive: flags & EXCLUSIVE != 0,
        mode: u16::try_from(flags & 0o777).unwrap_or(0),
    };
    match process::find_segment(caller.process, &request) {
        Ok(id) => u64::try_from(id).map_err(|_| Errno::ENOSPC),
        Err(SegmentError::NotFound) => Err(Errno::ENOENT),
        Err(error) => Err(errno(error)),
    }
}

pub(super) fn shmat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const READ_ONLY: u32 = 0o10_000;
    const ROUND: u32 = 0o20_000;
    const REPLACE: u32 = 0o40_000;
    const EXECUTE: u32 = 0o100_000;
    let (flags, address) = (arguments.unsigned(2), arguments.word(1));
    let placement = match address {
        0 if flags & REPLACE != 0 => return Err(Errno::EINVAL),
        0 => Placement::Anywhere,
        _ => {
            let at = if flags & ROUND != 0 { address - address % PAGE_BYTES } else { address };
            if !at.is_multiple_of(PAGE_BYTES) {
                return Err(Errno::EINVAL);
            }
            if flags & REPLACE != 0 { Placement::Fixed(at) } else { Placement::FixedNoReplace(at) }
        }
    };
    let writes = flags & READ_ONLY == 0;
    let with = |protection: Protection, is_wanted: bool, right: Protection| {
        if is_wanted { protection.union(right) } else { protection }
    };
    let protection = with(Protection::READ, writes, Protection::WRITE);
    let protection = with(protection, flags & EXECUTE != 0, Protection::EXECUTE);
    let (memory, bytes) =
        process::attach_segment(caller.process, arguments.int(0), writes).map_err(errno)?;
    let request = MapRequest {
        length: bytes,
        placement,
        protection,
        max_protection: if writes { Protection::ALL } else { Protection::READ_EXECUTE },
        kind: Kind::SharedAnonymous(Backing { file: Object::Memory(memory), offset: 0 }),
        is_locked: false,
    };
    let space = space(caller)?;
    let bounds = bounds(caller, space.locks_future());
    match space.map(request, bounds) {
        Ok(range) => Ok(range.start()),
        // Something is there already.
        Err(Error::Occupied { .. }) => Err(Errno::EINVAL),
        Err(error) => Err(map_errno(error)),
    }
}

pub(super) fn shmdt(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let detached = space(caller)?.detach_segment(arguments.word(0)).map_err(map_errno)?;
    let memory = detached.ok_or(Errno::EINVAL)?;
    process::note_segment_detached(caller.process, &memory).map_err(errno)?;
    Ok(0)
}

pub(super) fn shmctl(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const REMOVE: i32 = 0;
    const SET: i32 = 1;
    const STATUS: i32 = 2;
    const LOCK: i32 = 11;
    const UNLOCK: i32 = 12;
    let (id, at) = (arguments.int(0), arguments.pointer(2));
    let change = match arguments.int(1) {
        STATUS => {
            let status = process::segment_status(caller.process, id).map_err(errno)?;
            let description = SegmentDescription {
                key: status.key,
                owner: [status.owner.0.0, status.owner.1.0],
                creator: [status.creator.0.0, status.creator.1.0],
                mode: status.mode.into(),
                sequence: status.sequence,
                unused: [0; 2],
                bytes: status.bytes,
                times_s: status.times_s,
                pids: status.pids,
                attached: status.attached,
                reserved: [0; 2],
            };
            user::write(at, &description.to_bytes())?;
            return Ok(0);
        }
        REMOVE => SegmentChange::Remove,
        SET => {
            let wanted = SegmentDescription::from_bytes(&user::read(at)?);
            let [uid, gid] = wanted.owner;
            if uid == u32::MAX || gid == u32::MAX {
                return Err(Errno::EINVAL);
            }
            let mode = u16::try_from(wanted.mode & 0o777).unwrap_or(0);
            SegmentChange::Set((Uid(uid), Gid(gid)), mode)
        }
        // There is no swap to keep it from.
        LOCK | UNLOCK => SegmentChange::Check,
        _ => return Err(Errno::EINVAL),
    };
    process::change_segment(caller.process, id, change).map_err(errno)?;
    Ok(0)
}

//! For whom a process acts: users, groups, capabilities.

use alloc::sync::Arc;
use alloc::vec::Vec;

use linux_abi::{Arguments, Errno, UserPointer};
use process_core::{
    CapabilitySet, CapabilitySets, Credentials, Gid, IdChange, NewIds, NotAllowed, Pid, Uid,
};

use super::process::errno;
use super::{Answer, Caller, user};
use crate::process;

fn own(caller: &Caller<'_>) -> Result<Arc<Credentials>, Errno> {
    process::credentials_of(caller.process.pid()).map_err(|e| errno(&e))
}

pub(super) fn getuid(caller: &mut Caller<'_>) -> Answer {
    Ok(u64::from(own(caller)?.real_uid.0))
}

pub(super) fn geteuid(caller: &mut Caller<'_>) -> Answer {
    Ok(u64::from(own(caller)?.effective_uid.0))
}

pub(super) fn getgid(caller: &mut Caller<'_>) -> Answer {
    Ok(u64::from(own(caller)?.real_gid.0))
}

pub(super) fn getegid(caller: &mut Caller<'_>) -> Answer {
    Ok(u64::from(own(caller)?.effective_gid.0))
}

fn store(arguments: &Arguments, ids: [u32; 3]) -> Answer {
    for (index, id) in ids.iter().enumerate() {
        user::write(arguments.pointer(index), &id.to_le_bytes())?;
    }
    Ok(0)
}

pub(super) fn getresuid(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let it = own(caller)?;
    store(arguments, [it.real_uid.0, it.effective_uid.0, it.saved_uid.0])
}

pub(super) fn getresgid(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let it = own(caller)?;
    store(arguments, [it.real_gid.0, it.effective_gid.0, it.saved_gid.0])
}

/// An id that a program passes; -1 is none.
const NONE: u32 = u32::MAX;

fn optional<I>(arguments: &Arguments, index: usize, make: fn(u32) -> I) -> Option<I> {
    Some(arguments.unsigned(index)).filter(|id| *id != NONE).map(make)
}

fn one<I>(arguments: &Arguments, make: fn(u32) -> I) -> Result<IdChange<I>, Errno> {
    optional(arguments, 0, make).map(IdChange::One).ok_or(Errno::EINVAL)
}

fn two<I>(arguments: &Arguments, make: fn(u32) -> I) -> IdChange<I> {
    IdChange::Two(NewIds {
        real: optional(arguments, 0, make),
        effective: optional(arguments, 1, make),
        saved: None,
    })
}

fn three<I>(arguments: &Arguments, make: fn(u32) -> I) -> IdChange<I> {
    IdChange::Three(NewIds {
        real: optional(arguments, 0, make),
        effective: optional(arguments, 1, make),
        saved: optional(arguments, 2, make),
    })
}

fn change(
    caller: &Caller<'_>,
    change: impl FnOnce(&Credentials) -> Result<Credentials, NotAllowed>,
) -> Answer {
    let new = change(&*own(caller)?).map_err(|NotAllowed| Errno::EPERM)?;
    process::set_credentials(caller.process.pid(), new).map_err(|e| errno(&e))?;
    Ok(0)
}

pub(super) fn setuid(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let wanted = one(arguments, Uid)?;
    change(caller, |it| it.with_user(wanted))
}

pub(super) fn setreuid(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    change(caller, |it| it.with_user(two(arguments, Uid)))
}

pub(super) fn setresuid(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    change(caller, |it| it.with_user(three(arguments, Uid)))
}

pub(super) fn setgid(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let wanted = one(arguments, Gid)?;
    change(caller, |it| it.with_group(wanted))
}

pub(super) fn setregid(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    change(caller, |it| it.with_group(two(arguments, Gid)))
}

pub(super) fn setresgid(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    change(caller, |it| it.with_group(three(arguments, Gid)))
}

/// The ids of the file system are the effective ones here: a change of them alone changes nothing,
/// which the answer says.
pub(super) fn setfsuid(caller: &mut Caller<'_>) -> Answer {
    geteuid(caller)
}

/// As `setfsuid`.
pub(super) fn setfsgid(caller: &mut Caller<'_>) -> Answer {
    getegid(caller)
}

pub(super) fn getgroups(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let groups = Arc::clone(&own(caller)?.groups);
    let room = usize::try_from(arguments.int(0)).map_err(|_| Errno::EINVAL)?;
    if room > 0 {
        if room < groups.len() {
            return Err(Errno::EINVAL);
        }
        let bytes: Vec<u8> = groups.iter().flat_map(|group| group.0.to_le_bytes()).collect();
        user::write(arguments.pointer(1), &bytes)?;
    }
    Ok(groups.len() as u64)
}

pub(super) fn setgroups(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    /// Linux's `NGROUPS_MAX`.
    const MOST: usize = 65_536;
    change(caller, |it| it.with_groups(Arc::clone(&it.groups)))?;
    let count = usize::try_from(arguments.int(0)).map_err(|_| Errno::EINVAL)?;
    if count > MOST {
        return Err(Errno::EINVAL);
    }
    let mut groups = Vec::new();
    groups.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
    for index in 0..count as u64 {
        let at = arguments.pointer(1).0.checked_add(index * 4).ok_or(Errno::EFAULT)?;
        groups.push(Gid(u32::from_le_bytes(user::read(UserPointer(at))?)));
    }
    groups.sort_unstable();
    change(caller, |it| it.with_groups(groups.into()))
}

/// The versions of capget's structures: the first has 32 capabilities, the others 64.
const VERSION_1: u32 = 0x1998_0330;
const VERSION_2: u32 = 0x2007_1026;
const VERSION_3: u32 = 0x2008_0522;

/// How many words of each set a version has, and whom the call is about.
fn header(caller: &Caller<'_>, at: UserPointer) -> Result<Option<(usize, Pid)>, Errno> {
    let bytes: [u8; 8] = user::read(at)?;
    let [a, b, c, d, e, f, g, h] = bytes;
    let words = match u32::from_le_bytes([a, b, c, d]) {
        VERSION_1 => 1,
        VERSION_2 | VERSION_3 => 2,
        _ => {
            user::write(at, &VERSION_3.to_le_bytes())?;
            return Ok(None);
        }
    };
    let pid = match i32::from_le_bytes([e, f, g, h]) {
        0 => caller.process.pid(),
        number if number < 0 => return Err(Errno::EINVAL),
        number => {
            let pid = Pid::new(i64::from(number)).map_err(|_| Errno::ESRCH)?;
            process::sandbox::check_visible(caller.process, pid).map_err(|_| Errno::ESRCH)?;
            pid
        }
    };
    Ok(Some((words, pid)))
}

pub(super) fn capget(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let to = arguments.pointer(1).non_null();
    let Some((words, pid)) = header(caller, arguments.pointer(0))? else {
        // Asking for the version, without a place for the answer, is no error.
        return if to.is_none() { Ok(0) } else { Err(Errno::EINVAL) };
    };
    let sets = process::credentials_of(pid).map_err(|_| Errno::ESRCH)?.capability_sets();
    let to = to.ok_or(Errno::EFAULT)?;
    let mut bytes = [0; 24];
    for (word, place) in bytes.chunks_exact_mut(12).enumerate() {
        let sets = [sets.effective, sets.permitted, sets.inheritable];
        for (set, place) in sets.iter().zip(place.chunks_exact_mut(4)) {
            let half = set.bits() >> (32 * word);
            place.copy_from_slice(&half.to_le_bytes()[..4]);
        }
    }
    user::write(to, &bytes[..words * 12])?;
    Ok(0)
}

pub(super) fn capset(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let Some((words, pid)) = header(caller, arguments.pointer(0))? else {
        return Err(Errno::EINVAL);
    };
    if pid != caller.process.pid() {
        return Err(Errno::EPERM);
    }
    let mut sets = [0_u64; 3];
    for word in 0..words {
        for (index, set) in sets.iter_mut().enumerate() {
            let offset = (word * 12 + index * 4) as u64;
            let at = arguments.pointer(1).0.checked_add(offset).ok_or(Errno::EFAULT)?;
            let half = u32::from_le_bytes(user::read(UserPointer(at))?);
            *set |= u64::from(half) << (32 * word);
        }
    }
    let [effective, permitted, inheritable] = sets.map(CapabilitySet::from_bits);
    change(caller, |it| it.with_capabilities(CapabilitySets { effective, permitted, inheritable }))
}

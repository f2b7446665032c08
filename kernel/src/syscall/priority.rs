//! How urgent a process is: nice values, policies, and the CPUs it may run on.
//!
//! Nice values and policies belong to the whole process here; on Linux each thread has its own.

use alloc::vec::Vec;

use linux_abi::layout::Timespec;
use linux_abi::{Arguments, Errno};
use process_core::{
    Capability, Credentials, Nice, Pid, Priority, PriorityClass, Rlimit, Scheduling, Tid, Uid,
};
use sched_core::CpuSet;

use super::process::errno;
use super::{Answer, Caller, user};
use crate::process::{self, sandbox};
use crate::scheduler;

fn credentials(pid: Pid) -> Result<alloc::sync::Arc<Credentials>, Errno> {
    process::credentials_of(pid).map_err(|_| Errno::ESRCH)
}

/// The processes that `getpriority` and `setpriority` name.
fn named(caller: &Caller<'_>, arguments: &Arguments) -> Result<Vec<Pid>, Errno> {
    let own = caller.process.pid();
    let who = arguments.int(1);
    let pids = match arguments.int(0) {
        0 if who == 0 => Vec::from([own]),
        0 => Vec::from([process_of(caller, who)?]),
        1 => {
            let group = match who {
                0 => process::group_of(own).map_err(|e| errno(&e))?,
                number => Pid::new(i64::from(number)).map_err(|_| Errno::ESRCH)?,
            };
            process::members_of(group)
        }
        2 => {
            let uid = match who {
                0 => credentials(own)?.real_uid,
                number => Uid(number.cast_unsigned()),
            };
            process::processes_of(uid)
        }
        _ => return Err(Errno::EINVAL),
    };
    let is_seen = |pid: &Pid| sandbox::check_visible(caller.process, *pid).is_ok();
    let pids: Vec<Pid> = pids.into_iter().filter(is_seen).collect();
    if pids.is_empty() { Err(Errno::ESRCH) } else { Ok(pids) }
}

/// The process that a thread's number names; 0 is the caller's.
fn process_of(caller: &Caller<'_>, number: i32) -> Result<Pid, Errno> {
    match number {
        0 => Ok(caller.process.pid()),
        number if number < 0 => Err(Errno::EINVAL),
        number => {
            let tid = Tid::new(i64::from(number)).map_err(|_| Errno::ESRCH)?;
            let pid = process::process_of_thread(tid).map_err(|_| Errno::ESRCH)?;
            sandbox::check_visible(caller.process, pid).map_err(|_| Errno::ESRCH)?;
            Ok(pid)
        }
    }
}

pub(super) fn getpriority(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    /// What is answered is 20 less the nice value, so that no answer looks like an error.
    const MIDDLE: i64 = 20;
    let best = named(caller, arguments)?
        .into_iter()
        .filter_map(|pid| process::scheduling_of(pid).ok())
        .map(|scheduling| i64::from(scheduling.nice.value()))
        .min();
    let best = best.ok_or(Errno::ESRCH)?;
    u64::try_from(MIDDLE - best).map_err(|_| Errno::EINVAL)
}

pub(super) fn setpriority(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let value = i64::from(arguments.int(2)).clamp(-20, 19);
    let nice = Nice::new(value).map_err(|_| Errno::EINVAL)?;
    let own = credentials(caller.process.pid())?;
    let mut refused = None;
    for pid in named(caller, arguments)? {
        let Ok(other) = process::credentials_of(pid) else { continue };
        if !own.may_schedule(&other) {
            refused = Some(Errno::EPERM);
            continue;
        }
        let now = process::scheduling_of(pid).map_err(|e| errno(&e))?;
        // The limit counts from 20 less the lowest nice value: 1 to 40.
        let lowest = 20 - i64::try_from(process::rlimit_of(pid, Rlimit::Nice).soft).unwrap_or(40);
        let is_raised = value < i64::from(now.nice.value());
        if is_raised && value < lowest && !own.is_capable(Capability::SysNice) {
            refused = Some(Errno::EACCES);
            continue;
        }
        process::reschedule(pid, |scheduling| scheduling.nice = nice).map_err(|e| errno(&e))?;
    }
    refused.map_or(Ok(0), Err)
}

const OTHER: i32 = 0;
const FIFO: i32 = 1;
const ROUND_ROBIN: i32 = 2;
const BATCH: i32 = 3;
const IDLE: i32 = 5;
/// New children start with the usual policy.
const RESET_ON_FORK: i32 = 0x4000_0000;

const fn is_real_time(policy: i32) -> bool {
    matches!(policy, FIFO | ROUND_ROBIN)
}

fn set_policy(
    caller: &Caller<'_>,
    pid: Pid,
    policy: i32,
    priority: i32,
    nice: Option<Nice>,
) -> Answer {
    let is_valid = match policy {
        FIFO | ROUND_ROBIN => (1..=99).contains(&priority),
        OTHER | BATCH | IDLE => priority == 0,
        _ => false,
    };
    if !is_valid {
        return Err(Errno::EINVAL);
    }
    let own = credentials(caller.process.pid())?;
    if !own.may_schedule(&*credentials(pid)?) {
        return Err(Errno::EPERM);
    }
    let highest = process::rlimit_of(pid, Rlimit::RealTimePriority).soft;
    if is_real_time(policy)
        && !own.is_capable(Capability::SysNice)
        && u64::try_from(priority).is_ok_and(|priority| priority > highest)
    {
        return Err(Errno::EPERM);
    }
    process::reschedule(pid, |scheduling| {
        let was_usual = matches!(scheduling.priority, Priority::Low | Priority::High);
        match policy {
            FIFO | ROUND_ROBIN if priority >= Scheduling::FIRST_CRITICAL => {
                scheduling.priority = Priority::Critical;
            }
            FIFO | ROUND_ROBIN => scheduling.priority = Priority::RealTime,
            IDLE => scheduling.priority = Priority::Idle,
            // An operator's level above or below the usual one is of the same policy.
            _ if was_usual => {}
            _ => scheduling.priority = Priority::Normal,
        }
        match (policy, scheduling.class) {
            (BATCH, _) => scheduling.class = PriorityClass::Background,
            (OTHER, PriorityClass::Background) => scheduling.class = PriorityClass::User,
            _ => {}
        }
        if let Some(nice) = nice {
            scheduling.nice = nice;
        }
    })
    .map_err(|e| errno(&e))?;
    Ok(0)
}

fn priority_argument(arguments: &Arguments, index: usize) -> Result<i32, Errno> {
    let at = arguments.pointer(index).non_null().ok_or(Errno::EINVAL)?;
    Ok(i32::from_le_bytes(user::read(at)?))
}

pub(super) fn sched_setscheduler(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let policy = arguments.int(1);
    if policy < 0 {
        return Err(Errno::EINVAL);
    }
    let priority = priority_argument(arguments, 2)?;
    let pid = process_of(caller, arguments.int(0))?;
    set_policy(caller, pid, policy & !RESET_ON_FORK, priority, None)
}

pub(super) fn sched_setparam(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let priority = priority_argument(arguments, 1)?;
    let pid = process_of(caller, arguments.int(0))?;
    let now = process::scheduling_of(pid).map_err(|e| errno(&e))?;
    set_policy(caller, pid, now.policy().number(), priority, None)
}

pub(super) fn sched_getscheduler(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let pid = process_of(caller, arguments.int(0))?;
    let scheduling = process::scheduling_of(pid).map_err(|_| Errno::ESRCH)?;
    Ok(u64::from(scheduling.policy().number().cast_unsigned()))
}

pub(super) fn sched_getparam(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let at = arguments.pointer(1).non_null().ok_or(Errno::EINVAL)?;
    let pid = process_of(caller, arguments.int(0))?;
    let scheduling = process::scheduling_of(pid).map_err(|_| Errno::ESRCH)?;
    user::write(at, &scheduling.real_time_priority().to_le_bytes())?;
    Ok(0)
}

pub(super) fn sched_get_priority_max(arguments: &Arguments) -> Answer {
    match arguments.int(0) {
        FIFO | ROUND_ROBIN => Ok(99),
        OTHER | BATCH | IDLE => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

pub(super) fn sched_get_priority_min(arguments: &Arguments) -> Answer {
    match arguments.int(0) {
        FIFO | ROUND_ROBIN => Ok(1),
        OTHER | BATCH | IDLE => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

pub(super) fn sched_rr_get_interval(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const TURN_NS: u64 = 100_000_000;
    const SLICE_NS: u64 = 4_000_000;
    let pid = process_of(caller, arguments.int(0))?;
    let scheduling = process::scheduling_of(pid).map_err(|_| Errno::ESRCH)?;
    let ns = if is_real_time(scheduling.policy().number()) { TURN_NS } else { SLICE_NS };
    user::write(arguments.pointer(1), &Timespec::from_nanoseconds(ns).to_bytes())?;
    Ok(0)
}

/// `struct sched_attr` in its first version: size, policy, flags, nice, priority, and three times
/// of a policy that is not offered.
const ATTRIBUTE_BYTES: u32 = 48;

pub(super) fn sched_setattr(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    if arguments.pointer(1).0 == 0 || arguments.int(0) < 0 || arguments.unsigned(2) != 0 {
        return Err(Errno::EINVAL);
    }
    let at = arguments.pointer(1);
    let size = u32::from_le_bytes(user::read(at)?);
    if size != 0 && size < ATTRIBUTE_BYTES {
        user::write(at, &ATTRIBUTE_BYTES.to_le_bytes())?;
        return Err(Errno::E2BIG);
    }
    let bytes: [u8; ATTRIBUTE_BYTES as usize] = user::read(at)?;
    let word = |offset: usize| {
        bytes
            .get(offset..offset + 4)
            .and_then(|it| it.try_into().ok())
            .map_or(0, i32::from_le_bytes)
    };
    let (policy, nice, priority) = (word(4), word(16), word(20));
    let nice = Nice::new(i64::from(nice.clamp(-20, 19))).map_err(|_| Errno::EINVAL)?;
    let pid = process_of(caller, arguments.int(0))?;
    let own = credentials(caller.process.pid())?;
    let now = process::scheduling_of(pid).map_err(|e| errno(&e))?;
    if nice < now.nice && !own.is_capable(Capability::SysNice) {
        return Err(Errno::EPERM);
    }
    let nice = Some(nice).filter(|_| matches!(policy, OTHER | BATCH));
    set_policy(caller, pid, policy, priority, nice)
}

pub(super) fn sched_getattr(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let size = arguments.unsigned(2);
    if size < ATTRIBUTE_BYTES || arguments.unsigned(3) != 0 || arguments.pointer(1).0 == 0 {
        return Err(Errno::EINVAL);
    }
    let pid = process_of(caller, arguments.int(0))?;
    let scheduling = process::scheduling_of(pid).map_err(|_| Errno::ESRCH)?;
    let mut bytes = [0; ATTRIBUTE_BYTES as usize];
    let words = [
        (0, ATTRIBUTE_BYTES),
        (4, scheduling.policy().number().cast_unsigned()),
        (16, i32::from(scheduling.nice.value()).cast_unsigned()),
        (20, scheduling.real_time_priority().cast_unsigned()),
    ];
    for (offset, word) in words {
        bytes[offset..offset + 4].copy_from_slice(&word.to_le_bytes());
    }
    user::write(arguments.pointer(1), &bytes)?;
    Ok(0)
}

/// Bytes of a set of CPUs.
const SET_BYTES: usize = 32;

pub(super) fn sched_setaffinity(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let thread = thread(caller, arguments.int(0))?;
    let length = usize::try_from(arguments.word(1)).unwrap_or(SET_BYTES).min(SET_BYTES);
    let mut bytes = [0; SET_BYTES];
    hal::user::copy_from(arguments.pointer(2).0, &mut bytes[..length])
        .map_err(|_| Errno::EFAULT)?;
    let mut words = [0_u64; 4];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = bytes.try_into().map_or(0, u64::from_le_bytes);
    }
    let online = CpuSet::first_n(hal::cpu::online());
    let set = CpuSet::from_words(words);
    if (set & online) == CpuSet::EMPTY {
        return Err(Errno::EINVAL);
    }
    let own = credentials(caller.process.pid())?;
    if !own.may_schedule(&*credentials(thread.process().pid())?) {
        return Err(Errno::EPERM);
    }
    process::set_thread_affinity(&thread, set);
    Ok(0)
}

fn thread(caller: &Caller<'_>, number: i32) -> Result<alloc::sync::Arc<scheduler::Thread>, Errno> {
    match number {
        0 => Ok(alloc::sync::Arc::clone(caller.thread)),
        number => {
            let tid = Tid::new(i64::from(number)).map_err(|_| Errno::ESRCH)?;
            let thread = process::find_thread(tid).map_err(|_| Errno::ESRCH)?;
            let is_seen = caller.process.sees(thread.process());
            if is_seen { Ok(thread) } else { Err(Errno::ESRCH) }
        }
    }
}

pub(super) fn sched_getaffinity(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    // What does not fit into memory is longer than the set in any case.
    let length = usize::try_from(arguments.unsigned(1)).unwrap_or(usize::MAX & !7);
    if length < 8 || !length.is_multiple_of(8) {
        return Err(Errno::EINVAL);
    }
    let thread = thread(caller, arguments.int(0))?;
    let set = process::thread_affinity(&thread) & CpuSet::first_n(hal::cpu::online());
    let mut bytes = [0; SET_BYTES];
    for (place, word) in bytes.chunks_exact_mut(8).zip(set.words()) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    // As on Linux, as many bytes as there can be CPUs.
    let count = length.min(hal::cpu::online().div_ceil(64) * 8);
    user::write(arguments.pointer(2), &bytes[..count])?;
    Ok(count as u64)
}

pub(super) fn getcpu(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let cpu = caller.thread.last_cpu().unwrap_or(0);
    let node = scheduler::figures(cpu).map_or(0, |figures| figures.node);
    for (at, value) in [(arguments.pointer(0), cpu), (arguments.pointer(1), node)] {
        if let Some(at) = at.non_null() {
            user::write(at, &u32::try_from(value).unwrap_or(0).to_le_bytes())?;
        }
    }
    Ok(0)
}

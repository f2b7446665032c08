//! The process and its thread: identity, end, scheduling.

use linux_abi::layout::Rlimit64;
use linux_abi::process::{ArchPrctl, Prctl, Resource};
use linux_abi::{Arguments, Errno};
use process_core::{ExitStatus, LimitsChange, ProcessError, ProcessName};

use super::{Answer, Caller, user};
use crate::{process, scheduler};

pub(super) fn errno(error: &ProcessError) -> Errno {
    match error {
        ProcessError::ProcessNotFound { .. } | ProcessError::InvalidPid { .. } => Errno::ESRCH,
        ProcessError::PermissionDenied { .. } | ProcessError::SignalNotSupported { .. } => {
            Errno::EPERM
        }
        ProcessError::ResourceExhausted { .. } | ProcessError::LimitExceeded { .. } => {
            Errno::EAGAIN
        }
        _ => Errno::EINVAL,
    }
}

/// `exit`: the thread ends, and its process with the last one.
pub(super) fn exit(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let [code, ..] = arguments.word(0).to_le_bytes();
    caller.thread.program.leave(code);
    Ok(0)
}

pub(super) fn exit_group(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    // The low byte is what a parent sees; wait4(2).
    let [code, ..] = arguments.word(0).to_le_bytes();
    process::end_own(caller.process, ExitStatus::Code(code));
    Ok(0)
}

pub(super) fn getppid(caller: &mut Caller<'_>) -> Answer {
    Ok(process::parent_of(caller.process.pid()).map_or(0, |parent| u64::from(parent.number())))
}

pub(super) fn getuid(caller: &mut Caller<'_>) -> Answer {
    let credentials = process::credentials_of(caller.process.pid()).map_err(|e| errno(&e))?;
    Ok(u64::from(credentials.effective_uid.0))
}

pub(super) fn getgid(caller: &mut Caller<'_>) -> Answer {
    let credentials = process::credentials_of(caller.process.pid()).map_err(|e| errno(&e))?;
    Ok(u64::from(credentials.effective_gid.0))
}

pub(super) fn getpgrp(caller: &mut Caller<'_>) -> Answer {
    let group = process::group_of(caller.process.pid()).map_err(|e| errno(&e))?;
    Ok(u64::from(group.number()))
}

pub(super) fn arch_prctl(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let request = ArchPrctl::decode(arguments, hal::paging::layout::USER_END)?;
    let is_done = match request {
        ArchPrctl::SetFs(base) => caller.context.set_fs_base(base),
        ArchPrctl::SetGs(base) => caller.context.set_gs_base(base),
        ArchPrctl::GetFs(at) => {
            user::write(at, &caller.context.fs_base().to_le_bytes())?;
            true
        }
        ArchPrctl::GetGs(at) => {
            user::write(at, &caller.context.gs_base().to_le_bytes())?;
            true
        }
    };
    if is_done { Ok(0) } else { Err(Errno::EPERM) }
}

pub(super) fn prctl(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let pid = caller.process.pid();
    match Prctl::decode(arguments)? {
        Prctl::SetName(at) => {
            let mut name = [0; 16];
            // Up to the zero byte, which may be the last one that is readable.
            for (index, byte) in name.iter_mut().enumerate().take(15) {
                let at = at.0.checked_add(index as u64).ok_or(Errno::EFAULT)?;
                *byte = user::read::<1>(linux_abi::UserPointer(at))?[0];
                if *byte == 0 {
                    break;
                }
            }
            process::set_name(pid, ProcessName::new(&name)).map_err(|e| errno(&e))?;
        }
        Prctl::GetName(at) => {
            let name = process::name_of(pid).map_err(|e| errno(&e))?;
            let mut bytes = [0; 16];
            let text = name.as_bytes();
            let count = text.len().min(15);
            bytes[..count].copy_from_slice(&text[..count]);
            user::write(at, &bytes)?;
        }
    }
    Ok(0)
}

pub(super) fn prlimit(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let own = caller.process.pid();
    if arguments.int(0) != 0 && i64::from(arguments.int(0)) != i64::from(own.number()) {
        return Err(Errno::EPERM);
    }
    let resource = Resource::from_number(arguments.unsigned(1))?;
    let limits = process::limits_of(own).map_err(|e| errno(&e))?;
    let old = match resource {
        Resource::Stack => limits.stack_bytes,
        Resource::OpenFiles => u64::from(limits.open_files),
        Resource::Processes => u64::from(limits.processes),
        // Neither core files nor locked memory exist here.
        Resource::Core | Resource::LockedMemory => 0,
        _ => Rlimit64::INFINITY,
    };
    if let Some(at) = arguments.pointer(2).non_null() {
        let new = Rlimit64::from_bytes(&user::read(at)?);
        if new.soft > new.hard {
            return Err(Errno::EINVAL);
        }
        let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let change = match resource {
            Resource::OpenFiles if new.soft <= old => {
                LimitsChange { open_files: Some(small(new.soft)), ..LimitsChange::default() }
            }
            Resource::OpenFiles => return Err(Errno::EPERM),
            // What is not limited can stay so; the rest is the operator's.
            _ if new.soft == old => LimitsChange::default(),
            _ => return Err(Errno::EPERM),
        };
        process::change_limits(own, &change).map_err(|e| errno(&e))?;
    }
    if let Some(at) = arguments.pointer(3).non_null() {
        user::write(at, &Rlimit64 { soft: old, hard: old }.to_bytes())?;
    }
    Ok(0)
}

pub(super) fn sched_yield() -> Answer {
    scheduler::yield_now();
    Ok(0)
}

pub(super) fn sched_getaffinity(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const SET_BYTES: usize = 32;
    let own = i64::from(caller.process.pid().number());
    if arguments.int(0) != 0 && i64::from(arguments.int(0)) != own {
        return Err(Errno::ESRCH);
    }
    // What does not fit into memory is longer than the set in any case.
    let length = usize::try_from(arguments.word(1)).unwrap_or(usize::MAX & !7);
    if length < 8 || !length.is_multiple_of(8) {
        return Err(Errno::EINVAL);
    }
    let online = sched_core::CpuSet::first_n(hal::cpu::online());
    let set = caller.process.affinity() & online;
    let mut bytes = [0; SET_BYTES];
    for (place, word) in bytes.chunks_exact_mut(8).zip(set.words()) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    let count = length.min(SET_BYTES);
    user::write(arguments.pointer(2), &bytes[..count])?;
    Ok(count as u64)
}

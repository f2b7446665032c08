//! The process and its thread: identity, end, scheduling.

use linux_abi::process::ArchPrctl;
use linux_abi::{Arguments, Errno};
use process_core::{ExitStatus, ProcessError};

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

pub(super) fn sched_yield() -> Answer {
    scheduler::yield_now();
    Ok(0)
}

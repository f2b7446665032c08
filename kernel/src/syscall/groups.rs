//! Process groups and sessions.

use linux_abi::{Arguments, Errno};
use process_core::{Pid, ProcessError};

use super::{Answer, Caller};
use crate::process::{self, sandbox};

/// The process that a pid argument names; 0 is the caller's own.
fn named(caller: &Caller<'_>, number: i32) -> Result<Pid, Errno> {
    match number {
        0 => Ok(caller.process.pid()),
        _ => {
            let pid = Pid::new(i64::from(number)).map_err(|_| Errno::ESRCH)?;
            sandbox::check_visible(caller.process, pid).map_err(|_| Errno::ESRCH)?;
            Ok(pid)
        }
    }
}

fn number(pid: Pid) -> u64 {
    u64::from(pid.number())
}

pub(super) fn setpgid(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    if arguments.int(1) < 0 {
        return Err(Errno::EINVAL);
    }
    let pid = named(caller, arguments.int(0))?;
    let group = match arguments.int(1) {
        0 => pid,
        number => Pid::new(i64::from(number)).map_err(|_| Errno::EPERM)?,
    };
    process::set_group(caller.process.pid(), pid, group).map_err(|error| match error {
        ProcessError::AlreadyExecuted { .. } => Errno::EACCES,
        ProcessError::PermissionDenied { .. } => Errno::EPERM,
        _ => Errno::ESRCH,
    })?;
    Ok(0)
}

pub(super) fn getpgid(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let pid = named(caller, arguments.int(0))?;
    process::group_of(pid).map(number).map_err(|_| Errno::ESRCH)
}

pub(super) fn getpgrp(caller: &mut Caller<'_>) -> Answer {
    process::group_of(caller.process.pid()).map(number).map_err(|_| Errno::ESRCH)
}

pub(super) fn getsid(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let pid = named(caller, arguments.int(0))?;
    process::session_of(pid).map(number).map_err(|_| Errno::ESRCH)
}

pub(super) fn setsid(caller: &mut Caller<'_>) -> Answer {
    let pid = caller.process.pid();
    process::start_session(pid).map_err(|_| Errno::EPERM)?;
    Ok(number(pid))
}

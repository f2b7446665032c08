//! What a process may use, and what it has used.

use linux_abi::layout::{Rlimit64, Tms};
use linux_abi::{Arguments, Errno};
use process_core::{Capability, Pid, RlimitRefusal, SoftHard, Usage};

use super::process::errno;
use super::wait::rusage;
use super::{Answer, Caller, user};
use crate::process::{self, sandbox};

fn read(at: linux_abi::UserPointer) -> Result<SoftHard, Errno> {
    let limit = Rlimit64::from_bytes(&user::read(at)?);
    Ok(SoftHard { soft: limit.soft, hard: limit.hard })
}

fn write(at: linux_abi::UserPointer, limit: SoftHard) -> Result<(), Errno> {
    user::write(at, &Rlimit64 { soft: limit.soft, hard: limit.hard }.to_bytes())
}

/// Changes a limit, if there is a new one, and gives the old one.
fn exchange(
    caller: &Caller<'_>,
    pid: Pid,
    number: u32,
    new: Option<SoftHard>,
) -> Result<SoftHard, Errno> {
    let number = usize::try_from(number).map_err(|_| Errno::EINVAL)?;
    let own = process::credentials_of(caller.process.pid()).map_err(|e| errno(&e))?;
    if pid != caller.process.pid() {
        sandbox::check_visible(caller.process, pid).map_err(|_| Errno::ESRCH)?;
        let other = process::credentials_of(pid).map_err(|_| Errno::ESRCH)?;
        let is_same = own.real_uid == other.real_uid
            && own.real_uid == other.effective_uid
            && own.real_uid == other.saved_uid
            && own.real_gid == other.real_gid
            && own.real_gid == other.effective_gid
            && own.real_gid == other.saved_gid;
        if !is_same && !own.is_capable(Capability::SysResource) {
            return Err(Errno::EPERM);
        }
    }
    let may_raise = own.is_capable(Capability::SysResource);
    let found = process::exchange_rlimit(pid, number, new, may_raise).map_err(|_| Errno::ESRCH)?;
    found.map_err(|refusal| match refusal {
        RlimitRefusal::Invalid => Errno::EINVAL,
        RlimitRefusal::NotAllowed => Errno::EPERM,
    })
}

pub(super) fn prlimit(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let pid = match arguments.int(0) {
        0 => caller.process.pid(),
        number => Pid::new(i64::from(number)).map_err(|_| Errno::ESRCH)?,
    };
    let new = arguments.pointer(2).non_null().map(read).transpose()?;
    let old = exchange(caller, pid, arguments.unsigned(1), new)?;
    if let Some(at) = arguments.pointer(3).non_null() {
        write(at, old)?;
    }
    Ok(0)
}

pub(super) fn getrlimit(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let old = exchange(caller, caller.process.pid(), arguments.unsigned(0), None)?;
    write(arguments.pointer(1), old)?;
    Ok(0)
}

pub(super) fn setrlimit(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let new = read(arguments.pointer(1))?;
    exchange(caller, caller.process.pid(), arguments.unsigned(0), Some(new))?;
    Ok(0)
}

pub(super) fn getrusage(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let usage: Usage = match arguments.int(0) {
        0 => caller.process.usage(),
        -1 => caller.process.children_usage(),
        1 => {
            let mut usage = caller.thread.figures.usage();
            usage.memory.peak_bytes = caller.process.usage().memory.peak_bytes;
            usage
        }
        _ => return Err(Errno::EINVAL),
    };
    user::write(arguments.pointer(1), &rusage(&usage).to_bytes())?;
    Ok(0)
}

pub(super) fn times(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let ticks = |ns: u64| ns / (1_000_000_000 / linux_abi::auxiliary::CLOCK_TICKS);
    if let Some(at) = arguments.pointer(0).non_null() {
        let signed = |ns| i64::try_from(ticks(ns)).unwrap_or(i64::MAX);
        let (own, children) = (caller.process.usage().cpu, caller.process.children_usage().cpu);
        let times = Tms {
            user: signed(own.user_ns),
            system: signed(own.system_ns),
            children_user: signed(children.user_ns),
            children_system: signed(children.system_ns),
        };
        user::write(at, &times.to_bytes())?;
    }
    Ok(ticks(hal::time::now_ns()))
}

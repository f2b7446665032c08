//! `wait4` and `waitid`.

use linux_abi::layout::{Rusage, SigInfo, Timeval};
use linux_abi::process::{Wait4, WaitOptions, WaitTarget};
use linux_abi::{Arguments, Errno};
use process_core::{ExitStatus, Pid, Usage, WaitEvents, WaitSelector};

use super::process::errno;
use super::{Answer, Caller, user};
use crate::process::{self, News, Wait, WaitError, Waited};

fn selector(caller: &Caller<'_>, target: WaitTarget) -> Result<WaitSelector, Errno> {
    // What no process can have as its number is nobody's child.
    let pid = |number: u32| Pid::new(i64::from(number)).map_err(|_| Errno::ECHILD);
    Ok(match target {
        WaitTarget::All => WaitSelector::Any,
        WaitTarget::Process(number) => WaitSelector::Child(pid(number)?),
        WaitTarget::Group(number) => WaitSelector::Group(pid(number)?),
        WaitTarget::OwnGroup => {
            let group = process::group_of(caller.process.pid()).map_err(|e| errno(&e))?;
            WaitSelector::Group(group)
        }
    })
}

fn wait(caller: &Caller<'_>, wait: &Wait) -> Result<Option<Waited>, Errno> {
    process::wait_for_child(caller.thread, wait).map_err(|error| match error {
        WaitError::NoChild => Errno::ECHILD,
        WaitError::Interrupted => Errno::ERESTARTSYS,
    })
}

pub(super) fn wait4(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let request = Wait4::decode(arguments)?;
    let has = |option| request.options.contains(option);
    let asked = Wait {
        selector: selector(caller, request.target)?,
        events: WaitEvents {
            exited: true,
            stopped: has(WaitOptions::UNTRACED),
            continued: has(WaitOptions::CONTINUED),
        },
        blocks: !has(WaitOptions::NOHANG),
        takes: true,
    };
    let Some(found) = wait(caller, &asked)? else { return Ok(0) };
    if let Some(at) = request.usage {
        user::write(at, &rusage(&found.usage).to_bytes())?;
    }
    if let Some(at) = request.status {
        user::write(at, &word(found.news).to_le_bytes())?;
    }
    Ok(u64::from(found.pid.number()))
}

/// The status that `wait4` stores.
fn word(news: News) -> i32 {
    const STOPPED: i32 = 0x7f;
    const CONTINUED: i32 = 0xffff;
    match news {
        News::Ended(exit) => exit.wait_word(),
        News::Stopped(signal) => i32::from(signal.number()) << 8 | STOPPED,
        News::Continued => CONTINUED,
    }
}

pub(super) fn waitid(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const STOPPED: u32 = 2;
    const EXITED: u32 = 4;
    const NOHANG: u32 = 1;
    const CONTINUED: u32 = 8;
    const NOWAIT: u32 = 0x0100_0000;
    const KINDS: u32 = 0xe000_0000;
    let options = arguments.unsigned(3);
    let known = STOPPED | EXITED | NOHANG | CONTINUED | NOWAIT | KINDS;
    if options & !known != 0 || options & (STOPPED | EXITED | CONTINUED) == 0 {
        return Err(Errno::EINVAL);
    }
    let number = arguments.int(1);
    let mut is_nonblocking = false;
    let mut blocks = options & NOHANG == 0;
    let target = match arguments.int(0) {
        3 => {
            let (pid, may_block) = super::pidfd::process_of(caller, number)?;
            is_nonblocking = !may_block;
            blocks &= may_block;
            WaitTarget::Process(pid.number())
        }
        0 => WaitTarget::All,
        1 if number > 0 => WaitTarget::Process(number.cast_unsigned()),
        2 if number == 0 => WaitTarget::OwnGroup,
        2 if number > 0 => WaitTarget::Group(number.cast_unsigned()),
        _ => return Err(Errno::EINVAL),
    };
    let asked = Wait {
        selector: selector(caller, target)?,
        events: WaitEvents {
            exited: options & EXITED != 0,
            stopped: options & STOPPED != 0,
            continued: options & CONTINUED != 0,
        },
        blocks,
        takes: options & NOWAIT == 0,
    };
    let found = wait(caller, &asked)?;
    if found.is_none() && is_nonblocking && options & NOHANG == 0 {
        return Err(Errno::EAGAIN);
    }
    if let (Some(at), Some(found)) = (arguments.pointer(4).non_null(), &found) {
        user::write(at, &rusage(&found.usage).to_bytes())?;
    }
    if let Some(at) = arguments.pointer(2).non_null() {
        let info = found.map_or_else(SigInfo::zeroed, |found| info(&found));
        user::write(at, &info.to_bytes())?;
    }
    Ok(0)
}

fn info(found: &Waited) -> SigInfo {
    const SIGCHLD: i32 = 17;
    const SIGCONT: i32 = 18;
    let (code, status) = match found.news {
        News::Ended(ExitStatus::Code(code)) => (SigInfo::CLD_EXITED, i32::from(code)),
        News::Ended(ExitStatus::Signaled { signal, .. }) => {
            (SigInfo::CLD_KILLED, i32::from(signal.number()))
        }
        News::Stopped(signal) => (SigInfo::CLD_STOPPED, i32::from(signal.number())),
        News::Continued => (SigInfo::CLD_CONTINUED, SIGCONT),
    };
    let child = (found.pid.number().cast_signed(), found.uid.0);
    SigInfo::from_child(SIGCHLD, code, child, status, (0, 0))
}

/// A usage as programs read it.
pub(super) fn rusage(usage: &Usage) -> Rusage {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    Rusage {
        user_time: Timeval::from_nanoseconds(usage.cpu.user_ns),
        system_time: Timeval::from_nanoseconds(usage.cpu.system_ns),
        max_resident_kib: signed(usage.memory.peak_bytes / 1024),
        minor_faults: signed(usage.minor_faults),
        major_faults: signed(usage.major_faults),
        voluntary_switches: signed(usage.voluntary_switches),
        involuntary_switches: signed(usage.involuntary_switches),
        ..Rusage::zeroed()
    }
}

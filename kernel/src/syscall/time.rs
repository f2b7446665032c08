//! Clocks and sleeping.

use linux_abi::layout::{Timespec, Timeval};
use linux_abi::time::{Clock, ClockNanosleep};
use linux_abi::{Arguments, Errno};
use process_core::BlockReason;

use super::{Answer, Caller, user};
use crate::scheduler;

pub(super) fn nanosleep(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    sleep(caller, &ClockNanosleep::decode_nanosleep(arguments))
}

pub(super) fn clock_nanosleep(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    sleep(caller, &ClockNanosleep::decode(arguments)?)
}

fn sleep(caller: &mut Caller<'_>, request: &ClockNanosleep) -> Answer {
    let wanted = Timespec::from_bytes(&user::read(request.request)?).to_nanoseconds()?;
    let now = hal::time::now_ns();
    let deadline = match (request.is_absolute, request.clock) {
        (false, _) => caller.resumed_deadline_ns.unwrap_or(now.saturating_add(wanted)),
        (true, Clock::Realtime | Clock::Tai) => {
            let wall = u64::try_from(hal::time::wall_ns()).unwrap_or(0);
            now.saturating_add(wanted.saturating_sub(wall))
        }
        (true, _) => wanted,
    };
    while !caller.is_interrupted() {
        if !scheduler::park_until(BlockReason::Sleep, deadline) {
            return Ok(0);
        }
    }
    if request.is_absolute {
        return Err(Errno::ERESTARTNOHAND);
    }
    if let Some(remaining) = request.remaining {
        let left = deadline.saturating_sub(hal::time::now_ns());
        user::write(remaining, &Timespec::from_nanoseconds(left).to_bytes())?;
    }
    Err(caller.interrupted_until(deadline))
}

pub(super) fn clock_gettime(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let ns = match Clock::from_number(arguments.int(0))? {
        Clock::Realtime | Clock::RealtimeCoarse | Clock::Tai => {
            u64::try_from(hal::time::wall_ns()).unwrap_or(0)
        }
        Clock::Monotonic | Clock::MonotonicRaw | Clock::MonotonicCoarse | Clock::Boottime => {
            hal::time::now_ns()
        }
        Clock::ProcessCpu => caller.process.usage().cpu.total_ns(),
        Clock::ThreadCpu => caller.thread.figures.cpu_usage().total_ns(),
    };
    user::write(arguments.pointer(1), &Timespec::from_nanoseconds(ns).to_bytes())?;
    Ok(0)
}

pub(super) fn clock_getres(arguments: &Arguments) -> Answer {
    Clock::from_number(arguments.int(0))?;
    if let Some(at) = arguments.pointer(1).non_null() {
        user::write(at, &Timespec::from_nanoseconds(1).to_bytes())?;
    }
    Ok(0)
}

pub(super) fn gettimeofday(arguments: &Arguments) -> Answer {
    let ns = u64::try_from(hal::time::wall_ns()).unwrap_or(0);
    if let Some(at) = arguments.pointer(0).non_null() {
        user::write(at, &Timeval::from_nanoseconds(ns).to_bytes())?;
    }
    if let Some(zone) = arguments.pointer(1).non_null() {
        // Minutes west of Greenwich, and the kind of daylight saving: both zero, as on Linux.
        user::write(zone, &[0; 8])?;
    }
    Ok(0)
}

pub(super) fn time(arguments: &Arguments) -> Answer {
    let seconds = u64::try_from(hal::time::wall_ns()).unwrap_or(0) / 1_000_000_000;
    if let Some(at) = arguments.pointer(0).non_null() {
        user::write(at, &seconds.to_le_bytes())?;
    }
    Ok(seconds)
}

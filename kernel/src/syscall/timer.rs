//! Timers that send signals: `alarm`, `setitimer`, `timer_create` and their like.

use linux_abi::layout::{ItimerSpec, ItimerVal, SigEvent, Timespec, Timeval};
use linux_abi::time::Clock;
use linux_abi::{Arguments, Errno};
use process_core::{Countdown, Interval, Notice, Signal, SignalTarget, Tid, TimerClock};

use super::process::errno;
use super::{Answer, Caller, user};
use crate::process;

const NS_PER_SECOND: u64 = 1_000_000_000;

/// A setting that lets so much time pass from now.
fn from_now(caller: &Caller<'_>, clock: TimerClock, value_ns: u64, interval_ns: u64) -> Countdown {
    let now_ns = caller.process.clocks().read(clock);
    let expires_ns = (value_ns != 0).then(|| now_ns.saturating_add(value_ns));
    Countdown { expires_ns, interval_ns }
}

pub(super) fn alarm(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let value_ns = u64::from(arguments.unsigned(0)).saturating_mul(NS_PER_SECOND);
    let countdown = from_now(caller, Interval::Real.clock(), value_ns, 0);
    let old = process::set_interval(caller.process, Interval::Real, countdown)
        .map_err(|error| errno(&error))?;
    let left_ns = old.remaining_ns(hal::time::now_ns());
    // Rounded to the nearest second, but never to none: alarm(2) in Linux.
    let seconds = left_ns.saturating_add(NS_PER_SECOND / 2) / NS_PER_SECOND;
    Ok(if left_ns > 0 { seconds.max(1) } else { 0 })
}

fn interval(number: i32) -> Result<Interval, Errno> {
    Ok(match number {
        0 => Interval::Real,
        1 => Interval::Virtual,
        2 => Interval::Profiling,
        _ => return Err(Errno::EINVAL),
    })
}

fn shown(caller: &Caller<'_>, which: Interval, countdown: &Countdown) -> ItimerVal {
    let now_ns = caller.process.clocks().read(which.clock());
    // Rounded up: a timer that is set never shows zero.
    let left = countdown.remaining_ns(now_ns).div_ceil(1000).saturating_mul(1000);
    ItimerVal {
        interval: Timeval::from_nanoseconds(countdown.interval_ns),
        value: Timeval::from_nanoseconds(left),
    }
}

pub(super) fn getitimer(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let which = interval(arguments.int(0))?;
    let countdown = caller.process.signals().lock().timers().interval(which);
    user::write(arguments.pointer(1), &shown(caller, which, &countdown).to_bytes())?;
    Ok(0)
}

pub(super) fn setitimer(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let new = match arguments.pointer(1).non_null() {
        Some(at) => ItimerVal::from_bytes(&user::read(at)?),
        // Linux takes a missing setting for zero.
        None => ItimerVal::zeroed(),
    };
    let (value_ns, interval_ns) = (new.value.to_nanoseconds()?, new.interval.to_nanoseconds()?);
    let which = interval(arguments.int(0))?;
    let countdown = from_now(caller, which.clock(), value_ns, interval_ns);
    let old =
        process::set_interval(caller.process, which, countdown).map_err(|error| errno(&error))?;
    if let Some(at) = arguments.pointer(2).non_null() {
        user::write(at, &shown(caller, which, &old).to_bytes())?;
    }
    Ok(0)
}

/// What a timer by this clock counts on. Wall time runs as the monotonic clock does.
fn timer_clock(number: i32) -> Result<TimerClock, Errno> {
    Ok(match Clock::from_number(number)? {
        Clock::Realtime | Clock::Monotonic | Clock::Boottime | Clock::Tai => TimerClock::Monotonic,
        Clock::ProcessCpu => TimerClock::Cpu,
        Clock::ThreadCpu | Clock::MonotonicRaw | Clock::RealtimeCoarse | Clock::MonotonicCoarse => {
            return Err(Errno::EOPNOTSUPP);
        }
    })
}

pub(super) fn timer_create(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const SIGEV_SIGNAL: i32 = 0;
    const SIGEV_NONE: i32 = 1;
    const SIGEV_THREAD: i32 = 2;
    const SIGEV_THREAD_ID: i32 = 4;
    let clock = timer_clock(arguments.int(0))?;
    let is_wall = matches!(Clock::from_number(arguments.int(0))?, Clock::Realtime | Clock::Tai);
    let event = match arguments.pointer(1).non_null() {
        Some(at) => Some(SigEvent::from_bytes(&user::read(at)?)),
        None => None,
    };
    let signal = |number: i32| Signal::new(i64::from(number)).map_err(|_| Errno::EINVAL);
    let notice = match event {
        None => None,
        Some(event) => Some(match event.notify {
            SIGEV_NONE => Notice::None,
            SIGEV_SIGNAL | SIGEV_THREAD => Notice::Signal {
                signal: signal(event.signal)?,
                value: event.value,
                target: SignalTarget::Process,
            },
            SIGEV_THREAD_ID => {
                let tid = Tid::new(i64::from(event.thread)).map_err(|_| Errno::EINVAL)?;
                if !caller.process.signals().lock().threads().any(|own| own == tid) {
                    return Err(Errno::EINVAL);
                }
                let (signal, value) = (signal(event.signal)?, event.value);
                Notice::Signal { signal, value, target: SignalTarget::Thread(tid) }
            }
            _ => return Err(Errno::EINVAL),
        }),
    };
    let by_default = |id: i32| Notice::Signal {
        signal: Signal::SIGALRM,
        value: u64::from(id.unsigned_abs()),
        target: SignalTarget::Process,
    };
    let created = {
        let mut signals = caller.process.signals().lock();
        let notice = |id| notice.unwrap_or_else(|| by_default(id));
        signals.timers_mut().create(clock, is_wall, notice)
    };
    let id = created.map_err(|error| errno(&error))?;
    if let Err(error) = user::write(arguments.pointer(2), &id.to_le_bytes()) {
        caller.process.signals().lock().delete_timer(id);
        return Err(error);
    }
    Ok(0)
}

fn timer_shown(countdown: &Countdown, now_ns: u64) -> ItimerSpec {
    ItimerSpec {
        interval: Timespec::from_nanoseconds(countdown.interval_ns),
        value: Timespec::from_nanoseconds(countdown.remaining_ns(now_ns)),
    }
}

pub(super) fn timer_settime(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const TIMER_ABSTIME: u32 = 1;
    let id = arguments.int(0);
    let at = arguments.pointer(2).non_null().ok_or(Errno::EINVAL)?;
    let new = ItimerSpec::from_bytes(&user::read(at)?);
    let (value_ns, interval_ns) = (new.value.to_nanoseconds()?, new.interval.to_nanoseconds()?);
    let timer = caller.process.signals().lock().timers().get(id).ok_or(Errno::EINVAL)?;
    let clocks = caller.process.clocks();
    let countdown = if arguments.unsigned(1) & TIMER_ABSTIME == 0 {
        from_now(caller, timer.clock, value_ns, interval_ns)
    } else {
        let expires_ns = if timer.is_wall {
            let wall_ns = u64::try_from(hal::time::wall_ns()).unwrap_or(0);
            clocks.monotonic_ns.saturating_add(value_ns.saturating_sub(wall_ns))
        } else {
            value_ns
        };
        Countdown { expires_ns: (value_ns != 0).then_some(expires_ns), interval_ns }
    };
    let old = process::set_timer(caller.process, id, countdown)
        .map_err(|error| errno(&error))?
        .ok_or(Errno::EINVAL)?;
    if let Some(at) = arguments.pointer(3).non_null() {
        user::write(at, &timer_shown(&old, clocks.read(timer.clock)).to_bytes())?;
    }
    Ok(0)
}

pub(super) fn timer_gettime(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let timer = caller.process.signals().lock().timers().get(arguments.int(0));
    let timer = timer.ok_or(Errno::EINVAL)?;
    let now_ns = caller.process.clocks().read(timer.clock);
    user::write(arguments.pointer(1), &timer_shown(&timer.countdown, now_ns).to_bytes())?;
    Ok(0)
}

pub(super) fn timer_getoverrun(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let overruns = caller.process.signals().lock().timers().overruns(arguments.int(0));
    overruns.map(|overruns| u64::from(overruns.unsigned_abs())).ok_or(Errno::EINVAL)
}

pub(super) fn timer_delete(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    if caller.process.signals().lock().delete_timer(arguments.int(0)) {
        Ok(0)
    } else {
        Err(Errno::EINVAL)
    }
}

//! `epoll`, `eventfd`, `timerfd`.

use alloc::boxed::Box;
use alloc::sync::Arc;

use linux_abi::file::{AccessMode, OpenFlags};
use linux_abi::layout::{EpollEvent, ItimerSpec, Timespec};
use linux_abi::time::Clock;
use linux_abi::{Arguments, Errno, UserPointer};
use process_core::BlockReason;

use super::poll::with_mask;
use super::{Answer, Caller, file, poll, user};
use crate::fs::{
    Epoll, EventCounter, File, Interest, OpenFile, Readiness, TimerFile, TimerSetting, Waiting,
    until_ready,
};

const CLOEXEC: u32 = OpenFlags::CLOEXEC.bits();
const NONBLOCK: u32 = OpenFlags::NONBLOCK.bits();

/// Whether flags are those of a new descriptor and no others.
pub(super) fn check_event_flags(flags: u32) -> Result<(), Errno> {
    if flags & !(CLOEXEC | NONBLOCK) == 0 { Ok(()) } else { Err(Errno::EINVAL) }
}

/// Gives something without a name a descriptor.
pub(super) fn open_events(caller: &Caller<'_>, what: Box<dyn File>, flags: u32) -> Answer {
    let status = OpenFlags::from_bits_truncate(flags & NONBLOCK);
    let file = OpenFile::new(what, AccessMode::ReadWrite, status);
    file::insert(caller, Arc::new(file), flags & CLOEXEC != 0)
}

pub(super) fn epoll_create(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    if arguments.int(0) <= 0 {
        return Err(Errno::EINVAL);
    }
    open_events(caller, Box::new(Epoll::new()), 0)
}

pub(super) fn epoll_create1(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let flags = arguments.unsigned(0);
    if flags & !CLOEXEC != 0 {
        return Err(Errno::EINVAL);
    }
    open_events(caller, Box::new(Epoll::new()), flags)
}

pub(super) fn epoll_ctl(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const ADD: i32 = 1;
    const DEL: i32 = 2;
    const MOD: i32 = 3;
    let operation = arguments.int(1);
    let interest = if operation == DEL {
        None
    } else {
        let event = EpollEvent::from_bytes(&user::read(arguments.pointer(3))?);
        Some(Interest { events: event.events, data: event.data() })
    };
    let outer = file::file(caller, arguments.int(0))?;
    let target = file::file(caller, arguments.int(2))?;
    if target.file().watch_list().is_none() {
        return Err(Errno::EPERM);
    }
    let epoll = outer.downcast::<Epoll>().filter(|_| !Arc::ptr_eq(&outer, &target));
    let epoll = epoll.ok_or(Errno::EINVAL)?;
    let fd = arguments.unsigned(2);
    match (operation, interest) {
        (ADD, Some(interest)) => epoll.add(fd, &target, interest)?,
        (MOD, Some(interest)) => epoll.modify(fd, &target, interest)?,
        (DEL, _) => epoll.remove(fd, &target)?,
        _ => return Err(Errno::EINVAL),
    }
    Ok(0)
}

fn wait(caller: &mut Caller<'_>, arguments: &Arguments, deadline_ns: Option<u64>) -> Answer {
    let deadline_ns = caller.resumed_deadline_ns.or(deadline_ns);
    const MOST: usize = i32::MAX as usize / EpollEvent::BYTES;
    let most = usize::try_from(arguments.int(2)).map_err(|_| Errno::EINVAL)?;
    if most == 0 || most > MOST {
        return Err(Errno::EINVAL);
    }
    let outer = file::file(caller, arguments.int(0))?;
    let epoll = outer.downcast::<Epoll>().ok_or(Errno::EINVAL)?;
    let told = if deadline_ns == Some(0) {
        epoll.collect(most)
    } else {
        let waiting = Waiting { interest: Readiness::IN, reason: BlockReason::Poll, deadline_ns };
        until_ready(caller.thread, outer.file(), waiting, || epoll.collect(most))
    };
    let told = match told {
        Ok(told) => told,
        // The time is over.
        Err(Errno::EAGAIN) => return Ok(0),
        Err(error) if error.restart().is_some() => {
            return Err(match deadline_ns {
                Some(deadline_ns) => caller.interrupted_until(deadline_ns),
                None => Errno::ERESTARTNOHAND,
            });
        }
        Err(error) => return Err(error),
    };
    let mut done = 0_u64;
    for event in &told {
        let at = done.checked_mul(EpollEvent::BYTES as u64);
        let at = at.and_then(|offset| arguments.word(1).checked_add(offset));
        let at = UserPointer(at.ok_or(Errno::EFAULT)?);
        match user::write(at, &EpollEvent::new(event.events, event.data).to_bytes()) {
            Ok(()) => done += 1,
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(done)
}

/// A time in milliseconds; a negative one is for ever.
fn deadline_ms(timeout_ms: i32) -> Option<u64> {
    let timeout_ms = u64::try_from(timeout_ms).ok()?;
    poll::after(timeout_ms.saturating_mul(1_000_000))
}

pub(super) fn epoll_wait(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    wait(caller, arguments, deadline_ms(arguments.int(3)))
}

pub(super) fn epoll_pwait(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let deadline_ns = deadline_ms(arguments.int(3));
    with_mask(caller, arguments.pointer(4), arguments.word(5), |caller| {
        wait(caller, arguments, deadline_ns)
    })
}

pub(super) fn epoll_pwait2(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let deadline_ns = match arguments.pointer(3).non_null() {
        Some(at) => poll::after(Timespec::from_bytes(&user::read(at)?).to_nanoseconds()?),
        None => None,
    };
    with_mask(caller, arguments.pointer(4), arguments.word(5), |caller| {
        wait(caller, arguments, deadline_ns)
    })
}

pub(super) fn eventfd(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    make_counter(caller, arguments.unsigned(0), 0)
}

pub(super) fn eventfd2(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    make_counter(caller, arguments.unsigned(0), arguments.unsigned(1))
}

fn make_counter(caller: &Caller<'_>, count: u32, flags: u32) -> Answer {
    const SEMAPHORE: u32 = 1;
    if flags & !(SEMAPHORE | CLOEXEC | NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    let count = u64::from(count);
    let counter = if flags & SEMAPHORE != 0 {
        EventCounter::semaphore(count)
    } else {
        EventCounter::new(count)
    };
    open_events(caller, Box::new(counter), flags)
}

pub(super) fn timerfd_create(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const REALTIME_ALARM: i32 = 8;
    const BOOTTIME_ALARM: i32 = 9;
    let flags = arguments.unsigned(1);
    check_event_flags(flags)?;
    // Nothing here goes to sleep, so that an alarm need not wake it.
    let clock = match arguments.int(0) {
        REALTIME_ALARM => Clock::Realtime,
        BOOTTIME_ALARM => Clock::Boottime,
        number => Clock::from_number(number)?,
    };
    let timer = match clock {
        Clock::Realtime => TimerFile::wall(),
        Clock::Monotonic | Clock::Boottime => TimerFile::monotonic(),
        _ => return Err(Errno::EINVAL),
    };
    open_events(caller, Box::new(timer), flags)
}

fn told_setting(setting: TimerSetting) -> ItimerSpec {
    ItimerSpec {
        interval: Timespec::from_nanoseconds(setting.interval_ns),
        value: Timespec::from_nanoseconds(setting.value_ns),
    }
}

pub(super) fn timerfd_settime(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const ABSOLUTE: u32 = 1;
    const CANCEL_ON_SET: u32 = 2;
    let flags = arguments.unsigned(1);
    if flags & !(ABSOLUTE | CANCEL_ON_SET) != 0 {
        return Err(Errno::EINVAL);
    }
    let new = ItimerSpec::from_bytes(&user::read(arguments.pointer(2))?);
    let new = TimerSetting {
        value_ns: new.value.to_nanoseconds()?,
        interval_ns: new.interval.to_nanoseconds()?,
    };
    let file = file::file(caller, arguments.int(0))?;
    let timer = file.downcast::<TimerFile>().ok_or(Errno::EINVAL)?;
    let old = timer.set(new, flags & ABSOLUTE != 0)?;
    if let Some(at) = arguments.pointer(3).non_null() {
        user::write(at, &told_setting(old).to_bytes())?;
    }
    Ok(0)
}

pub(super) fn timerfd_gettime(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file::file(caller, arguments.int(0))?;
    let timer = file.downcast::<TimerFile>().ok_or(Errno::EINVAL)?;
    user::write(arguments.pointer(1), &told_setting(timer.setting()).to_bytes())?;
    Ok(0)
}

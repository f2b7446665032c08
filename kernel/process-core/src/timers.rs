//! Timers that send signals: setitimer(2), alarm(2), timer_create(2). [`ProcessTimers`] is one
//! process's; it lies beside the process's signals, under the same lock.
//!
//! Each counts on one of three clocks, whose readings are an argument ([`Clocks`]). Who looks when a
//! timer is due is the kernel's; [`ProcessTimers::next_look_ns`] says when it should.

use alloc::vec::Vec;

use crate::error::{ProcessError, Resource};
use crate::signal::{Signal, SignalTarget};

/// The most timers that one process can create.
const TIMERS_MAX: usize = 256;
/// CPU time is looked at no more often than this: Linux's timer tick at 250 Hz.
const SHORTEST_LOOK_NS: u64 = 4_000_000;

/// The three clocks' readings, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Clocks {
    /// The monotonic clock.
    pub monotonic_ns: u64,
    /// The process's time in its program.
    pub user_ns: u64,
    /// The process's time on CPUs, in all.
    pub cpu_ns: u64,
}

/// What a timer counts on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimerClock {
    /// Time that passes.
    Monotonic,
    /// The process's time in its program.
    User,
    /// The process's time on CPUs.
    Cpu,
}

impl Clocks {
    /// One clock's reading.
    pub const fn read(&self, clock: TimerClock) -> u64 {
        match clock {
            TimerClock::Monotonic => self.monotonic_ns,
            TimerClock::User => self.user_ns,
            TimerClock::Cpu => self.cpu_ns,
        }
    }
}

/// The three timers that every process has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interval {
    /// `ITIMER_REAL`, which alarm(2) shares: SIGALRM.
    Real,
    /// `ITIMER_VIRTUAL`: SIGVTALRM.
    Virtual,
    /// `ITIMER_PROF`: SIGPROF.
    Profiling,
}

impl Interval {
    const ALL: [Self; 3] = [Self::Real, Self::Virtual, Self::Profiling];

    /// What it counts on.
    pub const fn clock(self) -> TimerClock {
        match self {
            Self::Real => TimerClock::Monotonic,
            Self::Virtual => TimerClock::User,
            Self::Profiling => TimerClock::Cpu,
        }
    }

    /// What it sends.
    pub const fn signal(self) -> Signal {
        match self {
            Self::Real => Signal::SIGALRM,
            Self::Virtual => Signal::SIGVTALRM,
            Self::Profiling => Signal::SIGPROF,
        }
    }
}

/// A timer's state: when it runs out and how often again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Countdown {
    /// When it runs out, on its clock; none if it is not set.
    pub expires_ns: Option<u64>,
    /// After which time it runs out again; 0 for never.
    pub interval_ns: u64,
}

impl Countdown {
    /// How long until it runs out; 0 if it is not set. A timer that is due but has not been looked at
    /// shows the shortest time, because 0 means "not set".
    pub fn remaining_ns(&self, now_ns: u64) -> u64 {
        self.expires_ns.map_or(0, |expires| expires.saturating_sub(now_ns).max(1))
    }

    /// How often it has run out until now, and sets it for the next time.
    fn take_expirations(&mut self, now_ns: u64) -> u64 {
        let Some(expires) = self.expires_ns.filter(|expires| *expires <= now_ns) else { return 0 };
        if self.interval_ns == 0 {
            self.expires_ns = None;
            return 1;
        }
        let late = (now_ns - expires) / self.interval_ns;
        let times = late.saturating_add(1);
        self.expires_ns = Some(expires.saturating_add(times.saturating_mul(self.interval_ns)));
        times
    }
}

/// Whom a timer tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notice {
    /// Nobody (`SIGEV_NONE`).
    None,
    /// A signal.
    Signal {
        /// Which.
        signal: Signal,
        /// The value that goes with it.
        value: u64,
        /// To whom.
        target: SignalTarget,
    },
}

#[derive(Debug)]
struct Timer {
    id: i32,
    clock: TimerClock,
    is_wall: bool,
    notice: Notice,
    countdown: Countdown,
    /// How often it ran out unseen before the last signal that was taken.
    overruns: i32,
}

/// A created timer, as its program sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerState {
    /// What it counts on.
    pub clock: TimerClock,
    /// Points in time are given to it by wall time.
    pub is_wall: bool,
    /// When it runs out.
    pub countdown: Countdown,
}

/// A timer that has run out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fired {
    /// One of the three.
    Interval(Interval),
    /// One that the program created.
    Timer {
        /// Its number.
        id: i32,
        /// The signal.
        signal: Signal,
        /// The value that goes with it.
        value: u64,
        /// To whom.
        target: SignalTarget,
        /// How often it has run out beyond once.
        overruns: i32,
    },
}

/// All timers of one process.
#[derive(Debug, Default)]
pub struct ProcessTimers {
    intervals: [Countdown; 3],
    /// Sorted by number.
    timers: Vec<Timer>,
}

impl ProcessTimers {
    /// One of the three.
    pub fn interval(&self, which: Interval) -> Countdown {
        self.intervals[which as usize]
    }

    /// Sets one of the three; gives what it was.
    pub fn set_interval(&mut self, which: Interval, countdown: Countdown) -> Countdown {
        core::mem::replace(&mut self.intervals[which as usize], countdown)
    }

    /// Makes a timer, which is not set; gives its number. `notice` is told it.
    ///
    /// # Errors
    /// [`ProcessError::ResourceExhausted`].
    pub fn create(
        &mut self,
        clock: TimerClock,
        is_wall: bool,
        notice: impl FnOnce(i32) -> Notice,
    ) -> Result<i32, ProcessError> {
        let exhausted = ProcessError::ResourceExhausted { resource: Resource::PendingSignals };
        if self.timers.len() >= TIMERS_MAX || self.timers.try_reserve(1).is_err() {
            return Err(exhausted);
        }
        // The lowest number that is free.
        let taken = |(index, timer): &(usize, &Timer)| i32::try_from(*index) == Ok(timer.id);
        let place = self.timers.iter().enumerate().take_while(taken).count();
        let id = i32::try_from(place).map_err(|_| exhausted)?;
        let countdown = Countdown::default();
        let timer = Timer { id, clock, is_wall, notice: notice(id), countdown, overruns: 0 };
        self.timers.insert(place, timer);
        Ok(id)
    }

    fn timer(&self, id: i32) -> Option<&Timer> {
        let place = self.timers.binary_search_by_key(&id, |timer| timer.id).ok()?;
        self.timers.get(place)
    }

    fn timer_mut(&mut self, id: i32) -> Option<&mut Timer> {
        let place = self.timers.binary_search_by_key(&id, |timer| timer.id).ok()?;
        self.timers.get_mut(place)
    }

    /// A timer's clock and state.
    pub fn get(&self, id: i32) -> Option<TimerState> {
        let Timer { clock, is_wall, countdown, .. } = *self.timer(id)?;
        Some(TimerState { clock, is_wall, countdown })
    }

    /// Sets a timer; gives what it was.
    pub fn set(&mut self, id: i32, countdown: Countdown) -> Option<Countdown> {
        let timer = self.timer_mut(id)?;
        timer.overruns = 0;
        Some(core::mem::replace(&mut timer.countdown, countdown))
    }

    /// How often a timer ran out unseen before its last signal that was taken.
    pub fn overruns(&self, id: i32) -> Option<i32> {
        self.timer(id).map(|timer| timer.overruns)
    }

    /// Notes that a timer's signal has been taken.
    pub(crate) fn note_taken(&mut self, id: i32, overruns: i32) {
        if let Some(timer) = self.timer_mut(id) {
            timer.overruns = overruns;
        }
    }

    /// Removes a timer; says whether there was one.
    pub fn delete(&mut self, id: i32) -> bool {
        match self.timers.binary_search_by_key(&id, |timer| timer.id) {
            Ok(place) => {
                self.timers.remove(place);
                true
            }
            Err(_) => false,
        }
    }

    /// Removes what execve(2) removes: all but the three.
    pub(crate) fn delete_created(&mut self) {
        self.timers = Vec::new();
    }

    /// Removes and stops all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The next timer that has run out; to be asked until there is none.
    pub fn next_fired(&mut self, clocks: &Clocks) -> Option<Fired> {
        for which in Interval::ALL {
            let countdown = &mut self.intervals[which as usize];
            if countdown.take_expirations(clocks.read(which.clock())) > 0 {
                return Some(Fired::Interval(which));
            }
        }
        for timer in &mut self.timers {
            let times = timer.countdown.take_expirations(clocks.read(timer.clock));
            let Some(beyond) = times.checked_sub(1) else { continue };
            if let Notice::Signal { signal, value, target } = timer.notice {
                let overruns = i32::try_from(beyond).unwrap_or(i32::MAX);
                return Some(Fired::Timer { id: timer.id, signal, value, target, overruns });
            }
        }
        None
    }

    /// When, on the monotonic clock, to look again. A process of which up to `parallel` threads run
    /// at the same time cannot use up CPU time sooner.
    pub fn next_look_ns(&self, clocks: &Clocks, parallel: u64) -> Option<u64> {
        let look = |clock: TimerClock, countdown: &Countdown| {
            let expires = countdown.expires_ns?;
            if clock == TimerClock::Monotonic {
                return Some(expires);
            }
            let left = expires.saturating_sub(clocks.read(clock)) / parallel.max(1);
            Some(clocks.monotonic_ns.saturating_add(left.max(SHORTEST_LOOK_NS)))
        };
        let intervals = Interval::ALL
            .into_iter()
            .filter_map(|which| look(which.clock(), &self.intervals[which as usize]));
        let timers = self.timers.iter().filter_map(|timer| look(timer.clock, &timer.countdown));
        intervals.chain(timers).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn at(monotonic_ns: u64) -> Clocks {
        Clocks { monotonic_ns, ..Clocks::default() }
    }

    fn notice(_id: i32) -> Notice {
        Notice::Signal { signal: Signal::SIGUSR1, value: 7, target: SignalTarget::Process }
    }

    proptest! {
        // proves: P6
        #[test]
        fn no_expiration_is_lost_or_doubled(
            start in 1..1_000_u64,
            interval in 1..100_u64,
            steps in proptest::collection::vec(0..300_u64, 1..50),
        ) {
            let mut timers = ProcessTimers::default();
            let id = timers.create(TimerClock::Monotonic, false, notice).unwrap();
            timers.set(id, Countdown { expires_ns: Some(start), interval_ns: interval }).unwrap();
            let (mut now, mut seen) = (0, 0);
            for step in steps {
                now += step;
                while let Some(fired) = timers.next_fired(&at(now)) {
                    let Fired::Timer { overruns, .. } = fired else { panic!("{fired:?}") };
                    seen += 1 + u64::try_from(overruns).unwrap();
                }
                let expected = if now < start { 0 } else { (now - start) / interval + 1 };
                prop_assert_eq!(seen, expected);
                prop_assert!(timers.next_look_ns(&at(now), 1).unwrap() > now);
            }
        }
    }

    #[test]
    fn each_clock_runs_by_itself_and_once_is_once() {
        let mut timers = ProcessTimers::default();
        for which in Interval::ALL {
            timers.set_interval(which, Countdown { expires_ns: Some(10), interval_ns: 0 });
        }
        let clocks = Clocks { monotonic_ns: 5, user_ns: 10, cpu_ns: 20 };
        let fired: Vec<_> = core::iter::from_fn(|| timers.next_fired(&clocks)).collect();
        let (virtual_, profiling) = (Interval::Virtual, Interval::Profiling);
        assert_eq!(fired, [Fired::Interval(virtual_), Fired::Interval(profiling)]);
        assert_eq!(timers.interval(Interval::Real).remaining_ns(5), 5);
        assert_eq!(timers.interval(Interval::Virtual), Countdown::default());
    }

    #[test]
    fn numbers_are_the_lowest_that_are_free() {
        let mut timers = ProcessTimers::default();
        for expected in 0..4 {
            assert_eq!(timers.create(TimerClock::Cpu, false, notice), Ok(expected));
        }
        assert!(timers.delete(1) && !timers.delete(1));
        assert_eq!(timers.create(TimerClock::Cpu, false, notice), Ok(1));
        while timers.create(TimerClock::Cpu, false, notice).is_ok() {}
        assert_eq!(timers.timers.len(), TIMERS_MAX);
    }
}

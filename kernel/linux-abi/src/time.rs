//! Calls on time: clocks and sleeping.

use crate::arguments::{Arguments, UserPointer};
use crate::errno::Errno;

/// A clock (`CLOCK_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Wall clock.
    Realtime,
    /// Time since boot.
    Monotonic,
    /// CPU time of the process.
    ProcessCpu,
    /// CPU time of the thread.
    ThreadCpu,
    /// Time since boot, not slewed.
    MonotonicRaw,
    /// Wall clock, as of the last tick.
    RealtimeCoarse,
    /// Time since boot, as of the last tick.
    MonotonicCoarse,
    /// Time since boot, sleeping included.
    Boottime,
    /// International atomic time.
    Tai,
}

impl Clock {
    /// From its number.
    ///
    /// # Errors
    /// EINVAL for an unknown one; the CPU clocks of other processes and the clocks that wake a
    /// sleeping machine are not known.
    pub const fn from_number(number: i32) -> Result<Self, Errno> {
        Ok(match number {
            0 => Self::Realtime,
            1 => Self::Monotonic,
            2 => Self::ProcessCpu,
            3 => Self::ThreadCpu,
            4 => Self::MonotonicRaw,
            5 => Self::RealtimeCoarse,
            6 => Self::MonotonicCoarse,
            7 => Self::Boottime,
            11 => Self::Tai,
            _ => return Err(Errno::EINVAL),
        })
    }

    /// Whether one can sleep by it.
    #[must_use]
    pub const fn can_sleep(self) -> bool {
        matches!(
            self,
            Self::Realtime | Self::Monotonic | Self::ProcessCpu | Self::Boottime | Self::Tai
        )
    }
}

/// `clock_nanosleep(clock, flags, request, remaining)`; also what `nanosleep` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockNanosleep {
    /// The clock, by which one can sleep.
    pub clock: Clock,
    /// Whether the request is a point in time, not a duration.
    pub is_absolute: bool,
    /// Where the [`Timespec`](crate::layout::Timespec) is.
    pub request: UserPointer,
    /// Where what is left goes when a signal ends the sleep; only for a duration.
    pub remaining: Option<UserPointer>,
}

impl ClockNanosleep {
    const TIMER_ABSTIME: u32 = 1;

    /// Reads the arguments of `clock_nanosleep`.
    ///
    /// # Errors
    /// EINVAL for an unknown clock and for the thread's CPU time; EOPNOTSUPP for the other clocks
    /// that one can't sleep by.
    pub fn decode(arguments: &Arguments) -> Result<Self, Errno> {
        let clock = Clock::from_number(arguments.int(0))?;
        if clock == Clock::ThreadCpu {
            return Err(Errno::EINVAL);
        }
        if !clock.can_sleep() {
            return Err(Errno::EOPNOTSUPP);
        }
        let is_absolute = arguments.unsigned(1) & Self::TIMER_ABSTIME != 0;
        let remaining = arguments.pointer(3).non_null().filter(|_| !is_absolute);
        Ok(Self { clock, is_absolute, request: arguments.pointer(2), remaining })
    }

    /// Reads the arguments of `nanosleep(request, remaining)`.
    #[must_use]
    pub fn decode_nanosleep(arguments: &Arguments) -> Self {
        Self {
            clock: Clock::Monotonic,
            is_absolute: false,
            request: arguments.pointer(0),
            remaining: arguments.pointer(1).non_null(),
        }
    }
}

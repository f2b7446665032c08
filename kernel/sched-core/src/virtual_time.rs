//! Virtual time: the clock that runs slower the more weight competes.
//!
//! A task of weight `w` that runs for `t` ns gets older by `t * NORMAL_WEIGHT / w`, kept with ten
//! fractional bits so that the shortest run of the heaviest task still counts. Multiplied by the
//! weight it is *service*: `t << SERVICE_BITS`, the same for every weight, which is the unit of lag.
//!
//! The value wraps; only differences are compared, by their sign. They stay far below 2^62: a
//! charge counts [`MAX_CHARGE`] at the most (2^49 divided by the weight), and lag is bounded.

use crate::{
    params::NORMAL_WEIGHT,
    time::{Duration, Instant},
};

const FRACTION_BITS: u32 = 10;

/// Service is nanoseconds shifted by this: the weight of Normal and the fractional bits.
pub(crate) const SERVICE_BITS: u32 = NORMAL_WEIGHT.trailing_zeros() + FRACTION_BITS;

/// The longest uninterrupted run that counts in virtual time. A task that runs for longer was
/// alone (nobody to be unfair to), or the clock jumped (not its fault): paying back hours would
/// starve it. 134 ms are far more than the longest slice.
pub(crate) const MAX_CHARGE: Duration = Duration::from_nanos(1 << 27);

/// A point in virtual time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct VirtualTime(u64);

impl VirtualTime {
    pub(crate) const ZERO: Self = Self(0);

    #[cfg(test)]
    pub(crate) const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// How far `self` is ahead of `other`, negative if it is behind.
    pub(crate) const fn ahead_of(self, other: Self) -> i64 {
        self.0.wrapping_sub(other.0).cast_signed()
    }

    /// Moved ahead by `distance` (back if negative).
    pub(crate) const fn moved(self, distance: i64) -> Self {
        Self(self.0.wrapping_add(distance.cast_unsigned()))
    }

    /// The earlier of both.
    pub(crate) const fn min(self, other: Self) -> Self {
        if self.ahead_of(other) <= 0 { self } else { other }
    }
}

/// `span` as service, at most that of [`MAX_CHARGE`].
pub(crate) fn service(span: Duration) -> i64 {
    (span.min(MAX_CHARGE).as_nanos() << SERVICE_BITS).cast_signed()
}

/// How much older a task of weight `weight` gets by `service`.
pub(crate) fn aged(service: i64, weight: u32) -> i64 {
    service / i64::from(weight.max(1))
}

/// The time, rounded up, that a task of weight `weight` runs until it is older by `distance`.
pub(crate) fn time_to_age(distance: i64, weight: u32) -> Duration {
    let service = distance.max(0).saturating_mul(i64::from(weight)).cast_unsigned();
    Duration::from_nanos(service.div_ceil(1 << SERVICE_BITS))
}

/// The moment `span` after `start`, but not before `now`: when to interrupt a processor.
pub(crate) fn due(start: Instant, span: Duration, now: Instant) -> Instant {
    start.after(span).max(now)
}

//! Times: `struct timespec` and `struct timeval`.

use super::layout;
use crate::errno::Errno;

const NS_PER_SECOND: u64 = 1_000_000_000;

layout! {
    /// `struct timespec`.
    pub struct Timespec: 16 {
        /// Seconds.
        0 seconds: i64,
        /// Nanoseconds, below 1,000,000,000.
        8 nanoseconds: i64,
    }
}

layout! {
    /// `struct timeval`.
    pub struct Timeval: 16 {
        /// Seconds.
        0 seconds: i64,
        /// Microseconds, below 1,000,000.
        8 microseconds: i64,
    }
}

layout! {
    /// `struct itimerval`.
    pub struct ItimerVal: 32 {
        /// How often it goes off again.
        0 interval: Timeval,
        /// When it goes off next; zero for never.
        16 value: Timeval,
    }
}

layout! {
    /// `struct itimerspec`.
    pub struct ItimerSpec: 32 {
        /// How often it goes off again.
        0 interval: Timespec,
        /// When it goes off next; zero for never.
        16 value: Timespec,
    }
}

impl Timespec {
    /// From nanoseconds.
    #[must_use]
    #[expect(clippy::cast_possible_wrap, reason = "2^64 nanoseconds are below 2^63 seconds")]
    pub const fn from_nanoseconds(nanoseconds: u64) -> Self {
        Self {
            seconds: (nanoseconds / NS_PER_SECOND) as i64,
            nanoseconds: (nanoseconds % NS_PER_SECOND) as i64,
        }
    }

    /// In nanoseconds. What is too long for the type is its largest value, over 500 years.
    ///
    /// # Errors
    /// EINVAL for negative seconds, or nanoseconds that are not below a second.
    pub fn to_nanoseconds(self) -> Result<u64, Errno> {
        to_nanoseconds(self.seconds, self.nanoseconds, 1)
    }
}

impl Timeval {
    /// From nanoseconds, rounded down.
    #[must_use]
    pub const fn from_nanoseconds(nanoseconds: u64) -> Self {
        let exact = Timespec::from_nanoseconds(nanoseconds);
        Self { seconds: exact.seconds, microseconds: exact.nanoseconds / 1000 }
    }

    /// In nanoseconds. What is too long for the type is its largest value, over 500 years.
    ///
    /// # Errors
    /// EINVAL for negative seconds, or microseconds that are not below a second.
    pub fn to_nanoseconds(self) -> Result<u64, Errno> {
        to_nanoseconds(self.seconds, self.microseconds, 1000)
    }
}

fn to_nanoseconds(seconds: i64, fraction: i64, unit_ns: u64) -> Result<u64, Errno> {
    let seconds = u64::try_from(seconds).map_err(|_| Errno::EINVAL)?;
    let fraction = u64::try_from(fraction).map_err(|_| Errno::EINVAL)?;
    if fraction >= NS_PER_SECOND / unit_ns {
        return Err(Errno::EINVAL);
    }
    Ok(seconds.saturating_mul(NS_PER_SECOND).saturating_add(fraction * unit_ns))
}

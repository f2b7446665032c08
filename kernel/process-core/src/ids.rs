//! The numbers by which processes and threads are known, and the time that the kernel passes in.

use core::fmt;

use crate::error::ProcessError;

/// Numbers are below this, as on Linux (`/proc/sys/kernel/pid_max` at its largest).
pub(crate) const NUMBER_LIMIT: u32 = 1 << 22;

/// A process's number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Pid(u32);

impl Pid {
    /// The process manager itself: the parent of what has no parent program. It is no entry of
    /// the table and cannot be signalled.
    pub const SYSTEM: Self = Self(0);
    /// The first program, which adopts orphans if it is there.
    pub const INIT: Self = Self(1);

    /// A pid from a number that the table handed out.
    pub(crate) const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// A pid from a number that comes from outside.
    ///
    /// # Errors
    /// [`ProcessError::InvalidPid`] where no process can have this number.
    pub fn new(number: i64) -> Result<Self, ProcessError> {
        match u32::try_from(number) {
            Ok(small) if (1..NUMBER_LIMIT).contains(&small) => Ok(Self(small)),
            _ => Err(ProcessError::InvalidPid { value: number }),
        }
    }

    /// The number itself.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Whether this is the process manager rather than an entry of the table.
    pub const fn is_system(self) -> bool {
        self.0 == 0
    }

    /// The first thread's number, which is the process's own.
    pub const fn main_thread(self) -> Tid {
        Tid(self.0)
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A thread's number; it shares its number space with [`Pid`], as on Linux.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Tid(u32);

impl Tid {
    pub(crate) const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// A tid from a number that comes from outside.
    ///
    /// # Errors
    /// [`ProcessError::InvalidPid`] where no thread can have this number.
    pub fn new(number: i64) -> Result<Self, ProcessError> {
        Pid::new(number).map(Pid::main_thread)
    }

    /// The number itself.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Tid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A moment: nanoseconds since boot on the monotonic clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Instant {
    nanoseconds: u64,
}

impl Instant {
    /// A moment from nanoseconds since boot.
    pub const fn from_nanoseconds(nanoseconds: u64) -> Self {
        Self { nanoseconds }
    }

    /// Nanoseconds since boot.
    pub const fn nanoseconds(self) -> u64 {
        self.nanoseconds
    }
}

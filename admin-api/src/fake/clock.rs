//! [`Clock`]: real time, or time that a test moves.

use std::cell::Cell;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::types::Timestamp;

/// Where the fake system's time comes from.
#[derive(Debug)]
pub enum Clock {
    /// The host's clock.
    Real {
        /// When the fake system was started.
        started: Instant,
    },
    /// Nanoseconds since the start, moved by [`Clock::advance_ms`]; the start is 2026-01-01.
    Manual(Cell<u64>),
}

/// 2026-01-01T00:00:00Z.
const MANUAL_START_MS: u64 = 1_767_225_600_000;

impl Clock {
    /// The host's clock, from now on.
    #[must_use]
    pub fn real() -> Self {
        Self::Real { started: Instant::now() }
    }

    /// A clock that stands still.
    #[must_use]
    pub fn manual() -> Self {
        Self::Manual(Cell::new(0))
    }

    /// Moves a manual clock on; a real one moves by itself.
    pub fn advance_ms(&self, time_ms: u64) {
        if let Self::Manual(now_ns) = self {
            now_ns.set(now_ns.get() + time_ms * 1_000_000);
        }
    }

    pub(super) fn uptime_ns(&self) -> u64 {
        match self {
            Self::Real { started } => {
                u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX)
            }
            Self::Manual(now_ns) => now_ns.get(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        match self {
            Self::Real { .. } => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_unix_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
            }
            Self::Manual(now_ns) => {
                Timestamp::from_unix_ms(MANUAL_START_MS + now_ns.get() / 1_000_000)
            }
        }
    }
}

//! How long something has been so, run by run: a thread on a CPU, or in its program. Kept by the CPU where
//! a run begins or ends, read by any.
//!
//! What a reader is told never goes back, and never holds a run twice. A reader takes the finished runs
//! between two looks at the present one; while switches keep coming between them, it tells the finished
//! ones alone. A switch pays for stores only: no lock, no atomic addition, no further look at the time.

use crate::primitives::atomic::{AtomicU64, Ordering};
use crate::primitives::constructor;

/// Not running.
const IDLE: u64 = 0;
/// The present run is being added to the finished ones.
const MOVING: u64 = u64::MAX;
/// How often a reader looks for a moment without a switch.
const TRIES: usize = if cfg!(loom) { 1 } else { 64 };

/// The sum of all runs, in the unit of the instants that it is given. Runs are begun and ended by one CPU at
/// a time, each after the one before.
#[derive(Debug)]
pub struct RunClock {
    /// The runs that are over.
    finished: AtomicU64,
    /// When the present one began; or one of the above.
    since: AtomicU64,
    /// The most that a reader has been told. A switch takes the time before it gets to `end`, so a reader
    /// in between has counted a little more than the run is going to have. A later look at the time would
    /// save this number, but needs a fence, with each switch instead of each reading.
    told: AtomicU64,
}

impl RunClock {
    constructor! {
        /// No time yet.
        #[must_use]
        pub fn new() -> Self {
            Self {
                finished: AtomicU64::new(0),
                since: AtomicU64::new(IDLE),
                told: AtomicU64::new(0),
            }
        }
    }

    /// A run begins.
    pub fn begin(&self, now: u64) {
        // Release: partner of the first Acquire in `look`; who sees this run sees those before it.
        self.since.store(now.clamp(IDLE + 1, MOVING - 1), Ordering::Release);
    }

    /// It ends. Without one that has begun, nothing happens.
    pub fn end(&self, now: u64) {
        // Relaxed: the last one to write these was this CPU, or one that handed the thread over.
        let since = self.since.load(Ordering::Relaxed);
        if since == IDLE {
            return;
        }
        let finished = self.finished.load(Ordering::Relaxed);
        let finished = finished.saturating_add(now.saturating_sub(since));
        // Relaxed: the next line publishes it.
        self.since.store(MOVING, Ordering::Relaxed);
        // Release: partner of the second Acquire in `look`; who sees the sum sees that the run is over.
        self.finished.store(finished, Ordering::Release);
        // Release: partner of the first Acquire in `look`; who sees no run sees the sum.
        self.since.store(IDLE, Ordering::Release);
    }

    /// All of it up to now. `now` is asked for the time when that is needed.
    pub fn read(&self, now: impl Fn() -> u64) -> u64 {
        let sum = self.sum(now);
        // Relaxed, both: one value, which only grows; who comes after another reader finds at least its.
        let told = self.told.load(Ordering::Relaxed);
        if sum <= told { told } else { self.told.fetch_max(sum, Ordering::Relaxed).max(sum) }
    }

    fn sum(&self, now: impl Fn() -> u64) -> u64 {
        for _ in 0..TRIES {
            if let Some(sum) = self.look(&now) {
                return sum;
            }
            core::hint::spin_loop();
        }
        // Relaxed: alone, it is no more than the truth.
        self.finished.load(Ordering::Relaxed)
    }

    /// The sum, unless a switch comes in between.
    fn look(&self, now: impl Fn() -> u64) -> Option<u64> {
        // Acquire: partner of the Releases in `begin` and at the end of `end`.
        let since = self.since.load(Ordering::Acquire);
        let run = match since {
            IDLE => 0,
            MOVING => return None,
            _ => now().saturating_sub(since),
        };
        // Acquire: partner of the Release of the sum in `end`.
        let finished = self.finished.load(Ordering::Acquire);
        // Relaxed: not before the Acquire above.
        let is_undisturbed = self.since.load(Ordering::Relaxed) == since;
        is_undisturbed.then(|| finished.saturating_add(run))
    }
}

impl Default for RunClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;

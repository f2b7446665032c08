//! How long a thread has had a CPU: kept by the CPU that switches to it or from it, read by any.
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

/// A thread's time on CPUs, in nanoseconds. It is begun and ended by one CPU at a time, each after the one
/// before.
#[derive(Debug)]
pub struct RunClock {
    /// The runs that are over.
    finished_ns: AtomicU64,
    /// When the present one began; or one of the above.
    since_ns: AtomicU64,
    /// The most that a reader has been told. A switch takes the time before it gets to `end`, so a reader
    /// in between has counted a little more than the run is going to have. A later look at the time would
    /// save this number, but needs a fence, with each switch instead of each reading.
    told_ns: AtomicU64,
}

impl RunClock {
    constructor! {
        /// No time yet.
        #[must_use]
        pub fn new() -> Self {
            Self {
                finished_ns: AtomicU64::new(0),
                since_ns: AtomicU64::new(IDLE),
                told_ns: AtomicU64::new(0),
            }
        }
    }

    /// The thread gets a CPU.
    pub fn begin(&self, now_ns: u64) {
        // Release: partner of the first Acquire in `look`; who sees this run sees those before it.
        self.since_ns.store(now_ns.clamp(IDLE + 1, MOVING - 1), Ordering::Release);
    }

    /// It loses the CPU. Without a run that has begun, nothing happens.
    pub fn end(&self, now_ns: u64) {
        // Relaxed: the last one to write these was this CPU, or one that handed the thread over.
        let since = self.since_ns.load(Ordering::Relaxed);
        if since == IDLE {
            return;
        }
        let finished = self.finished_ns.load(Ordering::Relaxed);
        let finished = finished.saturating_add(now_ns.saturating_sub(since));
        // Relaxed: the next line publishes it.
        self.since_ns.store(MOVING, Ordering::Relaxed);
        // Release: partner of the second Acquire in `look`; who sees the sum sees that the run is over.
        self.finished_ns.store(finished, Ordering::Release);
        // Release: partner of the first Acquire in `look`; who sees no run sees the sum.
        self.since_ns.store(IDLE, Ordering::Release);
    }

    /// All of it up to now. `now_ns` is asked for the time when that is needed.
    pub fn read(&self, now_ns: impl Fn() -> u64) -> u64 {
        let sum = self.sum(now_ns);
        // Relaxed, both: one value, which only grows; who comes after another reader finds at least its.
        let told = self.told_ns.load(Ordering::Relaxed);
        if sum <= told { told } else { self.told_ns.fetch_max(sum, Ordering::Relaxed).max(sum) }
    }

    fn sum(&self, now_ns: impl Fn() -> u64) -> u64 {
        for _ in 0..TRIES {
            if let Some(sum) = self.look(&now_ns) {
                return sum;
            }
            core::hint::spin_loop();
        }
        // Relaxed: alone, it is no more than the truth.
        self.finished_ns.load(Ordering::Relaxed)
    }

    /// The sum, unless a switch comes in between.
    fn look(&self, now_ns: impl Fn() -> u64) -> Option<u64> {
        // Acquire: partner of the Releases in `begin` and at the end of `end`.
        let since = self.since_ns.load(Ordering::Acquire);
        let run_ns = match since {
            IDLE => 0,
            MOVING => return None,
            _ => now_ns().saturating_sub(since),
        };
        // Acquire: partner of the Release of the sum in `end`.
        let finished = self.finished_ns.load(Ordering::Acquire);
        // Relaxed: not before the Acquire above.
        let is_undisturbed = self.since_ns.load(Ordering::Relaxed) == since;
        is_undisturbed.then(|| finished.saturating_add(run_ns))
    }
}

impl Default for RunClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;

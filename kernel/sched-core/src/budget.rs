//! The real-time budget: Critical and RealTime together get 95 % of a processor while anything that
//! shares waits for it, in windows of 100 ms, so that nothing starves.
//!
//! The same idea as Linux's real-time throttling (`sched_rt_runtime_us`), with a tenth of its
//! window: others wait 95 ms at most (190 ms when a burst spans two windows) instead of 950.

use crate::time::{Duration, Instant};

/// The window that the budget is for.
pub const BUDGET_PERIOD: Duration = Duration::from_millis(100);

/// What Critical and RealTime may use of it while others wait.
pub const BUDGET: Duration = Duration::from_millis(95);

#[derive(Debug)]
pub(crate) struct Budget {
    window_start: Instant,
    used: Duration,
}

impl Budget {
    pub(crate) const fn new() -> Self {
        Self { window_start: Instant::ZERO, used: Duration::ZERO }
    }

    /// Starts a new window if the old one is over. Windows follow each other without gaps.
    pub(crate) fn refresh(&mut self, now: Instant) {
        let age = now.since(self.window_start);
        if age >= BUDGET_PERIOD {
            let into = Duration::from_nanos(age.as_nanos() % BUDGET_PERIOD.as_nanos());
            self.window_start = now.before(into);
            self.used = Duration::ZERO;
        }
    }

    /// Charges a run of `ran` that ended at `now`; only what lies in the present window counts.
    pub(crate) fn charge(&mut self, ran: Duration, now: Instant) {
        self.refresh(now);
        self.used = self.used.plus(ran.min(now.since(self.window_start)));
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.used >= BUDGET
    }

    pub(crate) fn left(&self) -> Duration {
        BUDGET.minus(self.used)
    }

    /// When the present window ends and the budget is full again.
    pub(crate) const fn replenished_at(&self) -> Instant {
        self.window_start.after(BUDGET_PERIOD)
    }
}

//! A hard limit of processor time: [`CpuShare`], so much of each period, over all that belongs to it
//! on all processors. Linux's CFS bandwidth control (`Documentation/scheduler/sched-bwc.rst`) without
//! its slices: what runs is charged when it is looked at, what was used too much is taken from the
//! next periods, and what is left over at the end of one is lost.

use crate::time::{Duration, Instant};

/// The period that a share is of.
pub const SHARE_PERIOD: Duration = Duration::from_millis(100);

/// What runs is looked at no sooner than this, unless less is left.
const SHORTEST_LOOK: Duration = Duration::from_millis(1);
/// Less than this left counts as nothing: not worth a run.
const REMNANT_NS: i64 = 50_000;
/// A share of a percent of the period, in nanoseconds.
const PERCENT_NS: i64 = 1_000_000;

/// How much of the present period is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CpuShare {
    quota_ns: i64,
    /// What ran before is not charged.
    since: Instant,
    period_end: Instant,
    left_ns: i64,
}

/// Whether what belongs to a share may run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Allowance {
    /// Yes; look again then.
    Until(Instant),
    /// Not before then.
    SpentUntil(Instant),
}

impl CpuShare {
    /// A share of `percent` percent of one processor, from `now` on.
    #[must_use]
    pub fn new(percent: u32, now: Instant) -> Self {
        let quota_ns = i64::from(percent.max(1)) * PERCENT_NS;
        Self { quota_ns, since: now, period_end: now.after(SHARE_PERIOD), left_ns: quota_ns }
    }

    /// Charges a run that ended at `now`; it may have begun before the share was set.
    pub fn charge(&mut self, ran: Duration, now: Instant) {
        self.refill(now);
        let ran = ran.min(now.since(self.since));
        let ran = i64::try_from(ran.as_nanos()).unwrap_or(i64::MAX);
        self.left_ns = self.left_ns.saturating_sub(ran);
    }

    /// Whether more may run now, of which so many processors may be doing so at once.
    pub fn allowance(&mut self, now: Instant, processors: usize) -> Allowance {
        self.refill(now);
        if self.left_ns >= REMNANT_NS {
            let left = self.left_ns.unsigned_abs();
            let each = left / u64::try_from(processors.max(1)).unwrap_or(u64::MAX);
            let look = each.max(SHORTEST_LOOK.as_nanos()).min(left);
            return Allowance::Until(now.after(Duration::from_nanos(look)));
        }
        // The periods that pay the debt off.
        let missing = (REMNANT_NS - self.left_ns).unsigned_abs();
        let periods = missing.div_ceil(self.quota_ns.unsigned_abs()).max(1);
        let more = (periods - 1).saturating_mul(SHARE_PERIOD.as_nanos());
        Allowance::SpentUntil(self.period_end.after(Duration::from_nanos(more)))
    }

    /// Begins the period that `now` lies in.
    fn refill(&mut self, now: Instant) {
        if now < self.period_end {
            return;
        }
        let late = now.since(self.period_end).as_nanos();
        let periods = late / SHARE_PERIOD.as_nanos() + 1;
        let earned = i64::try_from(periods).unwrap_or(i64::MAX).saturating_mul(self.quota_ns);
        self.left_ns = self.left_ns.saturating_add(earned).min(self.quota_ns);
        let passed = Duration::from_nanos(periods.saturating_mul(SHARE_PERIOD.as_nanos()));
        self.period_end = self.period_end.after(passed);
    }
}

#[cfg(test)]
mod tests;

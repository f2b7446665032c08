//! What is known of an instance's health: results of checks, thresholds, history.

use alloc::collections::VecDeque;
use alloc::string::String;

use crate::document::{Probe, ProbeKind, Purpose};
use crate::time::Instant;

/// Results kept of each instance.
const KEPT: usize = 32;

words! {
    /// Whether an instance works, as far as is known.
    Health {
        /// Not known yet, or nothing asks.
        Unknown = "unknown",
        /// It does.
        Healthy = "healthy",
        /// It does not.
        Unhealthy = "unhealthy",
    }
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    /// When it ended.
    pub at: Instant,
    /// What for.
    pub purpose: Purpose,
    /// How.
    pub kind: ProbeKind,
    /// Whether it succeeded.
    pub is_success: bool,
    /// How long it took.
    pub took_ns: u64,
    /// What it saw, for people.
    pub detail: String,
}

/// One check of one run: what it has said, and when it is made next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Track {
    verdict: Health,
    tally: Tally,
    turn: Turn,
}

/// Results counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Successes in a row, up to now.
    pub successes_in_a_row: u32,
    /// Failures in a row, up to now.
    pub failures_in_a_row: u32,
    /// All successes.
    pub successes: u64,
    /// All failures.
    pub failures: u64,
}

impl Tally {
    const fn new() -> Self {
        Self { successes_in_a_row: 0, failures_in_a_row: 0, successes: 0, failures: 0 }
    }
}

/// Where a check is between two results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It is made then.
    Due(Instant),
    /// It has been asked for with this ticket; without an answer it has failed then.
    Asked { ticket: u64, at: Instant, until: Instant },
}

/// What a check's kind needs from the manager when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Ask for the check.
    Ask,
    /// The answer has not come.
    Lost {
        /// When it was asked for.
        asked_at: Instant,
    },
}

/// Beyond a check's own time limit: whoever makes it answers by then.
const LOST_AFTER_MS: u64 = 2_000;

impl Track {
    pub(crate) const fn new(first: Instant) -> Self {
        Self { verdict: Health::Unknown, tally: Tally::new(), turn: Turn::Due(first) }
    }

    pub(crate) const fn tally(&self) -> Tally {
        self.tally
    }

    pub(crate) const fn verdict(&self) -> Health {
        self.verdict
    }

    /// When it needs attention.
    pub(crate) const fn due_at(&self) -> Instant {
        match self.turn {
            Turn::Due(at) => at,
            Turn::Asked { until, .. } => until,
        }
    }

    /// What is to be done at `now`.
    pub(crate) fn due(&self, now: Instant) -> Option<Due> {
        if now < self.due_at() {
            return None;
        }
        Some(match self.turn {
            Turn::Due(_) => Due::Ask,
            Turn::Asked { at, .. } => Due::Lost { asked_at: at },
        })
    }

    /// It has been asked for.
    pub(crate) const fn asked(&mut self, ticket: u64, probe: &Probe, now: Instant) {
        let until = now.after_ms(probe.timeout_ms.saturating_add(LOST_AFTER_MS));
        self.turn = Turn::Asked { ticket, at: now, until };
    }

    /// Whether an answer with this ticket is waited for.
    pub(crate) const fn awaits(&self, wanted: u64) -> bool {
        matches!(self.turn, Turn::Asked { ticket, .. } if ticket == wanted)
    }

    /// When the answer that is waited for was asked for.
    pub(crate) const fn asked_at(&self) -> Option<Instant> {
        match self.turn {
            Turn::Due(_) => None,
            Turn::Asked { at, .. } => Some(at),
        }
    }

    /// The next one is made an interval later.
    pub(crate) const fn postpone(&mut self, probe: &Probe, now: Instant) {
        self.turn = Turn::Due(now.after_ms(probe.interval_ms));
    }

    /// Failures up to now have no consequence.
    pub(crate) fn begin_anew(&mut self) {
        self.tally.failures_in_a_row = 0;
        if self.verdict == Health::Unhealthy {
            self.verdict = Health::Unknown;
        }
    }

    /// Counts a result. Says whether the verdict has changed.
    pub(crate) fn count(&mut self, probe: &Probe, is_success: bool) -> bool {
        let before = self.verdict;
        let tally = &mut self.tally;
        if is_success {
            tally.successes += 1;
            tally.failures_in_a_row = 0;
            tally.successes_in_a_row = tally.successes_in_a_row.saturating_add(1);
            if tally.successes_in_a_row >= probe.healthy_after {
                self.verdict = Health::Healthy;
            }
        } else {
            tally.failures += 1;
            tally.successes_in_a_row = 0;
            tally.failures_in_a_row = tally.failures_in_a_row.saturating_add(1);
            if tally.failures_in_a_row >= probe.unhealthy_after {
                self.verdict = Health::Unhealthy;
            }
        }
        before != self.verdict
    }
}

/// The last results, the oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    results: VecDeque<CheckResult>,
}

impl History {
    pub(crate) fn note(&mut self, result: CheckResult) {
        if self.results.len() >= KEPT {
            self.results.pop_front();
        }
        self.results.push_back(result);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &CheckResult> {
        self.results.iter()
    }

    pub(crate) fn last(&self) -> Option<&CheckResult> {
        self.results.back()
    }
}

#[cfg(test)]
mod tests {
    use super::{Health, Track};
    use crate::document::{Probe, ProbeKind};
    use crate::time::Instant;
    use proptest::prelude::*;

    proptest! {
        /// The verdict is what the last results in a row say, whatever came before.
        #[test]
        fn thresholds_count_results_in_a_row(
            healthy_after in 1u32..4,
            unhealthy_after in 1u32..4,
            results in prop::collection::vec(any::<bool>(), 0..40),
        ) {
            let probe = Probe { healthy_after, unhealthy_after, ..Probe::new(ProbeKind::Tcp) };
            let mut track = Track::new(Instant(0));
            let mut expected = Health::Unknown;
            for (index, result) in results.iter().enumerate() {
                let in_a_row = results[..=index].iter().rev().take_while(|other| *other == result).count();
                let threshold = if *result { healthy_after } else { unhealthy_after };
                let verdict = if *result { Health::Healthy } else { Health::Unhealthy };
                let before = expected;
                if in_a_row >= threshold as usize {
                    expected = verdict;
                }
                prop_assert_eq!(track.count(&probe, *result), before != expected);
                prop_assert_eq!(track.verdict(), expected);
            }
        }
    }
}

//! Whether and when an instance that has ended is started again.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use crate::document::{Restart, RestartPolicy};
use crate::failure::Failure;
use crate::random::Random;
use crate::time::Instant;

/// How an instance ended, as far as the policy cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With a code that means success.
    Well,
    /// Otherwise.
    Badly(Failure),
}

/// What to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Start it again then.
    Again(Instant),
    /// It has done what it was for.
    Complete,
    /// Leave it.
    GiveUp(Failure),
}

/// What is remembered of an instance's restarts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Restarts {
    /// Attempts in a row without a good run between.
    in_a_row: u32,
    /// When the last ones were, as many as the window can hold.
    recent: VecDeque<Instant>,
    /// All of them.
    total: u64,
}

impl Restarts {
    /// Decides what follows an end at `now` of a run that had been ready for `ready_ms`.
    pub(crate) fn decide(
        &mut self,
        policy: &Restart,
        ended: Ended,
        ready_ms: Option<u64>,
        now: Instant,
        random: &mut Random,
    ) -> Verdict {
        let failure = match ended {
            Ended::Well if policy.policy != RestartPolicy::Always => return Verdict::Complete,
            Ended::Well => Failure::Exit(0),
            Ended::Badly(failure) => {
                let is_tried_again = match policy.policy {
                    RestartPolicy::Always | RestartPolicy::OnFailure => true,
                    RestartPolicy::OnAbnormal => !failure.is_normal(),
                    RestartPolicy::Never => false,
                };
                if !is_tried_again {
                    return Verdict::GiveUp(failure);
                }
                failure
            }
        };
        if ready_ms.is_some_and(|ready_ms| ready_ms >= policy.reset_after_ms) {
            self.in_a_row = 0;
        }
        while self.recent.front().is_some_and(|first| now.ms_since(*first) >= policy.window_ms) {
            self.recent.pop_front();
        }
        let count = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        if count >= policy.max_restarts {
            let last = Box::new(failure);
            let window_ms = policy.window_ms;
            return Verdict::GiveUp(Failure::TooManyRestarts { restarts: count, window_ms, last });
        }
        let at = now.after_ms(self.delay_ms(policy, random));
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.recent.push_back(at);
        self.total = self.total.saturating_add(1);
        Verdict::Again(at)
    }

    /// The delay doubles with each attempt; a quarter of it is left to chance, so that many that failed
    /// together do not come back together. Never above the policy's longest.
    fn delay_ms(&self, policy: &Restart, random: &mut Random) -> u64 {
        let factor = 1_u64.checked_shl(self.in_a_row).unwrap_or(u64::MAX);
        let longest = policy.max_delay_ms.max(policy.delay_ms);
        let delay = policy.delay_ms.saturating_mul(factor).min(longest);
        let jitter = random.up_to(delay / 4);
        if delay == longest { delay - jitter } else { (delay + jitter).min(longest) }
    }

    /// Forgets the past: an operator has taken care of it.
    pub(crate) fn forgive(&mut self) {
        self.in_a_row = 0;
        self.recent.clear();
    }

    pub(crate) const fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::{Ended, Restarts, Verdict};
    use crate::document::{Restart, RestartPolicy};
    use crate::failure::Failure;
    use crate::random::Random;
    use crate::time::Instant;
    use proptest::prelude::*;

    fn decide(policy: RestartPolicy, ended: Ended) -> Verdict {
        let policy = Restart { policy, ..Restart::default() };
        Restarts::default().decide(&policy, ended, None, Instant(0), &mut Random::new(1))
    }

    /// proves: S4
    #[test]
    fn each_policy_restarts_what_it_says() {
        use RestartPolicy::{Always, Never, OnAbnormal, OnFailure};
        let code = || Ended::Badly(Failure::Exit(1));
        let signal = || Ended::Badly(Failure::Signal("SIGSEGV"));
        let is_again = |verdict| matches!(verdict, Verdict::Again(_));
        for (policy, again) in [
            (Always, [true, true, true]),
            (OnFailure, [false, true, true]),
            (OnAbnormal, [false, false, true]),
            (Never, [false, false, false]),
        ] {
            let ends = [Ended::Well, code(), signal()];
            assert_eq!(ends.map(|end| is_again(decide(policy, end))), again, "{policy}");
        }
        assert_eq!(decide(Never, Ended::Well), Verdict::Complete);
        assert_eq!(decide(Never, code()), Verdict::GiveUp(Failure::Exit(1)));
    }

    #[test]
    fn a_good_run_begins_anew() {
        let policy = Restart { delay_ms: 100, max_restarts: 1000, ..Restart::default() };
        let mut restarts = Restarts::default();
        let mut random = Random::new(7);
        let mut delay = |ready_ms| {
            let end = Ended::Badly(Failure::Exit(1));
            match restarts.decide(&policy, end, ready_ms, Instant(0), &mut random) {
                Verdict::Again(at) => at.ms_since(Instant(0)),
                other => panic!("{other:?}"),
            }
        };
        assert!((100..=125).contains(&delay(None)));
        assert!((200..=250).contains(&delay(None)));
        assert!((400..=500).contains(&delay(Some(59_999))));
        assert!((100..=125).contains(&delay(Some(60_000))));
    }

    proptest! {
        /// In no window are there more attempts than allowed, no delay leaves its bounds, and when the
        /// window has passed there may be attempts again.
        #[test]
        fn no_window_holds_more_attempts_than_allowed(
            seed: u64,
            max_restarts in 0u32..8,
            gaps in prop::collection::vec(0u64..3_000, 1..60),
        ) {
            let policy = Restart { max_restarts, window_ms: 5_000, max_delay_ms: 1_500, ..Restart::default() };
            let mut restarts = Restarts::default();
            let mut random = Random::new(seed);
            let mut now = Instant(0);
            let mut attempts: std::vec::Vec<Instant> = std::vec::Vec::new();
            for gap in gaps {
                now = now.after_ms(gap);
                let end = Ended::Badly(Failure::Exit(1));
                match restarts.decide(&policy, end, None, now, &mut random) {
                    Verdict::Again(at) => {
                        prop_assert!(at.ms_since(now) <= 1_500 && at.ms_since(now) >= 75);
                        now = at;
                        attempts.push(at);
                    }
                    Verdict::GiveUp(Failure::TooManyRestarts { restarts, .. }) => {
                        prop_assert_eq!(restarts, max_restarts);
                        prop_assert!(attempts.iter().filter(|at| now.ms_since(**at) < 5_000).count() >= max_restarts as usize);
                    }
                    other => prop_assert!(false, "{:?}", other),
                }
            }
            for (index, first) in attempts.iter().enumerate() {
                let within = attempts[index..].iter().filter(|at| at.ms_since(*first) < 5_000).count();
                prop_assert!(within <= (max_restarts as usize));
            }
        }
    }
}

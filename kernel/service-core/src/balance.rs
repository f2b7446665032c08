//! Who gets the next connection.

use alloc::vec::Vec;

words! {
    /// How connections are spread over the ready instances.
    Strategy {
        /// In turns.
        RoundRobin = "round_robin",
        /// To the one with the fewest open connections for its weight.
        LeastConnections = "least_connections",
        /// In turns, as often as their weights say.
        Weighted = "weighted",
    }
}

/// One that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its number: an instance's, or a run's.
    pub member: u64,
    /// Its weight, at least 1.
    pub weight: u32,
    /// Its open connections.
    pub connections: u32,
}

/// What has to be remembered between two choices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balancer {
    /// The one that was chosen last.
    last: Option<u64>,
    /// How far each instance is behind what its weight gives it.
    credits: Vec<(u64, i64)>,
}

impl Balancer {
    /// Chooses among `candidates`, which are sorted by number; none of none.
    pub fn choose(&mut self, strategy: Strategy, candidates: &[Candidate]) -> Option<u64> {
        let chosen = match strategy {
            Strategy::RoundRobin => self.next_after_last(candidates, |_| true)?,
            Strategy::LeastConnections => {
                // Compared as fractions, without division: a/b < c/d is ad < cb.
                let load = |candidate: &Candidate| {
                    (u64::from(candidate.connections), u64::from(candidate.weight.max(1)))
                };
                let least =
                    candidates.iter().map(load).min_by(|(a, b), (c, d)| (a * d).cmp(&(c * b)))?;
                self.next_after_last(candidates, |candidate| {
                    let (connections, weight) = load(candidate);
                    connections * least.1 == least.0 * weight
                })?
            }
            Strategy::Weighted => self.weighted(candidates)?,
        };
        self.last = Some(chosen);
        Some(chosen)
    }

    fn next_after_last(
        &self,
        candidates: &[Candidate],
        is_eligible: impl Fn(&Candidate) -> bool,
    ) -> Option<u64> {
        let eligible = || candidates.iter().filter(|candidate| is_eligible(candidate));
        let next =
            eligible().find(|candidate| self.last.is_none_or(|last| candidate.member > last));
        next.or_else(|| eligible().next()).map(|candidate| candidate.member)
    }

    /// Smooth weighted round robin, as nginx does it: each gains its weight, the richest is chosen and
    /// pays the sum.
    fn weighted(&mut self, candidates: &[Candidate]) -> Option<u64> {
        self.credits.retain(|(member, _)| candidates.iter().any(|other| other.member == *member));
        let mut sum = 0;
        let mut richest: Option<usize> = None;
        for candidate in candidates {
            let weight = i64::from(candidate.weight.max(1));
            sum += weight;
            let known = self.credits.iter().position(|(member, _)| *member == candidate.member);
            let place = known.unwrap_or_else(|| {
                self.credits.push((candidate.member, 0));
                self.credits.len() - 1
            });
            self.credits[place].1 += weight;
            let is_richer = |other: usize| self.credits[place].1 > self.credits[other].1;
            if richest.is_none_or(is_richer) {
                richest = Some(place);
            }
        }
        let chosen = &mut self.credits[richest?];
        chosen.1 -= sum;
        Some(chosen.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Balancer, Candidate, Strategy};
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn candidates(given: &[(u64, u32, u32)]) -> Vec<Candidate> {
        let candidate = |&(member, weight, connections)| Candidate { member, weight, connections };
        given.iter().map(candidate).collect()
    }

    fn choices(strategy: Strategy, given: &[(u64, u32, u32)], count: usize) -> Vec<u64> {
        let mut balancer = Balancer::default();
        (0..count).filter_map(|_| balancer.choose(strategy, &candidates(given))).collect()
    }

    /// proves: S5
    #[test]
    fn each_strategy_spreads_as_it_says() {
        let equal = [(0, 1, 0), (1, 1, 0), (2, 1, 0)];
        assert_eq!(choices(Strategy::RoundRobin, &equal, 5), [0, 1, 2, 0, 1]);
        assert_eq!(choices(Strategy::LeastConnections, &equal, 4), [0, 1, 2, 0]);
        assert_eq!(
            choices(Strategy::LeastConnections, &[(0, 1, 3), (1, 1, 2), (4, 1, 2)], 3),
            [1, 4, 1]
        );
        assert_eq!(choices(Strategy::LeastConnections, &[(0, 4, 4), (1, 1, 2)], 2), [0, 0]);
        assert_eq!(
            choices(Strategy::Weighted, &[(0, 5, 0), (1, 1, 0), (2, 1, 0)], 7),
            [0, 0, 1, 0, 2, 0, 0]
        );
        assert_eq!(choices(Strategy::RoundRobin, &[], 3), []);
    }

    proptest! {
        #[test]
        fn weights_hold_exactly_over_a_round(weights in prop::collection::vec(1u32..20, 1..8)) {
            let given: Vec<_> = (0u64..).zip(&weights).map(|(index, weight)| (index, *weight, 0)).collect();
            let sum: u32 = weights.iter().sum();
            let chosen = choices(Strategy::Weighted, &given, sum as usize);
            for (index, weight, _) in given {
                let times = chosen.iter().filter(|other| **other == index).count();
                prop_assert_eq!(times, weight as usize);
            }
        }

        #[test]
        fn members_may_come_and_go(rounds in prop::collection::vec(prop::collection::btree_set(0u64..6, 0..6), 1..50)) {
            for strategy in Strategy::ALL {
                let mut balancer = Balancer::default();
                for round in &rounds {
                    let given: Vec<_> = round.iter().map(|index| (*index, 2, 1)).collect();
                    let chosen = balancer.choose(*strategy, &candidates(&given));
                    prop_assert_eq!(chosen.is_some(), !round.is_empty());
                    prop_assert!(chosen.is_none_or(|index| round.contains(&index)));
                }
            }
        }
    }
}

//! Who ends when no memory is left: [`choose`].

use crate::ids::{Instant, Pid};
use crate::scheduling::PriorityClass;

/// A program that could be ended to free its memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Which.
    pub pid: Pid,
    /// What it holds.
    pub resident_bytes: u64,
    /// Its class.
    pub class: PriorityClass,
    /// When it was started.
    pub started_at: Instant,
}

impl Candidate {
    /// Init, whose end takes the others with it.
    const fn is_init(&self) -> bool {
        self.pid.number() == 1
    }
}

/// The rule: of all programs the one that holds most memory; of several that hold the same the one
/// that was started last. Programs of class system come after all others, and init last of all.
pub fn choose(candidates: impl Iterator<Item = Candidate>) -> Option<Candidate> {
    candidates.max_by_key(|candidate| {
        (
            !candidate.is_init(),
            candidate.class != PriorityClass::System,
            candidate.resident_bytes,
            candidate.started_at,
            candidate.pid,
        )
    })
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn candidate(pid: u32, resident_bytes: u64, class: PriorityClass, started: u64) -> Candidate {
        let started_at = Instant::from_nanoseconds(started);
        Candidate { pid: Pid::new(pid.into()).unwrap(), resident_bytes, class, started_at }
    }

    #[test]
    fn the_largest_goes_and_of_equals_the_youngest() {
        use PriorityClass::{Interactive, System};
        let all = [
            candidate(1, 900, Interactive, 0),
            candidate(5, 800, System, 1),
            candidate(7, 500, Interactive, 2),
            candidate(8, 500, Interactive, 3),
            candidate(9, 100, Interactive, 4),
        ];
        let mut left: Vec<Candidate> = all.to_vec();
        let mut order = Vec::new();
        while let Some(victim) = choose(left.iter().copied()) {
            order.push(victim.pid.number());
            left.retain(|other| other.pid != victim.pid);
        }
        assert_eq!(order, [8, 7, 9, 5, 1]);
    }
}

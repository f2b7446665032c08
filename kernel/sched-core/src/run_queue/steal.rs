//! What another processor may take from this queue.

use super::RunQueue;
use crate::{
    cpu::{CpuId, CpuSet},
    entity::{Entity, Inner},
    time::{Duration, Instant},
    tree::Verdict,
};

/// A task that ran so recently is likely to find its data in this processor's cache: it is not
/// taken yet.
pub const CACHE_HOT: Duration = Duration::from_micros(500);

/// How many tasks that take turns are looked at.
const MAX_PROBES: usize = 32;

/// What a call of [`RunQueue::steal`] found.
#[derive(Debug)]
pub enum Stolen<T> {
    /// A task, which is no longer in this queue: enqueue it as [`crate::Arrival::Migrated`].
    Taken(Entity<T>),
    /// Only tasks that are cache hot until then: an idle processor looks again at that time.
    HotUntil(Instant),
    /// Nothing that may run there.
    Nothing,
}

impl<T> RunQueue<T> {
    /// Takes out a waiting task that may run on `thief` and whose load is at most `max_load`
    /// (`u64::MAX` for an idle thief): the most urgent one, and of those that share the one
    /// with the earliest deadline. Tasks that are cache hot stay.
    pub fn steal(&mut self, thief: CpuId, max_load: u64, now: Instant) -> Stolen<T> {
        let now = self.settle(now);
        let mut hot_until: Option<Instant> = None;
        let mut judge = |state: Option<&Inner>| {
            let Some(state) = state else { return Verdict::Skip };
            let is_movable =
                state.affinity.contains(thief) && u64::from(state.params.load()) <= max_load;
            if !is_movable {
                return Verdict::Skip;
            }
            let cold_at = state.last_ran.after(CACHE_HOT);
            let has_run_here = state.last_cpu == Some(self.cpu) && state.last_ran != Instant::ZERO;
            if has_run_here && cold_at > now {
                hot_until = Some(hot_until.map_or(cold_at, |soonest| soonest.min(cold_at)));
                return Verdict::Skip;
            }
            Verdict::Take
        };
        let (slab, bit) = (&self.slab, thief.folded());
        let mut in_turns = [&self.critical, &self.real_time]
            .into_iter()
            .flat_map(|list| list.iter(slab.links()))
            .take(MAX_PROBES);
        let found = in_turns
            .find(|&slot| judge(slab.state(slot)) == Verdict::Take)
            .or_else(|| {
                let tree = &self.sharing.tree;
                tree.find_allowed(slab.nodes(), bit, |slot| judge(slab.state(slot)))
            })
            .or_else(|| {
                let tree = &self.idle.tree;
                tree.find_allowed(slab.nodes(), bit, |slot| judge(slab.state(slot)))
            });
        drop(in_turns);
        match (found.and_then(|slot| self.extract(slot)), hot_until) {
            (Some(entity), _) => Stolen::Taken(entity),
            (None, Some(until)) => Stolen::HotUntil(until),
            (None, None) => Stolen::Nothing,
        }
    }

    /// The processors that waiting tasks may run on, as far as the first 32 movable ones of each
    /// band say.
    ///
    /// Exact: a processor that is named in vain would be woken up in vain, again and again.
    #[must_use]
    pub fn wanted_cpus(&self) -> CpuSet {
        let mut wanted = CpuSet::EMPTY;
        let mut add = |slot: u32| {
            if let Some(state) = self.slab.state(slot) {
                wanted = wanted | state.affinity;
            }
        };
        for list in [&self.critical, &self.real_time] {
            list.iter(self.slab.links()).take(MAX_PROBES).for_each(&mut add);
        }
        for tree in [&self.sharing.tree, &self.idle.tree] {
            tree.find_allowed(self.slab.nodes(), !self.cpu.folded(), |slot| {
                add(slot);
                Verdict::Skip
            });
        }
        wanted
    }
}

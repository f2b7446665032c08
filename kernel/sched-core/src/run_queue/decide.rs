//! Who runs next, whether that is somebody else than now, and when to look again.

use super::{Effect, RunQueue};
use crate::{
    params::{Band, Class},
    time::{Duration, Instant},
    tree::NONE,
    virtual_time::{due, time_to_age},
};

/// A task that shares runs this long before an equal one preempts it by waking up with an earlier
/// deadline: bounds the switches that tasks which wake each other can cause.
const PROTECTED_RUN: Duration = Duration::from_micros(750);

impl<T> RunQueue<T> {
    /// The waiting task that is to run now.
    pub(super) fn choose(&self) -> Option<u32> {
        match self.most_urgent()? {
            Band::Critical => self.critical.front(),
            Band::RealTime => self.real_time.front(),
            Band::Sharing => {
                let earliest = self.sharing.earliest(&self.slab);
                let may_favour = self.favoured != NONE
                    && self.sharing.is_eligible(self.slab.node(self.favoured).runtime)
                    && !self.is_late(earliest);
                if may_favour { Some(self.favoured) } else { earliest }
            }
            Band::Idle => self.idle.earliest(&self.slab),
        }
    }

    /// What the arrival of `slot` means for the running task.
    pub(super) fn effect_of(&mut self, slot: u32) -> Effect {
        let Some(running) = &self.current else { return Effect::Preempt };
        let Some(state) = self.slab.state(slot) else { return Effect::None };
        let band = state.params.band();
        let is_preempting = if band < running.band {
            band >= Band::Sharing || !self.is_throttled()
        } else if band > running.band {
            band == Band::Sharing && self.is_throttled()
        } else {
            band == Band::Sharing && self.preempts_by_waking(slot)
        };
        if is_preempting { Effect::Preempt } else { Effect::None }
    }

    /// Whether the running task has to give way, seen from outside of a wake-up.
    pub(super) fn reconsider(&mut self) -> Effect {
        let best = self.most_urgent();
        let Some(running) = &self.current else {
            return if best.is_some() { Effect::Preempt } else { Effect::None };
        };
        let (slot, band) = (running.slot, running.band);
        let may_stay = self.slab.state(slot).is_some_and(|state| state.affinity.contains(self.cpu));
        let is_over = !may_stay
            || match best {
                None => false,
                Some(best) if best < band => true,
                Some(best) if best > band => best == Band::Sharing && self.is_throttled(),
                Some(_) => running.is_request_served && self.is_beaten(slot, band),
            };
        if let Some(running) = &mut self.current {
            running.is_request_served &= is_over;
        }
        if is_over { Effect::Preempt } else { Effect::None }
    }

    /// `effect`, or more if a timer that was set to `before` is now too late.
    pub(super) fn rearmed(&self, before: Option<Instant>, effect: Effect, now: Instant) -> Effect {
        let is_earlier = match (before, self.next_look(now)) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(before), Some(after)) => after < before,
        };
        if is_earlier { effect.max(Effect::Rearm) } else { effect }
    }

    /// [`RunQueue::next_event`] with a time that the queue has reached.
    pub(super) fn next_look(&self, now: Instant) -> Option<Instant> {
        let Some(running) = &self.current else { return self.most_urgent().map(|_| now) };
        let state = self.slab.state(running.slot)?;
        let start = running.charged_at;
        let are_turns_waiting = !self.critical.is_empty() || !self.real_time.is_empty();
        let (slice_left, limit) = match running.band {
            Band::Critical | Band::RealTime => {
                let is_sharing_waiting = !self.sharing.tree.is_empty();
                let spent = due(start, self.budget.left(), now);
                (state.turn_left, is_sharing_waiting.then_some(spent))
            }
            Band::Sharing | Band::Idle => {
                let node = self.slab.node(running.slot);
                let left = time_to_age(node.deadline.ahead_of(node.runtime), state.weight);
                (left, are_turns_waiting.then_some(self.budget.replenished_at().max(now)))
            }
        };
        let left = if running.is_request_served { Duration::ZERO } else { slice_left };
        let slice_end = self.has_rivals().then(|| due(start, left, now));
        match (slice_end, limit) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// Whether others wait in the running task's band.
    pub(super) fn has_rivals(&self) -> bool {
        match self.current.as_ref().map(|running| running.band) {
            None => false,
            Some(Band::Critical) => !self.critical.is_empty(),
            Some(Band::RealTime) => !self.real_time.is_empty(),
            Some(Band::Sharing) => !self.sharing.tree.is_empty(),
            Some(Band::Idle) => !self.idle.tree.is_empty(),
        }
    }

    /// Whether Critical and RealTime have used up their budget and others want the rest.
    pub(super) fn is_throttled(&self) -> bool {
        let runs = self.current.as_ref().is_some_and(|running| running.band == Band::Sharing);
        self.budget.is_spent() && (runs || !self.sharing.tree.is_empty())
    }

    /// The band of the waiting task that would run now.
    fn most_urgent(&self) -> Option<Band> {
        let may_take_turns = !self.is_throttled();
        if may_take_turns && !self.critical.is_empty() {
            Some(Band::Critical)
        } else if may_take_turns && !self.real_time.is_empty() {
            Some(Band::RealTime)
        } else if !self.sharing.tree.is_empty() {
            Some(Band::Sharing)
        } else if !self.idle.tree.is_empty() {
            Some(Band::Idle)
        } else {
            None
        }
    }

    /// Whether another of the same band is to run instead of `slot`, whose request was served.
    fn is_beaten(&self, slot: u32, band: Band) -> bool {
        let fair = match band {
            Band::Critical | Band::RealTime => return true,
            Band::Sharing => &self.sharing,
            Band::Idle => &self.idle,
        };
        let node = self.slab.node(slot);
        fair.earliest(&self.slab).is_some_and(|best| {
            !fair.is_eligible(node.runtime)
                || self.slab.node(best).deadline.ahead_of(node.deadline) <= 0
        })
    }

    /// Whether `slot`, which just came, takes the processor from the running task; both share.
    ///
    /// Interactive tasks and those that meet a Background one go first though their deadline may
    /// not be the earliest, but only while they are owed service and nobody is late: so they are
    /// faster without getting more.
    fn preempts_by_waking(&mut self, slot: u32) -> bool {
        let Some(running) = &self.current else { return true };
        let (Some(woken), Some(current)) = (self.slab.state(slot), self.slab.state(running.slot))
        else {
            return false;
        };
        let node = self.slab.node(slot);
        if woken.params.class == Class::Background || !self.sharing.is_eligible(node.runtime) {
            return false;
        }
        let earliest = self.sharing.earliest(&self.slab);
        let goes_first = current.params.class == Class::Background
            || (woken.params.class == Class::Interactive
                && current.params.class != Class::Interactive);
        if goes_first {
            let is_fair = !self.is_late(earliest);
            if is_fair {
                self.favoured = slot;
            }
            return is_fair;
        }
        earliest == Some(slot)
            && self.clock.since(running.picked_at) >= PROTECTED_RUN
            && node.deadline.ahead_of(self.slab.node(running.slot).deadline) < 0
    }

    /// Whether the sharing task `slot` should have been served by now.
    fn is_late(&self, slot: Option<u32>) -> bool {
        slot.is_some_and(|slot| self.sharing.is_late(self.slab.node(slot).deadline))
    }
}

//! The books: charging the running task, membership and lag, the queues of the bands.

use super::{Arrival, NotQueued, RunQueue};
use crate::{
    entity::Entity,
    params::Band,
    slab::Key,
    time::{Duration, Instant},
    tree::NONE,
    virtual_time::{aged, service, time_to_age},
};

/// A request with less than this left counts as served: not worth an interrupt of its own.
const REMNANT: Duration = Duration::from_micros(20);

/// Where in its list a task that takes turns waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Front,
    Back,
}

/// How a task leaves its band.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// It gives up the processor: it pays a debt by its absence.
    Blocks,
    /// It goes on elsewhere, or otherwise.
    Moves,
}

impl<T> RunQueue<T> {
    /// The time of an operation: never before that of an earlier one.
    fn advance_clock(&mut self, now: Instant) -> Instant {
        self.clock = self.clock.max(now);
        self.clock
    }

    /// Charges the running task up to `now`, and starts its next request if this one is served.
    pub(super) fn settle(&mut self, now: Instant) -> Instant {
        let now = self.advance_clock(now);
        self.budget.refresh(now);
        let has_rivals = self.has_rivals();
        let Some(running) = &mut self.current else { return now };
        let ran = now.since(running.charged_at);
        if ran.is_zero() {
            return now;
        }
        running.charged_at = now;
        let (slot, band) = (running.slot, running.band);
        let Some(state) = self.slab.state_mut(slot) else { return now };
        state.cpu_time = state.cpu_time.plus(ran);
        state.last_ran = now;
        let (weight, slice) = (state.weight, state.params.slice());
        let is_served = match band {
            Band::Critical | Band::RealTime => {
                state.turn_left = state.turn_left.minus(ran);
                let is_over = state.turn_left.is_zero();
                if is_over && !has_rivals {
                    state.turn_left = slice;
                }
                self.budget.charge(ran, now);
                is_over
            }
            Band::Sharing | Band::Idle => {
                self.age(slot, band, aged(service(ran), weight));
                self.renew(slot, weight, slice)
            }
        };
        if let Some(running) = &mut self.current {
            running.is_request_served = has_rivals && (running.is_request_served || is_served);
        }
        now
    }

    /// Starts the next request of `slot` if the present one is served; tells whether it was.
    fn renew(&mut self, slot: u32, weight: u32, slice: Duration) -> bool {
        let node = self.slab.node_mut(slot);
        let left = node.deadline.ahead_of(node.runtime);
        let is_served = left <= 0 || time_to_age(left, weight) <= REMNANT;
        if is_served {
            let start = if left > 0 { node.deadline } else { node.runtime };
            node.deadline = start.moved(aged(service(slice), weight));
        }
        is_served
    }

    /// Yielding uses up the request, unless the task has had more than its share already: then
    /// another goes first anyway, and more debt would starve a task that yields in a loop.
    pub(super) fn forfeit(&mut self, slot: u32, band: Band) {
        if !matches!(band, Band::Sharing | Band::Idle) {
            return;
        }
        let Some(state) = self.slab.state(slot) else { return };
        let (weight, slice) = (state.weight, state.params.slice());
        let node = self.slab.node(slot);
        let left = node.deadline.ahead_of(node.runtime).max(0);
        let fair = if band == Band::Sharing { &self.sharing } else { &self.idle };
        if fair.is_eligible(node.runtime) {
            self.age(slot, band, left);
            self.renew(slot, weight, slice);
        }
    }

    /// Makes the member `slot` of a sharing band older.
    fn age(&mut self, slot: u32, band: Band, distance: i64) {
        let Some(weight) = self.slab.state(slot).map(|state| state.weight) else { return };
        match band {
            Band::Critical | Band::RealTime => {}
            Band::Sharing => self.sharing.advance(&mut self.slab, slot, weight, distance),
            Band::Idle => self.idle.advance(&mut self.slab, slot, weight, distance),
        }
    }

    /// Prepares the state of a task that comes in.
    pub(super) fn admit(&mut self, entity: &mut Entity<T>, arrival: Arrival, now: Instant) {
        let cpu = self.cpu;
        let state = entity.state.inner_mut();
        let absence = state.absence.take();
        if arrival != Arrival::Migrated {
            state.request_left = 0;
            state.turn_left = state.params.slice();
        }
        match (arrival, absence) {
            (Arrival::New, _) => state.lag = 0,
            (Arrival::Woken, Some((band, absence))) if state.last_cpu == Some(cpu) => {
                let debt = match band {
                    Band::Idle => self.idle.come_back(absence),
                    _ => self.sharing.come_back(absence),
                };
                state.lag = debt;
            }
            // Elsewhere, a debt is forgiven at the rate at which waiting here would have paid it
            // off; otherwise whoever slept for an hour would wait for a moment of an hour ago.
            (Arrival::Woken, _) if state.lag < 0 => {
                let competing = match state.params.band() {
                    Band::Idle => self.idle.weight(),
                    _ => self.sharing.weight(),
                };
                let rate = (competing + u64::from(state.weight)).max(1).cast_signed();
                let share = service(now.since(state.left_at)) / rate;
                let paid = share.saturating_mul(i64::from(state.weight));
                state.lag = state.lag.saturating_add(paid).min(0);
            }
            (Arrival::Woken | Arrival::Migrated, _) => {}
        }
    }

    /// Counts `slot` in: load, and membership in a sharing band with its lag and request.
    pub(super) fn join(&mut self, slot: u32) {
        let Some(state) = self.slab.state(slot) else { return };
        self.load += u64::from(state.params.load());
        let (band, weight, lag) = (state.params.band(), state.weight, state.lag);
        let request = match state.request_left {
            left if left > 0 => left,
            _ => service(state.params.slice()),
        };
        match band {
            Band::Critical | Band::RealTime => {}
            Band::Sharing => self.sharing.join(&mut self.slab, slot, weight, lag, request),
            Band::Idle => self.idle.join(&mut self.slab, slot, weight, lag, request),
        }
    }

    /// Counts `slot`, which is not linked, out; its state remembers lag and request.
    pub(super) fn leave(&mut self, slot: u32, why: Leave) {
        let now = self.clock;
        let Some(state) = self.slab.state(slot) else { return };
        self.load = self.load.saturating_sub(u64::from(state.params.load()));
        let (band, weight, slice) = (state.params.band(), state.weight, state.params.slice());
        let fair = match band {
            Band::Critical | Band::RealTime => None,
            Band::Sharing => Some(&mut self.sharing),
            Band::Idle => Some(&mut self.idle),
        };
        // Within the bounds of the theorem, with room for a timer that was late.
        let (max_credit, max_debt) = (service(slice), 2 * service(slice));
        let account = fair.map(|fair| {
            let node = self.slab.node(slot);
            let left = node.deadline.ahead_of(node.runtime).saturating_mul(i64::from(weight));
            let (lag, absence) = match why {
                Leave::Blocks => fair.block(&self.slab, slot, weight, max_debt),
                Leave::Moves => (fair.leave(&self.slab, slot, weight), None),
            };
            (lag, absence, left)
        });
        let Some(state) = self.slab.state_mut(slot) else { return };
        state.left_at = now;
        if let Some((lag, absence, request_left)) = account {
            state.lag = lag.clamp(-max_debt, max_credit);
            state.absence = absence.map(|absence| (band, absence));
            state.request_left = request_left.clamp(0, max_credit);
        }
    }

    /// Takes `slot`, which waits, out of the queue.
    pub(super) fn extract(&mut self, slot: u32) -> Option<Entity<T>> {
        self.unlink(slot);
        self.leave(slot, Leave::Moves);
        self.slab.remove(slot)
    }

    /// Lets `slot`, a member of its band, wait.
    pub(super) fn link(&mut self, slot: u32, end: End) {
        let Some(state) = self.slab.state(slot) else { return };
        let (band, affinity) = (state.params.band(), state.affinity);
        self.movable += u32::from(affinity.len() > 1);
        self.slab.node_mut(slot).allowed = affinity.folded();
        let list = match band {
            Band::Critical => &mut self.critical,
            Band::RealTime => &mut self.real_time,
            Band::Sharing => return self.sharing.tree.insert(self.slab.nodes_mut(), slot),
            Band::Idle => return self.idle.tree.insert(self.slab.nodes_mut(), slot),
        };
        match end {
            End::Front => list.push_front(self.slab.links_mut(), slot),
            End::Back => list.push_back(self.slab.links_mut(), slot),
        }
    }

    /// Ends the waiting of `slot`.
    pub(super) fn unlink(&mut self, slot: u32) {
        if self.favoured == slot {
            self.favoured = NONE;
        }
        let Some(state) = self.slab.state(slot) else { return };
        self.movable = self.movable.saturating_sub(u32::from(state.affinity.len() > 1));
        match state.params.band() {
            Band::Critical => self.critical.remove(self.slab.links_mut(), slot),
            Band::RealTime => self.real_time.remove(self.slab.links_mut(), slot),
            Band::Sharing => self.sharing.tree.remove(self.slab.nodes_mut(), slot),
            Band::Idle => self.idle.tree.remove(self.slab.nodes_mut(), slot),
        }
    }

    pub(super) fn find(&self, key: Key) -> Result<u32, NotQueued> {
        self.slab.find(key).ok_or(NotQueued::Gone)
    }

    pub(super) fn is_current(&self, slot: u32) -> bool {
        self.current.as_ref().is_some_and(|running| running.slot == slot)
    }
}

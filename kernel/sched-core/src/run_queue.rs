//! One processor's queue: [`RunQueue`]. What moves tasks in and out stands here; `run_queue/decide`
//! says who runs and when to look again, `run_queue/account` keeps the books, `run_queue/steal` says
//! what another processor may take.
//!
//! Every operation takes the time and first charges the running task up to it. O(log n), no
//! allocation (`reserve` apart), no panic; time that steps back counts as standing still.

mod account;
mod decide;
mod steal;

pub use steal::{CACHE_HOT, Stolen};

use crate::{
    balance::CpuView,
    budget::Budget,
    cpu::{CpuId, CpuSet},
    entity::{Entity, OutOfMemory},
    fair::Fair,
    list::List,
    params::{Band, Params},
    slab::{Key, Slab, Storage},
    time::{Duration, Instant},
    tree::NONE,
};
use account::{End, Leave};

/// The tasks that run or wait on one processor, and the policy between them.
#[derive(Debug)]
pub struct RunQueue<T> {
    cpu: CpuId,
    slab: Slab<T>,
    clock: Instant,
    current: Option<Running>,
    critical: List,
    real_time: List,
    budget: Budget,
    sharing: Fair,
    idle: Fair,
    /// The waiting task that a wake-up preempted for: goes first if that is still fair.
    favoured: u32,
    load: u64,
    /// How many waiting tasks may run on another processor as well.
    movable: u32,
}

#[derive(Debug)]
struct Running {
    slot: u32,
    band: Band,
    picked_at: Instant,
    charged_at: Instant,
    /// Its request or turn ended while others waited: the moment to choose anew.
    is_request_served: bool,
}

/// How a task comes into a queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// It was just created: it starts at the queue's virtual time.
    New,
    /// It slept: it brings its lag along and starts a new request.
    Woken,
    /// It comes from another queue without having slept: it goes on with its request.
    Migrated,
}

/// Why the running task goes back to the queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PutBack {
    /// It was interrupted and goes on later where it was.
    Preempted,
    /// It gave way by itself: the rest of its request or turn is forfeited.
    Yielded,
}

/// What the queue's processor has to do after an operation. If it is another one: by an
/// inter-processor interrupt.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[must_use]
pub enum Effect {
    /// Nothing.
    None,
    /// Set the timer anew: `next_event` is earlier than it was.
    Rearm,
    /// Choose again: `pick_next`.
    Preempt,
}

/// A task has come into the queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Enqueued {
    /// Names the task until it leaves the queue.
    pub key: Key,
    /// What the queue's processor has to do.
    pub effect: Effect,
}

/// A task did not get into the queue.
#[derive(Debug)]
pub struct Rejected<T> {
    /// The task, as it was.
    pub entity: Entity<T>,
    /// Why.
    pub reason: Rejection,
}

/// Why a task did not get into a queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rejection {
    /// There is no free slot: reserve more, or choose another processor.
    Full,
    /// The task's affinity excludes this processor.
    NotAllowed,
}

/// A key did not name a waiting task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotQueued {
    /// The task is running.
    Running,
    /// The task has left the queue.
    Gone,
}

/// What a call of `charge` found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Charged {
    /// How long the running task ran since the last charge.
    pub ran: Duration,
    /// What this processor has to do.
    pub effect: Effect,
}

/// Whether a task may stay after its affinity changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Placement {
    /// It may stay where it is. If it waits, another processor may suit it now:
    /// [`crate::Pacer::hurry`].
    Stays,
    /// It waits here and may not run here: `remove` it and place it anew, before unlocking.
    MustLeave,
    /// It runs here and may not: preempt it, then `take_current` it and place it anew.
    MustStop,
}

impl<T> RunQueue<T> {
    /// An empty queue for `cpu`, without room: see [`RunQueue::reserve`].
    #[must_use]
    pub const fn new(cpu: CpuId) -> Self {
        Self {
            cpu,
            slab: Slab::new(),
            clock: Instant::ZERO,
            current: None,
            critical: List::new(),
            real_time: List::new(),
            budget: Budget::new(),
            sharing: Fair::new(),
            idle: Fair::new(),
            favoured: NONE,
            load: 0,
            movable: 0,
        }
    }

    /// Makes room for `tasks` tasks in all. Allocates; under a spin lock prefer [`RunQueue::grow`].
    ///
    /// # Errors
    /// [`OutOfMemory`]; the queue is as it was.
    pub fn reserve(&mut self, tasks: usize) -> Result<(), OutOfMemory> {
        if tasks > self.capacity() {
            drop(self.grow(Storage::with_capacity(tasks)?));
        }
        Ok(())
    }

    /// Moves into `storage` if that is larger, without allocating or freeing: a copy of about 90
    /// bytes a task. Drop what is returned after unlocking.
    #[must_use = "drop it after unlocking"]
    pub fn grow(&mut self, storage: Storage<T>) -> Storage<T> {
        self.slab.grow(storage)
    }

    /// How many tasks have room, running one included.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.slab.capacity()
    }

    /// Puts a task into the queue.
    ///
    /// # Errors
    /// Gives the task back if there is no room or its affinity excludes this processor.
    pub fn enqueue(
        &mut self,
        mut entity: Entity<T>,
        arrival: Arrival,
        now: Instant,
    ) -> Result<Enqueued, Rejected<T>> {
        if !entity.state.affinity().contains(self.cpu) {
            return Err(Rejected { entity, reason: Rejection::NotAllowed });
        }
        if !self.slab.has_room() {
            return Err(Rejected { entity, reason: Rejection::Full });
        }
        let now = self.settle(now);
        let before = self.next_look(now);
        self.admit(&mut entity, arrival, now);
        let slot = match self.slab.insert(entity) {
            Ok(slot) => slot,
            Err(entity) => return Err(Rejected { entity, reason: Rejection::Full }),
        };
        self.join(slot);
        self.link(slot, End::Back);
        let effect = self.effect_of(slot);
        let effect = self.rearmed(before, effect, now);
        Ok(Enqueued { key: self.slab.key(slot), effect })
    }

    /// Chooses the task to run from now on and makes it the running one; `None` if there is none.
    /// A task that still runs is put back as preempted first.
    pub fn pick_next(&mut self, now: Instant) -> Option<&T> {
        self.put_back(PutBack::Preempted, now);
        let now = self.clock;
        let slot = self.choose()?;
        self.unlink(slot);
        self.favoured = NONE;
        let state = self.slab.state_mut(slot)?;
        state.last_cpu = Some(self.cpu);
        if state.turn_left.is_zero() {
            state.turn_left = state.params.slice();
        }
        let band = state.params.band();
        self.current =
            Some(Running { slot, band, picked_at: now, charged_at: now, is_request_served: false });
        self.slab.entity(slot).map(|entity| &entity.task)
    }

    /// Charges the running task up to `now` and says whether it is another's turn. To be called
    /// when the timer set to `next_event` fires, and whenever up to date figures are wanted.
    pub fn charge(&mut self, now: Instant) -> Charged {
        let charged_at = self.current.as_ref().map(|running| running.charged_at);
        let now = self.settle(now);
        let ran = charged_at.map_or(Duration::ZERO, |then| now.since(then));
        Charged { ran, effect: self.reconsider() }
    }

    /// Puts the running task, if any, back among the waiting ones.
    pub fn put_back(&mut self, why: PutBack, now: Instant) {
        self.settle(now);
        let Some(running) = self.current.take() else { return };
        let slot = running.slot;
        if why == PutBack::Yielded {
            self.forfeit(slot, running.band);
        }
        let is_turn_over = match self.slab.state_mut(slot) {
            Some(state) if why == PutBack::Yielded || state.turn_left.is_zero() => {
                state.turn_left = state.params.slice();
                true
            }
            _ => false,
        };
        self.link(slot, if is_turn_over { End::Back } else { End::Front });
    }

    /// Takes the running task out of the queue: it blocks, exits or moves elsewhere.
    pub fn take_current(&mut self, now: Instant) -> Option<Entity<T>> {
        self.settle(now);
        let running = self.current.take()?;
        self.leave(running.slot, Leave::Blocks);
        self.slab.remove(running.slot)
    }

    /// Takes a waiting task out of the queue: it was suspended or killed, or moves elsewhere.
    ///
    /// # Errors
    /// The task is running (preempt it, then `take_current`), or has left.
    pub fn remove(&mut self, key: Key, now: Instant) -> Result<Entity<T>, NotQueued> {
        self.settle(now);
        let slot = self.find(key)?;
        if self.is_current(slot) {
            return Err(NotQueued::Running);
        }
        self.extract(slot).ok_or(NotQueued::Gone)
    }

    /// Changes the parameters of a running or waiting task, with effect at once. Its lag stays; a
    /// change of band drops a credit and keeps a debt (unless it is alone in Idle in between: a debt
    /// is to others of the same band).
    ///
    /// # Errors
    /// The task has left the queue: change its [`crate::State`].
    pub fn set_params(
        &mut self,
        key: Key,
        params: Params,
        now: Instant,
    ) -> Result<Effect, NotQueued> {
        let now = self.settle(now);
        let slot = self.find(key)?;
        let before = self.next_look(now);
        let is_current = self.is_current(slot);
        if !is_current {
            self.unlink(slot);
        }
        self.leave(slot, Leave::Moves);
        if let Some(entity) = self.slab.entity_mut(slot) {
            let old_band = entity.state.band();
            entity.state.set_params(params);
            if entity.state.band() != old_band {
                let state = entity.state.inner_mut();
                state.lag = state.lag.min(0);
                state.request_left = 0;
            }
        }
        self.join(slot);
        let effect = if is_current {
            if let Some(running) = &mut self.current {
                running.band = params.band();
            }
            self.reconsider()
        } else {
            self.link(slot, End::Back);
            self.effect_of(slot)
        };
        Ok(self.rearmed(before, effect, now))
    }

    /// Changes where a running or waiting task may run.
    ///
    /// # Errors
    /// The task has left the queue: change its [`crate::State`].
    pub fn set_affinity(&mut self, key: Key, affinity: CpuSet) -> Result<Placement, NotQueued> {
        let slot = self.find(key)?;
        let is_current = self.is_current(slot);
        // The tree knows the affinities of its nodes, so the node has to be linked anew.
        if !is_current {
            self.unlink(slot);
        }
        if let Some(state) = self.slab.state_mut(slot) {
            state.affinity = affinity;
        }
        if !is_current {
            self.link(slot, End::Back);
        }
        Ok(match (affinity.contains(self.cpu), is_current) {
            (true, _) => Placement::Stays,
            (false, false) => Placement::MustLeave,
            (false, true) => Placement::MustStop,
        })
    }

    /// When this processor has to be interrupted to call `charge`: the end of the running task's
    /// slice if another waits, of the real-time budget, or of a throttled window. `None`: never,
    /// until an operation says [`Effect::Rearm`] or [`Effect::Preempt`].
    #[must_use]
    pub fn next_event(&self, now: Instant) -> Option<Instant> {
        self.next_look(now.max(self.clock))
    }

    /// The processor this queue belongs to.
    #[must_use]
    pub const fn cpu(&self) -> CpuId {
        self.cpu
    }

    /// The running task.
    #[must_use]
    pub fn current(&self) -> Option<&Entity<T>> {
        self.slab.entity(self.current.as_ref()?.slot)
    }

    /// Whether a task runs and no other waits.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.current.is_some() && self.queue_length() == 1
    }

    /// The key of the running task.
    #[must_use]
    pub fn current_key(&self) -> Option<Key> {
        Some(self.slab.key(self.current.as_ref()?.slot))
    }

    /// The task that `key` names, running or waiting.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&Entity<T>> {
        self.slab.entity(self.slab.find(key)?)
    }

    /// How many tasks run or wait here.
    #[must_use]
    pub const fn queue_length(&self) -> usize {
        self.slab.len()
    }

    /// The sum of the loads of the tasks here: see [`Params::load`].
    #[must_use]
    pub const fn load(&self) -> u64 {
        self.load
    }

    /// What other processors need to know of this one.
    #[must_use]
    pub fn view(&self) -> CpuView {
        CpuView {
            load: self.load,
            movable: self.movable,
            running: self.current.as_ref().map(|running| running.band),
        }
    }
}

#[cfg(test)]
mod tests;

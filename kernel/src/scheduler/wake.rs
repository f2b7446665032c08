//! Bringing threads back: wake-ups, timers, and the interrupts that carry them from CPU to CPU.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use sched_core::{
    Arrival, CpuId, CpuSet, Effect, Entity, Instant, Move, Params, Placement, Rejection, State,
    Stolen, Storage, TimerId, TimerStorage, Wanted, choose_cpu, rebalance,
};

use super::cpu::{self, Cpu};
use super::now;
use super::run::{self, rearm};
use super::share;
use super::thread::{Place, Thread};

impl Thread {
    /// Ends the thread's `park`, or its next one if it is not parked.
    pub fn unpark(self: &Arc<Self>) {
        self.wake_up(None);
    }

    /// As `unpark`, for what the running thread does for another: passes it a byte, a message, a
    /// turn. If the running thread is one that waits right after doing so, as in a dialogue, the woken
    /// one gets its CPU: that is quicker than to wake another CPU up.
    pub fn unpark_with_handover(self: &Arc<Self>) {
        // Not by interrupt handlers: what they interrupt hands nothing over.
        if !hal::interrupts::are_enabled() {
            return self.unpark();
        }
        let here = hal::interrupts::without(|| cpu::own().notes_handover(now()));
        self.wake_up(here);
    }

    fn wake_up(self: &Arc<Self>, handing_over: Option<CpuId>) {
        let state = {
            let mut position = self.place.lock();
            match core::mem::replace(&mut position.place, Place::Moving) {
                Place::Parked(state) => state,
                other => {
                    position.place = other;
                    position.is_notified = true;
                    return;
                }
            }
        };
        place_near(self, state, Arrival::Woken, handing_over);
        give_way();
    }

    /// Interrupts the CPU that runs the thread, if one does, so that it passes the border between
    /// kernel and program.
    pub(super) fn interrupt(&self) {
        let target = match self.place.lock().place {
            Place::Queued { cpu, .. } => cpu,
            _ => return,
        };
        let is_running = cpu::get(target.index())
            .queue
            .lock()
            .current
            .as_ref()
            .is_some_and(|current| core::ptr::eq(Arc::as_ptr(current), self));
        if is_running && target.index() != hal::cpu::current() {
            hal::apic::send_reschedule(target.index());
        }
    }

    /// Changes priority, class or nice, with effect at once. It has at least the priority that it
    /// inherits.
    pub fn set_params(self: &Arc<Self>, params: Params) {
        loop {
            let inherited = self.inherited();
            let priority = params.priority.max(inherited.unwrap_or(params.priority));
            self.apply_params(Params { priority, ..params });
            // That may have changed in between, and its change been carried out before this one.
            if self.inherited() == inherited {
                return;
            }
        }
    }

    fn apply_params(self: &Arc<Self>, params: Params) {
        self.set_rank(params);
        self.change(
            |state| state.set_params(params),
            |cpu, key| {
                let now = now();
                let mut queue = cpu.queue.lock();
                let effect = queue.run.set_params(key, params, now).ok()?;
                cpu.publish(&queue);
                Some(effect)
            },
        );
    }

    /// Changes where the thread may run, with effect at once. A set without a CPU that is online
    /// would never let it run: callers refuse that.
    pub fn set_affinity(self: &Arc<Self>, affinity: CpuSet) {
        self.change(
            |state| state.set_affinity(affinity),
            |cpu, key| {
                let mut queue = cpu.queue.lock();
                let placement = queue.run.set_affinity(key, affinity).ok()?;
                match placement {
                    // Another CPU may suit it now: look soon, and set the timer for that.
                    Placement::Stays => {
                        queue.pacer.hurry(now());
                        Some(Effect::Rearm)
                    }
                    // `leave` finds that it may not stay and places it anew.
                    Placement::MustStop => Some(Effect::Preempt),
                    Placement::MustLeave => {
                        let entity = queue.run.remove(key, now()).ok()?;
                        entity.task().place.lock().place = Place::Moving;
                        cpu.publish(&queue);
                        drop(queue);
                        let (thread, state) = entity.into_parts();
                        place(&thread, state, Arrival::Migrated);
                        Some(Effect::None)
                    }
                }
            },
        );
    }

    /// Applies a change wherever the thread's state is. It is on the way between two places for a
    /// few instructions at the most: then this looks again.
    fn change(
        self: &Arc<Self>,
        parked: impl Fn(&mut State),
        queued: impl Fn(&Cpu, sched_core::Key) -> Option<Effect>,
    ) {
        loop {
            let (cpu, key) = {
                let mut position = self.place.lock();
                match &mut position.place {
                    Place::Parked(state) => return parked(state),
                    Place::Queued { cpu, key } => (*cpu, *key),
                    Place::Gone => return,
                    Place::Moving => {
                        drop(position);
                        core::hint::spin_loop();
                        continue;
                    }
                }
            };
            if let Some(effect) = queued(cpu::get(cpu.index()), key) {
                notify(cpu, effect);
                give_way();
                return;
            }
        }
    }
}

/// Puts a thread whose state is in nobody's hands into a queue.
pub(super) fn place(thread: &Arc<Thread>, state: State, arrival: Arrival) {
    place_near(thread, state, arrival, None);
}

/// As `place`; `handing_over` is a CPU whose thread is about to wait.
fn place_near(
    thread: &Arc<Thread>,
    mut state: State,
    arrival: Arrival,
    handing_over: Option<CpuId>,
) {
    let mut here = hal::cpu::current();
    loop {
        let wanted = Wanted {
            band: state.params().band(),
            arrival,
            affinity: state.affinity(),
            last: state.last_cpu().or(CpuId::new(here)).unwrap_or(CpuId::ZERO),
            handing_over,
        };
        let target = choose_cpu(&wanted, cpu::topology(), cpu::idle_cpus(), cpu::view);
        let target = target.unwrap_or_else(|| {
            // No CPU that is online may run it: better anywhere than never.
            state.set_affinity(CpuSet::ALL);
            CpuId::ZERO
        });
        match enqueue(target, thread, state, arrival) {
            Ok(effect) => {
                notify(target, effect);
                return;
            }
            Err(back) => state = back,
        }
        here = hal::cpu::current();
    }
}

/// Puts a thread into the queue of `target`; gives the state back if there was no room, after having
/// made some.
fn enqueue(
    target: CpuId,
    thread: &Arc<Thread>,
    state: State,
    arrival: Arrival,
) -> Result<Effect, State> {
    let cpu = cpu::get(target.index());
    let mut queue = cpu.queue.lock();
    match queue.run.enqueue(Entity::new(Arc::clone(thread), state), arrival, now()) {
        Ok(enqueued) => {
            thread.place.lock().place = Place::Queued { cpu: target, key: enqueued.key };
            if arrival != Arrival::Migrated {
                thread.set_activity(process_core::ThreadActivity::Ready);
            }
            cpu.publish(&queue);
            Ok(enqueued.effect)
        }
        Err(rejected) => {
            let room = queue.run.capacity();
            drop(queue);
            if rejected.reason == Rejection::Full {
                make_room(cpu, room.saturating_mul(2).max(1));
            }
            Err(rejected.entity.into_parts().1)
        }
    }
}

/// Gives a queue room for `threads`. Without memory for that the caller tries again: threads leave
/// queues all the time.
fn make_room(cpu: &Cpu, threads: usize) {
    if let Ok(storage) = Storage::with_capacity(threads) {
        let outgrown = cpu.queue.lock().run.grow(storage);
        drop(outgrown);
    }
}

/// Has a CPU do what its queue said.
pub(super) fn notify(target: CpuId, effect: Effect) {
    let cpu = cpu::get(target.index());
    let was_asked = match effect {
        Effect::None => return,
        // Sequentially consistent with the idle loop's last look at these flags.
        Effect::Preempt => cpu.must_reschedule.swap(true, Ordering::SeqCst),
        Effect::Rearm => cpu.must_rearm.swap(true, Ordering::SeqCst),
    };
    hal::interrupts::without(|| {
        if target.index() == hal::cpu::current() {
            if effect == Effect::Rearm {
                rearm_own();
            }
        } else if !was_asked {
            cpu::set_idle(target, false);
            hal::apic::send_reschedule(target.index());
        }
    });
}

/// If this CPU is to run another thread, does so now, unless the caller is an interrupt handler or
/// holds a lock: then the end of the interrupt, or of the lock's holder, does.
fn give_way() {
    if hal::interrupts::are_enabled() {
        run::preempt();
    }
}

/// Sets the calling CPU's timer anew. Interrupts are disabled.
fn rearm_own() {
    let own = cpu::own();
    own.must_rearm.store(false, Ordering::Relaxed);
    let mut queue = own.queue.lock();
    rearm(own, &mut queue, now());
}

/// The reschedule interrupt. What it is about is in the flags; a switch is made when it ends.
pub fn reschedule_interrupt() {
    if cpu::own().must_rearm.load(Ordering::Relaxed) {
        rearm_own();
    }
}

/// The timer interrupt: wakes up whose time has come, charges the running thread, balances.
pub fn timer_interrupt() {
    let own = cpu::own();
    let now = now();
    loop {
        let expired = own.timers.lock().pop_expired(now);
        match expired {
            Some((_, alarm)) => alarm.ring(),
            None => break,
        }
    }
    let is_due = {
        let mut queue = own.queue.lock();
        queue.armed = None;
        share::charge(&mut queue, now);
        if queue.run.charge(now).effect == Effect::Preempt {
            own.must_reschedule.store(true, Ordering::Relaxed);
        }
        queue.pacer.is_due(now)
    };
    if is_due {
        balance(own);
    }
    rearm_own();
}

/// A busy CPU's look at the others.
fn balance(own: &Cpu) {
    let wanted = {
        let queue = own.queue.lock();
        own.publish(&queue);
        queue.run.wanted_cpus()
    };
    let decision = rebalance(own.id, wanted, cpu::topology(), cpu::idle_cpus(), cpu::view);
    let outcome = match decision {
        Move::Kick(sleeper) => {
            notify(sleeper, Effect::Preempt);
            Transferred::One
        }
        Move::Push { to, max_load } => transfer(own, cpu::get(to.index()), max_load),
        Move::Pull { from, max_load } => transfer(cpu::get(from.index()), own, max_load),
        Move::Nothing => Transferred::Nothing,
    };
    let mut queue = own.queue.lock();
    let now = now();
    match outcome {
        Transferred::One => queue.pacer.moved(now),
        Transferred::HotUntil(until) => queue.pacer.found_hot(until),
        Transferred::Nothing => queue.pacer.found_nothing(now),
    }
}

/// What came of an attempt to move a thread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Transferred {
    /// One has moved.
    One,
    /// None yet: until then they are better off where they are.
    HotUntil(Instant),
    /// None.
    Nothing,
}

/// Moves a thread that waits on one CPU to another one, if there is one that may.
pub(super) fn transfer(from: &Cpu, to: &Cpu, max_load: u64) -> Transferred {
    let stolen = {
        let mut queue = from.queue.lock();
        let stolen = queue.run.steal(to.id, max_load, now());
        if let Stolen::Taken(entity) = &stolen {
            entity.task().place.lock().place = Place::Moving;
        }
        from.publish(&queue);
        stolen
    };
    match stolen {
        Stolen::Taken(entity) => {
            let (thread, mut state) = entity.into_parts();
            loop {
                match enqueue(to.id, &thread, state, Arrival::Migrated) {
                    Ok(effect) => {
                        notify(to.id, effect);
                        to.steals.increment();
                        return Transferred::One;
                    }
                    Err(back) => state = back,
                }
            }
        }
        Stolen::HotUntil(until) => Transferred::HotUntil(until),
        Stolen::Nothing => Transferred::Nothing,
    }
}

/// What happens at a certain time.
pub trait Alarm: Send + Sync {
    /// The time has come. Called by the timer interrupt: no sleeping, no long work.
    fn ring(self: Arc<Self>);
}

impl Alarm for Thread {
    fn ring(self: Arc<Self>) {
        self.unpark();
    }
}

/// An alarm that was set, for `cancel_alarm`.
#[derive(Debug)]
pub struct AlarmId {
    cpu: usize,
    id: TimerId,
}

/// Has `alarm` ring at `deadline_ns` of the monotonic clock, by the calling CPU's timer.
pub fn set_alarm(alarm: Arc<dyn Alarm>, deadline_ns: u64) -> AlarmId {
    let deadline = Instant::from_nanos(deadline_ns);
    hal::interrupts::without(|| {
        let own = cpu::own();
        let mut alarm = alarm;
        loop {
            let room = {
                let mut timers = own.timers.lock();
                match timers.insert(deadline, alarm) {
                    Ok(id) => {
                        let is_first = timers.next_deadline() == Some(deadline);
                        drop(timers);
                        if is_first {
                            rearm_own();
                        }
                        return AlarmId { cpu: own.id.index(), id };
                    }
                    Err(back) => alarm = back,
                }
                timers.capacity()
            };
            if let Ok(storage) = TimerStorage::with_capacity(room.saturating_mul(2).max(1)) {
                let outgrown = own.timers.lock().grow(storage);
                drop(outgrown);
            }
        }
    })
}

/// Takes an alarm back, if it has not rung.
pub fn cancel_alarm(alarm: &AlarmId) {
    let cancelled = cpu::get(alarm.cpu).timers.lock().cancel(alarm.id);
    // The CPU's timer may fire once for nothing; setting it anew would cost as much.
    drop(cancelled);
}

//! A simulated processor: what the kernel does at an interrupt, on the simulated queues.

use sched_core::{
    Arrival, CpuId, CpuSet, Effect, Instant, Move, Pacer, PutBack, RunQueue, Stolen, TimerId,
    choose_victim, rebalance,
};

use super::{
    Event, Machine,
    task::{Behaviour, Whereabouts},
};

pub(crate) struct Cpu {
    pub(crate) queue: RunQueue<usize>,
    pub(crate) running: Option<usize>,
    pub(crate) pacer: Pacer,
    timer: Option<TimerId>,
    /// An idle processor that found only cache-hot tasks looks again then.
    look_again: Option<Instant>,
}

impl Cpu {
    pub(crate) fn new(queue: RunQueue<usize>) -> Self {
        let pacer = Pacer::new(Instant::ZERO);
        Self { queue, running: None, pacer, timer: None, look_again: None }
    }
}

impl Machine {
    /// The timer fired, or another processor asked for attention.
    pub(crate) fn interrupt(&mut self, cpu: CpuId) {
        self.cpus[cpu.index()].timer = None;
        let effect = self.charge_and_ask(cpu);
        let now = self.now;
        let stopped = self.cpus[cpu.index()].running.filter(|&id| self.tasks[id].run_left == 0);
        if let Some(id) = stopped {
            match self.tasks[id].behaviour {
                Behaviour::Hog => unreachable!("hogs do not stop"),
                Behaviour::Sleeper { sleep: (low, high), .. } => {
                    let entity = self.queue(cpu).take_current(now).unwrap();
                    let (_, state) = entity.into_parts();
                    self.tasks[id].whereabouts = Whereabouts::Sleeping(state);
                    self.cpus[cpu.index()].running = None;
                    let until = now.after(nanos(self.random.between(low, high)));
                    self.events.insert(until, Event::Wake(id)).unwrap();
                }
                Behaviour::Relay { next, .. } => {
                    let entity = self.queue(cpu).take_current(now).unwrap();
                    self.tasks[id].whereabouts = Whereabouts::Sleeping(entity.into_parts().1);
                    self.cpus[cpu.index()].running = None;
                    if matches!(self.tasks[next].whereabouts, Whereabouts::Sleeping(_)) {
                        self.wake(next);
                    }
                }
                Behaviour::Yielder { .. } => {
                    self.tasks[id].begin_run(&mut self.random);
                    self.queue(cpu).put_back(PutBack::Yielded, now);
                    self.tasks[id].waits_since(now);
                    self.cpus[cpu.index()].running = None;
                }
            }
        }
        if stopped.is_some() || effect == Effect::Preempt {
            self.reschedule(cpu);
        }
        if self.cpus[cpu.index()].running.is_none() {
            self.find_work(cpu);
        } else if self.cpus[cpu.index()].pacer.is_due(now) {
            self.look_around(cpu);
        }
        self.arm(cpu);
    }

    /// Switches to the task that is to run now.
    pub(crate) fn reschedule(&mut self, cpu: CpuId) {
        self.charge(cpu);
        let now = self.now;
        let previous = self.cpus[cpu.index()].running.take();
        let next = self.queue(cpu).pick_next(now).copied();
        if let Some(id) = previous.filter(|_| previous != next)
            && matches!(self.tasks[id].whereabouts, Whereabouts::OnCpu(here, _) if here == cpu)
        {
            self.tasks[id].waits_since(now);
        }
        if let Some(id) = next {
            self.tasks[id].runs_on(cpu, now);
        }
        self.cpus[cpu.index()].running = next;
        if next.is_none() {
            self.find_work(cpu);
        }
        self.arm(cpu);
    }

    /// Brings the books of a processor up to date.
    pub(crate) fn charge(&mut self, cpu: CpuId) {
        let _ = self.charge_and_ask(cpu);
    }

    fn charge_and_ask(&mut self, cpu: CpuId) -> Effect {
        let now = self.now;
        let charged = self.queue(cpu).charge(now);
        if let Some(id) = self.cpus[cpu.index()].running {
            let task = &mut self.tasks[id];
            task.served += charged.ran.as_nanos();
            if task.run_left != u64::MAX {
                task.run_left = task.run_left.saturating_sub(charged.ran.as_nanos());
            }
        } else {
            assert!(charged.ran.is_zero(), "nobody runs");
        }
        charged.effect
    }

    /// Sets the timer to the next thing that happens on this processor by itself.
    pub(crate) fn arm(&mut self, cpu: CpuId) {
        let now = self.now;
        let unit = &mut self.cpus[cpu.index()];
        let mut next = unit.queue.next_event(now);
        let mut consider = |at: Instant| next = Some(next.map_or(at, |next| next.min(at)));
        if let Some(look_around) = unit.pacer.next(unit.queue.view().movable, now) {
            consider(look_around);
        }
        if let Some(look_again) = unit.look_again {
            consider(look_again.max(now));
        }
        let mut next = next.map(|at| {
            let lateness =
                if self.max_lateness == 0 { 0 } else { self.random.below(self.max_lateness) };
            at.after(nanos(lateness))
        });
        // The task's own end comes when it comes.
        if let Some(left) =
            unit.running.map(|id| self.tasks[id].run_left).filter(|&left| left != u64::MAX)
        {
            let end = now.after(nanos(left));
            next = Some(next.map_or(end, |next| next.min(end)));
        }
        if let Some(id) = unit.timer.take() {
            self.events.cancel(id);
        }
        unit.timer = next.map(|at| self.events.insert(at, Event::Interrupt(cpu)).unwrap());
    }

    /// Looks for work for an idle processor.
    fn find_work(&mut self, cpu: CpuId) {
        let now = self.now;
        self.idle.insert(cpu);
        self.cpus[cpu.index()].look_again = None;
        let mut tried = CpuSet::EMPTY;
        let mut look_again: Option<Instant> = None;
        while let Some(victim) = choose_victim(cpu, tried, &self.topology, |cpu| self.view(cpu)) {
            self.charge(victim);
            match self.queue(victim).steal(cpu, u64::MAX, now) {
                Stolen::Taken(entity) => {
                    self.enqueue(cpu, entity, Arrival::Migrated);
                    return;
                }
                Stolen::HotUntil(until) => {
                    look_again = Some(look_again.map_or(until, |soonest| soonest.min(until)));
                }
                Stolen::Nothing => {}
            }
            tried.insert(victim);
        }
        self.cpus[cpu.index()].look_again = look_again;
    }

    /// Compares a busy processor with the others.
    fn look_around(&mut self, cpu: CpuId) {
        let now = self.now;
        let wanted = self.queue(cpu).wanted_cpus();
        let proposal = rebalance(cpu, wanted, &self.topology, self.idle, |cpu| self.view(cpu));
        let found = match proposal {
            Move::Nothing => Found::Nothing,
            Move::Kick(sleeper) => {
                self.find_work(sleeper);
                self.arm(sleeper);
                Found::Moved
            }
            Move::Pull { from, max_load } => self.transfer(from, cpu, max_load),
            Move::Push { to, max_load } => self.transfer(cpu, to, max_load),
        };
        let pacer = &mut self.cpus[cpu.index()].pacer;
        match found {
            Found::Moved => pacer.moved(now),
            Found::HotUntil(until) => pacer.found_hot(until),
            Found::Nothing => pacer.found_nothing(now),
        }
    }

    /// Moves waiting tasks whose load is at most `max_load`.
    fn transfer(&mut self, from: CpuId, to: CpuId, mut max_load: u64) -> Found {
        self.charge(from);
        let now = self.now;
        let mut found = Found::Nothing;
        loop {
            match self.queue(from).steal(to, max_load, now) {
                Stolen::Taken(entity) => {
                    found = Found::Moved;
                    max_load -= u64::from(entity.state().params().load());
                    self.enqueue(to, entity, Arrival::Migrated);
                }
                Stolen::HotUntil(until) if found == Found::Nothing => {
                    return Found::HotUntil(until);
                }
                Stolen::HotUntil(_) | Stolen::Nothing => return found,
            }
        }
    }
}

/// What came of a look around.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Moved,
    HotUntil(Instant),
    Nothing,
}

fn nanos(nanos: u64) -> sched_core::Duration {
    sched_core::Duration::from_nanos(nanos)
}

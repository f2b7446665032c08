//! A machine that exists only in memory: processors that are driven exactly as the kernel drives
//! real ones, and programs that run, sleep and change their minds. Events happen in the order of
//! their times; everything random comes from one seed, which is printed.

pub(crate) mod check;
mod cpu;
mod random;
pub(crate) mod task;

use sched_core::{
    Arrival, CpuId, CpuSet, CpuView, Effect, Entity, Instant, Params, Placement, RunQueue, State,
    TimerQueue, Topology, Wanted, choose_cpu,
};

use cpu::Cpu;
pub(crate) use random::Random;
use task::{Behaviour, Task, Whereabouts};

pub(crate) const MICRO: u64 = 1_000;
pub(crate) const MILLI: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1_000_000_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Event {
    /// The timer of a processor, or an inter-processor interrupt.
    Interrupt(CpuId),
    Wake(usize),
}

pub(crate) struct Machine {
    pub(crate) now: Instant,
    pub(crate) tasks: Vec<Task>,
    pub(crate) random: Random,
    /// How late a timer interrupt may be.
    pub(crate) max_lateness: u64,
    cpus: Vec<Cpu>,
    topology: Topology,
    idle: CpuSet,
    events: TimerQueue<Event>,
}

impl Machine {
    pub(crate) fn new(cpus: usize, seed: u64) -> Self {
        println!("{cpus} processors, seed {seed}");
        let online = CpuSet::first_n(cpus);
        Self {
            now: Instant::ZERO,
            tasks: Vec::new(),
            random: Random::new(seed),
            max_lateness: 0,
            cpus: online.iter().map(|id| Cpu::new(RunQueue::new(id))).collect(),
            topology: Topology::single_node(online),
            idle: online,
            events: TimerQueue::new(),
        }
    }

    pub(crate) fn with_nodes(mut self, nodes: usize) -> Self {
        let per_node = self.cpus.len().div_ceil(nodes);
        for cpu in self.topology.online().iter() {
            let node = sched_core::NodeId::new(cpu.index() / per_node).unwrap();
            self.topology.set_node(cpu, node);
        }
        self
    }

    pub(crate) fn online(&self) -> CpuSet {
        self.topology.online()
    }

    /// Creates a task, which starts at once.
    pub(crate) fn spawn(
        &mut self,
        params: Params,
        affinity: CpuSet,
        behaviour: Behaviour,
    ) -> usize {
        let id = self.tasks.len();
        let task = Task::new(params, affinity, behaviour, &mut self.random);
        self.tasks.push(task);
        for cpu in &mut self.cpus {
            cpu.queue.reserve((id + 1).next_power_of_two()).unwrap();
        }
        let events = (id + 1 + 2 * self.cpus.len()).next_power_of_two();
        self.events.reserve(events).unwrap();
        let state = State::new(params, affinity).unwrap();
        self.place(Entity::new(id, state), Arrival::New);
        id
    }

    /// Runs until `end`, calling `observe` after each event.
    pub(crate) fn run_until(&mut self, end: u64, mut observe: impl FnMut(&Self)) {
        let end = Instant::from_nanos(end);
        while let Some((at, event)) = self.events.pop_expired(end) {
            self.now = self.now.max(at);
            match event {
                Event::Interrupt(cpu) => self.interrupt(cpu),
                Event::Wake(task) => self.wake(task),
            }
            observe(self);
        }
        self.now = end;
        for cpu in self.online().iter() {
            self.charge(cpu);
        }
    }

    /// Changes the parameters of a task, wherever it is.
    pub(crate) fn set_params(&mut self, id: usize, params: Params) {
        self.tasks[id].params = params;
        match &mut self.tasks[id].whereabouts {
            Whereabouts::Sleeping(state) => state.set_params(params),
            &mut Whereabouts::OnCpu(cpu, key) => {
                self.charge(cpu);
                let now = self.now;
                let effect = self.queue(cpu).set_params(key, params, now).unwrap();
                self.carry_out(cpu, effect);
            }
            Whereabouts::Moving => unreachable!("tasks move within one event"),
        }
    }

    /// Changes where a task may run, wherever it is.
    pub(crate) fn set_affinity(&mut self, id: usize, affinity: CpuSet) {
        self.tasks[id].affinity = affinity;
        self.tasks[id].affinity_since = self.now;
        match &mut self.tasks[id].whereabouts {
            Whereabouts::Sleeping(state) => state.set_affinity(affinity),
            &mut Whereabouts::OnCpu(cpu, key) => {
                self.charge(cpu);
                match self.queue(cpu).set_affinity(key, affinity).unwrap() {
                    Placement::Stays => {
                        self.cpus[cpu.index()].pacer.hurry(self.now);
                        self.arm(cpu);
                    }
                    Placement::MustLeave => {
                        let now = self.now;
                        let entity = self.queue(cpu).remove(key, now).unwrap();
                        self.place(entity, Arrival::Migrated);
                    }
                    Placement::MustStop => {
                        let now = self.now;
                        let entity = self.queue(cpu).take_current(now).unwrap();
                        self.place(entity, Arrival::Migrated);
                        self.reschedule(cpu);
                    }
                }
            }
            Whereabouts::Moving => unreachable!("tasks move within one event"),
        }
    }

    pub(crate) fn wake(&mut self, id: usize) {
        let whereabouts = std::mem::replace(&mut self.tasks[id].whereabouts, Whereabouts::Moving);
        let Whereabouts::Sleeping(state) = whereabouts else { panic!("{id} woken twice") };
        self.tasks[id].begin_run(&mut self.random);
        self.place(Entity::new(id, state), Arrival::Woken);
    }

    /// Enqueues a task where it should go.
    fn place(&mut self, entity: Entity<usize>, arrival: Arrival) {
        let id = *entity.task();
        let some_cpu = CpuId::new(self.random.index(self.cpus.len())).unwrap();
        let wanted = Wanted {
            band: entity.state().params().band(),
            affinity: entity.state().affinity(),
            arrival,
            last: entity.state().last_cpu().unwrap_or(some_cpu),
            handing_over: None,
        };
        let view = |cpu: CpuId| self.view(cpu);
        let cpu = choose_cpu(&wanted, &self.topology, self.idle, view).expect("affinity is online");
        self.enqueue(cpu, entity, arrival);
        assert!(matches!(self.tasks[id].whereabouts, Whereabouts::OnCpu(..)));
    }

    fn enqueue(&mut self, cpu: CpuId, entity: Entity<usize>, arrival: Arrival) {
        let id = *entity.task();
        self.charge(cpu);
        let now = self.now;
        let enqueued = self.queue(cpu).enqueue(entity, arrival, now).expect("room was reserved");
        self.tasks[id].whereabouts = Whereabouts::OnCpu(cpu, enqueued.key);
        self.tasks[id].waits_since(now);
        self.idle.remove(cpu);
        self.carry_out(cpu, enqueued.effect);
    }

    fn carry_out(&mut self, cpu: CpuId, effect: Effect) {
        match effect {
            Effect::None => {}
            Effect::Rearm => self.arm(cpu),
            Effect::Preempt => self.reschedule(cpu),
        }
    }

    fn queue(&mut self, cpu: CpuId) -> &mut RunQueue<usize> {
        &mut self.cpus[cpu.index()].queue
    }

    /// What the processor publishes, by way of the word that the kernel would publish.
    fn view(&self, cpu: CpuId) -> CpuView {
        let view = self.cpus[cpu.index()].queue.view();
        assert_eq!(CpuView::from_bits(view.to_bits()), view);
        view
    }
}

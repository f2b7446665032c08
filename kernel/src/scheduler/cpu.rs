//! What the scheduler keeps for each CPU.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hal::acpi::ProcessorEntry;
use hal::interrupts::SpinLock;
use hal::thread::ThreadContext;
use ksync::{CachePadded, Counter, Once, RunClock};
use sched_core::{CpuId, CpuSet, CpuView, Instant, NodeId, Pacer, RunQueue, TimerQueue, Topology};

use super::now;
use super::thread::Thread;
use super::wake::Alarm;
use crate::levels;

/// Threads that a queue has room for at the start; it grows when more come at once.
const FIRST_ROOM: usize = 64;

/// One CPU's part.
pub(super) struct Cpu {
    pub(super) id: CpuId,
    pub(super) queue: SpinLock<Queue>,
    pub(super) timers: SpinLock<TimerQueue<Arc<dyn Alarm>>>,
    /// The queue's `CpuView`, for CPUs that look for work or for a place.
    view: AtomicU64,
    /// The running thread is to give way at the next opportunity.
    pub(super) must_reschedule: AtomicBool,
    /// The timer's deadline may have to be earlier.
    pub(super) must_rearm: AtomicBool,
    pub(super) idle_context: Once<ThreadContext>,
    /// When it came up: the boot CPU is there from the start.
    pub(super) up_since: Once<u64>,
    pub(super) switches: Counter,
    /// Time without anything to run. One word, so that who reads it sees neither too much nor too
    /// little: as it is while the CPU is busy; while it idles, `IDLING` and the instant at which it
    /// would have been zero.
    pub(super) idle_clock: AtomicU64,
    /// Time in programs, in ticks.
    pub(super) user: RunClock,
    /// The most time in the kernel that a reader has been told, in nanoseconds.
    told_system_ns: AtomicU64,
    pub(super) steals: Counter,
    /// When the running thread has last woken another one with a hand-over, or 0.
    handed_over_ns: AtomicU64,
    /// Whether the running thread is expected to wait right after that.
    is_handing_over: AtomicBool,
    /// When the CPU went idle, or 0 while it is busy.
    pub(super) idle_since: AtomicU64,
}

/// See `Cpu::idle_clock`; nanoseconds do not get that far.
pub(super) const IDLING: u64 = 1 << 63;

/// What the run queue's lock guards.
pub(super) struct Queue {
    pub(super) run: RunQueue<Arc<Thread>>,
    /// The thread that runs; none while the CPU idles.
    pub(super) current: Option<Arc<Thread>>,
    /// What the timer is set to.
    pub(super) armed: Option<sched_core::Instant>,
    pub(super) pacer: Pacer,
    /// Up to when the running thread's share of CPU time has been charged.
    pub(super) charged_at: Instant,
    /// When to look at that share again; none if it has no limit, or is spent.
    pub(super) share_look: Option<Instant>,
}

static CPUS: Once<Box<[CachePadded<Cpu>]>> = Once::new();
static TOPOLOGY: Once<Topology> = Once::new();
/// CPUs that run nothing. A hint: set by the CPU itself, cleared by itself or by who wakes it.
static IDLE: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

pub(super) fn start(processors: &[ProcessorEntry]) {
    CPUS.call_once(|| {
        let mut cpus = Vec::with_capacity(processors.len());
        for id in (0..processors.len().max(1)).filter_map(CpuId::new) {
            let mut run = RunQueue::new(id);
            let mut timers = TimerQueue::new();
            if run.reserve(FIRST_ROOM).is_err() || timers.reserve(FIRST_ROOM).is_err() {
                panic!("no memory for the run queue of CPU {}", id.index());
            }
            cpus.push(CachePadded::new(Cpu {
                id,
                queue: SpinLock::new(
                    levels::RUN_QUEUE,
                    "run queue",
                    Queue {
                        run,
                        current: None,
                        armed: None,
                        pacer: Pacer::new(now()),
                        charged_at: Instant::ZERO,
                        share_look: None,
                    },
                ),
                timers: SpinLock::new(levels::TIMERS, "timers", timers),
                view: AtomicU64::new(CpuView::default().to_bits()),
                must_reschedule: AtomicBool::new(false),
                must_rearm: AtomicBool::new(false),
                idle_context: Once::new(),
                up_since: Once::new(),
                switches: Counter::new(),
                idle_clock: AtomicU64::new(0),
                user: RunClock::new(),
                told_system_ns: AtomicU64::new(0),
                steals: Counter::new(),
                handed_over_ns: AtomicU64::new(0),
                is_handing_over: AtomicBool::new(false),
                idle_since: AtomicU64::new(0),
            }));
        }
        cpus.into_boxed_slice()
    });
    let mut nodes: Vec<u32> = processors.iter().map(|processor| processor.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    NODES.call_once(|| {
        let node_of = |processor: &ProcessorEntry| {
            nodes.binary_search(&processor.node).ok().and_then(NodeId::new).unwrap_or_default()
        };
        processors.iter().map(|processor| (processor.apic_id, node_of(processor))).collect()
    });
}

/// The dense node of each APIC id, from `start` until the CPUs have their indices.
static NODES: Once<Vec<(u32, NodeId)>> = Once::new();

pub(super) fn set_online() {
    TOPOLOGY.call_once(|| {
        let online = hal::cpu::online();
        let mut topology = Topology::single_node(CpuSet::first_n(online));
        for id in (0..online).filter_map(CpuId::new) {
            let apic_id = hal::cpu::apic_id(id.index());
            let known = NODES.get().and_then(|nodes| {
                nodes.iter().find(|(known, _)| Some(*known) == apic_id).map(|(_, node)| *node)
            });
            topology.set_node(id, known.unwrap_or_default());
        }
        topology
    });
}

/// The machine's shape; the boot CPU alone until all CPUs have been started.
pub(super) fn topology() -> &'static Topology {
    static BOOT: Topology = Topology::single_node(CpuSet::from_words([1, 0, 0, 0]));
    TOPOLOGY.get().unwrap_or(&BOOT)
}

/// The part of the CPU with this index.
///
/// # Panics
/// Before `start`, or for an index that `start` was not told of; both are errors of the boot order.
pub(super) fn get(index: usize) -> &'static Cpu {
    match CPUS.get().and_then(|cpus| cpus.get(index)) {
        Some(cpu) => cpu,
        None => panic!("the scheduler knows no CPU {index}"),
    }
}

/// The calling CPU's part. Interrupts are disabled, so it stays the calling one's.
pub(super) fn own() -> &'static Cpu {
    debug_assert!(!hal::interrupts::are_enabled());
    get(hal::cpu::current())
}

impl Cpu {
    /// The running thread wakes another one; says whether that one should be put here, because the
    /// running one will wait.
    pub(super) fn notes_handover(&self, now: Instant) -> Option<CpuId> {
        let before = self.handed_over_ns.swap(now.as_nanos().max(1), Ordering::Relaxed);
        // Twice without having waited in between: it has more to do.
        if before != 0 {
            self.is_handing_over.store(false, Ordering::Relaxed);
        }
        self.is_handing_over.load(Ordering::Relaxed).then_some(self.id)
    }

    /// The running thread waits: notes whether it does so right after waking another. With the
    /// queue's lock held.
    pub(super) fn learn_handover(&self, thread: &Thread, now: Instant) {
        /// Longer than from a wake-up to the wait for the answer.
        const SOON_NS: u64 = 200_000;
        let at = self.handed_over_ns.load(Ordering::Relaxed);
        if at != 0 {
            thread.learn_handover(now.as_nanos().saturating_sub(at) < SOON_NS);
        }
    }

    /// Another thread runs from now on.
    pub(super) fn expect_handover(&self, next: Option<&Thread>) {
        self.handed_over_ns.store(0, Ordering::Relaxed);
        self.is_handing_over.store(next.is_some_and(Thread::hands_over), Ordering::Relaxed);
    }

    /// Tells the other CPUs what the queue holds. With the queue's lock held.
    pub(super) fn publish(&self, queue: &Queue) {
        // Relaxed: a hint, whoever acts on it locks the queue and looks again.
        self.view.store(queue.run.view().to_bits(), Ordering::Relaxed);
    }
}

pub(super) fn view(id: CpuId) -> CpuView {
    CPUS.get()
        .and_then(|cpus| cpus.get(id.index()))
        .map_or_else(CpuView::default, |cpu| CpuView::from_bits(cpu.view.load(Ordering::Relaxed)))
}

pub(super) fn idle_cpus() -> CpuSet {
    CpuSet::from_words([0, 1, 2, 3].map(|word: usize| IDLE[word].load(Ordering::Relaxed)))
}

/// Says whether a CPU idles. Sequentially consistent: the CPU sets its bit before it looks at its
/// queue for the last time, and who enqueues looks at the bit afterwards.
pub(super) fn set_idle(id: CpuId, is_idle: bool) {
    let bit = 1 << (id.index() % 64);
    let word = &IDLE[id.index() / 64];
    if is_idle {
        word.fetch_or(bit, Ordering::SeqCst);
    } else {
        word.fetch_and(!bit, Ordering::SeqCst);
    }
}

/// What the scheduler has counted on one CPU.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuFigures {
    /// Times a thread was switched to.
    pub switches: u64,
    /// Time without anything to run, in nanoseconds.
    pub idle_ns: u64,
    /// Time in programs, in nanoseconds.
    pub user_ns: u64,
    /// Time in interrupt handlers, in nanoseconds.
    pub interrupt_ns: u64,
    /// The rest since it came up, in nanoseconds: time in the kernel for programs and for itself.
    pub system_ns: u64,
    /// Threads taken from other CPUs.
    pub steals: u64,
    /// Threads that run or wait there now.
    pub run_queue_length: usize,
    /// The process whose thread runs there now; none while the CPU idles.
    pub running: Option<process_core::Pid>,
    /// NUMA node, counted from 0.
    pub node: usize,
}

/// The figures of the CPU with this index.
#[must_use]
pub fn figures(index: usize) -> Option<CpuFigures> {
    let cpu = CPUS.get()?.get(index)?;
    // The whole before its parts: the kernel must not be charged for the time in between.
    let now_ns = hal::time::now_ns();
    let idle_clock = cpu.idle_clock.load(Ordering::Relaxed);
    let up_ns = now_ns.saturating_sub(cpu.up_since.get().copied().unwrap_or(now_ns));
    let idle_ns = if idle_clock & IDLING == 0 {
        idle_clock
    } else {
        now_ns.saturating_sub(idle_clock & !IDLING)
    };
    let user_ns = hal::time::ticks_to_ns(cpu.user.read(hal::time::ticks));
    let interrupt_ns = hal::cpu::statistics(index)
        .map_or(0, |statistics| hal::time::ticks_to_ns(statistics.interrupt_ticks.get()));
    let known_ns = user_ns.saturating_add(idle_ns).saturating_add(interrupt_ns);
    let system_ns = up_ns.saturating_sub(known_ns);
    // Relaxed: one value, which only grows. An interrupt is the kernel's time until it is over.
    let told_ns = cpu.told_system_ns.fetch_max(system_ns, Ordering::Relaxed);
    let (run_queue_length, running) = {
        let queue = cpu.queue.lock();
        let running = queue.current.as_ref().map(|thread| thread.process().pid());
        (queue.run.queue_length(), running)
    };
    Some(CpuFigures {
        switches: cpu.switches.get(),
        idle_ns,
        user_ns,
        interrupt_ns,
        system_ns: system_ns.max(told_ns),
        steals: cpu.steals.get(),
        run_queue_length,
        running,
        node: topology().node(cpu.id).index(),
    })
}

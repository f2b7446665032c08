//! A thread: what can be scheduled, and where it is at the moment.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

use hal::interrupts::SpinLock;
use hal::thread::ThreadContext;
use ksync::RunClock;
use process_core::{CpuUsage, ThreadActivity, Tid, Usage};
use sched_core::{CpuId, Key, Params, Priority, State};

use crate::levels;
use crate::process::{Process, ProgramThread};

/// A thread of a process, or of the kernel.
pub struct Thread {
    /// Changes once at the most: the thread that calls `execve` takes its process's number.
    tid: AtomicU32,
    process: Arc<Process>,
    pub(super) context: ThreadContext,
    pub(super) place: SpinLock<Position>,
    pub(super) start: SpinLock<Option<Box<dyn FnOnce() + Send>>>,
    /// How urgent it is, lower first, for whoever wakes one of several.
    rank: AtomicU8,
    /// The priority that it inherits from those who wait for it, plus one; 0 for none.
    inherited: AtomicU8,
    /// A `ThreadActivity`, for observers.
    activity: AtomicU8,
    /// Something is waiting to be handled at the border to the program: a signal, a stop, the end.
    attention: AtomicBool,
    /// Its process has used up its share of CPU time: it gives its CPU up at the border.
    pub(super) is_over_share: AtomicBool,
    /// How often of late it waited right after it had woken another thread: up to 3.
    handovers: AtomicU8,
    /// What the thread has used.
    pub figures: Figures,
    /// What its program has told the kernel about it.
    pub program: ProgramThread,
}

/// Where a thread is.
pub(super) struct Position {
    pub(super) place: Place,
    /// It was woken up while it was not parked: its next `park` returns at once.
    pub(super) is_notified: bool,
}

/// Who holds the thread's scheduling state.
pub(super) enum Place {
    /// It sleeps, or has not been started: it holds the state itself.
    Parked(State),
    /// It runs or waits on this CPU.
    Queued { cpu: CpuId, key: Key },
    /// Someone is just moving it.
    Moving,
    /// It has ended.
    Gone,
}

/// What a thread has used, counted where it happens. Written by the thread or by the CPU it runs
/// on, read by any.
#[derive(Debug, Default)]
pub struct Figures {
    /// Time on CPUs.
    pub cpu: RunClock,
    /// Time in the program, in ticks.
    pub user: RunClock,
    /// The most time in the kernel that a reader has been told, in nanoseconds.
    told_system_ns: AtomicU64,
    /// Switches because it had to wait.
    pub voluntary_switches: AtomicU64,
    /// Switches because another was to run.
    pub involuntary_switches: AtomicU64,
    /// Moves between CPUs.
    pub migrations: AtomicU64,
    /// Page faults that were answered from memory.
    pub minor_faults: AtomicU64,
    /// Bytes read by system calls.
    pub read_bytes: AtomicU64,
    /// Bytes written by system calls.
    pub written_bytes: AtomicU64,
    /// System calls that read.
    pub read_operations: AtomicU64,
    /// System calls that wrote.
    pub write_operations: AtomicU64,
    /// The CPU it runs on or ran on last, plus one; 0 before its first run.
    pub last_cpu: AtomicU32,
}

impl Figures {
    /// All of it, with the current run. Memory and files belong to the process.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let get = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        let mut usage = Usage {
            cpu: self.cpu_usage(),
            voluntary_switches: get(&self.voluntary_switches),
            involuntary_switches: get(&self.involuntary_switches),
            migrations: get(&self.migrations),
            minor_faults: get(&self.minor_faults),
            ..Usage::default()
        };
        usage.io.read_bytes = get(&self.read_bytes);
        usage.io.written_bytes = get(&self.written_bytes);
        usage.io.read_operations = get(&self.read_operations);
        usage.io.write_operations = get(&self.write_operations);
        usage
    }

    /// Time in the program and in the kernel; neither ever goes back.
    #[must_use]
    pub fn cpu_usage(&self) -> CpuUsage {
        // The whole before the part, or the kernel would be charged for the time in between.
        let cpu_ns = self.cpu.read(hal::time::now_ns);
        let user_ns = hal::time::ticks_to_ns(self.user.read(hal::time::ticks));
        let system_ns = cpu_ns.saturating_sub(user_ns);
        // Relaxed: one value, which only grows; who comes after another reader finds at least its.
        let told_ns = self.told_system_ns.fetch_max(system_ns, Ordering::Relaxed);
        CpuUsage { user_ns, system_ns: system_ns.max(told_ns) }
    }
}

fn rank_of(params: Params) -> u8 {
    u8::MAX - params.priority as u8
}

/// Adds to one of a thread's figures. Only the thread itself counts, or the CPU that switches from it
/// or to it, hence one at a time: nothing gets lost between loading and storing.
pub fn count(figure: &AtomicU64, amount: u64) {
    // Relaxed: each figure is a number of its own. What another CPU has counted is seen after the
    // switch that brings the thread here.
    figure.store(figure.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
}

impl Thread {
    pub(super) fn new(
        tid: Tid,
        process: Arc<Process>,
        context: ThreadContext,
        state: State,
        start: Box<dyn FnOnce() + Send>,
    ) -> Self {
        Self {
            rank: rank_of(state.params()).into(),
            tid: tid.number().into(),
            process,
            context,
            place: SpinLock::new(
                levels::THREAD,
                "thread",
                Position { place: Place::Parked(state), is_notified: false },
            ),
            start: SpinLock::new(levels::THREAD, "thread start", Some(start)),
            inherited: AtomicU8::new(0),
            activity: AtomicU8::new(ThreadActivity::Ready.code()),
            attention: AtomicBool::new(false),
            is_over_share: AtomicBool::new(false),
            handovers: AtomicU8::new(0),
            figures: Figures::default(),
            program: ProgramThread::default(),
        }
    }

    /// Its number.
    #[must_use]
    pub fn tid(&self) -> Tid {
        // Relaxed: it changes while the thread is its process's only one, by itself.
        Tid::new(i64::from(self.tid.load(Ordering::Relaxed)))
            .unwrap_or(self.process.pid().main_thread())
    }

    /// The thread, its process's only one, takes the process's number.
    pub fn become_main(&self) {
        self.tid.store(self.process.pid().number(), Ordering::Relaxed);
    }

    /// How urgent it is; lower is more.
    #[must_use]
    pub fn rank(&self) -> u8 {
        self.rank.load(Ordering::Relaxed)
    }

    /// Says which priority it inherits: from the next `set_params` on it has at least that.
    pub fn inherit(&self, priority: Option<Priority>) {
        let code = priority.map_or(0, |priority| priority as u8 + 1);
        // Release pairs with the acquire in `inherited`.
        self.inherited.store(code, Ordering::Release);
    }

    /// The priority that it inherits.
    #[must_use]
    pub fn inherited(&self) -> Option<Priority> {
        let code = self.inherited.load(Ordering::Acquire);
        Priority::ALL.into_iter().find(|priority| *priority as u8 + 1 == code)
    }

    pub(super) fn set_rank(&self, params: Params) {
        self.rank.store(rank_of(params), Ordering::Relaxed);
    }

    /// The process that it belongs to.
    #[must_use]
    pub fn process(&self) -> &Arc<Process> {
        &self.process
    }

    /// What it is doing at this moment.
    #[must_use]
    pub fn activity(&self) -> ThreadActivity {
        ThreadActivity::from_code(self.activity.load(Ordering::Relaxed))
    }

    /// Notes whether it waited right after it had woken another thread.
    pub(super) fn learn_handover(&self, has_waited: bool) {
        // Written by the CPU that runs it only.
        let seen = self.handovers.load(Ordering::Relaxed);
        let seen = if has_waited { (seen + 1).min(3) } else { seen.saturating_sub(1) };
        self.handovers.store(seen, Ordering::Relaxed);
    }

    /// Whether it is likely to wait when it has woken another thread.
    pub(super) fn hands_over(&self) -> bool {
        self.handovers.load(Ordering::Relaxed) >= 2
    }

    pub(super) fn set_activity(&self, activity: ThreadActivity) {
        self.activity.store(activity.code(), Ordering::Relaxed);
    }

    /// The CPU that it runs on or ran on last.
    #[must_use]
    pub fn last_cpu(&self) -> Option<usize> {
        self.figures.last_cpu.load(Ordering::Relaxed).checked_sub(1).map(|cpu| cpu as usize)
    }

    /// Makes the thread look at its process before it goes on in the program: ends its interruptible
    /// wait, or interrupts the CPU that runs it.
    pub fn call_for_attention(self: &Arc<Self>) {
        // Release pairs with the acquire in `take_attention`.
        self.attention.store(true, Ordering::Release);
        self.unpark();
        self.interrupt();
    }

    /// Whether someone has called for attention, without taking the call. An interruptible wait ends
    /// when it is so.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        self.attention.load(Ordering::Acquire)
    }

    /// Has the thread, which is the running one, look at its process at the next border.
    pub fn note_attention(&self) {
        self.attention.store(true, Ordering::Release);
    }

    /// Takes the call for attention, if there is one. Before the thread looks at what it is about.
    #[must_use]
    pub fn take_attention(&self) -> bool {
        self.attention.load(Ordering::Relaxed) && self.attention.swap(false, Ordering::Acquire)
    }
}

/// As a waker: tasks' futures are waited for by threads, too.
impl alloc::task::Wake for Thread {
    fn wake(self: Arc<Self>) {
        self.unpark();
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread").field("tid", &self.tid()).finish_non_exhaustive()
    }
}

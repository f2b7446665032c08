//! What the tests share: waiting with a limit, threads pinned to a CPU, programs, and accounts of
//! what the kernel has given out.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU8, Ordering};

use hal::interrupts::SpinLock;
use process_core::{
    BlockReason, Credentials, ExitStatus, Limits, Pid, Priority, ProcessState, Scheduling,
};
use sched_core::{CpuId, CpuSet};

use crate::process::{self, NewProgram, Snapshot};
use crate::scheduler::{self, Thread};
use crate::{fs, levels};

pub(super) const MS: u64 = 1_000_000;
/// How long anything may take that takes no time to speak of: the host may be busy.
pub(super) const PATIENCE_MS: u64 = 20_000;

/// Why a test ended early.
pub(super) enum Stop {
    Failed(String),
    /// This machine, or its archive, does not have what the test needs.
    Skipped(&'static str),
}

pub(super) type Outcome = Result<(), Stop>;

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

/// Ends the test if the condition does not hold.
macro_rules! check {
    ($condition:expr, $($why:tt)+) => {
        if !$condition {
            return Err(alloc::format!($($why)+).into());
        }
    };
}
pub(super) use check;

/// An error as a reason for a test to fail.
pub(super) fn failed<E: core::fmt::Debug>(what: &str) -> impl FnOnce(E) -> String {
    move |error| format!("{what}: {error:?}")
}

/// Sleeps for so long.
pub(super) fn sleep_ms(ms: u64) {
    let deadline = hal::time::now_ns() + ms * MS;
    while scheduler::park_until(BlockReason::Sleep, deadline) {}
}

/// Waits until it is so; false if it has not come to be within `limit_ms`.
pub(super) fn eventually(limit_ms: u64, mut is_so: impl FnMut() -> bool) -> bool {
    let deadline = hal::time::now_ns() + limit_ms * MS;
    loop {
        if is_so() {
            return true;
        }
        if hal::time::now_ns() > deadline {
            return false;
        }
        scheduler::park_until(BlockReason::Sleep, hal::time::now_ns() + MS / 2);
    }
}

/// The set of just this CPU.
pub(super) fn only(cpu: usize) -> CpuSet {
    CpuId::new(cpu).map_or(CpuSet::EMPTY, CpuSet::single)
}

/// What a worker says at its end.
pub(super) type Said = Result<(), String>;

/// A kernel thread that stays on one CPU and does its work when it is told to. Dropped before, it
/// ends without having done anything.
pub(super) struct Worker {
    pub(super) thread: Arc<Thread>,
    gate: Arc<Gate>,
}

struct Gate {
    /// `WAITING`, `GO` or `CANCELLED`.
    state: AtomicU8,
    said: SpinLock<Option<Said>>,
}

const WAITING: u8 = 0;
const GO: u8 = 1;
const CANCELLED: u8 = 2;

impl Worker {
    /// One on this CPU.
    pub(super) fn on(
        cpu: usize,
        work: impl FnOnce() -> Said + Send + 'static,
    ) -> Result<Self, String> {
        let gate = Arc::new(Gate {
            state: AtomicU8::new(WAITING),
            said: SpinLock::new(levels::SERVICES, "selftest", None),
        });
        let own = Arc::clone(&gate);
        let main = move || {
            // Acquire pairs with the release in `go`: what was prepared for the work is seen.
            while own.state.load(Ordering::Acquire) == WAITING {
                scheduler::park(BlockReason::Work);
            }
            if own.state.load(Ordering::Relaxed) == GO {
                let said = if eventually(PATIENCE_MS, || hal::cpu::current() == cpu) {
                    work()
                } else {
                    Err(format!("a thread pinned to CPU {cpu} does not get there"))
                };
                *own.said.lock() = Some(said);
            }
        };
        let spawned = process::spawn_kernel_thread(
            "selftest-worker",
            Priority::Normal,
            16 * 1024,
            Box::new(main),
        );
        let thread = spawned.map_err(|error| format!("a worker cannot be made: {error}"))?;
        thread.set_affinity(only(cpu));
        Ok(Self { thread, gate })
    }

    /// One on every CPU, each given its CPU's index.
    pub(super) fn on_each(
        work: impl Fn(usize) -> Said + Send + Sync + 'static,
    ) -> Result<Vec<Self>, String> {
        let work = Arc::new(work);
        let on = |cpu| {
            let work = Arc::clone(&work);
            Self::on(cpu, move || work(cpu))
        };
        (0..hal::cpu::online()).map(on).collect()
    }

    /// Lets it work.
    pub(super) fn go(&self) {
        self.gate.state.store(GO, Ordering::Release);
        self.thread.unpark();
    }

    /// Waits for its end, and gives what it said.
    pub(super) fn join(&self, limit_ms: u64) -> Said {
        if !eventually(limit_ms, || self.thread.process().has_ended()) {
            return Err(format!("a worker has not ended after {limit_ms} ms"));
        }
        self.gate.said.lock().take().unwrap_or(Ok(()))
    }

    /// Time that it has had on a CPU.
    pub(super) fn cpu_ns(&self) -> u64 {
        self.thread.figures.cpu_usage().total_ns()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let cancelled = self.gate.state.compare_exchange(
            WAITING,
            CANCELLED,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if cancelled.is_ok() {
            self.thread.unpark();
        }
    }
}

/// Lets all of them work and waits for their ends.
pub(super) fn run_all(workers: &[Worker], limit_ms: u64) -> Said {
    workers.iter().for_each(Worker::go);
    join_all(workers, limit_ms)
}

/// Waits for all ends.
pub(super) fn join_all(workers: &[Worker], limit_ms: u64) -> Said {
    workers.iter().try_for_each(|worker| worker.join(limit_ms))
}

/// Whether there are several CPUs: else the test has nothing to show.
pub(super) fn need_several_cpus() -> Outcome {
    if hal::cpu::online() < 2 { Err(Stop::Skipped("one CPU")) } else { Ok(()) }
}

/// A program of the archive, to be started with these arguments, its path first.
pub(super) fn program(arguments: &[&str]) -> Result<NewProgram, Stop> {
    let path = arguments.first().copied().unwrap_or_default().as_bytes().to_vec();
    if fs::program(&path).is_err() {
        return Err(Stop::Skipped("not in this initrd"));
    }
    Ok(NewProgram {
        path,
        arguments: arguments.iter().map(|argument| argument.as_bytes().to_vec()).collect(),
        environment: vec![b"PATH=/bin".to_vec()],
        name: None,
        working_directory: b"/".to_vec(),
        scheduling: Scheduling::default(),
        affinity: CpuSet::ALL,
        credentials: Credentials::root(),
        limits: Limits::default(),
        set: None,
        instance: 0,
        tee: None,
        sandbox: None,
        actor: None,
    })
}

/// The tests' own program, `tests/programs/probe.c`, in one of its modes.
pub(super) fn probe(arguments: &[&str]) -> Result<NewProgram, Stop> {
    program(&[&["/test/probe"], arguments].concat())
}

pub(super) fn start(program: &NewProgram) -> Result<Pid, String> {
    process::create(program).map_err(|error| format!("a program cannot be started: {error}"))
}

/// A program that has ended.
pub(super) struct Ended {
    pub(super) exit: ExitStatus,
    pub(super) output: Vec<u8>,
    pub(super) last: Snapshot,
}

/// Waits until a program has ended and been reaped.
pub(super) fn wait_for(pid: Pid, limit_ms: u64) -> Result<Ended, String> {
    let mut ended = None;
    let has_ended = eventually(limit_ms, || match process::snapshot(pid) {
        Ok(snapshot) => {
            if let ProcessState::Defunct { exit } = snapshot.state {
                ended = Some((exit, snapshot));
            }
            ended.is_some()
        }
        Err(_) => false,
    });
    let Some((exit, last)) = ended.filter(|_| has_ended) else {
        let state = process::snapshot(pid).map(|snapshot| snapshot.state);
        return Err(format!("process {pid} has not ended after {limit_ms} ms: {state:?}"));
    };
    let output = process::ended_output(pid);
    let output = output.map(|output| output.read(0, usize::MAX).bytes).unwrap_or_default();
    Ok(Ended { exit, output, last })
}

/// Starts a program and waits for its end.
pub(super) fn run(program: &NewProgram) -> Result<Ended, String> {
    wait_for(start(program)?, PATIENCE_MS)
}

/// Starts a program and waits for its end, which has to be by `exit(0)`.
pub(super) fn run_well(program: &NewProgram) -> Result<Ended, String> {
    let ended = run(program)?;
    if ended.exit == ExitStatus::Code(0) {
        Ok(ended)
    } else {
        let output = String::from_utf8_lossy(&ended.output).into_owned();
        Err(format!("it ended with {:?} and wrote {output:?}", ended.exit))
    }
}

/// What the kernel has given out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    /// Frames that are free, or that the heap, kernel stacks or page tables have: what is missing
    /// belongs to programs, or is lost.
    frames_bytes: u64,
    heap_bytes: u64,
    table_bytes: u64,
    processes: u32,
    threads: u32,
}

impl Account {
    /// At this moment.
    pub(super) fn now() -> Self {
        let heap = hal::heap::statistics();
        let paging = hal::paging::figures();
        let totals = process::totals();
        Self {
            frames_bytes: hal::frame::figures().free_bytes
                + heap.backing_bytes
                + paging.stack_bytes
                + paging.table_bytes,
            heap_bytes: heap.in_use_bytes,
            table_bytes: paging.table_bytes,
            processes: totals.states.iter().sum(),
            threads: totals.threads,
        }
    }

    /// Checks that all that was given out since has come back, but for so many bytes of the heap:
    /// what is remembered of processes that are gone. What has just ended may take a moment to go.
    pub(super) fn is_settled(self, heap_allowance_bytes: u64) -> Said {
        /// Tables of the kernel's own windows stay when they have been made.
        const TABLES_KEPT: u64 = 4 * 4096;
        let mut now = Self::now();
        let is_settled = eventually(5_000, || {
            now = Self::now();
            now.frames_bytes >= self.frames_bytes
                && now.heap_bytes <= self.heap_bytes + heap_allowance_bytes
                && now.table_bytes <= self.table_bytes + TABLES_KEPT
                && now.processes <= self.processes
                && now.threads <= self.threads
        });
        if is_settled { Ok(()) } else { Err(format!("leaked: before {self:?}, after {now:?}")) }
    }
}

/// Lets so many kernel threads be made and end; at most a few at a time.
pub(super) fn make_threads(count: usize) -> Said {
    const AT_A_TIME: usize = 25;
    let mut made = 0;
    while made < count {
        let workers: Vec<Worker> = (0..AT_A_TIME)
            .map(|index| Worker::on(index % hal::cpu::online(), || Ok(())))
            .collect::<Result<_, _>>()?;
        run_all(&workers, PATIENCE_MS)?;
        made += AT_A_TIME;
    }
    Ok(())
}

/// Has the kernel remember as many processes and events as it ever will, so that what it keeps of
/// them does not look like a leak.
pub(super) fn fill_histories() -> Said {
    let mut before = usize::MAX;
    loop {
        let remembered = process::counts().1;
        if remembered == before {
            return Ok(());
        }
        before = remembered;
        make_threads(100)?;
    }
}

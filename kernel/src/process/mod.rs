//! Processes: `process_core` decides, this carries out.
//!
//! One table under one lock says who there is; what belongs to one process lies in its [`Process`],
//! each part under a lock of its own, and what changes at every switch in its threads' atomics. A
//! part's lock may be taken under the table's, not the other way round.

mod alarms;
mod budget;
mod control;
mod cpu_time;
mod create;
mod cut;
mod emergency;
mod exec;
mod exit;
mod fault;
mod fork;
mod futex;
mod handler;
mod inherit;
mod known_files;
mod masks;
mod output;
mod pid_file;
mod process_set;
mod program;
mod record;
mod rlimits;
pub mod sandbox;
mod script;
mod segments;
mod sending;
mod sharing;
mod shortage;
mod signal_file;
mod snapshot;
mod suspension;
mod thread;
mod thread_list;
mod totals;
mod wait;

pub use alarms::{set_interval, set_timer};
pub use budget::Direction;
pub use control::{
    end_own, resume, set_scheduling, signal, suspend, terminate, terminate_gracefully,
};
pub use create::{CreateError, NewProgram, Origin, create, create_for, spawn_kernel_thread};
pub use cut::{Loss, take_from_memories};
pub use emergency::{
    admits_new_programs, end as end_in_emergency, hold_new_programs, programs_after,
};
pub use exec::{ExecuteError, Execution, execute};
pub use exit::end_thread;
pub use fault::end_for_limit;
pub use fork::{Fork, Shares, fork};
pub use futex::{FutexError, FutexName, futex_requeue, futex_wait, futex_wake, futex_wake_op};
pub use handler::{BadStack, info, replace_stack, shown_stack, wanted_stack};
pub use inherit::{IfTaken, futex_lock, futex_unlock};
pub use known_files::KnownFiles;
pub use masks::{
    await_signal, end_mask_for_wait, note_child_disposition, set_mask, set_mask_for_wait,
};
pub use output::{Output, OutputStream, OutputTee, ended_output};
pub use pid_file::PidFile;
pub use process_set::ProcessSet;
pub use program::{Interrupted, return_from_handler};
pub use record::{
    change_limits, check_access, credentials_of, find_thread, group_of, impose_limits,
    is_subreaper, limits_of, members_of, name_of, parent_of, process_of_thread, processes_of,
    reschedule, scheduling_of, session_of, set_credentials, set_group, set_name,
    set_root_directory, set_subreaper, set_working_directory, start_session,
};
pub use record::{group_and_session_of, is_group_orphaned, session_of_group};
pub use rlimits::{exchange_rlimit, rlimit_of};
pub use script::follow_scripts;
pub use segments::{
    SegmentChange, attach_segment, change_segment, find_segment, note_segment_detached,
    segment_status,
};
pub use sending::{
    disregards, send_from, send_to_all, send_to_group, send_to_thread, signal_by_kernel,
    signal_group, signal_own,
};
pub use sharing::FileTable;
pub use sharing::unshare_files;
pub use shortage::{make_room, next_victim};
pub use signal_file::SignalFile;
pub use snapshot::{
    Snapshot, counts, made, pids_after, recent_cpu_of, rows_after, snapshot, snapshots_after,
};
pub use thread::{NewThread, ProgramThread, set_thread_affinity, spawn_thread, thread_affinity};
pub use thread_list::{ThreadSnapshot, threads};
pub use totals::{Totals, totals};
pub use wait::{News, Wait, WaitError, Waited, wait_for_child};

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

use hal::interrupts::SpinLock;
use ksync::Once;
use process_core::{
    Instant, Pid, ProcessError, ProcessSignals, ProcessTable, Resource, ResourceLimits,
    TableConfig, Usage, UsageSum,
};
use sched_core::CpuSet;

use crate::broadcast::Broadcast;
use crate::fs::{self, Standpoint, WatchList};
use crate::levels;
use crate::memory::UserSpace;
use crate::scheduler::Thread;
use fork::VforkWait;
use sharing::SpaceOwner;
use wait::Children;

const OUT_OF_MEMORY: ProcessError = ProcessError::ResourceExhausted { resource: Resource::Memory };

/// All processes.
static TABLE: Once<SpinLock<ProcessTable<Arc<Process>>>> = Once::new();

/// What the kernel hangs on a process's record.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    /// Its memory, which other processes may share. None for a kernel thread, and when all threads
    /// have ended.
    space: SpinLock<Option<Arc<SpaceOwner>>>,
    /// It is no kernel thread.
    is_program: bool,
    threads: SpinLock<Threads>,
    signals: SpinLock<ProcessSignals>,
    /// Its descriptors.
    pub files: FileTable,
    /// Where it stands in the tree of files, which other processes may share.
    standpoint: SpinLock<Arc<Standpoint>>,
    /// What it wrote to the standard output and error that it was started with.
    pub output: Arc<Output>,
    /// Where its threads may run.
    affinity: SpinLock<CpuSet>,
    /// How many descriptors it may have.
    open_files_limit: AtomicU32,
    /// It has been told to end: its threads leave at the border to the program.
    is_ending: AtomicBool,
    /// It is suspended: its threads wait at the border. Written under the table's lock.
    is_suspended: AtomicBool,
    /// The largest file that it may write, in bytes: one of its limits, where each write finds it.
    file_size_limit: AtomicU64,
    /// The limits that it has set for itself.
    rlimits: SpinLock<ResourceLimits>,
    /// The signal that it wants when its parent ends; 0 for none.
    death_signal: AtomicU8,
    /// It has had more than one thread since it began its program.
    had_threads: AtomicBool,
    /// It has asked never to gain rights: none are gained by executing programs here anyway.
    refuses_new_rights: AtomicBool,
    /// It has said that it will ask for barriers of memory.
    has_barriers: AtomicBool,
    /// Who waits for its end by a descriptor.
    end_watch: WatchList,
    /// Who is told of each signal that it is sent: descriptors that they are read from.
    signal_watch: WatchList,
    /// What it knows of its children.
    children: SpinLock<Children>,
    /// The thread that waits until it has left that one's memory.
    vfork: SpinLock<Option<Arc<VforkWait>>>,
    /// The thread that is to be its only one, because it executes a program; 0 if there is none.
    survivor: AtomicU32,
    /// A program made it, which shows its output as its own.
    is_forked: bool,
    /// The sandbox that it is in. From its beginning to its end.
    confinement: Option<Arc<sandbox::Confinement>>,
    /// The code that its first thread ended with: the process's, if no thread ends all of it.
    main_code: AtomicU8,
    /// Its last thread is gone.
    has_ended: AtomicBool,
    /// Who waits for its end.
    pub ended: Broadcast,
    load: Load,
    /// What it may use by the second.
    budget: budget::Budget,
    /// The set that it belongs to, for good.
    set: Option<Arc<ProcessSet>>,
    /// See `NewProgram::instance`.
    instance: u64,
    /// It is ended because its set had all the memory that it may have.
    is_quota_victim: AtomicBool,
    /// The most that was resident in the memories that it has left, in bytes.
    earlier_peak_bytes: AtomicU64,
    /// How often it has met each limit.
    limits_met: budget::LimitsMet,
    /// The CPU time that an operator gives it, in nanoseconds.
    cpu_time_limit_ns: AtomicU64,
    /// Where it is in the queue of timers.
    alarm: alarms::Place,
}

/// A process's threads. Under one lock with what the ended ones had used, so that the sum never
/// goes back.
#[derive(Debug, Default)]
struct Threads {
    list: Vec<Arc<Thread>>,
    ended: UsageSum,
}

/// CPU use of late, measured between two looks.
#[derive(Debug, Default)]
struct Load {
    looked_at_ns: AtomicU64,
    cpu_ns: AtomicU64,
    hundredths_of_percent: AtomicU32,
}

impl Process {
    /// Its number.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The run of a service's instance that it belongs to; 0 for none.
    #[must_use]
    pub fn instance(&self) -> u64 {
        self.instance
    }

    /// Its address space; none for a kernel thread, and when all threads have ended.
    #[must_use]
    pub fn space(&self) -> Option<Arc<UserSpace>> {
        if !self.is_program {
            return None;
        }
        self.space.lock().as_ref().map(|owner| Arc::clone(owner.space()))
    }

    /// Has the calling CPU use its memory. A kernel thread needs none and leaves what is loaded.
    pub fn load_space(&self) {
        if self.is_program
            && let Some(space) = self.space()
        {
            space.tables().load();
        }
    }

    /// Whether it is a program rather than a kernel thread.
    #[must_use]
    pub fn is_program(&self) -> bool {
        self.is_program
    }

    /// Whether other processes run in its memory.
    fn shares_space(&self) -> bool {
        self.space.lock().as_ref().is_some_and(|owner| Arc::strong_count(owner) > 1)
    }

    /// Where it stands in the tree of files.
    #[must_use]
    pub fn standpoint(&self) -> Arc<Standpoint> {
        Arc::clone(&self.standpoint.lock())
    }

    /// Lets go of its root and working directory, when it ends.
    fn leave_standpoint(&self) {
        let nowhere = Arc::new(Standpoint::new(fs::top()));
        let left = core::mem::replace(&mut *self.standpoint.lock(), nowhere);
        // Dropped without the lock.
        drop(left);
    }

    /// Its threads' numbers.
    #[must_use]
    pub fn tids(&self) -> Vec<u32> {
        self.threads.lock().list.iter().map(|thread| thread.tid().number()).collect()
    }

    /// Whether it has been told to end.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        // Acquire pairs with the release where it is set.
        self.is_ending.load(Ordering::Acquire)
    }

    /// Whether all of it is gone.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    /// How many descriptors it may have.
    #[must_use]
    pub fn open_files_limit(&self) -> u32 {
        self.open_files_limit.load(Ordering::Relaxed)
    }

    /// Its signals, for the calls that change dispositions and masks.
    #[must_use]
    pub fn signals(&self) -> &SpinLock<ProcessSignals> {
        &self.signals
    }

    /// Where its threads may run.
    #[must_use]
    pub fn affinity(&self) -> CpuSet {
        *self.affinity.lock()
    }

    /// All that it has used so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let mut usage = {
            let threads = self.threads.lock();
            let mut usage = threads.ended.get();
            for thread in &threads.list {
                usage.add_thread(&thread.figures.usage());
            }
            usage
        };
        usage.limits_met = self.limits_met();
        usage.signals = self.signals.lock().usage();
        usage.open_files = u32::try_from(self.files.lock().len()).unwrap_or(u32::MAX);
        if let Some(space) = self.space() {
            let figures = space.figures();
            usage.memory.current_bytes = figures.resident_bytes;
            usage.memory.peak_bytes = figures.peak_bytes;
        }
        // Relaxed, and read last: what it had in an earlier memory is noted before that is replaced,
        // under the lock by which the new one was found.
        let earlier = self.earlier_peak_bytes.load(Ordering::Relaxed);
        usage.memory.peak_bytes = usage.memory.peak_bytes.max(earlier);
        usage
    }

    /// It is about to leave its memory: notes the most that was resident there. As Linux's
    /// `ru_maxrss`, also if it shared that memory with its maker.
    fn note_peak(&self) {
        if let Some(space) = self.space() {
            self.earlier_peak_bytes.fetch_max(space.figures().peak_bytes, Ordering::Relaxed);
        }
    }

    /// CPU use of late in hundredths of a percent of one CPU. Measured anew when the last look is
    /// long enough ago to mean something.
    fn recent_cpu(&self, cpu_ns: u64) -> u32 {
        const SHORTEST_NS: u64 = 500_000_000;
        let now = hal::time::now_ns();
        let looked_at = self.load.looked_at_ns.load(Ordering::Relaxed);
        let span = now.saturating_sub(looked_at);
        if span < SHORTEST_NS {
            return self.load.hundredths_of_percent.load(Ordering::Relaxed);
        }
        let is_mine = self
            .load
            .looked_at_ns
            .compare_exchange(looked_at, now, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok();
        if is_mine {
            let used = cpu_ns.saturating_sub(self.load.cpu_ns.swap(cpu_ns, Ordering::Relaxed));
            let share = u128::from(used) * 10_000 / u128::from(span);
            let share = u32::try_from(share).unwrap_or(u32::MAX);
            self.load.hundredths_of_percent.store(share, Ordering::Relaxed);
        }
        self.load.hundredths_of_percent.load(Ordering::Relaxed)
    }
}

/// Makes the table. Once, before any process.
///
/// # Errors
/// When there is no memory for it.
pub fn start() -> Result<(), ProcessError> {
    let mut table = ProcessTable::new(TableConfig::default())?;
    // Number 1 is init's, of which much depends. Nobody is that by having come first: the number is
    // kept for good.
    let init = table.reserve(process_core::Uid(0), None)?;
    debug_assert_eq!(init.pid(), Pid::INIT);
    TABLE.call_once(|| SpinLock::new(levels::PROCESS_TABLE, "process table", table));
    inherit::start();
    segments::start();
    Ok(())
}

/// Starts the thread that ends what did not end by itself. Once, when threads can be made.
///
/// # Errors
/// When there is no memory for it.
pub fn start_manager() -> Result<(), CreateError> {
    control::start_manager()?;
    alarms::start()
}

fn table() -> &'static SpinLock<ProcessTable<Arc<Process>>> {
    match TABLE.get() {
        Some(table) => table,
        None => panic!("processes are asked for before there is a table"),
    }
}

/// The process with this number.
///
/// # Errors
/// [`ProcessError::ProcessNotFound`].
pub fn find(pid: Pid) -> Result<Arc<Process>, ProcessError> {
    Ok(Arc::clone(&table().lock().get(pid)?.attachment))
}

fn now() -> Instant {
    Instant::from_nanoseconds(hal::time::now_ns())
}

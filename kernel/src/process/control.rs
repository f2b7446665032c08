//! What operators do to processes: signal, suspend, resume, terminate, set priorities.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use hal::interrupts::SpinLock;
use ksync::Once;
use process_core::{
    BlockReason, ExitStatus, PendingSignal, Pid, Priority, PriorityClass, ProcessError, Scheduling,
    Sent, Signal, SignalCause, SignalContext, SignalSet, SignalTarget, WhatFollows,
};
use sched_core::{Class, CpuSet, Nice, Params};

use super::create::{CreateError, spawn_kernel_thread};
use super::sending::deliver_to;
use super::{Process, cpu_time, exit, table};
use crate::events::{self, Kind};
use crate::levels;
use crate::scheduler::{self, Thread};

/// Sends a signal in an operator's name.
///
/// # Errors
/// [`ProcessError::ProcessNotFound`]; [`ProcessError::PermissionDenied`] for a kernel thread;
/// [`ProcessError::InvalidState`] when it has ended.
pub fn signal(pid: Pid, signal: Signal, actor: Option<&str>) -> Result<(), ProcessError> {
    let process = living(pid, process_core::StateName::Ready)?;
    deliver(&process, PendingSignal { signal, cause: SignalCause::Operator })?;
    events::publish(Kind::ProcessSignaled, Some(pid), actor, format_args!("{}", signal.name()));
    Ok(())
}

/// The process, if it is a program that has not ended.
fn living(pid: Pid, to: process_core::StateName) -> Result<Arc<Process>, ProcessError> {
    let table = table().lock();
    let record = match table.get(pid) {
        Ok(record) => record,
        Err(error) => {
            return Err(match table.history().get(pid) {
                Some(defunct) => ProcessError::InvalidState { pid, from: defunct.state.name(), to },
                None => error,
            });
        }
    };
    if record.is_kernel_thread() {
        return Err(ProcessError::PermissionDenied { pid });
    }
    if !record.state().is_alive() {
        return Err(ProcessError::InvalidState { pid, from: record.state().name(), to });
    }
    Ok(Arc::clone(&record.attachment))
}

/// Sends a signal to a process, whoever sends it, and carries out what follows.
///
/// # Errors
/// [`ProcessError::ResourceExhausted`] if a queued value finds no room.
pub(super) fn deliver(process: &Process, signal: PendingSignal) -> Result<(), ProcessError> {
    deliver_to(process, SignalTarget::Process, signal)
}

impl Process {
    /// What these signals need to know about it beyond its dispositions. Whether its group is orphaned
    /// takes a walk over the group, for which only stops have to wait.
    pub(super) fn signal_context(&self, signals: SignalSet) -> SignalContext {
        /// The number of init, if there is one.
        const INIT: u32 = 1;
        let is_orphaned = !signals.intersection(SignalSet::STOPS).is_empty() && {
            let table = table().lock();
            // The process manager looks after what it has started itself: an operator can let it go on.
            table.get(self.pid).is_ok_and(|record| {
                !record.parent().is_system() && table.is_orphaned(record.group())
            })
        };
        SignalContext { is_protected: self.pid.number() == INIT && self.is_program, is_orphaned }
    }
}

/// Carries out what the sending of a signal asks for.
pub(super) fn carry_out(process: &Process, sent: Sent) {
    let pid = process.pid;
    if sent.continues {
        // A process that no signal has stopped goes on as it was: an error here is no error.
        let _ = process.go_on();
    }
    match sent.follows {
        WhatFollows::Nothing => {}
        WhatFollows::Wake(tid) => {
            process.call_thread(tid);
        }
        WhatFollows::Terminate(status) => {
            // It may have ended meanwhile: the first reason stands.
            let _ = exit::begin(pid, status);
        }
        WhatFollows::Stop(signal) => {
            // It may have been stopped, or have ended, meanwhile.
            let _ = process.stop(signal);
        }
    }
}

/// Suspends a process, whatever it does.
///
/// # Errors
/// As `signal`; [`ProcessError::InvalidState`] also when it is suspended already.
pub fn suspend(pid: Pid, actor: Option<&str>) -> Result<(), ProcessError> {
    let process = living(pid, process_core::StateName::Suspended)?;
    process.hold()?;
    events::publish(Kind::ProcessSuspended, Some(pid), actor, format_args!("suspended"));
    Ok(())
}

/// Lets a suspended process go on.
///
/// # Errors
/// As `signal`; [`ProcessError::InvalidState`] also when it is not suspended.
pub fn resume(pid: Pid, actor: Option<&str>) -> Result<(), ProcessError> {
    let process = living(pid, process_core::StateName::Ready)?;
    process.let_go()?;
    events::publish(Kind::ProcessResumed, Some(pid), actor, format_args!("resumed"));
    Ok(())
}

/// Ends a process at once.
///
/// # Errors
/// As `signal`.
pub fn terminate(pid: Pid, actor: Option<&str>) -> Result<(), ProcessError> {
    signal(pid, Signal::SIGKILL, actor)
}

/// Asks a process to end, and ends it after `grace_ms` if it has not.
///
/// # Errors
/// As `signal`.
pub fn terminate_gracefully(
    pid: Pid,
    grace_ms: u32,
    actor: Option<&str>,
) -> Result<(), ProcessError> {
    let process = living(pid, process_core::StateName::Terminated)?;
    let deadline_ns = hal::time::now_ns().saturating_add(u64::from(grace_ms) * 1_000_000);
    // A suspended process could not act on the signal; one that is not suspended goes on as it was.
    let _ = process.let_go();
    signal(pid, Signal::SIGTERM, actor)?;
    if !process.has_ended() {
        GRACE.lock().push((deadline_ns, Arc::clone(&process)));
        if let Some(manager) = MANAGER.get() {
            manager.unpark();
        }
    }
    Ok(())
}

/// Processes that have been asked to end, and until when they may.
static GRACE: SpinLock<Vec<(u64, Arc<Process>)>> =
    SpinLock::new(levels::PROCESS, "grace", Vec::new());
static MANAGER: Once<Arc<Thread>> = Once::new();

/// Starts the thread that ends processes whose grace is over.
pub(super) fn start_manager() -> Result<(), CreateError> {
    let manager =
        spawn_kernel_thread("process-manager", Priority::High, 16 * 1024, Box::new(manage))?;
    MANAGER.call_once(|| manager);
    Ok(())
}

/// Has the manager look at what there is to do.
pub(super) fn wake_manager() {
    if let Some(manager) = MANAGER.get() {
        manager.unpark();
    }
}

fn manage() {
    loop {
        let now_ns = hal::time::now_ns();
        // Taken out, so that a process that is let go of here is not dropped under the lock.
        let (done, next) = {
            let mut grace = GRACE.lock();
            let is_done = |(deadline, process): &mut (u64, Arc<Process>)| {
                *deadline <= now_ns || process.has_ended()
            };
            let done: Vec<_> = grace.extract_if(.., is_done).collect();
            (done, grace.iter().map(|(deadline, _)| *deadline).min())
        };
        for (_, process) in done.iter().filter(|(_, process)| !process.has_ended()) {
            // It may end at this very moment, which is what is wanted.
            let _ = deliver(
                process,
                PendingSignal { signal: Signal::SIGKILL, cause: SignalCause::Operator },
            );
        }
        drop(done);
        let next = [next, cpu_time::check(now_ns)].into_iter().flatten().min();
        match next {
            Some(deadline) => {
                scheduler::park_until(BlockReason::Work, deadline);
            }
            None => scheduler::park(BlockReason::Work),
        }
    }
}

/// Ends the process of the running thread from within: `exit_group`, or a fault that nobody catches.
pub fn end_own(process: &Process, status: ExitStatus) {
    // Another thread may have been first.
    let _ = exit::begin(process.pid, status);
}

/// Changes priority, class and nice, and where the process may run, with effect at once, if they
/// are still what was `expected`; says whether they were.
///
/// # Errors
/// As `signal`.
pub fn set_scheduling(
    pid: Pid,
    expected: (Scheduling, CpuSet),
    (scheduling, affinity): (Scheduling, CpuSet),
    actor: Option<&str>,
) -> Result<bool, ProcessError> {
    let process = living(pid, process_core::StateName::Ready)?;
    {
        let mut table = table().lock();
        let profile = &mut table.get_mut(pid)?.profile;
        let mut now = process.affinity.lock();
        if (profile.scheduling, *now) != expected {
            return Ok(false);
        }
        profile.scheduling = scheduling;
        *now = affinity;
    }
    let threads = process.threads.lock().list.clone();
    for thread in threads {
        thread.program.follow_process_affinity();
        thread.set_params(params(&scheduling));
        thread.set_affinity(affinity);
    }
    super::inherit::priority_changed(&process, scheduling.priority);
    events::publish(
        Kind::ProcessChanged,
        Some(pid),
        actor,
        format_args!(
            "priority {}, class {}, nice {}",
            scheduling.priority.name(),
            scheduling.class.name(),
            scheduling.nice.value()
        ),
    );
    Ok(true)
}

/// What the scheduler is told, in its own words.
pub(super) fn params(scheduling: &Scheduling) -> Params {
    let priority = priority(scheduling.priority);
    let class = class(scheduling.class);
    Params { priority, class, nice: Nice::clamped(i32::from(scheduling.nice.value())) }
}

/// A priority in the scheduler's own words.
pub(super) fn priority(priority: Priority) -> sched_core::Priority {
    match priority {
        Priority::Idle => sched_core::Priority::Idle,
        Priority::Low => sched_core::Priority::Low,
        Priority::Normal => sched_core::Priority::Normal,
        Priority::High => sched_core::Priority::High,
        Priority::RealTime => sched_core::Priority::RealTime,
        Priority::Critical => sched_core::Priority::Critical,
    }
}

fn class(class: PriorityClass) -> Class {
    match class {
        PriorityClass::System => Class::System,
        PriorityClass::User => Class::User,
        PriorityClass::Service => Class::Service,
        PriorityClass::Background => Class::Background,
        PriorityClass::Interactive => Class::Interactive,
    }
}

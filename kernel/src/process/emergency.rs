//! Emergencies: ending processes whatever state they are in (requirement P10).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use process_core::{
    ExitStatus, PendingSignal, Pid, Priority, PriorityClass, ProcessError, ProcessState,
    Scheduling, Signal, SignalCause, StateName,
};

use super::{control, exit, table};
use crate::scheduler;

/// Processes looked at under the table's lock at a time.
const PAGE: usize = 256;

/// How what is to end is scheduled.
fn last_rites() -> Scheduling {
    Scheduling { priority: Priority::RealTime, ..Scheduling::default() }
}

/// Emergencies under way that concern all programs.
static UNDER_WAY: AtomicU32 = AtomicU32::new(0);

/// Begins or ends an emergency that concerns all programs; each beginning is followed by one end. The
/// calling thread, which has to get through the table, goes before everything meanwhile: a thousand
/// programs that spin would leave it a thousandth of a CPU.
pub fn hold_new_programs(is_held: bool) {
    // Relaxed: a program that is made by a call that began before is found by the next pass over the
    // table, whose lock orders the two.
    if is_held {
        UNDER_WAY.fetch_add(1, Ordering::Relaxed);
    } else {
        UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
    }
    let Some(thread) = scheduler::current() else { return };
    let pid = thread.process().pid();
    let usual = table().lock().get(pid).map_or(Scheduling::default(), |it| it.profile.scheduling);
    let priority = if admits_new_programs() { usual.priority } else { Priority::Critical };
    thread.set_params(control::params(&Scheduling { priority, ..usual }));
}

/// Whether programs may be made at the moment.
#[must_use]
pub fn admits_new_programs() -> bool {
    UNDER_WAY.load(Ordering::Relaxed) == 0
}

/// Up to `limit` processes above `after` that are not the system's own, zombies included.
#[must_use]
pub fn programs_after(after: u32, limit: usize) -> Vec<Pid> {
    let mut found = Vec::new();
    let mut cursor = Pid::new(i64::from(after)).ok();
    loop {
        let mut seen = 0;
        {
            let table = table().lock();
            for record in table.page_after(cursor).take(PAGE) {
                (cursor, seen) = (Some(record.pid()), seen + 1);
                let is_system = record.is_kernel_thread()
                    || record.profile.scheduling.class == PriorityClass::System;
                if !is_system {
                    if found.len() == limit {
                        return found;
                    }
                    found.push(record.pid());
                }
            }
        }
        if seen < PAGE {
            return found;
        }
    }
}

/// Ends a process at once; a zombie's exit status is taken in its parent's place. Says whether the
/// process lived until now.
///
/// # Errors
/// [`ProcessError::ProcessNotFound`]; [`ProcessError::InvalidState`] if it is only remembered;
/// [`ProcessError::PermissionDenied`] for a kernel thread.
pub fn end(pid: Pid) -> Result<bool, ProcessError> {
    let (process, state) = {
        let table = table().lock();
        let record = match table.get(pid) {
            Ok(record) => record,
            Err(error) => {
                let (from, to) = (StateName::Defunct, StateName::Terminated);
                let is_remembered = table.history().get(pid).is_some();
                return Err(if is_remembered {
                    ProcessError::InvalidState { pid, from, to }
                } else {
                    error
                });
            }
        };
        if record.is_kernel_thread() {
            return Err(ProcessError::PermissionDenied { pid });
        }
        (Arc::clone(&record.attachment), record.state())
    };
    match state {
        ProcessState::Zombie { .. } => {
            exit::reap(pid);
            Ok(false)
        }
        state if !state.is_alive() => Ok(false),
        _ => {
            let killed = PendingSignal { signal: Signal::SIGKILL, cause: SignalCause::Operator };
            // For the records. It may fail, and a process may be protected from signals; not from this.
            let _ = control::deliver(&process, killed);
            let _ = exit::begin(pid, ExitStatus::Signaled { signal: Signal::SIGKILL, core: false });
            // What is left of it is to come to its end before those that go on.
            let threads = process.threads.lock().list.clone();
            for thread in threads {
                thread.set_params(control::params(&last_rites()));
            }
            Ok(true)
        }
    }
}

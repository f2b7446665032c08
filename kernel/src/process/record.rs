//! What system calls read and change in a process's record.

use alloc::sync::Arc;
use alloc::vec::Vec;

use core::sync::atomic::Ordering;

use process_core::{
    Credentials, Limits, LimitsChange, Pid, ProcessError, ProcessName, Scheduling, Signal, Tid, Uid,
};

use super::{Process, table};
use crate::scheduler::Thread;

/// Its parent; none if that is the process manager.
#[must_use]
pub fn parent_of(pid: Pid) -> Option<Pid> {
    table().lock().get(pid).ok().map(|record| record.parent()).filter(|pid| !pid.is_system())
}

/// Who it acts for.
///
/// # Errors
/// [`ProcessError::ProcessNotFound`], as for all of these.
pub fn credentials_of(pid: Pid) -> Result<Arc<Credentials>, ProcessError> {
    Ok(Arc::clone(table().lock().get(pid)?.credentials()))
}

/// Its group.
///
/// # Errors
/// See `credentials_of`.
pub fn group_of(pid: Pid) -> Result<Pid, ProcessError> {
    Ok(table().lock().get(pid)?.group())
}

/// Its group and its session.
///
/// # Errors
/// See `credentials_of`.
pub fn group_and_session_of(pid: Pid) -> Result<(Pid, Pid), ProcessError> {
    let table = table().lock();
    let record = table.get(pid)?;
    Ok((record.group(), record.session()))
}

/// The session of a group, if there is such a group.
#[must_use]
pub fn session_of_group(group: Pid) -> Option<Pid> {
    table().lock().session_of_group(group)
}

/// Whether a group has nobody in its session who would let it go on.
#[must_use]
pub fn is_group_orphaned(group: Pid) -> bool {
    table().lock().is_orphaned(group)
}

/// Its short name.
///
/// # Errors
/// See `credentials_of`.
pub fn name_of(pid: Pid) -> Result<ProcessName, ProcessError> {
    Ok(table().lock().get(pid)?.profile.name)
}

/// Changes its short name.
///
/// # Errors
/// See `credentials_of`.
pub fn set_name(pid: Pid, name: ProcessName) -> Result<(), ProcessError> {
    table().lock().get_mut(pid)?.profile.name = name;
    Ok(())
}

/// What it may use.
///
/// # Errors
/// See `credentials_of`.
pub fn limits_of(pid: Pid) -> Result<Limits, ProcessError> {
    Ok(table().lock().get(pid)?.profile.limits)
}

/// Changes what it may use, with effect at once. Less that it has set itself stays where nothing else is
/// allowed than before.
///
/// # Errors
/// See `credentials_of`, and [`ProcessError::InvalidLimits`].
pub fn change_limits(pid: Pid, change: &LimitsChange) -> Result<(), ProcessError> {
    set_limits(pid, change, Process::allow)
}

/// The same in an operator's name: what the change names holds, whatever the process has set itself.
///
/// # Errors
/// As `change_limits`.
pub fn impose_limits(pid: Pid, change: &LimitsChange) -> Result<(), ProcessError> {
    set_limits(pid, change, |process, old, new| process.impose(change, old, new))
}

fn set_limits(
    pid: Pid,
    change: &LimitsChange,
    tell: impl FnOnce(&Process, &Limits, &Limits),
) -> Result<(), ProcessError> {
    let process = {
        let mut table = table().lock();
        let record = table.get_mut(pid)?;
        let old = record.profile.limits;
        let limits = old.changed(change)?;
        record.profile.limits = limits;
        tell(&record.attachment, &old, &limits);
        if let Some(space) = record.attachment.space() {
            space.set_limit(limits.memory_bytes);
        }
        Arc::clone(&record.attachment)
    };
    process.look_at_share();
    super::cpu_time::watch(&process);
    Ok(())
}

/// Changes where its relative paths start.
///
/// # Errors
/// See `credentials_of`.
pub fn set_working_directory(pid: Pid, path: Arc<str>) -> Result<(), ProcessError> {
    let old = {
        let mut table = table().lock();
        let record = table.get_mut(pid)?;
        core::mem::replace(&mut record.profile.working_directory, path)
    };
    // Dropped without the lock.
    drop(old);
    Ok(())
}

/// Notes that its root has been changed.
///
/// # Errors
/// See `credentials_of`.
pub fn set_root_directory(pid: Pid, path: Arc<str>) -> Result<(), ProcessError> {
    let old = {
        let mut table = table().lock();
        let record = table.get_mut(pid)?;
        core::mem::replace(&mut record.profile.root_directory, path)
    };
    // Dropped without the lock.
    drop(old);
    Ok(())
}

/// The thread with this number.
///
/// # Errors
/// [`ProcessError::InvalidPid`] if there is none.
pub fn find_thread(tid: Tid) -> Result<Arc<Thread>, ProcessError> {
    let process = {
        let table = table().lock();
        let pid = table.process_of(tid)?;
        Arc::clone(&table.get(pid)?.attachment)
    };
    process.thread(tid).ok_or(ProcessError::InvalidPid { value: i64::from(tid.number()) })
}

/// Whether one process may look into another: ptrace(2), "access mode checking".
///
/// # Errors
/// [`ProcessError::PermissionDenied`], [`ProcessError::ProcessNotFound`].
pub fn check_access(by: Pid, to: Pid) -> Result<(), ProcessError> {
    let table = table().lock();
    let (by, other) = (table.get(by)?, table.get(to)?);
    if !by.profile.sees(&other.profile) {
        Err(ProcessError::ProcessNotFound { pid: to })
    } else if by.credentials().may_access(other.credentials()) {
        Ok(())
    } else {
        Err(ProcessError::PermissionDenied { pid: to })
    }
}

/// The process that a thread belongs to.
///
/// # Errors
/// [`ProcessError::InvalidPid`] if there is no such thread.
pub fn process_of_thread(tid: Tid) -> Result<Pid, ProcessError> {
    table().lock().process_of(tid)
}

/// Its session.
///
/// # Errors
/// See `credentials_of`.
pub fn session_of(pid: Pid) -> Result<Pid, ProcessError> {
    Ok(table().lock().get(pid)?.session())
}

/// Moves a process into a group: setpgid(2).
///
/// # Errors
/// The table's.
pub fn set_group(caller: Pid, pid: Pid, group: Pid) -> Result<(), ProcessError> {
    table().lock().set_group(caller, pid, group)
}

/// Makes a process the leader of a session: setsid(2).
///
/// # Errors
/// The table's.
pub fn start_session(pid: Pid) -> Result<(), ProcessError> {
    table().lock().start_session(pid)
}

/// The members of a group.
#[must_use]
pub fn members_of(group: Pid) -> Vec<Pid> {
    let table = table().lock();
    table.group_members(group).map(process_core::Process::pid).collect()
}

/// The processes of a user, kernel threads apart.
#[must_use]
pub fn processes_of(user: Uid) -> Vec<Pid> {
    const PAGE: usize = 256;
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let table = table().lock();
        let mut seen = 0;
        for record in table.page_after(cursor).take(PAGE) {
            cursor = Some(record.pid());
            seen += 1;
            if !record.is_kernel_thread() && record.credentials().real_uid == user {
                found.push(record.pid());
            }
        }
        if seen < PAGE {
            return found;
        }
    }
}

/// Whether it adopts its descendants' orphans.
///
/// # Errors
/// See `credentials_of`.
pub fn is_subreaper(pid: Pid) -> Result<bool, ProcessError> {
    Ok(table().lock().get(pid)?.is_subreaper())
}

/// Says whether it adopts its descendants' orphans.
///
/// # Errors
/// See `credentials_of`.
pub fn set_subreaper(pid: Pid, is_subreaper: bool) -> Result<(), ProcessError> {
    table().lock().set_subreaper(pid, is_subreaper)
}

/// Has it act for someone else.
///
/// # Errors
/// See `credentials_of`, and [`ProcessError::ResourceExhausted`].
pub fn set_credentials(pid: Pid, credentials: Credentials) -> Result<(), ProcessError> {
    let new = Arc::new(credentials);
    let mut table = table().lock();
    let old = Arc::clone(table.get(pid)?.credentials());
    let (old_uid, new_uid) = (old.real_uid, new.real_uid);
    let result = table.set_credentials(pid, new);
    if old_uid != new_uid && result.is_ok() {
        let process = Arc::clone(&table.get(pid)?.attachment);
        super::rlimits::count_signals(&table, new_uid, &process);
    }
    drop(table);
    // Dropped without the lock.
    drop(old);
    result
}

/// What the scheduler is told about it.
///
/// # Errors
/// See `credentials_of`.
pub fn scheduling_of(pid: Pid) -> Result<Scheduling, ProcessError> {
    Ok(table().lock().get(pid)?.profile.scheduling)
}

/// Changes what the scheduler is told, with effect at once. A kernel thread's stays as it is.
///
/// # Errors
/// See `credentials_of`; [`ProcessError::PermissionDenied`] for a kernel thread.
pub fn reschedule(pid: Pid, change: impl FnOnce(&mut Scheduling)) -> Result<(), ProcessError> {
    let (process, scheduling) = {
        let mut table = table().lock();
        let record = table.get_mut(pid)?;
        if record.is_kernel_thread() {
            return Err(ProcessError::PermissionDenied { pid });
        }
        change(&mut record.profile.scheduling);
        (Arc::clone(&record.attachment), record.profile.scheduling)
    };
    let threads: Vec<Arc<Thread>> = process.threads.lock().list.clone();
    for thread in threads {
        thread.set_params(super::control::params(&scheduling));
    }
    super::inherit::priority_changed(&process, scheduling.priority);
    Ok(())
}

// Relaxed: each is about itself alone.
impl Process {
    /// The signal that it wants when its parent ends.
    #[must_use]
    pub fn death_signal(&self) -> Option<Signal> {
        Signal::new(i64::from(self.death_signal.load(Ordering::Relaxed))).ok()
    }

    /// Says which signal it wants when its parent ends.
    pub fn set_death_signal(&self, signal: Option<Signal>) {
        self.death_signal.store(signal.map_or(0, Signal::number), Ordering::Relaxed);
    }

    /// It is never to gain rights by executing a program.
    pub fn refuse_new_rights(&self) {
        self.refuses_new_rights.store(true, Ordering::Relaxed);
    }

    /// Whether it is never to gain rights by executing a program.
    #[must_use]
    pub fn refuses_new_rights(&self) -> bool {
        self.refuses_new_rights.load(Ordering::Relaxed)
    }

    /// It will ask for barriers of memory: membarrier(2).
    pub fn register_barriers(&self) {
        self.has_barriers.store(true, Ordering::Relaxed);
    }

    /// Whether it has said that it will ask for barriers of memory.
    #[must_use]
    pub fn has_registered_barriers(&self) -> bool {
        self.has_barriers.load(Ordering::Relaxed)
    }

    /// Orders the memory of all CPUs that run it.
    pub fn barrier(&self) {
        if let Some(space) = self.space() {
            space.tables().barrier();
        }
    }
}

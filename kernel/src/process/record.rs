//! What system calls read and change in a process's record.

use alloc::sync::Arc;

use core::sync::atomic::Ordering;
use process_core::{Credentials, Limits, LimitsChange, Pid, ProcessError, ProcessName, Tid};

use super::table;
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

/// Changes what it may use, with effect at once.
///
/// # Errors
/// See `credentials_of`, and [`ProcessError::InvalidLimits`].
pub fn change_limits(pid: Pid, change: &LimitsChange) -> Result<(), ProcessError> {
    let mut table = table().lock();
    let record = table.get_mut(pid)?;
    let limits = record.profile.limits.changed(change)?;
    record.profile.limits = limits;
    record.attachment.open_files_limit.store(limits.open_files, Ordering::Relaxed);
    if let Some(space) = record.attachment.space() {
        space.set_limit(limits.memory_bytes);
    }
    Ok(())
}

/// Where its relative paths start.
///
/// # Errors
/// See `credentials_of`.
pub fn working_directory_of(pid: Pid) -> Result<Arc<str>, ProcessError> {
    Ok(Arc::clone(&table().lock().get(pid)?.profile.working_directory))
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
    if table.get(by)?.credentials().may_access(table.get(to)?.credentials()) {
        Ok(())
    } else {
        Err(ProcessError::PermissionDenied { pid: to })
    }
}

//! The limits of resources that programs ask for and set.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use process_core::{
    Credentials, Limits, LimitsChange, Pid, ProcessError, ProcessTable, ResourceLimits, Rlimit,
    RlimitRefusal, SoftHard, Uid,
};

use super::{Process, cpu_time, table};
use crate::memory::Bounds;

/// How many descriptors a process with these limits may have.
pub(super) fn open_files(limits: &ResourceLimits) -> u32 {
    u32::try_from(limits.of(Rlimit::OpenFiles).soft).unwrap_or(u32::MAX)
}

/// How many signals may be queued for the user of a process with these limits.
pub(super) fn queued_signals(limits: &ResourceLimits) -> u32 {
    u32::try_from(limits.of(Rlimit::PendingSignals).soft).unwrap_or(u32::MAX)
}

/// Has the signals that are queued for a process count for its user, who is in the table.
pub(super) fn count_signals(table: &ProcessTable<Arc<Process>>, uid: Uid, process: &Process) {
    if let Some(user) = table.signals_of(uid) {
        process.signals.lock().count_for(Arc::clone(user));
    }
}

/// Changes a limit, with effect at once, if there is a new one; gives the old one.
///
/// # Errors
/// [`ProcessError::ProcessNotFound`]; inside, why the limit stays as it is.
pub fn exchange_rlimit(
    pid: Pid,
    number: usize,
    new: Option<SoftHard>,
    may_raise: bool,
) -> Result<Result<SoftHard, RlimitRefusal>, ProcessError> {
    let (process, allowed) = {
        let table = table().lock();
        let record = table.get(pid)?;
        (Arc::clone(&record.attachment), record.profile.limits)
    };
    let limits = process.rlimits.lock();
    let Some(old) = limits.get(number) else { return Ok(Err(RlimitRefusal::Invalid)) };
    drop(limits);
    if let Some(new) = new {
        let changed = {
            let mut limits = process.rlimits.lock();
            let changed = limits.set(number, new, may_raise, &allowed);
            process.open_files_limit.store(open_files(&limits), Ordering::Relaxed);
            process.file_size_limit.store(limits.of(Rlimit::FileSize).soft, Ordering::Relaxed);
            changed
        };
        if let Err(refusal) = changed {
            return Ok(Err(refusal));
        }
        if number == Rlimit::PendingSignals as usize {
            let limit = queued_signals(&process.resource_limits());
            process.signals.lock().set_queue_limit(limit);
        }
        if number == Rlimit::Cpu as usize {
            cpu_time::watch(&process);
        }
        if number == Rlimit::AddressSpace as usize
            && let Some(space) = process.space()
        {
            space.set_bounds(process.memory_bounds());
        }
    }
    Ok(Ok(old))
}

/// A limit of a process; none if it is gone.
#[must_use]
pub fn rlimit_of(pid: Pid, which: Rlimit) -> SoftHard {
    match super::find(pid) {
        Ok(process) => process.rlimits.lock().of(which),
        Err(_) => SoftHard { soft: 0, hard: 0 },
    }
}

impl Process {
    /// All the limits of resources that it asks for and sets.
    #[must_use]
    pub fn resource_limits(&self) -> ResourceLimits {
        self.rlimits.lock().clone()
    }

    /// What it may have mapped; of locks, what holds for who has no right to more.
    #[must_use]
    pub fn memory_bounds(&self) -> Bounds {
        let limits = self.rlimits.lock();
        Bounds {
            address_space_bytes: limits.of(Rlimit::AddressSpace).soft,
            data_bytes: limits.data_bytes(),
            locked_bytes: limits.of(Rlimit::LockedMemory).soft,
        }
    }

    /// How many tasks its user may have, if that binds it. What an operator has set binds root, too.
    pub(super) fn task_limit(&self, credentials: &Credentials) -> Option<u32> {
        let soft = self.rlimits.lock().of(Rlimit::Processes).soft;
        let limit = u32::try_from(soft).unwrap_or(u32::MAX);
        let is_usual = limit >= Limits::default().processes;
        (!is_usual || !credentials.is_exempt_from_task_limit()).then_some(limit)
    }

    /// What it may use has been changed.
    pub(super) fn allow(&self, old: &Limits, new: &Limits) {
        self.budget.set(&new.into());
        self.cpu_time_limit_ns.store(new.cpu_time_ns.unwrap_or(u64::MAX), Ordering::Relaxed);
        let mut rlimits = self.rlimits.lock();
        rlimits.allow(old, new);
        self.open_files_limit.store(open_files(&rlimits), Ordering::Relaxed);
    }

    /// As `allow`, by an operator: what is named holds also where the process had set less.
    pub(super) fn impose(&self, change: &LimitsChange, old: &Limits, new: &Limits) {
        self.allow(old, new);
        let mut rlimits = self.rlimits.lock();
        rlimits.impose(change, new);
        self.open_files_limit.store(open_files(&rlimits), Ordering::Relaxed);
    }

    /// The largest file that it may write, in bytes.
    #[must_use]
    pub fn file_size_limit(&self) -> u64 {
        self.file_size_limit.load(Ordering::Relaxed)
    }

    /// The stack that a program which it executes may have, in bytes.
    pub(super) fn stack_limit(&self) -> u64 {
        const LEAST_BYTES: u64 = 128 * 1024;
        const PAGE_BYTES: u64 = 4096;
        let soft = self.rlimits.lock().of(Rlimit::Stack).soft;
        soft.clamp(LEAST_BYTES, 1 << 40) / PAGE_BYTES * PAGE_BYTES
    }
}

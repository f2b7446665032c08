//! Programs send signals: to a process, a thread, a group, or all that they may.

use alloc::sync::Arc;
use alloc::vec::Vec;

use process_core::{
    Disposition, PendingSignal, Pid, ProcessError, ProcessTable, Resource, Signal, SignalCause,
    SignalSender, SignalSet, SignalTarget, Tid, Uid,
};

use super::control::carry_out;
use super::{Process, now, table};
use crate::fs::Readiness;
use crate::scheduler::Thread;

/// Sends a signal, whoever sends it, and carries out what follows.
///
/// # Errors
/// [`ProcessError::ResourceExhausted`] if a queued value finds no room;
/// [`ProcessError::InvalidPid`] if the thread is not of this process.
pub(super) fn deliver_to(
    process: &Process,
    target: SignalTarget,
    signal: PendingSignal,
) -> Result<(), ProcessError> {
    let context = process.signal_context(SignalSet::of(&[signal.signal]));
    let sent = process.signals.lock().send(target, signal, context, now())?;
    carry_out(process, sent);
    process.signal_watch.notify(Readiness::IN);
    Ok(())
}

/// Sends the running thread a signal that a call of its own brings on: SIGPIPE. As if the process
/// had sent it to itself, like Linux.
pub fn signal_own(thread: &Thread, signal: Signal) {
    let process = thread.process();
    let uid = super::credentials_of(process.pid).map_or(Uid(0), |it| it.real_uid);
    let pending = PendingSignal { signal, cause: SignalCause::User { pid: process.pid, uid } };
    // Only a queued value can find no room.
    let _ = deliver_to(process, SignalTarget::Thread(thread.tid()), pending);
}

/// Checks whether a program may send a signal to one of its own kind, or anything (`None`: only
/// asks), and finds the target.
fn permitted(
    table: &ProcessTable<Arc<Process>>,
    sender: Pid,
    target: Pid,
    signal: Option<PendingSignal>,
) -> Result<Arc<Process>, ProcessError> {
    let from = SignalSender::Process(sender);
    table.check_signal(from, target, signal.map(|pending| pending.signal))?;
    Ok(Arc::clone(&table.get(target)?.attachment))
}

/// A program sends a signal to a process, or only asks whether it may (`None`).
///
/// # Errors
/// [`ProcessError::ProcessNotFound`], [`ProcessError::PermissionDenied`],
/// [`ProcessError::SignalNotSupported`] for a kernel thread.
pub fn send_from(
    sender: Pid,
    target: Pid,
    signal: Option<PendingSignal>,
) -> Result<(), ProcessError> {
    let process = permitted(&table().lock(), sender, target, signal)?;
    match signal {
        Some(pending) => deliver_to(&process, SignalTarget::Process, pending),
        None => Ok(()),
    }
}

/// As `send_from`, to one thread; of this process, if one is given.
///
/// # Errors
/// As `send_from`; [`ProcessError::InvalidPid`] if there is no such thread.
pub fn send_to_thread(
    sender: Pid,
    (of, tid): (Option<Pid>, Tid),
    signal: Option<PendingSignal>,
) -> Result<(), ProcessError> {
    let process = {
        let table = table().lock();
        let pid = table.process_of(tid)?;
        if of.is_some_and(|of| of != pid) {
            return Err(ProcessError::InvalidPid { value: i64::from(tid.number()) });
        }
        permitted(&table, sender, pid, signal)?
    };
    match signal {
        Some(pending) => deliver_to(&process, SignalTarget::Thread(tid), pending),
        None => Ok(()),
    }
}

/// As `send_from`, to all members of a group. Succeeds if one of them could be sent to.
///
/// # Errors
/// As `send_from`.
pub fn send_to_group(
    sender: Pid,
    group: Pid,
    signal: Option<PendingSignal>,
) -> Result<(), ProcessError> {
    let mut first_error = None;
    let mut is_sent = false;
    for process in members(group)? {
        match send_from(sender, process.pid, signal) {
            Ok(()) => is_sent = true,
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    match first_error {
        _ if is_sent => Ok(()),
        Some(error) => Err(error),
        None => Err(ProcessError::ProcessNotFound { pid: group }),
    }
}

/// The kernel sends a signal to all members of a group: the terminal's signals.
pub fn signal_group(group: Pid, signal: PendingSignal) {
    // Without memory for a list of them, nobody can be told.
    let Ok(members) = members(group) else { return };
    for process in members {
        // Kernel threads are in no group; who has ended needs no signal.
        let _ = deliver_to(&process, SignalTarget::Process, signal);
    }
}

/// The kernel sends a signal to a process, if there is one.
pub fn signal_by_kernel(pid: Pid, signal: Signal) {
    if let Ok(process) = super::find(pid) {
        // Only a queued value can find no room.
        let _ =
            super::control::deliver(&process, PendingSignal { signal, cause: SignalCause::Kernel });
    }
}

/// Whether the running thread blocks a signal, or its process ignores it.
#[must_use]
pub fn disregards(signal: Signal) -> bool {
    crate::scheduler::current().is_none_or(|thread| {
        let signals = thread.process().signals.lock();
        signals.mask(thread.tid()).contains(signal)
            || signals.disposition(signal) == Disposition::Ignore
    })
}

/// The members of a group, as it is at this moment.
fn members(group: Pid) -> Result<Vec<Arc<Process>>, ProcessError> {
    let mut members = Vec::new();
    loop {
        let count = table().lock().group_members(group).count();
        let room = members.try_reserve(count);
        room.map_err(|_| ProcessError::ResourceExhausted { resource: Resource::Memory })?;
        let table = table().lock();
        if table.group_members(group).count() <= members.capacity() {
            members.extend(table.group_members(group).map(|it| Arc::clone(&it.attachment)));
            return Ok(members);
        }
    }
}

/// As `send_from`, to all that the sender may send to, but for itself and init: kill(2) with -1.
///
/// # Errors
/// [`ProcessError::ProcessNotFound`] if there is nobody.
pub fn send_to_all(sender: Pid, signal: Option<PendingSignal>) -> Result<(), ProcessError> {
    const PAGE: usize = 64;
    let mut is_sent = false;
    let mut after = Some(Pid::INIT);
    loop {
        let mut page = [None; PAGE];
        {
            let table = table().lock();
            let others = table.page_after(after).filter(|it| !it.is_kernel_thread());
            for (place, record) in page.iter_mut().zip(others) {
                *place = Some(record.pid());
            }
        }
        for pid in page.into_iter().flatten() {
            if pid != sender {
                is_sent |= send_from(sender, pid, signal).is_ok();
            }
            after = Some(pid);
        }
        if page.last().is_none_or(Option::is_none) {
            break;
        }
    }
    if is_sent { Ok(()) } else { Err(ProcessError::ProcessNotFound { pid: sender }) }
}

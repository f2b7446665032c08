//! What a change of a thread's mask, or of a disposition, brings with it.

use alloc::sync::Arc;

use linux_abi::Errno;
use process_core::{BlockReason, Disposition, HandlerFlags, PendingSignal, Signal, SignalSet};

use super::{Process, now, table};
use crate::scheduler::{self, Thread};

/// Sets what the running thread blocks.
pub fn set_mask(process: &Process, thread: &Thread, mask: SignalSet) {
    process.signals.lock().set_mask(thread.tid(), mask);
    process.mask_changed(thread);
}

/// Sets what the running thread blocks while it waits. The border brings the former mask back when
/// the call is interrupted; a call that is not does it itself.
pub fn set_mask_for_wait(process: &Process, thread: &Thread, mask: SignalSet) {
    process.signals.lock().set_mask_for_wait(thread.tid(), mask);
    process.mask_changed(thread);
}

/// A wait with a mask of its own has ended, uninterrupted: the former mask comes back.
pub fn end_mask_for_wait(process: &Process, thread: &Thread) {
    process.signals.lock().restore_mask_after_wait(thread.tid());
    process.mask_changed(thread);
}

impl Process {
    /// The running thread's mask has changed: what it blocked until now it deals with at the border,
    /// and what it blocks from now on may be another thread's.
    pub(super) fn mask_changed(&self, thread: &Thread) {
        let (has_work, other) = {
            let signals = self.signals.lock();
            (signals.has_work(thread.tid()), signals.thread_for_pending(thread.tid()))
        };
        if has_work {
            thread.note_attention();
        }
        if let Some(tid) = other {
            self.call_thread(tid);
        }
    }

    /// Has one thread look at the process before it goes on in the program.
    pub(super) fn call_thread(&self, tid: process_core::Tid) {
        let thread: Option<Arc<Thread>> =
            self.threads.lock().list.iter().find(|thread| thread.tid() == tid).cloned();
        if let Some(thread) = thread {
            thread.call_for_attention();
        }
    }
}

/// Takes one of these signals, waiting for one if need be, until then at the longest.
///
/// # Errors
/// EAGAIN when none has come in time; EINTR for another signal, or the process's end.
pub fn await_signal(
    process: &Process,
    thread: &Thread,
    wanted: SignalSet,
    deadline_ns: Option<u64>,
) -> Result<PendingSignal, Errno> {
    let tid = thread.tid();
    process.signals.lock().set_awaited(tid, wanted);
    let answer = loop {
        if let Some(taken) = process.signals.lock().take_awaited(tid, wanted, now()) {
            break Ok(taken);
        }
        if thread.needs_attention() {
            process.wait_while_held(thread);
            // A signal that is waited for is no reason to go.
            if let Some(taken) = process.signals.lock().take_awaited(tid, wanted, now()) {
                break Ok(taken);
            }
            if thread.needs_attention() {
                break Err(Errno::EINTR);
            }
            continue;
        }
        match deadline_ns {
            None => scheduler::park(BlockReason::Signal),
            Some(deadline) => {
                if !scheduler::park_until(BlockReason::Signal, deadline) {
                    break Err(Errno::EAGAIN);
                }
            }
        }
    };
    process.signals.lock().set_awaited(tid, SignalSet::EMPTY);
    answer
}

/// The table knows whether a process wants its children as zombies: sigaction(2), `SA_NOCLDWAIT`.
pub fn note_child_disposition(process: &Process) {
    let discards = {
        let signals = process.signals.lock();
        signals.disposition(Signal::SIGCHLD) == Disposition::Ignore
            || signals.action(Signal::SIGCHLD).flags.has(HandlerFlags::NO_CHILD_WAIT)
    };
    // The caller is alive, hence in the table.
    let _ = table().lock().set_discards_children(process.pid, discards);
}

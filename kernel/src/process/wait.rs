//! Waiting for children: wait4(2), waitid(2). What a wait finds is `process_core`'s.

use alloc::sync::Arc;
use alloc::vec::Vec;

use process_core::{
    BlockReason, ExitStatus, PendingSignal, Pid, Signal, SignalCause, Uid, Usage, UsageSum,
    WaitEvents, WaitOutcome, WaitSelector,
};

use super::{Process, control, now, table};
use crate::scheduler::{self, Thread};

/// What a process knows of its children beyond the table.
#[derive(Debug, Default)]
pub(super) struct Children {
    /// Threads that wait for one.
    waiting: Vec<Arc<Thread>>,
    /// What those that have been waited for had used, with their own children.
    pub(super) usage: UsageSum,
}

/// What is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// Which children.
    pub selector: WaitSelector,
    /// Which news.
    pub events: WaitEvents,
    /// Whether to wait at all.
    pub blocks: bool,
    /// Whether the news are taken, so that the next wait finds others.
    pub takes: bool,
}

/// What has become of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It has ended.
    Ended(ExitStatus),
    /// A signal has stopped it.
    Stopped(Signal),
    /// It goes on.
    Continued,
}

/// A child with news.
#[derive(Clone, Copy, Debug)]
pub struct Waited {
    /// Which.
    pub pid: Pid,
    /// For whom it runs.
    pub uid: Uid,
    /// What.
    pub news: News,
    /// What it has used, with its own children.
    pub usage: Usage,
}

/// Why there is no child with news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitError {
    /// There is no such child.
    NoChild,
    /// A signal came first.
    Interrupted,
}

/// Waits for a child of the running thread's process; none if there is no news and it is not to wait.
///
/// # Errors
/// See [`WaitError`].
pub fn wait_for_child(thread: &Arc<Thread>, wait: &Wait) -> Result<Option<Waited>, WaitError> {
    let process = thread.process();
    loop {
        match look(thread, wait)? {
            Some(waited) => return Ok(Some(waited)),
            None if !wait.blocks => return Ok(None),
            None => {}
        }
        if process.interrupts(thread) {
            process.forget_waiting(thread);
            return Err(WaitError::Interrupted);
        }
        scheduler::park(BlockReason::Child);
    }
}

/// Looks for one with news. Without any, if it is to wait, the thread is noted before the table is let
/// go of: no news are missed.
fn look(thread: &Arc<Thread>, wait: &Wait) -> Result<Option<Waited>, WaitError> {
    let process = thread.process();
    let mut table = table().lock();
    let (pid, news) = match table.find_waitable(process.pid, wait.selector, wait.events) {
        WaitOutcome::Exited { pid, exit } => (pid, News::Ended(exit)),
        WaitOutcome::Stopped { pid, signal } => (pid, News::Stopped(signal)),
        WaitOutcome::Continued { pid } => (pid, News::Continued),
        WaitOutcome::NothingYet => {
            if wait.blocks {
                process.note_waiting(thread);
            }
            return Ok(None);
        }
        WaitOutcome::NoChild => return Err(WaitError::NoChild),
    };
    // The table's answer names an entry of it.
    let Ok(record) = table.get(pid) else { return Err(WaitError::NoChild) };
    let uid = record.credentials().real_uid;
    let child = Arc::clone(&record.attachment);
    let mut usage = record.final_usage();
    if !wait.takes || !matches!(news, News::Ended(_)) {
        if wait.takes {
            // It is there: it has just been found.
            let _ = table.take_wait_event(pid);
        }
        drop(table);
        if !matches!(news, News::Ended(_)) {
            usage = child.usage();
        }
        usage.add_child(&child.children_usage());
        return Ok(Some(Waited { pid, uid, news, usage }));
    }
    let reaped = table.reap(pid, now());
    drop(table);
    usage.add_child(&child.children_usage());
    process.children.lock().usage.add_child(&usage);
    // Dropped without the lock.
    drop((reaped, child));
    Ok(Some(Waited { pid, uid, news, usage }))
}

impl Process {
    fn note_waiting(&self, thread: &Arc<Thread>) {
        let mut children = self.children.lock();
        if !children.waiting.iter().any(|known| Arc::ptr_eq(known, thread)) {
            children.waiting.push(Arc::clone(thread));
        }
    }

    fn forget_waiting(&self, thread: &Arc<Thread>) {
        self.children.lock().waiting.retain(|known| !Arc::ptr_eq(known, thread));
    }

    /// A child has news: who waits looks again.
    pub(super) fn wake_waiting(&self) {
        let waiting = core::mem::take(&mut self.children.lock().waiting);
        for thread in &waiting {
            thread.unpark();
        }
    }

    /// What the children that it has waited for had used.
    #[must_use]
    pub fn children_usage(&self) -> Usage {
        self.children.lock().usage.get()
    }
}

/// Tells a parent what has become of its child: by a signal, if it wants one, and by waking its
/// waits.
pub(super) fn tell_parent(
    parent: &Process,
    signal: Option<Signal>,
    (child, uid): (Pid, Uid),
    news: News,
) {
    const CLD_EXITED: i32 = 1;
    const CLD_KILLED: i32 = 2;
    const CLD_STOPPED: i32 = 5;
    const CLD_CONTINUED: i32 = 6;
    let number = |signal: Signal| i32::from(signal.number());
    let (code, status) = match news {
        News::Ended(ExitStatus::Code(code)) => (CLD_EXITED, i32::from(code)),
        News::Ended(ExitStatus::Signaled { signal, .. }) => (CLD_KILLED, number(signal)),
        News::Stopped(signal) => (CLD_STOPPED, number(signal)),
        News::Continued => (CLD_CONTINUED, number(Signal::SIGCONT)),
    };
    if let Some(signal) = signal {
        let cause = SignalCause::Child { pid: child, uid, code, status };
        // A signal without a value finds room.
        let _ = control::deliver(parent, PendingSignal { signal, cause });
    }
    parent.wake_waiting();
}

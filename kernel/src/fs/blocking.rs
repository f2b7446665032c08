//! Calls that wait for a file: [`until_ready`], for reads, writes, accepts, connects alike.

use alloc::sync::Arc;

use linux_abi::Errno;
use process_core::BlockReason;

use super::{File, Readiness, Turn, Watcher};
use crate::scheduler::{self, Thread};

/// How a call waits.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// What would end the wait; [`Readiness::ALWAYS`] does in any case.
    pub interest: Readiness,
    /// What is shown of the thread meanwhile.
    pub reason: BlockReason,
    /// Until when, on the monotonic clock; EAGAIN is the answer then.
    pub deadline_ns: Option<u64>,
}

impl Waiting {
    /// For something to read, without end.
    pub const READ: Self =
        Self { interest: Readiness::IN, reason: BlockReason::Read, deadline_ns: None };
    /// For room to write, without end.
    pub const WRITE: Self =
        Self { interest: Readiness::OUT, reason: BlockReason::Write, deadline_ns: None };
}

/// Tries until the answer is another than EAGAIN: the first time at once, then each time the file
/// says that it has become ready. Of several threads that wait for the same, one is woken at a time.
///
/// `attempt` must not wait itself, and says EAGAIN when it would have to. A file that has no watch
/// list never becomes ready: its EAGAIN is the answer. Calls that are not to wait do not come here.
///
/// # Errors
/// The attempt's; ERESTARTSYS when a signal, or the process's end, came first (a suspension in between
/// ends nothing); EAGAIN after the deadline; ENOMEM.
#[inline]
pub fn until_ready<R>(
    thread: &Arc<Thread>,
    file: &dyn File,
    waiting: Waiting,
    mut attempt: impl FnMut() -> Result<R, Errno>,
) -> Result<R, Errno> {
    match attempt() {
        Err(Errno::EAGAIN) => when_ready(thread, file, waiting, attempt),
        first => first,
    }
}

/// As [`until_ready`], behind a first attempt of the caller's own that answered EAGAIN.
///
/// # Errors
/// Those.
pub fn when_ready<R>(
    thread: &Arc<Thread>,
    file: &dyn File,
    waiting: Waiting,
    mut attempt: impl FnMut() -> Result<R, Errno>,
) -> Result<R, Errno> {
    let Some(list) = file.watch_list() else { return Err(Errno::EAGAIN) };
    let watcher: Arc<dyn Watcher> = Arc::clone(thread) as Arc<dyn Watcher>;
    let id = list.add(watcher, waiting.interest, Turn::OneOfMany)?;
    let answer = loop {
        let answer = attempt();
        if !matches!(answer, Err(Errno::EAGAIN)) {
            break answer;
        }
        if let Err(errno) = pause(thread, waiting.reason, waiting.deadline_ns) {
            break Err(errno);
        }
        list.rearm(id);
    };
    let was_woken = list.remove(id);
    // Others may have been left waiting because this thread had the turn.
    if was_woken && list.is_watched() {
        let left = file.readiness() & waiting.interest;
        if !left.is_none() {
            list.notify(left);
        }
    }
    answer
}

/// Parks the thread, which is the running one, until it is unparked; may return without reason. Goes
/// on waiting when the process is suspended and resumed meanwhile.
///
/// # Errors
/// ERESTARTSYS for a signal that is to be delivered, or the process's end; EAGAIN after the deadline.
/// Calls that are not made again behind a handler (poll, select, epoll) make ERESTARTNOHAND of it.
pub fn pause(
    thread: &Arc<Thread>,
    reason: BlockReason,
    deadline_ns: Option<u64>,
) -> Result<(), Errno> {
    let process = thread.process();
    if thread.needs_attention() {
        // A wake-up may have been taken for the resumption's: the caller looks again.
        return if process.interrupts(thread) { Err(Errno::ERESTARTSYS) } else { Ok(()) };
    }
    match deadline_ns {
        None => scheduler::park(reason),
        Some(deadline) => {
            if !scheduler::park_until(reason, deadline) {
                return Err(Errno::EAGAIN);
            }
        }
    }
    Ok(())
}

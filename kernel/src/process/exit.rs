//! The end of threads and processes.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use process_core::{ExitStatus, Pid, ProcessError, Reaper};

use super::{Process, now, table};
use crate::events::{self, Kind};
use crate::scheduler;

/// Has a process end: its threads leave at the next border between kernel and program, or end their
/// wait to do so. The first call decides how it ended.
///
/// # Errors
/// [`ProcessError::ProcessNotFound`], [`ProcessError::InvalidState`] if it has ended.
pub(super) fn begin(pid: Pid, exit: ExitStatus) -> Result<(), ProcessError> {
    let process = {
        let mut table = table().lock();
        table.terminate(pid, exit)?;
        Arc::clone(&table.get(pid)?.attachment)
    };
    // Release pairs with the acquire in `is_ending`.
    process.is_ending.store(true, Ordering::Release);
    process.call_threads();
    Ok(())
}

impl Process {
    /// Has all threads look at the process before they go on in the program.
    pub(super) fn call_threads(&self) {
        let threads = self.threads.lock().list.clone();
        for thread in threads {
            thread.call_for_attention();
        }
    }
}

/// Ends the running thread, and its process with this code if it was the last one. The caller
/// returns from its main function right afterwards.
pub fn end_thread(code: u8) {
    let Some(thread) = scheduler::current() else { return };
    let process = Arc::clone(thread.process());
    super::thread::leave_program(&thread, &process);
    let tid = thread.tid();
    if tid == process.pid.main_thread() {
        process.main_code.store(code, Ordering::Relaxed);
    }
    {
        let mut threads = process.threads.lock();
        threads.list.retain(|other| !Arc::ptr_eq(other, &thread));
        threads.ended.add_thread(&thread.figures.usage());
    }
    let heir = {
        let mut signals = process.signals.lock();
        signals.remove_thread(tid);
        signals.next_thread_with_work(None)
    };
    // What this thread was woken for may now be another's.
    if let Some(heir) = heir
        && let Some(heir) = process.thread(heir)
    {
        heir.call_for_attention();
    }
    let left = table().lock().remove_thread(tid);
    if left == Ok(0) {
        end_process(&process, process.main_code.load(Ordering::Relaxed));
    }
}

/// Releases what a process holds and leaves its exit status. Run by its last thread.
fn end_process(process: &Arc<Process>, code: u8) {
    let pid = process.pid;
    process.is_ending.store(true, Ordering::Release);
    // If nobody has decided how it ended, it ends by itself.
    let _ = table().lock().terminate(pid, ExitStatus::Code(code));
    process.stop_timers();
    let usage = process.usage();
    process.files.leave();
    let space = process.space.lock().take();
    // The last process in a space frees it.
    drop(space);
    process.leave_standpoint();
    let (name, exit, reaper) = {
        let mut table = table().lock();
        let Ok(notice) = table.become_zombie(pid, usage, now()) else { return };
        let Ok(record) = table.get(pid) else { return };
        (record.profile.name, record.state().exit(), notice.reaper)
    };
    if let Some(exit) = exit {
        let text = format_args!("{} {}", name.as_str(), How(exit));
        events::publish(Kind::ProcessExited, Some(pid), None, text);
    }
    if reaper == Reaper::Manager {
        reap(pid);
    }
    process.has_ended.store(true, Ordering::Release);
    super::shortage::memory_was_freed();
    process.ended.wake_all();
    process.output.news.wake_all();
}

/// Takes a zombie's exit status: it goes into the history.
pub(super) fn reap(pid: Pid) {
    // Before it leaves the table, so that its output can be found at any time.
    if let Ok(process) = super::find(pid) {
        super::output::keep_ended(pid, &process.output);
    }
    let reaped = table().lock().reap(pid, now());
    // Dropped without the lock.
    drop(reaped);
}

/// An exit status in words.
struct How(ExitStatus);

impl core::fmt::Display for How {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            ExitStatus::Code(code) => write!(f, "exited with code {code}"),
            ExitStatus::Signaled { signal, .. } => write!(f, "was ended by {}", signal.name()),
        }
    }
}

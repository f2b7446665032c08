//! The end of threads and processes.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use process_core::{
    Adopted, ExitNotice, ExitStatus, PendingSignal, Pid, ProcessError, ProcessName, Reaper, Signal,
    SignalCause, Uid, Usage,
};

use super::{Process, control, now, table, wait};
use crate::events::{self, Kind};
use crate::fs::Readiness;
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
    super::thread::leave_program(&thread, &process, true);
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
    thread.program.leave_set();
    // Who waits for this thread alone by a descriptor.
    process.end_watch.notify(Readiness::IN);
    let left = table().lock().remove_thread(tid);
    let survivor = process.survivor.load(Ordering::Acquire);
    if survivor != 0
        && let Ok(survivor) = process_core::Tid::new(i64::from(survivor))
        && let Some(survivor) = process.thread(survivor)
    {
        survivor.unpark();
    }
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
    crate::fs::unlock_ended(process.pid);
    if super::group_and_session_of(pid).is_ok_and(|(_, session)| session == pid) {
        crate::terminal::leader_ended(pid);
    }
    process.note_peak();
    let space = process.space.lock().take();
    // The last process in a space frees it.
    drop(space);
    process.leave_standpoint();
    process.end_vfork();
    let orphans = orphans_to_signal(pid);
    give_up_children(pid);
    let end = become_zombie(process, usage);
    if let Some(set) = process.set() {
        set.leave(process, &usage);
    }
    let Some(end) = end else { return };
    if !process.is_forked {
        let text = format_args!("{} {}", end.name.as_str(), How(end.exit));
        events::publish(Kind::ProcessExited, Some(pid), None, text);
    }
    if end.notice.reaper == Reaper::Manager {
        reap(pid);
    }
    process.has_ended.store(true, Ordering::Release);
    if process.instance != 0 {
        // Relaxed: who set it did so before the end began.
        let is_for_quota = process.is_quota_victim.load(Ordering::Relaxed);
        crate::service::process_ended(process.instance, pid, end.exit, is_for_quota);
    }
    super::shortage::memory_was_freed();
    process.ended.wake_all();
    process.end_watch.notify(Readiness::IN);
    if let Some(parent) = &end.parent {
        let child = (pid, end.uid);
        wait::tell_parent(parent, end.notice.signal, child, wait::News::Ended(end.exit));
    }
    tell_adopter(&end.notice.adopted);
    for (orphan, signal) in orphans {
        // A signal without a value finds room.
        let _ = control::deliver(&orphan, PendingSignal { signal, cause: SignalCause::Kernel });
    }
    process.output.news.wake_all();
}

/// The children that want a signal when their parent ends: prctl(2), `PR_SET_PDEATHSIG`.
fn orphans_to_signal(pid: Pid) -> Vec<(Arc<Process>, Signal)> {
    let table = table().lock();
    let wanting = table.children(pid).filter_map(|child| {
        let signal = child.attachment.death_signal()?;
        Some((Arc::clone(&child.attachment), signal))
    });
    wanting.collect()
}

/// Gives the children of a process that ends to their new parent, some at a time: who has tens of
/// thousands would hold the table, and with it every scheduler, for most of a second.
fn give_up_children(pid: Pid) {
    const AT_A_TIME: usize = 256;
    loop {
        let turn = table().lock().give_up_children(pid, AT_A_TIME);
        // It has ended, so that there is nothing to refuse.
        let Ok(adopted) = turn else { return };
        tell_adopter(&adopted);
        if !adopted.is_unfinished {
            return;
        }
    }
}

/// What is known when a process has become a zombie.
struct End {
    name: ProcessName,
    uid: Uid,
    exit: ExitStatus,
    notice: ExitNotice,
    parent: Option<Arc<Process>>,
}

fn become_zombie(process: &Process, usage: Usage) -> Option<End> {
    let usage = Box::new(usage);
    let mut table = table().lock();
    let notice = table.become_zombie(process.pid, usage, now()).ok()?;
    let record = table.get_mut(process.pid).ok()?;
    // What bound it is what is remembered.
    record.profile.limits = process.resource_limits().in_force(&record.profile.limits);
    let record = table.get(process.pid).ok()?;
    let parent = notice.wake_parent.and_then(|parent| table.get(parent).ok());
    Some(End {
        name: record.profile.name,
        uid: record.credentials().real_uid,
        exit: record.state().exit()?,
        notice,
        parent: parent.map(|parent| Arc::clone(&parent.attachment)),
    })
}

/// The children of a process that has ended have another parent: if one of them is waiting to be
/// reaped, that one is told.
fn tell_adopter(adopted: &Adopted) {
    if !adopted.has_news {
        return;
    }
    if !adopted.parent.is_system() {
        if let Ok(parent) = super::find(adopted.parent) {
            let child = PendingSignal { signal: Signal::SIGCHLD, cause: SignalCause::Kernel };
            // A signal without a value finds room.
            let _ = control::deliver(&parent, child);
            parent.wake_waiting();
        }
        return;
    }
    loop {
        let next = table().lock().next_unclaimed_zombie();
        match next {
            Some(pid) => reap(pid),
            None => break,
        }
    }
}

/// Takes a zombie's exit status: it goes into the history.
pub(super) fn reap(pid: Pid) {
    // Before it leaves the table, so that its output can be found at any time.
    if let Ok(process) = super::find(pid)
        && !process.is_forked
    {
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

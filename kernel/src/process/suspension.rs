//! Suspension: what the table says about a process, the flag by which its threads know, and the
//! place where they wait.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use process_core::{BlockReason, HandlerFlags, ProcessError, ProcessState, ProcessTable, Signal};

use super::wait::{self, News};
use super::{Process, table};
use crate::scheduler::{self, Thread};

impl Process {
    /// Whether it is suspended.
    #[must_use]
    pub fn is_held(&self) -> bool {
        // Acquire pairs with the release in `change_suspension`.
        self.is_suspended.load(Ordering::Acquire)
    }

    /// Has a thread of it wait until it is no longer suspended, or is to end: for calls that go on
    /// where they were. Takes the thread's calls for attention.
    pub fn wait_while_held(&self, thread: &Thread) {
        while self.is_held() && !self.is_ending() {
            let _ = thread.take_attention();
            scheduler::park(BlockReason::Signal);
        }
        let _ = thread.take_attention();
        if self.is_to_leave(thread) || self.signals.lock().has_work(thread.tid()) {
            thread.note_attention();
        }
    }

    /// Whether a wait of this thread, the running one, is to end: because of a signal, or because
    /// the process is to end. Waits here while the process is suspended.
    #[must_use]
    pub fn interrupts(&self, thread: &Thread) -> bool {
        if thread.needs_attention() {
            self.wait_while_held(thread);
        }
        thread.needs_attention()
    }

    /// An operator suspends it.
    pub(super) fn hold(&self) -> Result<(), ProcessError> {
        self.change_suspension(|table| table.suspend(self.pid))
    }

    /// An operator lets it go on, whatever had suspended it.
    pub(super) fn let_go(&self) -> Result<(), ProcessError> {
        self.change_suspension(|table| table.resume(self.pid))
    }

    /// A stop signal takes effect.
    pub(super) fn stop(&self, signal: Signal) -> Result<(), ProcessError> {
        self.change_suspension(|table| table.stop(self.pid, signal))?;
        self.tell_parent(News::Stopped(signal));
        Ok(())
    }

    /// SIGCONT takes effect. If an operator holds the process too, it is suspended still.
    pub(super) fn go_on(&self) -> Result<(), ProcessError> {
        self.change_suspension(|table| table.continue_stopped(self.pid).map(drop))?;
        self.tell_parent(News::Continued);
        Ok(())
    }

    /// Its parent may wait for stops, and hears of them by a signal unless it has asked not to:
    /// sigaction(2), `SA_NOCLDSTOP`.
    fn tell_parent(&self, news: News) {
        let (parent, uid) = {
            let table = table().lock();
            let Ok(record) = table.get(self.pid) else { return };
            let Ok(parent) = table.get(record.parent()) else { return };
            (Arc::clone(&parent.attachment), record.credentials().real_uid)
        };
        let action = parent.signals.lock().action(Signal::SIGCHLD);
        let wants = !action.flags.has(HandlerFlags::NO_CHILD_STOP);
        wait::tell_parent(&parent, wants.then_some(Signal::SIGCHLD), (self.pid, uid), news);
    }

    /// Changes the state in the table and the flag in one step: two CPUs that stop and continue a
    /// process at the same moment must not leave a flag that contradicts the table.
    fn change_suspension(
        &self,
        change: impl FnOnce(&mut ProcessTable<Arc<Self>>) -> Result<(), ProcessError>,
    ) -> Result<(), ProcessError> {
        {
            let mut table = table().lock();
            change(&mut table)?;
            let state = table.get(self.pid)?.state();
            // Release pairs with the acquire in `is_held`.
            self.is_suspended
                .store(matches!(state, ProcessState::Suspended { .. }), Ordering::Release);
        }
        self.call_threads();
        Ok(())
    }
}

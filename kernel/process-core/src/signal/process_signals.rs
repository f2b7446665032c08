//! One process's signals: its dispositions, its pending signals, and its threads' masks.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::error::ProcessError;
use crate::fallible::OUT_OF_MEMORY;
use crate::ids::Tid;
use crate::signal::disposition::Dispositions;
use crate::signal::pending::{PendingSignals, QueueAccount, QueuedSignals};
use crate::signal::record::{SignalLog, SignalRecord};
use crate::signal::{AlternateStack, Disposition, Signal, SignalHandler, SignalSet};
use crate::timers::ProcessTimers;
use crate::usage::SignalUsage;

/// What the process's surroundings say about its signals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SignalContext {
    /// It is init: default actions do not touch it, unless the kernel or an operator sends.
    pub is_protected: bool,
    /// Its group is orphaned ([`crate::ProcessTable::is_orphaned`]): a terminal's stops are ignored.
    /// Only [`SignalSet::STOPS`] depend on it.
    pub is_orphaned: bool,
}

/// What an observer is shown of a process's signals.
#[derive(Clone, Debug)]
pub struct SignalsOverview {
    /// Those with a handler.
    pub caught: SignalSet,
    /// Those that the program ignores.
    pub ignored: SignalSet,
    /// Those that wait for any thread.
    pub pending: SignalSet,
    /// The threads', by number.
    pub threads: Vec<ThreadOverview>,
    /// The last that were dealt with, newest first.
    pub recent: Vec<SignalRecord>,
}

/// What an observer is shown of a thread's signals.
#[derive(Clone, Copy, Debug)]
pub struct ThreadOverview {
    /// Which thread.
    pub tid: Tid,
    /// Those that it blocks.
    pub blocked: SignalSet,
    /// Those that wait for it alone.
    pub pending: SignalSet,
}

/// One thread's part.
#[derive(Debug)]
pub(super) struct ThreadSignals {
    pub(super) tid: Tid,
    pub(super) mask: SignalSet,
    /// The mask that comes back after sigsuspend(2) and its like.
    pub(super) saved_mask: Option<SignalSet>,
    /// What a sigtimedwait(2) waits for.
    pub(super) awaited: SignalSet,
    pub(super) pending: PendingSignals,
    pub(super) alternate_stack: AlternateStack,
}

/// One process's signals. The kernel keeps it in the process, under a lock of its own.
#[derive(Debug)]
pub struct ProcessSignals {
    pub(super) dispositions: Dispositions,
    pub(super) pending: PendingSignals,
    /// Sorted by number.
    pub(super) threads: Vec<ThreadSignals>,
    pub(super) log: SignalLog,
    pub(super) timers: ProcessTimers,
    pub(super) account: QueueAccount,
}

impl ProcessSignals {
    /// The signals of a new process with one thread that blocks these.
    ///
    /// # Errors
    /// [`ProcessError::ResourceExhausted`].
    pub fn new(main_thread: Tid, mask: SignalSet) -> Result<Self, ProcessError> {
        let mut signals = Self {
            dispositions: Dispositions::default(),
            pending: PendingSignals::default(),
            threads: Vec::new(),
            log: SignalLog::default(),
            timers: ProcessTimers::default(),
            account: QueueAccount { limit: u32::MAX, ..QueueAccount::default() },
        };
        signals.add_thread(main_thread, mask)?;
        Ok(signals)
    }

    /// The signals of a forked child, whose one thread has the mask of the thread that forked:
    /// fork(2). Nothing is pending in it.
    ///
    /// # Errors
    /// [`ProcessError::ResourceExhausted`].
    pub fn fork(&self, forking: Tid, main_thread: Tid) -> Result<Self, ProcessError> {
        let mut child = Self::new(main_thread, self.mask(forking))?;
        child.account = self.account.clone();
        child.dispositions = self.dispositions.try_clone()?;
        child.set_alternate_stack(main_thread, self.alternate_stack(forking));
        Ok(child)
    }

    /// What is queued from now on counts for this user.
    pub fn count_for(&mut self, user: Arc<QueuedSignals>) {
        self.account.user = Some(user);
    }

    /// Changes how many signals its user may have queued for another one to be queued here.
    pub fn set_queue_limit(&mut self, limit: u32) {
        self.account.limit = limit;
    }

    /// How many signals are queued for all of its user's processes.
    pub fn queued_for_user(&self) -> u32 {
        self.account.user.as_ref().map_or(0, |user| user.count())
    }

    /// A thread, the only one, has another number from now on.
    pub fn renumber(&mut self, from: Tid, to: Tid) {
        if let Some(thread) = self.thread_mut(from) {
            thread.tid = to;
        }
    }

    /// The child starts without handlers: clone3(2), `CLONE_CLEAR_SIGHAND`.
    pub fn clear_handlers(&mut self) {
        self.dispositions.reset_handlers();
    }

    /// A program has been executed: handlers and alternate stacks are gone, ignored signals stay
    /// ignored: execve(2).
    pub fn reset_for_program(&mut self) {
        self.dispositions.reset_handlers();
        self.timers.delete_created();
        for thread in &mut self.threads {
            thread.alternate_stack = AlternateStack::NONE;
        }
    }

    /// A thread's stack for handlers: sigaltstack(2).
    pub fn alternate_stack(&self, tid: Tid) -> AlternateStack {
        self.thread(tid).map_or(AlternateStack::NONE, |thread| thread.alternate_stack)
    }

    /// Sets a thread's stack for handlers, which [`AlternateStack::check_replacement`] has let
    /// through.
    pub fn set_alternate_stack(&mut self, tid: Tid, stack: AlternateStack) {
        if let Some(thread) = self.thread_mut(tid) {
            thread.alternate_stack = stack;
        }
    }

    /// A further thread, which blocks these.
    ///
    /// # Errors
    /// [`ProcessError::ResourceExhausted`].
    pub fn add_thread(&mut self, tid: Tid, mask: SignalSet) -> Result<(), ProcessError> {
        if let Err(position) = self.position(tid) {
            self.threads.try_reserve(1).map_err(|_| OUT_OF_MEMORY)?;
            self.threads.insert(
                position,
                ThreadSignals {
                    tid,
                    mask: mask.difference(SignalSet::UNSTOPPABLE),
                    saved_mask: None,
                    awaited: SignalSet::EMPTY,
                    pending: PendingSignals::default(),
                    alternate_stack: AlternateStack::NONE,
                },
            );
        }
        Ok(())
    }

    /// A thread is gone, with what was pending for it alone. What it was woken for may now be
    /// another's: [`Self::next_thread_with_work`] says whose.
    pub fn remove_thread(&mut self, tid: Tid) {
        if let Ok(position) = self.position(tid) {
            self.threads.remove(position);
        }
    }

    /// The threads' numbers, in order.
    pub fn threads(&self) -> impl Iterator<Item = Tid> {
        self.threads.iter().map(|thread| thread.tid)
    }

    fn position(&self, tid: Tid) -> Result<usize, usize> {
        self.threads.binary_search_by_key(&tid, |thread| thread.tid)
    }

    pub(super) fn thread(&self, tid: Tid) -> Option<&ThreadSignals> {
        self.threads.get(self.position(tid).ok()?)
    }

    pub(super) fn thread_mut(&mut self, tid: Tid) -> Option<&mut ThreadSignals> {
        let position = self.position(tid).ok()?;
        self.threads.get_mut(position)
    }

    /// What a thread blocks.
    pub fn mask(&self, tid: Tid) -> SignalSet {
        self.thread(tid).map_or(SignalSet::EMPTY, |thread| thread.mask)
    }

    /// Sets what a thread blocks: sigprocmask(2), sigreturn(2). SIGKILL and SIGSTOP cannot be
    /// blocked. What is blocked now may have to go to another thread:
    /// [`Self::next_thread_with_work`] says to which.
    pub fn set_mask(&mut self, tid: Tid, mask: SignalSet) {
        if let Some(thread) = self.thread_mut(tid) {
            thread.mask = mask.difference(SignalSet::UNSTOPPABLE);
        }
    }

    /// Blocks these while a thread waits, as sigsuspend(2), ppoll(2) and pselect(2) do; the
    /// handler that ends the wait returns to the former mask.
    pub fn set_mask_for_wait(&mut self, tid: Tid, mask: SignalSet) {
        if let Some(thread) = self.thread_mut(tid) {
            thread.saved_mask.get_or_insert(thread.mask);
            thread.mask = mask.difference(SignalSet::UNSTOPPABLE);
        }
    }

    /// The wait has ended without a handler: the former mask comes back.
    pub fn restore_mask_after_wait(&mut self, tid: Tid) {
        if let Some(thread) = self.thread_mut(tid)
            && let Some(mask) = thread.saved_mask.take()
        {
            thread.mask = mask;
        }
    }

    /// What a thread waits for in sigtimedwait(2); empty when the wait is over.
    pub fn set_awaited(&mut self, tid: Tid, awaited: SignalSet) {
        if let Some(thread) = self.thread_mut(tid) {
            thread.awaited = awaited.difference(SignalSet::UNSTOPPABLE);
        }
    }

    /// What is pending for a thread and blocked by it: sigpending(2).
    pub fn pending(&self, tid: Tid) -> SignalSet {
        let Some(thread) = self.thread(tid) else { return SignalSet::EMPTY };
        thread.pending.set().union(self.pending.set()).intersection(thread.mask)
    }

    /// What is pending for a thread alone, and for the process, blocked or not.
    pub fn pending_apart(&self, tid: Tid) -> (SignalSet, SignalSet) {
        let own = self.thread(tid).map_or(SignalSet::EMPTY, |thread| thread.pending.set());
        (own, self.pending.set())
    }

    /// Whether one of these is pending for a thread, blocked or not: signalfd(2).
    pub fn has_pending(&self, tid: Tid, wanted: SignalSet) -> bool {
        let Some(thread) = self.thread(tid) else { return false };
        let pending = thread.pending.set().union(self.pending.set());
        !pending.intersection(wanted).is_empty()
    }

    /// Whether a thread has to deal with a signal before it goes on in its program.
    pub fn has_work(&self, tid: Tid) -> bool {
        self.thread(tid).is_some_and(|thread| self.thread_has_work(thread))
    }

    fn thread_has_work(&self, thread: &ThreadSignals) -> bool {
        let pending = thread.pending.set().union(self.pending.set());
        !pending.difference(thread.mask).is_empty()
    }

    /// The first thread after `after` that has to deal with a signal, to be woken.
    pub fn next_thread_with_work(&self, after: Option<Tid>) -> Option<Tid> {
        let start = match after.map(|tid| self.position(tid)) {
            None => 0,
            Some(Ok(position)) => position + 1,
            Some(Err(position)) => position,
        };
        self.threads
            .get(start..)?
            .iter()
            .find(|thread| self.thread_has_work(thread))
            .map(|thread| thread.tid)
    }

    /// A thread other than this one that would take what is pending for the process, to be woken
    /// when this one blocks more than before.
    pub fn thread_for_pending(&self, except: Tid) -> Option<Tid> {
        let pending = self.pending.set();
        if pending.is_empty() {
            return None;
        }
        let takes = |thread: &&ThreadSignals| {
            thread.tid != except && !pending.difference(thread.mask).is_empty()
        };
        self.threads.iter().find(takes).map(|thread| thread.tid)
    }

    /// What the process has asked for about a signal.
    pub fn disposition(&self, signal: Signal) -> Disposition {
        self.dispositions.get(signal)
    }

    /// Asks for something else about a signal: sigaction(2). A pending signal that is ignored
    /// from now on is dropped.
    ///
    /// # Errors
    /// [`ProcessError::SignalNotSupported`] for SIGKILL and SIGSTOP, whose default cannot be
    /// changed; [`ProcessError::ResourceExhausted`].
    pub fn set_disposition(
        &mut self,
        signal: Signal,
        disposition: Disposition,
    ) -> Result<(), ProcessError> {
        if signal.is_unstoppable() {
            return Err(ProcessError::SignalNotSupported {
                signal: i64::from(signal.number()),
                pid: None,
            });
        }
        self.dispositions.set(signal, disposition)?;
        self.drop_ignored(signal);
        Ok(())
    }

    /// What the process has passed to sigaction(2): address 0 for the default, 1 to ignore.
    pub fn action(&self, signal: Signal) -> SignalHandler {
        self.dispositions.action(signal)
    }

    /// As [`Self::set_disposition`], with flags and mask that are kept whatever the address is.
    ///
    /// # Errors
    /// See [`Self::set_disposition`].
    pub fn set_action(
        &mut self,
        signal: Signal,
        action: SignalHandler,
    ) -> Result<(), ProcessError> {
        if signal.is_unstoppable() {
            return Err(ProcessError::SignalNotSupported {
                signal: i64::from(signal.number()),
                pid: None,
            });
        }
        self.dispositions.set_action(signal, action)?;
        self.drop_ignored(signal);
        Ok(())
    }

    fn drop_ignored(&mut self, signal: Signal) {
        if self.dispositions.ignores(signal) {
            self.drop_pending(SignalSet::EMPTY.with(signal));
        }
    }

    /// Timers that send signals.
    pub const fn timers(&self) -> &ProcessTimers {
        &self.timers
    }

    /// As [`Self::timers`], to be changed.
    pub const fn timers_mut(&mut self) -> &mut ProcessTimers {
        &mut self.timers
    }

    /// Removes a timer that the program has created, and its signal if that is pending; says whether
    /// there was one.
    pub fn delete_timer(&mut self, id: i32) -> bool {
        self.pending.remove_timer(id);
        for thread in &mut self.threads {
            thread.pending.remove_timer(id);
        }
        self.timers.delete(id)
    }

    /// Drops these signals wherever they are pending.
    pub(super) fn drop_pending(&mut self, signals: SignalSet) {
        self.pending.remove(signals);
        for thread in &mut self.threads {
            thread.pending.remove(signals);
        }
    }

    /// All of it that an observer wants to know, copied. What finds no memory is left out.
    pub fn overview(&self) -> SignalsOverview {
        let mut overview = SignalsOverview {
            caught: self.dispositions.caught(),
            ignored: self.dispositions.ignored(),
            pending: self.pending.set(),
            threads: Vec::new(),
            recent: Vec::new(),
        };
        if overview.threads.try_reserve_exact(self.threads.len()).is_ok() {
            overview.threads.extend(self.threads.iter().map(|thread| ThreadOverview {
                tid: thread.tid,
                blocked: thread.mask,
                pending: thread.pending.set(),
            }));
        }
        if overview.recent.try_reserve_exact(self.log.recent().count()).is_ok() {
            overview.recent.extend(self.log.recent().copied());
        }
        overview
    }

    /// How many signals there were.
    pub const fn usage(&self) -> SignalUsage {
        self.log.usage
    }

    /// The last signals that were dealt with, newest first.
    pub fn recent(&self) -> impl Iterator<Item = &SignalRecord> {
        self.log.recent()
    }
}

#[cfg(test)]
mod tests;

//! Signals that have been sent and not delivered.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::credentials::Uid;
use crate::error::{ProcessError, Resource};
use crate::ids::Pid;
use crate::signal::{Signal, SignalSet};

/// The signals that are queued for all processes of a user: what RLIMIT_SIGPENDING bounds, getrlimit(2).
#[derive(Default, Debug)]
pub struct QueuedSignals(AtomicU32);

impl QueuedSignals {
    /// How many there are.
    pub fn count(&self) -> u32 {
        // Relaxed, as everywhere here: a count, which orders nothing.
        self.0.load(Ordering::Relaxed)
    }

    /// Counts one more, if there are fewer than `limit`.
    fn take(self: &Arc<Self>, limit: u32) -> Option<Counted> {
        let more = |count: u32| (count < limit).then(|| count.saturating_add(1));
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Counted(Arc::clone(self)))
    }
}

/// A signal that counts for its user, until it is dropped.
#[derive(Debug)]
struct Counted(Arc<QueuedSignals>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where a process's signals are counted, and how many there may be.
#[derive(Clone, Default, Debug)]
pub(super) struct QueueAccount {
    /// None before it is known whose they are: then nothing is counted.
    pub(super) user: Option<Arc<QueuedSignals>>,
    pub(super) limit: u32,
}

impl QueueAccount {
    /// Counts one signal more; `None` if there are too many.
    fn take(&self, is_bound: bool) -> Option<Option<Counted>> {
        let limit = if is_bound { self.limit } else { u32::MAX };
        match &self.user {
            Some(user) => user.take(limit).map(Some),
            None => Some(None),
        }
    }
}

/// Why a signal was sent: the contents of `siginfo_t`, sigaction(2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignalCause {
    /// kill(2): SI_USER.
    User {
        /// Who sent it.
        pid: Pid,
        /// For whom.
        uid: Uid,
    },
    /// tkill(2), tgkill(2): SI_TKILL.
    Thread {
        /// Who sent it.
        pid: Pid,
        /// For whom.
        uid: Uid,
    },
    /// sigqueue(3) and the like, with a value.
    Queue {
        /// Who sent it.
        pid: Pid,
        /// For whom.
        uid: Uid,
        /// The code that the sender gave; negative.
        code: i32,
        /// The value that the sender gave.
        value: u64,
    },
    /// The kernel itself: SI_KERNEL.
    Kernel,
    /// An operator, by the admin API.
    Operator,
    /// A fault of the thread itself.
    Fault {
        /// Which kind, as `si_code` says for the signal.
        code: i32,
        /// The address that was touched or executed.
        address: u64,
    },
    /// A child has stopped, gone on or ended.
    Child {
        /// The child.
        pid: Pid,
        /// For whom it ran.
        uid: Uid,
        /// What happened: CLD_EXITED and so on.
        code: i32,
        /// The exit code or signal.
        status: i32,
    },
    /// A timer: SI_TIMER.
    Timer {
        /// Which one.
        id: i32,
        /// How often it has run out since.
        overruns: i32,
        /// The value that the program gave.
        value: u64,
    },
}

impl SignalCause {
    /// The process that sent the signal, if one did.
    pub const fn sender(&self) -> Option<Pid> {
        match self {
            Self::User { pid, .. } | Self::Thread { pid, .. } | Self::Queue { pid, .. } => {
                Some(*pid)
            }
            Self::Child { pid, .. } => Some(*pid),
            _ => None,
        }
    }

    /// Whether the signal must get through to a protected process.
    pub(super) const fn is_forced(&self) -> bool {
        matches!(self, Self::Kernel | Self::Operator | Self::Fault { .. })
    }
}

/// A signal with its cause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PendingSignal {
    /// The signal.
    pub signal: Signal,
    /// Why it was sent.
    pub cause: SignalCause,
}

/// The signals that are pending for a process or a thread.
///
/// A standard signal is pending once, with the cause of the first sending; real-time signals
/// queue. The set is the truth: a signal whose cause found no room is pending without one.
#[derive(Default, Debug)]
pub(super) struct PendingSignals {
    set: SignalSet,
    queue: VecDeque<Queued>,
}

#[derive(Debug)]
struct Queued {
    pending: PendingSignal,
    _counted: Option<Counted>,
}

impl PendingSignals {
    pub(super) const fn set(&self) -> SignalSet {
        self.set
    }

    pub(super) fn add(
        &mut self,
        signal: Signal,
        cause: SignalCause,
        account: &QueueAccount,
    ) -> Result<(), ProcessError> {
        if let SignalCause::Timer { id, overruns, .. } = cause
            && self.note_overrun(id, overruns)
        {
            return Ok(());
        }
        if !signal.is_real_time() && self.set.contains(signal) {
            return Ok(());
        }
        // As on Linux, ordinary signals of kill(2) and the kernel have room whatever the limit is, and
        // so have timers, of which each has one signal.
        let is_sent = matches!(cause, SignalCause::Queue { .. } | SignalCause::Thread { .. });
        let is_timer = matches!(cause, SignalCause::Timer { .. });
        let is_bound = !is_timer && (is_sent || signal.is_real_time());
        let counted = account.take(is_bound);
        match counted.filter(|_| self.queue.try_reserve(1).is_ok()) {
            Some(counted) => {
                let pending = PendingSignal { signal, cause };
                self.queue.push_back(Queued { pending, _counted: counted });
            }
            // sigqueue(3) promises that a value arrives or the call fails; kill(2) does not.
            None if signal.is_real_time() && is_sent => {
                return Err(ProcessError::ResourceExhausted { resource: Resource::PendingSignals });
            }
            None => {}
        }
        self.set = self.set.with(signal);
        Ok(())
    }

    /// A timer whose signal is still pending sends no other: the signal tells how often.
    fn note_overrun(&mut self, timer: i32, beyond: i32) -> bool {
        let overruns = self.queue.iter_mut().find_map(|queued| match &mut queued.pending.cause {
            SignalCause::Timer { id, overruns, .. } if *id == timer => Some(overruns),
            _ => None,
        });
        let Some(overruns) = overruns else { return false };
        *overruns = overruns.saturating_add(beyond).saturating_add(1);
        true
    }

    /// Takes back what a timer has sent.
    pub(super) fn remove_timer(&mut self, timer: i32) {
        let is_its = |queued: &Queued| matches!(queued.pending.cause, SignalCause::Timer { id, .. } if id == timer);
        let Some(position) = self.queue.iter().position(is_its) else { return };
        if let Some(removed) = self.queue.remove(position)
            && !self.queue.iter().any(|other| other.pending.signal == removed.pending.signal)
        {
            self.set = self.set.without(removed.pending.signal);
        }
    }

    pub(super) fn remove(&mut self, signals: SignalSet) {
        if self.set.intersection(signals).is_empty() {
            return;
        }
        self.set = self.set.difference(signals);
        self.queue.retain(|queued| !signals.contains(queued.pending.signal));
    }

    /// Takes the first of these signals: those of faults before others, then the lowest number,
    /// and the oldest of one number.
    pub(super) fn take(&mut self, wanted: SignalSet) -> Option<PendingSignal> {
        let ready = self.set.intersection(wanted);
        let urgent = ready.intersection(SignalSet::SYNCHRONOUS);
        let signal = urgent.lowest().or_else(|| ready.lowest())?;
        let is_this = |queued: &Queued| queued.pending.signal == signal;
        let taken =
            self.queue.iter().position(is_this).and_then(|position| self.queue.remove(position));
        if !self.queue.iter().any(is_this) {
            self.set = self.set.without(signal);
        }
        // Linux too shows a signal whose cause was lost as one sent by process 0.
        let unknown = SignalCause::User { pid: Pid::SYSTEM, uid: Uid(0) };
        let taken = taken.map(|queued| queued.pending);
        Some(taken.unwrap_or(PendingSignal { signal, cause: unknown }))
    }
}

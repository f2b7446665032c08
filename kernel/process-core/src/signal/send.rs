//! Sending: what a signal means for a process at the moment it arrives.
//!
//! A default action that ends or stops the process is decided here, not when a thread next
//! returns to its program: so it needs no thread to run, and a process all of whose threads wait
//! in the kernel ends at once. Handlers and blocked signals become pending.

use crate::error::ProcessError;
use crate::exit::ExitStatus;
use crate::ids::{Instant, Tid};
use crate::signal::process_signals::ThreadSignals;
use crate::signal::{
    DefaultAction, Disposition, PendingSignal, ProcessSignals, Signal, SignalContext, SignalEffect,
    SignalRecord, SignalSet,
};

/// Whom a signal is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignalTarget {
    /// Any thread of the process.
    Process,
    /// This thread.
    Thread(Tid),
}

/// What the kernel has to do about a signal that was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhatFollows {
    /// Nothing: it is ignored, or pending until it is unblocked.
    Nothing,
    /// This thread is to be woken from an interruptible wait, and to ask for its signals before
    /// it returns to its program.
    Wake(Tid),
    /// The process ends like this: [`crate::ProcessTable::terminate`].
    Terminate(ExitStatus),
    /// The process is suspended: [`crate::ProcessTable::stop`].
    Stop(Signal),
}

/// The answer to a sending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sent {
    /// A process that a signal has stopped goes on first:
    /// [`crate::ProcessTable::continue_stopped`].
    pub continues: bool,
    /// What is to be done then.
    pub follows: WhatFollows,
}

impl ProcessSignals {
    /// Sends a signal that the sender may send ([`crate::ProcessTable::check_signal`]).
    ///
    /// # Errors
    /// [`ProcessError::ResourceExhausted`] if a queued value found no room;
    /// [`ProcessError::InvalidPid`] if the target thread is not of this process.
    pub fn send(
        &mut self,
        target: SignalTarget,
        sent: PendingSignal,
        context: SignalContext,
        now: Instant,
    ) -> Result<Sent, ProcessError> {
        if let SignalTarget::Thread(tid) = target
            && self.thread(tid).is_none()
        {
            return Err(ProcessError::InvalidPid { value: i64::from(tid.number()) });
        }
        let usage = &mut self.log.usage;
        usage.received = usage.received.saturating_add(1);
        let signal = sent.signal;
        // Going on and stopping cancel each other, whatever becomes of the signals themselves.
        let continues = signal == Signal::SIGCONT;
        if signal == Signal::SIGCONT {
            self.drop_pending(SignalSet::STOPS);
        } else if SignalSet::STOPS.contains(signal) {
            self.drop_pending(SignalSet::EMPTY.with(Signal::SIGCONT));
        }
        let is_default = self.disposition(signal) == Disposition::Default;
        if is_default && context.is_protected && !sent.cause.is_forced() {
            self.note(sent, SignalEffect::Ignored, now);
            return Ok(Sent { continues, follows: WhatFollows::Nothing });
        }
        let follows = self.arrive(target, sent, context, now)?;
        Ok(Sent { continues, follows })
    }

    fn arrive(
        &mut self,
        target: SignalTarget,
        sent: PendingSignal,
        context: SignalContext,
        now: Instant,
    ) -> Result<WhatFollows, ProcessError> {
        let signal = sent.signal;
        if let Some(awaiting) = self.find_thread(target, |thread| thread.awaited.contains(signal)) {
            self.make_pending(target, sent)?;
            return Ok(WhatFollows::Wake(awaiting));
        }
        let Some(tid) = self.find_thread(target, |thread| !thread.mask.contains(signal)) else {
            // Blocked: it stays even if it is ignored now, because that can change before it is
            // unblocked.
            self.make_pending(target, sent)?;
            return Ok(WhatFollows::Nothing);
        };
        let action = match self.disposition(signal) {
            Disposition::Handler(_) => {
                self.make_pending(target, sent)?;
                return Ok(WhatFollows::Wake(tid));
            }
            Disposition::Ignore => DefaultAction::Ignore,
            Disposition::Default => signal.default_action(),
        };
        let (effect, follows) = default_effect(signal, action, context);
        self.note(sent, effect, now);
        Ok(follows)
    }

    /// A fault of a thread itself, which cannot be put off: if the program blocks or ignores the
    /// signal, it ends.
    pub fn raise_fault(&mut self, tid: Tid, fault: PendingSignal, now: Instant) -> WhatFollows {
        let usage = &mut self.log.usage;
        usage.received = usage.received.saturating_add(1);
        let signal = fault.signal;
        let is_blocked = self.mask(tid).contains(signal);
        let is_caught = matches!(self.disposition(signal), Disposition::Handler(_));
        if is_caught && !is_blocked && self.make_pending(SignalTarget::Thread(tid), fault).is_ok() {
            return WhatFollows::Wake(tid);
        }
        self.note(fault, SignalEffect::Terminated, now);
        WhatFollows::Terminate(ExitStatus::by_signal(signal))
    }

    fn make_pending(
        &mut self,
        target: SignalTarget,
        sent: PendingSignal,
    ) -> Result<(), ProcessError> {
        let account = self.account.clone();
        let queue = match target {
            SignalTarget::Process => &mut self.pending,
            SignalTarget::Thread(tid) => match self.thread_mut(tid) {
                Some(thread) => &mut thread.pending,
                None => return Ok(()),
            },
        };
        queue.add(sent.signal, sent.cause, &account)
    }

    /// The first thread that is meant and fits; the main thread comes first, as on Linux.
    fn find_thread(
        &self,
        target: SignalTarget,
        fits: impl Fn(&ThreadSignals) -> bool,
    ) -> Option<Tid> {
        match target {
            SignalTarget::Thread(tid) => {
                self.thread(tid).filter(|thread| fits(thread)).map(|thread| thread.tid)
            }
            SignalTarget::Process => {
                self.threads.iter().find(|thread| fits(thread)).map(|thread| thread.tid)
            }
        }
    }

    pub(super) fn note(&mut self, signal: PendingSignal, effect: SignalEffect, at: Instant) {
        self.log.note(SignalRecord {
            signal: signal.signal,
            sender: signal.cause.sender(),
            effect,
            at,
        });
    }
}

/// What a default action does.
pub(super) fn default_effect(
    signal: Signal,
    action: DefaultAction,
    context: SignalContext,
) -> (SignalEffect, WhatFollows) {
    match action {
        DefaultAction::Terminate | DefaultAction::Core => {
            (SignalEffect::Terminated, WhatFollows::Terminate(ExitStatus::by_signal(signal)))
        }
        DefaultAction::Stop if context.is_orphaned && signal != Signal::SIGSTOP => {
            (SignalEffect::Ignored, WhatFollows::Nothing)
        }
        DefaultAction::Stop => (SignalEffect::Stopped, WhatFollows::Stop(signal)),
        DefaultAction::Continue => (SignalEffect::Continued, WhatFollows::Nothing),
        DefaultAction::Ignore => (SignalEffect::Ignored, WhatFollows::Nothing),
    }
}

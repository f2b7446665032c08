//! Delivering: what a thread does about its signals before it returns to its program.

use crate::exit::ExitStatus;
use crate::ids::{Instant, Tid};
use crate::signal::send::{WhatFollows, default_effect};
use crate::signal::{
    DefaultAction, Disposition, HandlerFlags, PendingSignal, ProcessSignals, Signal, SignalCause,
    SignalContext, SignalEffect, SignalHandler, SignalSet,
};

/// What a thread has to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// Build a frame on the user's stack and go on in the handler. The thread's mask is the
    /// handler's already.
    Handler {
        /// The signal and its cause.
        signal: PendingSignal,
        /// The handler.
        handler: SignalHandler,
        /// The mask to be put into the frame, which sigreturn(2) restores.
        return_mask: SignalSet,
    },
    /// The process ends.
    Terminate(ExitStatus),
    /// The process is suspended; ask again when it goes on.
    Stop(Signal),
}

impl ProcessSignals {
    /// The next thing that a thread has to do, `None` if it can go on in its program. To be asked
    /// until it answers `None` or something other than a handler: several handlers stack up.
    pub fn next_delivery(
        &mut self,
        tid: Tid,
        context: SignalContext,
        now: Instant,
    ) -> Option<Delivery> {
        loop {
            let signal = self.take_unblocked(tid)?;
            let action = match self.disposition(signal.signal) {
                Disposition::Handler(handler) => {
                    return Some(self.enter_handler(tid, signal, handler, now));
                }
                Disposition::Ignore => DefaultAction::Ignore,
                Disposition::Default if context.is_protected && !signal.cause.is_forced() => {
                    DefaultAction::Ignore
                }
                Disposition::Default => signal.signal.default_action(),
            };
            let (effect, follows) = default_effect(signal.signal, action, context);
            self.note(signal, effect, now);
            match follows {
                WhatFollows::Terminate(exit) => return Some(Delivery::Terminate(exit)),
                WhatFollows::Stop(signal) => return Some(Delivery::Stop(signal)),
                WhatFollows::Nothing | WhatFollows::Wake(_) => {}
            }
        }
    }

    fn take_unblocked(&mut self, tid: Tid) -> Option<PendingSignal> {
        let unblocked = SignalSet::from_bits(!self.mask(tid).bits());
        self.take(tid, unblocked)
    }

    /// From the thread's own signals first, then the process's.
    fn take(&mut self, tid: Tid, wanted: SignalSet) -> Option<PendingSignal> {
        let own = self.thread_mut(tid)?.pending.take(wanted);
        let taken = own.or_else(|| self.pending.take(wanted))?;
        if let SignalCause::Timer { id, overruns, .. } = taken.cause {
            self.timers.note_taken(id, overruns);
        }
        Some(taken)
    }

    /// Takes one of these signals for a call that waits for them: sigtimedwait(2), signalfd(2).
    pub fn take_awaited(
        &mut self,
        tid: Tid,
        wanted: SignalSet,
        now: Instant,
    ) -> Option<PendingSignal> {
        let signal = self.take(tid, wanted.difference(SignalSet::UNSTOPPABLE))?;
        self.note(signal, SignalEffect::Taken, now);
        Some(signal)
    }

    fn enter_handler(
        &mut self,
        tid: Tid,
        signal: PendingSignal,
        handler: SignalHandler,
        now: Instant,
    ) -> Delivery {
        self.note(signal, SignalEffect::Handler, now);
        if handler.flags.has(HandlerFlags::RESET_HANDLER) {
            self.dispositions.forget_handler(signal.signal);
        }
        let mut blocked = handler.mask;
        if !handler.flags.has(HandlerFlags::NO_DEFER) {
            blocked = blocked.with(signal.signal);
        }
        let mut return_mask = SignalSet::EMPTY;
        if let Some(thread) = self.thread_mut(tid) {
            return_mask = thread.saved_mask.take().unwrap_or(thread.mask);
            thread.mask = thread.mask.union(blocked).difference(SignalSet::UNSTOPPABLE);
        }
        Delivery::Handler { signal, handler, return_mask }
    }
}

//! What has happened to a process's signals: counts, and the last ones in detail.

use alloc::collections::VecDeque;

use crate::ids::{Instant, Pid};
use crate::scheduling::words;
use crate::signal::Signal;
use crate::usage::SignalUsage;

/// How many are remembered.
const REMEMBERED: usize = 16;

words! {
    /// What a signal has done.
    SignalEffect {
        /// A handler was started.
        Handler = "handler",
        /// The process was ended.
        Terminated = "terminated",
        /// The process was suspended.
        Stopped = "stopped",
        /// The process was let go on.
        Continued = "continued",
        /// A waiting call took it: sigtimedwait(2), signalfd(2).
        Taken = "taken",
        /// Nothing: it is ignored.
        Ignored = "ignored",
    }
}

/// A signal that has been dealt with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignalRecord {
    /// The signal.
    pub signal: Signal,
    /// Who sent it, if a process did.
    pub sender: Option<Pid>,
    /// What it did.
    pub effect: SignalEffect,
    /// When.
    pub at: Instant,
}

/// Counts, and the last few signals.
#[derive(Default, Debug)]
pub(super) struct SignalLog {
    pub(super) usage: SignalUsage,
    recent: VecDeque<SignalRecord>,
}

impl SignalLog {
    pub(super) fn note(&mut self, record: SignalRecord) {
        let count = match record.effect {
            SignalEffect::Ignored => &mut self.usage.ignored,
            _ => &mut self.usage.handled,
        };
        *count = count.saturating_add(1);
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        } else if self.recent.capacity() == 0 && self.recent.try_reserve_exact(REMEMBERED).is_err()
        {
            // The count stands; the detail is not worth failing a delivery.
            return;
        }
        self.recent.push_back(record);
    }

    pub(super) fn recent(&self) -> impl Iterator<Item = &SignalRecord> {
        self.recent.iter().rev()
    }
}

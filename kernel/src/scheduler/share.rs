//! Hard limits of CPU time: who has used up its share gives its CPU up at the border to its program,
//! where it holds nothing that others wait for. Here running threads are charged, marked when their
//! share is spent, and the timer is told when to look again. `process::budget` says what is left.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use sched_core::{Allowance, Duration, Effect, Instant};

use super::cpu::{self, Queue};
use super::thread::{Place, Thread};
use super::wake::notify;

/// Charges the running thread up to now. With the queue's lock held.
pub(super) fn charge(queue: &mut Queue, now: Instant) {
    let ran = now.since(queue.charged_at);
    queue.charged_at = now;
    look(queue, ran, now);
}

/// Another thread runs from now on.
pub(super) fn begin(queue: &mut Queue, now: Instant) {
    queue.charged_at = now;
    look(queue, Duration::ZERO, now);
}

fn look(queue: &mut Queue, ran: Duration, now: Instant) {
    let Some(thread) = &queue.current else {
        queue.share_look = None;
        return;
    };
    queue.share_look = match thread.process().charge_cpu(ran, now) {
        None => None,
        Some(Allowance::Until(look)) => Some(look),
        Some(Allowance::SpentUntil(_)) => {
            thread.set_over_share(true);
            None
        }
    };
}

// Relaxed: written and read by the CPU that runs the thread.
impl Thread {
    /// Whether its process has used up its share of CPU time.
    #[must_use]
    pub fn is_over_share(&self) -> bool {
        self.is_over_share.load(Ordering::Relaxed)
    }

    /// Notes whether its process has used up its share of CPU time.
    pub fn set_over_share(&self, is_over: bool) {
        self.is_over_share.store(is_over, Ordering::Relaxed);
    }

    /// Has the CPU that it runs on, if it runs, choose anew: what it may use has changed.
    pub fn reconsider(self: &Arc<Self>) {
        let target = match self.place.lock().place {
            Place::Queued { cpu, .. } => cpu,
            Place::Parked(_) | Place::Moving | Place::Gone => return,
        };
        let is_running = cpu::get(target.index())
            .queue
            .lock()
            .current
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, self));
        if is_running {
            notify(target, Effect::Preempt);
        }
    }
}

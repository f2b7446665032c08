//! A place for one task's waker, woken from an interrupt handler.
//!
//! Three states: nobody at the cell, the task registering, someone waking. Whoever finds the cell
//! busy leaves a mark instead of waiting; the one who is there acts on it when done. So neither side
//! ever spins, and an interrupt that arrives in the middle of a registration is not lost.

use core::fmt;
use core::task::Waker;

use crate::primitives::atomic::{AtomicU8, Ordering};
use crate::primitives::{UnsafeCell, constructor};

const IDLE: u8 = 0;
/// The task is at the cell.
const REGISTERING: u8 = 1;
/// A waker is at the cell, or was there while the task was.
const WAKING: u8 = 2;

/// Holds the waker of the one task that waits for an event.
///
/// The task registers first and then looks whether the event has happened; the other side makes the
/// event visible first and then wakes. In this order no wake-up is lost.
pub struct WakerCell {
    state: AtomicU8,
    waker: UnsafeCell<Option<Waker>>,
}

// SAFETY: `state` gives the cell one owner at a time, and a `Waker` may be used by any thread.
unsafe impl Sync for WakerCell {}
// SAFETY: a `Waker` is Send.
unsafe impl Send for WakerCell {}

impl WakerCell {
    constructor! {
        /// An empty cell.
        #[must_use]
        pub fn new() -> Self {
            Self { state: AtomicU8::new(IDLE), waker: UnsafeCell::new(None) }
        }
    }

    /// Leaves this waker to be called once by the next [`wake`](Self::wake), in place of an earlier
    /// one. One task registers at a time; should two meet, the later is woken at once.
    pub fn register(&self, waker: &Waker) {
        // Acquire: partner of the Release in `wake` and below; the last owner's access is over.
        let entered =
            self.state.compare_exchange(IDLE, REGISTERING, Ordering::Acquire, Ordering::Acquire);
        if entered.is_err() {
            // A wake-up is under way; the event it announces is for this task.
            waker.wake_by_ref();
            return;
        }
        let clone = waker.clone();
        // The old waker is dropped at the end: that may run code that does not belong inside.
        let _old = self.waker.with_mut(|place| {
            // SAFETY: the state REGISTERING, which this call set, makes it the cell's only owner.
            unsafe { (*place).replace(clone) }
        });
        // Release: partner of the Acquire in `wake`; hands the waker over. Acquire on failure: partner
        // of the Release in `wake`; what happened before that wake-up is visible to the woken task.
        let left =
            self.state.compare_exchange(REGISTERING, IDLE, Ordering::Release, Ordering::Acquire);
        if left.is_err() {
            // Someone wanted to wake meanwhile and left it to this call.
            let own = self.take();
            // Acquire and Release: as above, for marks left since, and for the next owner.
            self.state.swap(IDLE, Ordering::AcqRel);
            if let Some(own) = own {
                own.wake();
            }
        }
    }

    /// Wakes the registered task, if there is one. Allowed in interrupt handlers: it never waits.
    pub fn wake(&self) {
        // Release: partner of the Acquire in `register`, which acts on the mark. Acquire: partner of
        // the Release there; makes the registered waker visible.
        if self.state.fetch_or(WAKING, Ordering::AcqRel) != IDLE {
            // Whoever is at the cell wakes the task after this.
            return;
        }
        let waker = self.take();
        // Release: partner of the Acquire in `register`; the cell is free. Acquire: partner of the
        // Release in another `wake` that relied on this one.
        self.state.fetch_and(!WAKING, Ordering::AcqRel);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes the waker out. Only the cell's present owner calls this.
    fn take(&self) -> Option<Waker> {
        self.waker.with_mut(|place| {
            // SAFETY: private, and both callers own the cell: one set REGISTERING, the other set
            // WAKING when nothing was set.
            unsafe { (*place).take() }
        })
    }
}

impl Default for WakerCell {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WakerCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WakerCell").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

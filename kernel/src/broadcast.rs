//! News for many: tasks and threads that wait for the same thing register a waker, and all of them
//! are woken when it happens.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::Waker;

use hal::interrupts::SpinLock;

use crate::levels;

/// Wakers of those that wait. A waker is forgotten when it has been woken: who still waits registers
/// again, as futures do.
#[derive(Debug)]
pub struct Broadcast {
    waiting: SpinLock<Vec<Waker>>,
    /// The list's length, so that news nobody waits for cost one load.
    count: AtomicUsize,
}

impl Broadcast {
    /// One that nobody waits for.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            waiting: SpinLock::new(levels::WAIT_QUEUE, "broadcast", Vec::new()),
            count: AtomicUsize::new(0),
        }
    }

    /// Has `waker` woken by the next `wake_all`. Callers look once more afterwards, because the news
    /// may have come before.
    pub fn register(&self, waker: &Waker) {
        let mut waiting = self.waiting.lock();
        if !waiting.iter().any(|known| known.will_wake(waker)) {
            waiting.push(waker.clone());
        }
        // Sequentially consistent with `wake_all`: either it sees the count, or the caller's second
        // look sees the news.
        self.count.store(waiting.len(), Ordering::SeqCst);
    }

    /// Wakes all that have registered.
    pub fn wake_all(&self) {
        core::sync::atomic::fence(Ordering::SeqCst);
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let waiting = {
            let mut waiting = self.waiting.lock();
            self.count.store(0, Ordering::SeqCst);
            core::mem::take(&mut *waiting)
        };
        for waker in waiting {
            waker.wake();
        }
    }
}

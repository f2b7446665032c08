//! The set of ready tasks: one bit each, set by wakers from any context.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::task::Wake;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const BITS: usize = u64::BITS as usize;

/// Brings the executor's thread back from its sleep.
pub trait Unpark: Send + Sync {
    /// Makes the executor's thread run again, or not fall asleep if it was about to.
    /// May be called from interrupts and from the executor's own thread.
    fn unpark(&self);
}

/// Ready bits, and a summary flag so that an idle check is one load.
pub(super) struct ReadySet {
    words: Box<[AtomicU64]>,
    any: AtomicBool,
    unpark: Arc<dyn Unpark>,
}

impl ReadySet {
    pub(super) fn new(capacity: usize, unpark: Arc<dyn Unpark>) -> Self {
        Self {
            words: (0..capacity.div_ceil(BITS)).map(|_| AtomicU64::new(0)).collect(),
            any: AtomicBool::new(false),
            unpark,
        }
    }

    /// Sets the bit of a task without calling the hook: the executor's own thread is running.
    pub(super) fn mark(&self, index: usize) {
        if let Some(word) = self.words.get(index / BITS) {
            // Release: pairs with the Acquire in `take_from`, so that what was written before the
            // wake-up is seen by the task.
            word.fetch_or(1 << (index % BITS), Ordering::Release);
            // Release: pairs with the Acquire in `any`.
            self.any.store(true, Ordering::Release);
        }
    }

    fn wake(&self, index: usize) {
        let Some(word) = self.words.get(index / BITS) else { return };
        let bit = 1 << (index % BITS);
        // AcqRel: Release as in `mark`; the first setter alone calls the hook.
        if word.fetch_or(bit, Ordering::AcqRel) & bit == 0
            // AcqRel: pairs with the swap in `take_from`: a bit set before that swap is seen by the
            // scan after it, a bit set later finds the flag clear and unparks again.
            && !self.any.swap(true, Ordering::AcqRel)
        {
            self.unpark.unpark();
        }
    }

    pub(super) fn any(&self) -> bool {
        // Acquire: pairs with the Release in `mark` and `wake`.
        self.any.load(Ordering::Acquire)
    }

    /// Clears and returns the first ready index at or after `start`.
    pub(super) fn take_from(&self, start: usize) -> Option<usize> {
        if start == 0 {
            // AcqRel: pairs with the swap in `wake`.
            self.any.swap(false, Ordering::AcqRel);
        }
        let first_word = start / BITS;
        for (number, word) in self.words.iter().enumerate().skip(first_word) {
            let mask = if number == first_word { u64::MAX << (start % BITS) } else { u64::MAX };
            // Relaxed: only a hint; the fetch_and below synchronises.
            let found = word.load(Ordering::Relaxed) & mask;
            if found != 0 {
                let bit = found.trailing_zeros();
                // Acquire: pairs with the Release in `mark` and `wake`.
                word.fetch_and(!(1 << bit), Ordering::Acquire);
                return Some(number * BITS + bit as usize);
            }
        }
        // Bits below `start` that were set while scanning keep the flag up for the next round.
        // Relaxed: the flag's own store orders it.
        if self.words.iter().any(|word| word.load(Ordering::Relaxed) != 0) {
            // Release: pairs with the Acquire in `any`.
            self.any.store(true, Ordering::Release);
        }
        None
    }
}

/// Wakes the task of one slot. A wake-up for a task that has ended polls its successor once too
/// often, which futures must tolerate.
pub(super) struct TaskWaker {
    index: usize,
    ready: Arc<ReadySet>,
}

impl TaskWaker {
    pub(super) fn new(index: usize, ready: Arc<ReadySet>) -> Self {
        Self { index, ready }
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.ready.wake(self.index);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ready.wake(self.index);
    }
}

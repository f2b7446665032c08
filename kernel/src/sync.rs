//! Locks that sleep: for what is held while memory is copied, filled or waited for. `promise`: answers that
//! come later.

pub mod promise;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::fmt;
use core::ops::{Deref, DerefMut};

use hal::interrupts::SpinLock;
use process_core::BlockReason;

use crate::levels;
use crate::scheduler::{self, Thread};

/// Mutual exclusion between threads; who waits sleeps. Never taken by interrupt handlers, nor under
/// a spin lock. The value is handed from holder to holder, so no unsafe code is needed to share it.
pub struct Mutex<T> {
    state: SpinLock<State<T>>,
}

struct State<T> {
    /// Here while nobody holds the lock.
    value: Option<Box<T>>,
    waiting: VecDeque<Arc<Thread>>,
}

impl<T> Mutex<T> {
    /// An open lock around `value`.
    pub fn new(value: T) -> Self {
        let state = State { value: Some(Box::new(value)), waiting: VecDeque::new() };
        Self { state: SpinLock::new(levels::WAIT_QUEUE, "mutex", state) }
    }

    /// The lock, if nobody has it.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let value = self.state.lock().value.take()?;
        Some(MutexGuard { lock: self, value: Some(value) })
    }

    /// Waits for the lock.
    ///
    /// # Panics
    /// When a boot step that runs before there are threads finds it taken: nobody could free it.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        if let Some(value) = self.state.lock().value.take() {
            return MutexGuard { lock: self, value: Some(value) };
        }
        let Some(thread) = scheduler::current() else {
            panic!("a lock is contended before there are threads")
        };
        loop {
            {
                let mut state = self.state.lock();
                if let Some(value) = state.value.take() {
                    state.waiting.retain(|waiting| !Arc::ptr_eq(waiting, &thread));
                    drop(state);
                    // What woke this thread here may have been meant for the wait that its caller is
                    // about to begin: that one looks once more.
                    thread.unpark();
                    return MutexGuard { lock: self, value: Some(value) };
                }
                if !state.waiting.iter().any(|waiting| Arc::ptr_eq(waiting, &thread)) {
                    state.waiting.push_back(Arc::clone(&thread));
                }
            }
            scheduler::park(BlockReason::Lock);
        }
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mutex")
    }
}

/// The locked value; dropping it unlocks.
#[must_use = "the lock is released when the guard is dropped"]
pub struct MutexGuard<'a, T> {
    lock: &'a Mutex<T>,
    /// Here until the guard is dropped.
    value: Option<Box<T>>,
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.value {
            Some(value) => value,
            None => unreachable!("the value leaves with the guard"),
        }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.value {
            Some(value) => value,
            None => unreachable!("the value leaves with the guard"),
        }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        let next = {
            let mut state = self.lock.state.lock();
            state.value = self.value.take();
            state.waiting.pop_front()
        };
        if let Some(thread) = next {
            thread.unpark();
        }
    }
}

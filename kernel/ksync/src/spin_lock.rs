//! The kernel's spin lock: `spin`'s mutex, with interrupts disabled while it is held and with the
//! [`Level`] rule checked in debug builds.
//!
//! It is not a ticket lock: guests have more virtual CPUs than the host runs at once, and a ticket
//! lock makes everyone wait for the one waiter whose turn it is and whom the host has descheduled.

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use spin::mutex::{SpinMutex, SpinMutexGuard};

use crate::level::{IS_CHECKED, Wait};
use crate::{HeldLocks, Interrupts, Level};

/// Mutual exclusion between CPUs and between a thread and its CPU's interrupt handlers.
///
/// While a CPU waits for the lock its interrupts are as the caller had them, so that a waiting CPU
/// still answers the holder's TLB shoot-down.
pub struct SpinLock<T, R: Interrupts> {
    #[cfg(any(debug_assertions, feature = "lock-levels"))]
    label: (Level, &'static str),
    inner: SpinMutex<T>,
    interrupts: PhantomData<fn() -> R>,
}

impl<T, R: Interrupts> SpinLock<T, R> {
    /// An open lock around `value`. The name appears when the order of locks is violated.
    pub const fn new(level: Level, name: &'static str, value: T) -> Self {
        #[cfg(not(any(debug_assertions, feature = "lock-levels")))]
        let _ = (level, name);
        Self {
            #[cfg(any(debug_assertions, feature = "lock-levels"))]
            label: (level, name),
            inner: SpinMutex::new(value),
            interrupts: PhantomData,
        }
    }

    /// Waits for the lock. It comes back when the guard is dropped; guards are to be dropped in the
    /// reverse order of their taking, because each restores the interrupts as it found them.
    ///
    /// # Panics
    /// In builds that check levels, when the calling CPU holds a lock of this level or a higher one.
    pub fn lock(&self) -> SpinGuard<'_, T, R> {
        self.wait(Wait::Upwards)
    }

    /// As [`lock`](Self::lock), but locks of the same level may be held. The caller says which rule
    /// orders them: the run queues of two CPUs, for example, are taken in the order of the CPUs.
    ///
    /// # Panics
    /// In builds that check levels, when the calling CPU holds this lock or one of a higher level.
    pub fn lock_nested(&self) -> SpinGuard<'_, T, R> {
        self.wait(Wait::WithPeers)
    }

    /// Takes the lock if it is free. This may be done in any order: it cannot deadlock.
    pub fn try_lock(&self) -> Option<SpinGuard<'_, T, R>> {
        let state = R::disable();
        let guard = self.attempt(state);
        if guard.is_none() {
            R::restore(state);
        }
        guard
    }

    /// Tries `attempts` times: for the panic path, which must get on when the holder will not.
    pub fn try_lock_for(&self, attempts: usize) -> Option<SpinGuard<'_, T, R>> {
        for _ in 0..attempts {
            if let Some(guard) = self.try_lock() {
                return Some(guard);
            }
            R::relax();
        }
        None
    }

    /// Takes the lock away from whoever holds it: for the panic path, so that the message reaches the
    /// serial console even when the console's holder is the code that panicked. What the lock guards
    /// may be half updated, so it must bear that, as a serial port does.
    ///
    /// # Safety
    /// Whoever holds the lock never runs again: the other CPUs are stopped, and the calling CPU does
    /// not return from the panic.
    pub unsafe fn steal(&self) -> SpinGuard<'_, T, R> {
        let state = R::disable();
        if let Some((held, _)) = self.record() {
            held.clear();
        }
        loop {
            if let Some(guard) = self.attempt(state) {
                return guard;
            }
            // SAFETY: the caller promises that the holder, and with it its guard, never runs again.
            unsafe { self.inner.force_unlock() };
        }
    }

    /// Whether someone holds the lock at this moment: a hint, outdated when it arrives.
    pub fn is_locked(&self) -> bool {
        self.inner.is_locked()
    }

    /// The value, without locking: `&mut` proves that nobody else can reach it.
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }

    fn wait(&self, wait: Wait) -> SpinGuard<'_, T, R> {
        loop {
            let state = R::disable();
            self.check(wait);
            if let Some(guard) = self.attempt(state) {
                return guard;
            }
            R::restore(state);
            // Reading does not take the cache line from the holder; trying would.
            while self.inner.is_locked() {
                R::relax();
            }
        }
    }

    /// Takes the lock if it is free; interrupts are disabled already, `state` is how they were.
    fn attempt(&self, state: R::State) -> Option<SpinGuard<'_, T, R>> {
        let inner = self.inner.try_lock()?;
        self.note_taken();
        Some(SpinGuard { inner, release: Release { lock: self, state }, not_send: PhantomData })
    }

    #[cfg(any(debug_assertions, feature = "lock-levels"))]
    fn label(&self) -> (Level, &'static str) {
        self.label
    }

    /// Never asked for: this build does not check.
    #[cfg(not(any(debug_assertions, feature = "lock-levels")))]
    fn label(&self) -> (Level, &'static str) {
        (Level::new(0), "")
    }

    /// This CPU's record and the lock's address, if this build checks and the CPU has a record.
    fn record(&self) -> Option<(&'static HeldLocks, usize)> {
        if !IS_CHECKED {
            return None;
        }
        R::held().map(|held| (held, core::ptr::from_ref(self).addr()))
    }

    fn check(&self, wait: Wait) {
        if let Some((held, address)) = self.record() {
            let (level, name) = self.label();
            held.check(address, level, name, wait);
        }
    }

    fn note_taken(&self) {
        if let Some((held, address)) = self.record() {
            let (level, name) = self.label();
            held.push(address, level, name);
        }
    }

    fn note_released(&self) {
        if let Some((held, address)) = self.record() {
            held.pop(address, self.label().1);
        }
    }
}

impl<T: fmt::Debug, R: Interrupts> fmt::Debug for SpinLock<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.try_lock() {
            Some(guard) => f.debug_tuple("SpinLock").field(&*guard).finish(),
            None => f.write_str("SpinLock(<locked>)"),
        }
    }
}

/// The locked value; dropping it unlocks and then restores the interrupts.
///
/// It stays on the CPU that took it: it is not `Send`.
#[must_use = "the lock is released when the guard is dropped"]
pub struct SpinGuard<'a, T, R: Interrupts> {
    // Fields are dropped in this order: unlock first, then enable interrupts.
    inner: SpinMutexGuard<'a, T>,
    #[expect(dead_code, reason = "it is there for its Drop")]
    release: Release<'a, T, R>,
    not_send: PhantomData<*const ()>,
}

impl<T, R: Interrupts> Deref for SpinGuard<'_, T, R> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T, R: Interrupts> DerefMut for SpinGuard<'_, T, R> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: fmt::Debug, R: Interrupts> fmt::Debug for SpinGuard<'_, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// What is left to do when the lock is open again.
struct Release<'a, T, R: Interrupts> {
    lock: &'a SpinLock<T, R>,
    state: R::State,
}

impl<T, R: Interrupts> Drop for Release<'_, T, R> {
    fn drop(&mut self) {
        self.lock.note_released();
        R::restore(self.state);
    }
}

#[cfg(test)]
mod tests;

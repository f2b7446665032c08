//! A thread's wake-up token: whether it may go on, decided without the scheduler.
//!
//! [`Parker`] is the state; how a thread is taken off its CPU and made runnable again are the
//! caller's callbacks. The token makes a wake-up that comes too early count for the next park.

use crate::primitives::atomic::{AtomicU8, Ordering};
use crate::primitives::constructor;

const EMPTY: u8 = 0;
/// The thread is about to block, or blocked.
const PARKED: u8 = 1;
/// A wake-up has been given and not been used.
const NOTIFIED: u8 = 2;

/// What the callback that blocks says when the thread runs again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// It may have been woken: look at the token.
    MayBeWoken,
    /// The time is over, or a signal wants to be handled: stop waiting.
    GiveUp,
}

/// How a park ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parked {
    /// By an unpark, whose token has been used up.
    Unparked,
    /// By [`Blocked::GiveUp`], and no token was there.
    GaveUp,
}

/// One thread's token. Only that thread parks; anyone unparks, interrupt handlers included.
#[derive(Debug)]
pub struct Parker {
    state: AtomicU8,
}

impl Parker {
    constructor! {
        /// Without a token.
        #[must_use]
        pub fn new() -> Self {
            Self { state: AtomicU8::new(EMPTY) }
        }
    }

    /// Waits for a token and uses it up. Calls `block` until there is one.
    ///
    /// `block` takes the thread off its CPU. It must ask [`is_notified`](Self::is_notified) under the
    /// lock that the `wake` callback of [`unpark`](Self::unpark) takes, and return at once if so:
    /// that is what keeps a wake-up between the look at the token and the blocking. It may return
    /// without reason.
    pub fn park(&self, mut block: impl FnMut(&Self) -> Blocked) -> Parked {
        // Acquire: partner of the Release in `unpark`; what was done before it is visible. Acquire on
        // failure for the same reason.
        let entered =
            self.state.compare_exchange(EMPTY, PARKED, Ordering::Acquire, Ordering::Acquire);
        if entered.is_err() {
            // Only this thread parks, so the state was NOTIFIED: go on without blocking.
            // Acquire: partner of the Release of further calls of `unpark` since.
            self.state.swap(EMPTY, Ordering::Acquire);
            return Parked::Unparked;
        }
        loop {
            let blocked = block(self);
            // Acquire: partner of the Release in `unpark`.
            let used =
                self.state.compare_exchange(NOTIFIED, EMPTY, Ordering::Acquire, Ordering::Relaxed);
            if used.is_ok() {
                return Parked::Unparked;
            }
            if blocked == Blocked::GiveUp {
                // Acquire: partner of the Release in `unpark`, which may have come this moment.
                return match self.state.swap(EMPTY, Ordering::Acquire) {
                    NOTIFIED => Parked::Unparked,
                    _ => Parked::GaveUp,
                };
            }
        }
    }

    /// Gives the token; if the thread is parked, calls `wake` to make it runnable. Several unparks
    /// before a park make one token. `wake` is called at most once for each park.
    pub fn unpark(&self, wake: impl FnOnce()) {
        // Release: partner of the Acquires in `park`.
        if self.state.swap(NOTIFIED, Ordering::Release) == PARKED {
            wake();
        }
    }

    /// Whether a token is there: for `block`.
    pub fn is_notified(&self) -> bool {
        // Relaxed: the lock orders it with `wake`; `park` synchronises with the token itself.
        self.state.load(Ordering::Relaxed) == NOTIFIED
    }
}

impl Default for Parker {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;

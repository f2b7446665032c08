//! A deadline that can be moved, and costs a timer only while someone waits for it.

use core::pin::Pin;
use core::task::{Context, Poll};

use crate::stream::Clock;
use crate::time::Instant;

/// A point in time to wait for.
pub(super) struct Deadline<C: Clock> {
    at: Option<Instant>,
    sleep: Option<C::Sleep>,
}

impl<C: Clock> Default for Deadline<C> {
    fn default() -> Self {
        Self { at: None, sleep: None }
    }
}

impl<C: Clock> Deadline<C> {
    pub(super) fn set(&mut self, at: Instant) {
        if self.at != Some(at) {
            self.at = Some(at);
            self.sleep = None;
        }
    }

    pub(super) fn clear(&mut self) {
        self.at = None;
        self.sleep = None;
    }

    pub(super) fn is_set(&self) -> bool {
        self.at.is_some()
    }

    /// Ready from the deadline on; never without one.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, clock: &C) -> Poll<()> {
        let Some(at) = self.at else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| clock.sleep_until(at));
        Pin::new(sleep).poll(context)
    }
}

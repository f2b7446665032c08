//! The timers of an executor: deadlines in order, each with the waker of the task that sleeps.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use crate::stream::Clock;
use crate::time::Instant;

/// Orders timers of the same deadline by when they were started.
type Key = (Instant, u64);

#[derive(Default)]
struct Queue {
    sleepers: RefCell<BTreeMap<Key, Waker>>,
    next_number: Cell<u64>,
    now: Cell<Instant>,
}

/// The timers of the executor of this thread, and its clock.
#[derive(Clone, Default)]
pub struct Timers(Rc<Queue>);

impl Timers {
    /// Timers that belong to no executor yet.
    #[must_use]
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Moves the clock to `now` and wakes whoever slept until then.
    pub(super) fn expire(&self, now: Instant) {
        self.0.now.set(self.0.now.get().max(now));
        loop {
            let expired = {
                let mut sleepers = self.0.sleepers.borrow_mut();
                match sleepers.first_entry() {
                    Some(entry) if entry.key().0 <= now => Some(entry.remove()),
                    _ => None,
                }
            };
            match expired {
                Some(waker) => waker.wake(),
                None => return,
            }
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.0.sleepers.borrow().keys().next().map(|key| key.0)
    }

    /// Timers that are running.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.sleepers.borrow().len()
    }
}

impl Clock for Timers {
    type Sleep = Sleep;

    /// The time of the executor's present round.
    fn now(&self) -> Instant {
        self.0.now.get()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep { timers: self.clone(), deadline, key: None }
    }
}

/// Ready from its deadline on. It enters the queue when it is first polled and leaves it when it is
/// dropped.
pub struct Sleep {
    timers: Timers,
    deadline: Instant,
    key: Option<Key>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let queue = &self.timers.0;
        if queue.now.get() >= self.deadline {
            return Poll::Ready(());
        }
        let key = self.key.unwrap_or_else(|| {
            let number = queue.next_number.get();
            queue.next_number.set(number.wrapping_add(1));
            (self.deadline, number)
        });
        queue
            .sleepers
            .borrow_mut()
            .entry(key)
            .and_modify(|waker| waker.clone_from(context.waker()))
            .or_insert_with(|| context.waker().clone());
        self.key = Some(key);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.timers.0.sleepers.borrow_mut().remove(&key);
        }
    }
}

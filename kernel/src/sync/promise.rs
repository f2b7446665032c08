//! An answer that comes later, from another thread.

use alloc::sync::Arc;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use hal::interrupts::SpinLock;
use ksync::WakerCell;
use process_core::BlockReason;

use crate::levels;
use crate::scheduler;

/// Waits for the answer, as a future or with [`wait`](Promise::wait).
#[must_use = "the answer comes here"]
pub struct Promise<R>(Arc<Shared<R>>);

/// Gives the answer. Dropped without one, it leaves who waits with none.
pub struct Answer<R>(Arc<Shared<R>>);

struct Shared<R> {
    place: SpinLock<Place<R>>,
    waker: WakerCell,
}

enum Place<R> {
    Empty,
    Full(R),
    Over,
}

/// A place for one answer: who gives it, and who waits for it.
pub fn promise<R>() -> (Answer<R>, Promise<R>) {
    let place = SpinLock::new(levels::RINGS, "promise", Place::Empty);
    let shared = Arc::new(Shared { place, waker: WakerCell::new() });
    (Answer(Arc::clone(&shared)), Promise(shared))
}

impl<R> Answer<R> {
    /// Gives it.
    pub fn give(self, answer: R) {
        *self.0.place.lock() = Place::Full(answer);
        // Dropping wakes.
    }
}

impl<R> Drop for Answer<R> {
    fn drop(&mut self) {
        {
            let mut place = self.0.place.lock();
            if matches!(*place, Place::Empty) {
                *place = Place::Over;
            }
        }
        self.0.waker.wake();
    }
}

impl<R> Future for Promise<R> {
    type Output = Option<R>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<R>> {
        // Registered first: an answer from here on wakes.
        self.0.waker.register(context.waker());
        let mut place = self.0.place.lock();
        match core::mem::replace(&mut *place, Place::Over) {
            Place::Empty => {
                *place = Place::Empty;
                Poll::Pending
            }
            Place::Full(answer) => Poll::Ready(Some(answer)),
            Place::Over => Poll::Ready(None),
        }
    }
}

impl<R> Promise<R> {
    /// Sleeps until the answer is there; none when nobody gives one any more.
    pub fn wait(mut self) -> Option<R> {
        let thread = scheduler::current()?;
        let waker = Waker::from(thread);
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(answer) = Pin::new(&mut self).poll(&mut context) {
                return answer;
            }
            scheduler::park(BlockReason::Work);
        }
    }
}

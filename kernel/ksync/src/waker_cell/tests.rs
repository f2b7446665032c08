use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::Wake;

use super::*;

/// Counts its wake-ups, outside the model: it is looked at when all threads are done.
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn counting_waker() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count(AtomicUsize::new(0)));
    (Arc::clone(&count), Waker::from(count))
}

#[cfg(not(loom))]
mod single_thread {
    use super::*;

    #[test]
    fn wakes_once_for_each_registration() {
        static CELL: WakerCell = WakerCell::new();
        let (count, waker) = counting_waker();
        CELL.wake();
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
        CELL.register(&waker);
        CELL.wake();
        CELL.wake();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_later_registration_replaces_the_earlier() {
        let cell = WakerCell::new();
        let (first, first_waker) = counting_waker();
        let (second, second_waker) = counting_waker();
        cell.register(&first_waker);
        cell.register(&second_waker);
        cell.wake();
        assert_eq!(first.0.load(Ordering::SeqCst), 0);
        assert_eq!(second.0.load(Ordering::SeqCst), 1);
        // The replaced waker has been dropped: the test's own two references are left.
        drop(first_waker);
        assert_eq!(Arc::strong_count(&first), 1);
    }
}

#[cfg(loom)]
mod model {
    use loom::future::block_on;
    use loom::sync::atomic::{AtomicBool, AtomicUsize};
    use loom::thread;
    use std::future::poll_fn;
    use std::task::Poll;

    use super::*;

    /// The pattern of a driver: the handler makes the event visible and wakes, the task registers
    /// and looks. Were a wake-up lost, the task would block for ever, which loom reports.
    #[test]
    fn no_wake_up_is_lost() {
        loom::model(|| {
            let shared = loom::sync::Arc::new((WakerCell::new(), AtomicBool::new(false)));
            let handler = loom::sync::Arc::clone(&shared);
            let interrupt = thread::spawn(move || {
                handler.1.store(true, Ordering::Relaxed);
                handler.0.wake();
            });
            block_on(poll_fn(|context| {
                shared.0.register(context.waker());
                if shared.1.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
            }));
            interrupt.join().unwrap();
        });
    }

    #[test]
    fn two_handlers_lose_none_either() {
        loom::model(|| {
            let shared = loom::sync::Arc::new((WakerCell::new(), AtomicUsize::new(0)));
            let handlers = [(); 2].map(|()| {
                let shared = loom::sync::Arc::clone(&shared);
                thread::spawn(move || {
                    shared.1.fetch_add(1, Ordering::Relaxed);
                    shared.0.wake();
                })
            });
            block_on(poll_fn(|context| {
                shared.0.register(context.waker());
                if shared.1.load(Ordering::Relaxed) == 2 {
                    return Poll::Ready(());
                }
                // A handler at the cell makes registering wake the task at once, over and over until
                // it leaves; an executor lets others run in between.
                thread::yield_now();
                Poll::Pending
            }));
            for handler in handlers {
                handler.join().unwrap();
            }
        });
    }

    #[test]
    fn a_registration_and_a_wake_up_at_once_free_the_waker() {
        loom::model(|| {
            let (count, waker) = counting_waker();
            let cell = loom::sync::Arc::new(WakerCell::new());
            let other = loom::sync::Arc::clone(&cell);
            let handler = thread::spawn(move || other.wake());
            cell.register(&waker);
            handler.join().unwrap();
            cell.wake();
            // Woken by the one or the other, and nothing is left in the cell.
            assert_eq!(count.0.load(Ordering::SeqCst), 1);
            drop(waker);
            assert_eq!(Arc::strong_count(&count), 1);
        });
    }
}

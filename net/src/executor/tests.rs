use alloc::rc::Rc;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Poll, Waker};
use core::time::Duration;

use super::{Executor, SpawnError, Unpark};
use crate::stream::Clock;
use crate::time::Instant;

#[derive(Default)]
struct CountingUnpark(AtomicUsize);

impl Unpark for CountingUnpark {
    fn unpark(&self) {
        // Relaxed: a counter that the test reads on the same thread or after a join.
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn executor(tasks: usize) -> (Executor, Arc<CountingUnpark>) {
    let unpark = Arc::new(CountingUnpark::default());
    (Executor::new(tasks, unpark.clone()), unpark)
}

#[test]
fn runs_only_tasks_that_were_woken() {
    let (mut executor, unpark) = executor(130);
    let polls: Rc<RefCell<Vec<usize>>> = Rc::default();
    let wakers: Rc<RefCell<Vec<Waker>>> = Rc::default();
    for number in 0..130 {
        let (polls, wakers) = (polls.clone(), wakers.clone());
        let task = poll_fn(move |context| {
            polls.borrow_mut().push(number);
            wakers.borrow_mut().push(context.waker().clone());
            Poll::<()>::Pending
        });
        executor.spawner().spawn(task).unwrap();
    }
    executor.run_ready(Instant::default());
    assert_eq!(polls.borrow().len(), 130);
    polls.borrow_mut().clear();
    assert!(!executor.has_ready());

    let woken = wakers.borrow()[77].clone();
    woken.wake_by_ref();
    woken.wake();
    assert!(executor.has_ready());
    assert_eq!(unpark.0.load(Ordering::Relaxed), 1, "the hook runs once for both wake-ups");
    executor.run_ready(Instant::default());
    assert_eq!(*polls.borrow(), [77]);
}

#[test]
fn bounds_the_number_of_tasks_and_reuses_slots() {
    let (mut executor, _) = executor(2);
    let spawner = executor.spawner();
    for _ in 0..100 {
        spawner.spawn(async {}).unwrap();
        spawner.spawn(async {}).unwrap();
        assert_eq!(spawner.spawn(async {}), Err(SpawnError));
        executor.run_ready(Instant::default());
        assert_eq!(spawner.task_count(), 0);
    }
}

#[test]
fn a_task_that_wakes_itself_does_not_hold_the_round() {
    let (mut executor, _) = executor(1);
    let count = Rc::new(Cell::new(0));
    let counter = count.clone();
    executor
        .spawner()
        .spawn(poll_fn(move |context| {
            counter.set(counter.get() + 1);
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        }))
        .unwrap();
    assert!(executor.run_ready(Instant::default()));
    assert_eq!(count.get(), 1);
    assert!(executor.run_ready(Instant::default()));
    assert_eq!(count.get(), 2);
}

#[test]
fn tasks_spawned_by_tasks_run_in_the_same_round() {
    let (mut executor, _) = executor(4);
    let spawner = executor.spawner();
    let done = Rc::new(Cell::new(false));
    let flag = done.clone();
    executor
        .spawner()
        .spawn(async move { spawner.spawn(async move { flag.set(true) }).unwrap() })
        .unwrap();
    executor.run_ready(Instant::default());
    assert!(done.get() || executor.run_ready(Instant::default()) || done.get());
}

#[test]
fn sleeps_end_in_order_and_dropped_ones_are_forgotten() {
    let (mut executor, _) = executor(8);
    let order: Rc<RefCell<Vec<u64>>> = Rc::default();
    let timers = executor.timers();
    for milliseconds in [30, 10, 20] {
        let (timers, order) = (timers.clone(), order.clone());
        executor
            .spawner()
            .spawn(async move {
                let start = timers.now();
                timers.sleep_until(start.after(Duration::from_millis(milliseconds))).await;
                order.borrow_mut().push(milliseconds);
            })
            .unwrap();
    }
    let start = Instant::from_nanos(5);
    executor.run_ready(start);
    assert_eq!(executor.next_deadline(), Some(start.after(Duration::from_millis(10))));
    for step in 1..=40 {
        executor.run_ready(start.after(Duration::from_millis(step)));
    }
    assert_eq!(*order.borrow(), [10, 20, 30]);
    assert_eq!(timers.running(), 0);

    let mut sleep = timers.sleep_until(start.after(Duration::from_secs(9)));
    let mut context = core::task::Context::from_waker(Waker::noop());
    assert!(core::pin::Pin::new(&mut sleep).poll(&mut context).is_pending());
    assert_eq!(timers.running(), 1);
    drop(sleep);
    assert_eq!(executor.next_deadline(), None);
}

#[test]
fn wake_ups_from_other_threads_are_never_lost() {
    extern crate std;
    let (mut executor, _) = executor(1);
    let waker: Rc<RefCell<Option<Waker>>> = Rc::default();
    let count = Rc::new(Cell::new(0));
    let (slot, counter) = (waker.clone(), count.clone());
    executor
        .spawner()
        .spawn(poll_fn(move |context| {
            *slot.borrow_mut() = Some(context.waker().clone());
            counter.set(counter.get() + 1);
            Poll::<()>::Pending
        }))
        .unwrap();
    executor.run_ready(Instant::default());
    for round in 1..=2000 {
        let remote = waker.borrow().clone().unwrap();
        let thread = std::thread::spawn(move || remote.wake());
        // Polls from here race with the wake-up there.
        executor.run_ready(Instant::default());
        thread.join().unwrap();
        executor.run_ready(Instant::default());
        assert_eq!(count.get(), round + 1);
    }
}

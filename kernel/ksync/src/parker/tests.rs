use super::*;

#[cfg(not(loom))]
mod single_thread {
    use core::cell::Cell;

    use super::*;

    #[test]
    fn an_early_token_saves_the_blocking_and_is_used_once() {
        let parker = Parker::new();
        parker.unpark(|| panic!("nobody is parked"));
        parker.unpark(|| panic!("nobody is parked"));
        assert_eq!(parker.park(|_| panic!("a token was there")), Parked::Unparked);
        assert_eq!(parker.park(|_| Blocked::GiveUp), Parked::GaveUp);
    }

    #[test]
    fn returns_without_reason_are_borne() {
        let parker = Parker::new();
        let turns = Cell::new(0);
        let woken = Cell::new(0);
        let outcome = parker.park(|parker| {
            turns.set(turns.get() + 1);
            if turns.get() == 3 {
                parker.unpark(|| woken.set(woken.get() + 1));
            }
            Blocked::MayBeWoken
        });
        assert_eq!((outcome, turns.get(), woken.get()), (Parked::Unparked, 3, 1));
    }

    #[test]
    fn a_token_at_the_last_moment_beats_giving_up() {
        let parker = Parker::new();
        let outcome = parker.park(|parker| {
            parker.unpark(|| ());
            Blocked::GiveUp
        });
        assert_eq!(outcome, Parked::Unparked);
        assert!(!parker.is_notified());
    }
}

#[cfg(loom)]
mod model {
    use loom::sync::atomic::AtomicUsize;
    use loom::sync::{Arc, Condvar, Mutex};
    use loom::thread;

    use super::*;

    /// A scheduler of one thread: the lock, and "made runnable".
    struct World {
        parker: Parker,
        queue: Mutex<()>,
        runnable: Condvar,
        work: AtomicUsize,
    }

    impl World {
        fn new() -> Arc<Self> {
            Arc::new(Self {
                parker: Parker::new(),
                queue: Mutex::new(()),
                runnable: Condvar::new(),
                work: AtomicUsize::new(0),
            })
        }

        fn block(&self, parker: &Parker) -> Blocked {
            let queue = self.queue.lock().unwrap();
            if !parker.is_notified() {
                drop(self.runnable.wait(queue).unwrap());
            }
            Blocked::MayBeWoken
        }

        fn give_work(&self) {
            self.work.fetch_add(1, Ordering::Relaxed);
            self.parker.unpark(|| {
                let _queue = self.queue.lock().unwrap();
                self.runnable.notify_one();
            });
        }
    }

    #[test]
    fn no_wake_up_is_lost_and_what_came_before_it_is_seen() {
        loom::model(|| {
            let world = World::new();
            let giver = Arc::clone(&world);
            let other = thread::spawn(move || giver.give_work());
            assert_eq!(world.parker.park(|parker| world.block(parker)), Parked::Unparked);
            assert_eq!(world.work.load(Ordering::Relaxed), 1);
            other.join().unwrap();
        });
    }

    #[test]
    fn two_givers_are_both_seen() {
        loom::model(|| {
            let world = World::new();
            let givers = [(); 2].map(|()| {
                let giver = Arc::clone(&world);
                thread::spawn(move || giver.give_work())
            });
            while world.work.load(Ordering::Relaxed) < 2 {
                world.parker.park(|parker| world.block(parker));
            }
            for giver in givers {
                giver.join().unwrap();
            }
        });
    }

    #[test]
    fn giving_up_never_swallows_a_token() {
        loom::model(|| {
            let world = World::new();
            let giver = Arc::clone(&world);
            let other = thread::spawn(move || giver.parker.unpark(|| ()));
            let outcome = world.parker.park(|_| Blocked::GiveUp);
            other.join().unwrap();
            assert_eq!(world.parker.is_notified(), outcome == Parked::GaveUp);
        });
    }
}

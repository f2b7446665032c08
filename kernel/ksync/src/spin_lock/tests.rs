use std::boxed::Box;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;

/// A thread as a CPU: a flag for its interrupts, a record of its locks.
struct HostCpu;

std::thread_local! {
    static ENABLED: Cell<bool> = const { Cell::new(true) };
    static HELD: &'static HeldLocks = Box::leak(Box::new(HeldLocks::new()));
}

impl Interrupts for HostCpu {
    type State = bool;

    fn disable() -> bool {
        ENABLED.replace(false)
    }

    fn restore(state: bool) {
        ENABLED.set(state);
    }

    fn held() -> Option<&'static HeldLocks> {
        Some(HELD.with(|held| *held))
    }

    fn relax() {
        thread::yield_now();
    }
}

type Lock<T> = SpinLock<T, HostCpu>;

#[test]
fn interrupts_stay_disabled_until_the_outermost_guard_is_dropped() {
    let outer = Lock::new(Level::new(1), "outer", ());
    let inner = Lock::new(Level::new(2), "inner", ());
    let outer_guard = outer.lock();
    assert!(!ENABLED.get());
    drop(inner.lock());
    assert!(!ENABLED.get());
    drop(outer_guard);
    assert!(ENABLED.get());
}

#[test]
fn a_failed_try_leaves_interrupts_as_they_were() {
    let lock = Lock::new(Level::new(1), "lock", ());
    let guard = lock.lock();
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(lock.try_lock_for(3).is_none());
            assert!(ENABLED.get());
            assert_eq!(HELD.with(|held| held.count()), 0);
        });
    });
    drop(guard);
    assert!(lock.try_lock().is_some());
}

#[test]
fn threads_exclude_each_other() {
    let lock = Lock::new(Level::new(1), "sum", 0_u64);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    // Not one increment: a race would lose some.
                    let mut guard = lock.lock();
                    let value = *guard;
                    core::hint::black_box(value);
                    *guard = value + 1;
                }
            });
        }
    });
    assert_eq!(*lock.lock(), 80_000);
}

#[test]
fn a_waiting_cpu_has_its_interrupts_enabled() {
    static SEEN_ENABLED: AtomicBool = AtomicBool::new(false);
    struct Observer;
    impl Interrupts for Observer {
        type State = bool;
        fn disable() -> bool {
            HostCpu::disable()
        }
        fn restore(state: bool) {
            HostCpu::restore(state);
        }
        fn relax() {
            if ENABLED.get() {
                SEEN_ENABLED.store(true, Ordering::Release);
            }
            thread::yield_now();
        }
    }
    let lock = SpinLock::<(), Observer>::new(Level::new(1), "shoot-down", ());
    thread::scope(|scope| {
        let guard = lock.lock();
        scope.spawn(|| drop(lock.lock()));
        while !SEEN_ENABLED.load(Ordering::Acquire) {
            thread::yield_now();
        }
        drop(guard);
    });
}

#[cfg(any(debug_assertions, feature = "lock-levels"))]
mod checked {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::string::String;

    use super::*;

    static LOW: Lock<u32> = Lock::new(Level::new(1), "low", 0);
    static HIGH: Lock<u32> = Lock::new(Level::new(2), "high", 0);

    fn panic_message(action: impl FnOnce()) -> String {
        let payload = catch_unwind(AssertUnwindSafe(action)).unwrap_err();
        payload.downcast_ref::<String>().cloned().unwrap()
    }

    #[test]
    fn upwards_is_allowed() {
        thread::spawn(|| {
            let _low = LOW.lock();
            let _high = HIGH.lock();
            assert_eq!(HELD.with(|held| held.count()), 2);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn downwards_panics_with_both_names() {
        let message = panic_message(|| {
            let first = Lock::new(Level::new(9), "first", ());
            let second = Lock::new(Level::new(3), "second", ());
            let _first = first.lock();
            let _second = second.lock();
        });
        assert_eq!(message, "lock order: second (level 3) taken while holding first (level 9)");
    }

    #[test]
    fn the_highest_held_level_counts_not_the_last() {
        let high = Lock::new(Level::new(9), "high", ());
        let low = Lock::new(Level::new(3), "low", ());
        let middle = Lock::new(Level::new(5), "middle", ());
        let message = panic_message(|| {
            let _high = high.lock();
            // Trying downwards is allowed, and recorded.
            let _low = low.try_lock().unwrap();
            let _middle = middle.lock();
        });
        assert!(message.contains("middle (level 5)") && message.contains("high (level 9)"));
    }

    #[test]
    fn equal_levels_need_lock_nested() {
        let one = Lock::new(Level::new(4), "one", ());
        let other = Lock::new(Level::new(4), "other", ());
        {
            let _one = one.lock();
            let _other = other.lock_nested();
        }
        let message = panic_message(|| {
            let _one = one.lock();
            let _other = other.lock();
        });
        assert!(message.contains("other") && message.contains("one"));
    }

    #[test]
    fn taking_a_lock_twice_panics_instead_of_hanging() {
        let lock = Lock::new(Level::new(4), "twice", ());
        let message = panic_message(|| {
            let _guard = lock.lock();
            let _again = lock.lock_nested();
        });
        assert!(message.contains("twice"));
    }

    #[test]
    fn releasing_out_of_order_panics() {
        let outer = Lock::new(Level::new(1), "outer", ());
        let inner = Lock::new(Level::new(2), "inner", ());
        let message = panic_message(|| {
            let outer_guard = outer.lock();
            let inner_guard = inner.lock();
            drop(outer_guard);
            drop(inner_guard);
        });
        assert_eq!(message, "lock order: outer released before inner, which was taken after it");
    }
}

#[test]
fn a_stolen_lock_is_held_and_can_be_released() {
    let lock = Lock::new(Level::new(1), "serial", 7);
    core::mem::forget(lock.lock());
    assert!(lock.try_lock().is_none());
    // SAFETY: the forgotten guard never runs again.
    let guard = unsafe { lock.steal() };
    assert_eq!(*guard, 7);
    assert!(lock.is_locked());
    drop(guard);
    assert!(!lock.is_locked());
}

//! Clocks and sleeping.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use hal::interrupts::SpinLock;
use process_core::BlockReason;

use super::Test;
use super::support::{MS, Outcome, PATIENCE_MS, Worker, check, run_all, sleep_ms};
use crate::{levels, scheduler};

pub(super) const TESTS: &[Test] = &[
    ("clock_never_goes_back", never_goes_back),
    ("clock_shows_a_plausible_date", shows_a_plausible_date),
    ("clock_sleeps_are_neither_short_nor_long", sleeps_last),
    ("clock_timers_fire_in_order", timers_fire_in_order),
];

/// Whichever CPU is asked, the time is never earlier than what another one has just said.
// proves: K4
fn never_goes_back() -> Outcome {
    let latest = Arc::new(AtomicU64::new(hal::time::now_ns()));
    let workers = Worker::on_each(move |cpu| {
        for _ in 0..20_000 {
            // Sequentially consistent: the clock is read after the value is seen.
            let seen = latest.load(Ordering::SeqCst);
            let now = hal::time::now_ns();
            check!(now >= seen, "CPU {cpu} is {} ns behind", seen - now);
            latest.fetch_max(now, Ordering::SeqCst);
        }
        Ok(())
    })?;
    Ok(run_all(&workers, PATIENCE_MS)?)
}

// proves: K4
fn shows_a_plausible_date() -> Outcome {
    /// 2026-01-01 and 2100-01-01, in seconds since 1970.
    const FROM: i64 = 1_767_225_600;
    const UNTIL: i64 = 4_102_444_800;
    let wall = hal::time::wall_ns();
    let seconds = wall / 1_000_000_000;
    check!((FROM..UNTIL).contains(&seconds), "{seconds} s since 1970");
    let start = hal::time::now_ns();
    sleep_ms(20);
    let span = (hal::time::now_ns() - start).cast_signed();
    let wall_span = hal::time::wall_ns() - wall;
    check!(wall_span > 0 && wall_span <= span + 1_000_000_000, "{wall_span} ns in {span} ns");
    Ok(())
}

/// A sleep of a millisecond ends not before, and as a rule not much later. Each CPU's timer.
// proves: K4
fn sleeps_last() -> Outcome {
    const MIDDLE_MS: u64 = 20;
    let workers = Worker::on_each(|cpu| {
        let mut lengths = Vec::new();
        for _ in 0..25 {
            let start = hal::time::now_ns();
            let deadline = start + MS;
            while scheduler::park_until(BlockReason::Sleep, deadline) {}
            let end = hal::time::now_ns();
            check!(end >= deadline, "CPU {cpu} woke {} ns early", deadline - end);
            lengths.push(end - start);
        }
        check!(!scheduler::park_until(BlockReason::Sleep, 1), "a sleep until long ago");
        lengths.sort_unstable();
        let middle = lengths[lengths.len() / 2];
        check!(middle < MIDDLE_MS * MS, "a sleep of 1 ms takes {} us on CPU {cpu}", middle / 1000);
        Ok(())
    })?;
    Ok(run_all(&workers, PATIENCE_MS)?)
}

/// Threads that sleep on one CPU until different moments wake in the order of the moments.
// proves: K4
fn timers_fire_in_order() -> Outcome {
    const SLEEPERS: u64 = 12;
    const APART_MS: u64 = 5;
    // A host that stops this CPU for longer than `APART_MS` makes several expire at once; then they
    // run in the scheduler's order. Not every time, though.
    const ATTEMPTS: usize = 10;
    let mut order = Vec::new();
    for _ in 0..ATTEMPTS {
        let start = hal::time::now_ns() + 10 * MS;
        let woken = Arc::new(SpinLock::new(levels::SERVICES, "selftest", Vec::new()));
        let mut workers = Vec::new();
        for index in 0..SLEEPERS {
            // Set in another order than they are to fire.
            let turn = index * 7 % SLEEPERS;
            let woken = Arc::clone(&woken);
            workers.push(Worker::on(0, move || {
                let deadline = start + (turn + SLEEPERS) * APART_MS * MS;
                while scheduler::park_until(BlockReason::Sleep, deadline) {}
                let now = hal::time::now_ns();
                check!(now >= deadline, "woke {} ns early", deadline - now);
                woken.lock().push(turn);
                Ok(())
            })?);
        }
        run_all(&workers, PATIENCE_MS)?;
        order = core::mem::take(&mut *woken.lock());
        check!(order.len() as u64 == SLEEPERS, "{} sleepers woke", order.len());
        if order.is_sorted() {
            return Ok(());
        }
    }
    check!(false, "timers fired in the order {order:?}, {ATTEMPTS} times or alike");
    Ok(())
}

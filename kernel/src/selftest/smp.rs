//! All CPUs take part: each runs threads, and each has a timer of its own.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};

use hal::trap::TIMER_VECTOR;

use super::Test;
use super::support::{MS, Outcome, PATIENCE_MS, Worker, check, eventually, run_all, sleep_ms};
use crate::scheduler;

pub(super) const TESTS: &[Test] = &[
    ("smp_every_cpu_runs_threads", every_cpu_runs_threads),
    ("smp_every_cpu_has_a_timer", every_cpu_has_a_timer),
    ("smp_idle_cpus_take_work", idle_cpus_take_work),
    ("smp_idle_cpus_sleep", idle_cpus_sleep),
];

// proves: K1
fn every_cpu_runs_threads() -> Outcome {
    let arrived = Arc::new(AtomicU64::new(0));
    let (all, shared) = (hal::cpu::online() as u64, Arc::clone(&arrived));
    let workers = Worker::on_each(move |cpu| {
        let switches = || scheduler::figures(cpu).map_or(0, |figures| figures.switches);
        let before = switches();
        // All at the same time: who is here waits for the others without leaving its CPU.
        shared.fetch_add(1, Ordering::Relaxed);
        let deadline = hal::time::now_ns() + PATIENCE_MS * MS;
        while shared.load(Ordering::Relaxed) < all {
            check!(hal::time::now_ns() < deadline, "CPU {cpu} waits for the others in vain");
            core::hint::spin_loop();
        }
        check!(hal::cpu::current() == cpu, "on CPU {} instead of {cpu}", hal::cpu::current());
        // A sleep whose time is over before it began leaves no CPU, so it may take several.
        let switched = eventually(PATIENCE_MS, || {
            sleep_ms(2);
            switches() > before
        });
        check!(hal::cpu::current() == cpu, "on CPU {} instead of {cpu}", hal::cpu::current());
        check!(switched, "CPU {cpu} counts no switches");
        Ok(())
    })?;
    run_all(&workers, PATIENCE_MS)?;
    check!(arrived.load(Ordering::Relaxed) == all, "not all CPUs came");
    Ok(())
}

// proves: K1, K5
fn every_cpu_has_a_timer() -> Outcome {
    let workers = Worker::on_each(|cpu| {
        let Some(statistics) = hal::cpu::statistics(cpu) else {
            return Err(alloc::format!("CPU {cpu} has no statistics"));
        };
        let count = || statistics.vectors[usize::from(TIMER_VECTOR)].get();
        let before = count();
        for _ in 0..5 {
            sleep_ms(2);
        }
        let fired = count() - before;
        check!(fired >= 5, "the timer of CPU {cpu} fired {fired} times in 5 sleeps");
        Ok(())
    })?;
    Ok(run_all(&workers, PATIENCE_MS)?)
}

/// Threads that may run anywhere and were made on one CPU spread over all of them.
// proves: K2
fn idle_cpus_take_work() -> Outcome {
    super::support::need_several_cpus()?;
    let seen = Arc::new(AtomicU64::new(0));
    let wanted = (1 << hal::cpu::online().min(63)) - 1;
    let mut workers = alloc::vec::Vec::new();
    for _ in 0..hal::cpu::online() {
        let seen = Arc::clone(&seen);
        let worker = Worker::on(0, move || {
            let thread = scheduler::current().ok_or("no thread runs")?;
            thread.set_affinity(sched_core::CpuSet::ALL);
            let deadline = hal::time::now_ns() + PATIENCE_MS * MS;
            while seen.load(Ordering::Relaxed) != wanted && hal::time::now_ns() < deadline {
                seen.fetch_or(1 << hal::cpu::current().min(63), Ordering::Relaxed);
            }
            Ok(())
        })?;
        workers.push(worker);
    }
    run_all(&workers, 2 * PATIENCE_MS)?;
    let seen = seen.load(Ordering::Relaxed);
    check!(seen == wanted, "work was done on the CPUs {seen:#b} only");
    Ok(())
}

/// Without work every CPU halts: nearly all of its time is idle time, with few interrupts.
// proves: K2, K5
fn idle_cpus_sleep() -> Outcome {
    const SPAN_MS: u64 = 300;
    // What ran before may still be tidying up.
    sleep_ms(50);
    let figures = |cpu| scheduler::figures(cpu).map_or((0, 0), |f| (f.idle_ns, f.switches));
    let is_quiet = eventually(10 * SPAN_MS, || {
        let before: alloc::vec::Vec<_> = (0..hal::cpu::online()).map(figures).collect();
        let start = hal::time::now_ns();
        sleep_ms(SPAN_MS);
        let span = hal::time::now_ns() - start;
        before.iter().enumerate().all(|(cpu, (idle_before, switches_before))| {
            let (idle, switches) = figures(cpu);
            (idle - idle_before) * 100 >= span * 95 && switches - switches_before <= 20
        })
    });
    check!(is_quiet, "a CPU without work is busy");
    Ok(())
}

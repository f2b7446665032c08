//! Threads: preemption, shares, wake-ups, affinity, and what they leave behind.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use ksync::Once;
use process_core::BlockReason;
use sched_core::{Class, Nice, Params, Priority};

use super::Test;
use super::support::{
    Account, MS, Outcome, PATIENCE_MS, Said, Worker, check, eventually, fill_histories, join_all,
    make_threads, need_several_cpus, only, sleep_ms,
};
use crate::scheduler::{self, Thread};

pub(super) const TESTS: &[Test] = &[
    ("scheduler_preempts_and_shares_fairly", preempts_and_shares_fairly),
    ("scheduler_keeps_the_weights", keeps_the_weights),
    ("scheduler_idle_priority_gives_way", idle_gives_way),
    ("scheduler_wakes_up_soon", wakes_up_soon),
    ("scheduler_loses_no_wake_up", loses_no_wake_up),
    ("scheduler_moves_running_threads", moves_running_threads),
    ("scheduler_threads_leave_nothing_behind", threads_leave_nothing_behind),
];

/// How long spinners spin when shares are measured.
const SPAN_MS: u64 = 400;

/// Has one thread of each priority spin on the last CPU, at the same time, for `SPAN_MS`; gives
/// their CPU times in nanoseconds.
fn share(priorities: &[Priority]) -> Result<Vec<u64>, alloc::string::String> {
    let is_over = Arc::new(AtomicBool::new(false));
    let started = Arc::new(AtomicUsize::new(0));
    let mut workers = Vec::new();
    for priority in priorities {
        let (is_over, started) = (Arc::clone(&is_over), Arc::clone(&started));
        let worker = Worker::on(hal::cpu::online() - 1, move || {
            started.fetch_add(1, Ordering::Relaxed);
            let deadline = hal::time::now_ns() + PATIENCE_MS * MS;
            while !is_over.load(Ordering::Relaxed) && hal::time::now_ns() < deadline {
                core::hint::spin_loop();
            }
            Ok(())
        })?;
        let params = Params { priority: *priority, class: Class::User, nice: Nice::clamped(0) };
        worker.thread.set_params(params);
        workers.push(worker);
    }
    workers.iter().for_each(Worker::go);
    // Idle ones may not even start.
    let expected = priorities.iter().filter(|priority| **priority != Priority::Idle).count();
    let have_started =
        eventually(PATIENCE_MS, || started.load(Ordering::Relaxed) >= expected.max(1));
    let times = || workers.iter().map(Worker::cpu_ns).collect::<Vec<_>>();
    let before = times();
    sleep_ms(SPAN_MS);
    let after = times();
    is_over.store(true, Ordering::Relaxed);
    join_all(&workers, PATIENCE_MS)?;
    check!(have_started, "spinning threads keep others from starting");
    let spans: Vec<u64> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
    let all: u64 = spans.iter().sum();
    check!(all * 2 > SPAN_MS * MS, "a CPU with work ran it for {} us only", all / 1000);
    Ok(spans)
}

/// Whether the shares that threads of these priorities got were good at least once: a host that stops
/// the CPU for a while charges whoever runs then.
fn shares(priorities: &[Priority], is_good: impl Fn(&[u64]) -> bool) -> Outcome {
    const ATTEMPTS: usize = 4;
    let mut spans = Vec::new();
    for _ in 0..ATTEMPTS {
        spans = share(priorities)?;
        if is_good(&spans) {
            return Ok(());
        }
    }
    check!(false, "{priorities:?} got {spans:?} ns, {ATTEMPTS} times or alike");
    Ok(())
}

// proves: K2
fn preempts_and_shares_fairly() -> Outcome {
    shares(&[Priority::Normal; 3], |spans| {
        let (least, most) = (spans.iter().min(), spans.iter().max());
        least.zip(most).is_some_and(|(least, most)| least * 3 > most * 2)
    })
}

/// Four to one, give and take the slices at both ends and what the measuring thread took.
// proves: K2
fn keeps_the_weights() -> Outcome {
    shares(&[Priority::High, Priority::Normal], |spans| {
        spans[0] > spans[1] * 5 / 2 && spans[0] < spans[1] * 7
    })
}

// proves: K2
fn idle_gives_way() -> Outcome {
    shares(&[Priority::Normal, Priority::Idle], |spans| spans[1] * 20 < spans[0])?;
    // Alone it runs.
    shares(&[Priority::Idle], |spans| spans[0] > 0)
}

/// From an `unpark` to the woken thread's first step, on a CPU that idles.
// proves: K2
fn wakes_up_soon() -> Outcome {
    const ROUNDS: usize = 51;
    const MIDDLE_MS: u64 = 10;
    let woken_at = Arc::new(AtomicU64::new(0));
    let shared = Arc::clone(&woken_at);
    let sleeper = Worker::on(hal::cpu::online() - 1, move || {
        let deadline = hal::time::now_ns() + PATIENCE_MS * MS;
        for _ in 0..ROUNDS {
            while shared.load(Ordering::Acquire) != 0 {
                check!(scheduler::park_until(BlockReason::Work, deadline), "nobody wakes it");
            }
            scheduler::park_until(BlockReason::Work, deadline);
            shared.store(hal::time::now_ns(), Ordering::Release);
        }
        Ok(())
    })?;
    sleeper.go();
    let mut delays = Vec::new();
    for round in 0..ROUNDS {
        sleep_ms(3);
        let start = hal::time::now_ns();
        sleeper.thread.unpark();
        let is_awake = eventually(PATIENCE_MS, || woken_at.load(Ordering::Acquire) != 0);
        check!(is_awake, "an unparked thread does not run in round {round}");
        // It may have been in its first park still, in the first round.
        delays.push(woken_at.swap(0, Ordering::AcqRel).saturating_sub(start));
        sleeper.thread.unpark();
    }
    sleeper.join(PATIENCE_MS)?;
    delays.sort_unstable();
    let middle = delays[ROUNDS / 2];
    check!(middle < MIDDLE_MS * MS, "waking up takes {} us", middle / 1000);
    Ok(())
}

/// What two threads that wake each other share.
struct Table {
    turn: AtomicU64,
    players: [Once<Arc<Thread>>; 2],
}

/// Two threads take turns: each wakes the other and sleeps until it is woken. A lost wake-up would
/// have both sleep.
// proves: K2
fn loses_no_wake_up() -> Outcome {
    play(0, hal::cpu::online() - 1, 10_000)?;
    // On one CPU as well.
    play(0, 0, 1_000)
}

fn play(first: usize, second: usize, rounds: u64) -> Outcome {
    let table = Arc::new(Table { turn: AtomicU64::new(0), players: [Once::new(), Once::new()] });
    let mut workers = Vec::new();
    for (player, cpu) in [first, second].into_iter().enumerate() {
        let own = Arc::clone(&table);
        workers.push(Worker::on(cpu, move || take_turns(&own, player, rounds))?);
    }
    for (player, worker) in workers.iter().enumerate() {
        table.players[player].call_once(|| Arc::clone(&worker.thread));
    }
    workers.iter().for_each(Worker::go);
    let said = join_all(&workers, 2 * PATIENCE_MS);
    let turn = table.turn.load(Ordering::Relaxed);
    check!(said.is_ok(), "in round {} of {rounds}: {said:?}", turn / 2);
    Ok(())
}

fn take_turns(table: &Table, player: usize, rounds: u64) -> Said {
    let Some(other) = table.players[1 - player].get() else {
        return Err(alloc::string::String::from("the other player is missing"));
    };
    for round in 0..rounds {
        let mine = round * 2 + player as u64;
        // Acquire and release hand the turn over.
        while table.turn.load(Ordering::Acquire) != mine {
            scheduler::park(BlockReason::Work);
        }
        table.turn.store(mine + 1, Ordering::Release);
        other.unpark();
    }
    Ok(())
}

/// A thread that never sleeps goes where it is told to.
// proves: K2
fn moves_running_threads() -> Outcome {
    need_several_cpus()?;
    let is_over = Arc::new(AtomicBool::new(false));
    let where_it_is = Arc::new(AtomicUsize::new(usize::MAX));
    let shared = (Arc::clone(&is_over), Arc::clone(&where_it_is));
    let spinner = Worker::on(0, move || {
        let deadline = hal::time::now_ns() + 2 * PATIENCE_MS * MS;
        while !shared.0.load(Ordering::Relaxed) && hal::time::now_ns() < deadline {
            shared.1.store(hal::cpu::current(), Ordering::Relaxed);
        }
        Ok(())
    })?;
    spinner.go();
    let has_started = eventually(PATIENCE_MS, || where_it_is.load(Ordering::Relaxed) == 0);
    check!(has_started, "the thread does not run");
    let mut lost = None;
    for round in 0..60 {
        let target = (round * 7 + 1) % hal::cpu::online();
        spinner.thread.set_affinity(only(target));
        if !eventually(5_000, || where_it_is.load(Ordering::Relaxed) == target) {
            lost = Some((round, target));
            break;
        }
    }
    is_over.store(true, Ordering::Relaxed);
    spinner.join(PATIENCE_MS)?;
    check!(lost.is_none(), "round and CPU {lost:?}: the thread did not come");
    Ok(())
}

// proves: K2
fn threads_leave_nothing_behind() -> Outcome {
    fill_histories()?;
    let before = Account::now();
    make_threads(1_000)?;
    Ok(before.is_settled(64 << 10)?)
}

//! One processor: shares, waits, the real-time budget, sleeping, yielding.

use sched_core::{Class, CpuSet, Nice, Params, Priority};

use crate::sim::{
    MICRO, MILLI, Machine, SECOND,
    task::Behaviour::{Hog, Relay, Sleeper, Yielder},
};

const CLASSES: [Class; 5] =
    [Class::System, Class::User, Class::Service, Class::Background, Class::Interactive];
const SHARING: [Priority; 3] = [Priority::Low, Priority::Normal, Priority::High];

fn user(priority: Priority) -> Params {
    Params::new(priority, Class::User)
}

fn nice(value: i32) -> Params {
    Params { nice: Nice::clamped(value), ..Params::default() }
}

/// proves: K2
#[test]
fn two_equal_tasks_differ_by_at_most_one_slice() {
    for class in CLASSES {
        for priority in [Priority::Idle, Priority::Low, Priority::Normal, Priority::High] {
            let params = Params::new(priority, class);
            let mut machine = Machine::new(1, 1);
            let one = machine.spawn(params, CpuSet::ALL, Hog);
            let other = machine.spawn(params, CpuSet::ALL, Hog);
            let slice = params.slice().as_nanos();
            machine.run_until(SECOND, |machine| {
                let apart = machine.tasks[one].served.abs_diff(machine.tasks[other].served);
                assert!(apart <= slice, "{params:?}: {apart} ns apart");
            });
            assert_eq!(machine.total_served(), SECOND);
        }
    }
}

/// proves: K2
#[test]
fn weights_hold_within_two_percent_over_a_second() {
    for seed in 0..60 {
        let mut machine = Machine::new(1, seed);
        machine.max_lateness = 20 * MICRO;
        let count = machine.random.between(2, 30);
        for _ in 0..count {
            let params = Params {
                priority: *machine.random.choice(&SHARING),
                class: *machine.random.choice(&CLASSES[..3]),
                nice: machine.random.nice(10),
            };
            machine.spawn(params, CpuSet::ALL, Hog);
        }
        let weight: u64 = machine.tasks.iter().map(|task| u64::from(task.params.weight())).sum();
        machine.run_until(SECOND / 3, |_| {});
        let before: Vec<u64> = machine.tasks.iter().map(|task| task.served).collect();
        machine.run_until(SECOND / 3 + SECOND, |_| {});
        for (task, before) in machine.tasks.iter().zip(before) {
            let fair = SECOND * u64::from(task.params.weight()) / weight;
            let off = (task.served - before).abs_diff(fair);
            // Two lags, each at most a slice; far below the two percent of the second.
            let slice = 4 * MILLI + machine.max_lateness;
            assert!(off <= 2 * slice && off < SECOND / 50, "{:?} off by {off}", task.params);
        }
    }
}

/// A share of a quarter or more is met to two percent of itself.
/// proves: K2
#[test]
fn high_normal_and_low_share_sixteen_to_four_to_one() {
    let mut machine = Machine::new(1, 0);
    let ids = SHARING.map(|priority| machine.spawn(user(priority), CpuSet::ALL, Hog));
    machine.run_until(SECOND, |_| {});
    for (id, share) in ids.into_iter().zip([1, 4, 16]) {
        let fair = SECOND * share / 21;
        let off = machine.tasks[id].served.abs_diff(fair);
        assert!(off <= fair / 50 || off <= 4 * MILLI, "share {share}: off by {off}");
    }
}

/// proves: K2
#[test]
fn nobody_waits_longer_than_the_share_says() {
    for seed in 0..60 {
        let mut machine = Machine::new(1, seed);
        machine.max_lateness = 20 * MICRO;
        let count = machine.random.between(2, 60);
        for _ in 0..count {
            let params = Params {
                priority: *machine.random.choice(&SHARING),
                class: *machine.random.choice(&CLASSES),
                nice: machine.random.nice(10),
            };
            let behaviour = if machine.random.one_in(2) {
                Hog
            } else {
                Sleeper { run: (50 * MICRO, 20 * MILLI), sleep: (MICRO, 30 * MILLI) }
            };
            machine.spawn(params, CpuSet::ALL, behaviour);
        }
        machine.run_until(10 * SECOND, |_| {});
        let weight: u64 = machine.tasks.iter().map(|task| u64::from(task.params.weight())).sum();
        let longest = 24 * MILLI;
        for task in &machine.tasks {
            // From the most it can have had too much (its slice) to the most it can be owed
            // (the longest slice, which is not interrupted), at its rate; twice the slice
            // of one that yields to those that were favoured at their wake-up.
            let owed = 2 * task.params.slice().as_nanos() + longest;
            let bound = owed * weight / u64::from(task.params.weight()) + longest;
            let still = task.waiting_since.map_or(0, |since| machine.now.since(since).as_nanos());
            let waited = task.longest_wait.max(still);
            assert!(waited <= bound, "{:?} waited {waited} ns, bound {bound}", task.params);
            assert!(task.served > 0 || bound > machine.now.as_nanos());
        }
    }
}

/// proves: K2
#[test]
fn turns_are_held_to_their_budget_and_others_go_on() {
    for (critical, real_time) in [(0, 1), (1, 0), (1, 1), (3, 5)] {
        let mut machine = Machine::new(1, 0);
        let mut urgent = Vec::new();
        for _ in 0..critical {
            urgent.push(machine.spawn(user(Priority::Critical), CpuSet::ALL, Hog));
        }
        for _ in 0..real_time {
            urgent.push(machine.spawn(user(Priority::RealTime), CpuSet::ALL, Hog));
        }
        let others: Vec<usize> =
            SHARING.map(|priority| machine.spawn(user(priority), CpuSet::ALL, Hog)).into();
        for second in 1..=5 {
            machine.run_until(second * SECOND, |_| {});
            let used: u64 = urgent.iter().map(|&id| machine.tasks[id].served).sum();
            assert_eq!(used, second * 95 * SECOND / 100, "exactly the budget");
            assert_eq!(machine.total_served(), second * SECOND);
        }
        for id in others {
            assert!(machine.tasks[id].served >= 5 * SECOND / 20 / 21 - 10 * MILLI);
            assert!(machine.tasks[id].longest_wait <= 25 * 100 * MILLI);
        }
        let (first, rest) = urgent.split_at(critical.max(usize::from(critical == 0)));
        // Critical goes first; within a level, turns are equal.
        if critical > 0 {
            assert!(rest.iter().all(|&id| machine.tasks[id].served == 0));
        }
        let shares: Vec<u64> = first.iter().map(|&id| machine.tasks[id].served).collect();
        let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
        assert!(most - least <= 10 * MILLI, "{shares:?}");
    }
}

/// proves: K2
#[test]
fn the_budget_binds_only_while_somebody_who_shares_waits() {
    let mut machine = Machine::new(1, 0);
    let real_time = machine.spawn(user(Priority::RealTime), CpuSet::ALL, Hog);
    let idle = machine.spawn(user(Priority::Idle), CpuSet::ALL, Hog);
    machine.run_until(SECOND, |_| {});
    assert_eq!(machine.tasks[real_time].served, SECOND);
    assert_eq!(machine.tasks[idle].served, 0);
    let normal = machine.spawn(user(Priority::Normal), CpuSet::ALL, Hog);
    machine.run_until(2 * SECOND, |_| {});
    assert_eq!(machine.tasks[normal].served, SECOND / 20);
    assert_eq!(machine.tasks[idle].served, 0);
}

/// proves: K2
#[test]
fn real_time_tasks_take_turns_and_wake_at_once() {
    let mut machine = Machine::new(1, 3);
    for _ in 0..20 {
        machine.spawn(user(Priority::High), CpuSet::ALL, Hog);
    }
    let short = Sleeper { run: (100 * MICRO, MILLI), sleep: (2 * MILLI, 10 * MILLI) };
    let urgent = machine.spawn(user(Priority::RealTime), CpuSet::ALL, short);
    machine.run_until(5 * SECOND, |_| {});
    assert_eq!(machine.tasks[urgent].longest_wait, 0, "nothing delays it");
    assert!(machine.tasks[urgent].waits > 500);
}

/// proves: K2
#[test]
fn sleeping_earns_nothing() {
    // Sleeps just before its slice would end, for as short as possible; then for longer.
    for (run, sleep) in
        [(3_900, 1), (1_400, 1), (3_900, 500), (100, 1), (4_100, 10), (1_000, 3_000)]
    {
        for class in CLASSES {
            for hogs in [1, 5] {
                let mut machine = Machine::new(1, 0);
                for _ in 0..hogs {
                    machine.spawn(user(Priority::Normal), CpuSet::ALL, Hog);
                }
                let (run, sleep) = (run * MICRO, sleep * MICRO);
                let nap = Sleeper { run: (run, run), sleep: (sleep, sleep) };
                let params = Params::new(Priority::Normal, class);
                let sleeper = machine.spawn(params, CpuSet::ALL, nap);
                machine.run_until(2 * SECOND, |_| {});
                let honest: u64 = machine.tasks[..sleeper].iter().map(|task| task.served).sum();
                let ahead = machine.tasks[sleeper].served.saturating_sub(honest / hogs);
                assert!(ahead <= 25 * MILLI, "{class:?}, {run}, {sleep}, {hogs}: {ahead} ns ahead");
            }
        }
    }
}

/// proves: K2
#[test]
fn a_sleeper_gets_its_small_share_soon() {
    let mut waits = Vec::new();
    for class in [Class::Interactive, Class::User, Class::Background] {
        let mut machine = Machine::new(1, 5);
        for _ in 0..10 {
            machine.spawn(user(Priority::Normal), CpuSet::ALL, Hog);
        }
        let brief = Sleeper { run: (100 * MICRO, 300 * MICRO), sleep: (20 * MILLI, 40 * MILLI) };
        let id = machine.spawn(Params::new(Priority::Normal, class), CpuSet::ALL, brief);
        machine.run_until(20 * SECOND, |_| {});
        let task = &machine.tasks[id];
        waits.push(task.waited / task.waits);
    }
    assert!(waits[0] < MILLI, "Interactive waits {} ns on average", waits[0]);
    assert!(waits[0] * 4 < waits[1] && waits[1] < waits[2], "{waits:?}");
}

/// Interactive tasks that wake up all the time go first only until somebody is late.
/// proves: K2
#[test]
fn interactive_tasks_delay_nobody_beyond_the_share() {
    for seed in 0..10 {
        let mut machine = Machine::new(1, seed);
        let hog = machine.spawn(user(Priority::Normal), CpuSet::ALL, Hog);
        let busy = Sleeper { run: (100 * MICRO, 2 * MILLI), sleep: (10 * MICRO, 20 * MILLI) };
        for _ in 0..30 {
            let params = Params::new(Priority::Normal, Class::Interactive);
            machine.spawn(params, CpuSet::ALL, busy);
        }
        machine.run_until(10 * SECOND, |_| {});
        let task = &machine.tasks[hog];
        // Its slice at its rate, and one slice of another that is not interrupted.
        let bound = 31 * 4 * MILLI + 2 * MILLI;
        assert!(task.longest_wait <= bound, "waited for {} ns", task.longest_wait);
        assert!(task.served >= 10 * SECOND / 31 - 8 * MILLI, "got {} ns", task.served);
    }
}

/// Tasks that wake each other up: one of them always runs for a moment, and goes in debt.
/// proves: K2
#[test]
fn a_stream_of_short_runs_starves_nobody() {
    let rings = [(2, 100 * MICRO), (2, MILLI), (10, MILLI), (100, MILLI), (1_000, 2 * MILLI)];
    for class in CLASSES {
        for (tasks, run) in rings {
            let mut machine = Machine::new(1, 0);
            let hog = machine.spawn(user(Priority::Normal), CpuSet::ALL, Hog);
            for number in 0..tasks {
                let relay = Relay { run, next: hog + 1 + (number + 1) % tasks };
                machine.spawn(Params::new(Priority::Normal, class), CpuSet::ALL, relay);
            }
            // All are there at first; then the ring has found its way.
            machine.run_until(4 * SECOND, |_| {});
            let before = machine.tasks[hog].served;
            machine.tasks[hog].longest_wait = 0;
            machine.run_until(6 * SECOND, |_| {});
            let (served, waited) =
                (machine.tasks[hog].served - before, machine.tasks[hog].longest_wait);
            assert!(served >= SECOND / 4, "{class:?}, {tasks} of {run} ns: got {served} ns");
            assert!(waited <= 30 * MILLI, "{class:?}, {tasks} of {run} ns: waited {waited} ns");
            let ring = 2 * SECOND - served;
            assert!(ring >= SECOND / 4, "{class:?}, {tasks} of {run} ns: the ring got {ring} ns");
        }
    }
}

/// proves: K2
#[test]
fn yielding_lets_others_go_first_and_starves_nobody() {
    let mut machine = Machine::new(1, 0);
    let hog = machine.spawn(user(Priority::Normal), CpuSet::ALL, Hog);
    let yielder = Yielder { run: (10 * MICRO, 10 * MICRO) };
    let polite = [(); 3].map(|()| machine.spawn(user(Priority::Normal), CpuSet::ALL, yielder));
    machine.run_until(2 * SECOND, |_| {});
    assert!(machine.tasks[hog].served > 19 * SECOND / 10, "{}", machine.tasks[hog].served);
    for id in polite {
        assert!(machine.tasks[id].longest_wait <= 20 * MILLI);
        assert!(machine.tasks[id].served > MILLI);
    }
}

/// proves: K2
#[test]
fn an_idle_task_runs_only_when_nothing_else_can() {
    let mut machine = Machine::new(1, 0);
    let idle = machine.spawn(user(Priority::Idle), CpuSet::ALL, Hog);
    let half = Sleeper { run: (5 * MILLI, 5 * MILLI), sleep: (5 * MILLI, 5 * MILLI) };
    let normal = machine.spawn(user(Priority::Low), CpuSet::ALL, half);
    machine.run_until(SECOND, |_| {});
    assert_eq!(machine.tasks[normal].served, SECOND / 2);
    assert_eq!(machine.tasks[normal].longest_wait, 0);
    assert_eq!(machine.tasks[idle].served, SECOND / 2);
}

/// proves: P3
#[test]
fn a_change_of_parameters_takes_effect_at_once() {
    let mut machine = Machine::new(1, 0);
    let one = machine.spawn(nice(0), CpuSet::ALL, Hog);
    let other = machine.spawn(nice(0), CpuSet::ALL, Hog);
    machine.run_until(SECOND, |_| {});
    machine.set_params(one, user(Priority::High));
    let before = machine.tasks[one].served;
    machine.run_until(2 * SECOND, |_| {});
    let got = machine.tasks[one].served - before;
    assert!(got.abs_diff(SECOND * 4 / 5) <= 8 * MILLI, "{got}");
    machine.set_params(other, user(Priority::RealTime));
    let before = machine.tasks[other].served;
    machine.run_until(3 * SECOND, |_| {});
    let got = machine.tasks[other].served - before;
    assert!(got.abs_diff(SECOND * 19 / 20) <= 5 * MILLI, "{got}");
    machine.set_params(other, user(Priority::Idle));
    let before = machine.tasks[other].served;
    machine.run_until(4 * SECOND, |_| {});
    assert_eq!(machine.tasks[other].served, before);
}

/// Changing weights all the time neither earns nor loses anything.
/// proves: P3
#[test]
fn changing_nice_back_and_forth_earns_nothing() {
    for seed in 0..20 {
        let mut machine = Machine::new(1, seed);
        let fickle = machine.spawn(nice(0), CpuSet::ALL, Hog);
        let steady = machine.spawn(nice(0), CpuSet::ALL, Hog);
        let (mut fair, mut at) = (0, 0);
        while at < 10 * SECOND {
            let params = Params { nice: machine.random.nice(5), ..Params::default() };
            machine.set_params(fickle, params);
            let span = machine.random.between(MILLI, 40 * MILLI);
            let weight = u64::from(params.weight());
            fair += span * weight / (weight + u64::from(nice(0).weight()));
            at += span;
            machine.run_until(at, |_| {});
        }
        assert!(machine.tasks[fickle].served.abs_diff(fair) <= 16 * MILLI);
        assert!(machine.tasks[steady].served.abs_diff(at - fair) <= 16 * MILLI);
    }
}

//! Many processors: nobody is lost, affinity holds, no processor idles beside waiting work, and
//! the shares are those of one big processor as far as the tasks can be divided.

use sched_core::{Class, CpuId, CpuSet, Params, Priority};

use crate::sim::{
    MICRO, MILLI, Machine, Random, SECOND,
    task::Behaviour::{self, Hog, Sleeper, Yielder},
};

/// How long a task may wait while a processor idles that it may run on: until it is no longer
/// cache hot, and a processor whose attention is elsewhere looks around.
const IDLE_BOUND: u64 = 5 * MILLI;

fn any_params(random: &mut Random) -> Params {
    let classes =
        [Class::System, Class::User, Class::Service, Class::Background, Class::Interactive];
    // Few are urgent, or nothing else would happen.
    let priority = match random.below(40) {
        0 => Priority::Critical,
        1 => Priority::RealTime,
        2..6 => Priority::Idle,
        6..12 => Priority::Low,
        12..18 => Priority::High,
        _ => Priority::Normal,
    };
    Params { priority, class: *random.choice(&classes), nice: random.nice(20) }
}

fn any_affinity(random: &mut Random, cpus: usize) -> CpuSet {
    let some = |random: &mut Random| CpuId::new(random.index(cpus)).unwrap();
    match random.below(4) {
        0 => CpuSet::single(some(random)),
        1 => (0..4).map(|_| some(random)).collect(),
        _ => CpuSet::ALL,
    }
}

fn any_behaviour(random: &mut Random) -> Behaviour {
    match random.below(32) {
        0 => Hog,
        1 => Yielder { run: (100 * MICRO, 5 * MILLI) },
        2..6 => Sleeper { run: (MILLI, 40 * MILLI), sleep: (MILLI, 200 * MILLI) },
        _ => Sleeper { run: (5 * MICRO, 500 * MICRO), sleep: (100 * MICRO, 20 * MILLI) },
    }
}

/// A crowd that changes priorities and affinities all the time. Other crowds than the usual ones
/// come with `SCHED_SEED=n` in the environment.
fn crowd(cpus: usize, tasks: usize, span: u64, seed: u64) {
    let other = std::env::var("SCHED_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed + other.unwrap_or(0);
    let mut machine = Machine::new(cpus, seed).with_nodes(cpus.div_ceil(16));
    machine.max_lateness = 20 * MICRO;
    for _ in 0..tasks {
        let params = any_params(&mut machine.random);
        let affinity = any_affinity(&mut machine.random, cpus) & machine.online();
        let behaviour = any_behaviour(&mut machine.random);
        machine.spawn(params, affinity, behaviour);
    }
    let (mut at, mut events, mut idle) = (0, 0_u64, 0_u64);
    while at < span {
        at += machine.random.between(100 * MICRO, 2 * MILLI);
        machine.run_until(at, |machine| {
            events += 1;
            idle += u64::from(machine.idle_cpus().next().is_some());
            if cpus <= 16 || events.is_multiple_of(16) {
                machine.assert_no_idle_waste(IDLE_BOUND);
            }
        });
        machine.assert_nothing_lost();
        let id = machine.random.index(tasks);
        if machine.random.one_in(2) {
            let params = any_params(&mut machine.random);
            machine.set_params(id, params);
        } else {
            let affinity = any_affinity(&mut machine.random, cpus) & machine.online();
            machine.set_affinity(id, affinity);
        }
        machine.assert_nothing_lost();
    }
    let migrations: u64 = machine.tasks.iter().map(|task| task.migrations).sum();
    println!("{events} events, {idle} with an idle processor, {migrations} migrations");
    assert!(machine.total_served() <= machine.now.as_nanos() * cpus as u64);
}

/// proves: K2
#[test]
fn crowds_on_few_processors() {
    for seed in 0..4 {
        for cpus in [1, 2, 3, 4, 8] {
            for per_cpu in [2, 5, 40] {
                crowd(cpus, per_cpu * cpus, SECOND / 2, seed);
            }
        }
    }
}

/// proves: K2, K3
#[test]
fn crowds_on_many_processors() {
    crowd(64, 200, SECOND / 2, 7);
    crowd(64, 3_000, SECOND / 4, 8);
    crowd(256, 600, SECOND / 4, 9);
    crowd(256, 5_000, SECOND / 8, 10);
}

/// As many tasks as processors: nobody ever waits, whatever processor it wakes up on.
/// proves: K2
#[test]
fn tasks_that_fit_do_not_wait() {
    let mut machine = Machine::new(8, 9);
    let nap = Sleeper { run: (MILLI, 10 * MILLI), sleep: (MILLI, 10 * MILLI) };
    for _ in 0..8 {
        machine.spawn(Params::default(), CpuSet::ALL, nap);
    }
    machine.run_until(2 * SECOND, Machine::assert_nothing_lost);
    for task in &machine.tasks {
        assert_eq!(task.longest_wait, 0);
        assert!(task.waits > 100);
        assert_eq!(task.migrations, 0, "its last processor was free");
    }
}

/// proves: K2
#[test]
fn idle_processors_steal() {
    // All begin on the only processor they may use, then are let go.
    let mut machine = Machine::new(4, 10);
    let first = CpuSet::single(CpuId::ZERO);
    for _ in 0..4 {
        machine.spawn(Params::default(), first, Hog);
    }
    machine.run_until(SECOND, |_| {});
    assert_eq!(machine.idle_cpus().count(), 3);
    for id in 0..4 {
        machine.set_affinity(id, CpuSet::ALL);
    }
    machine.run_until(SECOND + 70 * MILLI, |_| {});
    assert_eq!(machine.idle_cpus().count(), 0);
    let before: Vec<u64> = machine.tasks.iter().map(|task| task.served).collect();
    machine.run_until(2 * SECOND, |_| {});
    for (task, before) in machine.tasks.iter().zip(before) {
        assert_eq!(task.served - before, 930 * MILLI, "each has a processor");
    }
}

/// proves: K2
#[test]
fn one_movable_task_is_found_among_many_that_are_not() {
    let mut machine = Machine::new(2, 11);
    let first = CpuSet::single(CpuId::ZERO);
    for _ in 0..500 {
        machine.spawn(Params::default(), first, Hog);
    }
    let second = Sleeper { run: (50 * MILLI, 50 * MILLI), sleep: (MILLI, MILLI) };
    machine.spawn(Params::default(), CpuSet::single(CpuId::from(1)), second);
    let movable = machine.spawn(Params::default(), CpuSet::ALL, Hog);
    machine.run_until(4 * SECOND, |machine| machine.assert_no_idle_waste(IDLE_BOUND));
    assert!(machine.tasks[movable].served >= SECOND, "{}", machine.tasks[movable].served);
}

/// proves: K2
#[test]
fn work_spreads_by_weight_over_all_processors() {
    for (cpus, hogs) in [(2_u8, 4_u64), (4, 16), (16, 64), (64, 256)] {
        let mut machine = Machine::new(cpus.into(), 12).with_nodes(cpus.div_ceil(32).into());
        for _ in 0..hogs {
            machine.spawn(Params::default(), CpuSet::ALL, Hog);
        }
        machine.run_until(SECOND, |_| {});
        let before: Vec<u64> = machine.tasks.iter().map(|task| task.served).collect();
        machine.run_until(2 * SECOND, |_| {});
        let fair = SECOND * u64::from(cpus) / hogs;
        for (task, before) in machine.tasks.iter().zip(before) {
            let off = (task.served - before).abs_diff(fair);
            assert!(off <= fair / 50 + 4 * MILLI, "{cpus} processors: off by {off} of {fair}");
        }
    }
}

/// From 65 processors on, the trees know affinities only modulo 64.
/// proves: K2
#[test]
fn the_right_one_of_many_idle_processors_is_woken_up() {
    let mut machine = Machine::new(256, 16);
    let first = CpuSet::single(CpuId::ZERO);
    for _ in 0..40 {
        machine.spawn(Params::default(), first, Hog);
    }
    let movable = machine.spawn(Params::default(), first, Hog);
    machine.run_until(SECOND, |_| {});
    machine.set_affinity(movable, first | CpuSet::single(CpuId::from(200)));
    machine.run_until(2 * SECOND, |machine| machine.assert_no_idle_waste(IDLE_BOUND));
    assert!(machine.tasks[movable].served >= 99 * SECOND / 100);
}

/// proves: K2
#[test]
fn idle_priority_gives_way_on_all_processors() {
    let mut machine = Machine::new(2, 15);
    let first = CpuSet::single(CpuId::ZERO);
    let idle = machine.spawn(Params::new(Priority::Idle, Class::User), CpuSet::ALL, Hog);
    let normal = [(); 2].map(|()| machine.spawn(Params::default(), first, Hog));
    machine.run_until(SECOND, |_| {});
    assert_eq!(machine.tasks[idle].served, SECOND);
    for id in normal {
        machine.set_affinity(id, CpuSet::ALL);
    }
    machine.run_until(SECOND + 10 * MILLI, |_| {});
    let before = machine.tasks[idle].served;
    machine.run_until(2 * SECOND, |_| {});
    assert_eq!(machine.tasks[idle].served, before, "two Normal tasks, two processors");
}

/// Load that arrives on one processor while the others are busy spreads within moments.
/// proves: K2
#[test]
fn busy_processors_balance() {
    let mut machine = Machine::new(4, 13);
    for cpu in 0..4 {
        machine.spawn(Params::default(), CpuSet::single(CpuId::from(cpu)), Hog);
    }
    let crowd: Vec<usize> = (0..8)
        .map(|_| machine.spawn(Params::default(), CpuSet::single(CpuId::ZERO), Hog))
        .collect();
    machine.run_until(SECOND, |_| {});
    for &id in &crowd {
        machine.set_affinity(id, CpuSet::ALL);
    }
    machine.run_until(SECOND * 3 / 2, |_| {});
    let before: Vec<u64> = machine.tasks.iter().map(|task| task.served).collect();
    machine.run_until(SECOND * 5 / 2, |_| {});
    for (task, before) in machine.tasks.iter().zip(before) {
        let off = (task.served - before).abs_diff(SECOND / 3);
        assert!(off <= 10 * MILLI, "off by {off}");
    }
}

/// proves: K2
#[test]
fn real_time_tasks_spread_and_find_a_processor_at_once() {
    let mut machine = Machine::new(4, 14);
    for _ in 0..16 {
        machine.spawn(Params::default(), CpuSet::ALL, Hog);
    }
    let brief = Sleeper { run: (100 * MICRO, 2 * MILLI), sleep: (MILLI, 20 * MILLI) };
    let urgent: Vec<usize> = (0..4)
        .map(|_| machine.spawn(Params::new(Priority::RealTime, Class::User), CpuSet::ALL, brief))
        .collect();
    machine.run_until(5 * SECOND, |_| {});
    for id in urgent {
        let task = &machine.tasks[id];
        assert_eq!(task.longest_wait, 0, "there was always a processor without one");
    }
}

//! Clocks that stand still, step back, and jump ahead by hours.

use proptest::prelude::*;
use sched_core::{
    Arrival, Class, CpuId, CpuSet, Effect, Entity, Instant, Nice, Params, Priority, PutBack,
    RunQueue, State,
};

use crate::sim::{MILLI, Random, SECOND};

const HOUR: u64 = 3_600 * SECOND;

fn queue_of(tasks: &[Params]) -> RunQueue<usize> {
    let mut queue = RunQueue::new(CpuId::ZERO);
    queue.reserve(tasks.len()).unwrap();
    for (id, &params) in tasks.iter().enumerate() {
        let state = State::new(params, CpuSet::ALL).unwrap();
        queue.enqueue(Entity::new(id, state), Arrival::New, Instant::ZERO).unwrap();
    }
    queue
}

/// Runs for `span` with honest timers; returns what each task got.
fn run(queue: &mut RunQueue<usize>, now: &mut u64, span: u64, tasks: usize) -> Vec<u64> {
    let mut served = vec![0; tasks];
    let end = now.saturating_add(span);
    while *now < end {
        let at = Instant::from_nanos(*now);
        let id = *queue.pick_next(at).unwrap();
        let next = queue.next_event(at).map_or(end, Instant::as_nanos).clamp(*now + 1, end);
        *now = next;
        let charged = queue.charge(Instant::from_nanos(next));
        served[id] += charged.ran.as_nanos();
    }
    served
}

/// proves: K2
#[test]
fn after_a_jump_of_hours_the_debt_is_bounded_and_then_all_is_fair_again() {
    for jump in [SECOND, HOUR, 1_000 * HOUR, u64::MAX / 4] {
        let mut queue = queue_of(&[Params::default(); 3]);
        let mut now = 0;
        run(&mut queue, &mut now, SECOND, 3);
        now += jump;
        // One of them is charged for the jump, and pays back an eighth of a second at the most.
        let served = run(&mut queue, &mut now, SECOND, 3);
        assert!(served.iter().all(|&time| time > SECOND / 5), "{jump}: {served:?}");
        let served = run(&mut queue, &mut now, SECOND, 3);
        for time in served {
            assert!(time.abs_diff(SECOND / 3) <= 4 * MILLI, "{jump}: {time}");
        }
    }
}

/// proves: K2
#[test]
fn what_a_task_takes_along_to_sleep_is_bounded() {
    for (which, bound) in [(0, -8 * 1_000_000), (1, 4 * 1_000_000)] {
        let mut queue = queue_of(&[Params::default(); 3]);
        queue.pick_next(Instant::ZERO).unwrap();
        // No timer came for an hour; a third of what counts of it belonged to each.
        let late = Instant::from_nanos(HOUR);
        let _ = queue.charge(late);
        for _ in 0..which {
            queue.pick_next(late).unwrap();
        }
        let (_, state) = queue.take_current(late).unwrap().into_parts();
        assert_eq!(state.lag_nanos(), bound);
    }
}

/// proves: K2
#[test]
fn a_task_that_was_alone_for_days_shares_as_soon_as_it_has_company() {
    let mut queue = queue_of(&[Params::default()]);
    let mut now = 0;
    assert_eq!(run(&mut queue, &mut now, 72 * HOUR, 1), [72 * HOUR]);
    let state = State::new(Params::default(), CpuSet::ALL).unwrap();
    queue.reserve(2).unwrap();
    let arrived =
        queue.enqueue(Entity::new(1, state), Arrival::New, Instant::from_nanos(now)).unwrap();
    assert_ne!(arrived.effect, Effect::None, "the timer was off");
    let served = run(&mut queue, &mut now, SECOND, 2);
    assert!(served[0].abs_diff(served[1]) <= 4 * MILLI, "{served:?}");
}

/// proves: K2
#[test]
fn a_clock_that_steps_back_or_stands_still_changes_nothing() {
    let mut queue = queue_of(&[Params::default(); 2]);
    let late = Instant::from_nanos(10 * SECOND);
    let first = *queue.pick_next(late).unwrap();
    for earlier in [10 * SECOND, 9 * SECOND, 0] {
        let charged = queue.charge(Instant::from_nanos(earlier));
        assert!(charged.ran.is_zero());
        assert_eq!(charged.effect, Effect::None);
        assert!(queue.next_event(Instant::from_nanos(earlier)).unwrap() > late);
    }
    queue.put_back(PutBack::Yielded, Instant::from_nanos(5));
    assert_ne!(*queue.pick_next(Instant::from_nanos(6)).unwrap(), first);
}

/// The lightest task runs alone for years: its virtual time wraps around, again and again.
/// proves: K2
#[test]
fn virtual_time_may_wrap() {
    let light = Params { nice: Nice::MAX, ..Params::new(Priority::Low, Class::User) };
    let mut queue = queue_of(&[light, light]);
    let mut now = 0;
    // Each charge is 2^45 units of virtual time.
    for _ in 0..2_000_000 {
        let at = Instant::from_nanos(now);
        queue.pick_next(at).unwrap();
        now += SECOND;
        let _ = queue.charge(Instant::from_nanos(now));
    }
    // Now one comes that has to find its place by the mean of the others.
    let at = Instant::from_nanos(now);
    queue.reserve(3).unwrap();
    let third = Entity::new(2, State::new(light, CpuSet::ALL).unwrap());
    queue.enqueue(third, Arrival::New, at).unwrap();
    run(&mut queue, &mut now, SECOND, 3);
    let served = run(&mut queue, &mut now, SECOND, 3);
    for time in served {
        assert!(time.abs_diff(SECOND / 3) <= 4 * MILLI, "{time}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the clock does, nothing panics, nobody is lost, and timers are never in the past.
    /// proves: K2
    #[test]
    fn any_clock_will_do(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let priorities = [
            Priority::Idle, Priority::Low, Priority::Normal, Priority::High, Priority::RealTime,
            Priority::Critical,
        ];
        let tasks: Vec<Params> =
            (0..6).map(|_| Params::new(*random.choice(&priorities), Class::User)).collect();
        let mut queue = queue_of(&tasks);
        let mut asleep = Vec::new();
        for _ in 0..500 {
            let now = Instant::from_nanos(match random.below(4) {
                0 => random.next(),
                1 => random.next() >> random.below(64),
                2 => u64::MAX,
                _ => 0,
            });
            match random.below(5) {
                0 => {
                    let picked = queue.pick_next(now).is_some();
                    prop_assert_eq!(picked, queue.queue_length() > 0);
                }
                1 => { let _ = queue.charge(now); }
                2 => queue.put_back(PutBack::Yielded, now),
                3 => asleep.extend(queue.take_current(now)),
                _ => if let Some(entity) = asleep.pop() {
                    queue.enqueue(entity, Arrival::Woken, now).unwrap();
                },
            }
            if let Some(next) = queue.next_event(now) {
                prop_assert!(next >= now);
            }
            prop_assert_eq!(queue.queue_length() + asleep.len(), 6);
        }
    }
}

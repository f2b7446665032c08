//! The run queue's books against sums over all its tasks, after any sequence of operations.

use std::{collections::BTreeMap, vec::Vec};

use proptest::prelude::*;

use super::*;
use crate::{
    entity::State,
    params::{Class, Nice, Priority},
    tree::Verdict,
    virtual_time::VirtualTime,
};

const CAPACITY: usize = 12;

#[derive(Clone, Debug)]
enum Step {
    Enqueue(Arrival, Params, CpuSet),
    PickNext,
    Charge,
    PutBack(PutBack),
    TakeCurrent,
    Remove(usize),
    SetParams(usize, Params),
    SetAffinity(usize, CpuSet),
    Steal(u8, u64),
}

fn params() -> impl Strategy<Value = Params> {
    use Priority::{Critical, High, Idle, Low, Normal, RealTime};
    let priority = prop::sample::select(std::vec![
        Idle, Low, Normal, Normal, Normal, High, High, RealTime, Critical
    ]);
    let class = prop::sample::select(std::vec![
        Class::System,
        Class::User,
        Class::Service,
        Class::Background,
        Class::Interactive
    ]);
    (priority, class, -20..=19_i32).prop_map(|(priority, class, nice)| Params {
        priority,
        class,
        nice: Nice::clamped(nice),
    })
}

/// Sets with processor 0, whose queue this is, and some of 1 to 3.
fn affinity() -> impl Strategy<Value = CpuSet> {
    (0..8_u64).prop_map(|others| CpuSet::from_words([1 | others << 1, 0, 0, 0]))
}

fn step() -> impl Strategy<Value = Step> {
    use Arrival::{Migrated, New, Woken};
    let arrival = prop::sample::select(std::vec![New, Woken, Woken, Migrated]);
    let why = prop::sample::select(std::vec![PutBack::Preempted, PutBack::Yielded]);
    prop_oneof![
        4 => (arrival, params(), affinity()).prop_map(|(a, p, c)| Step::Enqueue(a, p, c)),
        4 => Just(Step::PickNext),
        2 => Just(Step::Charge),
        1 => why.prop_map(Step::PutBack),
        2 => Just(Step::TakeCurrent),
        1 => any::<usize>().prop_map(Step::Remove),
        1 => (any::<usize>(), params()).prop_map(|(n, p)| Step::SetParams(n, p)),
        1 => (any::<usize>(), affinity()).prop_map(|(n, c)| Step::SetAffinity(n, c)),
        1 => (1..4_u8, any::<u64>()).prop_map(|(cpu, load)| Step::Steal(cpu, load)),
    ]
}

/// How far the clock moves before a step: mostly little, sometimes by hours.
fn pause() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => 0..10_000_000_u64,
        1 => Just(0),
        1 => 0..100_000_000_000_000_u64,
    ]
}

/// Compares what the queue keeps with what its tasks say; `inside` are those that it should hold.
fn check_books(queue: &RunQueue<usize>, inside: &BTreeMap<usize, Key>) {
    assert_eq!(queue.queue_length(), inside.len());
    assert_eq!(queue.is_alone(), queue.current().is_some() && inside.len() == 1);
    let (mut load, mut movable) = (0, 0);
    let mut members = [Vec::new(), Vec::new()];
    let mut waiting: BTreeMap<Band, usize> = BTreeMap::new();
    for (id, key) in inside {
        let slot = queue.slab.find(*key).expect("its key is valid");
        let entity = queue.slab.entity(slot).unwrap();
        assert_eq!(entity.task(), id);
        let params = entity.state().params();
        load += u64::from(params.load());
        if queue.is_current(slot) {
            assert_eq!(queue.current.as_ref().unwrap().band, params.band());
        } else {
            movable += u32::from(entity.state().affinity().len() > 1);
            *waiting.entry(params.band()).or_default() += 1;
        }
        let member = (queue.slab.node(slot).runtime, params.weight());
        match params.band() {
            Band::Critical | Band::RealTime => {}
            Band::Sharing => members[0].push(member),
            Band::Idle => members[1].push(member),
        }
    }
    assert_eq!((queue.load(), queue.movable), (load, movable));
    queue.sharing.assert_books(&members[0]);
    queue.idle.assert_books(&members[1]);
    let in_list = |list: &List| list.iter(queue.slab.links()).count();
    let in_tree = |fair: &Fair| {
        let mut count = 0;
        let _ = fair.tree.find_allowed(queue.slab.nodes(), u64::MAX, |_| {
            count += 1;
            Verdict::Skip
        });
        count
    };
    for (band, found) in [
        (Band::Critical, in_list(&queue.critical)),
        (Band::RealTime, in_list(&queue.real_time)),
        (Band::Sharing, in_tree(&queue.sharing)),
        (Band::Idle, in_tree(&queue.idle)),
    ] {
        assert_eq!(found, waiting.get(&band).copied().unwrap_or_default(), "{band:?}");
    }
}

/// The waiting tasks that EEVDF may choose among, by the definition: of those with a lag of zero or
/// more, the ones with the earliest deadline.
fn best_by_definition(queue: &RunQueue<usize>, inside: &BTreeMap<usize, Key>) -> Vec<usize> {
    let sharing: Vec<(usize, VirtualTime, VirtualTime, i128)> = inside
        .iter()
        .map(|(id, key)| (*id, queue.slab.find(*key).unwrap()))
        .filter(|(_, slot)| queue.slab.state(*slot).unwrap().params.band() == Band::Sharing)
        .map(|(id, slot)| {
            let node = queue.slab.node(slot);
            (id, node.runtime, node.deadline, i128::from(queue.slab.state(slot).unwrap().weight))
        })
        .collect();
    let lag = |runtime: VirtualTime| -> i128 {
        let present =
            sharing.iter().map(|(_, other, _, w)| i128::from(other.ahead_of(runtime)) * w);
        present.sum::<i128>() + queue.sharing.absent_ahead_of(runtime)
    };
    let eligible = sharing.iter().filter(|(_, runtime, ..)| lag(*runtime) >= 0);
    let eligible: Vec<(usize, VirtualTime)> = eligible.map(|(id, _, at, _)| (*id, *at)).collect();
    let is_earliest = |at: VirtualTime| eligible.iter().all(|(_, other)| at.ahead_of(*other) <= 0);
    eligible.iter().filter(|(_, at)| is_earliest(*at)).map(|(id, _)| *id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// proves: K2, P3
    #[test]
    fn books_are_right_after_any_operations(
        steps in prop::collection::vec((pause(), step()), 1..200)
    ) {
        let mut queue = RunQueue::new(CpuId::ZERO);
        queue.reserve(CAPACITY).unwrap();
        let mut inside: BTreeMap<usize, Key> = BTreeMap::new();
        let mut outside: Vec<Entity<usize>> = Vec::new();
        let mut gone: Vec<Key> = Vec::new();
        let (mut created, mut now) = (0, 0);
        for (pause, step) in steps {
            now += pause;
            let at = Instant::from_nanos(now);
            let nth = |n: usize| inside.iter().nth(n % inside.len().max(1)).map(|(id, key)| (*id, *key));
            match step {
                Step::Enqueue(arrival, params, affinity) => {
                    let entity = match (arrival, outside.pop()) {
                        (Arrival::Woken | Arrival::Migrated, Some(entity)) => entity,
                        (_, other) => {
                            outside.extend(other);
                            created += 1;
                            Entity::new(created, State::new(params, affinity).unwrap())
                        }
                    };
                    let id = *entity.task();
                    let was_idle = queue.current.is_none();
                    match queue.enqueue(entity, arrival, at) {
                        Ok(enqueued) => {
                            prop_assert!(!was_idle || enqueued.effect == Effect::Preempt);
                            inside.insert(id, enqueued.key);
                        }
                        Err(rejected) => {
                            prop_assert_eq!(rejected.reason, Rejection::Full);
                            prop_assert!(inside.len() == queue.capacity());
                            outside.push(rejected.entity);
                        }
                    }
                }
                Step::PickNext => {
                    queue.put_back(PutBack::Preempted, at);
                    let favoured = queue.favoured;
                    let best = best_by_definition(&queue, &inside);
                    let throttled = queue.is_throttled();
                    let picked = queue.pick_next(at).copied();
                    prop_assert_eq!(picked.is_some(), !inside.is_empty());
                    let Some(picked) = picked else { continue };
                    let band = queue.current.as_ref().unwrap().band;
                    let slots = inside.values().map(|key| queue.slab.find(*key).unwrap());
                    let bands = slots.map(|slot| queue.slab.state(slot).unwrap().params.band());
                    let most_urgent = bands.filter(|band| !throttled || *band >= Band::Sharing).min();
                    prop_assert_eq!(Some(band), most_urgent);
                    if band == Band::Sharing && favoured == NONE {
                        prop_assert!(best.contains(&picked), "{picked} is not of {best:?}");
                    }
                }
                Step::Charge => {
                    let charged = queue.charge(at);
                    prop_assert!(queue.current.is_some() || charged.ran.is_zero());
                    prop_assert_eq!(queue.charge(at).effect, charged.effect, "asking changes nothing");
                }
                Step::PutBack(why) => queue.put_back(why, at),
                Step::TakeCurrent => {
                    let running = queue.current_key();
                    if let Some(entity) = queue.take_current(at) {
                        gone.extend(running);
                        prop_assert_eq!(inside.remove(entity.task()), running);
                        outside.push(entity);
                    }
                }
                Step::Remove(n) => if let Some((id, key)) = nth(n) {
                    match queue.remove(key, at) {
                        Ok(entity) => {
                            prop_assert_eq!(*entity.task(), id);
                            inside.remove(&id);
                            gone.push(key);
                            outside.push(entity);
                        }
                        Err(why) => {
                            prop_assert_eq!(why, NotQueued::Running);
                            prop_assert_eq!(queue.current_key(), Some(key));
                        }
                    }
                },
                Step::SetParams(n, params) => if let Some((_, key)) = nth(n) {
                    let _ = queue.set_params(key, params, at).unwrap();
                    prop_assert_eq!(queue.get(key).unwrap().state().params(), params);
                },
                Step::SetAffinity(n, affinity) => if let Some((_, key)) = nth(n) {
                    prop_assert_eq!(queue.set_affinity(key, affinity), Ok(Placement::Stays));
                },
                Step::Steal(cpu, max_load) => {
                    let thief = CpuId::from(cpu);
                    if let Stolen::Taken(entity) = queue.steal(thief, max_load, at) {
                        prop_assert!(entity.state().affinity().contains(thief));
                        prop_assert!(u64::from(entity.state().params().load()) <= max_load);
                        gone.extend(inside.remove(entity.task()));
                        outside.push(entity);
                    }
                }
            }
            check_books(&queue, &inside);
            for key in &gone {
                prop_assert_eq!(queue.remove(*key, at).err(), Some(NotQueued::Gone));
            }
        }
    }
}

/// proves: K2
#[test]
fn a_queue_takes_what_it_has_room_for_and_only_what_may_run_there() {
    let entity = |affinity| Entity::new((), State::new(Params::default(), affinity).unwrap());
    let mut queue = RunQueue::new(CpuId::from(3));
    let full = queue.enqueue(entity(CpuSet::ALL), Arrival::New, Instant::ZERO).unwrap_err();
    assert_eq!(full.reason, Rejection::Full);
    drop(queue.grow(Storage::with_capacity(1).unwrap()));
    let foreign = entity(!CpuSet::single(CpuId::from(3)));
    let foreign = queue.enqueue(foreign, Arrival::New, Instant::ZERO).unwrap_err();
    assert_eq!(foreign.reason, Rejection::NotAllowed);
    let key = queue.enqueue(full.entity, Arrival::New, Instant::ZERO).unwrap().key;
    assert_eq!(Key::from_bits(key.to_bits()), key);
    assert!(queue.enqueue(foreign.entity, Arrival::New, Instant::ZERO).is_err());
    // Growing keeps keys; a smaller storage comes back unused.
    drop(queue.grow(Storage::with_capacity(5).unwrap()));
    assert_eq!(queue.grow(Storage::with_capacity(2).unwrap()).capacity(), 2);
    assert!(queue.capacity() >= 5);
    let elsewhere = CpuSet::single(CpuId::ZERO);
    assert_eq!(queue.set_affinity(key, elsewhere), Ok(Placement::MustLeave));
    assert!(queue.pick_next(Instant::ZERO).is_some());
    assert_eq!(queue.set_affinity(key, elsewhere), Ok(Placement::MustStop));
    assert_eq!(queue.charge(Instant::ZERO).effect, Effect::Preempt, "it has to go");
    assert!(queue.take_current(Instant::ZERO).is_some());
    assert_eq!(queue.set_affinity(key, CpuSet::ALL), Err(NotQueued::Gone));
}

fn normal() -> State {
    State::new(Params::default(), CpuSet::ALL).unwrap()
}

/// proves: K2
#[test]
fn who_was_alone_still_has_a_slice_when_company_comes() {
    let mut queue = RunQueue::new(CpuId::ZERO);
    queue.reserve(2).unwrap();
    let _ = queue.enqueue(Entity::new('a', normal()), Arrival::New, Instant::ZERO).unwrap();
    assert_eq!(queue.pick_next(Instant::ZERO), Some(&'a'));
    assert_eq!(queue.next_event(Instant::ZERO), None);
    let later = Instant::from_nanos(10_000_000_000);
    let second = queue.enqueue(Entity::new('b', normal()), Arrival::New, later).unwrap();
    assert_eq!(second.effect, Effect::Rearm);
    let end = later.after(Class::User.slice());
    assert_eq!(queue.next_event(later), Some(end));
    assert_eq!(queue.charge(end).effect, Effect::Preempt);
    assert_eq!(queue.pick_next(end), Some(&'b'));
}

/// Another operation may be the first to see that the slice is over; the timer still has to come.
/// proves: K2
#[test]
fn the_end_of_a_slice_is_not_forgotten() {
    let mut queue = RunQueue::new(CpuId::ZERO);
    queue.reserve(3).unwrap();
    for name in ['a', 'b'] {
        let _ = queue.enqueue(Entity::new(name, normal()), Arrival::New, Instant::ZERO).unwrap();
    }
    assert_eq!(queue.pick_next(Instant::ZERO), Some(&'a'));
    let end = queue.next_event(Instant::ZERO).unwrap();
    assert_eq!(end, Instant::ZERO.after(Class::User.slice()));
    let _ = queue.enqueue(Entity::new('c', normal()), Arrival::New, end).unwrap();
    assert_eq!(queue.next_event(end), Some(end));
    assert_eq!(queue.charge(end).effect, Effect::Preempt);
    assert_eq!(queue.pick_next(end), Some(&'b'));
}

/// proves: P3
#[test]
fn a_change_of_band_and_back_sheds_no_debt() {
    let mut queue = RunQueue::new(CpuId::ZERO);
    queue.reserve(2).unwrap();
    let enqueued = ['a', 'b'].map(|name| {
        queue.enqueue(Entity::new(name, normal()), Arrival::New, Instant::ZERO).unwrap()
    });
    assert_eq!(queue.pick_next(Instant::ZERO), Some(&'a'));
    let now = Instant::from_nanos(3_000_000);
    for priority in [Priority::RealTime, Priority::Critical, Priority::Normal] {
        let params = Params::new(priority, Class::User);
        let _ = queue.set_params(enqueued[0].key, params, now).unwrap();
    }
    queue.put_back(PutBack::Preempted, now);
    let debtor = queue.remove(enqueued[0].key, now).unwrap();
    // It had 3 ms, of which half were the other's.
    assert_eq!((debtor.state().lag_nanos() + 1_500_000).abs() / 1_000, 0);
}

/// proves: K2
#[test]
fn real_time_tasks_have_whole_turns_and_keep_them_when_interrupted() {
    let mut queue = RunQueue::new(CpuId::ZERO);
    queue.reserve(3).unwrap();
    let at = |millis| Instant::ZERO.after(Duration::from_millis(millis));
    let add = |queue: &mut RunQueue<char>, name, priority, now| {
        let state = State::new(Params::new(priority, Class::User), CpuSet::ALL).unwrap();
        queue.enqueue(Entity::new(name, state), Arrival::New, now).unwrap().effect
    };
    let _ = add(&mut queue, 'a', Priority::RealTime, at(0));
    assert_eq!(queue.pick_next(at(0)), Some(&'a'));
    // Alone for a second; then its turn begins with the other's arrival.
    assert_eq!(add(&mut queue, 'b', Priority::RealTime, at(1_000)), Effect::Rearm);
    assert_eq!(queue.next_event(at(1_000)), Some(at(1_010)));
    // Interrupted in the middle, it goes on before the other.
    assert_eq!(add(&mut queue, 'c', Priority::Critical, at(1_006)), Effect::Preempt);
    assert_eq!(queue.pick_next(at(1_006)), Some(&'c'));
    assert!(queue.take_current(at(1_007)).is_some());
    assert_eq!(queue.pick_next(at(1_007)), Some(&'a'));
    assert_eq!(queue.next_event(at(1_007)), Some(at(1_011)));
    assert_eq!(queue.charge(at(1_011)).effect, Effect::Preempt);
    assert_eq!(queue.pick_next(at(1_011)), Some(&'b'));
    assert_eq!(queue.next_event(at(1_011)), Some(at(1_021)));
}

/// proves: K2
#[test]
fn equal_tasks_that_wake_each_other_do_not_preempt_at_every_turn() {
    for (micros, effect) in [(4_200, Effect::Rearm), (5_000, Effect::Preempt)] {
        let mut queue = RunQueue::new(CpuId::ZERO);
        queue.reserve(2).unwrap();
        for name in ['a', 'b'] {
            let _ = queue.enqueue(Entity::new(name, normal()), Arrival::New, Instant::ZERO);
        }
        let at = |micros| Instant::ZERO.after(Duration::from_micros(micros));
        assert_eq!(queue.pick_next(at(0)), Some(&'a'));
        assert_eq!(queue.pick_next(at(4_000)), Some(&'b'));
        let creditor = queue.take_current(at(4_000)).unwrap();
        assert_eq!(creditor.state().lag_nanos(), 2_000_000);
        assert_eq!(queue.pick_next(at(4_000)), Some(&'a'));
        let woken = queue.enqueue(creditor, Arrival::Woken, at(micros)).unwrap();
        assert_eq!(woken.effect, effect, "after {micros} us");
    }
}

/// Interactive tasks go first, but not before one that should have been served already.
/// proves: K2
#[test]
fn who_is_late_goes_before_who_is_interactive() {
    let at = |millis| Instant::ZERO.after(Duration::from_millis(millis));
    // The timer is late: before the Interactive task comes, after that, or not at all.
    for (comes, picked, first) in [(20, 20, 'b'), (6, 21, 'b'), (6, 6, 'c')] {
        let mut queue = RunQueue::new(CpuId::ZERO);
        queue.reserve(3).unwrap();
        for name in ['a', 'b'] {
            let _ = queue.enqueue(Entity::new(name, normal()), Arrival::New, at(0));
        }
        assert_eq!(queue.pick_next(at(0)), Some(&'a'));
        let params = Params::new(Priority::Normal, Class::Interactive);
        let interactive = Entity::new('c', State::new(params, CpuSet::ALL).unwrap());
        let enqueued = queue.enqueue(interactive, Arrival::New, at(comes)).unwrap();
        assert_eq!(enqueued.effect == Effect::Preempt, comes == 6);
        assert_eq!(queue.pick_next(at(picked)), Some(&first));
    }
}

/// A debt is the same wherever the task wakes up, bounded even if a timer was hours late, and paid
/// off while another one runs instead.
/// proves: K2
#[test]
fn a_debt_goes_along_and_is_paid_by_waiting() {
    for (ran_ms, later_ms, debt_us) in
        [(4, 0, 2_000), (4, 2, 1_000), (3_600_000, 0, 8_000), (3_600_000, 20, 0)]
    {
        for from in [0, 1] {
            let mut queues = [0, 1].map(|cpu| RunQueue::new(CpuId::from(cpu)));
            for queue in &mut queues {
                queue.reserve(3).unwrap();
                for name in ['a', 'b'] {
                    let _ = queue.enqueue(Entity::new(name, normal()), Arrival::New, Instant::ZERO);
                }
                assert_eq!(queue.pick_next(Instant::ZERO), Some(&'a'));
            }
            let end = Instant::ZERO.after(Duration::from_millis(ran_ms));
            let later = end.after(Duration::from_millis(later_ms));
            let debtor = queues[from].take_current(end).unwrap();
            assert_eq!(*debtor.task(), 'a');
            assert_eq!(queues[from].pick_next(end), Some(&'b'));
            if from == 1 && later_ms > 0 {
                // Elsewhere, the rate depends on who is there.
                continue;
            }
            let key = queues[0].enqueue(debtor, Arrival::Woken, later).unwrap().key;
            let lag = queues[0].remove(key, later).unwrap().state().lag_nanos();
            assert!((lag + debt_us * 1_000).abs() < 1_000, "{ran_ms}, {later_ms}, {from}: {lag}");
        }
    }
}

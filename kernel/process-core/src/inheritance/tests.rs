//! Waiting for locks against a naive model.

use std::collections::BTreeMap;
use std::vec::Vec;

use super::{Inheritance, Party, WaitRefusal};
use crate::ids::Tid;
use crate::scheduling::Priority;

fn tid(number: u32) -> Tid {
    Tid::new(i64::from(number)).unwrap()
}

fn party(number: u32) -> Party<u32> {
    Party { tid: tid(number), thread: number }
}

type Locks = Inheritance<u32, u32>;
type Told = BTreeMap<u32, Option<Priority>>;

fn wait(
    locks: &mut Locks,
    told: &mut Told,
    (key, holder, waiter): (u32, u32, u32),
    own: Priority,
) -> Result<(), WaitRefusal> {
    locks.wait(key, party(holder), party(waiter), own, |thread, inherited| {
        told.insert(*thread, inherited);
    })
}

// proves: P3
#[test]
fn a_chain_of_holders_inherits_and_gives_back() {
    let (mut locks, mut told) = (Locks::default(), Told::new());
    wait(&mut locks, &mut told, (1, 10, 11), Priority::Low).unwrap();
    wait(&mut locks, &mut told, (2, 11, 12), Priority::Normal).unwrap();
    assert_eq!((told[&10], told[&11]), (Some(Priority::Normal), Some(Priority::Normal)));
    wait(&mut locks, &mut told, (2, 11, 13), Priority::Critical).unwrap();
    assert_eq!((told[&10], told[&11]), (Some(Priority::Critical), Some(Priority::Critical)));
    // Who closes the circle is refused, and nothing changes.
    let refused = wait(&mut locks, &mut told, (3, 12, 10), Priority::High);
    assert_eq!(refused, Err(WaitRefusal::Deadlock));
    assert_eq!(
        wait(&mut locks, &mut told, (4, 20, 20), Priority::High),
        Err(WaitRefusal::Deadlock)
    );
    assert_eq!(
        wait(&mut locks, &mut told, (1, 99, 14), Priority::High),
        Err(WaitRefusal::OtherHolder)
    );
    let note = |told: &mut Told, thread: &u32, inherited| {
        let _ = told.insert(*thread, inherited);
    };
    assert!(locks.leave(tid(13), |thread, inherited| note(&mut told, thread, inherited)));
    assert_eq!((told[&10], told[&11]), (Some(Priority::Normal), Some(Priority::Normal)));
    locks.set_priority(tid(12), Priority::RealTime, |t, inherited| note(&mut told, t, inherited));
    assert_eq!(told[&10], Some(Priority::RealTime));
    let next = locks.hand_over(2, |thread, inherited| note(&mut told, thread, inherited));
    assert_eq!(next.map(|next| next.thread), Some(12));
    // 11 has no waiters any more, and its own priority counts for 10.
    assert_eq!((told[&10], told[&11], told[&12]), (Some(Priority::Low), None, None));
    assert_eq!(locks.held_by(tid(10)), Some(1));
    assert_eq!(locks.held_by(tid(12)), None);
}

/// Against a model that knows who waits for what and works everything out anew: what each thread
/// inherits, who is next, and that nobody ever waits in a circle.
#[test]
fn agrees_with_a_model_that_works_it_out_anew() {
    const THREADS: u32 = 12;
    const LOCKS: u32 = 6;
    struct Model {
        holders: BTreeMap<u32, u32>,
        waits: Vec<(u32, u32, Priority)>,
    }
    impl Model {
        fn effective(&self, thread: u32, own: Priority) -> Priority {
            self.inherited(thread).map_or(own, |inherited| own.max(inherited))
        }
        fn inherited(&self, thread: u32) -> Option<Priority> {
            let is_held = |key: &u32| self.holders.get(key) == Some(&thread);
            let waits = self.waits.iter().filter(|(key, ..)| is_held(key));
            waits.map(|(_, waiter, own)| self.effective(*waiter, *own)).max()
        }
        fn waits_for(&self, from: u32, to: u32) -> bool {
            from == to
                || self.waits.iter().any(|(key, waiter, _)| {
                    *waiter == from && self.waits_for(self.holders[key], to)
                })
        }
        fn next(&self, key: u32) -> Option<u32> {
            let waits: Vec<_> = self.waits.iter().filter(|wait| wait.0 == key).collect();
            let most = waits.iter().map(|wait| self.effective(wait.1, wait.2)).max()?;
            waits.iter().find(|wait| self.effective(wait.1, wait.2) == most).map(|wait| wait.1)
        }
    }
    let mut seed = 0x2545_f491_u32;
    let mut random = |below: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) % below
    };
    let (mut locks, mut told) = (Locks::default(), Told::new());
    let mut model = Model { holders: BTreeMap::new(), waits: Vec::new() };
    let mut refused = 0;
    for _ in 0..40_000 {
        let (key, thread) = (random(LOCKS) + 1, random(THREADS) + 1);
        let own = Priority::ALL[random(6) as usize];
        let is_waiting = model.waits.iter().any(|wait| wait.1 == thread);
        assert_eq!(locks.is_waiting(tid(thread)), is_waiting);
        match random(5) {
            0..=2 if !is_waiting => match model.holders.get(&key).copied() {
                None => {
                    model.holders.insert(key, thread);
                }
                Some(holder) => {
                    let answer = wait(&mut locks, &mut told, (key, holder, thread), own);
                    if model.waits_for(holder, thread) {
                        assert_eq!(answer, Err(WaitRefusal::Deadlock));
                        refused += 1;
                    } else {
                        assert_eq!(answer, Ok(()));
                        model.waits.push((key, thread, own));
                    }
                }
            },
            0..=2 => {
                locks.set_priority(tid(thread), own, |t, inherited| {
                    told.insert(*t, inherited);
                });
                if let Some(wait) = model.waits.iter_mut().find(|wait| wait.1 == thread) {
                    wait.2 = own;
                }
            }
            3 => {
                let left = locks.leave(tid(thread), |t, inherited| {
                    told.insert(*t, inherited);
                });
                assert_eq!(left, is_waiting);
                model.waits.retain(|wait| wait.1 != thread);
            }
            _ => {
                let next = model.next(key);
                assert_eq!(locks.next_holder(key).map(|next| next.thread), next);
                let given = locks.hand_over(key, |t, inherited| {
                    told.insert(*t, inherited);
                });
                assert_eq!(given.map(|given| given.thread), next);
                model.waits.retain(|wait| Some(wait.1) != next);
                match next {
                    Some(next) => model.holders.insert(key, next),
                    None => model.holders.remove(&key),
                };
            }
        }
        for thread in 1..=THREADS {
            let said = told.get(&thread).copied().flatten();
            assert_eq!(said, model.inherited(thread), "thread {thread}");
        }
    }
    assert!(refused > 100, "{refused}");
}

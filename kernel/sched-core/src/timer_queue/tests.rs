//! The timer queue against an ordered map.

use std::{collections::BTreeMap, vec::Vec};

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Insert(u8),
    /// Cancel the `n`th timer ever set, fired or not.
    Cancel(u16),
    /// Let everything up to this long after the last time fire.
    Advance(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => any::<u8>().prop_map(Step::Insert),
        2 => any::<u16>().prop_map(Step::Cancel),
        1 => (0..20u8).prop_map(Step::Advance),
    ];
    prop::collection::vec(step, 1..400)
}

proptest! {
    /// proves: K4
    #[test]
    fn timers_agree_with_an_ordered_map(steps in steps(), capacity in 1..64usize) {
        let mut queue = TimerQueue::new();
        queue.reserve(capacity).unwrap();
        let mut model: BTreeMap<(u64, usize), TimerId> = BTreeMap::new();
        let mut all: Vec<(TimerId, (u64, usize))> = Vec::new();
        let mut now = 0;
        for step in steps {
            match step {
                Step::Insert(delay) => {
                    let entry = (now + u64::from(delay), all.len());
                    match queue.insert(Instant::from_nanos(entry.0), entry.1) {
                        Ok(id) => {
                            model.insert(entry, id);
                            all.push((id, entry));
                        }
                        Err(given_back) => {
                            prop_assert_eq!(given_back, entry.1);
                            prop_assert_eq!(model.len(), queue.capacity());
                        }
                    }
                }
                Step::Cancel(which) if !all.is_empty() => {
                    let (id, entry) = all[usize::from(which) % all.len()];
                    let expected = model.remove(&entry).map(|_| entry.1);
                    prop_assert_eq!(queue.cancel(id), expected);
                }
                Step::Cancel(_) => {}
                Step::Advance(by) => {
                    now += u64::from(by);
                    while let Some((deadline, what)) = queue.pop_expired(Instant::from_nanos(now)) {
                        let (first, _) = model.pop_first().unwrap();
                        prop_assert_eq!((deadline.as_nanos(), what), first);
                        prop_assert!(first.0 <= now);
                    }
                }
            }
            prop_assert_eq!(queue.len(), model.len());
            let next = model.first_key_value().map(|((deadline, _), _)| *deadline);
            prop_assert_eq!(queue.next_deadline().map(Instant::as_nanos), next);
        }
    }
}

/// proves: K4
#[test]
fn equal_deadlines_fire_in_order_and_growing_keeps_names() {
    let mut queue = TimerQueue::new();
    assert_eq!(queue.insert(Instant::ZERO, 0), Err(0), "no room yet");
    queue.reserve(4).unwrap();
    let at = Instant::from_nanos(5);
    let ids: Vec<TimerId> = (0..4).map(|what| queue.insert(at, what).unwrap()).collect();
    assert_eq!(queue.insert(at, 4), Err(4), "full");
    drop(queue.grow(TimerStorage::with_capacity(8).unwrap()));
    assert_eq!(queue.cancel(ids[1]), Some(1));
    assert_eq!(queue.cancel(ids[1]), None, "cancelled already");
    assert_eq!(queue.insert(Instant::MAX, 9).map(|_| ()), Ok(()));
    assert_eq!(queue.pop_expired(Instant::from_nanos(4)), None);
    let fired: Vec<i32> =
        core::iter::from_fn(|| queue.pop_expired(at)).map(|(_, what)| what).collect();
    assert_eq!(fired, [0, 2, 3]);
    assert_eq!(queue.cancel(ids[0]), None, "fired already");
    assert_eq!(queue.next_deadline(), Some(Instant::MAX));
}

//! fcntl(2), against a model that keeps each byte for itself.

use std::vec::Vec;

use proptest::prelude::*;

use super::{ByteRange, RecordLockKind, RecordLocks};

const BYTES: usize = 24;

fn kind() -> impl Strategy<Value = Option<RecordLockKind>> {
    prop_oneof![
        Just(None),
        Just(Some(RecordLockKind::Shared)),
        Just(Some(RecordLockKind::Exclusive)),
    ]
}

#[test]
fn a_lock_to_the_end_covers_all_that_comes() {
    let mut locks = RecordLocks::default();
    let all = ByteRange { first: 10, last: u64::MAX };
    locks.lock(1, all, RecordLockKind::Exclusive).unwrap();
    let far = ByteRange { first: u64::MAX, last: u64::MAX };
    assert!(locks.conflict(2, far, RecordLockKind::Shared).is_some());
    assert_eq!(locks.unlock(1, far), Ok(true));
    assert!(locks.conflict(2, far, RecordLockKind::Shared).is_none());
    assert!(locks.unlock_all(1) && locks.is_empty());
}

proptest! {
    #[test]
    fn each_byte_is_locked_as_if_it_were_alone(
        steps in proptest::collection::vec((0..3_usize, 0..BYTES, 0..BYTES, kind()), 0..60),
    ) {
        let mut locks = RecordLocks::default();
        let mut model: Vec<[Option<RecordLockKind>; BYTES]> = std::vec![[None; BYTES]; 3];
        for (owner, a, b, kind) in steps {
            let (first, last) = (a.min(b), a.max(b));
            let range = ByteRange { first: first as u64, last: last as u64 };
            let Some(kind) = kind else {
                let had = model[owner][first..=last].iter().any(Option::is_some);
                prop_assert_eq!(locks.unlock(owner, range), Ok(had));
                model[owner][first..=last].fill(None);
                continue;
            };
            let expected = (first..=last).find(|byte| {
                (0..3).filter(|other| *other != owner).any(|other| match model[other][*byte] {
                    None => false,
                    Some(RecordLockKind::Exclusive) => true,
                    Some(RecordLockKind::Shared) => kind == RecordLockKind::Exclusive,
                })
            });
            let conflict = locks.conflict(owner, range, kind);
            prop_assert_eq!(conflict.is_some(), expected.is_some());
            if conflict.is_none() {
                locks.lock(owner, range, kind).unwrap();
                model[owner][first..=last].fill(Some(kind));
            }
            for (owner, bytes) in model.iter().enumerate() {
                for (byte, expected) in bytes.iter().enumerate() {
                    let here = |lock: &&super::RecordLock<usize>| {
                        lock.owner == owner
                            && lock.range.first <= byte as u64
                            && byte as u64 <= lock.range.last
                    };
                    let mut found = locks.locks.iter().filter(here);
                    prop_assert_eq!(found.next().map(|lock| lock.kind), *expected);
                    prop_assert!(found.next().is_none());
                }
            }
            let joined = locks.locks.iter().enumerate().all(|(at, lock)| {
                locks.locks.iter().skip(at + 1).all(|other| {
                    lock.owner != other.owner
                        || lock.kind != other.kind
                        || !lock.range.touches(other.range)
                })
            });
            prop_assert!(joined, "{:?}", locks.locks);
        }
    }
}

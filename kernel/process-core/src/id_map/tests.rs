//! The map's corners; that it is a map at all is proven by the table's property tests.

use std::vec::Vec;

use super::{IdMap, KEY_LIMIT};

#[test]
fn next_and_free_cross_nodes() {
    let mut map = IdMap::new().unwrap();
    for key in (0..2_000).chain([5_000, 1 << 20, KEY_LIMIT - 1]) {
        assert_eq!(map.insert(key, key).unwrap(), None);
    }
    assert_eq!(map.free_from(0), Some(2_000));
    assert_eq!(map.free_from(5_000), Some(5_001));
    assert_eq!(map.free_from(KEY_LIMIT - 1), None);
    let next = |from| map.next_from(from).map(|(key, value)| (key, *value));
    assert_eq!(next(1_999), Some((1_999, 1_999)));
    assert_eq!(next(2_000), Some((5_000, 5_000)));
    assert_eq!(next(5_001), Some((1 << 20, 1 << 20)));
    assert_eq!(next((1 << 20) + 1), Some((KEY_LIMIT - 1, KEY_LIMIT - 1)));
    assert_eq!(next(KEY_LIMIT), None);
}

#[test]
fn removal_makes_room_and_forgets() {
    let mut map = IdMap::new().unwrap();
    for key in 0..1_024 {
        map.insert(key, key).unwrap();
    }
    assert_eq!(map.remove(77), Some(77));
    assert_eq!((map.remove(77), map.get(77).copied(), map.len()), (None, None, 1_023));
    assert_eq!(map.free_from(0), Some(77));
    let left: Vec<u32> =
        core::iter::successors(map.next_from(0), |(key, _)| map.next_from(key + 1))
            .map(|(key, _)| key)
            .collect();
    assert!(left.iter().copied().eq((0..1_024).filter(|key| *key != 77)));
    for key in left {
        map.remove(key);
    }
    assert_eq!(map.root.used, 0, "empty nodes are gone");
}

#[test]
fn keys_out_of_range_are_refused() {
    let mut map = IdMap::new().unwrap();
    assert!(map.insert(KEY_LIMIT, 0).is_err());
    assert!(map.get(u32::MAX).is_none() && map.get_mut(KEY_LIMIT).is_none());
    assert_eq!(map.free_from(KEY_LIMIT), None);
}

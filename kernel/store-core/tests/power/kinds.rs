//! Full disks, foreign disks, small disks.

use super::*;

use store_core::{MOST_KEY_BYTES, MOST_VALUE_BYTES, OpenError, SECTOR_BYTES};

#[test]
fn a_full_disk_refuses_what_is_too_much_and_takes_what_makes_room() {
    let disk = Disk::new(SMALL, 1);
    let (mut store, _) = open(&disk, 1);
    let mut count = 0_u32;
    let missing = loop {
        match store.put(&count.to_le_bytes(), &[7; 400]) {
            Ok(()) => count += 1,
            Err(StoreError::Full { missing_bytes }) => break missing_bytes,
            Err(error) => panic!("{error:?}"),
        }
    };
    // Three quarters of a half of 64 sectors.
    assert_eq!((count, missing), (48, SECTOR_BYTES as u64));
    let figures = store.figures();
    assert_eq!(figures.used_bytes, figures.capacity_bytes);
    let full = content(&store);
    // A value of the same length takes no more room, however often it changes.
    for round in 0..200 {
        store.put(&0_u32.to_le_bytes(), &[round; 400]).unwrap();
    }
    assert!(store.figures().compactions < 20, "{:?}", store.figures());
    assert!(matches!(store.put(&0_u32.to_le_bytes(), &[7; 4000]), Err(StoreError::Full { .. })));
    store.put(&0_u32.to_le_bytes(), &[7; 400]).unwrap();
    assert_eq!(content(&store), full);
    store.remove(&5_u32.to_le_bytes()).unwrap();
    store.put(b"new", b"value").unwrap();
    let kept = content(&store);
    let (store, recovery) = open(&disk, 2);
    assert_eq!(content(&store), kept);
    assert_eq!((recovery.gaps, recovery.is_tail_unreadable), (0, false));
}

#[test]
fn values_of_all_lengths_come_back() {
    let disk = Disk::new(4096, 1);
    let (mut store, _) = open(&disk, 1);
    let mut lens: Vec<usize> = (0..20).chain(460..500).chain(940..980).collect();
    lens.push(100_000);
    for len in &lens {
        store.put(&len.to_le_bytes(), &vec![*len as u8; *len]).unwrap();
    }
    store.put(b"", b"the empty key").unwrap();
    store.put(&[1; MOST_KEY_BYTES], b"the longest key").unwrap();
    let (store, _) = open(&disk, 2);
    for len in lens {
        assert_eq!(store.get(&len.to_le_bytes()), Some(&vec![len as u8; len][..]));
    }
    assert_eq!(store.get(b""), Some(&b"the empty key"[..]));
    assert_eq!(store.get(&[1; MOST_KEY_BYTES]), Some(&b"the longest key"[..]));
}

#[test]
fn what_is_too_long_is_refused() {
    let disk = Disk::new(SMALL, 1);
    let (mut store, _) = open(&disk, 1);
    let writes = disk.writes();
    assert_eq!(store.put(&[1; MOST_KEY_BYTES + 1], b""), Err(StoreError::TooLong));
    assert_eq!(store.put(b"k", &vec![1; MOST_VALUE_BYTES + 1]), Err(StoreError::TooLong));
    assert_eq!(disk.writes(), writes);
}

#[test]
fn a_disk_with_something_else_is_left_alone() {
    // A boot sector, the beginning of a file system, something in the middle, a second copy at the end.
    for place in [0, 1, 2, 100, 3999] {
        let disk = Disk::new(4000, 1);
        disk.fill(place, 0x55);
        let before = disk.content();
        let refused = Store::open(disk.clone(), Foreign::Leave, 1);
        assert_eq!(refused.err(), Some(OpenError::Foreign), "{place}");
        assert!(disk.content() == before && disk.writes() == 0, "{place}");
        let (mut store, recovery) = Store::open(disk.clone(), Foreign::TakeOver, 1).unwrap();
        assert!(recovery.was_set_up);
        store.put(b"key", b"value").unwrap();
        // Once it is a store, taking it over does nothing to it.
        let (store, recovery) = Store::open(disk, Foreign::TakeOver, 2).unwrap();
        assert!(!recovery.was_set_up);
        assert_eq!(store.get(b"key"), Some(&b"value"[..]));
    }
}

#[test]
fn a_disk_that_is_too_small_is_of_no_use() {
    for sectors in [0, 1, 100, SMALL - 1] {
        let refused = Store::open(Disk::new(sectors, 1), Foreign::TakeOver, 1);
        assert_eq!(refused.err(), Some(OpenError::TooSmall { needed: SMALL as u64 }));
    }
}

#[test]
fn a_disk_may_grow_and_may_not_shrink() {
    let disk = Disk::new(1000, 1);
    let (mut store, _) = open(&disk, 1);
    store.put(b"key", b"value").unwrap();
    disk.resize(2000);
    let (store, _) = open(&disk, 2);
    assert_eq!(store.get(b"key"), Some(&b"value"[..]));
    disk.resize(900);
    let refused = Store::open(disk, Foreign::Leave, 3);
    assert_eq!(refused.err(), Some(OpenError::Shrunk { needed: 1000 }));
}

#[test]
fn another_version_is_told_and_left_alone() {
    let disk = Disk::new(1000, 1);
    drop(open(&disk, 1));
    let mut content = disk.content();
    for place in [0, 16] {
        content[place][8] = 9;
    }
    disk.set_content(&content);
    let refused = Store::open(disk.clone(), Foreign::Leave, 2);
    assert_eq!(refused.err(), Some(OpenError::Version(9)));
    assert!(disk.content() == content);
}

#[test]
fn what_changes_nothing_writes_nothing() {
    let disk = Disk::new(SMALL, 1);
    let (mut store, _) = open(&disk, 1);
    let writes = disk.writes();
    store.remove(b"unknown").unwrap();
    assert_eq!(disk.writes(), writes);
    assert_eq!(store.figures().commits, 0);
}

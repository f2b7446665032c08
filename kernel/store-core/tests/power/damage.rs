//! Bits flip, sectors go bad.

use super::*;

use proptest::prelude::*;

/// A store with a history, and all values that each key ever had.
fn written(seed: u64, steps: usize) -> (Disk, Model, Ever) {
    let disk = Disk::new(2048, seed);
    let (mut store, _) = open(&disk, seed);
    let (mut model, mut random) = (Model::new(), Random::new(seed));
    let mut ever = Ever::new();
    for _ in 0..steps {
        let step = Step::random(&mut random);
        step.carry_out(&mut store).unwrap();
        step.apply(&mut model);
        if let Step::Put(key, value) = step {
            ever.entry(key).or_default().push(value);
        }
    }
    (disk, model, ever)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever flips: no panic, nothing is made up, and what is missing is told.
    #[test]
    fn flipped_bits_are_noticed(
        seed in 0_u64..50, steps in 1_usize..60, hits in 1_usize..4, choice: u64,
    ) {
        let (disk, model, ever) = written(seed, steps);
        let mut random = Random::new(choice);
        let places = disk.written_sectors();
        for _ in 0..hits {
            let sector = places[random.below(places.len() as u64) as usize];
            disk.flip(sector, random.below(4096) as usize);
        }
        match Store::open(disk.clone(), Foreign::Leave, 1) {
            Ok((store, recovery)) => {
                let found = content(&store);
                for (key, value) in &found {
                    prop_assert!(ever[key].contains(value), "{key:?} never was {value:?}");
                }
                if found != model {
                    prop_assert!(recovery.gaps > 0 || recovery.is_tail_unreadable);
                }
            }
            Err(error) => {
                prop_assert!(matches!(
                    error,
                    store_core::OpenError::Damaged | store_core::OpenError::Foreign
                ));
            }
        }
    }

    /// Any contents at all: no panic, and nothing is written unless it is a store.
    #[test]
    fn any_disk_can_be_looked_at(seed: u64, sectors in 0_usize..400, density in 1_u64..200) {
        let disk = Disk::new(sectors, seed);
        let mut random = Random::new(seed);
        for sector in 0..sectors {
            if random.below(density) == 0 {
                disk.fill(sector, random.number() as u8);
            }
        }
        let is_blank = disk.written_sectors().is_empty();
        let before = disk.content();
        match Store::open(disk.clone(), Foreign::Leave, 1) {
            Ok((_, recovery)) => prop_assert!(recovery.was_set_up && is_blank),
            Err(_) => prop_assert!(disk.content() == before),
        }
    }
}

#[test]
fn a_record_lost_in_the_middle_costs_itself_only() {
    let disk = Disk::new(2048, 1);
    let (mut store, _) = open(&disk, 1);
    for number in 0..10_u8 {
        store.put(&[number], &[number; 100]).unwrap();
    }
    disk.fill(32 + 4, 0xff);
    let (mut store, recovery) = open(&disk, 2);
    assert_eq!((recovery.records, recovery.gaps, recovery.is_tail_unreadable), (9, 1, false));
    assert!(store.get(&[4]).is_none());
    assert_eq!(store.get(&[9]), Some(&[9; 100][..]));
    // The next change puts things in order.
    store.put(b"new", b"value").unwrap();
    assert_eq!(store.figures().compactions, 1);
    let (store, recovery) = open(&disk, 3);
    assert_eq!((recovery.records, recovery.gaps), (10, 0));
    assert_eq!(store.get(b"new"), Some(&b"value"[..]));
}

#[test]
fn a_sector_of_zeros_is_noticed_too() {
    let disk = Disk::new(2048, 1);
    let (mut store, _) = open(&disk, 1);
    for number in 0..10_u8 {
        store.put(&[number], &[number; 100]).unwrap();
    }
    disk.fill(32 + 4, 0);
    let (_, recovery) = open(&disk, 2);
    assert_eq!((recovery.records, recovery.gaps), (9, 1));
}

#[test]
fn one_bad_header_costs_nothing_and_is_mended() {
    for place in [0, 16] {
        let disk = Disk::new(2048, 1);
        let (mut store, _) = open(&disk, 1);
        store.put(b"key", b"value").unwrap();
        let before = disk.content();
        disk.flip(place, 300);
        let (store, recovery) = open(&disk, 2);
        assert_eq!(recovery, Recovery { records: 1, ..Recovery::default() });
        assert_eq!(store.get(b"key"), Some(&b"value"[..]));
        assert!(disk.content() == before, "the copy is as it was");
    }
}

/// What a header that goes bad must not do: bring back what the other half held before.
#[test]
fn the_past_does_not_come_back() {
    let disk = Disk::new(SMALL, 1);
    let (mut store, _) = open(&disk, 1);
    while store.figures().compactions == 0 {
        store.put(b"key", &[1; 3000]).unwrap();
    }
    store.put(b"key", b"present").unwrap();
    for place in [8, 24] {
        disk.flip(place, 300);
    }
    let error = Store::open(disk, Foreign::Leave, 2).err();
    assert_eq!(error, Some(store_core::OpenError::Damaged));
}

/// A value that looks like a sector of the log is a value.
#[test]
fn values_are_not_taken_for_records() {
    let disk = Disk::new(SMALL, 1);
    let (mut store, _) = open(&disk, 1);
    store.put(b"real", b"1").unwrap();
    let copied = disk.content()[32].to_vec();
    store.put(b"copy", &copied.repeat(4)).unwrap();
    store.put(b"last", b"2").unwrap();
    // The beginning of the copy's record is lost: its rest is searched for records.
    disk.fill(33, 0xff);
    let (store, recovery) = open(&disk, 2);
    assert_eq!((recovery.records, recovery.gaps), (2, 1));
    assert_eq!(store.iter().count(), 2);
}

//! The rules of open(2), dup(2) and fcntl(2), and a comparison with a plain map.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::vec::Vec;

use proptest::prelude::*;

use super::{Descriptor, DescriptorTable, Fd};
use crate::error::FileError;

const LIMIT: u32 = 200;

fn open(file: u32) -> Descriptor<u32> {
    Descriptor { file, close_on_exec: false }
}

// proves: P5
#[test]
fn a_range_is_closed_from_its_first_to_its_last() {
    let mut table = DescriptorTable::new();
    for file in 0..6 {
        table.insert(Descriptor { file, close_on_exec: false }, 100).unwrap();
    }
    let fd = |number| Fd::new(number).unwrap();
    table.close_on_exec_from(fd(4), fd(i64::from(i32::MAX)));
    table.remove(fd(2)).unwrap();
    let mut closed = Vec::new();
    while let Some((at, descriptor)) = table.remove_first(fd(1), fd(3)) {
        assert_eq!(i64::from(at.number()), i64::from(descriptor.file));
        closed.push(descriptor.file);
    }
    assert_eq!(closed, [1, 3]);
    assert!(table.remove_first(fd(1000), fd(2000)).is_none());
    let left: Vec<_> = table.iter().map(|(_, it)| (it.file, it.close_on_exec)).collect();
    assert_eq!(left, [(0, false), (4, true), (5, true)]);
}

#[test]
fn the_limit_binds_and_can_be_lowered() {
    let mut table = DescriptorTable::new();
    for file in 0..3 {
        table.insert(open(file), 3).unwrap();
    }
    let refused = table.insert(open(3), 3).unwrap_err();
    assert_eq!(refused, (FileError::TooManyOpenFiles { limit: 3 }, open(3)));
    table.remove(Fd(0)).unwrap();
    assert_eq!(table.insert(open(4), 1), Ok(Fd(0)), "the lowest number counts");
    assert_eq!(table.len(), 3);
}

#[test]
fn a_clone_shares_files_and_nothing_else() {
    let mut table = DescriptorTable::new();
    let file = Arc::new(());
    let fd = table.insert(Descriptor { file: file.clone(), close_on_exec: true }, 9).unwrap();
    let mut child = table.try_clone().unwrap();
    assert_eq!(Arc::strong_count(&file), 3);
    assert!(child.remove_close_on_exec().is_some() && child.remove_close_on_exec().is_none());
    assert!(table.get(fd).is_ok() && child.get(fd).is_err());
    assert_eq!(table.take_all().count(), 1);
    assert!(table.is_empty());
    drop((table, child));
    assert_eq!(Arc::strong_count(&file), 1);
}

#[test]
fn numbers_that_cannot_be_are_refused() {
    for number in [-1, 1 << 31, i64::MAX] {
        assert_eq!(Fd::new(number), Err(FileError::BadDescriptor { fd: number }));
    }
    assert_eq!(Fd::new(7), Ok(Fd(7)));
}

#[derive(Clone, Debug)]
enum Step {
    Insert(bool),
    InsertFrom(u32),
    Duplicate(u32, u32),
    Remove(u32),
    Mark(u32, bool),
    Execute,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fd = 0..LIMIT + 10;
    let step = prop_oneof![
        4 => any::<bool>().prop_map(Step::Insert),
        2 => fd.clone().prop_map(Step::InsertFrom),
        2 => (fd.clone(), fd.clone()).prop_map(|(from, to)| Step::Duplicate(from, to)),
        3 => fd.clone().prop_map(Step::Remove),
        1 => (fd, any::<bool>()).prop_map(|(fd, mark)| Step::Mark(fd, mark)),
        1 => Just(Step::Execute),
    ];
    proptest::collection::vec(step, 0..400)
}

fn lowest_free(model: &BTreeMap<u32, (u32, bool)>, least: u32) -> Option<u32> {
    (least..LIMIT).find(|fd| !model.contains_key(fd))
}

proptest! {
    // proves: A5
    #[test]
    fn the_table_is_a_map_with_lowest_numbers(steps in steps()) {
        let mut table = DescriptorTable::new();
        let mut model: BTreeMap<u32, (u32, bool)> = BTreeMap::new();
        for (file, step) in steps.into_iter().enumerate() {
            let file = u32::try_from(file).unwrap();
            let full = FileError::TooManyOpenFiles { limit: LIMIT };
            match step {
                Step::Insert(close_on_exec) => {
                    let result = table.insert(Descriptor { file, close_on_exec }, LIMIT);
                    let expected = lowest_free(&model, 0);
                    prop_assert_eq!(result.map_err(|error| error.0), expected.map(Fd).ok_or(full));
                    expected.map(|fd| model.insert(fd, (file, close_on_exec)));
                }
                Step::InsertFrom(least) => {
                    let result = table.insert_from(Fd(least), open(file), LIMIT);
                    let expected = lowest_free(&model, least);
                    prop_assert_eq!(result.map_err(|error| error.0), expected.map(Fd).ok_or(full));
                    expected.map(|fd| model.insert(fd, (file, false)));
                }
                Step::Duplicate(from, to) => {
                    let result = table.duplicate_to(Fd(from), Fd(to), true, LIMIT);
                    let bad = |fd| FileError::BadDescriptor { fd: i64::from(fd) };
                    match model.get(&from).copied() {
                        None => prop_assert_eq!(result, Err(bad(from))),
                        Some(_) if to >= LIMIT => prop_assert_eq!(result, Err(bad(to))),
                        Some((file, _)) => {
                            let replaced = model.insert(to, (file, true));
                            let found = result.unwrap().map(|was| (was.file, was.close_on_exec));
                            prop_assert_eq!(found, replaced);
                        }
                    }
                }
                Step::Remove(fd) => {
                    let removed = table.remove(Fd(fd)).ok().map(|it| (it.file, it.close_on_exec));
                    prop_assert_eq!(removed, model.remove(&fd));
                }
                Step::Mark(fd, mark) => {
                    let is_there = table.set_close_on_exec(Fd(fd), mark).is_ok();
                    let entry = model.get_mut(&fd);
                    prop_assert_eq!(is_there, entry.is_some());
                    if let Some(entry) = entry {
                        entry.1 = mark;
                    }
                }
                Step::Execute => {
                    while let Some(closed) = table.remove_close_on_exec() {
                        prop_assert!(closed.close_on_exec);
                    }
                    model.retain(|_, entry| !entry.1);
                }
            }
            let found: Vec<_> =
                table.iter().map(|(fd, it)| (fd.number(), (it.file, it.close_on_exec))).collect();
            prop_assert!(found.iter().copied().eq(model.iter().map(|(fd, it)| (*fd, *it))));
            prop_assert_eq!(table.len(), model.len());
        }
    }
}

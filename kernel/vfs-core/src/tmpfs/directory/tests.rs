//! Names whose hashes meet; with real names that is too rare to be seen.

use std::format;
use std::vec::Vec;

use super::{COLLISIONS, Directory, Entry, PIECE, boxed, hash};
use crate::error::FileError;
use crate::tmpfs::slab::InodeId;

const NAME: &[u8] = b"name";

/// A directory in which the first `count` places for `NAME` are taken.
fn crowded(count: u64) -> Directory {
    let mut directory = Directory::new(InodeId::NONE);
    for offset in 0..count {
        let name = boxed(format!("other-{offset}").as_bytes()).unwrap();
        let key = hash(NAME) + offset;
        directory.put(directory.start(key), Entry { key, name, inode: InodeId::NONE }).unwrap();
    }
    directory
}

#[test]
fn a_name_takes_the_next_place_and_is_found_there() {
    let mut directory = crowded(COLLISIONS - 1);
    assert_eq!(directory.get(NAME), None);
    directory.insert(NAME, InodeId::NONE).unwrap();
    assert_eq!(directory.get(NAME), Some(InodeId::NONE));
    // A gap that a removal leaves hides nothing behind it.
    directory.pieces[0].remove(3);
    assert_eq!(directory.get(NAME), Some(InodeId::NONE));
    assert!(directory.pieces[0].is_sorted_by_key(|entry| entry.key));
    assert_eq!(directory.remove(NAME), Some(InodeId::NONE));
    assert_eq!(directory.get(NAME), None);
}

#[test]
fn too_many_names_of_one_hash_are_refused() {
    let mut directory = crowded(COLLISIONS);
    assert_eq!(directory.insert(NAME, InodeId::NONE), Err(FileError::NoSpace));
    // One that stands too far away is not looked at: it could not have been put there.
    let key = hash(NAME) + COLLISIONS;
    let name = boxed(NAME).unwrap();
    directory.pieces[0].push(Entry { key, name, inode: InodeId::NONE });
    assert_eq!(directory.get(NAME), None);
}

#[test]
fn a_hundred_thousand_names_come_and_go() {
    let name = |number: u32| format!("file-{number}");
    let mut directory = Directory::new(InodeId::NONE);
    for number in 0..100_000 {
        directory.insert(name(number).as_bytes(), InodeId::NONE).unwrap();
    }
    assert_eq!(directory.len(), 100_000);
    let keys: Vec<u64> = directory.after(0).map(|(key, _, _)| key).collect();
    assert!(keys.is_sorted() && keys.len() == 100_000);
    assert!(directory.pieces.iter().all(|piece| (1..=PIECE).contains(&piece.len())));
    // A listing that is interrupted anywhere goes on behind the last name that it gave.
    for start in [0, 1, 500, 99_998] {
        assert_eq!(
            directory.after(keys[start]).next().map(|(key, _, _)| key),
            keys.get(start + 1).copied()
        );
    }
    for number in (0..100_000).step_by(2) {
        assert!(directory.remove(name(number).as_bytes()).is_some());
    }
    for number in 0..100_000 {
        assert_eq!(directory.get(name(number).as_bytes()).is_some(), number % 2 == 1);
    }
    for number in (1..100_000).step_by(2) {
        directory.remove(name(number).as_bytes());
    }
    assert_eq!((directory.len(), directory.charged_bytes()), (0, 0));
    assert!(directory.pieces.is_empty());
}

//! Names whose hashes meet; with real names that is too rare to be seen.

use std::format;

use super::{COLLISIONS, Directory, Entry, boxed, hash};
use crate::error::FileError;
use crate::tmpfs::slab::InodeId;

const NAME: &[u8] = b"name";

/// A directory in which the first `count` places for `NAME` are taken.
fn crowded(count: u64) -> Directory {
    let mut directory = Directory::new(InodeId::NONE);
    for offset in 0..count {
        let name = boxed(format!("other-{offset}").as_bytes()).unwrap();
        let key = hash(NAME) + offset;
        directory.entries.push(Entry { key, name, inode: InodeId::NONE });
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
    directory.entries.remove(3);
    assert_eq!(directory.get(NAME), Some(InodeId::NONE));
    assert!(directory.entries.is_sorted_by_key(|entry| entry.key));
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
    directory.entries.push(Entry { key, name, inode: InodeId::NONE });
    assert_eq!(directory.get(NAME), None);
}

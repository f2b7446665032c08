//! A directory: names, sorted by a key made from the name.
//!
//! The key is the name's hash, or one of the next few numbers if another name has that. It serves
//! as the place from which a listing goes on, so that a listing neither misses nor repeats a name
//! that is there throughout, whatever else comes and goes.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::error::FileError;
use crate::tmpfs::slab::InodeId;

/// How many names can have the same hash.
const COLLISIONS: u64 = 16;
/// Places 0 to 2 of a listing are the start, after `.` and after `..`.
const FIRST_KEY: u64 = 3;
/// Places are positive `off_t`.
const KEY_MASK: u64 = (1 << 62) - 1;

struct Entry {
    key: u64,
    name: Box<[u8]>,
    inode: InodeId,
}

pub(super) struct Directory {
    pub(super) parent: InodeId,
    /// Sorted by key.
    entries: Vec<Entry>,
    name_bytes: u64,
}

/// A copy of bytes on the heap.
pub(super) fn boxed(bytes: &[u8]) -> Result<Box<[u8]>, FileError> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).map_err(|_| FileError::OutOfMemory)?;
    copy.extend_from_slice(bytes);
    Ok(copy.into_boxed_slice())
}

/// FNV-1a.
fn hash(name: &[u8]) -> u64 {
    let hash = name.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash & KEY_MASK) + FIRST_KEY
}

/// What an entry costs, beside the inode.
pub(super) fn entry_bytes(name: &[u8]) -> u64 {
    name.len() as u64 + size_of::<Entry>() as u64
}

impl Directory {
    pub(super) const fn new(parent: InodeId) -> Self {
        Self { parent, entries: Vec::new(), name_bytes: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn charged_bytes(&self) -> u64 {
        self.name_bytes
    }

    fn start(&self, key: u64) -> usize {
        self.entries.partition_point(|entry| entry.key < key)
    }

    fn position(&self, name: &[u8]) -> Option<usize> {
        let key = hash(name);
        let start = self.start(key);
        let offset = self
            .entries
            .get(start..)?
            .iter()
            .take_while(|entry| entry.key < key + COLLISIONS)
            .position(|entry| *entry.name == *name)?;
        Some(start + offset)
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<InodeId> {
        Some(self.entries.get(self.position(name)?)?.inode)
    }

    /// Adds a name that is not there yet.
    pub(super) fn insert(&mut self, name: &[u8], inode: InodeId) -> Result<(), FileError> {
        let first = hash(name);
        let mut position = self.start(first);
        let mut key = first;
        while self.entries.get(position).is_some_and(|entry| entry.key == key) {
            position += 1;
            key += 1;
        }
        if key >= first + COLLISIONS {
            return Err(FileError::NoSpace);
        }
        self.entries.try_reserve(1).map_err(|_| FileError::OutOfMemory)?;
        self.entries.insert(position, Entry { key, name: boxed(name)?, inode });
        self.name_bytes += entry_bytes(name);
        Ok(())
    }

    /// Makes a name that is there stand for another file; answers the former one.
    pub(super) fn replace(&mut self, name: &[u8], inode: InodeId) -> Option<InodeId> {
        let position = self.position(name)?;
        let entry = self.entries.get_mut(position)?;
        Some(core::mem::replace(&mut entry.inode, inode))
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<InodeId> {
        let position = self.position(name)?;
        self.name_bytes = self.name_bytes.saturating_sub(entry_bytes(name));
        Some(self.entries.remove(position).inode)
    }

    /// The names whose place is after this one, each with its place.
    pub(super) fn after(&self, place: u64) -> impl Iterator<Item = (u64, &[u8], InodeId)> {
        let start = self.start(place.saturating_add(1).max(FIRST_KEY));
        let rest = self.entries.get(start..).unwrap_or_default();
        rest.iter().map(|entry| (entry.key, &*entry.name, entry.inode))
    }

    /// The name under which a file stands here.
    pub(super) fn name_of(&self, inode: InodeId) -> Option<&[u8]> {
        self.entries.iter().find(|entry| entry.inode == inode).map(|entry| &*entry.name)
    }
}

#[cfg(test)]
mod tests;

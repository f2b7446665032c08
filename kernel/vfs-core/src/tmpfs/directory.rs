//! A directory: names, sorted by a key made from the name, in pieces of bounded size.
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

/// The most entries that lie in one piece; a full one is cut in two. Small enough to be moved at
/// each change, large enough that a directory of a million names has few pieces.
const PIECE: usize = 256;

struct Entry {
    key: u64,
    name: Box<[u8]>,
    inode: InodeId,
}

pub(super) struct Directory {
    pub(super) parent: InodeId,
    /// The entries, sorted by key, in pieces of which none is empty.
    pieces: Vec<Vec<Entry>>,
    len: usize,
    name_bytes: u64,
}

/// Where an entry is, or would be: the piece, and the index in it.
type Spot = (usize, usize);

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
        Self { parent, pieces: Vec::new(), len: 0, name_bytes: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn charged_bytes(&self) -> u64 {
        self.name_bytes
    }

    fn at(&self, (piece, index): Spot) -> Option<&Entry> {
        self.pieces.get(piece)?.get(index)
    }

    fn at_mut(&mut self, (piece, index): Spot) -> Option<&mut Entry> {
        self.pieces.get_mut(piece)?.get_mut(index)
    }

    /// Where the entries from this key on start: at an entry, or behind the last piece.
    fn start(&self, key: u64) -> Spot {
        let piece =
            self.pieces.partition_point(|piece| piece.last().is_some_and(|entry| entry.key < key));
        let index = self
            .pieces
            .get(piece)
            .map_or(0, |piece| piece.partition_point(|entry| entry.key < key));
        (piece, index)
    }

    fn next(&self, (piece, index): Spot) -> Spot {
        match self.pieces.get(piece) {
            Some(entries) if index + 1 < entries.len() => (piece, index + 1),
            _ => (piece + 1, 0),
        }
    }

    fn spot_of(&self, name: &[u8]) -> Option<Spot> {
        let key = hash(name);
        let mut spot = self.start(key);
        while let Some(entry) = self.at(spot)
            && entry.key < key + COLLISIONS
        {
            if *entry.name == *name {
                return Some(spot);
            }
            spot = self.next(spot);
        }
        None
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<InodeId> {
        Some(self.at(self.spot_of(name)?)?.inode)
    }

    /// Adds a name that is not there yet; answers its key.
    pub(super) fn insert(&mut self, name: &[u8], inode: InodeId) -> Result<u64, FileError> {
        let first = hash(name);
        let mut spot = self.start(first);
        let mut key = first;
        while self.at(spot).is_some_and(|entry| entry.key == key) {
            spot = self.next(spot);
            key += 1;
        }
        if key >= first + COLLISIONS {
            return Err(FileError::NoSpace);
        }
        self.put(spot, Entry { key, name: boxed(name)?, inode })?;
        self.len += 1;
        self.name_bytes += entry_bytes(name);
        Ok(key)
    }

    /// Puts an entry before the one at a spot.
    fn put(&mut self, (mut piece, mut index): Spot, entry: Entry) -> Result<(), FileError> {
        let out_of_memory = |_| FileError::OutOfMemory;
        if piece == self.pieces.len() {
            // Behind the last entry: into the last piece, if there is one.
            match self.pieces.last() {
                Some(last) => (piece, index) = (piece - 1, last.len()),
                None => {
                    self.pieces.try_reserve(1).map_err(out_of_memory)?;
                    self.pieces.push(Vec::new());
                }
            }
        }
        let is_full = self.pieces.get(piece).is_some_and(|entries| entries.len() >= PIECE);
        if is_full {
            let mut upper = Vec::new();
            upper.try_reserve_exact(PIECE).map_err(out_of_memory)?;
            self.pieces.try_reserve(1).map_err(out_of_memory)?;
            if let Some(entries) = self.pieces.get_mut(piece) {
                upper.extend(entries.drain(PIECE / 2..));
            }
            self.pieces.insert(piece + 1, upper);
            if index > PIECE / 2 {
                (piece, index) = (piece + 1, index - PIECE / 2);
            }
        }
        let entries = self.pieces.get_mut(piece).ok_or(FileError::OutOfMemory)?;
        if entries.try_reserve(1).is_err() {
            if entries.is_empty() {
                self.pieces.remove(piece);
            }
            return Err(FileError::OutOfMemory);
        }
        entries.insert(index, entry);
        Ok(())
    }

    /// Makes a name that is there stand for another file; answers its key.
    pub(super) fn replace(&mut self, name: &[u8], inode: InodeId) -> Option<u64> {
        let spot = self.spot_of(name)?;
        let entry = self.at_mut(spot)?;
        entry.inode = inode;
        Some(entry.key)
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<InodeId> {
        let (piece, index) = self.spot_of(name)?;
        let entries = self.pieces.get_mut(piece)?;
        let removed = entries.remove(index);
        if entries.is_empty() {
            self.pieces.remove(piece);
        }
        self.len -= 1;
        self.name_bytes = self.name_bytes.saturating_sub(entry_bytes(name));
        Some(removed.inode)
    }

    /// The names whose place is after this one, each with its place.
    pub(super) fn after(&self, place: u64) -> impl Iterator<Item = (u64, &[u8], InodeId)> {
        let (piece, index) = self.start(place.saturating_add(1).max(FIRST_KEY));
        let rest = self.pieces.get(piece..).unwrap_or_default();
        let all = rest.iter().flatten().skip(index);
        all.map(|entry| (entry.key, &*entry.name, entry.inode))
    }

    /// The name under which a file stands here: the one with this key, or else any.
    pub(super) fn name_of(&self, inode: InodeId, key: u64) -> Option<&[u8]> {
        let hinted = self.at(self.start(key)).filter(|entry| entry.inode == inode);
        let found = match hinted {
            Some(entry) => Some(entry),
            None => self.pieces.iter().flatten().find(|entry| entry.inode == inode),
        };
        found.map(|entry| &*entry.name)
    }
}

#[cfg(test)]
mod tests;

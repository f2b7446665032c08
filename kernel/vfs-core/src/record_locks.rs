//! Locks on ranges of a file: fcntl(2), "Advisory record locking".
//!
//! [`RecordLocks`] says who has which bytes of one file; who waits, and when a file's are gone, is the
//! kernel's.

use alloc::vec::Vec;

use crate::error::FileError;

/// The most locks on one file.
const MOST: usize = 4096;

/// Bytes of a file, the last one included: to the end of all files is `u64::MAX`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ByteRange {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

impl ByteRange {
    const fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Whether the two are one when they are joined.
    const fn touches(self, other: Self) -> bool {
        self.first <= other.last.saturating_add(1) && other.first <= self.last.saturating_add(1)
    }
}

/// What a lock keeps others from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordLockKind {
    /// Writing: many may have one.
    Shared,
    /// Reading and writing.
    Exclusive,
}

/// A lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordLock<O> {
    /// Whose.
    pub owner: O,
    /// On what.
    pub range: ByteRange,
    /// Of which kind.
    pub kind: RecordLockKind,
}

/// All locks on one file.
#[derive(Debug)]
pub struct RecordLocks<O> {
    /// Those of one owner neither overlap nor, if they are of one kind, touch.
    locks: Vec<RecordLock<O>>,
}

impl<O> Default for RecordLocks<O> {
    fn default() -> Self {
        Self { locks: Vec::new() }
    }
}

impl<O: Copy + PartialEq> RecordLocks<O> {
    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.locks.is_empty()
    }

    /// The first lock in the list that is this owner's.
    pub fn of(&self, owner: O) -> Option<RecordLock<O>> {
        self.locks.iter().find(|lock| lock.owner == owner).copied()
    }

    /// The lock that keeps `owner` from having this one: the first in the file.
    pub fn conflict(
        &self,
        owner: O,
        range: ByteRange,
        kind: RecordLockKind,
    ) -> Option<RecordLock<O>> {
        let conflicts = |lock: &&RecordLock<O>| {
            lock.owner != owner
                && lock.range.overlaps(range)
                && (kind == RecordLockKind::Exclusive || lock.kind == RecordLockKind::Exclusive)
        };
        self.locks.iter().filter(conflicts).min_by_key(|lock| lock.range.first).copied()
    }

    /// Gives `owner` the bytes, whatever it had on them before. That nothing conflicts is the
    /// caller's.
    ///
    /// # Errors
    /// [`FileError::OutOfMemory`], also for more locks than a file may have.
    pub fn lock(
        &mut self,
        owner: O,
        range: ByteRange,
        kind: RecordLockKind,
    ) -> Result<(), FileError> {
        self.make_room()?;
        self.cut(owner, range);
        let mut joined = range;
        self.locks.retain(|lock| {
            let joins = lock.owner == owner && lock.kind == kind && lock.range.touches(joined);
            if joins {
                joined.first = joined.first.min(lock.range.first);
                joined.last = joined.last.max(lock.range.last);
            }
            !joins
        });
        // A neighbour that came before the one which made it a neighbour.
        self.locks.retain(|lock| {
            let joins = lock.owner == owner && lock.kind == kind && lock.range.touches(joined);
            if joins {
                joined.first = joined.first.min(lock.range.first);
                joined.last = joined.last.max(lock.range.last);
            }
            !joins
        });
        self.locks.push(RecordLock { owner, range: joined, kind });
        Ok(())
    }

    /// Takes the bytes from `owner`. Answers whether it had some of them.
    ///
    /// # Errors
    /// [`FileError::OutOfMemory`]: a hole makes two locks of one.
    pub fn unlock(&mut self, owner: O, range: ByteRange) -> Result<bool, FileError> {
        let has = |lock: &RecordLock<O>| lock.owner == owner && lock.range.overlaps(range);
        if !self.locks.iter().any(has) {
            return Ok(false);
        }
        let is_all =
            |lock: &RecordLock<O>| range.first <= lock.range.first && lock.range.last <= range.last;
        // What only takes away needs no memory.
        if !self.locks.iter().filter(|lock| has(lock)).all(is_all) {
            self.make_room()?;
        }
        self.cut(owner, range);
        Ok(true)
    }

    /// Takes everything from `owner`. Answers whether it had something.
    pub fn unlock_all(&mut self, owner: O) -> bool {
        let before = self.locks.len();
        self.locks.retain(|lock| lock.owner != owner);
        self.locks.len() < before
    }

    /// Room for two locks more.
    fn make_room(&mut self) -> Result<(), FileError> {
        if self.locks.len() + 2 > MOST {
            return Err(FileError::OutOfMemory);
        }
        self.locks.try_reserve(2).map_err(|_| FileError::OutOfMemory)
    }

    /// Takes bytes out of the owner's locks. One of them at most is cut in two, for which there is
    /// room.
    fn cut(&mut self, owner: O, range: ByteRange) {
        let mut behind = None;
        self.locks.retain_mut(|lock| {
            if lock.owner != owner || !lock.range.overlaps(range) {
                return true;
            }
            let whole = lock.range;
            if whole.last > range.last {
                let rest = ByteRange { first: range.last + 1, last: whole.last };
                if whole.first < range.first {
                    behind = Some(RecordLock { range: rest, ..*lock });
                } else {
                    lock.range = rest;
                    return true;
                }
            }
            if whole.first < range.first {
                lock.range.last = range.first - 1;
                return true;
            }
            false
        });
        self.locks.extend(behind);
    }
}

#[cfg(test)]
mod tests;

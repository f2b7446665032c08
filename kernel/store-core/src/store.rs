//! [`Store`]: keys with their values, on a disk.

use alloc::vec::Vec;

use crate::error::{OpenError, StoreError};
use crate::format;
use crate::frame::{self, Label, PAYLOAD_BYTES};
use crate::header::{self, Header};
use crate::random::Random;
use crate::record;
use crate::recover::{self, Recovery, Values};
use crate::sectors::{SECTOR_BYTES, Sectors};

/// A store on a disk. What it holds is in memory, too.
#[derive(Debug)]
pub struct Store<D> {
    pub(crate) disk: D,
    pub(crate) header: Header,
    /// Where the next record goes, in the half.
    pub(crate) tail: u64,
    /// The last record's number.
    pub(crate) sequence: u64,
    pub(crate) values: Values,
    /// Sectors of the records that count.
    live: u64,
    pub(crate) random: Random,
    /// The half that is not in use has no header.
    pub(crate) is_other_void: bool,
    /// The half in use takes no more.
    pub(crate) must_compact: bool,
    commits: u64,
    pub(crate) compactions: u64,
}

/// How much there is, and what was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Bytes that records may take altogether.
    pub capacity_bytes: u64,
    /// Bytes that they take.
    pub used_bytes: u64,
    /// Keys that have a value.
    pub records: u64,
    /// Changes made since the store was opened.
    pub commits: u64,
    /// How often the halves were changed since.
    pub compactions: u64,
}

/// A key's new value, or that it has none any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: Option<&'a [u8]>,
}

/// What becomes of a disk that holds something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// It is left alone.
    Leave,
    /// It is overwritten.
    TakeOver,
}

/// How many sectors a record's bytes take; it is not longer than the longest value makes it.
pub(crate) fn count_of(record: &[u8]) -> u16 {
    u16::try_from(record.len().div_ceil(PAYLOAD_BYTES)).unwrap_or(u16::MAX)
}

impl<D: Sectors> Store<D> {
    /// Opens the store on a disk, or makes one of a disk that is all zero. `seed` is any random number.
    ///
    /// # Errors
    /// Why there is none; nothing was written then unless the disk was to be taken over.
    pub fn open(
        mut disk: D,
        foreign: Foreign,
        seed: u64,
    ) -> Result<(Self, Recovery), OpenError<D::Error>> {
        let mut random = Random::new(seed);
        let (header, is_whole, is_other_void, was_set_up) = match format::inspect(&mut disk) {
            Ok(found) => (found.header, found.is_whole, found.is_other_void, false),
            Err(error @ (OpenError::Disk(_) | OpenError::TooSmall { .. })) => return Err(error),
            Err(error) => {
                let is_blank = matches!(error, OpenError::Foreign) && format::is_blank(&mut disk)?;
                if !is_blank && foreign == Foreign::Leave {
                    return Err(error);
                }
                if !is_blank {
                    format::erase(&mut disk)?;
                }
                (format::set_up(&mut disk, &mut random)?, true, true, true)
            }
        };
        let log = recover::read(&mut disk, &header).map_err(OpenError::Disk)?;
        let live = log.values.iter().map(|(key, value)| record::sectors(key, value.len())).sum();
        let mut store = Self {
            disk,
            header,
            tail: log.tail,
            sequence: log.sequence,
            values: log.values,
            live,
            random,
            is_other_void,
            // What is there is put in order with the first change.
            must_compact: log.recovery.gaps > 0,
            commits: 0,
            compactions: 0,
        };
        // A disk that takes no writes now is noticed with the first change.
        if !is_whole {
            let _ = format::write(&mut store.disk, &header);
        }
        if !is_other_void {
            store.is_other_void = header::remove(&mut store.disk, header.half.other()).is_ok();
        }
        Ok((store, Recovery { was_set_up, ..log.recovery }))
    }

    /// Gives a key a value. When this returns without an error, it is on the disk.
    ///
    /// # Errors
    /// Why not; the key has the value that it had before then, also after the next start unless the error
    /// says otherwise.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError<D::Error>> {
        self.commit(Change { key, value: Some(value) })
    }

    /// Takes a key's value away, as [`put`](Self::put).
    ///
    /// # Errors
    /// As [`put`](Self::put); there is always room for it.
    pub fn remove(&mut self, key: &[u8]) -> Result<(), StoreError<D::Error>> {
        if !self.values.contains_key(key) {
            return Ok(());
        }
        self.commit(Change { key, value: None })
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.values.get(key).map(|value| &**value)
    }

    /// All keys with their values, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.values.iter().map(|(key, value)| (&**key, &**value))
    }

    /// How much there is.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let bytes = |sectors: u64| sectors * SECTOR_BYTES as u64;
        Figures {
            capacity_bytes: bytes(self.capacity()),
            used_bytes: bytes(self.live),
            records: u64::try_from(self.values.len()).unwrap_or(u64::MAX),
            commits: self.commits,
            compactions: self.compactions,
        }
    }

    /// Sectors that records may take. A quarter of a half stays free: so a nearly full store changes halves
    /// once in many changes, and not with each.
    const fn capacity(&self) -> u64 {
        self.header.half_sectors / 4 * 3
    }

    fn commit(&mut self, change: Change<'_>) -> Result<(), StoreError<D::Error>> {
        let Change { key, value } = change;
        let record = record::encode(key, value).ok_or(StoreError::TooLong)?;
        let before = self.values.get(key).map_or(0, |value| record::sectors(key, value.len()));
        let taken = value.map_or(0, |value| record::sectors(key, value.len()));
        let live = self.live - before + taken;
        if live > self.capacity() && live > self.live {
            let missing_bytes = (live - self.capacity()) * SECTOR_BYTES as u64;
            return Err(StoreError::Full { missing_bytes });
        }
        let needed = u64::from(count_of(&record));
        if self.must_compact || self.tail + needed > self.header.half_sectors {
            self.compact(change)?;
        } else {
            self.append(&record)?;
            self.tail += needed;
        }
        match value {
            Some(value) => drop(self.values.insert(key.into(), value.into())),
            None => drop(self.values.remove(key)),
        }
        self.live = live;
        self.commits += 1;
        Ok(())
    }

    /// Writes a record after the others, and makes sure of it.
    fn append(&mut self, record: &[u8]) -> Result<(), StoreError<D::Error>> {
        self.sequence += 1;
        let label = Label {
            area: self.header.area,
            sequence: self.sequence,
            salt: self.random.short(),
            count: count_of(record),
        };
        let mut sectors = Vec::new();
        frame::append(&mut sectors, label, record);
        let place = self.header.start() + self.tail;
        let written = self.disk.write(place, &sectors).and_then(|()| self.disk.flush());
        let Err(error) = written else { return Ok(()) };
        // All of it may be on the disk. Without its first sector it does not count.
        let taken_back =
            self.disk.write(place, &[0; SECTOR_BYTES]).and_then(|()| self.disk.flush());
        Err(match taken_back {
            Ok(()) => StoreError::Disk(error),
            Err(_) => StoreError::Unsettled(error),
        })
    }
}

//! Reading the log: which records are there, and whether all of them are.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use crate::format::{CHUNK, CHUNK_BYTES, chunk};
use crate::frame::{self, Frame, Label};
use crate::header::Header;
use crate::record;
use crate::sectors::{SECTOR_BYTES, Sectors};

/// What was found when a store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The disk was empty, or was to be taken over, and has become a store.
    pub was_set_up: bool,
    /// Records in the log.
    pub records: u64,
    /// Places where records are missing that later ones follow: what they said is lost.
    pub gaps: u64,
    /// Something that cannot be read follows the last record: a change that was under way when the power
    /// went, or else the last one, damaged.
    pub is_tail_unreadable: bool,
}

/// Values by key.
pub(crate) type Values = BTreeMap<Box<[u8]>, Box<[u8]>>;

/// What the log says.
pub(crate) struct Log {
    /// Where the next record goes, in the half.
    pub(crate) tail: u64,
    /// The last record's number.
    pub(crate) sequence: u64,
    pub(crate) values: Values,
    pub(crate) recovery: Recovery,
}

/// Reads the log of the half in use.
pub(crate) fn read<D: Sectors>(disk: &mut D, header: &Header) -> Result<Log, D::Error> {
    let mut reader = Reader::new(disk, header);
    let mut log =
        Log { tail: 0, sequence: 0, values: Values::new(), recovery: Recovery::default() };
    loop {
        if let Some((label, bytes)) = reader.record(log.tail, log.sequence)? {
            log.take_in(&bytes);
            log.sequence = label.sequence;
            log.tail += u64::from(label.count);
            continue;
        }
        let is_clean = reader.is_clean(log.tail, log.sequence)?;
        // Nothing but a record could be here, so a little is searched even after what was never written.
        let end = if is_clean { log.tail.saturating_add(CHUNK) } else { reader.len };
        match reader.later(log.tail, end.min(reader.len), log.sequence)? {
            Some(place) => {
                log.recovery.gaps += 1;
                log.tail = place;
            }
            None => {
                log.recovery.is_tail_unreadable = !is_clean;
                return Ok(log);
            }
        }
    }
}

impl Log {
    fn take_in(&mut self, bytes: &[u8]) {
        self.recovery.records += 1;
        match record::decode(bytes) {
            Some((key, Some(value))) => {
                self.values.insert(key.into(), value.into());
            }
            Some((key, None)) => {
                self.values.remove(key);
            }
            // Its checksums are right: it was written by something that is not this.
            None => self.recovery.gaps += 1,
        }
    }
}

/// Reads a half in pieces.
struct Reader<'d, D> {
    disk: &'d mut D,
    area: u64,
    start: u64,
    len: u64,
    buffer: Vec<u8>,
    /// The sectors in the buffer, counted in the half.
    held: core::ops::Range<u64>,
}

impl<'d, D: Sectors> Reader<'d, D> {
    fn new(disk: &'d mut D, header: &Header) -> Self {
        Self {
            disk,
            area: header.area,
            start: header.start(),
            len: header.half_sectors,
            buffer: vec![0; CHUNK_BYTES],
            held: 0..0,
        }
    }

    /// One sector; empty beyond the end.
    fn sector(&mut self, at: u64) -> Result<&[u8], D::Error> {
        if at >= self.len {
            return Ok(&[]);
        }
        if !self.held.contains(&at) {
            self.held = 0..0;
            let count = CHUNK.min(self.len - at);
            self.disk.read(self.start + at, chunk(&mut self.buffer, count))?;
            self.held = at..at + count;
        }
        let offset = usize::try_from(at - self.held.start).unwrap_or(0) * SECTOR_BYTES;
        Ok(self.buffer.get(offset..offset + SECTOR_BYTES).unwrap_or_default())
    }

    /// A frame of this filling that comes after `last`.
    fn frame(&mut self, at: u64, last: u64) -> Result<Option<Frame<'_>>, D::Error> {
        let area = self.area;
        let frame = frame::read(self.sector(at)?);
        Ok(frame.filter(|frame| frame.label.area == area && frame.label.sequence > last))
    }

    /// The record that begins here, with its bytes, if it is whole and comes after `last`.
    fn record(&mut self, at: u64, last: u64) -> Result<Option<(Label, Vec<u8>)>, D::Error> {
        let Some(first) = self.frame(at, last)?.filter(|frame| frame.index == 0) else {
            return Ok(None);
        };
        let label = first.label;
        let mut bytes = first.payload.to_vec();
        for index in 1..label.count {
            let next = self.frame(at + u64::from(index), last)?;
            match next.filter(|frame| frame.label == label && frame.index == index) {
                Some(frame) => bytes.extend_from_slice(frame.payload),
                None => return Ok(None),
            }
        }
        Ok((label.count > 0).then_some((label, bytes)))
    }

    /// The first whole record from here on that comes after `last`.
    fn later(&mut self, from: u64, end: u64, last: u64) -> Result<Option<u64>, D::Error> {
        for at in from..end {
            let is_start = self.frame(at, last)?.is_some_and(|frame| frame.index == 0);
            if is_start && self.record(at, last)?.is_some() {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// Whether what is here was never written, or is left over from before `last`.
    fn is_clean(&mut self, at: u64, last: u64) -> Result<bool, D::Error> {
        let area = self.area;
        let sector = self.sector(at)?;
        if sector.iter().all(|byte| *byte == 0) {
            return Ok(true);
        }
        let frame = frame::read(sector);
        Ok(frame.is_some_and(|frame| frame.label.area != area || frame.label.sequence <= last))
    }
}

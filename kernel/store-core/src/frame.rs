//! Frames: how each sector of a log says what it is.
//!
//! | bytes | what |
//! |---|---|
//! | 0 | `MOSf` |
//! | 4 | the checksum of all that follows |
//! | 8 | the number of the half's filling, made at random |
//! | 16 | the record's number, which counts up |
//! | 24 | the attempt's number, made at random: parts of two attempts never make one record |
//! | 28 | which part of the record this is |
//! | 30 | of how many |
//! | 32 | the record's bytes |

use alloc::vec::Vec;

use crate::bytes::{put, u16_at, u32_at, u64_at};
use crate::checksum::crc32;
use crate::sectors::SECTOR_BYTES;

const MAGIC: &[u8] = b"MOSf";
const CHECKED: usize = 8;
const PAYLOAD: usize = 32;
/// Bytes of a record that one sector holds.
pub(crate) const PAYLOAD_BYTES: usize = SECTOR_BYTES - PAYLOAD;

/// What all sectors of a record have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    /// The filling of the half.
    pub(crate) area: u64,
    /// The record's number.
    pub(crate) sequence: u64,
    /// The attempt's number.
    pub(crate) salt: u32,
    /// How many sectors it has.
    pub(crate) count: u16,
}

/// One sector of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) label: Label,
    pub(crate) index: u16,
    pub(crate) payload: &'a [u8],
}

/// Appends a record's sectors.
pub(crate) fn append(sectors: &mut Vec<u8>, label: Label, record: &[u8]) {
    let parts = record.chunks(PAYLOAD_BYTES).zip(0_u16..label.count);
    for (payload, index) in parts {
        let mut sector = [0; SECTOR_BYTES];
        put(0, MAGIC, &mut sector);
        put(8, &label.area.to_le_bytes(), &mut sector);
        put(16, &label.sequence.to_le_bytes(), &mut sector);
        put(24, &label.salt.to_le_bytes(), &mut sector);
        put(28, &index.to_le_bytes(), &mut sector);
        put(30, &label.count.to_le_bytes(), &mut sector);
        put(PAYLOAD, payload, &mut sector);
        let sum = crc32(&sector[CHECKED..]);
        put(4, &sum.to_le_bytes(), &mut sector);
        sectors.extend_from_slice(&sector);
    }
}

/// The frame in a sector, if there is one and it is whole.
pub(crate) fn read(sector: &[u8]) -> Option<Frame<'_>> {
    let (checked, payload) = (sector.get(CHECKED..)?, sector.get(PAYLOAD..)?);
    if !sector.starts_with(MAGIC) || u32_at(sector, 4) != crc32(checked) {
        return None;
    }
    let label = Label {
        area: u64_at(sector, 8),
        sequence: u64_at(sector, 16),
        salt: u32_at(sector, 24),
        count: u16_at(sector, 30),
    };
    Some(Frame { label, index: u16_at(sector, 28), payload })
}

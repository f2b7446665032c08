//! Headers: which half is in use.
//!
//! | bytes | what |
//! |---|---|
//! | 0 | `MultiOS\n` |
//! | 8 | the layout's version |
//! | 12 | the checksum of all that follows |
//! | 16 | the generation: the header with the highest one counts |
//! | 24 | the number of the half's filling |
//! | 32 | sectors of each half |
//! | 40 | which half |

use crate::bytes::{put, u32_at, u64_at};
use crate::checksum::crc32;
use crate::sectors::{SECTOR_BYTES, Sectors};

const MAGIC: &[u8] = b"MultiOS\n";
const VERSION: u32 = 1;
const CHECKED: usize = 16;
/// The first sector of the first half.
pub(crate) const FIRST_DATA: u64 = 32;

/// One of the two halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    First,
    Second,
}

impl Half {
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }

    /// The sectors of its header.
    pub(crate) const fn places(self) -> [u64; 2] {
        match self {
            Self::First => [0, 16],
            Self::Second => [8, 24],
        }
    }

    const fn number(self) -> u32 {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }
}

/// A half that is in use, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) generation: u64,
    pub(crate) area: u64,
    pub(crate) half_sectors: u64,
    pub(crate) half: Half,
}

impl Header {
    /// The first sector of the half.
    pub(crate) const fn start(&self) -> u64 {
        match self.half {
            Half::First => FIRST_DATA,
            Half::Second => FIRST_DATA + self.half_sectors,
        }
    }

    pub(crate) fn encode(&self) -> [u8; SECTOR_BYTES] {
        let mut sector = [0; SECTOR_BYTES];
        put(0, MAGIC, &mut sector);
        put(8, &VERSION.to_le_bytes(), &mut sector);
        put(16, &self.generation.to_le_bytes(), &mut sector);
        put(24, &self.area.to_le_bytes(), &mut sector);
        put(32, &self.half_sectors.to_le_bytes(), &mut sector);
        put(40, &self.half.number().to_le_bytes(), &mut sector);
        let sum = crc32(&sector[CHECKED..]);
        put(12, &sum.to_le_bytes(), &mut sector);
        sector
    }
}

/// What lies where a header may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Header(Header),
    /// A header of another version.
    Version(u32),
    /// It begins as a header does.
    Spoiled,
    Other,
}

pub(crate) fn decode(sector: &[u8; SECTOR_BYTES], half: Half) -> Found {
    if !sector.starts_with(MAGIC) {
        return Found::Other;
    }
    if u32_at(sector, 12) != crc32(&sector[CHECKED..]) {
        return Found::Spoiled;
    }
    match u32_at(sector, 8) {
        VERSION => {}
        other => return Found::Version(other),
    }
    if u32_at(sector, 40) != half.number() {
        return Found::Spoiled;
    }
    Found::Header(Header {
        generation: u64_at(sector, 16),
        area: u64_at(sector, 24),
        half_sectors: u64_at(sector, 32),
        half,
    })
}

/// The headers of a half, in both their places.
pub(crate) fn read<D: Sectors>(disk: &mut D, half: Half) -> Result<[Found; 2], D::Error> {
    let mut found = [Found::Other; 2];
    for (place, found) in half.places().into_iter().zip(&mut found) {
        let mut sector = [0; SECTOR_BYTES];
        disk.read(place, &mut sector)?;
        *found = decode(&sector, half);
    }
    Ok(found)
}

/// Takes the headers of a half away.
pub(crate) fn remove<D: Sectors>(disk: &mut D, half: Half) -> Result<(), D::Error> {
    for place in half.places() {
        disk.write(place, &[0; SECTOR_BYTES])?;
    }
    disk.flush()
}

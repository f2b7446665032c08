//! What a disk is, and making a store of an empty one.

use alloc::vec;

use crate::error::OpenError;
use crate::header::{self, FIRST_DATA, Found, Half, Header};
use crate::random::Random;
use crate::sectors::{SECTOR_BYTES, Sectors};

/// The fewest sectors of a half.
const FEWEST: u64 = 64;
/// The most: the log is read as a whole when the store is opened.
const MOST: u64 = 1 << 17;
/// Sectors that are read or written at once.
pub(crate) const CHUNK: u64 = 128;
pub(crate) const CHUNK_BYTES: usize = 128 * SECTOR_BYTES;

/// What was found where the headers are.
#[derive(Debug)]
pub(crate) struct Inspection {
    /// The header that counts.
    pub(crate) header: Header,
    /// Both copies of it are whole.
    pub(crate) is_whole: bool,
    /// The other half has no header left.
    pub(crate) is_other_void: bool,
}

/// Looks for a store.
///
/// # Errors
/// Why there is none that can be used; [`OpenError::Foreign`] also of an empty disk.
pub(crate) fn inspect<D: Sectors>(disk: &mut D) -> Result<Inspection, OpenError<D::Error>> {
    half_sectors(disk)?;
    let first = header::read(disk, Half::First).map_err(OpenError::Disk)?;
    let second = header::read(disk, Half::Second).map_err(OpenError::Disk)?;
    let all = || first.iter().chain(&second);
    let headers = all().filter_map(|found| match found {
        Found::Header(header) => Some(*header),
        _ => None,
    });
    if let Some(header) = headers.max_by_key(|header| header.generation) {
        let needed = FIRST_DATA.saturating_add(header.half_sectors.saturating_mul(2));
        if needed > disk.count() || !(FEWEST..=MOST).contains(&header.half_sectors) {
            return Err(OpenError::Shrunk { needed });
        }
        let (own, other) = match header.half {
            Half::First => (first, second),
            Half::Second => (second, first),
        };
        let is_whole = own.iter().all(|found| *found == Found::Header(header));
        let is_other_void = other.iter().all(|found| *found == Found::Other);
        return Ok(Inspection { header, is_whole, is_other_void });
    }
    for found in all() {
        match found {
            Found::Version(version) => return Err(OpenError::Version(*version)),
            Found::Spoiled => return Err(OpenError::Damaged),
            _ => {}
        }
    }
    Err(OpenError::Foreign)
}

/// How large the halves of a store on this disk are.
fn half_sectors<D: Sectors>(disk: &D) -> Result<u64, OpenError<D::Error>> {
    let half = (disk.count().saturating_sub(FIRST_DATA) / 2).min(MOST);
    if half < FEWEST {
        return Err(OpenError::TooSmall { needed: FIRST_DATA + 2 * FEWEST });
    }
    Ok(half)
}

/// Whether everything that a store would use is zero, and so is the disk's end, where others have a
/// second copy of what says what it is.
pub(crate) fn is_blank<D: Sectors>(disk: &mut D) -> Result<bool, OpenError<D::Error>> {
    let used = FIRST_DATA + 2 * half_sectors(disk)?;
    let end = disk.count();
    for range in [0..used, end.saturating_sub(CHUNK).max(used)..end] {
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut at = range.start;
        while at < range.end {
            let count = CHUNK.min(range.end - at);
            let bytes = chunk(&mut buffer, count);
            disk.read(at, bytes).map_err(OpenError::Disk)?;
            if bytes.iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            at += count;
        }
    }
    Ok(true)
}

/// Overwrites everything that a store would use, and the disk's end.
pub(crate) fn erase<D: Sectors>(disk: &mut D) -> Result<(), OpenError<D::Error>> {
    let used = FIRST_DATA + 2 * half_sectors(disk)?;
    let end = disk.count();
    for range in [0..used, end.saturating_sub(CHUNK).max(used)..end] {
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut at = range.start;
        while at < range.end {
            let count = CHUNK.min(range.end - at);
            disk.write(at, chunk(&mut buffer, count)).map_err(OpenError::Disk)?;
            at += count;
        }
    }
    disk.flush().map_err(OpenError::Disk)
}

/// The beginning of a buffer, for so many sectors.
pub(crate) fn chunk(buffer: &mut [u8], sectors: u64) -> &mut [u8] {
    let bytes = usize::try_from(sectors).unwrap_or(usize::MAX).saturating_mul(SECTOR_BYTES);
    let len = bytes.min(buffer.len());
    &mut buffer[..len]
}

/// Makes an empty store of a disk that is all zero.
pub(crate) fn set_up<D: Sectors>(
    disk: &mut D,
    random: &mut Random,
) -> Result<Header, OpenError<D::Error>> {
    let half_sectors = half_sectors(disk)?;
    let header = Header { generation: 1, area: random.number(), half_sectors, half: Half::First };
    write(disk, &header).map_err(OpenError::Disk)?;
    Ok(header)
}

/// Writes a header in both its places, the second one when the first has been flushed: one of them is
/// whole at any time.
pub(crate) fn write<D: Sectors>(disk: &mut D, header: &Header) -> Result<(), D::Error> {
    for place in header.half.places() {
        disk.write(place, &header.encode())?;
        disk.flush()?;
    }
    Ok(())
}

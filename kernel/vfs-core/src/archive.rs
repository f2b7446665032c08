//! A reader of cpio archives in the "newc" format, in place: cpio(5), "New ASCII Format", and
//! the kernel's documentation of initramfs buffers.
//!
//! The entries' names and contents are ranges of the archive. The reader trusts nothing: each
//! fault is an error with the offset of the entry, never a panic.

use core::fmt;

use crate::metadata::{DeviceNumber, FileKind, Owner, PERMISSION_BITS, WallTime};

const HEADER_BYTES: usize = 110;
const FIELD_BYTES: usize = 8;
const MAGIC_BYTES: usize = 6;
const MAGIC_PLAIN: &[u8] = b"070701";
const MAGIC_CHECKSUM: &[u8] = b"070702";
const TRAILER: &[u8] = b"TRAILER!!!";
const NAME_BYTES_MAX: usize = 4096;
const ALIGNMENT: usize = 4;

/// What is wrong with an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArchiveFault {
    /// It does not begin with a magic number.
    NotAnEntry,
    /// It ends in the middle.
    Truncated,
    /// A header field is not a hexadecimal number.
    BadNumber,
    /// The name is empty, too long or not ended by a NUL.
    BadName,
    /// The name starts with a slash.
    AbsoluteName,
    /// The name leads upwards.
    EscapingName,
    /// The mode names no kind of file, or one that an archive cannot hold.
    UnknownKind,
    /// The contents do not add up to the checksum.
    WrongChecksum,
    /// A directory stands where the entry wants to be something else, or the other way round.
    Conflict,
    /// There is no trailer.
    NoTrailer,
    /// There is no memory for it.
    OutOfMemory,
}

/// A malformed archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArchiveError {
    /// Where the entry starts.
    pub offset: usize,
    /// What is wrong with it.
    pub fault: ArchiveFault,
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.fault {
            ArchiveFault::NotAnEntry => "is not an entry",
            ArchiveFault::Truncated => "ends in the middle",
            ArchiveFault::BadNumber => "has a malformed number",
            ArchiveFault::BadName => "has a malformed name",
            ArchiveFault::AbsoluteName => "has an absolute name",
            ArchiveFault::EscapingName => "has a name with \"..\"",
            ArchiveFault::UnknownKind => "is of an unknown kind",
            ArchiveFault::WrongChecksum => "has a wrong checksum",
            ArchiveFault::Conflict => "conflicts with an earlier entry",
            ArchiveFault::NoTrailer => "is the last one, but no trailer",
            ArchiveFault::OutOfMemory => "finds no memory",
        };
        write!(f, "the archive entry at byte {} {what}", self.offset)
    }
}

impl core::error::Error for ArchiveError {}

/// One file of an archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArchiveEntry<'a> {
    /// Where it starts in the archive.
    pub offset: usize,
    /// Its path, relative to the root; `.` is the root.
    pub name: &'a [u8],
    /// Its kind.
    pub kind: FileKind,
    /// Permissions, set-id and sticky.
    pub permissions: u16,
    /// Whose it is.
    pub owner: Owner,
    /// When it was changed.
    pub modified: WallTime,
    /// How many names it has.
    pub links: u32,
    /// What names of the same file have in common.
    pub identity: FileIdentity,
    /// For a device: which one.
    pub device: DeviceNumber,
    /// The contents, or a symbolic link's target.
    pub contents: &'a [u8],
}

/// A file's number and device on the machine where the archive was made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FileIdentity {
    /// The device's major number.
    pub major: u32,
    /// The device's minor number.
    pub minor: u32,
    /// The inode's number.
    pub inode: u32,
}

/// Goes through an archive, or several one after another.
#[derive(Clone, Debug)]
pub struct ArchiveReader<'a> {
    archive: &'a [u8],
    offset: usize,
    is_over: bool,
}

impl<'a> ArchiveReader<'a> {
    /// A reader at the start of an archive.
    pub const fn new(archive: &'a [u8]) -> Self {
        Self { archive, offset: 0, is_over: false }
    }

    fn range(&self, start: usize, len: usize) -> Result<&'a [u8], ArchiveFault> {
        let end = start.checked_add(len).ok_or(ArchiveFault::Truncated)?;
        self.archive.get(start..end).ok_or(ArchiveFault::Truncated)
    }

    /// Whether nothing but padding is left; archives may follow each other with zeroes between.
    fn skip_padding(&mut self) -> bool {
        let rest = self.archive.get(self.offset..).unwrap_or_default();
        match rest.iter().position(|byte| *byte != 0) {
            Some(zeroes) => {
                self.offset += zeroes;
                false
            }
            None => true,
        }
    }

    /// The entry at the offset, `None` for a trailer; the offset moves behind it.
    fn entry(&mut self) -> Result<Option<ArchiveEntry<'a>>, ArchiveFault> {
        let start = self.offset;
        let magic = self.range(start, MAGIC_BYTES).map_err(|_| ArchiveFault::NotAnEntry)?;
        if magic != MAGIC_PLAIN && magic != MAGIC_CHECKSUM {
            return Err(ArchiveFault::NotAnEntry);
        }
        let header = self.range(start, HEADER_BYTES)?;
        let mut fields = [0; 13];
        for (field, digits) in
            fields.iter_mut().zip(header[MAGIC_BYTES..].chunks_exact(FIELD_BYTES))
        {
            *field = hexadecimal(digits).ok_or(ArchiveFault::BadNumber)?;
        }
        let [
            inode,
            mode,
            uid,
            gid,
            links,
            modified,
            size,
            major,
            minor,
            device_major,
            device_minor,
            name_bytes,
            checksum,
        ] = fields;
        let name_bytes = name_bytes as usize;
        if !(2..=NAME_BYTES_MAX).contains(&name_bytes) {
            return Err(ArchiveFault::BadName);
        }
        let name_start = start + HEADER_BYTES;
        let (end, name) = match self.range(name_start, name_bytes)?.split_last() {
            Some((end, name)) => (*end, name),
            None => return Err(ArchiveFault::BadName),
        };
        if end != 0 || name.contains(&0) {
            return Err(ArchiveFault::BadName);
        }
        let contents_start = align(name_start + name_bytes)?;
        let contents = self.range(contents_start, size as usize)?;
        // The last entry's padding may be cut off.
        self.offset = align(contents_start + contents.len())?.min(self.archive.len());
        if name == TRAILER {
            return Ok(None);
        }
        if magic == MAGIC_CHECKSUM && sum(contents) != checksum {
            return Err(ArchiveFault::WrongChecksum);
        }
        Ok(Some(ArchiveEntry {
            offset: start,
            name: checked_name(name)?,
            kind: FileKind::from_mode(mode)
                .filter(|kind| *kind != FileKind::Socket)
                .ok_or(ArchiveFault::UnknownKind)?,
            permissions: permissions_of(mode),
            owner: Owner { uid, gid },
            modified: WallTime::from_seconds(modified),
            links,
            identity: FileIdentity { major, minor, inode },
            device: DeviceNumber { major: device_major, minor: device_minor },
            contents,
        }))
    }
}

impl<'a> Iterator for ArchiveReader<'a> {
    type Item = Result<ArchiveEntry<'a>, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.is_over {
                return None;
            }
            let offset = self.offset;
            if offset == self.archive.len() {
                self.is_over = true;
                return Some(Err(ArchiveError { offset, fault: ArchiveFault::NoTrailer }));
            }
            match self.entry() {
                Ok(Some(entry)) => return Some(Ok(entry)),
                Ok(None) => self.is_over = self.skip_padding(),
                Err(fault) => {
                    self.is_over = true;
                    return Some(Err(ArchiveError { offset, fault }));
                }
            }
        }
    }
}

fn permissions_of(mode: u32) -> u16 {
    u16::try_from(mode & u32::from(PERMISSION_BITS)).unwrap_or(0)
}

fn align(offset: usize) -> Result<usize, ArchiveFault> {
    offset.checked_next_multiple_of(ALIGNMENT).ok_or(ArchiveFault::Truncated)
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        value.checked_mul(16)?.checked_add(digit)
    })
}

fn sum(contents: &[u8]) -> u32 {
    contents.iter().fold(0, |sum: u32, byte| sum.wrapping_add(u32::from(*byte)))
}

fn checked_name(name: &[u8]) -> Result<&[u8], ArchiveFault> {
    if name.first() == Some(&b'/') {
        return Err(ArchiveFault::AbsoluteName);
    }
    if name.split(|byte| *byte == b'/').any(|part| part == b"..") {
        return Err(ArchiveFault::EscapingName);
    }
    Ok(name)
}

#[cfg(test)]
mod tests;

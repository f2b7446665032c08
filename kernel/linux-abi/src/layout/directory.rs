//! What `getdents64` and `getdents` write: [`DirectoryEntries`].

/// Bytes before the name in `struct linux_dirent64`: inode, offset, record length, kind.
const HEADER_BYTES: usize = 19;
/// The same of `struct linux_dirent`, whose kind stands in a record's last byte.
const OLD_HEADER_BYTES: usize = 18;

/// The longest name of a file (`NAME_MAX`).
const MAX_NAME_BYTES: usize = 255;

/// Records of `struct linux_dirent64`, or of `struct linux_dirent`, written one behind the other.
///
/// ```
/// # use linux_abi::layout::{DirectoryEntries, EntryKind};
/// let mut buffer = [0; 64];
/// let mut entries = DirectoryEntries::new(&mut buffer);
/// entries.push(1, 1, EntryKind::DIRECTORY, b".").unwrap();
/// entries.push(7, 2, EntryKind::REGULAR, b"busybox").unwrap();
/// assert_eq!(entries.written_bytes(), 24 + 32);
/// ```
#[derive(Debug)]
pub struct DirectoryEntries<'buffer> {
    buffer: &'buffer mut [u8],
    written: usize,
    is_old: bool,
}

/// Why an entry was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotWritten {
    /// There is no room: the call returns what there is, or EINVAL if this is the first.
    NoRoom,
    /// No file can have this name: it is empty, too long, or has a zero byte or a slash in it.
    BadName,
}

/// The kind of a file in a directory entry (`d_type`): bits 12 to 15 of its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryKind(pub u8);

impl EntryKind {
    /// Not known; the program has to ask.
    pub const UNKNOWN: Self = Self(0);
    /// A named pipe.
    pub const FIFO: Self = Self(1);
    /// A character device.
    pub const CHARACTER_DEVICE: Self = Self(2);
    /// A directory.
    pub const DIRECTORY: Self = Self(4);
    /// A block device.
    pub const BLOCK_DEVICE: Self = Self(6);
    /// A regular file.
    pub const REGULAR: Self = Self(8);
    /// A symbolic link.
    pub const SYMBOLIC_LINK: Self = Self(10);
    /// A socket.
    pub const SOCKET: Self = Self(12);

    /// The kind in a file's mode.
    #[must_use]
    pub const fn from_mode(mode: u32) -> Self {
        Self((mode >> 12 & 0xf) as u8)
    }
}

impl<'buffer> DirectoryEntries<'buffer> {
    /// Nothing yet, in a buffer of the length that the program gave.
    #[must_use]
    pub fn new(buffer: &'buffer mut [u8]) -> Self {
        Self { buffer, written: 0, is_old: false }
    }

    /// As [`Self::new`], of the records that `getdents` writes.
    #[must_use]
    pub fn old(buffer: &'buffer mut [u8]) -> Self {
        Self { buffer, written: 0, is_old: true }
    }

    /// Writes an entry. `next` is where reading goes on behind it: what `lseek` takes.
    ///
    /// # Errors
    /// If it does not fit, or the name is no name; then nothing is written.
    pub fn push(
        &mut self,
        inode: u64,
        next: i64,
        kind: EntryKind,
        name: &[u8],
    ) -> Result<(), NotWritten> {
        let is_name = (1..=MAX_NAME_BYTES).contains(&name.len())
            && !name.iter().any(|byte| matches!(byte, 0 | b'/'));
        if !is_name {
            return Err(NotWritten::BadName);
        }
        // The zero behind the name is part of the record, which is a multiple of 8.
        let around = if self.is_old { OLD_HEADER_BYTES + 1 } else { HEADER_BYTES };
        let length = (around + name.len() + 1).next_multiple_of(8);
        let record_length = u16::try_from(length).map_err(|_| NotWritten::BadName)?;
        let record = self
            .buffer
            .get_mut(self.written..)
            .and_then(|rest| rest.get_mut(..length))
            .ok_or(NotWritten::NoRoom)?;
        let bytes = inode
            .to_le_bytes()
            .into_iter()
            .chain(next.to_le_bytes())
            .chain(record_length.to_le_bytes())
            .chain((!self.is_old).then_some(kind.0))
            .chain(name.iter().copied())
            .chain(core::iter::repeat(0));
        for (place, byte) in record.iter_mut().zip(bytes) {
            *place = byte;
        }
        if let Some(last) = record.last_mut().filter(|_| self.is_old) {
            *last = kind.0;
        }
        self.written += length;
        Ok(())
    }

    /// Bytes written: what the call returns.
    #[must_use]
    pub fn written_bytes(&self) -> usize {
        self.written
    }
}

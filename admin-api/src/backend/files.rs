//! Files behind the API: what [`Backend`](super::Backend) gives for them.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::ApiError;
use crate::types::FileEntry;

/// What stands at a path.
pub enum FoundFile {
    /// A directory.
    Directory,
    /// A file that can be read.
    File(Box<dyn Download>),
}

/// A file that is read.
pub trait Download {
    /// Its length in bytes.
    fn size_bytes(&self) -> u64;

    /// Reads from `offset` on; 0 is the end.
    ///
    /// # Errors
    /// When it is gone.
    fn read(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, ApiError>;
}

/// A file that is made. Nobody sees it before it is finished; dropped unfinished, it is gone.
pub trait Upload {
    /// Adds to its end.
    ///
    /// # Errors
    /// [`ApiError::NoSpace`], [`ApiError::ResourceExhausted`].
    fn write(&mut self, bytes: &[u8]) -> Result<(), ApiError>;

    /// Gives it its name, in place of a file that has it. Says whether no file had it.
    ///
    /// # Errors
    /// [`ApiError::Conflict`] if a directory has the name now, [`ApiError::FileNotFound`] if its
    /// directory is gone.
    fn finish(self: Box<Self>) -> Result<bool, ApiError>;
}

/// A part of a directory.
pub struct DirectoryPart {
    /// Its entries, without `.` and `..`.
    pub entries: Vec<FileEntry>,
    /// Where the next part starts; none after the last.
    pub next: Option<u64>,
    /// How many entries there are in all.
    pub total: u64,
}

//! Paths that are put together from their end.

use alloc::vec::Vec;

use crate::error::FileError;
use crate::walk::PATH_MAX;

/// An absolute path that is put together name by name, the last one first.
#[derive(Debug, Default)]
pub struct PathBuilder {
    /// The path from its end to its start.
    reversed: Vec<u8>,
}

impl PathBuilder {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self { reversed: Vec::new() }
    }

    /// Puts a name before what is there.
    ///
    /// # Errors
    /// [`FileError::NameTooLong`], [`FileError::OutOfMemory`].
    pub fn put_before(&mut self, name: &[u8]) -> Result<(), FileError> {
        let length = self.reversed.len() + name.len() + 1;
        if length >= PATH_MAX {
            return Err(FileError::NameTooLong { length });
        }
        self.reversed.try_reserve(name.len() + 1).map_err(|_| FileError::OutOfMemory)?;
        self.reversed.extend(name.iter().rev());
        self.reversed.push(b'/');
        Ok(())
    }

    /// The path; `/` if no name was put.
    ///
    /// # Errors
    /// [`FileError::OutOfMemory`].
    pub fn finish(self) -> Result<Vec<u8>, FileError> {
        let mut path = self.reversed;
        if path.is_empty() {
            path.try_reserve(1).map_err(|_| FileError::OutOfMemory)?;
            path.push(b'/');
        }
        path.reverse();
        Ok(path)
    }
}

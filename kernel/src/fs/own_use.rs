//! Files as the kernel itself uses them, by their absolute paths.

use alloc::vec::Vec;

use vfs_core::FileError;

use super::tree::list;
use super::{find, read_whole, tree};

/// Whether there is something at a path; links are followed.
#[must_use]
pub fn exists(path: &[u8]) -> bool {
    find(&tree().lock(), path).is_ok()
}

/// The names of what a directory holds, sorted; none of what is no directory.
#[must_use]
pub fn names_in(path: &[u8]) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    let place = find(&tree().lock(), path);
    let Ok(place) = place else { return names };
    let mut from = 0;
    // What is no directory has no names.
    let _ = list(place, &mut from, &mut |entry| {
        if !matches!(entry.name, b"." | b"..") {
            names.push(entry.name.to_vec());
        }
        true
    });
    names.sort();
    names
}

/// The bytes of a file that is not larger than `most_bytes`.
///
/// # Errors
/// Those of [`read_whole`]; [`FileError::FileTooLarge`].
pub fn read_small(path: &[u8], most_bytes: usize) -> Result<Vec<u8>, FileError> {
    let file = read_whole(path)?;
    let length = usize::try_from(file.len()).ok().filter(|length| *length <= most_bytes);
    let length = length.ok_or(FileError::FileTooLarge { size: file.len() })?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| FileError::OutOfMemory)?;
    bytes.resize(length, 0);
    let count = file.read(0, &mut bytes);
    bytes.truncate(count);
    Ok(bytes)
}

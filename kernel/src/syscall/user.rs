//! The program's memory, as system calls reach it. Every address is a claim.

use alloc::vec::Vec;

use hal::user::{copy_from, copy_to};
use linux_abi::{Errno, UserPointer};

/// Bytes that a call moves at a time between a file and the program.
pub(super) const PIECE_BYTES: usize = 16 * 1024;
const PATH_MAX: usize = 4096;

/// Reads a structure.
pub(super) fn read<const N: usize>(at: UserPointer) -> Result<[u8; N], Errno> {
    let mut bytes = [0; N];
    copy_from(at.0, &mut bytes).map_err(|_| Errno::EFAULT)?;
    Ok(bytes)
}

/// Writes bytes.
pub(super) fn write(at: UserPointer, bytes: &[u8]) -> Result<(), Errno> {
    copy_to(at.0, bytes).map_err(|_| Errno::EFAULT)
}

/// Reads a path: up to its zero byte.
pub(super) fn path(at: UserPointer) -> Result<Vec<u8>, Errno> {
    text(at, PATH_MAX)?.ok_or(Errno::ENAMETOOLONG)
}

/// Reads a text: up to its zero byte. None if it takes more than `most` bytes with that.
pub(super) fn text(at: UserPointer, most: usize) -> Result<Option<Vec<u8>>, Errno> {
    let mut text = Vec::new();
    let mut piece = [0_u8; 64];
    while text.len() < most {
        let from = at.0.checked_add(text.len() as u64).ok_or(Errno::EFAULT)?;
        // Not beyond the page that the text may end in: the next one need not be there.
        let in_page = 4096 - (from % 4096) as usize;
        let count = piece.len().min(in_page);
        copy_from(from, &mut piece[..count]).map_err(|_| Errno::EFAULT)?;
        let part = piece[..count].split(|byte| *byte == 0).next().unwrap_or_default();
        text.try_reserve(part.len()).map_err(|_| Errno::ENOMEM)?;
        text.extend_from_slice(part);
        if part.len() < count {
            return Ok((text.len() < most).then_some(text));
        }
    }
    Ok(None)
}

/// A buffer of the kernel's for a transfer of `wanted` bytes, of at most a piece.
pub(super) fn buffer(wanted: usize) -> Result<Vec<u8>, Errno> {
    let count = wanted.min(PIECE_BYTES);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
    bytes.resize(count, 0);
    Ok(bytes)
}

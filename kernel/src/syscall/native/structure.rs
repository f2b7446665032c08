//! Structures that are versioned by their size, as `clone3`'s is.

use linux_abi::{Errno, UserPointer};

use super::super::user;

/// The longest structure that is looked at.
const PAGE_BYTES: u64 = 4096;

/// Reads a structure of `size` bytes as one of `N`: what is missing counts as zeroes, and what is
/// longer has to be zero.
///
/// # Errors
/// EINVAL for no bytes, E2BIG for more than a page or an end that is not zero, EFAULT.
pub(super) fn read<const N: usize>(at: UserPointer, size: u64) -> Result<[u8; N], Errno> {
    if size == 0 {
        return Err(Errno::EINVAL);
    }
    if size > PAGE_BYTES {
        return Err(Errno::E2BIG);
    }
    let size = usize::try_from(size).map_err(|_| Errno::E2BIG)?;
    let mut bytes = [0; N];
    let known = size.min(N);
    hal::user::copy_from(at.0, &mut bytes[..known]).map_err(|_| Errno::EFAULT)?;
    let mut piece = [0_u8; 64];
    let mut done = known;
    while done < size {
        let count = piece.len().min(size - done);
        let from = at.0.checked_add(done as u64).ok_or(Errno::EFAULT)?;
        hal::user::copy_from(from, &mut piece[..count]).map_err(|_| Errno::EFAULT)?;
        if piece[..count].iter().any(|byte| *byte != 0) {
            return Err(Errno::E2BIG);
        }
        done += count;
    }
    Ok(bytes)
}

/// Writes as much of a structure as the program knows of it.
///
/// # Errors
/// EINVAL for no bytes, EFAULT.
pub(super) fn write<const N: usize>(
    at: UserPointer,
    size: u64,
    bytes: &[u8; N],
) -> Result<(), Errno> {
    let count = usize::try_from(size).unwrap_or(N).min(N);
    if count == 0 {
        return Err(Errno::EINVAL);
    }
    user::write(at, &bytes[..count])
}

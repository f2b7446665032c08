//! The pieces of a program's memory that a transfer goes to or comes from.

use alloc::vec::Vec;

use linux_abi::layout::IoVec;
use linux_abi::{Errno, UserPointer};

use crate::fs::{OpenFile, Transfer};
use crate::syscall::user;

/// Pieces that one call names at most: UIO_MAXIOV.
const MOST_PIECES: u64 = 1024;
/// The most that one message may have; more is EMSGSIZE.
const LONGEST_MESSAGE: u64 = 256 * 1024;
/// What costs next to nothing to be cleared.
const TINY_BYTES: usize = 32;
/// What a transfer needs no memory of the heap for.
const SMALL_BYTES: usize = 256;

/// Pieces of memory in a row, and how far a transfer has come in them.
pub(in crate::syscall) struct Pieces<'a> {
    list: &'a [IoVec],
    /// Bytes of the first one that are done.
    skip: u64,
}

impl<'a> Pieces<'a> {
    /// None of them done.
    pub(in crate::syscall) fn new(list: &'a [IoVec]) -> Self {
        Self { list, skip: 0 }
    }

    /// Bytes that are left.
    pub(in crate::syscall) fn left(&self) -> u64 {
        let all = self.list.iter().fold(0_u64, |sum, piece| sum.saturating_add(piece.length));
        all.saturating_sub(self.skip)
    }

    /// The next run of memory, of at most `most` bytes.
    fn next(&mut self, most: usize) -> Result<Option<(u64, usize)>, Errno> {
        while let Some(piece) = self.list.first() {
            let left = piece.length.saturating_sub(self.skip);
            if left == 0 {
                self.list = self.list.get(1..).unwrap_or_default();
                self.skip = 0;
                continue;
            }
            let base = piece.base.checked_add(self.skip).ok_or(Errno::EFAULT)?;
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(most);
            self.skip += count as u64;
            return Ok(Some((base, count)));
        }
        Ok(None)
    }

    /// Moves bytes to the program.
    pub(in crate::syscall) fn put(&mut self, mut bytes: &[u8]) -> Result<(), Errno> {
        while !bytes.is_empty() {
            let Some((base, count)) = self.next(bytes.len())? else { return Ok(()) };
            user::write(UserPointer(base), &bytes[..count])?;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    /// Moves bytes from the program; says how many there were.
    pub(in crate::syscall) fn get(&mut self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let mut filled = 0;
        while filled < buffer.len() {
            let Some((base, count)) = self.next(buffer.len() - filled)? else { break };
            let place = &mut buffer[filled..filled + count];
            hal::user::copy_from(base, place).map_err(|_| Errno::EFAULT)?;
            filled += count;
        }
        Ok(filled)
    }
}

/// Reads the list of pieces that `readv`, `sendmsg` and their like name.
///
/// # Errors
/// EINVAL for too many pieces or a length that is negative in all, EFAULT, ENOMEM.
pub(in crate::syscall) fn pieces(list: UserPointer, count: u64) -> Result<Vec<IoVec>, Errno> {
    if count > MOST_PIECES {
        return Err(Errno::EINVAL);
    }
    let mut pieces = Vec::new();
    pieces.try_reserve_exact(usize::try_from(count).unwrap_or(0)).map_err(|_| Errno::ENOMEM)?;
    let mut left = linux_abi::MAX_TRANSFER_BYTES;
    let mut total = 0_u64;
    for index in 0..count {
        let at = list.0.checked_add(index * IoVec::BYTES as u64).ok_or(Errno::EFAULT)?;
        let mut piece = IoVec::from_bytes(&user::read(UserPointer(at))?);
        total = total.checked_add(piece.length).ok_or(Errno::EINVAL)?;
        if i64::try_from(total).is_err() {
            return Err(Errno::EINVAL);
        }
        piece.length = piece.length.min(left);
        left -= piece.length;
        pieces.push(piece);
    }
    Ok(pieces)
}

/// Runs `f` with a buffer for a transfer of `length` bytes to or from the file: for all of it if it
/// is a message, else for a part.
///
/// # Errors
/// EMSGSIZE, ENOMEM, and what `f` says.
pub(in crate::syscall) fn with_buffer<R>(
    file: &OpenFile,
    length: u64,
    f: impl FnOnce(&mut [u8]) -> Result<R, Errno>,
) -> Result<R, Errno> {
    let most = match file.transfer() {
        Transfer::Messages => LONGEST_MESSAGE,
        Transfer::Positioned | Transfer::Stream => user::PIECE_BYTES as u64,
    };
    let length = usize::try_from(length.min(most)).map_err(|_| Errno::EINVAL)?;
    if length <= TINY_BYTES {
        let mut buffer = [0; TINY_BYTES];
        return f(&mut buffer[..length]);
    }
    if length <= SMALL_BYTES {
        let mut buffer = [0; SMALL_BYTES];
        return f(&mut buffer[..length]);
    }
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(length).map_err(|_| Errno::ENOMEM)?;
    buffer.resize(length, 0);
    f(&mut buffer)
}

/// Whether a message of so many bytes is too long for any file.
pub(in crate::syscall) fn is_too_long(file: &OpenFile, length: u64) -> bool {
    length > LONGEST_MESSAGE && file.transfer() == Transfer::Messages
}

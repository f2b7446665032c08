//! What a program is given on its standard input.

use crate::error::Error;
use crate::system;

/// Reads the standard input to its end, or until `room` is full: what there was.
///
/// # Errors
/// [`Error::System`].
pub fn read_to_end(room: &mut [u8]) -> Result<&[u8], Error> {
    const STANDARD_INPUT: u32 = 0;
    let mut length = 0;
    while let Some(free) = room.get_mut(length..).filter(|free| !free.is_empty()) {
        match system::read(STANDARD_INPUT, free).map_err(Error::System)? {
            0 => break,
            count => length += count,
        }
    }
    Ok(room.get(..length).unwrap_or_default())
}

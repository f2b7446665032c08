//! A process's output as text.

use alloc::string::String;

use crate::backend::{ApiError, Backend, OutputBytes};
use crate::types::ProcessOutput;

/// Output, and up to where it was looked at: a character that is not complete yet is left for later.
pub(crate) struct ReadOutput {
    pub(crate) output: ProcessOutput,
    pub(crate) seen_offset: u64,
}

/// Reads output from `offset` on.
///
/// # Errors
/// Those of [`Backend::process_output`].
pub(crate) fn read_output<B: Backend>(
    backend: &B,
    pid: u32,
    offset: u64,
    max_bytes: usize,
) -> Result<ReadOutput, ApiError> {
    let OutputBytes { first_offset, offset, bytes, ended } =
        backend.process_output(pid, offset, max_bytes)?;
    let length = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let seen_offset = offset.saturating_add(length(&bytes));
    let complete = if ended { &bytes[..] } else { &bytes[..bytes.len() - incomplete_end(&bytes)] };
    let next_offset = offset.saturating_add(length(complete));
    let text = String::from_utf8_lossy(complete).into_owned();
    let output = ProcessOutput { pid, first_offset, offset, next_offset, ended, text };
    Ok(ReadOutput { output, seen_offset })
}

/// Length of the beginning of a character at the end of `bytes`, 0 to 3.
fn incomplete_end(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let needed = match bytes[bytes.len() - back] {
            0x80..=0xBF => continue,
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => return 0,
        };
        return if needed > back { back } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::incomplete_end;

    #[test]
    fn a_character_that_is_cut_is_left_for_later() {
        for (bytes, cut) in [
            (&b""[..], 0),
            (b"abc", 0),
            ("ä".as_bytes(), 0),
            (b"a\xC3", 1),
            (b"a\xE2\x82", 2),
            (b"\xF0\x9F\x98", 3),
            (b"\xF0\x9F\x98\x80", 0),
            (b"\xFF", 0),
            (b"\x80\x80\x80\x80", 0),
        ] {
            assert_eq!(incomplete_end(bytes), cut, "{bytes:?}");
        }
    }
}

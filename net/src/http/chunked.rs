//! Chunked bodies, decoded (RFC 9112, section 7.1). Extensions and trailers are checked, counted
//! and dropped.

use alloc::vec::Vec;

use super::refusal::RefusalKind;

/// Bytes of extensions and trailers of one body.
const MAX_OVERHEAD: usize = 4 * 1024;

/// Where the decoder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the hexadecimal size; this many digits were read.
    Size {
        digits: u8,
    },
    /// After the size, up to the line's end.
    Extension,
    /// After the size line's CR.
    SizeEnd,
    Data,
    /// After a chunk's data.
    DataCr,
    DataLf,
    /// In the trailer section, at the start of a line.
    TrailerStart,
    Trailer,
    TrailerLf,
    /// After the CR of the last, empty line.
    FinalLf,
    Done,
}

/// Decodes one body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decoder {
    state: State,
    left: u64,
    total: u64,
    limit: u64,
    overhead: usize,
}

impl Decoder {
    /// A decoder for a body of at most `limit` bytes.
    pub(super) fn new(limit: u64) -> Self {
        Self { state: State::Size { digits: 0 }, left: 0, total: 0, limit, overhead: 0 }
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Decodes from `input` into `body`; returns how many bytes of `input` belong to this body.
    pub(super) fn decode(
        &mut self,
        input: &[u8],
        body: &mut Vec<u8>,
    ) -> Result<usize, RefusalKind> {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            if self.state == State::Done {
                break;
            }
            if self.state == State::Data {
                let rest = input.get(at..).unwrap_or_default();
                let count =
                    usize::try_from(self.left).map_or(rest.len(), |left| left.min(rest.len()));
                body.extend_from_slice(rest.get(..count).unwrap_or_default());
                self.left -= count as u64;
                at += count;
                if self.left == 0 {
                    self.state = State::DataCr;
                }
                continue;
            }
            self.state = self.next(byte)?;
            at += 1;
        }
        Ok(at)
    }

    fn next(&mut self, byte: u8) -> Result<State, RefusalKind> {
        let bad = Err(RefusalKind::Chunk);
        Ok(match (self.state, byte) {
            (State::Size { digits }, _) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16).unwrap_or(0);
                // 16 digits are 64 bits; leading zeros without end are a way to waste time.
                if digits == 16 {
                    return bad;
                }
                self.left = self.left << 4 | u64::from(digit);
                State::Size { digits: digits + 1 }
            }
            (State::Size { digits: 0 }, _) => return bad,
            (State::Size { .. } | State::Extension, b'\r') => State::SizeEnd,
            (State::Size { .. }, b';' | b' ' | b'\t') => self.overhead(State::Extension)?,
            (State::Extension, _) if is_text(byte) => self.overhead(State::Extension)?,
            (State::SizeEnd, b'\n') => self.start_chunk()?,
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size { digits: 0 },
            (State::TrailerStart, b'\r') => State::FinalLf,
            // A trailer starts with its name.
            (State::TrailerStart, b' ' | b'\t' | b':') => return bad,
            (State::TrailerStart, _) if is_text(byte) => self.overhead(State::Trailer)?,
            (State::Trailer, b'\r') => State::TrailerLf,
            (State::Trailer, _) if is_text(byte) => self.overhead(State::Trailer)?,
            (State::TrailerLf, b'\n') => State::TrailerStart,
            (State::FinalLf, b'\n') => State::Done,
            _ => return bad,
        })
    }

    fn start_chunk(&mut self) -> Result<State, RefusalKind> {
        if self.left == 0 {
            return Ok(State::TrailerStart);
        }
        self.total = self.total.saturating_add(self.left);
        if self.total > self.limit {
            return Err(RefusalKind::BodyTooLarge);
        }
        Ok(State::Data)
    }

    fn overhead(&mut self, state: State) -> Result<State, RefusalKind> {
        self.overhead += 1;
        if self.overhead > MAX_OVERHEAD { Err(RefusalKind::Chunk) } else { Ok(state) }
    }
}

fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

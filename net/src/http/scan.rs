//! Finding the end of a head: line ends, control characters, lengths.
//!
//! What is found depends on the bytes in their order alone, not on how they were cut into reads: a
//! limit counts before what lies behind it.

use super::config::GateConfig;
use super::refusal::RefusalKind;

/// Empty lines before a request line that are forgiven (RFC 9112, section 2.2).
const MAX_EMPTY_LINES: usize = 2;
/// Their bytes, which don't count as the head's.
pub(super) const MAX_EMPTY_BYTES: usize = MAX_EMPTY_LINES * 2;

/// Where the scan of a head stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scan {
    /// Bytes that were looked at.
    position: usize,
    line_start: usize,
    is_after_cr: bool,
    lines: usize,
    empty_lines: usize,
}

/// A head that is complete in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HeadRange {
    /// Empty lines before it.
    pub(super) start: usize,
    /// The byte after its last empty line.
    pub(super) end: usize,
}

impl Scan {
    /// Goes on with what the buffer holds now. `None` as long as the head isn't complete.
    pub(super) fn advance(
        &mut self,
        buffer: &[u8],
        config: &GateConfig,
    ) -> Result<Option<HeadRange>, RefusalKind> {
        while let Some(rest) = buffer.get(self.position..).filter(|rest| !rest.is_empty()) {
            let (allowance, too_long) = self.allowance(config);
            let plain = rest.iter().position(|&byte| is_special(byte)).unwrap_or(rest.len());
            if plain > 0 && self.is_after_cr {
                return Err(RefusalKind::LineEnd);
            }
            if plain.max(1) > allowance {
                return Err(too_long);
            }
            self.position += plain.max(1);
            if plain > 0 {
                continue;
            }
            match (rest.first(), self.is_after_cr) {
                (Some(b'\n'), true) => {
                    self.is_after_cr = false;
                    if let Some(range) = self.end_line()? {
                        return Ok(Some(range));
                    }
                }
                (Some(b'\n'), false) | (_, true) => return Err(RefusalKind::LineEnd),
                (Some(b'\r'), false) => self.is_after_cr = true,
                (Some(b'\t'), false) => {}
                _ => return Err(RefusalKind::ControlCharacter),
            }
        }
        Ok(None)
    }

    /// Whether nothing but empty lines has come.
    pub(super) fn is_idle(&self) -> bool {
        self.position == self.line_start && self.lines == 0
    }

    /// The byte after the last line that is complete.
    pub(super) fn lines_end(&self) -> usize {
        self.line_start
    }

    fn end_line(&mut self) -> Result<Option<HeadRange>, RefusalKind> {
        let is_empty = self.position - self.line_start == 2;
        self.line_start = self.position;
        if !is_empty {
            self.lines += 1;
        } else if self.lines > 0 {
            return Ok(Some(HeadRange { start: self.empty_lines * 2, end: self.position }));
        } else {
            self.empty_lines += 1;
            if self.empty_lines > MAX_EMPTY_LINES {
                return Err(RefusalKind::RequestLine);
            }
        }
        Ok(None)
    }

    /// How many bytes may follow before a limit is reached.
    fn allowance(&self, config: &GateConfig) -> (usize, RefusalKind) {
        let head = (self.empty_lines * 2 + config.max_head_bytes - 1).saturating_sub(self.position);
        let line = (self.line_start + config.max_request_line_bytes).saturating_sub(self.position);
        if self.lines == 0 && line < head {
            (line, RefusalKind::TargetTooLong)
        } else {
            (head, RefusalKind::HeadTooLarge)
        }
    }
}

/// A byte that isn't just part of a line.
fn is_special(byte: u8) -> bool {
    byte < b' ' || byte == 0x7f
}

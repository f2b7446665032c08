//! Finding the end of a head, byte by byte: line ends, control characters, lengths.
//!
//! What is found depends on the bytes in their order alone, not on how they were cut into reads.

use super::config::GateConfig;
use super::refusal::RefusalKind;

/// Empty lines before a request line that are forgiven (RFC 9112, section 2.2).
const MAX_EMPTY_LINES: usize = 2;

/// Where the scan of a head stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scan {
    /// Bytes that were looked at.
    position: usize,
    line_start: usize,
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
        while let Some(&byte) = buffer.get(self.position) {
            let previous = self.position.checked_sub(1).and_then(|at| buffer.get(at));
            let is_after_cr = self.position > self.line_start && previous == Some(&b'\r');
            self.position += 1;
            match byte {
                b'\n' if is_after_cr => {
                    if let Some(range) = self.end_line()? {
                        return Ok(Some(range));
                    }
                }
                b'\n' => return Err(RefusalKind::LineEnd),
                _ if is_after_cr => return Err(RefusalKind::LineEnd),
                b'\r' | b'\t' => {}
                0..=0x1f | 0x7f => return Err(RefusalKind::ControlCharacter),
                _ => {}
            }
            self.check_lengths(config)?;
        }
        Ok(None)
    }

    /// Whether nothing but empty lines has come.
    pub(super) fn is_idle(&self) -> bool {
        self.position == self.line_start && self.lines == 0
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

    fn check_lengths(&self, config: &GateConfig) -> Result<(), RefusalKind> {
        let is_request_line = self.lines == 0;
        if is_request_line && self.position - self.line_start > config.max_request_line_bytes {
            return Err(RefusalKind::TargetTooLong);
        }
        if self.position - self.empty_lines * 2 >= config.max_head_bytes {
            return Err(RefusalKind::HeadTooLarge);
        }
        Ok(())
    }
}

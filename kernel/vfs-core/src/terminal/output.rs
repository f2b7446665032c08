//! What programs write, and echoes, on the way to where they are shown.

use super::modes::Modes;
use super::{ECHO_BYTES, OUTPUT_BYTES, Terminal};

/// Columns from one tab stop to the next.
pub(super) const TAB: usize = 8;
/// The most that one byte becomes: a tab as spaces.
const WIDEST: usize = TAB;

impl Terminal {
    /// Writes what a program shows; how many bytes were taken: 0 if it has to wait.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        if self.is_stopped {
            return 0;
        }
        let mut count = 0;
        for byte in bytes {
            if self.output.len() + WIDEST > OUTPUT_BYTES {
                break;
            }
            self.show(*byte);
            count += 1;
        }
        count
    }

    /// Whether a write would not wait.
    pub fn can_write(&self) -> bool {
        !self.is_stopped && self.output.len() + WIDEST <= OUTPUT_BYTES
    }

    /// Shows a byte as the output modes say.
    pub(super) fn show(&mut self, byte: u8) {
        if !self.modes.has_output(Modes::OPOST) {
            self.put(byte);
            return;
        }
        match byte {
            b'\n' => {
                if self.modes.has_output(Modes::ONLCR) {
                    self.put(b'\r');
                    self.column = 0;
                } else if self.modes.has_output(Modes::ONLRET) {
                    self.column = 0;
                }
                self.put(b'\n');
            }
            b'\r' if self.modes.has_output(Modes::ONOCR) && self.column == 0 => {}
            b'\r' => {
                if self.modes.has_output(Modes::OCRNL) {
                    self.put(b'\n');
                    if self.modes.has_output(Modes::ONLRET) {
                        self.column = 0;
                    }
                } else {
                    self.put(b'\r');
                    self.column = 0;
                }
            }
            b'\t' => {
                let spaces = TAB - self.column % TAB;
                self.column += spaces;
                if self.modes.has_output(Modes::XTABS) {
                    (0..spaces).for_each(|_| self.put(b' '));
                } else {
                    self.put(b'\t');
                }
            }
            8 => {
                self.column = self.column.saturating_sub(1);
                self.put(8);
            }
            _ => {
                let byte = if self.modes.has_output(Modes::OLCUC) {
                    byte.to_ascii_uppercase()
                } else {
                    byte
                };
                // The bytes that continue a character of UTF-8 take no column.
                let continues = self.modes.has_input(Modes::IUTF8) && byte & 0xc0 == 0x80;
                if !byte.is_ascii_control() && !continues {
                    self.column = self.column.saturating_add(1);
                }
                self.put(byte);
            }
        }
    }

    /// Puts a byte out as it is.
    pub(super) fn put(&mut self, byte: u8) {
        // The room was taken when the terminal was made; beyond it echoes are lost.
        if self.output.len() < OUTPUT_BYTES + ECHO_BYTES {
            self.output.push_back(byte);
        }
    }
}

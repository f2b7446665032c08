//! A terminal without hardware: what happens to bytes between who types (the master of a
//! pseudo-terminal) and the programs that read and write. termios(3).
//!
//! [`Terminal`] decides and copies: `input.rs` edits lines and finds the keys that send signals,
//! `output.rs` turns what programs write into what is shown. Who waits for what, whom signals reach,
//! and who may read is the kernel's. All room is taken when it is made.

mod input;
mod modes;
mod output;
#[cfg(test)]
mod tests;

use alloc::collections::VecDeque;

use crate::error::FileError;
pub use modes::{Modes, WindowSize};

/// What may wait to be read: Linux's `N_TTY_BUF_SIZE`.
pub const INPUT_BYTES: usize = 4096;
/// What may wait to be shown before writers wait.
pub const OUTPUT_BYTES: usize = 8192;
/// Beyond that, for echoes: those that find no room even here are lost.
const ECHO_BYTES: usize = 4096;

/// A key that sends a signal to the programs in the foreground.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// `VINTR`: SIGINT.
    Interrupt,
    /// `VQUIT`: SIGQUIT.
    Quit,
    /// `VSUSP`: SIGTSTP.
    Suspend,
}

/// One typed byte that waits to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cell {
    /// A byte.
    Byte(u8),
    /// The last byte of a line.
    LineEnd(u8),
    /// `VEOF` was typed: a line ends here, and no byte stands for that.
    EndOfFile,
}

/// A terminal.
#[derive(Debug)]
pub struct Terminal {
    modes: Modes,
    /// How large it is shown.
    pub window: WindowSize,
    /// What can be read, or will be when its line ends.
    input: VecDeque<Cell>,
    /// How many cells at the end of `input` are of the line that is being edited.
    edited: usize,
    /// How many line ends are in `input`.
    line_ends: usize,
    /// The next byte is taken as it is.
    is_quoted: bool,
    output: VecDeque<u8>,
    /// Output has been stopped by `VSTOP`.
    is_stopped: bool,
    /// Where the cursor stands.
    column: usize,
    /// Where it stood when the line that is being edited began.
    line_column: usize,
}

impl Terminal {
    /// A terminal with the modes of a new one.
    ///
    /// # Errors
    /// [`FileError::OutOfMemory`].
    pub fn new() -> Result<Self, FileError> {
        let (mut input, mut output) = (VecDeque::new(), VecDeque::new());
        input.try_reserve_exact(INPUT_BYTES).map_err(|_| FileError::OutOfMemory)?;
        output.try_reserve_exact(OUTPUT_BYTES + ECHO_BYTES).map_err(|_| FileError::OutOfMemory)?;
        Ok(Self {
            modes: Modes::NEW,
            window: WindowSize::default(),
            input,
            edited: 0,
            line_ends: 0,
            is_quoted: false,
            output,
            is_stopped: false,
            column: 0,
            line_column: 0,
        })
    }

    /// Its modes.
    pub const fn modes(&self) -> &Modes {
        &self.modes
    }

    /// Changes its modes. Between lines and single bytes nothing typed is lost: what has been edited
    /// so far can be read at once.
    pub fn set_modes(&mut self, modes: Modes) {
        let was_canonical = self.modes.is_canonical();
        self.modes = modes;
        if was_canonical != modes.is_canonical() {
            self.is_quoted = false;
            self.edited = 0;
            if modes.is_canonical()
                && let Some(Cell::Byte(byte)) = self.input.back().copied()
                && let Some(last) = self.input.back_mut()
            {
                *last = Cell::LineEnd(byte);
                self.line_ends += 1;
            }
        }
        if !modes.has_input(Modes::IXON) {
            self.is_stopped = false;
        }
    }

    /// Forgets what has been typed and not read: `TCIFLUSH`.
    pub fn flush_input(&mut self) {
        self.input.clear();
        self.edited = 0;
        self.line_ends = 0;
        self.is_quoted = false;
    }

    /// Forgets what has been written and not shown: `TCOFLUSH`.
    pub fn flush_output(&mut self) {
        self.output.clear();
    }

    /// Stops or continues output: `TCOOFF` and `TCOON`.
    pub fn set_stopped(&mut self, is_stopped: bool) {
        self.is_stopped = is_stopped;
    }

    /// How many bytes a read would give at once: `FIONREAD`.
    pub fn readable(&self) -> usize {
        if self.modes.is_canonical() {
            let is_byte = |cell: &&Cell| !matches!(cell, Cell::EndOfFile);
            self.input.iter().take(self.input.len() - self.edited).filter(is_byte).count()
        } else {
            self.input.len()
        }
    }

    /// Whether a read would not wait: a line is there, or as many bytes as the modes ask for. Who waits
    /// for more only for a time is told of the first one, as on Linux.
    pub fn can_read(&self) -> bool {
        if self.modes.is_canonical() {
            self.line_ends > 0
        } else {
            let wanted = if self.modes.tenths() > 0 { 1 } else { self.modes.minimum().max(1) };
            self.input.len() >= wanted
        }
    }

    /// Reads a line, a part of one, or what bytes there are; none if there is nothing yet.
    pub fn read(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let is_canonical = self.modes.is_canonical();
        if buffer.is_empty() {
            return Some(0);
        }
        if is_canonical && self.line_ends == 0 || !is_canonical && self.input.is_empty() {
            return None;
        }
        let mut count = 0;
        while let Some(cell) = self.input.front().copied() {
            // An end of file behind the last byte that fits goes with it: it ends this line.
            let is_full = count == buffer.len();
            if is_full && (!is_canonical || cell != Cell::EndOfFile) {
                break;
            }
            self.input.pop_front();
            let (byte, ends) = match cell {
                Cell::Byte(byte) => (Some(byte), false),
                Cell::LineEnd(byte) => (Some(byte), true),
                Cell::EndOfFile => (None, true),
            };
            if let (Some(byte), Some(place)) = (byte, buffer.get_mut(count)) {
                *place = byte;
                count += 1;
            }
            if ends {
                self.line_ends -= 1;
                if is_canonical {
                    break;
                }
            }
        }
        self.edited = self.edited.min(self.input.len());
        Some(count)
    }

    /// Takes what is to be shown; how many bytes.
    pub fn take_output(&mut self, buffer: &mut [u8]) -> usize {
        let mut count = 0;
        for place in buffer {
            let Some(byte) = self.output.pop_front() else { break };
            *place = byte;
            count += 1;
        }
        count
    }

    /// How many bytes are to be shown.
    pub fn shown(&self) -> usize {
        self.output.len()
    }
}

//! What is typed, on the way to who reads: editing of lines, echo, keys that send signals.
//! The source is termios(3); where it is silent, Linux's `drivers/tty/n_tty.c`.

use super::modes::{Modes, Special};
use super::output::TAB;
use super::{Cell, INPUT_BYTES, Key, Terminal};

const BELL: u8 = 7;
const BACKSPACE: u8 = 8;

/// What is erased.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Erase {
    Character,
    Word,
    Line,
}

impl Terminal {
    /// Takes what was typed; how many bytes, fewer than given if single bytes are read and there is no
    /// room for more. Calls `pressed` for each key that sends a signal.
    pub fn type_in(&mut self, bytes: &[u8], mut pressed: impl FnMut(Key)) -> usize {
        let mut count = 0;
        for byte in bytes {
            // A line that grows too long is cut, but what ends it must get in.
            if !self.modes.is_canonical() && self.input.len() >= INPUT_BYTES - 1 {
                break;
            }
            if let Some(key) = self.receive(*byte) {
                pressed(key);
            }
            count += 1;
        }
        count
    }

    /// Whether anything typed would be taken.
    pub fn can_type(&self) -> bool {
        self.modes.is_canonical() || self.input.len() < INPUT_BYTES - 1
    }

    fn receive(&mut self, byte: u8) -> Option<Key> {
        let mut byte = byte;
        if self.modes.has_input(Modes::ISTRIP) {
            byte &= 0x7f;
        }
        if self.modes.has_input(Modes::IUCLC) && self.modes.has_local(Modes::IEXTEN) {
            byte.make_ascii_lowercase();
        }
        if self.is_quoted {
            self.is_quoted = false;
            self.receive_plain(byte);
            return None;
        }
        if self.modes.has_input(Modes::IXON) {
            if self.modes.is(byte, Special::Start) {
                self.is_stopped = false;
                return None;
            }
            if self.modes.is(byte, Special::Stop) {
                self.is_stopped = true;
                return None;
            }
        }
        if self.modes.has_local(Modes::ISIG)
            && let Some(key) = self.key(byte)
        {
            self.press(byte);
            return Some(key);
        }
        if self.is_stopped && self.modes.has_input(Modes::IXON | Modes::IXANY) {
            self.is_stopped = false;
        }
        match byte {
            b'\r' if self.modes.has_input(Modes::IGNCR) => return None,
            b'\r' if self.modes.has_input(Modes::ICRNL) => byte = b'\n',
            b'\n' if self.modes.has_input(Modes::INLCR) => byte = b'\r',
            _ => {}
        }
        if !(self.modes.is_canonical() && self.edit(byte)) {
            self.receive_plain(byte);
        }
        None
    }

    fn key(&self, byte: u8) -> Option<Key> {
        let keys = [
            (Special::Interrupt, Key::Interrupt),
            (Special::Quit, Key::Quit),
            (Special::Suspend, Key::Suspend),
        ];
        keys.into_iter().find(|(special, _)| self.modes.is(byte, *special)).map(|(_, key)| key)
    }

    /// A key that sends a signal also forgets what waits, and lets stopped output go on.
    fn press(&mut self, byte: u8) {
        if !self.modes.has_local(Modes::NOFLSH) {
            self.flush_input();
            self.flush_output();
        }
        if self.modes.has_input(Modes::IXON) {
            self.is_stopped = false;
        }
        if self.modes.has_local(Modes::ECHO) {
            self.echo(byte);
        }
    }

    /// Deals with a byte that edits or ends a line; says whether it was one.
    fn edit(&mut self, byte: u8) -> bool {
        let is_extended = self.modes.has_local(Modes::IEXTEN);
        if self.modes.is(byte, Special::Erase) {
            self.erase(Erase::Character);
        } else if self.modes.is(byte, Special::Kill) {
            self.erase(Erase::Line);
        } else if is_extended && self.modes.is(byte, Special::WordErase) {
            self.erase(Erase::Word);
        } else if is_extended && self.modes.is(byte, Special::Literal) {
            self.is_quoted = true;
            if self.modes.has_local(Modes::ECHO | Modes::ECHOCTL) {
                self.put(b'^');
                self.put(BACKSPACE);
            }
        } else if is_extended
            && self.modes.has_local(Modes::ECHO)
            && self.modes.is(byte, Special::Reprint)
        {
            self.reprint(byte);
        } else if byte == b'\n' {
            if self.modes.has_local(Modes::ECHO) || self.modes.has_local(Modes::ECHONL) {
                self.show(b'\n');
            }
            self.end_line(Cell::LineEnd(b'\n'));
        } else if self.modes.is(byte, Special::EndOfFile) {
            self.end_line(Cell::EndOfFile);
        } else if self.modes.is(byte, Special::EndOfLine)
            || is_extended && self.modes.is(byte, Special::EndOfLine2)
        {
            if self.modes.has_local(Modes::ECHO) {
                self.echo(byte);
            }
            self.end_line(Cell::LineEnd(byte));
        } else {
            return false;
        }
        true
    }

    fn end_line(&mut self, end: Cell) {
        // One cell is kept for this.
        if self.input.len() < INPUT_BYTES {
            self.input.push_back(end);
            self.edited = 0;
            self.line_ends += 1;
        }
    }

    fn receive_plain(&mut self, byte: u8) {
        if self.input.len() >= INPUT_BYTES - 1 {
            if self.modes.has_input(Modes::IMAXBEL) {
                self.put(BELL);
            }
            return;
        }
        if self.edited == 0 {
            self.line_column = self.column;
        }
        if self.modes.has_local(Modes::ECHO) {
            if byte == b'\n' {
                self.show(b'\n');
            } else {
                self.echo(byte);
            }
        }
        self.input.push_back(Cell::Byte(byte));
        if self.modes.is_canonical() {
            self.edited += 1;
        }
    }

    /// Shows a typed byte; control characters as `^X`, if that is asked for.
    fn echo(&mut self, byte: u8) {
        if self.modes.has_local(Modes::ECHOCTL) && is_control(byte) {
            self.show(b'^');
            self.show(byte ^ 0x40);
        } else {
            self.show(byte);
        }
    }

    fn reprint(&mut self, byte: u8) {
        self.echo(byte);
        self.show(b'\n');
        let start = self.input.len() - self.edited;
        for at in start..self.input.len() {
            if let Some(Cell::Byte(byte)) = self.input.get(at).copied() {
                self.echo(byte);
            }
        }
    }

    fn last_edited(&self) -> Option<u8> {
        match self.input.back() {
            Some(Cell::Byte(byte)) if self.edited > 0 => Some(*byte),
            _ => None,
        }
    }

    fn erase(&mut self, what: Erase) {
        let has_echo = self.modes.has_local(Modes::ECHO);
        if what == Erase::Line
            && !(has_echo && self.modes.has_local(Modes::ECHOK | Modes::ECHOKE | Modes::ECHOE))
        {
            self.input.truncate(self.input.len() - self.edited);
            self.edited = 0;
            if has_echo {
                self.echo(self.modes.character(Special::Kill));
                if self.modes.has_local(Modes::ECHOK) {
                    self.show(b'\n');
                }
            }
            return;
        }
        let mut has_seen_word = false;
        while let Some(byte) = self.last_edited() {
            if what == Erase::Word {
                let is_word = byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
                if has_seen_word && !is_word {
                    break;
                }
                has_seen_word |= is_word;
            }
            self.erase_one(byte, what);
            if what == Erase::Character {
                break;
            }
        }
    }

    /// Erases the last character of the line, whose last byte is this.
    fn erase_one(&mut self, last: u8, what: Erase) {
        let mut byte = last;
        self.forget_last();
        if self.modes.has_input(Modes::IUTF8) {
            while byte & 0xc0 == 0x80
                && let Some(before) = self.last_edited()
            {
                byte = before;
                self.forget_last();
            }
        }
        if !self.modes.has_local(Modes::ECHO) {
            return;
        }
        if what == Erase::Character && !self.modes.has_local(Modes::ECHOE) {
            self.echo(self.modes.character(Special::Erase));
        } else if byte == b'\t' {
            let from = self.column_of_end();
            (0..self.column.saturating_sub(from)).for_each(|_| self.show(BACKSPACE));
        } else if is_control(byte) {
            if self.modes.has_local(Modes::ECHOCTL) {
                self.rub_out();
                self.rub_out();
            }
        } else {
            self.rub_out();
        }
    }

    fn forget_last(&mut self) {
        self.input.pop_back();
        self.edited = self.edited.saturating_sub(1);
    }

    fn rub_out(&mut self) {
        for byte in [BACKSPACE, b' ', BACKSPACE] {
            self.show(byte);
        }
    }

    /// Where the cursor belongs behind what is left of the line.
    fn column_of_end(&self) -> usize {
        let start = self.input.len() - self.edited;
        let mut column = self.line_column;
        for cell in self.input.iter().skip(start) {
            let Cell::Byte(byte) = *cell else { continue };
            column += match byte {
                b'\t' => TAB - column % TAB,
                byte if is_control(byte) => {
                    if self.modes.has_local(Modes::ECHOCTL) {
                        2
                    } else {
                        0
                    }
                }
                byte if self.modes.has_input(Modes::IUTF8) && byte & 0xc0 == 0x80 => 0,
                _ => 1,
            };
        }
        column
    }
}

/// Whether a byte is echoed as `^X`; a tab is not.
const fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}

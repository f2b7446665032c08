//! What `ioctl` exchanges about terminals.

use super::layout;

layout! {
    /// `struct winsize`.
    pub struct WinSize: 8 {
        /// Rows of characters.
        0 rows: u16,
        /// Columns of characters.
        2 columns: u16,
        /// Width in pixels; 0 for unknown.
        4 x_pixels: u16,
        /// Height in pixels; 0 for unknown.
        6 y_pixels: u16,
    }
}

layout! {
    /// The kernel's `struct termios` (not the C library's).
    pub struct Termios: 36 {
        /// The `c_iflag` bits.
        0 input: u32,
        /// The `c_oflag` bits.
        4 output: u32,
        /// The `c_cflag` bits.
        8 control: u32,
        /// The `c_lflag` bits.
        12 local: u32,
        /// The line discipline.
        16 line: u8,
        /// The special characters, by the `V*` indices.
        17 characters: [u8; 19],
    }
}

impl Termios {
    /// What a new terminal has on Linux: lines, echo, signals from the keyboard, 38,400 baud.
    #[must_use]
    pub const fn new_terminal() -> Self {
        Self {
            input: 0x0500,      // ICRNL | IXON
            output: 0x0005,     // OPOST | ONLCR
            control: 0x04bf,    // B38400 | CS8 | CREAD | HUPCL
            local: 0x0000_8a3b, // ISIG ICANON ECHO ECHOE ECHOK ECHOCTL ECHOKE IEXTEN
            line: 0,
            // ^C ^\ DEL ^U ^D, time, min, none, ^Q ^S ^Z, none, ^R ^O ^W ^V, none, unused.
            characters: [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0],
        }
    }
}

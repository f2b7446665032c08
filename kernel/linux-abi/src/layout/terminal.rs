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

layout! {
    /// `struct termios2`: with speeds as numbers.
    pub struct Termios2: 44 {
        /// The rest.
        0 termios: Termios,
        /// Bits a second that come in.
        36 input_speed: u32,
        /// Bits a second that go out.
        40 output_speed: u32,
    }
}

/// The speeds that have numbers of their own in `c_cflag` (`B50` and so on), in their order: first
/// 0 to 15, then those with `CBAUDEX`.
const SPEEDS: [u32; 31] = [
    0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19_200, 38_400, 57_600,
    115_200, 230_400, 460_800, 500_000, 576_000, 921_600, 1_000_000, 1_152_000, 1_500_000,
    2_000_000, 2_500_000, 3_000_000, 3_500_000, 4_000_000,
];
/// The bits of the speed (`CBAUD`).
const SPEED_BITS: u32 = 0x100f;
/// The speed has no bits of its own (`BOTHER`); with others, it is one of the second half.
const OTHER_SPEED: u32 = 0x1000;

impl Termios {
    /// Bits a second, as `c_cflag` says.
    #[must_use]
    pub fn speed(&self) -> u32 {
        let bits = self.control & SPEED_BITS;
        let index = if bits & OTHER_SPEED != 0 { 15 + (bits & 0xf) } else { bits };
        usize::try_from(index).ok().and_then(|index| SPEEDS.get(index)).copied().unwrap_or(0)
    }

    /// Whether `c_cflag` leaves the speed to the numbers of [`Termios2`].
    #[must_use]
    pub const fn has_other_speed(&self) -> bool {
        self.control & SPEED_BITS == OTHER_SPEED
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

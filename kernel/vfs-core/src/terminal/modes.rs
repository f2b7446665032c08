//! A terminal's modes: the words of `struct termios`, by which programs choose what it does.

/// How large a terminal is shown.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct WindowSize {
    /// Rows of characters; 0 for unknown, as all of these.
    pub rows: u16,
    /// Columns of characters.
    pub columns: u16,
    /// Width in pixels.
    pub x_pixels: u16,
    /// Height in pixels.
    pub y_pixels: u16,
}

/// The modes, in Linux's bits and places.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Modes {
    /// The `c_iflag` word.
    pub input: u32,
    /// The `c_oflag` word.
    pub output: u32,
    /// The `c_cflag` word; no hardware heeds it.
    pub control: u32,
    /// The `c_lflag` word.
    pub local: u32,
    /// The line discipline; kept for programs.
    pub line: u8,
    /// The special characters, by the `V*` indices.
    pub characters: [u8; 19],
}

/// A place among the special characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Special {
    Interrupt = 0,
    Quit = 1,
    Erase = 2,
    Kill = 3,
    EndOfFile = 4,
    Time = 5,
    Minimum = 6,
    Start = 8,
    Stop = 9,
    Suspend = 10,
    EndOfLine = 11,
    Reprint = 12,
    WordErase = 14,
    Literal = 15,
    EndOfLine2 = 16,
}

impl Modes {
    pub(super) const ISTRIP: u32 = 0o40;
    pub(super) const INLCR: u32 = 0o100;
    pub(super) const IGNCR: u32 = 0o200;
    pub(super) const ICRNL: u32 = 0o400;
    pub(super) const IUCLC: u32 = 0o1000;
    pub(super) const IXON: u32 = 0o2000;
    pub(super) const IXANY: u32 = 0o4000;
    pub(super) const IMAXBEL: u32 = 0o20000;
    pub(super) const IUTF8: u32 = 0o40000;

    pub(super) const OPOST: u32 = 0o1;
    pub(super) const OLCUC: u32 = 0o2;
    pub(super) const ONLCR: u32 = 0o4;
    pub(super) const OCRNL: u32 = 0o10;
    pub(super) const ONOCR: u32 = 0o20;
    pub(super) const ONLRET: u32 = 0o40;
    pub(super) const XTABS: u32 = 0o14000;

    pub(super) const ISIG: u32 = 0o1;
    pub(super) const ICANON: u32 = 0o2;
    pub(super) const ECHO: u32 = 0o10;
    pub(super) const ECHOE: u32 = 0o20;
    pub(super) const ECHOK: u32 = 0o40;
    pub(super) const ECHONL: u32 = 0o100;
    pub(super) const NOFLSH: u32 = 0o200;
    const TOSTOP: u32 = 0o400;
    pub(super) const ECHOCTL: u32 = 0o1000;
    pub(super) const ECHOKE: u32 = 0o4000;
    pub(super) const IEXTEN: u32 = 0o100_000;

    /// A new terminal's: lines, echo, signals from the keyboard.
    pub const NEW: Self = Self {
        input: Self::ICRNL | Self::IXON,
        output: Self::OPOST | Self::ONLCR,
        // B38400, CS8, CREAD.
        control: 0o277,
        local: Self::ISIG
            | Self::ICANON
            | Self::ECHO
            | Self::ECHOE
            | Self::ECHOK
            | Self::ECHOCTL
            | Self::ECHOKE
            | Self::IEXTEN,
        line: 0,
        characters: [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0],
    };

    pub(super) const fn has_input(&self, flag: u32) -> bool {
        self.input & flag == flag
    }

    pub(super) const fn has_output(&self, flag: u32) -> bool {
        self.output & flag == flag
    }

    pub(super) const fn has_local(&self, flag: u32) -> bool {
        self.local & flag == flag
    }

    /// Whether lines are edited, and read as a whole.
    pub const fn is_canonical(&self) -> bool {
        self.has_local(Self::ICANON)
    }

    /// Whether programs in the background are stopped when they write.
    pub const fn stops_background(&self) -> bool {
        self.has_local(Self::TOSTOP)
    }

    /// How many bytes a read waits for when there are no lines (`VMIN`).
    pub const fn minimum(&self) -> usize {
        self.characters[Special::Minimum as usize] as usize
    }

    /// How long it waits, in tenths of a second (`VTIME`).
    pub const fn tenths(&self) -> u8 {
        self.characters[Special::Time as usize]
    }

    /// Whether this byte is that special character. Zero switches one off.
    pub(super) fn is(&self, byte: u8, special: Special) -> bool {
        byte != 0 && self.characters.get(special as usize) == Some(&byte)
    }

    pub(super) const fn character(&self, special: Special) -> u8 {
        self.characters[special as usize]
    }
}

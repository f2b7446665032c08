//! What is known about a file: inode(7).

/// The bits of a mode that are not its kind: permissions, set-id, sticky.
pub const PERMISSION_BITS: u16 = 0o7777;

/// A moment of the wall clock: nanoseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct WallTime {
    /// Nanoseconds since 1970-01-01 UTC.
    pub nanoseconds: u64,
}

impl WallTime {
    /// A moment in whole seconds.
    pub const fn from_seconds(seconds: u32) -> Self {
        Self { nanoseconds: seconds as u64 * 1_000_000_000 }
    }
}

/// A user and a group, by number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// What kind of file it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    SymbolicLink,
    /// A device that is read and written byte by byte.
    CharacterDevice,
    /// A device of blocks.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl FileKind {
    /// The kind in a mode's upper bits.
    pub const fn from_mode(mode: u32) -> Option<Self> {
        Some(match mode & 0o170_000 {
            0o140_000 => Self::Socket,
            0o120_000 => Self::SymbolicLink,
            0o100_000 => Self::Regular,
            0o060_000 => Self::BlockDevice,
            0o040_000 => Self::Directory,
            0o020_000 => Self::CharacterDevice,
            0o010_000 => Self::Fifo,
            _ => return None,
        })
    }

    /// The bits that stand for the kind in a mode.
    pub const fn mode_bits(self) -> u32 {
        match self {
            Self::Socket => 0o140_000,
            Self::SymbolicLink => 0o120_000,
            Self::Regular => 0o100_000,
            Self::BlockDevice => 0o060_000,
            Self::Directory => 0o040_000,
            Self::CharacterDevice => 0o020_000,
            Self::Fifo => 0o010_000,
        }
    }
}

/// A device's number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeviceNumber {
    /// Which driver.
    pub major: u32,
    /// Which of its devices.
    pub minor: u32,
}

/// The character devices that there are, with Linux's numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceKind {
    /// Swallows, and is empty.
    Null,
    /// Swallows, and gives zeroes.
    Zero,
    /// Is full, and gives zeroes.
    Full,
    /// Gives random bytes.
    Random,
    /// Gives random bytes.
    Urandom,
    /// The process's terminal.
    Tty,
    /// The system's console.
    Console,
    /// Makes pseudo-terminals.
    Ptmx,
}

impl DeviceKind {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Null,
        Self::Zero,
        Self::Full,
        Self::Random,
        Self::Urandom,
        Self::Tty,
        Self::Console,
        Self::Ptmx,
    ];

    /// Its number, as in Linux's `devices.txt`.
    pub const fn number(self) -> DeviceNumber {
        let (major, minor) = match self {
            Self::Null => (1, 3),
            Self::Zero => (1, 5),
            Self::Full => (1, 7),
            Self::Random => (1, 8),
            Self::Urandom => (1, 9),
            Self::Tty => (5, 0),
            Self::Console => (5, 1),
            Self::Ptmx => (5, 2),
        };
        DeviceNumber { major, minor }
    }

    /// The device with this number, if there is one.
    pub fn from_number(number: DeviceNumber) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// Its name in `/dev`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Zero => "zero",
            Self::Full => "full",
            Self::Random => "random",
            Self::Urandom => "urandom",
            Self::Tty => "tty",
            Self::Console => "console",
            Self::Ptmx => "ptmx",
        }
    }
}

/// What is known about a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Metadata {
    /// Which file system it is on (`st_dev`): a number that the kernel gives.
    pub system: u32,
    /// Its number within its file system.
    pub inode: u64,
    /// Its kind.
    pub kind: FileKind,
    /// Permissions, set-id and sticky: [`PERMISSION_BITS`].
    pub permissions: u16,
    /// How many names it has.
    pub links: u32,
    /// Whose it is.
    pub owner: Owner,
    /// Its length in bytes.
    pub size: u64,
    /// What it takes, in bytes.
    pub allocated_bytes: u64,
    /// Last read.
    pub accessed: WallTime,
    /// Contents last changed.
    pub modified: WallTime,
    /// Contents or metadata last changed.
    pub changed: WallTime,
    /// For a device: which one.
    pub device: Option<DeviceNumber>,
}

impl Metadata {
    /// `st_mode`: kind and permissions.
    pub fn mode(&self) -> u32 {
        self.kind.mode_bits() | u32::from(self.permissions)
    }
}

//! Calls on files: `open`, `lseek`, `fcntl`, and the flags of the `*at` family.

use crate::arguments::{Arguments, UserPointer};
use crate::errno::Errno;
use crate::flags::flags;

/// "The working directory" in place of a directory's descriptor (`AT_FDCWD`).
pub const AT_FDCWD: i32 = -100;

/// The longest path, its zero byte included (`PATH_MAX`).
pub const PATH_MAX: usize = 4096;

flags! {
    /// `AT_*`: how the calls of the `*at` family look a path up.
    pub struct AtFlags(u32) {
        /// Do not follow a symbolic link at the end.
        SYMLINK_NOFOLLOW = 0x100,
        /// `unlinkat`: remove a directory. (`faccessat`: `AT_EACCESS`.)
        REMOVEDIR = 0x200,
        /// `linkat`: follow a symbolic link at the end.
        SYMLINK_FOLLOW = 0x400,
        /// Do not mount.
        NO_AUTOMOUNT = 0x800,
        /// An empty path means the directory's descriptor itself.
        EMPTY_PATH = 0x1000,
    }
}

flags! {
    /// `O_*`, without the two bits of the access mode.
    pub struct OpenFlags(u32) {
        /// Make it if it does not exist.
        CREAT = 0o100,
        /// It must not exist.
        EXCL = 0o200,
        /// Do not make it the controlling terminal.
        NOCTTY = 0o400,
        /// Empty it.
        TRUNC = 0o1000,
        /// Write at its end.
        APPEND = 0o2000,
        /// Do not block.
        NONBLOCK = 0o4000,
        /// Write content through.
        DSYNC = 0o1_0000,
        /// Send a signal when there is something to read.
        ASYNC = 0o2_0000,
        /// Pass the cache by.
        DIRECT = 0o4_0000,
        /// Without effect on 64-bit machines.
        LARGEFILE = 0o10_0000,
        /// It must be a directory.
        DIRECTORY = 0o20_0000,
        /// It must not be a symbolic link.
        NOFOLLOW = 0o40_0000,
        /// Do not note the time of reading.
        NOATIME = 0o100_0000,
        /// Close it in `execve`.
        CLOEXEC = 0o200_0000,
        /// Write everything through (with `DSYNC`).
        SYNC = 0o400_0000,
        /// Only its place, not its content.
        PATH = 0o1000_0000,
        /// A file without a name (with `DIRECTORY`).
        TMPFILE = 0o2000_0000,
    }
}

impl OpenFlags {
    /// The bits that `fcntl(F_SETFL)` changes.
    pub const SETTABLE: Self =
        Self(Self::APPEND.0 | Self::NONBLOCK.0 | Self::ASYNC.0 | Self::DIRECT.0 | Self::NOATIME.0);
}

/// What a file is opened for: the lower two bits of its flags (`O_ACCMODE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessMode {
    /// Reading (`O_RDONLY`).
    ReadOnly,
    /// Writing (`O_WRONLY`).
    WriteOnly,
    /// Both (`O_RDWR`).
    ReadWrite,
}

/// `openat(directory, path, flags, mode)`, also as `open` and `creat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// Where a relative path starts.
    pub directory: i32,
    /// The path.
    pub path: UserPointer,
    /// What it is opened for.
    pub access: AccessMode,
    /// The other flags.
    pub flags: OpenFlags,
    /// Permissions of a file that is made, before the umask.
    pub mode: u16,
}

impl Open {
    /// Reads the arguments of `openat`.
    ///
    /// # Errors
    /// EINVAL for access mode 3, which nobody uses; for `O_CREAT` with `O_DIRECTORY`, as Linux since
    /// 6.4; for `O_TMPFILE` without writing. Unknown flags are passed over, as Linux does.
    pub fn decode_openat(arguments: &Arguments) -> Result<Self, Errno> {
        let bits = arguments.unsigned(2);
        let access = match bits & 3 {
            0 => AccessMode::ReadOnly,
            1 => AccessMode::WriteOnly,
            2 => AccessMode::ReadWrite,
            _ => return Err(Errno::EINVAL),
        };
        let flags = OpenFlags::from_bits_truncate(bits);
        let is_temporary = flags.contains(OpenFlags::TMPFILE);
        let is_refused = if is_temporary {
            access == AccessMode::ReadOnly || !flags.contains(OpenFlags::DIRECTORY)
        } else {
            flags.contains(OpenFlags::CREAT | OpenFlags::DIRECTORY)
        };
        if is_refused {
            return Err(Errno::EINVAL);
        }
        Ok(Self {
            directory: arguments.int(0),
            path: arguments.pointer(1),
            access,
            flags,
            mode: permissions(arguments.unsigned(3)),
        })
    }

    /// Reads the arguments of `open(path, flags, mode)`.
    ///
    /// # Errors
    /// As [`Open::decode_openat`].
    pub fn decode_open(arguments: &Arguments) -> Result<Self, Errno> {
        Self::decode_openat(&Arguments::after(u64::from(AT_FDCWD.cast_unsigned()), arguments))
    }

    /// Reads the arguments of `creat(path, mode)`.
    #[must_use]
    pub fn decode_creat(arguments: &Arguments) -> Self {
        Self {
            directory: AT_FDCWD,
            path: arguments.pointer(0),
            access: AccessMode::WriteOnly,
            flags: OpenFlags::CREAT | OpenFlags::TRUNC,
            mode: permissions(arguments.unsigned(1)),
        }
    }
}

/// The bits of a mode that are permissions, set-id and sticky; the rest does not count.
fn permissions(mode: u32) -> u16 {
    (mode & 0o7777) as u16
}

/// Where `lseek` counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whence {
    /// The start (`SEEK_SET`).
    Start,
    /// Where it is (`SEEK_CUR`).
    Current,
    /// The end (`SEEK_END`).
    End,
    /// The next data (`SEEK_DATA`).
    Data,
    /// The next hole (`SEEK_HOLE`).
    Hole,
}

impl Whence {
    /// From `lseek`'s third argument.
    ///
    /// # Errors
    /// EINVAL for any other number.
    pub const fn from_number(number: u32) -> Result<Self, Errno> {
        Ok(match number {
            0 => Self::Start,
            1 => Self::Current,
            2 => Self::End,
            3 => Self::Data,
            4 => Self::Hole,
            _ => return Err(Errno::EINVAL),
        })
    }
}

/// `F_SETLK` and its kin: whose lock, and whether it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockCommand {
    /// `F_GETLK`.
    Get,
    /// `F_SETLK`.
    Set,
    /// `F_SETLKW`.
    SetWaiting,
    /// `F_OFD_GETLK`.
    OpenFileGet,
    /// `F_OFD_SETLK`.
    OpenFileSet,
    /// `F_OFD_SETLKW`.
    OpenFileSetWaiting,
}

impl LockCommand {
    /// Whether the lock is the open file's, not the process's.
    #[must_use]
    pub const fn is_of_open_file(self) -> bool {
        matches!(self, Self::OpenFileGet | Self::OpenFileSet | Self::OpenFileSetWaiting)
    }

    /// Whether it only asks.
    #[must_use]
    pub const fn is_question(self) -> bool {
        matches!(self, Self::Get | Self::OpenFileGet)
    }

    /// Whether it waits.
    #[must_use]
    pub const fn waits(self) -> bool {
        matches!(self, Self::SetWaiting | Self::OpenFileSetWaiting)
    }
}

/// What `fcntl(fd, command, argument)` is to do with descriptor `fd`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fcntl {
    /// Copy it to the lowest free number from here (`F_DUPFD`).
    Duplicate {
        /// The lowest number.
        minimum: u32,
        /// Whether `execve` closes the copy (`F_DUPFD_CLOEXEC`).
        closes_on_exec: bool,
    },
    /// Tell whether `execve` closes it: bit 0 (`F_GETFD`).
    GetDescriptorFlags,
    /// Say whether `execve` closes it (`F_SETFD`).
    SetDescriptorFlags {
        /// Whether it does.
        closes_on_exec: bool,
    },
    /// Tell the flags it was opened with (`F_GETFL`).
    GetStatusFlags,
    /// Change [`OpenFlags::SETTABLE`]; the other bits do not count (`F_SETFL`).
    SetStatusFlags(OpenFlags),
    /// Tell the size of a pipe (`F_GETPIPE_SZ`).
    GetPipeSize,
    /// Change the size of a pipe to this many bytes (`F_SETPIPE_SZ`).
    SetPipeSize(u32),
    /// Lock bytes of it, or ask who has: the third argument points to a `Flock`.
    Lock(LockCommand),
    /// Say who gets SIGIO for it (`F_SETOWN`).
    SetOwner,
    /// Tell who does (`F_GETOWN`).
    GetOwner,
    /// Put these seals on it (`F_ADD_SEALS`).
    AddSeals(u32),
    /// Tell its seals (`F_GET_SEALS`).
    GetSeals,
}

impl Fcntl {
    /// Reads the second and third argument.
    ///
    /// # Errors
    /// EINVAL for an unknown command: leases and the signals of SIGIO are not known.
    pub fn decode(arguments: &Arguments) -> Result<Self, Errno> {
        let argument = arguments.unsigned(2);
        Ok(match arguments.unsigned(1) {
            0 => Self::Duplicate { minimum: argument, closes_on_exec: false },
            1 => Self::GetDescriptorFlags,
            2 => Self::SetDescriptorFlags { closes_on_exec: argument & 1 != 0 },
            3 => Self::GetStatusFlags,
            4 => Self::SetStatusFlags(OpenFlags(argument & OpenFlags::SETTABLE.0)),
            5 => Self::Lock(LockCommand::Get),
            6 => Self::Lock(LockCommand::Set),
            7 => Self::Lock(LockCommand::SetWaiting),
            8 => Self::SetOwner,
            9 => Self::GetOwner,
            36 => Self::Lock(LockCommand::OpenFileGet),
            37 => Self::Lock(LockCommand::OpenFileSet),
            38 => Self::Lock(LockCommand::OpenFileSetWaiting),
            1030 => Self::Duplicate { minimum: argument, closes_on_exec: true },
            1031 => Self::SetPipeSize(argument),
            1032 => Self::GetPipeSize,
            1033 => Self::AddSeals(argument),
            1034 => Self::GetSeals,
            _ => return Err(Errno::EINVAL),
        })
    }
}

/// Commands of `ioctl` that programs were seen to use. An unknown one is answered with ENOTTY.
pub mod ioctl {
    /// Read a terminal's settings.
    pub const TCGETS: u32 = 0x5401;
    /// Change a terminal's settings at once.
    pub const TCSETS: u32 = 0x5402;
    /// Change a terminal's settings once output is written.
    pub const TCSETSW: u32 = 0x5403;
    /// Change a terminal's settings once output is written, and drop input.
    pub const TCSETSF: u32 = 0x5404;
    /// Make it the controlling terminal.
    pub const TIOCSCTTY: u32 = 0x540e;
    /// Read a terminal's foreground process group.
    pub const TIOCGPGRP: u32 = 0x540f;
    /// Change a terminal's foreground process group.
    pub const TIOCSPGRP: u32 = 0x5410;
    /// Read a window's size.
    pub const TIOCGWINSZ: u32 = 0x5413;
    /// Change a window's size.
    pub const TIOCSWINSZ: u32 = 0x5414;
    /// How many bytes can be read.
    pub const FIONREAD: u32 = 0x541b;
    /// Make reading and writing block or not.
    pub const FIONBIO: u32 = 0x5421;
    /// Give up the controlling terminal.
    pub const TIOCNOTTY: u32 = 0x5422;
    /// Open the other side of a pseudo-terminal's master.
    pub const TIOCGPTPEER: u32 = 0x5441;
    /// Do not close in `execve`.
    pub const FIONCLEX: u32 = 0x5450;
    /// Close in `execve`.
    pub const FIOCLEX: u32 = 0x5451;
}

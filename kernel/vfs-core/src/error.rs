//! What can go wrong with a file.

use core::fmt;

/// Every way in which an operation on files fails. The system-call layer maps each to one errno,
/// which is named here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileError {
    /// ENOENT: no such name.
    NotFound,
    /// ENOTDIR: a part of the path, or what must be one, is no directory.
    NotADirectory,
    /// EISDIR: it is a directory.
    IsADirectory,
    /// EEXIST: the name is taken.
    AlreadyExists,
    /// ENOTEMPTY: the directory has entries.
    NotEmpty,
    /// ELOOP: too many symbolic links, or one where none is wanted.
    TooManyLinks,
    /// ENAMETOOLONG: a name or the whole path is too long.
    NameTooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// EACCES: the permission bits forbid it.
    AccessDenied,
    /// EPERM: only the owner, or someone with a capability, may do it.
    NotPermitted,
    /// ENOSPC: the file system is full.
    NoSpace,
    /// ENOMEM: kernel memory has run out.
    OutOfMemory,
    /// EFBIG: the file would be too large.
    FileTooLarge {
        /// The size asked for.
        size: u64,
    },
    /// EMLINK: the file has too many names.
    TooManyNames,
    /// EXDEV: the two names are on different file systems.
    DifferentFileSystem,
    /// EINVAL: such a name cannot be, or a directory would contain itself.
    InvalidName,
    /// EINVAL: flags that contradict each other or mean nothing.
    InvalidFlags {
        /// The flags.
        bits: u32,
    },
    /// EBUSY: the root, or the last of something that must stay.
    Busy,
    /// EBADF: no open file has this number.
    BadDescriptor {
        /// The number.
        fd: i64,
    },
    /// EMFILE: the process has as many open files as it may.
    TooManyOpenFiles {
        /// How many it may have.
        limit: u32,
    },
    /// EINVAL: the file is not of the kind that this works on.
    WrongKind,
    /// ESTALE: the file is gone.
    Stale,
    /// EROFS: nothing can be changed there.
    ReadOnly,
    /// ENODEV: there is no such device, or no such kind of file system.
    NoDevice,
    /// ENXIO: nothing stands behind this file.
    NothingBehind,
    /// EOPNOTSUPP: the file system cannot do that.
    NotSupported,
    /// ESRCH: the process is gone.
    NoProcess,
    /// EINVAL: the value means nothing here.
    InvalidValue,
    /// ETXTBSY: a program is running from it.
    Running,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no such file or directory"),
            Self::NotADirectory => f.write_str("not a directory"),
            Self::IsADirectory => f.write_str("is a directory"),
            Self::AlreadyExists => f.write_str("file exists"),
            Self::NotEmpty => f.write_str("directory not empty"),
            Self::TooManyLinks => f.write_str("too many levels of symbolic links"),
            Self::NameTooLong { length } => write!(f, "a name of {length} bytes is too long"),
            Self::AccessDenied => f.write_str("permission denied"),
            Self::NotPermitted => f.write_str("operation not permitted"),
            Self::NoSpace => f.write_str("no space left on the file system"),
            Self::OutOfMemory => f.write_str("out of memory"),
            Self::FileTooLarge { size } => write!(f, "a file cannot have {size} bytes"),
            Self::TooManyNames => f.write_str("too many links"),
            Self::DifferentFileSystem => f.write_str("on different file systems"),
            Self::InvalidName => f.write_str("invalid name"),
            Self::InvalidFlags { bits } => write!(f, "invalid flags {bits:#o}"),
            Self::Busy => f.write_str("busy"),
            Self::BadDescriptor { fd } => write!(f, "{fd} is not an open file"),
            Self::TooManyOpenFiles { limit } => write!(f, "more than {limit} open files"),
            Self::WrongKind => f.write_str("not possible with this kind of file"),
            Self::Stale => f.write_str("the file is gone"),
            Self::ReadOnly => f.write_str("read-only file system"),
            Self::NoDevice => f.write_str("no such device"),
            Self::NothingBehind => f.write_str("nothing stands behind this file"),
            Self::NotSupported => f.write_str("not supported"),
            Self::NoProcess => f.write_str("no such process"),
            Self::InvalidValue => f.write_str("invalid value"),
            Self::Running => f.write_str("a program is running from this file"),
        }
    }
}

impl core::error::Error for FileError {}

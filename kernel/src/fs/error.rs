//! Linux's numbers for what goes wrong with files.

use linux_abi::Errno;
use vfs_core::FileError;

/// The number that a program is told; errno(3).
#[must_use]
pub fn errno(error: FileError) -> Errno {
    match error {
        FileError::NotFound | FileError::Stale => Errno::ENOENT,
        FileError::NotADirectory => Errno::ENOTDIR,
        FileError::IsADirectory => Errno::EISDIR,
        FileError::AlreadyExists => Errno::EEXIST,
        FileError::NotEmpty => Errno::ENOTEMPTY,
        FileError::TooManyLinks => Errno::ELOOP,
        FileError::NameTooLong { .. } => Errno::ENAMETOOLONG,
        FileError::AccessDenied => Errno::EACCES,
        FileError::NotPermitted => Errno::EPERM,
        FileError::NoSpace => Errno::ENOSPC,
        FileError::OutOfMemory => Errno::ENOMEM,
        FileError::FileTooLarge { .. } => Errno::EFBIG,
        FileError::TooManyNames => Errno::EMLINK,
        FileError::DifferentFileSystem => Errno::EXDEV,
        FileError::InvalidName | FileError::InvalidFlags { .. } => Errno::EINVAL,
        FileError::Busy => Errno::EBUSY,
        FileError::BadDescriptor { .. } => Errno::EBADF,
        FileError::TooManyOpenFiles { .. } => Errno::EMFILE,
        FileError::WrongKind | FileError::NothingBehind => Errno::ENXIO,
        FileError::ReadOnly => Errno::EROFS,
        FileError::NoDevice => Errno::ENODEV,
        FileError::NotSupported => Errno::EOPNOTSUPP,
        FileError::NoProcess => Errno::ESRCH,
        FileError::InvalidValue => Errno::EINVAL,
        FileError::Running => Errno::ETXTBSY,
    }
}

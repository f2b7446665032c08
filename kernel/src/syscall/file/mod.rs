//! Files and descriptors.

mod descriptors;
mod metadata;
mod names;
mod transfer;

use alloc::sync::Arc;

use linux_abi::Errno;
use vfs_core::{Fd, FileError};

use super::Caller;
use crate::fs::OpenFile;

pub(super) use descriptors::{close, dup, dup2, dup3, fadvise, fcntl, ioctl};
pub(super) use metadata::{access, faccessat, fstat, fstatat, lstat, stat};
pub(super) use names::{chdir, creat, getcwd, getdents, open, openat, readlink, readlinkat};
pub(super) use transfer::{pread, pwrite, read, readv, seek, sendfile, write, writev};

pub(super) fn errno(error: FileError) -> Errno {
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
        FileError::WrongKind => Errno::ENXIO,
    }
}

fn descriptor(number: i32) -> Result<Fd, Errno> {
    Fd::new(i64::from(number)).map_err(errno)
}

fn file(caller: &Caller<'_>, number: i32) -> Result<Arc<OpenFile>, Errno> {
    let fd = descriptor(number)?;
    Ok(Arc::clone(&caller.process.files.lock().get(fd).map_err(errno)?.file))
}

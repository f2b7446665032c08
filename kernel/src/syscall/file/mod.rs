//! Files and descriptors.

mod descriptors;
pub(super) mod memory;
mod metadata;
mod names;
mod pipes;
mod transfer;

use alloc::sync::Arc;

use linux_abi::Errno;
use vfs_core::Fd;

use super::Caller;
use crate::fs::OpenFile;
pub(super) use crate::fs::errno;

pub(super) use descriptors::insert;
pub(super) use descriptors::{close, dup, dup2, dup3, fadvise, fcntl, ioctl};
pub(super) use metadata::{access, faccessat, fstat, fstatat, lstat, stat};
pub(super) use names::{chdir, creat, getcwd, getdents, open, openat, readlink, readlinkat};
pub(super) use pipes::{pipe, pipe2};
pub(super) use transfer::with_signal;
pub(super) use transfer::{
    copy_file_range, pread, preadv, preadv2, pwrite, pwritev, pwritev2, read, readv, seek,
    sendfile, write, writev,
};

fn descriptor(number: i32) -> Result<Fd, Errno> {
    Fd::new(i64::from(number)).map_err(errno)
}

pub(super) fn file(caller: &Caller<'_>, number: i32) -> Result<Arc<OpenFile>, Errno> {
    let fd = descriptor(number)?;
    Ok(Arc::clone(&caller.process.files.lock().get(fd).map_err(errno)?.file))
}

//! Files and descriptors.

mod attributes;
mod descriptors;
mod locks;
mod make;
pub(super) mod memory;
mod memory_files;
mod metadata;
mod mounts;
mod names;
mod open;
mod pipes;
mod place;
mod remove;
mod size;
mod socket_names;
mod splice;
mod transfer;

use alloc::sync::Arc;

use linux_abi::Errno;
use vfs_core::Fd;

use super::{Answer, Caller};
use crate::fs::OpenFile;
pub(super) use crate::fs::errno;

pub(super) use attributes::{
    chmod, chown, fchmod, fchmodat, fchmodat2, fchown, fchownat, futimesat, lchown, utime,
    utimensat, utimes,
};
pub(super) use descriptors::insert;
pub(super) use descriptors::{close, close_range, dup, dup2, dup3, fadvise, fcntl, ioctl};
pub(super) use locks::flock;
pub(super) use make::{link, linkat, mkdir, mkdirat, mknod, mknodat, symlink, symlinkat};
pub(super) use memory_files::memfd_create;
pub(super) use metadata::{
    access, faccessat, faccessat2, fstat, fstatat, fstatfs, lstat, stat, statfs, statx,
};
pub(super) use mounts::{mount, umount};
pub(super) use names::{
    chdir, chroot, fchdir, fxattr, getcwd, getdents, getdents64, readlink, readlinkat, umask, xattr,
};
pub(super) use open::{creat, open, openat};
pub(super) use pipes::{pair, pipe, pipe2};
pub(super) use place::{at, program_file};
pub(super) use remove::{rename, renameat, renameat2, rmdir, unlink, unlinkat};
pub(super) use size::{
    fallocate, fsync, ftruncate, readahead, sync, sync_file_range, syncfs, truncate,
};
pub(super) use socket_names::{find_socket, make_socket};
pub(super) use splice::{splice, tee, vmsplice};
use transfer::move_between;
pub(super) use transfer::with_signal;
pub(super) use transfer::{
    copy_file_range, pread, preadv, preadv2, pwrite, pwritev, pwritev2, read, readv, seek,
    sendfile, write, writev,
};

fn descriptor(number: i32) -> Result<Fd, Errno> {
    Fd::new(i64::from(number)).map_err(errno)
}

pub(super) fn file(caller: &Caller<'_>, number: i32) -> Result<Arc<OpenFile>, Errno> {
    look_up(caller, descriptor(number)?)
}

fn look_up(caller: &Caller<'_>, fd: Fd) -> Result<Arc<OpenFile>, Errno> {
    Ok(Arc::clone(&caller.process.files.lock().get(fd).map_err(errno)?.file))
}

/// Carries out a call with the file of a descriptor: one that is made again and again, and is among those
/// that leave descriptors as they are.
pub(super) fn with_file(
    caller: &mut Caller<'_>,
    number: i32,
    call: impl FnOnce(&Caller<'_>, &Arc<OpenFile>) -> Answer,
) -> Answer {
    let fd = descriptor(number)?;
    let known = caller.known_files.take(fd);
    // Asked before the table is: what another thread has done to it since would not be seen.
    let is_kept = known.is_some() || caller.process.has_files_alone();
    let file = match known {
        Some(file) => file,
        None => look_up(caller, fd)?,
    };
    let answer = call(caller, &file);
    if is_kept {
        caller.known_files.keep(fd, file);
    }
    answer
}

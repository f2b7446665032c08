//! A file or directory of the root file system, opened.

use alloc::string::String;

use linux_abi::Errno;
use vfs_core::{FileKind, InodeId, Metadata};

use super::file::{File, Transfer};
use super::{errno, root, wall_time};
use crate::memory::is_short;

/// A regular file or a directory. It stays until this is dropped, whatever becomes of its name.
#[derive(Debug)]
pub struct TreeFile {
    inode: InodeId,
    kind: FileKind,
}

impl TreeFile {
    /// The file with this number, which the caller has retained.
    pub(super) fn new(inode: InodeId, kind: FileKind) -> Self {
        Self { inode, kind }
    }

    /// Its number.
    #[must_use]
    pub fn inode(&self) -> InodeId {
        self.inode
    }

    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.kind == FileKind::Directory
    }
}

impl File for TreeFile {
    fn transfer(&self) -> Transfer {
        Transfer::Positioned
    }

    fn read(&self, at: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        if self.is_directory() {
            return Err(Errno::EISDIR);
        }
        root().lock().read(self.inode, at, buffer).map_err(errno)
    }

    fn write(&self, at: u64, bytes: &[u8]) -> Result<usize, Errno> {
        if is_short() {
            return Err(Errno::ENOSPC);
        }
        root().lock().write(self.inode, at, bytes, wall_time()).map_err(errno)
    }

    fn append(&self, bytes: &[u8]) -> Result<(u64, usize), Errno> {
        if is_short() {
            return Err(Errno::ENOSPC);
        }
        root().lock().append(self.inode, bytes, wall_time()).map_err(errno)
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        root().lock().metadata(self.inode).map_err(errno)
    }

    fn describe(&self) -> String {
        let tree = root().lock();
        match tree.path_of(tree.root(), self.inode) {
            Ok(path) => String::from_utf8_lossy(&path).into_owned(),
            Err(_) => String::from("(deleted)"),
        }
    }
}

impl Drop for TreeFile {
    fn drop(&mut self) {
        let discarded = root().lock().release(self.inode);
        drop(discarded);
    }
}

//! A file or directory of the tree, opened.

use alloc::boxed::Box;
use alloc::string::String;

use linux_abi::Errno;
use vfs_core::{FileError, FileKind, Metadata, MountFlags};

use super::file::{File, Transfer};
use super::mapped::OpenForWriting;
use super::tree::{Held, Tree, tree};
use super::{errno, wall_time};
use crate::memory::is_short;

/// A regular file or a directory of a file system in memory.
#[derive(Debug)]
pub struct TreeFile {
    held: Held,
    kind: FileKind,
    /// Reading does not change when it was read last (`O_NOATIME`).
    is_read_silently: bool,
    /// What is shown for its name, if it has none in the tree.
    label: Option<Box<str>>,
    /// It keeps others from executing it.
    _changes: Option<OpenForWriting>,
}

impl TreeFile {
    /// The file that is held.
    pub(super) fn new(held: Held, kind: FileKind, is_read_silently: bool) -> Self {
        Self { held, kind, is_read_silently, label: None, _changes: None }
    }

    /// The same, as one that may be written.
    pub(super) fn changing(self, changes: Option<OpenForWriting>) -> Self {
        Self { _changes: changes, ..self }
    }

    /// The same, shown under this name.
    pub(super) fn labelled(self, label: Box<str>) -> Self {
        Self { label: Some(label), ..self }
    }

    /// What is shown for its name, if it has none in the tree.
    pub(super) fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.kind == FileKind::Directory
    }

    /// Changes it, whatever it was opened for.
    fn change<R>(
        &self,
        change: impl FnOnce(&mut Tree) -> Result<R, FileError>,
    ) -> Result<R, Errno> {
        if is_short() {
            return Err(Errno::ENOSPC);
        }
        change(&mut tree().lock()).map_err(errno)
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
        let place = self.held.place();
        let mut tree = tree().lock();
        let is_silent = self.is_read_silently
            || tree.flags_of(place).map_err(errno)?.has(MountFlags::READ_ONLY);
        let (fs, inode) = tree.memory_mut(place).map_err(errno)?;
        let count = fs.read(inode, at, buffer).map_err(errno)?;
        if !is_silent {
            fs.note_read(inode, wall_time());
        }
        Ok(count)
    }

    fn write(&self, at: u64, bytes: &[u8]) -> Result<usize, Errno> {
        self.change(|tree| {
            let (fs, inode) = tree.writable(self.held.place())?;
            fs.write(inode, at, bytes, wall_time())
        })
    }

    fn append(&self, bytes: &[u8]) -> Result<(u64, usize), Errno> {
        self.change(|tree| {
            let (fs, inode) = tree.writable(self.held.place())?;
            fs.append(inode, bytes, wall_time())
        })
    }

    fn seek(&self, from: u64, wants_data: bool) -> Result<u64, Errno> {
        if self.is_directory() {
            return Err(Errno::EINVAL);
        }
        let tree = tree().lock();
        let (fs, inode) = tree.memory(self.held.place()).map_err(errno)?;
        fs.seek(inode, from, wants_data).map_err(errno)?.ok_or(Errno::ENXIO)
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        self.held.metadata().map_err(errno)
    }

    fn held(&self) -> Option<&Held> {
        Some(&self.held)
    }

    fn describe(&self) -> String {
        self.label.as_deref().map_or_else(|| path_text(&self.held), String::from)
    }
}

/// A file that was opened with `O_PATH`: where it is, and nothing of what is in it.
#[derive(Debug)]
pub(super) struct PathFile(pub(super) Held);

impl File for PathFile {
    fn transfer(&self) -> Transfer {
        Transfer::Stream
    }

    fn read(&self, _at: u64, _buffer: &mut [u8]) -> Result<usize, Errno> {
        Err(Errno::EBADF)
    }

    fn write(&self, _at: u64, _bytes: &[u8]) -> Result<usize, Errno> {
        Err(Errno::EBADF)
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        self.0.metadata().map_err(errno)
    }

    fn ioctl(&self, _request: u32, _argument: u64) -> Result<u64, Errno> {
        Err(Errno::EBADF)
    }

    fn held(&self) -> Option<&Held> {
        Some(&self.0)
    }

    fn describe(&self) -> String {
        path_text(&self.0)
    }
}

/// Its path from the root of all, as it is now.
pub fn path_text(held: &Held) -> String {
    let tree = tree().lock();
    let path = tree.root().map(|root| tree.path_text(root, held.place()));
    String::from_utf8_lossy(&path.unwrap_or_default()).into_owned()
}

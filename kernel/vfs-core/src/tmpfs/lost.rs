//! Names that files have lost while somebody used them: what `/proc` shows of those, and where their last
//! notes go.

use alloc::boxed::Box;

use crate::tmpfs::TmpFs;
use crate::tmpfs::page::Page;
use crate::tmpfs::slab::InodeId;

/// A name that a file has lost.
pub(super) struct LostName {
    /// The directory that had it.
    directory: InodeId,
    /// The path from the file system's root, as it was then: directories above may be gone, too.
    path: Box<[u8]>,
}

impl LostName {
    /// The directory and the name in it.
    pub(super) fn entry(&self) -> Option<(InodeId, &[u8])> {
        Some((self.directory, self.path.rsplit(|byte| *byte == b'/').next()?))
    }
}

impl<P: Page> TmpFs<P> {
    /// Keeps the name that a file in use is about to lose. Without memory it is forgotten.
    pub(super) fn keep_name(&mut self, directory: InodeId, name: &[u8], file: InodeId) {
        if !self.inode(file).is_ok_and(|inode| inode.users > 0) {
            return;
        }
        let path = self.path_below(self.root, directory, name);
        if let Ok(path) = path
            && let Ok(inode) = self.inode_mut(file)
        {
            inode.lost_name = Some(LostName { directory, path: path.into_boxed_slice() });
        }
    }

    /// The path below `root` that a file had when it lost its last name.
    pub fn lost_path(&self, root: InodeId, file: InodeId) -> Option<&[u8]> {
        let path: &[u8] = &self.inode(file).ok()?.lost_name.as_ref()?.path;
        if root == self.root {
            return Some(path);
        }
        let rest = path.strip_prefix(&*self.path_of(self.root, root).ok()?)?;
        rest.starts_with(b"/").then_some(rest)
    }
}

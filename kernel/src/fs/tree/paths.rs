//! From a place to its path, and where links lead.

use alloc::vec::Vec;

use vfs_core::{FileError, FileTree, LinkTarget, PathBuilder};

use super::{Listed, Node, Place, Tree};
use crate::fs::proc;

impl Tree {
    /// Puts the name that a file has in its directory before a path, and answers the directory;
    /// across mounts.
    fn step_up(&self, at: Place, path: &mut PathBuilder) -> Result<Place, FileError> {
        let below = self.mounts.leave(at);
        let node = match below.node {
            Node::Memory(_) => {
                let (fs, inode) = self.memory(below)?;
                let (parent, name) = fs.name_of(inode).ok_or(FileError::NotFound)?;
                path.put_before(name)?;
                Node::Memory(parent)
            }
            Node::Proc(node) => {
                let named = node.with_name(|name| path.put_before(name));
                named.ok_or(FileError::NotFound)??;
                Node::Proc(node.parent())
            }
        };
        Ok(Place { mount: below.mount, node })
    }

    /// A file's absolute path as a process with this root sees it.
    ///
    /// # Errors
    /// [`FileError::NotFound`] if it is removed or not below the root.
    pub fn path_of(&self, root: Place, file: Place) -> Result<Vec<u8>, FileError> {
        let mut path = PathBuilder::new();
        let mut at = file;
        while at != root {
            at = self.step_up(at, &mut path)?;
        }
        path.finish()
    }

    /// As [`Self::path_of`], as `/proc` shows it: of what is removed the path that it had, with a word.
    #[must_use]
    pub fn path_text(&self, root: Place, file: Place) -> Vec<u8> {
        self.path_of(root, file).unwrap_or_else(|_| {
            let mut path = self.lost_path(root, file).unwrap_or_else(|| Vec::from(&b"/"[..]));
            path.extend_from_slice(b" (deleted)");
            path
        })
    }

    /// The path of a removed file as a process with this root saw it.
    fn lost_path(&self, root: Place, file: Place) -> Option<Vec<u8>> {
        let (fs, inode) = self.memory(file).ok()?;
        let top = Place { mount: file.mount, node: self.mounts.get(file.mount).ok()?.root };
        let from = if root.mount == file.mount { root } else { top };
        let mut path = match self.path_of(root, from).ok()? {
            path if path == b"/" => Vec::new(),
            path => path,
        };
        path.extend_from_slice(fs.lost_path(self.memory(from).ok()?.1, inode)?);
        Some(path)
    }

    /// Where a symbolic link leads, as readlink(2) shows it to a process with this root.
    ///
    /// # Errors
    /// [`FileError::WrongKind`] for any other file; those of its file system.
    pub fn read_link(&self, root: Place, link: Place) -> Result<Vec<u8>, FileError> {
        if let Node::Proc(node) = link.node {
            let target = proc::follow(node)?;
            return Ok(match (proc::link_text(node, &target), &target) {
                (Some(text), _) => text,
                (None, proc::Target::Place(place)) => self.path_text(root, *place),
                (None, _) => Vec::new(),
            });
        }
        match FileTree::link_target(self, &link)? {
            LinkTarget::Path(path) => Ok(path.to_vec()),
            LinkTarget::Node(node) => self.path_of(root, node),
        }
    }

    /// The mounts that a process with this root sees.
    ///
    /// # Errors
    /// [`FileError::OutOfMemory`].
    pub fn mounts_below(&self, root: Place) -> Result<Vec<Listed>, FileError> {
        let mut listed = Vec::new();
        for id in self.mounts.list()? {
            let mount = self.mounts.get(id)?;
            let at = Place { mount: id, node: mount.root };
            // What lies outside the root is not shown; the mount that the root is on is its `/`.
            let path = match self.path_of(root, at) {
                Ok(path) => path,
                Err(FileError::NotFound) if id == root.mount => Vec::from(&b"/"[..]),
                Err(_) => continue,
            };
            listed.try_reserve(1).map_err(|_| FileError::OutOfMemory)?;
            listed.push(Listed {
                id,
                parent: mount.on.map(|on| on.mount),
                source: mount.source.to_vec(),
                path,
                kind: self.system(id)?.kind,
                system: self.number_of(id)?,
                flags: mount.flags,
            });
        }
        Ok(listed)
    }
}

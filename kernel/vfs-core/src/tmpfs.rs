//! A file system in memory: the root, and what programs mount as tmpfs(5).
//!
//! [`TmpFs`] holds inodes in a slab (`slab.rs`); a directory is a sorted list of names
//! (`directory.rs`), a file's contents are pages over a borrowed range (`contents.rs`). Changes to
//! the tree stand in `tree.rs` and `rename.rs`, those to one file in `file.rs`. Everything that
//! takes memory is charged to a quota. Files that are in use are retained ([`TmpFs::retain`]); what
//! a removal frees is handed out as [`Discarded`], to be dropped without the lock.

mod contents;
mod directory;
mod file;
mod lost;
mod notes;
mod page;
mod rename;
mod seal;
mod slab;
mod tree;

pub use contents::FilePage;
pub use notes::Note;
pub use page::{HeapPage, PAGE_BYTES, Page};
pub use rename::RenameMode;
pub use seal::Seals;
pub use slab::InodeId;
pub use tree::{ListedEntry, NewNode};

use alloc::boxed::Box;

use crate::error::FileError;
use crate::events::FileEvents;
use crate::metadata::{DeviceNumber, FileKind, Metadata, Owner, WallTime};
use crate::walk::{FileTree, LinkTarget};
use contents::Contents;
use directory::Directory;
use lost::LostName;
use notes::Notes;
use slab::Slab;

/// What an inode costs, roughly, beside its contents.
const INODE_BYTES: u64 = 256;

/// What an inode is.
enum Node<P> {
    Regular(Contents<P>),
    Directory(Directory),
    SymbolicLink(Box<[u8]>),
    Device(FileKind, DeviceNumber),
    Fifo,
    Socket,
}

impl<P: Page> Node<P> {
    fn kind(&self) -> FileKind {
        match self {
            Self::Regular(_) => FileKind::Regular,
            Self::Directory(_) => FileKind::Directory,
            Self::SymbolicLink(_) => FileKind::SymbolicLink,
            Self::Device(kind, _) => *kind,
            Self::Fifo => FileKind::Fifo,
            Self::Socket => FileKind::Socket,
        }
    }

    fn charged_bytes(&self) -> u64 {
        INODE_BYTES
            + match self {
                Self::Regular(contents) => contents.allocated_bytes(),
                Self::Directory(directory) => directory.charged_bytes(),
                Self::SymbolicLink(target) => target.len() as u64,
                Self::Device(..) | Self::Fifo | Self::Socket => 0,
            }
    }
}

/// A file.
struct Inode<P> {
    node: Node<P>,
    permissions: u16,
    links: u32,
    owner: Owner,
    accessed: WallTime,
    modified: WallTime,
    changed: WallTime,
    /// Users other than names: open files, working directories.
    users: u32,
    /// The name that it was given last: in which directory, under which key.
    home: (InodeId, u64),
    /// It never had a name, and may be given one (O_TMPFILE).
    is_unnamed: bool,
    /// What can be done to it no more.
    seals: Seals,
    /// What it was called when it last lost a name while somebody used it.
    lost_name: Option<LostName>,
}

/// What was freed: drop it without holding the lock of the file system.
#[must_use = "this is to be dropped after the lock"]
pub struct Discarded<P>(#[expect(dead_code, reason = "held to be dropped")] Option<Inode<P>>);

/// How much of a quota is used.
#[derive(Clone, Copy)]
struct Quota {
    limit_bytes: u64,
    used_bytes: u64,
}

impl Quota {
    fn charge(&mut self, bytes: u64) -> Result<(), FileError> {
        let used = self.used_bytes.checked_add(bytes).ok_or(FileError::NoSpace)?;
        if used > self.limit_bytes {
            return Err(FileError::NoSpace);
        }
        self.used_bytes = used;
        Ok(())
    }

    fn refund(&mut self, bytes: u64) {
        self.used_bytes = self.used_bytes.saturating_sub(bytes);
    }
}

/// A file system in memory.
pub struct TmpFs<P> {
    inodes: Slab<Inode<P>>,
    root: InodeId,
    quota: Quota,
    notes: Notes,
}

impl<P: Page> TmpFs<P> {
    /// An empty file system, whose files and names may take `limit_bytes` of memory.
    ///
    /// # Errors
    /// [`FileError::OutOfMemory`], [`FileError::NoSpace`].
    pub fn new(limit_bytes: u64, now: WallTime) -> Result<Self, FileError> {
        let mut quota = Quota { limit_bytes, used_bytes: 0 };
        let mut inodes = Slab::new();
        let root = Inode {
            node: Node::Directory(Directory::new(InodeId::NONE)),
            permissions: 0o755,
            links: 2,
            owner: Owner::default(),
            accessed: now,
            modified: now,
            changed: now,
            users: 0,
            home: (InodeId::NONE, 0),
            is_unnamed: false,
            seals: Seals::SEAL,
            lost_name: None,
        };
        quota.charge(root.node.charged_bytes())?;
        let root = inodes.insert(root)?;
        let mut fs = Self { inodes, root, quota, notes: Notes::default() };
        fs.directory_mut(root)?.parent = root;
        Ok(fs)
    }

    /// The root directory.
    pub const fn root(&self) -> InodeId {
        self.root
    }

    /// How much memory its files and names take.
    pub const fn used_bytes(&self) -> u64 {
        self.quota.used_bytes
    }

    /// How much they may take.
    pub const fn limit_bytes(&self) -> u64 {
        self.quota.limit_bytes
    }

    /// How many files there are.
    pub const fn inodes(&self) -> usize {
        self.inodes.len()
    }

    fn inode(&self, id: InodeId) -> Result<&Inode<P>, FileError> {
        self.inodes.get(id).ok_or(FileError::Stale)
    }

    fn inode_mut(&mut self, id: InodeId) -> Result<&mut Inode<P>, FileError> {
        self.inodes.get_mut(id).ok_or(FileError::Stale)
    }

    fn directory(&self, id: InodeId) -> Result<&Directory, FileError> {
        match &self.inode(id)?.node {
            Node::Directory(directory) => Ok(directory),
            _ => Err(FileError::NotADirectory),
        }
    }

    fn directory_mut(&mut self, id: InodeId) -> Result<&mut Directory, FileError> {
        match &mut self.inode_mut(id)?.node {
            Node::Directory(directory) => Ok(directory),
            _ => Err(FileError::NotADirectory),
        }
    }

    /// What is known about a file.
    ///
    /// # Errors
    /// [`FileError::Stale`].
    pub fn metadata(&self, id: InodeId) -> Result<Metadata, FileError> {
        let inode = self.inode(id)?;
        let (size, device) = match &inode.node {
            Node::Regular(contents) => (contents.len(), None),
            Node::Directory(directory) => (directory.charged_bytes(), None),
            Node::SymbolicLink(target) => (target.len() as u64, None),
            Node::Device(_, number) => (0, Some(*number)),
            Node::Fifo | Node::Socket => (0, None),
        };
        let allocated_bytes = match &inode.node {
            Node::Regular(contents) => contents.page_bytes(),
            _ => 0,
        };
        Ok(Metadata {
            system: 0,
            inode: id.number(),
            kind: inode.node.kind(),
            permissions: inode.permissions,
            links: inode.links,
            owner: inode.owner,
            size,
            allocated_bytes,
            accessed: inode.accessed,
            modified: inode.modified,
            changed: inode.changed,
            device,
        })
    }

    /// Keeps a file, whatever becomes of its names: it is open, or someone's directory.
    ///
    /// # Errors
    /// [`FileError::Stale`].
    pub fn retain(&mut self, id: InodeId) -> Result<(), FileError> {
        let inode = self.inode_mut(id)?;
        inode.users = inode.users.saturating_add(1);
        Ok(())
    }

    /// Undoes one [`Self::retain`]; a file without names and users is gone.
    pub fn release(&mut self, id: InodeId) -> Discarded<P> {
        if let Ok(inode) = self.inode_mut(id) {
            inode.users = inode.users.saturating_sub(1);
        }
        self.discard_if_unused(id)
    }

    fn discard_if_unused(&mut self, id: InodeId) -> Discarded<P> {
        match self.inodes.get(id) {
            Some(inode) if inode.links == 0 && inode.users == 0 => {
                self.note_self(id, FileEvents::DELETE_SELF);
                let removed = self.inodes.remove(id);
                if let Some(inode) = &removed {
                    self.quota.refund(inode.node.charged_bytes());
                }
                Discarded(removed)
            }
            _ => Discarded(None),
        }
    }
}

impl<P: Page> FileTree for TmpFs<P> {
    type Node = InodeId;

    fn metadata(&self, node: &InodeId) -> Result<Metadata, FileError> {
        TmpFs::metadata(self, *node)
    }

    fn lookup(&self, directory: &InodeId, name: &[u8]) -> Result<Option<InodeId>, FileError> {
        Ok(self.directory(*directory)?.get(name))
    }

    fn parent(&self, directory: &InodeId) -> Result<InodeId, FileError> {
        let parent = self.directory(*directory)?.parent;
        // A removed directory may have outlived its parent.
        if self.inodes.get(parent).is_some() { Ok(parent) } else { Err(FileError::NotFound) }
    }

    fn link_target(&self, node: &InodeId) -> Result<LinkTarget<'_, InodeId>, FileError> {
        match &self.inode(*node)?.node {
            Node::SymbolicLink(target) => Ok(LinkTarget::Path(target)),
            _ => Err(FileError::WrongKind),
        }
    }
}

#[cfg(test)]
mod tests;

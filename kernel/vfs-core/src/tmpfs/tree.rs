//! Making, naming and removing files.

use alloc::vec::Vec;

use crate::access::{Access, Identity};
use crate::error::FileError;
use crate::events::FileEvents;
use crate::metadata::{DeviceNumber, FileKind, Metadata, Owner, PERMISSION_BITS, WallTime};
use crate::path::PathBuilder;
use crate::tmpfs::contents::Contents;
use crate::tmpfs::directory::{Directory, boxed, entry_bytes};
use crate::tmpfs::page::Page;
use crate::tmpfs::slab::InodeId;
use crate::tmpfs::{Discarded, Inode, Node, Seals, TmpFs};
use crate::walk::{NAME_MAX, PATH_MAX};

const SET_GID: u16 = 0o2000;
const STICKY: u16 = 0o1000;
const LINKS_MAX: u32 = 65_000;

/// A file that is to be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NewNode<'a> {
    /// A regular file with these contents, which are borrowed.
    Regular(&'static [u8]),
    /// An empty directory.
    Directory,
    /// A symbolic link to this path.
    SymbolicLink(&'a [u8]),
    /// A character device.
    CharacterDevice(DeviceNumber),
    /// A block device.
    BlockDevice(DeviceNumber),
    /// A named pipe.
    Fifo,
    /// A socket's name.
    Socket,
}

/// An entry of a directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListedEntry<'a> {
    /// Where the listing goes on after this entry (`d_off`).
    pub place: u64,
    /// Its name.
    pub name: &'a [u8],
    /// The file's number.
    pub inode: u64,
    /// The file's kind.
    pub kind: FileKind,
}

pub(super) fn check_name(name: &[u8]) -> Result<(), FileError> {
    if name.len() > NAME_MAX {
        return Err(FileError::NameTooLong { length: name.len() });
    }
    if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') || name.contains(&0) {
        return Err(FileError::InvalidName);
    }
    Ok(())
}

impl<P: Page> TmpFs<P> {
    /// Whether the caller may change a directory's entries, and the directory is still there.
    pub(super) fn check_directory(
        &self,
        directory: InodeId,
        caller: &Identity<'_>,
    ) -> Result<Metadata, FileError> {
        self.directory(directory)?;
        let metadata = self.metadata(directory)?;
        caller.check(&metadata, Access::WRITE.and(Access::EXECUTE))?;
        if metadata.links == 0 { Err(FileError::NotFound) } else { Ok(metadata) }
    }

    /// Whether the sticky bit lets the caller remove this file: only the file's or the
    /// directory's owner may.
    pub(super) fn check_sticky(
        &self,
        directory: &Metadata,
        file: InodeId,
        caller: &Identity<'_>,
    ) -> Result<(), FileError> {
        let is_bound = directory.permissions & STICKY != 0
            && caller.uid != directory.owner.uid
            && !caller.is_owner(&self.metadata(file)?);
        if is_bound { Err(FileError::NotPermitted) } else { Ok(()) }
    }

    pub(super) fn touch_directory(&mut self, directory: InodeId, now: WallTime) {
        if let Ok(inode) = self.inode_mut(directory) {
            inode.modified = now;
            inode.changed = now;
        }
    }

    /// Enters a name, charged to the quota.
    pub(super) fn add_entry(
        &mut self,
        directory: InodeId,
        name: &[u8],
        inode: InodeId,
    ) -> Result<(), FileError> {
        let cost = entry_bytes(name);
        self.quota.charge(cost)?;
        let added = self.directory_mut(directory)?.insert(name, inode);
        let key = added.inspect_err(|_| self.quota.refund(cost))?;
        self.set_home(inode, (directory, key));
        Ok(())
    }

    /// Notes which name a file was given last.
    pub(super) fn set_home(&mut self, file: InodeId, home: (InodeId, u64)) {
        if let Ok(inode) = self.inode_mut(file) {
            inode.home = home;
        }
    }

    pub(super) fn remove_entry(&mut self, directory: InodeId, name: &[u8]) {
        if let Ok(entries) = self.directory_mut(directory)
            && entries.remove(name).is_some()
        {
            self.quota.refund(entry_bytes(name));
        }
    }

    /// The file with this name in a directory.
    ///
    /// # Errors
    /// [`FileError::NotADirectory`], [`FileError::Stale`].
    pub fn find(&self, directory: InodeId, name: &[u8]) -> Result<Option<InodeId>, FileError> {
        Ok(self.directory(directory)?.get(name))
    }

    /// Makes a file. `permissions` are those asked for, less the process's umask.
    ///
    /// # Errors
    /// [`FileError::AlreadyExists`], [`FileError::AccessDenied`], [`FileError::NotADirectory`],
    /// [`FileError::InvalidName`], [`FileError::NameTooLong`], [`FileError::NoSpace`],
    /// [`FileError::OutOfMemory`].
    pub fn create(
        &mut self,
        directory: InodeId,
        name: &[u8],
        new: NewNode<'_>,
        permissions: u16,
        caller: &Identity<'_>,
        now: WallTime,
    ) -> Result<InodeId, FileError> {
        check_name(name)?;
        if self.directory(directory)?.get(name).is_some() {
            return Err(FileError::AlreadyExists);
        }
        let parent = self.check_directory(directory, caller)?;
        let node = build_node(new, directory)?;
        let is_directory = matches!(node, Node::Directory(_));
        if is_directory && parent.links >= LINKS_MAX {
            return Err(FileError::TooManyNames);
        }
        let links = if is_directory { 2 } else { 1 };
        let id = self.insert_inode(node, links, &parent, permissions, caller, now)?;
        if let Err(error) = self.add_entry(directory, name, id) {
            if let Some(inode) = self.inodes.remove(id) {
                self.quota.refund(inode.node.charged_bytes());
            }
            return Err(error);
        }
        if is_directory {
            self.inode_mut(directory)?.links += 1;
        }
        self.touch_directory(directory, now);
        self.note_entry(directory, name, id, FileEvents::CREATE);
        Ok(id)
    }

    /// Makes a regular file without a name in a directory, retained once: O_TMPFILE.
    /// `can_be_named` says whether [`Self::link`] may give it one.
    ///
    /// # Errors
    /// Those of [`Self::create`], but for the name's.
    pub fn create_unnamed(
        &mut self,
        directory: InodeId,
        permissions: u16,
        can_be_named: bool,
        caller: &Identity<'_>,
        now: WallTime,
    ) -> Result<InodeId, FileError> {
        let parent = self.check_directory(directory, caller)?;
        let node = Node::Regular(Contents::new(&[]));
        let id = self.insert_inode(node, 0, &parent, permissions, caller, now)?;
        let inode = self.inode_mut(id)?;
        inode.users = 1;
        inode.is_unnamed = can_be_named;
        self.keep_name(directory, alloc::format!("#{}", id.number()).as_bytes(), id);
        Ok(id)
    }

    /// Puts an inode into the slab, charged to the quota, with the owner and permissions of a new
    /// file in the directory `parent`.
    fn insert_inode(
        &mut self,
        node: Node<P>,
        links: u32,
        parent: &Metadata,
        permissions: u16,
        caller: &Identity<'_>,
        now: WallTime,
    ) -> Result<InodeId, FileError> {
        let mut permissions = permissions & PERMISSION_BITS;
        let mut owner = Owner { uid: caller.uid, gid: caller.gid };
        if parent.permissions & SET_GID != 0 {
            owner.gid = parent.owner.gid;
            let is_executed_as_group = permissions & (SET_GID | 0o010) == SET_GID | 0o010;
            if matches!(node, Node::Directory(_)) {
                permissions |= SET_GID;
            } else if is_executed_as_group && !caller.is_in_group(owner.gid) && !caller.owns_all {
                // Nobody makes programs that act for a group that is not its own.
                permissions &= !SET_GID;
            }
        }
        let inode = Inode {
            permissions: if matches!(node, Node::SymbolicLink(_)) { 0o777 } else { permissions },
            node,
            links,
            owner,
            accessed: now,
            modified: now,
            changed: now,
            users: 0,
            home: (InodeId::NONE, 0),
            is_unnamed: false,
            seals: Seals::SEAL,
            lost_name: None,
        };
        let cost = inode.node.charged_bytes();
        self.quota.charge(cost)?;
        self.inodes.insert(inode).inspect_err(|_| self.quota.refund(cost))
    }

    /// Gives a file a further name: link(2).
    ///
    /// # Errors
    /// [`FileError::NotPermitted`] for a directory, [`FileError::TooManyNames`],
    /// [`FileError::NotFound`] for a file that has lost its last name, and those of
    /// [`Self::create`].
    pub fn link(
        &mut self,
        directory: InodeId,
        name: &[u8],
        file: InodeId,
        caller: &Identity<'_>,
        now: WallTime,
    ) -> Result<(), FileError> {
        check_name(name)?;
        if self.directory(directory)?.get(name).is_some() {
            return Err(FileError::AlreadyExists);
        }
        self.check_directory(directory, caller)?;
        let is_unnamed = self.inode(file)?.is_unnamed;
        let metadata = self.metadata(file)?;
        match metadata {
            Metadata { kind: FileKind::Directory, .. } => return Err(FileError::NotPermitted),
            Metadata { links: 0, .. } if !is_unnamed => return Err(FileError::NotFound),
            Metadata { links: LINKS_MAX.., .. } => return Err(FileError::TooManyNames),
            _ => {}
        }
        self.add_entry(directory, name, file)?;
        let inode = self.inode_mut(file)?;
        inode.links += 1;
        inode.changed = now;
        inode.is_unnamed = false;
        self.touch_directory(directory, now);
        self.note_self(file, FileEvents::ATTRIBUTES);
        self.note_entry(directory, name, file, FileEvents::CREATE);
        Ok(())
    }

    /// Removes a name of anything but a directory: unlink(2).
    ///
    /// # Errors
    /// [`FileError::NotFound`], [`FileError::IsADirectory`], [`FileError::AccessDenied`],
    /// [`FileError::NotPermitted`] by a sticky directory.
    pub fn unlink(
        &mut self,
        directory: InodeId,
        name: &[u8],
        caller: &Identity<'_>,
        now: WallTime,
    ) -> Result<Discarded<P>, FileError> {
        let file = self.directory(directory)?.get(name).ok_or(FileError::NotFound)?;
        let parent = self.check_directory(directory, caller)?;
        self.check_sticky(&parent, file, caller)?;
        if self.metadata(file)?.kind == FileKind::Directory {
            return Err(FileError::IsADirectory);
        }
        self.keep_name(directory, name, file);
        self.remove_entry(directory, name);
        self.touch_directory(directory, now);
        let discarded = self.drop_link(file, now);
        self.note_entry(directory, name, file, FileEvents::DELETE);
        Ok(discarded)
    }

    /// Removes an empty directory: rmdir(2).
    ///
    /// # Errors
    /// [`FileError::NotFound`], [`FileError::NotADirectory`], [`FileError::NotEmpty`],
    /// [`FileError::AccessDenied`], [`FileError::NotPermitted`] by a sticky directory.
    pub fn remove_directory(
        &mut self,
        directory: InodeId,
        name: &[u8],
        caller: &Identity<'_>,
        now: WallTime,
    ) -> Result<Discarded<P>, FileError> {
        let removed = self.directory(directory)?.get(name).ok_or(FileError::NotFound)?;
        let parent = self.check_directory(directory, caller)?;
        self.check_sticky(&parent, removed, caller)?;
        if self.directory(removed)?.len() != 0 {
            return Err(FileError::NotEmpty);
        }
        self.keep_name(directory, name, removed);
        self.remove_entry(directory, name);
        self.touch_directory(directory, now);
        let discarded = self.drop_directory(removed, directory);
        let events = FileEvents::DELETE.and(FileEvents::DIRECTORY);
        self.note_entry(directory, name, removed, events);
        Ok(discarded)
    }

    /// A file has lost a name.
    pub(super) fn drop_link(&mut self, file: InodeId, now: WallTime) -> Discarded<P> {
        self.lose_link(file, now);
        self.discard_if_unused(file)
    }

    pub(super) fn lose_link(&mut self, file: InodeId, now: WallTime) {
        if let Ok(inode) = self.inode_mut(file) {
            inode.links = inode.links.saturating_sub(1);
            inode.changed = now;
        }
        self.note_self(file, FileEvents::ATTRIBUTES);
    }

    /// An empty directory has lost its name in its parent.
    pub(super) fn drop_directory(&mut self, removed: InodeId, parent: InodeId) -> Discarded<P> {
        if let Ok(inode) = self.inode_mut(parent) {
            inode.links = inode.links.saturating_sub(1);
        }
        if let Ok(inode) = self.inode_mut(removed) {
            inode.links = 0;
        }
        self.discard_if_unused(removed)
    }

    /// A directory's entries from a place on, `.` and `..` first; 0 is the start.
    ///
    /// # Errors
    /// [`FileError::NotADirectory`], [`FileError::Stale`].
    pub fn entries(
        &self,
        directory: InodeId,
        place: u64,
    ) -> Result<impl Iterator<Item = ListedEntry<'_>>, FileError> {
        let entries = self.directory(directory)?;
        let of = |place, name, inode: InodeId, kind| ListedEntry {
            place,
            name,
            inode: inode.number(),
            kind,
        };
        let dots = [(1, &b"."[..], directory), (2, &b".."[..], entries.parent)];
        let dots = dots
            .into_iter()
            .filter(move |(dot, _, _)| *dot > place)
            .map(move |(dot, name, inode)| of(dot, name, inode, FileKind::Directory));
        let names = entries.after(place).filter_map(move |(place, name, inode)| {
            Some(of(place, name, inode, self.inode(inode).ok()?.node.kind()))
        });
        Ok(dots.chain(names))
    }

    /// A file's name, the last that it was given, and the directory that has it; none if that
    /// name is gone, and for the root.
    pub fn name_of(&self, file: InodeId) -> Option<(InodeId, &[u8])> {
        let inode = self.inodes.get(file)?;
        let (home, key) = inode.home;
        Some((home, self.directory(home).ok()?.name_of(file, key)?))
    }

    /// A file's absolute path below `root`: getcwd(2).
    ///
    /// # Errors
    /// [`FileError::NotFound`] if it is removed or not below that root.
    pub fn path_of(&self, root: InodeId, file: InodeId) -> Result<Vec<u8>, FileError> {
        self.path_onto(root, file, PathBuilder::new())
    }

    /// The path of a name in a directory.
    pub(super) fn path_below(
        &self,
        root: InodeId,
        directory: InodeId,
        name: &[u8],
    ) -> Result<Vec<u8>, FileError> {
        let mut path = PathBuilder::new();
        path.put_before(name)?;
        self.path_onto(root, directory, path)
    }

    /// Puts the path of a file before another.
    fn path_onto(
        &self,
        root: InodeId,
        file: InodeId,
        mut path: PathBuilder,
    ) -> Result<Vec<u8>, FileError> {
        let mut at = file;
        while at != root {
            let (parent, name) = self.name_of(at).ok_or(FileError::NotFound)?;
            path.put_before(name)?;
            at = parent;
        }
        path.finish()
    }
}

fn build_node<P: Page>(new: NewNode<'_>, parent: InodeId) -> Result<Node<P>, FileError> {
    Ok(match new {
        NewNode::Regular(contents) => Node::Regular(Contents::new(contents)),
        NewNode::Directory => Node::Directory(Directory::new(parent)),
        NewNode::SymbolicLink(b"") => return Err(FileError::NotFound),
        NewNode::SymbolicLink(target) if target.len() >= PATH_MAX => {
            return Err(FileError::NameTooLong { length: target.len() });
        }
        NewNode::SymbolicLink(target) => Node::SymbolicLink(boxed(target)?),
        NewNode::CharacterDevice(number) => Node::Device(FileKind::CharacterDevice, number),
        NewNode::BlockDevice(number) => Node::Device(FileKind::BlockDevice, number),
        NewNode::Fifo => Node::Fifo,
        NewNode::Socket => Node::Socket,
    })
}

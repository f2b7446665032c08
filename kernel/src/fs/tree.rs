//! The tree of all files: the file systems that there are, and what is mounted where.
//!
//! A [`Place`] names a file in it; a [`Held`] keeps one, whatever becomes of its name, and is how
//! open files, working directories and roots refer to it. Everything is under one sleeping lock,
//! under which nothing is copied to programs and nothing large is freed.

mod lock;
mod noting;
mod paths;

use alloc::vec::Vec;

use vfs_core::{
    Discarded, FileError, FileTree, InodeId, LinkTarget, ListedEntry, Metadata, Mount, MountFlags,
    MountId, MountTable, TmpFs,
};

use super::inotify;
use super::mapped::FramePage;
use super::proc::{self, ProcNode};
use super::wall_time;

pub use lock::{Held, settle, top, tree};
pub(super) use lock::{install, leave_closed};

/// A file, as its file system calls it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Node {
    /// Of a file system in memory.
    Memory(InodeId),
    /// Of `/proc`.
    Proc(ProcNode),
}

/// A file, and the mount that it is reached through.
pub type Place = vfs_core::Place<Node>;

/// Which file system: an index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SystemId(usize);

/// What a file system is, as mount(2) calls it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SystemKind {
    /// Files in memory.
    Memory,
    /// Devices; in memory like all files.
    Devices,
    /// Terminals; in memory like all files.
    Terminals,
    /// Processes and the system.
    Proc,
    /// The kernel's objects.
    System,
    /// What a process may use.
    Groups,
}

impl SystemKind {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "tmpfs",
            Self::Devices => "devtmpfs",
            Self::Terminals => "devpts",
            Self::Proc => "proc",
            Self::System => "sysfs",
            Self::Groups => "cgroup2",
        }
    }

    /// The kind with this name that programs may mount.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        match name {
            b"tmpfs" | b"ramfs" => Some(Self::Memory),
            b"proc" => Some(Self::Proc),
            b"sysfs" => Some(Self::System),
            b"cgroup2" => Some(Self::Groups),
            _ => None,
        }
    }

    /// Linux's number for it in `statfs`.
    #[must_use]
    pub const fn magic(self) -> i64 {
        match self {
            Self::Memory | Self::Devices => 0x0102_1994,
            Self::Terminals => 0x1cd1,
            Self::Proc => 0x9fa0,
            Self::System => 0x6265_6572,
            Self::Groups => 0x6367_7270,
        }
    }
}

/// The number that programs know a file system by.
fn number(SystemId(index): SystemId) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1)
}

/// A file system.
struct System {
    kind: SystemKind,
    body: Body,
    /// How many mounts show it.
    mounts: u32,
}

enum Body {
    Memory(TmpFs<FramePage>),
    Proc,
}

/// What has become free: to be dropped without the lock.
#[must_use = "this is to be dropped after the lock"]
#[derive(Default)]
pub struct Released {
    _discarded: Vec<Discarded<FramePage>>,
    _systems: Vec<System>,
    _mounts: Vec<Mount<Node, SystemId>>,
}

/// How full a file system is.
#[derive(Clone, Copy, Debug)]
pub struct Fullness {
    /// Of which kind.
    pub kind: SystemKind,
    /// Its number.
    pub system: u32,
    /// The most that files may take; none where there is no limit.
    pub limit_bytes: u64,
    /// What they take.
    pub used_bytes: u64,
    /// How many there are.
    pub inodes: u64,
    /// How it is mounted.
    pub flags: MountFlags,
}

/// A mount as `/proc/mounts` shows it.
#[derive(Debug)]
pub struct Listed {
    /// Which.
    pub id: MountId,
    /// What it stands on.
    pub parent: Option<MountId>,
    /// What was given as its source.
    pub source: Vec<u8>,
    /// Where it is.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: SystemKind,
    /// Its file system's number.
    pub system: u32,
    /// How.
    pub flags: MountFlags,
}

/// All files.
pub struct Tree {
    mounts: MountTable<Node, SystemId>,
    systems: Vec<Option<System>>,
    /// Its file systems note what happens to files.
    is_noting: bool,
}

impl Tree {
    /// The root of all.
    ///
    /// # Errors
    /// Never, but for a fault of the tree's own.
    pub fn root(&self) -> Result<Place, FileError> {
        self.mounts.root()
    }

    fn system_id(&self, mount: MountId) -> Result<SystemId, FileError> {
        Ok(self.mounts.get(mount)?.system)
    }

    fn system(&self, mount: MountId) -> Result<&System, FileError> {
        let SystemId(index) = self.system_id(mount)?;
        self.systems.get(index).and_then(Option::as_ref).ok_or(FileError::Stale)
    }

    /// The number of the file system that a place is on (`st_dev`).
    fn number_of(&self, mount: MountId) -> Result<u32, FileError> {
        Ok(number(self.system_id(mount)?))
    }

    /// The file system in memory that a place is on, and the file there.
    ///
    /// # Errors
    /// [`FileError::WrongKind`] if it is on another kind; [`FileError::Stale`].
    pub fn memory(&self, place: Place) -> Result<(&TmpFs<FramePage>, InodeId), FileError> {
        let system = self.system(place.mount)?;
        match (&system.body, place.node) {
            (Body::Memory(fs), Node::Memory(inode)) => Ok((fs, inode)),
            _ => Err(FileError::WrongKind),
        }
    }

    /// As [`Self::memory`], for what changes nothing that a program could see as a change.
    pub fn memory_mut(
        &mut self,
        place: Place,
    ) -> Result<(&mut TmpFs<FramePage>, InodeId), FileError> {
        let SystemId(index) = self.system_id(place.mount)?;
        let system = self.systems.get_mut(index).and_then(Option::as_mut);
        match (&mut system.ok_or(FileError::Stale)?.body, place.node) {
            (Body::Memory(fs), Node::Memory(inode)) => Ok((fs, inode)),
            _ => Err(FileError::WrongKind),
        }
    }

    /// As [`Self::memory`], to be changed.
    ///
    /// # Errors
    /// Those, and [`FileError::ReadOnly`]; what can never be changed is
    /// [`FileError::NotPermitted`].
    pub fn writable(
        &mut self,
        place: Place,
    ) -> Result<(&mut TmpFs<FramePage>, InodeId), FileError> {
        self.check_writable(place)?;
        self.memory_mut(place).map_err(|error| match error {
            FileError::WrongKind => FileError::NotPermitted,
            other => other,
        })
    }

    /// As [`Self::writable`], for a directory that a file is to be made in. Where none can be made
    /// there is never such a name, as in Linux's `/proc`.
    ///
    /// # Errors
    /// Those, and [`FileError::NotFound`].
    pub fn fillable(
        &mut self,
        place: Place,
    ) -> Result<(&mut TmpFs<FramePage>, InodeId), FileError> {
        if let Node::Proc(_) = place.node {
            return Err(FileError::NotFound);
        }
        self.writable(place)
    }

    /// Whether files can be changed through this mount.
    ///
    /// # Errors
    /// [`FileError::ReadOnly`].
    pub fn check_writable(&self, place: Place) -> Result<(), FileError> {
        if self.flags_of(place)?.has(MountFlags::READ_ONLY) {
            return Err(FileError::ReadOnly);
        }
        Ok(())
    }

    /// How the mount of a place is mounted.
    ///
    /// # Errors
    /// [`FileError::Stale`].
    pub fn flags_of(&self, place: Place) -> Result<MountFlags, FileError> {
        Ok(self.mounts.get(place.mount)?.flags)
    }

    /// Whether two places are on one mount.
    ///
    /// # Errors
    /// [`FileError::DifferentFileSystem`] if not.
    pub fn check_same_mount(a: Place, b: Place) -> Result<(), FileError> {
        if a.mount == b.mount { Ok(()) } else { Err(FileError::DifferentFileSystem) }
    }

    /// Whether nothing is mounted on a name's file.
    ///
    /// # Errors
    /// [`FileError::Busy`] if something is.
    pub fn check_uncovered(&self, directory: Place, name: &[u8]) -> Result<(), FileError> {
        let Ok((fs, inode)) = self.memory(directory) else { return Ok(()) };
        let Some(file) = fs.find(inode, name)? else { return Ok(()) };
        let place = Place { mount: directory.mount, node: Node::Memory(file) };
        if self.mounts.is_covered(place) { Err(FileError::Busy) } else { Ok(()) }
    }

    /// Keeps a file, whatever becomes of its names and mounts.
    ///
    /// # Errors
    /// [`FileError::Stale`].
    pub fn hold(&mut self, place: Place) -> Result<Held, FileError> {
        self.retain_node(place)?;
        self.hold_retained(place)
    }

    /// As [`Self::hold`], for a file that its file system keeps already in the caller's name.
    ///
    /// # Errors
    /// [`FileError::Stale`].
    pub fn hold_retained(&mut self, place: Place) -> Result<Held, FileError> {
        self.mounts.retain(place.mount)?;
        Ok(Held { place })
    }

    fn retain_node(&mut self, place: Place) -> Result<(), FileError> {
        if matches!(place.node, Node::Proc(_)) {
            return Ok(());
        }
        let (fs, inode) = self.memory_mut(place)?;
        fs.retain(inode)
    }

    fn release(&mut self, place: Place) -> Released {
        let mut released = Released::default();
        if let Ok((fs, inode)) = self.memory_mut(place) {
            released._discarded.extend([fs.release(inode)]);
        }
        if let Some(gone) = self.mounts.release(place.mount) {
            self.forget(gone, &mut released);
        }
        released
    }

    /// A mount is gone: with the last one that shows it, so is its file system.
    fn forget(&mut self, mount: Mount<Node, SystemId>, released: &mut Released) {
        if let Some(slot) = self.systems.get_mut(mount.system.0)
            && let Some(system) = slot
        {
            system.mounts = system.mounts.saturating_sub(1);
            if system.mounts == 0 {
                released._systems.extend(slot.take());
                if self.is_noting {
                    inotify::tell_unmounted(number(mount.system));
                }
            }
        }
        released._mounts.push(mount);
    }

    /// Mounts a new file system of this kind, with its root directory's permissions.
    ///
    /// # Errors
    /// [`FileError::NotADirectory`], [`FileError::OutOfMemory`], [`FileError::NoSpace`] for too
    /// many.
    pub fn mount_new(
        &mut self,
        kind: SystemKind,
        limit_bytes: u64,
        permissions: u16,
        on: Place,
        flags: MountFlags,
        source: &[u8],
    ) -> Result<Place, FileError> {
        let now = wall_time();
        let (body, root) = match kind {
            SystemKind::Memory | SystemKind::Devices | SystemKind::Terminals => {
                let mut fs = TmpFs::new(limit_bytes, now)?;
                fs.set_noting(self.is_noting);
                let root = fs.root();
                fs.set_permissions(root, permissions, &vfs_core::Identity::ROOT, now)?;
                (Body::Memory(fs), Node::Memory(root))
            }
            SystemKind::Proc => (Body::Proc, Node::Proc(ProcNode::Root)),
            SystemKind::System => {
                (Body::Proc, Node::Proc(ProcNode::Directory(proc::Directory::System)))
            }
            SystemKind::Groups => {
                (Body::Proc, Node::Proc(ProcNode::Directory(proc::Directory::Groups)))
            }
        };
        let system = System { kind, body, mounts: 0 };
        let index = match self.systems.iter().position(Option::is_none) {
            Some(free) => free,
            None => {
                self.systems.try_reserve(1).map_err(|_| FileError::OutOfMemory)?;
                self.systems.push(None);
                self.systems.len() - 1
            }
        };
        if let Some(slot) = self.systems.get_mut(index) {
            *slot = Some(system);
        }
        let mounted = self.mount_on(SystemId(index), root, on, flags, source);
        if mounted.is_err()
            && let Some(slot) = self.systems.get_mut(index)
        {
            *slot = None;
        }
        mounted
    }

    /// Shows a directory at a further place (`MS_BIND`).
    ///
    /// # Errors
    /// As [`Self::mount_new`].
    pub fn bind(&mut self, shown: Place, on: Place, source: &[u8]) -> Result<Place, FileError> {
        let mount = self.mounts.get(shown.mount)?;
        let (system, flags) = (mount.system, mount.flags);
        self.mount_on(system, shown.node, on, flags, source)
    }

    fn mount_on(
        &mut self,
        system: SystemId,
        root: Node,
        on: Place,
        flags: MountFlags,
        source: &[u8],
    ) -> Result<Place, FileError> {
        let mut copy = Vec::new();
        copy.try_reserve_exact(source.len()).map_err(|_| FileError::OutOfMemory)?;
        copy.extend_from_slice(source);
        let on = self.mounts.enter(on);
        let mount = self.mounts.add(system, root, on, flags, copy.into_boxed_slice())?;
        if let Some(Some(system)) = self.systems.get_mut(system.0) {
            system.mounts += 1;
        }
        Ok(Place { mount, node: root })
    }

    /// Changes how a mount is mounted (`MS_REMOUNT`).
    ///
    /// # Errors
    /// [`FileError::InvalidValue`] if nothing is mounted at the place.
    pub fn remount(&mut self, at: Place, flags: MountFlags) -> Result<(), FileError> {
        if !self.mounts.is_root(at) {
            return Err(FileError::InvalidValue);
        }
        self.mounts.get_mut(at.mount)?.flags = flags;
        Ok(())
    }

    /// Takes off what is mounted at a place.
    ///
    /// # Errors
    /// [`FileError::InvalidValue`] if nothing is; [`FileError::Busy`].
    pub fn unmount(&mut self, at: Place, even_in_use: bool) -> Result<Released, FileError> {
        if !self.mounts.is_root(at) {
            return Err(FileError::InvalidValue);
        }
        let mut gone = Vec::new();
        if even_in_use {
            self.mounts.detach(at.mount, |mount| gone.push(mount))?;
        } else {
            gone.extend(self.mounts.remove(at.mount)?);
        }
        let mut released = Released::default();
        for mount in gone {
            self.forget(mount, &mut released);
        }
        Ok(released)
    }

    /// How full the file system of a place is.
    ///
    /// # Errors
    /// [`FileError::Stale`].
    pub fn fullness(&self, place: Place) -> Result<Fullness, FileError> {
        let system = self.system(place.mount)?;
        let (limit_bytes, used_bytes, inodes) = match &system.body {
            Body::Memory(fs) => (fs.limit_bytes(), fs.used_bytes(), fs.inodes() as u64),
            Body::Proc => (0, 0, 0),
        };
        Ok(Fullness {
            kind: system.kind,
            system: self.number_of(place.mount)?,
            limit_bytes,
            used_bytes,
            inodes,
            flags: self.flags_of(place)?,
        })
    }
}

impl FileTree for Tree {
    type Node = Place;

    fn metadata(&self, place: &Place) -> Result<Metadata, FileError> {
        let mut metadata = match place.node {
            Node::Proc(node) => proc::metadata(node)?,
            Node::Memory(_) => {
                let (fs, inode) = self.memory(*place)?;
                fs.metadata(inode)?
            }
        };
        metadata.system = self.number_of(place.mount)?;
        Ok(metadata)
    }

    fn lookup(&self, directory: &Place, name: &[u8]) -> Result<Option<Place>, FileError> {
        let node = match directory.node {
            Node::Proc(node) => node.lookup(name)?.map(Node::Proc),
            Node::Memory(_) => {
                let (fs, inode) = self.memory(*directory)?;
                fs.find(inode, name)?.map(Node::Memory)
            }
        };
        Ok(node.map(|node| self.mounts.enter(Place { mount: directory.mount, node })))
    }

    fn parent(&self, directory: &Place) -> Result<Place, FileError> {
        let below = self.mounts.leave(*directory);
        let node = match below.node {
            Node::Proc(node) => Node::Proc(node.parent()),
            Node::Memory(_) => {
                let (fs, inode) = self.memory(below)?;
                Node::Memory(FileTree::parent(fs, &inode)?)
            }
        };
        Ok(self.mounts.enter(Place { mount: below.mount, node }))
    }

    fn link_target(&self, place: &Place) -> Result<LinkTarget<'_, Place>, FileError> {
        if let Node::Proc(node) = place.node {
            let at = |node| Place { mount: place.mount, node: Node::Proc(node) };
            return Ok(LinkTarget::Node(match proc::follow(node)? {
                proc::Target::Place(place) | proc::Target::Labelled(place, _) => place,
                proc::Target::Node(node) | proc::Target::Open(node, _) => at(node),
            }));
        }
        let (fs, inode) = self.memory(*place)?;
        match fs.link_target(&inode)? {
            LinkTarget::Path(path) => Ok(LinkTarget::Path(path)),
            LinkTarget::Node(node) => {
                Ok(LinkTarget::Node(Place { mount: place.mount, node: Node::Memory(node) }))
            }
        }
    }
}

/// Calls `visit` with a directory's entries from `from` on, until it refuses one; says whether it
/// did. `from` becomes where the next listing goes on.
///
/// # Errors
/// [`FileError::NotADirectory`], [`FileError::Stale`].
pub fn list(
    place: Place,
    from: &mut u64,
    visit: &mut dyn FnMut(&ListedEntry<'_>) -> bool,
) -> Result<bool, FileError> {
    if let Node::Proc(node) = place.node {
        return proc::entries(node, from, visit);
    }
    let tree = tree().lock();
    let (fs, inode) = tree.memory(place)?;
    for entry in fs.entries(inode, *from)? {
        if !visit(&entry) {
            return Ok(true);
        }
        *from = entry.place;
    }
    Ok(false)
}

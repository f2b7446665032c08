//! What programs expect to find mounted, made at boot: `/dev` with its devices and links, `/dev/pts`,
//! `/dev/shm`, `/tmp`, `/proc`, `/sys`.

use vfs_core::{DeviceKind, DeviceNumber, FileError, FileTree, Identity, MountFlags, NewNode};

use super::tree::{Held, Place, SystemKind, Tree, tree};
use super::{memory_files, memory_share, wall_time};

/// Memory for the names in `/dev`.
const DEVICES_BYTES: u64 = 1 << 20;
const ROOT: &Identity<'static> = &Identity::ROOT;

/// Mounts everything. The archive may have brought directories of these names; what is in them is
/// covered.
///
/// # Errors
/// When there is no memory for it, or the archive has something else under such a name.
pub(super) fn mount_all() -> Result<(), FileError> {
    let mut tree = tree().lock();
    let root = tree.root()?;
    let no_programs = MountFlags::from_bits(
        MountFlags::NO_SET_ID.bits()
            | MountFlags::NO_DEVICES.bits()
            | MountFlags::NO_EXECUTION.bits(),
    );
    let no_devices =
        MountFlags::from_bits(MountFlags::NO_SET_ID.bits() | MountFlags::NO_DEVICES.bits());
    let dev = directory(&mut tree, root, b"dev")?;
    let dev = tree.mount_new(
        SystemKind::Devices,
        DEVICES_BYTES,
        0o755,
        dev,
        MountFlags::NO_SET_ID,
        b"devtmpfs",
    )?;
    fill_devices(&mut tree, dev)?;
    let pts = directory(&mut tree, dev, b"pts")?;
    let kind = SystemKind::Terminals;
    tree.mount_new(kind, DEVICES_BYTES, 0o755, pts, MountFlags::NO_SET_ID, b"devpts")?;
    let shm = directory(&mut tree, dev, b"shm")?;
    tree.mount_new(SystemKind::Memory, memory_share(), 0o1777, shm, no_devices, b"tmpfs")?;
    let tmp = directory(&mut tree, root, b"tmp")?;
    let (fs, inode) = tree.memory(tmp)?;
    // What the archive brings is not covered.
    if fs.entries(inode, 2)?.next().is_none() {
        tree.mount_new(SystemKind::Memory, memory_share(), 0o1777, tmp, no_devices, b"tmpfs")?;
    }
    let proc = directory(&mut tree, root, b"proc")?;
    tree.mount_new(SystemKind::Proc, 0, 0o555, proc, no_programs, b"proc")?;
    let sys = directory(&mut tree, root, b"sys")?;
    let sys = tree.mount_new(SystemKind::System, 0, 0o555, sys, no_programs, b"sysfs")?;
    let mut groups = sys;
    for name in [b"fs".as_slice(), b"cgroup"] {
        groups = FileTree::lookup(&*tree, &groups, name)?.ok_or(FileError::NotFound)?;
    }
    tree.mount_new(SystemKind::Groups, 0, 0o555, groups, no_programs, b"cgroup2")?;
    memory_files::start(&mut tree)?;
    Ok(())
}

/// Where the names of terminals are.
fn terminals(tree: &Tree) -> Result<Place, FileError> {
    let root = tree.root()?;
    let dev = FileTree::lookup(tree, &root, b"dev")?.ok_or(FileError::NotFound)?;
    FileTree::lookup(tree, &dev, b"pts")?.ok_or(FileError::NotFound)
}

/// A terminal has come: its name below `/dev/pts`, which belongs to its opener.
///
/// # Errors
/// When there is no memory for it.
pub fn add_terminal(index: u32, major: u32, uid: u32) -> Result<(), FileError> {
    let name = alloc::format!("{index}");
    let node = NewNode::CharacterDevice(DeviceNumber { major, minor: index });
    let mut tree = tree().lock();
    let pts = terminals(&tree)?;
    let (fs, pts) = tree.memory_mut(pts)?;
    let owner = Identity { uid, ..Identity::ROOT };
    fs.create(pts, name.as_bytes(), node, 0o620, &owner, wall_time())?;
    Ok(())
}

/// The name of a terminal, held.
///
/// # Errors
/// [`FileError::NotFound`] if a program has removed it.
pub fn hold_terminal(index: u32) -> Result<Held, FileError> {
    let name = alloc::format!("{index}");
    let mut tree = tree().lock();
    let pts = terminals(&tree)?;
    let place = FileTree::lookup(&*tree, &pts, name.as_bytes())?.ok_or(FileError::NotFound)?;
    tree.hold(place)
}

/// A terminal is gone.
pub fn remove_terminal(index: u32) {
    let name = alloc::format!("{index}");
    let removed = {
        let mut tree = tree().lock();
        terminals(&tree).and_then(|pts| {
            let (fs, pts) = tree.memory_mut(pts)?;
            fs.unlink(pts, name.as_bytes(), ROOT, wall_time())
        })
    };
    // Dropped without the lock. A program may have removed the name already.
    drop(removed);
}

/// The directory with this name, made if need be.
fn directory(tree: &mut Tree, parent: Place, name: &[u8]) -> Result<Place, FileError> {
    if FileTree::lookup(tree, &parent, name)?.is_none() {
        let (fs, inode) = tree.memory_mut(parent)?;
        fs.create(inode, name, NewNode::Directory, 0o755, ROOT, wall_time())?;
    }
    FileTree::lookup(tree, &parent, name)?.ok_or(FileError::NotFound)
}

fn fill_devices(tree: &mut Tree, dev: Place) -> Result<(), FileError> {
    let now = wall_time();
    let (fs, dev) = tree.memory_mut(dev)?;
    for kind in DeviceKind::ALL {
        let permissions = if kind == DeviceKind::Console { 0o600 } else { 0o666 };
        let node = NewNode::CharacterDevice(kind.number());
        fs.create(dev, kind.name().as_bytes(), node, permissions, ROOT, now)?;
    }
    let links: [(&[u8], &[u8]); 4] = [
        (b"fd", b"/proc/self/fd"),
        (b"stdin", b"/proc/self/fd/0"),
        (b"stdout", b"/proc/self/fd/1"),
        (b"stderr", b"/proc/self/fd/2"),
    ];
    for (name, target) in links {
        fs.create(dev, name, NewNode::SymbolicLink(target), 0o777, ROOT, now)?;
    }
    Ok(())
}

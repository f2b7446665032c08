//! Files in memory that have no name anywhere: memfd_create(2).

use alloc::string::String;
use alloc::sync::Arc;

use ksync::Once;
use linux_abi::Errno;
use linux_abi::file::{AccessMode, OpenFlags};
use vfs_core::{FileError, FileKind, Identity, MountFlags, Seals};

use super::tree::{Held, Node, Place, SystemKind, Tree, tree};
use super::tree_file::TreeFile;
use super::{OpenFile, errno, memory_share, wall_time};
use crate::memory::is_short;

/// The root of the file system that such files are on, which is mounted nowhere.
static ROOT: Once<Arc<Held>> = Once::new();

/// Makes the file system. Once, at boot.
pub(super) fn start(tree: &mut Tree) -> Result<(), FileError> {
    let top = tree.root()?;
    let share = memory_share();
    let flags = MountFlags::NO_SET_ID;
    let root = tree.mount_new(SystemKind::Memory, share, 0o700, top, flags, b"tmpfs")?;
    let held = tree.hold(root)?;
    // Who holds it keeps it when it has lost its place.
    let released = tree.unmount(root, true)?;
    drop(released);
    ROOT.call_once(|| Arc::new(held));
    Ok(())
}

/// A new file with this name, which is for who looks at it only.
///
/// # Errors
/// ENOSPC, ENOMEM.
pub fn make_memory_file(
    name: &str,
    permissions: u16,
    seals: Seals,
    identity: &Identity<'_>,
) -> Result<OpenFile, Errno> {
    if is_short() {
        return Err(Errno::ENOMEM);
    }
    let root = ROOT.get().ok_or(Errno::ENOMEM)?.place();
    let made = {
        let mut tree = tree().lock();
        make(&mut tree, root, permissions, seals, identity)
    };
    let label = alloc::format!("/memfd:{name} (deleted)");
    let file = TreeFile::new(made.map_err(errno)?, FileKind::Regular, false);
    let file = alloc::boxed::Box::new(file.labelled(String::into_boxed_str(label)));
    Ok(OpenFile::new(file, AccessMode::ReadWrite, OpenFlags::LARGEFILE))
}

fn make(
    tree: &mut Tree,
    root: Place,
    permissions: u16,
    seals: Seals,
    identity: &Identity<'_>,
) -> Result<Held, FileError> {
    // The directory is nobody's to look into, only to make files in.
    let maker = Identity { overrides_permissions: true, ..*identity };
    let (fs, directory) = tree.writable(root)?;
    let made = fs.create_unnamed(directory, permissions, false, &maker, wall_time())?;
    fs.set_seals(made, seals)?;
    tree.hold_retained(Place { mount: root.mount, node: Node::Memory(made) })
}

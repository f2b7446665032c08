//! From a file of the tree to an open file.

use alloc::boxed::Box;
use alloc::sync::Arc;

use linux_abi::Errno;
use linux_abi::file::{AccessMode, OpenFlags};
use vfs_core::{DeviceKind, FileKind, Metadata, MountFlags};

use super::device_file::DeviceFile;
use super::file::File;
use super::mapped::{FileKey, OpenForWriting};
use super::proc::{self, ProcFile};
use super::tree::{Held, Node};
use super::tree_file::{PathFile, TreeFile};
use super::{OpenFile, errno, fifo};
use crate::terminal;

/// Opens what a file of the tree stands for. Who may do so has been checked.
///
/// # Errors
/// ENXIO when nothing stands behind it; EACCES for a device where devices do not count; ETXTBSY for a
/// program that runs.
pub fn open(
    held: Held,
    metadata: &Metadata,
    mount: MountFlags,
    root: &Held,
    access: AccessMode,
    flags: OpenFlags,
) -> Result<Arc<OpenFile>, Errno> {
    if flags.contains(OpenFlags::PATH) {
        let kept = [OpenFlags::PATH, OpenFlags::DIRECTORY, OpenFlags::NOFOLLOW];
        let kept = kept.into_iter().filter(|flag| flags.contains(*flag));
        let flags = kept.fold(OpenFlags::NONE, |all, flag| all | flag);
        let file = OpenFile::new(Box::new(PathFile(held)), AccessMode::ReadOnly, flags);
        return Ok(Arc::new(file));
    }
    // A descriptor's file that has no name is opened as it is.
    if let Node::Proc(node) = held.place().node
        && let Some(file) = proc::opened(node).map_err(errno)?
    {
        return Ok(file);
    }
    let proc_node = match held.place().node {
        Node::Proc(node) => Some(node),
        Node::Memory(_) => None,
    };
    let file: Box<dyn File> = match (metadata.kind, proc_node) {
        (FileKind::Regular, Some(node)) => Box::new(ProcFile::new(held, node, root.place())),
        (FileKind::Regular | FileKind::Directory, _) => {
            let is_read_silently = flags.contains(OpenFlags::NOATIME);
            let is_changed = metadata.kind == FileKind::Regular && access != AccessMode::ReadOnly;
            let changes = is_changed.then(|| OpenForWriting::new(FileKey::from(metadata)));
            let changes = changes.transpose().map_err(errno)?;
            Box::new(TreeFile::new(held, metadata.kind, is_read_silently).changing(changes))
        }
        (FileKind::CharacterDevice, _) if mount.has(MountFlags::NO_DEVICES) => {
            return Err(Errno::EACCES);
        }
        (FileKind::CharacterDevice, _) => {
            let number = metadata.device.ok_or(Errno::ENXIO)?;
            if terminal::is_terminal(number) {
                terminal::open(number, held, flags)?
            } else {
                let kind = DeviceKind::from_number(number).ok_or(Errno::ENXIO)?;
                Box::new(DeviceFile::new(kind, Some(held)))
            }
        }
        (FileKind::Fifo, _) => {
            return fifo::open(held, metadata, access, flags).map(Arc::new);
        }
        (FileKind::BlockDevice | FileKind::Socket, _) => return Err(Errno::ENXIO),
        (FileKind::SymbolicLink, _) => return Err(errno(vfs_core::FileError::TooManyLinks)),
    };
    Ok(Arc::new(OpenFile::new(file, access, flags | OpenFlags::LARGEFILE)))
}

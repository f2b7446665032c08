//! From a file of the tree to an open file.

use alloc::boxed::Box;

use linux_abi::Errno;
use linux_abi::file::{AccessMode, OpenFlags};
use vfs_core::{DeviceKind, FileKind, Metadata, MountFlags};

use super::device_file::DeviceFile;
use super::file::File;
use super::tree::Held;
use super::tree_file::{PathFile, TreeFile};
use super::{OpenFile, errno};

/// Opens what a file of the tree stands for. Who may do so has been checked.
///
/// # Errors
/// ENXIO when nothing stands behind it; EACCES for a device where devices do not count.
pub fn open(
    held: Held,
    metadata: &Metadata,
    mount: MountFlags,
    access: AccessMode,
    flags: OpenFlags,
) -> Result<OpenFile, Errno> {
    if flags.contains(OpenFlags::PATH) {
        let kept = [OpenFlags::PATH, OpenFlags::DIRECTORY, OpenFlags::NOFOLLOW];
        let kept = kept.into_iter().filter(|flag| flags.contains(*flag));
        let flags = kept.fold(OpenFlags::NONE, |all, flag| all | flag);
        return Ok(OpenFile::new(Box::new(PathFile(held)), AccessMode::ReadOnly, flags));
    }
    let file: Box<dyn File> = match metadata.kind {
        FileKind::Regular | FileKind::Directory => {
            let is_read_silently = flags.contains(OpenFlags::NOATIME);
            Box::new(TreeFile::new(held, metadata.kind, is_read_silently))
        }
        FileKind::CharacterDevice if mount.has(MountFlags::NO_DEVICES) => {
            return Err(Errno::EACCES);
        }
        FileKind::CharacterDevice => {
            let kind = metadata.device.and_then(DeviceKind::from_number);
            let kind = kind.filter(|kind| *kind != DeviceKind::Tty).ok_or(Errno::ENXIO)?;
            Box::new(DeviceFile::new(kind, Some(held)))
        }
        FileKind::BlockDevice | FileKind::Fifo | FileKind::Socket => return Err(Errno::ENXIO),
        FileKind::SymbolicLink => return Err(errno(vfs_core::FileError::TooManyLinks)),
    };
    Ok(OpenFile::new(file, access, flags | OpenFlags::LARGEFILE))
}

//! Devices, opened: those of `/dev` that are not terminals, and what stands for `/dev/null`.

use alloc::string::String;

use linux_abi::Errno;
use vfs_core::{DeviceKind, FileKind, InodeId, Metadata};

use super::file::{File, Transfer, nameless};
use super::{errno, root};
use crate::random;

/// A character device.
#[derive(Debug)]
pub struct DeviceFile {
    kind: DeviceKind,
    /// Its place in the file system; none for one that the kernel opened by itself.
    inode: Option<InodeId>,
}

impl DeviceFile {
    /// The device, found at `inode`, which the caller has retained.
    pub(super) fn new(kind: DeviceKind, inode: Option<InodeId>) -> Self {
        Self { kind, inode }
    }
}

impl File for DeviceFile {
    fn transfer(&self) -> Transfer {
        Transfer::Positioned
    }

    fn read(&self, _at: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        match self.kind {
            DeviceKind::Null | DeviceKind::Console | DeviceKind::Tty => return Ok(0),
            DeviceKind::Zero | DeviceKind::Full => buffer.fill(0),
            DeviceKind::Random | DeviceKind::Urandom => random::fill(buffer),
        }
        Ok(buffer.len())
    }

    fn write(&self, _at: u64, bytes: &[u8]) -> Result<usize, Errno> {
        match self.kind {
            DeviceKind::Full => return Err(Errno::ENOSPC),
            DeviceKind::Console => {
                let text = String::from_utf8_lossy(bytes);
                for line in text.lines() {
                    crate::info!("console: {line}");
                }
            }
            _ => {}
        }
        Ok(bytes.len())
    }

    fn size(&self) -> Result<u64, Errno> {
        Ok(0)
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        match self.inode {
            Some(inode) => root().lock().metadata(inode).map_err(errno),
            None => {
                let mut metadata = nameless(FileKind::CharacterDevice, 0o666, 0);
                metadata.device = Some(self.kind.number());
                Ok(metadata)
            }
        }
    }

    fn describe(&self) -> String {
        alloc::format!("/dev/{}", self.kind.name())
    }
}

impl Drop for DeviceFile {
    fn drop(&mut self) {
        if let Some(inode) = self.inode {
            let discarded = root().lock().release(inode);
            drop(discarded);
        }
    }
}

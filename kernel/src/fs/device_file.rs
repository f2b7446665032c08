//! Devices, opened: those of `/dev` that are not terminals, and what stands for `/dev/null`.

use alloc::string::String;

use linux_abi::Errno;
use vfs_core::{DeviceKind, FileKind, Metadata};

use super::errno;
use super::file::{File, Transfer, nameless};
use super::tree::Held;
use crate::random;

/// A character device.
#[derive(Debug)]
pub struct DeviceFile {
    kind: DeviceKind,
    /// Its file; none for one that the kernel opened by itself.
    held: Option<Held>,
}

impl DeviceFile {
    /// The device that this file stands for.
    pub(super) fn new(kind: DeviceKind, held: Option<Held>) -> Self {
        Self { kind, held }
    }
}

impl File for DeviceFile {
    fn knows_no_wait(&self) -> bool {
        true
    }

    fn transfer(&self) -> Transfer {
        Transfer::Positioned
    }

    fn is_position_used(&self) -> bool {
        false
    }

    fn read(&self, _at: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        match self.kind {
            DeviceKind::Null | DeviceKind::Console | DeviceKind::Tty | DeviceKind::Ptmx => {
                return Ok(0);
            }
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
        match &self.held {
            Some(held) => held.metadata().map_err(errno),
            None => {
                let mut metadata = nameless(FileKind::CharacterDevice, 0o666, 0);
                metadata.device = Some(self.kind.number());
                Ok(metadata)
            }
        }
    }

    fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    fn describe(&self) -> String {
        alloc::format!("/dev/{}", self.kind.name())
    }
}

//! A file of `/proc`, opened.

use alloc::string::String;
use alloc::vec::Vec;

use linux_abi::Errno;
use vfs_core::Metadata;

use super::names::ProcessFile;
use super::{ProcNode, group, process, system};
use crate::fs::file::{File, Transfer};
use crate::fs::tree::Held;
use crate::fs::{Place, errno};
use crate::sync::Mutex;

/// A file of `/proc`. What it says is made when it is read from its start, so that who reads it in
/// pieces reads one state.
#[derive(Debug)]
pub struct ProcFile {
    held: Held,
    node: ProcNode,
    /// The root that paths are shown from: the opener's.
    root: Place,
    contents: Mutex<Option<Vec<u8>>>,
}

impl ProcFile {
    /// The file that is held.
    pub(in crate::fs) fn new(held: Held, node: ProcNode, root: Place) -> Self {
        Self { held, node, root, contents: Mutex::new(None) }
    }

    fn make(&self) -> Result<Vec<u8>, Errno> {
        match self.node {
            ProcNode::System(file) => Ok(system::contents(file)),
            ProcNode::Group(file) => Ok(group::contents(file).into_bytes()),
            ProcNode::ProcessFile(pid, tid, file) => process::contents(pid, tid, file, self.root),
            ProcNode::DescriptorInfo(pid, fd) => process::descriptor_info(pid, fd),
            _ => Err(Errno::EINVAL),
        }
    }
}

impl File for ProcFile {
    fn transfer(&self) -> Transfer {
        Transfer::Positioned
    }

    fn read(&self, at: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        let fresh = if at == 0 { Some(self.make()?) } else { None };
        let mut contents = self.contents.lock();
        if fresh.is_some() || contents.is_none() {
            let made = match fresh {
                Some(made) => made,
                None => self.make()?,
            };
            *contents = Some(made);
        }
        let all = contents.as_deref().unwrap_or_default();
        let start = usize::try_from(at).unwrap_or(usize::MAX).min(all.len());
        let rest = &all[start..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write(&self, _at: u64, bytes: &[u8]) -> Result<usize, Errno> {
        match self.node {
            ProcNode::ProcessFile(pid, tid, ProcessFile::Comm) => {
                process::set_name(pid, tid, bytes)
            }
            _ => Err(Errno::EINVAL),
        }
    }

    fn size(&self) -> Result<u64, Errno> {
        Ok(0)
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        self.held.metadata().map_err(errno)
    }

    fn held(&self) -> Option<&Held> {
        Some(&self.held)
    }

    fn describe(&self) -> String {
        crate::fs::path_text(&self.held)
    }
}

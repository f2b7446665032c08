//! An open file: what read and write do with it, and where it stands.

use alloc::sync::Arc;

use vfs_core::{DeviceKind, FileError, FileKind, InodeId, Metadata};

use super::{root, wall_time};
use crate::memory::is_short;
use crate::process::Output;
use crate::random;
use crate::sync::Mutex;

/// An open file, which several descriptors may share.
#[derive(Debug)]
pub struct OpenFile {
    target: Target,
    can_read: bool,
    can_write: bool,
    appends: bool,
    /// Where the next read or write happens.
    offset: Mutex<u64>,
}

#[derive(Debug)]
enum Target {
    /// Output that is kept for the operator; nothing can be read from it.
    Output(Arc<Output>),
    /// A file of the root file system, or a device named there.
    File { inode: InodeId, kind: FileKind, device: Option<DeviceKind> },
    /// Empty, swallows everything.
    Null,
}

impl OpenFile {
    /// What a program's output is captured by.
    #[must_use]
    pub fn output(output: Arc<Output>) -> Self {
        Self::new(Target::Output(output), false, true, false)
    }

    /// As `/dev/null`.
    #[must_use]
    pub fn null() -> Self {
        Self::new(Target::Null, true, true, false)
    }

    /// A file of the root file system. It stays until this is dropped, whatever becomes of its name.
    ///
    /// # Errors
    /// When the file is gone, or is of a kind that cannot be opened.
    pub fn open(
        inode: InodeId,
        can_read: bool,
        can_write: bool,
        appends: bool,
    ) -> Result<Self, FileError> {
        let mut tree = root().lock();
        let metadata = tree.metadata(inode)?;
        let device = metadata.device.map(|number| {
            DeviceKind::from_number(number)
                .filter(|kind| *kind != DeviceKind::Tty)
                .ok_or(FileError::WrongKind)
        });
        let device = device.transpose()?;
        match metadata.kind {
            FileKind::Regular | FileKind::Directory | FileKind::CharacterDevice => {}
            _ => return Err(FileError::WrongKind),
        }
        tree.retain(inode)?;
        let target = Target::File { inode, kind: metadata.kind, device };
        Ok(Self::new(target, can_read, can_write, appends))
    }

    fn new(target: Target, can_read: bool, can_write: bool, appends: bool) -> Self {
        Self { target, can_read, can_write, appends, offset: Mutex::new(0) }
    }

    /// Whether it was opened for reading.
    #[must_use]
    pub fn can_read(&self) -> bool {
        self.can_read
    }

    /// Whether it was opened for writing.
    #[must_use]
    pub fn can_write(&self) -> bool {
        self.can_write
    }

    /// Whether writes go to the end.
    #[must_use]
    pub fn appends(&self) -> bool {
        self.appends
    }

    /// The file of the root file system, if it is a regular one.
    #[must_use]
    pub fn regular(&self) -> Option<InodeId> {
        match self.target {
            Target::File { inode, kind: FileKind::Regular, .. } => Some(inode),
            _ => None,
        }
    }

    /// The directory of the root file system, if it is one.
    #[must_use]
    pub fn directory(&self) -> Option<InodeId> {
        match self.target {
            Target::File { inode, kind: FileKind::Directory, .. } => Some(inode),
            _ => None,
        }
    }

    /// What is known about it; none for what has no file.
    #[must_use]
    pub fn metadata(&self) -> Option<Metadata> {
        match &self.target {
            Target::File { inode, .. } => root().lock().metadata(*inode).ok(),
            Target::Output(_) | Target::Null => None,
        }
    }

    /// Where it stands; the lock holds reads and writes off.
    pub fn offset(&self) -> crate::sync::MutexGuard<'_, u64> {
        self.offset.lock()
    }

    /// Reads from where it stands, or from `at`, which then leaves it there.
    ///
    /// # Errors
    /// The file system's; [`FileError::NotPermitted`] if it was not opened for reading.
    pub fn read(&self, at: Option<u64>, buffer: &mut [u8]) -> Result<usize, FileError> {
        if !self.can_read {
            return Err(FileError::NotPermitted);
        }
        match &self.target {
            Target::Null => Ok(0),
            Target::Output(_) => Err(FileError::NotPermitted),
            Target::File { device: Some(device), .. } => {
                match device {
                    DeviceKind::Null | DeviceKind::Console | DeviceKind::Tty => return Ok(0),
                    DeviceKind::Zero | DeviceKind::Full => buffer.fill(0),
                    DeviceKind::Random | DeviceKind::Urandom => random::fill(buffer),
                }
                Ok(buffer.len())
            }
            Target::File { inode, .. } => match at {
                Some(at) => root().lock().read(*inode, at, buffer),
                None => {
                    let mut offset = self.offset.lock();
                    let count = root().lock().read(*inode, *offset, buffer)?;
                    *offset += count as u64;
                    Ok(count)
                }
            },
        }
    }

    /// Writes where it stands, at the end if it appends, or at `at`.
    ///
    /// # Errors
    /// The file system's; [`FileError::NotPermitted`] if it was not opened for writing.
    pub fn write(&self, at: Option<u64>, bytes: &[u8]) -> Result<usize, FileError> {
        if !self.can_write {
            return Err(FileError::NotPermitted);
        }
        match &self.target {
            Target::Null => Ok(bytes.len()),
            Target::Output(output) => {
                output.write(bytes);
                Ok(bytes.len())
            }
            Target::File { device: Some(device), .. } => match device {
                DeviceKind::Full => Err(FileError::NoSpace),
                DeviceKind::Console => {
                    let text = alloc::string::String::from_utf8_lossy(bytes);
                    for line in text.lines() {
                        crate::info!("console: {line}");
                    }
                    Ok(bytes.len())
                }
                _ => Ok(bytes.len()),
            },
            Target::File { inode, .. } => {
                if is_short() {
                    return Err(FileError::NoSpace);
                }
                let mut offset = self.offset.lock();
                let mut tree = root().lock();
                if self.appends {
                    let (start, count) = tree.append(*inode, bytes, wall_time())?;
                    *offset = start + count as u64;
                    return Ok(count);
                }
                let count = tree.write(*inode, at.unwrap_or(*offset), bytes, wall_time())?;
                if at.is_none() {
                    *offset += count as u64;
                }
                Ok(count)
            }
        }
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        if let Target::File { inode, .. } = self.target {
            let discarded = root().lock().release(inode);
            drop(discarded);
        }
    }
}

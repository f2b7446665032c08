//! An open file: what it was opened for, its status flags, where it stands, and the [`File`] behind
//! it. Several descriptors may share it.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};

use hal::interrupts::SpinLock;
use linux_abi::Errno;
use linux_abi::file::{AccessMode, OpenFlags};
use vfs_core::{DeviceKind, FileEvents, Metadata};

use super::device_file::DeviceFile;
use super::epoll::EpollLinks;
use super::file::{File, Transfer, downcast};
use super::inotify::is_watching;
use super::output_file::OutputFile;
use super::record_locks::{LockOwner, unlock_closed, unlock_whole};
use super::tree::{Held, leave_closed, tree};
use super::tree_file::TreeFile;
use crate::levels;
use crate::process::{Output, OutputStream};
use crate::sync::{Mutex, MutexGuard};

/// An open file.
#[derive(Debug)]
pub struct OpenFile {
    file: Box<dyn File>,
    /// How bytes go in and out, which a file does not change: asked at each transfer.
    transfer: Transfer,
    /// Whether it matters where it stands.
    is_position_used: bool,
    access: AccessMode,
    /// `O_APPEND`, `O_NONBLOCK` and what else `F_GETFL` shows, as bits of [`OpenFlags`].
    status: AtomicU32,
    /// Where the next read or write happens; none for what has no position.
    offset: Option<Mutex<u64>>,
    /// Epolls that watch it.
    epolls: SpinLock<EpollLinks>,
}

impl OpenFile {
    /// Opens what lies behind `file`. Of the flags those are kept that are not about the opening.
    #[must_use]
    pub fn new(file: Box<dyn File>, access: AccessMode, flags: OpenFlags) -> Self {
        const OPENING: u32 = OpenFlags::CREAT.bits()
            | OpenFlags::EXCL.bits()
            | OpenFlags::NOCTTY.bits()
            | OpenFlags::TRUNC.bits()
            | OpenFlags::CLOEXEC.bits();
        let transfer = file.transfer();
        Self {
            transfer,
            is_position_used: file.is_position_used(),
            access,
            status: (flags.bits() & !OPENING).into(),
            offset: (transfer == Transfer::Positioned).then(|| Mutex::new(0)),
            epolls: SpinLock::new(levels::FILES, "epoll links", EpollLinks::default()),
            file,
        }
    }

    /// What a program's output is captured by.
    #[must_use]
    pub fn output(output: Arc<Output>, stream: OutputStream) -> Self {
        Self::new(Box::new(OutputFile::new(output, stream)), AccessMode::WriteOnly, OpenFlags::NONE)
    }

    /// As `/dev/null`.
    #[must_use]
    pub fn null() -> Self {
        let file = DeviceFile::new(DeviceKind::Null, None);
        Self::new(Box::new(file), AccessMode::ReadWrite, OpenFlags::NONE)
    }

    /// Epolls that watch it.
    pub(super) fn epolls(&self) -> &SpinLock<EpollLinks> {
        &self.epolls
    }

    /// What lies behind it.
    #[must_use]
    pub fn file(&self) -> &dyn File {
        &*self.file
    }

    /// What lies behind it, if it is a `T`.
    #[must_use]
    pub fn downcast<T: File>(&self) -> Option<&T> {
        downcast(self.file())
    }

    /// How bytes go in and out.
    #[must_use]
    pub fn transfer(&self) -> Transfer {
        self.transfer
    }

    /// Whether it was opened for reading.
    #[must_use]
    pub fn can_read(&self) -> bool {
        self.access != AccessMode::WriteOnly && !self.is_path_only()
    }

    /// Whether it was opened for writing.
    #[must_use]
    pub fn can_write(&self) -> bool {
        self.access != AccessMode::ReadOnly && !self.is_path_only()
    }

    /// Whether it stands for a place in the tree and nothing else (`O_PATH`).
    #[must_use]
    pub fn is_path_only(&self) -> bool {
        self.has(OpenFlags::PATH)
    }

    /// Whether writes go to the end.
    #[must_use]
    pub fn appends(&self) -> bool {
        self.has(OpenFlags::APPEND)
    }

    /// Whether nothing waits that would have to (`O_NONBLOCK`).
    #[must_use]
    pub fn is_nonblocking(&self) -> bool {
        self.has(OpenFlags::NONBLOCK)
    }

    fn has(&self, flag: OpenFlags) -> bool {
        // Relaxed, as all uses of the flags: nothing else depends on them.
        self.status.load(Ordering::Relaxed) & flag.bits() != 0
    }

    /// As `F_GETFL` shows it: access mode and flags.
    #[must_use]
    pub fn status(&self) -> u32 {
        let access = match self.access {
            AccessMode::ReadOnly => 0,
            AccessMode::WriteOnly => 1,
            AccessMode::ReadWrite => 2,
        };
        access | self.status.load(Ordering::Relaxed)
    }

    /// `F_SETFL`: of [`OpenFlags::SETTABLE`] these and no others.
    pub fn set_status(&self, flags: OpenFlags) {
        let settable = OpenFlags::SETTABLE.bits();
        let set = |old: u32| Some((old & !settable) | (flags.bits() & settable));
        // Always takes effect: the closure never refuses.
        let _ = self.status.fetch_update(Ordering::Relaxed, Ordering::Relaxed, set);
    }

    /// `FIONBIO`.
    pub fn set_nonblocking(&self, is_nonblocking: bool) {
        let bit = OpenFlags::NONBLOCK.bits();
        if is_nonblocking {
            self.status.fetch_or(bit, Ordering::Relaxed);
        } else {
            self.status.fetch_and(!bit, Ordering::Relaxed);
        }
    }

    /// The file of the tree, if it is a regular one in memory.
    #[must_use]
    pub fn regular(&self) -> Option<&Held> {
        self.downcast().filter(|file: &&TreeFile| !file.is_directory()).and_then(File::held)
    }

    /// The directory of the tree, if it is one in memory.
    #[must_use]
    pub fn directory(&self) -> Option<&Held> {
        self.downcast().filter(|file: &&TreeFile| file.is_directory()).and_then(File::held)
    }

    /// Its file in the tree, whatever it is; none for what has no name there.
    #[must_use]
    pub fn held(&self) -> Option<&Held> {
        self.file.held()
    }

    /// As the owner of locks: it stays where it is as long as it is open.
    #[must_use]
    pub fn lock_owner(&self) -> LockOwner {
        LockOwner::OpenFile(core::ptr::from_ref(self).addr())
    }

    /// What is known about it.
    ///
    /// # Errors
    /// When it is gone.
    pub fn metadata(&self) -> Result<Metadata, Errno> {
        self.file.metadata()
    }

    /// Whether it has a position that can be moved.
    #[must_use]
    pub fn has_position(&self) -> bool {
        self.offset.is_some()
    }

    /// Where it stands; the lock holds reads and writes off.
    ///
    /// # Errors
    /// ESPIPE if it has no position.
    pub fn offset(&self) -> Result<MutexGuard<'_, u64>, Errno> {
        Ok(self.offset.as_ref().ok_or(Errno::ESPIPE)?.lock())
    }

    /// Reads from where it stands, or from `at`, which then leaves it there. Never waits.
    ///
    /// # Errors
    /// The file's; EBADF if it was not opened for reading.
    #[inline]
    pub fn read(&self, at: Option<u64>, buffer: &mut [u8]) -> Result<usize, Errno> {
        if !self.can_read() {
            return Err(Errno::EBADF);
        }
        let count = match (&self.offset, at) {
            (_, Some(at)) => self.file.read(at, buffer)?,
            (None, None) => self.file.read(0, buffer)?,
            (Some(_), None) if !self.is_position_used => self.file.read(0, buffer)?,
            (Some(offset), None) => {
                let mut offset = offset.lock();
                let count = self.file.read(*offset, buffer)?;
                *offset = offset.saturating_add(count as u64);
                count
            }
        };
        if count > 0 {
            self.tell(FileEvents::ACCESS);
        }
        Ok(count)
    }

    /// Tells who watches the file in the tree, if it is one.
    pub fn tell(&self, events: FileEvents) {
        if is_watching()
            && !self.is_path_only()
            && let Some(held) = self.held()
        {
            tree().lock().note(held.place(), events);
        }
    }

    /// Writes where it stands, at the end if it appends, or at `at`. Never waits.
    ///
    /// # Errors
    /// The file's; EBADF if it was not opened for writing.
    #[inline]
    pub fn write(&self, at: Option<u64>, bytes: &[u8]) -> Result<usize, Errno> {
        if self.appends() { self.write_at_end(at, bytes) } else { self.write_in_place(at, bytes) }
    }

    /// As [`Self::write`], at the end in any case; where it stands only moves without an `at`.
    ///
    /// # Errors
    /// Those.
    pub fn write_at_end(&self, at: Option<u64>, bytes: &[u8]) -> Result<usize, Errno> {
        if !self.can_write() {
            return Err(Errno::EBADF);
        }
        let Some(offset) = self.offset.as_ref().filter(|_| self.is_position_used) else {
            return self.write_in_place(at, bytes);
        };
        let mut offset = offset.lock();
        let (start, count) = self.file.append(bytes)?;
        if at.is_none() {
            *offset = start.saturating_add(count as u64);
        }
        Ok(count)
    }

    /// As [`Self::write`], where it stands or at `at`, even if it was opened to append.
    ///
    /// # Errors
    /// Those.
    #[inline]
    pub fn write_in_place(&self, at: Option<u64>, bytes: &[u8]) -> Result<usize, Errno> {
        if !self.can_write() {
            return Err(Errno::EBADF);
        }
        let Some(offset) = self.offset.as_ref().filter(|_| self.is_position_used) else {
            let count = self.file.write(0, bytes)?;
            if count > 0 {
                self.tell(FileEvents::MODIFY);
            }
            return Ok(count);
        };
        if let Some(at) = at {
            return self.file.write(at, bytes);
        }
        let mut offset = offset.lock();
        let count = self.file.write(*offset, bytes)?;
        *offset = offset.saturating_add(count as u64);
        Ok(count)
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        if is_watching()
            && !self.is_path_only()
            && let Some(held) = self.file.held()
        {
            let is_writable = self.access != AccessMode::ReadOnly;
            let events =
                if is_writable { FileEvents::CLOSE_WRITE } else { FileEvents::CLOSE_OTHER };
            leave_closed(held, events);
        }
        let links = core::mem::take(self.epolls.get_mut());
        links.close(self);
        unlock_closed(self, self.lock_owner());
        // Its file is gone with its locks, if it is gone.
        let _ = unlock_whole(self);
    }
}

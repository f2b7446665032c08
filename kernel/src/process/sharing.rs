//! What processes can share, and how long it lasts: memory ([`SpaceOwner`]), descriptors
//! ([`FileTable`]). clone(2): VM, FILES.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use hal::interrupts::{SpinGuard, SpinLock};
use ksync::Once;
use process_core::ProcessError;
use vfs_core::DescriptorTable;

use super::OUT_OF_MEMORY;
use crate::fs::OpenFile;
use crate::levels;
use crate::memory::UserSpace;

/// An address space as the processes that run in it hold it: with the last of them its memory is
/// freed, whoever else still looks at its figures.
#[derive(Debug)]
pub(super) struct SpaceOwner(Arc<UserSpace>);

impl SpaceOwner {
    pub(super) fn new(space: UserSpace) -> Arc<Self> {
        Arc::new(Self(Arc::new(space)))
    }

    pub(super) fn space(&self) -> &Arc<UserSpace> {
        &self.0
    }
}

impl Drop for SpaceOwner {
    fn drop(&mut self) {
        self.0.retire();
    }
}

/// Tables that one process can have shared one after the other: `execve` makes a shared one its own.
const MOST_TABLES: usize = 32;

/// A process's descriptors, which other processes may share.
#[derive(Debug)]
pub struct FileTable {
    first: Use,
}

#[derive(Debug)]
struct Use {
    table: Arc<Descriptors>,
    /// This use has ended: the process has another table, or is gone.
    has_left: core::sync::atomic::AtomicBool,
    /// What is used instead. A chain, so that who looks needs no lock.
    next: Once<Box<Use>>,
}

#[derive(Debug)]
struct Descriptors {
    table: SpinLock<DescriptorTable<Arc<OpenFile>>>,
    /// Processes that use it; the last one closes the files.
    users: AtomicU32,
}

impl Use {
    fn of(table: DescriptorTable<Arc<OpenFile>>) -> Self {
        Self::more(Arc::new(Descriptors {
            table: SpinLock::new(levels::PROCESS, "files", table),
            users: AtomicU32::new(0),
        }))
    }

    fn more(table: Arc<Descriptors>) -> Self {
        // Relaxed: whoever adds a user is one, or made the table.
        table.users.fetch_add(1, Ordering::Relaxed);
        Self { table, has_left: false.into(), next: Once::new() }
    }

    /// Ends the use: closes the files if it was the last one. Not under a spin lock.
    fn leave(&self) {
        if self.has_left.swap(true, Ordering::AcqRel) {
            return;
        }
        // The last one sees what the others did.
        if self.table.users.fetch_sub(1, Ordering::AcqRel) == 1 {
            let files: Vec<_> = self.table.table.lock().take_all().collect();
            drop(files);
        }
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        self.leave();
    }
}

impl FileTable {
    /// A table of its own.
    pub(super) fn new(table: DescriptorTable<Arc<OpenFile>>) -> Self {
        Self { first: Use::of(table) }
    }

    fn current(&self) -> (&Use, usize) {
        let (mut current, mut depth) = (&self.first, 1);
        while let Some(next) = current.next.get() {
            (current, depth) = (next, depth + 1);
        }
        (current, depth)
    }

    /// The table, locked.
    pub fn lock(&self) -> SpinGuard<'_, DescriptorTable<Arc<OpenFile>>> {
        self.current().0.table.table.lock()
    }

    /// Whether no other process uses the table.
    pub(super) fn is_unshared(&self) -> bool {
        // Acquire: with the release of a use that ended; what its process did is seen.
        self.current().0.table.users.load(Ordering::Acquire) == 1
    }

    /// The same table for a further process.
    pub(super) fn share(&self) -> Self {
        Self { first: Use::more(Arc::clone(&self.current().0.table)) }
    }

    /// A copy for a further process.
    ///
    /// # Errors
    /// When memory is short.
    pub(super) fn copy(&self) -> Result<Self, ProcessError> {
        let copy = self.lock().try_clone().map_err(|_| OUT_OF_MEMORY)?;
        Ok(Self::new(copy))
    }

    /// Makes the table the process's own if another one shares it. By its only thread.
    ///
    /// # Errors
    /// When memory is short, or it has been done too often.
    pub(super) fn unshare(&self) -> Result<(), ProcessError> {
        let (current, depth) = self.current();
        if current.table.users.load(Ordering::Acquire) == 1 {
            return Ok(());
        }
        if depth >= MOST_TABLES {
            return Err(OUT_OF_MEMORY);
        }
        let copy = current.table.table.lock().try_clone().map_err(|_| OUT_OF_MEMORY)?;
        current.next.call_once(|| Box::new(Use::of(copy)));
        current.leave();
        Ok(())
    }

    /// The process is gone.
    pub(super) fn leave(&self) {
        self.current().0.leave();
    }
}

/// Gives a process descriptors of its own if others share them: `CLOSE_RANGE_UNSHARE`.
///
/// # Errors
/// When memory is short, or it has been done too often. [`ProcessError::PermissionDenied`] for a
/// process of several threads: they have one table, and one of them cannot have its own.
pub fn unshare_files(process: &super::Process) -> Result<(), ProcessError> {
    if process.threads.lock().list.len() > 1 {
        return Err(ProcessError::PermissionDenied { pid: process.pid });
    }
    process.files.unshare()
}

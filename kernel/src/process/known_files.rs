//! The files that a thread has used lately, found again without the lock of its process's descriptors.
//!
//! A lock disables interrupts and counts a reference up and down, which together cost more than all that
//! is left of a short read. So a thread that alone uses a table keeps the files of some descriptors with
//! it. Nobody else can change such a table, and the thread forgets all of them before it makes a call that
//! might ([`crate::syscall::handle`]): what is closed is not held open from here. Fast paths that count
//! nothing for an unshared table are Linux's `fdget`, too.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use vfs_core::Fd;

use super::Process;
use crate::fs::OpenFile;

/// Files that are kept; each descriptor has one place that it may be in.
const PLACES: usize = 4;

/// A thread's files.
#[derive(Debug, Default)]
pub struct KnownFiles {
    places: [Option<(Fd, Arc<OpenFile>)>; PLACES],
}

impl KnownFiles {
    /// Takes out what is kept for a descriptor, to be given back by [`keep`](Self::keep).
    pub fn take(&mut self, fd: Fd) -> Option<Arc<OpenFile>> {
        let (_, file) = self.place(fd)?.take_if(|(known, _)| *known == fd)?;
        Some(file)
    }

    /// Keeps a file: one that was taken out in the same call, or looked up in it when the process
    /// [had its files alone](Process::has_files_alone).
    pub fn keep(&mut self, fd: Fd, file: Arc<OpenFile>) {
        if let Some(place) = self.place(fd) {
            *place = Some((fd, file));
        }
    }

    /// Keeps nothing.
    pub fn forget(&mut self) {
        self.places = Default::default();
    }

    fn place(&mut self, fd: Fd) -> Option<&mut Option<(Fd, Arc<OpenFile>)>> {
        self.places.get_mut(fd.number() as usize % PLACES)
    }
}

impl Process {
    /// Whether its descriptors are used by one thread alone. When one of its threads is told so, it stays so
    /// until that thread makes another one, or a process that shares them.
    #[must_use]
    pub fn has_files_alone(&self) -> bool {
        // Relaxed: only its own only thread sets it.
        !self.had_threads.load(Ordering::Relaxed) && self.files.is_unshared()
    }
}

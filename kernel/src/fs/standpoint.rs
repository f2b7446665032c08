//! Where a process stands in the tree: its root, its working directory, its umask.

use alloc::sync::Arc;

use hal::interrupts::SpinLock;

use super::tree::{Held, top};
use crate::levels;

/// Rights that nobody else gets, unless a process says otherwise.
const USUAL_MASK: u16 = 0o022;

/// Where a process, or several that share it (`CLONE_FS`), stands.
#[derive(Debug)]
pub struct Standpoint(SpinLock<Inside>);

#[derive(Clone, Debug)]
struct Inside {
    root: Arc<Held>,
    directory: Arc<Held>,
    mask: u16,
}

impl Standpoint {
    /// At this directory, below the root of all.
    #[must_use]
    pub fn new(directory: Arc<Held>) -> Self {
        Self::of(Inside { root: top(), directory, mask: USUAL_MASK })
    }

    fn of(inside: Inside) -> Self {
        Self(SpinLock::new(levels::PROCESS, "standpoint", inside))
    }

    /// One of its own for a forked process.
    #[must_use]
    pub fn copy(&self) -> Self {
        let inside = self.0.lock().clone();
        Self::of(inside)
    }

    /// Above which nothing is reached.
    #[must_use]
    pub fn root(&self) -> Arc<Held> {
        Arc::clone(&self.0.lock().root)
    }

    /// Where relative paths start.
    #[must_use]
    pub fn directory(&self) -> Arc<Held> {
        Arc::clone(&self.0.lock().directory)
    }

    /// chdir(2).
    pub fn set_directory(&self, directory: Arc<Held>) {
        let old = core::mem::replace(&mut self.0.lock().directory, directory);
        // Dropped without the lock, as below.
        drop(old);
    }

    /// chroot(2).
    pub fn set_root(&self, root: Arc<Held>) {
        let old = core::mem::replace(&mut self.0.lock().root, root);
        drop(old);
    }

    /// The permissions that new files do not get.
    #[must_use]
    pub fn mask(&self) -> u16 {
        self.0.lock().mask
    }

    /// umask(2); answers the former one.
    pub fn set_mask(&self, mask: u16) -> u16 {
        core::mem::replace(&mut self.0.lock().mask, mask & 0o777)
    }
}

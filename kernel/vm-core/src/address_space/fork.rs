//! The map of a forked child: [`AddressSpace::fork`].

use super::area::{Area, OnFork};
use super::error::Error;
use super::map::AddressSpace;

/// What a child gets of an area's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForkedPages {
    /// The frames themselves, writing being forbidden to both until one of them writes.
    CopyOnWrite,
    /// The frames themselves; the child may as well fault them in from the file or object.
    Shared,
    /// None: it starts as zeros, or as the file is.
    Empty,
}

impl<F> Area<F> {
    /// What a child gets of the pages, for an area that is in the child's map.
    #[must_use]
    pub fn forked_pages(&self) -> ForkedPages {
        match self.on_fork {
            OnFork::Wipe | OnFork::Omit => ForkedPages::Empty,
            OnFork::Inherit if self.kind.is_shared() => ForkedPages::Shared,
            OnFork::Inherit => ForkedPages::CopyOnWrite,
        }
    }
}

impl<F: Clone + PartialEq> AddressSpace<F> {
    /// The map that a forked child starts with: all areas but those that `madvise` keeps from it. It takes
    /// memory only when one of the two changes, or where the child does not have all that its maker has.
    /// The kernel goes through its [`areas`](AddressSpace::areas) and does with the pages what
    /// [`Area::forked_pages`] says.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn fork(&self) -> Result<Self, Error> {
        let mut child = Self { tree: self.tree.share(), locks_future: false, ..*self };
        if self.areas().any(|area| area.on_fork == OnFork::Omit || area.is_locked) {
            child.drop_what_is_not_inherited()?;
        }
        child.peak_bytes = child.usage.total_bytes;
        Ok(child)
    }

    fn drop_what_is_not_inherited(&mut self) -> Result<(), Error> {
        self.reserve(0)?;
        let mut at = 0;
        while let Some(area) = self.tree.first_ending_after(at) {
            at = area.range.end();
            let start = area.range.start();
            if area.on_fork == OnFork::Omit {
                self.take(start);
            } else if area.is_locked
                && let Some(mut area) = self.take(start)
            {
                // Locks are not inherited: mlock(2). The node just taken out has room for it.
                area.is_locked = false;
                self.put(area);
            }
        }
        Ok(())
    }
}

//! How many pages address spaces have: each one counts its own, and several can be counted together
//! ([`PageGroup`]).

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};

/// The pages that several address spaces have together, each counted in every space that has it, and
/// how many they may have.
#[derive(Debug)]
pub struct PageGroup {
    pages: AtomicU64,
    peak_pages: AtomicU64,
    limit_pages: AtomicU64,
}

// Relaxed throughout: counts, which order nothing.
impl PageGroup {
    /// No pages, and so many allowed.
    #[must_use]
    pub const fn new(limit_pages: u64) -> Self {
        Self {
            pages: AtomicU64::new(0),
            peak_pages: AtomicU64::new(0),
            limit_pages: AtomicU64::new(limit_pages),
        }
    }

    /// Pages now.
    #[must_use]
    pub fn pages(&self) -> u64 {
        self.pages.load(Ordering::Relaxed)
    }

    /// The most there ever were.
    #[must_use]
    pub fn peak_pages(&self) -> u64 {
        self.peak_pages.load(Ordering::Relaxed)
    }

    /// How many more they may have. CPUs that ask at the same moment are told the same.
    #[must_use]
    pub fn room_pages(&self) -> u64 {
        self.limit_pages.load(Ordering::Relaxed).saturating_sub(self.pages())
    }

    /// Changes how many they may have; those that there are stay.
    pub fn set_limit(&self, pages: u64) {
        self.limit_pages.store(pages, Ordering::Relaxed);
    }

    fn add(&self, pages: u64) {
        let now = self.pages.fetch_add(pages, Ordering::Relaxed) + pages;
        self.peak_pages.fetch_max(now, Ordering::Relaxed);
    }

    fn sub(&self, pages: u64) {
        self.pages.fetch_sub(pages, Ordering::Relaxed);
    }
}

/// One space's count.
#[derive(Debug)]
pub(super) struct PageCount {
    own: AtomicU64,
    group: Option<Arc<PageGroup>>,
}

impl PageCount {
    pub(super) const fn new(group: Option<Arc<PageGroup>>) -> Self {
        Self { own: AtomicU64::new(0), group }
    }

    pub(super) fn group(&self) -> Option<&Arc<PageGroup>> {
        self.group.as_ref()
    }

    pub(super) fn get(&self) -> u64 {
        self.own.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, pages: u64) {
        self.own.fetch_add(pages, Ordering::Relaxed);
        if let Some(group) = &self.group {
            group.add(pages);
        }
    }

    pub(super) fn sub(&self, pages: u64) {
        self.own.fetch_sub(pages, Ordering::Relaxed);
        if let Some(group) = &self.group {
            group.sub(pages);
        }
    }

    /// There are none left.
    pub(super) fn clear(&self) {
        let left = self.own.swap(0, Ordering::Relaxed);
        if let Some(group) = &self.group {
            group.sub(left);
        }
    }
}

impl Drop for PageCount {
    fn drop(&mut self) {
        self.clear();
    }
}

//! The heap that `brk` moves the end of.

use alloc::vec::Vec;

use super::area::{Area, Kind, PAGE_BYTES, PageRange, Protection};
use super::map::AddressSpace;

/// What `brk` did.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the translations of what was removed have to be removed"]
pub struct Break<F> {
    /// The end of the heap now: what `brk` returns. The old one if the request was refused.
    pub end: u64,
    /// What is not mapped any more: its translations have to be removed and shot down.
    pub removed: Vec<Area<F>>,
}

impl<F: Clone + PartialEq> AddressSpace<F> {
    /// Sets where the heap starts, once, when a program is loaded. Rounded up to a page.
    pub fn set_heap_start(&mut self, address: u64) {
        let start = address.checked_next_multiple_of(PAGE_BYTES).unwrap_or(0);
        self.heap = (start, start);
    }

    /// Moves the end of the heap. As Linux's call, it can't fail: a request that can't be met, or
    /// below the heap's start (as 0, to ask where the end is), leaves the end where it is.
    pub fn set_break(&mut self, requested: u64) -> Break<F> {
        self.note_peak();
        let (start, end) = self.heap;
        if requested >= start
            && start != 0
            && let Some(removed) = self.move_break(end, requested)
        {
            self.heap.1 = requested;
            return Break { end: requested, removed };
        }
        Break { end, removed: Vec::new() }
    }

    fn move_break(&mut self, from: u64, to: u64) -> Option<Vec<Area<F>>> {
        let old = from.checked_next_multiple_of(PAGE_BYTES)?;
        let new = to.checked_next_multiple_of(PAGE_BYTES)?;
        if let Some(shrunk) = PageRange::new(new, old) {
            return self.unmap_range(shrunk).ok();
        }
        if let Some(range) = PageRange::new(old, new) {
            if !self.is_free(range) {
                return None;
            }
            let data = (&Kind::Heap, Protection::READ_WRITE);
            self.check_added(data, self.locks_future, range.bytes(), 0).ok()?;
            self.reserve(1).ok()?;
            self.add(Area {
                range,
                protection: Protection::READ_WRITE,
                max_protection: Protection::ALL,
                kind: Kind::Heap,
                on_fork: super::OnFork::Inherit,
                is_locked: self.locks_future,
            });
        }
        Some(Vec::new())
    }
}

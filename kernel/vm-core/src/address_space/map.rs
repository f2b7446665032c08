//! The map itself: [`AddressSpace`], mapping and unmapping.

use alloc::vec::Vec;
use core::fmt;

use super::area::{Area, Kind, PAGE_BYTES, PageRange, Protection, page_of};
use super::error::Error;
use super::layout::{Layout, Limits, WriteExecute};
use super::shared_tree::SharedTree;
use super::usage::{Usage, is_data};

/// The address-space map of one process. See the [module's page](super).
pub struct AddressSpace<F> {
    pub(super) tree: SharedTree<F>,
    pub(super) usage: Usage,
    /// The most that was mapped whenever less was about to be.
    pub(super) peak_bytes: u64,
    pub(super) layout: Layout,
    pub(super) limits: Limits,
    pub(super) write_execute: WriteExecute,
    /// Where the heap starts and where `brk` has moved its end to.
    pub(super) heap: (u64, u64),
    /// Whether new areas are locked from the start (`mlockall`).
    pub(super) locks_future: bool,
}

/// What to map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapRequest<F> {
    /// Bytes; rounded up to whole pages.
    pub length: u64,
    /// Where.
    pub placement: Placement,
    /// What the program may do.
    pub protection: Protection,
    /// The most that `protect` may allow later; [`Protection::ALL`] for private mappings.
    pub max_protection: Protection,
    /// What it is made of.
    pub kind: Kind<F>,
    /// Whether it is locked from the start (`MAP_LOCKED`); it is anyway if all that comes is.
    pub is_locked: bool,
}

/// Where a new area goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// The highest free place in [`Layout::small`] if it is small, else below [`Layout::mmap_top`]; anywhere
    /// above if there is none below.
    Anywhere,
    /// The highest free place in the first 2 GiB (`MAP_32BIT`).
    Low,
    /// In the page of this address if that is free, else anywhere.
    Hint(u64),
    /// Just here; what is there is replaced (`MAP_FIXED`).
    Fixed(u64),
    /// Just here, if it is free (`MAP_FIXED_NOREPLACE`).
    FixedNoReplace(u64),
}

/// What mapping did.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the translations of what was replaced have to be removed"]
pub struct Mapped<F> {
    /// Where the new area is. It may have been joined with its neighbours.
    pub range: PageRange,
    /// What was there before: its translations have to be removed and shot down.
    pub removed: Vec<Area<F>>,
}

impl<F: fmt::Debug> fmt::Debug for AddressSpace<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.areas()).finish()
    }
}

impl<F> AddressSpace<F> {
    /// An empty address space.
    #[must_use]
    pub fn new(layout: Layout, limits: Limits, write_execute: WriteExecute) -> Self {
        Self {
            tree: SharedTree::new(),
            usage: Usage::default(),
            peak_bytes: 0,
            layout,
            limits,
            write_execute,
            heap: (0, 0),
            locks_future: false,
        }
    }

    /// Where things may lie in it.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Takes all areas out, as a map of their own: what is left is empty.
    #[must_use]
    pub fn take_all(&mut self) -> Self {
        self.note_peak();
        let tree = core::mem::replace(&mut self.tree, SharedTree::new());
        let usage = core::mem::take(&mut self.usage);
        Self { tree, usage, ..*self }
    }

    /// Mapped bytes by kind.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The most bytes that were ever mapped.
    #[must_use]
    pub fn peak_bytes(&self) -> u64 {
        self.peak_bytes.max(self.usage.total_bytes)
    }

    /// Called before anything is taken away. What is moved is counted twice for a moment, which is not
    /// a peak; hence not whenever something is put in.
    pub(super) fn note_peak(&mut self) {
        self.peak_bytes = self.peak_bytes();
    }

    /// What the process may use at most.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Changes the limits for what comes.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// The area that holds an address.
    #[must_use]
    pub fn area_at(&self, address: u64) -> Option<&Area<F>> {
        self.tree.first_ending_after(address).filter(|area| area.range.contains(address))
    }

    /// All areas, the lowest first.
    pub fn areas(&self) -> impl Iterator<Item = &Area<F>> {
        self.areas_from(0)
    }

    /// The areas that reach into a range, the lowest first; they may reach out of it.
    pub fn areas_in(&self, range: PageRange) -> impl Iterator<Item = &Area<F>> {
        self.areas_from(range.start()).take_while(move |area| area.range.start() < range.end())
    }

    fn areas_from(&self, start: u64) -> impl Iterator<Item = &Area<F>> {
        let mut at = start;
        core::iter::from_fn(move || {
            let area = self.tree.first_ending_after(at)?;
            at = area.range.end();
            Some(area)
        })
    }

    /// Whether a range is free, the guard below a stack included.
    pub(super) fn is_free(&self, range: PageRange) -> bool {
        self.layout.user.encloses(range)
            && self
                .tree
                .first_ending_after(range.start())
                .is_none_or(|next| next.lower_bound() >= range.end())
    }

    /// A range of user space from what a program passed.
    pub(super) fn user_range(&self, start: u64, length: u64) -> Result<PageRange, Error> {
        if !start.is_multiple_of(PAGE_BYTES) {
            return Err(Error::Unaligned { value: start });
        }
        if length == 0 {
            return Err(Error::ZeroLength);
        }
        PageRange::with_length(start, length)
            .filter(|range| self.layout.user.encloses(*range))
            .ok_or(Error::OutsideUserSpace { start, length })
    }

    pub(super) fn find_gap(&self, bytes: u64) -> Result<PageRange, Error> {
        let Layout { user, mmap_top, small, .. } = self.layout;
        let small = (bytes <= Layout::SMALL_BYTES).then_some(small);
        let below = PageRange::new(user.start(), mmap_top);
        small
            .and_then(|small| self.tree.highest_gap(small, bytes))
            .or_else(|| self.tree.highest_gap(below?, bytes))
            .or_else(|| self.tree.highest_gap(user, bytes))
            .and_then(|start| PageRange::with_length(start, bytes))
            .ok_or(Error::NoSpace { bytes })
    }

    pub(super) fn check_protection(
        &self,
        asked: Protection,
        maximum: Protection,
    ) -> Result<(), Error> {
        if asked.is_write_execute() && self.write_execute == WriteExecute::Refused {
            return Err(Error::WriteExecute);
        }
        if !maximum.contains(asked) {
            return Err(Error::BeyondMaximum { asked, maximum });
        }
        Ok(())
    }

    /// Whether the limits allow an area of this kind with `added` bytes more than what stays after
    /// `removed` have gone. As on Linux, what goes counts whatever it was.
    pub(super) fn check_added(
        &self,
        (kind, protection): (&Kind<F>, Protection),
        is_locked: bool,
        added: u64,
        removed: u64,
    ) -> Result<(), Error> {
        self.check_total(added, removed)?;
        if is_data(kind, protection) {
            self.check_data(added, removed)?;
        }
        if is_locked { self.check_locked(added) } else { Ok(()) }
    }

    /// The same for what becomes data.
    pub(super) fn check_data(&self, added: u64, removed: u64) -> Result<(), Error> {
        let limit_bytes = self.limits.data_bytes;
        let total = self.usage.data_bytes.saturating_sub(removed).saturating_add(added);
        if added > removed && total > limit_bytes {
            return Err(Error::DataLimit { limit_bytes });
        }
        Ok(())
    }

    /// The same for what is locked.
    pub(super) fn check_locked(&self, added: u64) -> Result<(), Error> {
        let limit_bytes = self.limits.locked_bytes;
        let total = self.usage.locked_bytes.saturating_add(added);
        if added > 0 && total > limit_bytes {
            Err(Error::LockLimit { limit_bytes })
        } else {
            Ok(())
        }
    }

    /// Whether the limit allows `added` bytes more than what stays after `removed` have gone.
    pub(super) fn check_total(&self, added: u64, removed: u64) -> Result<(), Error> {
        let limit_bytes = self.limits.address_space_bytes;
        let total = self.usage.total_bytes.saturating_sub(removed).saturating_add(added);
        if total > limit_bytes { Err(Error::AddressSpaceLimit { limit_bytes }) } else { Ok(()) }
    }

    pub(super) fn mapped_bytes_in(&self, range: PageRange) -> u64 {
        self.areas_in(range)
            .filter_map(|area| area.range.intersection(range))
            .map(PageRange::bytes)
            .sum()
    }

    fn first_start_in(&self, range: PageRange) -> Option<u64> {
        self.areas_in(range).next().map(|area| area.range.start())
    }

    /// How many areas more there will be once a range is cut out.
    pub(super) fn splits(&self, range: PageRange) -> usize {
        let is_inside =
            |area: &Area<F>| area.range.start() < range.start() && range.end() < area.range.end();
        usize::from(self.area_at(range.start()).is_some_and(is_inside))
    }
}

impl<F: Clone + PartialEq> AddressSpace<F> {
    /// Makes room for `extra` areas more, in a tree that is the space's own. Before each change.
    pub(super) fn reserve(&mut self, extra: usize) -> Result<(), Error> {
        let limit = self.limits.areas;
        if extra > 0 && self.tree.len().saturating_add(extra) > limit {
            return Err(Error::TooManyAreas { limit });
        }
        Ok(self.tree.reserve(extra)?)
    }

    /// Maps a new area.
    ///
    /// # Errors
    /// If the request is malformed, the policy or a limit refuses it, or there is no room.
    pub fn map(&mut self, request: MapRequest<F>) -> Result<Mapped<F>, Error> {
        let MapRequest { length, placement, protection, max_protection, kind, is_locked } = request;
        let is_locked = is_locked || self.locks_future;
        if length == 0 {
            return Err(Error::ZeroLength);
        }
        self.note_peak();
        self.check_protection(protection, max_protection)?;
        check_offset(&kind, length)?;
        let range = self.place(placement, length)?;
        let replaced = self.mapped_bytes_in(range);
        self.check_added((&kind, protection), is_locked, range.bytes(), replaced)?;
        let mut removed = self.removal_list(range)?;
        self.reserve(1 + self.splits(range))?;
        self.carve(range, &mut removed);
        let on_fork = super::OnFork::Inherit;
        self.add(Area { range, protection, max_protection, kind, on_fork, is_locked });
        Ok(Mapped { range, removed })
    }

    /// Unmaps whatever is in a range, and returns it: its translations have to be removed and shot
    /// down.
    ///
    /// # Errors
    /// If the range is malformed, or there is no room for the pieces that stay.
    pub fn unmap(&mut self, address: u64, length: u64) -> Result<Vec<Area<F>>, Error> {
        self.note_peak();
        let range = self.user_range(address, length)?;
        self.unmap_range(range)
    }

    pub(super) fn unmap_range(&mut self, range: PageRange) -> Result<Vec<Area<F>>, Error> {
        let mut removed = self.removal_list(range)?;
        self.reserve(self.splits(range))?;
        self.carve(range, &mut removed);
        Ok(removed)
    }

    fn place(&self, placement: Placement, length: u64) -> Result<PageRange, Error> {
        match placement {
            Placement::Anywhere => {
                let too_long = Error::NoSpace { bytes: length };
                self.find_gap(length.checked_next_multiple_of(PAGE_BYTES).ok_or(too_long)?)
            }
            Placement::Low => {
                const END: u64 = 2 << 30;
                let no_space = Error::NoSpace { bytes: length };
                let bytes = length.checked_next_multiple_of(PAGE_BYTES).ok_or(no_space)?;
                PageRange::new(self.layout.user.start(), END)
                    .and_then(|low| self.tree.highest_gap(low, bytes))
                    .and_then(|start| PageRange::with_length(start, bytes))
                    .ok_or(no_space)
            }
            Placement::Hint(address) => match PageRange::with_length(page_of(address), length) {
                Some(range) if self.is_free(range) => Ok(range),
                _ => self.place(Placement::Anywhere, length),
            },
            Placement::Fixed(address) => self.user_range(address, length),
            Placement::FixedNoReplace(address) => {
                let range = self.user_range(address, length)?;
                match self.areas_in(range).next() {
                    Some(_) => Err(Error::Occupied { range }),
                    None => Ok(range),
                }
            }
        }
    }

    /// An empty list with room for all that is in a range, so that carving can't fail.
    pub(super) fn removal_list(&self, range: PageRange) -> Result<Vec<Area<F>>, Error> {
        let mut list = Vec::new();
        let count = self.areas_in(range).count();
        list.try_reserve_exact(count).map_err(|_| Error::OutOfMemory)?;
        Ok(list)
    }

    /// Takes everything in a range out of the map; what reaches out of it stays as pieces.
    pub(super) fn carve(&mut self, range: PageRange, removed: &mut Vec<Area<F>>) {
        while let Some(area) = self.first_start_in(range).and_then(|start| self.take(start)) {
            let before = PageRange::new(area.range.start(), range.start());
            let after = PageRange::new(range.end(), area.range.end());
            for outside in [before, after].into_iter().flatten() {
                if let Some(piece) = area.part(outside) {
                    self.put(piece);
                }
            }
            removed.extend(area.part(range));
        }
    }

    /// Puts an area in and joins it with its neighbours where they are alike.
    pub(super) fn add(&mut self, mut area: Area<F>) {
        let previous = self.tree.last_starting_before(area.range.start());
        if let Some(previous) = previous.filter(|previous| previous.continues_in(&area)) {
            let start = previous.range.start();
            if let Some(previous) = self.take(start) {
                area = joined(previous, &area);
            }
        }
        let next = self.tree.first_ending_after(area.range.end());
        if let Some(next) = next.filter(|next| area.continues_in(next)) {
            let start = next.range.start();
            if let Some(next) = self.take(start) {
                area = joined(area, &next);
            }
        }
        self.put(area);
    }

    /// Puts an area in as it is.
    pub(super) fn put(&mut self, area: Area<F>) {
        self.usage.add(&area);
        self.tree.insert(area);
    }

    pub(super) fn take(&mut self, start: u64) -> Option<Area<F>> {
        let area = self.tree.remove(start)?;
        self.usage.subtract(&area);
        Some(area)
    }
}

fn joined<F>(mut first: Area<F>, second: &Area<F>) -> Area<F> {
    if let Some(range) = PageRange::new(first.range.start(), second.range.end()) {
        first.range = range;
    }
    first
}

fn check_offset<F>(kind: &Kind<F>, length: u64) -> Result<(), Error> {
    let Some(backing) = kind.backing() else { return Ok(()) };
    let offset = backing.offset;
    if !offset.is_multiple_of(PAGE_BYTES) {
        return Err(Error::Unaligned { value: offset });
    }
    // Linux counts file pages in a signed 64-bit offset.
    match offset.checked_add(length) {
        Some(end) if i64::try_from(end).is_ok() => Ok(()),
        _ => Err(Error::OffsetOverflow { offset, length }),
    }
}

//! Changing what a program may do with pages it has: `mprotect`, locks, and `madvise`'s fork advice.

use alloc::vec::Vec;

use super::area::{Area, OnFork, PageRange, Protection};
use super::error::Error;
use super::map::AddressSpace;
use super::usage::is_data;

/// Pages whose protection changed. Translations that are there have to be changed where `after`
/// allows less than `before`, and shot down; where it allows more, the next fault finds out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reprotected {
    /// The pages.
    pub range: PageRange,
    /// What was allowed.
    pub before: Protection,
    /// What is allowed now.
    pub after: Protection,
}

impl Reprotected {
    /// Whether translations that are there now allow too much.
    #[must_use]
    pub fn has_lost_rights(self) -> bool {
        !self.after.contains(self.before)
    }
}

impl<F: Clone + PartialEq> AddressSpace<F> {
    /// Changes the protection of a range, and returns the parts where it is another than before.
    /// Areas are split, and joined again once they are alike.
    ///
    /// Unlike Linux, which stops at the first hole having changed what lies before it, this changes
    /// all or nothing.
    ///
    /// # Errors
    /// If the range is malformed or has a hole, or the policy, the file or a limit refuses it.
    pub fn protect(
        &mut self,
        address: u64,
        length: u64,
        protection: Protection,
    ) -> Result<Vec<Reprotected>, Error> {
        if length == 0 && address.is_multiple_of(super::PAGE_BYTES) {
            return Ok(Vec::new());
        }
        let range = self.mapped_range(address, length)?;
        let mut new_data = 0;
        for area in self.areas_in(range) {
            self.check_protection(protection, area.max_protection)?;
            if is_data(&area.kind, protection) && !is_data(&area.kind, area.protection) {
                new_data += area.range.intersection(range).map_or(0, PageRange::bytes);
            }
        }
        self.check_data(new_data, 0)?;
        let mut changes = Vec::new();
        let count = self.areas_in(range).count();
        changes.try_reserve_exact(count).map_err(|_| Error::OutOfMemory)?;
        self.modify(range, |area| {
            let before = core::mem::replace(&mut area.protection, protection);
            if before != protection {
                changes.push(Reprotected { range: area.range, before, after: protection });
            }
        })?;
        Ok(changes)
    }

    /// Says what a forked child gets of a range.
    ///
    /// # Errors
    /// If the range is malformed or has a hole, or a limit refuses the split.
    pub fn advise_fork(&mut self, address: u64, length: u64, on_fork: OnFork) -> Result<(), Error> {
        let range = self.mapped_range(address, length)?;
        self.modify(range, |area| area.on_fork = on_fork)
    }

    /// Locks a range or unlocks it: `mlock` and `munlock`.
    ///
    /// # Errors
    /// If the range is malformed or has a hole, or a limit refuses the split.
    pub fn set_locked(&mut self, address: u64, length: u64, is_locked: bool) -> Result<(), Error> {
        let range = self.mapped_range(address, length)?;
        if is_locked {
            self.check_lockable(range)?;
        }
        self.modify(range, |area| area.is_locked = is_locked)
    }

    /// Checks that the limit allows to lock what is mapped in a range.
    ///
    /// # Errors
    /// [`Error::LockLimit`].
    pub fn check_lockable(&self, range: PageRange) -> Result<(), Error> {
        let fresh = self.areas_in(range).filter(|area| !area.is_locked);
        let fresh = fresh.filter_map(|area| area.range.intersection(range));
        self.check_locked(fresh.map(PageRange::bytes).sum())
    }

    /// Whether new areas are locked from the start.
    #[must_use]
    pub fn locks_future(&self) -> bool {
        self.locks_future
    }

    /// Says whether new areas are locked from the start.
    pub fn set_locks_future(&mut self, locks_future: bool) {
        self.locks_future = locks_future;
    }

    /// Checks that a range is wholly mapped.
    ///
    /// # Errors
    /// If it is malformed or has a hole.
    pub fn mapped_range(&self, address: u64, length: u64) -> Result<PageRange, Error> {
        let range = self.user_range(address, length)?;
        let mut at = range.start();
        for area in self.areas_in(range) {
            if area.range.start() > at {
                break;
            }
            at = area.range.end();
        }
        if at < range.end() { Err(Error::NotMapped { address: at }) } else { Ok(range) }
    }

    /// Changes the areas of a range, which are cut at its ends, and joins what is then alike.
    fn modify(
        &mut self,
        range: PageRange,
        mut change: impl FnMut(&mut Area<F>),
    ) -> Result<(), Error> {
        let mut pieces = self.removal_list(range)?;
        let is_cut =
            |address: u64| self.area_at(address).is_some_and(|area| area.range.start() != address);
        let cuts = usize::from(is_cut(range.start())) + usize::from(is_cut(range.end()));
        self.reserve(cuts)?;
        self.carve(range, &mut pieces);
        for mut piece in pieces {
            change(&mut piece);
            self.add(piece);
        }
        Ok(())
    }
}

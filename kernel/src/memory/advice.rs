//! Calls about pages that are there or not: advice, filling in beforehand, locking, residency.

use alloc::vec::Vec;

use linux_abi::memory::Advice;
use vm_core::address_space::{
    Access, Area, Layout, OnFork, PAGE_BYTES, PageRange, Presence, Violation,
};

use super::object::Object;
use super::space::{Bounds, FaultError, UserSpace, bind};

/// Why advice was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdviceError {
    /// A part of the range is not mapped; the rest has been dealt with.
    Hole,
    /// An area is of a kind, or has rights, that the advice does not fit.
    Unsuitable,
    /// Nothing may be written there.
    Denied,
    /// The file has nothing there.
    BeyondFile,
    /// There is no memory for it.
    OutOfMemory,
    /// The process is to end.
    Interrupted,
}

impl UserSpace {
    /// Does what a program advises for a range; see madvise(2).
    ///
    /// # Errors
    /// See [`AdviceError`].
    pub fn advise(
        &self,
        range: PageRange,
        advice: Advice,
        is_to_end: impl Fn() -> bool,
    ) -> Result<(), AdviceError> {
        match advice {
            Advice::Hint => self.for_each_part(range, |_| Ok(())),
            Advice::DontNeed => self.for_each_part(range, |part| self.forget(part, |_| true)),
            // What may be taken away is taken away at once: it reads as zeros afterwards, which is
            // one of the two things that MADV_FREE allows.
            Advice::Free => self.for_each_part(range, |part| {
                self.forget(part, |area| area.kind.backing().is_none())
            }),
            Advice::Remove => self.for_each_part(range, |part| self.punch(part)),
            Advice::DontFork => self.advise_fork(range, OnFork::Omit),
            Advice::DoFork | Advice::KeepOnFork => self.advise_fork(range, OnFork::Inherit),
            Advice::WipeOnFork => {
                // All or nothing, as for the first area of another kind on Linux.
                self.for_each_part(range, |part| {
                    if part.kind.backing().is_some() {
                        Err(AdviceError::Unsuitable)
                    } else {
                        Ok(())
                    }
                })?;
                self.advise_fork(range, OnFork::Wipe)
            }
            Advice::PopulateRead => self.populate(range, Access::Read, is_to_end),
            Advice::PopulateWrite => self.populate(range, Access::Write, is_to_end),
        }
    }

    /// Calls `f` with the parts of a range that are mapped, under the lock.
    fn for_each_part(
        &self,
        range: PageRange,
        mut f: impl FnMut(&Area<Object>) -> Result<(), AdviceError>,
    ) -> Result<(), AdviceError> {
        let map = self.map_locked();
        let mut at = range.start();
        let mut has_hole = false;
        for area in map.areas_in(range) {
            has_hole |= area.range.start() > at;
            at = area.range.end();
            if let Some(part) = area.part(range) {
                f(&part)?;
            }
        }
        if has_hole || at < range.end() { Err(AdviceError::Hole) } else { Ok(()) }
    }

    fn forget(
        &self,
        part: &Area<Object>,
        fits: impl Fn(&Area<Object>) -> bool,
    ) -> Result<(), AdviceError> {
        if part.is_locked || !fits(part) {
            return Err(AdviceError::Unsuitable);
        }
        self.tables().unmap(part.range.start(), part.range.end());
        Ok(())
    }

    /// Takes a part of shared memory away from everybody.
    fn punch(&self, part: &Area<Object>) -> Result<(), AdviceError> {
        let backing = part.kind.backing().ok_or(AdviceError::Unsuitable)?;
        if part.is_locked {
            return Err(AdviceError::Unsuitable);
        }
        if !part.kind.is_shared() || !part.max_protection.allows(Access::Write) {
            return Err(AdviceError::Denied);
        }
        let first = backing.offset / PAGE_BYTES;
        match &backing.file {
            Object::Memory(memory) => {
                self.tables().unmap(part.range.start(), part.range.end());
                memory.discard(first, first.saturating_add(part.range.pages()));
                Ok(())
            }
            // Holes in files are fallocate's.
            Object::File(_) => Err(AdviceError::Unsuitable),
        }
    }

    fn advise_fork(&self, range: PageRange, on_fork: OnFork) -> Result<(), AdviceError> {
        let mut map = self.map_locked();
        let parts = parts_of(&map, range)?;
        for part in &parts {
            map.advise_fork(part.start(), part.bytes(), on_fork)
                .map_err(|_| AdviceError::OutOfMemory)?;
        }
        is_whole(&parts, range)
    }

    /// Locks a range, so that its pages stay. Pages of programs stay anyway: there is no swap. What
    /// locking means is that they are there, which is the caller's to see to by `populate`, and that
    /// the program cannot give them back by mistake.
    ///
    /// # Errors
    /// [`AdviceError::Hole`]; [`AdviceError::OutOfMemory`] also if nothing of it is locked because all
    /// of it would be too much.
    pub fn lock(&self, range: PageRange, bounds: Bounds) -> Result<(), AdviceError> {
        let mut map = self.map_locked();
        bind(&mut map, bounds);
        map.check_lockable(range).map_err(|_| AdviceError::OutOfMemory)?;
        set_locked(&mut map, range, true)
    }

    /// Unlocks a range.
    ///
    /// # Errors
    /// [`AdviceError::Hole`], [`AdviceError::OutOfMemory`].
    pub fn unlock(&self, range: PageRange) -> Result<(), AdviceError> {
        set_locked(&mut self.map_locked(), range, false)
    }

    /// Locks all that is mapped, or what will be, or both.
    ///
    /// # Errors
    /// [`AdviceError::OutOfMemory`], also if that would be too much.
    pub fn lock_all(
        &self,
        is_current: bool,
        is_future: bool,
        bounds: Bounds,
    ) -> Result<(), AdviceError> {
        let mut map = self.map_locked();
        bind(&mut map, bounds);
        if is_current {
            map.check_lockable(Layout::USER).map_err(|_| AdviceError::OutOfMemory)?;
            set_all_locked(&mut map, true)?;
        }
        map.set_locks_future(is_future);
        Ok(())
    }

    /// Unlocks all that is mapped, and what will be.
    ///
    /// # Errors
    /// [`AdviceError::OutOfMemory`].
    pub fn unlock_all(&self) -> Result<(), AdviceError> {
        let mut map = self.map_locked();
        map.set_locks_future(false);
        set_all_locked(&mut map, false)
    }

    /// Whether all areas of a range may be read.
    #[must_use]
    pub fn is_readable(&self, range: PageRange) -> bool {
        self.map_locked().areas_in(range).all(|area| area.protection.allows(Access::Read))
    }

    /// Gives the pages of a range frames, as if the program had touched them.
    ///
    /// # Errors
    /// What stops at the first page that cannot be had.
    pub fn populate(
        &self,
        range: PageRange,
        access: Access,
        is_to_end: impl Fn() -> bool,
    ) -> Result<(), AdviceError> {
        let mut page = range.start();
        while page < range.end() {
            if is_to_end() {
                return Err(AdviceError::Interrupted);
            }
            let presence = match self.tables().protection(page) {
                Some(rights) if access != Access::Write || rights.write => {
                    page += PAGE_BYTES;
                    continue;
                }
                Some(_) => Presence::Present,
                None => Presence::Absent,
            };
            match self.fault(page, access, presence) {
                Ok(()) => {}
                Err(FaultError::Violation(Violation::Unmapped | Violation::StackLimit)) => {
                    return Err(AdviceError::Hole);
                }
                Err(FaultError::Violation(Violation::Denied)) => {
                    return Err(AdviceError::Unsuitable);
                }
                Err(FaultError::BeyondFile | FaultError::NoRoom) => {
                    return Err(AdviceError::BeyondFile);
                }
                Err(
                    FaultError::LimitExceeded | FaultError::QuotaExceeded | FaultError::OutOfMemory,
                ) => {
                    return Err(AdviceError::OutOfMemory);
                }
            }
            page += PAGE_BYTES;
        }
        Ok(())
    }

    /// Fills in whatever may be touched in a range: for `MAP_POPULATE` and locks. As on Linux, what
    /// cannot be had is passed over.
    pub fn populate_all(&self, range: PageRange, is_to_end: impl Fn() -> bool) {
        let parts: Vec<_> = {
            let map = self.map_locked();
            let wanted = |area: &&Area<Object>| area.protection.allows(Access::Read);
            let part = |area: &Area<Object>| {
                // Private memory that will be written is copied at once.
                let is_written = area.protection.allows(Access::Write) && !area.kind.is_shared();
                let access = if is_written { Access::Write } else { Access::Read };
                Some((area.range.intersection(range)?, access))
            };
            let mut parts = Vec::new();
            for part in map.areas_in(range).filter(wanted).filter_map(part) {
                if parts.try_reserve(1).is_err() {
                    break;
                }
                parts.push(part);
            }
            parts
        };
        for (part, access) in parts {
            if self.populate(part, access, &is_to_end).is_err() {
                return;
            }
        }
    }

    /// Says for each page of a range whether touching it would need nothing from anywhere: it is
    /// mapped, or its file has it in memory.
    ///
    /// # Errors
    /// [`AdviceError::Hole`], [`AdviceError::OutOfMemory`].
    pub fn residency(&self, range: PageRange) -> Result<Vec<u8>, AdviceError> {
        let mut pages = Vec::new();
        let count = usize::try_from(range.pages()).map_err(|_| AdviceError::OutOfMemory)?;
        pages.try_reserve_exact(count).map_err(|_| AdviceError::OutOfMemory)?;
        self.for_each_part(range, |part| {
            let mut page = part.range.start();
            while page < part.range.end() {
                let is_mapped = self.tables().mapped_in(page, page + PAGE_BYTES) != 0;
                let has_page = || match part.kind.backing() {
                    None => false,
                    Some(backing) => part
                        .file_offset(page)
                        .is_some_and(|offset| backing.file.has_page(offset / PAGE_BYTES)),
                };
                pages.push(u8::from(is_mapped || has_page()));
                page += PAGE_BYTES;
            }
            Ok(())
        })?;
        Ok(pages)
    }
}

type Map = vm_core::address_space::AddressSpace<Object>;

/// The parts of a range that are mapped.
fn parts_of(map: &Map, range: PageRange) -> Result<Vec<PageRange>, AdviceError> {
    let mut parts = Vec::new();
    for part in map.areas_in(range).filter_map(|area| area.range.intersection(range)) {
        parts.try_reserve(1).map_err(|_| AdviceError::OutOfMemory)?;
        parts.push(part);
    }
    Ok(parts)
}

/// Locks or unlocks a range.
fn set_locked(map: &mut Map, range: PageRange, is_locked: bool) -> Result<(), AdviceError> {
    let parts = parts_of(map, range)?;
    // As on Linux, up to the first hole.
    let mut at = range.start();
    for part in &parts {
        if part.start() > at {
            break;
        }
        at = part.end();
        map.set_locked(part.start(), part.bytes(), is_locked)
            .map_err(|_| AdviceError::OutOfMemory)?;
    }
    if at < range.end() { Err(AdviceError::Hole) } else { Ok(()) }
}

fn set_all_locked(map: &mut Map, is_locked: bool) -> Result<(), AdviceError> {
    for part in parts_of(map, Layout::USER)? {
        map.set_locked(part.start(), part.bytes(), is_locked)
            .map_err(|_| AdviceError::OutOfMemory)?;
    }
    Ok(())
}

/// Whether the parts leave nothing out.
fn is_whole(parts: &[PageRange], range: PageRange) -> Result<(), AdviceError> {
    let mapped: u64 = parts.iter().map(|part| part.bytes()).sum();
    if mapped == range.bytes() { Ok(()) } else { Err(AdviceError::Hole) }
}

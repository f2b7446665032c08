//! `mremap`: shrinking, growing and moving what is mapped.

use alloc::vec::Vec;

use super::area::{Area, Kind, PageRange};
use super::error::Error;
use super::map::{AddressSpace, MapRequest, Mapped, Placement};

/// Where a mapping may be after it was resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemapPlacement {
    /// Where it is.
    InPlace,
    /// Where it is, or anywhere else if it can't grow there (`MREMAP_MAYMOVE`).
    MayMove,
    /// Just here; what is there is replaced (`MREMAP_FIXED`).
    Fixed(u64),
}

/// What resizing did.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "translations have to be moved and removed"]
pub struct Remapped<F> {
    /// Where the mapping is now.
    pub range: PageRange,
    /// The translations to move, after those of `removed` are gone.
    pub moved: Option<Moved>,
    /// What is not mapped any more: its translations have to be removed and shot down.
    pub removed: Vec<Area<F>>,
}

/// Pages that have another address now. Both ranges are of the same length and do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Where they were: to be shot down.
    pub from: PageRange,
    /// Where they are.
    pub to: PageRange,
}

impl<F: Clone + PartialEq> AddressSpace<F> {
    /// Resizes a mapping, and moves it if that is allowed and needed.
    ///
    /// # Errors
    /// If the ranges are malformed, the old one is not (or, to grow or move, not one area), or
    /// there is no room.
    pub fn remap(
        &mut self,
        address: u64,
        old_length: u64,
        new_length: u64,
        placement: RemapPlacement,
    ) -> Result<Remapped<F>, Error> {
        self.note_peak();
        if old_length == 0 {
            return self.twin(address, new_length, placement);
        }
        let old = self.user_range(address, old_length)?;
        if let RemapPlacement::Fixed(target) = placement {
            let target = self.user_range(target, new_length)?;
            return self.move_to(old, target);
        }
        self.area_at(old.start()).ok_or(Error::NotMapped { address })?;
        if new_length == 0 {
            return Err(Error::ZeroLength);
        }
        let no_space = Error::NoSpace { bytes: new_length };
        let new = PageRange::with_length(address, new_length).ok_or(no_space)?;
        if let Some(tail) = PageRange::new(new.end(), old.end()) {
            let removed = self.unmap_range(tail)?;
            return Ok(Remapped { range: new, moved: None, removed });
        }
        let Some(added) = PageRange::new(old.end(), new.end()) else {
            return Ok(Remapped { range: old, moved: None, removed: Vec::new() });
        };
        let area = self.whole_area(old)?;
        if area.range.end() == old.end() && self.is_free(added) {
            self.extend(old, added)?;
            return Ok(Remapped { range: new, moved: None, removed: Vec::new() });
        }
        if placement == RemapPlacement::InPlace {
            return Err(no_space);
        }
        let target = self.find_gap(new.bytes())?;
        self.move_to(old, target)
    }

    /// Maps what a shared area shows from an address on a second time: what `mremap` does without an
    /// old length.
    fn twin(
        &mut self,
        address: u64,
        length: u64,
        placement: RemapPlacement,
    ) -> Result<Remapped<F>, Error> {
        let area = self.area_at(address).ok_or(Error::NotMapped { address })?;
        let is_aligned = address.is_multiple_of(super::PAGE_BYTES);
        if !area.kind.is_shared() || !is_aligned || length == 0 {
            return Err(Error::ZeroLength);
        }
        let placement = match placement {
            RemapPlacement::InPlace => return Err(Error::NoSpace { bytes: length }),
            RemapPlacement::MayMove => Placement::Anywhere,
            RemapPlacement::Fixed(target) => Placement::Fixed(target),
        };
        let mut kind = area.kind.clone();
        if let (Some(backing), Some(offset)) = (kind.backing_mut(), area.file_offset(address)) {
            backing.offset = offset;
        }
        let (protection, max_protection) = (area.protection, area.max_protection);
        let is_locked = area.is_locked;
        let request = MapRequest { length, placement, protection, max_protection, kind, is_locked };
        let Mapped { range, removed } = self.map(request)?;
        Ok(Remapped { range, moved: None, removed })
    }

    /// The area that a range lies in wholly.
    fn whole_area(&self, range: PageRange) -> Result<&Area<F>, Error> {
        let address = range.start();
        let area = self.area_at(address).ok_or(Error::NotMapped { address })?;
        if area.range.encloses(range) {
            Ok(area)
        } else {
            Err(Error::NotMapped { address: area.range.end() })
        }
    }

    fn extend(&mut self, old: PageRange, added: PageRange) -> Result<(), Error> {
        let mut more = self.whole_area(old)?.clone();
        self.check_added((&more.kind, more.protection), more.is_locked, added.bytes(), 0)?;
        check_growth(&more, added)?;
        self.reserve(1)?;
        more.set_range(added);
        self.add(more);
        Ok(())
    }

    fn move_to(&mut self, old: PageRange, target: PageRange) -> Result<Remapped<F>, Error> {
        if old.intersection(target).is_some() {
            return Err(Error::OverlappingMove);
        }
        let mut area = self.whole_area(old)?.clone();
        if let Some(added) = PageRange::new(old.end(), old.start() + target.bytes()) {
            check_growth(&area, added)?;
        }
        let gone = self.mapped_bytes_in(target) + old.bytes();
        let growth = target.bytes().saturating_sub(old.bytes());
        self.check_added((&area.kind, area.protection), false, target.bytes(), gone)?;
        if area.is_locked {
            self.check_locked(growth)?;
        }
        let kept_bytes = old.bytes().min(target.bytes());
        let (Some(from), Some(to)) = (
            PageRange::with_length(old.start(), kept_bytes),
            PageRange::with_length(target.start(), kept_bytes),
        ) else {
            return Err(Error::ZeroLength);
        };
        let mut removed = self.removal_list(target)?;
        // One more for what the old range loses when it shrinks.
        removed.try_reserve(1).map_err(|_| Error::OutOfMemory)?;
        let mut moved = self.removal_list(old)?;
        self.reserve(1 + self.splits(target) + self.splits(old))?;

        self.carve(target, &mut removed);
        self.carve(old, &mut moved);
        if let Some(tail) = PageRange::new(from.end(), old.end()) {
            removed.extend(area.part(tail));
        }
        if let Some(backing) = area.kind.backing_mut() {
            backing.offset += old.start() - area.range.start();
        } else {
            // Away from its place it is neither the heap nor the stack.
            area.kind = Kind::Anonymous;
        }
        area.range = target;
        self.add(area);
        Ok(Remapped { range: target, moved: Some(Moved { from, to }), removed })
    }
}

/// A file mapping grows in the file too.
fn check_growth<F>(area: &Area<F>, added: PageRange) -> Result<(), Error> {
    let Some(backing) = area.kind.backing() else { return Ok(()) };
    let (offset, length) = (backing.offset, added.end().saturating_sub(area.range.start()));
    match offset.checked_add(length) {
        Some(end) if i64::try_from(end).is_ok() => Ok(()),
        _ => Err(Error::OffsetOverflow { offset, length }),
    }
}

//! A regular file's contents: pages that were written, over a borrowed range, over zeroes.
//!
//! A file of the initial archive costs nothing until it is written, and then only the pages that
//! are touched. Holes cost nothing.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::error::FileError;
use crate::tmpfs::page::{PAGE_BYTES, Page};

/// Pages in one leaf of the table.
const LEAF: usize = 512;
/// The largest file: its table's root stays below a megabyte.
const SIZE_MAX: u64 = 1 << 36;

/// What a page of a file is, as it is mapped.
#[derive(Debug)]
pub enum FilePage<'a, P> {
    /// It was written.
    Written(&'a P),
    /// A whole page of the borrowed range.
    Borrowed(&'static [u8]),
    /// Less than a page of the borrowed range, or nothing of it: zeroes follow.
    Part(&'static [u8]),
}

type Leaf<P> = Box<[Option<P>]>;

pub(super) struct Contents<P> {
    base: &'static [u8],
    leaves: Vec<Option<Leaf<P>>>,
    pages: u64,
    leaf_count: u64,
    size: u64,
}

/// Index of a page, and the offset in it.
fn split(offset: u64) -> (usize, usize) {
    let page_bytes = PAGE_BYTES as u64;
    let page = usize::try_from(offset / page_bytes).unwrap_or(usize::MAX);
    let within = usize::try_from(offset % page_bytes).unwrap_or(0);
    (page, within)
}

impl<P: Page> Contents<P> {
    pub(super) const fn new(base: &'static [u8]) -> Self {
        Self { base, leaves: Vec::new(), pages: 0, leaf_count: 0, size: base.len() as u64 }
    }

    pub(super) const fn len(&self) -> u64 {
        self.size
    }

    /// What the file's contents take beyond the borrowed range: what programs are told.
    pub(super) fn page_bytes(&self) -> u64 {
        self.pages * PAGE_BYTES as u64
    }

    /// What the file takes beyond the borrowed range: pages, and the table that finds them.
    pub(super) fn allocated_bytes(&self) -> u64 {
        let leaf_bytes = (LEAF * size_of::<Option<P>>()) as u64;
        let root_bytes = (self.leaves.capacity() * size_of::<Option<Leaf<P>>>()) as u64;
        self.pages * PAGE_BYTES as u64 + self.leaf_count * leaf_bytes + root_bytes
    }

    /// The whole file as it came, if nothing was written since.
    pub(super) fn borrowed(&self) -> Option<&'static [u8]> {
        (self.pages == 0 && self.size == self.base.len() as u64).then_some(self.base)
    }

    /// How much of the file is borrowed at most.
    pub(super) fn borrowed_bytes(&self) -> u64 {
        self.base.len() as u64
    }

    /// Where the next data or the next hole starts; `None` from the end on. Behind the last page lies
    /// one hole at the end.
    pub(super) fn seek(&self, from: u64, wants_data: bool) -> Option<u64> {
        if from >= self.size {
            return None;
        }
        let mut position = from;
        while position < self.size {
            let (index, within) = split(position);
            let leaf = self.leaves.get(index / LEAF).and_then(Option::as_ref);
            let is_borrowed = !self.base_of(index).is_empty();
            let is_data = is_borrowed || self.page(index).is_some();
            if is_data == wants_data {
                return Some(position);
            }
            // A table that is not there is a hole of as many pages.
            let step = if leaf.is_none() && !is_borrowed {
                (LEAF - index % LEAF) * PAGE_BYTES - within
            } else {
                PAGE_BYTES - within
            };
            position = position.saturating_add(step as u64);
        }
        if wants_data { None } else { Some(self.size) }
    }

    fn page(&self, index: usize) -> Option<&P> {
        self.leaves.get(index / LEAF)?.as_ref()?.get(index % LEAF)?.as_ref()
    }

    /// The borrowed bytes of a page that has not been written.
    fn base_of(&self, index: usize) -> &'static [u8] {
        let start = index.saturating_mul(PAGE_BYTES).min(self.base.len());
        let end = start.saturating_add(PAGE_BYTES).min(self.base.len());
        &self.base[start..end]
    }

    /// A page as it is; `None` behind the end.
    pub(super) fn as_mapped(&self, index: u64) -> Option<FilePage<'_, P>> {
        let index = self.index_within(index)?;
        if let Some(page) = self.page(index) {
            return Some(FilePage::Written(page));
        }
        let base = self.base_of(index);
        let is_whole = base.len() == PAGE_BYTES;
        Some(if is_whole { FilePage::Borrowed(base) } else { FilePage::Part(base) })
    }

    /// The index of a page that holds bytes of the file.
    fn index_within(&self, index: u64) -> Option<usize> {
        let start = index.checked_mul(PAGE_BYTES as u64)?;
        if start < self.size { usize::try_from(index).ok() } else { None }
    }

    /// A page as one that was written: the same for all who map it; `None` behind the end.
    pub(super) fn materialize(&mut self, index: u64) -> Result<Option<&mut P>, FileError> {
        match self.index_within(index) {
            Some(index) => self.page_mut(index).map(Some),
            None => Ok(None),
        }
    }

    /// Copies from the file; answers how many bytes there were.
    pub(super) fn read(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = buffer.len().min(left);
        let mut rest = &mut buffer[..count];
        let mut position = offset;
        while !rest.is_empty() {
            let (index, within) = split(position);
            let step = rest.len().min(PAGE_BYTES - within);
            let (now, later) = rest.split_at_mut(step);
            if let Some(page) = self.page(index) {
                page.read(within, now);
            } else {
                let source = self.base_of(index).get(within..).unwrap_or_default();
                let copied = step.min(source.len());
                now[..copied].copy_from_slice(&source[..copied]);
                now[copied..].fill(0);
            }
            rest = later;
            position += step as u64;
        }
        count
    }

    /// A page to be written, copied up from the borrowed range if need be.
    fn page_mut(&mut self, index: usize) -> Result<&mut P, FileError> {
        let out_of_memory = FileError::OutOfMemory;
        let base = self.base_of(index);
        let root = index / LEAF;
        if root >= self.leaves.len() {
            let more = root + 1 - self.leaves.len();
            self.leaves.try_reserve(more).map_err(|_| out_of_memory)?;
            self.leaves.resize_with(root + 1, || None);
        }
        let leaf = self.leaves.get_mut(root).ok_or(out_of_memory)?;
        if leaf.is_none() {
            let mut slots = Vec::new();
            slots.try_reserve_exact(LEAF).map_err(|_| out_of_memory)?;
            slots.resize_with(LEAF, || None);
            *leaf = Some(slots.into_boxed_slice());
            self.leaf_count += 1;
        }
        let slot = leaf.as_mut().and_then(|leaf| leaf.get_mut(index % LEAF));
        let slot = slot.ok_or(out_of_memory)?;
        if slot.is_none() {
            let mut page = P::zeroed().ok_or(out_of_memory)?;
            page.write(0, base);
            *slot = Some(page);
            self.pages += 1;
        }
        slot.as_mut().ok_or(out_of_memory)
    }

    /// How many bytes a write of up to `len` bytes may add to [`Self::allocated_bytes`] at most.
    pub(super) fn cost_of_write(&self, offset: u64, len: usize) -> u64 {
        let (first, _) = split(offset);
        let (last, _) = split(offset.saturating_add(len.saturating_sub(1) as u64));
        let missing = (first..=last).filter(|index| self.page(*index).is_none()).count() as u64;
        let is_missing = |leaf: &usize| self.leaves.get(*leaf).is_none_or(Option::is_none);
        let leaves = (first / LEAF..=last / LEAF).filter(is_missing).count() as u64;
        let leaf_bytes = (LEAF * size_of::<Option<P>>()) as u64;
        let wanted = (last / LEAF + 1).max(self.leaves.capacity());
        // A growing vector at least doubles, and starts with four.
        let grown = if wanted > self.leaves.capacity() {
            wanted.max(2 * self.leaves.capacity()).max(4) - self.leaves.capacity()
        } else {
            0
        };
        let root_bytes = (grown * size_of::<Option<Leaf<P>>>()) as u64;
        missing * PAGE_BYTES as u64 + leaves * leaf_bytes + root_bytes
    }

    /// Copies into the file, which grows if need be; answers how many bytes went in before memory
    /// ran out.
    pub(super) fn write(&mut self, offset: u64, data: &[u8]) -> Result<usize, FileError> {
        let mut written = 0;
        while written < data.len() {
            let position = offset + written as u64;
            let (index, within) = split(position);
            let step = (data.len() - written).min(PAGE_BYTES - within);
            let page = match self.page_mut(index) {
                Ok(page) => page,
                Err(error) if written == 0 => return Err(error),
                Err(_) => break,
            };
            page.write(within, &data[written..written + step]);
            written += step;
            self.size = self.size.max(position + step as u64);
        }
        Ok(written)
    }

    /// The pages that lie in a range, the first and the one after the last; and whether there can be
    /// that many.
    fn pages_of(start: u64, end: u64) -> (usize, usize) {
        let (first, _) = split(start);
        let (last, _) = split(end.saturating_sub(1).max(start));
        (first, last.saturating_add(1))
    }

    /// Gives all pages of a range memory, without changing what is read; fallocate(2). The size is
    /// the caller's. What was given before memory ran out stays.
    pub(super) fn allocate(&mut self, start: u64, end: u64) -> Result<(), FileError> {
        let (first, last) = Self::pages_of(start, end);
        (first..last).try_for_each(|index| self.page_mut(index).map(drop))
    }

    /// How many pages of a range have memory of their own.
    pub(super) fn written_pages(&self, start: u64, end: u64) -> u64 {
        let (first, last) = Self::pages_of(start, end);
        let most = self.leaves.len().saturating_mul(LEAF);
        (first..last.min(most)).filter(|index| self.page(*index).is_some()).count() as u64
    }

    /// Makes a range read as zeroes, and gives back the pages that lie wholly in it; fallocate(2),
    /// FALLOC_FL_PUNCH_HOLE.
    pub(super) fn punch(&mut self, start: u64, end: u64) -> Result<(), FileError> {
        let end = end.min(
            (self.leaves.len().saturating_mul(LEAF * PAGE_BYTES) as u64)
                .max(self.base.len() as u64),
        );
        let mut position = start;
        while position < end {
            let (index, within) = split(position);
            let left = usize::try_from(end - position).unwrap_or(usize::MAX);
            let step = left.min(PAGE_BYTES - within);
            let is_borrowed = !self.base_of(index).is_empty();
            if step == PAGE_BYTES && !is_borrowed {
                let leaf = self.leaves.get_mut(index / LEAF).and_then(Option::as_mut);
                let slot = leaf.and_then(|leaf| leaf.get_mut(index % LEAF));
                if slot.is_some_and(|slot| slot.take().is_some()) {
                    self.pages -= 1;
                }
            } else if within < self.base_of(index).len() || self.page(index).is_some() {
                self.page_mut(index)?.clear(within, within + step);
            }
            position += step as u64;
        }
        Ok(())
    }

    /// Makes the file at least this long, with a hole at its end.
    pub(super) fn extend(&mut self, size: u64) {
        self.size = self.size.max(size);
    }

    /// Whether a file can have this size.
    pub(super) fn check_size(size: u64) -> Result<(), FileError> {
        if size > SIZE_MAX { Err(FileError::FileTooLarge { size }) } else { Ok(()) }
    }

    /// Cuts the file or lengthens it with a hole.
    pub(super) fn resize(&mut self, size: u64) {
        if size < self.size {
            let keep = usize::try_from(size).unwrap_or(usize::MAX).min(self.base.len());
            self.base = &self.base[..keep];
            let (index, within) = split(size);
            self.drop_pages_from(if within == 0 { index } else { index + 1 });
            let last = self.leaves.get_mut(index / LEAF).and_then(Option::as_mut);
            if let Some(Some(page)) = last.and_then(|leaf| leaf.get_mut(index % LEAF)) {
                // What was cut off must not come back when the file grows again.
                page.clear(within, PAGE_BYTES);
            }
        }
        self.size = size;
    }

    fn drop_pages_from(&mut self, first: usize) {
        let whole = first.div_ceil(LEAF);
        if !first.is_multiple_of(LEAF)
            && let Some(Some(leaf)) = self.leaves.get_mut(first / LEAF)
        {
            for slot in &mut leaf[first % LEAF..] {
                if slot.take().is_some() {
                    self.pages -= 1;
                }
            }
        }
        while self.leaves.len() > whole {
            if let Some(Some(leaf)) = self.leaves.pop() {
                self.pages -= leaf.iter().flatten().count() as u64;
                self.leaf_count -= 1;
            }
        }
        if self.leaves.is_empty() {
            self.leaves = Vec::new();
        }
    }
}

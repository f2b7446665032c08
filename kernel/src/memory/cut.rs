//! Files that are cut or punched while they are mapped: what is no more is taken out of the memories
//! that show it, so that who touches it learns that it is gone; mmap(2), "SIGBUS".

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use vm_core::address_space::{Area, PAGE_BYTES};

use super::object::{FileBytes, Object};
use super::space::UserSpace;
use crate::fs::{FileKey, MappedFile};

/// How many files have been cut so far.
static CUTS: AtomicU64 = AtomicU64::new(0);

/// A moment between two cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutMark(u64);

/// Now. Who copies a memory that nobody else can find yet compares it with the moment when others
/// can: if it has changed, the memory may show what a cut has taken from all others.
#[must_use]
pub fn cut_mark() -> CutMark {
    // SeqCst, with `note_cut`: either the one who cuts finds the memory, or the mark has changed.
    CutMark(CUTS.load(Ordering::SeqCst))
}

/// A file has been cut or punched. To be said before memories are gone through.
pub fn note_cut() {
    CUTS.fetch_add(1, Ordering::SeqCst);
}

impl UserSpace {
    /// Takes out what lies behind the end of a file, or of any if none is named.
    pub fn forget_beyond_end(&self, only: Option<FileKey>) {
        let map = self.map_locked();
        for area in map.areas() {
            let Some(file) = file_of(area).filter(|file| is_meant(file, only)) else { continue };
            let Some(offset) = area.file_offset(area.range.start()) else { continue };
            // Who has lost the file has nothing of it left.
            let pages = file.len().unwrap_or(0).div_ceil(PAGE_BYTES);
            let kept = pages.saturating_mul(PAGE_BYTES).saturating_sub(offset);
            let start = area.range.start().saturating_add(kept);
            if start < area.range.end() {
                self.tables().unmap(start, area.range.end());
            }
        }
    }

    /// Takes pages of a file out where it is shared; what was copied stays.
    pub fn forget_hole(&self, key: FileKey, pages: &Range<u64>) {
        let map = self.map_locked();
        for area in map.areas().filter(|area| area.kind.is_shared()) {
            if file_of(area).is_none_or(|file| file.key() != key) {
                continue;
            }
            let Some(offset) = area.file_offset(area.range.start()) else { continue };
            let at = |page: u64| {
                let distance = page.saturating_mul(PAGE_BYTES).saturating_sub(offset);
                area.range.start().saturating_add(distance).min(area.range.end())
            };
            let (start, end) = (at(pages.start), at(pages.end));
            if start < end {
                self.tables().unmap(start, end);
            }
        }
    }
}

fn file_of(area: &Area<Object>) -> Option<&MappedFile> {
    match &area.kind.backing()?.file {
        Object::File(FileBytes::File(file)) => Some(file),
        _ => None,
    }
}

fn is_meant(file: &MappedFile, only: Option<FileKey>) -> bool {
    only.is_none_or(|key| file.key() == key)
}

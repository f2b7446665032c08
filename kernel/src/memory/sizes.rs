//! How large a space is, for who looks at it: what is mapped, what of that has frames, and whose.

use core::sync::atomic::Ordering;

use vm_core::address_space::{Area, Kind, PAGE_BYTES};

use super::object::Object;
use super::space::UserSpace;
use super::vdso;

/// How much of what a space holds, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpaceFigures {
    /// Pages with a frame.
    pub resident_bytes: u64,
    /// The most there ever were.
    pub peak_bytes: u64,
}

/// The sizes of a space as Linux tells them, in bytes: proc(5), `status` and `statm`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sizes {
    /// All that is mapped, touched or not.
    pub mapped: u64,
    /// The most that was ever mapped.
    pub mapped_peak: u64,
    /// Of it, what `mlock` keeps.
    pub locked: u64,
    /// What is private and can be written, without stacks.
    pub data: u64,
    /// Stacks that grow.
    pub stack: u64,
    /// The program's code.
    pub code: u64,
    /// Other code.
    pub library_code: u64,
    /// The most that ever had a frame.
    pub resident_peak: u64,
    /// With a frame of the process's own, or that it shares with those that were forked.
    pub resident_anonymous: u64,
    /// With a frame of the archive, which is what is read from a disk elsewhere.
    pub resident_file: u64,
    /// With a frame of a file in memory, or of memory that is shared.
    pub resident_shared: u64,
}

impl UserSpace {
    /// How much is mapped, touched or not.
    #[must_use]
    pub fn mapped_bytes(&self) -> u64 {
        self.map_locked().usage().total_bytes
    }

    /// What it holds now.
    #[must_use]
    pub fn figures(&self) -> SpaceFigures {
        SpaceFigures {
            resident_bytes: self.tables().mapped_pages() * PAGE_BYTES,
            peak_bytes: self.peak_pages.load(Ordering::Relaxed) * PAGE_BYTES,
        }
    }

    /// Pages with a frame in areas of one kind, in bytes: for the stack and the heap. Costs a walk.
    #[must_use]
    pub fn resident_of(&self, is_wanted: impl Fn(&Kind<Object>) -> bool) -> u64 {
        let map = self.map_locked();
        map.areas()
            .filter(|area| is_wanted(&area.kind))
            .map(|area| self.tables().mapped_in(area.range.start(), area.range.end()) * PAGE_BYTES)
            .sum()
    }

    /// All sizes. Costs a walk over the pages of files and of what is shared.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        let map = self.map_locked();
        let usage = map.usage();
        let (mut file, mut shared) = (0, 0);
        for area in map.areas().filter(|area| area.kind.backing().is_some()) {
            let found = self.tables().holdings_in(area.range.start(), area.range.end());
            file += found.archived;
            match whose(area) {
                Whose::Archive => file += found.lent + found.own,
                Whose::Shared => shared += found.lent + found.own,
                Whose::Private => shared += found.lent,
            }
        }
        let resident = self.tables().mapped_pages().saturating_sub(file).saturating_sub(shared);
        Sizes {
            mapped: usage.total_bytes,
            mapped_peak: map.peak_bytes(),
            locked: usage.locked_bytes,
            data: usage.data_bytes,
            stack: usage.stack_bytes,
            code: self.code_bytes,
            library_code: usage.code_bytes.saturating_sub(self.code_bytes),
            resident_peak: self.peak_pages.load(Ordering::Relaxed) * PAGE_BYTES,
            resident_anonymous: resident * PAGE_BYTES,
            resident_file: file * PAGE_BYTES,
            resident_shared: shared * PAGE_BYTES,
        }
    }
}

/// Whose the frames of an area's pages are, but for those of the archive.
enum Whose {
    Archive,
    Shared,
    /// The process's, unless they are lent.
    Private,
}

fn whose(area: &Area<Object>) -> Whose {
    match area.kind.backing().map(|backing| &backing.file) {
        Some(Object::Memory(memory)) if vdso::is_shown(memory) => Whose::Archive,
        _ if area.kind.is_shared() => Whose::Shared,
        _ => Whose::Private,
    }
}

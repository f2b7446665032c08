//! Page table entries and the walk down to them. Source: SDM volume 3, 4.5.

use core::sync::atomic::{AtomicU64, Ordering};

use vm_core::frame::{FrameNumber, Order};

use super::layout::direct;
use crate::frame::{Frames, OutOfMemory};

pub(crate) const PRESENT: u64 = 1;
pub(crate) const WRITABLE: u64 = 1 << 1;
pub(crate) const USER: u64 = 1 << 2;
pub(crate) const WRITE_THROUGH: u64 = 1 << 3;
pub(crate) const CACHE_DISABLE: u64 = 1 << 4;
pub(crate) const LARGE: u64 = 1 << 7;
pub(crate) const GLOBAL: u64 = 1 << 8;
/// Of the bits that the CPU leaves to software: the entry owns the frame that it names, also while the
/// program may not reach it.
pub(crate) const OWNED: u64 = 1 << 9;
/// Also left to software: the program may not write the frame itself, only a copy of it.
pub(crate) const COPY: u64 = 1 << 10;
/// Also left to software: the frame is another's, a file's, which the program has not written since.
pub(crate) const LENT: u64 = 1 << 11;
pub(crate) const NO_EXECUTE: u64 = 1 << 63;
pub(crate) const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// How far down a walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Entries for 4 KiB.
    Page = 1,
    /// Entries for 2 MiB.
    Large = 2,
}

/// Frames that are tables, of all spaces.
static TABLES: AtomicU64 = AtomicU64::new(0);

/// How many frames are tables.
pub(crate) fn count() -> u64 {
    TABLES.load(Ordering::Relaxed)
}

/// A new table without entries, by its physical address.
///
/// # Errors
/// When no frame is left.
pub(crate) fn allocate() -> Result<u64, OutOfMemory> {
    let table = Frames::allocate_zeroed()?.into_raw().address();
    TABLES.fetch_add(1, Ordering::Relaxed);
    Ok(table)
}

/// Frees a table.
///
/// # Safety
/// It came from `allocate`, and no entry and no CPU refers to it any more.
pub(crate) unsafe fn free(table: u64) {
    if let Some(number) = FrameNumber::from_address(table) {
        TABLES.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: `allocate` made it from a frame of its own; the caller vouches for the rest.
        drop(unsafe { Frames::from_raw(number, Order::FRAME) });
    }
}

/// The entries of a table. The CPU writes accessed and dirty bits on its own, hence atomics; their
/// order among CPUs is established by locks and shoot-downs, so `Relaxed` does everywhere.
pub(crate) fn entries(table: u64) -> &'static [AtomicU64; 512] {
    // SAFETY: `table` is the physical address of a page table: it comes from a root that is a table
    // and from entries that this module alone writes. A space's tables are freed when no CPU uses it,
    // after they have been taken out of it under the lock that all who look at them hold.
    unsafe { &*(direct(table) as *const [AtomicU64; 512]) }
}

fn index(address: u64, level: u32) -> usize {
    ((address >> (12 + 9 * (level - 1))) & 511) as usize
}

/// The entry for `address`, or none where a table on the way is missing or a larger page is mapped.
pub(crate) fn find(root: u64, address: u64, target: Level) -> Option<&'static AtomicU64> {
    Some(&find_table(root, address, target)?[index(address, target as u32)])
}

/// The table that the entry for `address` lies in; see `find`.
pub(crate) fn find_table(
    root: u64,
    address: u64,
    target: Level,
) -> Option<&'static [AtomicU64; 512]> {
    let mut table = root;
    for level in (target as u32 + 1..=4).rev() {
        let value = entries(table)[index(address, level)].load(Ordering::Relaxed);
        if value & PRESENT == 0 || value & LARGE != 0 {
            return None;
        }
        table = value & ADDRESS;
    }
    Some(entries(table))
}

/// As `find`, but missing tables are added. `rights` are those of the way down (`USER` or not).
///
/// # Errors
/// When no frame is left for a table.
pub(crate) fn find_or_add(
    root: u64,
    address: u64,
    target: Level,
    rights: u64,
) -> Result<&'static AtomicU64, OutOfMemory> {
    let table = find_or_add_table(root, address, target, rights)?;
    Ok(&table[index(address, target as u32)])
}

/// As `find_table`, but missing tables are added; see `find_or_add`.
///
/// # Errors
/// When no frame is left for a table.
pub(crate) fn find_or_add_table(
    root: u64,
    address: u64,
    target: Level,
    rights: u64,
) -> Result<&'static [AtomicU64; 512], OutOfMemory> {
    let mut table = root;
    for level in (target as u32 + 1..=4).rev() {
        let entry = &entries(table)[index(address, level)];
        let value = entry.load(Ordering::Relaxed);
        if value & PRESENT == 0 {
            let below = allocate()?;
            entry.store(below | PRESENT | WRITABLE | rights, Ordering::Relaxed);
            table = below;
        } else {
            debug_assert!(value & LARGE == 0, "a larger page is mapped at {address:#x}");
            table = value & ADDRESS;
        }
    }
    Ok(entries(table))
}

/// The address behind the range around `address` for which no table of pages exists: a hole in the
/// top-level table is passed in one step.
pub(crate) fn end_of_gap(root: u64, address: u64) -> u64 {
    let mut table = root;
    for level in (2..=4).rev() {
        let value = entries(table)[index(address, level)].load(Ordering::Relaxed);
        if value & PRESENT == 0 || value & LARGE != 0 {
            let span = 1_u64 << (12 + 9 * (level - 1));
            return (address & !(span - 1)).saturating_add(span);
        }
        table = value & ADDRESS;
    }
    // There is a table: its next entry.
    address.saturating_add(4096)
}

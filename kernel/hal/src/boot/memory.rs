//! The first use of memory: the frame table, the allocator, the final page tables.

use core::sync::atomic::AtomicU32;

use vm_core::frame::{Buddy, FrameMeta, FrameNumber, metadata_bytes};

use super::image;
use super::start_info::{BootFacts, Range};
use crate::frame;
use crate::paging::kernel_space;
use crate::paging::layout::{PAGE_BYTES, direct};

const ONE_MIB: u64 = 1 << 20;
const FOUR_GIB: u64 = 4 << 30;

/// Sets memory up.
///
/// # Safety
/// Once, on the boot CPU, with the provisional tables loaded.
pub(super) unsafe fn start(facts: &BootFacts) {
    let frames = usize::try_from(facts.memory_end / PAGE_BYTES).unwrap_or(usize::MAX);
    let meta_bytes = (metadata_bytes(frames) as u64).next_multiple_of(PAGE_BYTES);
    let count_bytes = (frames as u64 * size_of::<AtomicU32>() as u64).next_multiple_of(PAGE_BYTES);
    let table_bytes = meta_bytes + count_bytes;
    // Low memory stays out: the other CPUs start there, and firmware keeps things there.
    let low = Range { start: 0, end: ONE_MIB };
    let Some(table) = facts
        .usable()
        .iter()
        .find_map(|range| room_for(table_bytes, *range, &[low, image::all(), facts.initrd]))
    else {
        panic!("no room below 4 GiB for a frame table of {table_bytes} bytes")
    };
    let taken = [low, image::all(), facts.initrd, table];
    let entries = direct(table.start) as *mut FrameMeta;
    // SAFETY: the range is usable memory that nobody else has, mapped by the provisional tables. An
    // entry is a plain number, so what lies there is one; `Buddy::new` overwrites them all.
    let meta = unsafe { core::slice::from_raw_parts_mut(entries, frames) };
    let Some(first) = FrameNumber::new(0) else { unreachable!("frame 0 exists") };
    let buddy = match Buddy::new(first, meta) {
        Ok(buddy) => buddy,
        Err(error) => panic!("the frame table cannot be used: {error:?}"),
    };
    frame::install(buddy);
    let counts = direct(table.start + meta_bytes) as *mut u8;
    // SAFETY: the second part of the same range, `count_bytes` long.
    unsafe { core::ptr::write_bytes(counts, 0, count_bytes as usize) };
    // SAFETY: as above, aligned to a page and full of zeros, which are valid counts.
    let counts = unsafe { core::slice::from_raw_parts(counts.cast::<AtomicU32>(), frames) };
    // The initrd's frames are nobody's but the archive's: `taken` keeps them from the allocator.
    frame::shared::install(counts, facts.initrd.start, facts.initrd.end);
    // SAFETY: the ranges are usable and free, and the provisional direct map has them.
    unsafe { release(facts, &taken, Range { start: 0, end: FOUR_GIB }) };
    // SAFETY: frames below 4 GiB only have been released.
    if let Err(error) = unsafe { kernel_space::build(facts) } {
        panic!("too little memory for the kernel's page tables: {error}");
    }
    // SAFETY: the final direct map has all of memory.
    unsafe { release(facts, &taken, Range { start: FOUR_GIB, end: u64::MAX }) };
}

/// Hands what is usable within `within`, and not taken, to the allocator.
///
/// # Safety
/// As `frame::release`.
unsafe fn release(facts: &BootFacts, taken: &[Range], within: Range) {
    for range in facts.usable() {
        let mut at = range.start.max(within.start);
        let end = range.end.min(within.end);
        while at < end {
            // Up to the next taken range, or past the one that lies here.
            if let Some(here) = taken.iter().find(|taken| taken.start <= at && at < page_end(taken))
            {
                at = page_end(here);
                continue;
            }
            let stop = taken
                .iter()
                .map(|taken| taken.start & !(PAGE_BYTES - 1))
                .filter(|start| *start > at)
                .min()
                .unwrap_or(end)
                .min(end);
            if let (Some(first), Some(last)) =
                (FrameNumber::from_address(at), FrameNumber::from_address(stop))
            {
                // SAFETY: the caller vouches for what is usable; nothing taken lies within.
                unsafe { frame::release(first, last) };
            }
            at = stop;
        }
    }
}

fn page_end(range: &Range) -> u64 {
    range.end.next_multiple_of(PAGE_BYTES)
}

/// The first `bytes` of the range that overlap nothing taken and lie below 4 GiB.
fn room_for(bytes: u64, range: Range, taken: &[Range]) -> Option<Range> {
    let mut start = range.start;
    loop {
        let end = start.checked_add(bytes)?;
        if end > range.end.min(FOUR_GIB) {
            return None;
        }
        match taken.iter().find(|taken| taken.start < end && start < page_end(taken)) {
            Some(in_the_way) => start = page_end(in_the_way),
            None => return Some(Range { start, end }),
        }
    }
}

//! The kernel's own mappings: made once at boot, the same in every address space.

use core::sync::atomic::{AtomicU64, Ordering};

use x86_64::PhysAddr;
use x86_64::registers::control::{Cr3, Cr3Flags};
use x86_64::structures::paging::PhysFrame;

use super::address_space::Protection;
use super::layout::{DIRECT_MAP_BASE, DIRECT_MAP_BYTES, KERNEL_BASE, PAGE_BYTES, WINDOWS_BASE};
use super::table::{self, GLOBAL, LARGE, Level, NO_EXECUTE, PRESENT, WRITABLE};
use crate::boot::image;
use crate::boot::start_info::{BootFacts, Range};
use crate::frame::OutOfMemory;

static ROOT: AtomicU64 = AtomicU64::new(0);

const LARGE_BYTES: u64 = 2 << 20;
const FOUR_GIB: u64 = 4 << 30;

/// The physical address of the kernel's own top-level table.
pub(crate) fn root() -> u64 {
    ROOT.load(Ordering::Relaxed)
}

/// Builds the tables and loads them.
///
/// # Errors
/// When memory is too small even for this.
///
/// # Safety
/// Once, on the boot CPU, while the provisional tables are loaded and the allocator has frames
/// below 4 GiB only.
pub(crate) unsafe fn build(facts: &BootFacts) -> Result<(), OutOfMemory> {
    let root = table::allocate()?;
    ROOT.store(root, Ordering::Relaxed);
    let low_end = facts
        .usable()
        .iter()
        .map(|range| range.end)
        .filter(|end| *end <= FOUR_GIB)
        .max()
        .unwrap_or(0)
        .max(facts.initrd.end.min(FOUR_GIB));
    map_direct(root, Range { start: 0, end: low_end })?;
    for range in facts.usable().iter().filter(|range| range.end > FOUR_GIB) {
        map_direct(root, Range { start: range.start.max(FOUR_GIB), end: range.end })?;
    }
    map_image(root)?;
    // The windows' slot gets its table now: spaces copy the top level when they are made.
    table::find_or_add(root, WINDOWS_BASE, Level::Page, 0)?;
    load_root(root);
    Ok(())
}

/// Loads a top-level table into the calling CPU.
fn load_root(root: u64) {
    let frame = PhysFrame::containing_address(PhysAddr::new(root));
    // SAFETY: every root is made here or in `AddressSpace::new`; both have all kernel mappings.
    unsafe { Cr3::write(frame, Cr3Flags::empty()) }
}

/// Makes the calling CPU use no program's address space.
pub(crate) fn load() {
    load_root(root());
}

fn map_direct(root: u64, range: Range) -> Result<(), OutOfMemory> {
    let protected = image::read_only();
    let mut at = range.start & !(LARGE_BYTES - 1);
    let end = range.end.min(DIRECT_MAP_BYTES);
    while at < end {
        let next = at + LARGE_BYTES;
        if at < protected.end && next > protected.start {
            // The image's text and constants stay read-only under their second address, too.
            for page in (at..next).step_by(4096) {
                let rights =
                    if protected.start <= page && page < protected.end { 0 } else { WRITABLE };
                table::find_or_add(root, DIRECT_MAP_BASE + page, Level::Page, 0)?
                    .store(page | PRESENT | GLOBAL | NO_EXECUTE | rights, Ordering::Relaxed);
            }
        } else {
            table::find_or_add(root, DIRECT_MAP_BASE + at, Level::Large, 0)?
                .store(at | PRESENT | WRITABLE | LARGE | GLOBAL | NO_EXECUTE, Ordering::Relaxed);
        }
        at = next;
    }
    Ok(())
}

fn map_image(root: u64) -> Result<(), OutOfMemory> {
    let guard = image::stack_guard();
    for (section, rights) in
        [(image::text(), 0), (image::rodata(), NO_EXECUTE), (image::data(), NO_EXECUTE | WRITABLE)]
    {
        for page in (section.start..section.end).step_by(PAGE_BYTES as usize) {
            if page != guard {
                table::find_or_add(root, KERNEL_BASE + page, Level::Page, 0)?
                    .store(page | PRESENT | GLOBAL | rights, Ordering::Relaxed);
            }
        }
    }
    Ok(())
}

/// Maps one page of the low identity range for the start of the other CPUs, executable.
///
/// # Errors
/// When no frame is left for the tables.
pub(crate) fn map_trampoline(page: u64) -> Result<(), OutOfMemory> {
    table::find_or_add(root(), page, Level::Page, 0)?.store(page | PRESENT, Ordering::Relaxed);
    Ok(())
}

/// Takes the trampoline's page away again. Called when all CPUs have left it.
pub(crate) fn unmap_trampoline(page: u64) {
    if let Some(entry) = table::find(root(), page, Level::Page) {
        entry.store(0, Ordering::Relaxed);
    }
    table::entries(root())[0].store(0, Ordering::Relaxed);
    x86_64::instructions::tlb::flush_all();
}

/// Whether a kernel address has a page, of whatever size.
pub(crate) fn is_mapped(address: u64) -> bool {
    protection(address).is_some()
}

/// What the kernel may do at one of its addresses besides reading; none without a page. The entries
/// above the last one restrict nothing.
pub(crate) fn protection(address: u64) -> Option<Protection> {
    let entry = table::find(root(), address, Level::Page)
        .or_else(|| table::find(root(), address, Level::Large))?;
    let value = entry.load(Ordering::Relaxed);
    (value & PRESENT != 0)
        .then_some(Protection { write: value & WRITABLE != 0, execute: value & NO_EXECUTE == 0 })
}

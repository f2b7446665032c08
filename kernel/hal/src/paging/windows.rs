//! Kernel stacks and device registers: mappings of their own in the windows' region, each with an
//! unmapped page before it.

use core::sync::atomic::{AtomicU64, Ordering};

use ksync::Level as LockLevel;
use vm_core::frame::Order;

use super::layout::{PAGE_BYTES, WINDOWS_BASE, WINDOWS_BYTES};
use super::table::{
    self, ADDRESS, CACHE_DISABLE, GLOBAL, Level, NO_EXECUTE, PRESENT, WRITABLE, WRITE_THROUGH,
};
use super::{kernel_space, shootdown};
use crate::frame::{Frames, OutOfMemory};
use crate::interrupts::SpinLock;

/// Level of the lock around the region's allocation.
pub const WINDOWS_LEVEL: LockLevel = LockLevel::new(220);

/// Stacks of this size are kept for reuse instead of being unmapped, because unmapping costs a
/// shoot-down on every CPU.
const CACHED_STACK_PAGES: u64 = 4;
/// How many of them at the most. When there are more, `UNMAPPED_AT_ONCE` go with one shoot-down for
/// all: one for each would take longer than all the rest of a process's end.
const CACHED_STACKS: usize = 128;
/// How many of the kept stacks go at a time.
const UNMAPPED_AT_ONCE: usize = 64;

static REGION: SpinLock<Region> = SpinLock::new(
    WINDOWS_LEVEL,
    "windows",
    Region { next: WINDOWS_BASE, free: alloc::vec::Vec::new(), stacks: alloc::vec::Vec::new() },
);

/// Pages that stacks have, those ready for reuse included.
static STACK_PAGES: AtomicU64 = AtomicU64::new(0);

/// How many pages stacks have.
pub(crate) fn stack_pages() -> u64 {
    STACK_PAGES.load(Ordering::Relaxed)
}

struct Region {
    next: u64,
    /// Ranges given back, as (address, pages), the guard page included.
    free: alloc::vec::Vec<(u64, u64)>,
    /// Mapped stacks ready for reuse, by their lowest address.
    stacks: alloc::vec::Vec<u64>,
}

impl Region {
    /// `pages` of address space behind a guard page.
    fn take(&mut self, pages: u64) -> Option<u64> {
        let with_guard = pages + 1;
        if let Some(index) = self.free.iter().position(|(_, len)| *len == with_guard) {
            return Some(self.free.swap_remove(index).0 + PAGE_BYTES);
        }
        let bytes = with_guard.checked_mul(PAGE_BYTES)?;
        let at = self.next;
        let end = at.checked_add(bytes).filter(|end| *end <= WINDOWS_BASE + WINDOWS_BYTES)?;
        self.next = end;
        Some(at + PAGE_BYTES)
    }
}

/// A kernel stack with a guard page below it.
#[derive(Debug)]
pub(crate) struct KernelStack {
    bottom: u64,
    pages: u64,
}

impl KernelStack {
    /// A stack of `pages` pages.
    ///
    /// # Errors
    /// When memory is short.
    pub(crate) fn allocate(pages: u64) -> Result<Self, OutOfMemory> {
        let pages = pages.max(1);
        let bottom = {
            let mut region = REGION.lock();
            if pages == CACHED_STACK_PAGES
                && let Some(bottom) = region.stacks.pop()
            {
                return Ok(Self { bottom, pages });
            }
            region.take(pages).ok_or(OutOfMemory)?
        };
        // From here on a drop gives back what has been mapped so far.
        let stack = Self { bottom, pages };
        for page in 0..pages {
            let frame = Frames::allocate_one()?;
            let entry = table_entry(bottom + page * PAGE_BYTES)?;
            let address = frame.into_raw().address();
            entry.store(address | PRESENT | WRITABLE | GLOBAL | NO_EXECUTE, Ordering::Relaxed);
            STACK_PAGES.fetch_add(1, Ordering::Relaxed);
        }
        Ok(stack)
    }

    /// One past its highest address.
    pub(crate) fn top(&self) -> u64 {
        self.bottom + self.pages * PAGE_BYTES
    }

    /// Whether the address lies in it.
    pub(crate) fn contains(&self, address: u64) -> bool {
        (self.bottom..self.top()).contains(&address)
    }
}

impl Drop for KernelStack {
    fn drop(&mut self) {
        let is_whole = || {
            table::find(kernel_space::root(), self.top() - PAGE_BYTES, Level::Page)
                .is_some_and(|entry| entry.load(Ordering::Relaxed) & PRESENT != 0)
        };
        if self.pages != CACHED_STACK_PAGES || !is_whole() {
            unmap(&[self.bottom], self.pages);
            return;
        }
        let mut leaving = [0; UNMAPPED_AT_ONCE];
        {
            let mut region = REGION.lock();
            region.stacks.push(self.bottom);
            let Some(kept) = region.stacks.len().checked_sub(UNMAPPED_AT_ONCE) else { return };
            if region.stacks.len() <= CACHED_STACKS {
                return;
            }
            leaving.copy_from_slice(&region.stacks[kept..]);
            region.stacks.truncate(kept);
        }
        unmap(&leaving, CACHED_STACK_PAGES);
    }
}

/// Unmaps stacks of `pages` pages, by their lowest addresses, and frees their frames and addresses.
fn unmap(stacks: &[u64], pages: u64) {
    let entries = || {
        let addresses =
            stacks.iter().flat_map(|bottom| (0..pages).map(move |page| bottom + page * PAGE_BYTES));
        addresses.filter_map(|address| table::find(kernel_space::root(), address, Level::Page))
    };
    // An entry keeps its frame's number until no CPU can use it any more.
    for entry in entries() {
        entry.fetch_and(!PRESENT, Ordering::Relaxed);
    }
    let first = stacks.iter().min().copied().unwrap_or_default();
    let last = stacks.iter().max().copied().unwrap_or_default();
    shootdown::flush_kernel(first, (last - first) / PAGE_BYTES + pages);
    for entry in entries() {
        let value = entry.swap(0, Ordering::Relaxed);
        if value & ADDRESS != 0
            && let Some(frame) = vm_core::frame::FrameNumber::from_address(value & ADDRESS)
        {
            STACK_PAGES.fetch_sub(1, Ordering::Relaxed);
            // SAFETY: `allocate` turned a frame of its own into this entry, which is gone now.
            drop(unsafe { Frames::from_raw(frame, Order::FRAME) });
        }
    }
    let mut region = REGION.lock();
    region.free.extend(stacks.iter().map(|bottom| (bottom - PAGE_BYTES, pages + 1)));
}

fn table_entry(address: u64) -> Result<&'static core::sync::atomic::AtomicU64, OutOfMemory> {
    // One lock for the tables of the whole region: two CPUs must not both add a table.
    static TABLES: SpinLock<()> = SpinLock::new(LockLevel::new(221), "window tables", ());
    let _guard = TABLES.lock();
    table::find_or_add(kernel_space::root(), address, Level::Page, 0)
}

/// Maps `bytes` of device registers at the physical address, uncached. The window stays for good.
/// Gives the virtual address that corresponds to `physical`.
///
/// # Errors
/// When memory or the region is used up.
pub(crate) fn map_device(physical: u64, bytes: u64) -> Result<u64, OutOfMemory> {
    let first = physical & !(PAGE_BYTES - 1);
    let end = physical.checked_add(bytes.max(1)).ok_or(OutOfMemory)?;
    let pages = (end - first).div_ceil(PAGE_BYTES);
    let base = REGION.lock().take(pages).ok_or(OutOfMemory)?;
    for page in 0..pages {
        table_entry(base + page * PAGE_BYTES)?.store(
            (first + page * PAGE_BYTES)
                | PRESENT
                | WRITABLE
                | GLOBAL
                | NO_EXECUTE
                | CACHE_DISABLE
                | WRITE_THROUGH,
            Ordering::Relaxed,
        );
    }
    Ok(base + (physical - first))
}

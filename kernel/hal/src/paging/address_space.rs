//! One process's page tables: which frames its pages have, with which rights.
//!
//! The map of areas that says what should be there is `vm_core`'s; this is what the CPU sees. Each
//! page that has a frame is one of the frame's holders.

mod sharing;

pub use sharing::Holdings;

use alloc::sync::Arc;
use core::fmt;
use core::mem::ManuallyDrop;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ksync::Level as LockLevel;
use vm_core::frame::FrameNumber;
use x86_64::PhysAddr;
use x86_64::registers::control::{Cr3, Cr3Flags};
use x86_64::structures::paging::PhysFrame;

use super::layout::{PAGE_BYTES, USER_END};
use super::page_count::{PageCount, PageGroup};
use super::table::{self, ADDRESS, COPY, LENT, Level, NO_EXECUTE, OWNED, PRESENT, USER, WRITABLE};
use super::{kernel_space, shootdown};
use crate::cpu::local::{self, AtomicCpuMask};
use crate::frame::{OutOfMemory, SharedFrame};
use crate::interrupts::SpinLock;

/// Level of the lock around a space's tables.
const TABLES_LEVEL: LockLevel = LockLevel::new(210);

/// Pages taken away or moved in one step. On the stack: giving memory back must not need any, least
/// of all for a program that has used it all up; and the lock is not held for long.
const AT_A_TIME: usize = 128;
/// Entries of the top table taken out in one step; see `AT_A_TIME`.
const SLOTS_AT_A_TIME: usize = 32;

/// What a program may do with a page. Reading is always allowed; both together are refused by
/// whoever decides about mappings, not here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protection {
    /// It may write.
    pub write: bool,
    /// It may execute.
    pub execute: bool,
}

impl Protection {
    fn bits(self) -> u64 {
        PRESENT
            | OWNED
            | USER
            | if self.write { WRITABLE } else { 0 }
            | if self.execute { 0 } else { NO_EXECUTE }
    }
}

/// What writing to a page does, where the rights allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// It changes the frame, and everybody who has it sees that.
    ToFrame,
    /// It faults until `make_own` has given the page a frame of its own.
    ToCopy,
}

impl Writing {
    /// What it makes of an entry's bits.
    fn apply(self, bits: u64) -> u64 {
        match self {
            Self::ToFrame => bits,
            Self::ToCopy => (bits | COPY) & !WRITABLE,
        }
    }

    fn of(value: u64) -> Self {
        if value & COPY == 0 { Self::ToFrame } else { Self::ToCopy }
    }
}

/// Why a page could not be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// The address is not one that a program can have, or not a page's.
    BadAddress(u64),
    /// A frame is mapped there already.
    Occupied(u64),
    /// No frame is left for a table.
    OutOfMemory,
}

impl From<OutOfMemory> for MapError {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadAddress(address) => write!(f, "{address:#x} is not a page of user space"),
            Self::Occupied(address) => write!(f, "{address:#x} is mapped already"),
            Self::OutOfMemory => f.write_str("no physical memory is left"),
        }
    }
}

/// The page tables of one process.
#[derive(Debug)]
pub struct AddressSpace {
    root: u64,
    /// CPUs that have the tables loaded, perhaps without running a thread of the process.
    loaded_on: AtomicCpuMask,
    /// Its last thread has ended: nobody loads it any more.
    is_retired: AtomicBool,
    edit: SpinLock<()>,
    mapped_pages: PageCount,
}

impl AddressSpace {
    /// An empty space, whose pages count for a group, too, if there is one.
    ///
    /// # Errors
    /// When no frame is left.
    pub fn new(group: Option<Arc<PageGroup>>) -> Result<Self, OutOfMemory> {
        let root = table::allocate()?;
        let kernel = table::entries(kernel_space::root());
        for (index, entry) in table::entries(root).iter().enumerate().skip(256) {
            entry.store(kernel[index].load(Ordering::Relaxed), Ordering::Relaxed);
        }
        Ok(Self {
            root,
            loaded_on: AtomicCpuMask::new(),
            is_retired: AtomicBool::new(false),
            edit: SpinLock::new(TABLES_LEVEL, "page tables", ()),
            mapped_pages: PageCount::new(group),
        })
    }

    /// Pages that have a frame.
    #[must_use]
    pub fn mapped_pages(&self) -> u64 {
        self.mapped_pages.get()
    }

    /// The group that its pages count for.
    #[must_use]
    pub fn group(&self) -> Option<&Arc<PageGroup>> {
        self.mapped_pages.group()
    }

    /// Gives the page at `address` this frame. Where writing goes to a copy, it counts as lent.
    ///
    /// # Errors
    /// See [`MapError`]; the frame is let go of.
    pub fn map(
        &self,
        address: u64,
        frame: SharedFrame,
        rights: Protection,
        writing: Writing,
    ) -> Result<(), MapError> {
        // What the kernel takes for constant nobody may write.
        let writing = if frame.is_constant() { Writing::ToCopy } else { writing };
        let _edit = self.edit.lock();
        let entry = self.entry(address)?;
        if entry.load(Ordering::Relaxed) & OWNED != 0 {
            return Err(MapError::Occupied(address));
        }
        let lent = if writing == Writing::ToCopy { LENT } else { 0 };
        let bits = writing.apply(rights.bits()) | lent;
        entry.store(frame.into_raw().address() | bits, Ordering::Relaxed);
        self.mapped_pages.add(1);
        Ok(())
    }

    /// Gives pages from `address` on these frames, up to the first that has one already or lies behind
    /// the part that one table maps; the frames not needed stay where they are. Gives the number.
    ///
    /// # Errors
    /// See [`MapError`], of the first page.
    pub fn map_several(
        &self,
        address: u64,
        frames: &mut [Option<SharedFrame>],
        rights: Protection,
    ) -> Result<usize, MapError> {
        if address >= USER_END || !address.is_multiple_of(PAGE_BYTES) {
            return Err(MapError::BadAddress(address));
        }
        let length = frames.len() as u64 * PAGE_BYTES;
        let end = address.saturating_add(length).min(table_end(address)).min(USER_END);
        let _edit = self.edit.lock();
        let table = table::find_or_add_table(self.root, address, Level::Page, USER)?;
        let mut count = 0;
        for ((_, entry), slot) in pages_in(table, address, end).zip(frames) {
            if entry.load(Ordering::Relaxed) & OWNED != 0 {
                break;
            }
            let Some(frame) = slot.take() else { break };
            let writing = if frame.is_constant() { Writing::ToCopy } else { Writing::ToFrame };
            let bits = writing.apply(rights.bits());
            entry.store(frame.into_raw().address() | bits, Ordering::Relaxed);
            count += 1;
        }
        self.mapped_pages.add(count as u64);
        if count == 0 { Err(MapError::Occupied(address)) } else { Ok(count) }
    }

    /// Whether the page at `address` has a frame, and with which rights.
    #[must_use]
    pub fn protection(&self, address: u64) -> Option<Protection> {
        let _edit = self.edit.lock();
        let value = table::find(self.root, address, Level::Page)?.load(Ordering::Relaxed);
        (value & PRESENT != 0).then_some(Protection {
            write: value & WRITABLE != 0,
            execute: value & NO_EXECUTE == 0,
        })
    }

    /// Takes the frames of all pages in `start..end` away and frees them, when no CPU can reach them
    /// any more. Gives the number of pages that had one.
    pub fn unmap(&self, start: u64, end: u64) -> u64 {
        let end = end.min(USER_END);
        let mut count = 0;
        let mut at = start & !(PAGE_BYTES - 1);
        while at < end {
            let from = at;
            let mut frames = [const { None }; AT_A_TIME];
            let mut taken = 0;
            {
                let _edit = self.edit.lock();
                at = self.visit_owned(from, end, AT_A_TIME, |_, entry| {
                    frames[taken] = owned_frame(entry.swap(0, Ordering::Relaxed));
                    taken += 1;
                });
            }
            if taken > 0 {
                self.mapped_pages.sub(taken as u64);
                shootdown::flush_user(&self.loaded_on, from, (at - from) / PAGE_BYTES);
                count += taken as u64;
            }
            // No CPU can reach them any more.
            SharedFrame::release(&mut frames[..taken]);
        }
        count
    }

    /// Gives all pages in `start..end` that have a frame these rights. Where writing goes to copies,
    /// it still faults.
    pub fn protect(&self, start: u64, end: u64, rights: Protection) {
        self.rewrite(start, end, rights.bits());
    }

    /// Keeps the program from all pages in `start..end`, which keep their frames, until `protect`
    /// gives it rights again.
    pub fn hide(&self, start: u64, end: u64) {
        self.rewrite(start, end, OWNED | NO_EXECUTE);
    }

    fn rewrite(&self, start: u64, end: u64, bits: u64) {
        let (mut has_changed, mut has_lost) = (false, false);
        {
            let _edit = self.edit.lock();
            self.for_each_owned(start, end.min(USER_END), |_, entry| {
                let before = entry.load(Ordering::Relaxed);
                let bits = Writing::of(before).apply(bits);
                entry.store((before & (ADDRESS | LENT)) | bits, Ordering::Relaxed);
                has_changed = true;
                has_lost |=
                    before & !bits & (PRESENT | WRITABLE) != 0 || !before & bits & NO_EXECUTE != 0;
            });
        }
        let pages = (end - start) / PAGE_BYTES;
        if has_lost {
            shootdown::flush_user(&self.loaded_on, start, pages);
        } else if has_changed {
            // A CPU that still has the old entry faults once more, and finds nothing to do.
            shootdown::flush_own(start, pages);
        }
    }

    /// Moves the frames of `start..end` to the same number of pages from `to` on, which have none.
    pub fn move_pages(&self, start: u64, end: u64, to: u64) {
        let end = end.min(USER_END);
        let mut at = start & !(PAGE_BYTES - 1);
        while at < end {
            let from = at;
            let mut taken = [(0, 0); AT_A_TIME];
            let mut count = 0;
            {
                let _edit = self.edit.lock();
                at = self.visit_owned(from, end, AT_A_TIME, |page, entry| {
                    taken[count] = (page, entry.swap(0, Ordering::Relaxed));
                    count += 1;
                });
            }
            if count == 0 {
                continue;
            }
            shootdown::flush_user(&self.loaded_on, from, (at - from) / PAGE_BYTES);
            let _edit = self.edit.lock();
            for (page, value) in &taken[..count] {
                self.place(to + (page - start), *value);
            }
        }
    }

    /// Gives a page the entry that another one had. With the lock held.
    fn place(&self, page: u64, value: u64) {
        let free = |entry: &&AtomicU64| entry.load(Ordering::Relaxed) & OWNED == 0;
        match self.entry(page).ok().filter(free) {
            Some(entry) => entry.store(value, Ordering::Relaxed),
            // No memory for a table: the page is lost to the program, not to the kernel.
            None => {
                self.mapped_pages.sub(1);
                drop(owned_frame(value));
            }
        }
    }

    /// Pages in `start..end` that have a frame. The lock is not held for the whole of it.
    #[must_use]
    pub fn mapped_in(&self, start: u64, end: u64) -> u64 {
        const AT_A_TIME: usize = 1024;
        let end = end.min(USER_END);
        let (mut count, mut at) = (0, start);
        while at < end {
            let _edit = self.edit.lock();
            at = self.visit_owned(at, end, AT_A_TIME, |_, _| count += 1);
        }
        count
    }

    /// Copies into the program's memory, whichever space is loaded and whatever the program's rights.
    /// Stops at the first page without a frame, or whose frame must not be written; gives the count
    /// copied.
    pub fn write(&self, address: u64, bytes: &[u8]) -> usize {
        let mut done = 0;
        while done < bytes.len() {
            let at = address + done as u64;
            let offset = (at % PAGE_BYTES) as usize;
            let count = (bytes.len() - done).min(PAGE_BYTES as usize - offset);
            let copied = self.with_frame(at, |frame, writing| match writing {
                Writing::ToFrame => frame.write(offset, &bytes[done..done + count]),
                Writing::ToCopy => 0,
            });
            if copied != Some(count) {
                return done;
            }
            done += count;
        }
        done
    }

    /// Copies from the program's memory, whichever space is loaded. Stops at the first page without
    /// a frame; gives the count copied.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> usize {
        let mut done = 0;
        while done < bytes.len() {
            let at = address + done as u64;
            let offset = (at % PAGE_BYTES) as usize;
            let count = (bytes.len() - done).min(PAGE_BYTES as usize - offset);
            let copied =
                self.with_frame(at, |frame, _| frame.read(offset, &mut bytes[done..done + count]));
            if copied != Some(count) {
                return done;
            }
            done += count;
        }
        done
    }

    /// Makes this the space that the calling CPU uses. The CPU keeps it alive until it uses another.
    /// A retired space is not loaded: its last thread may still be switched to on its way out.
    pub fn load(self: &Arc<Self>) {
        // The space used before is dropped with interrupts as the caller has them.
        drop(crate::interrupts::without(|| {
            let cpu = local::current();
            // SAFETY: only its own CPU touches the slot, with interrupts disabled.
            let slot = unsafe { &mut *cpu.space.get() };
            if slot.as_ref().is_some_and(|loaded| Arc::ptr_eq(loaded, self)) {
                return None;
            }
            // Before the tables are loaded: whoever changes them from here on asks this CPU, too.
            self.loaded_on.insert(cpu.id());
            // Sequentially consistent with `retire`: either that finds this CPU in the mask, or this
            // sees the flag.
            if self.is_retired.load(Ordering::SeqCst) {
                self.loaded_on.remove(cpu.id());
                return None;
            }
            let frame = PhysFrame::containing_address(PhysAddr::new(self.root));
            // SAFETY: the tables hold all kernel mappings, and the slot keeps them alive.
            unsafe { Cr3::write(frame, Cr3Flags::empty()) };
            let before = slot.replace(Arc::clone(self));
            if let Some(before) = &before {
                before.loaded_on.remove(cpu.id());
            }
            before
        }));
    }

    /// The physical address of the byte at this address, if its page has a frame.
    pub fn physical_of(&self, address: u64) -> Option<u64> {
        if address >= USER_END {
            return None;
        }
        let _edit = self.edit.lock();
        let value = table::find(self.root, address, Level::Page)?.load(Ordering::Relaxed);
        (value & OWNED != 0).then_some((value & ADDRESS) + address % PAGE_BYTES)
    }

    /// Orders the memory of all CPUs that have the space loaded, with that of the calling one.
    pub fn barrier(&self) {
        shootdown::interrupt(&self.loaded_on);
    }

    /// Makes every CPU let go of this space, for good, and frees all that is mapped in it, with the
    /// tables. Called when its last thread has ended.
    pub fn retire(&self) {
        // See `load`.
        self.is_retired.store(true, Ordering::SeqCst);
        shootdown::leave(&self.loaded_on, self.root);
        // No CPU can reach anything of it any more, and no other thread what is taken out here.
        for part in table::entries(self.root)[..USER_SLOTS].chunks(SLOTS_AT_A_TIME) {
            // Few at a time: a kernel stack is small.
            let mut below = [0; SLOTS_AT_A_TIME];
            {
                let _edit = self.edit.lock();
                for (slot, entry) in below.iter_mut().zip(part) {
                    *slot = entry.swap(0, Ordering::Relaxed);
                }
            }
            for value in below.into_iter().filter(|value| value & PRESENT != 0) {
                free_tables(value & ADDRESS, 3);
            }
        }
        self.mapped_pages.clear();
    }

    /// Lends the frame of the page that `address` lies in, and says what writing to it does.
    fn with_frame<R>(&self, address: u64, f: impl FnOnce(&SharedFrame, Writing) -> R) -> Option<R> {
        if address >= USER_END {
            return None;
        }
        let _edit = self.edit.lock();
        let value = table::find(self.root, address, Level::Page)?.load(Ordering::Relaxed);
        // It goes on belonging to the entry.
        let frame = ManuallyDrop::new(owned_frame(value)?);
        Some(f(&frame, Writing::of(value)))
    }

    fn entry(&self, address: u64) -> Result<&'static AtomicU64, MapError> {
        if address >= USER_END || !address.is_multiple_of(PAGE_BYTES) {
            return Err(MapError::BadAddress(address));
        }
        Ok(table::find_or_add(self.root, address, Level::Page, USER)?)
    }

    /// Calls `f` for every page entry in the range that has a frame.
    fn for_each_owned(&self, start: u64, end: u64, f: impl FnMut(u64, &AtomicU64)) {
        self.visit_owned(start, end, usize::MAX, f);
    }

    /// Calls `f` for page entries in the range that have a frame, for `most` of them at the most;
    /// missing tables are skipped whole. Gives the address to go on from, `end` or more at the end.
    fn visit_owned(
        &self,
        start: u64,
        end: u64,
        most: usize,
        mut f: impl FnMut(u64, &AtomicU64),
    ) -> u64 {
        let mut at = start & !(PAGE_BYTES - 1);
        let mut left = most;
        while at < end {
            let Some(table) = table::find_table(self.root, at, Level::Page) else {
                at = table::end_of_gap(self.root, at);
                continue;
            };
            let next = table_end(at).min(end);
            for (_, entry) in pages_in(table, at, next) {
                if left == 0 {
                    return at;
                }
                if entry.load(Ordering::Relaxed) & OWNED != 0 {
                    f(at, entry);
                    left -= 1;
                }
                at += PAGE_BYTES;
            }
        }
        at
    }
}

/// The end of what the table that maps this page can map.
fn table_end(page: u64) -> u64 {
    const SPAN: u64 = 512 * PAGE_BYTES;
    (page & !(SPAN - 1)).saturating_add(SPAN)
}

/// The entries of pages that lie in one table, with their places in it. The range must not reach out
/// of the table.
fn pages_in(
    table: &'static [AtomicU64; 512],
    start: u64,
    end: u64,
) -> impl Iterator<Item = (usize, &'static AtomicU64)> {
    let first = (start / PAGE_BYTES % 512) as usize;
    let count = (end.saturating_sub(start)).div_ceil(PAGE_BYTES) as usize;
    table.iter().enumerate().skip(first).take(count)
}

/// The frame that an entry holds.
fn owned_frame(value: u64) -> Option<SharedFrame> {
    let number = FrameNumber::from_address(value & ADDRESS)?;
    // SAFETY: entries of user pages are made from frames that were given away to them; the callers
    // either clear the entry or leave the share with it.
    (value & OWNED != 0).then(|| unsafe { SharedFrame::from_raw(number) })
}

/// Entries of the top-level table that are the program's.
const USER_SLOTS: usize = 256;

/// Frees a table, and what the tables below it map, from `level` down to the frames.
fn free_tables(table: u64, level: u32) {
    let entries = table::entries(table);
    if level == 1 {
        free_pages(entries);
    } else {
        for entry in &entries[..if level == 4 { USER_SLOTS } else { 512 }] {
            let value = entry.load(Ordering::Relaxed);
            if value & PRESENT != 0 {
                free_tables(value & ADDRESS, level - 1);
            }
        }
    }
    // SAFETY: `find_or_add` and `new` made the table; it is in no space any more that a CPU has
    // loaded or that somebody could look it up in.
    unsafe { table::free(table) };
}

/// Lets go of what a table of pages holds. Apart from `free_tables` and never part of it: what it
/// has on the stack must not be there once for each level.
#[inline(never)]
fn free_pages(entries: &[AtomicU64; 512]) {
    let mut frames = [const { None }; AT_A_TIME];
    for part in entries.chunks(AT_A_TIME) {
        for (slot, entry) in frames.iter_mut().zip(part) {
            *slot = owned_frame(entry.load(Ordering::Relaxed));
        }
        SharedFrame::release(&mut frames);
    }
}

impl Drop for AddressSpace {
    fn drop(&mut self) {
        // A CPU that has the space loaded holds a reference, so none has.
        free_tables(self.root, 4);
    }
}

/// Loads the kernel's own tables if the calling CPU has the space with this root loaded. Runs in the
/// shoot-down: dropping the reference here may not be the last one, because the requester has one.
pub(crate) fn leave_if_loaded(root: u64) {
    let cpu = local::current();
    // SAFETY: only its own CPU touches the slot, with interrupts disabled.
    let slot = unsafe { &mut *cpu.space.get() };
    if slot.as_ref().is_some_and(|loaded| loaded.root == root)
        && let Some(space) = slot.take()
    {
        kernel_space::load();
        space.loaded_on.remove(cpu.id());
    }
}

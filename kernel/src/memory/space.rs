//! The address space of one process: the map of its areas and the page tables under it.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};

use hal::frame::{OutOfMemory, SharedFrame};
use hal::interrupts::SpinLock;
use hal::paging::{AddressSpace as Tables, MapError, PageGroup, Writing};
use vm_core::address_space::{
    Access, AddressSpace, Area, Error, FaultAction, ForkedPages, GrowthError, Layout, Limits,
    MapRequest, Moved, PAGE_BYTES, PageRange, Presence, Protection, RemapPlacement, Violation,
    WriteExecute, page_of,
};

use super::object::{FileBytes, Object};
use crate::fs::{MappedFile, MappedPage, Wanted};
use crate::levels;
use crate::sync::{Mutex, MutexGuard};

/// Areas that a process may have; Linux's `vm.max_map_count`.
const MAX_AREAS: usize = 65_530;
/// Frames that programs leave free for the kernel: it must be able to serve who frees memory.
const KERNEL_RESERVE_BYTES: u64 = 2 << 20;

/// Whether what is left of the memory is the kernel's.
#[must_use]
pub fn is_short() -> bool {
    hal::frame::free_bytes_at_least() < KERNEL_RESERVE_BYTES
}

/// Whether there is memory to be generous with.
fn has_plenty() -> bool {
    hal::frame::free_bytes_at_least() > 8 * KERNEL_RESERVE_BYTES
}

/// Pages filled with zeros at one fault at the most.
const RUN_PAGES: usize = 32;
/// In smaller areas pages are filled one by one: they are mostly used here and there.
const RUN_AREA_BYTES: u64 = 1 << 20;

/// A page in bytes, as slices count.
pub(super) const PAGE_LEN: usize = 4096;
const _: () = assert!(PAGE_LEN as u64 == PAGE_BYTES);

/// Why a fault could not be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultError {
    /// The program may not do that: SIGSEGV.
    Violation(Violation),
    /// The process has all the memory that it may have.
    LimitExceeded,
    /// The processes of its set have all the memory that they may have together.
    QuotaExceeded,
    /// No physical memory is left.
    OutOfMemory,
    /// The page lies beyond the end of its file: SIGBUS.
    BeyondFile,
    /// The file system has no room for the page of the file that has to come into being: SIGBUS.
    NoRoom,
}

impl From<OutOfMemory> for FaultError {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

impl From<GrowthError> for FaultError {
    fn from(error: GrowthError) -> Self {
        match error {
            GrowthError::Violation(violation) => Self::Violation(violation),
            GrowthError::OutOfMemory => Self::OutOfMemory,
        }
    }
}

/// What a process may have mapped, in bytes: limits of its own, which are not those of others that run in
/// the same memory. So they come with each request.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// In all.
    pub address_space_bytes: u64,
    /// Of that, private and to be written.
    pub data_bytes: u64,
    /// Of that, locked.
    pub locked_bytes: u64,
}

impl Bounds {
    /// None: for what the kernel maps itself.
    pub const NONE: Self =
        Self { address_space_bytes: u64::MAX, data_bytes: u64::MAX, locked_bytes: u64::MAX };
}

/// Has a map refuse what is beyond these bounds.
pub(super) fn bind(map: &mut AddressSpace<Object>, bounds: Bounds) {
    let Bounds { address_space_bytes, data_bytes, locked_bytes } = bounds;
    map.set_limits(Limits { address_space_bytes, data_bytes, locked_bytes, ..map.limits() });
}

/// The address space of one process.
#[derive(Debug)]
pub struct UserSpace {
    map: Mutex<AddressSpace<Object>>,
    tables: Arc<Tables>,
    /// The most pages that it may have frames for.
    limit_pages: AtomicU64,
    pub(super) peak_pages: AtomicU64,
    /// The page that comes after those filled with zeros last, and how many these were: a number
    /// smaller than a page's bytes in the place of the offset.
    run: AtomicU64,
    /// The program's file.
    executable: SpinLock<Option<Arc<MappedFile>>>,
    /// Bytes from the first of its segments that can be executed to the end of the last.
    pub(super) code_bytes: u64,
}

impl UserSpace {
    /// An empty space with a random layout, whose pages count for a group, too, if there is one.
    ///
    /// # Errors
    /// When memory is short.
    pub fn new(
        random: u64,
        memory_bytes: u64,
        stack_bytes: u64,
        group: Option<Arc<PageGroup>>,
    ) -> Result<Self, OutOfMemory> {
        let limits = Limits {
            address_space_bytes: u64::MAX,
            data_bytes: u64::MAX,
            locked_bytes: u64::MAX,
            stack_bytes,
            areas: MAX_AREAS,
        };
        let layout = Layout::randomized(random, stack_bytes);
        Ok(Self {
            map: Mutex::new(AddressSpace::new(layout, limits, WriteExecute::Refused)),
            tables: Arc::new(Tables::new(group)?),
            limit_pages: AtomicU64::new(memory_bytes / PAGE_BYTES),
            peak_pages: AtomicU64::new(0),
            run: AtomicU64::new(0),
            executable: SpinLock::new(levels::PROCESS, "executable", None),
            code_bytes: 0,
        })
    }

    /// The map, locked.
    pub(super) fn map_locked(&self) -> MutexGuard<'_, AddressSpace<Object>> {
        self.map.lock()
    }

    /// The program's file; none if it was loaded from bytes that have no name.
    #[must_use]
    pub fn executable(&self) -> Option<Arc<MappedFile>> {
        self.executable.lock().clone()
    }

    /// Notes the program's file.
    pub(super) fn set_executable(&self, file: Arc<MappedFile>) {
        let old = self.executable.lock().replace(file);
        // Dropped without the lock.
        drop(old);
    }

    /// Whether areas that come are locked: their pages are to be filled in.
    #[must_use]
    pub fn locks_future(&self) -> bool {
        self.map.lock().locks_future()
    }

    /// Whether anything of it is locked, or will be.
    #[must_use]
    pub fn has_locks(&self) -> bool {
        let map = self.map.lock();
        map.locks_future() || map.usage().locked_bytes > 0
    }

    /// The hardware's view.
    #[must_use]
    pub fn tables(&self) -> &Arc<Tables> {
        &self.tables
    }

    /// Changes the most memory that it may have; what it has already stays.
    pub fn set_limit(&self, memory_bytes: u64) {
        self.limit_pages.store(memory_bytes / PAGE_BYTES, Ordering::Relaxed);
    }

    /// Answers a page fault.
    ///
    /// # Errors
    /// See [`FaultError`].
    pub fn fault(
        &self,
        address: u64,
        access: Access,
        presence: Presence,
    ) -> Result<(), FaultError> {
        let mut map = self.map.lock();
        loop {
            let fault = map.fault(address, access, presence).map_err(FaultError::Violation)?;
            let page = fault.page;
            let rights = fault.area.protection;
            match fault.action {
                FaultAction::GrowStack => {
                    map.grow_stack(address)?;
                }
                FaultAction::ZeroFill => {
                    return self.fill_with_zeros(fault.area.range, page, rights);
                }
                FaultAction::FileFill { offset } | FaultAction::FileCopy { offset } => {
                    return self.fill_from_file(fault.area, page, offset, access);
                }
                FaultAction::CopyOnWrite => {
                    if is_short() {
                        return Err(FaultError::OutOfMemory);
                    }
                    self.tables.make_own(page, hardware(rights))?;
                    return Ok(());
                }
                FaultAction::MakeWritable | FaultAction::Refresh => {
                    if let Some(Object::File(FileBytes::File(file))) =
                        fault.area.kind.backing().map(|backing| &backing.file)
                        && fault.action == FaultAction::MakeWritable
                    {
                        file.note_change();
                    }
                    self.tables.protect(page, page + PAGE_BYTES, hardware(rights));
                    return Ok(());
                }
            }
        }
    }

    /// Gives a page zeros, and those behind it, too, if the program seems to go from page to page
    /// through a large area: so many more as it has filled before, up to a limit. That costs a
    /// program that stops at most as many pages as it uses, and saves most of the faults.
    fn fill_with_zeros(
        &self,
        area: PageRange,
        page: u64,
        rights: Protection,
    ) -> Result<(), FaultError> {
        // Relaxed: it is a guess, and changes under the map's lock.
        let run = self.run.load(Ordering::Relaxed);
        let is_next = page == page_of(run) && area.bytes() >= RUN_AREA_BYTES && has_plenty();
        let wanted = if is_next { (2 * (run % PAGE_BYTES)).clamp(1, RUN_PAGES as u64) } else { 1 };
        let in_area = area.end().saturating_sub(page) / PAGE_BYTES;
        let allowed = self.room_pages()?.min(wanted).min(in_area).max(1);
        let mut frames = [const { None }; RUN_PAGES];
        let count = usize::try_from(allowed).unwrap_or(1).min(RUN_PAGES);
        let got = SharedFrame::allocate_zeroed_several(&mut frames[..count]);
        if got == 0 {
            return Err(FaultError::OutOfMemory);
        }
        let mapped = match self.tables.map_several(page, &mut frames[..got], hardware(rights)) {
            Ok(mapped) => mapped as u64,
            // Another thread has answered the fault while this one waited for the lock.
            Err(MapError::Occupied(_)) => return Ok(()),
            Err(MapError::OutOfMemory) => return Err(FaultError::OutOfMemory),
            Err(MapError::BadAddress(_)) => {
                return Err(FaultError::Violation(Violation::Unmapped));
            }
        };
        self.run.store(page.saturating_add(mapped * PAGE_BYTES) | mapped, Ordering::Relaxed);
        self.peak_pages.fetch_max(self.tables.mapped_pages(), Ordering::Relaxed);
        Ok(())
    }

    /// Gives a page of an area what the file or the shared memory behind it has there.
    fn fill_from_file(
        &self,
        area: &Area<Object>,
        page: u64,
        offset: u64,
        access: Access,
    ) -> Result<(), FaultError> {
        let backing = area.kind.backing().ok_or(FaultError::BeyondFile)?;
        let index = offset / PAGE_BYTES;
        let rights = area.protection;
        self.charge()?;
        let file = match &backing.file {
            Object::Memory(memory) => {
                return self.map_page(page, memory.page(index)?, rights, Writing::ToFrame);
            }
            Object::File(file) => file,
        };
        let is_write = access == Access::Write;
        let wanted = match (area.kind.is_shared(), is_write) {
            (false, false) => Wanted::ToRead,
            (false, true) => Wanted::ToCopy,
            (true, false) => Wanted::Shared,
            (true, true) => Wanted::SharedToWrite,
        };
        let found = file.page(index, wanted).map_err(|_| FaultError::NoRoom)?;
        let (frame, writing) = match (found.ok_or(FaultError::BeyondFile)?, wanted) {
            (MappedPage::Frame(frame), Wanted::ToRead) => (frame, Writing::ToCopy),
            (MappedPage::Frame(frame), Wanted::ToCopy) => (frame.copy()?, Writing::ToFrame),
            // Who reads it first is asked again when it is written: the file's time changes then.
            (MappedPage::Frame(frame), Wanted::Shared) => {
                let rights = rights.without_write();
                return self.map_page(page, frame, rights, Writing::ToFrame);
            }
            (MappedPage::Frame(frame), Wanted::SharedToWrite) => (frame, Writing::ToFrame),
            (MappedPage::Bytes(bytes), _) => (filled(bytes)?, Writing::ToFrame),
        };
        self.map_page(page, frame, rights, writing)?;
        if wanted == Wanted::ToRead
            && let FileBytes::File(file) = file
        {
            self.map_around(file, area, page);
        }
        Ok(())
    }

    /// Maps the pages around one that was read, as far as the file has them in frames: most programs
    /// read them soon, and a fault costs more than a page too many.
    fn map_around(&self, file: &MappedFile, area: &Area<Object>, page: u64) {
        const AROUND_BYTES: u64 = 16 * PAGE_BYTES;
        let window = page - page % AROUND_BYTES;
        let start = window.max(area.range.start());
        let end = window.saturating_add(AROUND_BYTES).min(area.range.end());
        let Some(first) = area.file_offset(start).map(|offset| offset / PAGE_BYTES) else { return };
        let count = end.saturating_sub(start) / PAGE_BYTES;
        file.for_each_frame(first, first.saturating_add(count), |index, frame| {
            let at = start + (index - first) * PAGE_BYTES;
            at == page
                || self.charge().is_ok()
                    && self.map_page(at, frame, area.protection, Writing::ToCopy).is_ok()
        });
    }

    /// Makes room for one page more, within the process's limit.
    fn charge(&self) -> Result<(), FaultError> {
        self.room_pages()?;
        self.peak_pages.fetch_max(self.tables.mapped_pages() + 1, Ordering::Relaxed);
        Ok(())
    }

    /// How many pages more it may have; at least one.
    fn room_pages(&self) -> Result<u64, FaultError> {
        let limit = self.limit_pages.load(Ordering::Relaxed);
        let room = limit.saturating_sub(self.tables.mapped_pages());
        if room == 0 {
            return Err(FaultError::LimitExceeded);
        }
        let group = self.tables.group().map_or(u64::MAX, |group| group.room_pages());
        if group == 0 {
            return Err(FaultError::QuotaExceeded);
        }
        let room = room.min(group);
        if is_short() { Err(FaultError::OutOfMemory) } else { Ok(room) }
    }

    fn map_page(
        &self,
        page: u64,
        frame: SharedFrame,
        rights: Protection,
        writing: Writing,
    ) -> Result<(), FaultError> {
        match self.tables.map(page, frame, hardware(rights), writing) {
            // Occupied: another thread has answered the fault while this one waited for the lock.
            Ok(()) | Err(MapError::Occupied(_)) => Ok(()),
            Err(MapError::OutOfMemory) => Err(FaultError::OutOfMemory),
            Err(MapError::BadAddress(_)) => Err(FaultError::Violation(Violation::Unmapped)),
        }
    }

    /// The space of a forked child: the same areas, whose pages both have until one of them writes;
    /// shared areas go on being shared. Costs a walk over the page tables; copies no page.
    ///
    /// # Errors
    /// When memory is short; nothing remains of the child's space then.
    pub fn fork(&self) -> Result<Self, OutOfMemory> {
        if is_short() {
            return Err(OutOfMemory);
        }
        let map = self.map.lock();
        let child = map.fork().map_err(|_| OutOfMemory)?;
        let mut tables = Tables::new(self.tables.group().cloned())?;
        let ranges = child.areas().filter_map(|area| {
            let writing = match area.forked_pages() {
                ForkedPages::CopyOnWrite => Writing::ToCopy,
                ForkedPages::Shared => Writing::ToFrame,
                ForkedPages::Empty => return None,
            };
            Some((area.range.start(), area.range.end(), writing))
        });
        self.tables.share_with(&mut tables, ranges, || !is_short())?;
        let pages = tables.mapped_pages();
        Ok(Self {
            map: Mutex::new(child),
            tables: Arc::new(tables),
            limit_pages: AtomicU64::new(self.limit_pages.load(Ordering::Relaxed)),
            peak_pages: AtomicU64::new(pages),
            run: AtomicU64::new(0),
            executable: SpinLock::new(levels::PROCESS, "executable", self.executable()),
            code_bytes: self.code_bytes,
        })
    }

    /// What identifies a byte of memory that other spaces may share, wherever they have it: its
    /// physical address. None for memory of the space's own, and while there is no page.
    pub fn shared_place(&self, address: u64) -> Option<u64> {
        let map = self.map.lock();
        let is_shared = map.area_at(address)?.kind.is_shared();
        if is_shared { self.tables.physical_of(address) } else { None }
    }

    /// Makes an area, and takes away what was in its place.
    ///
    /// # Errors
    /// The map's.
    pub fn map(&self, request: MapRequest<Object>, bounds: Bounds) -> Result<PageRange, Error> {
        let mut map = self.map.lock();
        bind(&mut map, bounds);
        let mapped = map.map(request)?;
        self.remove(&mapped.removed);
        Ok(mapped.range)
    }

    /// Takes a range away.
    ///
    /// # Errors
    /// The map's.
    pub fn unmap(&self, address: u64, length: u64) -> Result<(), Error> {
        let mut map = self.map.lock();
        let removed = map.unmap(address, length)?;
        self.remove(&removed);
        Ok(())
    }

    /// Changes rights.
    ///
    /// # Errors
    /// The map's.
    pub fn protect(
        &self,
        address: u64,
        length: u64,
        rights: Protection,
        bounds: Bounds,
    ) -> Result<(), Error> {
        let mut map = self.map.lock();
        bind(&mut map, bounds);
        for changed in map.protect(address, length, rights)? {
            if changed.after == Protection::NONE {
                // Readable pages cannot be made unreachable by their rights: the frames stay in
                // nobody's reach only if their entries do.
                self.tables.hide(changed.range.start(), changed.range.end());
            } else {
                let range = changed.range;
                self.tables.protect(range.start(), range.end(), hardware(changed.after));
            }
        }
        Ok(())
    }

    /// Moves the end of the heap; gives the end.
    pub fn set_break(&self, requested: u64, bounds: Bounds) -> u64 {
        let mut map = self.map.lock();
        bind(&mut map, bounds);
        let moved = map.set_break(requested);
        self.remove(&moved.removed);
        moved.end
    }

    /// Says where the heap starts.
    pub fn set_heap_start(&self, address: u64) {
        self.map.lock().set_heap_start(address);
    }

    /// Has its stack grow within bounds, too, which no request comes with.
    pub fn set_bounds(&self, bounds: Bounds) {
        bind(&mut self.map.lock(), bounds);
    }

    /// Resizes or moves a mapping; gives its new address.
    ///
    /// # Errors
    /// The map's.
    pub fn remap(
        &self,
        address: u64,
        old_length: u64,
        new_length: u64,
        placement: RemapPlacement,
        bounds: Bounds,
    ) -> Result<u64, Error> {
        let mut map = self.map.lock();
        bind(&mut map, bounds);
        // Moving pages may need tables for them, and must not fail halfway.
        let tables_bytes = new_length / 512 + 3 * PAGE_BYTES;
        if hal::frame::free_bytes_at_least() < KERNEL_RESERVE_BYTES.saturating_add(tables_bytes)
            && placement != RemapPlacement::InPlace
        {
            return Err(Error::OutOfMemory);
        }
        let remapped = map.remap(address, old_length, new_length, placement)?;
        self.remove(&remapped.removed);
        if let Some(Moved { from, to, .. }) = remapped.moved {
            self.tables.move_pages(from.start(), from.end(), to.start());
        }
        Ok(remapped.range.start())
    }

    /// Frees all memory and has every CPU let go of the tables. Called by the process's last thread.
    pub fn retire(&self) {
        let removed = self.map.lock().take_all();
        self.tables.retire();
        // Files may be closed here for the last time.
        drop(removed);
    }

    fn remove(&self, areas: &[Area<Object>]) {
        for area in areas {
            self.tables.unmap(area.range.start(), area.range.end());
        }
    }

    /// Writes into the space while it is not loaded: for a program's first stack and the zeros at
    /// the end of its data. Pages are made as if the program had touched them, whatever it may do
    /// there.
    ///
    /// # Errors
    /// As `fault`.
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<(), FaultError> {
        let mut done = 0;
        while done < bytes.len() {
            let at = address + done as u64;
            let in_page = usize::try_from(PAGE_BYTES - at % PAGE_BYTES).unwrap_or(PAGE_LEN);
            let count = in_page.min(bytes.len() - done);
            let part = &bytes[done..done + count];
            if self.tables.write(at, part) != count {
                self.prepare(at)?;
                if self.tables.write(at, part) != count {
                    return Err(FaultError::Violation(Violation::Unmapped));
                }
            }
            done += count;
        }
        Ok(())
    }

    /// Gives the page at an address a frame that nobody else has.
    fn prepare(&self, address: u64) -> Result<(), FaultError> {
        let rights = match self.tables.protection(address) {
            Some(rights) => rights,
            None => {
                self.fault(address, Access::Read, Presence::Absent)?;
                self.tables.protection(address).unwrap_or_default()
            }
        };
        let own = hal::paging::Protection { write: true, ..rights };
        let page = page_of(address);
        self.tables.make_own(page, own)?;
        // The rights as they were, now that the frame is its own.
        self.tables.protect(page, page + PAGE_BYTES, rights);
        Ok(())
    }
}

/// A frame with these bytes, and zeros behind them.
fn filled(bytes: &[u8]) -> Result<SharedFrame, OutOfMemory> {
    if bytes.len() < PAGE_LEN {
        let frame = SharedFrame::allocate_zeroed()?;
        frame.write(0, bytes);
        return Ok(frame);
    }
    let frame = SharedFrame::allocate()?;
    frame.write(0, bytes);
    Ok(frame)
}

fn hardware(rights: Protection) -> hal::paging::Protection {
    hal::paging::Protection {
        write: rights.contains(Protection::WRITE),
        execute: rights.contains(Protection::EXECUTE),
    }
}

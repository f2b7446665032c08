//! The heap's front: magazines for each CPU, and the way from a request to the layer that serves it.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::fmt;
use core::ptr::{self, NonNull};

use ksync::{CachePadded, Counter, Interrupts, Level, PerCpu, SpinLock};
use talc::base::Talc;

use crate::chunks::{ChunkSource, Chunks};
use crate::magazine::Magazine;
use crate::size_class::SizeClass;
use crate::statistics::{LocalCounts, Statistics};

/// The backing's unit.
pub const PAGE_BYTES: usize = 4096;

/// Blocks of this size and more have pages of their own: they would only break up talc's chunks.
pub const LARGE_BYTES: usize = 64 * 1024;

/// The calling CPU's number.
///
/// # Safety
/// While interrupts are disabled by [`Interrupts::disable`], the caller stays on its CPU and nothing
/// else runs there that could call the heap; and no two CPUs have the same number.
pub unsafe trait Cpu: Interrupts {
    /// The number, or `None` as long as the CPU has none: the heap then works without magazines.
    /// Only called with interrupts disabled.
    fn index() -> Option<usize>;
}

/// Contiguous memory in pages.
///
/// # Safety
/// What [`allocate`](Self::allocate) returns is mapped, writable, as large and as aligned as asked
/// for, and nobody else's until it is freed. Neither function uses the heap.
pub unsafe trait Backing: 'static {
    /// Memory of this layout, whose size is a multiple of [`PAGE_BYTES`] and whose alignment is at
    /// least that; `None` when there is none. May be called with a heap's lock held: locks taken in
    /// here have a higher level.
    fn allocate(layout: Layout) -> Option<NonNull<u8>>;

    /// Takes memory back.
    ///
    /// # Safety
    /// It came from [`allocate`](Self::allocate) with the same layout, and nobody uses it any more.
    unsafe fn free(memory: NonNull<u8>, layout: Layout);
}

/// What a CPU has for itself.
struct Local {
    magazines: UnsafeCell<[Magazine; SizeClass::COUNT]>,
    counts: LocalCounts,
}

impl Local {
    const fn new() -> Self {
        Self {
            magazines: UnsafeCell::new([const { Magazine::new() }; SizeClass::COUNT]),
            counts: LocalCounts::new(),
        }
    }
}

// SAFETY: `magazines` is reached through `Heap::with_local` only, by the one CPU it belongs to, with
// interrupts disabled (the contract of `Cpu`); the rest is atomic.
unsafe impl Sync for Local {}

/// A heap for at most `CPUS` CPUs: `static HEAP: Heap<MyCpu, MyFrames, 64> = Heap::new(LEVEL);`
pub struct Heap<C: Cpu, B: Backing, const CPUS: usize> {
    locals: PerCpu<Local, CPUS>,
    chunks: SpinLock<Chunks<B>, C>,
    shared: Shared,
}

/// Counts of what goes past the magazines.
struct Shared {
    allocated_bytes: Counter,
    freed_bytes: Counter,
    allocations: Counter,
    large_allocated_bytes: Counter,
    large_freed_bytes: Counter,
    failures: Counter,
}

impl<C: Cpu, B: Backing, const CPUS: usize> Heap<C, B, CPUS> {
    /// An empty heap, which takes its first memory from the backing when it is first asked. Its lock
    /// has this level.
    #[must_use]
    pub const fn new(level: Level) -> Self {
        Self {
            locals: PerCpu::new([const { CachePadded::new(Local::new()) }; CPUS]),
            chunks: SpinLock::new(level, "heap", Talc::new(ChunkSource::new())),
            shared: Shared {
                allocated_bytes: Counter::new(),
                freed_bytes: Counter::new(),
                allocations: Counter::new(),
                large_allocated_bytes: Counter::new(),
                large_freed_bytes: Counter::new(),
                failures: Counter::new(),
            },
        }
    }

    /// The heap's figures.
    pub fn statistics(&self) -> Statistics {
        let (chunks, chunk_bytes) = {
            let talc = self.chunks.lock();
            (talc.source.chunks, talc.source.bytes as u64)
        };
        let sum = |figure: fn(&LocalCounts) -> u64| self.locals.sum_of(|it| figure(&it.counts));
        let freed = sum(|counts| counts.freed_bytes.get()) + self.shared.freed_bytes.get();
        let allocated =
            sum(|counts| counts.allocated_bytes.get()) + self.shared.allocated_bytes.get();
        let large_freed = self.shared.large_freed_bytes.get();
        let large_bytes = self.shared.large_allocated_bytes.get().saturating_sub(large_freed);
        Statistics {
            // Other CPUs count in between: never below zero.
            in_use_bytes: allocated.saturating_sub(freed) + large_bytes,
            cached_bytes: sum(LocalCounts::cached_bytes),
            backing_bytes: chunk_bytes + large_bytes,
            large_bytes,
            chunks,
            allocations: sum(|counts| counts.allocations.get()) + self.shared.allocations.get(),
            refills: sum(|counts| counts.refills.get()),
            flushes: sum(|counts| counts.flushes.get()),
            failures: self.shared.failures.get(),
        }
    }

    /// Returns the calling CPU's cached blocks to the chunks: when memory is short, and before the
    /// CPU goes offline.
    pub fn flush_local(&self) {
        self.with_local(|magazines, counts| {
            let mut talc = self.chunks.lock();
            for class in SizeClass::all() {
                empty(&mut magazines[class.index()], class, usize::MAX, &mut talc);
                counts.set_cached(class, 0);
            }
        });
    }

    /// Runs the closure with the calling CPU's own part, interrupts disabled; `None` if the CPU has
    /// no number yet.
    fn with_local<O>(
        &self,
        work: impl FnOnce(&mut [Magazine; SizeClass::COUNT], &LocalCounts) -> O,
    ) -> Option<O> {
        let state = C::disable();
        let local = C::index().and_then(|index| self.locals.get(index));
        let outcome = local.map(|local| {
            // SAFETY: with interrupts disabled only this CPU's one caller gets here with its number
            // (the contract of `Cpu`), and no closure of this file calls the heap again.
            let magazines = unsafe { &mut *local.magazines.get() };
            work(magazines, &local.counts)
        });
        C::restore(state);
        outcome
    }

    fn allocate_small(&self, class: SizeClass) -> Option<NonNull<u8>> {
        let cached = self.with_local(|magazines, counts| {
            let magazine = &mut magazines[class.index()];
            let block = magazine.pop().or_else(|| {
                counts.refills.add(1);
                self.refill(magazine, class)
            })?;
            counts.set_cached(class, magazine.len());
            counts.allocated_bytes.add(class.size_bytes());
            counts.allocations.add(1);
            Some(block)
        });
        cached.unwrap_or_else(|| self.allocate_in_chunks(class.layout()))
    }

    /// Fills the magazine by one batch and takes one block more.
    fn refill(&self, magazine: &mut Magazine, class: SizeClass) -> Option<NonNull<u8>> {
        let mut talc = self.chunks.lock();
        // SAFETY: a class's layout is not empty.
        let block = unsafe { talc.allocate(class.layout()) }?;
        for _ in 1..class.batch() {
            // No new chunk only to fill a magazine.
            // SAFETY: as above.
            let Some(spare) = (unsafe { talc.try_allocate(class.layout()) }) else { break };
            // SAFETY: the block is new, and every class holds and aligns a word.
            unsafe { magazine.push(spare) };
        }
        Some(block)
    }

    /// # Safety
    /// The block was allocated in this class, and its user is done with it.
    unsafe fn free_small(&self, block: NonNull<u8>, class: SizeClass) {
        let cached = self.with_local(|magazines, counts| {
            let magazine = &mut magazines[class.index()];
            if magazine.len() >= class.capacity() {
                counts.flushes.add(1);
                empty(magazine, class, class.batch(), &mut self.chunks.lock());
            }
            // SAFETY: the caller gives the block away; every class holds and aligns a word.
            unsafe { magazine.push(block) };
            counts.set_cached(class, magazine.len());
            counts.freed_bytes.add(class.size_bytes());
        });
        if cached.is_none() {
            // SAFETY: blocks of a class are blocks of talc with the class's layout.
            unsafe { self.free_in_chunks(block, class.layout()) };
        }
    }

    fn allocate_in_chunks(&self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: `GlobalAlloc` promises a layout that is not empty, and a class's never is.
        let block = unsafe { self.chunks.lock().allocate(layout) }?;
        self.shared.allocated_bytes.add(layout.size() as u64);
        self.shared.allocations.increment();
        Some(block)
    }

    /// # Safety
    /// The block is talc's, of this layout, and its user is done with it.
    unsafe fn free_in_chunks(&self, block: NonNull<u8>, layout: Layout) {
        self.shared.freed_bytes.add(layout.size() as u64);
        // SAFETY: the caller's promise.
        unsafe { self.chunks.lock().deallocate(block.as_ptr(), layout) };
    }

    fn allocate_large(&self, pages: Layout) -> Option<NonNull<u8>> {
        let block = B::allocate(pages)?;
        self.shared.large_allocated_bytes.add(pages.size() as u64);
        self.shared.allocations.increment();
        Some(block)
    }

    /// # Safety
    /// The block came from [`allocate_large`](Self::allocate_large) with this layout.
    unsafe fn free_large(&self, block: NonNull<u8>, pages: Layout) {
        self.shared.large_freed_bytes.add(pages.size() as u64);
        // SAFETY: the caller's promise.
        unsafe { B::free(block, pages) };
    }

    fn serve(&self, layout: Layout) -> Option<NonNull<u8>> {
        match Route::of(layout)? {
            Route::Magazine(class) => self.allocate_small(class),
            Route::Chunks => self.allocate_in_chunks(layout),
            Route::Pages(pages) => self.allocate_large(pages),
        }
    }

    /// Changes the size of a block without moving it, if the layer it is in can.
    ///
    /// # Safety
    /// As for `GlobalAlloc::realloc`.
    unsafe fn resize_in_place(&self, block: *mut u8, old: Layout, new: Layout) -> bool {
        match (Route::of(old), Route::of(new)) {
            (Some(Route::Magazine(is)), Some(Route::Magazine(wanted))) => is == wanted,
            (Some(Route::Pages(is)), Some(Route::Pages(wanted))) => is == wanted,
            (Some(Route::Chunks), Some(Route::Chunks)) => {
                // SAFETY: the block is talc's with the old layout; the new size is not zero.
                let is_done =
                    unsafe { self.chunks.lock().try_realloc_in_place(block, old, new.size()) };
                if is_done {
                    self.shared.allocated_bytes.add(new.size() as u64);
                    self.shared.freed_bytes.add(old.size() as u64);
                }
                is_done
            }
            _ => false,
        }
    }
}

/// Moves up to `count` blocks from a magazine to talc.
fn empty<B: Backing>(
    magazine: &mut Magazine,
    class: SizeClass,
    count: usize,
    talc: &mut Chunks<B>,
) {
    for _ in 0..count {
        let Some(block) = magazine.pop() else { return };
        // SAFETY: a magazine's blocks came from talc with their class's layout.
        unsafe { talc.deallocate(block.as_ptr(), class.layout()) };
    }
}

/// Which layer serves a layout. It depends on the layout alone, so that freeing finds the way back.
enum Route {
    Magazine(SizeClass),
    Chunks,
    /// Pages of their own; the layout is in whole pages.
    Pages(Layout),
}

impl Route {
    /// `None` when no memory could be that large.
    fn of(layout: Layout) -> Option<Self> {
        if let Some(class) = SizeClass::of(layout) {
            return Some(Self::Magazine(class));
        }
        if layout.size() < LARGE_BYTES && layout.align() < LARGE_BYTES {
            return Some(Self::Chunks);
        }
        let size = layout.size().checked_next_multiple_of(PAGE_BYTES)?;
        Layout::from_size_align(size, layout.align().max(PAGE_BYTES)).ok().map(Self::Pages)
    }
}

// SAFETY: each block is of a layer's memory that no other block overlaps, as large and as aligned as
// its layout says (the classes, talc and the backing see to that), and stays until it is freed.
unsafe impl<C: Cpu, B: Backing, const CPUS: usize> GlobalAlloc for Heap<C, B, CPUS> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let block = self.serve(layout).or_else(|| {
            // The magazines may hold what is wanted in pieces.
            self.flush_local();
            self.chunks.lock().source.release_spare();
            self.serve(layout)
        });
        if block.is_none() {
            self.shared.failures.increment();
        }
        block.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some(block) = NonNull::new(block) else { return };
        match Route::of(layout) {
            // SAFETY: the layout is the one of the allocation, so the block is of this class.
            Some(Route::Magazine(class)) => unsafe { self.free_small(block, class) },
            // SAFETY: as above, for talc.
            Some(Route::Chunks) => unsafe { self.free_in_chunks(block, layout) },
            // SAFETY: as above, for the backing.
            Some(Route::Pages(pages)) => unsafe { self.free_large(block, pages) },
            // Never allocated.
            None => {}
        }
    }

    unsafe fn realloc(&self, block: *mut u8, old: Layout, new_size: usize) -> *mut u8 {
        let Ok(new) = Layout::from_size_align(new_size, old.align()) else {
            return ptr::null_mut();
        };
        // SAFETY: the caller's promises are the same.
        if unsafe { self.resize_in_place(block, old, new) } {
            return block;
        }
        // SAFETY: the caller promises a new size that is not zero.
        let moved = unsafe { self.alloc(new) };
        if !moved.is_null() {
            // SAFETY: both blocks are at least this large, and the new one is nobody else's.
            unsafe { ptr::copy_nonoverlapping(block, moved, old.size().min(new_size)) };
            // SAFETY: the old block's user gives it away.
            unsafe { self.dealloc(block, old) };
        }
        moved
    }
}

impl<C: Cpu, B: Backing, const CPUS: usize> fmt::Debug for Heap<C, B, CPUS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heap").field("statistics", &self.statistics()).finish()
    }
}

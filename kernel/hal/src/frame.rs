//! Physical frames: owned handles over `vm_core`'s buddy allocator, with a small cache on each CPU
//! in front, so that a page fault takes no lock that another CPU wants.

mod content;
pub(crate) mod shared;

pub use shared::SharedFrame;

use core::fmt;
use core::mem::ManuallyDrop;
use core::sync::atomic::{AtomicU64, Ordering};

use ksync::Level;
use vm_core::frame::{Buddy, FrameNumber, Order};

use crate::cpu::MAX_CPUS;
use crate::interrupts::SpinLock;
use crate::paging::layout::{PAGE_BYTES, direct};

/// Level of the lock around the buddy allocator: nothing is taken while it is held.
pub const FRAMES_LEVEL: Level = Level::new(240);
const CACHE_LEVEL: Level = Level::new(239);

static BUDDY: SpinLock<Option<Buddy<'static>>> = SpinLock::new(FRAMES_LEVEL, "frames", None);
static CACHES: [SpinLock<Cache>; MAX_CPUS] =
    [const { SpinLock::new(CACHE_LEVEL, "frame cache", Cache::new()) }; MAX_CPUS];
static TOTAL: AtomicU64 = AtomicU64::new(0);
/// The allocator's free frames as of its last change, for who asks often. Written under its lock.
static FREE: AtomicU64 = AtomicU64::new(0);

/// Frames moved between a CPU's cache and the buddy at a time.
const BATCH: usize = 16;

struct Cache {
    frames: [Option<FrameNumber>; 2 * BATCH],
    count: usize,
}

impl Cache {
    const fn new() -> Self {
        Self { frames: [None; 2 * BATCH], count: 0 }
    }

    fn pop(&mut self) -> Option<FrameNumber> {
        self.count = self.count.checked_sub(1)?;
        self.frames[self.count].take()
    }

    /// Gives the frame back where the cache is full.
    fn push(&mut self, frame: FrameNumber) -> Result<(), FrameNumber> {
        let slot = self.frames.get_mut(self.count).ok_or(frame)?;
        *slot = Some(frame);
        self.count += 1;
        Ok(())
    }
}

/// No physical memory is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no physical memory is left")
    }
}

/// A block of physical frames that its holder owns; dropping it frees it.
#[derive(Debug, PartialEq, Eq)]
pub struct Frames {
    first: FrameNumber,
    order: Order,
}

impl Frames {
    /// One frame with unspecified content. The content may be another program's: fill it before a
    /// program sees it.
    ///
    /// # Errors
    /// When no frame is left.
    pub fn allocate_one() -> Result<Self, OutOfMemory> {
        let first = allocate_cached().ok_or(OutOfMemory)?;
        Ok(Self { first, order: Order::FRAME })
    }

    /// One frame full of zeros.
    ///
    /// # Errors
    /// When no frame is left.
    pub fn allocate_zeroed() -> Result<Self, OutOfMemory> {
        let frame = Self::allocate_one()?;
        frame.zero();
        Ok(frame)
    }

    /// A contiguous block of `2^order` frames with unspecified content.
    ///
    /// # Errors
    /// When no such block is left.
    pub fn allocate(order: Order) -> Result<Self, OutOfMemory> {
        if order == Order::FRAME {
            return Self::allocate_one();
        }
        let first = match allocate_block(order) {
            Some(first) => first,
            None => {
                drain_own_cache();
                allocate_block(order).ok_or(OutOfMemory)?
            }
        };
        Ok(Self { first, order })
    }

    /// Its physical address.
    #[must_use]
    pub fn address(&self) -> u64 {
        self.first.address()
    }

    /// Its size in bytes.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        self.order.bytes()
    }

    /// Fills it with zeros.
    pub fn zero(&self) {
        for page in 0..self.order.frames() {
            let at = self.pointer().wrapping_add((page * PAGE_BYTES) as usize);
            // SAFETY: the block is owned, and the direct map makes it writable.
            unsafe { content::clear(at) }
        }
    }

    /// Copies `bytes` to `offset`. What does not fit is left out; the count copied is returned.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.len().saturating_sub(offset));
        if count > 0 {
            let to = self.pointer().wrapping_add(offset);
            // SAFETY: `offset + count` lies within the block, which is owned; a program that has it
            // mapped may write at the same time, which spoils bytes and nothing else.
            unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), to, count) };
        }
        count
    }

    /// Copies from `offset` on into `bytes`; the count copied is returned.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) -> usize {
        let count = bytes.len().min(self.len().saturating_sub(offset));
        if count > 0 {
            let from = self.pointer().wrapping_add(offset).cast_const();
            // SAFETY: as in `write`.
            unsafe { core::ptr::copy_nonoverlapping(from, bytes.as_mut_ptr(), count) };
        }
        count
    }

    /// Gives up ownership: the caller keeps the address and frees it by `from_raw`.
    pub(crate) fn into_raw(self) -> FrameNumber {
        ManuallyDrop::new(self).first
    }

    /// Takes ownership again.
    ///
    /// # Safety
    /// `first` came from `into_raw` of a block of this order, and this is its only return.
    pub(crate) unsafe fn from_raw(first: FrameNumber, order: Order) -> Self {
        Self { first, order }
    }

    /// Where the direct map has it.
    pub(crate) fn pointer(&self) -> *mut u8 {
        direct(self.address()) as *mut u8
    }

    fn len(&self) -> usize {
        1 << (self.order.exponent() + 12)
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        if self.order == Order::FRAME {
            free_cached(self.first);
        } else if let Some(buddy) = BUDDY.lock().as_mut() {
            let freed = buddy.free(self.first, self.order);
            debug_assert!(freed.is_ok(), "{freed:?}");
            note_free(buddy);
        }
    }
}

fn allocate_block(order: Order) -> Option<FrameNumber> {
    let mut buddy = BUDDY.lock();
    let buddy = buddy.as_mut()?;
    let first = buddy.allocate(order);
    note_free(buddy);
    first
}

/// With the allocator's lock held. Relaxed: nothing else hangs on the figure.
fn note_free(buddy: &Buddy<'_>) {
    FREE.store(buddy.free_frames(), Ordering::Relaxed);
}

fn allocate_cached() -> Option<FrameNumber> {
    let mut cache = CACHES[crate::cpu::current()].lock();
    if let Some(frame) = cache.pop() {
        return Some(frame);
    }
    refill(&mut cache);
    cache.pop()
}

/// Fills an empty cache by half.
fn refill(cache: &mut Cache) {
    let mut buddy = BUDDY.lock();
    let Some(buddy) = buddy.as_mut() else { return };
    for _ in 0..BATCH {
        let Some(frame) = buddy.allocate(Order::FRAME) else { break };
        let pushed = cache.push(frame);
        debug_assert!(pushed.is_ok(), "an empty cache has room for a batch");
    }
    note_free(buddy);
}

/// Gives several frames to `take` until it wants no more or none is left.
fn allocate_several(mut count: usize, mut take: impl FnMut(FrameNumber)) {
    let mut cache = CACHES[crate::cpu::current()].lock();
    while count > 0 {
        if let Some(frame) = cache.pop() {
            take(frame);
            count -= 1;
            continue;
        }
        refill(&mut cache);
        if cache.count == 0 {
            return;
        }
    }
}

fn free_cached(frame: FrameNumber) {
    free_into(&mut CACHES[crate::cpu::current()].lock(), frame);
}

/// Frees several frames.
fn free_several(frames: impl Iterator<Item = FrameNumber>) {
    let mut cache = CACHES[crate::cpu::current()].lock();
    for frame in frames {
        free_into(&mut cache, frame);
    }
}

fn free_into(cache: &mut Cache, frame: FrameNumber) {
    let Err(frame) = cache.push(frame) else { return };
    let mut buddy = BUDDY.lock();
    let Some(buddy) = buddy.as_mut() else { return };
    let freed = buddy.free(frame, Order::FRAME);
    debug_assert!(freed.is_ok(), "{freed:?}");
    for _ in 0..BATCH {
        let Some(frame) = cache.pop() else { break };
        let freed = buddy.free(frame, Order::FRAME);
        debug_assert!(freed.is_ok(), "{freed:?}");
    }
    note_free(buddy);
}

/// Gives this CPU's cached frames back, so that they can join to larger blocks.
fn drain_own_cache() {
    let mut cache = CACHES[crate::cpu::current()].lock();
    let mut buddy = BUDDY.lock();
    let Some(buddy) = buddy.as_mut() else { return };
    while let Some(frame) = cache.pop() {
        let freed = buddy.free(frame, Order::FRAME);
        debug_assert!(freed.is_ok(), "{freed:?}");
    }
    note_free(buddy);
}

/// Physical memory in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryFigures {
    /// What the kernel manages: usable memory without the image, the initrd and the frame table.
    pub total_bytes: u64,
    /// What is free, the CPUs' caches included.
    pub free_bytes: u64,
}

/// What is there and what is free, at this moment.
#[must_use]
pub fn figures() -> MemoryFigures {
    let cached: usize = CACHES[..crate::cpu::online().max(1)].iter().map(|c| c.lock().count).sum();
    let free = BUDDY.lock().as_ref().map_or(0, Buddy::free_frames);
    MemoryFigures {
        total_bytes: TOTAL.load(Ordering::Relaxed) * PAGE_BYTES,
        free_bytes: (free + cached as u64) * PAGE_BYTES,
    }
}

/// What the kernel manages; see [`MemoryFigures`].
#[must_use]
pub fn total_bytes() -> u64 {
    TOTAL.load(Ordering::Relaxed) * PAGE_BYTES
}

/// At least how much is free, without a lock: a few frames less than `figures` says, which are in the
/// CPUs' caches.
#[must_use]
pub fn free_bytes_at_least() -> u64 {
    FREE.load(Ordering::Relaxed) * PAGE_BYTES
}

/// Installs the allocator. Called once, at boot.
pub(crate) fn install(buddy: Buddy<'static>) {
    TOTAL.store(buddy.total_frames(), Ordering::Relaxed);
    note_free(&buddy);
    *BUDDY.lock() = Some(buddy);
}

/// Hands another range of usable memory to the allocator, at boot.
///
/// # Safety
/// The range is usable memory that nothing uses, and the direct map has it.
pub(crate) unsafe fn release(start: FrameNumber, end: FrameNumber) {
    if let Some(buddy) = BUDDY.lock().as_mut() {
        let released = buddy.release_range(start, end);
        debug_assert!(released.is_ok(), "{released:?}");
        TOTAL.store(buddy.total_frames(), Ordering::Relaxed);
        note_free(buddy);
    }
}

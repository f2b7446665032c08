//! Physical frames: owned handles over `vm_core`'s buddy allocator, with a small cache on each CPU
//! in front, so that a page fault takes no lock that another CPU wants.

mod content;
pub(crate) mod nodes;
pub(crate) mod shared;

pub use shared::SharedFrame;

use core::fmt;
use core::mem::ManuallyDrop;
use core::sync::atomic::{AtomicU64, Ordering};

use ksync::Level;
use vm_core::frame::{Buddy, FrameNumber, Order};

use nodes::{Affinity, MAX_ZONES};

use crate::cpu::MAX_CPUS;
use crate::interrupts::SpinLock;
use crate::paging::layout::{PAGE_BYTES, direct};

/// Level of the lock around the buddy allocator: nothing is taken while it is held.
pub const FRAMES_LEVEL: Level = Level::new(240);
const CACHE_LEVEL: Level = Level::new(239);

/// One allocator a zone; see `nodes`. Only one of them is locked at a time.
static POOLS: [SpinLock<Option<Buddy<'static>>>; MAX_ZONES] =
    [const { SpinLock::new(FRAMES_LEVEL, "frames", None) }; MAX_ZONES];
static CACHES: [SpinLock<Cache>; MAX_CPUS] =
    [const { SpinLock::new(CACHE_LEVEL, "frame cache", Cache::new()) }; MAX_CPUS];
static TOTAL: AtomicU64 = AtomicU64::new(0);
/// Each pool's free frames as of its last change, for who asks often. Written under its lock.
static FREE: [AtomicU64; MAX_ZONES] = [const { AtomicU64::new(0) }; MAX_ZONES];

/// Frames taken from each pool by CPUs of its own node, and by others.
static TAKEN: [[AtomicU64; 2]; MAX_ZONES] = [const { [const { AtomicU64::new(0) }; 2] }; MAX_ZONES];

/// Counts frames that the calling CPU takes from a zone. With the pool's lock held.
fn note_taken(zone: usize, frames: u64) {
    let is_foreign = nodes::node_of_zone(zone) != nodes::node_of_cpu(crate::cpu::current());
    TAKEN[zone][usize::from(is_foreign)].fetch_add(frames, Ordering::Relaxed);
}

/// Frames moved between a CPU's cache and the buddy at a time.
const BATCH: usize = 16;

struct Cache {
    frames: [Option<FrameNumber>; 2 * BATCH],
    count: usize,
    /// Frames that became a `SharedFrame` here, less those that ended as one here.
    shared: i64,
}

impl Cache {
    const fn new() -> Self {
        Self { frames: [None; 2 * BATCH], count: 0, shared: 0 }
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

    /// The index of the NUMA node that it belongs to.
    #[must_use]
    pub fn node(&self) -> usize {
        nodes::node_of_zone(nodes::zone_of(self.first))
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
        } else {
            let zone = nodes::zone_of(self.first);
            if let Some(buddy) = POOLS[zone].lock().as_mut() {
                let freed = buddy.free(self.first, self.order);
                debug_assert!(freed.is_ok(), "{freed:?}");
                note_free(zone, buddy);
            }
        }
    }
}

fn allocate_block(order: Order) -> Option<FrameNumber> {
    nodes::zones_for(crate::cpu::current()).find_map(|zone| {
        let mut buddy = POOLS[zone].lock();
        let buddy = buddy.as_mut()?;
        let first = buddy.allocate(order);
        note_free(zone, buddy);
        if first.is_some() {
            note_taken(zone, 1 << order.exponent());
        }
        first
    })
}

/// With the pool's lock held. Relaxed: nothing else hangs on the figure.
fn note_free(zone: usize, buddy: &Buddy<'_>) {
    FREE[zone].store(buddy.free_frames(), Ordering::Relaxed);
}

fn allocate_cached() -> Option<FrameNumber> {
    let mut cache = CACHES[crate::cpu::current()].lock();
    if let Some(frame) = cache.pop() {
        return Some(frame);
    }
    refill(&mut cache);
    cache.pop()
}

/// Fills an empty cache by half, from the nearest zone that has any.
fn refill(cache: &mut Cache) {
    for zone in nodes::zones_for(crate::cpu::current()) {
        let mut buddy = POOLS[zone].lock();
        let Some(buddy) = buddy.as_mut() else { continue };
        for _ in 0..BATCH {
            let Some(frame) = buddy.allocate(Order::FRAME) else { break };
            let pushed = cache.push(frame);
            debug_assert!(pushed.is_ok(), "an empty cache has room for a batch");
        }
        note_free(zone, buddy);
        note_taken(zone, cache.count as u64);
        if cache.count > 0 {
            return;
        }
    }
}

/// Gives several frames that become shared ones to `take`, as long as there are any.
fn allocate_shared(mut count: usize, mut take: impl FnMut(FrameNumber)) {
    let mut cache = CACHES[crate::cpu::current()].lock();
    while count > 0 {
        if let Some(frame) = cache.pop() {
            cache.shared += 1;
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

/// Frees frames that were shared ones.
fn free_shared(frames: impl Iterator<Item = FrameNumber>) {
    let mut cache = CACHES[crate::cpu::current()].lock();
    for frame in frames {
        cache.shared -= 1;
        free_into(&mut cache, frame);
    }
}

fn free_into(cache: &mut Cache, frame: FrameNumber) {
    // What is far away is not kept: this CPU would be given it again.
    if !nodes::is_local(frame, crate::cpu::current()) {
        give_back(core::iter::once(frame));
        return;
    }
    let Err(frame) = cache.push(frame) else { return };
    let spilled = core::iter::from_fn(|| cache.pop()).take(BATCH);
    give_back(core::iter::once(frame).chain(spilled));
}

/// Gives frames back to the pools that they came from.
fn give_back(frames: impl Iterator<Item = FrameNumber>) {
    let mut frames = frames.peekable();
    while let Some(frame) = frames.peek() {
        let zone = nodes::zone_of(*frame);
        let mut buddy = POOLS[zone].lock();
        let Some(buddy) = buddy.as_mut() else { return };
        while let Some(frame) = frames.next_if(|frame| nodes::zone_of(*frame) == zone) {
            let freed = buddy.free(frame, Order::FRAME);
            debug_assert!(freed.is_ok(), "{freed:?}");
        }
        note_free(zone, buddy);
    }
}

/// Gives this CPU's cached frames back, so that they can join to larger blocks.
fn drain_own_cache() {
    let mut cache = CACHES[crate::cpu::current()].lock();
    give_back(core::iter::from_fn(|| cache.pop()));
}

/// Physical memory in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryFigures {
    /// What the kernel manages: usable memory without the image, the initrd and the frame table.
    pub total_bytes: u64,
    /// What is free, the CPUs' caches included.
    pub free_bytes: u64,
    /// What programs' memories and files have, each frame once: those of [`SharedFrame`]s.
    pub shared_bytes: u64,
}

/// What is there and what is free, at this moment.
#[must_use]
pub fn figures() -> MemoryFigures {
    let (mut cached, mut shared) = (0, 0);
    for cache in &CACHES[..crate::cpu::online().max(1)] {
        let cache = cache.lock();
        cached += cache.count as u64;
        shared += cache.shared;
    }
    let free: u64 = (0..nodes::zone_count())
        .map(|zone| POOLS[zone].lock().as_ref().map_or(0, Buddy::free_frames))
        .sum();
    MemoryFigures {
        total_bytes: TOTAL.load(Ordering::Relaxed) * PAGE_BYTES,
        free_bytes: (free + cached) * PAGE_BYTES,
        // Below zero for a moment, if a frame goes from one CPU to another while this looks.
        shared_bytes: u64::try_from(shared).unwrap_or(0) * PAGE_BYTES,
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
    let zones = FREE.iter().take(nodes::zone_count());
    zones.map(|free| free.load(Ordering::Relaxed)).sum::<u64>() * PAGE_BYTES
}

/// Installs the allocator. Called once, at boot.
pub(crate) fn install(buddy: Buddy<'static>) {
    TOTAL.store(buddy.total_frames(), Ordering::Relaxed);
    note_free(0, &buddy);
    *POOLS[0].lock() = Some(buddy);
}

/// Divides the frames by NUMA node. Once, while the boot CPU runs alone.
pub(crate) fn divide(affinity: &Affinity<'_>) {
    let Some(firsts) = nodes::decide(affinity) else { return };
    let mut parts = [const { None }; MAX_ZONES];
    let mut whole = POOLS[0].lock();
    let Some(rest) = whole.as_mut() else { return };
    for zone in (1..nodes::zone_count()).rev() {
        // None: it lies behind all memory and is empty.
        let part = FrameNumber::new(firsts[zone]).and_then(|first| rest.split_off(first));
        FREE[zone].store(part.as_ref().map_or(0, Buddy::free_frames), Ordering::Relaxed);
        parts[zone] = part;
    }
    note_free(0, rest);
    drop(whole);
    for (pool, part) in POOLS.iter().zip(parts).skip(1) {
        *pool.lock() = part;
    }
}

/// Memory of one NUMA node.
#[derive(Clone, Copy, Debug, Default)]
pub struct NodeFigures {
    /// Its number in the firmware's tables.
    pub number: u32,
    /// What the kernel manages of it.
    pub total_bytes: u64,
    /// What is free, without the CPUs' caches.
    pub free_bytes: u64,
    /// Frames that CPUs of this node have taken from it since boot, their caches' included.
    pub local_frames: u64,
    /// Frames that CPUs of other nodes have taken from it.
    pub foreign_frames: u64,
}

/// How many NUMA nodes have memory.
#[must_use]
pub fn node_count() -> usize {
    nodes::count()
}

/// What a node has, by its index, at this moment.
#[must_use]
pub fn node_figures(node: usize) -> NodeFigures {
    let mut figures = NodeFigures { number: nodes::number(node), ..NodeFigures::default() };
    for zone in (0..nodes::zone_count()).filter(|zone| nodes::node_of_zone(*zone) == node) {
        if let Some(buddy) = POOLS[zone].lock().as_ref() {
            figures.total_bytes += buddy.total_frames() * PAGE_BYTES;
            figures.free_bytes += buddy.free_frames() * PAGE_BYTES;
            figures.local_frames += TAKEN[zone][0].load(Ordering::Relaxed);
            figures.foreign_frames += TAKEN[zone][1].load(Ordering::Relaxed);
        }
    }
    figures
}

/// How far a node is from another one, both by index: 10 is "itself".
#[must_use]
pub fn node_distance(from: usize, to: usize) -> u8 {
    nodes::distance(from, to)
}

/// The index of the node that a CPU is near to.
#[must_use]
pub fn node_of_cpu(cpu: usize) -> usize {
    nodes::node_of_cpu(cpu)
}

/// Hands another range of usable memory to the allocator, at boot.
///
/// # Safety
/// The range is usable memory that nothing uses, and the direct map has it.
pub(crate) unsafe fn release(start: FrameNumber, end: FrameNumber) {
    if let Some(buddy) = POOLS[0].lock().as_mut() {
        let released = buddy.release_range(start, end);
        debug_assert!(released.is_ok(), "{released:?}");
        TOTAL.store(buddy.total_frames(), Ordering::Relaxed);
        note_free(0, buddy);
    }
}

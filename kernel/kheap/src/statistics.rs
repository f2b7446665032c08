//! What the heap counts.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::size_class::SizeClass;

/// The heap's figures at about one moment: CPUs go on allocating while they are summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Bytes in blocks that somebody uses, rounded up to what the heap hands out.
    pub in_use_bytes: u64,
    /// Bytes in blocks that lie ready in magazines.
    pub cached_bytes: u64,
    /// Bytes taken from the backing, all layers together.
    pub backing_bytes: u64,
    /// Bytes of that in large blocks, which have pages of their own.
    pub large_bytes: u64,
    /// Chunks that talc works in.
    pub chunks: usize,
    /// Allocations so far.
    pub allocations: u64,
    /// How often an empty magazine was filled.
    pub refills: u64,
    /// How often a full magazine was half emptied.
    pub flushes: u64,
    /// Allocations that found no memory.
    pub failures: u64,
}

/// One CPU's counts. Only that CPU writes, with interrupts disabled, so that an addition needs no
/// atomic instruction; reading from elsewhere is why they are atomics.
pub(crate) struct LocalCounts {
    pub(crate) allocated_bytes: OwnCounter,
    pub(crate) freed_bytes: OwnCounter,
    pub(crate) allocations: OwnCounter,
    pub(crate) refills: OwnCounter,
    pub(crate) flushes: OwnCounter,
    /// Blocks in each magazine.
    pub(crate) cached: [AtomicUsize; SizeClass::COUNT],
}

impl LocalCounts {
    pub(crate) const fn new() -> Self {
        Self {
            allocated_bytes: OwnCounter::new(),
            freed_bytes: OwnCounter::new(),
            allocations: OwnCounter::new(),
            refills: OwnCounter::new(),
            flushes: OwnCounter::new(),
            cached: [const { AtomicUsize::new(0) }; SizeClass::COUNT],
        }
    }

    /// Notes how many blocks the class's magazine has now.
    pub(crate) fn set_cached(&self, class: SizeClass, blocks: usize) {
        // Relaxed: a statistic without a partner.
        self.cached[class.index()].store(blocks, Ordering::Relaxed);
    }

    pub(crate) fn cached_bytes(&self) -> u64 {
        SizeClass::all()
            // Relaxed: a statistic without a partner.
            .map(|class| self.cached[class.index()].load(Ordering::Relaxed) * class.size_bytes())
            .sum::<usize>() as u64
    }
}

/// A counter with one writer.
pub(crate) struct OwnCounter(AtomicU64);

impl OwnCounter {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds; only the owner calls this.
    pub(crate) fn add(&self, amount: usize) {
        // Relaxed, and not one operation: there is one writer, and a statistic orders nothing.
        let count = self.0.load(Ordering::Relaxed);
        self.0.store(count.wrapping_add(amount as u64), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        // Relaxed: a statistic without a partner.
        self.0.load(Ordering::Relaxed)
    }
}

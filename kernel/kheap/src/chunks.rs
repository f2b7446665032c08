//! talc over chunks of the backing.
//!
//! A chunk is claimed when talc has nothing that fits and returned when everything in it is free;
//! one empty chunk is kept, so that a load at a chunk's edge does not fetch and return it over and
//! over. The first chunk holds talc's own tables and stays.

use core::alloc::Layout;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

use talc::DefaultBinning;
use talc::base::Talc;
use talc::base::binning::Binning;
use talc::source::Source;

use crate::heap::{Backing, PAGE_BYTES};

/// How much is claimed at once where the backing has it: a trade between the lock's holding time and
/// what a small guest loses to a chunk that is hardly used.
pub(crate) const CHUNK_BYTES: usize = 256 * 1024;

/// What talc needs in a chunk beside the block: its tables (first chunk only), tags, rounding.
const OVERHEAD_BYTES: usize = talc::min_first_heap_size::<DefaultBinning>() + 128;

/// The allocator under the magazines.
pub(crate) type Chunks<B> = Talc<ChunkSource<B>, DefaultBinning>;

struct Chunk {
    base: NonNull<u8>,
    size_bytes: usize,
}

/// Where talc gets its chunks from.
pub(crate) struct ChunkSource<B> {
    spare: Option<Chunk>,
    /// Chunks that talc has, without the spare one.
    pub(crate) chunks: usize,
    /// Bytes fetched from the backing, the spare chunk included.
    pub(crate) bytes: usize,
    backing: PhantomData<fn() -> B>,
}

// SAFETY: the spare chunk is memory that nobody uses; it may change hands between threads.
unsafe impl<B> Send for ChunkSource<B> {}

impl<B: Backing> ChunkSource<B> {
    pub(crate) const fn new() -> Self {
        Self { spare: None, chunks: 0, bytes: 0, backing: PhantomData }
    }

    /// A chunk of at least this size.
    fn fetch(&mut self, needed_bytes: usize) -> Option<Chunk> {
        if self.spare.as_ref().is_some_and(|spare| spare.size_bytes >= needed_bytes) {
            return self.spare.take();
        }
        // Where memory is short or in pieces, what is needed is better than nothing.
        for size_bytes in [needed_bytes.max(CHUNK_BYTES), needed_bytes] {
            let layout = Layout::from_size_align(size_bytes, PAGE_BYTES).ok()?;
            if let Some(base) = B::allocate(layout) {
                self.bytes += size_bytes;
                return Some(Chunk { base, size_bytes });
            }
        }
        None
    }

    /// Returns the spare chunk: for when memory is short.
    pub(crate) fn release_spare(&mut self) {
        if let Some(spare) = self.spare.take() {
            self.give_back(&spare);
        }
    }

    fn give_back(&mut self, chunk: &Chunk) {
        let Ok(layout) = Layout::from_size_align(chunk.size_bytes, PAGE_BYTES) else { return };
        self.bytes -= chunk.size_bytes;
        // SAFETY: the chunk was fetched from this backing with this layout, and talc has let go of it.
        unsafe { B::free(chunk.base, layout) };
    }
}

impl<B> fmt::Debug for ChunkSource<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkSource")
            .field("chunks", &self.chunks)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

// SAFETY: neither function reaches the heap: the backing hands out pages and, by its contract,
// allocates nothing from the heap.
unsafe impl<B: Backing> Source for ChunkSource<B> {
    const TRACK_HEAP_END: bool = true;

    fn acquire<N: Binning>(talc: &mut Talc<Self, N>, layout: Layout) -> Result<(), ()> {
        let needed_bytes = layout
            .size()
            .checked_add(layout.align())
            .and_then(|bytes| bytes.checked_add(OVERHEAD_BYTES))
            .map(|bytes| bytes.max(PAGE_BYTES))
            // Backings work in powers of two; what they would round up to is used.
            .and_then(usize::checked_next_power_of_two)
            .ok_or(())?;
        let chunk = talc.source.fetch(needed_bytes).ok_or(())?;
        // SAFETY: the chunk is ours, from the backing, and large enough for talc's tables.
        let end = unsafe { talc.claim(chunk.base.as_ptr(), chunk.size_bytes) };
        if end.is_none() {
            talc.source.give_back(&chunk);
            return Err(());
        }
        talc.source.chunks += 1;
        Ok(())
    }

    unsafe fn resize(
        &mut self,
        chunk_base: *mut u8,
        heap_end: *mut u8,
        is_heap_base: bool,
    ) -> *mut u8 {
        if !is_heap_base {
            return heap_end;
        }
        // talc begins to use a chunk less than a page after the chunk's beginning, which is the
        // beginning of a page.
        let offset = chunk_base.addr() % PAGE_BYTES;
        let base = chunk_base.wrapping_sub(offset);
        let Some(base) = NonNull::new(base) else { return heap_end };
        let empty = Chunk { base, size_bytes: heap_end.addr() - base.addr().get() };
        self.chunks -= 1;
        if let Some(surplus) = self.spare.replace(empty) {
            self.give_back(&surplus);
        }
        chunk_base
    }
}

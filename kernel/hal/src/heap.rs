//! The kernel heap: `kheap` over this machine's frames.

use core::alloc::Layout;
use core::ptr::NonNull;

use kheap::{Backing, Cpu, Heap, Statistics};
use ksync::Level;
use vm_core::frame::{FrameNumber, Order};

use crate::cpu::{MAX_CPUS, local};
use crate::frame::Frames;
use crate::interrupts::LocalInterrupts;
use crate::paging::layout::{DIRECT_MAP_BASE, PAGE_BYTES};

/// Level of the heap's lock: memory may be allocated under every lock but the frames' own.
pub const HEAP_LEVEL: Level = Level::new(230);

#[global_allocator]
static HEAP: Heap<LocalInterrupts, DirectFrames, MAX_CPUS> = Heap::new(HEAP_LEVEL);

/// The heap's figures.
#[must_use]
pub fn statistics() -> Statistics {
    HEAP.statistics()
}

// SAFETY: with interrupts disabled a flow of control stays on its CPU and nothing comes between but
// NMIs, double faults and machine checks, whose handlers do not allocate; indices are unique.
unsafe impl Cpu for LocalInterrupts {
    fn index() -> Option<usize> {
        local::try_current().map(local::CpuLocal::id)
    }
}

/// Contiguous frames, by their addresses in the direct map.
pub struct DirectFrames;

impl core::fmt::Debug for DirectFrames {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("DirectFrames")
    }
}

/// The block that serves a layout: a block of an order is aligned to its size.
fn order(layout: Layout) -> Option<Order> {
    let bytes = layout.size().max(layout.align()) as u64;
    Order::for_frames(bytes.div_ceil(PAGE_BYTES))
}

// SAFETY: a block of frames is owned by nobody else, is mapped by the direct map, and is at least as
// large and as aligned as asked for. The frames' locks have higher levels than the heap's.
unsafe impl Backing for DirectFrames {
    fn allocate(layout: Layout) -> Option<NonNull<u8>> {
        let frames = Frames::allocate(order(layout)?).ok()?;
        let pointer = NonNull::new(frames.pointer());
        frames.into_raw();
        pointer
    }

    unsafe fn free(memory: NonNull<u8>, layout: Layout) {
        let address = memory.as_ptr() as u64 - DIRECT_MAP_BASE;
        if let (Some(first), Some(order)) = (FrameNumber::from_address(address), order(layout)) {
            // SAFETY: the caller gives back what `allocate` gave out, with the same layout.
            drop(unsafe { Frames::from_raw(first, order) });
        }
    }
}

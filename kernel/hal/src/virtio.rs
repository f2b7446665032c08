//! Memory for virtio's queues and buffers: what virtio-drivers needs of the machine.
//!
//! Devices reach memory by physical addresses. Queues are frames of their own; buffers are lent where
//! they lie, in the heap, whose memory is contiguous in the direct map.

use core::ptr::NonNull;

use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};
use vm_core::frame::{FrameNumber, Order};

use crate::frame::Frames;
use crate::mmio::Window;
use crate::paging::kernel_space;
use crate::paging::layout::{DIRECT_MAP_BASE, DIRECT_MAP_BYTES};

/// This machine's memory, for virtio.
#[derive(Debug)]
pub struct DmaMemory;

// SAFETY: `dma_alloc` gives frames that it owns, zeroed, by their address in the direct map, and
// `dma_dealloc` gives back the same; `share` gives the physical address of memory that the direct map
// has in one piece.
unsafe impl Hal for DmaMemory {
    fn dma_alloc(pages: usize, _direction: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let frames = Order::for_frames(pages as u64).and_then(|order| Frames::allocate(order).ok());
        let Some(frames) = frames else { return NO_MEMORY };
        let Some(pointer) = NonNull::new(frames.pointer()) else { return NO_MEMORY };
        frames.zero();
        (frames.into_raw().address(), pointer)
    }

    unsafe fn dma_dealloc(physical: PhysAddr, _pointer: NonNull<u8>, pages: usize) -> i32 {
        let first = FrameNumber::from_address(physical);
        if let (Some(first), Some(order)) = (first, Order::for_frames(pages as u64)) {
            // SAFETY: by the trait's contract, what `dma_alloc` gave out for as many pages.
            drop(unsafe { Frames::from_raw(first, order) });
        }
        0
    }

    unsafe fn mmio_phys_to_virt(physical: PhysAddr, len: usize) -> NonNull<u8> {
        // virtio-drivers' own transport over PCI asks for this; the drivers bring theirs, which uses
        // windows. So this is not reached.
        match Window::map(physical, len as u64) {
            Ok(window) => window.start(),
            Err(error) => panic!("a virtio device's registers: {error}"),
        }
    }

    unsafe fn share(buffer: NonNull<[u8]>, _direction: BufferDirection) -> PhysAddr {
        let first = buffer.cast::<u8>().as_ptr() as u64;
        let last = first + (buffer.len() as u64).saturating_sub(1);
        let range = DIRECT_MAP_BASE..DIRECT_MAP_BASE + DIRECT_MAP_BYTES;
        // A buffer elsewhere (on a stack, in the image) would need not be in one piece; telling the
        // device a wrong address would let it overwrite anything.
        assert!(
            range.contains(&first) && range.contains(&last),
            "a buffer at {first:#x} is not from the heap"
        );
        debug_assert!(kernel_space::is_mapped(first) && kernel_space::is_mapped(last));
        first - DIRECT_MAP_BASE
    }

    unsafe fn unshare(_physical: PhysAddr, _buffer: NonNull<[u8]>, _direction: BufferDirection) {
        // The device had the buffer itself, not a copy, and x86's caches see what devices write.
    }
}

/// virtio-drivers takes the address 0 for an error.
const NO_MEMORY: (PhysAddr, NonNull<u8>) = (0, NonNull::dangling());

const _: () = assert!(PAGE_SIZE as u64 == crate::paging::layout::PAGE_BYTES);

//! Buffers that change hands between the driver and the device.

use alloc::boxed::Box;
use core::fmt;
use core::ptr::NonNull;

use virtio_drivers::Error;
use zerocopy::{AllocError, FromZeros};

/// How much one buffer holds: an Ethernet frame with its virtio header and room to spare, in the
/// heap's class for 2 KiB.
pub const BUFFER_BYTES: usize = 2048;

/// A buffer that the driver has.
pub struct Buffer<const BYTES: usize = BUFFER_BYTES>(Box<[u8; BYTES]>);

impl<const BYTES: usize> Buffer<BYTES> {
    /// A buffer of zeros, made on the heap and nowhere else: kernel stacks are small.
    ///
    /// # Errors
    /// When memory is short.
    pub(crate) fn new() -> Result<Self, Error> {
        <[u8; BYTES]>::new_box_zeroed().map(Self).map_err(|AllocError| Error::DmaError)
    }

    /// The content.
    #[must_use]
    pub fn bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    /// The content, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8; BYTES] {
        &mut self.0
    }

    /// Takes the buffer out of the driver's hands: the device will write to it or read it.
    pub(crate) fn lend(self) -> Lent<BYTES> {
        Lent(NonNull::from(Box::leak(self.0)))
    }
}

impl<const BYTES: usize> fmt::Debug for Buffer<BYTES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Buffer")
    }
}

/// A buffer that the device has. Dropping it leaks the memory: the device may still write there.
pub(crate) struct Lent<const BYTES: usize = BUFFER_BYTES>(NonNull<[u8; BYTES]>);

// SAFETY: it stands for the ownership of plain memory, as the box that it came from.
unsafe impl<const BYTES: usize> Send for Lent<BYTES> {}

impl<const BYTES: usize> Lent<BYTES> {
    /// Where the buffer is, for the queue.
    pub(crate) fn pointer(&self) -> NonNull<[u8; BYTES]> {
        self.0
    }

    /// Takes the buffer back.
    ///
    /// # Safety
    /// The device has returned the buffer, or never got it.
    pub(crate) unsafe fn take_back(self) -> Buffer<BYTES> {
        // SAFETY: the pointer came from a box of this type, and `lend` gave up that box.
        Buffer(unsafe { Box::from_raw(self.0.as_ptr()) })
    }
}

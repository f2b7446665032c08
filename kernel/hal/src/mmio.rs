//! Windows on device registers, for the drivers.

use core::fmt;
use core::ptr::NonNull;

use crate::frame::OutOfMemory;
use crate::paging::layout::{DIRECT_MAP_BYTES, PAGE_BYTES, direct};
use crate::paging::{kernel_space, windows};

/// Why registers cannot be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// The range, or a part of it, is memory, or no address at all.
    NotDevice {
        /// Where it begins.
        physical: u64,
        /// How long it is.
        len_bytes: u64,
    },
    /// No memory is left for the page tables.
    OutOfMemory,
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDevice { physical, len_bytes } => {
                write!(f, "{len_bytes} bytes at {physical:#x} are no device registers")
            }
            Self::OutOfMemory => OutOfMemory.fmt(f),
        }
    }
}

/// The longest window: drivers map single structures.
const MAX_BYTES: u64 = 16 << 20;

/// A mapped range of device registers, uncached. It stays mapped for good, so a copy is as good as
/// the original.
///
/// An access beyond the window, or one that is not aligned to its width, touches nothing: it reads as
/// all ones, as an access to a missing device does.
#[derive(Clone, Copy)]
pub struct Window {
    address: u64,
    len_bytes: usize,
}

impl Window {
    /// Maps the registers.
    ///
    /// # Errors
    /// When the range is not a device's, or memory is short.
    pub fn map(physical: u64, len_bytes: u64) -> Result<Self, MapError> {
        let refused = MapError::NotDevice { physical, len_bytes };
        let end = physical.checked_add(len_bytes).ok_or(refused)?;
        if len_bytes == 0 || len_bytes > MAX_BYTES || end > DIRECT_MAP_BYTES {
            return Err(refused);
        }
        // The direct map has all memory and nothing else, so what it has is not for devices: through
        // a window on memory a driver could write anywhere.
        let first = physical & !(PAGE_BYTES - 1);
        let step = usize::try_from(PAGE_BYTES).map_err(|_| refused)?;
        if (first..end).step_by(step).any(|page| kernel_space::is_mapped(direct(page))) {
            return Err(refused);
        }
        let address = windows::map_device(physical, len_bytes)
            .map_err(|OutOfMemory| MapError::OutOfMemory)?;
        Ok(Self { address, len_bytes: usize::try_from(len_bytes).map_err(|_| refused)? })
    }

    /// How long it is.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        self.len_bytes
    }

    /// Where it begins.
    pub(crate) fn start(&self) -> NonNull<u8> {
        NonNull::new(self.address as *mut u8).unwrap_or(NonNull::dangling())
    }

    /// Where a register of this type is, if it lies in the window.
    fn register<T>(&self, offset: usize) -> Option<*mut T> {
        let end = offset.checked_add(size_of::<T>())?;
        let address = self.address + offset as u64;
        let is_aligned = address.is_multiple_of(align_of::<T>() as u64);
        (end <= self.len_bytes && is_aligned).then_some(address as *mut T)
    }

    fn read<T>(&self, offset: usize) -> Option<T> {
        // SAFETY: an aligned register in the window, which is mapped for good. What reading it does
        // is the device's business; memory it cannot touch but where a driver has told it to, and
        // drivers tell it only of `virtio`'s buffers.
        self.register::<T>(offset).map(|register| unsafe { register.read_volatile() })
    }

    fn write<T>(&self, offset: usize, value: T) {
        if let Some(register) = self.register::<T>(offset) {
            // SAFETY: as in `read`.
            unsafe { register.write_volatile(value) };
        }
    }

    /// Reads 8 bits.
    #[must_use]
    pub fn read_u8(&self, offset: usize) -> u8 {
        self.read(offset).unwrap_or(u8::MAX)
    }

    /// Reads 16 bits.
    #[must_use]
    pub fn read_u16(&self, offset: usize) -> u16 {
        self.read(offset).unwrap_or(u16::MAX)
    }

    /// Reads 32 bits.
    #[must_use]
    pub fn read_u32(&self, offset: usize) -> u32 {
        self.read(offset).unwrap_or(u32::MAX)
    }

    /// Writes 8 bits.
    pub fn write_u8(&self, offset: usize, value: u8) {
        self.write(offset, value);
    }

    /// Writes 16 bits.
    pub fn write_u16(&self, offset: usize, value: u16) {
        self.write(offset, value);
    }

    /// Writes 32 bits.
    pub fn write_u32(&self, offset: usize, value: u32) {
        self.write(offset, value);
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Window({:#x}, {} bytes)", self.address, self.len_bytes)
    }
}

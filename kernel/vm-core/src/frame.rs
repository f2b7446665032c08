//! Physical frames of one memory range (usually one NUMA node), handed out by a buddy allocator
//! that allocates nothing itself.
//!
//! [`Buddy`] keeps its whole state in a slice of [`FrameMeta`] that its owner provides: 8 bytes for
//! each 4-KiB frame, links being indices into that slice. It has no lock: the hardware layer wraps
//! it in one and puts per-CPU caches in front.
//!
//! ```
//! use vm_core::frame::{Buddy, FrameMeta, FrameNumber, Order};
//!
//! let first = FrameNumber::from_address(0x10_0000).unwrap();
//! let mut meta = vec![FrameMeta::RESERVED; 1024];
//! let mut buddy = Buddy::new(first, &mut meta)?;
//! // Everything is reserved until the memory map says that it is usable.
//! buddy.release_range(first, first.checked_add(1024).unwrap())?;
//!
//! let frame = buddy.allocate(Order::FRAME).unwrap();
//! assert_eq!(buddy.free_frames(), 1023);
//! buddy.free(frame, Order::FRAME)?;
//! assert!(buddy.free(frame, Order::FRAME).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod buddy;
mod meta;
mod number;
#[cfg(test)]
mod tests;

pub use buddy::{Buddy, FreeError, NewError, ReleaseError};
pub use meta::{FrameMeta, MAX_FRAMES, metadata_bytes};
pub use number::{FRAME_BYTES, FrameNumber, ORDERS, Order};

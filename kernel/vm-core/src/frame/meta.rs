//! What the allocator remembers of one frame, in 8 bytes.

use super::number::Order;

/// Index of a frame in the metadata slice.
pub(super) type Index = u32;

/// "No frame" in a link.
pub(super) const NIL: Index = (1 << LINK_BITS) - 1;

/// The most frames that one allocator manages: 2 TiB.
pub const MAX_FRAMES: usize = NIL as usize;

const LINK_BITS: u32 = 29;
const LINK_MASK: u64 = (1 << LINK_BITS) - 1;
const TAG_SHIFT: u32 = 2 * LINK_BITS;

/// The allocator's memory of one frame: what block starts here, and, while that block is free, its
/// neighbours in the list of free blocks.
///
/// All bits zero is [`FrameMeta::RESERVED`], so zeroed memory is a valid slice of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct FrameMeta(u64);

const _: () = assert!(size_of::<FrameMeta>() == 8);

/// Bytes of metadata for a range of this many frames.
#[must_use]
pub const fn metadata_bytes(frames: usize) -> usize {
    frames.saturating_mul(size_of::<FrameMeta>())
}

/// What starts at a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// No block: the frame is reserved, or inside a block that starts before it.
    None,
    /// A free block.
    Free(Order),
    /// A block that was handed out.
    Allocated(Order),
}

impl FrameMeta {
    /// A frame that was never released to the allocator.
    pub const RESERVED: Self = Self(0);

    pub(super) const fn allocated(order: Order) -> Self {
        Self((order.exponent() as u64 + 0x21) << TAG_SHIFT)
    }

    pub(super) const fn free(order: Order, previous: Index, next: Index) -> Self {
        let tag = order.exponent() as u64 + 1;
        Self(tag << TAG_SHIFT | (previous as u64) << LINK_BITS | next as u64)
    }

    pub(super) const fn head(self) -> Head {
        // Tags: 0, 1 + order for a free block, 33 + order for an allocated one.
        let tag = ((self.0 >> TAG_SHIFT) & 0x3f) as u8;
        match Order::new((tag & 0x1f).wrapping_sub(1)) {
            None => Head::None,
            Some(order) if tag & 0x20 == 0 => Head::Free(order),
            Some(order) => Head::Allocated(order),
        }
    }

    pub(super) const fn next(self) -> Index {
        (self.0 & LINK_MASK) as Index
    }

    pub(super) const fn previous(self) -> Index {
        ((self.0 >> LINK_BITS) & LINK_MASK) as Index
    }

    pub(super) fn set_next(&mut self, next: Index) {
        self.0 = self.0 & !LINK_MASK | u64::from(next);
    }

    pub(super) fn set_previous(&mut self, previous: Index) {
        self.0 = self.0 & !(LINK_MASK << LINK_BITS) | u64::from(previous) << LINK_BITS;
    }
}

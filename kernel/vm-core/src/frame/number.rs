//! Frame numbers and block orders: the units that the allocator counts in.

use core::fmt;

/// Bytes in one frame.
pub const FRAME_BYTES: u64 = 4096;

const FRAME_SHIFT: u32 = 12;

/// A physical frame number: the physical address divided by 4,096.
///
/// At most 40 bits, as x86_64 has 52 bits of physical address (SDM volume 3A, 4.1.4), so that the
/// address of any frame, and the address just behind it, fits a `u64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct FrameNumber(u64);

impl FrameNumber {
    /// The last frame that x86_64 can address.
    pub const MAX: Self = Self((1 << 40) - 1);

    /// The frame with this number; `None` above [`FrameNumber::MAX`].
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    /// The frame that starts at a physical address; `None` if none starts there.
    #[must_use]
    pub const fn from_address(address: u64) -> Option<Self> {
        if address.is_multiple_of(FRAME_BYTES) { Self::containing(address) } else { None }
    }

    /// The frame that holds a physical address; `None` if the address is wider than 52 bits.
    #[must_use]
    pub const fn containing(address: u64) -> Option<Self> {
        Self::new(address >> FRAME_SHIFT)
    }

    /// The number itself.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The physical address of the frame's first byte.
    #[must_use]
    pub const fn address(self) -> u64 {
        self.0 << FRAME_SHIFT
    }

    /// The frame `count` frames further; `None` if there is none.
    #[must_use]
    pub const fn checked_add(self, count: u64) -> Option<Self> {
        match self.0.checked_add(count) {
            Some(number) => Self::new(number),
            None => None,
        }
    }

    /// Whether a block of this order may start here.
    #[must_use]
    pub const fn is_aligned_to(self, order: Order) -> bool {
        self.0.trailing_zeros() >= order.0 as u32
    }
}

impl fmt::Display for FrameNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// How many block sizes there are.
pub const ORDERS: usize = 11;

/// The size of a block as a power of two of frames: 0 (4 KiB) to 10 (4 MiB).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Order(u8);

impl Order {
    /// One frame, 4 KiB.
    pub const FRAME: Self = Self(0);
    /// 512 frames, 2 MiB: what one entry of a page directory maps.
    pub const LARGE_PAGE: Self = Self(9);
    /// The largest block, 4 MiB.
    pub const MAX: Self = Self(10);

    /// The order with this exponent; `None` above 10.
    #[must_use]
    pub const fn new(exponent: u8) -> Option<Self> {
        if exponent <= Self::MAX.0 { Some(Self(exponent)) } else { None }
    }

    /// The smallest order whose blocks hold this many frames; `None` if none does.
    #[must_use]
    pub const fn for_frames(frames: u64) -> Option<Self> {
        let mut exponent = 0;
        while exponent <= Self::MAX.0 {
            if frames <= 1 << exponent {
                return Some(Self(exponent));
            }
            exponent += 1;
        }
        None
    }

    /// The exponent.
    #[must_use]
    pub const fn exponent(self) -> u8 {
        self.0
    }

    /// Frames in a block of this order.
    #[must_use]
    pub const fn frames(self) -> u64 {
        1 << self.0
    }

    /// Bytes in a block of this order.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        FRAME_BYTES << self.0
    }

    /// All orders, the smallest first.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        (0..=Self::MAX.0).map(Self)
    }

    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }

    pub(super) const fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }
}

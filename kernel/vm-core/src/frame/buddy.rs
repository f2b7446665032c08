//! The buddy allocator: [`Buddy`].
//!
//! A block of order `n` starts at a frame number that is a multiple of `2^n`; its buddy is the
//! other half of the block of order `n + 1` around both. Splitting and joining go one order at a
//! time, so each operation costs at most eleven steps.

use core::fmt;

use super::meta::{FrameMeta, Head, Index, MAX_FRAMES, NIL};
use super::number::{FrameNumber, ORDERS, Order};

/// A buddy allocator over one range of physical frames. See the [module's page](super).
pub struct Buddy<'meta> {
    first: FrameNumber,
    meta: &'meta mut [FrameMeta],
    lists: [FreeList; ORDERS],
    /// Bit `n` is set while `lists[n]` has a block.
    nonempty: u32,
    released_frames: u64,
    free_frames: u64,
}

#[derive(Clone, Copy, Debug)]
struct FreeList {
    head: Index,
    blocks: u32,
}

/// Why a range can't be managed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewError {
    /// More frames than [`MAX_FRAMES`].
    TooManyFrames {
        /// Frames asked for.
        frames: usize,
    },
    /// The range reaches beyond [`FrameNumber::MAX`].
    BeyondPhysicalMemory,
}

/// Why a range was not taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseError {
    /// The range is reversed, or not within the range that is managed.
    OutOfRange {
        /// First frame of the range.
        start: FrameNumber,
        /// First frame behind the range.
        end: FrameNumber,
    },
    /// The frame was released before.
    AlreadyReleased {
        /// The frame.
        frame: FrameNumber,
    },
}

/// Why a block was not taken back. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreeError {
    /// The frame is not within the range that is managed.
    OutOfRange {
        /// The frame.
        frame: FrameNumber,
    },
    /// The frame is free already.
    AlreadyFree {
        /// The frame.
        frame: FrameNumber,
    },
    /// No allocated block starts at the frame: it is reserved, or inside a block.
    NotAllocated {
        /// The frame.
        frame: FrameNumber,
    },
    /// The block that starts at the frame was allocated with another order.
    WrongOrder {
        /// The frame.
        frame: FrameNumber,
        /// The order it was allocated with.
        allocated: Order,
        /// The order it was to be freed with.
        freed: Order,
    },
}

impl<'meta> Buddy<'meta> {
    /// An allocator for `meta.len()` frames from `first_frame`, all of them reserved: whatever is
    /// in `meta` is overwritten.
    ///
    /// # Errors
    /// If the range is too large or leaves the physical address space.
    pub fn new(first_frame: FrameNumber, meta: &'meta mut [FrameMeta]) -> Result<Self, NewError> {
        let frames = meta.len();
        if frames > MAX_FRAMES {
            return Err(NewError::TooManyFrames { frames });
        }
        if first_frame.checked_add(frames as u64).is_none() {
            return Err(NewError::BeyondPhysicalMemory);
        }
        meta.fill(FrameMeta::RESERVED);
        Ok(Self {
            first: first_frame,
            meta,
            lists: [FreeList { head: NIL, blocks: 0 }; ORDERS],
            nonempty: 0,
            released_frames: 0,
            free_frames: 0,
        })
    }

    /// Divides the range: gives an allocator of what lies from `at` on, which has to be a multiple of
    /// the largest block's size, so that no block lies in both. What is allocated stays so. Costs one
    /// look at each block. `None`, and nothing is changed, if `at` is no such place within the range.
    pub fn split_off(&mut self, at: FrameNumber) -> Option<Self> {
        let is_place = at.is_aligned_to(Order::MAX) && at > self.first;
        let index = self.index(at).filter(|_| is_place)?;
        let (low, high) = core::mem::take(&mut self.meta).split_at_mut(index as usize);
        *self = Self::adopt(self.first, low);
        Some(Self::adopt(at, high))
    }

    /// An allocator over metadata whose blocks are right, and whose lists are not.
    fn adopt(first: FrameNumber, meta: &'meta mut [FrameMeta]) -> Self {
        let lists = [FreeList { head: NIL, blocks: 0 }; ORDERS];
        let mut new = Self { first, meta, lists, nonempty: 0, released_frames: 0, free_frames: 0 };
        let mut at: Index = 0;
        while (at as usize) < new.meta.len() {
            let order = match new.head(at) {
                Head::None => {
                    at += 1;
                    continue;
                }
                Head::Free(order) => {
                    new.free_frames += order.frames();
                    new.push(at, order);
                    order
                }
                Head::Allocated(order) => order,
            };
            new.released_frames += order.frames();
            at += 1 << order.exponent();
        }
        new
    }

    /// Hands the frames from `start` up to, not including, `end` to the allocator, as the largest
    /// aligned blocks that fit. Costs one read of the metadata of each frame.
    ///
    /// # Errors
    /// If the range is not wholly managed here, or part of it was released before; then nothing of
    /// it is taken.
    pub fn release_range(
        &mut self,
        start: FrameNumber,
        end: FrameNumber,
    ) -> Result<(), ReleaseError> {
        let out_of_range = ReleaseError::OutOfRange { start, end };
        let (mut at, stop) = match (self.offset(start), self.offset(end)) {
            (Some(at), Some(stop)) if at <= stop => (at, stop),
            _ => return Err(out_of_range),
        };
        if at == stop {
            return Ok(());
        }
        self.refuse_released(at, stop)?;
        self.released_frames += u64::from(stop - at);
        while at < stop {
            let order = self.largest_block(at, stop);
            self.give_back(at, order);
            at += 1 << order.exponent();
        }
        Ok(())
    }

    /// Takes a free block out; its frames hold whatever was there. `None` if no block of this
    /// order or a larger one is free.
    #[inline]
    pub fn allocate(&mut self, order: Order) -> Option<FrameNumber> {
        let candidates = self.nonempty >> order.exponent();
        if candidates == 0 {
            return None;
        }
        let mut found = order;
        for _ in 0..candidates.trailing_zeros() {
            found = found.next()?;
        }
        let index = self.pop(found)?;
        for half in Order::all().rev().filter(|half| (order..found).contains(half)) {
            self.push(index + (1 << half.exponent()), half);
        }
        *self.meta.get_mut(index as usize)? = FrameMeta::allocated(order);
        self.free_frames -= order.frames();
        self.frame_at(index)
    }

    /// Takes a block back and joins it with its free neighbours.
    ///
    /// # Errors
    /// If no block was allocated at this frame with this order.
    #[inline]
    pub fn free(&mut self, frame: FrameNumber, order: Order) -> Result<(), FreeError> {
        let index = self.index(frame).ok_or(FreeError::OutOfRange { frame })?;
        match self.head(index) {
            Head::Allocated(allocated) if allocated == order => {
                self.give_back(index, order);
                Ok(())
            }
            Head::Allocated(allocated) => {
                Err(FreeError::WrongOrder { frame, allocated, freed: order })
            }
            Head::Free(_) => Err(FreeError::AlreadyFree { frame }),
            Head::None => Err(match self.enclosing(index) {
                Some(Head::Free(_)) => FreeError::AlreadyFree { frame },
                _ => FreeError::NotAllocated { frame },
            }),
        }
    }

    /// The first frame of the range, usable or not.
    #[must_use]
    pub fn first_frame(&self) -> FrameNumber {
        self.first
    }

    /// Frames in the range, usable or not.
    #[must_use]
    pub fn span_frames(&self) -> u64 {
        self.meta.len() as u64
    }

    /// Whether the frame lies in the range.
    #[must_use]
    pub fn contains(&self, frame: FrameNumber) -> bool {
        self.index(frame).is_some()
    }

    /// Frames that were released to the allocator, free or not.
    #[must_use]
    pub fn total_frames(&self) -> u64 {
        self.released_frames
    }

    /// Frames that are free.
    #[must_use]
    pub fn free_frames(&self) -> u64 {
        self.free_frames
    }

    /// How many blocks of just this order are free: what shows fragmentation.
    #[must_use]
    pub fn free_blocks(&self, order: Order) -> u32 {
        self.lists.get(order.index()).map_or(0, |list| list.blocks)
    }

    /// Puts a block into the lists, joined with as many buddies as are free.
    fn give_back(&mut self, mut index: Index, mut order: Order) {
        self.free_frames += order.frames();
        self.set(index, FrameMeta::RESERVED);
        while let Some(larger) = order.next() {
            match self.buddy_of(index, order) {
                Some(buddy) if self.head(buddy) == Head::Free(order) => {
                    self.unlink(buddy, order);
                    index = index.min(buddy);
                    order = larger;
                }
                _ => break,
            }
        }
        self.push(index, order);
    }

    fn push(&mut self, index: Index, order: Order) {
        let Some(list) = self.lists.get_mut(order.index()) else { return };
        let next = core::mem::replace(&mut list.head, index);
        list.blocks += 1;
        self.nonempty |= 1 << order.exponent();
        self.set(index, FrameMeta::free(order, NIL, next));
        if let Some(next) = self.meta.get_mut(next as usize) {
            next.set_previous(index);
        }
    }

    fn pop(&mut self, order: Order) -> Option<Index> {
        let index = self.lists.get(order.index())?.head;
        if index == NIL {
            return None;
        }
        self.unlink(index, order);
        Some(index)
    }

    /// Takes a free block out of its list and leaves no block there.
    fn unlink(&mut self, index: Index, order: Order) {
        let Some(meta) = self.meta.get_mut(index as usize) else { return };
        let (previous, next) = (meta.previous(), meta.next());
        *meta = FrameMeta::RESERVED;
        if let Some(meta) = self.meta.get_mut(next as usize) {
            meta.set_previous(previous);
        }
        if let Some(meta) = self.meta.get_mut(previous as usize) {
            meta.set_next(next);
        }
        let Some(list) = self.lists.get_mut(order.index()) else { return };
        list.blocks -= 1;
        if previous == NIL {
            list.head = next;
            if next == NIL {
                self.nonempty &= !(1 << order.exponent());
            }
        }
    }

    /// The largest block that may start at `at` and ends at or before `stop`.
    fn largest_block(&self, at: Index, stop: Index) -> Order {
        Order::all()
            .rev()
            .find(|order| {
                order.frames() <= u64::from(stop - at)
                    && self.frame_at(at).is_some_and(|frame| frame.is_aligned_to(*order))
            })
            .unwrap_or(Order::FRAME)
    }

    /// An overlap would hand the same memory out twice, so it is worth a pass over the range.
    fn refuse_released(&self, start: Index, stop: Index) -> Result<(), ReleaseError> {
        let range = self.meta.get(start as usize..stop as usize).unwrap_or(&[]);
        let released = if self.enclosing(start).is_some() {
            Some(0)
        } else {
            range.iter().position(|meta| *meta != FrameMeta::RESERVED)
        };
        match released.and_then(|offset| self.first.checked_add(u64::from(start) + offset as u64)) {
            Some(frame) => Err(ReleaseError::AlreadyReleased { frame }),
            None => Ok(()),
        }
    }

    /// The block that a frame belongs to, if any.
    fn enclosing(&self, index: Index) -> Option<Head> {
        Order::all().find_map(|order| {
            let start = self.aligned_down(index, order)?;
            match self.head(start) {
                Head::None => None,
                head @ (Head::Free(size) | Head::Allocated(size)) => {
                    (size >= order).then_some(head)
                }
            }
        })
    }

    fn aligned_down(&self, index: Index, order: Order) -> Option<Index> {
        let number = self.frame_at(index)?.number() & !(order.frames() - 1);
        self.index(FrameNumber::new(number)?)
    }

    fn buddy_of(&self, index: Index, order: Order) -> Option<Index> {
        let number = self.frame_at(index)?.number() ^ order.frames();
        self.index(FrameNumber::new(number)?)
    }

    fn head(&self, index: Index) -> Head {
        self.meta.get(index as usize).map_or(Head::None, |meta| meta.head())
    }

    fn set(&mut self, index: Index, value: FrameMeta) {
        if let Some(meta) = self.meta.get_mut(index as usize) {
            *meta = value;
        }
    }

    fn frame_at(&self, index: Index) -> Option<FrameNumber> {
        self.first.checked_add(u64::from(index))
    }

    fn index(&self, frame: FrameNumber) -> Option<Index> {
        self.offset(frame).filter(|&index| (index as usize) < self.meta.len())
    }

    /// Like `index`, but accepts the frame just behind the range as well.
    fn offset(&self, frame: FrameNumber) -> Option<Index> {
        let offset = Index::try_from(frame.number().checked_sub(self.first.number())?).ok()?;
        (offset as usize <= self.meta.len()).then_some(offset)
    }
}

impl fmt::Display for NewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyFrames { frames } => {
                write!(f, "{frames} frames are more than the {MAX_FRAMES} of one allocator")
            }
            Self::BeyondPhysicalMemory => {
                f.write_str("the range leaves the physical address space")
            }
        }
    }
}

impl fmt::Display for ReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { start, end } => {
                write!(f, "frames {start} to {end} are not all managed here")
            }
            Self::AlreadyReleased { frame } => write!(f, "frame {frame} was released before"),
        }
    }
}

impl fmt::Display for FreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { frame } => write!(f, "frame {frame} is not managed here"),
            Self::AlreadyFree { frame } => write!(f, "frame {frame} is free already"),
            Self::NotAllocated { frame } => write!(f, "no allocated block starts at frame {frame}"),
            Self::WrongOrder { frame, allocated, freed } => write!(
                f,
                "the block at frame {frame} has order {}, not {}",
                allocated.exponent(),
                freed.exponent()
            ),
        }
    }
}

impl core::error::Error for NewError {}
impl core::error::Error for ReleaseError {}
impl core::error::Error for FreeError {}

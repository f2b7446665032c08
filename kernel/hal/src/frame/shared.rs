//! Frames that several holders share: pages of forked programs, of files, of shared memory.
//!
//! A frame's count lies in an array beside the frame table. It says how many holders there are
//! besides one, so that a frame with one holder, which most have, costs no access to it. The
//! archive counts as a holder of its own frames: they are never freed, and never written.

use core::fmt;
use core::mem::ManuallyDrop;
use core::sync::atomic::{AtomicU32, Ordering};

use ksync::Once;
use vm_core::frame::{FrameNumber, Order};

use super::{Frames, OutOfMemory, content};
use crate::paging::layout::{DIRECT_MAP_BASE, PAGE_BYTES, direct};

/// Holders of each frame besides one.
static COUNTS: Once<&'static [AtomicU32]> = Once::new();
/// The frames that lie wholly in the initial archive, first and end.
static ARCHIVE: Once<(u64, u64)> = Once::new();
/// So many holders at the most: far from where the count would wrap, whatever races with it.
const MAX_HOLDERS: u32 = u32::MAX / 2;

/// One holder's share in a frame; the frame is freed with the last one.
#[derive(PartialEq, Eq)]
pub struct SharedFrame(FrameNumber);

impl SharedFrame {
    /// A frame with unspecified content, as `Frames::allocate_one`.
    ///
    /// # Errors
    /// When no frame is left.
    pub fn allocate() -> Result<Self, OutOfMemory> {
        let mut frame = None;
        super::allocate_shared(1, |new| frame = Some(Self(new)));
        frame.ok_or(OutOfMemory)
    }

    /// A frame full of zeros.
    ///
    /// # Errors
    /// When no frame is left.
    pub fn allocate_zeroed() -> Result<Self, OutOfMemory> {
        let frame = Self::allocate()?;
        frame.zero();
        Ok(frame)
    }

    /// Fills the empty places at the start of `frames` with frames full of zeros, as long as there are
    /// any; gives their number.
    pub fn allocate_zeroed_several(frames: &mut [Option<Self>]) -> usize {
        let mut count = 0;
        super::allocate_shared(frames.len(), |frame| {
            if let Some(slot) = frames.get_mut(count) {
                *slot = Some(Self(frame));
                count += 1;
            }
        });
        frames.iter().take(count).flatten().for_each(Self::zero);
        count
    }

    /// Lets go of several frames.
    pub fn release(frames: &mut [Option<Self>]) {
        let last = frames.iter_mut().filter_map(Option::take).filter_map(Self::leave);
        super::free_shared(last);
    }

    /// Lets go of it; gives the frame if this was the last holder, who has to free it.
    fn leave(self) -> Option<FrameNumber> {
        let frame = ManuallyDrop::new(self).0;
        let Some(count) = count(frame) else { return Some(frame) };
        if count.load(Ordering::Acquire) != 0 {
            // Release pairs with the acquire of whoever is the only holder then.
            if count.fetch_sub(1, Ordering::AcqRel) != 0 {
                return None;
            }
            // The other holders have left since the look: zero was counted down.
            count.store(0, Ordering::Relaxed);
        }
        Some(frame)
    }

    /// A frame with the same content, of which this is the only holder.
    ///
    /// # Errors
    /// When no frame is left.
    pub fn copy(&self) -> Result<Self, OutOfMemory> {
        let copy = Self::allocate()?;
        let (from, to) = (self.pointer().cast_const(), copy.pointer());
        // SAFETY: two frames that have holders, so both are mapped by the direct map and they do not
        // overlap; a program that writes to the one meanwhile spoils bytes and nothing else.
        unsafe { content::copy(from, to) };
        Ok(copy)
    }

    /// The frame of the archive that holds these bytes in place; none if they are no whole page there.
    #[must_use]
    pub fn of_archive(page: &'static [u8]) -> Option<Self> {
        let physical = (page.as_ptr().addr() as u64).checked_sub(DIRECT_MAP_BASE)?;
        let frame = Self(FrameNumber::from_address(physical)?);
        let is_page = page.len() as u64 == PAGE_BYTES && frame.is_constant();
        // The archive is a holder already, so that the count is one more than it would be.
        let frame = ManuallyDrop::new(frame);
        if is_page { frame.share().ok() } else { None }
    }

    /// One holder more.
    ///
    /// # Errors
    /// When there are as many as can be counted.
    pub fn share(&self) -> Result<Self, OutOfMemory> {
        let count = count(self.0).ok_or(OutOfMemory)?;
        // Relaxed: who shares holds it, so that nobody can be freeing it.
        if count.fetch_add(1, Ordering::Relaxed) >= MAX_HOLDERS {
            count.fetch_sub(1, Ordering::Relaxed);
            return Err(OutOfMemory);
        }
        Ok(Self(self.0))
    }

    /// Whether there are other holders. If not, there will be none before this one shares it.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        // Acquire pairs with the release in `leave`: what former holders did to it has been done.
        count(self.0).is_some_and(|count| count.load(Ordering::Acquire) != 0)
    }

    /// Whether it belongs to the archive, whose bytes never change.
    pub(crate) fn is_constant(&self) -> bool {
        ARCHIVE.get().is_some_and(|(first, end)| (*first..*end).contains(&self.0.number()))
    }

    /// Fills it with zeros.
    pub fn zero(&self) {
        if !self.is_constant() {
            // SAFETY: a frame with a holder, which the direct map makes writable.
            unsafe { content::clear(self.pointer()) }
        }
    }

    /// Copies `bytes` to `offset`. What does not fit is left out; the count copied is returned: none
    /// for a frame of the archive.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> usize {
        if self.is_constant() { 0 } else { self.as_frames().write(offset, bytes) }
    }

    /// Copies from `offset` on into `bytes`; the count copied is returned.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) -> usize {
        self.as_frames().read(offset, bytes)
    }

    /// Its physical address.
    #[must_use]
    pub fn address(&self) -> u64 {
        self.0.address()
    }

    /// Gives the share away: whoever has the number gives it back by `from_raw`.
    pub(crate) fn into_raw(self) -> FrameNumber {
        ManuallyDrop::new(self).0
    }

    /// Takes a share again.
    ///
    /// # Safety
    /// `frame` came from `into_raw`, and this is its only return.
    pub(crate) unsafe fn from_raw(frame: FrameNumber) -> Self {
        Self(frame)
    }

    fn as_frames(&self) -> ManuallyDrop<Frames> {
        // SAFETY: never dropped, and only used for copies while this holder keeps the frame.
        ManuallyDrop::new(unsafe { Frames::from_raw(self.0, Order::FRAME) })
    }

    fn pointer(&self) -> *mut u8 {
        direct(self.address()) as *mut u8
    }
}

impl fmt::Debug for SharedFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedFrame({:#x})", self.address())
    }
}

impl Drop for SharedFrame {
    fn drop(&mut self) {
        if let Some(frame) = Self(self.0).leave() {
            super::free_shared(core::iter::once(frame));
        }
    }
}

fn count(frame: FrameNumber) -> Option<&'static AtomicU32> {
    COUNTS.get()?.get(usize::try_from(frame.number()).ok()?)
}

/// Installs the counts, one a frame from frame 0 on, all zero, and the archive's physical range. Once,
/// at boot.
pub(crate) fn install(counts: &'static [AtomicU32], start: u64, end: u64) {
    let first = start.div_ceil(PAGE_BYTES);
    let end = end / PAGE_BYTES;
    for frame in first..end {
        if let Some(count) = usize::try_from(frame).ok().and_then(|frame| counts.get(frame)) {
            count.store(1, Ordering::Relaxed);
        }
    }
    ARCHIVE.call_once(|| (first, end));
    COUNTS.call_once(|| counts);
}

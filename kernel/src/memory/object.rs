//! What lies behind an area that is not the process's own: a file's bytes, or shared memory.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use hal::frame::{OutOfMemory, SharedFrame};
use hal::interrupts::SpinLock;
use vfs_core::FileError;
use vm_core::address_space::PAGE_BYTES;
use vm_core::sparse::Sparse;

use super::space::PAGE_LEN;
use crate::fs::{MappedFile, MappedPage, Wanted};
use crate::levels;

/// A file's bytes.
#[derive(Clone, Debug)]
pub enum FileBytes {
    /// In place, in the initial archive.
    Archive(&'static [u8]),
    /// A copy.
    Copy(Arc<Vec<u8>>),
    /// As they are whenever somebody looks.
    File(Arc<MappedFile>),
}

impl FileBytes {
    /// How many there are; none of a file that is gone.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Archive(bytes) => bytes.len() as u64,
            Self::Copy(bytes) => bytes.len() as u64,
            Self::File(file) => file.len().unwrap_or(0),
        }
    }

    /// Copies from `offset` on; answers how many bytes there were.
    pub fn read(&self, offset: u64, bytes: &mut [u8]) -> usize {
        let all = match self {
            Self::Archive(all) => all,
            Self::Copy(all) => all.as_slice(),
            Self::File(file) => return file.read(offset, bytes).unwrap_or(0),
        };
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = all.get(start..).unwrap_or_default();
        let count = rest.len().min(bytes.len());
        bytes[..count].copy_from_slice(&rest[..count]);
        count
    }

    /// The page with this index; none behind the end.
    ///
    /// # Errors
    /// When there is no room for a page that has to come into being.
    pub fn page(&self, index: u64, wanted: Wanted) -> Result<Option<MappedPage<'_>>, FileError> {
        let all = match self {
            Self::Archive(all) => all,
            Self::Copy(all) => all.as_slice(),
            Self::File(file) => return file.page(index, wanted),
        };
        let start = index.checked_mul(PAGE_BYTES).and_then(|start| usize::try_from(start).ok());
        let rest = start.and_then(|start| all.get(start..)).unwrap_or_default();
        let page = &rest[..rest.len().min(PAGE_LEN)];
        Ok((!page.is_empty()).then_some(MappedPage::Bytes(page)))
    }
}

impl PartialEq for FileBytes {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Archive(mine), Self::Archive(other)) => core::ptr::eq(*mine, *other),
            (Self::Copy(mine), Self::Copy(other)) => Arc::ptr_eq(mine, other),
            (Self::File(mine), Self::File(other)) => mine == other,
            _ => false,
        }
    }
}

/// What an area shows.
#[derive(Clone, Debug)]
pub enum Object {
    /// A file.
    File(FileBytes),
    /// Memory that forked processes share.
    Memory(Arc<SharedMemory>),
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(mine), Self::File(other)) => mine == other,
            (Self::Memory(mine), Self::Memory(other)) => Arc::ptr_eq(mine, other),
            _ => false,
        }
    }
}

impl Object {
    /// Whether the page with this index is in memory already.
    #[must_use]
    pub fn has_page(&self, index: u64) -> bool {
        match self {
            Self::File(FileBytes::File(file)) => file.has_page(index),
            Self::File(bytes) => index.checked_mul(PAGE_BYTES).is_some_and(|at| at < bytes.len()),
            Self::Memory(memory) => memory.pages.lock().get(index).is_some(),
        }
    }
}

/// Memory that several processes map, filled with zeros where it is first touched. Its pages stay
/// until the last area that shows it has gone.
#[derive(Debug)]
pub struct SharedMemory {
    pages: SpinLock<Sparse<SharedFrame>>,
    /// It has a number by which processes find it: shmget(2).
    is_segment: bool,
}

/// Pages of all shared memory.
static PAGES: AtomicU64 = AtomicU64::new(0);
/// Of the machine's memory, so much may be shared memory: it is charged to no process while no
/// process has it mapped. Half, as Linux's tmpfs.
const SHARE: u64 = 2;

impl SharedMemory {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        let pages = SpinLock::new(levels::SHARED_MEMORY, "shared memory", Sparse::new());
        Self { pages, is_segment: false }
    }

    /// An empty one, for a segment.
    #[must_use]
    pub fn of_segment() -> Self {
        let mut new = Self::new();
        new.is_segment = true;
        new
    }

    /// The page with this index.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn page(&self, index: u64) -> Result<SharedFrame, OutOfMemory> {
        if let Some(page) = self.pages.lock().get(index) {
            return page.share();
        }
        let limit = hal::frame::total_bytes() / SHARE;
        if super::is_short() || PAGES.load(Ordering::Relaxed) * PAGE_BYTES >= limit {
            return Err(OutOfMemory);
        }
        let new = SharedFrame::allocate_zeroed()?;
        let page = new.share()?;
        let refused = {
            let mut pages = self.pages.lock();
            // Another thread may have made it meanwhile.
            if let Some(page) = pages.get(index) {
                return page.share();
            }
            pages.insert(index, new)
        };
        refused.map_err(|_| OutOfMemory)?;
        PAGES.fetch_add(1, Ordering::Relaxed);
        Ok(page)
    }
}

impl SharedMemory {
    /// Whether it is a segment's.
    pub(super) fn is_segment(&self) -> bool {
        self.is_segment
    }

    /// Makes zeros of the pages from `first` up to `end`. Those that somebody has mapped stay where
    /// they are.
    pub fn discard(&self, first: u64, end: u64) {
        let mut next = first;
        loop {
            let mut pages = self.pages.lock();
            let Some(index) = pages.next_from(next).filter(|index| *index < end) else { return };
            next = index.saturating_add(1);
            let Some(page) = pages.remove(index) else { continue };
            PAGES.fetch_sub(1, Ordering::Relaxed);
            if page.is_shared() {
                page.zero();
                // There is room: it has just been taken out.
                if pages.insert(index, page).is_ok() {
                    PAGES.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        PAGES.fetch_sub(self.pages.lock().len() as u64, Ordering::Relaxed);
    }
}

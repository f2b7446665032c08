//! What lies behind an area that is not the process's own: a file's bytes, or shared memory.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use hal::frame::{OutOfMemory, SharedFrame};
use hal::interrupts::SpinLock;
use vm_core::sparse::Sparse;

use crate::levels;

/// What lies behind a mapped file: bytes that do not change, either in the initial file system or a
/// copy. Equal if they are the same bytes at the same place.
#[derive(Clone, Debug)]
pub enum FileBytes {
    /// In place, in the initial archive.
    Archive(&'static [u8]),
    /// A copy, shared by all areas that show it.
    Copy(Arc<Vec<u8>>),
}

impl FileBytes {
    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Archive(bytes) => bytes,
            Self::Copy(bytes) => bytes,
        }
    }
}

impl PartialEq for FileBytes {
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self.as_slice(), other.as_slice())
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

/// Memory that several processes map, filled with zeros where it is first touched. Its pages stay
/// until the last area that shows it has gone.
#[derive(Debug)]
pub struct SharedMemory {
    pages: SpinLock<Sparse<SharedFrame>>,
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
        Self { pages: SpinLock::new(levels::SHARED_MEMORY, "shared memory", Sparse::new()) }
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
        if super::is_short() || PAGES.load(Ordering::Relaxed) * 4096 >= limit {
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

impl Drop for SharedMemory {
    fn drop(&mut self) {
        PAGES.fetch_sub(self.pages.lock().len() as u64, Ordering::Relaxed);
    }
}

//! Page tables: the kernel's own, and one space for each process.

pub mod layout;

mod address_space;
pub(crate) mod kernel_space;
mod page_count;
pub(crate) mod shootdown;
pub(crate) mod table;
pub(crate) mod windows;

pub use address_space::{AddressSpace, Holdings, MapError, Protection, Writing};
pub use page_count::PageGroup;
pub use shootdown::{SHOOTDOWN_VECTOR, barrier_everywhere};
pub use windows::WINDOWS_LEVEL;

/// Memory that paging itself takes, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct PagingFigures {
    /// Page tables, the kernel's and all programs'.
    pub table_bytes: u64,
    /// Kernel stacks, those kept for reuse included.
    pub stack_bytes: u64,
}

/// What paging takes at this moment.
#[must_use]
pub fn figures() -> PagingFigures {
    PagingFigures {
        table_bytes: table::count() * layout::PAGE_BYTES,
        stack_bytes: windows::stack_pages() * layout::PAGE_BYTES,
    }
}

/// What the kernel may do at one of its own addresses besides reading; none where nothing is mapped.
#[must_use]
pub fn kernel_protection(address: u64) -> Option<Protection> {
    kernel_space::protection(address)
}

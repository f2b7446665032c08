//! The address-space map of one process: which ranges exist, what they are, and what a page fault
//! in them means. Key types: [`AddressSpace`], [`Area`], [`Kind`].
//!
//! The map decides; it knows no page table and no frame. Each operation either changes the map and
//! returns what the kernel has to do to the page tables, or returns an error and has changed
//! nothing. The kernel calls it under the address space's lock and runs the effects (removing
//! translations, shooting them down, dropping file handles) after unlocking, so handles are never
//! dropped inside. The parameter `F` is the kernel's file handle; it should be cheap to clone, and
//! equal if it means the same file.
//!
//! Look-ups and the search for free space cost O(log areas); an operation on a range costs that for
//! each area in it. A reservation of any size is one node.
//!
//! ```
//! use vm_core::address_space::*;
//!
//! let layout = Layout::randomized(0x5eed, 8 << 20);
//! let limits = Limits {
//!     address_space_bytes: u64::MAX,
//!     data_bytes: u64::MAX,
//!     locked_bytes: u64::MAX,
//!     stack_bytes: 8 << 20,
//!     areas: 65_530,
//! };
//! let mut space: AddressSpace<u32> = AddressSpace::new(layout, limits, WriteExecute::Refused);
//!
//! let mapped = space.map(MapRequest {
//!     length: 10_000,
//!     placement: Placement::Anywhere,
//!     protection: Protection::READ_WRITE,
//!     max_protection: Protection::ALL,
//!     kind: Kind::Anonymous,
//!     is_locked: false,
//! })?;
//! assert_eq!(mapped.range.pages(), 3);
//!
//! // A page fault: the kernel asks what to do.
//! let fault = space.fault(mapped.range.start() + 5000, Access::Write, Presence::Absent).unwrap();
//! assert_eq!(fault.action, FaultAction::ZeroFill);
//!
//! // Unmapping the middle splits the area. The kernel removes the translations of what it gets.
//! let removed = space.unmap(mapped.range.start() + 4096, 4096)?;
//! assert_eq!(removed[0].range.pages(), 1);
//! assert_eq!(space.areas().count(), 2);
//! # Ok::<(), Error>(())
//! ```

mod area;
mod error;
mod fault;
mod fork;
mod heap;
mod layout;
mod map;
mod protect;
mod remap;
mod shared_tree;
#[cfg(test)]
mod tests;
mod tree;
mod usage;

pub use area::{
    Access, Area, Backing, Kind, OnFork, PAGE_BYTES, PageRange, Protection, STACK_GUARD_BYTES,
    page_of,
};
pub use error::Error;
pub use fault::{Fault, FaultAction, GrowthError, Presence, Violation};
pub use fork::ForkedPages;
pub use heap::Break;
pub use layout::{Layout, Limits, WriteExecute};
pub use map::{AddressSpace, MapRequest, Mapped, Placement};
pub use protect::Reprotected;
pub use remap::{Moved, RemapPlacement, Remapped};
pub use usage::Usage;

//! Page tables: the kernel's own, and one space for each process.

pub mod layout;

mod address_space;
pub(crate) mod kernel_space;
pub(crate) mod shootdown;
pub(crate) mod table;
pub(crate) mod windows;

pub use address_space::{AddressSpace, MapError, Protection};
pub use shootdown::SHOOTDOWN_VECTOR;
pub use windows::WINDOWS_LEVEL;

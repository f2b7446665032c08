//! How to load a program: a checked plan made from an ELF file that nobody vouches for. Key type:
//! [`LoadPlan`].
//!
//! Taken are static programs for x86_64, at fixed addresses or position-independent ("static-pie").
//! Everything else is refused with an [`ElfError`] that says what is wrong. Sections, symbols and
//! TLS are the program's own business and not looked at. What is checked once here can be mapped
//! without looking again: segments are in order, do not share a page, and lie in user space.
//!
//! ```no_run
//! use vm_core::address_space::{Layout, WriteExecute};
//! use vm_core::elf::{LoadOptions, LoadPlan};
//!
//! # let file: &[u8] = &[];
//! let options = LoadOptions {
//!     user: Layout::USER,
//!     pie_base: 0x5555_5555_4000, // plus something random
//!     write_execute: WriteExecute::Refused,
//! };
//! let plan = LoadPlan::new(file, file.len() as u64, &options)?;
//! for segment in &plan.segments {
//!     // 1. map `segment.file_pages()` as a private file mapping from `segment.file_offset`,
//!     // 2. write zeros to `segment.zero_bytes()` in the process's own copy of that page,
//!     // 3. map `segment.zero_pages()` as anonymous memory.
//! }
//! # Ok::<(), vm_core::elf::ElfError>(())
//! ```

mod error;
mod plan;
#[cfg(test)]
mod tests;

pub use error::ElfError;
pub use plan::{LoadOptions, LoadPlan, MAX_PROGRAM_HEADERS, Segment};

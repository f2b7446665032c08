//! The kernel heap: a general allocator that many CPUs can use at once.
//!
//! Three layers, each asked when the one above cannot serve:
//!
//! 1. **magazines** (`magazine.rs`): a few free blocks of each size class for each CPU. Taking and
//!    returning one touches nothing that another CPU writes. A block freed on another CPU than it was
//!    allocated on goes into that CPU's magazine.
//! 2. **talc** behind one lock (`chunks.rs`): fills and empties magazines in batches, and serves
//!    what is too large for them. It grows by chunks and gives back chunks that have become empty.
//! 3. the **backing** ([`Backing`]): contiguous memory in pages, the hal's frame allocator. Blocks of
//!    [`LARGE_BYTES`] and more come straight from there.
//!
//! What the heap needs of the machine comes in through [`Cpu`] and [`Backing`], so that the same code
//! runs on the host, where its tests are. It is a crate of its own for that reason.
#![no_std]

#[cfg(test)]
extern crate std;

mod chunks;
mod heap;
mod magazine;
mod size_class;
mod statistics;
#[cfg(test)]
mod tests;

pub use heap::{Backing, Cpu, Heap, LARGE_BYTES, PAGE_BYTES};
pub use statistics::Statistics;

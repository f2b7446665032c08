//! The pages that files are made of. The kernel passes a type of its own, a page frame, so that a
//! page of a file can be mapped into a program as it is.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// Bytes in a page.
pub const PAGE_BYTES: usize = 4096;

/// A page of memory.
pub trait Page: Sized {
    /// A page of zeroes, `None` if there is no memory.
    fn zeroed() -> Option<Self>;

    /// Its [`PAGE_BYTES`] bytes.
    fn bytes(&self) -> &[u8];

    /// Its [`PAGE_BYTES`] bytes, to be written.
    fn bytes_mut(&mut self) -> &mut [u8];
}

/// A page on the heap.
#[derive(Debug)]
pub struct HeapPage(Box<[u8]>);

impl Page for HeapPage {
    fn zeroed() -> Option<Self> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(PAGE_BYTES).ok()?;
        bytes.resize(PAGE_BYTES, 0);
        Some(Self(bytes.into_boxed_slice()))
    }

    fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

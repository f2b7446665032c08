//! The pages that files are made of. The kernel passes a type of its own, a page frame, so that a
//! page of a file can be mapped into a program as it is.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// Bytes in a page.
pub const PAGE_BYTES: usize = 4096;

/// A page of memory. It may be mapped in programs that change it at any time, so that its bytes can
/// be copied, but not referred to.
pub trait Page: Sized {
    /// A page of zeroes, `None` if there is no memory.
    fn zeroed() -> Option<Self>;

    /// Copies its bytes from `offset` on. Nothing is asked for behind its [`PAGE_BYTES`].
    fn read(&self, offset: usize, bytes: &mut [u8]);

    /// Changes its bytes from `offset` on, up to [`PAGE_BYTES`].
    fn write(&mut self, offset: usize, bytes: &[u8]);

    /// Makes zeroes of its bytes from `start` up to `end`.
    fn clear(&mut self, start: usize, end: usize) {
        const ZEROES: [u8; 256] = [0; 256];
        let mut at = start;
        while at < end {
            let step = ZEROES.len().min(end - at);
            self.write(at, &ZEROES[..step]);
            at += step;
        }
    }
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

    fn read(&self, offset: usize, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0[offset..offset + bytes.len()]);
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) {
        self.0[offset..offset + bytes.len()].copy_from_slice(bytes);
    }
}

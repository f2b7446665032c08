//! A magazine: free blocks of one size, linked through themselves.

use core::ptr::NonNull;

/// The first word of a free block.
struct FreeBlock {
    next: Option<NonNull<FreeBlock>>,
}

/// A stack of free blocks. It does not know its size class; its owner does.
pub(crate) struct Magazine {
    top: Option<NonNull<FreeBlock>>,
    len: usize,
}

// SAFETY: the blocks belong to the magazine alone, whichever thread has it.
unsafe impl Send for Magazine {}

impl Magazine {
    pub(crate) const fn new() -> Self {
        Self { top: None, len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn pop(&mut self) -> Option<NonNull<u8>> {
        let block = self.top?;
        // SAFETY: blocks in the magazine are its own, and `push` wrote this one's link.
        let FreeBlock { next } = unsafe { block.read() };
        self.top = next;
        self.len -= 1;
        Some(block.cast())
    }

    /// # Safety
    /// The block is at least a word large and aligned to a word, and the caller gives it away.
    pub(crate) unsafe fn push(&mut self, block: NonNull<u8>) {
        let block = block.cast::<FreeBlock>();
        // SAFETY: the caller gives the block away, with room for the link.
        unsafe { block.write(FreeBlock { next: self.top }) };
        self.top = Some(block);
        self.len += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_it_got_last_first() {
        let mut blocks = [[0_u64; 3]; 4];
        let mut magazine = Magazine::new();
        let pointers = blocks.each_mut().map(|block| NonNull::from(block).cast::<u8>());
        for pointer in pointers {
            // SAFETY: each block is three words of the test's own, used by nothing else.
            unsafe { magazine.push(pointer) };
        }
        assert_eq!(magazine.len(), 4);
        for pointer in pointers.iter().rev() {
            assert_eq!(magazine.pop(), Some(*pointer));
        }
        assert_eq!((magazine.pop(), magazine.len()), (None, 0));
    }
}

//! A host thread as a CPU and the system's allocator as frames, for the heap's tests and benchmark.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::NonNull;

use ksync::Interrupts;

use super::{Backing, Cpu};

std::thread_local! {
    static INDEX: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Makes the calling thread the CPU with this number. Threads that use one heap at the same time
/// must have different numbers.
pub(crate) fn become_cpu(index: usize) {
    INDEX.set(Some(index));
}

/// A host thread: nothing interrupts it that would use the heap.
pub(crate) struct HostCpu;

impl Interrupts for HostCpu {
    type State = ();

    fn disable() {}

    fn restore(_state: ()) {}

    fn relax() {
        std::thread::yield_now();
    }
}

// SAFETY: nothing interrupts a thread, and the tests number their threads differently.
unsafe impl Cpu for HostCpu {
    fn index() -> Option<usize> {
        INDEX.get()
    }
}

/// Pages from the system's allocator.
pub(crate) struct SystemPages;

// SAFETY: the system's allocator keeps the same promises, and does not use a kernel heap.
unsafe impl Backing for SystemPages {
    fn allocate(layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the heap asks for whole pages, at least one.
        NonNull::new(unsafe { System.alloc(layout) })
    }

    unsafe fn free(memory: NonNull<u8>, layout: Layout) {
        // SAFETY: by the trait's contract, memory from above with its layout.
        unsafe { System.dealloc(memory.as_ptr(), layout) };
    }
}

//! Nanoseconds for an allocation and for a free, with 5,000 live blocks: this heap beside bare talc
//! and the system's allocator, on one thread and on two.

#[path = "../src/tests/host.rs"]
mod host;

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::thread;
use std::time::Instant;

use host::{HostCpu, SystemPages, become_cpu};
use kheap::{Backing, Cpu, Heap};
use ksync::{Level, SpinLock};
use talc::DefaultBinning;
use talc::base::Talc;
use talc::source::GlobalAllocSource;

const LIVE_BLOCKS: usize = 5000;
const ROUNDS: usize = 2_000_000;

/// talc behind the same lock, without magazines.
struct BareTalc(SpinLock<Talc<GlobalAllocSource<System>, DefaultBinning>, HostCpu>);

// SAFETY: talc keeps the promises; the lock makes it usable from several threads.
unsafe impl GlobalAlloc for BareTalc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the same contract.
        let block = unsafe { self.0.lock().allocate(layout) };
        block.map_or(std::ptr::null_mut(), |block| block.as_ptr())
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the same contract.
        unsafe { self.0.lock().deallocate(block, layout) };
    }
}

/// Replaces random blocks of the live ones; sizes as a kernel's: mostly small.
fn churn(heap: &impl GlobalAlloc, seed: u64) -> f64 {
    let mut random = seed;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut layout = || {
        let bits = next();
        let size = match bits % 16 {
            0..8 => 16 + bits / 16 % 112,
            8..13 => 128 + bits / 16 % 384,
            13..15 => 512 + bits / 16 % 1536,
            _ => 2048 + bits / 16 % 6144,
        };
        let size = usize::try_from(size).unwrap_or(16);
        let layout = Layout::from_size_align(size, 8).unwrap_or(Layout::new::<u64>());
        (layout, usize::try_from(bits >> 40).unwrap_or(0))
    };
    let allocate = |layout| {
        // SAFETY: the layouts are not empty.
        let block = unsafe { heap.alloc(layout) };
        // SAFETY: the block is at least a word.
        unsafe { block.cast::<u64>().write(1) };
        block
    };
    let mut live: Vec<(*mut u8, Layout)> = (0..LIVE_BLOCKS)
        .map(|_| {
            let (layout, _) = layout();
            (allocate(layout), layout)
        })
        .collect();
    let start = Instant::now();
    for _ in 0..ROUNDS {
        let (layout, which) = layout();
        let slot = &mut live[which % LIVE_BLOCKS];
        // SAFETY: allocated with this layout, and replaced now.
        unsafe { heap.dealloc(slot.0, slot.1) };
        *slot = (black_box(allocate(layout)), layout);
    }
    let elapsed = start.elapsed();
    for (block, layout) in live {
        // SAFETY: allocated with this layout, and not used again.
        unsafe { heap.dealloc(block, layout) };
    }
    elapsed.as_secs_f64() * 1e9 / (2 * ROUNDS) as f64
}

fn measure(name: &str, heap: &(impl GlobalAlloc + Sync)) {
    become_cpu(0);
    let alone = churn(heap, 0x9e37_79b9);
    let both = thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|cpu| {
                scope.spawn(move || {
                    become_cpu(cpu);
                    churn(heap, 77 + cpu as u64)
                })
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).fold(0.0, f64::max)
    });
    println!("{name:<24} {alone:8.1} ns one thread {both:8.1} ns two threads");
}

fn main() {
    measure("system", &System);
    let talc = Talc::new(GlobalAllocSource::new(System));
    measure("talc and a lock", &BareTalc(SpinLock::new(Level::new(1), "talc", talc)));
    let heap = Heap::<HostCpu, SystemPages, 2>::new(Level::new(1));
    measure("kheap", &heap);
    println!("{:?}", heap.statistics());
}

//! The heap as its users see it: what it hands out is theirs alone, stays what they wrote, comes
//! back, and runs out politely.

mod host;

use std::alloc::{GlobalAlloc, Layout};
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, mpsc};
use std::thread;

use std::vec::Vec;

use host::{HostCpu, SystemPages, become_cpu};
use ksync::Level;
use proptest::prelude::*;

use crate::{Backing, Cpu, Heap, PAGE_BYTES};

const LEVEL: Level = Level::new(100);

type TestHeap = Heap<HostCpu, SystemPages, 4>;

/// The kernel's is a static.
static STATIC_HEAP: TestHeap = Heap::new(LEVEL);

#[test]
fn a_static_heap_serves_before_a_cpu_has_its_number() {
    let layout = Layout::new::<[u64; 5]>();
    // SAFETY: not an empty layout.
    let block = unsafe { STATIC_HEAP.alloc(layout) };
    assert!(!block.is_null());
    assert_eq!(STATIC_HEAP.statistics().cached_bytes, 0);
    // SAFETY: allocated above with this layout.
    unsafe { STATIC_HEAP.dealloc(block, layout) };
    assert_eq!(STATIC_HEAP.statistics().in_use_bytes, 0);
}

/// A byte for the number, seldom equal for neighbours.
fn mark(number: usize) -> u8 {
    u8::try_from(number % 251).unwrap()
}

/// A block and what was written into it.
struct Block {
    start: *mut u8,
    layout: Layout,
    mark: u8,
}

// SAFETY: the block belongs to whoever has the value.
unsafe impl Send for Block {}

impl Block {
    fn new<B: Backing, const CPUS: usize>(
        heap: &Heap<HostCpu, B, CPUS>,
        layout: Layout,
        mark: u8,
    ) -> Option<Self> {
        // SAFETY: the tests ask for no empty layout.
        let start = NonNull::new(unsafe { heap.alloc(layout) })?.as_ptr();
        assert_eq!(start.addr() % layout.align(), 0, "{layout:?}");
        // SAFETY: the block is this large.
        unsafe { start.write_bytes(mark, layout.size()) };
        Some(Self { start, layout, mark })
    }

    fn assert_holds(&self, len: usize) {
        // SAFETY: the block is this large and was written in full.
        let bytes = unsafe { std::slice::from_raw_parts(self.start, len) };
        assert!(bytes.iter().all(|byte| *byte == self.mark), "{:?} was overwritten", self.layout);
    }

    fn resize<B: Backing, const CPUS: usize>(
        &mut self,
        heap: &Heap<HostCpu, B, CPUS>,
        size: usize,
    ) {
        // SAFETY: the block is the heap's with this layout, and the size is not zero.
        self.start = unsafe { heap.realloc(self.start, self.layout, size) };
        assert_eq!(self.start.addr() % self.layout.align(), 0);
        self.assert_holds(size.min(self.layout.size()));
        self.layout = Layout::from_size_align(size, self.layout.align()).unwrap();
        // SAFETY: the block is this large.
        unsafe { self.start.write_bytes(self.mark, size) };
    }

    fn free<B: Backing, const CPUS: usize>(self, heap: &Heap<HostCpu, B, CPUS>) {
        self.assert_holds(self.layout.size());
        // SAFETY: allocated from this heap with this layout.
        unsafe { heap.dealloc(self.start, self.layout) };
    }
}

#[derive(Clone, Debug)]
enum Step {
    Allocate { size: usize, align: usize },
    Free { which: usize },
    Resize { which: usize, size: usize },
    Flush,
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 1..300_usize, 4 => 300..5000_usize, 1 => 5000..200_000_usize]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (size(), 0..14_u32).prop_map(|(size, shift)| Step::Allocate { size, align: 1 << shift }),
        6 => any::<usize>().prop_map(|which| Step::Free { which }),
        3 => (any::<usize>(), size()).prop_map(|(which, size)| Step::Resize { which, size }),
        1 => Just(Step::Flush),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn blocks_are_aligned_apart_and_keep_what_was_written(
        steps in proptest::collection::vec(step(), 1..300),
    ) {
        become_cpu(0);
        let heap = TestHeap::new(LEVEL);
        let mut blocks: Vec<Block> = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Allocate { size, align } => {
                    let layout = Layout::from_size_align(size, align).unwrap();
                    blocks.push(Block::new(&heap, layout, mark(number)).unwrap());
                }
                Step::Free { which } if !blocks.is_empty() => {
                    blocks.swap_remove(which % blocks.len()).free(&heap);
                }
                Step::Resize { which, size } if !blocks.is_empty() => {
                    let index = which % blocks.len();
                    blocks[index].resize(&heap, size);
                }
                Step::Flush => heap.flush_local(),
                Step::Free { .. } | Step::Resize { .. } => {}
            }
            let ends: BTreeMap<usize, usize> = blocks
                .iter()
                .map(|block| (block.start.addr(), block.start.addr() + block.layout.size()))
                .collect();
            prop_assert_eq!(ends.len(), blocks.len());
            prop_assert!(ends.values().zip(ends.keys().skip(1)).all(|(end, next)| end <= next));
            let wanted: usize = blocks.iter().map(|block| block.layout.size()).sum();
            prop_assert!(heap.statistics().in_use_bytes >= wanted as u64);
        }
        for block in blocks {
            block.free(&heap);
        }
        heap.flush_local();
        let statistics = heap.statistics();
        prop_assert_eq!((statistics.in_use_bytes, statistics.cached_bytes), (0, 0));
        // The first chunk, which stays, and a spare one.
        prop_assert!(statistics.chunks <= 1, "{statistics:?}");
    }
}

#[test]
fn cpus_allocate_at_once_and_free_each_other_s_blocks() {
    const CPUS: usize = 4;
    const ROUNDS: usize = 20_000;
    let heap = TestHeap::new(LEVEL);
    let start = Barrier::new(CPUS);
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..CPUS).map(|_| mpsc::channel::<Block>()).unzip();
    thread::scope(|scope| {
        for (cpu, inbox) in receivers.into_iter().enumerate() {
            let outbox = senders[(cpu + 1) % CPUS].clone();
            let (heap, start) = (&heap, &start);
            scope.spawn(move || {
                become_cpu(cpu);
                start.wait();
                let mut random = 0x1234_5678_u64 + cpu as u64;
                for round in 0..ROUNDS {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let size = usize::try_from(1 + (random >> 40) % 2500).unwrap();
                    let layout = Layout::from_size_align(size, 8).unwrap();
                    let block = Block::new(heap, layout, mark(round + cpu)).unwrap();
                    if random & (1 << 33) == 0 {
                        outbox.send(block).unwrap();
                    } else {
                        block.free(heap);
                    }
                    while let Ok(foreign) = inbox.try_recv() {
                        foreign.free(heap);
                    }
                }
                drop(outbox);
                // Until the neighbour hangs up, too.
                while let Ok(foreign) = inbox.recv() {
                    foreign.free(heap);
                }
                heap.flush_local();
            });
        }
        drop(senders);
    });
    let statistics = heap.statistics();
    assert_eq!((statistics.in_use_bytes, statistics.cached_bytes), (0, 0));
    assert_eq!(statistics.allocations, (CPUS * ROUNDS) as u64);
    assert!(statistics.refills < statistics.allocations / 4, "{statistics:?}");
}

#[test]
fn a_block_freed_is_the_next_one_allocated() {
    become_cpu(0);
    let heap = TestHeap::new(LEVEL);
    let layout = Layout::from_size_align(64, 8).unwrap();
    let first = Block::new(&heap, layout, 1).unwrap();
    let address = first.start;
    first.free(&heap);
    let refills = heap.statistics().refills;
    let second = Block::new(&heap, layout, 2).unwrap();
    assert_eq!(second.start, address);
    assert_eq!(heap.statistics().refills, refills);
    second.free(&heap);
}

#[test]
fn a_magazine_is_bounded() {
    become_cpu(0);
    let heap = TestHeap::new(LEVEL);
    let layout = Layout::from_size_align(2048, 8).unwrap();
    let blocks: Vec<_> = (0..2000).map(|_| Block::new(&heap, layout, 3).unwrap()).collect();
    blocks.into_iter().for_each(|block| block.free(&heap));
    let statistics = heap.statistics();
    assert!(statistics.cached_bytes <= 128 * 1024, "{statistics:?}");
    assert!(statistics.flushes > 100);
    // What the magazines did not keep has gone back: the first chunk, the spare, what is cached in.
    assert!(statistics.backing_bytes <= 1024 * 1024, "{statistics:?}");
}

/// Pages with an end.
struct FewPages;

static LEFT_BYTES: AtomicUsize = AtomicUsize::new(1024 * 1024);

// SAFETY: as `SystemPages`, which does the work.
unsafe impl Backing for FewPages {
    fn allocate(layout: Layout) -> Option<NonNull<u8>> {
        assert_eq!(layout.size() % PAGE_BYTES, 0);
        LEFT_BYTES
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(layout.size())
            })
            .ok()?;
        SystemPages::allocate(layout)
    }

    unsafe fn free(memory: NonNull<u8>, layout: Layout) {
        LEFT_BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the same contract.
        unsafe { SystemPages::free(memory, layout) };
    }
}

#[test]
fn an_exhausted_heap_says_so_and_recovers() {
    become_cpu(0);
    let heap = Heap::<HostCpu, FewPages, 1>::new(LEVEL);
    for size in [40, 2000, 9000, 100_000] {
        let layout = Layout::from_size_align(size, 16).unwrap();
        for _ in 0..3 {
            let mut blocks = Vec::new();
            while let Some(block) = Block::new(&heap, layout, 9) {
                blocks.push(block);
            }
            let used: usize = blocks.iter().map(|block| block.layout.size()).sum();
            assert!(used > 600_000, "only {used} bytes in blocks of {size}");
            blocks.into_iter().for_each(|block| block.free(&heap));
        }
    }
    assert_eq!(heap.statistics().in_use_bytes, 0);
    assert!(heap.statistics().failures >= 12);
    heap.flush_local();
    let kept = heap.statistics().backing_bytes;
    assert_eq!(kept + LEFT_BYTES.load(Ordering::Relaxed) as u64, 1024 * 1024);
}

#[test]
fn impossible_sizes_are_refused() {
    let layout = Layout::from_size_align((usize::MAX / 2) & !4095, 4096).unwrap();
    assert!(Block::new(&STATIC_HEAP, layout, 0).is_none());
}

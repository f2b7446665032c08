//! Prints what the buddy allocator costs: `cargo bench -p vm-core --bench frame`.

use std::hint::black_box;
use std::time::Instant;

use vm_core::frame::{Buddy, FrameMeta, FrameNumber, Order};

const FRAMES: usize = 1 << 18; // 1 GiB
const ROUNDS: u32 = 20;

fn main() {
    let first = FrameNumber::new(0x100).unwrap_or(FrameNumber::MAX);
    let end = first.checked_add(FRAMES as u64).unwrap_or(FrameNumber::MAX);
    let mut meta = vec![FrameMeta::RESERVED; FRAMES];

    let start = Instant::now();
    let mut buddy = Buddy::new(first, &mut meta).unwrap_or_else(|error| panic!("{error}"));
    buddy.release_range(first, end).unwrap_or_else(|error| panic!("{error}"));
    println!("set up 1 GiB: {:?}", start.elapsed());

    let start = Instant::now();
    for _ in 0..ROUNDS * 100_000 {
        if let Some(frame) = black_box(buddy.allocate(Order::FRAME)) {
            black_box(buddy.free(frame, Order::FRAME).is_ok());
        }
    }
    report("allocate and free one frame", start, ROUNDS * 100_000);

    let mut held = Vec::with_capacity(FRAMES);
    let start = Instant::now();
    let mut count = 0;
    for _ in 0..ROUNDS {
        while let Some(frame) = buddy.allocate(Order::FRAME) {
            held.push(frame);
        }
        // Far apart, so that neighbours join late: the worst case for coalescing.
        for offset in 0..512 {
            for frame in held.iter().skip(offset).step_by(512) {
                black_box(buddy.free(*frame, Order::FRAME).is_ok());
            }
        }
        count += u32::try_from(held.len()).unwrap_or(u32::MAX);
        held.clear();
    }
    report("allocate all, free scattered", start, count);
    println!("largest blocks after that: {}", buddy.free_blocks(Order::MAX));
}

fn report(what: &str, start: Instant, count: u32) {
    println!("{what}: {:?} for each pair", start.elapsed() / count);
}

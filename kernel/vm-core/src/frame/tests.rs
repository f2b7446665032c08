use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

fn frame(number: u64) -> FrameNumber {
    FrameNumber::new(number).unwrap()
}

fn order(exponent: u8) -> Order {
    Order::new(exponent).unwrap()
}

#[test]
fn addresses_are_checked() {
    assert_eq!(FrameNumber::from_address(0x5000), Some(frame(5)));
    assert_eq!(FrameNumber::from_address(0x5001), None);
    assert_eq!(FrameNumber::containing(0x5fff), Some(frame(5)));
    assert_eq!(FrameNumber::new(1 << 40), None);
    assert_eq!(FrameNumber::from_address(!0xfff), None);
    assert_eq!(FrameNumber::MAX.address(), (1 << 52) - 4096);
    assert_eq!(FrameNumber::MAX.checked_add(1), None);
    assert_eq!(frame(1).checked_add(u64::MAX), None);
    assert!(frame(0).is_aligned_to(Order::MAX) && !frame(6).is_aligned_to(order(2)));
}

#[test]
fn orders_cover_4_kib_to_4_mib() {
    assert_eq!((Order::FRAME.bytes(), Order::MAX.bytes()), (4 << 10, 4 << 20));
    assert_eq!(Order::LARGE_PAGE.bytes(), 2 << 20);
    assert_eq!(Order::new(11), None);
    assert_eq!(Order::for_frames(0), Some(Order::FRAME));
    assert_eq!(Order::for_frames(5), Some(order(3)));
    assert_eq!(Order::for_frames(1024), Some(Order::MAX));
    assert_eq!(Order::for_frames(1025), None);
}

#[test]
fn metadata_of_64_mib_takes_128_kib() {
    assert_eq!(metadata_bytes(64 << 8), 128 << 10);
    assert_eq!(metadata_bytes(usize::MAX), usize::MAX);
}

#[test]
fn nothing_is_free_before_it_is_released() {
    let mut meta = vec![FrameMeta::allocated(Order::FRAME); 64];
    let mut buddy = Buddy::new(frame(7), &mut meta).unwrap();
    assert_eq!(buddy.allocate(Order::FRAME), None);
    assert_eq!((buddy.total_frames(), buddy.free_frames(), buddy.span_frames()), (0, 0, 64));
    assert_eq!(
        buddy.free(frame(7), Order::FRAME),
        Err(FreeError::NotAllocated { frame: frame(7) })
    );
}

#[test]
fn a_range_beyond_physical_memory_is_refused() {
    let mut meta = vec![FrameMeta::RESERVED; 2];
    let error = Buddy::new(FrameNumber::MAX, &mut meta).map(|_| ()).unwrap_err();
    assert_eq!(error, NewError::BeyondPhysicalMemory);
}

#[test]
fn release_takes_the_largest_aligned_blocks() {
    let mut meta = vec![FrameMeta::RESERVED; 4096];
    let mut buddy = Buddy::new(frame(1), &mut meta).unwrap();
    buddy.release_range(frame(1), frame(4097)).unwrap();
    // 1, 2, 4, … 512 frames up to 1024, three whole blocks of 1024, and frame 4096 alone.
    let blocks: Vec<u32> = Order::all().map(|order| buddy.free_blocks(order)).collect();
    assert_eq!(blocks, [2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3]);
    assert_eq!(buddy.free_frames(), 4096);
}

#[test]
fn release_refuses_what_it_has_or_does_not_manage() {
    let mut meta = vec![FrameMeta::RESERVED; 256];
    let mut buddy = Buddy::new(frame(256), &mut meta).unwrap();
    let out = |start, end| Err(ReleaseError::OutOfRange { start: frame(start), end: frame(end) });
    assert_eq!(buddy.release_range(frame(255), frame(260)), out(255, 260));
    assert_eq!(buddy.release_range(frame(500), frame(513)), out(500, 513));
    assert_eq!(buddy.release_range(frame(300), frame(299)), out(300, 299));
    assert_eq!(buddy.release_range(frame(512), frame(512)), Ok(()));
    buddy.release_range(frame(256), frame(320)).unwrap();
    let again = |number| Err(ReleaseError::AlreadyReleased { frame: frame(number) });
    assert_eq!(buddy.release_range(frame(319), frame(400)), again(319));
    let held = buddy.allocate(order(6)).unwrap();
    assert_eq!(buddy.release_range(frame(300), frame(301)), again(300));
    buddy.free(held, order(6)).unwrap();
    buddy.release_range(frame(400), frame(401)).unwrap();
    assert_eq!(buddy.release_range(frame(320), frame(512)), again(400));
    assert_eq!(buddy.free_frames(), 65);
    // What follows joins with what was there.
    buddy.release_range(frame(320), frame(384)).unwrap();
    assert_eq!(buddy.free_blocks(order(7)), 1);
}

#[test]
fn a_block_can_be_freed_once_and_only_as_it_was_allocated() {
    let mut meta = vec![FrameMeta::RESERVED; 64];
    let mut buddy = Buddy::new(frame(64), &mut meta).unwrap();
    buddy.release_range(frame(64), frame(128)).unwrap();
    let block = buddy.allocate(order(2)).unwrap();
    let inner = block.checked_add(1).unwrap();
    assert_eq!(
        buddy.free(block, Order::FRAME),
        Err(FreeError::WrongOrder { frame: block, allocated: order(2), freed: Order::FRAME })
    );
    assert_eq!(buddy.free(inner, Order::FRAME), Err(FreeError::NotAllocated { frame: inner }));
    assert_eq!(
        buddy.free(frame(128), Order::FRAME),
        Err(FreeError::OutOfRange { frame: frame(128) })
    );
    assert_eq!(buddy.free_frames(), 60);
    buddy.free(block, order(2)).unwrap();
    // The block has been joined: its first frame may now lie inside a larger one.
    for freed in [block, inner] {
        assert_eq!(buddy.free(freed, order(2)), Err(FreeError::AlreadyFree { frame: freed }));
    }
    assert_eq!(buddy.free_frames(), 64);
    assert_eq!(buddy.free_blocks(order(6)), 1);
}

#[test]
fn freeing_everything_in_any_order_restores_the_largest_blocks() {
    let mut meta = vec![FrameMeta::RESERVED; 3000];
    let mut buddy = Buddy::new(frame(500), &mut meta).unwrap();
    buddy.release_range(frame(500), frame(3500)).unwrap();
    let before: Vec<u32> = Order::all().map(|order| buddy.free_blocks(order)).collect();
    let mut frames: Vec<FrameNumber> =
        std::iter::from_fn(|| buddy.allocate(Order::FRAME)).collect();
    assert_eq!(frames.len(), 3000);
    assert_eq!((buddy.free_frames(), buddy.total_frames()), (0, 3000));

    // Every second frame free: half the memory, and not one block of two frames.
    let (odd, even): (Vec<_>, Vec<_>) = frames.iter().partition(|frame| frame.number() % 2 == 1);
    for freed in &odd {
        buddy.free(*freed, Order::FRAME).unwrap();
    }
    assert_eq!(buddy.free_frames(), 1500);
    assert_eq!(buddy.allocate(order(1)), None);
    for freed in even.iter().rev() {
        buddy.free(*freed, Order::FRAME).unwrap();
    }
    let after: Vec<u32> = Order::all().map(|order| buddy.free_blocks(order)).collect();
    assert_eq!(before, after);

    frames.sort();
    frames.dedup();
    assert_eq!(frames.len(), 3000, "a frame was handed out twice");
}

/// The naive model: one state for each frame and the list of what is held.
struct Model {
    free: Vec<bool>,
    released: Vec<bool>,
    held: Vec<(FrameNumber, Order)>,
    first: u64,
}

impl Model {
    fn range(&self, start: FrameNumber, order: Order) -> std::ops::Range<usize> {
        let start = usize::try_from(start.number() - self.first).unwrap();
        start..start + usize::try_from(order.frames()).unwrap()
    }

    /// Whether a wholly free, aligned block of this order exists.
    fn has_block(&self, order: Order) -> bool {
        let size = usize::try_from(order.frames()).unwrap();
        let skip =
            usize::try_from(self.first.next_multiple_of(order.frames()) - self.first).unwrap();
        self.free
            .iter()
            .skip(skip)
            .collect::<Vec<_>>()
            .chunks_exact(size)
            .any(|block| block.iter().all(|free| **free))
    }
}

#[derive(Clone, Debug)]
enum Step {
    Release(usize, usize),
    Allocate(u8),
    Free(usize),
    FreeAny(usize, u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        1 => (0..2100usize, 0..300usize).prop_map(|(at, len)| Step::Release(at, len)),
        6 => prop_oneof![6 => 0..3u8, 1 => 0..11u8].prop_map(Step::Allocate),
        4 => any::<usize>().prop_map(Step::Free),
        1 => (0..2100usize, 0..11u8).prop_map(|(at, order)| Step::FreeAny(at, order)),
    ];
    prop::collection::vec(step, 1..300)
}

fn check_against_model(first: u64, steps: &[Step]) {
    const FRAMES: usize = 2048;
    let mut meta = vec![FrameMeta::RESERVED; FRAMES];
    let mut buddy = Buddy::new(frame(first), &mut meta).unwrap();
    let mut model =
        Model { free: vec![false; FRAMES], released: vec![false; FRAMES], held: vec![], first };
    for step in steps {
        match *step {
            Step::Release(at, len) => {
                let range = at..at + len;
                let fits = range.end <= FRAMES;
                let expected = fits && model.released[range.clone()].iter().all(|known| !known);
                let (start, end) = (first + at as u64, first + (at + len) as u64);
                let released = buddy.release_range(frame(start), frame(end));
                assert_eq!(released.is_ok(), expected, "{released:?}");
                if expected {
                    model.free[range.clone()].fill(true);
                    model.released[range].fill(true);
                }
            }
            Step::Allocate(exponent) => {
                let order = order(exponent);
                let possible = model.has_block(order);
                let block = buddy.allocate(order);
                assert_eq!(block.is_some(), possible);
                if let Some(block) = block {
                    assert!(block.is_aligned_to(order));
                    let range = model.range(block, order);
                    assert!(model.free[range.clone()].iter().all(|free| *free));
                    model.free[range].fill(false);
                    model.held.push((block, order));
                }
            }
            Step::Free(pick) if !model.held.is_empty() => {
                let pick = pick % model.held.len();
                let (block, order) = model.held.swap_remove(pick);
                buddy.free(block, order).unwrap();
                let range = model.range(block, order);
                model.free[range].fill(true);
                assert_eq!(buddy.free(block, order), Err(FreeError::AlreadyFree { frame: block }));
            }
            Step::Free(_) => {}
            Step::FreeAny(at, exponent) => {
                let victim = (frame(first + at as u64), order(exponent));
                let position = model.held.iter().position(|held| *held == victim);
                assert_eq!(buddy.free(victim.0, victim.1).is_ok(), position.is_some());
                if let Some(position) = position {
                    model.held.swap_remove(position);
                    let range = model.range(victim.0, victim.1);
                    model.free[range].fill(true);
                }
            }
        }
        let free = model.free.iter().filter(|free| **free).count() as u64;
        assert_eq!(buddy.free_frames(), free);
        let in_blocks: u64 =
            Order::all().map(|order| u64::from(buddy.free_blocks(order)) * order.frames()).sum();
        assert_eq!(in_blocks, free);
        let released = model.released.iter().filter(|known| **known).count() as u64;
        assert_eq!(buddy.total_frames(), released);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn behaves_like_a_bitmap(first in 0..5000u64, steps in steps()) {
        check_against_model(first, &steps);
    }
}

#[test]
fn a_divided_range_goes_on_with_what_was_allocated() {
    const FRAMES: usize = 8 * 1024;
    let mut meta = vec![FrameMeta::RESERVED; FRAMES];
    let first = FrameNumber::new(0).unwrap();
    let mut buddy = Buddy::new(first, &mut meta).unwrap();
    buddy.release_range(FrameNumber::new(3).unwrap(), FrameNumber::new(8000).unwrap()).unwrap();
    let mut held: Vec<(FrameNumber, Order)> = Vec::new();
    for exponent in [0, 3, 0, 10, 1, 9, 0, 5, 10, 10, 2] {
        let order = Order::new(exponent).unwrap();
        held.push((buddy.allocate(order).unwrap(), order));
    }
    let (total, free) = (buddy.total_frames(), buddy.free_frames());
    let at = FrameNumber::new(5 * 1024).unwrap();
    assert!(buddy.split_off(FrameNumber::new(5000).unwrap()).is_none());
    assert!(buddy.split_off(first).is_none());
    let mut high = buddy.split_off(at).unwrap();
    let mut low = buddy;
    assert_eq!(low.total_frames() + high.total_frames(), total);
    assert_eq!(low.free_frames() + high.free_frames(), free);
    assert_eq!((low.span_frames(), high.span_frames()), (5 * 1024, 3 * 1024));
    for (frame, order) in held {
        let (own, other) = if frame < at { (&mut low, &mut high) } else { (&mut high, &mut low) };
        assert!(other.free(frame, order).is_err());
        own.free(frame, order).unwrap();
    }
    assert_eq!(low.free_frames() + high.free_frames(), total);
    while let Some(frame) = high.allocate(Order::FRAME) {
        assert!(frame >= at);
    }
    while let Some(frame) = low.allocate(Order::FRAME) {
        assert!(frame < at);
    }
    assert_eq!(low.free_frames() + high.free_frames(), 0);
}

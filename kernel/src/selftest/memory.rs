//! Frames and the heap, and what happens when there are none left.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use hal::frame::{Frames, figures};
use hal::interrupts::SpinLock;
use process_core::{ExitStatus, Signal};
use vm_core::frame::Order;

use super::Test;
use super::support::{
    Account, Outcome, PATIENCE_MS, Said, Stop, Worker, check, eventually, failed, fill_histories,
    probe, run, run_all, run_well, start, wait_for,
};
use crate::{levels, process};

pub(super) const TESTS: &[Test] = &[
    ("memory_frames_are_given_out_once", frames_are_given_out_once),
    ("memory_zeroed_frames_are_zero", zeroed_frames_are_zero),
    ("memory_heap_serves_all_cpus", heap_serves_all_cpus),
    ("memory_comes_from_the_own_node", comes_from_the_own_node),
    ("memory_limit_of_a_process_is_kept", limit_is_kept),
    ("memory_program_that_takes_all_is_ended", program_that_takes_all_is_ended),
    ("memory_largest_program_ends_for_the_others", largest_program_ends),
];

const PAGE: u64 = 4096;
/// Left for the kernel while a test holds all other frames.
const SPARE_BYTES: u64 = 1 << 20;

/// Takes frames until this many bytes are left; the list gets its room first.
fn take_frames(left_bytes: u64) -> Result<Vec<Frames>, alloc::string::String> {
    let count = usize::try_from(figures().total_bytes / PAGE).unwrap_or(0);
    let mut frames = Vec::new();
    frames.try_reserve_exact(count).map_err(failed("room for the list"))?;
    while figures_are_above(left_bytes, frames.len()) {
        let Ok(frame) = Frames::allocate_one() else { break };
        frames.push(frame);
    }
    Ok(frames)
}

/// Looking costs locks: not at every frame while there are many.
fn figures_are_above(left_bytes: u64, taken: usize) -> bool {
    !taken.is_multiple_of(64) || figures().free_bytes > left_bytes
}

/// Nearly all frames at once: each has its own place, and all come back.
// proves: K6
fn frames_are_given_out_once() -> Outcome {
    let before = Account::now();
    let mut frames = take_frames(SPARE_BYTES)?;
    let held = frames.len() as u64 * PAGE;
    check!(figures().free_bytes <= SPARE_BYTES, "{} bytes are left", figures().free_bytes);
    for frame in &frames {
        frame.write(8, &frame.address().to_le_bytes());
    }
    let mut word = [0; 8];
    for frame in &frames {
        frame.read(8, &mut word);
        let found = u64::from_le_bytes(word);
        check!(found == frame.address(), "{:#x} is {found:#x}, too", frame.address());
    }
    // The rest: until there is really none.
    let spare = frames.capacity() - frames.len();
    let more = (0..spare).map_while(|_| Frames::allocate_one().ok());
    frames.extend(more);
    let is_exhausted = Frames::allocate_one().is_err();
    let is_large_refused = Frames::allocate(Order::MAX).is_err();
    drop(frames);
    check!(is_exhausted && is_large_refused, "there was always one more frame");
    before.is_settled(0)?;
    // They join to large blocks again.
    let large = Frames::allocate(Order::for_frames(256).unwrap_or(Order::FRAME));
    check!(large.is_ok(), "{held} bytes came back in pieces");
    Ok(())
}

fn zeroed_frames_are_zero() -> Outcome {
    let mut bytes = alloc::vec![0; 4096];
    for _ in 0..10 {
        // Spoilt ones first, so that the same are likely to be given out again.
        let spoilt: Vec<Frames> = (0..64).map_while(|_| Frames::allocate_one().ok()).collect();
        for frame in &spoilt {
            frame.write(0, &[0xa5; 4096]);
        }
        drop(spoilt);
        let fresh: Vec<Frames> = (0..64).map_while(|_| Frames::allocate_zeroed().ok()).collect();
        check!(fresh.len() == 64, "{} frames", fresh.len());
        for frame in &fresh {
            check!(frame.read(0, &mut bytes) == 4096, "a frame is short");
            check!(bytes.iter().all(|byte| *byte == 0), "a zeroed frame holds something else");
        }
    }
    Ok(())
}

/// A block of memory with its pattern's seed.
type Block = (u64, Vec<u64>);

/// Blocks of many sizes go from CPU to CPU: made on one, checked and freed on another.
fn heap_serves_all_cpus() -> Outcome {
    const ROUNDS: u64 = 2_000;
    let before = hal::heap::statistics();
    {
        let belt = Arc::new(SpinLock::new(levels::SERVICES, "selftest", VecDeque::<Block>::new()));
        let checked = Arc::new(AtomicUsize::new(0));
        let shared = (Arc::clone(&belt), Arc::clone(&checked));
        let workers = Worker::on_each(move |cpu| {
            let mut state = 0x9e37_79b9_7f4a_7c15 ^ (cpu as u64 + 1);
            for _ in 0..ROUNDS {
                // xorshift64: the sizes differ from CPU to CPU, and are the same in every run.
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let words = 1 + (state >> 33) % if state.is_multiple_of(64) { 4_000 } else { 120 };
                let block: Vec<u64> = (0..words).map(|word| state.wrapping_add(word)).collect();
                let old = {
                    let mut belt = shared.0.lock();
                    belt.push_back((state, block));
                    if belt.len() > 40 { belt.pop_front() } else { None }
                };
                if let Some(block) = old {
                    is_whole(&block)?;
                    shared.1.fetch_add(1, Ordering::Relaxed);
                }
            }
            Ok(())
        })?;
        run_all(&workers, PATIENCE_MS)?;
        let rest = core::mem::take(&mut *belt.lock());
        let count = rest.len() + checked.load(Ordering::Relaxed);
        rest.iter().try_for_each(is_whole)?;
        let made = workers.len() as u64 * ROUNDS;
        check!(count as u64 == made, "{count} of {made} blocks came through");
    }
    let mut after = hal::heap::statistics();
    let has_come_back = eventually(2_000, || {
        after = hal::heap::statistics();
        after.in_use_bytes <= before.in_use_bytes + (32 << 10)
    });
    check!(has_come_back, "{before:?} became {after:?}");
    check!(after.failures == before.failures, "allocations have failed");
    Ok(())
}

fn is_whole((seed, block): &Block) -> Said {
    let is_whole = block.iter().zip(0..).all(|(word, index)| *word == seed.wrapping_add(index));
    check!(is_whole, "a block of {} words was overwritten", block.len());
    Ok(())
}

/// On a machine with several NUMA nodes each CPU is given frames of its own, and others only when
/// there are none left.
// proves: K3
fn comes_from_the_own_node() -> Outcome {
    let nodes = hal::frame::node_count();
    if nodes < 2 {
        return Err(Stop::Skipped("one NUMA node"));
    }
    let figures: Vec<_> = (0..nodes).map(hal::frame::node_figures).collect();
    let total: u64 = figures.iter().map(|node| node.total_bytes).sum();
    let all = hal::frame::figures().total_bytes;
    check!(total == all, "the nodes have {total} bytes, the machine {all}: {figures:?}");
    check!(figures.iter().all(|node| node.total_bytes > 16 << 20), "{figures:?}");
    let workers = Worker::on_each(|cpu| {
        let own = hal::frame::node_of_cpu(cpu);
        for round in 0..20 {
            let frames: Vec<Frames> = (0..300).map_while(|_| Frames::allocate_one().ok()).collect();
            let far = frames.iter().filter(|frame| frame.node() != own).count();
            check!(
                far == 0,
                "round {round}: CPU {cpu} of node {own} has {far} of 300 frames far away"
            );
        }
        let block = Frames::allocate(Order::MAX).map_err(failed("a block"))?;
        check!(block.node() == own, "a block of node {} for CPU {cpu}", block.node());
        Ok(())
    })?;
    run_all(&workers, PATIENCE_MS)?;
    let used: alloc::collections::BTreeSet<usize> =
        (0..hal::cpu::online()).map(hal::frame::node_of_cpu).collect();
    check!(used.len() == nodes, "the CPUs belong to {} of {nodes} nodes", used.len());
    // When a node is exhausted, the next one serves.
    let held = take_frames(SPARE_BYTES)?;
    let mut from = alloc::vec![0_u64; nodes];
    for frame in &held {
        from[frame.node()] += 1;
    }
    check!(from.iter().all(|count| *count > 1000), "frames by node: {from:?}");
    Ok(())
}

// proves: K6
fn limit_is_kept() -> Outcome {
    let mut within = probe(&["touch", "4"])?;
    within.limits.memory_bytes = 8 << 20;
    let mut beyond = probe(&["touch", "16"])?;
    beyond.limits.memory_bytes = 8 << 20;
    // What the first program makes for all: the page of the clocks, and the last page of its file, which
    // the archive has a part of only.
    run_well(&within)?;
    fill_histories()?;
    let before = Account::now();
    for _ in 0..5 {
        let ended = run_well(&within)?;
        let peak = ended.last.usage.memory.peak_bytes;
        check!((4 << 20..8 << 20).contains(&peak), "4 MiB were touched, the peak is {peak}");
        let ended = run(&beyond)?;
        check!(
            ended.exit == ExitStatus::by_signal(Signal::SIGKILL),
            "a process beyond its limit ended with {:?}",
            ended.exit
        );
        let peak = ended.last.usage.memory.peak_bytes;
        check!(peak <= 8 << 20, "with a limit of 8 MiB it had {peak} bytes");
    }
    Ok(before.is_settled(64 << 10)?)
}

/// A program without a limit, on a machine that has few frames left.
// proves: K6
fn program_that_takes_all_is_ended() -> Outcome {
    let mut greedy = probe(&["touch", "64"])?;
    greedy.limits.memory_bytes = 1 << 40;
    fill_histories()?;
    let before = Account::now();
    let held = take_frames(24 << 20)?;
    let ended = run(&greedy);
    let small = probe(&["touch", "1"]).map(|small| run_well(&small));
    drop(held);
    let exit = ended?.exit;
    check!(exit == ExitStatus::by_signal(Signal::SIGKILL), "it ended with {exit:?}");
    small??;
    Ok(before.is_settled(64 << 10)?)
}

/// When memory runs out, not who asks for some ends, but who has the most.
// proves: P10
fn largest_program_ends() -> Outcome {
    let mut large = probe(&["hold", "24"])?;
    large.limits.memory_bytes = 1 << 40;
    let small = probe(&["touch", "20"])?;
    fill_histories()?;
    let before = Account::now();
    let held = take_frames(40 << 20)?;
    let said = (|| {
        let pid = start(&large)?;
        let resident = || process::snapshot(pid).map_or(0, |it| it.usage.memory.current_bytes);
        let has_grown = eventually(PATIENCE_MS, || resident() > 24 << 20);
        check!(has_grown, "it holds {} bytes", resident());
        run_well(&small)?;
        let exit = wait_for(pid, PATIENCE_MS)?.exit;
        check!(exit == ExitStatus::by_signal(Signal::SIGKILL), "the large one ended with {exit:?}");
        Ok::<(), alloc::string::String>(())
    })();
    drop(held);
    said?;
    Ok(before.is_settled(64 << 10)?)
}

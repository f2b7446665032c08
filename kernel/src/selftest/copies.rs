//! Copies between the kernel and programs: bad addresses end them cleanly, absent pages come.

use hal::paging::layout::{KERNEL_BASE, PAGE_BYTES, USER_END};
use hal::user::{BadAddress, copy_from, copy_to, zero};

use super::Test;
use super::paging::{WRITE, space_with};
use super::support::{Outcome, PATIENCE_MS, Said, Worker, check, probe, run_all, run_well};

pub(super) const TESTS: &[Test] = &[
    ("copies_refuse_bad_addresses", refuse_bad_addresses),
    ("copies_stop_at_the_end_of_memory", stop_at_the_end),
    ("copies_bring_pages_in", bring_pages_in),
    ("copies_within_the_kernel_are_exact", are_exact),
];

/// On every CPU: each has its own descriptor tables and control registers.
// proves: K6
fn refuse_bad_addresses() -> Outcome {
    let kernel_byte = 7_u8;
    let address = core::ptr::from_ref(&kernel_byte).addr() as u64;
    let workers = Worker::on_each(move |_| refuse(address))?;
    run_all(&workers, PATIENCE_MS)?;
    check!(kernel_byte == 7, "kernel memory was written");
    Ok(())
}

fn refuse(kernel_byte: u64) -> Said {
    // No program's space is loaded here: all of user space is absent.
    for bad in [
        0,
        1,
        PAGE_BYTES,
        USER_END - 8,
        USER_END,
        0x7fff_ffff_ffff,
        0x8000_0000_0000,
        0xffff_7fff_ffff_ffff,
        KERNEL_BASE + 0x20_0000,
        kernel_byte,
        u64::MAX - 3,
        u64::MAX,
    ] {
        for len in [1, 7, 8, 64, 4096] {
            let mut bytes = alloc::vec![1; len];
            let refused = Err(BadAddress(bad));
            check!(copy_from(bad, &mut bytes) == refused, "{len} bytes from {bad:#x}");
            check!(copy_to(bad, &bytes) == refused, "{len} bytes to {bad:#x}");
            check!(zero(bad, len).is_err(), "{len} zeros to {bad:#x}");
        }
    }
    check!(copy_from(PAGE_BYTES, &mut []).is_ok(), "nothing from user space");
    Ok(())
}

fn stop_at_the_end() -> Outcome {
    const PAGE: u64 = 0x40_0000;
    let worker = Worker::on(0, || {
        let space = space_with(PAGE, WRITE)?;
        space.load();
        let said = stop_at(PAGE + PAGE_BYTES);
        space.retire();
        said
    })?;
    worker.go();
    Ok(worker.join(PATIENCE_MS)?)
}

/// Copies of every length up to some words, ending before, at and behind the end of memory.
fn stop_at(end: u64) -> Said {
    for len in 1..=40_u64 {
        for beyond in 0..=len.min(17) {
            let at = end - len + beyond;
            let mut bytes = alloc::vec![0x5a; usize::try_from(len).unwrap_or(0)];
            let is_inside = beyond == 0;
            check!(copy_to(at, &bytes).is_ok() == is_inside, "{len} bytes, {beyond} beyond");
            let is_read = copy_from(at, &mut bytes).is_ok();
            check!(is_read == is_inside, "{len} bytes, {beyond} beyond");
        }
    }
    Ok(())
}

/// System calls of a program with good, absent, read-only, hidden and forbidden addresses.
// proves: K6
fn bring_pages_in() -> Outcome {
    let ended = run_well(&probe(&["copy"])?)?;
    check!(ended.output == [0; 16], "fresh pages hold {:?}", ended.output);
    Ok(())
}

/// The kernel's own routines, which the compiler calls for what has no constant length: every length
/// around their blocks, apart and overlapping in both directions, with nothing beside touched.
// proves: K6
fn are_exact() -> Outcome {
    const ROOM: usize = 320;
    const START: usize = 40;
    // Never what another place of the buffer holds, nor what fills it.
    let mark = |at: usize| u8::try_from(at % 251).unwrap_or(0);
    for len in (0..=100).chain([127, 128, 129, 160, 200]) {
        for to in 0..=START * 2 {
            let mut bytes: [u8; ROOM] = core::array::from_fn(mark);
            bytes.copy_within(START..START + len, to);
            for (at, byte) in bytes.iter().enumerate() {
                let is_copy = (to..to + len).contains(&at);
                let expected = if is_copy { mark(at + START - to) } else { mark(at) };
                check!(*byte == expected, "{len} bytes moved to {to}: {byte} at {at}");
            }
        }
        for to in 0..16 {
            let from: [u8; ROOM] = core::array::from_fn(mark);
            let mut bytes = [252_u8; ROOM];
            bytes[to..to + len].copy_from_slice(&from[START..START + len]);
            for (at, byte) in bytes.iter().enumerate() {
                let is_copy = (to..to + len).contains(&at);
                let expected = if is_copy { mark(at + START - to) } else { 252 };
                check!(*byte == expected, "{len} bytes copied to {to}: {byte} at {at}");
            }
            bytes[to..to + len].fill(253);
            for (at, byte) in bytes.iter().enumerate() {
                let expected = if (to..to + len).contains(&at) { 253 } else { 252 };
                check!(*byte == expected, "{len} bytes filled at {to}: {byte} at {at}");
            }
        }
    }
    Ok(())
}

//! Calls that this kernel does not have, counted by number: they tell in one look why a program
//! fails.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use linux_abi::SystemCall;

use crate::process::Process;

/// Numbers of their own; what lies above counts as one.
const NUMBERS: usize = 512;

static COUNTS: [AtomicU64; NUMBERS] = [const { AtomicU64::new(0) }; NUMBERS];

/// Counts a call; the first of each number is also logged, with the program that made it.
pub(super) fn note(process: &Process, call: SystemCall) {
    let index = usize::try_from(call.number()).unwrap_or(NUMBERS).min(NUMBERS - 1);
    if COUNTS[index].fetch_add(1, Ordering::Relaxed) == 0 {
        crate::warning!(
            "process {} asked for {} (system call {}), which this kernel does not have",
            process.pid(),
            call.name().unwrap_or("nothing that Linux knows"),
            call.number(),
        );
    }
}

/// How often each unknown call has been made, by number.
#[must_use]
pub fn counts() -> Vec<(u64, u64)> {
    COUNTS
        .iter()
        .zip(0..)
        .map(|(count, number)| (number, count.load(Ordering::Relaxed)))
        .filter(|(_, count)| *count > 0)
        .collect()
}

//! Calls that this kernel does not have: a line in the log for each, which tells in one look why a
//! program fails.

use core::sync::atomic::{AtomicBool, Ordering};

use linux_abi::SystemCall;

use crate::process::Process;

/// Numbers of their own; what lies above counts as one.
const NUMBERS: usize = 512;

static SEEN: [AtomicBool; NUMBERS] = [const { AtomicBool::new(false) }; NUMBERS];

/// Logs the first call of each number, with the program that made it.
pub(super) fn note(process: &Process, call: SystemCall) {
    let index = usize::try_from(call.number()).unwrap_or(NUMBERS).min(NUMBERS - 1);
    // Relaxed: nothing else hangs on it.
    if !SEEN[index].swap(true, Ordering::Relaxed) {
        crate::warning!(
            "process {} asked for {} (system call {}), which this kernel does not have",
            process.pid(),
            call.name().unwrap_or("nothing that Linux knows"),
            call.number(),
        );
    }
}

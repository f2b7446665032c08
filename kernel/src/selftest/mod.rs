//! Tests that need the machine: the boot option `test=NAME` runs them instead of the system, those
//! whose names contain NAME (`all`: every one), one after the other, and ends QEMU.
//!
//! Each test prints `test NAME ... ok`, `test NAME ... ok (skipped: WHY)` or `test NAME ... FAILED:
//! WHY` on the serial console when it has ended. One file an area; `support` holds what they share.
//! What can be tested on the host is tested there: here is what the cores' mechanism must get right.

mod administration;
mod clock;
mod copies;
mod deliberate;
mod disk;
mod fronts;
mod interprocessor;
mod limits;
mod memory;
mod paging;
mod process;
mod scheduler;
mod sharing;
mod smp;
mod support;
mod vector;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use hal::debug_exit::{Outcome as End, exit};
use process_core::Priority;

use crate::process::{CreateError, spawn_kernel_thread};
use support::{Outcome, Stop};

/// A test: its name, `AREA_WHAT`, and what it does.
type Test = (&'static str, fn() -> Outcome);

const AREAS: [&[Test]; 14] = [
    administration::TESTS,
    paging::TESTS,
    sharing::TESTS,
    copies::TESTS,
    smp::TESTS,
    interprocessor::TESTS,
    clock::TESTS,
    scheduler::TESTS,
    memory::TESTS,
    vector::TESTS,
    process::TESTS,
    limits::TESTS,
    disk::TESTS,
    // The last: it starts the network, whose thread goes on.
    fronts::TESTS,
];

/// Bytes of the stack of the thread that runs the tests.
const STACK_BYTES: u64 = 64 * 1024;

/// Starts the thread that runs the tests whose names contain `filter`, and ends QEMU afterwards.
///
/// # Errors
/// When there is no memory for it.
pub fn start(filter: String) -> Result<(), CreateError> {
    // Above the threads that it makes: it is the one that notices when they hang.
    spawn_kernel_thread("selftest", Priority::High, STACK_BYTES, Box::new(move || run(&filter)))?;
    Ok(())
}

fn run(filter: &str) {
    let (mut passed, mut failed) = (0, 0);
    let start = hal::time::now_ns();
    for (_, end) in deliberate::ENDS.iter().filter(|(name, _)| *name == filter) {
        end();
    }
    for (name, test) in AREAS.iter().copied().flatten() {
        if filter != "all" && !name.contains(filter) {
            continue;
        }
        // Said before: a test that hangs is cut from outside, and the log shows which one it was.
        print(&format!("running {name}\n"));
        let test_start = hal::time::now_ns();
        let outcome = test();
        let took_ms = (hal::time::now_ns() - test_start) / 1_000_000;
        let result = match outcome {
            Ok(()) => {
                passed += 1;
                String::from("ok")
            }
            Err(Stop::Skipped(why)) => {
                passed += 1;
                format!("ok (skipped: {why})")
            }
            Err(Stop::Failed(why)) => {
                failed += 1;
                format!("FAILED: {why}")
            }
        };
        print(&format!("({took_ms} ms) test {name} ... {result}\n"));
    }
    let took_ms = (hal::time::now_ns() - start) / 1_000_000;
    print(&format!("{passed} passed, {failed} failed, in {took_ms} ms\n"));
    exit(if failed == 0 && passed > 0 { End::Success } else { End::Failure });
}

fn print(line: &str) {
    use core::fmt::Write;
    // A serial port takes every byte: there is no error to handle.
    let _ = hal::serial::lock().write_str(line);
}

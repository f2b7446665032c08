//! The kernel's end by its own fault: what it says, and what becomes of the machine.

#![expect(clippy::expect_used, reason = "a test that can't go on panics")]

use end_to_end::{Guest, Setup, wait};
use std::time::Duration;
use xtask::qemu::{GuestExit, OnReset};

/// Boots into a deliberate end with these options.
fn end(name: &str, options: &str) -> Guest {
    let mut setup = Setup::named(name);
    setup.append = options.to_owned();
    setup.on_reset = OnReset::Exit;
    Guest::start(&setup)
}

/// The functions of the backtrace, innermost first.
fn backtrace(guest: &Guest) -> Vec<String> {
    let serial = guest.serial();
    let (_, after) = serial.split_once("backtrace:").expect("a backtrace");
    after.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

fn position(trace: &[String], function: &str) -> usize {
    let found = trace.iter().position(|line| line.contains(function));
    found.unwrap_or_else(|| panic!("no {function} in {trace:#?}"))
}

#[test]
fn a_panic_is_explained_and_ends_qemu_when_it_is_told_to() {
    let guest = end("panic-exit", "test=deliberate_panic panic=exit");
    // The value with which tests inside the kernel end that fail.
    assert!(matches!(guest.await_end(), GuestExit::Value(value) if value != xtask::qemu::SUCCESS));
    let serial = guest.serial();
    assert!(serial.contains("deliberate: the number is 42"), "{serial}");
    assert!(serial.contains("deliberate.rs:"), "where it was: {serial}");
    let trace = backtrace(&guest);
    let (inner, outer) = (position(&trace, "::inner"), position(&trace, "::outer"));
    assert!(inner < outer, "innermost first: {trace:#?}");
    assert!(outer < position(&trace, "scheduler::spawn::first_steps"), "{trace:#?}");
}

#[test]
fn a_panic_resets_the_machine_when_it_is_told_to() {
    let guest = end("panic-reset", "test=deliberate_panic panic=reset");
    // QEMU is told to end instead of starting again, and says so by 0.
    assert_eq!(guest.await_end(), GuestExit::PowerOff);
    position(&backtrace(&guest), "::inner");
}

#[test]
fn a_panic_halts_the_machine_when_it_is_told_to() {
    let guest = end("panic-halt", "test=deliberate_panic panic=halt");
    wait::until("the backtrace", || {
        guest.serial().contains("scheduler::spawn::first_steps").then_some(())
    });
    std::thread::sleep(Duration::from_millis(500));
    assert!(!guest.has_ended(), "it is there to be looked at");
}

#[test]
fn a_stack_that_overflows_meets_its_guard_and_is_explained() {
    let guest = end("stack-overflow", "test=deliberate_stack_overflow panic=exit");
    assert!(matches!(guest.await_end(), GuestExit::Value(value) if value != xtask::qemu::SUCCESS));
    position(&backtrace(&guest), "::deeper");
    assert!(guest.serial().contains("double fault"), "{}", guest.serial_end());
}

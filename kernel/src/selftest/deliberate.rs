//! Ends of the kernel that are brought about on purpose, so that a test can see from outside what is
//! said then and what becomes of the machine. Each runs only when `test=` is exactly its name: they
//! are no part of `all`, because there is nothing after them.

use core::hint::black_box;

/// An end: its name, and what brings it about.
pub(super) type End = (&'static str, fn());

pub(super) const ENDS: &[End] =
    &[("deliberate_panic", outer), ("deliberate_stack_overflow", overflow)];

/// Not inlined, as those below: the backtrace has to name each.
#[inline(never)]
fn outer() {
    inner(black_box(42));
}

#[inline(never)]
fn inner(number: u64) {
    assert!(black_box(number) != 42, "deliberate: the number is {number}");
}

#[inline(never)]
fn overflow() {
    black_box(deeper(black_box(0)));
}

/// Calls itself until the stack meets its guard page.
#[inline(never)]
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    let below = if depth < u64::MAX { deeper(depth + 1) } else { 0 };
    // Used after the call, so that the frame has to stay.
    frame[63].wrapping_add(black_box(below))
}

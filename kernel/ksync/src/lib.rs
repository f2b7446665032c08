//! Locks and queues without hardware.
//!
//! The crate knows no CPU: what it needs of one (interrupts off and on again, the record of held
//! locks) comes in through [`Interrupts`], which the hal implements for the machine and each host
//! test for its threads.
//!
//! - [`SpinLock`]: disables interrupts, has a [`Level`] that debug builds check;
//! - [`PerCpu`] and [`Counter`]: statistics, one cache line a CPU;
//! - [`Queue`]: bounded, without locks: from interrupt handlers to threads, from CPU to CPU;
//! - [`WakerCell`]: the waker of the one task that waits for an interrupt;
//! - [`Parker`]: a thread's wake-up token, with blocking left to the scheduler;
//! - [`RunClock`]: how long a thread has had a CPU, or has been in its program;
//! - [`LogRing`]: the kernel's log;
//! - [`Once`] and [`Lazy`]: `spin`'s, for what is set once at boot.
//!
//! What has no lock is proven with loom, which runs every interleaving of small cases:
//!
//! ```text
//! RUSTFLAGS="--cfg loom" LOOM_MAX_PREEMPTIONS=3 cargo test -p ksync --release --lib
//! ```
//!
//! (Give it a target folder of its own: the flag is part of every crate's fingerprint.)
#![no_std]

#[cfg(test)]
extern crate std;

mod interrupts;
mod level;
mod log_ring;
mod parker;
mod per_cpu;
mod primitives;
mod queue;
mod run_clock;
mod spin_lock;
mod waker_cell;

pub use interrupts::Interrupts;
pub use level::{HeldLocks, Level};
pub use log_ring::{LogRing, MAX_TEXT_BYTES, Record};
pub use parker::{Blocked, Parked, Parker};
pub use per_cpu::{CachePadded, Counter, PerCpu};
pub use queue::Queue;
pub use run_clock::RunClock;
pub use spin::{Lazy, Once};
pub use spin_lock::{SpinGuard, SpinLock};
pub use waker_cell::WakerCell;

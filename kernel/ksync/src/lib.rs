//! Locks and queues without hardware.
//!
//! The crate knows no CPU: what it needs of one (interrupts off and on again, the record of held
//! locks) comes in through [`Interrupts`], which the hal implements for the machine and each host
//! test for its threads.
//!
//! - [`SpinLock`]: disables interrupts, has a [`Level`] that debug builds check;
//! - [`PerCpu`] and [`Counter`]: statistics, one cache line a CPU;
//! - [`Once`] and [`Lazy`]: `spin`'s, for what is set once at boot.
#![no_std]

#[cfg(test)]
extern crate std;

mod interrupts;
mod level;
mod per_cpu;
mod spin_lock;

pub use interrupts::Interrupts;
pub use level::{HeldLocks, Level};
pub use per_cpu::{CachePadded, Counter, PerCpu};
pub use spin::{Lazy, Once};
pub use spin_lock::{SpinGuard, SpinLock};

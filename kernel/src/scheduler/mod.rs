//! The scheduler's mechanism: one run queue and one timer queue on each CPU, driven by that CPU's
//! own timer. The policy is `sched_core`'s: this takes a lock, asks, unlocks and does what it is told.
//!
//! A thread is in exactly one place (`thread::Place`): parked with its scheduling state in its own
//! hands, in one CPU's queue, or on the way between two. The order of locks is run queue, then the
//! thread's place; a run queue is never locked while another one is.

mod cpu;
mod idle;
mod run;
mod share;
mod spawn;
mod thread;
mod wake;

pub use cpu::figures;
pub use idle::idle_forever;
pub use run::{current, is_preemption_due, park, park_until, preempt, user_clocks, yield_now};
pub use spawn::{Task, spawn};
pub use thread::{Thread, count};
pub use wake::{Alarm, AlarmId, cancel_alarm, reschedule_interrupt, set_alarm, timer_interrupt};

use hal::acpi::ProcessorEntry;
use sched_core::Instant;

/// Now, as the scheduler counts.
fn now() -> Instant {
    Instant::from_nanos(hal::time::now_ns())
}

/// Makes a run queue for each CPU that may come. Once, on the boot CPU, before any other function
/// of this module.
pub fn start(processors: &[ProcessorEntry]) {
    cpu::start(processors);
}

/// Counts the CPUs that have come. Once, when all have been started.
pub fn all_cpus_started() {
    cpu::set_online();
}

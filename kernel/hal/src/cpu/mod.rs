//! One CPU: what it can do, what it has for itself, and how it is set up.

pub(crate) mod descriptors;
pub mod features;
pub(crate) mod local;
pub(crate) mod setup;

use core::sync::atomic::{AtomicUsize, Ordering};

pub use local::{CpuStatistics, MAX_CPUS};

/// CPUs that have been started, the boot CPU included.
static ONLINE: AtomicUsize = AtomicUsize::new(0);

/// The index of the calling CPU, counted from 0 in the order of the MADT, the boot CPU first. It
/// may be outdated as soon as it is returned unless interrupts are disabled or the thread is pinned.
#[must_use]
pub fn current() -> usize {
    local::current().id()
}

/// CPUs that take part. Their indices are `0..online()`.
#[must_use]
pub fn online() -> usize {
    // Acquire pairs with the release in `set_online`: who sees the CPU counted sees its `CpuLocal`.
    ONLINE.load(Ordering::Acquire)
}

pub(crate) fn set_online(count: usize) {
    ONLINE.store(count, Ordering::Release);
}

/// The local APIC's id of a CPU.
#[must_use]
pub fn apic_id(cpu: usize) -> Option<u32> {
    local::get(cpu).map(|local| local.apic_id())
}

/// What a CPU has counted so far.
#[must_use]
pub fn statistics(cpu: usize) -> Option<&'static CpuStatistics> {
    local::get(cpu).map(|local| &local.statistics)
}

/// Stops the calling CPU for good.
pub fn halt_forever() -> ! {
    loop {
        x86_64::instructions::interrupts::disable();
        x86_64::instructions::hlt();
    }
}

/// Sleeps until the next interrupt, which is taken before this returns. Called with interrupts
/// disabled, so that a wake-up between the caller's last check and the sleep is not lost; returns
/// with interrupts enabled.
pub fn wait_for_interrupt() {
    x86_64::instructions::interrupts::enable_and_hlt();
}

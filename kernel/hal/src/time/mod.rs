//! Time: a monotonic clock from the TSC, the wall clock, and each CPU's timer.

mod calibrate;
mod rtc;

use core::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::apic;
use crate::cpu::features;

pub use calibrate::Reference;

/// Nanoseconds a tick of the TSC takes, times 2^32.
static NS_PER_TICK: AtomicU64 = AtomicU64::new(0);
/// The TSC at the monotonic clock's zero.
static START_TICK: AtomicU64 = AtomicU64::new(0);
/// APIC timer units (16 bus cycles) a nanosecond takes, times 2^32; unused in deadline mode.
static UNITS_PER_NS: AtomicU64 = AtomicU64::new(0);
/// The wall clock at the monotonic clock's zero, in nanoseconds since 1970.
static WALL_START_NS: AtomicI64 = AtomicI64::new(0);

/// The TSC.
#[must_use]
pub fn ticks() -> u64 {
    // SAFETY: every x86_64 CPU has the instruction.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// A span of ticks in nanoseconds.
#[must_use]
pub fn ticks_to_ns(ticks: u64) -> u64 {
    scale(ticks, NS_PER_TICK.load(Ordering::Relaxed))
}

/// Nanoseconds since the kernel was started.
#[must_use]
pub fn now_ns() -> u64 {
    // On a CPU whose TSC lags behind the boot CPU's by less than the time since boot, saturating is
    // enough to keep the first instants sane.
    ticks_to_ns(ticks().saturating_sub(START_TICK.load(Ordering::Relaxed)))
}

/// Nanoseconds since 1970-01-01T00:00:00Z.
#[must_use]
pub fn wall_ns() -> i64 {
    wall_at_ns(now_ns())
}

/// The wall clock at an instant of the monotonic clock, in nanoseconds since 1970.
#[must_use]
pub fn wall_at_ns(at_ns: u64) -> i64 {
    WALL_START_NS.load(Ordering::Relaxed).saturating_add_unsigned(at_ns)
}

/// What a program needs to read the clocks itself: nanoseconds a tick takes times 2^32, the tick at
/// the monotonic clock's zero, and the wall clock there in nanoseconds since 1970. They do not change
/// once the clocks run.
pub(crate) fn constants() -> [u64; 3] {
    [
        NS_PER_TICK.load(Ordering::Relaxed),
        START_TICK.load(Ordering::Relaxed),
        u64::try_from(WALL_START_NS.load(Ordering::Relaxed)).unwrap_or(0),
    ]
}

/// Sets the wall clock.
fn set_wall_ns(wall_ns: i64) {
    let start = wall_ns.saturating_sub(i64::try_from(now_ns()).unwrap_or(i64::MAX));
    WALL_START_NS.store(start, Ordering::Relaxed);
}

/// How exactly the TSC is known.
#[derive(Clone, Copy, Debug)]
pub struct ClockFacts {
    /// Ticks of the TSC in a second.
    pub tsc_hz: u64,
    /// What it was measured against.
    pub reference: Reference,
}

/// Starts the clocks. Once, on the boot CPU, when its APIC is enabled.
pub(crate) fn start(pm_timer_port: Option<u16>) -> ClockFacts {
    let measured = calibrate::measure(pm_timer_port);
    NS_PER_TICK.store(ratio(1_000_000_000, measured.tsc_hz), Ordering::Relaxed);
    UNITS_PER_NS.store(ratio(measured.apic_units_hz, 1_000_000_000), Ordering::Relaxed);
    START_TICK.store(crate::boot::start_tick(), Ordering::Relaxed);
    set_wall_ns(rtc::read_ns());
    ClockFacts { tsc_hz: measured.tsc_hz, reference: measured.reference }
}

/// Makes the calling CPU's timer fire at that instant of the monotonic clock, or at once if it has
/// passed; `None` stops it.
pub fn set_timer(at_ns: Option<u64>) {
    let Some(at_ns) = at_ns else {
        if features::get().tsc_deadline {
            apic::set_timer_deadline(0);
        } else {
            apic::set_timer_count(0);
        }
        return;
    };
    if features::get().tsc_deadline {
        let hz_scaled = NS_PER_TICK.load(Ordering::Relaxed).max(1);
        let tick = (u128::from(at_ns) << 32) / u128::from(hz_scaled);
        let tick = u64::try_from(tick).unwrap_or(u64::MAX);
        apic::set_timer_deadline(START_TICK.load(Ordering::Relaxed).saturating_add(tick).max(1));
    } else {
        // Too early would mean an interrupt for nothing: round up.
        let wait_ns = at_ns.saturating_sub(now_ns());
        let units = scale(wait_ns, UNITS_PER_NS.load(Ordering::Relaxed)).saturating_add(1);
        apic::set_timer_count(u32::try_from(units).unwrap_or(u32::MAX));
    }
}

/// `value * factor / 2^32`.
fn scale(value: u64, factor: u64) -> u64 {
    let scaled = (u128::from(value) * u128::from(factor)) >> 32;
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// `numerator / denominator`, times 2^32.
fn ratio(numerator: u64, denominator: u64) -> u64 {
    let value = (u128::from(numerator) << 32) / u128::from(denominator.max(1));
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// Waits without sleeping: for devices that want a moment, in the kernel's last or first steps.
pub fn busy_wait_ns(ns: u64) {
    let end = now_ns().saturating_add(ns);
    while now_ns() < end {
        core::hint::spin_loop();
    }
}

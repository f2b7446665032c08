//! How fast the TSC and the APIC timer run, measured against ACPI's power-management timer.
//!
//! Not against the PIT: its one-shot is late when the host is loaded. A measurement is a pair of
//! readings of both clocks; a reading that took too long (the host ran something else in between)
//! is repeated, and the shortest of several spans is believed only if a second one agrees.

use x86_64::instructions::port::Port;

use super::ticks;
use crate::apic;
use crate::cpu::features;

/// ACPI 6.5, 4.8.3.3.
const PM_TIMER_HZ: u64 = 3_579_545;
/// What every PM timer has; some count further.
const PM_TIMER_MASK: u32 = 0x00ff_ffff;
/// PM ticks of one measurement: 2 ms.
const SPAN: u32 = (PM_TIMER_HZ / 500) as u32;
/// Ticks of the TSC after which a PM timer that has not moved is given up: seconds on any CPU.
const PATIENCE_TICKS: u64 = 1 << 34;
/// How often it is tried until two measurements agree.
const ATTEMPTS: usize = 8;

/// What the clocks were measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// ACPI's power-management timer.
    PmTimer,
    /// CPUID says the frequencies (leaf 0x15).
    Cpuid,
    /// Nothing was there: a guess of 1 GHz, and time is wrong.
    Nothing,
}

pub(super) struct Measured {
    pub(super) tsc_hz: u64,
    /// Units of 16 bus cycles in a second.
    pub(super) apic_units_hz: u64,
    pub(super) reference: Reference,
}

pub(super) fn measure(pm_timer_port: Option<u16>) -> Measured {
    if let Some(port) = pm_timer_port
        && let Some(first) = span(port)
    {
        let mut best = first;
        for _ in 0..ATTEMPTS {
            let Some(next) = span(port) else { break };
            let is_close = best.tsc_hz.abs_diff(next.tsc_hz) <= best.tsc_hz / 1000;
            best = next;
            if is_close {
                break;
            }
        }
        return best;
    }
    if let Some(measured) = by_cpuid() {
        return measured;
    }
    Measured { tsc_hz: 1_000_000_000, apic_units_hz: 62_500_000, reference: Reference::Nothing }
}

/// A pair of readings that were taken close together: the TSC before and after the port's reading
/// are compared, and the closest of a few pairs is kept.
fn read_pair(port: u16) -> (u32, u64) {
    let mut best = (0, 0, u64::MAX);
    for _ in 0..4 {
        let before = ticks();
        // SAFETY: the port is the one that the FADT names, and reading it has no effect.
        let count = unsafe { Port::<u32>::new(port).read() } & PM_TIMER_MASK;
        let took = ticks().wrapping_sub(before);
        if took < best.2 {
            best = (count, before.wrapping_add(took / 2), took);
        }
    }
    (best.0, best.1)
}

/// One measurement; none if the PM timer stands still.
fn span(port: u16) -> Option<Measured> {
    let counts_down = !features::get().tsc_deadline;
    if counts_down {
        apic::set_timer_count(u32::MAX);
    }
    let apic_start = apic::timer_count();
    let (count_start, tick_start) = read_pair(port);
    let (count_end, tick_end) = loop {
        let (count, tick) = read_pair(port);
        if count.wrapping_sub(count_start) & PM_TIMER_MASK >= SPAN {
            break (count, tick);
        }
        if tick.wrapping_sub(tick_start) > PATIENCE_TICKS {
            return None;
        }
    };
    let apic_end = apic::timer_count();
    if counts_down {
        apic::set_timer_count(0);
    }
    let pm_ticks = u64::from(count_end.wrapping_sub(count_start) & PM_TIMER_MASK).max(1);
    let per_second = |amount: u64| {
        let hz = u128::from(amount) * u128::from(PM_TIMER_HZ) / u128::from(pm_ticks);
        u64::try_from(hz).unwrap_or(u64::MAX).max(1)
    };
    Some(Measured {
        tsc_hz: per_second(tick_end.wrapping_sub(tick_start)),
        apic_units_hz: per_second(u64::from(apic_start.wrapping_sub(apic_end))),
        reference: Reference::PmTimer,
    })
}

/// SDM volume 2, CPUID leaf 0x15: crystal frequency and its ratio to the TSC. The APIC timer runs
/// at the crystal's rate then.
fn by_cpuid() -> Option<Measured> {
    use core::arch::x86_64::__cpuid_count;
    if __cpuid_count(0, 0).eax < 0x15 {
        return None;
    }
    let leaf = __cpuid_count(0x15, 0);
    let (denominator, numerator, crystal) =
        (u64::from(leaf.eax), u64::from(leaf.ebx), u64::from(leaf.ecx));
    if denominator == 0 || numerator == 0 || crystal == 0 {
        return None;
    }
    Some(Measured {
        tsc_hz: crystal * numerator / denominator,
        apic_units_hz: crystal / 16,
        reference: Reference::Cpuid,
    })
}

//! The local APIC of each CPU, by the `x2apic` crate: x2APIC where the CPU has it, xAPIC otherwise.

use core::sync::atomic::{AtomicU64, Ordering};

use x2apic::lapic::{LocalApic, LocalApicBuilder, TimerDivide, TimerMode, xapic_base};
use x86_64::registers::model_specific::Msr;

use crate::cpu::{features, local};
use crate::frame::OutOfMemory;
use crate::paging::windows;
use crate::trap::{APIC_ERROR_VECTOR, SPURIOUS_VECTOR, TIMER_VECTOR};

/// The TSC value at which the timer fires. SDM volume 3, 10.5.4.1.
const TSC_DEADLINE_MSR: u32 = 0x6e0;

/// Where the xAPIC's registers are mapped, the same on every CPU; 0 in x2APIC mode.
static WINDOW: AtomicU64 = AtomicU64::new(0);

/// Maps the xAPIC's registers if the CPU has no x2APIC. Once, on the boot CPU.
///
/// # Errors
/// When memory is short.
pub(crate) fn prepare() -> Result<(), OutOfMemory> {
    if !features::get().x2apic {
        // SAFETY: every x86_64 CPU has the MSR that it reads.
        let physical = unsafe { xapic_base() } & !0xfff;
        WINDOW.store(windows::map_device(physical, 4096)?, Ordering::Relaxed);
    }
    Ok(())
}

/// Enables the calling CPU's APIC, its timer masked out by a zero count.
pub(crate) fn enable() {
    let mode =
        if features::get().tsc_deadline { TimerMode::TscDeadline } else { TimerMode::OneShot };
    let built = LocalApicBuilder::new()
        .timer_vector(usize::from(TIMER_VECTOR))
        .error_vector(usize::from(APIC_ERROR_VECTOR))
        .spurious_vector(usize::from(SPURIOUS_VECTOR))
        .timer_mode(mode)
        .timer_divide(TimerDivide::Div16)
        .timer_initial(0)
        .set_xapic_base(WINDOW.load(Ordering::Relaxed))
        .build();
    match built {
        Ok(mut apic) => crate::interrupts::without(|| {
            // SAFETY: the registers are mapped or reached by MSR, and the vectors have stubs.
            unsafe { apic.enable() };
            // SAFETY: the slot belongs to this CPU, interrupts are disabled.
            unsafe { *local::current().apic.get() = Some(apic) };
        }),
        // Every required field is given above.
        Err(reason) => panic!("the local APIC cannot be set up: {reason}"),
    }
}

fn with<R>(f: impl FnOnce(&mut LocalApic) -> R) -> Option<R> {
    crate::interrupts::without(|| {
        // SAFETY: only its own CPU touches the slot, with interrupts disabled, and `f` does not
        // come back here.
        let slot = unsafe { &mut *local::current().apic.get() };
        slot.as_mut().map(f)
    })
}

/// The id as the ICR's destination field wants it.
fn destination(apic_id: u32) -> u32 {
    if features::get().x2apic { apic_id } else { apic_id << 24 }
}

pub(crate) fn end_of_interrupt() {
    // SAFETY: called from an interrupt's handler, once for each.
    with(|apic| unsafe { apic.end_of_interrupt() });
}

/// Raises `vector` on another CPU.
pub(crate) fn send_ipi(cpu: usize, vector: u8) {
    let Some(target) = local::get(cpu) else { return };
    local::current().statistics.ipis_sent.increment();
    // SAFETY: the vector has a stub, and the target runs the kernel.
    with(|apic| unsafe { apic.send_ipi(vector, destination(target.apic_id())) });
}

/// Asks another CPU to look at its run queue.
pub fn send_reschedule(cpu: usize) {
    send_ipi(cpu, crate::trap::RESCHEDULE_VECTOR);
}

/// Stops all other CPUs in their tracks: for the panic path.
pub(crate) fn stop_others() {
    let own = local::try_current().map(local::CpuLocal::id);
    for cpu in 0..crate::cpu::online() {
        if Some(cpu) != own
            && let Some(target) = local::get(cpu)
        {
            // SAFETY: the NMI's handler halts when the kernel is stopping.
            with(|apic| unsafe { apic.send_nmi(destination(target.apic_id())) });
        }
    }
}

/// Stops a CPU that was started and did not come: it waits for another start, which never comes.
pub(crate) fn give_up(apic_id: u32) {
    // SAFETY: the CPU takes no part: nothing of it is lost.
    with(|apic| unsafe { apic.send_init_ipi(destination(apic_id)) });
}

/// Starts the CPU with this APIC id at the page `page` of low memory. SDM volume 3, 8.4.4.1; the
/// waits of the old MP specification are not needed by any CPU that has long mode.
pub(crate) fn start(apic_id: u32, page: u8) {
    let target = destination(apic_id);
    // SAFETY: the CPU has not been started yet: nothing is lost when it starts anew.
    with(|apic| unsafe { apic.send_init_ipi(target) });
    // SAFETY: the page holds the trampoline.
    with(|apic| unsafe { apic.send_sipi(page, target) });
}

/// Sets the calling CPU's timer to count down `count` units of 16 bus cycles; 0 stops it.
pub(crate) fn set_timer_count(count: u32) {
    // SAFETY: the timer's vector has a stub.
    with(|apic| unsafe { apic.set_timer_initial(count) });
}

/// What is left of the count.
pub(crate) fn timer_count() -> u32 {
    // SAFETY: reading has no effect.
    with(|apic| unsafe { apic.timer_current() }).unwrap_or(0)
}

/// Sets the calling CPU's timer to fire when its TSC reaches `tick`; 0 stops it.
pub(crate) fn set_timer_deadline(tick: u64) {
    // SAFETY: called only where the CPU has the mode and `enable` has chosen it.
    unsafe { Msr::new(TSC_DEADLINE_MSR).write(tick) };
}

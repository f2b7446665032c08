//! The calling CPU's interrupts, and the locks that disable them.

use ksync::HeldLocks;

/// What ksync's locks know of the machine.
#[derive(Debug)]
pub struct LocalInterrupts;

impl ksync::Interrupts for LocalInterrupts {
    type State = bool;

    fn disable() -> bool {
        let were_enabled = x86_64::instructions::interrupts::are_enabled();
        if were_enabled {
            x86_64::instructions::interrupts::disable();
        }
        were_enabled
    }

    fn restore(were_enabled: bool) {
        if were_enabled {
            enable();
        }
    }

    fn held() -> Option<&'static HeldLocks> {
        crate::cpu::local::try_current().map(crate::cpu::local::CpuLocal::held)
    }

    fn relax() {
        // The holder of a lock may itself be waiting for this CPU to flush its TLB.
        crate::paging::shootdown::serve();
        core::hint::spin_loop();
    }
}

/// The kernel's spin lock.
pub type SpinLock<T> = ksync::SpinLock<T, LocalInterrupts>;
/// Its guard.
pub type SpinGuard<'a, T> = ksync::SpinGuard<'a, T, LocalInterrupts>;

/// Runs `f` with interrupts disabled on this CPU, so that neither an interrupt nor a migration comes
/// between its steps.
pub fn without<R>(f: impl FnOnce() -> R) -> R {
    x86_64::instructions::interrupts::without_interrupts(f)
}

/// Whether this CPU takes interrupts at the moment.
#[must_use]
pub fn are_enabled() -> bool {
    x86_64::instructions::interrupts::are_enabled()
}

/// Lets this CPU take interrupts.
///
/// By `popfq`: `sti` holds them off for one instruction more, for which an emulator leaves its translated
/// code twice, and so makes each lock a good deal dearer. Hardware takes some ten cycles longer for it.
pub fn enable() {
    // The interrupt flag and the bit that is always set: the others are the compiler's to lose, or zero in
    // the kernel.
    // SAFETY: interrupts are handled whenever the kernel runs, and the stack is as it was.
    unsafe { core::arch::asm!("push 0x202", "popfq") };
}

/// Keeps this CPU from taking interrupts.
pub fn disable() {
    x86_64::instructions::interrupts::disable();
}

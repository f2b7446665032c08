//! The program's x87 and SSE registers. The kernel uses none, so they stay in the CPU until another
//! thread runs there; a thread that has not used them since it was switched to costs nothing, and
//! traps on its first use (`CR0.TS`). AVX is not offered to programs (`CR4.OSXSAVE` stays clear):
//! saving it would cost each switch five times as much.

use core::arch::asm;

use x86_64::registers::control::{Cr0, Cr0Flags};

use super::Inner;
use crate::cpu::local::{self, CpuLocal};

/// The image that `fxsave` writes. SDM volume 1, 10.5.1.
#[repr(C, align(16))]
pub(super) struct VectorState([u8; 512]);

impl core::fmt::Debug for VectorState {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("VectorState")
    }
}

impl VectorState {
    /// As after `fninit`: all exceptions masked, round to nearest.
    pub(super) const fn new() -> Self {
        let mut image = [0; 512];
        image[0] = 0x7f; // FCW = 0x037f
        image[1] = 0x03;
        image[24] = 0x80; // MXCSR = 0x1f80
        image[25] = 0x1f;
        Self(image)
    }
}

/// Saves the vector registers of `from`, which is being switched away from, if the CPU holds them.
pub(super) fn save(cpu: &CpuLocal, from: &Inner) {
    let pointer: *const Inner = from;
    if cpu.vector_owner.get() != pointer {
        return;
    }
    cpu.vector_owner.set(core::ptr::null());
    // SAFETY: the image is 512 aligned bytes that this CPU alone touches while it runs `from`.
    unsafe {
        asm!("fxsave64 [{}]", in(reg) from.vector.get(), options(nostack, preserves_flags));
    }
    // SAFETY: the flag only makes the next use of a vector register trap.
    unsafe { Cr0::write(Cr0::read() | Cr0Flags::TASK_SWITCHED) };
}

/// Gives the running thread its vector registers. Called on the trap of their first use.
pub(crate) fn load_for_running() {
    let cpu = local::current();
    // SAFETY: only its own CPU touches the slot, with interrupts disabled.
    let Some(running) = (unsafe { (*cpu.running.get()).as_ref() }) else { return };
    // SAFETY: clearing the flag allows vector instructions, nothing more.
    unsafe { Cr0::write(Cr0::read() - Cr0Flags::TASK_SWITCHED) };
    // SAFETY: the running context is alive; its image is valid from `new` on.
    unsafe {
        asm!("fxrstor64 [{}]", in(reg) running.vector.get(), options(nostack, readonly));
    }
    cpu.vector_owner.set(alloc::sync::Arc::as_ptr(running));
}

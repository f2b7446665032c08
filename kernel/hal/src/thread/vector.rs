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

/// A thread's x87 and SSE registers as `fxsave` lays them out. SDM volume 1, 10.5.1.
pub type VectorImage = [u8; 512];

/// The running thread's vector registers.
#[must_use]
pub fn vector_registers() -> VectorImage {
    with_image(|image| *image)
}

/// Sets the running thread's vector registers to what a program may have made up: bits of MXCSR that
/// the CPU does not know are cleared, because loading them would fault.
pub fn set_vector_registers(registers: &VectorImage) {
    const MXCSR: core::ops::Range<usize> = 24..28;
    with_image(|image| {
        *image = *registers;
        let asked = registers[MXCSR].try_into().map_or(0, u32::from_le_bytes);
        image[MXCSR].copy_from_slice(&(asked & mxcsr_mask()).to_le_bytes());
    });
}

/// Sets the running thread's vector registers to those of a new thread.
pub fn reset_vector_registers() {
    const NEW: VectorState = VectorState::new();
    with_image(|image| *image = NEW.0);
}

/// What a new thread starts with that goes on where the running one is.
pub(super) fn copy_of_running() -> VectorState {
    VectorState(vector_registers())
}

/// Calls `f` with the running thread's image, which is complete, and not in the CPU, meanwhile.
fn with_image<R>(f: impl FnOnce(&mut VectorImage) -> R) -> R {
    crate::interrupts::without(|| {
        let cpu = local::current();
        // SAFETY: only its own CPU touches the slot, with interrupts disabled.
        let Some(running) = (unsafe { (*cpu.running.get()).as_ref() }) else {
            return f(&mut VectorState::new().0);
        };
        save(cpu, running);
        // SAFETY: only the CPU that runs the context touches its image: this one, which is not
        // interrupted.
        f(unsafe { &mut (*running.vector.as_ptr()).0 })
    })
}

/// The bits of MXCSR that this CPU knows. SDM volume 1, 11.6.6.
fn mxcsr_mask() -> u32 {
    static MASK: spin::Once<u32> = spin::Once::new();
    *MASK.call_once(|| {
        let mut image = VectorState::new();
        crate::interrupts::without(|| {
            // SAFETY: allowing vector instructions for a moment.
            unsafe { Cr0::write(Cr0::read() - Cr0Flags::TASK_SWITCHED) };
            // SAFETY: 512 aligned bytes of this function's own.
            unsafe {
                asm!("fxsave64 [{}]", in(reg) &raw mut image, options(nostack, preserves_flags));
            }
            // The caller's registers are not in the CPU: `with_image` has saved them.
            // SAFETY: the flag only makes the next use of a vector register trap.
            unsafe { Cr0::write(Cr0::read() | Cr0Flags::TASK_SWITCHED) };
        });
        match image.0[28..32].try_into().map_or(0, u32::from_le_bytes) {
            0 => 0xffbf,
            mask => mask,
        }
    })
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
        asm!("fxsave64 [{}]", in(reg) from.vector.as_ptr(), options(nostack, preserves_flags));
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
        asm!("fxrstor64 [{}]", in(reg) running.vector.as_ptr(), options(nostack, readonly));
    }
    cpu.vector_owner.set(alloc::sync::Arc::as_ptr(running));
}

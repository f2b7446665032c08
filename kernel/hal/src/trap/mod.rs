//! Traps: exceptions and interrupts, and who is told of them.

pub(crate) mod frame;
mod stubs;

pub use frame::TrapFrame;

use core::fmt::Write;
use core::sync::atomic::{AtomicBool, Ordering};

use spin::Once;

use crate::cpu::local;
use crate::user::{PageFault, fixup_for};
use crate::{apic, paging, panic, time};

/// The APIC timer.
pub const TIMER_VECTOR: u8 = 0xf0;
/// Another CPU has put something onto this one's run queue.
pub const RESCHEDULE_VECTOR: u8 = 0xf1;
/// The APIC found an error in a message.
pub const APIC_ERROR_VECTOR: u8 = 0xfe;
/// The APIC took an interrupt back. It wants no end-of-interrupt.
pub const SPURIOUS_VECTOR: u8 = 0xff;
/// Vectors for devices.
pub const DEVICE_VECTORS: core::ops::Range<u8> = 0x30..0xf0;

/// What the kernel does on interrupts and faults. All but `fault_in` are called with interrupts
/// disabled, in the middle of whatever was running.
pub trait Handlers: Sync {
    /// This CPU's timer has expired.
    fn timer(&self);
    /// Another CPU asks this one to look at its run queue.
    fn reschedule(&self);
    /// A device raised this vector.
    fn device(&self, vector: u8);
    /// The interrupt is over and interrupted kernel code that had interrupts enabled: a good moment
    /// to switch to another thread.
    fn preempt(&self);
    /// The kernel touched a user address that has no suitable page, with interrupts enabled. True if
    /// it should be tried again. May sleep.
    fn fault_in(&self, fault: PageFault) -> bool;
}

static HANDLERS: Once<&'static dyn Handlers> = Once::new();

/// Says who handles interrupts. Once, before interrupts are enabled; later calls change nothing.
pub fn install(handlers: &'static dyn Handlers) {
    HANDLERS.call_once(|| handlers);
}

unsafe extern "C" {
    safe static trap_stubs: u8;
}

/// Bytes from one stub to the next.
const STUB_BYTES: u64 = 16;

pub(crate) fn stub_address(vector: u64) -> u64 {
    (&raw const trap_stubs) as u64 + vector * STUB_BYTES
}

/// Which stub made this frame.
pub(crate) fn vector_of(frame: &TrapFrame) -> u8 {
    let slot = frame.vector_slot.wrapping_sub((&raw const trap_stubs) as u64) / STUB_BYTES;
    u8::try_from(slot).unwrap_or(SPURIOUS_VECTOR)
}

/// Handles an interrupt. Interrupts are disabled.
pub(crate) fn interrupt(vector: u8) {
    let start = time::ticks();
    match vector {
        TIMER_VECTOR => {
            apic::end_of_interrupt();
            if let Some(handlers) = HANDLERS.get() {
                handlers.timer();
            }
        }
        RESCHEDULE_VECTOR => {
            apic::end_of_interrupt();
            if let Some(handlers) = HANDLERS.get() {
                handlers.reschedule();
            }
        }
        paging::SHOOTDOWN_VECTOR => {
            apic::end_of_interrupt();
            paging::shootdown::serve();
        }
        SPURIOUS_VECTOR => {}
        _ => {
            apic::end_of_interrupt();
            if DEVICE_VECTORS.contains(&vector)
                && let Some(handlers) = HANDLERS.get()
            {
                handlers.device(vector);
            }
        }
    }
    local::current().statistics.interrupt_ticks.add(time::ticks().wrapping_sub(start));
}

/// A trap out of kernel code.
extern "C" fn trap_from_kernel(frame: &mut TrapFrame) {
    if crate::cpu::features::get().smap {
        // Interrupted in the middle of a user copy, the flag would stay set for whoever runs next;
        // `iretq` brings it back.
        // SAFETY: SMAP is there, hence the instruction.
        unsafe { core::arch::asm!("clac", options(nostack, nomem)) };
    }
    let vector = vector_of(frame);
    if let Some(local) = local::try_current() {
        local.statistics.vectors[usize::from(vector)].increment();
    }
    match vector {
        32.. => {
            interrupt(vector);
            if frame.rflags & frame::FLAG_INTERRUPTS != 0
                && let Some(handlers) = HANDLERS.get()
            {
                handlers.preempt();
            }
        }
        2 if panic::is_stopping() => crate::cpu::halt_forever(),
        2 => {} // A watchdog or a broken memory module: noted in the statistics.
        14 => page_fault(frame),
        _ => fatal(frame, vector),
    }
}

fn page_fault(frame: &mut TrapFrame) {
    let fault = PageFault::from_error_code(frame.error_code);
    let Some(fixup) = fixup_for(frame.rip) else { fatal(frame, 14) };
    // With interrupts disabled it may not sleep: whoever copies like that gets an error.
    if fault.address < paging::layout::USER_END
        && frame.rflags & frame::FLAG_INTERRUPTS != 0
        && let Some(handlers) = HANDLERS.get()
    {
        crate::interrupts::enable();
        let is_filled = handlers.fault_in(fault);
        crate::interrupts::disable();
        if is_filled {
            return;
        }
    }
    frame.rip = fixup;
}

/// A trap that no correct kernel code causes: registers, backtrace, end.
fn fatal(frame: &TrapFrame, vector: u8) -> ! {
    static IS_SHOWN: AtomicBool = AtomicBool::new(false);
    if !IS_SHOWN.swap(true, Ordering::Relaxed) {
        let mut serial = panic::begin();
        let cr2 = x86_64::registers::control::Cr2::read_raw();
        // A serial port takes every byte: there is no error to handle.
        let _ = writeln!(
            serial,
            "\n*** {} (vector {vector}, error {:#x}) in the kernel on CPU {}\n\
             rip {:#018x} rsp {:#018x} rflags {:#x} cr2 {cr2:#x}\n\
             rax {:#018x} rbx {:#018x} rcx {:#018x} rdx {:#018x}\n\
             rsi {:#018x} rdi {:#018x} rbp {:#018x} r8  {:#018x}\n\
             r9  {:#018x} r10 {:#018x} r11 {:#018x} r12 {:#018x}\n\
             r13 {:#018x} r14 {:#018x} r15 {:#018x} cs {:#x}",
            exception_name(vector),
            frame.error_code,
            local::try_current().map_or(0, |cpu| cpu.id()),
            frame.rip,
            frame.rsp,
            frame.rflags,
            frame.rax,
            frame.rbx,
            frame.rcx,
            frame.rdx,
            frame.rsi,
            frame.rdi,
            frame.rbp,
            frame.r8,
            frame.r9,
            frame.r10,
            frame.r11,
            frame.r12,
            frame.r13,
            frame.r14,
            frame.r15,
            frame.cs,
        );
        panic::backtrace(&mut serial, frame.rip, frame.rbp);
    }
    panic::end()
}

/// The exception's name, as the SDM has it (volume 3, table 6-1).
#[must_use]
pub fn exception_name(vector: u8) -> &'static str {
    match vector {
        0 => "divide error",
        1 => "debug exception",
        2 => "non-maskable interrupt",
        3 => "breakpoint",
        4 => "overflow",
        5 => "bound range exceeded",
        6 => "invalid opcode",
        7 => "device not available",
        8 => "double fault",
        10 => "invalid TSS",
        11 => "segment not present",
        12 => "stack-segment fault",
        13 => "general protection",
        14 => "page fault",
        16 => "x87 floating-point error",
        17 => "alignment check",
        18 => "machine check",
        19 => "SIMD floating-point error",
        20 => "virtualization exception",
        21 => "control protection",
        _ => "unexpected trap",
    }
}

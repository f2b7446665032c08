//! The end: a message with a symbolised backtrace on the serial port, then what the operator chose.

use core::fmt::Write;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::interrupts::SpinGuard;
use crate::paging::kernel_space;
use crate::serial::Serial;
use crate::{acpi, apic, cpu, debug_exit, serial, symbols};

static IS_STOPPING: AtomicBool = AtomicBool::new(false);
static ACTION: AtomicU8 = AtomicU8::new(0);

/// What happens after a panic's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The machine starts anew: the default, because an appliance is to come back by itself.
    Reset,
    /// All CPUs halt, so that a debugger can look.
    Halt,
    /// QEMU ends with a failure, by its debug-exit device: for tests.
    DebugExit,
}

/// Chooses what happens after a panic's message.
pub fn set_action(action: Action) {
    ACTION.store(action as u8, Ordering::Relaxed);
}

/// Whether CPUs that receive an NMI are to halt.
pub(crate) fn is_stopping() -> bool {
    IS_STOPPING.load(Ordering::Acquire)
}

/// Stops the other CPUs and gives the serial port.
pub(crate) fn begin() -> SpinGuard<'static, Serial> {
    crate::interrupts::disable();
    // Release pairs with the acquire in `is_stopping`.
    if !IS_STOPPING.swap(true, Ordering::AcqRel) {
        apic::stop_others();
    }
    serial::lock_in_panic()
}

/// What comes after the message.
pub(crate) fn end() -> ! {
    let action = ACTION.load(Ordering::Relaxed);
    if action == Action::DebugExit as u8 {
        debug_exit::exit(debug_exit::Outcome::Failure);
    }
    if action == Action::Reset as u8 {
        acpi::reset();
    }
    cpu::halt_forever()
}

/// The functions that led here, innermost first: `rip`, then the return addresses that the chain of
/// frame pointers names. The chain ends at an address that cannot be a frame of the same stack.
pub(crate) fn backtrace(serial: &mut Serial, rip: u64, mut frame: u64) {
    // A serial port takes every byte: there is no error to handle.
    let _ = writeln!(serial, "backtrace:");
    symbols::write_line(serial, rip);
    for _ in 0..64 {
        if !is_readable(frame) {
            break;
        }
        // SAFETY: two words of the kernel's that are mapped and aligned. Whatever lies there, they
        // are only shown.
        let [next, back] = unsafe { *(frame as *const [u64; 2]) };
        if back == 0 {
            break;
        }
        symbols::write_line(serial, back - 1);
        // Callers' frames lie higher, and no stack is larger than this.
        if next <= frame || next - frame > 256 * 1024 {
            break;
        }
        frame = next;
    }
}

/// Whether the two words of a frame can be read at this address.
fn is_readable(frame: u64) -> bool {
    let Some(last) = frame.checked_add(8) else { return false };
    let is_plausible = frame >= crate::paging::layout::DIRECT_MAP_BASE && frame.is_multiple_of(8);
    // Before the kernel has tables of its own the loader's stack is all there is, and it is mapped.
    is_plausible
        && (kernel_space::root() == 0
            || kernel_space::is_mapped(frame) && kernel_space::is_mapped(last))
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    static IS_SHOWN: AtomicBool = AtomicBool::new(false);
    let mut serial = begin();
    if IS_SHOWN.swap(true, Ordering::Relaxed) {
        let _ = writeln!(serial, "\n*** panic within a panic");
        end();
    }
    let cpu = cpu::local::try_current().map_or(0, cpu::local::CpuLocal::id);
    let _ = writeln!(serial, "\n*** kernel panic on CPU {cpu}: {info}");
    let (frame, here): (u64, u64);
    // SAFETY: reading two registers.
    unsafe {
        core::arch::asm!("mov {}, rbp", "lea {}, [rip]", out(reg) frame, out(reg) here,
            options(nomem, nostack, preserves_flags));
    }
    backtrace(&mut serial, here, frame);
    end()
}

//! Control registers and model-specific registers, set alike on every CPU.

use x86_64::VirtAddr;
use x86_64::registers::control::{Cr0, Cr0Flags, Cr4, Cr4Flags, Efer, EferFlags};
use x86_64::registers::model_specific::{LStar, SFMask};
use x86_64::registers::rflags::RFlags;

use super::descriptors::{KERNEL_CODE, USER_DATA};
use super::features;

/// Puts the calling CPU into the state that the kernel relies on.
///
/// # Safety
/// The final page tables are loaded and mark what is not to be executed; descriptors are loaded.
pub(crate) unsafe fn control_registers() {
    let features = features::get();
    let mut cr4 = Cr4::read()
        | Cr4Flags::PHYSICAL_ADDRESS_EXTENSION
        | Cr4Flags::OSFXSR
        | Cr4Flags::OSXMMEXCPT_ENABLE;
    cr4.set(Cr4Flags::PAGE_GLOBAL, features.global_pages);
    cr4.set(Cr4Flags::SUPERVISOR_MODE_EXECUTION_PROTECTION, features.smep);
    cr4.set(Cr4Flags::SUPERVISOR_MODE_ACCESS_PREVENTION, features.smap);
    cr4.set(Cr4Flags::USER_MODE_INSTRUCTION_PREVENTION, features.umip);
    // A program must not be able to give GS a kernel's value: the paranoid entry tells by it.
    cr4.remove(Cr4Flags::FSGSBASE);
    // Vector registers trap on their first use by a thread, see `thread::vector`.
    let cr0 = (Cr0::read()
        | Cr0Flags::WRITE_PROTECT
        | Cr0Flags::NUMERIC_ERROR
        | Cr0Flags::MONITOR_COPROCESSOR
        | Cr0Flags::TASK_SWITCHED)
        - Cr0Flags::EMULATE_COPROCESSOR;
    // SAFETY: each flag only adds checks that the page tables and the entry code honour.
    unsafe { Cr4::write(cr4) };
    // SAFETY: as above.
    unsafe { Cr0::write(cr0) };
    let add = |efer: &mut EferFlags| {
        *efer |= EferFlags::SYSTEM_CALL_EXTENSIONS | EferFlags::NO_EXECUTE_ENABLE;
    };
    // SAFETY: as above; `syscall` finds its entry before the first program runs.
    unsafe { Efer::update(add) };
    LStar::write(VirtAddr::new(crate::user::system_call_entry_address()));
    // The entry runs with interrupts disabled and string operations upwards.
    SFMask::write(
        RFlags::INTERRUPT_FLAG
            | RFlags::DIRECTION_FLAG
            | RFlags::TRAP_FLAG
            | RFlags::ALIGNMENT_CHECK
            | RFlags::NESTED_TASK,
    );
    let star = (u64::from(USER_DATA - 8) << 48) | (u64::from(KERNEL_CODE) << 32);
    let mut register = x86_64::registers::model_specific::Msr::new(0xc000_0081);
    // SAFETY: the selectors are those of `descriptors`, in the order that `sysret` wants.
    unsafe { register.write(star) };
}

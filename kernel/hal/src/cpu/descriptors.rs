//! Segment descriptors, the task state segment and the interrupt descriptor table.

use core::mem::ManuallyDrop;

use spin::Once;
use x86_64::VirtAddr;
use x86_64::instructions::segmentation::{CS, DS, ES, SS, Segment};
use x86_64::instructions::tables::{lgdt, load_tss};
use x86_64::structures::DescriptorTablePointer;
use x86_64::structures::gdt::SegmentSelector;
use x86_64::structures::idt::InterruptDescriptorTable;

use super::local::CpuLocal;
use crate::frame::OutOfMemory;
use crate::paging::windows::KernelStack;

pub(crate) const KERNEL_CODE: u16 = 0x08;
pub(crate) const KERNEL_DATA: u16 = 0x10;
// The order is `sysret`'s: it takes STAR's selector plus 8 for the stack, plus 16 for the code.
pub(crate) const USER_DATA: u16 = 0x18 | 3;
pub(crate) const USER_CODE: u16 = 0x20 | 3;
const TSS: u16 = 0x28;

/// Stacks for the traps that may not trust the current one: index into the TSS's table.
pub(crate) const NMI_STACK: u16 = 0;
pub(crate) const DOUBLE_FAULT_STACK: u16 = 1;
pub(crate) const MACHINE_CHECK_STACK: u16 = 2;

/// Pages of each of these stacks.
const TRAP_STACK_PAGES: u64 = 2;

/// One CPU's global descriptor table; the last two words describe its TSS.
#[repr(C, align(16))]
pub(crate) struct Gdt([u64; 7]);

impl Gdt {
    pub(crate) const fn new() -> Self {
        Self([
            0,
            0x00af_9b00_0000_ffff, // kernel code, 64 bits
            0x00cf_9300_0000_ffff, // kernel data
            0x00cf_f300_0000_ffff, // user data
            0x00af_fb00_0000_ffff, // user code, 64 bits
            0,
            0,
        ])
    }
}

/// Loads the calling CPU's descriptor tables.
///
/// # Safety
/// Once for each CPU, right after `local::install`, with `stacks` being the tops of three stacks
/// that belong to this CPU for ever (see `NMI_STACK` and its neighbours).
pub(crate) unsafe fn load(local: &'static CpuLocal, stacks: [VirtAddr; 3]) {
    // SAFETY: this CPU alone touches its TSS, and it has not been loaded yet.
    let tss = unsafe { &mut *local.tss.get() };
    // SAFETY: the same holds for its GDT.
    let gdt = unsafe { &mut *local.gdt.get() };
    let mut table = tss.interrupt_stack_table;
    table[..3].copy_from_slice(&stacks);
    tss.interrupt_stack_table = table;
    let base = core::ptr::from_ref(tss) as u64;
    let limit = (size_of_val(tss) - 1) as u64;
    // SDM volume 3, 9.2.3: a 64-bit TSS descriptor, available, present.
    gdt.0[5] = limit | (base & 0xff_ffff) << 16 | 0x89 << 40 | (base >> 24 & 0xff) << 56;
    gdt.0[6] = base >> 32;
    let pointer = DescriptorTablePointer { limit: 7 * 8 - 1, base: VirtAddr::from_ptr(gdt) };
    // SAFETY: the table lives for ever and its selectors are those below.
    unsafe { lgdt(&pointer) };
    // SAFETY: the selector names a 64-bit code segment in the table just loaded.
    unsafe { CS::set_reg(SegmentSelector(KERNEL_CODE)) };
    // SAFETY: the selector names a writable data segment there.
    unsafe { SS::set_reg(SegmentSelector(KERNEL_DATA)) };
    // SAFETY: 64-bit code may have null here: the segment's base and limit are not looked at.
    unsafe { DS::set_reg(SegmentSelector(0)) };
    // SAFETY: as for DS.
    unsafe { ES::set_reg(SegmentSelector(0)) };
    // SAFETY: the selector names the descriptor of this CPU's TSS, which lives for ever.
    unsafe { load_tss(SegmentSelector(TSS)) };
    idt().load();
}

/// Three stacks with guard pages for a CPU's traps, for good: their tops, for `load` or `use_stacks`.
///
/// # Errors
/// When memory is short; what was made until then stays.
pub(crate) fn guarded_stacks() -> Result<[VirtAddr; 3], OutOfMemory> {
    let mut tops = [VirtAddr::zero(); 3];
    for top in &mut tops {
        let stack = ManuallyDrop::new(KernelStack::allocate(TRAP_STACK_PAGES)?);
        *top = VirtAddr::new(stack.top());
    }
    Ok(tops)
}

/// Gives the calling CPU's traps other stacks than those that it was loaded with.
///
/// # Safety
/// The stacks belong to this CPU for ever, and none of its traps is being handled.
pub(crate) unsafe fn use_stacks(local: &'static CpuLocal, stacks: [VirtAddr; 3]) {
    // SAFETY: this CPU alone touches its TSS; the CPU itself reads it only when a trap comes, and
    // none of the three can come in the middle of these stores but by an error of the hardware.
    let tss = unsafe { &mut *local.tss.get() };
    let mut table = tss.interrupt_stack_table;
    table[..3].copy_from_slice(&stacks);
    tss.interrupt_stack_table = table;
}

#[expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "one statement a vector, all safe for the one reason given"
)]
fn idt() -> &'static InterruptDescriptorTable {
    static IDT: Once<InterruptDescriptorTable> = Once::new();
    IDT.call_once(|| {
        let mut idt = InterruptDescriptorTable::new();
        let stub = |vector: u64| VirtAddr::new(crate::trap::stub_address(vector));
        // SAFETY: each address is the stub made for that vector, in the kernel's code segment; the
        // three stacks are those that `load` puts into the TSS.
        unsafe {
            idt.divide_error.set_handler_addr(stub(0));
            idt.debug.set_handler_addr(stub(1));
            idt.non_maskable_interrupt.set_handler_addr(stub(2)).set_stack_index(NMI_STACK);
            idt.breakpoint
                .set_handler_addr(stub(3))
                .set_privilege_level(x86_64::PrivilegeLevel::Ring3);
            idt.overflow.set_handler_addr(stub(4));
            idt.bound_range_exceeded.set_handler_addr(stub(5));
            idt.invalid_opcode.set_handler_addr(stub(6));
            idt.device_not_available.set_handler_addr(stub(7));
            idt.double_fault.set_handler_addr(stub(8)).set_stack_index(DOUBLE_FAULT_STACK);
            idt.invalid_tss.set_handler_addr(stub(10));
            idt.segment_not_present.set_handler_addr(stub(11));
            idt.stack_segment_fault.set_handler_addr(stub(12));
            idt.general_protection_fault.set_handler_addr(stub(13));
            idt.page_fault.set_handler_addr(stub(14));
            idt.x87_floating_point.set_handler_addr(stub(16));
            idt.alignment_check.set_handler_addr(stub(17));
            idt.machine_check.set_handler_addr(stub(18)).set_stack_index(MACHINE_CHECK_STACK);
            idt.simd_floating_point.set_handler_addr(stub(19));
            idt.virtualization.set_handler_addr(stub(20));
            idt.cp_protection_exception.set_handler_addr(stub(21));
            for vector in 32..=255_u8 {
                idt[vector].set_handler_addr(stub(u64::from(vector)));
            }
        }
        idt
    })
}

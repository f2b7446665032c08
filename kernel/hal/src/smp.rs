//! Starting the other CPUs, one after the other: INIT, SIPI, a few instructions in low memory, and
//! they run the kernel. Source: SDM volume 3, 8.4.

use alloc::boxed::Box;
use core::arch::global_asm;
use core::sync::atomic::{AtomicU32, Ordering};

use spin::Once;

use crate::acpi::ProcessorEntry;
use crate::cpu::local::{self, CpuLocal, MAX_CPUS};
use crate::cpu::{self, descriptors, setup};
use crate::frame::{self, OutOfMemory};
use crate::paging::kernel_space;
use crate::paging::layout::direct;
use crate::paging::windows::KernelStack;
use crate::{apic, time};

/// The page of low memory at which the CPUs start; its number is the SIPI's vector.
const TRAMPOLINE: u64 = 0x8000;
/// Where the trampoline finds what it needs, within its page.
const PARAMETERS: u64 = TRAMPOLINE + 0xf00;
/// Bytes of the stack that becomes the CPU's idle thread's.
const STACK_BYTES: u64 = 16 * 1024;
/// How long a CPU may take to arrive. Under emulation its host may be busy with the others.
const PATIENCE_NS: u64 = 2_000_000_000;

/// What the other CPUs run.
static MAIN: Once<fn() -> !> = Once::new();
/// How far the CPU being started has come.
static ARRIVAL: AtomicU32 = AtomicU32::new(WAITING);
const WAITING: u32 = 0;
const ARRIVED: u32 = 1;
const GIVEN_UP: u32 = 2;

#[repr(C)]
struct Parameters {
    page_table: u64,
    stack: u64,
    local: *mut CpuLocal,
    entry: u64,
}

/// A CPU that did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// It did not arrive in time.
    Silent {
        /// Its APIC id.
        apic_id: u32,
    },
    /// There are more CPUs than [`MAX_CPUS`].
    TooMany {
        /// Its APIC id.
        apic_id: u32,
    },
    /// No memory for its stacks.
    OutOfMemory {
        /// Its APIC id.
        apic_id: u32,
    },
}

impl core::fmt::Display for StartError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Silent { apic_id } => write!(f, "the CPU with APIC id {apic_id} does not start"),
            Self::TooMany { apic_id } => write!(
                f,
                "the CPU with APIC id {apic_id} stays off: the kernel drives {MAX_CPUS} at most"
            ),
            Self::OutOfMemory { apic_id } => {
                write!(f, "no memory to start the CPU with APIC id {apic_id}")
            }
        }
    }
}

/// Starts all `processors` but the calling one. Each runs `main`, with interrupts disabled, and is
/// counted by `cpu::online` when it does. `report` is told of those that do not come.
pub fn start_all(
    processors: &[ProcessorEntry],
    main: fn() -> !,
    mut report: impl FnMut(StartError),
) {
    let own = local::current().apic_id();
    if processors.iter().all(|processor| processor.apic_id == own) {
        return;
    }
    if kernel_space::map_trampoline(TRAMPOLINE).is_err() {
        report(StartError::OutOfMemory { apic_id: own });
        return;
    }
    install_trampoline();
    MAIN.call_once(|| main);
    for processor in processors.iter().filter(|processor| processor.apic_id != own) {
        let apic_id = processor.apic_id;
        let id = cpu::online();
        if id >= MAX_CPUS {
            report(StartError::TooMany { apic_id });
            continue;
        }
        frame::nodes::set_cpu(id, processor.node);
        if let Err(error) = start_one(id, apic_id) {
            report(error);
        }
    }
    kernel_space::unmap_trampoline(TRAMPOLINE);
}

fn start_one(id: usize, apic_id: u32) -> Result<(), StartError> {
    let short = |_: OutOfMemory| StartError::OutOfMemory { apic_id };
    let stack = KernelStack::allocate(STACK_BYTES / 4096).map_err(short)?;
    let local = Box::into_raw(Box::new(CpuLocal::new(id, apic_id)));
    ARRIVAL.store(WAITING, Ordering::Relaxed);
    // SAFETY: low memory is kept out of the allocator, and no CPU is in the trampoline now.
    unsafe {
        (direct(PARAMETERS) as *mut Parameters).write(Parameters {
            page_table: kernel_space::root(),
            stack: stack.top() - 16,
            local,
            entry: secondary_main as *const () as u64,
        });
    }
    apic::start(apic_id, (TRAMPOLINE >> 12) as u8);
    let deadline = time::now_ns().saturating_add(PATIENCE_NS);
    // Acquire pairs with the release in `secondary_main`: the CPU is set up when it reads so.
    while ARRIVAL.load(Ordering::Acquire) == WAITING {
        core::hint::spin_loop();
        if time::now_ns() > deadline
            && ARRIVAL
                .compare_exchange(WAITING, GIVEN_UP, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            // It must not come later, on the parameters of the next one. Its stack and its `CpuLocal`
            // stay, because it may be on them at this moment.
            apic::give_up(apic_id);
            core::mem::forget(stack);
            return Err(StartError::Silent { apic_id });
        }
    }
    core::mem::forget(stack);
    cpu::set_online(id + 1);
    Ok(())
}

fn install_trampoline() {
    let start = &raw const trampoline_start;
    let len = (&raw const trampoline_end).addr() - start.addr();
    debug_assert!(len as u64 <= PARAMETERS - TRAMPOLINE);
    // SAFETY: the code lies between the two symbols; low memory belongs to nobody else.
    unsafe { core::ptr::copy_nonoverlapping(start, direct(TRAMPOLINE) as *mut u8, len) };
}

/// The first Rust function of another CPU, on its own stack with the kernel's tables.
extern "C" fn secondary_main(local: *mut CpuLocal) -> ! {
    // SAFETY: `start_one` made it for this CPU and forgot it.
    let local = unsafe { &mut *local };
    // SAFETY: this CPU has no other.
    unsafe { local::install(local) };
    // Without memory for them the CPU stays away, and is given up.
    let Ok(tops) = descriptors::guarded_stacks() else { cpu::halt_forever() };
    // SAFETY: right after `install`, with three stacks of its own.
    unsafe { descriptors::load(local::current(), tops) };
    // SAFETY: the kernel's tables and the descriptors are loaded.
    unsafe { setup::control_registers() };
    apic::enable();
    if ARRIVAL.compare_exchange(WAITING, ARRIVED, Ordering::Release, Ordering::Relaxed).is_err() {
        cpu::halt_forever();
    }
    match MAIN.get() {
        Some(main) => main(),
        None => cpu::halt_forever(),
    }
}

unsafe extern "C" {
    safe static trampoline_start: u8;
    safe static trampoline_end: u8;
}

global_asm!(
    r#"
    .section .rodata
    .balign 16
    .global trampoline_start
    .global trampoline_end
    .code16
trampoline_start:
    jmp 2f
    .balign 8
    .word trampoline_gdt_end - trampoline_gdt - 1
    .long trampoline_gdt - trampoline_start + {base}
2:  cli
    cld
    mov ax, cs
    mov ds, ax
    lgdt [8]                     // the two words above
    mov eax, cr0
    or al, 1
    mov cr0, eax
    .byte 0x66, 0xea             // far jump to 32-bit code
    .long trampoline_32 - trampoline_start + {base}
    .word 8
    .code32
trampoline_32:
    mov ax, 16
    mov ds, ax
    mov ss, ax
    mov eax, cr4
    or eax, 0x20                 // PAE
    mov cr4, eax
    mov eax, [{parameters}]
    mov cr3, eax
    mov ecx, 0xc0000080          // EFER
    rdmsr
    or eax, 0x900                // LME, NXE
    wrmsr
    mov eax, cr0
    or eax, 0x80010000           // PG, WP
    mov cr0, eax
    .byte 0xea                   // far jump to 64-bit code
    .long trampoline_64 - trampoline_start + {base}
    .word 24
    .code64
trampoline_64:
    xor eax, eax
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov fs, eax
    mov gs, eax
    mov ebx, {parameters}
    mov rsp, [rbx + 8]
    mov rdi, [rbx + 16]
    mov rax, [rbx + 24]
    xor ebp, ebp
    push rbp                     // a null return address ends backtraces
    jmp rax
    .balign 8
trampoline_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff     // 32-bit code
    .quad 0x00cf93000000ffff     // data
    .quad 0x00af9b000000ffff     // 64-bit code
trampoline_gdt_end:
trampoline_end:
    .text
    "#,
    base = const TRAMPOLINE,
    parameters = const PARAMETERS,
);

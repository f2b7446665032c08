//! From the boot loader to the kernel's `main`, on the boot CPU; the other CPUs come by `smp`.

mod entry;
pub(crate) mod image;
mod memory;
pub(crate) mod start_info;

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU64, Ordering};

use x86_64::VirtAddr;

use crate::cpu::local::CpuLocal;
use crate::cpu::{descriptors, local, set_online, setup};
use crate::paging::layout::direct;
use crate::{acpi, apic, pci, serial, time};

/// What the kernel's `main` gets.
#[derive(Debug)]
pub struct Boot {
    /// The command line, as far as it is UTF-8.
    pub command_line: &'static str,
    /// The initial file system, empty if there is none. It stays where the loader put it.
    pub initrd: &'static [u8],
    rsdp: u64,
}

/// What the first steps found out.
#[derive(Debug)]
pub struct Machine {
    /// CPUs, nodes and PCI by ACPI.
    pub platform: acpi::Platform,
    /// How the clocks run.
    pub clock: time::ClockFacts,
}

unsafe extern "Rust" {
    /// Made by [`crate::entry!`] in the kernel.
    safe fn multios_main(boot: Boot) -> !;
}

/// Names the function that the kernel starts in.
///
/// It exports one symbol, which is the only link from the hardware layer up to the kernel.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        #[expect(unsafe_code, reason = "the one symbol by which the hal finds the kernel")]
        #[unsafe(no_mangle)]
        fn multios_main(boot: $crate::boot::Boot) -> ! {
            $main(boot)
        }
    };
}

struct BootCell<T>(UnsafeCell<T>);

// SAFETY: only the boot CPU touches these, once, before any other CPU runs.
unsafe impl<T> Sync for BootCell<T> {}

static BOOT_LOCAL: BootCell<CpuLocal> = BootCell(UnsafeCell::new(CpuLocal::new(0, 0)));
static COMMAND_LINE: BootCell<[u8; start_info::MAX_COMMAND_LINE]> =
    BootCell(UnsafeCell::new([0; start_info::MAX_COMMAND_LINE]));
/// Stacks for the boot CPU's NMI, double fault and machine check until there is memory for some with
/// guard pages.
static TRAP_STACKS: BootCell<[TrapStack; 3]> =
    BootCell(UnsafeCell::new([const { TrapStack { _bytes: [0; TRAP_STACK_BYTES] } }; 3]));
static START_TICK: AtomicU64 = AtomicU64::new(0);

/// Bytes of a stack for traps that trust no other.
const TRAP_STACK_BYTES: usize = 8192;

#[repr(align(16))]
#[derive(Clone, Copy)]
struct TrapStack {
    _bytes: [u8; TRAP_STACK_BYTES],
}

/// Size of the kernel's image in memory.
#[must_use]
pub fn image_bytes() -> u64 {
    let all = image::all();
    all.end - all.start
}

/// The TSC in the first moment.
pub(crate) fn start_tick() -> u64 {
    START_TICK.load(Ordering::Relaxed)
}

/// The first Rust function, on the boot CPU's stack with the provisional tables.
extern "C" fn boot_cpu_main(start_info: u64) -> ! {
    START_TICK.store(time::ticks(), Ordering::Relaxed);
    serial::start();
    // SAFETY: the only use of this static.
    let boot_local = unsafe { &mut *BOOT_LOCAL.0.get() };
    boot_local.set_apic_id(crate::cpu::features::own_apic_id());
    // SAFETY: this CPU has no other, and nobody else gets it.
    unsafe { local::install(boot_local) };
    set_online(1);
    // SAFETY: the only use of this static; the array of stacks is never named again.
    let stacks = unsafe { &*TRAP_STACKS.0.get() };
    let tops =
        [0, 1, 2].map(|index: usize| VirtAddr::from_ptr(stacks.as_ptr().wrapping_add(index + 1)));
    // SAFETY: right after `install`, with three stacks of its own.
    unsafe { descriptors::load(local::current(), tops) };
    // SAFETY: `start_info` is what the loader left; nothing but the image has been written.
    let facts = unsafe { start_info::read(start_info) };
    let Some(facts) = facts else {
        panic!("the boot loader is not a PVH one: no start_info at {start_info:#x}")
    };
    // SAFETY: on the boot CPU, with the provisional tables; the only use of this static.
    let command_line = unsafe { &mut *COMMAND_LINE.0.get() };
    command_line.copy_from_slice(&facts.command_line);
    let command_line: &'static [u8] = &command_line[..facts.command_line_len];
    // SAFETY: once, first of all uses of memory.
    unsafe { memory::start(&facts) };
    // SAFETY: the final tables are loaded, and so are the descriptors.
    unsafe { setup::control_registers() };
    match descriptors::guarded_stacks() {
        // SAFETY: they are this CPU's from here on, and no trap is being handled.
        Ok(tops) => unsafe { descriptors::use_stacks(local::current(), tops) },
        Err(error) => panic!("too little memory for the boot CPU's stacks: {error}"),
    }
    let initrd_len = facts.initrd.end.saturating_sub(facts.initrd.start);
    let initrd: &'static [u8] = if initrd_len == 0 {
        &[]
    } else {
        // SAFETY: the loader put the module there; `memory::start` keeps it out of the allocator,
        // and the direct map has it. Nobody writes it.
        unsafe {
            core::slice::from_raw_parts(
                direct(facts.initrd.start) as *const u8,
                usize::try_from(initrd_len).unwrap_or(0),
            )
        }
    };
    multios_main(Boot {
        command_line: command_line.utf8_chunks().next().map_or("", |chunk| chunk.valid()),
        initrd,
        rsdp: facts.rsdp,
    })
}

impl Boot {
    /// Finds out what the machine is made of, and starts the boot CPU's APIC and the clocks. Once,
    /// first of all; the heap works from the start.
    ///
    /// # Errors
    /// When ACPI's tables are of no use: then there is no machine that this kernel can drive.
    pub fn start_machine(&self) -> Result<Machine, acpi::PlatformError> {
        let platform = acpi::discover(self.rsdp)?;
        crate::frame::divide(&crate::frame::nodes::Affinity {
            memory: &platform.node_memory,
            distances: &platform.node_distances,
        });
        let own = local::current().apic_id();
        if let Some(boot) = platform.processors.iter().find(|entry| entry.apic_id == own) {
            crate::frame::nodes::set_cpu(local::current().id(), boot.node);
        }
        mask_legacy_interrupts();
        if let Err(error) = apic::prepare() {
            panic!("no memory for the APIC's registers: {error}");
        }
        apic::enable();
        let clock = time::start(platform.pm_timer_port);
        if let Some(window) = platform.pci_window
            && pci::use_window(window).is_err()
        {
            panic!("no memory for PCI's configuration window");
        }
        Ok(Machine { platform, clock })
    }
}

/// Masks all lines of the two 8259 interrupt controllers: interrupts come as messages.
fn mask_legacy_interrupts() {
    for port in [0x21_u16, 0xa1] {
        // SAFETY: the controllers' mask registers; all ones masks every line.
        unsafe { x86_64::instructions::port::Port::<u8>::new(port).write(0xff) };
    }
}

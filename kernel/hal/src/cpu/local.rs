//! What each CPU has for itself, reached through the GS base.

use alloc::sync::Arc;
use core::cell::{Cell, UnsafeCell};
use core::mem::offset_of;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use ksync::{Counter, HeldLocks};
use x2apic::lapic::LocalApic;
use x86_64::structures::tss::TaskStateSegment;

use super::descriptors::Gdt;
use crate::paging::AddressSpace;
use crate::thread::Inner;

/// In place of a segment base that the CPU may not have any more: no program can have it.
pub(crate) const UNKNOWN_BASE: u64 = u64::MAX;

/// CPUs that the kernel can drive.
pub const MAX_CPUS: usize = 256;

/// Per-CPU state. The first fields are known to assembly.
///
/// It is shared between CPUs only through atomics; everything in a `Cell` is touched by its own CPU
/// alone, with interrupts disabled.
#[repr(C)]
pub(crate) struct CpuLocal {
    this: *const CpuLocal,
    /// Where the system-call entry keeps the program's stack pointer for a moment.
    scratch: Cell<u64>,
    pub(super) tss: UnsafeCell<TaskStateSegment>,
    pub(super) gdt: UnsafeCell<Gdt>,
    id: usize,
    apic_id: u32,
    held: HeldLocks,
    pub(crate) apic: UnsafeCell<Option<LocalApic>>,
    pub(crate) loaded_fs_base: Cell<u64>,
    pub(crate) loaded_gs_base: Cell<u64>,
    /// The context whose vector registers the CPU holds, or null.
    pub(crate) vector_owner: Cell<*const Inner>,
    /// The context that runs.
    pub(crate) running: UnsafeCell<Option<Arc<Inner>>>,
    /// The context that the CPU has switched away from, until the next one has taken over.
    pub(crate) previous: UnsafeCell<Option<Arc<Inner>>>,
    pub(crate) space: UnsafeCell<Option<Arc<AddressSpace>>>,
    pub(crate) statistics: CpuStatistics,
}

// SAFETY: other CPUs reach a `CpuLocal` only through `get`, which gives out atomics and constants;
// the cells are used by `current` alone, on the owning CPU with interrupts disabled.
unsafe impl Sync for CpuLocal {}

impl CpuLocal {
    /// Where `tss.rsp0` lies: the stack for traps from programs.
    pub(crate) const RSP0_OFFSET: usize = offset_of!(CpuLocal, tss) + 4;
    pub(crate) const SCRATCH_OFFSET: usize = offset_of!(CpuLocal, scratch);

    pub(crate) const fn new(id: usize, apic_id: u32) -> Self {
        Self {
            this: ptr::null(),
            scratch: Cell::new(0),
            tss: UnsafeCell::new(TaskStateSegment::new()),
            gdt: UnsafeCell::new(Gdt::new()),
            id,
            apic_id,
            held: HeldLocks::new(),
            apic: UnsafeCell::new(None),
            loaded_fs_base: Cell::new(0),
            loaded_gs_base: Cell::new(0),
            vector_owner: Cell::new(ptr::null()),
            running: UnsafeCell::new(None),
            previous: UnsafeCell::new(None),
            space: UnsafeCell::new(None),
            statistics: CpuStatistics::new(),
        }
    }

    pub(crate) fn id(&self) -> usize {
        self.id
    }

    pub(crate) fn apic_id(&self) -> u32 {
        self.apic_id
    }

    /// For the boot CPU, whose record exists before anything is known.
    pub(crate) fn set_apic_id(&mut self, apic_id: u32) {
        self.apic_id = apic_id;
    }

    pub(crate) fn held(&'static self) -> &'static HeldLocks {
        &self.held
    }
}

/// What a CPU counts. Written by its own CPU, read by any.
#[derive(Debug)]
pub struct CpuStatistics {
    /// Interrupts and exceptions by vector.
    pub vectors: [Counter; 256],
    /// Inter-processor interrupts that this CPU has sent.
    pub ipis_sent: Counter,
    /// TLB shoot-downs that this CPU has asked other CPUs for.
    pub shootdowns_sent: Counter,
    /// TLB shoot-downs that this CPU has carried out for others.
    pub shootdowns_received: Counter,
    /// Time spent in interrupt handlers, in TSC ticks.
    pub interrupt_ticks: Counter,
    /// System calls that programs have made on this CPU.
    pub system_calls: Counter,
}

impl CpuStatistics {
    const fn new() -> Self {
        Self {
            vectors: [const { Counter::new() }; 256],
            ipis_sent: Counter::new(),
            shootdowns_sent: Counter::new(),
            shootdowns_received: Counter::new(),
            interrupt_ticks: Counter::new(),
            system_calls: Counter::new(),
        }
    }
}

static LOCALS: [AtomicPtr<CpuLocal>; MAX_CPUS] =
    [const { AtomicPtr::new(ptr::null_mut()) }; MAX_CPUS];

/// Makes `local` the calling CPU's own: from here on `current` works.
///
/// # Safety
/// The CPU has no other `CpuLocal`, and no other CPU gets this one.
pub(crate) unsafe fn install(local: &'static mut CpuLocal) {
    local.this = ptr::from_ref(local);
    let id = local.id;
    let pointer = ptr::from_mut(local);
    x86_64::registers::model_specific::GsBase::write(x86_64::VirtAddr::from_ptr(pointer));
    x86_64::registers::model_specific::KernelGsBase::write(x86_64::VirtAddr::zero());
    // Release pairs with the acquire in `get`.
    LOCALS[id].store(pointer, Ordering::Release);
}

/// The calling CPU's state.
pub(crate) fn current() -> &'static CpuLocal {
    let this: *const CpuLocal;
    // SAFETY: `install` ran on this CPU before any code that gets here; `this` lies at offset 0.
    unsafe {
        core::arch::asm!("mov {}, gs:[0]", out(reg) this,
            options(nostack, readonly, preserves_flags, pure));
    }
    // SAFETY: it points to a `CpuLocal` that lives for ever.
    unsafe { &*this }
}

/// The calling CPU's state, or none when it is too early for one.
pub(crate) fn try_current() -> Option<&'static CpuLocal> {
    (x86_64::registers::model_specific::GsBase::read().as_u64() != 0).then(current)
}

/// The state of the CPU with this index. Only its atomics and constants may be used.
pub(crate) fn get(cpu: usize) -> Option<&'static CpuLocal> {
    let pointer = LOCALS.get(cpu)?.load(Ordering::Acquire);
    // SAFETY: what `install` stored lives for ever.
    unsafe { pointer.as_ref() }
}

/// A bit for each CPU, set and cleared by any CPU.
#[derive(Debug)]
pub(crate) struct AtomicCpuMask([AtomicU64; MAX_CPUS / 64]);

impl AtomicCpuMask {
    pub(crate) const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; MAX_CPUS / 64])
    }

    /// Sequentially consistent: partner of `iter` in the TLB shoot-down, where one side publishes
    /// "I use this space" before reading its tables and the other changes the tables before asking.
    pub(crate) fn insert(&self, cpu: usize) {
        self.0[cpu / 64].fetch_or(1 << (cpu % 64), Ordering::SeqCst);
    }

    /// See `insert`.
    pub(crate) fn remove(&self, cpu: usize) {
        self.0[cpu / 64].fetch_and(!(1 << (cpu % 64)), Ordering::SeqCst);
    }

    /// Whether the CPU is in the mask: a hint, for a cheap test before `take`.
    pub(crate) fn contains(&self, cpu: usize) -> bool {
        self.0[cpu / 64].load(Ordering::Relaxed) & (1 << (cpu % 64)) != 0
    }

    /// Takes the CPU out and says whether it was in. See `insert`.
    pub(crate) fn take(&self, cpu: usize) -> bool {
        let bit = 1 << (cpu % 64);
        self.0[cpu / 64].fetch_and(!bit, Ordering::SeqCst) & bit != 0
    }

    /// The CPUs in the mask at the time each word is read.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(index, word)| {
            let bits = word.load(Ordering::SeqCst);
            (0..64).filter(move |bit| bits & (1 << bit) != 0).map(move |bit| index * 64 + bit)
        })
    }
}

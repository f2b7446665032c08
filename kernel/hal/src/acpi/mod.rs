//! What ACPI says about the machine: CPUs, NUMA nodes, PCI's configuration windows, and how to turn
//! the machine off. Tables by the `acpi` crate; its AML interpreter runs only to power off, because
//! loading the machine's AML takes longer than the rest of the boot.

mod affinity;
mod handler;
mod power;

use alloc::vec::Vec;
use core::fmt;

use acpi::platform::{AcpiPlatform, PciConfigRegions, ProcessorState};
use acpi::{AcpiError, AcpiTables};
use spin::Once;

use affinity::Affinity;
use handler::KernelHandler;
pub use power::{power_off, reset};

/// A CPU of the MADT that may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessorEntry {
    /// Its local APIC's id.
    pub apic_id: u32,
    /// Its NUMA node, by SRAT; 0 where there is none.
    pub node: u32,
}

/// A range of memory that belongs to a NUMA node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeMemory {
    /// The node.
    pub node: u32,
    /// First physical address.
    pub start: u64,
    /// Bytes.
    pub len_bytes: u64,
}

/// What the tables say.
#[derive(Debug)]
pub struct Platform {
    /// The usable CPUs, in the order of the MADT.
    pub processors: Vec<ProcessorEntry>,
    /// Memory by node, by SRAT; empty where there is none.
    pub node_memory: Vec<NodeMemory>,
    /// Distances between nodes by SLIT, a row a node, 10 being near; empty where there is none.
    pub node_distances: Vec<u8>,
    /// Physical address of the PCI configuration window of segment 0, bus 0.
    pub pci_window: Option<u64>,
    /// I/O port of the power-management timer.
    pub(crate) pm_timer_port: Option<u16>,
}

/// Why the tables are of no use.
#[derive(Debug)]
pub enum PlatformError {
    /// The boot loader gave no root pointer.
    NoRootPointer,
    /// The tables are damaged, or one is missing.
    Tables(AcpiError),
}

impl fmt::Display for PlatformError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRootPointer => f.write_str("the boot loader gave no ACPI root pointer"),
            Self::Tables(error) => write!(f, "the ACPI tables are of no use: {error:?}"),
        }
    }
}

static ROOT_POINTER: Once<u64> = Once::new();

fn tables() -> Result<AcpiTables<KernelHandler>, PlatformError> {
    let rsdp = *ROOT_POINTER.get().ok_or(PlatformError::NoRootPointer)?;
    let rsdp = usize::try_from(rsdp).map_err(|_| PlatformError::NoRootPointer)?;
    // SAFETY: the address is the boot loader's, set once by `discover`.
    unsafe { AcpiTables::from_rsdp(KernelHandler, rsdp) }.map_err(PlatformError::Tables)
}

/// Reads the tables.
///
/// # Errors
/// See [`PlatformError`]: the caller can go on with one CPU.
pub(crate) fn discover(rsdp: u64) -> Result<Platform, PlatformError> {
    if rsdp == 0 {
        return Err(PlatformError::NoRootPointer);
    }
    ROOT_POINTER.call_once(|| rsdp);
    let tables = tables()?;
    let affinity = Affinity::read(&tables);
    let pci_window = PciConfigRegions::new(&tables)
        .ok()
        .and_then(|regions| regions.physical_address(0, 0, 0, 0));
    let platform = AcpiPlatform::new(tables, KernelHandler).map_err(PlatformError::Tables)?;
    let mut processors = Vec::new();
    if let Some(info) = &platform.processor_info {
        let all = core::iter::once(&info.boot_processor).chain(&info.application_processors);
        processors.extend(all.filter(|cpu| cpu.state != ProcessorState::Disabled).map(|cpu| {
            ProcessorEntry { apic_id: cpu.local_apic_id, node: affinity.node_of(cpu.local_apic_id) }
        }));
    }
    Ok(Platform {
        processors,
        node_memory: affinity.memory,
        node_distances: affinity.distances,
        pci_window,
        pm_timer_port: platform
            .pm_timer
            .as_ref()
            .filter(|timer| timer.base.address_space == acpi::address::AddressSpace::SystemIo)
            .and_then(|timer| u16::try_from(timer.base.address).ok()),
    })
}

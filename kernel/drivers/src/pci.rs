//! PCI: finding functions, and what their configuration space says (PCI Local Bus 3.0, chapter 6).

mod bar;
mod capability;
mod enumerate;
mod msix;

use core::fmt;

pub use bar::Bar;
pub use capability::{Capability, capabilities};
pub use enumerate::enumerate;
pub use msix::{MsiTarget, Msix};

use crate::registers::Machine;

/// Offset of the command (low half) and status (high half) registers.
const COMMAND: u16 = 0x04;
const COMMAND_MEMORY: u32 = 1 << 1;
const COMMAND_BUS_MASTER: u32 = 1 << 2;
const COMMAND_NO_INTX: u32 = 1 << 10;
/// The command register's part of the word. Ones written to the status half clear its bits.
const COMMAND_MASK: u32 = 0xffff;

/// Where a function is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The bus.
    pub bus: u8,
    /// The device on the bus, 0 to 31.
    pub device: u8,
    /// The function of the device, 0 to 7.
    pub function: u8,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}:{:02x}.{}", self.bus, self.device, self.function)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A function that has been found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Where it is.
    pub address: Address,
    /// Who made it.
    pub vendor_id: u16,
    /// What its maker calls it.
    pub device_id: u16,
    /// Its base class.
    pub class: u8,
    /// Its subclass.
    pub subclass: u8,
    /// Its programming interface.
    pub interface: u8,
    /// Its revision.
    pub revision: u8,
}

impl Function {
    /// What kind of device it is, in words.
    #[must_use]
    pub fn class_name(&self) -> &'static str {
        match (self.class, self.subclass) {
            (0x01, _) => "mass storage controller",
            (0x02, 0x00) => "Ethernet controller",
            (0x02, _) => "network controller",
            (0x03, _) => "display controller",
            (0x04, _) => "multimedia device",
            (0x05, _) => "memory controller",
            (0x06, 0x00) => "host bridge",
            (0x06, 0x01) => "ISA bridge",
            (0x06, 0x04) => "PCI bridge",
            (0x06, _) => "bridge",
            (0x07, _) => "communication controller",
            (0x08, _) => "system peripheral",
            (0x09, _) => "input device",
            (0x0c, 0x03) => "USB controller",
            (0x0c, 0x05) => "SMBus controller",
            (0x0c, _) => "serial bus controller",
            (0x10, _) => "encryption controller",
            _ => "device",
        }
    }

    /// Lets the function answer memory accesses and reach memory itself, and turns its wired
    /// interrupt off: drivers use MSI-X.
    pub fn enable(&self, machine: &impl Machine) {
        let command = machine.read_config(self.address, COMMAND) & COMMAND_MASK;
        let wanted = command | COMMAND_MEMORY | COMMAND_BUS_MASTER | COMMAND_NO_INTX;
        machine.write_config(self.address, COMMAND, wanted);
    }
}

/// What a listing of devices shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRecord {
    /// The function.
    pub function: Function,
    /// The driver that has it.
    pub driver: Option<&'static str>,
    /// The interrupt vectors that it raises.
    pub vectors: alloc::vec::Vec<u8>,
}

/// What is wrong with a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PciError {
    /// It has no MSI-X capability.
    NoMsix,
    /// A structure lies in a base address that is no assigned memory.
    NoMemory {
        /// The base address's number, as the function gave it.
        bar: u8,
    },
    /// The machine could not map the registers at this physical address.
    Unmappable(u64),
    /// The function has no such MSI-X entry.
    NoEntry(u16),
    /// An interrupt cannot be sent to a CPU with this APIC id without interrupt remapping.
    UnreachableCpu(u32),
}

impl fmt::Display for PciError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMsix => f.write_str("the function has no MSI-X"),
            Self::NoMemory { bar } => write!(f, "base address {bar} is no assigned memory"),
            Self::Unmappable(physical) => write!(f, "registers at {physical:#x} cannot be mapped"),
            Self::NoEntry(entry) => write!(f, "there is no MSI-X entry {entry}"),
            Self::UnreachableCpu(apic_id) => {
                write!(f, "APIC id {apic_id} is too large for a message-signalled interrupt")
            }
        }
    }
}

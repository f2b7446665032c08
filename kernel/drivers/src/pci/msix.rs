//! MSI-X: interrupts as memory writes, one per queue (PCI Local Bus 3.0, 6.8.2).

use core::fmt;

use super::{Function, PciError, capabilities};
use crate::registers::{Machine, Registers};

const CAPABILITY_ID: u8 = 0x11;
const CONTROL_ENABLE: u16 = 1 << 15;
const CONTROL_MASK_ALL: u16 = 1 << 14;
const CONTROL_LAST_ENTRY: u16 = 0x7ff;

const ENTRY_BYTES: u16 = 16;
const ENTRY_ADDRESS_LOW: usize = 0;
const ENTRY_ADDRESS_HIGH: usize = 4;
const ENTRY_DATA: usize = 8;
const ENTRY_CONTROL: usize = 12;
const ENTRY_MASKED: u32 = 1;

/// Where local APICs listen for messages (Intel SDM 3A, 11.11.1).
const MESSAGE_ADDRESS: u32 = 0xfee0_0000;

/// The CPU that an interrupt goes to, and as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MsiTarget {
    /// The CPU's APIC id.
    pub apic_id: u32,
    /// The vector that is raised there.
    pub vector: u8,
}

/// A function's MSI-X table.
#[derive(Clone)]
pub struct Msix<R> {
    table: R,
    entries: u16,
}

impl<R: Registers> Msix<R> {
    /// Maps the function's table, masks all entries, and makes the function use MSI-X.
    ///
    /// # Errors
    /// When the function has no usable table.
    pub fn enable<M: Machine<Registers = R>>(
        machine: &M,
        function: &Function,
    ) -> Result<Self, PciError> {
        let address = function.address;
        let capability = capabilities(machine, address)
            .find(|capability| capability.id == CAPABILITY_ID)
            .ok_or(PciError::NoMsix)?;
        let entries = (capability.control & CONTROL_LAST_ENTRY) + 1;
        // The low three bits say which base address; the rest is the offset.
        let place = capability.read(machine, address, 4);
        let [low, ..] = place.to_le_bytes();
        let len_bytes = u32::from(entries) * u32::from(ENTRY_BYTES);
        let table = function.map(machine, low & 0b111, place & !0b111, len_bytes)?;
        let msix = Self { table, entries };
        for entry in 0..entries {
            msix.mask(entry);
        }
        let control = capability.control & !CONTROL_MASK_ALL | CONTROL_ENABLE;
        let word = machine.read_config(address, capability.offset.into()) & 0xffff;
        machine.write_config(address, capability.offset.into(), u32::from(control) << 16 | word);
        Ok(msix)
    }

    /// How many interrupts the function can tell apart.
    #[must_use]
    pub fn entries(&self) -> u16 {
        self.entries
    }

    /// Says where an entry's interrupt goes. The entry is masked afterwards.
    ///
    /// # Errors
    /// When there is no such entry, or the CPU cannot be addressed.
    pub fn set(&self, entry: u16, target: MsiTarget) -> Result<(), PciError> {
        let base = self.place(entry).ok_or(PciError::NoEntry(entry))?;
        // The message has room for eight bits of the APIC id.
        let destination =
            u8::try_from(target.apic_id).map_err(|_| PciError::UnreachableCpu(target.apic_id))?;
        self.mask(entry);
        let address = MESSAGE_ADDRESS | u32::from(destination) << 12;
        self.table.write_u32(base + ENTRY_ADDRESS_LOW, address);
        self.table.write_u32(base + ENTRY_ADDRESS_HIGH, 0);
        // Fixed delivery, edge-triggered: all other bits are zero.
        self.table.write_u32(base + ENTRY_DATA, u32::from(target.vector));
        Ok(())
    }

    /// Holds an entry's interrupt back: the function remembers one that comes meanwhile.
    pub fn mask(&self, entry: u16) {
        if let Some(base) = self.place(entry) {
            self.table.write_u32(base + ENTRY_CONTROL, ENTRY_MASKED);
        }
    }

    /// Lets an entry's interrupt through, one that has been remembered at once.
    pub fn unmask(&self, entry: u16) {
        if let Some(base) = self.place(entry) {
            self.table.write_u32(base + ENTRY_CONTROL, 0);
        }
    }

    fn place(&self, entry: u16) -> Option<usize> {
        (entry < self.entries).then(|| usize::from(entry) * usize::from(ENTRY_BYTES))
    }
}

impl<R> fmt::Debug for Msix<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Msix").field("entries", &self.entries).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

//! Base addresses: where a function's registers are (PCI Local Bus 3.0, 6.2.5.1).
//!
//! Their lengths are not asked for: that means turning the function off and writing to each of them,
//! which took 25 ms of the boot for QEMU's eight functions, and the answer would be the function's own
//! word as much as the place that it is to confirm. What is not to be mapped, memory above all, the
//! machine refuses to map.

use super::{Function, PciError};
use crate::registers::Machine;

/// Offset of the first base address.
const FIRST: u16 = 0x10;
/// How many a function has. (A bridge has two, but no driver wants those.)
const COUNT: u8 = 6;

/// Where one range of a function's registers begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// In memory: the physical address.
    Memory(u64),
    /// In the port space: the first port.
    Io(u16),
}

impl Function {
    /// A base address, if there is one with this number and the firmware has assigned it.
    pub fn bar(&self, machine: &impl Machine, number: u8) -> Option<Bar> {
        if number >= COUNT {
            return None;
        }
        let offset = FIRST + 4 * u16::from(number);
        let low = machine.read_config(self.address, offset);
        if low & 1 != 0 {
            return u16::try_from(low & !0b11).ok().filter(|port| *port != 0).map(Bar::Io);
        }
        let is_wide = low & 0b110 == 0b100;
        let high = match (is_wide, number + 1 < COUNT) {
            (false, _) => 0,
            (true, true) => machine.read_config(self.address, offset + 4),
            // The last one has no room for an upper half.
            (true, false) => return None,
        };
        let address = u64::from(high) << 32 | u64::from(low & !0b1111);
        (address != 0).then_some(Bar::Memory(address))
    }

    /// Maps a structure that the function has at an offset from one of its base addresses.
    ///
    /// # Errors
    /// When there is no such memory, or the machine does not map it: the place is the function's own
    /// word and may be anything.
    pub fn map<M: Machine>(
        &self,
        machine: &M,
        bar: u8,
        offset: u32,
        len_bytes: u32,
    ) -> Result<M::Registers, PciError> {
        let Some(Bar::Memory(start)) = self.bar(machine, bar) else {
            return Err(PciError::NoMemory { bar });
        };
        let physical = start.checked_add(u64::from(offset)).ok_or(PciError::Unmappable(start))?;
        machine.map(physical, u64::from(len_bytes)).ok_or(PciError::Unmappable(physical))
    }
}

//! Base addresses: where a function's registers are (PCI Local Bus 3.0, 6.2.5.1).

use super::{Address, COMMAND, COMMAND_IO, COMMAND_MASK, COMMAND_MEMORY, Function, PciError};
use crate::registers::Machine;

/// Offset of the first base address.
const FIRST: u16 = 0x10;

/// One range of a function's registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// In memory.
    Memory {
        /// Physical address; 0 when the firmware assigned none.
        address: u64,
        /// Its length.
        len_bytes: u64,
        /// Whether reading has no side effects.
        is_prefetchable: bool,
    },
    /// In the port space.
    Io {
        /// The first port.
        port: u16,
        /// How many.
        len_bytes: u32,
    },
}

/// Reads the first `count` base addresses of a function, whose registers are out of reach meanwhile:
/// for enumeration, before a driver has the function.
pub(super) fn read_all(
    machine: &impl Machine,
    function: Address,
    count: usize,
) -> [Option<Bar>; 6] {
    let command = machine.read_config(function, COMMAND) & COMMAND_MASK;
    // Sizing writes all ones: nothing may decode that address.
    machine.write_config(function, COMMAND, command & !(COMMAND_IO | COMMAND_MEMORY));
    let mut bars = [None; 6];
    let mut offset = FIRST;
    let mut index = 0;
    while index < count.min(bars.len()) {
        let (low, low_mask) = read_one(machine, function, offset);
        let is_wide = low & 0b111 == 0b100 && index + 1 < count;
        let (high, high_mask) =
            if is_wide { read_one(machine, function, offset + 4) } else { (0, u32::MAX) };
        bars[index] = decode(low, low_mask, high, high_mask);
        let places = if is_wide { 2 } else { 1 };
        index += places;
        offset += if is_wide { 8 } else { 4 };
    }
    machine.write_config(function, COMMAND, command);
    bars
}

/// The register's value, and which of its bits can be set.
fn read_one(machine: &impl Machine, function: Address, offset: u16) -> (u32, u32) {
    let value = machine.read_config(function, offset);
    machine.write_config(function, offset, u32::MAX);
    let mask = machine.read_config(function, offset);
    machine.write_config(function, offset, value);
    (value, mask)
}

fn decode(low: u32, low_mask: u32, high: u32, high_mask: u32) -> Option<Bar> {
    if low_mask == 0 {
        return None;
    }
    if low & 1 != 0 {
        let port = u16::try_from(low & 0xfffc).ok()?;
        // Ports have 16 bits; a function may leave the upper ones out.
        let len_bytes = (!(low_mask & !0b11 | 0xffff_0000)).wrapping_add(1);
        return Some(Bar::Io { port, len_bytes });
    }
    let mask = u64::from(high_mask) << 32 | u64::from(low_mask & !0xf);
    Some(Bar::Memory {
        address: u64::from(high) << 32 | u64::from(low & !0xf),
        len_bytes: (!mask).wrapping_add(1),
        is_prefetchable: low & 0b1000 != 0,
    })
}

impl Function {
    /// Maps a structure within one of the function's base addresses.
    ///
    /// # Errors
    /// When there is no such memory, or the structure does not lie in it: both are the function's
    /// own words and may be anything.
    pub fn map<M: Machine>(
        &self,
        machine: &M,
        bar: u8,
        offset: u32,
        len_bytes: u32,
    ) -> Result<M::Registers, PciError> {
        let memory = self.bars.get(usize::from(bar)).copied().flatten();
        let Some(Bar::Memory { address, len_bytes: bar_bytes, .. }) = memory else {
            return Err(PciError::NoMemory { bar });
        };
        if address == 0 {
            return Err(PciError::NoMemory { bar });
        }
        let out_of_range = PciError::OutOfRange { bar, offset, len_bytes };
        let end = u64::from(offset) + u64::from(len_bytes);
        if len_bytes == 0 || end > bar_bytes {
            return Err(out_of_range);
        }
        let physical = address.checked_add(u64::from(offset)).ok_or(out_of_range)?;
        physical.checked_add(u64::from(len_bytes)).ok_or(out_of_range)?;
        machine.map(physical, u64::from(len_bytes)).ok_or(PciError::Unmappable(physical))
    }
}

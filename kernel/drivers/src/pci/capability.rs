//! A function's list of capabilities (PCI Local Bus 3.0, 6.7).

use super::{Address, COMMAND};
use crate::registers::Machine;

/// In the status register: there is a list.
const STATUS_CAPABILITIES: u32 = 1 << 20;
/// Where the list begins.
const POINTER: u16 = 0x34;
/// The list lies behind the header.
const FIRST_OFFSET: u8 = 0x40;
/// What fits between the header and the end of the space, at 4 bytes each.
const MOST: usize = 48;

/// One capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// What it is.
    pub id: u8,
    /// Where it is: a multiple of 4, at least 0x40.
    pub offset: u8,
    /// The upper half of its first word, which is its own.
    pub control: u16,
}

impl Capability {
    /// Reads a word of the capability; all ones beyond the configuration space.
    pub fn read(&self, machine: &impl Machine, function: Address, offset: u8) -> u32 {
        match self.offset.checked_add(offset) {
            Some(place) => machine.read_config(function, u16::from(place)),
            None => u32::MAX,
        }
    }
}

/// A function's capabilities. A list that runs in a circle ends.
pub fn capabilities<M: Machine>(
    machine: &M,
    function: Address,
) -> impl Iterator<Item = Capability> + '_ {
    let has_list = machine.read_config(function, COMMAND) & STATUS_CAPABILITIES != 0;
    let mut next = if has_list { low_byte(machine.read_config(function, POINTER)) } else { 0 };
    core::iter::from_fn(move || {
        // The two low bits are reserved.
        let offset = next & !0b11;
        if offset < FIRST_OFFSET {
            return None;
        }
        let word = machine.read_config(function, u16::from(offset));
        next = low_byte(word >> 8);
        let control = u16::try_from(word >> 16).unwrap_or(u16::MAX);
        Some(Capability { id: low_byte(word), offset, control })
    })
    .take(MOST)
}

fn low_byte(word: u32) -> u8 {
    word.to_le_bytes()[0]
}

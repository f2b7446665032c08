//! Finding all functions: bus 0, and every bus behind a bridge.

use alloc::vec::Vec;

use super::{Address, Function};
use crate::registers::Machine;

const DEVICES: u8 = 32;
const FUNCTIONS: u8 = 8;
/// What the vendor's register of a missing function reads as.
const NO_VENDOR: u16 = 0xffff;
/// In the header's type: the device has functions beside 0.
const MULTI_FUNCTION: u8 = 0x80;
/// Header type of a PCI-to-PCI bridge.
const BRIDGE: u8 = 1;

/// Finds the functions on bus 0 and on the buses behind bridges, as the firmware numbered them.
/// Each bus is looked at once, whatever the bridges say.
pub fn enumerate(machine: &impl Machine) -> Vec<Function> {
    let mut functions = Vec::new();
    let mut is_seen = [false; 256];
    let mut waiting = alloc::vec![0_u8];
    while let Some(bus) = waiting.pop() {
        if core::mem::replace(&mut is_seen[usize::from(bus)], true) {
            continue;
        }
        for device in 0..DEVICES {
            for function in 0..FUNCTIONS {
                let address = Address { bus, device, function };
                let Some((found, header)) = probe(machine, address) else {
                    // Function 0 is there if any is.
                    if function == 0 {
                        break;
                    }
                    continue;
                };
                functions.push(found);
                if header & !MULTI_FUNCTION == BRIDGE {
                    waiting.push(secondary_bus(machine, address));
                }
                if function == 0 && header & MULTI_FUNCTION == 0 {
                    break;
                }
            }
        }
    }
    functions.sort_by_key(|function| function.address);
    functions
}

/// The function at the address, if there is one, and its header's type.
fn probe(machine: &impl Machine, address: Address) -> Option<(Function, u8)> {
    let [vendor_low, vendor_high, device_low, device_high] =
        machine.read_config(address, 0x00).to_le_bytes();
    let vendor_id = u16::from_le_bytes([vendor_low, vendor_high]);
    if vendor_id == NO_VENDOR {
        return None;
    }
    let [revision, interface, subclass, class] = machine.read_config(address, 0x08).to_le_bytes();
    let [_, _, header, _] = machine.read_config(address, 0x0c).to_le_bytes();
    let function = Function {
        address,
        vendor_id,
        device_id: u16::from_le_bytes([device_low, device_high]),
        class,
        subclass,
        interface,
        revision,
    };
    Some((function, header))
}

fn secondary_bus(machine: &impl Machine, bridge: Address) -> u8 {
    let [_, secondary, _, _] = machine.read_config(bridge, 0x18).to_le_bytes();
    secondary
}

#[cfg(test)]
mod tests;

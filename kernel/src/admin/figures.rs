//! The API's figures for `/proc`, so that both say the same.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use core::net::IpAddr;

use admin_api::types::{InterruptLine, Load, Memory};
use ksync::Once;

use super::{facts, network, sampler, system};

static COMMAND_LINE: Once<String> = Once::new();

/// Notes the kernel's command line, without its secrets. Once.
pub(super) fn note_command_line(line: &str) {
    COMMAND_LINE.call_once(|| String::from(line));
}

/// The kernel's command line, without its secrets.
pub fn command_line() -> &'static str {
    COMMAND_LINE.get().map_or("", String::as_str)
}

/// This boot's id: 32 hexadecimal digits.
pub fn boot_id() -> String {
    String::from(&*facts::get().boot_id)
}

/// The load averages.
pub fn load() -> Load {
    sampler::load()
}

/// Memory by use.
pub fn memory() -> Memory {
    system::memory(facts::get())
}

/// Interrupts by vector.
pub fn interrupt_lines() -> Vec<InterruptLine> {
    system::interrupts()
}

/// `/proc/net/dev`.
///
/// # Errors
/// The writer's.
pub fn write_net_dev(text: &mut String) -> core::fmt::Result {
    text.write_str(
        "Inter-|   Receive                                                |  Transmit\n",
    )?;
    text.write_str(" face |bytes    packets errs drop fifo frame compressed multicast|")?;
    text.write_str("bytes    packets errs drop fifo colls carrier compressed\n")?;
    for interface in network::network().interfaces {
        let (received, sent) = (&interface.received, &interface.sent);
        write!(
            text,
            "{:>6}: {:>7} {:>7}    0 {:>4}",
            &*interface.name, received.bytes, received.packets, received.dropped
        )?;
        write!(text, "    0     0          0         0 {:>8} {:>7}", sent.bytes, sent.packets)?;
        writeln!(text, "    0 {:>4}    0     0       0          0", sent.dropped)?;
    }
    Ok(())
}

/// `/proc/net/route`: the network of each IPv4 address, and the gateway.
///
/// # Errors
/// The writer's.
pub fn write_net_route(text: &mut String) -> core::fmt::Result {
    text.write_str(
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n",
    )?;
    // The loopback's are in a table of their own.
    for interface in network::network().interfaces.iter().filter(|it| &*it.name != "lo") {
        let name = &*interface.name;
        // Addresses stand there as numbers of the machine's byte order.
        let number = |address: [u8; 4]| u32::from_le_bytes(address);
        let gateway = interface.gateway.as_deref().and_then(|gateway| gateway.parse().ok());
        if let Some(IpAddr::V4(gateway)) = gateway {
            writeln!(
                text,
                "{name}\t00000000\t{:08X}\t0003\t0\t0\t0\t00000000\t0\t0\t0",
                number(gateway.octets())
            )?;
        }
        for address in &interface.addresses {
            let Ok(IpAddr::V4(ip)) = address.address.parse() else { continue };
            let mask =
                u32::MAX.checked_shl(32 - u32::from(address.prefix_length.min(32))).unwrap_or(0);
            let network = (u32::from(ip) & mask).to_be_bytes();
            let (network, mask) = (number(network), number(mask.to_be_bytes()));
            writeln!(text, "{name}\t{network:08X}\t00000000\t0001\t0\t0\t0\t{mask:08X}\t0\t0\t0")?;
        }
    }
    Ok(())
}

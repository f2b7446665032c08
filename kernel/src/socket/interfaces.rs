//! The network interfaces, as Linux shows them to programs.

use alloc::vec;
use alloc::vec::Vec;

use net::stack::{IpAddress, IpCidr, Ipv4Address, Ipv4Cidr, Ipv6Address};

use crate::network;

/// `IFF_LOOPBACK`.
pub(super) const LOOPBACK: u16 = 0x8;
/// `IFF_UP`, `IFF_BROADCAST`, `IFF_RUNNING`, `IFF_MULTICAST`.
const UP: u16 = 0x1;
const BROADCAST: u16 = 0x2;
const RUNNING: u16 = 0x40;
const MULTICAST: u16 = 0x1000;

/// An interface.
pub(super) struct Interface {
    pub(super) name: &'static str,
    pub(super) index: i32,
    pub(super) flags: u16,
    pub(super) addresses: Vec<IpCidr>,
    pub(super) gateway: Option<Ipv4Address>,
    pub(super) mtu: i32,
    /// `ARPHRD_*`, and the address.
    pub(super) hardware: (u16, [u8; 6]),
}

impl Interface {
    /// Its first IPv4 address.
    pub(super) fn ipv4(&self) -> Option<Ipv4Cidr> {
        self.addresses.iter().find_map(|address| match address {
            IpCidr::Ipv4(address) => Some(*address),
            IpCidr::Ipv6(_) => None,
        })
    }
}

/// All of them.
pub(super) fn interfaces() -> Vec<Interface> {
    let mut all = vec![Interface {
        name: "lo",
        index: 1,
        flags: UP | LOOPBACK | RUNNING,
        addresses: vec![
            IpCidr::new(IpAddress::Ipv4(Ipv4Address::LOCALHOST), 8),
            IpCidr::new(IpAddress::Ipv6(Ipv6Address::LOCALHOST), 128),
        ],
        gateway: None,
        mtu: 65_536,
        hardware: (772, [0; 6]),
    }];
    if let Some(statistics) = network::statistics() {
        let interface = statistics.interface;
        all.push(Interface {
            name: "eth0",
            index: 2,
            flags: UP | BROADCAST | RUNNING | MULTICAST,
            addresses: interface.addresses,
            gateway: interface.gateway,
            mtu: i32::try_from(interface.mtu_bytes).unwrap_or(1500),
            hardware: (1, interface.mac),
        });
    }
    all
}

//! Where the interface's addresses come from: DHCP with a fall-back, or a fixed one; and IPv6's
//! link-local address from the hardware's.

use alloc::vec::Vec;
use core::time::Duration;

use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::socket::dhcpv4;
use smoltcp::wire::{
    EthernetAddress, IpCidr, IpEndpoint, Ipv4Address, Ipv4Cidr, Ipv6Address, Ipv6Cidr,
};

use super::StackConfig;
use super::statistics::AddressSource;
use crate::time::Instant;

const DNS_PORT: u16 = 53;

/// A fixed IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaticIpv4 {
    /// Address and prefix length.
    pub address: Ipv4Cidr,
    /// The default route.
    pub gateway: Option<Ipv4Address>,
}

/// Where the IPv4 address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ipv4Config {
    /// This address, from the start.
    Static(StaticIpv4),
    /// DHCP. When it has not answered after the given time, the fall-back is used until it does.
    Dhcp {
        /// The address to use instead, and when.
        fallback: Option<(StaticIpv4, Duration)>,
    },
    /// None.
    Disabled,
}

/// The addresses' state.
pub(super) struct Addresses {
    dhcp: Option<SocketHandle>,
    is_dhcp_wanted: bool,
    /// Set up when the time has come, unless DHCP was faster.
    pending: Option<(StaticIpv4, Instant)>,
    source: AddressSource,
    gateway: Option<Ipv4Address>,
    /// Configured ones stay; DHCP's come and go.
    dns_servers: Vec<IpEndpoint>,
    has_own_servers: bool,
}

impl Addresses {
    pub(super) fn new(config: &StackConfig, now: Instant) -> Self {
        let (is_dhcp_wanted, pending) = match config.ipv4 {
            Ipv4Config::Static(address) => (false, Some((address, now))),
            Ipv4Config::Dhcp { fallback } => {
                (true, fallback.map(|(address, after)| (address, now.after(after))))
            }
            Ipv4Config::Disabled => (false, None),
        };
        Self {
            dhcp: None,
            is_dhcp_wanted,
            pending,
            source: AddressSource::None,
            gateway: None,
            dns_servers: config.dns_servers.clone(),
            has_own_servers: !config.dns_servers.is_empty(),
        }
    }

    /// Sets up what needs no waiting.
    pub(super) fn start(
        &mut self,
        interface: &mut Interface,
        control: &mut SocketSet<'static>,
        mac: EthernetAddress,
    ) {
        let link_local = IpCidr::Ipv6(Ipv6Cidr::new(link_local(mac), 64));
        interface.update_ip_addrs(|addresses| {
            // Cannot fail: the list has room for two.
            let _ = addresses.push(link_local);
        });
        if self.is_dhcp_wanted {
            self.dhcp = Some(control.add(dhcpv4::Socket::new()));
        } else if let Some((address, _)) = self.pending.take() {
            self.set_ipv4(interface, Some(&address));
            self.source = AddressSource::Static;
        }
    }

    pub(super) fn source(&self) -> AddressSource {
        self.source
    }

    pub(super) fn gateway(&self) -> Option<Ipv4Address> {
        self.gateway
    }

    pub(super) fn dns_servers(&self) -> &[IpEndpoint] {
        &self.dns_servers
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.pending.map(|(_, at)| at)
    }

    /// Uses the fall-back when its time has come; says whether an address has changed.
    pub(super) fn expire(&mut self, interface: &mut Interface, now: Instant) -> bool {
        let Some((address, _)) = self.pending.take_if(|(_, at)| *at <= now) else { return false };
        self.set_ipv4(interface, Some(&address));
        self.source = AddressSource::Fallback;
        true
    }

    /// Takes over what DHCP has learned; says whether an address has changed.
    pub(super) fn apply_dhcp(
        &mut self,
        interface: &mut Interface,
        control: &mut SocketSet<'static>,
    ) -> bool {
        let Some(handle) = self.dhcp else { return false };
        let learned = match control.get_mut::<dhcpv4::Socket<'_>>(handle).poll() {
            None => return false,
            Some(dhcpv4::Event::Deconfigured) => None,
            Some(dhcpv4::Event::Configured(lease)) => {
                if !self.has_own_servers {
                    let named = lease.dns_servers.iter().filter(|server| is_server(**server));
                    self.dns_servers =
                        named.map(|server| IpEndpoint::new((*server).into(), DNS_PORT)).collect();
                }
                Some(StaticIpv4 { address: lease.address, gateway: lease.router })
            }
        };
        match learned {
            Some(address) if is_usable(address.address.address()) => {
                self.pending = None;
                self.source = AddressSource::Dhcp;
                self.set_ipv4(interface, Some(&address));
                true
            }
            // The lease was lost, or is none; a fall-back that is in use stays.
            _ if self.source == AddressSource::Dhcp => {
                self.source = AddressSource::None;
                if !self.has_own_servers {
                    self.dns_servers.clear();
                }
                self.set_ipv4(interface, None);
                true
            }
            _ => false,
        }
    }

    /// Replaces the IPv4 address and default route; `None` removes them.
    fn set_ipv4(&mut self, interface: &mut Interface, address: Option<&StaticIpv4>) {
        let wanted = address.filter(|address| is_usable(address.address.address()));
        interface.update_ip_addrs(|addresses| {
            addresses.retain(|address| matches!(address, IpCidr::Ipv6(_)));
            if let Some(wanted) = wanted {
                // Cannot fail: the list has room for two, and the other one is IPv6's.
                let _ = addresses.push(IpCidr::Ipv4(wanted.address));
            }
        });
        interface.routes_mut().remove_default_ipv4_route();
        self.gateway = wanted.and_then(|wanted| wanted.gateway);
        if let Some(gateway) = self.gateway {
            // Cannot fail: the table has room, its only other user was just removed.
            let _ = interface.routes_mut().add_default_ipv4_route(gateway);
        }
    }
}

/// smoltcp panics when an interface gets an address that is none of a host.
fn is_usable(address: Ipv4Address) -> bool {
    !(address.is_unspecified() || address.is_broadcast() || address.is_multicast())
}

/// Whether a name server can be at this address: nobody on the network names this machine's loopback.
fn is_server(address: Ipv4Address) -> bool {
    is_usable(address) && !address.is_loopback()
}

/// fe80::/64 with the modified EUI-64 of the hardware address (RFC 4291, appendix A).
fn link_local(mac: EthernetAddress) -> Ipv6Address {
    let [a, b, c, d, e, f] = mac.0;
    let mut octets = [0; 16];
    octets[0] = 0xfe;
    octets[1] = 0x80;
    octets[8..].copy_from_slice(&[a ^ 0x02, b, c, 0xff, 0xfe, d, e, f]);
    Ipv6Address::from(octets)
}

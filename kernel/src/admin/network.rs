//! The network as the API shows it, from what the stack and the server count.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;

use admin_api::types::{
    AddressSource, Counters, HttpCounters, Interface, InterfaceAddress, NameCounters, Network,
    TcpCounters, Text,
};
use drivers::virtio::NetworkCounters;
use net::socket::SharedStack;
use net::stack::{AddressSource as StackSource, IpEndpoint, StackStatistics, TrafficStatistics};

use crate::network::{HttpFigures, KernelStack, http_figures, resolver_figures, statistics};

/// The network as it is now.
pub(super) fn network() -> Network {
    match statistics() {
        Some(stack) => {
            let (is_link_up, signal) = KernelStack.with(|stack| {
                let card = stack.device_mut();
                (card.is_link_up(), card.signal())
            });
            describe(is_link_up, signal.counters(), &stack, &http_figures())
        }
        None => Network {
            interfaces: Vec::new(),
            tcp: TcpCounters::default(),
            http: HttpCounters::default(),
            names: NameCounters::default(),
        },
    }
}

fn describe(
    is_link_up: bool,
    card: &NetworkCounters,
    stack: &StackStatistics,
    http: &HttpFigures,
) -> Network {
    let StackStatistics { interface, tcp, listeners, loopback, .. } = stack;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let [a, b, c, d, e, f] = interface.mac;
    let addresses: Vec<InterfaceAddress> = interface
        .addresses
        .iter()
        .map(|cidr| {
            let address = IpAddr::from(cidr.address());
            InterfaceAddress {
                address: format!("{address}").into(),
                prefix_length: cidr.prefix_len(),
                source: source(address, interface.address_source),
            }
        })
        .collect();
    let no_room = |it: &net::stack::ListenerStatistics| it.refused_backlog + it.refused_limit;
    Network {
        interfaces: vec![
            Interface {
                name: "eth0".into(),
                driver: "virtio-net".into(),
                mac_address: format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}").into(),
                mtu_bytes: count(interface.mtu_bytes),
                link_up: is_link_up,
                addresses,
                gateway: interface.gateway.map(|address| format!("{address}").into()),
                dns_servers: interface.dns_servers.iter().map(name_server).collect(),
                // The stack renews the lease in time and does not say when it would end.
                lease_expires_at: None,
                received: Counters {
                    bytes: interface.received_bytes,
                    packets: interface.received_packets,
                    dropped: card.received_dropped.get(),
                },
                sent: Counters {
                    bytes: interface.sent_bytes,
                    packets: interface.sent_packets,
                    dropped: card.sent_dropped.get(),
                },
            },
            own(loopback),
        ],
        tcp: TcpCounters {
            listening: count(listeners.len()),
            established: count(tcp.connections.established + tcp.connections.queued),
            accepted: tcp.accepted,
            refused: listeners.iter().map(no_room).sum::<u64>() + http.busy,
        },
        http: HttpCounters {
            connections: count(http.connections),
            requests: http.requests,
            malformed: http.refused,
        },
        names: names(),
    }
}

/// What the name server for programs has done.
fn names() -> NameCounters {
    let figures = resolver_figures();
    NameCounters {
        queries: figures.queries,
        malformed: figures.malformed,
        local: figures.local,
        forwarded: figures.forwarded,
        unanswered: figures.unanswered,
        refused: figures.refused,
    }
}

/// A name server; its port is told where it is not the usual one.
fn name_server(server: &IpEndpoint) -> Text {
    match server.port {
        53 => format!("{}", server.addr).into(),
        _ => format!("{server}").into(),
    }
}

/// The interface by which the machine reaches itself.
fn own(traffic: &TrafficStatistics) -> Interface {
    let address = |address: &'static str, prefix_length| InterfaceAddress {
        address: address.into(),
        prefix_length,
        source: AddressSource::Static,
    };
    Interface {
        name: "lo".into(),
        driver: "loopback".into(),
        mac_address: "00:00:00:00:00:00".into(),
        mtu_bytes: 65_535,
        link_up: true,
        addresses: vec![address("127.0.0.1", 8), address("::1", 128)],
        gateway: None,
        dns_servers: Vec::new(),
        lease_expires_at: None,
        received: Counters {
            bytes: traffic.received_bytes,
            packets: traffic.received_packets,
            dropped: 0,
        },
        sent: Counters { bytes: traffic.sent_bytes, packets: traffic.sent_packets, dropped: 0 },
    }
}

/// Where an address comes from: the stack makes IPv6 ones itself, from the hardware address.
fn source(address: IpAddr, ipv4: StackSource) -> AddressSource {
    match (address, ipv4) {
        (IpAddr::V6(_), _) => AddressSource::LinkLocal,
        (IpAddr::V4(_), StackSource::Dhcp) => AddressSource::Dhcp,
        (IpAddr::V4(_), StackSource::Static | StackSource::Fallback | StackSource::None) => {
            AddressSource::Static
        }
    }
}

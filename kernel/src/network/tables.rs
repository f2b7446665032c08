//! The network's tables as text, as Linux shows them under `/proc/net` (proc(5)): what netstat
//! and ifconfig read.

use alloc::format;
use alloc::string::String;
use core::fmt::Write;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use net::stack::{DatagramKind, Identity, IpAddress, IpCidr, IpEndpoint, IpVersion, LocalAddress};

use super::{all_sockets, statistics};

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// `tcp`, `tcp6`.
    Tcp(IpVersion),
    /// `udp`, `udp6`.
    Udp(IpVersion),
    /// `raw`, `raw6`.
    Raw(IpVersion),
    /// `if_inet6`.
    Addresses6,
}

/// The text of a table as it is now.
#[must_use]
pub fn text(table: Table) -> String {
    match table {
        Table::Tcp(version) => tcp(version),
        Table::Udp(version) => datagrams(version, |kind| kind == DatagramKind::Udp),
        Table::Raw(version) => datagrams(version, |kind| kind != DatagramKind::Udp),
        Table::Addresses6 => addresses6(),
    }
}

/// One line of a table of sockets.
struct Line {
    local: IpEndpoint,
    remote: IpEndpoint,
    state: u8,
    queues: (usize, usize),
    identity: Identity,
}

fn lines(title: &str, version: IpVersion, all: impl Iterator<Item = Line>) -> String {
    let mut text = match version {
        IpVersion::Ipv4 => String::from(title),
        IpVersion::Ipv6 => format!(
            "  sl  {:<38} {:<38}st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n",
            "local_address", "remote_address"
        ),
    };
    for (number, line) in all.enumerate() {
        // Cannot fail: it is a string.
        let _ = writeln!(
            text,
            "{number:4}: {} {} {:02X} {:08X}:{:08X} 00:00000000 00000000 {:5}        0 {} 1 \
             0000000000000000 100 0 0 10 0",
            end(version, line.local),
            end(version, line.remote),
            line.state,
            line.queues.0,
            line.queues.1,
            line.identity.uid,
            line.identity.inode,
        );
    }
    text
}

fn tcp(version: IpVersion) -> String {
    const TITLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when \
                         retrnsmt   uid  timeout inode\n";
    let Some(statistics) = statistics() else { return String::from(TITLE) };
    let (connections, _) = all_sockets();
    let listeners = statistics.listeners.iter().filter_map(|listener| {
        let local = bound(version, listener.address, listener.port)?;
        Some(Line {
            local,
            remote: nowhere(version),
            state: 10,
            queues: (0, listener.queued),
            identity: listener.identity,
        })
    });
    let connections = connections.iter().filter(|it| it.local.addr.version() == version);
    let connections = connections.map(|connection| Line {
        local: connection.local,
        remote: connection.remote,
        state: connection.state_number,
        queues: (connection.send_queue_bytes, connection.receive_queue_bytes),
        identity: connection.identity,
    });
    lines(TITLE, version, listeners.chain(connections))
}

fn datagrams(version: IpVersion, is_wanted: impl Fn(DatagramKind) -> bool) -> String {
    const TITLE: &str = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when \
                         retrnsmt   uid  timeout inode ref pointer drops\n";
    let (_, all) = all_sockets();
    let wanted = all.iter().filter(|socket| is_wanted(socket.kind) && socket.version == version);
    let lines_of = wanted.map(|socket| {
        let port = match socket.kind {
            DatagramKind::Raw(protocol) => protocol.into(),
            DatagramKind::Udp | DatagramKind::Echo => socket.local.1,
        };
        let any = nowhere(version).addr;
        Line {
            local: IpEndpoint::new(socket.local.0.one().unwrap_or(any), port),
            remote: socket.remote.unwrap_or(nowhere(version)),
            state: if socket.remote.is_some() { 1 } else { 7 },
            queues: (0, socket.receive_queue_bytes),
            identity: socket.identity,
        }
    });
    lines(TITLE, version, lines_of)
}

fn nowhere(version: IpVersion) -> IpEndpoint {
    let address = match version {
        IpVersion::Ipv4 => IpAddress::from(Ipv4Addr::UNSPECIFIED),
        IpVersion::Ipv6 => IpAddress::from(Ipv6Addr::UNSPECIFIED),
    };
    IpEndpoint::new(address, 0)
}

/// A listener's address, in the table that it belongs to: one for both families in that of IPv6.
fn bound(version: IpVersion, address: LocalAddress, port: u16) -> Option<IpEndpoint> {
    let belongs = match address {
        LocalAddress::AnyV4 => IpVersion::Ipv4,
        LocalAddress::Any | LocalAddress::AnyV6 => IpVersion::Ipv6,
        LocalAddress::One(address) => address.version(),
    };
    let address = address.one().unwrap_or(nowhere(version).addr);
    (belongs == version).then(|| IpEndpoint::new(address, port))
}

/// Words in the order of this machine's bytes, as Linux prints them.
fn end(version: IpVersion, endpoint: IpEndpoint) -> String {
    let mut text = String::new();
    let host = match (version, IpAddr::from(endpoint.addr)) {
        (IpVersion::Ipv6, IpAddr::V4(four)) => IpAddr::V6(four.to_ipv6_mapped()),
        (_, host) => host,
    };
    let mut words = |octets: &[u8]| {
        for word in octets.chunks_exact(4) {
            let word = word.iter().rev().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
            // Cannot fail: it is a string.
            let _ = write!(text, "{word:08X}");
        }
    };
    match host {
        IpAddr::V4(four) => words(&four.octets()),
        IpAddr::V6(six) => words(&six.octets()),
    }
    let _ = write!(text, ":{:04X}", endpoint.port);
    text
}

fn addresses6() -> String {
    let mut text = format!("{:032x} 01 80 10 80 {:>8}\n", Ipv6Addr::LOCALHOST.to_bits(), "lo");
    let Some(statistics) = statistics() else { return text };
    for address in &statistics.interface.addresses {
        if let IpCidr::Ipv6(own) = address {
            let bits = own.address().to_bits();
            let scope = if own.address().is_unicast_link_local() { 0x20 } else { 0 };
            let length = own.prefix_len();
            // Cannot fail: it is a string.
            let _ = writeln!(text, "{bits:032x} 02 {length:02x} {scope:02x} 80 {:>8}", "eth0");
        }
    }
    text
}

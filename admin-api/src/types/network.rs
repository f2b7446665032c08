//! The network: [`Network`].

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Text, Timestamp};

/// Interfaces and the counters of the TCP/IP stack and the admin server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Network {
    /// The network interfaces.
    pub interfaces: Vec<Interface>,
    /// TCP on all interfaces.
    pub tcp: TcpCounters,
    /// The admin server.
    pub http: HttpCounters,
    /// The name server for programs.
    pub names: NameCounters,
}

/// One network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Interface {
    /// Its name, such as `eth0`.
    pub name: Text,
    /// The driver.
    pub driver: Text,
    /// The hardware address, such as `52:54:00:12:34:56`.
    pub mac_address: Text,
    /// Largest packet without the link's header.
    pub mtu_bytes: u32,
    /// Whether it has a link.
    pub link_up: bool,
    /// Its addresses.
    pub addresses: Vec<InterfaceAddress>,
    /// The default gateway.
    pub gateway: Option<Text>,
    /// The name servers.
    pub dns_servers: Vec<Text>,
    /// When the DHCP lease ends; `null` without one.
    pub lease_expires_at: Option<Timestamp>,
    /// What came in.
    pub received: Counters,
    /// What went out.
    pub sent: Counters,
}

/// Where an address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AddressSource {
    /// From a DHCP server.
    Dhcp,
    /// From the configuration, or the fallback when no server answered.
    Static,
    /// Made from the hardware address.
    LinkLocal,
}

/// One address of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InterfaceAddress {
    /// The address, such as `10.0.2.15`.
    pub address: Text,
    /// Bits of the network's prefix.
    pub prefix_length: u8,
    /// Where it comes from.
    pub source: AddressSource,
}

/// Packets in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Counters {
    /// Bytes, with the link's headers.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Packets given up, for lack of a buffer or because they were broken.
    pub dropped: u64,
}

/// TCP connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TcpCounters {
    /// Sockets that wait for connections.
    pub listening: u32,
    /// Connections that are open.
    pub established: u32,
    /// Connections accepted since boot.
    pub accepted: u64,
    /// Connections turned away because there was no room.
    pub refused: u64,
}

/// The admin server's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HttpCounters {
    /// Connections that are open.
    pub connections: u32,
    /// Requests answered since boot.
    pub requests: u64,
    /// Requests refused as malformed, too large or too slow.
    pub malformed: u64,
}

/// The counters of the name server for programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NameCounters {
    /// Messages from programs since boot.
    pub queries: u64,
    /// Of these, what was no question.
    pub malformed: u64,
    /// Questions answered from what the kernel knows.
    pub local: u64,
    /// Questions passed on to other name servers.
    pub forwarded: u64,
    /// Of these, what no server answered in time.
    pub unanswered: u64,
    /// Questions turned away because too many were waiting.
    pub refused: u64,
}

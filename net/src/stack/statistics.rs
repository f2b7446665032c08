//! What the stack counts, and the snapshot of it that the API shows.

use alloc::sync::Arc;
use alloc::vec::Vec;

use smoltcp::phy::Device;
use smoltcp::socket::tcp;
use smoltcp::wire::{IpCidr, IpEndpoint, IpVersion, Ipv4Address};

use super::Stack;
use super::connection::{Connection, Phase};
use super::datagram::DatagramKind;
use super::listener::{BacklogFull, ListenerId};
use super::local::LocalAddress;
use super::observer::{Identity, Observer};
use crate::time::Instant;

/// Counts of the interface.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct InterfaceCounters {
    pub(super) received_packets: u64,
    pub(super) received_bytes: u64,
    pub(super) sent_packets: u64,
    pub(super) sent_bytes: u64,
    pub(super) sent_full: u64,
}

/// Counts of TCP that belong to no listener.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TcpCounters {
    pub(super) accepted: u64,
    pub(super) opened: u64,
    pub(super) without_listener: u64,
    pub(super) without_connection: u64,
    pub(super) linger_timeouts: u64,
    pub(super) time_wait_evicted: u64,
}

/// Where the IPv4 address in use comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressSource {
    /// There is none.
    None,
    /// It was configured.
    Static,
    /// A DHCP server gave it.
    Dhcp,
    /// It was configured for the case that no DHCP server answers.
    Fallback,
}

/// A snapshot of everything the stack counts.
#[derive(Clone, Debug)]
pub struct StackStatistics {
    /// The interface.
    pub interface: InterfaceStatistics,
    /// TCP over all listeners and connections.
    pub tcp: TcpStatistics,
    /// Each listener.
    pub listeners: Vec<ListenerStatistics>,
    /// What the machine has sent itself.
    pub loopback: TrafficStatistics,
    /// UDP datagrams for ports that nobody has.
    pub datagrams_without_socket: u64,
}

/// Counts of what went through an interface.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrafficStatistics {
    /// Packets received.
    pub received_packets: u64,
    /// Bytes of these.
    pub received_bytes: u64,
    /// Packets sent.
    pub sent_packets: u64,
    /// Bytes of these.
    pub sent_bytes: u64,
}

/// The interface's addresses and counts.
#[derive(Clone, Debug)]
pub struct InterfaceStatistics {
    /// The hardware address.
    pub mac: [u8; 6],
    /// The largest IP packet.
    pub mtu_bytes: usize,
    /// The addresses with their prefix lengths.
    pub addresses: Vec<IpCidr>,
    /// The IPv4 default route.
    pub gateway: Option<Ipv4Address>,
    /// The name servers that were configured, or that DHCP gave.
    pub dns_servers: Vec<IpEndpoint>,
    /// Where the IPv4 address comes from.
    pub address_source: AddressSource,
    /// Frames the device has delivered.
    pub received_packets: u64,
    /// Bytes of these frames.
    pub received_bytes: u64,
    /// Frames given to the device.
    pub sent_packets: u64,
    /// Bytes of these frames.
    pub sent_bytes: u64,
    /// Times the device had no room for a frame; it was tried again.
    pub sent_full: u64,
}

/// TCP's counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpStatistics {
    /// Connections by what they are at now.
    pub connections: ConnectionCounts,
    /// Connections accepted by their users.
    pub accepted: u64,
    /// Connections opened from here.
    pub opened: u64,
    /// SYNs for ports nobody listens on; answered with a reset.
    pub without_listener: u64,
    /// Segments of unknown connections; answered with a reset.
    pub without_connection: u64,
    /// Connections reset because their peer did not take what was written in time.
    pub linger_timeouts: u64,
    /// Connections that left TIME-WAIT early because there were too many.
    pub time_wait_evicted: u64,
    /// Buffers of all connections.
    pub buffer_bytes: u64,
}

/// Connections by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// The handshake is not done.
    pub half_open: usize,
    /// Established, not yet accepted.
    pub queued: usize,
    /// Open in both directions.
    pub established: usize,
    /// One or both ends have closed their sending half.
    pub closing: usize,
    /// Closed, kept for late segments.
    pub time_wait: usize,
}

/// One listener's backlog and counts.
#[derive(Clone, Copy, Debug)]
pub struct ListenerStatistics {
    /// Its id.
    pub id: ListenerId,
    /// Its port.
    pub port: u16,
    /// Its addresses.
    pub address: LocalAddress,
    /// Whose it is; 0 for the kernel's.
    pub owner: u32,
    /// Which of the programs' sockets it is.
    pub identity: Identity,
    /// The most that may wait.
    pub backlog: usize,
    /// Handshakes under way.
    pub half_open: usize,
    /// Connections that wait to be accepted.
    pub queued: usize,
    /// The most that ever waited.
    pub backlog_peak: usize,
    /// What happens to a SYN when the backlog is full.
    pub when_full: BacklogFull,
    /// Connections accepted.
    pub accepted: u64,
    /// SYNs refused because the backlog was full.
    pub refused_backlog: u64,
    /// SYNs refused because there were too many connections.
    pub refused_limit: u64,
    /// SYNs dropped because there was no memory.
    pub refused_memory: u64,
    /// Handshakes that took too long.
    pub handshake_timeouts: u64,
    /// Handshakes the client gave up.
    pub handshake_resets: u64,
    /// Connections the client reset before they were accepted.
    pub queue_resets: u64,
}

/// One connection, for a list of connections.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionStatistics {
    /// Whose it is; 0 for the kernel's, and when its user has let go of it.
    pub owner: u32,
    /// Which of the programs' sockets it is; none before it is accepted, and when its user has let go of it.
    pub identity: Identity,
    /// Linux's number of its state.
    pub state_number: u8,
    /// This end.
    pub local: IpEndpoint,
    /// The other end.
    pub remote: IpEndpoint,
    /// Its TCP state in RFC 9293's words.
    pub state: &'static str,
    /// When its first segment was sent or received.
    pub opened_at: Instant,
    /// When the peer was last heard.
    pub last_heard: Instant,
    /// Bytes its user has read.
    pub received_bytes: u64,
    /// Bytes its user has written.
    pub sent_bytes: u64,
    /// Bytes that wait to be read.
    pub receive_queue_bytes: usize,
    /// Bytes not yet acknowledged.
    pub send_queue_bytes: usize,
}

/// One socket for datagrams, for a list of them.
#[derive(Clone, Copy, Debug)]
pub struct DatagramStatistics {
    /// What it carries.
    pub kind: DatagramKind,
    /// The family it was made for.
    pub version: IpVersion,
    /// Its own addresses and port.
    pub local: (LocalAddress, u16),
    /// The only one it talks to.
    pub remote: Option<IpEndpoint>,
    /// Whose it is.
    pub owner: u32,
    /// Which of the programs' sockets it is.
    pub identity: Identity,
    /// Bytes its user has read.
    pub received_bytes: u64,
    /// Bytes its user has written.
    pub sent_bytes: u64,
    /// Bytes that wait to be read.
    pub receive_queue_bytes: usize,
    /// Datagrams for which there was no room.
    pub dropped: u64,
}

impl<D: Device> Stack<D> {
    /// Everything the stack counts, at this moment.
    #[must_use]
    pub fn statistics(&self) -> StackStatistics {
        let interface = &self.interface_counters;
        let counters = &self.tables.counters;
        let mut connections = ConnectionCounts::default();
        let mut buffer_bytes = 0;
        for connection in self.tables.connections.iter() {
            *bucket(&mut connections, connection) += 1;
            let socket = connection.socket();
            buffer_bytes += (socket.recv_capacity() + socket.send_capacity()) as u64;
        }
        StackStatistics {
            interface: InterfaceStatistics {
                mac: self.mac.0,
                mtu_bytes: self.capabilities.ip_mtu(),
                addresses: self.interface.ip_addrs().to_vec(),
                gateway: self.addresses.gateway(),
                dns_servers: self.addresses.dns_servers().to_vec(),
                address_source: self.addresses.source(),
                received_packets: interface.received_packets,
                received_bytes: interface.received_bytes,
                sent_packets: interface.sent_packets,
                sent_bytes: interface.sent_bytes,
                sent_full: interface.sent_full,
            },
            tcp: TcpStatistics {
                connections,
                accepted: counters.accepted,
                opened: counters.opened,
                without_listener: counters.without_listener,
                without_connection: counters.without_connection,
                linger_timeouts: counters.linger_timeouts,
                time_wait_evicted: counters.time_wait_evicted,
                buffer_bytes,
            },
            listeners: self.tables.listeners.iter().map(listener_statistics).collect(),
            loopback: {
                let counters = &self.loopback.queue.counters;
                TrafficStatistics {
                    received_packets: counters.received_packets,
                    received_bytes: counters.received_bytes,
                    sent_packets: counters.sent_packets,
                    sent_bytes: counters.sent_bytes,
                }
            },
            datagrams_without_socket: self.tables.datagrams.without_socket,
        }
    }

    /// Every socket for datagrams.
    #[must_use]
    pub fn datagrams(&self) -> Vec<DatagramStatistics> {
        let all = self.tables.datagrams.iter();
        all.map(|(_, socket)| DatagramStatistics {
            kind: socket.kind,
            version: socket.version,
            local: (socket.local(), socket.port()),
            remote: socket.remote,
            owner: socket.owner,
            identity: identity(socket.observer.as_ref()),
            received_bytes: socket.received_bytes,
            sent_bytes: socket.sent_bytes,
            receive_queue_bytes: socket.waiting_bytes(),
            dropped: socket.dropped,
        })
        .collect()
    }

    /// Every connection, in no order.
    #[must_use]
    pub fn connections(&self) -> Vec<ConnectionStatistics> {
        self.tables.connections.iter().map(connection_statistics).collect()
    }
}

fn listener_statistics(listener: &super::listener::Listener) -> ListenerStatistics {
    let counters = &listener.counters;
    ListenerStatistics {
        id: listener.id,
        port: listener.config.port,
        address: listener.config.address,
        owner: listener.config.options.owner,
        identity: identity(listener.observer.as_ref()),
        backlog: listener.config.backlog,
        half_open: listener.half_open,
        queued: listener.queue.len(),
        backlog_peak: counters.backlog_peak,
        when_full: listener.config.when_full,
        accepted: counters.accepted,
        refused_backlog: counters.refused_backlog,
        refused_limit: counters.refused_limit,
        refused_memory: counters.refused_memory,
        handshake_timeouts: counters.handshake_timeouts,
        handshake_resets: counters.handshake_resets,
        queue_resets: counters.queue_resets,
    }
}

fn connection_statistics(connection: &Connection) -> ConnectionStatistics {
    let (key, socket) = (&connection.key, connection.socket());
    ConnectionStatistics {
        owner: match connection.phase {
            Phase::Owned | Phase::Queued(_) | Phase::HalfOpen(_) => connection.owner,
            Phase::Orphaned | Phase::TimeWait => 0,
        },
        identity: match connection.phase {
            Phase::Owned => identity(connection.observer.as_ref()),
            _ => Identity::default(),
        },
        state_number: state_number(socket.state()),
        local: IpEndpoint::new(key.local, key.local_port),
        remote: IpEndpoint::new(key.remote, key.remote_port),
        state: state_name(socket.state()),
        opened_at: connection.opened_at,
        last_heard: connection.last_heard,
        received_bytes: connection.received_bytes,
        sent_bytes: connection.sent_bytes,
        receive_queue_bytes: socket.recv_queue(),
        send_queue_bytes: socket.send_queue(),
    }
}

fn identity(observer: Option<&Arc<dyn Observer>>) -> Identity {
    observer.map_or(Identity::default(), |observer| observer.identity())
}

fn bucket<'a>(counts: &'a mut ConnectionCounts, connection: &Connection) -> &'a mut usize {
    match (connection.phase, connection.socket().state()) {
        (Phase::HalfOpen(_), _) | (_, tcp::State::SynSent | tcp::State::SynReceived) => {
            &mut counts.half_open
        }
        (Phase::Queued(_), _) => &mut counts.queued,
        (_, tcp::State::Established) => &mut counts.established,
        (_, tcp::State::TimeWait) => &mut counts.time_wait,
        _ => &mut counts.closing,
    }
}

/// Linux's number of a state (`TCP_ESTABLISHED` and so on).
pub(super) fn state_number(state: tcp::State) -> u8 {
    match state {
        tcp::State::Established => 1,
        tcp::State::SynSent => 2,
        tcp::State::SynReceived => 3,
        tcp::State::FinWait1 => 4,
        tcp::State::FinWait2 => 5,
        tcp::State::TimeWait => 6,
        tcp::State::Closed => 7,
        tcp::State::CloseWait => 8,
        tcp::State::LastAck => 9,
        tcp::State::Listen => 10,
        tcp::State::Closing => 11,
    }
}

fn state_name(state: tcp::State) -> &'static str {
    match state {
        tcp::State::Closed => "closed",
        tcp::State::Listen => "listen",
        tcp::State::SynSent => "syn_sent",
        tcp::State::SynReceived => "syn_received",
        tcp::State::Established => "established",
        tcp::State::FinWait1 => "fin_wait_1",
        tcp::State::FinWait2 => "fin_wait_2",
        tcp::State::CloseWait => "close_wait",
        tcp::State::Closing => "closing",
        tcp::State::LastAck => "last_ack",
        tcp::State::TimeWait => "time_wait",
    }
}

//! The stack: one interface, its connections and its listeners, over smoltcp.
//!
//! smoltcp walks over all sockets for every packet, for every transmission and for every deadline.
//! Here each connection has a socket set of its own: a frame's addresses and ports are looked up
//! first ([`flow`]) and only that connection sees the frame; only connections that were touched
//! are asked for packets; deadlines lie in an ordered set. So a packet costs the same with one
//! connection and with thousands, and a listening socket costs nothing: a connection is made from a
//! SYN when the backlog has room ([`listener`]).
//!
//! Everything takes time as an argument and wakes nobody by itself: wake-ups are collected in a
//! [`WakeList`] that the caller runs after it has let go of its lock.

mod address;
mod checksum;
mod connection;
mod datagram;
mod device;
mod dispatch;
mod flow;
mod front;
mod ingress;
mod listener;
mod local;
mod loopback;
mod membership;
mod messages;
mod observer;
mod operations;
mod packet;
mod ports;
mod program;
mod random;
mod statistics;
mod tables;

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use smoltcp::iface::{Interface, PollResult, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities};
use smoltcp::wire::{EthernetAddress, HardwareAddress};

use address::Addresses;
pub use address::{Ipv4Config, StaticIpv4};
use connection::Via;
pub use connection::{ConnectionId, SocketOptions};
pub use datagram::{DatagramId, DatagramInfo, DatagramKind};
use device::Counted;
pub use front::{
    Candidate, Choose, FrontConfig, FrontFigures, FrontId, MemberFigures, MemberState, UNCLAIMED,
};
pub use listener::{BacklogFull, ListenConfig, ListenError, ListenerId};
pub use local::LocalAddress;
use loopback::Loopback;
pub use messages::SendError;
pub use observer::{Identity, Observer, Ready, WakeList};
pub use operations::ConnectError;
pub use packet::Refusal;
pub use ports::{PortSpace, Reservation, Sharing};
pub use program::{BindError, IoError, Tuning};
use random::Random;
pub use smoltcp::wire::{
    IpAddress, IpCidr, IpEndpoint, IpVersion, Ipv4Address, Ipv4Cidr, Ipv6Address,
};
use statistics::InterfaceCounters;
pub use statistics::{
    AddressSource, ConnectionCounts, ConnectionStatistics, DatagramStatistics, InterfaceStatistics,
    ListenerStatistics, StackStatistics, TcpStatistics, TrafficStatistics,
};
use tables::Tables;

use crate::time::Instant;

/// Frames taken from the device in one poll, so that a flood cannot keep the caller for ever.
const INGRESS_BUDGET: usize = 64;
/// Packets one connection may send before the others get their turn.
const EGRESS_BUDGET: usize = 64;
/// Packets that the machine may send itself before the caller gets something else done.
const LOOPBACK_BUDGET: usize = 256;
/// When to try again after the device had no room for a frame.
const DEVICE_FULL_RETRY: Duration = Duration::from_millis(1);

/// How the stack is set up.
#[derive(Clone, Debug)]
pub struct StackConfig {
    /// The interface's Ethernet address.
    pub mac: [u8; 6],
    /// Seeds sequence numbers and ports: different at each boot, hard to guess.
    pub random_seed: u64,
    /// Where the IPv4 address comes from.
    pub ipv4: Ipv4Config,
    /// The name servers; none: those that DHCP gives.
    pub dns_servers: Vec<IpEndpoint>,
    /// Connections at once, in any state but TIME-WAIT; a SYN beyond is refused.
    pub max_connections: usize,
    /// Connections in TIME-WAIT; the oldest is forgotten for a new one.
    pub max_time_wait: usize,
    /// Connections of programs at once, of those.
    pub max_program_connections: usize,
    /// Bytes of the buffers of programs' connections, together.
    pub max_program_bytes: usize,
    /// How long a closed connection may take to deliver what was written.
    pub linger: Duration,
}

impl StackConfig {
    /// A configuration with DHCP, without a fall-back.
    #[must_use]
    pub fn new(mac: [u8; 6], random_seed: u64) -> Self {
        Self {
            mac,
            random_seed,
            ipv4: Ipv4Config::Dhcp { fallback: None },
            dns_servers: Vec::new(),
            max_connections: 1024,
            max_time_wait: 64,
            max_program_connections: 768,
            max_program_bytes: 64 * 1024 * 1024,
            linger: Duration::from_secs(20),
        }
    }
}

/// The network stack of one Ethernet interface.
pub struct Stack<D: Device> {
    device: D,
    capabilities: DeviceCapabilities,
    interface: Interface,
    mac: EthernetAddress,
    /// DHCP; also what answers frames that belong to no connection: ARP, ICMP, resets.
    control: SocketSet<'static>,
    control_deadline: Option<Instant>,
    addresses: Addresses,
    interface_counters: InterfaceCounters,
    tables: Tables,
    /// Connections that found the device full; they try again in the next poll, to which its
    /// interrupt may lead before their deadline does.
    blocked: Vec<u32>,
    loopback: Loopback,
    /// When to try again to send what datagram sockets have for the wire.
    datagram_deadline: Option<Instant>,
    random: Random,
}

impl<D: Device> Stack<D> {
    /// A stack over `device`. A static address works from the first poll on.
    pub fn new(config: &StackConfig, mut device: D, now: Instant) -> Self {
        // A group address is no station's address; its bit cleared, it is a usable one.
        let mut mac = config.mac;
        mac[0] &= !1;
        let mac = EthernetAddress(mac);
        let mut interface_config = smoltcp::iface::Config::new(HardwareAddress::Ethernet(mac));
        interface_config.random_seed = config.random_seed;
        let mut interface_counters = InterfaceCounters::default();
        let mut counted = Counted { device: &mut device, counters: &mut interface_counters };
        let interface = Interface::new(interface_config, &mut counted, smoltcp_time(now));
        let capabilities = counted.capabilities();
        let mut stack = Self {
            device,
            capabilities,
            interface,
            mac,
            control: SocketSet::new(vec![]),
            control_deadline: Some(now),
            addresses: Addresses::new(config, now),
            interface_counters,
            tables: Tables::new(config),
            blocked: Vec::new(),
            loopback: Loopback::new(config.random_seed.rotate_left(32), now),
            datagram_deadline: None,
            random: Random::new(config.random_seed),
        };
        stack.addresses.start(&mut stack.interface, &mut stack.control, mac);
        stack
    }

    /// Takes in what the device received, lets time pass, and sends what is to be sent.
    /// Wake-ups go to `wakes`. Returns when to poll again at the latest; `now` or earlier means
    /// that there is more to do at once.
    pub fn poll(&mut self, now: Instant, wakes: &mut WakeList) -> Option<Instant> {
        for index in core::mem::take(&mut self.blocked) {
            self.tables.mark_dirty(index);
        }
        let more = self.receive(now);
        self.expire(now);
        self.transmit(now);
        wakes.append(&mut self.tables.wakes);
        if more { Some(now) } else { self.next_deadline(now) }
    }

    /// Sends what tasks have written since the last poll, without looking at the device's
    /// receive queue.
    pub fn flush(&mut self, now: Instant, wakes: &mut WakeList) -> Option<Instant> {
        self.transmit(now);
        wakes.append(&mut self.tables.wakes);
        self.next_deadline(now)
    }

    /// Whether a connection was touched since the last poll, so that there may be packets to send.
    #[must_use]
    pub fn wants_flush(&self) -> bool {
        !self.tables.dirty.is_empty()
            || !self.loopback.queue.is_empty()
            || !self.tables.datagrams.unsent.is_empty() && self.datagram_deadline.is_none()
    }

    /// The device.
    pub fn device_mut(&mut self) -> &mut D {
        &mut self.device
    }

    /// The interface's IPv4 address, once there is one.
    #[must_use]
    pub fn ipv4_address(&self) -> Option<Ipv4Address> {
        self.interface.ipv4_addr()
    }

    /// The name servers, of this configuration or from DHCP.
    #[must_use]
    pub fn dns_servers(&self) -> &[IpEndpoint] {
        self.addresses.dns_servers()
    }

    fn next_deadline(&self, now: Instant) -> Option<Instant> {
        if self.wants_flush() {
            return Some(now);
        }
        let (control, addresses) = (self.control_deadline, self.addresses.deadline());
        [self.tables.next_deadline(), control, addresses, self.datagram_deadline]
            .into_iter()
            .flatten()
            .min()
    }

    /// When to poll at the latest; `now` if there is something to do at once.
    #[must_use]
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        self.next_deadline(now)
    }

    /// Lets what waits for a neighbour's address try again.
    fn retry_waiting(&mut self) {
        self.tables.mark_all_dirty();
        self.datagram_deadline = None;
    }

    /// Marks connections whose deadline has come, and serves the control sockets.
    fn expire(&mut self, now: Instant) {
        self.tables.expire(now);
        if self.control_deadline.is_some_and(|at| at <= now) {
            self.serve_control(now);
        }
        self.datagram_deadline.take_if(|at| *at <= now);
        if self.addresses.expire(&mut self.interface, now) {
            self.retry_waiting();
        }
    }

    /// Sends the control sockets' packets and takes over what DHCP has learned.
    fn serve_control(&mut self, now: Instant) {
        let time = smoltcp_time(now);
        let mut device =
            Counted { device: &mut self.device, counters: &mut self.interface_counters };
        for _ in 0..EGRESS_BUDGET {
            let sent = self.interface.poll_egress(time, &mut device, &mut self.control);
            if sent == PollResult::None {
                break;
            }
        }
        if self.addresses.apply_dhcp(&mut self.interface, &mut self.control) {
            self.retry_waiting();
        }
        self.control_deadline = self
            .interface
            .poll_at(time, &self.control)
            .map(|at| our_time(at).max(now.after(DEVICE_FULL_RETRY)));
    }

    /// Lets everyone send, and takes in what the machine sends itself, until that has come to rest
    /// or has taken its share of time.
    fn transmit(&mut self, now: Instant) {
        self.transmit_datagrams(now);
        self.transmit_dirty(now);
        for _ in 0..LOOPBACK_BUDGET {
            if self.receive_own(now) {
                continue;
            }
            // What has come in may be answered, and answers may go to the machine itself.
            self.transmit_dirty(now);
            if self.loopback.queue.is_empty() {
                return;
            }
        }
    }

    /// Lets the datagram sockets send what they have for the wire.
    fn transmit_datagrams(&mut self, now: Instant) {
        if self.tables.datagrams.unsent.is_empty() || self.datagram_deadline.is_some() {
            return;
        }
        let time = smoltcp_time(now);
        let mut unsent = core::mem::take(&mut self.tables.datagrams.unsent);
        let mut deadline: Option<Instant> = None;
        unsent.retain(|&id| {
            let Some(socket) = self.tables.datagrams.get_mut(id) else { return false };
            let Some(set) = socket.outgoing() else { return false };
            let mut device =
                Counted { device: &mut self.device, counters: &mut self.interface_counters };
            let _has_sent_all = (0..EGRESS_BUDGET)
                .any(|_| self.interface.poll_egress(time, &mut device, set) == PollResult::None);
            let poll_at = self.interface.poll_at(time, set);
            socket.tell_room(&mut self.tables.wakes);
            if !socket.has_unsent() {
                return false;
            }
            let again = poll_at.map_or(now, our_time).max(now.after(DEVICE_FULL_RETRY));
            deadline = Some(deadline.map_or(again, |known| known.min(again)));
            true
        });
        self.tables.datagrams.unsent = unsent;
        self.datagram_deadline = deadline;
    }

    /// Lets every touched connection send.
    fn transmit_dirty(&mut self, now: Instant) {
        // Connections marked while this runs wait for the next poll.
        for _ in 0..self.tables.dirty.len() {
            let Some(index) = self.tables.dirty.pop_front() else { return };
            self.transmit_one(index, now);
        }
    }

    fn transmit_one(&mut self, index: u32, now: Instant) {
        let Some(connection) = self.tables.connections.at_mut(index) else { return };
        connection.is_dirty = false;
        let time = smoltcp_time(now);
        let (has_sent_all, poll_at, was_full) = match connection.via {
            Via::Wire => {
                let times_full = self.interface_counters.sent_full;
                let mut device =
                    Counted { device: &mut self.device, counters: &mut self.interface_counters };
                let (interface, set) = (&mut self.interface, &mut connection.set);
                let has_sent_all = send_all(interface, &mut device, set, time);
                let was_full = self.interface_counters.sent_full != times_full;
                (has_sent_all, interface.poll_at(time, set), was_full)
            }
            Via::Loopback => {
                let times_full = self.loopback.queue.counters.sent_full;
                let (interface, set) = (&mut self.loopback.interface, &mut connection.set);
                let has_sent_all = send_all(interface, &mut self.loopback.queue, set, time);
                let was_full = self.loopback.queue.counters.sent_full != times_full;
                (has_sent_all, interface.poll_at(time, set), was_full)
            }
        };
        if was_full {
            self.blocked.push(index);
        }
        connection.poll_at = poll_at.map(|at| our_time(at).max(now.after(DEVICE_FULL_RETRY)));
        if !has_sent_all {
            self.tables.mark_dirty(index);
        }
        self.tables.settle(index, now);
    }
}

/// Lets one connection send its share; says whether that was all.
fn send_all<D: Device>(
    interface: &mut Interface,
    device: &mut D,
    set: &mut SocketSet<'static>,
    time: smoltcp::time::Instant,
) -> bool {
    (0..EGRESS_BUDGET).any(|_| interface.poll_egress(time, device, set) == PollResult::None)
}

/// smoltcp counts microseconds.
fn smoltcp_time(at: Instant) -> smoltcp::time::Instant {
    smoltcp::time::Instant::from_micros(i64::try_from(at.as_nanos() / 1_000).unwrap_or(i64::MAX))
}

/// A deadline of smoltcp's, never earlier than meant.
fn our_time(at: smoltcp::time::Instant) -> Instant {
    Instant::from_nanos(u64::try_from(at.total_micros()).unwrap_or(0).saturating_mul(1_000))
}

fn smoltcp_duration(duration: Duration) -> smoltcp::time::Duration {
    smoltcp::time::Duration::from_micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

//! Sockets for datagrams: UDP, ICMP echo, and raw IP.
//!
//! What comes in is looked up by port and copied into the socket's own queue; what goes out is made
//! into a packet here. Only packets for the wire pass through a socket of smoltcp's, which knows how
//! to wait for a neighbour's hardware address.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::task::Waker;

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::raw;
use smoltcp::storage::PacketMetadata;
use smoltcp::wire::{IpAddress, IpEndpoint, IpProtocol, IpVersion};

use super::WakeList;
use super::local::LocalAddress;
use super::observer::{Observer, Ready};
use super::packet::{self, Packet, Refusal};
use super::ports::Reservation;

/// Datagrams that wait to be read from one socket at the most.
const MOST_WAITING: usize = 1024;
/// What one waiting datagram counts beside its bytes.
const OVERHEAD_BYTES: usize = 256;
/// Packets and bytes that wait for the wire, for each socket.
const SEND_PACKETS: usize = 32;
const SEND_BYTES: usize = 48 * 1024;
/// Sockets that wait for the wire or not, in all.
const MOST_SOCKETS: usize = 1024;

/// Names a socket for datagrams; never again used for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatagramId(u64);

/// What a socket for datagrams carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatagramKind {
    /// UDP.
    Udp,
    /// Echo requests and their answers, without the header of IP.
    Echo,
    /// All packets of one protocol of IP; received with the header of IPv4.
    Raw(u8),
}

/// A datagram that was received.
#[derive(Debug)]
struct Datagram {
    from: IpEndpoint,
    to: IpAddress,
    hop_limit: u8,
    bytes: Vec<u8>,
}

/// What `receive` tells of a datagram.
#[derive(Clone, Copy, Debug)]
pub struct DatagramInfo {
    /// Bytes that were copied.
    pub count: usize,
    /// Bytes that it has.
    pub length: usize,
    /// Who sent it.
    pub from: IpEndpoint,
    /// Where it was sent to.
    pub to: IpAddress,
    /// Its hop limit when it arrived.
    pub hop_limit: u8,
}

/// One socket.
pub(super) struct DatagramSocket {
    pub(super) kind: DatagramKind,
    pub(super) version: IpVersion,
    pub(super) owner: u32,
    pub(super) reservation: Option<Reservation>,
    /// The only one it talks to.
    pub(super) remote: Option<IpEndpoint>,
    /// The own address when it talks to one.
    pub(super) source: Option<IpAddress>,
    pub(super) hop_limit: u8,
    /// Of a raw socket for ICMP: the types of messages that it does not want, a bit each.
    pub(super) unwanted: [u32; 8],
    pub(super) receive_limit_bytes: usize,
    queue: VecDeque<Datagram>,
    queue_bytes: usize,
    pub(super) refusal: Option<Refusal>,
    pub(super) observer: Option<Arc<dyn Observer>>,
    pub(super) reader: Option<Waker>,
    /// For the wire; made when it is first needed.
    outgoing: Option<(SocketSet<'static>, SocketHandle)>,
    wants_room: bool,
    pub(super) dropped: u64,
    pub(super) received_bytes: u64,
    pub(super) sent_bytes: u64,
}

impl DatagramSocket {
    pub(super) fn local(&self) -> LocalAddress {
        self.source.map_or_else(
            || self.reservation.map_or(LocalAddress::Any, |held| held.address),
            LocalAddress::One,
        )
    }

    pub(super) fn port(&self) -> u16 {
        self.reservation.map_or(0, |held| held.port)
    }

    /// How well it fits: the one that names most wins.
    fn fits(&self, to: IpAddress, from: IpEndpoint) -> Option<u8> {
        let is_meant = self.local().takes(to)
            || to.is_multicast()
            || matches!(to, IpAddress::Ipv4(address) if address.is_broadcast());
        match self.remote {
            _ if !is_meant => None,
            Some(remote) => (remote == from).then_some(4),
            None => Some(if self.local().one().is_some() { 2 } else { 1 }),
        }
    }

    /// Whether it wants an ICMP message of this type.
    fn wants(&self, kind: u8) -> bool {
        let word = self.unwanted.get(usize::from(kind / 32)).copied().unwrap_or(0);
        word >> (kind % 32) & 1 == 0
    }

    fn take_in(&mut self, datagram: Datagram, wakes: &mut WakeList) {
        let size = datagram.bytes.len() + OVERHEAD_BYTES;
        if self.queue.len() >= MOST_WAITING
            || self.queue_bytes.saturating_add(size) > self.receive_limit_bytes.max(2 * size)
            || self.queue.try_reserve(1).is_err()
        {
            self.dropped += 1;
            return;
        }
        self.queue_bytes += size;
        self.queue.push_back(datagram);
        wakes.push(self.reader.take());
        wakes.tell(self.observer.as_ref(), Ready::READ);
    }

    /// Takes the next datagram, or only looks at it.
    pub(super) fn receive(&mut self, buffer: &mut [u8], takes: bool) -> Option<DatagramInfo> {
        let datagram = self.queue.front()?;
        let count = datagram.bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&datagram.bytes[..count]);
        let Datagram { from, to, hop_limit, ref bytes } = *datagram;
        let length = bytes.len();
        if takes {
            self.queue.pop_front();
            self.queue_bytes = self.queue_bytes.saturating_sub(length + OVERHEAD_BYTES);
            self.received_bytes += length as u64;
        }
        Some(DatagramInfo { count, length, from, to, hop_limit })
    }

    /// The length of the next datagram.
    pub(super) fn next_length(&self) -> Option<usize> {
        self.queue.front().map(|datagram| datagram.bytes.len())
    }

    pub(super) fn waiting_bytes(&self) -> usize {
        self.queue.iter().map(|datagram| datagram.bytes.len()).sum()
    }

    pub(super) fn readiness(&self) -> Ready {
        let has_room = self
            .outgoing
            .as_ref()
            .is_none_or(|(set, handle)| set.get::<raw::Socket<'_>>(*handle).can_send());
        Ready::NONE
            .with_if(!self.queue.is_empty(), Ready::READ)
            .with_if(has_room, Ready::WRITE)
            .with_if(self.refusal.is_some(), Ready::ERROR | Ready::READ)
    }

    /// Puts a packet where the wire's turn finds it. False without room.
    pub(super) fn queue_for_wire(&mut self, packet: &[u8]) -> bool {
        let (set, handle) = self.outgoing.get_or_insert_with(|| {
            let nothing = || raw::PacketBuffer::new(vec![], vec![]);
            let buffer = raw::PacketBuffer::new(
                vec![PacketMetadata::EMPTY; SEND_PACKETS],
                vec![0; SEND_BYTES],
            );
            let mut set = SocketSet::new(Vec::with_capacity(1));
            let handle = set.add(raw::Socket::new(None, None, nothing(), buffer));
            (set, handle)
        });
        let is_queued = set.get_mut::<raw::Socket<'_>>(*handle).send_slice(packet).is_ok();
        self.wants_room |= !is_queued;
        is_queued
    }

    pub(super) fn outgoing(&mut self) -> Option<&mut SocketSet<'static>> {
        self.outgoing.as_mut().map(|(set, _)| set)
    }

    pub(super) fn has_unsent(&self) -> bool {
        self.outgoing
            .as_ref()
            .is_some_and(|(set, handle)| set.get::<raw::Socket<'_>>(*handle).send_queue() > 0)
    }

    /// Something went out.
    pub(super) fn tell_room(&mut self, wakes: &mut WakeList) {
        if self.wants_room && self.readiness().has(Ready::WRITE) {
            self.wants_room = false;
            wakes.tell(self.observer.as_ref(), Ready::WRITE);
        }
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Datagrams {
    sockets: BTreeMap<DatagramId, DatagramSocket>,
    /// UDP's and echo's by port.
    by_port: BTreeMap<(bool, u16), Vec<DatagramId>>,
    next_id: u64,
    /// Sockets that may have something for the wire.
    pub(super) unsent: Vec<DatagramId>,
    /// UDP datagrams for ports that nobody has.
    pub(super) without_socket: u64,
}

impl Datagrams {
    pub(super) fn open(
        &mut self,
        kind: DatagramKind,
        version: IpVersion,
        owner: u32,
        observer: Option<Arc<dyn Observer>>,
    ) -> Option<DatagramId> {
        if self.sockets.len() >= MOST_SOCKETS {
            return None;
        }
        self.next_id += 1;
        let id = DatagramId(self.next_id);
        let socket = DatagramSocket {
            kind,
            version,
            owner,
            reservation: None,
            remote: None,
            source: None,
            hop_limit: 64,
            unwanted: [0; 8],
            receive_limit_bytes: 212_992,
            queue: VecDeque::new(),
            queue_bytes: 0,
            refusal: None,
            observer,
            reader: None,
            outgoing: None,
            wants_room: false,
            dropped: 0,
            received_bytes: 0,
            sent_bytes: 0,
        };
        self.sockets.insert(id, socket);
        Some(id)
    }

    pub(super) fn close(&mut self, id: DatagramId) -> Option<Reservation> {
        let socket = self.sockets.remove(&id)?;
        self.unsent.retain(|&unsent| unsent != id);
        let reservation = socket.reservation?;
        let key = (socket.kind == DatagramKind::Udp, reservation.port);
        if let Some(ids) = self.by_port.get_mut(&key) {
            ids.retain(|&known| known != id);
            if ids.is_empty() {
                self.by_port.remove(&key);
            }
        }
        Some(reservation)
    }

    pub(super) fn get(&self, id: DatagramId) -> Option<&DatagramSocket> {
        self.sockets.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: DatagramId) -> Option<&mut DatagramSocket> {
        self.sockets.get_mut(&id)
    }

    pub(super) fn bind(&mut self, id: DatagramId, reservation: Reservation) {
        let Some(socket) = self.sockets.get_mut(&id) else { return };
        socket.reservation = Some(reservation);
        let key = (socket.kind == DatagramKind::Udp, reservation.port);
        self.by_port.entry(key).or_default().push(id);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (DatagramId, &DatagramSocket)> {
        self.sockets.iter().map(|(id, socket)| (*id, socket))
    }

    /// Gives a packet that came for this machine to its sockets. Says whether that is all there is to
    /// do with it; if not, somebody may want to answer it.
    pub(super) fn take_in(
        &mut self,
        packet: &Packet<'_>,
        has_sums: bool,
        wakes: &mut WakeList,
    ) -> bool {
        self.take_in_raw(packet, wakes);
        match packet.protocol {
            IpProtocol::Udp => self.take_in_udp(packet, has_sums, wakes),
            IpProtocol::Icmp | IpProtocol::Icmpv6 => {
                self.take_in_echo(packet, wakes);
                self.take_in_refusal(packet, wakes);
                false
            }
            _ => false,
        }
    }

    fn take_in_raw(&mut self, packet: &Packet<'_>, wakes: &mut WakeList) {
        let from = IpEndpoint::new(packet.source, 0);
        for socket in self.sockets.values_mut() {
            let DatagramKind::Raw(protocol) = socket.kind else { continue };
            let kind = match packet.protocol {
                IpProtocol::Icmp | IpProtocol::Icmpv6 => packet.payload.first(),
                _ => None,
            };
            let is_meant = protocol == u8::from(packet.protocol)
                && kind.is_none_or(|kind| socket.wants(*kind))
                && socket.version == packet.source.version()
                && socket.remote.is_none_or(|remote| remote.addr == packet.source)
                && socket.local().takes(packet.destination);
            let bytes = match packet.source {
                IpAddress::Ipv4(_) => packet.whole,
                IpAddress::Ipv6(_) => packet.payload,
            };
            if is_meant && let Some(datagram) = datagram(packet, from, bytes) {
                socket.take_in(datagram, wakes);
            }
        }
    }

    fn take_in_udp(&mut self, packet: &Packet<'_>, has_sums: bool, wakes: &mut WakeList) -> bool {
        let Some((source_port, port, payload)) = packet::udp(packet, has_sums) else { return true };
        let from = IpEndpoint::new(packet.source, source_port);
        let mut best = None;
        for &id in self.by_port.get(&(true, port)).map(Vec::as_slice).unwrap_or_default() {
            let Some(socket) = self.sockets.get(&id) else { continue };
            if let Some(fit) = socket.fits(packet.destination, from)
                && best.is_none_or(|(best, _)| fit >= best)
            {
                best = Some((fit, id));
            }
        }
        let Some(socket) = best.and_then(|(_, id)| self.sockets.get_mut(&id)) else {
            self.without_socket += 1;
            return false;
        };
        match datagram(packet, from, payload) {
            Some(datagram) => socket.take_in(datagram, wakes),
            None => socket.dropped += 1,
        }
        true
    }

    fn take_in_echo(&mut self, packet: &Packet<'_>, wakes: &mut WakeList) {
        const REPLY_V4: u8 = 0;
        const REPLY_V6: u8 = 129;
        let is_reply = match (packet.protocol, packet.payload.first()) {
            (IpProtocol::Icmp, Some(&kind)) => kind == REPLY_V4,
            (_, Some(&kind)) => kind == REPLY_V6,
            _ => false,
        };
        let Some(&[high, low]) = packet.payload.get(4..6).and_then(<[u8]>::first_chunk) else {
            return;
        };
        if !is_reply {
            return;
        }
        let ident = u16::from_be_bytes([high, low]);
        let from = IpEndpoint::new(packet.source, 0);
        for &id in self.by_port.get(&(false, ident)).map(Vec::as_slice).unwrap_or_default() {
            let Some(socket) = self.sockets.get_mut(&id) else { continue };
            let is_meant = socket.version == packet.source.version()
                && socket.remote.is_none_or(|remote| remote.addr == packet.source);
            if is_meant && let Some(datagram) = datagram(packet, from, packet.payload) {
                socket.take_in(datagram, wakes);
            }
        }
    }

    /// A connected socket hears that its datagrams do not arrive (RFC 1122, 4.1.3.3).
    fn take_in_refusal(&mut self, packet: &Packet<'_>, wakes: &mut WakeList) {
        let Some((refusal, inner)) = packet::undelivered(packet) else { return };
        let Some(((own, own_port), (to, port))) = packet::udp_flow(inner) else { return };
        for &id in self.by_port.get(&(true, own_port)).map(Vec::as_slice).unwrap_or_default() {
            let Some(socket) = self.sockets.get_mut(&id) else { continue };
            if socket.remote == Some(IpEndpoint::new(to, port)) && socket.local().takes(own) {
                socket.refusal = Some(refusal);
                wakes.push(socket.reader.take());
                wakes.tell(socket.observer.as_ref(), Ready::ERROR | Ready::READ);
            }
        }
    }
}

/// `None` without memory: datagrams may be lost.
fn datagram(packet: &Packet<'_>, from: IpEndpoint, content: &[u8]) -> Option<Datagram> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(content.len()).ok()?;
    bytes.extend_from_slice(content);
    Some(Datagram { from, to: packet.destination, hop_limit: packet.hop_limit, bytes })
}

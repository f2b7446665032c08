//! What users do with sockets for datagrams. Nothing here waits.

use alloc::sync::Arc;
use core::task::{Poll, Waker};

use smoltcp::phy::Device;
use smoltcp::wire::{IpAddress, IpEndpoint, IpProtocol, IpVersion};

use super::Stack;
use super::datagram::{DatagramId, DatagramInfo, DatagramKind};
use super::local::LocalAddress;
use super::observer::{Observer, Ready};
use super::operations::register;
use super::packet::{self, Refusal};
use super::ports::{PortSpace, Sharing};
use super::program::BindError;

/// Why a datagram cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// There is no such socket any more.
    Closed,
    /// Nobody said where to.
    NoDestination,
    /// There is no way there, or no address of the right family.
    Unreachable,
    /// It is longer than the wire's packets or than the protocol allows.
    TooLong,
    /// There is no room at the moment.
    Full,
    /// There is no memory, or no port is free.
    Exhausted,
    /// It is no echo request.
    Malformed,
    /// An earlier one was not delivered.
    Refused(Refusal),
}

impl<D: Device> Stack<D> {
    /// Makes a socket for datagrams. `owner` is whatever its user is known by. `None` when there are
    /// too many.
    pub fn open_datagram(
        &mut self,
        kind: DatagramKind,
        version: IpVersion,
        owner: u32,
        observer: Option<Arc<dyn Observer>>,
    ) -> Option<DatagramId> {
        self.tables.datagrams.open(kind, version, owner, observer)
    }

    /// Ends a socket; what waits to be sent is forgotten.
    pub fn close_datagram(&mut self, id: DatagramId) {
        if let Some(reservation) = self.tables.datagrams.close(id) {
            self.tables.ports.give_back(reservation);
        }
    }

    /// Binds a socket; port 0 lets one be chosen.
    ///
    /// # Errors
    /// When it is bound already, or the port or address cannot be had.
    pub fn bind_datagram(
        &mut self,
        id: DatagramId,
        address: LocalAddress,
        port: u16,
        sharing: Sharing,
    ) -> Result<(), BindError> {
        let socket = self.tables.datagrams.get(id).ok_or(BindError::Invalid)?;
        if socket.reservation.is_some() {
            return Err(BindError::Invalid);
        }
        let space = match socket.kind {
            DatagramKind::Udp => PortSpace::Udp,
            DatagramKind::Echo => PortSpace::Echo,
            // Raw sockets have an address but no port of which there is one.
            DatagramKind::Raw(_) => PortSpace::Echo,
        };
        let sharing = match socket.kind {
            DatagramKind::Raw(_) => Sharing { address: true, port: true, member: 0 },
            _ => sharing,
        };
        let reservation = self.reserve(space, address, port, sharing)?;
        self.tables.datagrams.bind(id, reservation);
        Ok(())
    }

    /// Sets the only one the socket talks to, or lets it talk to everyone again.
    ///
    /// # Errors
    /// When there is no way there, or no port.
    pub fn connect_datagram(
        &mut self,
        id: DatagramId,
        remote: Option<IpEndpoint>,
    ) -> Result<(), SendError> {
        let Some(remote) = remote else {
            let socket = self.tables.datagrams.get_mut(id).ok_or(SendError::Closed)?;
            socket.remote = None;
            socket.source = None;
            return Ok(());
        };
        let source = self.datagram_source(id, remote.addr)?;
        self.choose_port(id)?;
        let socket = self.tables.datagrams.get_mut(id).ok_or(SendError::Closed)?;
        socket.remote = Some(remote);
        socket.source = Some(source);
        socket.refusal = None;
        Ok(())
    }

    /// The own address with which to send to `remote`.
    fn datagram_source(&self, id: DatagramId, remote: IpAddress) -> Result<IpAddress, SendError> {
        let socket = self.tables.datagrams.get(id).ok_or(SendError::Closed)?;
        let bound = socket.reservation.and_then(|held| held.address.one());
        let connected = socket
            .source
            .filter(|_| socket.remote.is_some_and(|connected| connected.addr == remote));
        let source = connected.or(bound).filter(|bound| !bound.is_multicast());
        source
            .or_else(|| self.source_for(remote))
            .filter(|source| source.version() == remote.version())
            .ok_or(SendError::Unreachable)
    }

    fn choose_port(&mut self, id: DatagramId) -> Result<(), SendError> {
        let socket = self.tables.datagrams.get(id).ok_or(SendError::Closed)?;
        if socket.reservation.is_some() || matches!(socket.kind, DatagramKind::Raw(_)) {
            return Ok(());
        }
        let address = match socket.version {
            IpVersion::Ipv4 => LocalAddress::AnyV4,
            IpVersion::Ipv6 => LocalAddress::Any,
        };
        self.bind_datagram(id, address, 0, Sharing::default()).map_err(|_| SendError::Exhausted)
    }

    /// Sends one datagram. For echo sockets `bytes` is the whole message, whose identifier is set
    /// here.
    ///
    /// # Errors
    /// Why it was not sent; nothing of it was then.
    pub fn send_datagram(
        &mut self,
        id: DatagramId,
        to: Option<IpEndpoint>,
        bytes: &[u8],
    ) -> Result<(), SendError> {
        let socket = self.tables.datagrams.get_mut(id).ok_or(SendError::Closed)?;
        if let Some(refusal) = socket.refusal.take() {
            return Err(SendError::Refused(refusal));
        }
        let to = to.or(socket.remote).ok_or(SendError::NoDestination)?;
        let source = self.datagram_source(id, to.addr)?;
        self.choose_port(id)?;
        let socket = self.tables.datagrams.get_mut(id).ok_or(SendError::Closed)?;
        let is_local = super::local::is_loopback(to.addr) || self.interface.has_ip_addr(to.addr);
        let header_bytes = match to.addr {
            IpAddress::Ipv4(_) => 20,
            IpAddress::Ipv6(_) => 40,
        };
        let udp_bytes = match socket.kind {
            DatagramKind::Udp => packet::UDP_HEADER_BYTES,
            DatagramKind::Echo | DatagramKind::Raw(_) => 0,
        };
        let most = if is_local { 65_535 } else { self.capabilities.ip_mtu() };
        if bytes.len() > most.saturating_sub(header_bytes + udp_bytes) {
            return Err(SendError::TooLong);
        }
        let made = match socket.kind {
            DatagramKind::Udp => {
                let from = (source, socket.port());
                packet::build_udp(from, (to.addr, to.port), socket.hop_limit, bytes)
            }
            DatagramKind::Echo => {
                let (protocol, request) = match to.addr {
                    IpAddress::Ipv4(_) => (IpProtocol::Icmp, 8),
                    IpAddress::Ipv6(_) => (IpProtocol::Icmpv6, 128),
                };
                if bytes.len() < 8 || bytes.first() != Some(&request) || bytes.get(1) != Some(&0) {
                    return Err(SendError::Malformed);
                }
                let ident = socket.port().to_be_bytes();
                packet::build(source, to.addr, protocol, socket.hop_limit, bytes.len(), |place| {
                    place.copy_from_slice(bytes);
                    if let Some(field) = place.get_mut(4..6) {
                        field.copy_from_slice(&ident);
                    }
                    packet::finish_icmp(place, source, to.addr);
                })
            }
            DatagramKind::Raw(number) => {
                let protocol = IpProtocol::from(number);
                packet::build(source, to.addr, protocol, socket.hop_limit, bytes.len(), |place| {
                    place.copy_from_slice(bytes);
                    if protocol == IpProtocol::Icmpv6 {
                        packet::finish_icmp(place, source, to.addr);
                    }
                })
            }
        };
        let made = made.ok_or(SendError::Exhausted)?;
        if is_local {
            if !self.loopback.queue.has_room() {
                return Err(SendError::Full);
            }
            self.loopback.queue.push(made);
        } else if socket.queue_for_wire(&made) {
            if !self.tables.datagrams.unsent.contains(&id) {
                self.tables.datagrams.unsent.push(id);
            }
        } else {
            return Err(SendError::Full);
        }
        if let Some(socket) = self.tables.datagrams.get_mut(id) {
            socket.sent_bytes += bytes.len() as u64;
        }
        Ok(())
    }

    /// Takes the next datagram, or with `takes` false looks at it. `None` when there is none.
    ///
    /// # Errors
    /// When one that was sent was not delivered.
    pub fn receive_datagram(
        &mut self,
        id: DatagramId,
        buffer: &mut [u8],
        takes: bool,
    ) -> Result<Option<DatagramInfo>, Refusal> {
        let Some(socket) = self.tables.datagrams.get_mut(id) else { return Ok(None) };
        match socket.refusal.take() {
            Some(refusal) => Err(refusal),
            None => Ok(socket.receive(buffer, takes)),
        }
    }

    /// Takes the next datagram, or keeps `waker` for when one comes.
    ///
    /// # Errors
    /// When one that was sent was not delivered.
    pub fn poll_receive_datagram(
        &mut self,
        id: DatagramId,
        waker: &Waker,
        buffer: &mut [u8],
    ) -> Poll<Result<DatagramInfo, Refusal>> {
        match self.receive_datagram(id, buffer, true) {
            Ok(Some(info)) => Poll::Ready(Ok(info)),
            Err(refusal) => Poll::Ready(Err(refusal)),
            Ok(None) => {
                if let Some(socket) = self.tables.datagrams.get_mut(id) {
                    register(&mut socket.reader, waker);
                }
                Poll::Pending
            }
        }
    }

    /// What the socket is ready for.
    #[must_use]
    pub fn datagram_readiness(&self, id: DatagramId) -> Ready {
        self.tables.datagrams.get(id).map_or(Ready::HANG_UP, |socket| socket.readiness())
    }

    /// Takes the news of an undelivered datagram.
    pub fn take_refusal(&mut self, id: DatagramId) -> Option<Refusal> {
        self.tables.datagrams.get_mut(id)?.refusal.take()
    }

    /// The length of the datagram that is next to be read.
    #[must_use]
    pub fn next_datagram_length(&self, id: DatagramId) -> Option<usize> {
        self.tables.datagrams.get(id)?.next_length()
    }

    /// This end's address and port, and the other's.
    #[must_use]
    pub fn datagram_names(
        &self,
        id: DatagramId,
    ) -> Option<((LocalAddress, u16), Option<IpEndpoint>)> {
        let socket = self.tables.datagrams.get(id)?;
        let held = socket.reservation.map_or(LocalAddress::Any, |held| held.address);
        let address = socket.source.map_or(held, LocalAddress::One);
        Some(((address, socket.port()), socket.remote))
    }

    /// Sets which types of ICMP messages a raw socket does not get: a bit each, RFC 3542 section 3.2.
    pub fn set_unwanted(&mut self, id: DatagramId, types: [u32; 8]) {
        if let Some(socket) = self.tables.datagrams.get_mut(id) {
            socket.unwanted = types;
        }
    }

    /// As they were set.
    #[must_use]
    pub fn unwanted(&self, id: DatagramId) -> Option<[u32; 8]> {
        Some(self.tables.datagrams.get(id)?.unwanted)
    }

    /// Sets how many bytes may wait to be read, and how many hops datagrams may make.
    pub fn set_datagram_limits(&mut self, id: DatagramId, receive_bytes: usize, hop_limit: u8) {
        if let Some(socket) = self.tables.datagrams.get_mut(id) {
            socket.receive_limit_bytes = receive_bytes;
            socket.hop_limit = hop_limit;
        }
    }
}

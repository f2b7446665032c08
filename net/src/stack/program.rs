//! What programs do with TCP: the operations of [`super::operations`] in the shape of system calls.
//! Nothing here waits; who wants to hear of changes is an [`Observer`].

use alloc::sync::Arc;
use core::time::Duration;

use smoltcp::phy::Device;
use smoltcp::socket::tcp;
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::Stack;
use super::connection::{Connection, ConnectionId, Phase, SocketOptions};
use super::listener::{ListenConfig, ListenError, ListenerId, Role};
use super::local::{LocalAddress, is_loopback};
use super::observer::{Observer, Ready};
use super::operations::{ConnectError, why_closed};
use super::ports::{EPHEMERAL, EPHEMERAL_COUNT, PortSpace, Reservation, Sharing};
use super::smoltcp_duration;
use crate::stream::StreamError;
use crate::time::Instant;

/// Why a socket cannot have an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindError {
    /// Someone else has the port.
    InUse,
    /// It is not this machine's.
    NotLocal,
    /// All ports are taken.
    Exhausted,
    /// The socket has one already, or is gone.
    Invalid,
}

/// Why nothing can be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoError {
    /// Not now.
    WouldBlock,
    /// The connection was not made: nobody listens there.
    Refused,
    /// This end has closed its sending half.
    Closed,
    /// The connection was reset.
    Reset,
    /// The peer was not heard for too long.
    TimedOut,
}

impl From<StreamError> for IoError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Reset => Self::Reset,
            StreamError::TimedOut => Self::TimedOut,
            StreamError::Closed => Self::Closed,
        }
    }
}

/// What of a connection can be changed while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Small pieces are sent at once.
    pub is_eager: bool,
    /// After how long a silence the peer is asked whether it is there.
    pub keep_alive: Option<Duration>,
    /// After how long without a sign of life the connection is given up.
    pub dead_after: Option<Duration>,
}

impl<D: Device> Stack<D> {
    /// Takes a port; 0 lets one be chosen.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn reserve(
        &mut self,
        space: PortSpace,
        address: LocalAddress,
        port: u16,
        sharing: Sharing,
    ) -> Result<Reservation, BindError> {
        if let Some(one) = address.one()
            && !self.is_own(one)
            && !one.is_multicast()
            && !(space != PortSpace::Tcp && one == IpAddress::v4(255, 255, 255, 255))
        {
            return Err(BindError::NotLocal);
        }
        let tables = &self.tables;
        let member = match space {
            PortSpace::Tcp => tables.fronts.of_member(port, sharing.member),
            PortSpace::Udp | PortSpace::Echo => None,
        };
        let is_taken = |port: u16| {
            if tables.ports.is_taken(space, port, address, sharing, member) {
                return true;
            }
            let is_held = |key: &super::flow::FlowKey| {
                key.local_port == port
                    && address.takes(key.local)
                    && !sharing.address
                    && member.is_none()
            };
            space == PortSpace::Tcp
                && (tables.listeners.is_kernels(port) || tables.flows.keys().any(is_held))
        };
        let chosen = if port != 0 {
            (!is_taken(port)).then_some(port).ok_or(BindError::InUse)?
        } else {
            let start = self.random.next() % u64::from(EPHEMERAL_COUNT);
            let start = u16::try_from(start).unwrap_or(0);
            // What is chosen is shared with nobody, as long as there are others.
            (0..EPHEMERAL_COUNT)
                .map(|step| EPHEMERAL.start() + (start.wrapping_add(step)) % EPHEMERAL_COUNT)
                .find(|&port| !tables.ports.is_known(space, port) && !is_taken(port))
                .ok_or(BindError::Exhausted)?
        };
        Ok(self.tables.ports.take(space, chosen, address, sharing, member))
    }

    /// Gives a port back.
    pub fn give_back(&mut self, reservation: Reservation) {
        self.tables.ports.give_back(reservation);
    }

    /// Whether packets for this address stay in the machine.
    #[must_use]
    pub fn is_own(&self, address: IpAddress) -> bool {
        is_loopback(address) || self.interface.has_ip_addr(address)
    }

    /// The own address with which to reach `remote`.
    #[must_use]
    pub fn source_for(&self, remote: IpAddress) -> Option<IpAddress> {
        match remote {
            IpAddress::Ipv4(address) if address.is_loopback() => Some(IpAddress::v4(127, 0, 0, 1)),
            _ if self.is_own(remote) => Some(remote),
            _ => {
                self.interface.get_source_address(&remote).filter(|source| !source.is_unspecified())
            }
        }
    }

    /// Starts to listen on a port that was taken before.
    ///
    /// # Errors
    /// When another listens there.
    pub fn listen_at(
        &mut self,
        reservation: Reservation,
        config: ListenConfig,
        observer: Arc<dyn Observer>,
    ) -> Result<ListenerId, ListenError> {
        if !self.tables.ports.listen(reservation) {
            return Err(ListenError::InUse { port: reservation.port });
        }
        let config =
            ListenConfig { port: reservation.port, address: reservation.address, ..config };
        let id = self.tables.listeners.add_observed(config, Some(observer))?;
        if let Some(of) = reservation.member
            && let Some(member) = self.tables.fronts.member_mut(of)
        {
            member.listeners.push(id);
            self.tables.listeners.set_role(id, Role::Member(of));
            self.tables.dispatch(of.0);
        }
        Ok(id)
    }

    /// Changes how many connections may wait.
    pub fn set_backlog(&mut self, id: ListenerId, backlog: usize) {
        if let Some(listener) = self.tables.listeners.get_mut(id) {
            listener.config.backlog = backlog.max(1);
        }
    }

    /// Takes a connection from the backlog and has it observed.
    ///
    /// # Errors
    /// [`IoError::WouldBlock`] when there is none, [`IoError::Closed`] when nobody listens.
    pub fn accept(
        &mut self,
        id: ListenerId,
        observer: Arc<dyn Observer>,
    ) -> Result<(ConnectionId, IpEndpoint), IoError> {
        loop {
            let listener = self.tables.listeners.get_mut(id).ok_or(IoError::Closed)?;
            let taken = listener.queue.pop_front().ok_or(IoError::WouldBlock)?;
            listener.counters.accepted += 1;
            self.tables.counters.accepted += 1;
            let Some(connection) = self.tables.connections.get_mut(taken) else { continue };
            connection.phase = Phase::Owned;
            connection.observer = Some(observer);
            connection.arrived = connection.socket().recv_queue() as u64;
            let peer = IpEndpoint::new(connection.key.remote, connection.key.remote_port);
            self.tables.accepted_from(id, taken);
            return Ok((taken, peer));
        }
    }

    /// Whether a connection waits to be accepted.
    #[must_use]
    pub fn has_waiting(&mut self, id: ListenerId) -> bool {
        self.tables.listeners.get_mut(id).is_some_and(|listener| !listener.queue.is_empty())
    }

    /// Opens a connection, from a port that was taken before or from one that is chosen.
    ///
    /// # Errors
    /// As [`Stack::connect`].
    pub fn connect_from(
        &mut self,
        remote: IpEndpoint,
        from: Option<Reservation>,
        options: &SocketOptions,
        observer: Arc<dyn Observer>,
        now: Instant,
    ) -> Result<ConnectionId, ConnectError> {
        let bound = from.and_then(|held| held.address.one());
        let source = bound.or_else(|| self.source_for(remote.addr));
        let source = source.ok_or(ConnectError::Unreachable)?;
        let port = from.map(|held| held.port);
        let id = self.open_connection(remote, source, port, options, now)?;
        if let Some(connection) = self.tables.connections.get_mut(id) {
            connection.observer = Some(observer);
        }
        Ok(id)
    }

    /// How the opening of a connection went.
    ///
    /// # Errors
    /// [`IoError::WouldBlock`] while that is open; then why it failed.
    pub fn connected(&mut self, id: ConnectionId, now: Instant) -> Result<(), IoError> {
        let Some(connection) = self.tables.connections.get(id) else {
            return Err(IoError::Reset);
        };
        match connection.socket().state() {
            tcp::State::SynSent | tcp::State::SynReceived => Err(IoError::WouldBlock),
            tcp::State::Closed if !connection.was_established => Err(why_ended(connection, now)),
            _ => Ok(()),
        }
    }

    /// Reads what has arrived, or with `takes` false only looks at it. 0 is the end.
    ///
    /// # Errors
    /// [`IoError::WouldBlock`] when nothing has; why there is no connection.
    pub fn read(
        &mut self,
        id: ConnectionId,
        now: Instant,
        buffer: &mut [u8],
        takes: bool,
    ) -> Result<usize, IoError> {
        let connection = self.tables.connections.get_mut(id).ok_or(IoError::Reset)?;
        let socket = connection.socket_mut();
        if matches!(socket.state(), tcp::State::SynSent | tcp::State::SynReceived) {
            return Err(IoError::WouldBlock);
        }
        let got = if takes { socket.recv_slice(buffer) } else { socket.peek_slice(buffer) };
        match got {
            Ok(0) if !buffer.is_empty() => Err(IoError::WouldBlock),
            Ok(count) if takes => {
                connection.received_bytes += count as u64;
                // The window may have opened.
                self.tables.mark_dirty(id.index);
                Ok(count)
            }
            Ok(count) => Ok(count),
            Err(tcp::RecvError::Finished) => Ok(0),
            // Closed by this end, in both directions, and done.
            Err(tcp::RecvError::InvalidState) if connection.has_ended_well => Ok(0),
            Err(tcp::RecvError::InvalidState) => Err(why_ended(connection, now)),
        }
    }

    /// Takes some of `bytes` for sending.
    ///
    /// # Errors
    /// [`IoError::WouldBlock`] without room; why there is no connection.
    pub fn write(
        &mut self,
        id: ConnectionId,
        now: Instant,
        bytes: &[u8],
    ) -> Result<usize, IoError> {
        let connection = self.tables.connections.get_mut(id).ok_or(IoError::Reset)?;
        match connection.socket().state() {
            tcp::State::SynSent | tcp::State::SynReceived => return Err(IoError::WouldBlock),
            tcp::State::Closed if connection.has_ended_well => return Err(IoError::Closed),
            tcp::State::Closed => return Err(why_ended(connection, now)),
            _ => {}
        }
        let count = connection.socket_mut().send_slice(bytes).map_err(|_| IoError::Closed)?;
        connection.wants_room |= count < bytes.len();
        if count == 0 && !bytes.is_empty() {
            return Err(IoError::WouldBlock);
        }
        connection.sent_bytes += count as u64;
        self.tables.mark_dirty(id.index);
        Ok(count)
    }

    /// What a connection is ready for.
    #[must_use]
    pub fn readiness(&self, id: ConnectionId) -> Ready {
        let Some(connection) = self.tables.connections.get(id) else {
            return Ready::HANG_UP | Ready::READ | Ready::WRITE | Ready::END | Ready::ERROR;
        };
        readiness(connection)
    }

    /// Bytes that wait to be read, and bytes that wait to be acknowledged.
    #[must_use]
    pub fn queued_bytes(&self, id: ConnectionId) -> Option<(usize, usize)> {
        let socket = self.tables.connections.get(id)?.socket();
        Some((socket.recv_queue(), socket.send_queue()))
    }

    /// The state of a connection, by its number in Linux's `tcp_info`.
    #[must_use]
    pub fn state_number(&self, id: ConnectionId) -> Option<u8> {
        Some(super::statistics::state_number(self.tables.connections.get(id)?.socket().state()))
    }

    /// This end and the other.
    #[must_use]
    pub fn endpoints(&self, id: ConnectionId) -> Option<(IpEndpoint, IpEndpoint)> {
        let key = self.tables.connections.get(id)?.key;
        let local = IpEndpoint::new(key.local, key.local_port);
        Some((local, IpEndpoint::new(key.remote, key.remote_port)))
    }

    /// Changes a connection.
    pub fn tune(&mut self, id: ConnectionId, tuning: &Tuning) {
        let Some(connection) = self.tables.connections.get_mut(id) else { return };
        connection.dead_after = tuning.dead_after;
        let socket = connection.socket_mut();
        socket.set_nagle_enabled(!tuning.is_eager);
        socket.set_keep_alive(tuning.keep_alive.map(smoltcp_duration));
        socket.set_timeout(tuning.dead_after.map(smoltcp_duration));
        self.tables.mark_dirty(id.index);
    }
}

/// Why a connection is closed.
fn why_ended(connection: &Connection, now: Instant) -> IoError {
    match why_closed(connection, now) {
        StreamError::Reset if !connection.was_established => IoError::Refused,
        other => other.into(),
    }
}

pub(super) fn readiness(connection: &Connection) -> Ready {
    let socket = connection.socket();
    let state = socket.state();
    if matches!(state, tcp::State::SynSent | tcp::State::SynReceived) {
        return Ready::NONE;
    }
    let is_closed = matches!(
        state,
        tcp::State::Closed | tcp::State::TimeWait | tcp::State::Closing | tcp::State::LastAck
    );
    let has_end =
        !matches!(state, tcp::State::Established | tcp::State::FinWait1 | tcp::State::FinWait2);
    Ready::NONE
        .with_if(socket.can_recv() || has_end, Ready::READ)
        .with_if(has_end, Ready::END)
        // As on Linux, where a third of the buffer has to be free.
        .with_if(socket.send_queue() <= socket.send_capacity() / 3 * 2, Ready::WRITE)
        .with_if(is_closed, Ready::HANG_UP | Ready::WRITE)
        .with_if(state == tcp::State::Closed && !connection.has_ended_well, Ready::ERROR)
}

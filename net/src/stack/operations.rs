//! What users of the stack do: listen, accept, connect, read, write, close.
//!
//! Each operation that may have to wait takes the waker to call when trying again makes sense.

use core::task::{Poll, Waker};
use core::time::Duration;

use smoltcp::phy::Device;
use smoltcp::socket::tcp;
use smoltcp::wire::{IpAddress, IpEndpoint, IpListenEndpoint};

use super::Stack;
use super::connection::{Connection, ConnectionId, Phase, SocketOptions, Via, make_set};
use super::flow::FlowKey;
use super::listener::{ListenConfig, ListenError, ListenerId, Role};
use super::local::is_loopback;
use super::ports::{EPHEMERAL, EPHEMERAL_COUNT, PortSpace};
use crate::stream::StreamError;
use crate::time::Instant;

/// smoltcp counts microseconds.
const CLOCK_STEP: Duration = Duration::from_micros(1);

/// Why no connection can be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// No route, no address of the right family, or no such endpoint.
    Unreachable,
    /// Nobody listens there.
    Refused,
    /// All ports, all connections or all memory is taken.
    Exhausted,
}

impl core::fmt::Display for ConnectError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "unreachable",
            Self::Refused => "nobody listens there",
            Self::Exhausted => "no free port, connection or memory",
        })
    }
}

impl core::error::Error for ConnectError {}

impl<D: Device> Stack<D> {
    /// Starts to listen.
    ///
    /// # Errors
    /// When another listener has the port, or the configuration can't work.
    pub fn listen(&mut self, config: ListenConfig) -> Result<ListenerId, ListenError> {
        self.tables.listeners.add(config)
    }

    /// Stops to listen. Connections that were not accepted are reset; behind a front, others get them.
    pub fn stop_listening(&mut self, id: ListenerId) {
        let Some(listener) = self.tables.listeners.remove(id) else { return };
        if let Role::Member(of) = listener.role {
            return self.tables.member_stopped(of, listener);
        }
        for waker in listener.acceptors {
            self.tables.wakes.push(Some(waker));
        }
        for index in self.tables.connections.indices() {
            let Some(connection) = self.tables.connections.at_mut(index) else { continue };
            if matches!(connection.phase, Phase::HalfOpen(of) | Phase::Queued(of) if of == id) {
                connection.phase = Phase::Orphaned;
                connection.socket_mut().abort();
                self.tables.mark_dirty(index);
            }
        }
    }

    /// Takes a connection from the backlog. `None` when the listener is gone.
    pub fn poll_accept(
        &mut self,
        id: ListenerId,
        waker: &Waker,
    ) -> Poll<Option<(ConnectionId, IpEndpoint)>> {
        let Some(listener) = self.tables.listeners.get_mut(id) else { return Poll::Ready(None) };
        let Some(connection_id) = listener.queue.pop_front() else {
            if !listener.acceptors.iter().any(|known| known.will_wake(waker)) {
                listener.acceptors.push(waker.clone());
            }
            return Poll::Pending;
        };
        listener.counters.accepted += 1;
        self.tables.counters.accepted += 1;
        let Some(connection) = self.tables.connections.get_mut(connection_id) else {
            return Poll::Ready(None);
        };
        connection.phase = Phase::Owned;
        let peer = IpEndpoint::new(connection.key.remote, connection.key.remote_port);
        Poll::Ready(Some((connection_id, peer)))
    }

    /// Opens a connection to `remote`. It can be written to and read from when
    /// [`Self::poll_connected`] says so.
    ///
    /// # Errors
    /// When there is no way to `remote` or nothing left to open it with.
    pub fn connect(
        &mut self,
        remote: IpEndpoint,
        options: &SocketOptions,
        now: Instant,
    ) -> Result<ConnectionId, ConnectError> {
        let local = self.source_for(remote.addr).ok_or(ConnectError::Unreachable)?;
        self.open_connection(remote, local, None, options, now)
    }

    /// Opens a connection from this address, and this port or one that is chosen.
    pub(super) fn open_connection(
        &mut self,
        remote: IpEndpoint,
        local: IpAddress,
        port: Option<u16>,
        options: &SocketOptions,
        now: Instant,
    ) -> Result<ConnectionId, ConnectError> {
        let via = if self.is_own(remote.addr) { Via::Loopback } else { Via::Wire };
        if via == Via::Wire && is_loopback(local) {
            return Err(ConnectError::Unreachable);
        }
        if !self.tables.has_room_for(options) {
            return Err(ConnectError::Exhausted);
        }
        let key = match port {
            Some(port) => self.this_flow(remote, local, port),
            None => self.free_flow(remote, local),
        };
        let key = key.ok_or(ConnectError::Exhausted)?;
        let (mut set, handle) =
            make_set(&mut self.tables.pool, options).ok_or(ConnectError::Exhausted)?;
        let endpoint = IpListenEndpoint { addr: Some(local), port: key.local_port };
        let socket = set.get_mut::<tcp::Socket<'_>>(handle);
        let interface = match via {
            Via::Wire => &mut self.interface,
            Via::Loopback => &mut self.loopback.interface,
        };
        if socket.connect(interface.context(), remote, endpoint).is_err() {
            self.tables.recycle(set);
            return Err(ConnectError::Unreachable);
        }
        self.tables.counters.opened += 1;
        let connection = Connection::new(key, Phase::Owned, (set, handle), via, options, now);
        self.tables.insert(connection).ok_or(ConnectError::Exhausted)
    }

    /// The flow from this port, if there is none yet; one in TIME-WAIT gives way.
    fn this_flow(&mut self, remote: IpEndpoint, local: IpAddress, port: u16) -> Option<FlowKey> {
        let key =
            FlowKey { remote_port: remote.port, local_port: port, remote: remote.addr, local };
        if let Some(&index) = self.tables.flows.get(&key) {
            if self.tables.connections.at(index)?.phase != Phase::TimeWait {
                return None;
            }
            self.tables.remove(index);
        }
        Some(key)
    }

    fn free_flow(&mut self, remote: IpEndpoint, local: IpAddress) -> Option<FlowKey> {
        let start = self.random.next() % u64::from(EPHEMERAL_COUNT);
        let start = u16::try_from(start).unwrap_or(0);
        let tables = &self.tables;
        (0..EPHEMERAL_COUNT)
            .map(|step| EPHEMERAL.start() + start.wrapping_add(step) % EPHEMERAL_COUNT)
            .map(|local_port| FlowKey {
                remote_port: remote.port,
                local_port,
                remote: remote.addr,
                local,
            })
            .find(|key| {
                !tables.flows.contains_key(key)
                    && !tables.listeners.has_port(key.local_port)
                    && !tables.ports.is_known(PortSpace::Tcp, key.local_port)
            })
    }

    /// Ready when an outgoing connection is established.
    ///
    /// # Errors
    /// When it was refused or timed out.
    pub fn poll_connected(
        &mut self,
        id: ConnectionId,
        now: Instant,
        waker: &Waker,
    ) -> Poll<Result<(), StreamError>> {
        let Some(connection) = self.tables.connections.get_mut(id) else {
            return Poll::Ready(Err(StreamError::Reset));
        };
        match connection.socket().state() {
            tcp::State::SynSent | tcp::State::SynReceived => {
                register(&mut connection.writer, waker);
                Poll::Pending
            }
            tcp::State::Closed => Poll::Ready(Err(why_closed(connection, now))),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Reads what has arrived. `Ok(0)` is the end of what the peer sends, or an empty buffer.
    ///
    /// # Errors
    /// When the connection was reset or has timed out.
    pub fn poll_read(
        &mut self,
        id: ConnectionId,
        now: Instant,
        waker: &Waker,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, StreamError>> {
        let Some(connection) = self.tables.connections.get_mut(id) else {
            return Poll::Ready(Err(StreamError::Reset));
        };
        let socket = connection.socket_mut();
        if matches!(socket.state(), tcp::State::SynSent | tcp::State::SynReceived) {
            register(&mut connection.reader, waker);
            return Poll::Pending;
        }
        match socket.recv_slice(buffer) {
            Ok(0) if !buffer.is_empty() => {
                register(&mut connection.reader, waker);
                Poll::Pending
            }
            Ok(count) => {
                connection.received_bytes += count as u64;
                // The window may have opened.
                self.tables.mark_dirty(id.index);
                Poll::Ready(Ok(count))
            }
            Err(tcp::RecvError::Finished) => Poll::Ready(Ok(0)),
            Err(tcp::RecvError::InvalidState) => Poll::Ready(Err(why_closed(connection, now))),
        }
    }

    /// Takes some of `bytes` for sending; the next poll sends them.
    ///
    /// # Errors
    /// When the connection is gone or its sending half closed.
    pub fn poll_write(
        &mut self,
        id: ConnectionId,
        now: Instant,
        waker: &Waker,
        bytes: &[u8],
    ) -> Poll<Result<usize, StreamError>> {
        let Some(connection) = self.tables.connections.get_mut(id) else {
            return Poll::Ready(Err(StreamError::Reset));
        };
        let socket = connection.socket_mut();
        match socket.state() {
            tcp::State::SynSent | tcp::State::SynReceived => {
                register(&mut connection.writer, waker);
                return Poll::Pending;
            }
            tcp::State::Closed => return Poll::Ready(Err(why_closed(connection, now))),
            _ => {}
        }
        match socket.send_slice(bytes) {
            Ok(0) if !bytes.is_empty() => {
                register(&mut connection.writer, waker);
                Poll::Pending
            }
            Ok(count) => {
                connection.sent_bytes += count as u64;
                self.tables.mark_dirty(id.index);
                Poll::Ready(Ok(count))
            }
            Err(tcp::SendError::InvalidState) => Poll::Ready(Err(StreamError::Closed)),
        }
    }

    /// Ready when the peer has acknowledged everything that was written, and the end of it if the
    /// sending half is closed.
    ///
    /// # Errors
    /// When the connection was lost before.
    pub fn poll_acknowledged(
        &mut self,
        id: ConnectionId,
        now: Instant,
        waker: &Waker,
    ) -> Poll<Result<(), StreamError>> {
        let Some(connection) = self.tables.connections.get_mut(id) else {
            return Poll::Ready(Err(StreamError::Reset));
        };
        let socket = connection.socket();
        let is_waiting = match socket.state() {
            tcp::State::FinWait1 | tcp::State::Closing | tcp::State::LastAck => true,
            // After LAST-ACK and TIME-WAIT everything was delivered, after a reset it was not.
            tcp::State::Closed if socket.send_queue() > 0 => {
                return Poll::Ready(Err(why_closed(connection, now)));
            }
            _ => socket.send_queue() > 0,
        };
        if is_waiting {
            register(&mut connection.writer, waker);
            Poll::Pending
        } else {
            Poll::Ready(Ok(()))
        }
    }

    /// Closes the sending half: the peer sees the end after what was written.
    pub fn close_write(&mut self, id: ConnectionId) {
        if let Some(connection) = self.tables.connections.get_mut(id) {
            connection.socket_mut().close();
            self.tables.mark_dirty(id.index);
        }
    }

    /// Resets a connection. Its handle answers errors until it is released.
    pub fn abort(&mut self, id: ConnectionId) {
        self.tables.abort(id);
    }

    /// Gives up the handle. What was written is delivered in the background, for a limited time.
    pub fn release(&mut self, id: ConnectionId) {
        self.tables.release(id);
    }

    /// The address and port of a connection at this end.
    #[must_use]
    pub fn local_endpoint(&self, id: ConnectionId) -> Option<IpEndpoint> {
        let key = self.tables.connections.get(id)?.key;
        Some(IpEndpoint::new(key.local, key.local_port))
    }
}

/// Keeps the last waker that asked.
pub(super) fn register(slot: &mut Option<Waker>, waker: &Waker) {
    match slot {
        Some(known) => known.clone_from(waker),
        None => *slot = Some(waker.clone()),
    }
}

/// smoltcp closes a socket that timed out as it closes one that was reset; the silence tells. Its
/// clock is coarser, so it may be a little early.
pub(super) fn why_closed(connection: &Connection, now: Instant) -> StreamError {
    match connection.dead_after {
        Some(limit) if now.since(connection.last_heard) + CLOCK_STEP >= limit => {
            StreamError::TimedOut
        }
        _ => StreamError::Reset,
    }
}

//! The connections' life between the wire and their users: everything that needs no device.
//!
//! ```text
//! SYN → HalfOpen → Queued → Owned → Orphaned → gone
//!          │          │                  │
//!          └──────────┴── reset, time ───┴──→ gone, or TimeWait for a while first
//! ```
//! [`Tables::settle`] is called after anything happened to a connection; it moves it on, wakes who
//! waits for it, and schedules when it is looked at again.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use smoltcp::iface::SocketSet;
use smoltcp::socket::tcp;
use smoltcp::wire::IpEndpoint;

use super::StackConfig;
use super::connection::{Connection, ConnectionId, Connections, Phase, SocketOptions, Via};
use super::datagram::Datagrams;
use super::flow::FlowKey;
use super::front::Fronts;
use super::listener::{ListenerId, Listeners, Role};
use super::observer::{Ready, WakeList};
use super::ports::Ports;
use super::program::readiness;
use super::statistics::TcpCounters;
use crate::time::Instant;

/// Closed sockets kept with their buffers for the next connection.
const POOLED_SOCKETS: usize = 32;
/// How long a reset may wait for the device or the neighbour's address.
const RESET_TIME: Duration = Duration::from_secs(1);

/// Connections, listeners, and what is due.
pub(super) struct Tables {
    pub(super) connections: Connections,
    pub(super) flows: BTreeMap<FlowKey, u32>,
    pub(super) listeners: Listeners,
    /// Connections that may have something to send; each is in it once.
    pub(super) dirty: VecDeque<u32>,
    deadlines: BTreeSet<(Instant, u32)>,
    /// Connections in TIME-WAIT, oldest first.
    time_wait: VecDeque<ConnectionId>,
    pub(super) pool: Vec<SocketSet<'static>>,
    pub(super) wakes: WakeList,
    pub(super) counters: TcpCounters,
    pub(super) max_connections: usize,
    max_time_wait: usize,
    linger: Duration,
    pub(super) datagrams: Datagrams,
    pub(super) ports: Ports,
    pub(super) fronts: Fronts,
    program_connections: usize,
    program_bytes: usize,
    max_program_connections: usize,
    max_program_bytes: usize,
}

impl Tables {
    pub(super) fn new(config: &StackConfig) -> Self {
        Self {
            connections: Connections::default(),
            flows: BTreeMap::new(),
            listeners: Listeners::default(),
            dirty: VecDeque::new(),
            deadlines: BTreeSet::new(),
            time_wait: VecDeque::new(),
            pool: Vec::new(),
            wakes: WakeList::default(),
            counters: TcpCounters::default(),
            max_connections: config.max_connections,
            max_time_wait: config.max_time_wait,
            linger: config.linger,
            datagrams: Datagrams::default(),
            ports: Ports::default(),
            fronts: Fronts::default(),
            program_connections: 0,
            program_bytes: 0,
            max_program_connections: config.max_program_connections,
            max_program_bytes: config.max_program_bytes,
        }
    }

    /// Connections that count towards the limit.
    pub(super) fn open_connections(&self) -> usize {
        self.connections.len().saturating_sub(self.time_wait.len())
    }

    /// Whether one more connection with such buffers may be.
    pub(super) fn has_room_for(&self, options: &SocketOptions) -> bool {
        let bytes = options.receive_buffer_bytes.saturating_add(options.send_buffer_bytes);
        let may_program = self.program_connections < self.max_program_connections
            && self.program_bytes.saturating_add(bytes) <= self.max_program_bytes;
        self.open_connections() < self.max_connections && (options.owner == 0 || may_program)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|&(at, _)| at)
    }

    /// Marks the connections whose deadline has come, and ends those whose phase took too long.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(&(at, index)) = self.deadlines.first()
            && at <= now
        {
            self.deadlines.pop_first();
            let Some(connection) = self.connections.at_mut(index) else { continue };
            connection.deadline = None;
            if connection.limit.is_some_and(|limit| limit <= now) {
                self.end_phase(index, now);
            }
            self.mark_dirty(index);
        }
    }

    /// A phase took too long: the connection is reset. One whose reset can't be sent either is
    /// forgotten.
    fn end_phase(&mut self, index: u32, now: Instant) {
        let Some(connection) = self.connections.at_mut(index) else { return };
        if connection.socket().state() == tcp::State::Closed {
            return self.remove(index);
        }
        connection.limit = Some(now.after(RESET_TIME));
        connection.socket_mut().abort();
        match connection.phase {
            Phase::HalfOpen(listener) => {
                if let Some(listener) = self.listeners.get_mut(listener) {
                    listener.counters.handshake_timeouts += 1;
                }
            }
            Phase::Orphaned => self.counters.linger_timeouts += 1,
            // Only those that wait at a front have a limit.
            Phase::Queued(listener) => {
                if let Some(listener) = self.listeners.get_mut(listener) {
                    listener.counters.wait_timeouts += 1;
                }
            }
            Phase::Owned | Phase::TimeWait => {}
        }
    }

    pub(super) fn mark_dirty(&mut self, index: u32) {
        if let Some(connection) = self.connections.at_mut(index)
            && !connection.is_dirty
        {
            connection.is_dirty = true;
            self.dirty.push_back(index);
        }
    }

    pub(super) fn mark_all_dirty(&mut self) {
        for index in self.connections.indices() {
            self.mark_dirty(index);
        }
    }

    /// Adds a connection and marks it for sending.
    pub(super) fn insert(&mut self, connection: Connection) -> Option<ConnectionId> {
        let key = connection.key;
        if connection.owner != 0 {
            self.program_connections += 1;
            self.program_bytes += connection.buffer_bytes();
        }
        let id = self.connections.insert(connection)?;
        self.flows.insert(key, id.index);
        self.mark_dirty(id.index);
        Some(id)
    }

    /// Forgets a connection without telling its peer.
    pub(super) fn remove(&mut self, index: u32) {
        let Some(id) = self.connections.id(index) else { return };
        self.left_member(index);
        let Some(connection) = self.connections.remove(index) else { return };
        self.flows.remove(&connection.key);
        if connection.owner == 0 && connection.via == Via::Loopback {
            let FlowKey { local, local_port, .. } = connection.key;
            self.fronts.forget_directed(IpEndpoint::new(local, local_port));
        }
        if connection.owner != 0 {
            self.program_connections = self.program_connections.saturating_sub(1);
            self.program_bytes = self.program_bytes.saturating_sub(connection.buffer_bytes());
        }
        if let Some(deadline) = connection.deadline {
            self.deadlines.remove(&(deadline, index));
        }
        if connection.is_dirty {
            self.dirty.retain(|&dirty| dirty != index);
        }
        self.time_wait.retain(|&waiting| waiting != id);
        self.leave_backlog(id, connection.phase);
        self.wakes.push(connection.reader);
        self.wakes.push(connection.writer);
        self.recycle(connection.set);
    }

    /// Keeps a closed socket's buffers for the next connection.
    pub(super) fn recycle(&mut self, mut set: SocketSet<'static>) {
        if self.pool.len() >= POOLED_SOCKETS {
            return;
        }
        for (_, socket) in set.iter_mut() {
            if let smoltcp::socket::Socket::Tcp(socket) = socket
                && socket.is_open()
            {
                socket.abort();
            }
        }
        self.pool.push(set);
    }

    fn leave_backlog(&mut self, id: ConnectionId, phase: Phase) {
        match phase {
            Phase::HalfOpen(listener) => {
                if let Some(listener) = self.listeners.get_mut(listener) {
                    listener.half_open = listener.half_open.saturating_sub(1);
                }
            }
            Phase::Queued(listener) => {
                if let Some(listener) = self.listeners.get_mut(listener) {
                    listener.queue.retain(|&queued| queued != id);
                    if let Role::Member(of) = listener.role {
                        self.tell_if_drained(of);
                    }
                }
            }
            Phase::Owned | Phase::Orphaned | Phase::TimeWait => {}
        }
    }

    /// Draws the consequences of whatever happened to a connection.
    pub(super) fn settle(&mut self, index: u32, now: Instant) {
        let Some(id) = self.connections.id(index) else { return };
        let Some(connection) = self.connections.at_mut(index) else { return };
        let state = connection.socket().state();
        let last_state = core::mem::replace(&mut connection.last_state, state);
        match state {
            tcp::State::Closed => {
                connection.has_ended_well |=
                    matches!(last_state, tcp::State::LastAck | tcp::State::TimeWait);
            }
            tcp::State::Listen | tcp::State::SynSent | tcp::State::SynReceived => {}
            _ => connection.was_established = true,
        }
        let is_gone =
            state == tcp::State::Closed && connection.socket().remote_endpoint().is_none();
        match connection.phase {
            Phase::HalfOpen(listener) => self.settle_half_open(id, listener, state),
            Phase::Queued(listener) if is_gone => {
                if let Some(listener) = self.listeners.get_mut(listener) {
                    listener.counters.queue_resets += 1;
                }
                self.remove(index);
            }
            Phase::Queued(listener) => self.settle_queued(index, listener, now),
            Phase::Owned => self.settle_owned(index, state, last_state),
            Phase::Orphaned | Phase::TimeWait if is_gone => self.remove(index),
            Phase::Orphaned => self.settle_orphaned(id, state, now),
            Phase::TimeWait => {}
        }
        self.schedule(index);
    }

    fn settle_half_open(&mut self, id: ConnectionId, listener: ListenerId, state: tcp::State) {
        match state {
            tcp::State::SynReceived => {}
            tcp::State::Established | tcp::State::CloseWait => {
                let Some(connection) = self.connections.get_mut(id) else { return };
                connection.phase = Phase::Queued(listener);
                connection.limit = None;
                let Some(listener) = self.listeners.get_mut(listener) else {
                    return self.remove(id.index);
                };
                listener.half_open = listener.half_open.saturating_sub(1);
                listener.queue.push_back(id);
                if let Role::Front(front) = listener.role {
                    self.dispatch(front);
                    return self.mark_dirty(id.index);
                }
                for waker in listener.acceptors.drain(..) {
                    self.wakes.push(Some(waker));
                }
                self.wakes.tell(listener.observer.as_ref(), Ready::READ);
            }
            // smoltcp puts a socket whose handshake was reset back into LISTEN.
            tcp::State::Listen => {
                if let Some(listener) = self.listeners.get_mut(listener) {
                    listener.counters.handshake_resets += 1;
                }
                self.remove(id.index);
            }
            // Timed out: the reset has gone out, or can't.
            _ => self.remove(id.index),
        }
    }

    /// One that waits at a front does so for a limited time.
    fn settle_queued(&mut self, index: u32, listener: ListenerId, now: Instant) {
        let role = self.listeners.get(listener).map(|listener| listener.role);
        let Some(Role::Front(front)) = role else { return };
        let wait_limit = self.fronts.get(front).map(|front| front.wait_limit);
        if let (Some(connection), Some(wait_limit)) = (self.connections.at_mut(index), wait_limit) {
            connection.limit.get_or_insert(now.after(wait_limit));
        }
    }

    fn settle_owned(&mut self, index: u32, state: tcp::State, last_state: tcp::State) {
        let Some(connection) = self.connections.at_mut(index) else { return };
        let socket = connection.socket();
        let (is_readable, is_writable) =
            (socket.can_recv() || !socket.may_recv(), socket.can_send() || !socket.may_send());
        // A reader or writer of a closed socket has to learn of it, as does one who waits for the
        // acknowledgement of what was sent.
        let is_drained = socket.send_queue() == 0;
        let is_closed = state == tcp::State::Closed;
        if is_readable || is_closed {
            self.wakes.push(connection.reader.take());
        }
        if is_writable || is_drained || is_closed {
            self.wakes.push(connection.writer.take());
        }
        self.tell_observer(index, state != last_state);
    }

    /// Tells the observer what is new.
    fn tell_observer(&mut self, index: u32, has_new_state: bool) {
        let Some(connection) = self.connections.at_mut(index) else { return };
        if connection.observer.is_none() {
            return;
        }
        let ready = readiness(connection);
        let waiting = connection.socket().recv_queue() as u64;
        let arrived = connection.received_bytes.saturating_add(waiting);
        let has_more = arrived > connection.arrived;
        connection.arrived = connection.arrived.max(arrived);
        let has_room = connection.wants_room && ready.has(Ready::WRITE);
        connection.wants_room &= !has_room;
        let news = if has_new_state {
            ready
        } else {
            Ready::NONE.with_if(has_more, Ready::READ).with_if(has_room, Ready::WRITE)
        };
        self.wakes.tell(connection.observer.as_ref(), news);
    }

    fn settle_orphaned(&mut self, id: ConnectionId, state: tcp::State, now: Instant) {
        // A closed one only has its reset to send.
        let time = if state == tcp::State::Closed { RESET_TIME } else { self.linger };
        let Some(connection) = self.connections.get_mut(id) else { return };
        match state {
            tcp::State::TimeWait => {
                connection.phase = Phase::TimeWait;
                connection.limit = None;
                self.enter_time_wait(id);
            }
            // Nobody will read it: the peer is told, as RFC 9293, section 3.6.1, wants it.
            _ if connection.socket().recv_queue() > 0 && state != tcp::State::Closed => {
                connection.socket_mut().abort();
                self.mark_dirty(id.index);
            }
            _ => {
                connection.limit.get_or_insert(now.after(time));
            }
        }
    }

    fn enter_time_wait(&mut self, id: ConnectionId) {
        self.left_member(id.index);
        self.time_wait.push_back(id);
        while self.time_wait.len() > self.max_time_wait {
            let Some(oldest) = self.time_wait.pop_front() else { return };
            self.counters.time_wait_evicted += 1;
            self.remove(oldest.index);
        }
    }

    /// Puts a connection where its next deadline belongs.
    fn schedule(&mut self, index: u32) {
        let Some(connection) = self.connections.at_mut(index) else { return };
        let deadline = [connection.poll_at, connection.limit].into_iter().flatten().min();
        if connection.deadline == deadline {
            return;
        }
        if let Some(old) = connection.deadline {
            self.deadlines.remove(&(old, index));
        }
        connection.deadline = deadline;
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, index));
        }
    }

    /// The user's handle is gone: what was written is delivered, then the connection ends.
    pub(super) fn release(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        connection.phase = Phase::Orphaned;
        connection.reader = None;
        connection.writer = None;
        connection.observer = None;
        // The linger time starts when the connection settles.
        connection.limit = None;
        if connection.owner != 0 && connection.socket().recv_queue() > 0 {
            // Nobody will read it: the peer is told at once.
            connection.socket_mut().abort();
        } else {
            connection.socket_mut().close();
        }
        self.mark_dirty(id.index);
    }

    /// Resets the connection; the handle stays valid and answers errors.
    pub(super) fn abort(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        connection.socket_mut().abort();
        self.wakes.push(connection.reader.take());
        self.wakes.push(connection.writer.take());
        self.mark_dirty(id.index);
    }
}

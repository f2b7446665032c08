//! The table of connections: slots with generations, so that a stale handle finds nothing.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::Waker;
use core::time::Duration;

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp;

use super::flow::FlowKey;
use super::front::Membership;
use super::listener::ListenerId;
use super::observer::Observer;
use super::smoltcp_duration;
use crate::time::Instant;

/// How long an acknowledgement waits for something to go with.
const ACK_DELAY: smoltcp::time::Duration = smoltcp::time::Duration::from_millis(10);

/// Names a connection; never again used for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    pub(super) index: u32,
    pub(super) generation: u32,
}

/// What a connection's socket is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketOptions {
    /// Bytes received and not yet read: the largest window.
    pub receive_buffer_bytes: usize,
    /// Bytes written and not yet acknowledged.
    pub send_buffer_bytes: usize,
    /// After how long a silence the peer is asked whether it is still there.
    pub keep_alive: Option<Duration>,
    /// After how long without a sign of life the connection is given up. With `keep_alive` it must
    /// be longer than that.
    pub dead_after: Option<Duration>,
    /// Small pieces are sent at once, instead of being joined while others are under way.
    pub is_eager: bool,
    /// Whatever its user is known by; 0 for the kernel, whose connections programs cannot crowd out.
    pub owner: u32,
}

impl Default for SocketOptions {
    /// 8 KiB to receive, 16 KiB to send, asked after 30 s, given up after 75 s.
    fn default() -> Self {
        Self {
            receive_buffer_bytes: 8 * 1024,
            send_buffer_bytes: 16 * 1024,
            keep_alive: Some(Duration::from_secs(30)),
            dead_after: Some(Duration::from_secs(75)),
            // Packets are made after the tasks have run, so small writes are joined already; to wait
            // for an acknowledgement on top would only cost time.
            is_eager: true,
            owner: 0,
        }
    }
}

/// Where a connection stands between the wire and its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A SYN was answered; the handshake is not done.
    HalfOpen(ListenerId),
    /// Established, in a listener's queue.
    Queued(ListenerId),
    /// A handle to it exists.
    Owned,
    /// Its handle is gone; it delivers what was written, then ends.
    Orphaned,
    /// Ended by this side; kept for the peer's late segments.
    TimeWait,
}

/// Where a connection's packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Via {
    /// To the device.
    Wire,
    /// To the machine itself.
    Loopback,
}

/// One connection.
pub(super) struct Connection {
    pub(super) generation: u32,
    pub(super) key: FlowKey,
    pub(super) phase: Phase,
    /// Holds this connection's socket alone.
    pub(super) set: SocketSet<'static>,
    pub(super) handle: SocketHandle,
    /// When smoltcp wants to be asked for packets.
    pub(super) poll_at: Option<Instant>,
    /// When this connection is looked at: the earlier one of `poll_at` and `limit`.
    pub(super) deadline: Option<Instant>,
    /// When it is aborted if it is still in its phase.
    pub(super) limit: Option<Instant>,
    pub(super) is_dirty: bool,
    pub(super) last_heard: Instant,
    pub(super) opened_at: Instant,
    pub(super) dead_after: Option<Duration>,
    pub(super) received_bytes: u64,
    pub(super) sent_bytes: u64,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
    pub(super) via: Via,
    pub(super) owner: u32,
    /// The member of a front that has accepted it.
    pub(super) member: Option<Membership>,
    pub(super) observer: Option<Arc<dyn Observer>>,
    /// Bytes that have ever arrived, as the observer knows.
    pub(super) arrived: u64,
    /// A write found less room than it wanted.
    pub(super) wants_room: bool,
    pub(super) was_established: bool,
    /// Both sides have closed it, and everything was delivered.
    pub(super) has_ended_well: bool,
    /// Its state when it was last looked at.
    pub(super) last_state: tcp::State,
}

impl Connection {
    /// A connection around a socket that has just been made.
    pub(super) fn new(
        key: FlowKey,
        phase: Phase,
        (set, handle): (SocketSet<'static>, SocketHandle),
        via: Via,
        options: &SocketOptions,
        now: Instant,
    ) -> Self {
        let mut connection = Self {
            generation: 0,
            key,
            phase,
            set,
            handle,
            poll_at: None,
            deadline: None,
            limit: None,
            is_dirty: false,
            last_heard: now,
            opened_at: now,
            dead_after: options.dead_after,
            received_bytes: 0,
            sent_bytes: 0,
            reader: None,
            writer: None,
            via,
            owner: options.owner,
            member: None,
            observer: None,
            arrived: 0,
            wants_room: false,
            was_established: false,
            has_ended_well: false,
            last_state: tcp::State::Closed,
        };
        if via == Via::Loopback {
            // Nobody is spared a packet by waiting.
            connection.socket_mut().set_ack_delay(None);
        }
        connection
    }

    /// Bytes of its buffers.
    pub(super) fn buffer_bytes(&self) -> usize {
        self.socket().recv_capacity() + self.socket().send_capacity()
    }

    pub(super) fn socket(&self) -> &tcp::Socket<'static> {
        self.set.get(self.handle)
    }

    pub(super) fn socket_mut(&mut self) -> &mut tcp::Socket<'static> {
        self.set.get_mut(self.handle)
    }
}

/// A socket set with one socket, made from the pool or new. `None` when there is no memory.
pub(super) fn make_set(
    pool: &mut Vec<SocketSet<'static>>,
    options: &SocketOptions,
) -> Option<(SocketSet<'static>, SocketHandle)> {
    let fits = |set: &SocketSet<'static>| {
        set.iter().next().is_some_and(|(_, socket)| {
            let smoltcp::socket::Socket::Tcp(socket) = socket else { return false };
            socket.recv_capacity() == options.receive_buffer_bytes
                && socket.send_capacity() == options.send_buffer_bytes
        })
    };
    let mut set = match pool.iter().rposition(fits) {
        Some(at) => pool.swap_remove(at),
        None => {
            let receive = zeroed(options.receive_buffer_bytes)?;
            let send = zeroed(options.send_buffer_bytes)?;
            let mut set = SocketSet::new(Vec::with_capacity(1));
            set.add(tcp::Socket::new(
                tcp::SocketBuffer::new(receive),
                tcp::SocketBuffer::new(send),
            ));
            set
        }
    };
    let handle = set.iter().next().map(|(handle, _)| handle)?;
    let socket = set.get_mut::<tcp::Socket<'_>>(handle);
    socket.set_keep_alive(options.keep_alive.map(smoltcp_duration));
    socket.set_timeout(options.dead_after.map(smoltcp_duration));
    socket.set_ack_delay(Some(ACK_DELAY));
    socket.set_nagle_enabled(!options.is_eager);
    Some((set, handle))
}

/// Buffers are the stack's large allocations: when there is no memory for one, the connection is
/// refused.
fn zeroed(len: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).ok()?;
    bytes.resize(len, 0);
    Some(bytes)
}

enum Slot {
    Free { generation: u32 },
    Used(Box<Connection>),
}

/// All connections.
#[derive(Default)]
pub(super) struct Connections {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Connections {
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn at(&self, index: u32) -> Option<&Connection> {
        match self.slots.get(index as usize) {
            Some(Slot::Used(connection)) => Some(connection),
            _ => None,
        }
    }

    pub(super) fn at_mut(&mut self, index: u32) -> Option<&mut Connection> {
        match self.slots.get_mut(index as usize) {
            Some(Slot::Used(connection)) => Some(connection),
            _ => None,
        }
    }

    pub(super) fn get(&self, id: ConnectionId) -> Option<&Connection> {
        self.at(id.index).filter(|connection| connection.generation == id.generation)
    }

    pub(super) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.at_mut(id.index).filter(|connection| connection.generation == id.generation)
    }

    pub(super) fn id(&self, index: u32) -> Option<ConnectionId> {
        self.at(index).map(|connection| ConnectionId { index, generation: connection.generation })
    }

    /// Adds a connection and gives it its generation. `None` when there are 2³² of them.
    pub(super) fn insert(&mut self, mut connection: Connection) -> Option<ConnectionId> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                let index = u32::try_from(self.slots.len()).ok()?;
                self.slots.push(Slot::Free { generation: 0 });
                index
            }
        };
        let slot = self.slots.get_mut(index as usize)?;
        if let Slot::Free { generation } = *slot {
            connection.generation = generation;
        }
        let id = ConnectionId { index, generation: connection.generation };
        *slot = Slot::Used(Box::new(connection));
        Some(id)
    }

    pub(super) fn remove(&mut self, index: u32) -> Option<Connection> {
        let slot = self.slots.get_mut(index as usize)?;
        let Slot::Used(connection) = slot else { return None };
        let generation = connection.generation.wrapping_add(1);
        let Slot::Used(connection) = core::mem::replace(slot, Slot::Free { generation }) else {
            return None;
        };
        self.free.push(index);
        Some(*connection)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Used(connection) => Some(&**connection),
            Slot::Free { .. } => None,
        })
    }

    pub(super) fn indices(&self) -> Vec<u32> {
        let used = |(index, slot): (usize, &Slot)| match slot {
            Slot::Used(_) => u32::try_from(index).ok(),
            Slot::Free { .. } => None,
        };
        self.slots.iter().enumerate().filter_map(used).collect()
    }
}

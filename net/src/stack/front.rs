//! Fronts: one port behind which several listeners stand, of the instances of one service.
//!
//! The front takes the handshakes and has the backlog; a connection that is made goes to the queue of
//! a *member*'s listener, which [`Choose`] chooses among the members that are ready. While there is
//! none, connections wait here, for a limited time. What a member has not accepted when it stops to
//! listen, drains, or is found unhealthy, goes to another one: nothing that was sent is lost with it,
//! since nobody has read it yet. So instances may come and go without a connection being refused.
//!
//! A member is known by a number that its processes carry ([`super::Sharing::member`]); they bind and
//! listen on the front's port as if it were theirs, and nobody else may.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use smoltcp::wire::IpEndpoint;

use super::connection::{Connection, SocketOptions, Via};
use super::flow::FlowKey;
use super::listener::{ListenConfig, ListenerId};
use super::observer::Observer;
use super::ports::Reservation;

/// The owner of connections that no member has yet: a program's, but nobody's.
pub const UNCLAIMED: u32 = u32::MAX;

/// Names a front; never again used for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrontId(pub(super) u64);

/// How a front is set up.
#[derive(Clone, Copy, Debug)]
pub struct FrontConfig {
    /// The TCP port, on every address.
    pub port: u16,
    /// Connections that wait for a member or for the end of their handshake, together. Beyond that a
    /// SYN is dropped, and the client tries again.
    pub backlog: usize,
    /// How long a connection waits for a member.
    pub wait_limit: Duration,
    /// What the connections' sockets are made with; who accepts them tunes them as it likes.
    pub options: SocketOptions,
}

impl FrontConfig {
    /// A backlog of 128, half a minute, and the buffers that programs' sockets have.
    #[must_use]
    pub fn new(port: u16) -> Self {
        Self {
            port,
            backlog: 128,
            wait_limit: Duration::from_secs(30),
            options: SocketOptions {
                receive_buffer_bytes: 52 * 1024,
                send_buffer_bytes: 52 * 1024,
                keep_alive: None,
                dead_after: Some(Duration::from_secs(924)),
                is_eager: false,
                owner: UNCLAIMED,
            },
        }
    }
}

/// Whether a member gets connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberState {
    /// Not yet, or not at the moment: it starts, or is not healthy.
    Waiting,
    /// It does.
    Ready,
    /// No more: it is to end when it has finished those that it has.
    Draining,
}

/// A member that could get the next connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its number.
    pub member: u64,
    /// Its weight.
    pub weight: u32,
    /// Connections that it has, or that wait for it.
    pub connections: u32,
}

/// Who decides which member gets the next connection.
pub trait Choose: Send {
    /// One of `candidates`, which are in the order of their numbers.
    fn choose(&mut self, candidates: &[Candidate]) -> Option<u64>;
}

/// A front's counts, now and from its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrontFigures {
    /// Its port.
    pub port: u16,
    /// Handshakes under way.
    pub half_open: usize,
    /// Connections that wait for a member.
    pub waiting: usize,
    /// Connections that waited for too long, and were reset.
    pub timed_out: u64,
    /// SYNs that were dropped because the backlog was full.
    pub refused_backlog: u64,
    /// Connections that a member gave back before it had accepted them.
    pub handed_over: u64,
    /// The members, in the order of their numbers.
    pub members: Vec<MemberFigures>,
}

/// A member's counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberFigures {
    /// Its number.
    pub member: u64,
    /// Whether it gets connections.
    pub state: MemberState,
    /// Its weight.
    pub weight: u32,
    /// How many of its sockets listen.
    pub listeners: usize,
    /// Connections that wait for it to accept them.
    pub queued: usize,
    /// Connections that it has accepted and that are open.
    pub open: usize,
    /// Connections that it has ever accepted.
    pub accepted: u64,
}

/// One member.
pub(super) struct Member {
    pub(super) state: MemberState,
    pub(super) weight: u32,
    pub(super) listeners: Vec<ListenerId>,
    /// Which of its listeners had its turn.
    pub(super) turn: usize,
    pub(super) open: usize,
    pub(super) accepted: u64,
}

/// One front.
pub(super) struct Front {
    pub(super) id: FrontId,
    pub(super) listener: ListenerId,
    pub(super) port: u16,
    pub(super) wait_limit: Duration,
    pub(super) reservation: Reservation,
    pub(super) members: BTreeMap<u64, Member>,
    /// Connections from the kernel to one member, by the end that they come from.
    directed: BTreeMap<IpEndpoint, u64>,
    pub(super) chooser: Box<dyn Choose>,
    /// Who hears that a member that drains has no connection left.
    pub(super) observer: Option<Arc<dyn Observer>>,
    pub(super) handed_over: u64,
}

/// Whether the member that a connection is meant for can take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// It can.
    Free,
    /// Too many wait for it.
    Full,
    /// It does not listen.
    Nobody,
}

/// Of which front, and which member there.
pub(super) type Membership = (FrontId, u64);

/// All fronts. They are few.
#[derive(Default)]
pub(super) struct Fronts {
    all: Vec<Front>,
    next_id: u64,
}

impl Fronts {
    pub(super) fn next_id(&mut self) -> FrontId {
        self.next_id += 1;
        FrontId(self.next_id)
    }

    pub(super) fn add(
        &mut self,
        id: FrontId,
        config: &FrontConfig,
        (listener, reservation): (ListenerId, Reservation),
        chooser: Box<dyn Choose>,
    ) {
        self.all.push(Front {
            id,
            listener,
            port: config.port,
            wait_limit: config.wait_limit,
            reservation,
            members: BTreeMap::new(),
            directed: BTreeMap::new(),
            chooser,
            observer: None,
            handed_over: 0,
        });
    }

    pub(super) fn remove(&mut self, id: FrontId) -> Option<Front> {
        let at = self.all.iter().position(|front| front.id == id)?;
        Some(self.all.swap_remove(at))
    }

    pub(super) fn get(&self, id: FrontId) -> Option<&Front> {
        self.all.iter().find(|front| front.id == id)
    }

    pub(super) fn get_mut(&mut self, id: FrontId) -> Option<&mut Front> {
        self.all.iter_mut().find(|front| front.id == id)
    }

    pub(super) fn member_mut(&mut self, (front, member): Membership) -> Option<&mut Member> {
        self.get_mut(front)?.members.get_mut(&member)
    }

    /// The front on this port that has this member.
    pub(super) fn of_member(&self, port: u16, member: u64) -> Option<Membership> {
        let is_it = |front: &&Front| front.port == port && front.members.contains_key(&member);
        self.all.iter().find(is_it).map(|front| (front.id, member))
    }

    /// A connection from this end of the kernel's is meant for one member.
    pub(super) fn direct(&mut self, (front, member): Membership, from: IpEndpoint) {
        if let Some(front) = self.get_mut(front) {
            front.directed.insert(from, member);
        }
    }

    /// A connection from this end is gone.
    pub(super) fn forget_directed(&mut self, from: IpEndpoint) {
        for front in &mut self.all {
            front.directed.remove(&from);
        }
    }
}

impl Front {
    /// For which member a connection is meant, if for a certain one.
    pub(super) fn directed_to(&self, connection: &Connection) -> Option<u64> {
        self.directed_by(&connection.key, connection.via)
    }

    /// The same before there is one. Nobody on the wire can know.
    pub(super) fn directed_by(&self, key: &FlowKey, via: Via) -> Option<u64> {
        let from = IpEndpoint::new(key.remote, key.remote_port);
        self.directed.get(&from).copied().filter(|_| via == Via::Loopback)
    }

    /// Adds a member or changes it.
    pub(super) fn set_member(&mut self, member: u64, state: MemberState, weight: u32) {
        let new = || Member { state, weight, listeners: Vec::new(), turn: 0, open: 0, accepted: 0 };
        let known = self.members.entry(member).or_insert_with(new);
        known.state = state;
        known.weight = weight;
    }
}

/// The listener of a front.
pub(super) fn listen_config(config: &FrontConfig) -> ListenConfig {
    let options = SocketOptions { owner: UNCLAIMED, ..config.options };
    ListenConfig { backlog: config.backlog, options, ..ListenConfig::new(config.port) }
}

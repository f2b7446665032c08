//! Giving a front's connections to its members, and taking them back.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use smoltcp::wire::IpAddress;

use super::connection::{ConnectionId, Phase, Via};
use super::flow::FlowKey;
use super::front::{
    Candidate, FrontFigures, FrontId, Member, MemberFigures, MemberState, Membership, Room,
    UNCLAIMED,
};
use super::listener::{Listener, ListenerId, Role};
use super::observer::Ready;
use super::tables::Tables;

impl Tables {
    /// Gives the connections that wait at a front to its members, as far as there are ready ones with
    /// room.
    pub(super) fn dispatch(&mut self, id: FrontId) {
        let Some(front) = self.fronts.get(id) else { return };
        let listener = front.listener;
        let Some(waiting) = self.listeners.get_mut(listener) else { return };
        let mut waiting = core::mem::take(&mut waiting.queue);
        let mut kept = VecDeque::new();
        // Nobody has room for connections to this address.
        let mut full = None;
        while let Some(connection) = waiting.pop_front() {
            let Some(known) = self.connections.get(connection) else { continue };
            let local = known.key.local;
            let directed = self.fronts.get(id).and_then(|front| front.directed_to(known));
            let chosen = match directed {
                Some(member) => self.room_at((id, member), local),
                None if full == Some(local) => None,
                None => self.choose(id, local),
            };
            match chosen {
                Some(to) => self.assign(connection, to),
                None => {
                    full = if directed.is_none() { Some(local) } else { full };
                    kept.push_back(connection);
                }
            }
        }
        if let Some(listener) = self.listeners.get_mut(listener) {
            listener.queue = kept;
        }
    }

    /// Chooses a member for a connection to this address: its listener.
    fn choose(&mut self, id: FrontId, local: IpAddress) -> Option<ListenerId> {
        let front = self.fronts.get(id)?;
        let candidate = |(&member, known): (&u64, &Member)| {
            let is_ready = known.state == MemberState::Ready;
            let to = is_ready.then(|| self.room_at((id, member), local)).flatten()?;
            let connections = known.open + self.queued_at(known);
            let connections = u32::try_from(connections).unwrap_or(u32::MAX);
            Some((Candidate { member, weight: known.weight, connections }, to))
        };
        let (candidates, listeners): (Vec<_>, Vec<_>) =
            front.members.iter().filter_map(candidate).unzip();
        let chosen = self.fronts.get_mut(id)?.chooser.choose(&candidates);
        // Whoever was chosen, it is one of these.
        let of = |wanted| candidates.iter().position(|candidate| Some(candidate.member) == wanted);
        let at = of(chosen).unwrap_or(0);
        let member = candidates.get(at)?.member;
        if let Some(known) = self.fronts.member_mut((id, member)) {
            known.turn = known.turn.wrapping_add(1);
        }
        listeners.get(at).copied()
    }

    /// The listener of a member that takes a connection to this address: the one with the shortest
    /// queue, of equals the next one.
    pub(super) fn room_at(&self, of: Membership, local: IpAddress) -> Option<ListenerId> {
        let member = self.fronts.get(of.0)?.members.get(&of.1)?;
        let count = member.listeners.len();
        let queued = |at: usize| {
            let id = *member.listeners.get(at)?;
            let listener = self.listeners.get(id)?;
            let has_room = listener.queue.len() < listener.config.backlog;
            let takes = listener.config.address.takes(local);
            (takes && has_room).then_some((listener.queue.len(), id))
        };
        let in_turn = (0..count).filter_map(|step| queued(member.turn.wrapping_add(step) % count));
        in_turn.min_by_key(|(queued, _)| *queued).map(|(_, id)| id)
    }

    /// Whether a connection that comes is meant for one member, and can be taken.
    pub(super) fn directed_room(&self, role: Role, key: &FlowKey, via: Via) -> Option<Room> {
        let Role::Front(id) = role else { return None };
        let front = self.fronts.get(id)?;
        let member = front.directed_by(key, via)?;
        let listens = front.members.get(&member).is_some_and(|it| !it.listeners.is_empty());
        Some(match self.room_at((id, member), key.local) {
            Some(_) => Room::Free,
            None if listens => Room::Full,
            None => Room::Nobody,
        })
    }

    fn queued_at(&self, member: &Member) -> usize {
        let queued = |id: &ListenerId| self.listeners.get(*id).map(|it| it.queue.len());
        member.listeners.iter().filter_map(queued).sum()
    }

    /// Puts a connection that waits into a listener's queue.
    fn assign(&mut self, id: ConnectionId, to: ListenerId) {
        let Some(listener) = self.listeners.get_mut(to) else { return };
        let Some(connection) = self.connections.get_mut(id) else { return };
        connection.phase = Phase::Queued(to);
        connection.limit = None;
        if listener.config.options.owner != 0 {
            connection.owner = listener.config.options.owner;
        }
        listener.queue.push_back(id);
        listener.counters.backlog_peak = listener.counters.backlog_peak.max(listener.queue.len());
        let observer = listener.observer.clone();
        self.wakes.tell(observer.as_ref(), Ready::READ);
        self.mark_dirty(id.index);
    }

    /// Takes what waits for a listener of a member back to the front; what was meant for that member
    /// alone is reset.
    pub(super) fn take_back(&mut self, (id, _): Membership, queue: VecDeque<ConnectionId>) {
        let mut returned = VecDeque::new();
        for waiting in queue {
            let Some(connection) = self.connections.get_mut(waiting) else { continue };
            let Some(front) = self.fronts.get_mut(id) else { return };
            if front.directed_to(connection).is_some() {
                connection.phase = Phase::Orphaned;
                connection.socket_mut().abort();
            } else {
                connection.phase = Phase::Queued(front.listener);
                connection.owner = UNCLAIMED;
                front.handed_over += 1;
                returned.push_back(waiting);
            }
            self.mark_dirty(waiting.index);
        }
        // They have waited longer than those that wait here.
        let Some(front) = self.fronts.get(id) else { return };
        if let Some(listener) = self.listeners.get_mut(front.listener) {
            returned.append(&mut listener.queue);
            listener.queue = returned;
        }
        self.dispatch(id);
    }

    /// A listener of a member's is gone.
    pub(super) fn member_stopped(&mut self, of: Membership, listener: Listener) {
        if let Some(member) = self.fronts.member_mut(of) {
            member.listeners.retain(|known| *known != listener.id);
        }
        self.take_back(of, listener.queue);
        self.tell_if_drained(of);
    }

    /// Tells of a member that drains and has no connection left.
    pub(super) fn tell_if_drained(&mut self, of: Membership) {
        let Some(front) = self.fronts.get(of.0) else { return };
        let Some(member) = front.members.get(&of.1) else { return };
        let is_idle = member.open == 0 && self.queued_at(member) == 0;
        if member.state == MemberState::Draining && is_idle {
            self.wakes.tell(front.observer.as_ref(), Ready::HANG_UP);
        }
    }

    /// Empties the queues of a member's listeners.
    pub(super) fn relieve(&mut self, of: Membership) {
        let Some(member) = self.fronts.member_mut(of) else { return };
        let mut queue = VecDeque::new();
        for id in member.listeners.clone() {
            if let Some(listener) = self.listeners.get_mut(id) {
                queue.append(&mut listener.queue);
            }
        }
        self.take_back(of, queue);
    }

    /// A connection was accepted from a listener's queue: it is its member's, and there is room for
    /// another one.
    pub(super) fn accepted_from(&mut self, listener: ListenerId, taken: ConnectionId) {
        let role = self.listeners.get(listener).map(|listener| listener.role);
        let Some(Role::Member(of)) = role else { return };
        if let Some(member) = self.fronts.member_mut(of) {
            member.accepted += 1;
            member.open += 1;
            if let Some(connection) = self.connections.get_mut(taken) {
                connection.member = Some(of);
            }
        }
        self.dispatch(of.0);
    }

    /// A connection is over for its member.
    pub(super) fn left_member(&mut self, index: u32) {
        let of = self.connections.at_mut(index).and_then(|connection| connection.member.take());
        let Some(of) = of else { return };
        if let Some(member) = self.fronts.member_mut(of) {
            member.open = member.open.saturating_sub(1);
        }
        self.tell_if_drained(of);
    }

    /// A front's figures.
    pub(super) fn front_figures(&self, id: FrontId) -> Option<FrontFigures> {
        let front = self.fronts.get(id)?;
        let listener = self.listeners.get(front.listener)?;
        let member = |(&member, known): (&u64, &Member)| MemberFigures {
            member,
            state: known.state,
            weight: known.weight,
            listeners: known.listeners.len(),
            queued: self.queued_at(known),
            open: known.open,
            accepted: known.accepted,
        };
        Some(FrontFigures {
            port: front.port,
            half_open: listener.half_open,
            waiting: listener.queue.len(),
            timed_out: listener.counters.wait_timeouts,
            refused_backlog: listener.counters.refused_backlog,
            handed_over: front.handed_over,
            members: front.members.iter().map(member).collect(),
        })
    }
}

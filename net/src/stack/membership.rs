//! What the kernel does with fronts: opens and closes them, says who their members are, and reaches
//! one member.

use alloc::boxed::Box;
use alloc::sync::Arc;

use smoltcp::phy::Device;
use smoltcp::wire::{IpAddress, IpEndpoint, Ipv4Address, Ipv6Address};

use super::Stack;
use super::connection::{ConnectionId, SocketOptions};
use super::front::{Choose, FrontConfig, FrontFigures, FrontId, MemberState, listen_config};
use super::listener::{ListenError, Role};
use super::local::LocalAddress;
use super::observer::Observer;
use super::operations::ConnectError;
use super::ports::{PortSpace, Sharing};
use crate::time::Instant;

impl<D: Device> Stack<D> {
    /// Takes a port for members that come later.
    ///
    /// # Errors
    /// When anyone has the port, or the configuration can't work.
    pub fn open_front(
        &mut self,
        config: &FrontConfig,
        chooser: Box<dyn Choose>,
    ) -> Result<FrontId, ListenError> {
        let tables = &mut self.tables;
        let (port, space) = (config.port, PortSpace::Tcp);
        if tables.ports.is_known(space, port) || tables.listeners.has_port(port) {
            return Err(ListenError::InUse { port });
        }
        let id = tables.fronts.next_id();
        let listener = tables.listeners.add(listen_config(config))?;
        tables.listeners.set_role(listener, Role::Front(id));
        // With member 0, which is nobody.
        let reservation =
            tables.ports.take(space, port, LocalAddress::Any, Sharing::default(), Some((id, 0)));
        tables.fronts.add(id, config, (listener, reservation), chooser);
        Ok(id)
    }

    /// Gives a port up: connections that wait are reset, those that members have stay. Members that
    /// still listen are then as other programs that share a port.
    pub fn close_front(&mut self, id: FrontId) {
        let Some(front) = self.tables.fronts.remove(id) else { return };
        for listener in front.members.values().flat_map(|member| &member.listeners) {
            self.tables.listeners.set_role(*listener, Role::Plain);
        }
        self.stop_listening(front.listener);
        self.tables.ports.give_back(front.reservation);
    }

    /// Has someone else choose among the members.
    pub fn set_front_chooser(&mut self, id: FrontId, chooser: Box<dyn Choose>) {
        if let Some(front) = self.tables.fronts.get_mut(id) {
            front.chooser = chooser;
        }
    }

    /// Has `observer` hear [`Ready::HANG_UP`](super::Ready::HANG_UP) when the last connection of a member
    /// that drains has ended. Whether it had one to begin with, the figures say.
    pub fn observe_front(&mut self, id: FrontId, observer: Arc<dyn Observer>) {
        if let Some(front) = self.tables.fronts.get_mut(id) {
            front.observer = Some(observer);
        }
    }

    /// Adds a member, which may listen on the port from now on, or changes it. One that is not ready
    /// gets no more connections, and gives back those that it has not accepted. False without such a
    /// front, and for member 0, which is nobody.
    pub fn set_member(
        &mut self,
        id: FrontId,
        member: u64,
        state: MemberState,
        weight: u32,
    ) -> bool {
        let front = self.tables.fronts.get_mut(id).filter(|_| member != 0);
        let Some(front) = front else { return false };
        front.set_member(member, state, weight);
        match state {
            MemberState::Ready => self.tables.dispatch(id),
            MemberState::Waiting | MemberState::Draining => self.tables.relieve((id, member)),
        }
        true
    }

    /// Forgets a member. What it has not accepted goes to others; if it still listens, nothing comes.
    pub fn remove_member(&mut self, id: FrontId, member: u64) {
        let Some(front) = self.tables.fronts.get_mut(id) else { return };
        if let Some(known) = front.members.get_mut(&member) {
            known.state = MemberState::Draining;
        }
        self.tables.relieve((id, member));
        if let Some(front) = self.tables.fronts.get_mut(id) {
            front.members.remove(&member);
        }
    }

    /// What a front has done, and its members.
    #[must_use]
    pub fn front_figures(&self, id: FrontId) -> Option<FrontFigures> {
        self.tables.front_figures(id)
    }

    /// Opens a connection to one member, whatever its state: to see whether it is well.
    ///
    /// # Errors
    /// [`ConnectError::Refused`] when it does not listen; as [`Stack::connect`].
    pub fn connect_to_member(
        &mut self,
        id: FrontId,
        member: u64,
        options: &SocketOptions,
        now: Instant,
    ) -> Result<ConnectionId, ConnectError> {
        let front = self.tables.fronts.get(id).ok_or(ConnectError::Refused)?;
        let known = front.members.get(&member).ok_or(ConnectError::Refused)?;
        let mut listeners = known.listeners.iter().filter_map(|it| self.tables.listeners.get(*it));
        let listener = listeners.next().ok_or(ConnectError::Refused)?;
        let to = match listener.config.address {
            LocalAddress::Any | LocalAddress::AnyV4 => IpAddress::from(Ipv4Address::LOCALHOST),
            LocalAddress::AnyV6 => Ipv6Address::LOCALHOST.into(),
            LocalAddress::One(address) => address,
        };
        let connection = self.connect(IpEndpoint::new(to, front.port), options, now)?;
        if let Some(from) = self.local_endpoint(connection) {
            self.tables.fronts.direct((id, member), from);
        }
        Ok(connection)
    }
}

//! Taking in frames: each goes to the one connection it belongs to, a SYN may make a new one.

use smoltcp::iface::Interface;
use smoltcp::phy::{Device, RxToken, TxToken};
use smoltcp::socket::tcp;
use smoltcp::wire::{IpAddress, IpListenEndpoint};

use super::checksum::has_valid_sum;
use super::connection::{Connection, Phase, Via, make_set};
use super::device::{CountedToken, OneFrame};
use super::flow::{FlowKey, Frame, classify, classify_packet};
use super::front::Room;
use super::listener::BacklogFull;
use super::loopback::Place;
use super::packet;
use super::tables::Tables;
use super::{INGRESS_BUDGET, Stack, smoltcp_time};
use crate::time::Instant;

/// Who has to see a frame.
enum Target {
    /// The connection in this slot.
    Connection(u32),
    /// The control sockets, which answer what belongs to nobody.
    Control,
    /// Nobody: it was dropped on purpose, or dealt with.
    Done,
}

impl<D: Device> Stack<D> {
    /// Takes frames from the device; says whether there may be more.
    pub(super) fn receive(&mut self, now: Instant) -> bool {
        for _ in 0..INGRESS_BUDGET {
            if !self.receive_one(now) {
                return false;
            }
        }
        true
    }

    fn receive_one(&mut self, now: Instant) -> bool {
        let time = smoltcp_time(now);
        let Some((received, answer)) = self.device.receive(time) else { return false };
        let counters = &mut self.interface_counters;
        let (interface, control, tables) =
            (&mut self.interface, &mut self.control, &mut self.tables);
        let capabilities = &self.capabilities;
        let frame_kind = received.consume(|frame| {
            counters.received_packets += 1;
            counters.received_bytes += frame.len() as u64;
            let kind = classify(frame);
            let answer = CountedToken { token: answer, counters };
            let mut one = OneFrame::new(frame, answer, capabilities);
            let target = match kind {
                // Nobody on the wire has this machine's own address.
                Frame::Tcp { key, .. } if interface.has_ip_addr(key.remote) => Target::Done,
                Frame::Tcp { .. } if !has_valid_sum(frame) => Target::Done,
                Frame::Tcp { key, is_syn } => {
                    tables.target(key, is_syn, Via::Wire, interface, &mut one, now)
                }
                Frame::Datagram => tables.take_in_datagram(frame, interface),
                Frame::Stray => Target::Done,
                Frame::Neighbor { .. } | Frame::Other => Target::Control,
            };
            match target {
                Target::Connection(index) => {
                    if let Some(connection) = tables.connections.at_mut(index) {
                        connection.last_heard = now;
                        interface.poll_ingress_single(time, &mut one, &mut connection.set);
                    }
                    tables.settle(index, now);
                    tables.mark_dirty(index);
                }
                Target::Control => {
                    interface.poll_ingress_single(time, &mut one, control);
                }
                Target::Done => {}
            }
            kind
        });
        match frame_kind {
            Frame::Tcp { .. } | Frame::Stray => {}
            // Someone's hardware address may be known now, for which connections wait.
            Frame::Neighbor { target } => {
                if self.interface.has_ip_addr(target) {
                    self.retry_waiting();
                }
            }
            // It may be from the DHCP server.
            Frame::Datagram | Frame::Other => self.serve_control(now),
        }
        true
    }

    /// Takes in a packet that the machine has sent itself; says whether there was one.
    pub(super) fn receive_own(&mut self, now: Instant) -> bool {
        let loopback = &mut self.loopback;
        let Some(bytes) = loopback.queue.pop() else { return false };
        let (interface, tables) = (&mut loopback.interface, &mut self.tables);
        let time = smoltcp_time(now);
        let answer = Place(&mut loopback.queue);
        let mut one = OneFrame::new(&bytes, answer, &loopback.capabilities);
        let target = match classify_packet(&bytes) {
            Frame::Tcp { key, is_syn } => {
                tables.target(key, is_syn, Via::Loopback, interface, &mut one, now)
            }
            _ => match packet::parse(&bytes, false) {
                Some(packet) if tables.datagrams.take_in(&packet, false, &mut tables.wakes) => {
                    Target::Done
                }
                _ => Target::Control,
            },
        };
        match target {
            Target::Connection(index) => {
                if let Some(connection) = tables.connections.at_mut(index) {
                    connection.last_heard = now;
                    interface.poll_ingress_single(time, &mut one, &mut connection.set);
                }
                tables.settle(index, now);
                tables.mark_dirty(index);
            }
            Target::Control => {
                interface.poll_ingress_single(time, &mut one, &mut loopback.control);
            }
            Target::Done => {}
        }
        true
    }
}

impl Tables {
    /// Gives a datagram from the wire to its sockets.
    fn take_in_datagram(&mut self, frame: &[u8], interface: &Interface) -> Target {
        let Some(packet) = frame.get(14..).and_then(|bytes| packet::parse(bytes, true)) else {
            return Target::Control;
        };
        let is_for_all = packet.destination.is_multicast()
            || interface.ip_addrs().iter().any(|own| match (own, packet.destination) {
                (smoltcp::wire::IpCidr::Ipv4(own), IpAddress::Ipv4(to)) => {
                    to.is_broadcast() || own.broadcast() == Some(to)
                }
                _ => false,
            });
        if !is_for_all && !interface.has_ip_addr(packet.destination) {
            return Target::Control;
        }
        if interface.has_ip_addr(packet.source) {
            return Target::Done;
        }
        if self.datagrams.take_in(&packet, true, &mut self.wakes) {
            Target::Done
        } else {
            Target::Control
        }
    }

    /// Finds who gets a segment; makes the connection when it is a SYN for a listener.
    fn target<T: TxToken>(
        &mut self,
        key: FlowKey,
        is_syn: bool,
        via: Via,
        interface: &mut Interface,
        frame: &mut OneFrame<'_, T>,
        now: Instant,
    ) -> Target {
        if let Some(&index) = self.flows.get(&key) {
            let phase = self.connections.at(index).map(|connection| connection.phase);
            // A SYN for a flow in TIME-WAIT starts it anew (RFC 9293, section 3.6.1).
            if !(is_syn && phase == Some(Phase::TimeWait)) {
                return Target::Connection(index);
            }
            self.remove(index);
        }
        if !is_syn {
            self.counters.without_connection += 1;
            return Target::Control;
        }
        self.open_from_syn(key, via, interface, frame, now)
    }

    fn open_from_syn<T: TxToken>(
        &mut self,
        key: FlowKey,
        via: Via,
        interface: &mut Interface,
        frame: &mut OneFrame<'_, T>,
        now: Instant,
    ) -> Target {
        if !interface.has_ip_addr(key.local) {
            return Target::Control;
        }
        let wanted = self.listeners.for_syn(key.local, key.local_port, key.remote_port);
        let (options, role) =
            wanted.map(|listener| (listener.config.options, listener.role)).unzip();
        let directed = role.and_then(|role| self.directed_room(role, &key, via));
        let is_full = options.is_some_and(|options| !self.has_room_for(&options));
        let listener = self.listeners.for_syn(key.local, key.local_port, key.remote_port);
        let Some(listener) = listener else {
            self.counters.without_listener += 1;
            return Target::Control;
        };
        match directed {
            None | Some(Room::Free) => {}
            Some(Room::Full) => return Target::Done,
            Some(Room::Nobody) => return Target::Control,
        }
        let is_crowded = directed.is_none() && listener.backlog_used() >= listener.config.backlog;
        if is_crowded || is_full {
            if is_full {
                listener.counters.refused_limit += 1;
            } else {
                listener.counters.refused_backlog += 1;
            }
            return match listener.config.when_full {
                BacklogFull::Drop => Target::Done,
                BacklogFull::Reset => Target::Control,
            };
        }
        let (id, config) = (listener.id, listener.config);
        let Some((mut set, handle)) = make_set(&mut self.pool, &config.options) else {
            listener.counters.refused_memory += 1;
            return Target::Done;
        };
        let endpoint = IpListenEndpoint { addr: None, port: config.port };
        let socket = set.get_mut::<tcp::Socket<'_>>(handle);
        if socket.listen(endpoint).is_err() {
            return Target::Control;
        }
        interface.poll_ingress_single(smoltcp_time(now), frame, &mut set);
        if set.get::<tcp::Socket<'_>>(handle).state() != tcp::State::SynReceived {
            // A header that smoltcp refuses.
            self.recycle(set);
            return Target::Done;
        }
        listener.half_open += 1;
        let used = listener.backlog_used();
        listener.counters.backlog_peak = listener.counters.backlog_peak.max(used);
        let phase = Phase::HalfOpen(id);
        let mut connection = Connection::new(key, phase, (set, handle), via, &config.options, now);
        connection.limit = Some(now.after(config.handshake_timeout));
        self.insert(connection);
        Target::Done
    }
}

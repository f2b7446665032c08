//! The loopback: packets from this machine to itself, which no device sees.
//!
//! It is an interface of its own, over a queue instead of a device. It takes every address, because
//! the stack gives it only what is for this machine.

use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;

use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::phy::{ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::wire::{HardwareAddress, IpCidr, Ipv4Address, Ipv6Address};

use super::smoltcp_time;
use super::statistics::InterfaceCounters;
use crate::time::Instant;

/// The largest packet.
pub(super) const MTU_BYTES: usize = 65_535;
/// Bytes that may wait in the queue; then the connections wait.
const MOST_BYTES: usize = 1024 * 1024;

/// Packets on their way from the machine to itself.
#[derive(Default)]
pub(super) struct Queue {
    packets: VecDeque<Vec<u8>>,
    bytes: usize,
    pub(super) counters: InterfaceCounters,
}

impl Queue {
    pub(super) fn pop(&mut self) -> Option<Vec<u8>> {
        let packet = self.packets.pop_front()?;
        self.bytes = self.bytes.saturating_sub(packet.len());
        self.counters.received_packets += 1;
        self.counters.received_bytes += packet.len() as u64;
        Some(packet)
    }

    pub(super) fn push(&mut self, packet: Vec<u8>) {
        self.bytes += packet.len();
        self.counters.sent_packets += 1;
        self.counters.sent_bytes += packet.len() as u64;
        self.packets.push_back(packet);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    pub(super) fn has_room(&self) -> bool {
        self.bytes < MOST_BYTES
    }
}

/// A place in the queue.
pub(super) struct Place<'a>(pub(super) &'a mut Queue);

impl TxToken for Place<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut packet = vec![0; len];
        let outcome = f(&mut packet);
        self.0.push(packet);
        outcome
    }
}

/// Nothing is received by polling.
pub(super) struct Never;

impl RxToken for Never {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&[])
    }
}

impl Device for Queue {
    type RxToken<'a> = Never;
    type TxToken<'a> = Place<'a>;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Never, Place<'_>)> {
        None
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Place<'_>> {
        if !self.has_room() {
            self.counters.sent_full += 1;
            return None;
        }
        Some(Place(self))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MTU_BYTES;
        // Memory does not change what it holds.
        capabilities.checksum = ChecksumCapabilities::ignored();
        capabilities
    }
}

/// The interface and its queue.
pub(super) struct Loopback {
    pub(super) interface: Interface,
    pub(super) queue: Queue,
    pub(super) capabilities: DeviceCapabilities,
    /// No sockets: what answers packets that belong to nobody.
    pub(super) control: SocketSet<'static>,
}

impl Loopback {
    pub(super) fn new(random_seed: u64, now: Instant) -> Self {
        let mut queue = Queue::default();
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = random_seed;
        let mut interface = Interface::new(config, &mut queue, smoltcp_time(now));
        interface.update_ip_addrs(|addresses| {
            // Cannot fail: the list has room for two.
            let _ = addresses.push(IpCidr::new(Ipv4Address::LOCALHOST.into(), 8));
            let _ = addresses.push(IpCidr::new(Ipv6Address::LOCALHOST.into(), 128));
        });
        interface.set_any_ip(true);
        let capabilities = queue.capabilities();
        Self { interface, queue, capabilities, control: SocketSet::new(vec![]) }
    }
}

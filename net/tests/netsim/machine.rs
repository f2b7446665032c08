//! One host without tasks, whose sockets are used as programs' are, and a device that only remembers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use net::stack::{
    DatagramKind, IpAddress, IpEndpoint, IpVersion, Ipv4Address, Ipv4Cidr, Ipv4Config,
    ListenConfig, LocalAddress, Observer, PortSpace, Ready, Sharing, SocketOptions, Stack,
    StackConfig, StaticIpv4, WakeList,
};
use net::time::Instant;
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};

/// A device that only remembers what it was to send, and gives what it is fed.
#[derive(Default)]
pub(crate) struct Tray {
    pub(crate) sent: Vec<Vec<u8>>,
    pub(crate) fed: VecDeque<Vec<u8>>,
}

pub(crate) struct Fed(Vec<u8>);

impl RxToken for Fed {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

pub(crate) struct Sent<'a>(&'a mut Vec<Vec<u8>>);

impl TxToken for Sent<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let outcome = f(&mut frame);
        self.0.push(frame);
        outcome
    }
}

impl Device for Tray {
    type RxToken<'a> = Fed;
    type TxToken<'a> = Sent<'a>;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Fed, Sent<'_>)> {
        Some((Fed(self.fed.pop_front()?), Sent(&mut self.sent)))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Sent<'_>> {
        Some(Sent(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}

#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<Ready>>);

impl Observer for Log {
    fn changed(&self, ready: Ready) {
        self.0.lock().unwrap().push(ready);
    }
}

impl Log {
    pub(crate) fn take(&self) -> Vec<Ready> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    pub(crate) fn heard(&self, ready: Ready) -> bool {
        self.take().iter().any(|news| news.has(ready))
    }
}

pub(crate) struct Machine {
    pub(crate) stack: Stack<Tray>,
    pub(crate) now: Instant,
}

pub(crate) const LOCALHOST: IpAddress = IpAddress::v4(127, 0, 0, 1);
pub(crate) const OWN: Ipv4Address = Ipv4Address::new(10, 0, 2, 15);
pub(crate) const REUSE: Sharing = Sharing { address: true, port: false, member: 0 };

pub(crate) fn options() -> SocketOptions {
    SocketOptions { owner: 7, keep_alive: None, dead_after: None, ..SocketOptions::default() }
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self::with(|config| config)
    }

    pub(crate) fn with(change: impl FnOnce(StackConfig) -> StackConfig) -> Self {
        let address = StaticIpv4 { address: Ipv4Cidr::new(OWN, 24), gateway: None };
        let ipv4 = Ipv4Config::Static(address);
        let config = StackConfig { ipv4, ..StackConfig::new([2, 0, 0, 0, 0, 1], 42) };
        let config = change(config);
        let now = Instant::from_nanos(1_000_000_000);
        let mut machine = Self { stack: Stack::new(&config, Tray::default(), now), now };
        machine.flush();
        machine.stack.device_mut().sent.clear();
        machine
    }

    pub(crate) fn flush(&mut self) {
        let mut wakes = WakeList::default();
        self.stack.flush(self.now, &mut wakes);
        wakes.wake_all();
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now.after(time);
        let mut wakes = WakeList::default();
        while let Some(at) = self.stack.poll(self.now, &mut wakes)
            && at <= end
        {
            self.now = at.max(self.now.after(Duration::from_micros(1)));
            wakes.wake_all();
        }
        self.now = end;
        wakes.wake_all();
    }

    pub(crate) fn listen(
        &mut self,
        address: LocalAddress,
        port: u16,
    ) -> (net::stack::ListenerId, Arc<Log>) {
        let log = Arc::new(Log::default());
        let held = self.stack.reserve(PortSpace::Tcp, address, port, REUSE).unwrap();
        let config = ListenConfig { options: options(), backlog: 4, ..ListenConfig::new(port) };
        (self.stack.listen_at(held, config, log.clone()).unwrap(), log)
    }

    pub(crate) fn connect(&mut self, to: IpEndpoint) -> (net::stack::ConnectionId, Arc<Log>) {
        let log = Arc::new(Log::default());
        let id = self.stack.connect_from(to, None, &options(), log.clone(), self.now).unwrap();
        self.flush();
        (id, log)
    }

    pub(crate) fn udp(&mut self, port: u16) -> (net::stack::DatagramId, Arc<Log>) {
        let log = Arc::new(Log::default());
        let id = self
            .stack
            .open_datagram(DatagramKind::Udp, IpVersion::Ipv4, 7, Some(log.clone()))
            .unwrap();
        self.stack.bind_datagram(id, LocalAddress::AnyV4, port, Sharing::default()).unwrap();
        (id, log)
    }
}

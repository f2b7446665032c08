//! A small world: hosts with a stack each on one wire that can lose, repeat and reorder frames,
//! tasks on one executor, and a clock that jumps to the next event. Everything comes from a seed.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use net::executor::{Executor, Spawner, Timers, Unpark};
use net::socket::{LocalStack, SharedStack};
use net::stack::{
    IpAddress, IpEndpoint, Ipv4Address, Ipv4Cidr, Ipv4Config, Stack, StackConfig, StaticIpv4,
    WakeList,
};
use net::time::Instant;
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};

/// How the wire treats frames. The rates are out of 1000.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    pub(crate) loss: u64,
    pub(crate) duplicate: u64,
    pub(crate) reorder: u64,
    pub(crate) delay: Duration,
}

impl Weather {
    pub(crate) const FINE: Self =
        Self { loss: 0, duplicate: 0, reorder: 0, delay: Duration::from_micros(50) };
    pub(crate) const STORM: Self =
        Self { loss: 50, duplicate: 50, reorder: 100, delay: Duration::from_millis(2) };
}

/// xorshift64*, seeded; enough for weather.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

pub(crate) struct Wire {
    now: Instant,
    weather: Weather,
    random: Random,
    sent: u64,
    /// Frames on their way, by arrival.
    under_way: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    inboxes: Vec<VecDeque<Vec<u8>>>,
    /// How many frames all devices together take before time goes on.
    pub(crate) room: u64,
    taken: u64,
    /// Frames to this port go nowhere but here.
    pub(crate) taps: BTreeMap<usize, Vec<Vec<u8>>>,
}

impl Wire {
    fn send(&mut self, from: usize, frame: &[u8]) {
        self.taken += 1;
        for to in 0..self.inboxes.len() {
            if to == from || self.random.below(1000) < self.weather.loss {
                continue;
            }
            self.carry(to, frame.to_vec());
            if self.random.below(1000) < self.weather.duplicate {
                self.carry(to, frame.to_vec());
            }
        }
    }

    fn carry(&mut self, to: usize, frame: Vec<u8>) {
        let mut delay = self.weather.delay;
        if self.random.below(1000) < self.weather.reorder {
            delay *= 1 + u32::try_from(self.random.below(4)).unwrap();
        }
        self.sent += 1;
        self.under_way.insert((self.now.after(delay), self.sent), (to, frame));
    }

    fn deliver(&mut self, now: Instant) {
        if self.now != now {
            self.taken = 0;
        }
        self.now = now;
        while let Some(entry) = self.under_way.first_entry()
            && entry.key().0 <= now
        {
            let (to, frame) = entry.remove();
            match self.taps.get_mut(&to) {
                Some(tap) => tap.push(frame),
                None => self.inboxes[to].push_back(frame),
            }
        }
    }
}

/// One host's end of the wire.
pub(crate) struct Port {
    number: usize,
    wire: Rc<RefCell<Wire>>,
}

pub(crate) struct Received(Vec<u8>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

pub(crate) struct Sending<'a>(&'a Port);

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.0.wire.borrow_mut().send(self.0.number, &frame);
        result
    }
}

impl Device for Port {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Received, Sending<'_>)> {
        let mut wire = self.wire.borrow_mut();
        if wire.taken >= wire.room {
            return None;
        }
        let frame = wire.inboxes[self.number].pop_front()?;
        drop(wire);
        Some((Received(frame), Sending(self)))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Sending<'_>> {
        let has_room = {
            let wire = self.wire.borrow();
            wire.taken < wire.room
        };
        has_room.then_some(Sending(self))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}

pub(crate) type Host = LocalStack<Port>;

struct NoSleep;

impl Unpark for NoSleep {
    fn unpark(&self) {}
}

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) hosts: Vec<Host>,
    pub(crate) wire: Rc<RefCell<Wire>>,
    executor: Executor,
}

/// The address of host `number`.
pub(crate) fn address(number: u8) -> Ipv4Address {
    Ipv4Address::new(10, 0, 0, 1 + number)
}

pub(crate) fn endpoint(number: u8, port: u16) -> IpEndpoint {
    IpEndpoint::new(IpAddress::Ipv4(address(number)), port)
}

pub(crate) fn mac(number: u8) -> [u8; 6] {
    [2, 0, 0, 0, 0, 1 + number]
}

impl World {
    /// A world of `count` hosts.
    pub(crate) fn new(seed: u64, count: u8, weather: Weather) -> Self {
        println!("seed {seed}");
        Self::with(seed, count, weather, |number, config| {
            config.ipv4 = Ipv4Config::Static(StaticIpv4 {
                address: Ipv4Cidr::new(address(number), 24),
                gateway: None,
            });
        })
    }

    pub(crate) fn with(
        seed: u64,
        count: u8,
        weather: Weather,
        configure: impl Fn(u8, &mut StackConfig),
    ) -> Self {
        let now = Instant::from_nanos(1_000_000);
        let wire = Rc::new(RefCell::new(Wire {
            now,
            weather,
            random: Random::new(seed),
            sent: 0,
            under_way: BTreeMap::new(),
            inboxes: (0..count).map(|_| VecDeque::new()).collect(),
            room: u64::MAX,
            taken: 0,
            taps: BTreeMap::new(),
        }));
        let hosts = (0..count)
            .map(|number| {
                let mut config = StackConfig::new(mac(number), seed ^ u64::from(number) << 40);
                configure(number, &mut config);
                let port = Port { number: number.into(), wire: wire.clone() };
                LocalStack::new(Stack::new(&config, port, now), now)
            })
            .collect();
        Self { now, hosts, wire, executor: Executor::new(4096, Arc::new(NoSleep)) }
    }

    pub(crate) fn spawner(&self) -> Spawner {
        self.executor.spawner()
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.executor.spawner().spawn(task).unwrap();
    }

    pub(crate) fn timers(&self) -> Timers {
        self.executor.timers()
    }

    pub(crate) fn set_weather(&self, weather: Weather) {
        self.wire.borrow_mut().weather = weather;
    }

    /// Puts a frame into a host's inbox at once.
    pub(crate) fn inject(&mut self, to: usize, frame: Vec<u8>) {
        self.wire.borrow_mut().inboxes[to].push_back(frame);
    }

    /// Lets the world run until `is_done`, or panics when `limit` has passed.
    pub(crate) fn run_until(&mut self, limit: Duration, mut is_done: impl FnMut(&Self) -> bool) {
        let end = self.now.after(limit);
        while !is_done(self) {
            if !self.step(end) && !is_done(self) {
                for host in &self.hosts {
                    println!("{:#?}", host.with(|stack| stack.connections()));
                }
                panic!("not done after {limit:?}");
            }
        }
    }

    /// Lets the world run for this long.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = self.now.after(time);
        while self.step(end) {}
        self.now = end;
    }

    /// One round at the present time, then the clock jumps to the next event. False when that is
    /// past `end`.
    fn step(&mut self, end: Instant) -> bool {
        let mut wakes = WakeList::default();
        self.wire.borrow_mut().deliver(self.now);
        let mut next = self.wire.borrow().under_way.keys().next().map(|key| key.0);
        for host in &self.hosts {
            host.set_now(self.now);
            host.poll(&mut wakes);
        }
        let is_busy = self.executor.run_ready(self.now);
        for host in &self.hosts {
            if let Some(at) = host.flush(&mut wakes) {
                next = Some(next.map_or(at, |next| next.min(at)));
            }
        }
        if let Some(at) = self.wire.borrow().under_way.keys().next().map(|key| key.0) {
            next = Some(next.map_or(at, |next| next.min(at)));
        }
        if let Some(at) = self.executor.next_deadline() {
            next = Some(next.map_or(at, |next| next.min(at)));
        }
        if is_busy || self.executor.has_ready() {
            next = Some(self.now);
        }
        let next = next.unwrap_or(end).max(self.now);
        if next >= end {
            return false;
        }
        self.now = next;
        true
    }
}

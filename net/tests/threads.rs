//! The stack behind a lock, used by blocking threads as programs will: each operation is polled with
//! a waker that unparks its thread, one thread polls the stacks.
#![expect(clippy::unwrap_used, reason = "a test that can't go on panics")]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use net::socket::{SharedStack, TcpListener, TcpStream};
use net::stack::{
    IpAddress, IpEndpoint, Ipv4Address, Ipv4Cidr, Ipv4Config, ListenConfig, SocketOptions, Stack,
    StackConfig, StaticIpv4, WakeList,
};
use net::stream::ByteStream;
use net::time::Instant;
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};

type Queue = Arc<Mutex<VecDeque<Vec<u8>>>>;

struct End {
    inbox: Queue,
    outbox: Queue,
}

struct Received(Vec<u8>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

struct Sending(Queue);

impl TxToken for Sending {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.0.lock().unwrap().push_back(frame);
        result
    }
}

impl Device for End {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Received, Sending)> {
        let frame = self.inbox.lock().unwrap().pop_front()?;
        Some((Received(frame), Sending(self.outbox.clone())))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Sending> {
        Some(Sending(self.outbox.clone()))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}

#[derive(Clone)]
struct Locked {
    stack: Arc<Mutex<Stack<End>>>,
    start: std::time::Instant,
    poller: Arc<OnceLock<Thread>>,
}

impl SharedStack for Locked {
    type Device = End;

    fn with<R>(&self, f: impl FnOnce(&mut Stack<End>) -> R) -> R {
        f(&mut self.stack.lock().unwrap())
    }

    fn now(&self) -> Instant {
        Instant::from_nanos(u64::try_from(self.start.elapsed().as_nanos()).unwrap())
    }

    fn kick(&self) {
        if let Some(poller) = self.poller.get() {
            poller.unpark();
        }
    }
}

struct Unparker(Thread);

impl Wake for Unparker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// A blocking call: what a system call of a program will do.
fn block_on<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    let waker = Waker::from(Arc::new(Unparker(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(result) = poll(&mut context) {
            return result;
        }
        thread::park();
    }
}

fn host(number: u8, end: End, start: std::time::Instant, poller: Arc<OnceLock<Thread>>) -> Locked {
    let mut config = StackConfig::new([2, 0, 0, 0, 0, number], 7);
    config.ipv4 = Ipv4Config::Static(StaticIpv4 {
        address: Ipv4Cidr::new(Ipv4Address::new(10, 0, 0, number), 24),
        gateway: None,
    });
    let stack = Stack::new(&config, end, Instant::default());
    Locked { stack: Arc::new(Mutex::new(stack)), start, poller }
}

fn echo(mut stream: TcpStream<Locked>) {
    let mut buffer = [0; 1000];
    loop {
        let count = block_on(|context| stream.poll_read(context, &mut buffer)).unwrap();
        if count == 0 {
            return;
        }
        let mut rest = &buffer[..count];
        while !rest.is_empty() {
            let count = block_on(|context| stream.poll_write(context, rest)).unwrap();
            rest = &rest[count..];
        }
    }
}

#[test]
fn blocking_threads_share_a_stack() {
    const CLIENTS: u8 = 8;
    let (left, right) = (Queue::default(), Queue::default());
    let (start, poller) = (std::time::Instant::now(), Arc::new(OnceLock::new()));
    let server = host(1, End { inbox: left.clone(), outbox: right.clone() }, start, poller.clone());
    let client = host(2, End { inbox: right, outbox: left }, start, poller.clone());

    let is_done = Arc::new(AtomicBool::new(false));
    let polling = {
        let (server, client, is_done) = (server.clone(), client.clone(), is_done.clone());
        thread::spawn(move || {
            poller.set(thread::current()).unwrap();
            let mut wakes = WakeList::default();
            // Relaxed: the join below orders everything else.
            while !is_done.load(Ordering::Relaxed) {
                let sent =
                    |host: &Locked| host.with(|stack| stack.statistics()).interface.sent_packets;
                let before = sent(&server) + sent(&client);
                server.poll(&mut wakes);
                client.poll(&mut wakes);
                // What one has sent the other gets at once; else timers need a look now and then.
                if sent(&server) + sent(&client) == before {
                    thread::park_timeout(Duration::from_millis(1));
                }
            }
        })
    };

    let listener = TcpListener::bind(&server, ListenConfig::new(80)).unwrap();
    let accepting = thread::spawn(move || {
        let mut echoes = Vec::new();
        for _ in 0..CLIENTS {
            let (stream, _) = block_on(|context| listener.poll_accept(context)).unwrap();
            echoes.push(thread::spawn(move || echo(stream)));
        }
        echoes.into_iter().for_each(|echo| echo.join().unwrap());
    });
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let client = client.clone();
            thread::spawn(move || {
                let remote = IpEndpoint::new(IpAddress::v4(10, 0, 0, 1), 80);
                let options = SocketOptions::default();
                let mut stream = TcpStream::connect(&client, remote, &options).unwrap();
                for round in 0..200_u16 {
                    let data = vec![number; 1 + usize::from(round) * 7];
                    let mut rest = &data[..];
                    while !rest.is_empty() {
                        let count = block_on(|context| stream.poll_write(context, rest)).unwrap();
                        rest = &rest[count..];
                    }
                    let mut back = Vec::new();
                    let mut buffer = [0; 500];
                    while back.len() < data.len() {
                        let count =
                            block_on(|context| stream.poll_read(context, &mut buffer)).unwrap();
                        back.extend_from_slice(&buffer[..count]);
                    }
                    assert_eq!(back, data);
                }
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
    accepting.join().unwrap();
    is_done.store(true, Ordering::Relaxed);
    polling.join().unwrap();
}

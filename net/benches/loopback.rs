//! What a request and a packet cost: two stacks joined in memory, one thread, picoserve behind the
//! gate. Prints a table; nothing is asserted.
#![expect(clippy::unwrap_used, reason = "a benchmark that can't go on panics")]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use net::executor::{Executor, Unpark};
use net::http::GateConfig;
use net::runtime::turn;
use net::server::{HTTP_BUFFER_BYTES, HttpServer};
use net::socket::{LocalStack, SharedStack, TcpListener, TcpStream};
use net::stack::{
    IpAddress, IpEndpoint, Ipv4Address, Ipv4Cidr, Ipv4Config, ListenConfig, SocketOptions, Stack,
    StackConfig, StaticIpv4, WakeList,
};
use net::time::Instant;
use picoserve::routing::{PathRouter, get};
use smoltcp::phy::{ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken};

/// Frames on their way to one end; buffers go round.
#[derive(Default)]
struct Queue {
    frames: VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
}

struct End {
    inbox: Rc<RefCell<Queue>>,
    outbox: Rc<RefCell<Queue>>,
}

struct Received<'a>(Vec<u8>, &'a RefCell<Queue>);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        let result = f(&self.0);
        self.1.borrow_mut().spare.push(self.0);
        result
    }
}

struct Sending<'a>(&'a RefCell<Queue>);

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = self.0.borrow_mut().spare.pop().unwrap_or_default();
        frame.resize(len, 0);
        let result = f(&mut frame);
        self.0.borrow_mut().frames.push_back(frame);
        result
    }
}

impl Device for End {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Received<'_>, Sending<'_>)> {
        let frame = self.inbox.borrow_mut().frames.pop_front()?;
        Some((Received(frame, &self.inbox), Sending(&self.outbox)))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Sending<'_>> {
        Some(Sending(&self.outbox))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1514;
        // A virtual link needs no checksums; the kernel's driver says the same where it may.
        capabilities.checksum = ChecksumCapabilities::ignored();
        capabilities
    }
}

struct NoSleep;

impl Unpark for NoSleep {
    fn unpark(&self) {}
}

type Host = LocalStack<End>;

fn host(number: u8, end: End) -> Host {
    let mut config = StackConfig::new([2, 0, 0, 0, 0, number], 42);
    config.max_connections = 5000;
    config.ipv4 = Ipv4Config::Static(StaticIpv4 {
        address: Ipv4Cidr::new(Ipv4Address::new(10, 0, 0, number), 24),
        gateway: None,
    });
    LocalStack::new(Stack::new(&config, end, Instant::default()), Instant::default())
}

fn app() -> picoserve::Router<impl PathRouter> {
    let list: Rc<str> = r#"{"pid":42,"name":"httpd","state":"blocked"},"#.repeat(45).into();
    picoserve::Router::new().route("/healthz", get(|| async { "ok" })).route(
        "/list",
        get(move || {
            let list = list.clone();
            async move { list.as_bytes().to_vec() }
        }),
    )
}

const REQUEST_HEADERS: &str = "Host: 127.0.0.1:8080\r\nUser-Agent: bench\r\n\
     Accept: */*\r\nAuthorization: Bearer 0123456789abcdef0123456789abcdef\r\n\r\n";

/// Client: sends requests over one connection and counts answers.
async fn client(host: Host, path: &'static str, answers: Rc<Cell<u64>>, wanted: u64) {
    let remote = IpEndpoint::new(IpAddress::v4(10, 0, 0, 1), 80);
    let mut stream = TcpStream::connect(&host, remote, &SocketOptions::default()).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\n{REQUEST_HEADERS}");
    let mut buffer = [0; 8192];
    while answers.get() < wanted {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut len = stream.read(&mut buffer).await.unwrap();
        let text = String::from_utf8_lossy(&buffer[..len]).into_owned();
        let head = text.find("\r\n\r\n").unwrap() + 4;
        let at = text.find("Content-Length: ").unwrap() + 16;
        let body: usize = text[at..].split('\r').next().unwrap().parse().unwrap();
        while len < head + body {
            len += stream.read(&mut buffer).await.unwrap();
        }
        answers.set(answers.get() + 1);
    }
}

fn measure(path: &'static str, connections: u64, idle: u64, wanted: u64) {
    let (left, right): (Rc<RefCell<Queue>>, Rc<RefCell<Queue>>) = Default::default();
    let server = host(1, End { inbox: left.clone(), outbox: right.clone() });
    let clients = host(2, End { inbox: right, outbox: left });
    let mut executor = Executor::new(8192, Arc::new(NoSleep));
    let mut client_executor = Executor::new(8192, Arc::new(NoSleep));
    let mut config = ListenConfig::new(80);
    config.backlog = 4096;
    let listener = TcpListener::bind(&server, config).unwrap();
    let http = HttpServer {
        policy: |_: &str, _: &str| 0,
        config: GateConfig::default(),
        max_connections: 5000,
        counters: Arc::default(),
    };
    let spawner = executor.spawner();
    let app = Rc::new(app());
    let server_task = http.run(listener, executor.timers(), spawner, move |connection, _| {
        let app = app.clone();
        async move {
            connection.serve(&app, &mut vec![0; HTTP_BUFFER_BYTES]).await;
        }
    });
    executor.spawner().spawn(server_task).unwrap();
    let answers = Rc::new(Cell::new(0));
    for number in 0..connections + idle {
        // An idle one asks once.
        let wanted = if number < idle { 1 } else { wanted };
        let counter = if number < idle { Rc::default() } else { answers.clone() };
        client_executor.spawner().spawn(client(clients.clone(), path, counter, wanted)).unwrap();
    }
    let start = std::time::Instant::now();
    let mut wakes = WakeList::default();
    let mut server_time = std::time::Duration::ZERO;
    while answers.get() < wanted {
        let begin = std::time::Instant::now();
        let now =
            Instant::from_nanos(u64::try_from(begin.duration_since(start).as_nanos()).unwrap());
        server.set_now(now);
        turn(&server, &mut executor, &mut wakes);
        server_time += begin.elapsed();
        clients.set_now(now);
        turn(&clients, &mut client_executor, &mut wakes);
    }
    let interface = server.with(|stack| stack.statistics()).interface;
    let packets = interface.received_packets + interface.sent_packets;
    let nanoseconds = server_time.as_nanos();
    println!(
        "{path:9} {connections:5} active {idle:5} idle  {:9.0} requests/s  {:7} ns/request  {:5} ns/packet  {:.2} packets/request",
        1e9 * wanted as f64 / nanoseconds as f64,
        nanoseconds / u128::from(wanted),
        nanoseconds / u128::from(packets),
        packets as f64 / wanted as f64,
    );
}

fn main() {
    // `cargo test --benches` only has to see that it runs.
    let is_short = std::env::args().any(|argument| argument == "--test");
    let wanted = if is_short { 100 } else { 100_000 };
    println!("the server's share alone; checksums are not computed");
    // One case with this many requests, to count its instructions.
    let count = std::env::args().skip_while(|argument| argument != "--only").nth(1);
    if let Some(count) = count {
        return measure("/healthz", 8, 0, count.parse().unwrap());
    }
    for (connections, idle) in [(1, 0), (8, 0), (8, 250), (64, 0), (512, 0), (8, 2000)] {
        measure("/healthz", connections, idle, wanted);
    }
    for connections in [1, 8, 64] {
        measure("/list", connections, 0, wanted);
    }
}

//! The name server for programs, on a network whose servers answer, lie, or are silent.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use net::datagram::UdpSocket;
use net::dns::{
    Carrier, Name, Query, Record, Resolver, ResolverCounters, ResponseCode, ServiceAddress,
    ServiceNames, answer, is_answer, question_for_server,
};
use net::socket::{TcpListener, TcpStream};
use net::stack::{
    IpAddress, IpEndpoint, IpVersion, Ipv4Address, Ipv4Cidr, Ipv4Config, ListenConfig,
    LocalAddress, SocketOptions, StaticIpv4,
};
use net::stream::Clock;

use crate::world::{Host, Weather, World, address, endpoint};

const A: u16 = 1;
const PORT: u16 = 53;

/// Where the machine's programs ask.
fn at() -> IpEndpoint {
    IpEndpoint::new(IpAddress::v4(127, 0, 0, 53), PORT)
}

struct Services;

impl ServiceNames for Services {
    fn find(&self, name: &str) -> Option<ServiceAddress> {
        let addresses = vec![IpAddr::from([127, 0, 0, 1])];
        (name == "web").then_some(ServiceAddress { addresses, port: Some(80) })
    }
}

/// Host 0 is the machine; the others are the servers that it was told of.
fn world(seed: u64, count: u8, weather: Weather) -> (World, Arc<ResolverCounters>) {
    println!("seed {seed}");
    let world = World::with(seed, count, weather, |number, config| {
        let own = Ipv4Cidr::new(address(number), 24);
        config.ipv4 = Ipv4Config::Static(StaticIpv4 { address: own, gateway: None });
        config.dns_servers = (1..count).map(|server| endpoint(server, PORT)).collect();
    });
    let counters = Arc::new(ResolverCounters::default());
    let resolver = Resolver {
        stack: world.hosts[0].clone(),
        timers: world.timers(),
        spawner: world.spawner(),
        names: Services,
        random,
        counters: Arc::clone(&counters),
    };
    resolver.start(at()).unwrap();
    (world, counters)
}

/// What a server says to a question.
type Answers = fn(&Query) -> Vec<Vec<u8>>;

thread_local! {
    static NUMBER: Cell<u64> = const { Cell::new(1) };
}

fn random() -> u64 {
    NUMBER.with(|number| {
        number.set(number.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        number.get() >> 20
    })
}

/// Serves names on a host; says by which ports and ids it was asked.
fn spawn_server(world: &World, host: &Host, answers: Answers) -> Rc<RefCell<Vec<(u16, u16)>>> {
    let asked = Rc::new(RefCell::new(Vec::new()));
    let socket = UdpSocket::open(host, IpVersion::Ipv4).unwrap();
    socket.bind(LocalAddress::AnyV4, PORT).unwrap();
    let log = Rc::clone(&asked);
    world.spawn(async move {
        let mut buffer = [0; 2000];
        loop {
            let info = socket.receive(&mut buffer).await.unwrap();
            let query = Query::read(&buffer[..info.count]).unwrap();
            log.borrow_mut().push((info.from.port, query.id));
            for message in answers(&query) {
                socket.send_to(info.from, &message).unwrap();
            }
        }
    });
    asked
}

fn record() -> Record {
    Record::A(Ipv4Address::new(93, 184, 216, 34))
}

fn good(query: &Query) -> Vec<Vec<u8>> {
    vec![answer(query, ResponseCode::NoError, &[record()], None, Carrier::Datagram)]
}

fn failing(query: &Query) -> Vec<Vec<u8>> {
    vec![answer(query, ResponseCode::ServerFailure, &[], None, Carrier::Datagram)]
}

fn silent(_: &Query) -> Vec<Vec<u8>> {
    Vec::new()
}

/// Answers to other questions, under other ids, cut, and of no sense; never the right one.
fn lying(query: &Query) -> Vec<Vec<u8>> {
    let forged = |id, name: &str| {
        let query = Query { id, name: Name::from_text(name).unwrap(), ..query.clone() };
        good(&query).remove(0)
    };
    let right = good(query).remove(0);
    vec![
        forged(query.id ^ 1, "example.org"),
        forged(query.id, "example.net"),
        right[..20].to_vec(),
        vec![0; 12],
        vec![255; 1400],
    ]
}

fn question(name: &str) -> Query {
    Query {
        id: 0,
        is_recursion_desired: true,
        is_checking_disabled: false,
        name: Name::from_text(name).unwrap(),
        kind: A,
        class: 1,
        edns: None,
    }
}

/// Asks as a program does, again after five seconds without an answer, and gives back the code and
/// how many records came.
async fn ask(host: Host, clock: impl Clock, name: &'static str, id: u16) -> (u8, u8) {
    let socket = UdpSocket::open(&host, IpVersion::Ipv4).unwrap();
    socket.connect(at()).unwrap();
    let query = question(name);
    let message = question_for_server(&query, id);
    let mut buffer = [0; 1500];
    loop {
        socket.send(&message).unwrap();
        let mut sleep = clock.sleep_until(clock.now().after(Duration::from_secs(8)));
        let got = {
            let mut receive = pin!(socket.receive(&mut buffer));
            poll_fn(|context| match receive.as_mut().poll(context) {
                Poll::Ready(info) => Poll::Ready(Some(info.unwrap())),
                Poll::Pending => Pin::new(&mut sleep).poll(context).map(|()| None),
            })
            .await
        };
        if let Some(info) = got {
            let message = &buffer[..info.count];
            assert!(is_answer(message, &query, id), "{message:?}");
            return (message[3] & 0xf, message[7]);
        }
    }
}

/// Asks from the machine itself; everything has to be answered.
fn asked(world: &mut World, names: &[&'static str]) -> Vec<(u8, u8)> {
    let results = Rc::new(RefCell::new(vec![None; names.len()]));
    for (number, &name) in names.iter().enumerate() {
        let (host, clock, results) = (world.hosts[0].clone(), world.timers(), results.clone());
        let id = u16::try_from(number).unwrap();
        world.spawn(async move {
            let got = ask(host, clock, name, id).await;
            results.borrow_mut()[number] = Some(got);
        });
    }
    let done = results.clone();
    world.run_until(Duration::from_secs(60), |_| done.borrow().iter().all(Option::is_some));
    results.borrow().iter().map(|result| result.unwrap()).collect()
}

// proves: S6
#[test]
fn local_names_are_answered_here_and_others_by_a_server() {
    let (mut world, counters) = world(1, 2, Weather::FINE);
    let log = spawn_server(&world, &world.hosts[1].clone(), good);
    let names = ["web.service", "gone.service", "localhost", "example.org"];
    assert_eq!(asked(&mut world, &names), [(0, 1), (3, 0), (0, 1), (0, 1)]);
    assert_eq!(log.borrow().len(), 1, "nobody else hears of names that are known here");
    let figures = counters.figures();
    assert_eq!((figures.queries, figures.local, figures.forwarded), (4, 3, 1));
}

#[test]
fn loss_and_disorder_only_cost_time() {
    for seed in 10..15 {
        let (mut world, _) = world(seed, 2, Weather::STORM);
        spawn_server(&world, &world.hosts[1].clone(), good);
        assert_eq!(asked(&mut world, &["example.org"; 16]), [(0, 1); 16]);
    }
}

#[test]
fn who_fails_or_is_silent_is_made_up_for_by_the_next() {
    for first in [failing as Answers, silent, lying] {
        let (mut world, counters) = world(20, 3, Weather::FINE);
        spawn_server(&world, &world.hosts[1].clone(), first);
        spawn_server(&world, &world.hosts[2].clone(), good);
        assert_eq!(asked(&mut world, &["example.org"]), [(0, 1)]);
        assert_eq!(counters.figures().unanswered, 0);
    }
}

#[test]
fn lies_and_silence_are_a_failure_in_time_and_leave_nothing_behind() {
    for worst in [silent as Answers, lying] {
        let (mut world, counters) = world(30, 2, Weather::FINE);
        let log = spawn_server(&world, &world.hosts[1].clone(), worst);
        let start = world.now;
        assert_eq!(asked(&mut world, &["example.org"]), [(2, 0)]);
        let took = world.now.since(start);
        assert!(took < Duration::from_secs(8), "{took:?}");
        assert_eq!(counters.figures().unanswered, 1);
        let log = log.borrow();
        assert_eq!(log.len(), 3);
        let different = |of: fn(&(u16, u16)) -> u16| {
            let mut all: Vec<_> = log.iter().map(of).collect();
            all.sort_unstable();
            all.dedup();
            all.len()
        };
        assert_eq!((different(|it| it.0), different(|it| it.1)), (3, 3), "ports and ids: {log:?}");
    }
    let (mut world, counters) = world(31, 1, Weather::FINE);
    let start = world.now;
    assert_eq!(asked(&mut world, &["example.org"]), [(2, 0)]);
    assert!(world.now.since(start) < Duration::from_millis(10), "there is nobody to wait for");
    assert_eq!(counters.figures().unanswered, 1);
}

#[test]
fn a_flood_is_turned_away_and_hurts_no_local_name() {
    let (mut world, counters) = world(40, 2, Weather::FINE);
    let log = spawn_server(&world, &world.hosts[1].clone(), silent);
    let flood = UdpSocket::open(&world.hosts[0], IpVersion::Ipv4).unwrap();
    flood.connect(at()).unwrap();
    for id in 0..500 {
        flood.send(&question_for_server(&question("example.org"), id)).unwrap();
        // What was asked already is not asked again.
        flood.send(&question_for_server(&question("example.org"), id)).unwrap();
    }
    for garbage in [&[][..], &[0; 5], &[0xff; 100], &[0; 12]] {
        flood.send(garbage).unwrap();
    }
    world.run_for(Duration::from_millis(100));
    assert_eq!(asked(&mut world, &["web.service", "localhost"]), [(0, 1), (0, 1)]);
    let figures = counters.figures();
    assert!(figures.forwarded <= 32 && figures.refused >= 400, "{figures:?}");
    assert!(log.borrow().len() <= 32, "{}", log.borrow().len());
    world.run_for(Duration::from_secs(10));
    // All of it is over: the next question goes out again.
    let before = log.borrow().len();
    assert_eq!(asked(&mut world, &["example.org"]), [(2, 0)]);
    assert_eq!(log.borrow().len(), before + 3);
}

#[test]
fn long_answers_go_by_stream() {
    let (mut world, counters) = world(50, 2, Weather::FINE);
    let host = world.hosts[1].clone();
    let listener = TcpListener::bind(&host, ListenConfig::new(PORT)).unwrap();
    let spawner = world.spawner();
    world.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let task = async move {
                let Some(message) = read_message(&mut stream).await else { return };
                let query = Query::read(&message).unwrap();
                let many: Vec<_> = (0..200).map(|_| record()).collect();
                let code = ResponseCode::NoError;
                let bytes = answer(&query, code, &many, None, Carrier::Stream);
                write_message(&mut stream, &bytes).await;
            };
            spawner.spawn(task).unwrap();
        }
    });
    let machine = world.hosts[0].clone();
    let done = Rc::new(Cell::new(false));
    let is_done = done.clone();
    world.spawn(async move {
        let mut stream = TcpStream::connect(&machine, at(), &SocketOptions::default()).unwrap();
        stream.connected().await.unwrap();
        // Several questions on one connection, known here and elsewhere.
        for (id, name, count) in
            [(1, "big.example", 200), (2, "web.service", 1), (3, "x.example", 200)]
        {
            let query = question(name);
            write_message(&mut stream, &question_for_server(&query, id)).await;
            let message = read_message(&mut stream).await.unwrap();
            assert!(is_answer(&message, &query, id));
            assert_eq!(u16::from_be_bytes([message[6], message[7]]), count, "{name}");
        }
        // No question: the connection ends.
        stream.write_all(&[0, 5, 1, 2, 3, 4, 5]).await.unwrap();
        assert_eq!(read_message(&mut stream).await, None);
        // And who says nothing does not keep it.
        let mut idle = TcpStream::connect(&machine, at(), &SocketOptions::default()).unwrap();
        idle.connected().await.unwrap();
        assert_eq!(read_message(&mut idle).await, None);
        is_done.set(true);
    });
    world.run_until(Duration::from_secs(30), |_| done.get());
    assert_eq!(counters.figures().forwarded, 2);
}

async fn read_message(stream: &mut TcpStream<Host>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 1000];
    loop {
        if let Some((length, rest)) = bytes.split_first_chunk::<2>()
            && rest.len() >= usize::from(u16::from_be_bytes(*length))
        {
            return Some(rest.to_vec());
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

async fn write_message(stream: &mut TcpStream<Host>, message: &[u8]) {
    let length = u16::try_from(message.len()).unwrap().to_be_bytes();
    stream.write_all(&[&length[..], message].concat()).await.unwrap();
}

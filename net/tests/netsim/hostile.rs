//! Clients that don't play by the rules: half-open connections, floods, resets, silence, nonsense.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use net::socket::{SharedStack, TcpListener, TcpStream};
use net::stack::{BacklogFull, ConnectionCounts, ListenConfig, SocketOptions, StackStatistics};
use net::stream::{ByteStream, StreamError};
use smoltcp::wire::TcpControl;

use crate::raw::{Said, Segment, answers, echo_request, handshake, said, taken, tap};
use crate::world::{Host, Random, Weather, World, address, endpoint};

const PORT: u16 = 80;

fn statistics(world: &World) -> StackStatistics {
    world.hosts[0].with(|stack| stack.statistics())
}

fn counts(world: &World) -> ConnectionCounts {
    statistics(world).tcp.connections
}

fn listening(seed: u64, change: impl FnOnce(&mut ListenConfig)) -> (World, TcpListener<Host>) {
    let mut world = World::new(seed, 2, Weather::FINE);
    tap(&mut world);
    let mut config = ListenConfig::new(PORT);
    config.backlog = 4;
    change(&mut config);
    let listener = TcpListener::bind(&world.hosts[0], config).unwrap();
    (world, listener)
}

#[test]
fn pings_are_answered() {
    let (mut world, _listener) = listening(1, |_| {});
    world.inject(0, echo_request());
    let frames = taken(&mut world);
    assert!(frames.iter().any(|frame| said(frame) == Said::EchoReply));
}

#[test]
fn half_open_connections_time_out_and_free_the_backlog() {
    let (mut world, _listener) = listening(2, |_| {});
    for port in 1000..1004 {
        let said = answers(&mut world, Segment::syn(port, PORT));
        assert!(matches!(said[..], [Said::SynAck { .. }]), "{said:?}");
    }
    // Full: dropped, and counted.
    assert_eq!(answers(&mut world, Segment::syn(1004, PORT)), []);
    let listener = statistics(&world).listeners[0];
    assert_eq!((listener.half_open, listener.refused_backlog), (4, 1));
    assert_eq!(listener.backlog_peak, 4);

    world.run_for(Duration::from_secs(11));
    let listener = statistics(&world).listeners[0];
    assert_eq!((listener.half_open, listener.handshake_timeouts), (0, 4));
    assert_eq!(counts(&world), ConnectionCounts::default());
    let last = taken(&mut world);
    assert_eq!(last.iter().filter(|frame| matches!(said(frame), Said::Reset { .. })).count(), 4);
    assert!(matches!(answers(&mut world, Segment::syn(1004, PORT))[..], [Said::SynAck { .. }]));
}

#[test]
fn a_full_backlog_can_answer_with_resets() {
    let (mut world, listener) = listening(3, |config| {
        config.backlog = 1;
        config.when_full = BacklogFull::Reset;
    });
    handshake(&mut world, 1000, PORT);
    assert_eq!(answers(&mut world, Segment::syn(1001, PORT)), [Said::Reset { port: 1001 }]);
    assert_eq!(statistics(&world).listeners[0].refused_backlog, 1);
    // Nobody accepts: when the listener goes, the connection is reset.
    drop(listener);
    let frames = taken(&mut world);
    assert_eq!(
        frames.iter().map(|frame| said(frame)).collect::<Vec<_>>(),
        [Said::Reset { port: 1000 }]
    );
    assert_eq!(counts(&world), ConnectionCounts::default());
    assert_eq!(answers(&mut world, Segment::syn(1002, PORT)), [Said::Reset { port: 1002 }]);
    assert_eq!(statistics(&world).tcp.without_listener, 1);
}

#[test]
fn a_flood_of_syns_costs_bounded_memory() {
    let (mut world, _listener) = listening(4, |config| config.backlog = 16);
    let mut random = Random::new(4);
    for _ in 0..5000 {
        let mut syn = Segment::syn(u16::try_from(1 + random.below(65_000)).unwrap(), PORT);
        syn.source = address(u8::try_from(2 + random.below(200)).unwrap());
        world.inject(0, syn.frame());
        world.run_for(Duration::from_micros(100));
    }
    let statistics = statistics(&world);
    assert_eq!(statistics.listeners[0].half_open, 16);
    assert!(statistics.listeners[0].refused_backlog > 4900);
    assert_eq!(statistics.tcp.buffer_bytes, 16 * (8 + 16) * 1024);
}

#[test]
fn resets_end_a_connection_wherever_it_stands() {
    let (mut world, listener) = listening(5, |_| {});
    // In the handshake.
    let syn = Segment::syn(1000, PORT);
    answers(&mut world, syn);
    answers(&mut world, Segment { control: TcpControl::Rst, seq: 1001, ..syn });
    assert_eq!(statistics(&world).listeners[0].handshake_resets, 1);
    // In the queue.
    let (seq, _) = handshake(&mut world, 1001, PORT);
    let rst = Segment { control: TcpControl::Rst, seq, ..Segment::syn(1001, PORT) };
    assert_eq!(counts(&world).queued, 1);
    answers(&mut world, rst);
    assert_eq!(statistics(&world).listeners[0].queue_resets, 1);
    assert_eq!(counts(&world), ConnectionCounts::default());
    // While someone reads.
    let (seq, _) = handshake(&mut world, 1002, PORT);
    let outcome: Rc<RefCell<Option<Result<usize, StreamError>>>> = Rc::default();
    let result = outcome.clone();
    world.spawn(async move {
        let (mut stream, peer) = listener.accept().await.unwrap();
        assert_eq!(peer.port, 1002);
        *result.borrow_mut() = Some(stream.read(&mut [0; 10]).await);
    });
    world.run_for(Duration::from_millis(1));
    assert_eq!(counts(&world).established, 1);
    // One outside the window is no reset.
    let far = Segment { seq: seq + 100_000, ..Segment::syn(1002, PORT) };
    answers(&mut world, Segment { control: TcpControl::Rst, ..far });
    assert_eq!(*outcome.borrow(), None);
    answers(&mut world, Segment { control: TcpControl::Rst, seq, ..far });
    assert_eq!(*outcome.borrow(), Some(Err(StreamError::Reset)));
    assert_eq!(counts(&world), ConnectionCounts::default());
}

#[test]
fn segments_of_nobody_are_answered_with_a_reset() {
    let (mut world, _listener) = listening(6, |_| {});
    let segment = Segment {
        control: TcpControl::None,
        ack: Some(5),
        payload: b"hello",
        ..Segment::syn(1000, PORT)
    };
    assert_eq!(answers(&mut world, segment), [Said::Reset { port: 1000 }]);
    assert_eq!(statistics(&world).tcp.without_connection, 1);
    // But never a reset with a reset.
    assert_eq!(answers(&mut world, Segment { control: TcpControl::Rst, ..segment }), []);
}

/// A client that vanishes: the reader learns it from the keep-alive.
#[test]
fn a_dead_peer_is_found_out() {
    let (mut world, listener) = listening(7, |_| {});
    handshake(&mut world, 1000, PORT);
    let outcome: Rc<RefCell<Option<StreamError>>> = Rc::default();
    let result = outcome.clone();
    world.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        *result.borrow_mut() = stream.read(&mut [0; 10]).await.err();
    });
    world.run_for(Duration::from_secs(70));
    assert_eq!(*outcome.borrow(), None);
    let frames = taken(&mut world);
    let probes = frames.iter().filter(|frame| matches!(said(frame), Said::Data { .. })).count();
    // One every 30 s, as long as its hardware address is known.
    assert!((1..=2).contains(&probes), "{probes} probes");
    world.run_for(Duration::from_secs(10));
    assert_eq!(*outcome.borrow(), Some(StreamError::TimedOut));
    assert_eq!(counts(&world), ConnectionCounts::default());
}

/// A client that never reads nor acknowledges: the orphaned connection is given up.
#[test]
fn a_closed_connection_does_not_linger_for_ever() {
    let (mut world, listener) = listening(8, |_| {});
    handshake(&mut world, 1000, PORT);
    world.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&[b'x'; 10_000]).await.unwrap();
    });
    world.run_for(Duration::from_secs(19));
    assert_eq!(counts(&world).closing, 1);
    world.run_for(Duration::from_secs(3));
    assert_eq!(counts(&world), ConnectionCounts::default());
    assert_eq!(statistics(&world).tcp.linger_timeouts, 1);
    assert_eq!(said(taken(&mut world).last().unwrap()), Said::Reset { port: 1000 });
}

/// FIN-WAIT-2 has no end of its own in TCP.
#[test]
fn a_peer_that_never_closes_is_not_waited_for() {
    let (mut world, listener) = listening(9, |_| {});
    let (seq, theirs) = handshake(&mut world, 1000, PORT);
    world.spawn(async move {
        drop(listener.accept().await.unwrap());
    });
    let frames = taken(&mut world);
    assert!(frames.iter().any(|frame| matches!(said(frame), Said::Fin { .. })));
    let ack = Segment {
        control: TcpControl::None,
        seq,
        ack: Some(theirs.wrapping_add(1)),
        ..Segment::syn(1000, PORT)
    };
    answers(&mut world, ack);
    assert_eq!(counts(&world).closing, 1);
    world.run_for(Duration::from_secs(22));
    assert_eq!(counts(&world), ConnectionCounts::default());
}

/// Data for a connection whose user has gone is refused, not swallowed.
#[test]
fn data_for_a_closed_connection_is_reset() {
    let (mut world, listener) = listening(10, |_| {});
    let (seq, theirs) = handshake(&mut world, 1000, PORT);
    world.spawn(async move {
        drop(listener.accept().await.unwrap());
    });
    taken(&mut world);
    let data = Segment {
        control: TcpControl::Psh,
        seq,
        ack: Some(theirs.wrapping_add(1)),
        payload: b"late",
        ..Segment::syn(1000, PORT)
    };
    assert!(answers(&mut world, data).contains(&Said::Reset { port: 1000 }));
    assert_eq!(counts(&world), ConnectionCounts::default());
}

#[test]
fn time_wait_is_bounded_and_can_be_taken_over() {
    let (mut world, listener) = listening(11, |_| {});
    world.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let close = |world: &mut World, port: u16| {
        let (seq, theirs) = handshake(world, port, PORT);
        let fin = Segment {
            control: TcpControl::Fin,
            seq,
            ack: Some(theirs.wrapping_add(1)),
            ..Segment::syn(port, PORT)
        };
        answers(world, fin);
    };
    for port in 1000..1100 {
        close(&mut world, port);
    }
    assert_eq!(counts(&world), ConnectionCounts { time_wait: 64, ..Default::default() });
    assert_eq!(statistics(&world).tcp.time_wait_evicted, 36);
    // The same ports again, at once.
    close(&mut world, 1099);
    assert_eq!(counts(&world).time_wait, 64);
    world.run_for(Duration::from_secs(11));
    assert_eq!(counts(&world), ConnectionCounts::default());
}

#[test]
fn too_many_connections_are_refused_and_counted() {
    let mut world = World::with(12, 2, Weather::FINE, |number, config| {
        config.max_connections = if number == 0 { 3 } else { 100 };
        config.ipv4 = crate::addresses::fixed(number);
    });
    tap(&mut world);
    let listener = TcpListener::bind(&world.hosts[0], ListenConfig::new(PORT)).unwrap();
    for port in 1000..1005 {
        answers(&mut world, Segment::syn(port, PORT));
    }
    let statistics = statistics(&world);
    assert_eq!(statistics.listeners[0].half_open, 3);
    assert_eq!(statistics.listeners[0].refused_limit, 2);
    drop(listener);
}

/// Whatever comes over the wire, the stack goes on.
#[test]
fn nonsense_never_panics() {
    for seed in 0..20 {
        let (mut world, _listener) = listening(100 + seed, |_| {});
        let (mine, theirs) = handshake(&mut world, 1000, PORT);
        let mut random = Random::new(seed);
        let segment = Segment {
            control: TcpControl::Psh,
            seq: mine,
            ack: Some(theirs),
            payload: b"some payload",
            ..Segment::syn(1000, PORT)
        };
        let samples = [
            segment.frame(),
            Segment { control: TcpControl::Fin, ..segment }.frame(),
            Segment::syn(1000, PORT).frame(),
            Segment::syn(1001, PORT).frame(),
            echo_request(),
            crate::raw::arp_request(1),
            crate::addresses::ipv6_samples(),
        ];
        for _ in 0..2000 {
            let pick = usize::try_from(random.below(samples.len() as u64)).unwrap();
            let mut frame = samples[pick].clone();
            for _ in 0..random.below(4) {
                // Headers matter more than payloads.
                let at = usize::try_from(random.below(frame.len().min(80) as u64)).unwrap();
                frame[at] = random.next().to_le_bytes()[0];
            }
            if random.below(4) == 0 {
                frame.truncate(usize::try_from(random.below(frame.len() as u64)).unwrap());
            }
            world.inject(0, frame);
            world.run_for(Duration::from_micros(10));
        }
        // It still answers.
        world.inject(0, crate::raw::arp_request(1));
        world.inject(0, echo_request());
        let frames = taken(&mut world);
        assert!(frames.iter().any(|frame| said(frame) == Said::EchoReply), "seed {seed}");
    }
}

/// Two half-closed directions: what was asked for still arrives after the client's FIN.
#[test]
fn a_half_closed_client_gets_its_answer() {
    let mut world = World::new(13, 2, Weather::STORM);
    let listener = TcpListener::bind(&world.hosts[0], ListenConfig::new(PORT)).unwrap();
    world.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 100];
        let mut asked = 0;
        while let count @ 1.. = stream.read(&mut buffer).await.unwrap() {
            asked += count;
        }
        stream.write_all(&vec![b'y'; asked * 1000]).await.unwrap();
        stream.acknowledged().await.unwrap();
        stream.close_write();
        stream.acknowledged().await.unwrap();
    });
    let received = Rc::new(RefCell::new(None));
    let (client, result) = (world.hosts[1].clone(), received.clone());
    world.spawn(async move {
        let options = SocketOptions::default();
        let mut stream = TcpStream::connect(&client, endpoint(0, PORT), &options).unwrap();
        stream.write_all(b"0123456789").await.unwrap();
        stream.close_write();
        let mut buffer = [0; 2000];
        let mut total = 0;
        while let count @ 1.. = stream.read(&mut buffer).await.unwrap() {
            total += count;
        }
        *result.borrow_mut() = Some(total);
    });
    world.run_until(Duration::from_secs(300), |_| received.borrow().is_some());
    assert_eq!(*received.borrow(), Some(10_000));
}

#[test]
fn a_port_without_listener_refuses_connections() {
    let mut world = World::new(14, 2, Weather::FINE);
    let outcome = Rc::new(RefCell::new(None));
    let (client, result) = (world.hosts[1].clone(), outcome.clone());
    world.spawn(async move {
        let options = SocketOptions::default();
        let stream = TcpStream::connect(&client, endpoint(0, 81), &options).unwrap();
        *result.borrow_mut() = Some(stream.connected().await);
    });
    world.run_until(Duration::from_secs(10), |_| outcome.borrow().is_some());
    assert_eq!(*outcome.borrow(), Some(Err(StreamError::Reset)));
    world.set_weather(Weather::FINE);
}

//! Sockets of programs: to the machine itself, and datagrams. One host, no tasks.

use std::sync::Arc;
use std::time::Duration;

use net::stack::{
    BindError, DatagramKind, IoError, IpAddress, IpEndpoint, IpVersion, ListenConfig, LocalAddress,
    PortSpace, Ready, Refusal, SendError, Sharing, SocketOptions, StackConfig,
};

use crate::machine::{LOCALHOST, Log, Machine, OWN, REUSE, options};

#[test]
fn a_connection_to_the_machine_itself_never_reaches_the_device() {
    let mut machine = Machine::new();
    let (listener, heard) = machine.listen(LocalAddress::AnyV4, 80);
    for address in [LOCALHOST, IpAddress::v4(127, 9, 9, 9), OWN.into()] {
        let (client, log) = machine.connect(IpEndpoint::new(address, 80));
        assert!(heard.heard(Ready::READ) && log.heard(Ready::WRITE), "{address}");
        assert_eq!(machine.stack.connected(client, machine.now), Ok(()));
        let server_log = Arc::new(Log::default());
        let (server, peer) = machine.stack.accept(listener, server_log.clone()).unwrap();
        assert_eq!(machine.stack.endpoints(client).unwrap().0, peer);
        let now = machine.now;
        assert_eq!(machine.stack.write(client, now, b"hello"), Ok(5));
        machine.flush();
        assert!(server_log.heard(Ready::READ));
        let mut buffer = [0; 16];
        assert_eq!(machine.stack.read(server, now, &mut buffer, false), Ok(5));
        assert_eq!(machine.stack.read(server, now, &mut buffer, true), Ok(5));
        assert_eq!(machine.stack.read(server, now, &mut buffer, true), Err(IoError::WouldBlock));
        machine.stack.close_write(client);
        machine.flush();
        assert_eq!(machine.stack.read(server, now, &mut buffer, true), Ok(0));
        assert!(machine.stack.readiness(server).has(Ready::END));
        machine.stack.release(server);
        machine.stack.release(client);
        machine.flush();
    }
    assert!(machine.stack.device_mut().sent.is_empty());
}

#[test]
fn much_goes_through_small_buffers_to_the_end() {
    let mut machine = Machine::new();
    let (listener, _) = machine.listen(LocalAddress::Any, 80);
    let (client, log) = machine.connect(IpEndpoint::new(LOCALHOST, 80));
    let (server, _) = machine.stack.accept(listener, Arc::new(Log::default())).unwrap();
    let data: Vec<u8> = (0..1_000_000_u32).map(|number| (number % 251).to_le_bytes()[0]).collect();
    let (mut sent, mut received) = (0, Vec::new());
    let mut buffer = [0; 4096];
    let mut rounds = 0;
    while received.len() < data.len() {
        rounds += 1;
        assert!(rounds < 10_000, "it stands still at {}", received.len());
        let now = machine.now;
        match machine.stack.write(client, now, &data[sent..]) {
            Ok(count) => sent += count,
            Err(error) => assert!(error == IoError::WouldBlock || sent == data.len()),
        }
        machine.flush();
        while let Ok(count) = machine.stack.read(server, now, &mut buffer, true) {
            received.extend_from_slice(&buffer[..count]);
            machine.flush();
        }
    }
    assert!(received == data);
    assert!(log.heard(Ready::WRITE), "who found no room hears of it");
}

#[test]
fn nobody_listens_is_refused_and_a_reset_is_told() {
    let mut machine = Machine::new();
    let (client, log) = machine.connect(IpEndpoint::new(LOCALHOST, 81));
    let now = machine.now;
    assert_eq!(machine.stack.connected(client, now), Err(IoError::Refused));
    assert!(log.heard(Ready::ERROR));
    let (listener, _) = machine.listen(LocalAddress::Any, 80);
    let (client, log) = machine.connect(IpEndpoint::new(LOCALHOST, 80));
    let (server, _) = machine.stack.accept(listener, Arc::new(Log::default())).unwrap();
    machine.stack.abort(server);
    machine.flush();
    assert!(log.heard(Ready::HANG_UP));
    assert_eq!(machine.stack.read(client, now, &mut [0; 4], true), Err(IoError::Reset));
    assert_eq!(machine.stack.write(client, now, b"x"), Err(IoError::Reset));
}

#[test]
fn a_full_backlog_holds_the_rest_off_and_half_a_connection_is_bounded() {
    let mut machine = Machine::new();
    let (listener, _) = machine.listen(LocalAddress::Any, 80);
    let all: Vec<_> = (0..10).map(|_| machine.connect(IpEndpoint::new(LOCALHOST, 80)).0).collect();
    let now = machine.now;
    let made = all.iter().filter(|id| machine.stack.connected(**id, now).is_ok()).count();
    assert_eq!(made, 4);
    let mut accepted = 0;
    for _ in 0..20 {
        while machine.stack.accept(listener, Arc::new(Log::default())).is_ok() {
            accepted += 1;
        }
        machine.pass(Duration::from_secs(1));
    }
    assert_eq!(accepted, 10, "who was held off tries again");
}

#[test]
fn a_server_starts_again_beside_its_old_connections() {
    let mut machine = Machine::new();
    let (listener, _) = machine.listen(LocalAddress::Any, 80);
    let held = LocalAddress::Any;
    assert_eq!(
        machine.stack.reserve(PortSpace::Tcp, held, 80, REUSE).err(),
        Some(BindError::InUse),
        "someone listens"
    );
    let (client, _) = machine.connect(IpEndpoint::new(LOCALHOST, 80));
    let (server, _) = machine.stack.accept(listener, Arc::new(Log::default())).unwrap();
    machine.stack.release(server);
    machine.flush();
    machine.stack.release(client);
    machine.flush();
    machine.stack.stop_listening(listener);
    let first = machine.stack.statistics().tcp.connections;
    assert_eq!(first.time_wait, 1, "{first:?}");
}

#[test]
fn ports_are_shared_only_by_those_who_want_it() {
    let mut machine = Machine::new();
    let stack = &mut machine.stack;
    let alone = Sharing::default();
    let one = LocalAddress::One(LOCALHOST);
    let first = stack.reserve(PortSpace::Tcp, one, 90, alone).unwrap();
    let in_use = Some(BindError::InUse);
    assert_eq!(stack.reserve(PortSpace::Tcp, LocalAddress::AnyV4, 90, REUSE).err(), in_use);
    assert!(stack.reserve(PortSpace::Udp, one, 90, alone).is_ok());
    let other = LocalAddress::One(OWN.into());
    assert!(stack.reserve(PortSpace::Tcp, other, 90, alone).is_ok());
    stack.give_back(first);
    assert!(stack.reserve(PortSpace::Tcp, one, 90, alone).is_ok());
    let foreign = LocalAddress::One(IpAddress::v4(1, 1, 1, 1));
    let refused = stack.reserve(PortSpace::Tcp, foreign, 90, alone).err();
    assert_eq!(refused, Some(BindError::NotLocal));
    let mut chosen = std::collections::BTreeSet::new();
    while let Ok(held) = stack.reserve(PortSpace::Udp, LocalAddress::AnyV4, 0, alone) {
        assert!(held.port >= 49_152 && chosen.insert(held.port));
    }
    assert_eq!(chosen.len(), 16_384, "all ports can be had, each once");
}

#[test]
fn datagrams_go_to_the_machine_itself_and_refusals_come_back() {
    let mut machine = Machine::new();
    let (server, log) = machine.udp(53);
    let (client, client_log) = machine.udp(0);
    let to = IpEndpoint::new(LOCALHOST, 53);
    machine.stack.send_datagram(client, Some(to), b"question").unwrap();
    let long = vec![7; 60_000];
    machine.stack.send_datagram(client, Some(to), &long).unwrap();
    machine.flush();
    assert!(log.heard(Ready::READ));
    let mut buffer = vec![0; 65_536];
    let info = machine.stack.receive_datagram(server, &mut buffer[..4], false).unwrap().unwrap();
    assert_eq!((info.count, info.length, info.from.addr), (4, 8, LOCALHOST));
    let info = machine.stack.receive_datagram(server, &mut buffer, true).unwrap().unwrap();
    assert_eq!(&buffer[..info.count], b"question");
    let info = machine.stack.receive_datagram(server, &mut buffer, true).unwrap().unwrap();
    assert_eq!(info.length, 60_000);
    assert!(machine.stack.receive_datagram(server, &mut buffer, true).unwrap().is_none());
    machine.stack.send_datagram(server, Some(info.from), b"answer").unwrap();
    machine.flush();
    assert!(client_log.heard(Ready::READ));

    machine.stack.connect_datagram(client, Some(IpEndpoint::new(LOCALHOST, 54))).unwrap();
    machine.stack.send_datagram(client, None, b"nobody").unwrap();
    machine.flush();
    assert!(client_log.heard(Ready::ERROR));
    let refused = machine.stack.send_datagram(client, None, b"again");
    assert_eq!(refused, Err(SendError::Refused(Refusal::Port)));
    let too_long = machine.stack.send_datagram(
        server,
        Some(IpEndpoint::new(IpAddress::v4(10, 0, 2, 2), 1)),
        &long,
    );
    assert_eq!(too_long, Err(SendError::TooLong));
    assert!(machine.stack.device_mut().sent.is_empty());
}

#[test]
fn datagrams_for_the_wire_wait_for_the_neighbour() {
    let mut machine = Machine::new();
    let (client, _) = machine.udp(4000);
    let to = IpEndpoint::new(IpAddress::v4(10, 0, 2, 2), 53);
    machine.stack.send_datagram(client, Some(to), b"question").unwrap();
    machine.flush();
    let asked = core::mem::take(&mut machine.stack.device_mut().sent);
    assert_eq!(asked.len(), 1, "the neighbour's address is asked for");
    assert_eq!(asked[0][12..14], [8, 6]);
    // 10.0.2.2 is at 52:55:0a:00:02:02.
    let mut reply = asked[0].clone();
    let mac = [0x52, 0x55, 0x0a, 0, 2, 2];
    let (own, from) = (asked[0][6..12].to_vec(), asked[0][28..32].to_vec());
    reply[..6].copy_from_slice(&own);
    reply[6..12].copy_from_slice(&mac);
    reply[21] = 2;
    reply[22..28].copy_from_slice(&mac);
    reply[28..32].copy_from_slice(&[10, 0, 2, 2]);
    reply[32..38].copy_from_slice(&own);
    reply[38..42].copy_from_slice(&from);
    machine.stack.device_mut().fed.push_back(reply);
    machine.pass(Duration::from_millis(50));
    let sent = core::mem::take(&mut machine.stack.device_mut().sent);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(&sent[0][42..], b"question");
    // The answer, with addresses and ports turned round; without a UDP checksum.
    let mut answer = sent[0].clone();
    let (to, from) = (sent[0][..6].to_vec(), sent[0][6..12].to_vec());
    answer[..6].copy_from_slice(&from);
    answer[6..12].copy_from_slice(&to);
    let (source, destination) = (sent[0][26..30].to_vec(), sent[0][30..34].to_vec());
    answer[26..30].copy_from_slice(&destination);
    answer[30..34].copy_from_slice(&source);
    let (source_port, port) = (sent[0][34..36].to_vec(), sent[0][36..38].to_vec());
    answer[34..36].copy_from_slice(&port);
    answer[36..38].copy_from_slice(&source_port);
    answer[40..42].copy_from_slice(&[0, 0]);
    machine.stack.device_mut().fed.push_back(answer);
    machine.pass(Duration::from_millis(1));
    let mut buffer = [0; 64];
    let info = machine.stack.receive_datagram(client, &mut buffer, true).unwrap().unwrap();
    assert_eq!(
        (info.from, &buffer[..info.count]),
        (IpEndpoint::new(IpAddress::v4(10, 0, 2, 2), 53), &b"question"[..])
    );
}

#[test]
fn echo_requests_are_answered_by_the_machine_itself() {
    let mut machine = Machine::new();
    let open = |machine: &mut Machine, kind| {
        machine.stack.open_datagram(kind, IpVersion::Ipv4, 7, None).unwrap()
    };
    let (echo, raw) =
        (open(&mut machine, DatagramKind::Echo), open(&mut machine, DatagramKind::Raw(1)));
    let request = [8, 0, 0, 0, 9, 9, 0, 1, b'p', b'i', b'n', b'g'];
    let to = Some(IpEndpoint::new(LOCALHOST, 0));
    machine.stack.send_datagram(echo, to, &request).unwrap();
    machine.flush();
    let mut buffer = [0; 64];
    let info = machine.stack.receive_datagram(echo, &mut buffer, true).unwrap().unwrap();
    assert_eq!(info.count, request.len());
    assert_eq!((buffer[0], &buffer[6..12]), (0, &request[6..]));
    // The raw socket sees both the request and the answer, with their headers.
    for kind in [8, 0] {
        let info = machine.stack.receive_datagram(raw, &mut buffer, true).unwrap().unwrap();
        assert_eq!((info.count, buffer[0], buffer[20]), (20 + request.len(), 0x45, kind));
    }
    // But for what it does not want: here the requests.
    machine.stack.set_unwanted(raw, [1 << 8, 0, 0, 0, 0, 0, 0, 0]);
    machine.stack.send_datagram(echo, to, &request).unwrap();
    machine.flush();
    machine.stack.receive_datagram(raw, &mut buffer, true).unwrap().unwrap();
    assert_eq!(buffer[20], 0);
    assert!(machine.stack.receive_datagram(raw, &mut buffer, true).unwrap().is_none());
    assert!(machine.stack.device_mut().sent.is_empty());
    machine.stack.close_datagram(echo);
    machine.stack.close_datagram(raw);
}

#[test]
fn programs_cannot_crowd_out_the_kernel() {
    let mut machine = Machine::with(|config| StackConfig {
        max_program_connections: 10,
        max_program_bytes: 1024 * 1024,
        ..config
    });
    let (listener, _) = machine.listen(LocalAddress::Any, 8080);
    machine.stack.set_backlog(listener, 100);
    let kernel = machine.stack.listen(ListenConfig::new(80)).unwrap();
    // Both ends of each are the programs'.
    let mut made = Vec::new();
    while made.len() < 100 {
        let log = Arc::new(Log::default());
        let to = IpEndpoint::new(LOCALHOST, 8080);
        match machine.stack.connect_from(to, None, &options(), log, machine.now) {
            Ok(id) => made.push(id),
            Err(error) => {
                assert_eq!(error, net::stack::ConnectError::Exhausted);
                break;
            }
        }
        machine.flush();
    }
    assert!((5..=10).contains(&made.len()), "{}", made.len());
    // The kernel's own connections go on; here from the wire's side of the limit.
    let own = SocketOptions::default();
    let id = machine.stack.connect(IpEndpoint::new(LOCALHOST, 80), &own, machine.now).unwrap();
    machine.flush();
    assert_eq!(machine.stack.connected(id, machine.now), Ok(()));
    machine.stack.stop_listening(kernel);
    // And there is room again when some are gone.
    for id in made {
        machine.stack.abort(id);
        machine.stack.release(id);
    }
    machine.flush();
    machine.pass(Duration::from_secs(2));
    let (_, log) = machine.connect(IpEndpoint::new(LOCALHOST, 8080));
    assert!(log.heard(Ready::WRITE));
}

#[test]
fn no_frame_harms_the_sockets_for_datagrams() {
    let mut machine = Machine::new();
    let (udp, _) = machine.udp(53);
    let raw = machine.stack.open_datagram(DatagramKind::Raw(1), IpVersion::Ipv4, 7, None).unwrap();
    machine.stack.set_datagram_limits(udp, 4096, 64);
    let mut random = crate::world::Random::new(7);
    for round in 0..20_000_u64 {
        let mut frame = vec![0_u8; 14 + 20 + usize::try_from(random.below(80)).unwrap()];
        frame[..6].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
        frame[12..14].copy_from_slice(&[8, 0]);
        let length = u16::try_from(frame.len() - 14).unwrap();
        frame[14] = 0x45;
        frame[16..18].copy_from_slice(&length.to_be_bytes());
        frame[22] = 64;
        frame[23] = [1, 17][usize::try_from(round % 2).unwrap()];
        frame[26..30].copy_from_slice(&[10, 0, 2, 2]);
        frame[30..34].copy_from_slice(&OWN.octets());
        for byte in &mut frame[34..] {
            *byte =
                random.next().to_le_bytes()[0] & [0xff, 3][usize::try_from(round % 3 / 2).unwrap()];
        }
        if frame.len() > 38 {
            frame[36..38].copy_from_slice(&53_u16.to_be_bytes());
        }
        // Some of the headers are wrong, too.
        if random.below(4) == 0 {
            let at = 14 + usize::try_from(random.below(20)).unwrap();
            frame[at] ^= random.next().to_le_bytes()[0];
        }
        let sum = frame[14..34].chunks_exact(2).enumerate().filter(|(index, _)| *index != 5);
        let sum: u32 = sum.map(|(_, pair)| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
        let sum = (sum & 0xffff) + (sum >> 16);
        let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
        frame[24..26].copy_from_slice(&sum.to_be_bytes());
        machine.stack.device_mut().fed.push_back(frame);
        machine.pass(Duration::from_micros(10));
    }
    machine.stack.device_mut().sent.clear();
    let counted = machine.stack.datagrams();
    let bytes: usize = counted.iter().map(|socket| socket.receive_queue_bytes).sum();
    assert!(bytes < 400_000 && counted.iter().any(|socket| socket.dropped > 0), "{counted:?}");
    machine.stack.close_datagram(udp);
    machine.stack.close_datagram(raw);
}

//! Addresses: fixed ones, DHCP and its fall-back, IPv6's link-local one; and an idle stack.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use net::socket::{SharedStack, TcpListener, TcpStream};
use net::stack::{
    AddressSource, InterfaceStatistics, IpAddress, IpCidr, IpEndpoint, Ipv4Cidr, Ipv4Config,
    ListenConfig, SocketOptions, StaticIpv4, WakeList,
};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    IpProtocol, Ipv4Address, Ipv4Packet, Ipv4Repr, Ipv6Address, UdpPacket, UdpRepr,
};

use crate::world::{Weather, World, address, mac};

pub(crate) fn fixed(number: u8) -> Ipv4Config {
    Ipv4Config::Static(StaticIpv4 { address: Ipv4Cidr::new(address(number), 24), gateway: None })
}

/// A neighbour solicitation with an IPv6 header, as raw material for nonsense.
pub(crate) fn ipv6_samples() -> Vec<u8> {
    let mut frame = vec![0x33, 0x33, 0xff, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd];
    frame.extend_from_slice(&[0x60, 0, 0, 0, 0, 24, 58, 255]);
    frame.extend_from_slice(&link_local(1).octets());
    frame.extend_from_slice(&link_local(0).octets());
    frame.extend_from_slice(&[135, 0, 0, 0, 0, 0, 0, 0]);
    frame.extend_from_slice(&link_local(0).octets());
    frame
}

fn link_local(number: u16) -> Ipv6Address {
    Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 1 + number)
}

fn interface(world: &World) -> InterfaceStatistics {
    world.hosts[0].with(|stack| stack.statistics()).interface
}

#[test]
fn a_fixed_address_works_at_once() {
    let world = World::new(1, 1, Weather::FINE);
    let interface = interface(&world);
    assert_eq!(interface.address_source, AddressSource::Static);
    assert!(interface.addresses.contains(&IpCidr::Ipv4(Ipv4Cidr::new(address(0), 24))));
    assert_eq!(interface.mac, mac(0));
    assert_eq!(interface.mtu_bytes, 1500);
}

#[test]
fn hosts_reach_each_other_by_link_local_addresses() {
    let mut world = World::new(2, 2, Weather::FINE);
    let listener = TcpListener::bind(&world.hosts[0], ListenConfig::new(80)).unwrap();
    world.spawn(async move {
        let (mut stream, peer) = listener.accept().await.unwrap();
        assert_eq!(peer.addr, IpAddress::Ipv6(link_local(1)));
        stream.write_all(b"hello").await.unwrap();
    });
    let received = Rc::new(RefCell::new(Vec::new()));
    let (client, result) = (world.hosts[1].clone(), received.clone());
    world.spawn(async move {
        let remote = IpEndpoint::new(IpAddress::Ipv6(link_local(0)), 80);
        let mut stream = TcpStream::connect(&client, remote, &SocketOptions::default()).unwrap();
        let mut buffer = [0; 10];
        let count = stream.read(&mut buffer).await.unwrap();
        result.borrow_mut().extend_from_slice(&buffer[..count]);
    });
    world.run_until(Duration::from_secs(10), |_| *received.borrow() == b"hello");
}

#[test]
fn the_fall_back_comes_when_dhcp_does_not() {
    let fallback = StaticIpv4 {
        address: Ipv4Cidr::new(Ipv4Address::new(10, 0, 2, 15), 24),
        gateway: Some(Ipv4Address::new(10, 0, 2, 2)),
    };
    let mut world = World::with(3, 1, Weather::FINE, |_, config| {
        config.ipv4 = Ipv4Config::Dhcp { fallback: Some((fallback, Duration::from_secs(2))) };
    });
    world.run_for(Duration::from_millis(1999));
    assert_eq!(interface(&world).address_source, AddressSource::None);
    world.run_for(Duration::from_millis(2));
    let interface = interface(&world);
    assert_eq!(interface.address_source, AddressSource::Fallback);
    assert_eq!(interface.gateway, fallback.gateway);
    assert!(interface.addresses.contains(&IpCidr::Ipv4(fallback.address)));
}

/// Answers DHCP's questions as QEMU's user network does.
fn dhcp_answer(question: &[u8]) -> Option<Vec<u8>> {
    let checksums = ChecksumCapabilities::default();
    let frame = EthernetFrame::new_checked(question).ok()?;
    let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
    if frame.ethertype() != EthernetProtocol::Ipv4 || packet.next_header() != IpProtocol::Udp {
        return None;
    }
    let udp = UdpPacket::new_checked(packet.payload()).ok()?;
    let question = DhcpPacket::new_checked(udp.payload()).ok()?;
    let question = DhcpRepr::parse(&question).ok()?;
    let server = Ipv4Address::new(10, 0, 2, 2);
    let answer = DhcpRepr {
        message_type: match question.message_type {
            DhcpMessageType::Discover => DhcpMessageType::Offer,
            DhcpMessageType::Request => DhcpMessageType::Ack,
            _ => return None,
        },
        your_ip: Ipv4Address::new(10, 0, 2, 77),
        server_ip: server,
        server_identifier: Some(server),
        router: Some(server),
        subnet_mask: Some(Ipv4Address::new(255, 255, 255, 0)),
        lease_duration: Some(86_400),
        requested_ip: None,
        client_identifier: None,
        parameter_request_list: None,
        max_size: None,
        ..question
    };
    let udp_repr = UdpRepr { src_port: 67, dst_port: 68 };
    let ip_repr = Ipv4Repr {
        src_addr: server,
        dst_addr: Ipv4Address::BROADCAST,
        next_header: IpProtocol::Udp,
        payload_len: udp_repr.header_len() + answer.buffer_len(),
        hop_limit: 64,
    };
    let mut bytes = vec![0; 14 + ip_repr.buffer_len() + ip_repr.payload_len];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes);
    frame.set_src_addr(EthernetAddress([2, 0, 0, 0, 0, 99]));
    frame.set_dst_addr(EthernetAddress::BROADCAST);
    frame.set_ethertype(EthernetProtocol::Ipv4);
    let mut packet = Ipv4Packet::new_unchecked(frame.payload_mut());
    ip_repr.emit(&mut packet, &checksums);
    udp_repr.emit(
        &mut UdpPacket::new_unchecked(packet.payload_mut()),
        &server.into(),
        &Ipv4Address::BROADCAST.into(),
        answer.buffer_len(),
        |payload| answer.emit(&mut DhcpPacket::new_unchecked(payload)).unwrap(),
        &checksums,
    );
    Some(bytes)
}

#[test]
fn dhcp_gives_an_address_in_two_round_trips() {
    let mut world = World::with(4, 2, Weather::FINE, |number, config| {
        config.ipv4 =
            if number == 0 { Ipv4Config::Dhcp { fallback: None } } else { Ipv4Config::Disabled };
    });
    world.wire.borrow_mut().taps.insert(1, Vec::new());
    let start = world.now;
    while interface(&world).address_source != AddressSource::Dhcp {
        world.run_for(Duration::from_micros(100));
        let questions = std::mem::take(world.wire.borrow_mut().taps.get_mut(&1).unwrap());
        for question in questions {
            if let Some(answer) = dhcp_answer(&question) {
                world.inject(0, answer);
            }
        }
        assert!(world.now.since(start) < Duration::from_millis(5), "no address");
    }
    let interface = interface(&world);
    assert_eq!(interface.gateway, Some(Ipv4Address::new(10, 0, 2, 2)));
    let wanted = Ipv4Cidr::new(Ipv4Address::new(10, 0, 2, 77), 24);
    assert!(interface.addresses.contains(&IpCidr::Ipv4(wanted)));
}

/// Nothing to do means no deadline: the thread sleeps until an interrupt.
#[test]
fn an_idle_stack_asks_for_nothing() {
    let world = World::new(5, 1, Weather::FINE);
    let _listener = TcpListener::bind(&world.hosts[0], ListenConfig::new(80)).unwrap();
    let mut wakes = WakeList::default();
    world.hosts[0].poll(&mut wakes);
    assert_eq!(world.hosts[0].poll(&mut wakes), None);
    assert!(wakes.is_empty());
}

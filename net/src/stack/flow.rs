//! To which connection a frame belongs: a look at the headers, before smoltcp parses them.
//!
//! Only the fields that choose a socket are read here, and nothing is trusted: smoltcp checks
//! lengths and sums afterwards and refuses a frame that was given to the wrong socket.

use smoltcp::wire::{IpAddress, Ipv4Address, Ipv6Address};

use super::local::is_loopback;

const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
const ETHERTYPE_IPV6: [u8; 2] = [0x86, 0xdd];
const ETHERTYPE_ARP: [u8; 2] = [0x08, 0x06];
const PROTOCOL_ICMP: u8 = 1;
const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;
const PROTOCOL_HOP_BY_HOP: u8 = 0;
const PROTOCOL_ICMPV6: u8 = 58;
const NEIGHBOR_SOLICITATION: u8 = 135;
const NEIGHBOR_ADVERTISEMENT: u8 = 136;

/// The four parts that name a TCP connection. The ports come first: they decide most comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FlowKey {
    pub(super) remote_port: u16,
    pub(super) local_port: u16,
    pub(super) remote: IpAddress,
    pub(super) local: IpAddress,
}

/// What the stack has to know of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// A TCP segment of this flow.
    Tcp { key: FlowKey, is_syn: bool },
    /// Address resolution for `target`: if that is this host, a connection that waits for a
    /// neighbour may go on.
    Neighbor { target: IpAddress },
    /// Something for a socket for datagrams, or for who answers what nobody takes: UDP, ICMP.
    Datagram,
    /// From or to an address that is not seen on a wire: nothing is done with it.
    Stray,
    /// Anything else, and anything malformed.
    Other,
}

/// Looks at an Ethernet frame.
pub(super) fn classify(frame: &[u8]) -> Frame {
    let kind = classify_checked(frame).unwrap_or(Frame::Other);
    match kind {
        Frame::Tcp { key, .. } if is_loopback(key.remote) || is_loopback(key.local) => Frame::Stray,
        _ => kind,
    }
}

/// Looks at a packet of IP.
pub(super) fn classify_packet(packet: &[u8]) -> Frame {
    let kind = match packet.first().map(|first| first >> 4) {
        Some(4) => ipv4(packet),
        Some(6) => ipv6(packet),
        _ => None,
    };
    kind.unwrap_or(Frame::Other)
}

fn classify_checked(frame: &[u8]) -> Option<Frame> {
    let packet = frame.get(14..)?;
    match array::<2>(frame, 12)? {
        ETHERTYPE_IPV4 => ipv4(packet),
        ETHERTYPE_IPV6 => ipv6(packet),
        ETHERTYPE_ARP => {
            let target = IpAddress::Ipv4(Ipv4Address::from(array::<4>(packet, 24)?));
            Some(Frame::Neighbor { target })
        }
        _ => None,
    }
}

fn ipv4(packet: &[u8]) -> Option<Frame> {
    let header_len = usize::from(packet.first()? & 0x0f) * 4;
    let fragment = u16::from_be_bytes(array(packet, 6)?) & 0x1fff;
    if header_len < 20 || fragment != 0 {
        return None;
    }
    match *packet.get(9)? {
        PROTOCOL_TCP => {}
        PROTOCOL_ICMP | PROTOCOL_UDP => return Some(Frame::Datagram),
        _ => return None,
    }
    let source = IpAddress::Ipv4(Ipv4Address::from(array::<4>(packet, 12)?));
    let destination = IpAddress::Ipv4(Ipv4Address::from(array::<4>(packet, 16)?));
    tcp(packet.get(header_len..)?, source, destination)
}

fn ipv6(packet: &[u8]) -> Option<Frame> {
    let source = IpAddress::Ipv6(Ipv6Address::from(array::<16>(packet, 8)?));
    let destination = IpAddress::Ipv6(Ipv6Address::from(array::<16>(packet, 24)?));
    let mut next = *packet.get(6)?;
    let mut payload = packet.get(40..)?;
    if next == PROTOCOL_HOP_BY_HOP {
        next = *payload.first()?;
        payload = payload.get((usize::from(*payload.get(1)?) + 1) * 8..)?;
    }
    match next {
        PROTOCOL_TCP => tcp(payload, source, destination),
        PROTOCOL_ICMPV6 => match *payload.first()? {
            NEIGHBOR_SOLICITATION => {
                let target = IpAddress::Ipv6(Ipv6Address::from(array::<16>(payload, 8)?));
                Some(Frame::Neighbor { target })
            }
            NEIGHBOR_ADVERTISEMENT => Some(Frame::Neighbor { target: destination }),
            _ => Some(Frame::Datagram),
        },
        PROTOCOL_UDP => Some(Frame::Datagram),
        _ => None,
    }
}

fn tcp(segment: &[u8], source: IpAddress, destination: IpAddress) -> Option<Frame> {
    const SYN: u8 = 0x02;
    const RST: u8 = 0x04;
    const ACK: u8 = 0x10;
    let key = FlowKey {
        remote_port: u16::from_be_bytes(array(segment, 0)?),
        local_port: u16::from_be_bytes(array(segment, 2)?),
        remote: source,
        local: destination,
    };
    let is_syn = *segment.get(13)? & (SYN | RST | ACK) == SYN;
    Some(Frame::Tcp { key, is_syn })
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

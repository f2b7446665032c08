//! IP packets that carry datagrams, read and written without sockets of smoltcp's.

use alloc::vec::Vec;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    Icmpv4Packet, Icmpv6Packet, IpAddress, IpProtocol, IpRepr, Ipv4Packet, Ipv6Packet, UdpPacket,
};

/// Bytes of a UDP header.
pub(super) const UDP_HEADER_BYTES: usize = 8;
const UDP: IpProtocol = IpProtocol::Udp;

/// A packet whose headers hold, without options.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) source: IpAddress,
    pub(super) destination: IpAddress,
    pub(super) protocol: IpProtocol,
    /// The header of IP, then the payload.
    pub(super) whole: &'a [u8],
    pub(super) payload: &'a [u8],
    pub(super) hop_limit: u8,
}

/// Reads an IP packet; `None` for a fragment and for what is malformed. `has_sums` says whether
/// checksums were computed: not for what never left the machine.
pub(super) fn parse(bytes: &[u8], has_sums: bool) -> Option<Packet<'_>> {
    match bytes.first()? >> 4 {
        4 => {
            let packet = Ipv4Packet::new_checked(bytes).ok()?;
            let is_whole = !packet.more_frags() && packet.frag_offset() == 0;
            if !is_whole || packet.version() != 4 || has_sums && !packet.verify_checksum() {
                return None;
            }
            let whole = bytes.get(..usize::from(packet.total_len()))?;
            Some(Packet {
                source: packet.src_addr().into(),
                destination: packet.dst_addr().into(),
                protocol: packet.next_header(),
                whole,
                payload: whole.get(usize::from(packet.header_len())..)?,
                hop_limit: packet.hop_limit(),
            })
        }
        6 => {
            let packet = Ipv6Packet::new_checked(bytes).ok()?;
            let whole = bytes.get(..packet.total_len())?;
            Some(Packet {
                source: packet.src_addr().into(),
                destination: packet.dst_addr().into(),
                protocol: packet.next_header(),
                whole,
                payload: whole.get(40..)?,
                hop_limit: packet.hop_limit(),
            })
        }
        _ => None,
    }
}

/// A UDP datagram: its ports and what it carries.
pub(super) fn udp<'a>(packet: &Packet<'a>, has_sums: bool) -> Option<(u16, u16, &'a [u8])> {
    let udp = UdpPacket::new_checked(packet.payload).ok()?;
    if has_sums && !udp.verify_checksum(&packet.source, &packet.destination) {
        return None;
    }
    let payload = packet.payload.get(UDP_HEADER_BYTES..usize::from(udp.len()))?;
    Some((udp.src_port(), udp.dst_port(), payload))
}

/// Writes a packet with this payload. `None` without memory, or when it is longer than IP allows.
pub(super) fn build(
    source: IpAddress,
    destination: IpAddress,
    protocol: IpProtocol,
    hop_limit: u8,
    payload_len: usize,
    fill: impl FnOnce(&mut [u8]),
) -> Option<Vec<u8>> {
    let most = match destination {
        IpAddress::Ipv4(_) => 65_535 - 20,
        IpAddress::Ipv6(_) => 65_535,
    };
    if source.version() != destination.version() || payload_len > most {
        return None;
    }
    let header = IpRepr::new(source, destination, protocol, payload_len, hop_limit);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(header.buffer_len()).ok()?;
    bytes.resize(header.buffer_len(), 0);
    header.emit(&mut bytes, &ChecksumCapabilities::default());
    fill(bytes.get_mut(header.header_len()..)?);
    Some(bytes)
}

/// Writes a UDP datagram.
pub(super) fn build_udp(
    (source, source_port): (IpAddress, u16),
    (destination, port): (IpAddress, u16),
    hop_limit: u8,
    payload: &[u8],
) -> Option<Vec<u8>> {
    let length = payload.len() + UDP_HEADER_BYTES;
    let udp_length = u16::try_from(length).ok()?;
    build(source, destination, UDP, hop_limit, length, |bytes| {
        let mut packet = UdpPacket::new_unchecked(bytes);
        packet.set_src_port(source_port);
        packet.set_dst_port(port);
        packet.set_len(udp_length);
        packet.payload_mut().copy_from_slice(payload);
        packet.fill_checksum(&source, &destination);
    })
}

/// Sets the checksum of an ICMP message.
pub(super) fn finish_icmp(bytes: &mut [u8], source: IpAddress, destination: IpAddress) {
    match (source, destination) {
        (IpAddress::Ipv6(source), IpAddress::Ipv6(destination)) => {
            if let Ok(mut packet) = Icmpv6Packet::new_checked(bytes) {
                packet.fill_checksum(&source, &destination);
            }
        }
        _ => {
            if let Ok(mut packet) = Icmpv4Packet::new_checked(bytes) {
                packet.fill_checksum();
            }
        }
    }
}

/// Of an ICMP message that says that something could not be delivered: what it was.
pub(super) fn undelivered<'a>(packet: &Packet<'a>) -> Option<(Refusal, &'a [u8])> {
    let refusal = match (packet.protocol, packet.payload.first()?, packet.payload.get(1)?) {
        (IpProtocol::Icmp, 3, 2 | 3) | (IpProtocol::Icmpv6, 1, 4) => Refusal::Port,
        (IpProtocol::Icmp, 3, 4) | (IpProtocol::Icmpv6, 2, _) => return None,
        (IpProtocol::Icmp, 3, _) | (IpProtocol::Icmpv6, 1, _) => Refusal::Host,
        _ => return None,
    };
    Some((refusal, packet.payload.get(8..)?))
}

/// Why a datagram was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody has the port.
    Port,
    /// There is no way to the host.
    Host,
}

/// Source, ports and destination of a UDP datagram of which only the beginning is there.
pub(super) fn udp_flow(bytes: &[u8]) -> Option<((IpAddress, u16), (IpAddress, u16))> {
    let (protocol, source, destination, header_len) = match bytes.first()? >> 4 {
        4 => {
            let packet = Ipv4Packet::new_unchecked(bytes.get(..20).map(|_| bytes)?);
            let (source, destination) = (packet.src_addr().into(), packet.dst_addr().into());
            (packet.next_header(), source, destination, usize::from(packet.header_len()))
        }
        6 => {
            let packet = Ipv6Packet::new_unchecked(bytes.get(..40).map(|_| bytes)?);
            (packet.next_header(), packet.src_addr().into(), packet.dst_addr().into(), 40)
        }
        _ => return None,
    };
    let ports = bytes.get(header_len..)?.first_chunk::<4>()?;
    let source_port = u16::from_be_bytes([ports[0], ports[1]]);
    let port = u16::from_be_bytes([ports[2], ports[3]]);
    (protocol == UDP).then_some(((source, source_port), (destination, port)))
}

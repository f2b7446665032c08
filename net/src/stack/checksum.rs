//! TCP's checksum (RFC 1071, RFC 9293 section 3.1), taken from the frame as a whole.
//!
//! smoltcp adds two bytes at a time, which is a good part of what sending an answer costs. Here it is
//! eight, so the stack tells smoltcp that others take care of it: frames get their sum on their way to the
//! device, and those with a wrong one go no further than [`has_valid_sum`].

const ETHERNET_BYTES: usize = 14;
const PROTOCOL_TCP: u8 = 6;
/// The only extension of IPv6 that may stand before a segment here, as in `flow`.
const HOP_BY_HOP: u8 = 0;
/// Where a segment has its checksum.
const PLACE: core::ops::Range<usize> = 16..18;

/// The sum of 16-bit words in ones' complement, in this machine's order of bytes, not yet folded.
/// An odd byte at the end is followed by a zero.
fn sum(start: u64, bytes: &[u8]) -> u64 {
    let add = |sum: u64, word: u64| {
        let (sum, carry) = sum.overflowing_add(word);
        // A carry out leaves room for itself.
        sum.wrapping_add(u64::from(carry))
    };
    let (blocks, rest) = bytes.as_chunks::<32>();
    let mut all = start;
    for block in blocks {
        for word in block.as_chunks::<8>().0 {
            all = add(all, u64::from_ne_bytes(*word));
        }
    }
    let (words, rest) = rest.as_chunks::<8>();
    for word in words {
        all = add(all, u64::from_ne_bytes(*word));
    }
    let mut last = [0; 8];
    for (place, byte) in last.iter_mut().zip(rest) {
        *place = *byte;
    }
    add(all, u64::from_ne_bytes(last))
}

/// The sum as two bytes in their order on the wire.
fn fold(sum: u64) -> [u8; 2] {
    let mut sum = (sum >> 32) + (sum & 0xffff_ffff);
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    u16::try_from(sum).unwrap_or(u16::MAX).to_ne_bytes()
}

/// Where the TCP segment of an Ethernet frame lies, and the sum of the pseudo-header before it. `None`
/// for what is no whole segment: something else, a fragment, a length that the frame does not have.
fn segment(frame: &[u8]) -> Option<(core::ops::Range<usize>, u64)> {
    let packet = frame.get(ETHERNET_BYTES..)?;
    let (addresses, header, end) = match packet.first()? >> 4 {
        4 => {
            let header = usize::from(packet.first()? & 0x0f) * 4;
            let total = usize::from(u16::from_be_bytes(*packet.get(2..)?.first_chunk()?));
            // More fragments, or not the first one.
            let fragment = u16::from_be_bytes(*packet.get(6..)?.first_chunk()?) & 0x3fff;
            let is_tcp = *packet.get(9)? == PROTOCOL_TCP && fragment == 0;
            (packet.get(12..20).filter(|_| is_tcp)?, header, total)
        }
        6 => {
            let length = usize::from(u16::from_be_bytes(*packet.get(4..)?.first_chunk()?));
            let (protocol, header) = match *packet.get(6)? {
                HOP_BY_HOP => (*packet.get(40)?, 48 + usize::from(*packet.get(41)?) * 8),
                protocol => (protocol, 40),
            };
            let is_tcp = protocol == PROTOCOL_TCP;
            (packet.get(8..40).filter(|_| is_tcp)?, header, 40 + length)
        }
        _ => return None,
    };
    let bytes = packet.get(header..end)?;
    let length = u16::try_from(bytes.len()).ok()?.to_be_bytes();
    let pseudo = sum(sum(0, addresses), &[0, PROTOCOL_TCP, length[0], length[1]]);
    Some((ETHERNET_BYTES + header..ETHERNET_BYTES + end, pseudo))
}

/// Gives the segment in a frame its checksum, if it is one.
pub(super) fn set_sum(frame: &mut [u8]) {
    let Some((range, pseudo)) = segment(frame) else { return };
    let Some(segment) = frame.get_mut(range) else { return };
    let Some(place) = segment.get_mut(PLACE) else { return };
    place.fill(0);
    let [high, low] = fold(sum(pseudo, segment));
    if let Some(place) = segment.get_mut(PLACE) {
        place.copy_from_slice(&[!high, !low]);
    }
}

/// Whether a frame holds a whole segment whose checksum is right.
pub(super) fn has_valid_sum(frame: &[u8]) -> bool {
    let Some((range, pseudo)) = segment(frame) else { return false };
    let Some(segment) = frame.get(range) else { return false };
    fold(sum(pseudo, segment)) == [0xff, 0xff]
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{
        EthernetAddress, EthernetFrame, EthernetProtocol, IpAddress, IpProtocol, IpRepr,
        TcpControl, TcpPacket, TcpRepr, TcpSeqNumber,
    };

    use super::*;

    fn frame(source: IpAddress, destination: IpAddress, payload: &[u8]) -> Vec<u8> {
        let tcp = TcpRepr {
            src_port: 80,
            dst_port: 40_000,
            control: TcpControl::Psh,
            seq_number: TcpSeqNumber(0x1234_5678),
            ack_number: Some(TcpSeqNumber(0x0fed_cba9)),
            window_len: 8192,
            window_scale: None,
            max_seg_size: None,
            sack_permitted: false,
            sack_ranges: [None; 3],
            timestamp: None,
            payload,
        };
        let ip = IpRepr::new(source, destination, IpProtocol::Tcp, tcp.buffer_len(), 64);
        let header = ETHERNET_BYTES + ip.header_len();
        let mut bytes = alloc::vec![0; header + tcp.buffer_len()];
        let mut ethernet = EthernetFrame::new_unchecked(&mut bytes);
        ethernet.set_src_addr(EthernetAddress([2; 6]));
        let is_v4 = matches!(source, IpAddress::Ipv4(_));
        let kind = if is_v4 { EthernetProtocol::Ipv4 } else { EthernetProtocol::Ipv6 };
        ethernet.set_ethertype(kind);
        let sums = ChecksumCapabilities::default();
        ip.emit(&mut bytes[ETHERNET_BYTES..], &sums);
        let mut packet = TcpPacket::new_unchecked(&mut bytes[header..]);
        tcp.emit(&mut packet, &source, &destination, &sums);
        bytes
    }

    /// Sums are smoltcp's, for every length around a block and both families.
    // proves: A1
    #[test]
    fn sums_are_those_of_smoltcp() {
        let v4 = (IpAddress::v4(10, 0, 2, 15), IpAddress::v4(255, 254, 253, 252));
        let v6 = (
            IpAddress::v6(0xfe80, 0, 0, 0, 0xffff, 0xffff, 0xffff, 0xffff),
            IpAddress::v6(0xfe80, 0, 0, 0, 0, 0, 0, 2),
        );
        for (source, destination) in [v4, v6] {
            for length in (0..130).chain([1459, 1460]) {
                for seed in [0_usize, 255, 91] {
                    let byte = |at: usize| (at * seed + seed).to_le_bytes()[0];
                    let payload: Vec<u8> = (0..length).map(byte).collect();
                    let expected = frame(source, destination, &payload);
                    assert!(has_valid_sum(&expected), "{length} bytes of {seed}");
                    let mut own = expected.clone();
                    let at = own.len() - length - 20 + PLACE.start;
                    own[at..at + 2].copy_from_slice(&[0x5a, 0xa5]);
                    assert!(!has_valid_sum(&own), "{length} bytes of {seed}");
                    set_sum(&mut own);
                    assert_eq!(own, expected, "{length} bytes of {seed}");
                    // Padding, as Ethernet adds it to short frames, does not count.
                    own.extend_from_slice(&[0xee; 3]);
                    assert!(has_valid_sum(&own));
                }
            }
        }
    }

    /// Every single changed bit of a segment is noticed; nothing is read or written out of place.
    // proves: A1
    #[test]
    fn damage_is_noticed() {
        let whole =
            frame(IpAddress::v4(1, 2, 3, 4), IpAddress::v4(5, 6, 7, 8), b"an odd number of them");
        for bit in (ETHERNET_BYTES + 20) * 8..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(!has_valid_sum(&damaged), "bit {bit}");
        }
        for length in 0..whole.len() {
            let mut cut = whole[..length].to_vec();
            assert!(!has_valid_sum(&cut), "not a whole segment: {length}");
            set_sum(&mut cut);
            assert_eq!(cut, whole[..length]);
        }
    }
}

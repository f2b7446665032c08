//! Frames made by hand: what no well-behaved stack sends.

use std::time::Duration;

use net::stack::Ipv4Address;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    EthernetRepr, Icmpv4Packet, Icmpv4Repr, IpAddress, IpProtocol, Ipv4Packet, Ipv4Repr,
    TcpControl, TcpPacket, TcpRepr, TcpSeqNumber,
};

use crate::world::{World, address, mac};

/// The host behind the tap; its frames are made here.
pub(crate) const RAW: u8 = 1;

/// Lets host 0 know where host [`RAW`] is, and keeps what is sent there.
pub(crate) fn tap(world: &mut World) {
    world.wire.borrow_mut().taps.insert(RAW.into(), Vec::new());
    world.inject(0, arp_request(RAW));
    world.run_for(Duration::from_millis(1));
    taken(world);
}

/// The frames that came to host [`RAW`] since the last call.
pub(crate) fn taken(world: &mut World) -> Vec<Vec<u8>> {
    world.run_for(Duration::from_millis(1));
    std::mem::take(world.wire.borrow_mut().taps.get_mut(&RAW.into()).unwrap())
}

fn ethernet(payload_len: usize, kind: EthernetProtocol, fill: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let repr = EthernetRepr {
        src_addr: EthernetAddress(mac(RAW)),
        dst_addr: EthernetAddress(mac(0)),
        ethertype: kind,
    };
    let mut bytes = vec![0; repr.buffer_len() + payload_len];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes);
    repr.emit(&mut frame);
    fill(frame.payload_mut());
    bytes
}

pub(crate) fn arp_request(from: u8) -> Vec<u8> {
    let repr = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr: EthernetAddress(mac(from)),
        source_protocol_addr: address(from),
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: address(0),
    };
    ethernet(repr.buffer_len(), EthernetProtocol::Arp, |payload| {
        repr.emit(&mut ArpPacket::new_unchecked(payload));
    })
}

fn ipv4(
    source: Ipv4Address,
    protocol: IpProtocol,
    len: usize,
    fill: impl FnOnce(&mut [u8]),
) -> Vec<u8> {
    let repr = Ipv4Repr {
        src_addr: source,
        dst_addr: address(0),
        next_header: protocol,
        payload_len: len,
        hop_limit: 64,
    };
    ethernet(repr.buffer_len() + len, EthernetProtocol::Ipv4, |payload| {
        let mut packet = Ipv4Packet::new_unchecked(payload);
        repr.emit(&mut packet, &ChecksumCapabilities::default());
        fill(packet.payload_mut());
    })
}

/// A segment from host [`RAW`].
#[derive(Clone, Copy)]
pub(crate) struct Segment {
    pub(crate) source: Ipv4Address,
    pub(crate) source_port: u16,
    pub(crate) port: u16,
    pub(crate) control: TcpControl,
    pub(crate) seq: i32,
    pub(crate) ack: Option<i32>,
    pub(crate) payload: &'static [u8],
}

impl Segment {
    pub(crate) fn syn(source_port: u16, port: u16) -> Self {
        Self {
            source: address(RAW),
            source_port,
            port,
            control: TcpControl::Syn,
            seq: 1000,
            ack: None,
            payload: b"",
        }
    }

    pub(crate) fn frame(self) -> Vec<u8> {
        let repr = TcpRepr {
            src_port: self.source_port,
            dst_port: self.port,
            control: self.control,
            seq_number: TcpSeqNumber(self.seq),
            ack_number: self.ack.map(TcpSeqNumber),
            window_len: 8192,
            window_scale: None,
            max_seg_size: (self.control == TcpControl::Syn).then_some(1460),
            sack_permitted: false,
            sack_ranges: [None; 3],
            timestamp: None,
            payload: self.payload,
        };
        ipv4(self.source, IpProtocol::Tcp, repr.buffer_len(), |payload| {
            repr.emit(
                &mut TcpPacket::new_unchecked(payload),
                &IpAddress::Ipv4(self.source),
                &IpAddress::Ipv4(address(0)),
                &ChecksumCapabilities::default(),
            );
        })
    }
}

pub(crate) fn echo_request() -> Vec<u8> {
    let repr = Icmpv4Repr::EchoRequest { ident: 7, seq_no: 9, data: b"ping" };
    ipv4(address(RAW), IpProtocol::Icmp, repr.buffer_len(), |payload| {
        repr.emit(&mut Icmpv4Packet::new_unchecked(payload), &ChecksumCapabilities::default());
    })
}

/// What a frame of host 0 says, as far as the tests ask.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    SynAck { port: u16, seq: i32 },
    Reset { port: u16 },
    Fin { port: u16, seq: i32 },
    Data { port: u16 },
    Ack { port: u16 },
    EchoReply,
    Other,
}

pub(crate) fn said(frame: &[u8]) -> Said {
    let frame = EthernetFrame::new_checked(frame).unwrap();
    if frame.ethertype() != EthernetProtocol::Ipv4 {
        return Said::Other;
    }
    let packet = Ipv4Packet::new_checked(frame.payload()).unwrap();
    match packet.next_header() {
        IpProtocol::Icmp => {
            let checksums = ChecksumCapabilities::default();
            let icmp = Icmpv4Packet::new_checked(packet.payload()).unwrap();
            match Icmpv4Repr::parse(&icmp, &checksums).unwrap() {
                Icmpv4Repr::EchoReply { ident: 7, seq_no: 9, data: b"ping" } => Said::EchoReply,
                _ => Said::Other,
            }
        }
        IpProtocol::Tcp => {
            let tcp = TcpPacket::new_checked(packet.payload()).unwrap();
            let (port, seq) = (tcp.dst_port(), tcp.seq_number().0);
            if tcp.rst() {
                Said::Reset { port }
            } else if tcp.syn() {
                Said::SynAck { port, seq }
            } else if tcp.fin() {
                Said::Fin { port, seq }
            } else if !tcp.payload().is_empty() {
                Said::Data { port }
            } else {
                Said::Ack { port }
            }
        }
        _ => Said::Other,
    }
}

/// Sends a segment and returns what host 0 says to it within a millisecond.
pub(crate) fn answers(world: &mut World, segment: Segment) -> Vec<Said> {
    world.inject(0, segment.frame());
    taken(world).iter().map(|frame| said(frame)).collect()
}

/// Opens a connection by hand; returns the sequence numbers of both sides.
pub(crate) fn handshake(world: &mut World, source_port: u16, port: u16) -> (i32, i32) {
    let syn = Segment::syn(source_port, port);
    let Some(Said::SynAck { seq, .. }) = answers(world, syn).pop() else { panic!("no SYN-ACK") };
    let theirs = seq.wrapping_add(1);
    let ack = Segment { control: TcpControl::None, seq: syn.seq + 1, ack: Some(theirs), ..syn };
    answers(world, ack);
    (syn.seq + 1, theirs)
}

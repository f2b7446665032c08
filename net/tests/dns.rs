//! Questions and answers about names, as bytes: what is read, what is written, and that nothing that
//! is sent does harm. Answers are read back with smoltcp's parser, which knows nothing of ours.
#![expect(clippy::unwrap_used, reason = "a test that can't go on panics")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use net::dns::{
    Carrier, Known, Malformed, Name, Query, Record, ResponseCode, ServiceAddress, ServiceNames,
    answer, complaint, is_answer, look_up, pass_on, question_for_server,
};
use proptest::prelude::*;
use smoltcp::wire::{DnsFlags, DnsPacket, DnsQuestion, DnsRcode, DnsRecord, DnsRecordData};

const A: u16 = 1;
const PTR: u16 = 12;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const SRV: u16 = 33;
const ANY: u16 = 255;

fn query(name: &str, kind: u16) -> Query {
    let name = Name::from_text(name).unwrap();
    Query {
        id: 0x1234,
        is_recursion_desired: true,
        is_checking_disabled: false,
        name,
        kind,
        class: 1,
        edns: None,
    }
}

/// The bytes of a question, with what is wanted after it.
fn bytes(name: &str, kind: u16, additional: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(!additional.is_empty())];
    bytes.extend_from_slice(Name::from_text(name).unwrap().as_bytes());
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&[0, 1]);
    bytes.extend_from_slice(additional);
    bytes
}

/// An OPT record of version 0 that wants DNSSEC's records and takes 4,096 bytes.
const OPT: [u8; 11] = [0, 0, 41, 0x10, 0, 0, 0, 0x80, 0, 0, 0];

struct Services;

impl ServiceNames for Services {
    fn find(&self, name: &str) -> Option<ServiceAddress> {
        let both = vec![IpAddr::from([127, 0, 0, 1]), IpAddr::from([10, 0, 2, 15])];
        match name {
            "web" => Some(ServiceAddress { addresses: both, port: Some(8080) }),
            "quiet" => Some(ServiceAddress { addresses: both, port: None }),
            "six" => {
                let addresses = vec![Ipv6Addr::LOCALHOST.into()];
                Some(ServiceAddress { addresses, port: Some(1) })
            }
            _ => None,
        }
    }
}

fn records(name: &str, kind: u16) -> Option<Vec<Record>> {
    match look_up(&query(name, kind), &Services) {
        Some(Known::Records(records, _)) => Some(records),
        Some(Known::NoSuchName(_)) => None,
        None => panic!("{name} is asked of others"),
    }
}

// proves: S6
#[test]
fn services_have_addresses_and_a_port() {
    let four = Record::A(Ipv4Addr::LOCALHOST);
    let own = Record::A(Ipv4Addr::new(10, 0, 2, 15));
    let port = Record::Service { port: 8080, host: Name::from_text("web.service").unwrap() };
    assert_eq!(records("web.service", A).unwrap(), [four.clone(), own.clone()]);
    assert_eq!(records("WEB.Service.", A).unwrap(), [four.clone(), own.clone()]);
    assert_eq!(records("web.service", SRV).unwrap(), std::slice::from_ref(&port));
    assert_eq!(records("web.service", ANY).unwrap(), [four, own, port]);
    assert_eq!(records("six.service", AAAA).unwrap(), [Record::Aaaa(Ipv6Addr::LOCALHOST)]);
    // A name that is there has no records of another type, which is not to say that it is not there.
    for (name, kind) in [("web", AAAA), ("six", A), ("web", TXT), ("quiet", SRV)] {
        assert_eq!(records(&format!("{name}.service"), kind).unwrap(), [], "{name} {kind}");
    }
    assert_eq!(records("service", A).unwrap(), []);
    for name in ["gone.service", "a.web.service", "xn--web.service"] {
        assert_eq!(records(name, A), None, "{name}");
    }
    // A dot inside of a label does not make it two.
    let mut odd = query("x.service", A);
    odd.name = Name::read(b"\x05a.web\x07service\0").unwrap().0;
    assert!(matches!(look_up(&odd, &Services), Some(Known::NoSuchName(_))));
    odd.name = Name::read(b"\x0bweb.service\0").unwrap().0;
    assert_eq!(look_up(&odd, &Services), None);
}

#[test]
fn the_loopback_is_nobody_elses_business() {
    assert_eq!(records("localhost", A).unwrap(), [Record::A(Ipv4Addr::LOCALHOST)]);
    assert_eq!(records("x.localhost", AAAA).unwrap(), [Record::Aaaa(Ipv6Addr::LOCALHOST)]);
    assert_eq!(records("localhost", TXT).unwrap(), []);
    let name = Record::Pointer(Name::from_text("localhost").unwrap());
    assert_eq!(records("1.0.0.127.in-addr.arpa", PTR).unwrap(), std::slice::from_ref(&name));
    let six = format!("1.{}ip6.arpa", "0.".repeat(31));
    assert_eq!(records(&six, PTR).unwrap(), [name]);
    assert_eq!(records("53.0.0.127.in-addr.arpa", PTR), None);
    for name in ["example.org", "service.example.org", "notservice", "mylocalhost", ""] {
        assert_eq!(look_up(&query(name, A), &Services), None, "{name}");
    }
    let chaos = Query { class: 3, ..query("web.service", A) };
    assert_eq!(look_up(&chaos, &Services), None);
}

#[test]
fn another_parser_understands_the_answers() {
    let asked = query("web.service", A);
    let known = [Record::A(Ipv4Addr::LOCALHOST), Record::A(Ipv4Addr::new(10, 0, 2, 15))];
    let zone = Name::from_text("service").unwrap();
    let message = answer(&asked, ResponseCode::NoError, &known, Some(&zone), Carrier::Datagram);
    let packet = DnsPacket::new_checked(&message[..]).unwrap();
    assert_eq!(packet.transaction_id(), 0x1234);
    assert_eq!(packet.rcode(), DnsRcode::NoError);
    let flags = packet.flags();
    assert!(flags.contains(DnsFlags::RESPONSE | DnsFlags::AUTHORITATIVE));
    assert!(flags.contains(DnsFlags::RECURSION_DESIRED | DnsFlags::RECURSION_AVAILABLE));
    let counts = (packet.question_count(), packet.answer_record_count());
    assert_eq!((counts, packet.authority_record_count()), ((1, 2), 0));
    let (mut rest, _) = DnsQuestion::parse(packet.payload()).unwrap();
    for expected in [[127, 0, 0, 1], [10, 0, 2, 15]] {
        let (after, record) = DnsRecord::parse(rest).unwrap();
        assert!(matches!(record.data, DnsRecordData::A(got) if got.octets() == expected));
        let labels: Vec<_> = packet.parse_name(record.name).map(Result::unwrap).collect();
        assert_eq!(labels, [&b"web"[..], b"service"]);
        rest = after;
    }
    assert!(rest.is_empty());

    // Nothing of that type, and no such name: both with what says how long that holds.
    for (code, expected) in
        [(ResponseCode::NoError, DnsRcode::NoError), (ResponseCode::NoSuchName, DnsRcode::NXDomain)]
    {
        let message = answer(&asked, code, &[], Some(&zone), Carrier::Datagram);
        let packet = DnsPacket::new_checked(&message[..]).unwrap();
        assert_eq!(packet.rcode(), expected);
        assert_eq!((packet.answer_record_count(), packet.authority_record_count()), (0, 1));
        let (rest, _) = DnsQuestion::parse(packet.payload()).unwrap();
        let (rest, record) = DnsRecord::parse(rest).unwrap();
        assert!(rest.is_empty());
        let DnsRecordData::Other(kind, data) = record.data else { panic!("{record:?}") };
        // Start of authority: two names and five numbers.
        assert_eq!((u16::from(kind), data.len()), (6, 11 + 16 + 20));
    }
}

#[test]
fn questions_are_read_with_their_edns() {
    let plain = Query::read(&bytes("example.org", A, &[])).unwrap();
    assert_eq!(plain, query("example.org", A));
    let edns = Query::read(&bytes("Example.ORG", A, &OPT)).unwrap().edns.unwrap();
    assert_eq!((edns.udp_payload_bytes, edns.is_dnssec_wanted), (4096, true));
    // An answer to who has sent one has one, too.
    let asked = Query::read(&bytes("gone.service", A, &OPT)).unwrap();
    let zone = Name::from_text("service").unwrap();
    let message = answer(&asked, ResponseCode::NoSuchName, &[], Some(&zone), Carrier::Datagram);
    assert_eq!(message[10..12], [0, 1]);
    assert_eq!(message[message.len() - 11..], [0, 0, 41, 4, 0xd0, 0, 0, 0x80, 0, 0, 0]);
}

#[test]
fn what_is_no_question_is_told_so_or_nothing() {
    let told = |bytes: &[u8]| match Query::read(bytes).unwrap_err() {
        Malformed::Answered { id: 0x1234, code, .. } => Some(code),
        Malformed::Answered { .. } => panic!("another id"),
        Malformed::NoQuery => None,
    };
    let good = bytes("example.org", A, &[]);
    let with = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        bytes
    };
    assert_eq!(told(&[]), None);
    assert_eq!(told(&good[..11]), None);
    assert_eq!(told(&with(2, 0x80)), None, "an answer");
    assert_eq!(told(&with(2, 0x28)), Some(ResponseCode::NotImplemented), "an update");
    for (what, message) in [
        ("no question", with(5, 0)),
        ("two questions", with(5, 2)),
        ("an answer in it", with(7, 1)),
        ("a record that is not there", with(11, 1)),
        ("cut", with(2, 3)),
        ("a pointer", with(12, 0xc0)),
        ("a label that is too long", with(12, 64)),
        ("a name without an end", good[..20].to_vec()),
        ("no type", good[..good.len() - 3].to_vec()),
        ("two OPT records", {
            let mut bytes = bytes("example.org", A, &[OPT, OPT].concat());
            bytes[11] = 2;
            bytes
        }),
    ] {
        assert_eq!(told(&message), Some(ResponseCode::FormatError), "{what}");
    }
    let mut newer = OPT;
    newer[6] = 1;
    let malformed = Query::read(&bytes("example.org", A, &newer)).unwrap_err();
    assert!(matches!(malformed, Malformed::Answered { code: ResponseCode::BadVersion, .. }));
    let message = complaint(malformed).unwrap();
    assert_eq!(message[..4], [0x12, 0x34, 0x81, 0]);
    assert_eq!(message[12..], [0, 0, 41, 4, 0xd0, 1, 0, 0, 0, 0, 0]);
    assert_eq!(complaint(Malformed::NoQuery), None);
}

#[test]
fn what_is_too_long_for_a_datagram_is_cut_and_goes_by_stream() {
    let asked = query("web.service", A);
    let many: Vec<_> = (0..100).map(|last| Record::A(Ipv4Addr::new(10, 0, 0, last))).collect();
    let short = answer(&asked, ResponseCode::NoError, &many, None, Carrier::Datagram);
    assert!(short.len() <= 512 && short[2] & 2 != 0 && short[7] == 0);
    let whole = answer(&asked, ResponseCode::NoError, &many, None, Carrier::Stream);
    assert!(whole.len() > 1600 && whole[2] & 2 == 0 && whole[7] == 100);
    let passed = pass_on(whole.clone(), &asked, Carrier::Datagram);
    assert!(passed.len() <= 512 && passed[2] & 2 != 0 && passed[7] == 0);
    assert_eq!(pass_on(whole, &asked, Carrier::Stream).len(), 12 + 17 + 100 * 16);
}

#[test]
fn an_answer_is_one_to_this_very_question() {
    let asked = query("example.org", A);
    let sent = question_for_server(&asked, 777);
    let as_sent = Query::read(&sent).unwrap();
    assert_eq!(as_sent, Query { id: 777, ..asked.clone() });
    let reply = answer(&as_sent, ResponseCode::NoError, &[], None, Carrier::Datagram);
    assert!(is_answer(&reply, &asked, 777));
    assert!(!is_answer(&reply, &asked, 778));
    assert!(!is_answer(&sent, &asked, 777), "the question itself");
    assert!(!is_answer(&reply, &query("example.net", A), 777));
    assert!(!is_answer(&reply, &query("example.org", AAAA), 777));
    for end in 0..reply.len() {
        assert!(!is_answer(&reply[..end], &asked, 777));
    }
    let passed = pass_on(reply, &asked, Carrier::Datagram);
    assert_eq!(passed[..2], [0x12, 0x34]);
}

proptest! {
    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        match Query::read(&bytes) {
            Ok(query) => {
                let _ = look_up(&query, &Services);
                let _ = is_answer(&bytes, &query, query.id);
                let _ = pass_on(bytes, &query, Carrier::Datagram);
            }
            Err(malformed) => drop(complaint(malformed)),
        }
    }

    /// Whatever one byte of a good question is changed to, what is understood of it is what is sent on
    /// and what is answered, and both fit.
    #[test]
    fn what_is_understood_is_what_is_asked(
        at in 0..60_usize,
        value in any::<u8>(),
        kind in any::<u16>(),
        has_opt in any::<bool>(),
        count in 0..80_u8,
    ) {
        let opt: &[u8] = if has_opt { &OPT } else { &[] };
        let mut message = bytes("a-name.of-some.example", kind, opt);
        let at = at % message.len();
        message[at] = value;
        if let Ok(query) = Query::read(&message) {
            let sent = question_for_server(&query, 99);
            let understood = Query::read(&sent).unwrap();
            prop_assert_eq!(&understood.name, &query.name);
            prop_assert_eq!((understood.kind, understood.class), (query.kind, query.class));
            let many: Vec<_> =
                (0..count).map(|last| Record::A(Ipv4Addr::new(10, 0, 0, last))).collect();
            let reply = answer(&understood, ResponseCode::NoError, &many, None, Carrier::Datagram);
            let most = query.edns.map_or(512, |edns| edns.udp_payload_bytes.max(512).into());
            prop_assert!(reply.len() <= most);
            prop_assert!(is_answer(&reply, &query, 99));
        }
    }

    #[test]
    fn names_survive_text(labels in proptest::collection::vec("[a-z0-9_-]{1,20}", 1..8)) {
        let text = labels.join(".");
        let name = Name::from_text(&text).unwrap();
        prop_assert_eq!(name.to_text(), text);
        let (read, length) = Name::read(name.as_bytes()).unwrap();
        prop_assert_eq!(length, name.as_bytes().len());
        prop_assert_eq!(read, name);
    }
}

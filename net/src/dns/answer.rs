//! Writing answers, and passing on those of other servers.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::name::Name;
use super::query::{
    AUTHORITATIVE, CHECKING_DISABLED, Edns, HEADER_BYTES, INTERNET, Malformed, OPCODE, Query,
    Question, RCODE, RECURSION_AVAILABLE, RECURSION_DESIRED, RESPONSE, ResponseCode, TRUNCATED,
    kind,
};

/// The longest datagram for who says nothing about it (RFC 1035, section 4.2.1).
const PLAIN_UDP_BYTES: usize = 512;
/// The longest datagram that surely is not divided on its way.
const SAFE_UDP_BYTES: u16 = 1232;
/// How long what is known here may be remembered: instances come and go.
const LIFETIME_SECONDS: u32 = 1;
/// Where the question's name stands in an answer.
const QUESTION_POINTER: [u8; 2] = [0xc0, 12];

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// On which port of which host a service is.
    Service {
        /// The port.
        port: u16,
        /// The host.
        host: Name,
    },
    /// The name of an address.
    Pointer(Name),
}

/// How long an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// As long as the one who asks takes datagrams.
    Datagram,
    /// As long as a message can be.
    Stream,
}

impl Carrier {
    fn most_bytes(self, edns: Option<Edns>) -> usize {
        match (self, edns) {
            (Self::Stream, _) => usize::from(u16::MAX),
            (Self::Datagram, None) => PLAIN_UDP_BYTES,
            (Self::Datagram, Some(edns)) => {
                usize::from(edns.udp_payload_bytes).max(PLAIN_UDP_BYTES)
            }
        }
    }
}

/// An answer with these records, or with none. `zone` is where they would be: it says how long it
/// may be remembered that there are none (RFC 2308).
#[must_use]
pub fn answer(
    query: &Query,
    code: ResponseCode,
    records: &[Record],
    zone: Option<&Name>,
    carrier: Carrier,
) -> Vec<u8> {
    let is_local = zone.is_some() || !records.is_empty();
    let write = |records: &[Record], zone: Option<&Name>, flags: u16| {
        let flags = flags | if is_local { AUTHORITATIVE } else { 0 };
        let mut bytes = header(query, code, flags);
        for record in records {
            put_record(&mut bytes, record);
        }
        if let Some(zone) = zone {
            put_authority(&mut bytes, zone);
        }
        put_edns(&mut bytes, query.edns, code);
        let counts = [records.len(), zone.iter().len(), query.edns.iter().len()];
        for (place, count) in bytes[6..HEADER_BYTES].chunks_exact_mut(2).zip(counts) {
            place.copy_from_slice(&u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes());
        }
        bytes
    };
    let whole = write(records, zone.filter(|_| records.is_empty()), 0);
    if whole.len() <= carrier.most_bytes(query.edns) { whole } else { write(&[], None, TRUNCATED) }
}

/// What is told about a message that is no question; `None` where nobody is told anything.
#[must_use]
pub fn complaint(malformed: Malformed) -> Option<Vec<u8>> {
    let Malformed::Answered { id, flags, code } = malformed else { return None };
    let is_extended = code.number() > RCODE;
    let kept = flags & (OPCODE | RECURSION_DESIRED | CHECKING_DISABLED);
    let mut bytes = Vec::with_capacity(HEADER_BYTES + 11);
    for word in [id, kept | RESPONSE | code.number() & RCODE, 0, 0, 0, is_extended.into()] {
        bytes.extend_from_slice(&word.to_be_bytes());
    }
    let edns = Edns { udp_payload_bytes: SAFE_UDP_BYTES, is_dnssec_wanted: false };
    put_edns(&mut bytes, is_extended.then_some(edns), code);
    Some(bytes)
}

/// The question as another server is asked it. Nothing of what a program sent goes on but what was
/// understood.
#[must_use]
pub fn question_for_server(query: &Query, id: u16) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + query.name.as_bytes().len() + 15);
    let flags = if query.is_checking_disabled { CHECKING_DISABLED } else { 0 };
    for word in [id, RECURSION_DESIRED | flags, 1, 0, 0, query.edns.is_some().into()] {
        bytes.extend_from_slice(&word.to_be_bytes());
    }
    put_question(&mut bytes, query);
    put_edns(&mut bytes, query.edns, ResponseCode::NoError);
    bytes
}

/// Whether a message answers the question that was sent under this id.
#[must_use]
pub fn is_answer(message: &[u8], query: &Query, id: u16) -> bool {
    let Some((header, body)) = message.split_first_chunk::<HEADER_BYTES>() else { return false };
    let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    if word(0) != id || word(2) & (RESPONSE | OPCODE) != RESPONSE || word(4) != 1 {
        return false;
    }
    Question::read(body).is_some_and(|(question, _)| {
        question.name == query.name && question.kind == query.kind && question.class == query.class
    })
}

/// Whether a server's answer says that it could not, or would not: another one may be asked.
#[must_use]
pub fn is_failure(message: &[u8]) -> bool {
    const REFUSED: u8 = 5;
    let code = message.get(3).map(|flags| flags & 0xf);
    code == Some(ResponseCode::ServerFailure.number().to_le_bytes()[0]) || code == Some(REFUSED)
}

/// Makes a server's answer the answer to `query`, as long as it may be.
#[must_use]
pub fn pass_on(mut message: Vec<u8>, query: &Query, carrier: Carrier) -> Vec<u8> {
    if message.len() > carrier.most_bytes(query.edns) || message.len() < HEADER_BYTES {
        let mut bytes = header(query, ResponseCode::NoError, TRUNCATED);
        put_edns(&mut bytes, query.edns, ResponseCode::NoError);
        bytes[11] = query.edns.is_some().into();
        return bytes;
    }
    message[..2].copy_from_slice(&query.id.to_be_bytes());
    let flags = u16::from_be_bytes([message[2], message[3]]);
    let desired = if query.is_recursion_desired { RECURSION_DESIRED } else { 0 };
    let flags = flags & !(AUTHORITATIVE | RECURSION_DESIRED) | RECURSION_AVAILABLE | desired;
    message[2..4].copy_from_slice(&flags.to_be_bytes());
    message
}

/// The header with one question, and the question.
fn header(query: &Query, code: ResponseCode, flags: u16) -> Vec<u8> {
    let mut all = flags | RESPONSE | RECURSION_AVAILABLE | code.number() & RCODE;
    if query.is_recursion_desired {
        all |= RECURSION_DESIRED;
    }
    if query.is_checking_disabled {
        all |= CHECKING_DISABLED;
    }
    let mut bytes = Vec::with_capacity(PLAIN_UDP_BYTES);
    for word in [query.id, all, 1, 0, 0, 0] {
        bytes.extend_from_slice(&word.to_be_bytes());
    }
    put_question(&mut bytes, query);
    bytes
}

fn put_question(bytes: &mut Vec<u8>, query: &Query) {
    bytes.extend_from_slice(query.name.as_bytes());
    bytes.extend_from_slice(&query.kind.to_be_bytes());
    bytes.extend_from_slice(&query.class.to_be_bytes());
}

fn put_record(bytes: &mut Vec<u8>, record: &Record) {
    let (kind, data) = match record {
        Record::A(address) => (kind::A, address.octets().to_vec()),
        Record::Aaaa(address) => (kind::AAAA, address.octets().to_vec()),
        Record::Pointer(name) => (kind::PTR, name.as_bytes().to_vec()),
        Record::Service { port, host } => {
            // Priority and weight: there is one of it.
            let mut data = Vec::from([0; 4]);
            data.extend_from_slice(&port.to_be_bytes());
            data.extend_from_slice(host.as_bytes());
            (kind::SRV, data)
        }
    };
    bytes.extend_from_slice(&QUESTION_POINTER);
    put_data(bytes, kind, &data);
}

/// The start of authority of a zone that only this machine knows.
fn put_authority(bytes: &mut Vec<u8>, zone: &Name) {
    let mut data = Vec::new();
    // The server's name and the mailbox of who is responsible: `localhost` and `nobody.invalid`.
    data.extend_from_slice(b"\x09localhost\0\x06nobody\x07invalid\0");
    // Serial number, refresh, retry and expiry matter to secondary servers only; then the lifetime.
    for number in [1, 3600, 1200, 604_800, LIFETIME_SECONDS] {
        data.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(zone.as_bytes());
    put_data(bytes, kind::SOA, &data);
}

fn put_data(bytes: &mut Vec<u8>, kind: u16, data: &[u8]) {
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&INTERNET.to_be_bytes());
    bytes.extend_from_slice(&LIFETIME_SECONDS.to_be_bytes());
    bytes.extend_from_slice(&u16::try_from(data.len()).unwrap_or(0).to_be_bytes());
    bytes.extend_from_slice(data);
}

/// The OPT record, for who has sent one.
fn put_edns(bytes: &mut Vec<u8>, edns: Option<Edns>, code: ResponseCode) {
    let Some(edns) = edns else { return };
    bytes.push(0);
    bytes.extend_from_slice(&kind::OPT.to_be_bytes());
    bytes.extend_from_slice(&SAFE_UDP_BYTES.to_be_bytes());
    let upper = (code.number() >> 4).to_le_bytes()[0];
    let dnssec = if edns.is_dnssec_wanted { 0x80 } else { 0 };
    bytes.extend_from_slice(&[upper, 0, dnssec, 0, 0, 0]);
}

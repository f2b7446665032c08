//! A question as a program sends it (RFC 1035, section 4.1; RFC 6891).

use super::name::Name;

/// Bytes of a message's header.
pub(super) const HEADER_BYTES: usize = 12;

/// Flags in the header's second word.
pub(super) const RESPONSE: u16 = 0x8000;
pub(super) const OPCODE: u16 = 0x7800;
pub(super) const AUTHORITATIVE: u16 = 0x0400;
pub(super) const TRUNCATED: u16 = 0x0200;
pub(super) const RECURSION_DESIRED: u16 = 0x0100;
pub(super) const RECURSION_AVAILABLE: u16 = 0x0080;
pub(super) const CHECKING_DISABLED: u16 = 0x0010;
pub(super) const RCODE: u16 = 0x000f;

/// Types of records.
pub(super) mod kind {
    pub(in crate::dns) const A: u16 = 1;
    pub(in crate::dns) const SOA: u16 = 6;
    pub(in crate::dns) const PTR: u16 = 12;
    pub(in crate::dns) const AAAA: u16 = 28;
    pub(in crate::dns) const SRV: u16 = 33;
    pub(in crate::dns) const OPT: u16 = 41;
    pub(in crate::dns) const ANY: u16 = 255;
}

/// The Internet's class.
pub(super) const INTERNET: u16 = 1;

/// How a question was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseCode {
    /// It was.
    NoError,
    /// It could not be understood.
    FormatError,
    /// Nobody could be asked, or nobody answered.
    ServerFailure,
    /// There is no such name.
    NoSuchName,
    /// It is no question.
    NotImplemented,
    /// EDNS of a version that is not known.
    BadVersion,
}

impl ResponseCode {
    /// Its number; the upper bits stand in the OPT record.
    pub(super) const fn number(self) -> u16 {
        match self {
            Self::NoError => 0,
            Self::FormatError => 1,
            Self::ServerFailure => 2,
            Self::NoSuchName => 3,
            Self::NotImplemented => 4,
            Self::BadVersion => 16,
        }
    }
}

/// What EDNS says about the one who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edns {
    /// The longest datagram that it takes.
    pub udp_payload_bytes: u16,
    /// It wants the records of DNSSEC.
    pub is_dnssec_wanted: bool,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// By which its answer is recognised.
    pub id: u16,
    /// Whether others are to be asked.
    pub is_recursion_desired: bool,
    /// Whether signatures are checked by the one who asks.
    pub is_checking_disabled: bool,
    /// About which name.
    pub name: Name,
    /// Records of which type.
    pub kind: u16,
    /// Of which class.
    pub class: u16,
    /// Its EDNS.
    pub edns: Option<Edns>,
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It is not even a question: nobody is answered, or two machines might go on for ever.
    NoQuery,
    /// Who asked is told.
    Answered {
        /// Its id.
        id: u16,
        /// Its flags.
        flags: u16,
        /// What to tell.
        code: ResponseCode,
    },
}

impl Query {
    /// Reads a message.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let (header, body) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(Malformed::NoQuery)?;
        let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let (id, flags) = (word(0), word(2));
        if flags & RESPONSE != 0 {
            return Err(Malformed::NoQuery);
        }
        let answered = |code| Malformed::Answered { id, flags, code };
        if flags & OPCODE != 0 {
            return Err(answered(ResponseCode::NotImplemented));
        }
        let has_one_question =
            flags & TRUNCATED == 0 && word(4) == 1 && word(6) == 0 && word(8) == 0;
        let (question, rest) = has_one_question
            .then(|| Question::read(body))
            .flatten()
            .ok_or(answered(ResponseCode::FormatError))?;
        let edns = read_edns(rest, word(10)).map_err(answered)?;
        Ok(Self {
            id,
            is_recursion_desired: flags & RECURSION_DESIRED != 0,
            is_checking_disabled: flags & CHECKING_DISABLED != 0,
            name: question.name,
            kind: question.kind,
            class: question.class,
            edns,
        })
    }
}

/// A question's section.
pub(super) struct Question {
    pub(super) name: Name,
    pub(super) kind: u16,
    pub(super) class: u16,
}

impl Question {
    /// Reads it from the start of `bytes`, and says what comes after.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (name, length) = Name::read(bytes)?;
        let (fields, rest) = bytes.get(length..)?.split_first_chunk::<4>()?;
        let kind = u16::from_be_bytes([fields[0], fields[1]]);
        let class = u16::from_be_bytes([fields[2], fields[3]]);
        Some((Self { name, kind, class }, rest))
    }
}

/// Finds the OPT record among the additional ones.
fn read_edns(mut bytes: &[u8], count: u16) -> Result<Option<Edns>, ResponseCode> {
    let mut edns = None;
    for _ in 0..count {
        let (name, length) = Name::read(bytes).ok_or(ResponseCode::FormatError)?;
        let fields = bytes.get(length..).and_then(|rest| rest.split_first_chunk::<10>());
        let (fields, rest) = fields.ok_or(ResponseCode::FormatError)?;
        let word = |at: usize| u16::from_be_bytes([fields[at], fields[at + 1]]);
        bytes = rest.get(usize::from(word(8))..).ok_or(ResponseCode::FormatError)?;
        if word(0) != kind::OPT {
            continue;
        }
        if edns.is_some() || name.as_bytes() != [0] {
            return Err(ResponseCode::FormatError);
        }
        // The place of a lifetime has the upper bits of the code, the version, and flags.
        if fields[5] != 0 {
            return Err(ResponseCode::BadVersion);
        }
        let is_dnssec_wanted = fields[6] & 0x80 != 0;
        edns = Some(Edns { udp_payload_bytes: word(2), is_dnssec_wanted });
    }
    Ok(edns)
}

//! One request head: parsed, checked, and written anew for the server.

use alloc::vec::Vec;

use super::config::{GateConfig, Policy};
use super::refusal::RefusalKind;
use super::target::{Target, is_host};

/// Header fields of one request at the most.
const MAX_HEADERS: usize = 64;

/// Where a head's fields are parsed into.
pub(super) type HeaderSlots<'a> = [httparse::Header<'a>; MAX_HEADERS];

/// Empty slots.
pub(super) fn header_slots<'a>() -> HeaderSlots<'a> {
    [httparse::EMPTY_HEADER; MAX_HEADERS]
}
/// The methods the server knows. CONNECT and TRACE it does not: it is no proxy.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// How long the body is (RFC 9112, section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// This many bytes; 0 without a body.
    Length(u64),
    /// Chunks, up to this many bytes in total.
    Chunked { limit: u64 },
}

/// What the gate has to know of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) framing: Framing,
    pub(super) is_head_method: bool,
    pub(super) expects_continue: bool,
    /// The connection may go on with the next request.
    pub(super) is_persistent: bool,
    /// The client offers to speak another protocol.
    pub(super) wants_upgrade: bool,
}

/// A checked head, which can be written for the server.
pub(super) struct Head<'h, 'a> {
    pub(super) request: Request,
    method: &'a str,
    target: Target<'a>,
    is_http_1_1: bool,
    headers: &'h [httparse::Header<'a>],
}

/// What the header fields say about the message and the connection.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a [u8]>,
    content_length: Option<&'a [u8]>,
    has_authorization: bool,
    has_content_type: bool,
    transfer_codings: Codings,
    expects_continue: bool,
    close: bool,
    upgrade_option: bool,
    has_upgrade: bool,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Codings {
    #[default]
    None,
    Chunked,
    Unknown,
    Malformed,
}

impl<'h, 'a> Head<'h, 'a> {
    /// Parses a head that is complete, from the request line to the empty line.
    pub(super) fn parse(
        bytes: &'a [u8],
        slots: &'h mut HeaderSlots<'a>,
        config: &GateConfig,
        policy: &impl Policy,
    ) -> Result<Self, RefusalKind> {
        check_request_line(bytes)?;
        let mut parsed = httparse::Request::new(slots);
        match parsed.parse(bytes) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err(RefusalKind::RequestLine),
            Err(error) => return Err(refusal_for(error)),
        }
        let (Some(method), Some(path), Some(version)) =
            (parsed.method, parsed.path, parsed.version)
        else {
            return Err(RefusalKind::RequestLine);
        };
        let headers: &'h [_] = parsed.headers;
        let is_http_1_1 = version == 1;
        if !METHODS.contains(&method) {
            return Err(RefusalKind::Method);
        }
        let target = Target::parse(method, path)?;
        let mut fields = Fields::default();
        for header in headers {
            fields.take(header)?;
        }
        fields.check_host(is_http_1_1)?;
        let limit = policy.max_body_bytes(method, target.path);
        let framing = fields.framing(is_http_1_1, limit, config)?;
        let request = Request {
            framing,
            is_head_method: method == "HEAD",
            expects_continue: fields.expects_continue && is_http_1_1,
            is_persistent: is_http_1_1 && !fields.close,
            wants_upgrade: is_http_1_1 && fields.upgrade_option && fields.has_upgrade,
        };
        Ok(Self { request, method, target, is_http_1_1, headers })
    }

    /// Writes the head as the server gets it: origin form, one Host, the connection option in its
    /// plain form, and nothing that is between the client and this gate alone. [`end_head`] has to
    /// follow.
    pub(super) fn write(&self, out: &mut Vec<u8>, is_last: bool) {
        let mut put = |part: &[u8]| out.extend_from_slice(part);
        put(self.method.as_bytes());
        put(b" ");
        put(self.target.path.as_bytes());
        if let Some(query) = self.target.query {
            put(b"?");
            put(query.as_bytes());
        }
        put(if self.is_http_1_1 { b" HTTP/1.1\r\n" } else { b" HTTP/1.0\r\n" });
        if let Some(authority) = self.target.authority {
            put(b"host: ");
            put(authority.as_bytes());
            put(b"\r\n");
        }
        for header in self.headers {
            let is_ours = is_between_client_and_gate(header.name)
                || (header.name.eq_ignore_ascii_case("host") && self.target.authority.is_some())
                || (header.name.eq_ignore_ascii_case("upgrade") && !self.request.wants_upgrade);
            if !is_ours {
                put(header.name.as_bytes());
                put(b": ");
                put(header.value);
                put(b"\r\n");
            }
        }
        if self.request.wants_upgrade {
            put(b"connection: upgrade\r\n");
        } else if is_last || !self.request.is_persistent {
            put(b"connection: close\r\n");
        }
    }
}

/// Ends a head with the length of its body.
pub(super) fn end_head(out: &mut Vec<u8>, body_len: u64) {
    if body_len > 0 {
        out.extend_from_slice(alloc::format!("content-length: {body_len}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

fn is_between_client_and_gate(name: &str) -> bool {
    const NAMES: [&str; 7] = [
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
    ];
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Tells a version that isn't supported from a line that is malformed.
fn check_request_line(bytes: &[u8]) -> Result<(), RefusalKind> {
    let end = bytes.iter().position(|&byte| byte == b'\r').unwrap_or(bytes.len());
    let mut words = bytes.get(..end).unwrap_or_default().split(|&byte| byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(RefusalKind::RequestLine);
    };
    if method.is_empty() || target.is_empty() {
        return Err(RefusalKind::RequestLine);
    }
    match version {
        b"HTTP/1.1" | b"HTTP/1.0" => Ok(()),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(RefusalKind::Version)
        }
        _ => Err(RefusalKind::RequestLine),
    }
}

fn refusal_for(error: httparse::Error) -> RefusalKind {
    match error {
        httparse::Error::HeaderName => RefusalKind::HeaderName,
        httparse::Error::HeaderValue => RefusalKind::HeaderValue,
        httparse::Error::NewLine => RefusalKind::LineEnd,
        httparse::Error::TooManyHeaders => RefusalKind::HeadTooLarge,
        httparse::Error::Version => RefusalKind::Version,
        httparse::Error::Status | httparse::Error::Token => RefusalKind::RequestLine,
    }
}

impl<'a> Fields<'a> {
    fn take(&mut self, header: &httparse::Header<'a>) -> Result<(), RefusalKind> {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        let value = header.value;
        if is("host") {
            if self.host.replace(value).is_some() {
                return Err(RefusalKind::HostDuplicate);
            }
        } else if is("content-length") {
            if self.content_length.replace(value).is_some() {
                return Err(RefusalKind::ContentLengthDuplicate);
            }
        } else if is("transfer-encoding") {
            self.take_codings(value);
        } else if is("connection") {
            for option in list(value) {
                self.close |= option.eq_ignore_ascii_case(b"close");
                self.upgrade_option |= option.eq_ignore_ascii_case(b"upgrade");
            }
        } else if is("upgrade") {
            self.has_upgrade = true;
        } else if is("expect") {
            if !value.eq_ignore_ascii_case(b"100-continue") {
                return Err(RefusalKind::Expectation);
            }
            self.expects_continue = true;
        } else if (is("authorization") && core::mem::replace(&mut self.has_authorization, true))
            || (is("content-type") && core::mem::replace(&mut self.has_content_type, true))
        {
            // Two readers could choose different ones.
            return Err(RefusalKind::DuplicateHeader);
        }
        Ok(())
    }

    fn take_codings(&mut self, value: &[u8]) {
        let mut is_empty = true;
        for coding in list(value) {
            is_empty = false;
            self.transfer_codings = match self.transfer_codings {
                Codings::None if coding.eq_ignore_ascii_case(b"chunked") => Codings::Chunked,
                Codings::Malformed => Codings::Malformed,
                // Chunked comes last.
                Codings::Chunked => Codings::Malformed,
                Codings::None | Codings::Unknown => Codings::Unknown,
            };
        }
        if is_empty {
            self.transfer_codings = Codings::Malformed;
        }
    }

    fn check_host(&self, is_required: bool) -> Result<(), RefusalKind> {
        match self.host {
            None if is_required => Err(RefusalKind::HostMissing),
            None => Ok(()),
            Some(host) => match core::str::from_utf8(host) {
                Ok(host) if is_host(host) => Ok(()),
                _ => Err(RefusalKind::HostInvalid),
            },
        }
    }

    fn framing(
        &self,
        is_http_1_1: bool,
        limit: u64,
        config: &GateConfig,
    ) -> Result<Framing, RefusalKind> {
        match (self.transfer_codings, self.content_length) {
            (Codings::None, None) => Ok(Framing::Length(0)),
            (Codings::None, Some(length)) => {
                let length = content_length(length)?;
                if length > limit {
                    Err(RefusalKind::BodyTooLarge)
                } else {
                    Ok(Framing::Length(length))
                }
            }
            (_, Some(_)) => Err(RefusalKind::LengthAndCoding),
            _ if !is_http_1_1 => Err(RefusalKind::CodingVersion),
            (Codings::Malformed, None) => Err(RefusalKind::CodingOrder),
            (Codings::Unknown, None) => Err(RefusalKind::Coding),
            (Codings::Chunked, None) => {
                Ok(Framing::Chunked { limit: limit.min(config.max_chunked_body_bytes as u64) })
            }
        }
    }
}

/// The members of a comma-separated list, without the empty ones (RFC 9110, section 5.6.1).
fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|member| !member.is_empty())
}

/// Digits and nothing else; a number that does not fit is a body that is too large.
fn content_length(value: &[u8]) -> Result<u64, RefusalKind> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(RefusalKind::ContentLength);
    }
    value
        .iter()
        .try_fold(0u64, |length, digit| {
            length.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        })
        .ok_or(RefusalKind::BodyTooLarge)
}

//! Request targets and hosts: the forms of RFC 9112, section 3.2, and RFC 3986.

use super::refusal::RefusalKind;

/// A checked request target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    /// The host that the absolute form names; it takes the place of the Host field.
    pub(super) authority: Option<&'a str>,
    /// Starts with `/`, or is `*`.
    pub(super) path: &'a str,
    /// After the question mark.
    pub(super) query: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub(super) fn parse(method: &str, target: &'a str) -> Result<Self, RefusalKind> {
        let (authority, rest) = match strip_scheme(target) {
            None => (None, target),
            Some(rest) => {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                let (authority, rest) = rest.split_at(end);
                if !is_host(authority) {
                    return Err(RefusalKind::Target);
                }
                (Some(authority), rest)
            }
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let path = match path {
            "" if authority.is_some() => "/",
            "*" if authority.is_none() && query.is_none() && method == "OPTIONS" => "*",
            path if path.starts_with('/') => path,
            _ => return Err(RefusalKind::Target),
        };
        check_path(path)?;
        query.map_or(Ok(()), check_query)?;
        Ok(Self { authority, path, query })
    }
}

/// The path in the first line of a head that may be malformed, if the path is not: it has no character
/// then that JSON would have to write in another way. None that is too long to be worth repeating.
pub(super) fn path_of(head: &[u8]) -> Option<&str> {
    const MOST_BYTES: usize = 1024;
    let head = head.trim_ascii_start();
    let line = head.get(..head.iter().position(|byte| *byte == b'\n')?)?;
    let mut words = core::str::from_utf8(line.trim_ascii_end()).ok()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let path = Target::parse(method, target).ok()?.path;
    (path.len() <= MOST_BYTES).then_some(path)
}

fn strip_scheme(target: &str) -> Option<&str> {
    ["http://", "https://"].into_iter().find_map(|scheme| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}

/// The characters that RFC 3986 allows, and those that browsers send all the same.
fn check_path(path: &str) -> Result<(), RefusalKind> {
    let mut check = Utf8Check::default();
    for byte in PercentDecoded::new(path) {
        let (byte, was_encoded) = byte?;
        match byte {
            0..=0x1f | 0x7f => return Err(RefusalKind::PercentEncoding),
            b' ' | b'"' | b'#' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'}' | 0x80..
                if !was_encoded =>
            {
                return Err(RefusalKind::Target);
            }
            _ => check.push(byte)?,
        }
    }
    check.finish()
}

fn check_query(query: &str) -> Result<(), RefusalKind> {
    for byte in PercentDecoded::new(query) {
        match byte? {
            (0, _) => return Err(RefusalKind::PercentEncoding),
            (0..=b' ' | b'"' | b'#' | b'<' | b'>' | 0x7f.., false) => {
                return Err(RefusalKind::Target);
            }
            _ => {}
        }
    }
    Ok(())
}

/// The bytes of a target, and whether each was percent-encoded.
struct PercentDecoded<'a>(core::slice::Iter<'a, u8>);

impl<'a> PercentDecoded<'a> {
    fn new(text: &'a str) -> Self {
        Self(text.as_bytes().iter())
    }
}

impl Iterator for PercentDecoded<'_> {
    type Item = Result<(u8, bool), RefusalKind>;

    fn next(&mut self) -> Option<Self::Item> {
        let &byte = self.0.next()?;
        if byte != b'%' {
            return Some(Ok((byte, false)));
        }
        let mut digit = || char::from(*self.0.next()?).to_digit(16);
        let value = digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        Some(value.map(|value| (value, true)).ok_or(RefusalKind::PercentEncoding))
    }
}

/// Checks UTF-8 one byte at a time, so that a decoded path needs no buffer.
#[derive(Default)]
struct Utf8Check {
    pending: [u8; 4],
    len: usize,
}

impl Utf8Check {
    fn push(&mut self, byte: u8) -> Result<(), RefusalKind> {
        if self.len == 0 && byte.is_ascii() {
            return Ok(());
        }
        let slot = self.pending.get_mut(self.len).ok_or(RefusalKind::PercentEncoding)?;
        *slot = byte;
        self.len += 1;
        let bytes = self.pending.get(..self.len).unwrap_or_default();
        match core::str::from_utf8(bytes) {
            Ok(_) => self.len = 0,
            // The character is not complete yet.
            Err(error) if error.error_len().is_none() => {}
            Err(_) => return Err(RefusalKind::PercentEncoding),
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), RefusalKind> {
        if self.len == 0 { Ok(()) } else { Err(RefusalKind::PercentEncoding) }
    }
}

/// `uri-host [ ":" port ]` with a host that isn't empty (RFC 9110, section 7.2).
pub(super) fn is_host(value: &str) -> bool {
    let (host, port) = match value.strip_prefix('[') {
        Some(rest) => {
            let Some((address, port)) = rest.split_once(']') else { return false };
            if address.parse::<core::net::Ipv6Addr>().is_err() {
                return false;
            }
            match port.strip_prefix(':') {
                Some(port) => ("v6", Some(port)),
                None if port.is_empty() => ("v6", None),
                None => return false,
            }
        }
        None => match value.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (value, None),
        },
    };
    let is_port = |port: &str| {
        port.is_empty()
            || (port.len() <= 5
                && port.bytes().all(|byte| byte.is_ascii_digit())
                && port.parse::<u16>().is_ok())
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte);
    !host.is_empty()
        && PercentDecoded::new(host)
            .all(|byte| byte.is_ok_and(|(byte, encoded)| (encoded && byte > b' ') || is_name(byte)))
        && port.is_none_or(is_port)
}

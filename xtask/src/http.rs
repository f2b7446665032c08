//! A small HTTP client for the guests' admin servers: requests as bytes, answers as status and body.

use std::io::{BufRead, BufReader, Error, Read, Result, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// A connection to a guest's port.
pub type Connection = BufReader<TcpStream>;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is read at once.
const READ_BYTES: usize = 64 * 1024;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Who asks, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The port of 127.0.0.1 that leads to the guest.
    pub port: u16,
    /// The API's token; empty for a server without any.
    pub token: String,
}

impl Client {
    /// Sends a request on a connection of its own; `body` is JSON or empty.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn send(&self, method: &str, path: &str, body: &str) -> Result<Answer> {
        let mut connection = connect(self.port)?;
        connection.get_mut().write_all(self.request(method, path, body, true).as_bytes())?;
        let head = read_head(&mut connection)?;
        let body = head.body.read(&mut connection)?;
        Ok(Answer { status: head.status, body })
    }

    /// A request's bytes. With `closes` the server is asked to close the connection after it.
    #[must_use]
    pub fn request(&self, method: &str, path: &str, body: &str, closes: bool) -> String {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n");
        if !self.token.is_empty() {
            head += &format!("Authorization: Bearer {}\r\n", self.token);
        }
        if closes {
            head += "Connection: close\r\n";
        }
        if !body.is_empty() {
            let length = body.len();
            head += &format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
        }
        format!("{head}\r\n{body}")
    }
}

/// Connects to a port of 127.0.0.1.
///
/// # Errors
/// When nothing listens.
pub fn connect(port: u16) -> Result<Connection> {
    prepare(TcpStream::connect((Ipv4Addr::LOCALHOST, port))?, PATIENCE)
}

/// As [`connect`], with a limit on how long it may take, and each read after it.
///
/// # Errors
/// When nothing listens, or the limit is over.
pub fn connect_within(port: u16, limit: Duration) -> Result<Connection> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    prepare(TcpStream::connect_timeout(&address, limit)?, limit)
}

fn prepare(stream: TcpStream, limit: Duration) -> Result<Connection> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(limit))?;
    Ok(BufReader::with_capacity(READ_BYTES, stream))
}

/// What stands before an answer's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// How the body is sent.
    pub body: Body,
}

/// How a body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// As that many bytes.
    Length(usize),
    /// In chunks that say their length.
    Chunked,
}

/// Reads an answer up to its body.
///
/// # Errors
/// When the connection ends before, or what comes is no HTTP.
pub fn read_head(connection: &mut impl BufRead) -> Result<Head> {
    let bad = || Error::other("no HTTP answer");
    let mut line = String::new();
    connection.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(bad)?;
    let mut body = Body::Length(0);
    loop {
        line.clear();
        if connection.read_line(&mut line)? == 0 {
            return Err(bad());
        }
        let Some((name, value)) = line.split_once(':') else { break };
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            body = Body::Length(value.parse().map_err(|_| bad())?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            body = Body::Chunked;
        }
    }
    Ok(Head { status, body })
}

impl Body {
    /// Reads it.
    ///
    /// # Errors
    /// When it is cut short.
    pub fn read(self, connection: &mut impl BufRead) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.copy(connection, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads past it; returns its length.
    ///
    /// # Errors
    /// When it is cut short.
    pub fn skip(self, connection: &mut impl BufRead) -> Result<usize> {
        self.copy(connection, &mut std::io::sink())
    }

    fn copy(self, connection: &mut impl BufRead, to: &mut impl Write) -> Result<usize> {
        if let Self::Length(length) = self {
            return copy_part(connection, length, to);
        }
        let mut total = 0;
        let mut line = String::new();
        loop {
            line.clear();
            connection.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim(), 16).map_err(Error::other)?;
            total += copy_part(connection, length, to)?;
            line.clear();
            connection.read_line(&mut line)?; // the empty line behind each chunk and at the end
            if length == 0 {
                return Ok(total);
            }
        }
    }
}

fn copy_part(from: &mut impl BufRead, length: usize, to: &mut impl Write) -> Result<usize> {
    let copied = std::io::copy(&mut from.take(length as u64), to)?;
    if copied != length as u64 {
        return Err(Error::other("the body is cut short"));
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_of_both_kinds_are_read_to_their_end() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 404 No\r\n\
                     Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nrest";
        let mut input = BufReader::new(&text[..]);
        let head = read_head(&mut input).unwrap();
        assert_eq!(head, Head { status: 200, body: Body::Length(5) });
        assert_eq!(head.body.skip(&mut input).unwrap(), 5);
        let head = read_head(&mut input).unwrap();
        assert_eq!(head, Head { status: 404, body: Body::Chunked });
        assert_eq!(head.body.read(&mut input).unwrap(), b"abcde");
        let mut rest = String::new();
        input.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "rest");
        assert!(Body::Length(3).skip(&mut &b"ab"[..]).is_err());
    }

    #[test]
    fn a_request_says_what_it_has_to() {
        let client = Client { port: 1, token: "t".to_owned() };
        let text = client.request("POST", "/a", "{}", true);
        assert!(text.starts_with("POST /a HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer t"));
        assert!(text.contains("Connection: close\r\n") && text.ends_with("Length: 2\r\n\r\n{}"));
        let anonymous = Client { port: 1, token: String::new() };
        assert!(!anonymous.request("GET", "/a", "", false).contains("Authorization"));
    }
}

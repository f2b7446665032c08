//! Connections that send bytes as they are, for clients that HTTP does not allow.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A connection to a guest's port.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
}

/// What became of a connection that was listened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// What the server sent.
    pub bytes: Vec<u8>,
    /// Whether it closed the connection, rather than the time being over.
    pub is_closed: bool,
}

impl Heard {
    /// The status of the first answer; `None` when there is none.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        let line = self.bytes.split(|byte| *byte == b'\r').next()?;
        let line = std::str::from_utf8(line).ok()?;
        line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
    }

    /// All statuses, in order, of answers that follow each other.
    #[must_use]
    pub fn statuses(&self) -> Vec<u16> {
        let text = String::from_utf8_lossy(&self.bytes);
        let starts = text.match_indices("HTTP/1.1 ");
        starts.filter_map(|(at, start)| text[at + start.len()..].get(..3)?.parse().ok()).collect()
    }
}

impl Connection {
    /// Connects.
    ///
    /// # Panics
    /// When nothing listens.
    #[must_use]
    pub fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the port is forwarded");
        stream.set_nodelay(true).expect("a TCP option");
        Self { stream }
    }

    /// Sends bytes. An error only means that the server has closed, which `listen` will tell.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Closes our direction.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// Reads until the server closes or `limit` is over.
    ///
    /// # Panics
    /// When the connection can't be read for another reason than being reset.
    #[must_use]
    pub fn listen(&mut self, limit: Duration) -> Heard {
        self.listen_until(limit, |_| false)
    }

    /// Reads until `is_enough`, the server closes, or `limit` is over.
    ///
    /// # Panics
    /// When the connection can't be read for another reason than being reset.
    #[must_use]
    pub fn listen_until(&mut self, limit: Duration, is_enough: impl Fn(&[u8]) -> bool) -> Heard {
        let deadline = Instant::now() + limit;
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || is_enough(&bytes) {
                return Heard { bytes, is_closed: false };
            }
            self.stream.set_read_timeout(Some(left)).expect("a TCP option");
            match self.stream.read(&mut buffer) {
                Ok(0) => return Heard { bytes, is_closed: true },
                Ok(count) => bytes.extend_from_slice(&buffer[..count]),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                    ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                        return Heard { bytes, is_closed: true };
                    }
                    other => panic!("{other}: {error}"),
                },
            }
        }
    }
}

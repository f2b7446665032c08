//! Waiting for a booting guest's first answer without adding to what is measured.
//!
//! QEMU accepts connections for the guest before the guest has a network, and repeats what such a
//! connection sends only every half second or more. So a new one is opened every few milliseconds, and
//! whichever is answered first counts.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
/// Time between two attempts.
const STEP: Duration = Duration::from_millis(10);
/// Attempts that are listened to at once; older ones are given up.
const ATTEMPTS: usize = 32;
/// A boot that takes longer has failed.
const LIMIT: Duration = Duration::from_secs(30);

/// Waits for the first 200 of `/healthz`; returns the time since `started`.
pub(super) fn until_healthy(port: u16, started: Instant) -> Option<Duration> {
    let mut attempts: Vec<(TcpStream, Vec<u8>)> = Vec::new();
    while started.elapsed() < LIMIT {
        if attempts.len() == ATTEMPTS {
            attempts.remove(0);
        }
        attempts.extend(attempt(port));
        let next = Instant::now() + STEP;
        while Instant::now() < next {
            attempts.retain_mut(|(stream, heard)| listen(stream, heard));
            if attempts.iter().any(|(_, heard)| heard.starts_with(b"HTTP/1.1 200")) {
                return Some(started.elapsed());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    None
}

fn attempt(port: u16) -> Option<(TcpStream, Vec<u8>)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(REQUEST).ok()?;
    stream.set_nonblocking(true).ok()?;
    Some((stream, Vec::new()))
}

/// Takes in what has come; false when the connection is over without an answer.
fn listen(stream: &mut TcpStream, heard: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 512];
    match stream.read(&mut buffer) {
        Ok(0) => !heard.is_empty(),
        Ok(count) => {
            heard.extend_from_slice(&buffer[..count]);
            true
        }
        Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
    }
}

//! From QEMU's start to the first answer, without the waiting adding to what is measured.
//!
//! QEMU accepts connections for the guest before the guest has a network, and repeats what such a
//! connection sends only every half second or more. So a new one is opened every few milliseconds, and
//! whichever is answered first counts.

use super::guest::Plan;
use super::table::{Table, Unit};
use super::{Bench, System};
use crate::accel;
use crate::failure::{Failure, Result};
use crate::qemu::Accelerator;
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

/// The section itself.
pub(super) fn run(bench: &Bench<'_>, table: &mut Table) -> Result<()> {
    for round in 0..bench.rounds(5) {
        let probe = accel::probe(bench.places, Accelerator::Tcg, LIMIT);
        let probe = probe.ok_or_else(|| Failure::new("the empty guest does not run"))?;
        let empty = table.line("start.empty", "QEMU with a guest that ends at once", Unit::Ms);
        empty.add(System::MultiOs, ms(probe));
        if bench.linux.is_some() {
            empty.add(System::Linux, ms(probe)); // the same guest: what neither can be below
        }
        for cpus in [1, 2, 4] {
            for system in bench.systems() {
                let plan = Plan::new(bench, system, "bench.web")?.sized(cpus, 256);
                let guest = plan.boot(bench)?;
                let what = format!("QEMU's start to the first 200 of /healthz, {cpus} CPUs");
                let line = table.line(&format!("start.{cpus}"), &what, Unit::Ms);
                line.add(system, ms(guest.boot_time));
                eprintln!("  round {round}: {cpus} CPUs, {system:?}: {:?}", guest.boot_time);
            }
        }
    }
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Waits for the first 200 of `/healthz`; returns the time since `started`, or `None` when it does not
/// come or the guest `is_over`.
pub(super) fn until_healthy(
    port: u16,
    started: Instant,
    mut is_over: impl FnMut() -> bool,
) -> Option<Duration> {
    let mut attempts: Vec<(TcpStream, Vec<u8>)> = Vec::new();
    while started.elapsed() < LIMIT && !is_over() {
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

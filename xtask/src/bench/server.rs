//! The measured program as a server in both guests: HTTP with answers of 2 KB and 100 KB, and one
//! connection's throughput in both directions.

use super::guest::{Guest, PROGRAM_PORT, Plan};
use super::table::{Table, Unit};
use super::{Bench, System, web};
use crate::failure::Result;
use crate::http::{Client, connect};
use serde_json::json;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// The section of HTTP.
pub(super) fn http(bench: &Bench<'_>, table: &mut Table) -> Result<()> {
    for _ in 0..bench.rounds(3) {
        for system in bench.systems() {
            for (key, bytes) in [("server.2k", 2048), ("server.100k", 102_400)] {
                let words = ["serve".to_owned(), PROGRAM_PORT.to_string(), bytes.to_string()];
                let mut guest = start(bench, system, &words)?;
                let port = guest.program_port;
                if guest.await_health(port).is_err() {
                    lacks(table, key, system, &guest);
                    continue;
                }
                let client = Client { port, token: String::new() };
                web::loads(bench, table, system, &client, (key, "/"))?;
            }
        }
    }
    Ok(())
}

/// The section of throughput.
pub(super) fn tcp(bench: &Bench<'_>, table: &mut Table) -> Result<()> {
    let time = Duration::from_secs(if bench.is_quick { 2 } else { 5 });
    for _ in 0..bench.rounds(3) {
        for system in bench.systems() {
            let guest = start(bench, system, &["stream".to_owned(), PROGRAM_PORT.to_string()])?;
            for (key, what, direction) in [
                ("tcp.out", "one TCP connection, out of the guest", Direction::Out),
                ("tcp.in", "one TCP connection, into the guest", Direction::In),
            ] {
                let line = table.line(key, what, Unit::MibPerSecond);
                match throughput(guest.program_port, direction, time) {
                    Some(bytes_per_s) => line.add(system, bytes_per_s / 1_048_576.0),
                    None => lacks(table, key, system, &guest),
                }
            }
        }
    }
    Ok(())
}

/// Boots a guest with the measured program in the background.
fn start(bench: &Bench<'_>, system: System, words: &[String]) -> Result<Guest> {
    let options = format!("bench.web bench.start={}", words.join(":"));
    let guest = Plan::new(bench, system, &options)?.boot(bench)?;
    if system == System::MultiOs {
        let body = json!({"program": "/test/bench", "args": words, "name": "server"});
        guest.ask("POST", "/api/v1/processes", &body.to_string())?;
    }
    Ok(guest)
}

fn lacks(table: &mut Table, key: &str, system: System, guest: &Guest) {
    let processes = match system {
        System::MultiOs => guest.ask("GET", "/api/v1/processes?name=server", "").ok(),
        System::Linux => None,
    };
    let pid = processes.as_ref().and_then(|list| list["items"][0]["pid"].as_u64());
    let output =
        pid.and_then(|pid| guest.ask("GET", &format!("/api/v1/processes/{pid}/output"), "").ok());
    let text = output.as_ref().and_then(|output| output["text"].as_str());
    let why = text.map(str::trim).filter(|text| !text.is_empty());
    let what = format!("the measured program as a server ({key})");
    table.line(key, &what, Unit::PerSecond).lacks(system, why.unwrap_or("it does not answer"));
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    In,
    Out,
}

/// Bytes per second over one connection; `None` when nothing answers.
fn throughput(port: u16, direction: Direction, time: Duration) -> Option<f64> {
    let mut connection = first_bytes(port, direction)?;
    let mut buffer = vec![0; 65536];
    let (started, mut bytes) = (Instant::now(), 0.0);
    while started.elapsed() < time {
        let count = match direction {
            Direction::Out => connection.read(&mut buffer),
            Direction::In => connection.get_mut().write(&buffer),
        };
        bytes += count.ok().filter(|count| *count > 0)? as f64;
    }
    Some(bytes / started.elapsed().as_secs_f64())
}

/// A connection that the program has taken: QEMU alone takes one at any time.
fn first_bytes(port: u16, direction: Direction) -> Option<crate::http::Connection> {
    for _ in 0..10 {
        let attempt = || -> std::io::Result<_> {
            let mut connection = connect(port)?;
            let wish: &[u8] = if direction == Direction::Out { b"s" } else { b"t" };
            connection.get_mut().write_all(wish)?;
            if direction == Direction::Out {
                connection.get_mut().set_read_timeout(Some(Duration::from_secs(2)))?;
                connection.read_exact(&mut [0; 1])?;
            } else {
                // More than QEMU and the host keep of what nobody reads.
                connection.get_mut().set_write_timeout(Some(Duration::from_secs(2)))?;
                connection.get_mut().write_all(&vec![0; 16 << 20])?;
            }
            Ok(connection)
        };
        match attempt() {
            Ok(connection) => return Some(connection),
            Err(_) => std::thread::sleep(Duration::from_millis(500)),
        }
    }
    None
}

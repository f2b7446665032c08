//! HTTP: the API and what it serves against nginx with the same bytes under the same paths.

use super::guest::{Guest, Plan};
use super::load::{Connections, Load, Report};
use super::table::{Table, Unit};
use super::{Bench, System};
use crate::failure::{Failure, Result};
use crate::http::Client;
use std::time::Duration;

/// Makes an answer of about 2 KB: some processes to list, and how many are asked for.
const JSON: &str = "/api/v1/processes?limit=2";
/// The largest document that the API serves as it is.
const FILE: &str = "/api/v1/openapi.json";
/// Sleeping processes that are there to be listed.
const SLEEPERS: usize = 20;
/// Connections at once.
const CONNECTIONS: [usize; 3] = [1, 8, 64];

/// The bytes that nginx has to serve: MultiOS's own answers.
pub(super) fn served(bench: &Bench<'_>) -> Result<Vec<(String, Vec<u8>)>> {
    let guest = ready(bench, System::MultiOs)?;
    [JSON, FILE]
        .into_iter()
        .map(|path| {
            let answer = guest.client.send("GET", path, "");
            let answer = answer.map_err(|error| Failure::new(format!("GET {path}: {error}")))?;
            let file = path.split('?').next().unwrap_or(path);
            Ok((file.to_owned(), answer.body))
        })
        .collect()
}

/// A booted guest with something to list.
fn ready(bench: &Bench<'_>, system: System) -> Result<Guest> {
    let guest = Plan::new(bench, system, "bench.web")?.boot(bench)?;
    if system == System::MultiOs {
        for _ in 0..SLEEPERS {
            let body = r#"{"program": "/bin/sleep", "args": ["100000"]}"#;
            guest.ask("POST", "/api/v1/processes", body)?;
        }
    }
    Ok(guest)
}

/// The section itself.
pub(super) fn run(bench: &Bench<'_>, table: &mut Table) -> Result<()> {
    for round in 0..bench.rounds(3) {
        for system in bench.systems() {
            eprintln!("  round {round}: {system:?}");
            let guest = ready(bench, system)?;
            for (key, path) in [("json", JSON), ("file", FILE)] {
                loads(bench, table, system, &guest.client, (key, path))?;
            }
        }
    }
    Ok(())
}

/// All loads of one path on one server.
pub(super) fn loads(
    bench: &Bench<'_>,
    table: &mut Table,
    system: System,
    client: &Client,
    (key, path): (&str, &str),
) -> Result<()> {
    for (kind, connections) in
        [("kept", Connections::KeptAlive), ("fresh", Connections::OneRequestEach)]
    {
        for parallel in CONNECTIONS {
            let time = Duration::from_millis(if bench.is_quick { 1500 } else { 5000 });
            let client = client.clone();
            let report = Load { client, path, parallel, time, connections }.run()?;
            enter(table, system, (key, kind, parallel), &report);
        }
    }
    Ok(())
}

fn enter(
    table: &mut Table,
    system: System,
    (key, kind, parallel): (&str, &str, usize),
    report: &Report,
) {
    let name = match kind {
        "kept" => format!("{parallel} kept connections"),
        _ => format!("one request a connection, {parallel} at once"),
    };
    let kib = report.body_bytes as f64 / 1024.0;
    let key = format!("{key}.{kind}.{parallel}");
    let what = format!("{kib:.1} KiB, {name}");
    table.line(&key, &what, Unit::PerSecond).add(system, report.per_second);
    for (part, value) in [("p50", report.p50_ms), ("p99", report.p99_ms)] {
        let line = table.line(&format!("{key}.{part}"), &format!("  {part}"), Unit::Ms);
        line.add(system, value);
    }
    if report.failed > 0 {
        eprintln!("warning: {} requests of {key} failed on {system:?}", report.failed);
    }
    if report.unfinished > 0 {
        eprintln!("{key} on {system:?}: {} requests had no answer at the end", report.unfinished);
    }
}

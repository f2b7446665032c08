//! A sampling profiler: stops the guest again and again through QEMU's monitor, notes where each CPU
//! is, and says which functions of the kernel that was most often.
//!
//! Under the translator a CPU stops at the end of a block of instructions, so that a sample names the
//! place up to a few instructions; the function is right.

use super::guest::{Guest, Plan};
use super::load::{Connections, Load};
use super::{Bench, System};
use crate::failure::{Failure, Result};
use crate::symbols;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long samples are taken.
const TIME: Duration = Duration::from_secs(15);
/// Pause between two samples.
const STEP: Duration = Duration::from_millis(4);
/// Functions shown.
const SHOWN: usize = 40;

/// Profiles `what`: `idle`, `http` (8 kept connections that list processes), or a word of the measured
/// program, which is run again and again.
pub(super) fn run(bench: &Bench<'_>, what: &str) -> Result<()> {
    let socket = bench.places.out.join("bench.qmp");
    let _ = std::fs::remove_file(&socket);
    let monitor = format!("unix:{},server=on,wait=off", socket.display());
    let plan = Plan::new(bench, System::MultiOs, "")?.sized(2, 512);
    let guest = plan.with(&["-qmp".to_owned(), monitor]).boot(bench)?;
    let deadline = Instant::now() + TIME;
    let addresses = std::thread::scope(|scope| {
        let load = scope.spawn(|| keep_busy(&guest, what, deadline));
        std::thread::sleep(Duration::from_millis(500)); // it has begun
        let addresses = sample(&socket, deadline)?;
        load.join().map_err(|_| Failure::new("the load panicked"))??;
        Ok::<_, Failure>(addresses)
    })?;
    report(bench, &addresses)
}

fn keep_busy(guest: &Guest, what: &str, deadline: Instant) -> Result<()> {
    let time = deadline.saturating_duration_since(Instant::now());
    match what {
        "idle" => std::thread::sleep(time),
        "http" => {
            let (path, parallel) = ("/api/v1/processes?limit=2", 8);
            let (client, connections) = (guest.client.clone(), Connections::KeptAlive);
            let report = Load { client, path, parallel, time, connections }.run()?;
            println!("{:.0} requests a second while it was sampled", report.per_second);
        }
        word => {
            while Instant::now() < deadline {
                let body = json!({"program": "/test/bench", "args": [word]});
                let made = guest.ask("POST", "/api/v1/processes", &body.to_string())?;
                let path = format!("/api/v1/processes/{}", made["pid"]);
                while guest.ask("GET", &path, "")?["exit"].is_null() && Instant::now() < deadline {
                    std::thread::sleep(Duration::from_millis(200));
                }
                let output = guest.ask("GET", &format!("{path}/output"), "")?;
                print!("{}", output["text"].as_str().unwrap_or_default());
            }
        }
    }
    Ok(())
}

/// The monitor's connection (QEMU Machine Protocol).
struct Monitor {
    stream: BufReader<UnixStream>,
}

impl Monitor {
    fn open(socket: &Path) -> Result<Self> {
        let fail = |error| Failure::file("can't connect to", socket, &error);
        let stream = BufReader::new(UnixStream::connect(socket).map_err(fail)?);
        let mut monitor = Self { stream };
        monitor.answer()?; // the greeting
        monitor.ask(&json!({"execute": "qmp_capabilities"}))?;
        Ok(monitor)
    }

    fn ask(&mut self, command: &Value) -> Result<Value> {
        let sent = self.stream.get_mut().write_all(format!("{command}\n").as_bytes());
        sent.map_err(|error| Failure::new(format!("QEMU's monitor: {error}")))?;
        loop {
            let answer = self.answer()?;
            if answer.get("event").is_none() {
                return Ok(answer["return"].clone());
            }
        }
    }

    fn answer(&mut self) -> Result<Value> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line);
        read.map_err(|error| Failure::new(format!("QEMU's monitor: {error}")))?;
        serde_json::from_str(&line)
            .map_err(|error| Failure::new(format!("QEMU's monitor: {error}")))
    }

    /// Where each CPU is.
    fn addresses(&mut self) -> Result<Vec<u64>> {
        self.ask(&json!({"execute": "stop"}))?;
        let registers = json!({"execute": "human-monitor-command",
                               "arguments": {"command-line": "info registers -a"}});
        let text = self.ask(&registers)?;
        self.ask(&json!({"execute": "cont"}))?;
        Ok(instruction_pointers(text.as_str().unwrap_or_default()))
    }
}

/// The values of `RIP=` in what `info registers -a` prints; those of CPUs that are halted are marked by
/// `HLT=1` on the same line and count as 0.
fn instruction_pointers(text: &str) -> Vec<u64> {
    let lines = text.lines().filter(|line| line.starts_with("RIP="));
    lines
        .filter_map(|line| {
            let value = line.strip_prefix("RIP=")?.split(' ').next()?;
            let address = u64::from_str_radix(value, 16).ok()?;
            Some(if line.contains("HLT=1") { 0 } else { address })
        })
        .collect()
}

fn sample(socket: &Path, deadline: Instant) -> Result<Vec<u64>> {
    let mut monitor = Monitor::open(socket)?;
    let mut all = Vec::new();
    while Instant::now() < deadline {
        all.extend(monitor.addresses()?);
        std::thread::sleep(STEP);
    }
    Ok(all)
}

fn report(bench: &Bench<'_>, addresses: &[u64]) -> Result<()> {
    let path = bench.places.debug_kernel();
    let elf = std::fs::read(&path).map_err(|error| Failure::file("can't read", &path, &error))?;
    let names = symbols::Names::of(&elf)?;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for address in addresses {
        let name = match *address {
            0 => "(halted)".to_owned(),
            address if address >> 47 == 0 => "(program)".to_owned(),
            address => names.find(address).map_or_else(|| format!("{address:#x}"), str::to_owned),
        };
        *counts.entry(name).or_default() += 1;
    }
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    println!("{} samples", addresses.len());
    for (name, count) in sorted.iter().take(SHOWN) {
        println!("{:6.2} %  {name}", 100.0 * *count as f64 / addresses.len().max(1) as f64);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halted_cpus_are_told_apart() {
        let text = "CPU#0\r\nRAX=1\r\nRIP=ffffffff80201234 RFL=00000246 [---Z-P-] CPL=0 II=0 A20=1 \
                    SMM=0 HLT=0\r\n\nCPU#1\nRIP=ffffffff80200000 RFL=00000246 [-] CPL=0 HLT=1\n";
        assert_eq!(instruction_pointers(text), [0xffff_ffff_8020_1234, 0]);
    }
}

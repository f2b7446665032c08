//! What the measured program (`tests/programs/bench`) measures inside the guests.

use super::guest::Plan;
use super::table::{Table, Unit};
use super::{Bench, System};
use crate::failure::{Failure, Result};
use serde_json::json;
use std::time::{Duration, Instant};

/// How long one measurement may take.
const LIMIT: Duration = Duration::from_secs(90);
/// Pause between two looks at a program: seldom, since each look costs the guest time.
const STEP: Duration = Duration::from_millis(200);

/// A measurement: the program's word for it, and what it is.
type Measurement = (&'static str, &'static str);

const CALLS: &[Measurement] = &[
    ("null_call", "null system call (getppid)"),
    ("clock_read", "clock_gettime"),
    ("read_byte", "read of one byte of /dev/zero"),
    ("write_byte", "write of one byte to /dev/null"),
    ("yield", "sched_yield"),
    ("pipe_one_cpu", "pipe round trip, two processes, one CPU"),
    ("pipe_two_cpus", "pipe round trip, two processes, two CPUs"),
    ("futex_one_cpu", "futex round trip, two threads, one CPU"),
    ("futex_two_cpus", "futex round trip, two threads, two CPUs"),
    ("signal", "signal to itself, handled"),
    ("fork_wait", "fork, exit, wait"),
    ("exec_wait", "fork, exec, exit, wait"),
    ("thread_join", "thread created and joined"),
    ("page_fault", "page of 256 mapped, touched and unmapped"),
    ("touch_64_mib", "64 MiB mapped, touched and unmapped"),
    ("map_unmap", "mmap and munmap of 64 KiB, untouched"),
];

const SCALING: &[Measurement] = &[
    ("scaling_1", "1000 steps of computing, one thread"),
    ("scaling_2", "the same in each of two threads"),
    ("scaling_4", "the same in each of four threads"),
];

/// The section of system calls, processes, threads and memory: two CPUs, 512 MiB.
pub(super) fn calls(bench: &Bench<'_>, table: &mut Table) -> Result<()> {
    rounds(bench, table, "calls", CALLS, (2, 512))
}

/// The section of computing: four CPUs.
pub(super) fn scaling(bench: &Bench<'_>, table: &mut Table) -> Result<()> {
    rounds(bench, table, "scaling", SCALING, (4, 256))
}

/// The section of many processes: two CPUs, 2 GiB.
pub(super) fn crowd(bench: &Bench<'_>, table: &mut Table) -> Result<()> {
    let sizes: &[u32] = if bench.is_quick { &[1000] } else { &[1000, 10_000, 60_000] };
    for size in sizes {
        let word = format!("crowd_{size}");
        for system in bench.systems() {
            let results = run(bench, system, &[&word], (2, 2048))?;
            for (part, what, unit) in [
                ("create", "made by fork, each", Unit::Us),
                ("memory", "memory of each", Unit::Kib),
                ("list", "found in /proc and read, each", Unit::Us),
                ("kill", "killed and waited for, each", Unit::Us),
            ] {
                let name = format!("{word}_{part}");
                let what = format!("{size} sleeping processes: {what}");
                let line = table.line(&format!("crowd.{name}"), &what, unit);
                match results.iter().find(|said| said.name == name).map(|said| &said.result) {
                    Some(Ok(value)) if unit == Unit::Kib => line.add(system, value / 1024.0),
                    Some(Ok(value)) => line.add(system, value / 1000.0),
                    Some(Err(why)) => line.lacks(system, why),
                    None => {
                        let first = results.first().and_then(|said| said.result.as_ref().err());
                        line.lacks(system, first.map_or("it did not get there", |why| why));
                    }
                }
            }
        }
    }
    Ok(())
}

fn rounds(
    bench: &Bench<'_>,
    table: &mut Table,
    section: &str,
    all: &[Measurement],
    size: (u32, u32),
) -> Result<()> {
    let words: Vec<&str> = all.iter().map(|(word, _)| *word).collect();
    for round in 0..bench.rounds(3) {
        for system in bench.systems() {
            eprintln!("  round {round}: {system:?}");
            let results = run(bench, system, &words, size)?;
            for (word, what) in all {
                let line = table.line(&format!("{section}.{word}"), what, Unit::Ns);
                match results.iter().find(|said| said.name == *word).map(|said| &said.result) {
                    Some(Ok(value)) => line.add(system, *value),
                    Some(Err(why)) => line.lacks(system, why),
                    None => line.lacks(system, "it said nothing"),
                }
            }
        }
    }
    Ok(())
}

/// What the program said of one measurement.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    name: String,
    /// The value, or why there is none.
    pub(super) result: std::result::Result<f64, String>,
}

/// Runs measurements one after the other in a guest of so many CPUs and MiB.
pub(super) fn run(
    bench: &Bench<'_>,
    system: System,
    words: &[&str],
    (cpus, memory_mib): (u32, u32),
) -> Result<Vec<Said>> {
    match system {
        System::MultiOs => {
            let guest = Plan::new(bench, system, "")?.sized(cpus, memory_mib).boot(bench)?;
            let mut all = Vec::new();
            for word in words {
                let mut args = vec![*word];
                if bench.is_quick {
                    args.insert(0, "-q");
                }
                all.extend(one(&guest, word, &args)?);
            }
            Ok(all)
        }
        System::Linux => {
            let quick = if bench.is_quick { "-q:" } else { "" };
            let list: Vec<String> = words.iter().map(|word| format!("{quick}{word}")).collect();
            let options = format!("bench.run={}", list.join(","));
            let plan = Plan::new(bench, system, &options)?.sized(cpus, memory_mib);
            let mut guest = plan.start(bench)?;
            let count = u32::try_from(words.len()).unwrap_or(u32::MAX);
            if !guest.await_end(LIMIT.saturating_mul(count)) {
                eprintln!("the Linux guest does not end");
            }
            Ok(parse(&guest.serial()))
        }
    }
}

/// Runs one measurement through the API.
fn one(guest: &super::guest::Guest, word: &str, args: &[&str]) -> Result<Vec<Said>> {
    let body = json!({"program": "/test/bench", "args": args});
    let made = guest.ask("POST", "/api/v1/processes", &body.to_string())?;
    let pid = made["pid"].as_u64().ok_or_else(|| Failure::new("a process without a pid"))?;
    let path = format!("/api/v1/processes/{pid}");
    let started = Instant::now();
    let lacks = |why: String| vec![Said { name: word.to_owned(), result: Err(why) }];
    let exit = loop {
        let exit = guest.ask("GET", &path, "")?["exit"].clone();
        if !exit.is_null() {
            break exit;
        }
        if started.elapsed() > LIMIT {
            guest.ask("DELETE", &format!("{path}?mode=force"), "")?;
            return Ok(lacks(format!("did not end within {LIMIT:?}")));
        }
        std::thread::sleep(STEP);
    };
    let output = guest.ask("GET", &format!("{path}/output"), "")?;
    let said = parse(output["text"].as_str().unwrap_or_default());
    Ok(if said.is_empty() { lacks(format!("ended with {exit}")) } else { said })
}

/// Reads the lines `NAME VALUE UNIT` and `NAME n/a REASON` among others.
fn parse(text: &str) -> Vec<Said> {
    let mut all = Vec::new();
    for line in text.lines() {
        let mut words = line.trim().splitn(3, ' ');
        let (Some(name), Some(value), Some(rest)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let result = match value.parse() {
            Ok(value) if ["ns", "bytes"].contains(&rest) => Ok(value),
            _ if value == "n/a" => Err(rest.to_owned()),
            _ => continue,
        };
        all.push(Said { name: name.to_owned(), result });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_and_reasons_are_read_among_other_lines() {
        let said = parse("[ 1.0] hello 2 ns\nnull_call 12.5 ns\r\nfork_wait n/a fork: not here\n");
        let expected = [("null_call", Ok(12.5)), ("fork_wait", Err("fork: not here".to_owned()))];
        let expected = expected.map(|(name, result)| Said { name: name.to_owned(), result });
        assert_eq!(said, expected);
    }
}

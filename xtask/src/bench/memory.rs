//! What the idle system takes: memory as it says itself and as the host sees it, CPU time, and the
//! smallest machine that it serves on.

use super::guest::Plan;
use super::table::{Table, Unit};
use super::{Bench, System, load, micro};
use crate::failure::Result;
use std::time::{Duration, Instant};

/// Memory of the idle guest, in MiB.
const MEMORY_MIB: u32 = 256;
/// How long the idle guest is watched.
const IDLE_TIME: Duration = Duration::from_secs(10);
/// What the boot left to do is done by then.
const SETTLING: Duration = Duration::from_secs(3);

/// The section itself.
pub(super) fn run(bench: &Bench<'_>, table: &mut Table) -> Result<()> {
    for _ in 0..bench.rounds(3) {
        for system in bench.systems() {
            idle(bench, table, system)?;
            free(bench, table, system)?;
        }
    }
    for system in bench.systems() {
        let least = smallest(bench, system)?;
        let what = "smallest machine whose HTTP server answers, 2 CPUs";
        table.line("memory.smallest", what, Unit::Mib).add(system, f64::from(least));
    }
    Ok(())
}

/// Both with their HTTP server up and nobody asking; MultiOS with an event stream open, as its console
/// has one.
fn idle(bench: &Bench<'_>, table: &mut Table, system: System) -> Result<()> {
    let guest = Plan::new(bench, system, "bench.web")?.sized(2, MEMORY_MIB).boot(bench)?;
    std::thread::sleep(SETTLING);
    let resident = guest.resident_kib(MEMORY_MIB)? / 1024.0;
    let what = "idle: guest memory that the host had to give, of 256 MiB";
    table.line("memory.resident", what, Unit::Mib).add(system, resident);
    let _stream = (system == System::MultiOs)
        .then(|| load::open_stream(&guest.client, "/api/v1/events"))
        .transpose()?;
    std::thread::sleep(SETTLING);
    let before = guest.cpu_time()?;
    let started = Instant::now();
    std::thread::sleep(IDLE_TIME);
    let spent = guest.cpu_time()?.saturating_sub(before);
    let percent = 100.0 * spent.as_secs_f64() / started.elapsed().as_secs_f64();
    let what = "idle: of one host CPU";
    table.line("memory.idle_cpu", what, Unit::Percent).add(system, percent);
    Ok(())
}

/// What the same program is told that is free (`sysinfo`), of all that the machine has.
fn free(bench: &Bench<'_>, table: &mut Table, system: System) -> Result<()> {
    let said = micro::run(bench, system, &["free_memory"], (2, MEMORY_MIB))?;
    let what = "idle: memory that is not free, of 256 MiB";
    let line = table.line("memory.used", what, Unit::Mib);
    match said.first().map(|said| &said.result) {
        Some(Ok(free)) => line.add(system, f64::from(MEMORY_MIB) - free / 1_048_576.0),
        Some(Err(why)) => line.lacks(system, why),
        None => line.lacks(system, "it said nothing"),
    }
    Ok(())
}

/// By halving: the least number of MiB with which `/healthz` answers.
fn smallest(bench: &Bench<'_>, system: System) -> Result<u32> {
    let (mut too_little, mut enough) = (4, MEMORY_MIB);
    while enough - too_little > 1 {
        let middle = too_little.midpoint(enough);
        let boots = Plan::new(bench, system, "bench.web")?.sized(2, middle).boot(bench).is_ok();
        eprintln!("  {system:?} with {middle} MiB: {}", if boots { "boots" } else { "does not" });
        if boots {
            enough = middle;
        } else {
            too_little = middle;
        }
    }
    Ok(enough)
}

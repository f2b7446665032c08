//! The kernel's pure crates on this host: what their operations cost with few things and with many, so
//! that complexity does not creep in. Each crate has its benchmark beside it.

use super::Bench;
use super::table::Table;
use crate::failure::Result;
use crate::shell;
use crate::toolchain::host_cargo;

/// The crates whose costs could grow with the number of things.
const CRATES: [&str; 3] = ["sched-core", "process-core", "vm-core"];

/// The section itself.
pub(super) fn run(bench: &Bench<'_>, table: &mut Table) -> Result<()> {
    for name in CRATES {
        let mut cargo = host_cargo("bench");
        cargo.current_dir(&bench.places.root).args(["--quiet", "--package", name, "--benches"]);
        // The unit tests are of no interest here: only what says a figure is kept.
        let text = shell::output(&mut cargo)?;
        let figures = text.lines().filter(|line| !is_harness(line)).map(str::to_owned);
        table.text(name, figures.collect());
    }
    Ok(())
}

fn is_harness(line: &str) -> bool {
    let starts = ["running ", "test ", "test result"];
    let marks = |line: &str| line.chars().all(|sign| sign == 'i' || sign == '.');
    marks(line) || starts.iter().any(|start| line.starts_with(start))
}

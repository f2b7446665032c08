//! `/sys/fs/cgroup`: what the reading process may use, as programs look for it that size themselves by
//! it (cgroups(7), version 2). There is one group to be seen, the reader's own: its limits, and those of
//! the set that it belongs to, whichever are less.

use alloc::string::String;
use core::fmt::{Display, Write};

use process_core::Limits;

use super::current;
use super::fixed::GroupFile;
use crate::process::{self as processes, Process, Snapshot};

/// The time by which shares of the CPUs are told, in microseconds.
const PERIOD_US: u64 = 100_000;

/// What a file says.
pub(super) fn contents(file: GroupFile) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(file, &mut text);
    text
}

fn write(file: GroupFile, text: &mut String) -> core::fmt::Result {
    match file {
        GroupFile::Controllers => return text.write_str("cpuset cpu memory pids\n"),
        GroupFile::Kind => return text.write_str("domain\n"),
        // Reading it does not slow anybody down, and there is no swap.
        GroupFile::MemoryHigh => return text.write_str("max\n"),
        GroupFile::SwapCurrent | GroupFile::SwapMax => return text.write_str("0\n"),
        _ => {}
    }
    let reader = current().and_then(|process| {
        let snapshot = processes::snapshot(process.pid()).ok()?;
        Some(Group { process, snapshot })
    });
    let Some(group) = reader else { return Ok(()) };
    match file {
        GroupFile::CpuMax => match group.cpu_percent() {
            Some(percent) => writeln!(text, "{} {PERIOD_US}", u64::from(percent) * PERIOD_US / 100),
            None => writeln!(text, "max {PERIOD_US}"),
        },
        GroupFile::CpusAllowed => {
            super::status::write_cpus(text, group.snapshot.affinity)?;
            text.write_str("\n")
        }
        GroupFile::MemoryCurrent => writeln!(text, "{}", group.memory_bytes()),
        GroupFile::MemoryPeak => writeln!(text, "{}", group.snapshot.usage.memory.peak_bytes),
        GroupFile::MemoryMax => write_limit(text, group.memory_limit()),
        GroupFile::PidsCurrent => writeln!(text, "{}", group.tasks()),
        GroupFile::PidsMax => write_limit(text, group.task_limit()),
        GroupFile::Processes => group.write_processes(text),
        _ => Ok(()),
    }
}

fn write_limit(text: &mut String, limit: Option<impl Display>) -> core::fmt::Result {
    match limit {
        Some(limit) => writeln!(text, "{limit}"),
        None => text.write_str("max\n"),
    }
}

/// The lesser of two limits.
fn least<T: Ord>(own: Option<T>, together: Option<T>) -> Option<T> {
    own.into_iter().chain(together).min()
}

/// The reader, and the set that it belongs to.
struct Group {
    process: alloc::sync::Arc<Process>,
    snapshot: Snapshot,
}

impl Group {
    fn limits(&self) -> &Limits {
        &self.snapshot.profile.limits
    }

    fn quotas(&self) -> process_core::Quotas {
        self.process.set().map(|set| set.quotas()).unwrap_or_default()
    }

    fn cpu_percent(&self) -> Option<u32> {
        least(self.limits().cpu_percent, self.quotas().cpu_percent)
    }

    fn memory_limit(&self) -> Option<u64> {
        least(Some(self.limits().memory_bytes), self.quotas().memory_bytes)
    }

    /// What counts against the limit that is shown.
    fn memory_bytes(&self) -> u64 {
        match self.process.set() {
            Some(set) if self.quotas().memory_bytes == self.memory_limit() => {
                set.usage().usage.memory.current_bytes
            }
            _ => self.snapshot.usage.memory.current_bytes,
        }
    }

    fn task_limit(&self) -> Option<u32> {
        least(Some(self.limits().processes), self.quotas().processes)
    }

    fn tasks(&self) -> u64 {
        match self.process.set() {
            Some(set) => u64::from(set.usage().threads),
            None => u64::from(self.snapshot.threads),
        }
    }

    fn write_processes(&self, text: &mut String) -> core::fmt::Result {
        match self.process.set() {
            Some(set) => {
                set.members().into_iter().try_for_each(|pid| writeln!(text, "{}", pid.number()))
            }
            None => writeln!(text, "{}", self.snapshot.pid.number()),
        }
    }
}

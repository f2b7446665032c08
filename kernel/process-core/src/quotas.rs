//! What a set of processes may use together (requirement S3), and how often a limit was met
//! (requirement P5).

use crate::error::{LimitKind, ProcessError};
use crate::limits::{Limits, LimitsChange};

/// What the processes of a set may use together. `None` is "no limit".
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Quotas {
    /// Resident memory of each of them, added up.
    pub memory_bytes: Option<u64>,
    /// Descriptors.
    pub open_files: Option<u32>,
    /// Processes and threads.
    pub processes: Option<u32>,
    /// Share of the CPUs, in percent of one.
    pub cpu_percent: Option<u32>,
    /// Bytes read per second.
    pub read_bytes_per_second: Option<u64>,
    /// Bytes written per second.
    pub write_bytes_per_second: Option<u64>,
    /// Processes created per second.
    pub processes_per_second: Option<u32>,
}

impl Quotas {
    /// Whether every quota has a possible value: those that are possible for one process.
    ///
    /// # Errors
    /// [`ProcessError::InvalidLimits`] with the first one that has not.
    pub fn validate(&self) -> Result<(), ProcessError> {
        let as_limits = LimitsChange {
            memory_bytes: self.memory_bytes,
            open_files: self.open_files,
            processes: self.processes,
            cpu_percent: Some(self.cpu_percent),
            read_bytes_per_second: Some(self.read_bytes_per_second),
            write_bytes_per_second: Some(self.write_bytes_per_second),
            processes_per_second: Some(self.processes_per_second),
            ..LimitsChange::default()
        };
        Limits::default().changed(&as_limits).map(drop)
    }
}

/// How often each limit was met.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LimitCounts([u32; LimitKind::ALL.len()]);

impl LimitCounts {
    /// How often this one was met.
    pub const fn of(&self, kind: LimitKind) -> u32 {
        self.0[kind as usize]
    }

    /// It was met so many times more.
    pub fn add(&mut self, kind: LimitKind, times: u32) {
        let count = &mut self.0[kind as usize];
        *count = count.saturating_add(times);
    }

    /// Adds what another process has met.
    pub fn add_all(&mut self, other: &Self) {
        for kind in LimitKind::ALL {
            self.add(kind, other.of(kind));
        }
    }
}

/// Whether the violation that is the `count`th of its kind is told: one in a loop must not push all
/// else out of the history of events. The first, the second, the fourth, the eighth are, and so on.
#[must_use]
pub const fn is_violation_told(count: u32) -> bool {
    count.is_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_possible_limits() {
        assert_eq!(Quotas::default().validate(), Ok(()));
        let good =
            Quotas { memory_bytes: Some(1 << 20), cpu_percent: Some(50), ..Quotas::default() };
        assert_eq!(good.validate(), Ok(()));
        let bad = Quotas { cpu_percent: Some(0), ..good };
        let error = ProcessError::InvalidLimits { limit: LimitKind::CpuPercent, value: 0 };
        assert_eq!(bad.validate(), Err(error));
        let small = Quotas { memory_bytes: Some(1), ..good };
        assert!(small.validate().is_err());
    }

    #[test]
    fn violations_are_counted_by_kind() {
        let mut counts = LimitCounts::default();
        counts.add(LimitKind::OpenFiles, 2);
        let mut sum = counts;
        sum.add_all(&counts);
        assert_eq!((sum.of(LimitKind::OpenFiles), sum.of(LimitKind::Memory)), (4, 0));
        sum.add(LimitKind::OpenFiles, u32::MAX);
        assert_eq!(sum.of(LimitKind::OpenFiles), u32::MAX);
        assert_eq!((1..=100).filter(|count| is_violation_told(*count)).count(), 7);
    }
}

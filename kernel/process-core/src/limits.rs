//! What a process may use (requirement P5), and which values are possible.

use crate::error::{LimitKind, ProcessError};

const PAGE_BYTES: u64 = 4096;
/// Below this not even an empty program's start-up fits.
const LEAST_MEMORY_BYTES: u64 = 64 * 1024;
/// The arguments, the environment and one frame have to fit.
const LEAST_STACK_BYTES: u64 = 16 * 1024;
/// The user half of the address space.
const MOST_BYTES: u64 = 1 << 47;
const MOST_OPEN_FILES: u32 = 1 << 20;
const MOST_PROCESSES: u32 = 1 << 22;
/// As many CPUs as there can be, in percent of one.
const MOST_CPU_PERCENT: u32 = 100 * 4096;

/// What a process may use. `None` is "no limit".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Resident memory.
    pub memory_bytes: u64,
    /// The main thread's stack.
    pub stack_bytes: u64,
    /// Descriptors.
    pub open_files: u32,
    /// Processes and threads of the process's user.
    pub processes: u32,
    /// CPU time in total.
    pub cpu_time_ns: Option<u64>,
    /// Share of the CPUs, in percent of one.
    pub cpu_percent: Option<u32>,
    /// Bytes read per second.
    pub read_bytes_per_second: Option<u64>,
    /// Bytes written per second.
    pub write_bytes_per_second: Option<u64>,
    /// Processes created per second.
    pub processes_per_second: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 256 << 20,
            stack_bytes: 8 << 20,
            open_files: 1024,
            processes: 1024,
            cpu_time_ns: None,
            cpu_percent: None,
            read_bytes_per_second: None,
            write_bytes_per_second: None,
            processes_per_second: None,
        }
    }
}

/// A change of some limits: the outer `None` leaves a limit as it is, the inner one lifts it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[expect(missing_docs, reason = "the fields are those of Limits")]
pub struct LimitsChange {
    pub memory_bytes: Option<u64>,
    pub stack_bytes: Option<u64>,
    pub open_files: Option<u32>,
    pub processes: Option<u32>,
    pub cpu_time_ns: Option<Option<u64>>,
    pub cpu_percent: Option<Option<u32>>,
    pub read_bytes_per_second: Option<Option<u64>>,
    pub write_bytes_per_second: Option<Option<u64>>,
    pub processes_per_second: Option<Option<u32>>,
}

impl Limits {
    /// These limits with a change, if all that results is possible.
    ///
    /// # Errors
    /// [`ProcessError::InvalidLimits`] with the first limit that cannot be.
    pub fn changed(&self, change: &LimitsChange) -> Result<Self, ProcessError> {
        let changed = Self {
            memory_bytes: change.memory_bytes.unwrap_or(self.memory_bytes),
            stack_bytes: change.stack_bytes.unwrap_or(self.stack_bytes),
            open_files: change.open_files.unwrap_or(self.open_files),
            processes: change.processes.unwrap_or(self.processes),
            cpu_time_ns: change.cpu_time_ns.unwrap_or(self.cpu_time_ns),
            cpu_percent: change.cpu_percent.unwrap_or(self.cpu_percent),
            read_bytes_per_second: change
                .read_bytes_per_second
                .unwrap_or(self.read_bytes_per_second),
            write_bytes_per_second: change
                .write_bytes_per_second
                .unwrap_or(self.write_bytes_per_second),
            processes_per_second: change.processes_per_second.unwrap_or(self.processes_per_second),
        };
        changed.validate()?;
        Ok(changed)
    }

    /// Whether none of these is above those.
    pub fn is_within(&self, those: &Self) -> bool {
        fn is_no_more<T: PartialOrd>(this: Option<T>, that: Option<T>) -> bool {
            match (this, that) {
                (_, None) => true,
                (Some(this), Some(that)) => this <= that,
                (None, Some(_)) => false,
            }
        }
        self.memory_bytes <= those.memory_bytes
            && self.stack_bytes <= those.stack_bytes
            && self.open_files <= those.open_files
            && self.processes <= those.processes
            && is_no_more(self.cpu_time_ns, those.cpu_time_ns)
            && is_no_more(self.cpu_percent, those.cpu_percent)
            && is_no_more(self.read_bytes_per_second, those.read_bytes_per_second)
            && is_no_more(self.write_bytes_per_second, those.write_bytes_per_second)
            && is_no_more(self.processes_per_second, those.processes_per_second)
    }

    /// Whether every limit has a possible value.
    ///
    /// # Errors
    /// [`ProcessError::InvalidLimits`] with the first one that has not.
    pub fn validate(&self) -> Result<(), ProcessError> {
        let check = |limit, value: u64, least: u64, most: u64| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                Err(ProcessError::InvalidLimits { limit, value })
            }
        };
        let check_if_set = |limit, value: Option<u64>, most: u64| {
            value.map_or(Ok(()), |value| check(limit, value, 1, most))
        };
        check(LimitKind::Memory, self.memory_bytes, LEAST_MEMORY_BYTES, MOST_BYTES)?;
        check(LimitKind::Stack, self.stack_bytes, LEAST_STACK_BYTES, MOST_BYTES)?;
        if !self.stack_bytes.is_multiple_of(PAGE_BYTES) {
            return Err(ProcessError::InvalidLimits {
                limit: LimitKind::Stack,
                value: self.stack_bytes,
            });
        }
        check(LimitKind::OpenFiles, self.open_files.into(), 1, MOST_OPEN_FILES.into())?;
        check(LimitKind::Processes, self.processes.into(), 1, MOST_PROCESSES.into())?;
        check_if_set(LimitKind::CpuTime, self.cpu_time_ns, u64::MAX)?;
        check_if_set(
            LimitKind::CpuPercent,
            self.cpu_percent.map(u64::from),
            MOST_CPU_PERCENT.into(),
        )?;
        check_if_set(LimitKind::ReadRate, self.read_bytes_per_second, u64::MAX)?;
        check_if_set(LimitKind::WriteRate, self.write_bytes_per_second, u64::MAX)?;
        check_if_set(LimitKind::CreationRate, self.processes_per_second.map(u64::from), u64::MAX)
    }
}

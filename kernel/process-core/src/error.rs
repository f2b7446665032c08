//! What can go wrong with a process, each kind with the value that was wrong.

use alloc::sync::Arc;
use core::fmt;

use crate::ids::Pid;
use crate::state::StateName;

/// What ran out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resource {
    /// Kernel memory.
    Memory,
    /// Places in the process table.
    Processes,
    /// Free process and thread numbers.
    Numbers,
    /// Places in a queue of pending signals.
    PendingSignals,
}

/// Which limit is meant; the names are those of the API.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LimitKind {
    /// Resident memory.
    Memory,
    /// Size of the main thread's stack.
    Stack,
    /// Open files.
    OpenFiles,
    /// Processes and threads of one user.
    Processes,
    /// CPU time in total.
    CpuTime,
    /// Share of a CPU, in percent.
    CpuPercent,
    /// Bytes read per second.
    ReadRate,
    /// Bytes written per second.
    WriteRate,
    /// Processes created per second.
    CreationRate,
    /// Bytes of arguments and environment.
    Arguments,
}

impl LimitKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Memory,
        Self::Stack,
        Self::OpenFiles,
        Self::Processes,
        Self::CpuTime,
        Self::CpuPercent,
        Self::ReadRate,
        Self::WriteRate,
        Self::CreationRate,
        Self::Arguments,
    ];

    /// The name of the field that holds this limit.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory_bytes",
            Self::Stack => "stack_bytes",
            Self::OpenFiles => "open_files",
            Self::Processes => "processes",
            Self::CpuTime => "cpu_time_ns",
            Self::CpuPercent => "cpu_percent",
            Self::ReadRate => "read_bytes_per_second",
            Self::WriteRate => "write_bytes_per_second",
            Self::CreationRate => "processes_per_second",
            Self::Arguments => "argument_bytes",
        }
    }
}

/// Every way in which an operation of the process manager fails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProcessError {
    /// No living or remembered process has this pid.
    ProcessNotFound {
        /// The pid asked for.
        pid: Pid,
    },
    /// No process can have this number.
    InvalidPid {
        /// The number given.
        value: i64,
    },
    /// There is such a process, group or session already.
    AlreadyExists {
        /// Its number.
        pid: Pid,
    },
    /// A child has executed a program, and its parent can no longer move it to another group.
    AlreadyExecuted {
        /// The child.
        pid: Pid,
    },
    /// The caller may not do this to that process.
    PermissionDenied {
        /// The process that was to be touched.
        pid: Pid,
    },
    /// Something has run out.
    ResourceExhausted {
        /// What.
        resource: Resource,
    },
    /// The state forbids the transition.
    InvalidState {
        /// The process.
        pid: Pid,
        /// The state it is in.
        from: StateName,
        /// The state it was to enter.
        to: StateName,
    },
    /// No such priority, class or nice value.
    InvalidPriority {
        /// The value given.
        value: i64,
    },
    /// A service that this process depends on is not there.
    DependencyError {
        /// The missing service.
        service: Arc<str>,
    },
    /// No service has this name.
    ServiceNotFound {
        /// The name asked for.
        service: Arc<str>,
    },
    /// The target cannot receive this signal, or no signal has this number.
    SignalNotSupported {
        /// The number given.
        signal: i64,
        /// The target that refuses it, if the number itself is good.
        pid: Option<Pid>,
    },
    /// The operation would go beyond a limit.
    LimitExceeded {
        /// Which limit.
        limit: LimitKind,
        /// The limit's value.
        maximum: u64,
    },
    /// It was not done in time.
    Timeout {
        /// How long was waited, in nanoseconds.
        waited_ns: u64,
    },
    /// The kernel failed below the process manager.
    SystemError {
        /// Linux's number for the reason.
        errno: i32,
    },
    /// The owning service refuses the operation.
    ServiceError {
        /// The service.
        service: Arc<str>,
    },
    /// A limit was given a value it cannot have.
    InvalidLimits {
        /// Which limit.
        limit: LimitKind,
        /// The value given.
        value: u64,
    },
    /// A process or service would depend on itself.
    CircularDependency {
        /// One service of the cycle.
        service: Arc<str>,
    },
    /// An argument or environment string, or a name, is malformed (it holds a NUL byte).
    InvalidArgument {
        /// The position of the string in its list.
        index: usize,
    },
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProcessNotFound { pid } => write!(f, "there is no process {pid}"),
            Self::InvalidPid { value } => write!(f, "{value} is not a process number"),
            Self::AlreadyExists { pid } => write!(f, "{pid} exists already"),
            Self::AlreadyExecuted { pid } => {
                write!(f, "process {pid} has executed a program already")
            }
            Self::PermissionDenied { pid } => write!(f, "not permitted on process {pid}"),
            Self::ResourceExhausted { resource: Resource::Memory } => f.write_str("out of memory"),
            Self::ResourceExhausted { resource: Resource::Processes } => {
                f.write_str("the process table is full")
            }
            Self::ResourceExhausted { resource: Resource::Numbers } => {
                f.write_str("no process number is free")
            }
            Self::ResourceExhausted { resource: Resource::PendingSignals } => {
                f.write_str("too many signals are pending")
            }
            Self::InvalidState { pid, from, to } => {
                write!(f, "process {pid} is {from} and cannot become {to}")
            }
            Self::InvalidPriority { value } => write!(f, "{value} is not a priority"),
            Self::DependencyError { service } => write!(f, "the service {service} is missing"),
            Self::ServiceNotFound { service } => write!(f, "there is no service {service}"),
            Self::SignalNotSupported { signal, pid: None } => {
                write!(f, "{signal} is not a signal")
            }
            Self::SignalNotSupported { signal, pid: Some(pid) } => {
                write!(f, "process {pid} takes no signal {signal}")
            }
            Self::LimitExceeded { limit, maximum } => {
                write!(f, "the limit {} of {maximum} is reached", limit.name())
            }
            Self::Timeout { waited_ns } => write!(f, "not done after {waited_ns} ns"),
            Self::SystemError { errno } => write!(f, "the system failed with errno {errno}"),
            Self::ServiceError { service } => write!(f, "the service {service} refuses"),
            Self::InvalidLimits { limit, value } => {
                write!(f, "{} cannot be {value}", limit.name())
            }
            Self::CircularDependency { service } => {
                write!(f, "the service {service} depends on itself")
            }
            Self::InvalidArgument { index } => write!(f, "string {index} is malformed"),
        }
    }
}

impl core::error::Error for ProcessError {}

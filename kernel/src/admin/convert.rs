//! The cores' words as the API's, and back.

use alloc::format;
use alloc::string::String;

use admin_api::backend::{ApiError, ProcessOperation};
use admin_api::types::{
    Class, EventKind, Exit, Isolation, Limits, LimitsMet, LogLevel, Priority, ProcessState, Signal,
    Text, Timestamp,
};
use process_core::{ExitStatus, LimitCounts, LimitKind, PriorityClass, ProcessError, StateName};
use sched_core::{CpuId, CpuSet};

use crate::events::Kind;
use crate::log::Severity;

/// Nanoseconds since 1970; what is before becomes 1970.
pub(super) fn timestamp(wall_ns: i64) -> Timestamp {
    Timestamp::from_unix_ns(u64::try_from(wall_ns).unwrap_or(0))
}

/// A moment of the monotonic clock by the wall clock.
pub(super) fn moment(at: process_core::Instant) -> Timestamp {
    timestamp(hal::time::wall_at_ns(at.nanoseconds()))
}

/// Bytes as text; what is not UTF-8 is replaced.
pub(super) fn text(bytes: &[u8]) -> Text {
    String::from(String::from_utf8_lossy(bytes)).into()
}

pub(super) fn state(state: process_core::ProcessState) -> ProcessState {
    state_name(state.name())
}

fn state_name(name: StateName) -> ProcessState {
    match name {
        StateName::New => ProcessState::New,
        StateName::Ready => ProcessState::Ready,
        StateName::Running => ProcessState::Running,
        StateName::Blocked => ProcessState::Blocked,
        StateName::Suspended => ProcessState::Suspended,
        StateName::Terminated => ProcessState::Terminated,
        StateName::Zombie => ProcessState::Zombie,
        StateName::Defunct => ProcessState::Defunct,
    }
}

pub(super) fn priority(priority: process_core::Priority) -> Priority {
    use process_core::Priority as From;
    match priority {
        From::Idle => Priority::Idle,
        From::Low => Priority::Low,
        From::Normal => Priority::Normal,
        From::High => Priority::High,
        From::RealTime => Priority::RealTime,
        From::Critical => Priority::Critical,
    }
}

pub(super) fn to_priority(priority: Priority) -> process_core::Priority {
    use process_core::Priority as To;
    match priority {
        Priority::Idle => To::Idle,
        Priority::Low => To::Low,
        Priority::Normal => To::Normal,
        Priority::High => To::High,
        Priority::RealTime => To::RealTime,
        Priority::Critical => To::Critical,
    }
}

pub(super) fn class(class: PriorityClass) -> Class {
    match class {
        PriorityClass::System => Class::System,
        PriorityClass::User => Class::User,
        PriorityClass::Service => Class::Service,
        PriorityClass::Background => Class::Background,
        PriorityClass::Interactive => Class::Interactive,
    }
}

pub(super) fn to_class(class: Class) -> PriorityClass {
    match class {
        Class::System => PriorityClass::System,
        Class::User => PriorityClass::User,
        Class::Service => PriorityClass::Service,
        Class::Background => PriorityClass::Background,
        Class::Interactive => PriorityClass::Interactive,
    }
}

pub(super) fn isolation(isolation: process_core::Isolation) -> Isolation {
    use process_core::Isolation as From;
    match isolation {
        From::Kernel => Isolation::Kernel,
        From::Process => Isolation::Process,
        From::Sandbox => Isolation::Sandbox,
    }
}

/// The numbers of a set's CPUs, as far as they run.
pub(super) fn cpus(set: CpuSet) -> alloc::vec::Vec<u32> {
    let online = hal::cpu::online();
    let numbers = set.iter().map(CpuId::index).take_while(|index| *index < online);
    numbers.filter_map(|index| u32::try_from(index).ok()).collect()
}

/// The set of these CPUs, all of which have to run.
///
/// # Errors
/// [`ApiError::InvalidValue`].
pub(super) fn to_cpus(numbers: &[u32]) -> Result<CpuSet, ApiError> {
    let mut set = CpuSet::EMPTY;
    for number in numbers {
        let index = usize::try_from(*number).ok().filter(|index| *index < hal::cpu::online());
        let Some(cpu) = index.and_then(CpuId::new) else {
            return Err(invalid("affinity", format!("CPU {number} does not run")));
        };
        set.insert(cpu);
    }
    if set.is_empty() {
        return Err(invalid("affinity", String::from("names no CPU")));
    }
    Ok(set)
}

pub(super) fn invalid(field: &'static str, message: String) -> ApiError {
    ApiError::InvalidValue { field: field.into(), message: message.into() }
}

pub(super) fn exit(exit: ExitStatus) -> Exit {
    match exit {
        ExitStatus::Code(code) => Exit::Code(i32::from(code)),
        ExitStatus::Signaled { signal, core } => Exit::Signal {
            // Both count from 1 to 64.
            signal: Signal::from_number(signal.number()).unwrap_or(Signal::KILL),
            core,
        },
    }
}

pub(super) fn limits(limits: &process_core::Limits) -> Limits {
    Limits {
        memory_bytes: Some(limits.memory_bytes),
        stack_bytes: Some(limits.stack_bytes),
        open_files: Some(limits.open_files.into()),
        processes: Some(limits.processes.into()),
        cpu_time_ns: limits.cpu_time_ns,
        cpu_percent: limits.cpu_percent,
        read_bytes_per_second: limits.read_bytes_per_second,
        write_bytes_per_second: limits.write_bytes_per_second,
        processes_per_second: limits.processes_per_second,
    }
}

pub(super) fn limits_met(met: &LimitCounts) -> LimitsMet {
    LimitsMet {
        memory_bytes: met.of(LimitKind::Memory),
        stack_bytes: met.of(LimitKind::Stack),
        open_files: met.of(LimitKind::OpenFiles),
        processes: met.of(LimitKind::Processes),
        cpu_time_ns: met.of(LimitKind::CpuTime),
        cpu_percent: met.of(LimitKind::CpuPercent),
        read_bytes_per_second: met.of(LimitKind::ReadRate),
        write_bytes_per_second: met.of(LimitKind::WriteRate),
        processes_per_second: met.of(LimitKind::CreationRate),
    }
}

pub(super) fn event_kind(kind: Kind) -> EventKind {
    match kind {
        Kind::ProcessCreated => EventKind::ProcessCreated,
        Kind::ProcessSuspended => EventKind::ProcessSuspended,
        Kind::ProcessResumed => EventKind::ProcessResumed,
        Kind::ProcessChanged => EventKind::ProcessChanged,
        Kind::ProcessSignaled => EventKind::ProcessSignaled,
        Kind::ProcessExited => EventKind::ProcessExited,
        Kind::LimitExceeded => EventKind::LimitExceeded,
        Kind::SandboxViolation => EventKind::SandboxViolation,
        Kind::CpuChanged => EventKind::CpuChanged,
        Kind::NetworkChanged => EventKind::NetworkChanged,
        Kind::SessionChanged => EventKind::SessionChanged,
        Kind::SystemChanged => EventKind::SystemChanged,
        Kind::Emergency => EventKind::Emergency,
        Kind::ServiceRegistered => EventKind::ServiceRegistered,
        Kind::ServiceUpdated => EventKind::ServiceUpdated,
        Kind::ServiceUnregistered => EventKind::ServiceUnregistered,
        Kind::ServiceStateChanged => EventKind::ServiceStateChanged,
        Kind::ServiceInstanceStarted => EventKind::ServiceInstanceStarted,
        Kind::ServiceInstanceReady => EventKind::ServiceInstanceReady,
        Kind::ServiceInstanceEnded => EventKind::ServiceInstanceEnded,
        Kind::ServiceHealthChanged => EventKind::ServiceHealthChanged,
        Kind::OperationEnded => EventKind::OperationEnded,
    }
}

pub(super) fn to_event_kind(kind: EventKind) -> Kind {
    match kind {
        EventKind::ProcessCreated => Kind::ProcessCreated,
        EventKind::ProcessSuspended => Kind::ProcessSuspended,
        EventKind::ProcessResumed => Kind::ProcessResumed,
        EventKind::ProcessChanged => Kind::ProcessChanged,
        EventKind::ProcessSignaled => Kind::ProcessSignaled,
        EventKind::ProcessExited => Kind::ProcessExited,
        EventKind::LimitExceeded => Kind::LimitExceeded,
        EventKind::SandboxViolation => Kind::SandboxViolation,
        EventKind::CpuChanged => Kind::CpuChanged,
        EventKind::NetworkChanged => Kind::NetworkChanged,
        EventKind::SessionChanged => Kind::SessionChanged,
        EventKind::SystemChanged => Kind::SystemChanged,
        EventKind::Emergency => Kind::Emergency,
        EventKind::ServiceRegistered => Kind::ServiceRegistered,
        EventKind::ServiceUpdated => Kind::ServiceUpdated,
        EventKind::ServiceUnregistered => Kind::ServiceUnregistered,
        EventKind::ServiceStateChanged => Kind::ServiceStateChanged,
        EventKind::ServiceInstanceStarted => Kind::ServiceInstanceStarted,
        EventKind::ServiceInstanceReady => Kind::ServiceInstanceReady,
        EventKind::ServiceInstanceEnded => Kind::ServiceInstanceEnded,
        EventKind::ServiceHealthChanged => Kind::ServiceHealthChanged,
        EventKind::OperationEnded => Kind::OperationEnded,
    }
}

pub(super) fn log_level(severity: Severity) -> LogLevel {
    match severity {
        Severity::Error => LogLevel::Error,
        Severity::Warning => LogLevel::Warning,
        Severity::Info => LogLevel::Info,
        Severity::Debug => LogLevel::Debug,
    }
}

/// Why an operation on a process failed.
pub(super) fn error(error: &ProcessError, operation: ProcessOperation) -> ApiError {
    let words = || Text::from(format!("{error}"));
    match error {
        ProcessError::ProcessNotFound { pid } => ApiError::ProcessNotFound(pid.number()),
        // No process can have such a number, so that there is none.
        ProcessError::InvalidPid { value } => {
            ApiError::ProcessNotFound(u32::try_from(*value).unwrap_or(u32::MAX))
        }
        ProcessError::InvalidState { from, .. } => {
            ApiError::InvalidState { state: state_name(*from), operation }
        }
        ProcessError::PermissionDenied { .. } | ProcessError::AlreadyExecuted { .. } => {
            ApiError::PermissionDenied(words())
        }
        ProcessError::ResourceExhausted { .. } => ApiError::ResourceExhausted(words()),
        ProcessError::InvalidPriority { .. } => invalid("nice", format!("{error}")),
        ProcessError::SignalNotSupported { .. } => invalid("signal", format!("{error}")),
        ProcessError::InvalidArgument { .. } => invalid("args", format!("{error}")),
        ProcessError::LimitExceeded { limit: process_core::LimitKind::Arguments, .. } => {
            invalid("args", format!("{error}"))
        }
        ProcessError::LimitExceeded { .. } => ApiError::ResourceExhausted(words()),
        ProcessError::InvalidLimits { limit, .. } => ApiError::InvalidValue {
            field: format!("limits.{}", limit.name()).into(),
            message: words(),
        },
        ProcessError::AlreadyExists { .. }
        | ProcessError::DependencyError { .. }
        | ProcessError::ServiceNotFound { .. }
        | ProcessError::Timeout { .. }
        | ProcessError::ServiceError { .. }
        | ProcessError::CircularDependency { .. } => ApiError::Conflict(words()),
        ProcessError::SystemError { .. } => ApiError::SystemError(words()),
    }
}

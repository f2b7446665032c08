//! Processes that run: the words that describe them, and what can be done to them.

use core::time::Duration;

use linux_abi::native::{
    LimitValues, NativeCall, ProcessInfo, Scheduling, SetLimits, TerminateProcess, WaitProcess,
    exit_kind, scheduling_flags,
};

use crate::error::Error;
use crate::system;

/// A process's number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Pid(pub u32);

impl Pid {
    /// The caller's own, where a call takes any.
    pub const OWN: Self = Self(0);
}

impl core::fmt::Display for Pid {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

words! {
    /// Where a process is in its life.
    State {
        /// Being made.
        New = 1 "new",
        /// Wants a CPU.
        Ready = 2 "ready",
        /// Is on a CPU.
        Running = 3 "running",
        /// Waits.
        Blocked = 4 "blocked",
        /// Stands still.
        Suspended = 5 "suspended",
        /// Is ending.
        Terminated = 6 "terminated",
        /// Its exit status waits for the parent.
        Zombie = 7 "zombie",
        /// Is remembered.
        Defunct = 8 "defunct",
    }
}

words! {
    /// Levels at which processes run, lowest first.
    Priority {
        /// Only when nothing else can run.
        Idle = 1 "idle",
        /// A smaller share.
        Low = 2 "low",
        /// The usual share.
        Normal = 3 "normal",
        /// A larger share.
        High = 4 "high",
        /// Before all that share.
        RealTime = 5 "real_time",
        /// Before everything.
        Critical = 6 "critical",
    }
}

words! {
    /// Kinds of work.
    Class {
        /// The kernel's own; no program can have it.
        System = 1 "system",
        /// A user's program.
        User = 2 "user",
        /// A service.
        Service = 3 "service",
        /// Work that nobody waits for.
        Background = 4 "background",
        /// Work that someone waits for.
        Interactive = 5 "interactive",
    }
}

words! {
    /// How far a process is kept apart.
    Isolation {
        /// A kernel thread.
        Kernel = 1 "kernel",
        /// An address space of its own.
        Process = 2 "process",
        /// A sandbox.
        Sandbox = 3 "sandbox",
    }
}

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// By itself, with a code.
    Code(u8),
    /// By the signal with this number.
    Signal(u8),
}

impl Exit {
    /// How the process has ended that this is about, if it has.
    #[must_use]
    pub fn of(info: &ProcessInfo) -> Option<Self> {
        Self::from_words(info.exit_kind, info.exit_value)
    }

    fn from_words(kind: u32, value: u32) -> Option<Self> {
        let value = u8::try_from(value).ok()?;
        match kind {
            exit_kind::CODE => Some(Self::Code(value)),
            exit_kind::SIGNAL => Some(Self::Signal(value)),
            _ => None,
        }
    }

    /// The code as a shell tells it: 128 and the signal's number for who ended by one.
    #[must_use]
    pub const fn shell_code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => signal.saturating_add(128),
        }
    }
}

/// How a process is to be ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Termination {
    /// By SIGTERM, and by SIGKILL when so many milliseconds have passed.
    Graceful {
        /// The grace.
        grace_ms: u32,
    },
    /// By SIGKILL.
    Force,
}

/// The version of the calls, as the system has them.
///
/// # Errors
/// [`Error::NotMultiOs`].
pub fn version() -> Result<u64, Error> {
    // SAFETY: the call takes numbers.
    unsafe { system::with_numbers(NativeCall::VERSION, 0, 0) }
}

/// Has a process end. Returns at once; [`wait`] tells when it has.
///
/// # Errors
/// `ProcessNotFound`, `PermissionDenied`, `InvalidState` when it has ended.
pub fn terminate(pid: Pid, how: Termination) -> Result<(), Error> {
    let (force, grace_ms) = match how {
        Termination::Force => (1, 0),
        Termination::Graceful { grace_ms } => (0, grace_ms),
    };
    let asked = TerminateProcess { pid: pid.0, force, grace_ms, reserved: 0 };
    // SAFETY: the structure is this call's and has no addresses in it.
    unsafe { system::with_structure(NativeCall::TERMINATE_PROCESS, &mut asked.to_bytes()) }
        .map(drop)
}

/// Has a process stand still.
///
/// # Errors
/// As [`terminate`]; `InvalidState` too when it stands still already.
pub fn suspend(pid: Pid) -> Result<(), Error> {
    // SAFETY: the call takes numbers.
    unsafe { system::with_numbers(NativeCall::SUSPEND_PROCESS, pid.0.into(), 0) }.map(drop)
}

/// Lets a process go on that stood still.
///
/// # Errors
/// As [`suspend`].
pub fn resume(pid: Pid) -> Result<(), Error> {
    // SAFETY: the call takes numbers.
    unsafe { system::with_numbers(NativeCall::RESUME_PROCESS, pid.0.into(), 0) }.map(drop)
}

/// Sends a signal by its number; 0 only asks whether that is allowed.
///
/// # Errors
/// `ProcessNotFound`, `PermissionDenied`, `SignalNotSupported`.
pub fn signal(pid: Pid, number: u32) -> Result<(), Error> {
    // SAFETY: the call takes numbers.
    unsafe { system::with_numbers(NativeCall::SEND_SIGNAL, pid.0.into(), number.into()) }.map(drop)
}

/// Changes the limits that `limits.set` names ([`limit_bits`](crate::limit_bits)).
///
/// # Errors
/// `ProcessNotFound`, `InvalidLimits`; `PermissionDenied` for others' processes, and for more than
/// there was without CAP_SYS_RESOURCE.
pub fn set_limits(pid: Pid, limits: &LimitValues) -> Result<(), Error> {
    let asked = SetLimits { pid: pid.0, reserved: 0, limits: *limits };
    // SAFETY: the structure is this call's and has no addresses in it.
    unsafe { system::with_structure(NativeCall::SET_LIMITS, &mut asked.to_bytes()) }.map(drop)
}

/// What is to be changed about how a process is scheduled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SchedulingChange {
    /// The level.
    pub priority: Option<Priority>,
    /// The kind of work.
    pub class: Option<Class>,
    /// The nice value, -20 to 19.
    pub nice: Option<i8>,
}

/// Changes how a process is scheduled, with effect at once.
///
/// # Errors
/// `ProcessNotFound`, `InvalidPriority`; `PermissionDenied` for others' processes, and upwards without
/// CAP_SYS_NICE.
pub fn set_scheduling(pid: Pid, change: &SchedulingChange) -> Result<(), Error> {
    let mut asked = Scheduling { pid: pid.0, ..Scheduling::zeroed() };
    if let Some(priority) = change.priority {
        asked.flags |= scheduling_flags::PRIORITY;
        asked.priority = priority as u32;
    }
    if let Some(class) = change.class {
        asked.flags |= scheduling_flags::CLASS;
        asked.class = class as u32;
    }
    if let Some(nice) = change.nice {
        asked.flags |= scheduling_flags::NICE;
        asked.nice = nice.into();
    }
    // SAFETY: the structure is this call's and has no addresses in it.
    unsafe { system::with_structure(NativeCall::SET_SCHEDULING, &mut asked.to_bytes()) }.map(drop)
}

/// Waits for the end of a process, whoever's it is; for at most so long, if a time is given. A child's
/// exit status is taken by it.
///
/// # Errors
/// `ProcessNotFound`, `Timeout`; `PermissionDenied` for the caller itself.
pub fn wait(pid: Pid, for_at_most: Option<Duration>) -> Result<Exit, Error> {
    let timeout_ns =
        for_at_most.map_or(u64::MAX, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX - 1));
    let asked = WaitProcess { pid: pid.0, timeout_ns, ..WaitProcess::zeroed() };
    let mut bytes = asked.to_bytes();
    // SAFETY: the structure is this call's and has no addresses in it.
    unsafe { system::with_structure(NativeCall::WAIT_PROCESS, &mut bytes) }?;
    let found = WaitProcess::from_bytes(&bytes);
    Exit::from_words(found.exit_kind, found.exit_value)
        .ok_or(Error::Refused(linux_abi::native::NativeError::SystemError))
}

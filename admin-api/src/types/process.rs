//! One process: [`Process`], and the words that describe it.

use alloc::vec::Vec;

use serde::de::Error as _;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Hundredths, Sandbox, Signal, Text, Timestamp};

words! {
    /// Where a process is in its life.
    ProcessState {
        /// Being made.
        New = "new",
        /// Wants a CPU.
        Ready = "ready",
        /// Is on a CPU.
        Running = "running",
        /// Waits for something; `state_detail` says for what.
        Blocked = "blocked",
        /// Stopped by an operator or a signal.
        Suspended = "suspended",
        /// Exiting; its resources are being released.
        Terminated = "terminated",
        /// Exited; its exit status waits for the parent.
        Zombie = "zombie",
        /// Gone; kept in the history.
        Defunct = "defunct",
    }
}

words! {
    /// Priority levels, lowest first.
    Priority {
        /// Runs when nothing else can.
        Idle = "idle",
        /// A small share.
        Low = "low",
        /// The usual share.
        Normal = "normal",
        /// A large share.
        High = "high",
        /// Before everything that shares; in turns.
        RealTime = "real_time",
        /// Before everything.
        Critical = "critical",
    }
}

words! {
    /// Classes: how time slices and wake-ups are treated.
    Class {
        /// The kernel's own threads.
        System = "system",
        /// Programs.
        User = "user",
        /// Programs of services.
        Service = "service",
        /// Long slices; never preempts.
        Background = "background",
        /// Short slices; preempts at wake-up.
        Interactive = "interactive",
    }
}

words! {
    /// How far a process is kept apart.
    Isolation {
        /// A kernel thread.
        Kernel = "kernel",
        /// An address space of its own.
        Process = "process",
        /// An address space and a root of its own, and an allow-list of calls.
        Sandbox = "sandbox",
    }
}

/// Who a process runs as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// Number of the user.
    pub uid: u32,
    /// Number of the group.
    pub gid: u32,
    /// Name of the user.
    pub name: Text,
}

/// How a process ended: `{"code": 0}` or `{"signal": "SIGKILL", "core": false}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It exited by itself.
    Code(i32),
    /// A signal ended it.
    Signal {
        /// Which.
        signal: Signal,
        /// Whether a core was dumped.
        core: bool,
    },
}

// By hand: `serde-json-core` can write neither untagged enumerations nor flattened ones.
impl Serialize for Exit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Code(code) => {
                let mut exit = serializer.serialize_struct("Exit", 1)?;
                exit.serialize_field("code", code)?;
                exit.end()
            }
            Self::Signal { signal, core } => {
                let mut exit = serializer.serialize_struct("Exit", 2)?;
                exit.serialize_field("signal", signal)?;
                exit.serialize_field("core", core)?;
                exit.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Exit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            code: Option<i32>,
            signal: Option<Signal>,
            #[serde(default)]
            core: bool,
        }
        match Fields::deserialize(deserializer)? {
            Fields { code: Some(code), signal: None, .. } => Ok(Self::Code(code)),
            Fields { code: None, signal: Some(signal), core } => Ok(Self::Signal { signal, core }),
            _ => Err(D::Error::custom("either `code` or `signal`")),
        }
    }
}

/// One process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// The process that made it; 0 for none.
    pub parent_pid: u32,
    /// Its process group.
    pub process_group: u32,
    /// Its session (setsid(2)).
    pub session: u32,
    /// Its short name.
    pub name: Text,
    /// The command line, program first.
    pub command: Vec<Text>,
    /// The environment it was started with, as `NAME=value`; `null` in lists, and for viewers, because
    /// programs are given secrets by it.
    pub environment: Option<Vec<Text>>,
    /// Its working directory.
    pub cwd: Text,
    /// Its root directory.
    pub root: Text,
    /// Where it is in its life.
    pub state: ProcessState,
    /// What a blocked process waits for.
    pub state_detail: Option<Text>,
    /// Its priority.
    pub priority: Priority,
    /// Its class.
    pub class: Class,
    /// Its nice value, -20 to 19.
    pub nice: i8,
    /// The CPU it runs on or ran on last; `null` before it ran.
    pub cpu: Option<u32>,
    /// The CPUs it may run on.
    pub affinity: Vec<u32>,
    /// Number of its threads.
    pub threads: u32,
    /// How far it is kept apart.
    pub isolation: Isolation,
    /// The sandbox that it is in; `null` for none.
    pub sandbox: Option<Sandbox>,
    /// Who it runs as.
    pub user: User,
    /// What it may do beyond its user's rights; `all` alone stands for every capability.
    pub capabilities: Vec<Text>,
    /// The service it belongs to.
    pub service: Option<Text>,
    /// When it was made.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub exit: Option<Exit>,
    /// What it used.
    pub usage: Usage,
    /// What it may use.
    pub limits: Limits,
    /// How often it has met that.
    pub limits_met: LimitsMet,
}

/// What a process used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Usage {
    /// CPU time.
    pub cpu: CpuUsage,
    /// Memory.
    pub memory: MemoryUsage,
    /// Input and output.
    pub io: IoUsage,
    /// Switches away from it.
    pub context_switches: ContextSwitches,
    /// Moves from one CPU to another.
    pub migrations: u64,
    /// Page faults.
    pub page_faults: PageFaults,
    /// Signals.
    pub signals: SignalCounts,
    /// Descriptors that are open.
    pub open_files: u32,
}

/// CPU time of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CpuUsage {
    /// In the program.
    pub user_ns: u64,
    /// In the kernel on its behalf.
    pub system_ns: u64,
    /// Both.
    pub total_ns: u64,
    /// Of one CPU, of late, in percent.
    pub percent: Hundredths,
}

/// Memory of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemoryUsage {
    /// Now.
    pub current_bytes: u64,
    /// At most so far.
    pub peak_bytes: u64,
    /// Of it, stacks.
    pub stack_bytes: u64,
    /// Of it, the heap.
    pub heap_bytes: u64,
}

/// Input and output of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IoUsage {
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// Calls that read.
    pub read_operations: u64,
    /// Calls that wrote.
    pub write_operations: u64,
}

/// Switches away from a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContextSwitches {
    /// Because it waited.
    pub voluntary: u64,
    /// Because another was to run.
    pub involuntary: u64,
}

/// Page faults of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PageFaults {
    /// Solved in memory.
    pub minor: u64,
    /// Needed a device.
    pub major: u64,
}

/// Signals of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignalCounts {
    /// Sent to it.
    pub received: u64,
    /// Caught by a handler of the program.
    pub handled: u64,
    /// Ignored.
    pub ignored: u64,
}

/// What a process may use; `null` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Limits {
    /// Memory.
    pub memory_bytes: Option<u64>,
    /// The stack of each thread.
    pub stack_bytes: Option<u64>,
    /// Open descriptors.
    pub open_files: Option<u64>,
    /// Processes and threads.
    pub processes: Option<u64>,
    /// CPU time in all.
    pub cpu_time_ns: Option<u64>,
    /// Share of one CPU in percent, over all its threads; above 100 is more than one CPU.
    pub cpu_percent: Option<u32>,
    /// Bytes read in a second.
    pub read_bytes_per_second: Option<u64>,
    /// Bytes written in a second.
    pub write_bytes_per_second: Option<u64>,
    /// Processes made in a second.
    pub processes_per_second: Option<u32>,
}

/// How often a process has met each of its limits, and its service's quotas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LimitsMet {
    /// A page was refused: the process was ended.
    pub memory_bytes: u32,
    /// The stack could not grow: SIGSEGV.
    pub stack_bytes: u32,
    /// A descriptor was refused: EMFILE.
    pub open_files: u32,
    /// A process or thread was refused: EAGAIN.
    pub processes: u32,
    /// The CPU time was used up: SIGXCPU at its own limit, the end at the operator's.
    pub cpu_time_ns: u32,
    /// Threads waited for the next period of 100 ms.
    pub cpu_percent: u32,
    /// Calls waited before they read.
    pub read_bytes_per_second: u32,
    /// Calls waited before they wrote.
    pub write_bytes_per_second: u32,
    /// A process was refused because others had just been made: EAGAIN.
    pub processes_per_second: u32,
}

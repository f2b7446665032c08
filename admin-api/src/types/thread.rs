//! One thread of a process: [`Thread`].

use serde::{Deserialize, Serialize};

use super::{Class, ContextSwitches, IoUsage, PageFaults, Priority, ProcessState, Text};

/// One thread of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Thread {
    /// Its number; the first thread's is the process's.
    pub tid: u32,
    /// The process that it belongs to.
    pub pid: u32,
    /// Its name.
    pub name: Text,
    /// What it does: `ready`, `running`, `blocked` or `suspended`.
    pub state: ProcessState,
    /// What a blocked thread waits for.
    pub state_detail: Option<Text>,
    /// Its priority.
    pub priority: Priority,
    /// Its class.
    pub class: Class,
    /// Its nice value, -20 to 19.
    pub nice: i8,
    /// The CPU it runs on or ran on last; `null` before it ran.
    pub cpu: Option<u32>,
    /// What it used.
    pub usage: ThreadUsage,
}

/// What a thread used. Memory, signals and open files belong to its process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ThreadUsage {
    /// CPU time.
    pub cpu: ThreadCpuUsage,
    /// Input and output.
    pub io: IoUsage,
    /// Switches away from it.
    pub context_switches: ContextSwitches,
    /// Moves from one CPU to another.
    pub migrations: u64,
    /// Page faults.
    pub page_faults: PageFaults,
}

/// CPU time of a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ThreadCpuUsage {
    /// In the program.
    pub user_ns: u64,
    /// In the kernel on its behalf.
    pub system_ns: u64,
    /// Both.
    pub total_ns: u64,
}

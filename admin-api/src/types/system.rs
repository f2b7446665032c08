//! The system as a whole: [`System`], and the probes' [`Health`].

use serde::{Deserialize, Serialize};

use super::{Disk, Hundredths, ServiceCounts, Text, Timestamp};

/// The system as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct System {
    /// `MultiOS`.
    pub name: Text,
    /// Version of the kernel.
    pub version: Text,
    /// Instruction set, such as `x86_64`.
    pub architecture: Text,
    /// What the machine runs under, such as `KVM` or `TCG`; `null` on bare hardware.
    pub hypervisor: Option<Text>,
    /// The kernel's command line, without secrets.
    pub command_line: Text,
    /// Made at random at each boot.
    pub boot_id: Text,
    /// When the kernel started.
    pub booted_at: Timestamp,
    /// The wall clock.
    pub now: Timestamp,
    /// Time since the kernel started.
    pub uptime_ns: u64,
    /// CPUs in short.
    pub cpus: CpuSummary,
    /// Memory in short.
    pub memory: MemorySummary,
    /// Average numbers of threads that run or want to.
    pub load: Load,
    /// Processes by state.
    pub processes: ProcessCounts,
    /// Threads of all processes.
    pub threads: u32,
    /// Services by state.
    #[serde(default)]
    pub services: ServiceCounts,
    /// The disk on which changes of services are kept; `null` without one: they are gone with the next boot.
    #[serde(default)]
    pub disk: Option<Disk>,
}

/// CPUs in short.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CpuSummary {
    /// Listed by the firmware.
    pub present: u32,
    /// Running.
    pub online: u32,
    /// Brand string of the first.
    pub model: Text,
    /// How busy they were of late, on average, in percent.
    pub busy_percent: Hundredths,
}

/// Memory in short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemorySummary {
    /// What the machine has.
    pub total_bytes: u64,
    /// In use.
    pub used_bytes: u64,
    /// Free.
    pub free_bytes: u64,
}

/// Load averages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Load {
    /// Over one minute.
    pub one_minute: Hundredths,
    /// Over five minutes.
    pub five_minutes: Hundredths,
    /// Over fifteen minutes.
    pub fifteen_minutes: Hundredths,
}

/// Numbers of processes by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProcessCounts {
    /// All that are listed, without the defunct.
    pub total: u32,
    /// Being made.
    pub new: u32,
    /// Wanting a CPU.
    pub ready: u32,
    /// On a CPU.
    pub running: u32,
    /// Waiting for something.
    pub blocked: u32,
    /// Stopped by an operator or a signal.
    pub suspended: u32,
    /// Exiting.
    pub terminated: u32,
    /// Exited and not yet waited for.
    pub zombie: u32,
    /// Gone; kept in the history.
    pub defunct: u32,
}

/// Answer of `/healthz` and `/readyz`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// `ok`; anything else is a problem with status 503.
    pub status: HealthStatus,
}

/// The only answer of a healthy system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// It works.
    Ok,
}

/// What to do with the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PowerAction {
    /// Stop everything and switch off.
    Shutdown,
    /// Stop everything and start again.
    Reboot,
}

/// Answer of `POST /system/shutdown` and `/system/reboot`: it has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PowerAnswer {
    /// What has begun.
    pub action: PowerAction,
}

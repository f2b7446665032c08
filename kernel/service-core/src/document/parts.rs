//! The parts of a document.

use alloc::string::String;
use alloc::vec::Vec;

use super::{
    ConditionKind, DEFAULT_GRACE_MS, DEFAULT_TIMEOUT_MS, NetworkRights, OnViolation, ProbeKind,
    ReadyWhen, RestartPolicy,
};
use crate::balance::Strategy;
use crate::version::Requirement;

/// What keeps a service's processes apart from the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// The directory that is their root. Program and working directory are looked up below it.
    pub root: String,
    /// What they may do with the network.
    pub network: NetworkRights,
    /// The system calls that they may make, by name; else the usual ones.
    pub system_calls: Option<Vec<String>>,
    /// What becomes of other calls.
    pub on_violation: OnViolation,
}

/// The port of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its number.
    pub listen: u16,
    /// Who gets the next connection.
    pub strategy: Strategy,
    /// The instances' weights, in their order; 1 for those that have none.
    pub weights: Vec<u32>,
}

/// That another service has to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The other one's name.
    pub service: String,
    /// Whether it is needed. Else it is waited for, if it is there and starts.
    pub required: bool,
    /// The versions that will do.
    pub version: Requirement,
    /// Time that it has to become ready.
    pub timeout_ms: u64,
}

/// What has to be so for a service to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What.
    pub kind: ConditionKind,
    /// Of which path.
    pub path: String,
}

/// What all processes of a service may use together. None is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Resident memory.
    pub memory_bytes: Option<u64>,
    /// Processes and threads.
    pub processes: Option<u32>,
    /// Open descriptors.
    pub open_files: Option<u32>,
    /// Share of CPU time, in percent of one CPU.
    pub cpu_percent: Option<u32>,
    /// Bytes read in a second.
    pub read_bytes_per_second: Option<u64>,
    /// Bytes written in a second.
    pub write_bytes_per_second: Option<u64>,
}

/// When an instance that was started can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// What makes it ready.
    pub ready_when: ReadyWhen,
    /// Time that it has for that.
    pub timeout_ms: u64,
}

/// When an instance is started again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// After which ends.
    pub policy: RestartPolicy,
    /// Time before the first attempt; twice as long before each further one.
    pub delay_ms: u64,
    /// The longest time before an attempt.
    pub max_delay_ms: u64,
    /// How often at the most within `window_ms`.
    pub max_restarts: u32,
    /// The window in which attempts are counted.
    pub window_ms: u64,
    /// A run of this length counts as good: the delay begins anew.
    pub reset_after_ms: u64,
    /// Exit codes that mean success.
    pub success_codes: Vec<u8>,
}

/// A check that is made again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// How.
    pub kind: ProbeKind,
    /// For TCP and HTTP: the port, if it is not the service's.
    pub port: Option<u16>,
    /// For HTTP: what is asked for.
    pub path: String,
    /// For a command: the program and its arguments.
    pub command: Vec<String>,
    /// Time between two checks.
    pub interval_ms: u64,
    /// Time for one.
    pub timeout_ms: u64,
    /// So many successes in a row make it healthy.
    pub healthy_after: u32,
    /// So many failures in a row make it unhealthy.
    pub unhealthy_after: u32,
}

/// How a service is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The signal that asks it to end, by name.
    pub signal: String,
    /// Time between that and force.
    pub grace_ms: u64,
    /// Time for open connections to end before the signal.
    pub drain_ms: u64,
}

words! {
    /// What a check is for.
    Purpose {
        /// Whether the instance has come up: what the others are for until it has.
        StartUp = "start_up",
        /// Whether it works.
        Liveness = "liveness",
        /// Whether it can be used.
        Readiness = "readiness",
    }
}

impl Dependency {
    /// That `service` is needed, in any version.
    #[must_use]
    pub fn on(service: &str) -> Self {
        Self {
            service: service.into(),
            required: true,
            version: Requirement::any(),
            timeout_ms: DEFAULT_TIMEOUT_MS,
        }
    }
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            policy: RestartPolicy::OnFailure,
            delay_ms: 100,
            max_delay_ms: 30_000,
            max_restarts: 5,
            window_ms: 60_000,
            reset_after_ms: 60_000,
            success_codes: alloc::vec![0],
        }
    }
}

impl Probe {
    /// A check of this kind, with everything else as when a document does not say.
    #[must_use]
    pub fn new(kind: ProbeKind) -> Self {
        Self {
            kind,
            port: None,
            path: "/".into(),
            command: Vec::new(),
            interval_ms: 5_000,
            timeout_ms: 1_000,
            healthy_after: 1,
            unhealthy_after: 3,
        }
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self { signal: "SIGTERM".into(), grace_ms: DEFAULT_GRACE_MS, drain_ms: DEFAULT_GRACE_MS }
    }
}

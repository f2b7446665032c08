//! [`Service`]: the document of a service, as it is kept in the image and on the wire.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::types::{Class, Isolation, Priority, SandboxRequest, Signal, Text};

use super::ServiceStatus;

words! {
    /// What a service is for.
    ServiceKind {
        /// Part of the system; the last to be stopped.
        System = "system",
        /// A program of a user.
        User = "user",
        /// Other services that belong together; it has no program of its own.
        Group = "group",
        /// Watches others.
        Monitoring = "monitoring",
        /// Spreads work over others.
        LoadBalancer = "load_balancer",
        /// Tells where others are.
        Discovery = "discovery",
    }
}

words! {
    /// How connections to a service's port are spread over its instances.
    BalanceStrategy {
        /// One after the other.
        RoundRobin = "round_robin",
        /// The one with the fewest open connections.
        LeastConnections = "least_connections",
        /// In proportion to the weights of the instances.
        Weighted = "weighted",
    }
}

words! {
    /// When an instance that ended by itself is started again.
    RestartPolicy {
        /// Whatever way it ended.
        Always = "always",
        /// Unless it ended with a code that counts as success.
        OnFailure = "on_failure",
        /// When a signal ended it, or a check or a time limit did.
        OnAbnormal = "on_abnormal",
        /// Not at all.
        Never = "never",
    }
}

words! {
    /// How the health of an instance is found out.
    HealthKind {
        /// Its process lives.
        Alive = "alive",
        /// A TCP connection to its port opens.
        Tcp = "tcp",
        /// Its port answers `GET path` with a status from 200 to 399.
        Http = "http",
        /// A command ends with code 0.
        Command = "command",
        /// It sends `WATCHDOG=1` to its notify socket at least once in each interval.
        Heartbeat = "heartbeat",
    }
}

words! {
    /// When an instance that was started counts as ready.
    ReadyWhen {
        /// As soon as its process runs.
        Running = "running",
        /// When its readiness check, or else its health check, says so.
        Healthy = "healthy",
        /// When it sends `READY=1` to its notify socket.
        Notified = "notified",
    }
}

words! {
    /// What a group does when one of its members ends.
    SupervisionStrategy {
        /// Restarts that member.
        OneForOne = "one_for_one",
        /// Restarts all members.
        OneForAll = "one_for_all",
        /// Restarts that member and those that stand after it.
        RestForOne = "rest_for_one",
    }
}

words! {
    /// What has to hold before a service is started.
    ConditionKind {
        /// There is something at the path.
        PathExists = "path_exists",
        /// There is nothing at the path.
        PathMissing = "path_missing",
    }
}

/// The document of a service. `GET` adds `revision` and `status`, which are ignored in what is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Service {
    /// Its name: a label of DNS in lower case, because `NAME.service` resolves to it.
    #[cfg_attr(
        feature = "openapi",
        schema(pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length = 63)
    )]
    pub name: Text,
    /// What it does, for people.
    pub description: Text,
    /// What it is for.
    pub kind: ServiceKind,
    /// Its version (semver.org), for the constraints of others.
    pub version: Text,
    /// Words to find it by.
    pub tags: Vec<Text>,
    /// Absolute path of the program; `null` for a group.
    pub program: Option<Text>,
    /// Its arguments, without the program's own name.
    pub args: Vec<Text>,
    /// Its environment.
    pub env: BTreeMap<String, Text>,
    /// Its working directory.
    pub cwd: Text,
    /// Name or number of the user that it runs as.
    pub user: Text,
    /// Priority of its processes.
    pub priority: Priority,
    /// Class of its processes.
    pub class: Class,
    /// How far its processes are kept apart.
    pub isolation: Isolation,
    /// The sandbox that each run of an instance is in, with all that it starts: for the isolation level
    /// `sandbox`. Program and working directory are looked up below its root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxRequest>,
    /// Whether it is started at boot.
    pub enabled: bool,
    /// How many instances of it run.
    pub instances: u32,
    /// The port in front of its instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<ServicePort>,
    /// The services that it uses.
    pub dependencies: Vec<Dependency>,
    /// Services that it is started after when both are started, and stopped before.
    #[serde(default)]
    pub after: Vec<Text>,
    /// Services that can't run at the same time.
    #[serde(default)]
    pub conflicts: Vec<Text>,
    /// What has to hold before it is started.
    #[serde(default)]
    pub conditions: Vec<ServiceCondition>,
    /// What its processes may use together.
    pub limits: ServiceLimits,
    /// When it counts as started.
    pub start: StartRule,
    /// What happens when an instance ends by itself.
    pub restart: RestartRule,
    /// How its liveness is checked, and its readiness unless `readiness` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthCheck>,
    /// How its readiness is checked: who fails it gets no new connections, and is not restarted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness: Option<HealthCheck>,
    /// How it is told to read its settings again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload: Option<ReloadRule>,
    /// How it is stopped.
    pub stop: StopRule,
    /// Its members; for the kind `group` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<ServiceGroup>,
    /// Counts the versions of this document; the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// How it is; the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ServiceStatus>,
}

impl Service {
    /// The document of a service of this name that says nothing else.
    #[must_use]
    pub fn named(name: Text) -> Self {
        Self {
            name,
            description: Text::default(),
            kind: ServiceKind::User,
            version: "0.0.0".into(),
            tags: Vec::new(),
            program: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            cwd: "/".into(),
            user: "root".into(),
            priority: Priority::Normal,
            class: Class::Service,
            isolation: Isolation::Process,
            sandbox: None,
            enabled: true,
            instances: 1,
            port: None,
            dependencies: Vec::new(),
            after: Vec::new(),
            conflicts: Vec::new(),
            conditions: Vec::new(),
            limits: ServiceLimits::default(),
            start: StartRule::default(),
            restart: RestartRule::default(),
            health: None,
            readiness: None,
            reload: None,
            stop: StopRule::default(),
            group: None,
            revision: None,
            status: None,
        }
    }
}

/// The port in front of a service's instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServicePort {
    /// The TCP port.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 65_535))]
    pub listen: u16,
    /// How connections are spread; else `round_robin`.
    pub strategy: BalanceStrategy,
    /// For `weighted`: the weights of the instances by their numbers, 1 to 1000; 1 for the others.
    #[serde(default)]
    pub weights: Vec<u32>,
}

/// A service that another one uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Dependency {
    /// Its name.
    pub service: Text,
    /// Whether the other one can't be without it; else `true`.
    pub required: bool,
    /// The versions that will do, such as `>=1.0, <2`; any when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Text>,
    /// How long it may take until it is ready; else 30,000.
    pub timeout_ms: u32,
}

/// What has to hold before a service is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceCondition {
    /// What is looked at.
    pub kind: ConditionKind,
    /// An absolute path.
    pub path: Text,
}

/// What the processes of a service may use together; no limit where none is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceLimits {
    /// Memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Processes and threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
    /// Open descriptors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u32>,
    /// CPU time, in percent of one CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<u32>,
    /// Bytes read in a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_bytes_per_second: Option<u64>,
    /// Bytes written in a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_bytes_per_second: Option<u64>,
}

/// When a service counts as started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartRule {
    /// What makes an instance ready; else `healthy` with a check, and `running` without.
    pub ready_when: ReadyWhen,
    /// How long an instance may take until it is ready; else 30,000.
    pub timeout_ms: u32,
}

impl Default for StartRule {
    fn default() -> Self {
        Self { ready_when: ReadyWhen::Running, timeout_ms: 30_000 }
    }
}

/// What happens when an instance ends by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RestartRule {
    /// When it is started again; else `on_failure`.
    pub policy: RestartPolicy,
    /// The delay before the first restart, which doubles with each one after it; else 100.
    pub delay_ms: u32,
    /// The longest delay; else 30,000.
    pub max_delay_ms: u32,
    /// More restarts than this within the window, and the service has failed; else 5.
    pub max_restarts: u32,
    /// The window; else 60,000.
    pub window_ms: u32,
    /// An instance that ran for so long begins again with the first delay; else 60,000.
    pub reset_after_ms: u32,
    /// Exit codes that count as success; else 0 alone.
    pub success_codes: Vec<i32>,
}

impl Default for RestartRule {
    fn default() -> Self {
        Self {
            policy: RestartPolicy::OnFailure,
            delay_ms: 100,
            max_delay_ms: 30_000,
            max_restarts: 5,
            window_ms: 60_000,
            reset_after_ms: 60_000,
            success_codes: [0].into(),
        }
    }
}

/// How the health of an instance is checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HealthCheck {
    /// How it is found out.
    pub kind: HealthKind,
    /// For `http`: the path; else `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Text>,
    /// For `tcp` and `http`: the port; else that of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// For `command`: the program and its arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<Text>,
    /// Time between two checks; else 5,000.
    pub interval_ms: u32,
    /// How long a check may take; else 1,000.
    pub timeout_ms: u32,
    /// So many good checks in a row make it healthy; else 1.
    pub healthy_after: u32,
    /// So many bad checks in a row make it unhealthy; else 3.
    pub unhealthy_after: u32,
}

impl HealthCheck {
    /// A check of this kind that says nothing else.
    #[must_use]
    pub fn of_kind(kind: HealthKind) -> Self {
        Self {
            kind,
            path: None,
            port: None,
            command: Vec::new(),
            interval_ms: 5000,
            timeout_ms: 1000,
            healthy_after: 1,
            unhealthy_after: 3,
        }
    }
}

/// How a service is told to read its settings again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReloadRule {
    /// The signal that its instances get.
    pub signal: Signal,
}

/// How a service is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StopRule {
    /// The signal that its instances get; else SIGTERM.
    pub signal: Signal,
    /// How long they have until SIGKILL; else 5,000.
    pub grace_ms: u32,
    /// How long open connections through its port have before the signal, at most; else 5,000.
    #[serde(default)]
    pub drain_ms: u32,
}

impl Default for StopRule {
    fn default() -> Self {
        Self { signal: Signal::TERM, grace_ms: 5000, drain_ms: 5000 }
    }
}

/// Services that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceGroup {
    /// What happens when a member ends; else `one_for_one`.
    pub strategy: SupervisionStrategy,
    /// The members, in the order in which they are started.
    pub members: Vec<Text>,
}

//! How a service is: [`ServiceStatus`] and [`ServiceInstance`].

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::types::{CpuUsage, Exit, IoUsage, Text, Timestamp};

use super::HealthState;

words! {
    /// Where a service is in its life.
    ServiceState {
        /// Not running, and free to be started.
        Stopped = "stopped",
        /// Waits for what it depends on, or for its instances to become ready.
        Starting = "starting",
        /// Enough of its instances are ready.
        Running = "running",
        /// Its instances are ending.
        Stopping = "stopping",
        /// Given up; the reason is told by `explain`.
        Failed = "failed",
        /// Not running, and not started at boot.
        Disabled = "disabled",
        /// Its processes are suspended.
        Paused = "paused",
    }
}

words! {
    /// Where an instance is in its life.
    InstanceState {
        /// Has no process.
        Stopped = "stopped",
        /// Runs, and is not ready for the first time yet.
        Starting = "starting",
        /// Runs.
        Running = "running",
        /// Is being ended.
        Stopping = "stopping",
        /// Ended by itself, and is started again after a delay.
        Waiting = "waiting",
        /// Ended by itself, and is not started again.
        Failed = "failed",
        /// Suspended.
        Paused = "paused",
    }
}

/// How a service is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceStatus {
    /// Where it is in its life.
    pub state: ServiceState,
    /// Why it is there, if there is more to say; of one that runs, what it says that it does.
    pub detail: Option<Text>,
    /// Since when.
    pub since: Timestamp,
    /// What its checks say, the worst of its instances.
    pub health: HealthState,
    /// Instances that are ready.
    pub ready_instances: u32,
    /// Its instances by number, with their main processes.
    pub instances: Vec<ServiceInstance>,
    /// Restarts of its instances that nobody asked for, since boot.
    pub restarts: u64,
    /// How the last instance ended.
    pub last_exit: Option<Exit>,
    /// When that was.
    pub last_exit_at: Option<Timestamp>,
    /// That end in words, with why it was ended if it was: a quota, a failed check, a time limit. Also when it
    /// could not be started at all.
    pub last_exit_reason: Option<Text>,
    /// The revision of the document that its instances were started by.
    pub applied_revision: Option<u64>,
    /// The operation that is under way for it.
    pub operation: Option<u64>,
    /// What all of its processes use.
    pub usage: ServiceUsage,
}

/// What all processes of a service use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceUsage {
    /// Processes.
    pub processes: u32,
    /// CPU time, of processes that ended too.
    pub cpu: CpuUsage,
    /// Memory now.
    pub memory_bytes: u64,
    /// Memory at most so far.
    pub peak_memory_bytes: u64,
    /// Input and output, of processes that ended too.
    pub io: IoUsage,
    /// Open descriptors.
    pub open_files: u32,
}

/// One instance of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceInstance {
    /// Its number, from 0.
    pub number: u32,
    /// Where it is in its life.
    pub state: InstanceState,
    /// Since when.
    pub since: Timestamp,
    /// Its main process.
    pub pid: Option<u32>,
    /// Whether it gets new connections.
    pub ready: bool,
    /// What it says that it does: its last `STATUS=` at the notify socket.
    pub status: Option<Text>,
    /// What its checks say.
    pub health: HealthState,
    /// Restarts that nobody asked for.
    pub restarts: u64,
    /// How its main process ended the last time.
    pub last_exit: Option<Exit>,
    /// When that was.
    pub last_exit_at: Option<Timestamp>,
    /// That end in words, with why.
    pub last_exit_reason: Option<Text>,
    /// When it is started again, while it waits.
    pub next_start_at: Option<Timestamp>,
    /// Connections through the service's port; `null` without one.
    pub connections: Option<InstanceConnections>,
}

/// Connections of an instance through the port of its service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstanceConnections {
    /// Open now.
    pub open: u64,
    /// Given to it so far.
    pub total: u64,
}

/// `PUT /services/{name}/instances`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ScaleRequest {
    /// How many instances are wanted, 1 to 1024.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1024))]
    pub count: u32,
}

/// `GET /services/{name}/resolve`: an instance, chosen as for a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Resolved {
    /// The service.
    pub service: Text,
    /// The instance's number.
    pub instance: u32,
    /// Its main process.
    pub pid: u32,
    /// The address of the service.
    pub address: Text,
    /// The port in front of it; `null` when it has none.
    pub port: Option<u16>,
}

/// Services by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceCounts {
    /// All of them.
    pub total: u32,
    /// Stopped.
    pub stopped: u32,
    /// Starting.
    pub starting: u32,
    /// Running.
    pub running: u32,
    /// Stopping.
    pub stopping: u32,
    /// Failed.
    pub failed: u32,
    /// Disabled.
    pub disabled: u32,
    /// Paused.
    pub paused: u32,
}

impl ServiceCounts {
    /// Counts one more service in this state.
    pub fn add(&mut self, state: ServiceState) {
        self.total += 1;
        let count = match state {
            ServiceState::Stopped => &mut self.stopped,
            ServiceState::Starting => &mut self.starting,
            ServiceState::Running => &mut self.running,
            ServiceState::Stopping => &mut self.stopping,
            ServiceState::Failed => &mut self.failed,
            ServiceState::Disabled => &mut self.disabled,
            ServiceState::Paused => &mut self.paused,
        };
        *count += 1;
    }
}

//! What the fake service manager remembers.

use std::collections::{BTreeMap, VecDeque};
use std::vec::Vec;

use crate::types::{
    Exit, HealthRecord, HealthState, InstanceConnections, InstanceState, Operation, Service,
    ServiceErrorCode, ServiceInstance, ServiceLine, ServiceRevision, ServiceState, Text, Timestamp,
};

/// All services and operations.
#[derive(Default)]
pub(in crate::fake) struct FakeServices {
    pub(super) services: BTreeMap<Text, FakeService>,
    pub(super) operations: BTreeMap<u64, Operation>,
    pub(super) last_operation: u64,
}

/// One service.
pub(super) struct FakeService {
    pub(super) document: Service,
    pub(super) revisions: VecDeque<ServiceRevision>,
    pub(super) state: ServiceState,
    pub(super) detail: Option<Text>,
    pub(super) since: Timestamp,
    /// When it began to start.
    pub(super) started_ns: u64,
    pub(super) failure: Option<ServiceErrorCode>,
    pub(super) instances: Vec<FakeInstance>,
    pub(super) restarts: u64,
    /// When the restarts of late were.
    pub(super) restarted_ns: VecDeque<u64>,
    pub(super) last_exit: Option<(Exit, Timestamp)>,
    pub(super) applied_revision: Option<u64>,
    /// Instances that were started before this are to be replaced.
    pub(super) replace_before_ns: Option<u64>,
    pub(super) is_held: bool,
    pub(super) lines: VecDeque<ServiceLine>,
    pub(super) line_count: u64,
    pub(super) checks: VecDeque<HealthRecord>,
    pub(super) turn: usize,
}

/// One instance.
pub(super) struct FakeInstance {
    pub(super) number: u32,
    pub(super) state: InstanceState,
    pub(super) since: Timestamp,
    pub(super) pid: Option<u32>,
    pub(super) started_ns: u64,
    pub(super) health: HealthState,
    pub(super) good_in_a_row: u32,
    pub(super) bad_in_a_row: u32,
    pub(super) good_total: u64,
    pub(super) bad_total: u64,
    pub(super) restarts: u64,
    /// Restarts since it last ran well.
    pub(super) tries: u32,
    pub(super) last_exit: Option<(Exit, Timestamp)>,
    pub(super) next_start_ns: Option<u64>,
    pub(super) next_check_ns: u64,
    pub(super) next_line_ns: u64,
    pub(super) connections: InstanceConnections,
    /// It is one too many, and goes away when it has ended.
    pub(super) is_surplus: bool,
}

impl FakeInstance {
    pub(super) fn new(number: u32, since: Timestamp) -> Self {
        Self {
            number,
            state: InstanceState::Stopped,
            since,
            pid: None,
            started_ns: 0,
            health: HealthState::Unknown,
            good_in_a_row: 0,
            bad_in_a_row: 0,
            good_total: 0,
            bad_total: 0,
            restarts: 0,
            tries: 0,
            last_exit: None,
            next_start_ns: None,
            next_check_ns: 0,
            next_line_ns: 0,
            connections: InstanceConnections::default(),
            is_surplus: false,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.state == InstanceState::Running && self.health != HealthState::Unhealthy
    }

    /// As it is told; `boot` is the wall clock at the start.
    pub(super) fn describe(&self, has_port: bool, boot: Timestamp) -> ServiceInstance {
        ServiceInstance {
            number: self.number,
            state: self.state,
            since: self.since,
            pid: self.pid,
            ready: self.is_ready(),
            status: None,
            health: self.health,
            restarts: self.restarts,
            last_exit: self.last_exit.map(|(exit, _)| exit),
            last_exit_at: self.last_exit.map(|(_, at)| at),
            last_exit_reason: self.last_exit.map(|(exit, _)| how(exit).into()),
            next_start_at: self
                .next_start_ns
                .map(|at_ns| Timestamp::from_unix_ms(boot.unix_ms() + at_ns / 1_000_000)),
            connections: has_port.then_some(self.connections),
        }
    }
}

/// How a process ended, in words.
pub(super) fn how(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exited with code {code}"),
        Exit::Signal { signal, .. } => format!("was ended by {signal}"),
    }
}

/// A number of things in a fake, which has no more than a few thousand of anything.
pub(super) fn count(things: usize) -> u32 {
    u32::try_from(things).unwrap_or(u32::MAX)
}

impl FakeService {
    pub(super) fn ready_instances(&self) -> u32 {
        count(self.instances.iter().filter(|instance| instance.is_ready()).count())
    }

    pub(super) fn health(&self) -> HealthState {
        let all = self.instances.iter().filter(|instance| instance.pid.is_some());
        all.map(|instance| instance.health).max().unwrap_or(HealthState::Unknown)
    }

    /// Whether something of it runs, or is going to.
    pub(super) fn is_up(&self) -> bool {
        use ServiceState::{Paused, Running, Starting, Stopping};
        matches!(self.state, Starting | Running | Stopping | Paused)
    }
}

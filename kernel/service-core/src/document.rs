//! What an operator says about a service: the document, as it lies in the image and as the API takes it.
//!
//! [`Document::check`] says what is wrong with one by itself; what it says about other services is the
//! graph's business. `fields` names every value for comparisons.

mod check;
mod fields;
mod parts;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::version::Version;

pub use fields::FieldChange;
pub use parts::{
    Condition, Dependency, Port, Probe, Purpose, Quotas, Restart, Sandbox, Start, Stop,
};

words! {
    /// What a service is for.
    Kind {
        /// Part of the system.
        System = "system",
        /// An ordinary one.
        User = "user",
        /// It has no program: it stands for its members.
        Group = "group",
        /// It watches others.
        Monitoring = "monitoring",
        /// It spreads connections.
        LoadBalancer = "load_balancer",
        /// It finds others.
        Discovery = "discovery",
    }
}

words! {
    /// The priority of its processes.
    Priority {
        /// Only when nothing else runs.
        Idle = "idle",
        /// Below normal.
        Low = "low",
        /// Normal.
        Normal = "normal",
        /// Above normal.
        High = "high",
        /// Before all that shares.
        RealTime = "real_time",
        /// Before everything.
        Critical = "critical",
    }
}

words! {
    /// The class of its processes.
    Class {
        /// Part of the system.
        System = "system",
        /// A user's.
        User = "user",
        /// A service's.
        Service = "service",
        /// In the background.
        Background = "background",
        /// Someone waits for its answers.
        Interactive = "interactive",
    }
}

words! {
    /// How its processes are kept apart from the rest.
    Isolation {
        /// By an address space of their own.
        Process = "process",
        /// And by a root and an allow-list of their own.
        Sandbox = "sandbox",
    }
}

words! {
    /// What processes in a sandbox may do with the network.
    NetworkRights {
        /// Nothing.
        None = "none",
        /// Connect.
        Connect = "connect",
        /// Listen.
        Listen = "listen",
        /// Both.
        Both = "both",
    }
}

words! {
    /// What becomes of a system call that a sandbox does not allow.
    OnViolation {
        /// It is refused.
        Refuse = "refuse",
        /// It ends the process.
        Kill = "kill",
    }
}

words! {
    /// When an instance that has ended is started again.
    RestartPolicy {
        /// However it ended.
        Always = "always",
        /// Unless it ended with a code that means success.
        OnFailure = "on_failure",
        /// When a signal, a failed check or a time limit ended it; not by any code of its own.
        OnAbnormal = "on_abnormal",
        /// Never.
        Never = "never",
    }
}

words! {
    /// What happens to the other members of a group when one has failed and starts again.
    Supervision {
        /// Nothing.
        OneForOne = "one_for_one",
        /// All are started again.
        OneForAll = "one_for_all",
        /// Those that come after it are started again.
        RestForOne = "rest_for_one",
    }
}

words! {
    /// How a check finds out whether an instance works.
    ProbeKind {
        /// Its process lives.
        Alive = "alive",
        /// Its port takes a connection.
        Tcp = "tcp",
        /// It answers an HTTP request with 2xx or 3xx.
        Http = "http",
        /// A program that is run for it exits with 0.
        Command = "command",
        /// It says `WATCHDOG=1` at least once in an interval.
        Heartbeat = "heartbeat",
    }
}

words! {
    /// When an instance that was started can be used.
    ReadyWhen {
        /// As soon as its process runs.
        Running = "running",
        /// When its check of readiness, or else of health, says so.
        Healthy = "healthy",
        /// When it says `READY=1`.
        Notified = "notified",
    }
}

words! {
    /// What has to be so for a service to start.
    ConditionKind {
        /// There is something at the path.
        PathExists = "path_exists",
        /// There is nothing at the path.
        PathMissing = "path_missing",
    }
}

/// A service as its operator wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its name: a DNS label.
    pub name: String,
    /// What it is, for people.
    pub description: String,
    /// What it is for.
    pub kind: Kind,
    /// Its version.
    pub version: Version,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Absolute path of its program; empty for a group.
    pub program: String,
    /// The program's arguments.
    pub args: Vec<String>,
    /// The program's environment.
    pub env: BTreeMap<String, String>,
    /// The program's working directory.
    pub cwd: String,
    /// Whose rights it has; else root's.
    pub user: Option<String>,
    /// Priority of its processes.
    pub priority: Priority,
    /// Class of its processes.
    pub class: Class,
    /// How they are kept apart.
    pub isolation: Isolation,
    /// The sandbox that each run of an instance is in, if they are kept apart by that.
    pub sandbox: Option<Sandbox>,
    /// Whether it starts at boot.
    pub enabled: bool,
    /// How many instances run.
    pub instances: u32,
    /// The port that its instances share.
    pub port: Option<Port>,
    /// What it needs.
    pub dependencies: Vec<Dependency>,
    /// What may not run beside it.
    pub conflicts: Vec<String>,
    /// What starts before it, if it starts at all.
    pub after: Vec<String>,
    /// What has to be so for it to start.
    pub conditions: Vec<Condition>,
    /// The services that a group stands for, in their order.
    pub members: Vec<String>,
    /// What happens to a group's members when one fails.
    pub supervision: Supervision,
    /// What it may use in all.
    pub limits: Quotas,
    /// When it is started again.
    pub restart: Restart,
    /// When it can be used.
    pub start: Start,
    /// Whether it works: who fails this is started again.
    pub health: Option<Probe>,
    /// Whether it can be used: who fails this gets no connections.
    pub readiness: Option<Probe>,
    /// The signal that has it read its configuration again, by name.
    pub reload: Option<String>,
    /// How it is stopped.
    pub stop: Stop,
}

/// Time that an instance has to become ready, if its document does not say (S9).
pub const DEFAULT_TIMEOUT_MS: u64 = 30_000;
/// Time between asking an instance to end and force, if its document does not say (S9).
pub const DEFAULT_GRACE_MS: u64 = 5_000;

impl Document {
    /// A service with this name and program, and everything else as when a document does not say.
    #[must_use]
    pub fn new(name: &str, program: &str, version: Version) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            kind: Kind::User,
            version,
            tags: Vec::new(),
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            cwd: "/".into(),
            user: None,
            priority: Priority::Normal,
            class: Class::Service,
            isolation: Isolation::Process,
            sandbox: None,
            enabled: true,
            instances: 1,
            port: None,
            dependencies: Vec::new(),
            conflicts: Vec::new(),
            after: Vec::new(),
            conditions: Vec::new(),
            members: Vec::new(),
            supervision: Supervision::OneForOne,
            limits: Quotas::default(),
            restart: Restart::default(),
            start: Start { ready_when: ReadyWhen::Running, timeout_ms: DEFAULT_TIMEOUT_MS },
            health: None,
            readiness: None,
            reload: None,
            stop: Stop::default(),
        }
    }

    /// The weight of an instance among those that share the port.
    #[must_use]
    pub fn weight_of(&self, index: u32) -> u32 {
        let weights = self.port.as_ref().map_or(&[][..], |port| &port.weights);
        usize::try_from(index).ok().and_then(|index| weights.get(index)).copied().unwrap_or(1)
    }

    /// The check of this purpose, if the document asks for it.
    #[must_use]
    pub fn probe(&self, purpose: Purpose) -> Option<&Probe> {
        match purpose {
            Purpose::StartUp => None,
            Purpose::Liveness => self.health.as_ref(),
            Purpose::Readiness => self.readiness.as_ref(),
        }
    }

    /// Whether a process started by the one is as one started by the other.
    #[must_use]
    pub fn is_run_alike(&self, other: &Self) -> bool {
        let run = |document: &Self| Self {
            // What the manager alone looks at, and takes from the present document.
            description: String::new(),
            tags: Vec::new(),
            enabled: true,
            instances: 1,
            dependencies: Vec::new(),
            conflicts: Vec::new(),
            after: Vec::new(),
            conditions: Vec::new(),
            restart: Restart::default(),
            ..document.clone()
        };
        run(self) == run(other)
    }

    /// Instances that are to run: a group has none.
    pub(crate) fn instance_count(&self) -> u32 {
        if self.kind == Kind::Group { 0 } else { self.instances }
    }
}

#[cfg(test)]
mod tests;

//! The service manager without hardware: documents, dependencies, lifecycle, restart, health, balancing.
//!
//! The kernel keeps one [`Manager`] behind one lock. It tells it what operators want ([`Request`]) and
//! what happened ([`Event`]), and carries out the [`Action`]s that it gets back. Nothing here knows a
//! process, a clock or a format: time is an argument ([`Instant`]), documents are values
//! ([`Document`]), chance comes from a seed.
//!
//! - `document`, `version`: what operators say, checked by itself. `graph`: what follows for the order.
//! - `restart`, `health`, `balance`: one policy each. `manager`: the lifecycle that joins them.
//! - `error`: why something asked for is refused. `failure`: why something does not run.
//! - `kept`: what lasts over a boot.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[macro_use]
mod words;

mod balance;
mod document;
mod error;
mod failure;
mod graph;
mod health;
mod kept;
mod manager;
mod random;
mod restart;
mod time;
mod version;

pub use balance::{Balancer, Candidate, Strategy};
pub use document::{
    Class, Condition, ConditionKind, DEFAULT_GRACE_MS, DEFAULT_TIMEOUT_MS, Dependency, Document,
    FieldChange, Isolation, Kind, NetworkRights, OnViolation, Port, Priority, Probe, ProbeKind,
    Purpose, Quotas, ReadyWhen, Restart, RestartPolicy, Sandbox, Start, Stop, Supervision,
};
pub use error::{DependencyProblem, FieldError, ServiceError};
pub use failure::{End, Ending, Failure, Lost};
pub use graph::{Direction, Edge, EdgeKind, Graph};
pub use health::{CheckResult, Health, Tally};
pub use kept::{Kept, KeptError, KeptRevision};
pub use manager::{
    Action, Because, Event, Halt, InstanceState, InstanceView, Manager, Means, Operation, Outcome,
    PlanAction, PlanReason, PlanStep, Progress, REVISIONS, Reason, Report, ReportKind, Request,
    RequestKind, Revision, RunId, ServiceId, ServiceView, StateName, summary,
};
pub use time::Instant;
pub use version::{BadVersion, Requirement, Version};

//! One service: its goal, its phase, its documents.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Actor;
use super::action::{RunId, ServiceId};
use super::halt::Halt;
use super::instance::{Instance, InstanceState};
use crate::balance::Balancer;
use crate::document::{Document, Kind};
use crate::failure::Failure;
use crate::time::Instant;

/// Documents kept of each service, with the present one.
pub const REVISIONS: usize = 16;

words! {
    /// The state of a service, as operators see it (S7).
    StateName {
        /// It does not run.
        Stopped = "stopped",
        /// It will run, and is not ready yet.
        Starting = "starting",
        /// It can be used.
        Running = "running",
        /// It is being stopped.
        Stopping = "stopping",
        /// It should run and does not.
        Failed = "failed",
        /// It does not run, and is not started at boot.
        Disabled = "disabled",
        /// Its processes are suspended.
        Paused = "paused",
    }
}

/// What is wanted of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Stopped,
    Running,
}

/// Where a service is on its way to its goal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing of it runs.
    Down,
    /// Nothing of it runs: it has done what it was for.
    Completed,
    /// It waits for what comes before it.
    Waiting { since: Instant },
    /// Its conditions are being looked at.
    Checking,
    /// Its instances run, or are about to. Whether it can be used is theirs to say.
    Up,
    /// Its processes are suspended.
    Paused,
    /// Its instances are being stopped; then it has failed, or it is down.
    Stopping { then: Option<Failure> },
    /// It has failed.
    Failed(Failure),
}

/// A document that a service has or had.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// Its number; the first one of a service has number 1.
    pub number: u64,
    /// Since when.
    pub at: Instant,
    /// Since when by the wall clock, if that was before this boot; `at` says nothing then.
    pub earlier_wall_ns: Option<i64>,
    /// Who wrote it; nobody for the image's own.
    pub actor: Option<Arc<str>>,
    /// The document.
    pub document: Arc<Document>,
}

/// One service.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) id: ServiceId,
    pub(super) name: Arc<str>,
    pub(super) revision: Revision,
    /// The documents before, the oldest first.
    pub(super) earlier: VecDeque<Revision>,
    pub(super) goal: Goal,
    pub(super) phase: Phase,
    pub(super) instances: Vec<Instance>,
    /// Instances of runs up to this number are to be started again, one after the other.
    pub(super) rolling_from: Option<u64>,
    /// Its port is open in front of the instances.
    pub(super) has_port_open: bool,
    pub(super) balancer: Balancer,
    /// What its neighbours and operators have been told last.
    pub(super) told: Told,
    pub(super) since: Instant,
    /// Who had it stopped, since it was last started.
    pub(super) halt: Option<Halt>,
    pub(super) timer: Option<Instant>,
}

/// What others know of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) state: StateName,
    pub(super) is_satisfied: bool,
    pub(super) is_down: bool,
    pub(super) is_leaving: bool,
}

impl Service {
    pub(super) fn new(id: ServiceId, document: Document, now: Instant, actor: Actor<'_>) -> Self {
        let name: Arc<str> = document.name.as_str().into();
        let state = if document.enabled { StateName::Stopped } else { StateName::Disabled };
        Self {
            id,
            name,
            revision: Revision {
                number: 1,
                at: now,
                earlier_wall_ns: None,
                actor: actor.map(Arc::from),
                document: Arc::new(document),
            },
            earlier: VecDeque::new(),
            goal: Goal::Stopped,
            phase: Phase::Down,
            instances: Vec::new(),
            rolling_from: None,
            has_port_open: false,
            balancer: Balancer::default(),
            told: Told { state, is_satisfied: false, is_down: true, is_leaving: true },
            since: now,
            halt: None,
            timer: None,
        }
    }

    pub(super) fn document(&self) -> &Arc<Document> {
        &self.revision.document
    }

    pub(super) fn is_group(&self) -> bool {
        self.document().kind == Kind::Group
    }

    /// Takes another document; the present one joins the earlier ones.
    pub(super) fn revise(&mut self, document: Document, now: Instant, actor: Actor<'_>) {
        let number = self.revision.number + 1;
        let revision = Revision {
            number,
            at: now,
            earlier_wall_ns: None,
            actor: actor.map(Arc::from),
            document: Arc::new(document),
        };
        let before = core::mem::replace(&mut self.revision, revision);
        self.remember([before]);
    }

    /// Adds documents to the earlier ones, of which the newest are kept.
    pub(super) fn remember(&mut self, documents: impl IntoIterator<Item = Revision>) {
        self.earlier.extend(documents);
        while self.earlier.len() >= REVISIONS {
            self.earlier.pop_front();
        }
    }

    pub(super) fn ready_count(&self) -> usize {
        self.instances.iter().filter(|instance| instance.state == InstanceState::Ready).count()
    }

    /// Whether who needs it can run.
    pub(super) fn is_satisfied(&self) -> bool {
        match self.phase {
            Phase::Completed => true,
            Phase::Up => self.is_group() || self.ready_count() > 0,
            _ => false,
        }
    }

    /// Whether nothing of it runs.
    pub(super) fn is_down(&self) -> bool {
        self.instances.iter().all(|instance| !instance.state.is_alive())
    }

    /// Whether its instances run, or are about to, and are to.
    pub(super) fn is_going(&self) -> bool {
        self.goal == Goal::Running && self.phase == Phase::Up
    }

    /// Whether it is to be down.
    pub(super) fn is_leaving(&self) -> bool {
        self.goal == Goal::Stopped
            || matches!(self.phase, Phase::Stopping { .. } | Phase::Failed(_))
    }

    /// Whether it is on its way to being of use, so that who is ordered after it waits.
    pub(super) fn is_coming(&self) -> bool {
        self.goal == Goal::Running
            && !self.is_satisfied()
            && matches!(
                self.phase,
                Phase::Down
                    | Phase::Waiting { .. }
                    | Phase::Checking
                    | Phase::Up
                    | Phase::Stopping { then: None }
            )
    }

    /// Whether nothing of it runs, and nothing will by itself.
    pub(super) fn is_at_rest(&self) -> bool {
        self.goal == Goal::Stopped && matches!(self.phase, Phase::Down | Phase::Completed)
    }

    pub(super) fn state(&self) -> StateName {
        match self.phase {
            Phase::Down | Phase::Completed if self.document().enabled => StateName::Stopped,
            Phase::Down | Phase::Completed => StateName::Disabled,
            Phase::Waiting { .. } | Phase::Checking => StateName::Starting,
            Phase::Up if self.is_satisfied() => StateName::Running,
            Phase::Up => StateName::Starting,
            Phase::Paused => StateName::Paused,
            Phase::Stopping { .. } => StateName::Stopping,
            Phase::Failed(_) => StateName::Failed,
        }
    }

    pub(super) fn telling(&self) -> Told {
        Told {
            state: self.state(),
            is_satisfied: self.is_satisfied(),
            is_down: self.is_down(),
            is_leaving: self.is_leaving(),
        }
    }

    /// The failure that it is in, or is about to be in.
    pub(super) fn failure(&self) -> Option<&Failure> {
        match &self.phase {
            Phase::Failed(failure) | Phase::Stopping { then: Some(failure) } => Some(failure),
            _ => None,
        }
    }

    pub(super) fn run_id(&self, index: u32) -> Option<RunId> {
        let run = self.instance(index)?.run.as_ref()?.number;
        Some(RunId { service: self.id, index, run })
    }

    pub(super) fn instance(&self, index: u32) -> Option<&Instance> {
        self.instances.get(usize::try_from(index).ok()?)
    }

    pub(super) fn instance_mut(&mut self, index: u32) -> Option<&mut Instance> {
        self.instances.get_mut(usize::try_from(index).ok()?)
    }

    /// The numbers of its instances.
    pub(super) fn indices(&self) -> core::ops::Range<u32> {
        0..u32::try_from(self.instances.len()).unwrap_or(u32::MAX)
    }
}

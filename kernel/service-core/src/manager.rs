//! The lifecycle of all services: [`Manager`].
//!
//! Each service has a goal and a phase. Whatever happens only changes those of the services that it
//! concerns and marks them; `reconcile` then moves every marked service as far as its neighbours let
//! it, and marks the neighbours when it has moved. So the parallel start in the order of the
//! dependencies, the reverse order of stopping and the spreading of failures are one rule each.
//!
//! - `service`, `instance`: the states. `action`: what comes in and what goes out.
//! - `requests`, `documents`: what operators ask for. `reconcile`: the rule. `runs`: instances. `checks`: their health.
//! - `groups`: supervision. `operations`, `progress`: what became of requests. `halt`: who had something
//!   stopped. `explain`, `plan`, `view`: answers.

mod action;
mod checks;
mod documents;
mod explain;
mod groups;
mod halt;
mod instance;
mod operations;
mod outcome;
mod plan;
mod progress;
mod reconcile;
mod requests;
mod runs;
mod service;
mod view;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::error::ServiceError;
use crate::failure::Failure;
use crate::graph::Graph;
use crate::random::Random;
use crate::time::Instant;
use operations::Operations;
use service::{Goal, Phase, Service};

pub use action::{Action, Event, Report, ReportKind, Request, RequestKind, RunId, ServiceId};
pub use explain::{Because, Reason, summary};
pub use halt::{Halt, Means};
pub use instance::InstanceState;
pub use operations::Operation;
pub use outcome::Outcome;
pub use plan::{PlanAction, PlanReason, PlanStep};
pub use progress::Progress;
pub use service::{REVISIONS, Revision, StateName};
pub use view::{InstanceView, ServiceView};

/// Services that can be registered.
const MOST_SERVICES: usize = 4096;

/// All services.
#[derive(Debug)]
pub struct Manager {
    services: BTreeMap<ServiceId, Service>,
    ids: BTreeMap<Arc<str>, ServiceId>,
    graph: Graph,
    /// When an instance, or a service itself, needs attention.
    timers: BTreeSet<(Instant, ServiceId, Option<u32>)>,
    /// Services that may be able to move.
    marked: BTreeSet<ServiceId>,
    actions: Vec<Action>,
    operations: Operations,
    random: Random,
    next_service: u32,
    next_run: u64,
    next_ticket: u64,
    shutdown: Shutdown,
}

/// Who wants something; nobody for the system itself.
type Actor<'a> = Option<&'a str>;

/// Whether the system is going down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shutdown {
    No,
    Begun,
    Told,
}

impl Manager {
    /// No services. `seed` scatters the delays of restarts.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            services: BTreeMap::new(),
            ids: BTreeMap::new(),
            graph: Graph::default(),
            timers: BTreeSet::new(),
            marked: BTreeSet::new(),
            actions: Vec::new(),
            operations: Operations::default(),
            random: Random::new(seed),
            next_service: 1,
            next_run: 1,
            next_ticket: 1,
            shutdown: Shutdown::No,
        }
    }

    /// Takes in what happened, and says what is to be done about it, in this order.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        match event {
            Event::Tick => {}
            Event::Boot => self.boot(now),
            Event::Shutdown => self.shut_down(),
            Event::Launched(run) => self.launched(now, run),
            Event::Ended { run, end } => self.run_ended(now, run, end),
            Event::LostProcess { run, pid, quota_bytes } => {
                self.lost_process(run, pid, quota_bytes);
            }
            Event::Drained(run) => self.drained(now, run),
            Event::Conditions { service, unmet } => self.conditions_checked(now, service, unmet),
            Event::PortFailed { service, why } => self.fail(now, service, Failure::Port(why)),
            Event::Checked { run, ticket, purpose, is_success, detail } => {
                self.checked(now, run, (ticket, purpose), is_success, detail);
            }
            Event::SaidReady(run) => self.said_ready(now, run),
            Event::Beat(run) => self.beat(now, run),
            Event::SaidStatus { run, status } => self.said_status(run, &status),
        }
        self.settle(now)
    }

    /// Takes in what an operator wants: the number of the operation that began, and what is to be done
    /// for it.
    ///
    /// # Errors
    /// Why it is refused; nothing has changed then.
    pub fn request(
        &mut self,
        now: Instant,
        request: &Request,
        actor: Option<&str>,
    ) -> Result<(u64, Vec<Action>), ServiceError> {
        let operation = self.carry_out(now, request, actor)?;
        Ok((operation, self.settle(now)))
    }

    /// When [`Event::Tick`] is due.
    #[must_use]
    pub fn next_tick(&self) -> Option<Instant> {
        self.timers.first().map(|(at, ..)| *at)
    }

    /// Lets everything move that can, until nothing does.
    fn settle(&mut self, now: Instant) -> Vec<Action> {
        while let Some((at, id, index)) = self.timers.first().copied()
            && at <= now
        {
            self.timers.pop_first();
            match index {
                Some(index) => self.instance_due(now, id, index),
                None => self.service_due(id),
            }
            self.marked.insert(id);
        }
        while let Some(id) = self.marked.pop_first() {
            self.reconcile(now, id);
        }
        if self.shutdown == Shutdown::Begun && self.services.values().all(Service::is_at_rest) {
            self.shutdown = Shutdown::Told;
            self.actions.push(Action::AllStopped);
        }
        core::mem::take(&mut self.actions)
    }

    fn boot(&mut self, now: Instant) {
        let enabled = self.services.values().filter(|service| service.document().enabled);
        let names: Vec<_> = enabled.map(|service| Arc::clone(&service.name)).collect();
        for name in names {
            self.start_at_boot(now, &name);
        }
    }

    fn shut_down(&mut self) {
        if self.shutdown != Shutdown::No {
            return;
        }
        self.shutdown = Shutdown::Begun;
        for (id, service) in &mut self.services {
            service.goal = Goal::Stopped;
            self.marked.insert(*id);
        }
    }

    fn id(&self, name: &str) -> Result<ServiceId, ServiceError> {
        self.ids.get(name).copied().ok_or_else(|| ServiceError::NotFound(name.into()))
    }

    fn by_name(&self, name: &str) -> Option<&Service> {
        self.services.get(self.ids.get(name)?)
    }

    fn mark_by_name(&mut self, name: &str) {
        if let Some(id) = self.ids.get(name) {
            self.marked.insert(*id);
        }
    }

    fn report(&mut self, service: &Arc<str>, kind: ReportKind) {
        self.actions.push(Action::Report(Report { service: Arc::clone(service), kind }));
    }

    /// A service fails, and with it those that need it.
    fn fail(&mut self, now: Instant, id: ServiceId, failure: Failure) {
        let mut open = alloc::vec![(id, failure)];
        while let Some((id, failure)) = open.pop() {
            let Some(service) = self.services.get_mut(&id) else { continue };
            let is_first = match service.phase {
                Phase::Waiting { .. } | Phase::Checking | Phase::Up | Phase::Paused => true,
                Phase::Stopping { then: None } => service.goal == Goal::Running,
                _ => false,
            };
            if !is_first {
                continue;
            }
            self.leave_pause(now, id);
            let Some(service) = self.services.get_mut(&id) else { continue };
            service.rolling_from = None;
            service.phase = Phase::Stopping { then: Some(failure) };
            let name = Arc::clone(&service.name);
            self.marked.insert(id);
            for (other, kind) in self.graph.before(&name) {
                if kind.is_needed()
                    && let Some(other) = self.ids.get(other)
                {
                    open.push((*other, Failure::Dependency(Arc::clone(&name))));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! What is seen from outside: snapshots of services and their instances, and instances to use.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Manager;
use super::action::{RunId, ServiceId};
use super::instance::{Instance, InstanceState, Run};
use super::service::{Service, StateName};
use crate::balance::{Candidate, Strategy};
use crate::document::Document;
use crate::error::ServiceError;
use crate::failure::{Ending, Failure};
use crate::graph::{Edge, EdgeKind};
use crate::health::{CheckResult, Health, Tally};
use crate::time::Instant;

/// One service at one moment.
#[derive(Clone, Debug)]
pub struct ServiceView {
    /// Its document.
    pub document: Arc<Document>,
    /// The document's number.
    pub revision: u64,
    /// Its state.
    pub state: StateName,
    /// Since when.
    pub since: Instant,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// Whether it works, over all instances.
    pub health: Health,
    /// Instances that can be used.
    pub ready: u32,
    /// How often its instances have been started again because they ended.
    pub restarts: u64,
    /// Its last end, over all instances.
    pub last_end: Option<Ending>,
    /// Whether instances run that were started with another document, which differs in more than it takes to
    /// change at once.
    pub needs_restart: bool,
    /// Its instances.
    pub instances: Vec<InstanceView>,
}

/// One instance at one moment.
#[derive(Clone, Debug)]
pub struct InstanceView {
    /// Its number.
    pub index: u32,
    /// Its state.
    pub state: InstanceState,
    /// Since when.
    pub since: Instant,
    /// What its checks have said in this run: the one for life, or else the one for readiness.
    pub tally: Tally,
    /// The revision of the document that the run was started with.
    pub revision: Option<u64>,
    /// Its run, if it has processes.
    pub run: Option<RunId>,
    /// When that run was started.
    pub started_at: Option<Instant>,
    /// Whether it works.
    pub health: Health,
    /// How often it has been started again because it ended.
    pub restarts: u64,
    /// How it ended the last time.
    pub last_end: Option<Ending>,
    /// Its weight among those that share the port.
    pub weight: u32,
    /// What it says that it does.
    pub status: Option<String>,
}

impl Manager {
    /// One service.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub fn view(&self, name: &str) -> Result<ServiceView, ServiceError> {
        let service = self.by_name(name).ok_or_else(|| ServiceError::NotFound(name.into()))?;
        Ok(service.view())
    }

    /// Up to `limit` services whose names come after `after`.
    #[must_use]
    pub fn views_after(&self, after: &str, limit: usize) -> Vec<ServiceView> {
        use core::ops::Bound::{Excluded, Unbounded};
        let names = self.ids.range::<str, _>((Excluded(after), Unbounded));
        names.filter_map(|(_, id)| self.services.get(id)).take(limit).map(Service::view).collect()
    }

    /// How many services there are in each state, in the order of [`StateName::ALL`].
    #[must_use]
    pub fn counts(&self) -> Vec<(StateName, u32)> {
        let count = |state: StateName| {
            let found = self.services.values().filter(|service| service.state() == state).count();
            u32::try_from(found).unwrap_or(u32::MAX)
        };
        StateName::ALL.iter().map(|state| (*state, count(*state))).collect()
    }

    /// The service of this name.
    #[must_use]
    pub fn id_of(&self, name: &str) -> Option<ServiceId> {
        self.ids.get(name).copied()
    }

    /// Whether a service is still registered.
    #[must_use]
    pub fn is_known(&self, id: ServiceId) -> bool {
        self.services.contains_key(&id)
    }

    /// The results of the checks of one instance, the oldest first.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::InvalidHandle`].
    pub fn checks_of(&self, name: &str, index: u32) -> Result<Vec<CheckResult>, ServiceError> {
        let service = self.by_name(name).ok_or_else(|| ServiceError::NotFound(name.into()))?;
        let instance = service.instance(index).ok_or(ServiceError::InvalidHandle(index.into()))?;
        Ok(instance.history.iter().cloned().collect())
    }

    /// The service of a run, and the run's document, as long as it has processes.
    #[must_use]
    pub fn run_document(&self, id: RunId) -> Option<Arc<Document>> {
        let instance = self.services.get(&id.service)?.instance(id.index)?;
        let run = instance.run.as_ref().filter(|run| run.number == id.run)?;
        instance.state.is_alive().then(|| Arc::clone(&run.document))
    }

    /// An instance of a service for one connection, chosen as its document says. `connections` tells how
    /// many an instance has.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]; [`ServiceError::Discovery`] if none is ready.
    pub fn resolve(
        &mut self,
        name: &str,
        connections: impl Fn(RunId) -> u32,
    ) -> Result<RunId, ServiceError> {
        let id = self.id(name)?;
        let none = || ServiceError::Discovery { service: name.into() };
        let service = self.services.get_mut(&id).ok_or_else(none)?;
        let document = Arc::clone(service.document());
        let strategy = document.port.as_ref().map_or(Strategy::RoundRobin, |port| port.strategy);
        let mut candidates = Vec::new();
        for index in service.indices() {
            let is_ready = |instance: &Instance| instance.state == InstanceState::Ready;
            if service.instance(index).is_some_and(is_ready)
                && let Some(run) = service.run_id(index)
            {
                let (weight, connections) = (document.weight_of(index), connections(run));
                candidates.push(Candidate { member: index.into(), weight, connections });
            }
        }
        let chosen = service.balancer.choose(strategy, &candidates).ok_or_else(none)?;
        let index = u32::try_from(chosen).map_err(|_| none())?;
        service.run_id(index).ok_or_else(none)
    }

    /// What a service points to, and what for.
    #[must_use]
    pub fn edges_of(&self, name: &str) -> Vec<(Arc<str>, EdgeKind)> {
        self.graph.after(name).cloned().collect()
    }

    /// All edges between services, also those to services that are not there.
    #[must_use]
    pub fn edges(&self) -> Vec<Edge> {
        self.graph.edges().collect()
    }

    /// A service and what a start of it starts, too.
    #[must_use]
    pub fn start_closure(&self, name: &str) -> BTreeSet<Arc<str>> {
        self.start_set(&name.into())
    }

    /// Services by the order in which they could start.
    #[must_use]
    pub fn levels_of(&self, services: &BTreeSet<Arc<str>>) -> Vec<Vec<Arc<str>>> {
        self.graph.levels(services)
    }

    /// All services by the order in which they could start.
    #[must_use]
    pub fn start_order(&self) -> Vec<Vec<Arc<str>>> {
        self.graph.levels(&self.ids.keys().cloned().collect())
    }
}

impl Service {
    fn view(&self) -> ServiceView {
        let last_ends = self.instances.iter().filter_map(|instance| instance.last_end.clone());
        ServiceView {
            document: Arc::clone(self.document()),
            revision: self.revision.number,
            state: self.state(),
            since: self.since,
            failure: self.failure().cloned(),
            health: self.health(),
            ready: u32::try_from(self.ready_count()).unwrap_or(u32::MAX),
            restarts: self.instances.iter().map(|instance| instance.restarts.total()).sum(),
            last_end: last_ends.max_by_key(|ending| ending.at),
            needs_restart: self.needs_restart(),
            instances: self.indices().filter_map(|index| self.instance_view(index)).collect(),
        }
    }

    fn instance_view(&self, index: u32) -> Option<InstanceView> {
        let instance = self.instance(index)?;
        let run = instance.run.as_ref().filter(|_| instance.state.is_alive());
        Some(InstanceView {
            index,
            state: instance.state.clone(),
            since: instance.since,
            tally: run.and_then(Run::tally).unwrap_or_default(),
            revision: run.map(|run| run.revision),
            run: run.and_then(|_| self.run_id(index)),
            started_at: run.map(|run| run.launched_at),
            health: instance.health(),
            restarts: instance.restarts.total(),
            last_end: instance.last_end.clone(),
            weight: self.document().weight_of(index),
            status: run.and_then(|run| run.status.clone()),
        })
    }

    /// What its instances say that they do: of the first one that says anything, with its number if it is
    /// not the only one.
    pub(super) fn words(&self) -> Option<String> {
        let of = |index| {
            let instance = self.instance(index).filter(|instance| instance.state.is_alive())?;
            Some((index, instance.run.as_ref()?.status.as_deref()?))
        };
        let (index, status) = self.indices().find_map(of)?;
        let is_alone = self.instances.len() == 1;
        Some(if is_alone { status.into() } else { format!("instance {index}: {status}") })
    }

    /// The worst that is known of an instance.
    fn health(&self) -> Health {
        let all = || self.instances.iter().map(Instance::health);
        if all().any(|health| health == Health::Unhealthy) {
            Health::Unhealthy
        } else if !self.instances.is_empty() && all().all(|health| health == Health::Healthy) {
            Health::Healthy
        } else {
            Health::Unknown
        }
    }

    fn needs_restart(&self) -> bool {
        let now = self.document();
        self.instances.iter().filter(|instance| instance.state.is_alive()).any(|instance| {
            instance.run.as_ref().is_some_and(|run| {
                let then = &run.document;
                !Arc::ptr_eq(then, now) && !then.is_run_alike(now)
            })
        })
    }
}

//! What became of requests: the last operations, with their ends.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::action::{ReportKind, RequestKind, ServiceId};
use super::instance::InstanceState;
use super::plan::PlanStep;
use super::requests::is_immediate;
use super::service::{Goal, Phase, Service};
use super::{Actor, Manager};
use crate::error::ServiceError;
use crate::time::Instant;

/// Operations kept.
const KEPT: usize = 512;

/// Something that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Its number.
    pub id: u64,
    /// What was asked for.
    pub kind: RequestKind,
    /// Of which service.
    pub service: Arc<str>,
    /// Who asked.
    pub actor: Option<Arc<str>>,
    /// What it consists of.
    pub plan: Vec<PlanStep>,
    /// Runs from this number on began after it did.
    pub(super) first_run: u64,
    /// When.
    pub began_at: Instant,
    /// When and how it ended.
    pub ended: Option<(Instant, Result<(), ServiceError>)>,
}

/// The last ones.
#[derive(Debug, Default)]
pub(super) struct Operations {
    all: BTreeMap<u64, Operation>,
    /// Those that have ended, in the order of their ends.
    over: VecDeque<u64>,
    /// Those that have not, by service.
    open: BTreeMap<ServiceId, Vec<u64>>,
    last: u64,
}

impl Manager {
    pub(super) fn begin_operation(
        &mut self,
        now: Instant,
        kind: RequestKind,
        service: Arc<str>,
        plan: Vec<PlanStep>,
        actor: Actor<'_>,
    ) -> u64 {
        let target = self.ids.get(&service).copied();
        let first_run = self.next_run;
        let operations = &mut self.operations;
        operations.last += 1;
        let id = operations.last;
        let operation = Operation {
            id,
            kind,
            service,
            actor: actor.map(Arc::from),
            plan,
            first_run,
            began_at: now,
            ended: None,
        };
        operations.all.insert(id, operation);
        let is_done = is_immediate(kind) || target.is_some_and(|id| self.only_revises(kind, id));
        let operations = &mut self.operations;
        match target.filter(|_| !is_done) {
            Some(target) => {
                operations.open.entry(target).or_default().push(id);
                self.marked.insert(target);
            }
            None => self.end_operation(now, id, Ok(())),
        }
        id
    }

    /// Whether all that changes is the document: a service that has failed waits for somebody to start it.
    fn only_revises(&self, kind: RequestKind, id: ServiceId) -> bool {
        let has_failed =
            self.services.get(&id).is_some_and(|service| matches!(service.phase, Phase::Failed(_)));
        has_failed
            && matches!(kind, RequestKind::Update | RequestKind::RollBack | RequestKind::Scale)
    }

    fn end_operation(&mut self, now: Instant, id: u64, result: Result<(), ServiceError>) {
        let Some(operation) = self.operations.all.get_mut(&id) else { return };
        let is_success = result.is_ok();
        operation.ended = Some((now, result));
        let (service, kind) = (Arc::clone(&operation.service), operation.kind);
        self.operations.over.push_back(id);
        if self.operations.over.len() > KEPT
            && let Some(oldest) = self.operations.over.pop_front()
        {
            self.operations.all.remove(&oldest);
        }
        if !is_immediate(kind) {
            self.report(&service, ReportKind::OperationEnded { id, is_success });
        }
    }

    /// Ends the operations on a service that have got what they wanted, or never will, and those on groups:
    /// it may be the member that they waited for.
    pub(super) fn finish_operations(&mut self, now: Instant, id: ServiceId) {
        let is_group = |other: &ServiceId| self.services.get(other).is_some_and(Service::is_group);
        let open = self.operations.open.keys().copied();
        let concerned: Vec<_> = open.filter(|other| *other == id || is_group(other)).collect();
        for concerned in concerned {
            self.finish_own_operations(now, concerned);
        }
    }

    fn finish_own_operations(&mut self, now: Instant, id: ServiceId) {
        let Some(open) = self.operations.open.remove(&id) else { return };
        let mut left = Vec::new();
        for operation in open {
            let Some(kind) = self.operations.all.get(&operation).map(|known| known.kind) else {
                continue;
            };
            let Some(service) = self.services.get(&id) else { continue };
            // Its own turn comes, and tells of its state first.
            if service.telling() != service.told {
                left.push(operation);
                continue;
            }
            match self.outcome(kind, service) {
                Some(result) => self.end_operation(now, operation, result),
                None => left.push(operation),
            }
        }
        if !left.is_empty() {
            self.operations.open.insert(id, left);
        }
    }

    /// What an operation on a service has come to; if that is a group, what it has come to for all members.
    fn outcome(&self, kind: RequestKind, service: &Service) -> Option<Result<(), ServiceError>> {
        let own = outcome(kind, service)?;
        let concerns_members =
            matches!(kind, RequestKind::Stop | RequestKind::Terminate | RequestKind::Restart);
        if own.is_err() || !concerns_members {
            return Some(own);
        }
        let mut open: Vec<&str> = service.document().members.iter().map(|name| &**name).collect();
        let mut seen = BTreeSet::new();
        while let Some(name) = open.pop() {
            if !seen.insert(name) {
                continue;
            }
            let Some(member) = self.by_name(name) else { continue };
            match outcome(kind, member)? {
                // What somebody else has asked of a member meanwhile is not the group's business.
                Ok(()) | Err(ServiceError::Superseded { .. }) => {}
                Err(error) => return Some(Err(error)),
            }
            open.extend(member.document().members.iter().map(|name| &**name));
        }
        Some(Ok(()))
    }

    /// The operations on a service that have not ended.
    #[must_use]
    pub fn open_operations(&self, name: &str) -> &[u64] {
        let id = self.ids.get(name);
        id.and_then(|id| self.operations.open.get(id)).map_or(&[], Vec::as_slice)
    }

    /// An operation that is kept.
    #[must_use]
    pub fn operation(&self, id: u64) -> Option<&Operation> {
        self.operations.all.get(&id)
    }

    /// Those that are kept, by number.
    pub fn operations(&self) -> impl DoubleEndedIterator<Item = &Operation> {
        self.operations.all.values()
    }
}

fn outcome(kind: RequestKind, service: &Service) -> Option<Result<(), ServiceError>> {
    let name = || Arc::clone(&service.name);
    let is_going = service.goal == Goal::Running;
    match kind {
        RequestKind::Stop | RequestKind::Terminate => {
            if is_going {
                return Some(Err(ServiceError::Superseded { service: name() }));
            }
            service.is_at_rest().then_some(Ok(()))
        }
        RequestKind::Scale
        | RequestKind::Update
        | RequestKind::RollBack
        | RequestKind::Register
            if !is_going =>
        {
            Some(Ok(()))
        }
        _ => match &service.phase {
            Phase::Completed => Some(Ok(())),
            Phase::Paused => Some(Ok(())),
            Phase::Failed(failure) => {
                Some(Err(ServiceError::Failed { service: name(), failure: failure.clone() }))
            }
            _ if !is_going => Some(Err(ServiceError::Superseded { service: name() })),
            Phase::Up if service.rolling_from.is_none() => instances_outcome(service),
            _ => None,
        },
    }
}

/// Whether every instance is where it stays.
fn instances_outcome(service: &Service) -> Option<Result<(), ServiceError>> {
    let wanted = usize::try_from(service.document().instance_count()).unwrap_or(usize::MAX);
    let is_settled = |state: &InstanceState| {
        matches!(state, InstanceState::Ready | InstanceState::Completed | InstanceState::Failed(_))
    };
    let instances = &service.instances;
    if instances.len() != wanted || !instances.iter().all(|instance| is_settled(&instance.state)) {
        return None;
    }
    let failure = instances.iter().find_map(|instance| match &instance.state {
        InstanceState::Failed(failure) => Some(failure.clone()),
        _ => None,
    });
    Some(match failure {
        Some(failure) => Err(ServiceError::Failed { service: Arc::clone(&service.name), failure }),
        None => Ok(()),
    })
}

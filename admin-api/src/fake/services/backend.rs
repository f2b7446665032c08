//! [`Services`] for the fake system.

use std::collections::VecDeque;
use std::format;
use std::future::Future;
use std::ops::Bound;
use std::string::String;
use std::task::{Context, Poll};
use std::vec::Vec;

use crate::backend::{Caller, SequenceRange, ServiceChange, ServiceError, Services};
use crate::fake::state::FakeBackend;
use crate::types::{
    EventKind, InstanceState, Operation, OperationKind, OperationState, OperationStep, Resolved,
    Service, ServiceDependencies, ServiceDifference, ServiceErrorCode, ServiceExplanation,
    ServiceGraph, ServiceHealth, ServiceLine, ServicePlan, ServiceRevision, ServiceState, Signal,
    StepAction, StepState, Text,
};

use super::describe;
use super::state::{FakeService, FakeServices};

const MAX_REVISIONS: usize = 20;
const MAX_OPERATIONS: usize = 256;
/// Programs of the fake system that services can be made of.
const PROGRAMS: &[&str] =
    &["httpd", "data", "crash", "hang", "leak", "slow", "sh", "sleep", "yes", "cat"];

impl FakeBackend {
    /// Puts a document in place.
    fn put(&self, all: &mut FakeServices, mut document: Service, actor: &Text) {
        let at = self.clock.now();
        let name = document.name.clone();
        let is_enabled = document.enabled;
        let service = all.services.entry(name.clone()).or_insert_with(|| FakeService {
            document: Service::named(name),
            revisions: VecDeque::new(),
            state: if is_enabled { ServiceState::Stopped } else { ServiceState::Disabled },
            detail: None,
            since: at,
            started_ns: 0,
            failure: None,
            instances: Vec::new(),
            restarts: 0,
            restarted_ns: VecDeque::new(),
            last_exit: None,
            applied_revision: None,
            replace_before_ns: None,
            is_held: false,
            lines: VecDeque::new(),
            line_count: 0,
            checks: VecDeque::new(),
            turn: 0,
        });
        let revision = service.revisions.front().map_or(0, |newest| newest.revision) + 1;
        (document.revision, document.status) = (None, None);
        service.revisions.iter_mut().for_each(|one| one.current = false);
        let kept = document.clone();
        let actor = Some(actor.clone());
        service.revisions.push_front(ServiceRevision {
            revision,
            at,
            actor,
            current: true,
            document: kept,
        });
        service.revisions.truncate(MAX_REVISIONS);
        document.revision = Some(revision);
        service.document = document;
    }

    /// Makes a change.
    pub(in crate::fake) fn make_change(
        &self,
        caller: &Caller,
        change: &ServiceChange,
        expected: Option<u64>,
    ) -> Result<u64, ServiceError> {
        let mut all = self.services.borrow_mut();
        let (kind, name) = (change.kind(), change.name().clone());
        let found = all.services.get(&name).and_then(|one| one.document.revision);
        if expected.is_some() && expected != found {
            return Err(ServiceError::Stale);
        }
        let planned = all.plan(change)?;
        let actor = caller.user.clone();
        if let Some(document) = planned.document {
            self.put(&mut all, document, &actor);
        }
        let steps: Vec<OperationStep> = planned
            .plan
            .steps
            .into_iter()
            .map(|step| OperationStep {
                level: step.level,
                service: step.service,
                action: step.action,
                state: StepState::Pending,
                detail: None,
            })
            .collect();
        for step in &steps {
            self.carry_out(&mut all, step, kind);
        }
        let event = match kind {
            OperationKind::Register => EventKind::ServiceRegistered,
            OperationKind::Unregister => {
                all.services.remove(&name);
                EventKind::ServiceUnregistered
            }
            _ => EventKind::ServiceUpdated,
        };
        let is_document = matches!(
            kind,
            OperationKind::Register
                | OperationKind::Unregister
                | OperationKind::Update
                | OperationKind::Rollback
                | OperationKind::Scale
                | OperationKind::Enable
                | OperationKind::Disable
        );
        if is_document {
            let message = format!("{actor}: {kind} {name}");
            self.event_about(event, None, Some(name.clone()), Some(actor.clone()), &message);
        }
        all.last_operation += 1;
        let id = all.last_operation;
        let operation = Operation {
            id,
            kind,
            service: name,
            state: OperationState::Running,
            actor,
            started_at: self.clock.now(),
            ended_at: None,
            steps,
            error: None,
        };
        all.operations.insert(id, operation);
        while all.operations.len() > MAX_OPERATIONS {
            all.operations.pop_first();
        }
        Ok(id)
    }

    fn carry_out(&self, all: &mut FakeServices, step: &OperationStep, kind: OperationKind) {
        let now_ns = self.clock.uptime_ns();
        let Some(service) = all.services.get_mut(&step.service) else { return };
        match step.action {
            StepAction::Start => {
                self.start(service, now_ns);
                let program = service.document.program.clone().unwrap_or_default();
                let base = program.rsplit('/').next().unwrap_or_default();
                if service.document.group.is_none() && !PROGRAMS.contains(&base) {
                    let why = format!("there is no program {program}");
                    self.fail(service, ServiceErrorCode::ConfigurationError, why.into());
                }
            }
            StepAction::Stop => self.stop(service, now_ns),
            StepAction::Restart => service.replace_before_ns = Some(now_ns),
            StepAction::Pause | StepAction::Resume => {
                let is_pause = step.action == StepAction::Pause;
                let signal = if is_pause { Signal::STOP } else { Signal::CONT };
                for instance in &mut service.instances {
                    if let Some(pid) = instance.pid {
                        self.deliver(pid, signal);
                        instance.state =
                            if is_pause { InstanceState::Paused } else { InstanceState::Running };
                        instance.next_check_ns = now_ns + 1_000_000_000;
                    }
                }
                let next = if is_pause { ServiceState::Paused } else { ServiceState::Running };
                self.enter(service, next, None);
            }
            StepAction::Reload => {
                let stream = crate::types::OutputStream::Manager;
                self.write_line(service, None, None, stream, "was told to read its settings again");
            }
            StepAction::Configure if kind == OperationKind::Enable => {
                service.document.enabled = true;
                self.enter(service, ServiceState::Stopped, None);
            }
            StepAction::Configure if kind == OperationKind::Disable => {
                service.document.enabled = false;
                if !service.is_up() {
                    self.enter(service, ServiceState::Disabled, None);
                }
            }
            StepAction::Configure | StepAction::ScaleUp | StepAction::ScaleDown => {}
        }
    }
}

impl Services for FakeBackend {
    fn services_after(&self, after: Option<&str>, limit: usize, visit: &mut dyn FnMut(Service)) {
        let all = self.services.borrow();
        let after = after.map(|after| Text::from(String::from(after)));
        let from = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        for (_, service) in all.services.range((from, Bound::Unbounded)).take(limit) {
            visit(self.describe_service(&all, service));
        }
    }

    fn service(&self, name: &str) -> Result<Service, ServiceError> {
        let all = self.services.borrow();
        Ok(self.describe_service(&all, all.find(name)?))
    }

    fn plan_service_change(&self, change: &ServiceChange) -> Result<ServicePlan, ServiceError> {
        Ok(self.services.borrow().plan(change)?.plan)
    }

    fn change_service(
        &self,
        caller: &Caller,
        change: ServiceChange,
        expected: Option<u64>,
    ) -> impl Future<Output = Result<u64, ServiceError>> {
        std::future::ready(self.make_change(caller, &change, expected))
    }

    fn operation(&self, id: u64) -> Result<Operation, ServiceError> {
        let all = self.services.borrow();
        let found = all.operations.get(&id).ok_or(ServiceError::InvalidHandle(id))?;
        Ok(found.clone())
    }

    fn poll_operation_ended(&self, context: &mut Context<'_>, id: u64) -> Poll<()> {
        let all = self.services.borrow();
        match all.operations.get(&id) {
            Some(found) if found.state == OperationState::Running => {
                self.state.borrow_mut().register(context);
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }

    fn service_health(&self, name: &str) -> Result<ServiceHealth, ServiceError> {
        Ok(describe::health(self.services.borrow().find(name)?))
    }

    fn service_dependencies(&self, name: &str) -> Result<ServiceDependencies, ServiceError> {
        let all = self.services.borrow();
        Ok(all.dependencies(all.find(name)?))
    }

    fn service_graph(&self) -> ServiceGraph {
        self.services.borrow().graph()
    }

    fn explain_service(&self, name: &str) -> Result<ServiceExplanation, ServiceError> {
        let all = self.services.borrow();
        Ok(all.explain(all.find(name)?))
    }

    fn service_revisions(&self, name: &str) -> Result<Vec<ServiceRevision>, ServiceError> {
        Ok(self.services.borrow().find(name)?.revisions.iter().cloned().collect())
    }

    fn service_difference(
        &self,
        name: &str,
        from: u64,
        to: u64,
    ) -> Result<ServiceDifference, ServiceError> {
        let all = self.services.borrow();
        let service = all.find(name)?;
        let find = |revision: u64| {
            let found = service.revisions.iter().find(|one| one.revision == revision);
            let name = service.document.name.clone();
            found.ok_or(ServiceError::RevisionNotFound { name, revision })
        };
        let changes = describe::differences(&find(from)?.document, &find(to)?.document);
        Ok(ServiceDifference { service: service.document.name.clone(), from, to, changes })
    }

    fn resolve_service(&self, name: &str) -> Result<Resolved, ServiceError> {
        let mut all = self.services.borrow_mut();
        let name = all.find(name)?.document.name.clone();
        let Some(service) = all.services.get_mut(&name) else {
            return Err(ServiceError::NotFound(name));
        };
        if !service.is_up() {
            return Err(ServiceError::NotRunning { name, state: service.state });
        }
        service.turn += 1;
        let ready: Vec<_> = service.instances.iter().filter(|one| one.is_ready()).collect();
        let chosen = ready.get(service.turn % ready.len().max(1));
        let Some((instance, pid)) = chosen.and_then(|one| Some((one.number, one.pid?))) else {
            let why = format!("No instance of {name} takes connections.");
            return Err(ServiceError::LoadBalancer(why.into()));
        };
        let port = service.document.port.as_ref().map(|port| port.listen);
        Ok(Resolved { service: name, instance, pid, address: "127.0.0.1".into(), port })
    }

    fn service_output_range(&self, name: &str) -> Result<SequenceRange, ServiceError> {
        let all = self.services.borrow();
        let service = all.find(name)?;
        let first = service.line_count + 1 - service.lines.len() as u64;
        Ok(SequenceRange { first, last: service.line_count })
    }

    fn service_output_after(&self, name: &str, after: u64, limit: usize) -> Vec<ServiceLine> {
        let all = self.services.borrow();
        let Ok(service) = all.find(name) else { return Vec::new() };
        service.lines.iter().filter(|line| line.sequence > after).take(limit).cloned().collect()
    }

    fn poll_service_output(&self, context: &mut Context<'_>, name: &str, after: u64) -> Poll<()> {
        match self.services.borrow().find(name) {
            Ok(service) if service.line_count <= after => {
                self.state.borrow_mut().register(context);
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }

    fn service_processes(
        &self,
        name: &str,
        after: u32,
        limit: usize,
    ) -> Result<Vec<u32>, ServiceError> {
        self.services.borrow().find(name)?;
        let state = self.state.borrow();
        let all = state.processes.range(after.saturating_add(1)..).map(|(_, fake)| &fake.process);
        let own = all.filter(|process| process.service.as_deref() == Some(name));
        Ok(own.map(|process| process.pid).take(limit).collect())
    }

    fn hold_service(
        &self,
        caller: &Caller,
        name: &str,
        is_held: bool,
    ) -> Result<u64, ServiceError> {
        let mut all = self.services.borrow_mut();
        let name = all.find(name)?.document.name.clone();
        if let Some(service) = all.services.get_mut(&name) {
            service.is_held = is_held;
            if !is_held {
                let why = format!("it was ended by {} in an emergency", caller.user).into();
                service.instances.clear();
                self.enter(service, ServiceState::Stopped, Some(why));
            }
        }
        Ok(0)
    }
}

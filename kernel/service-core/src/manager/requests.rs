//! What operators ask of services that are registered.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Shutdown;
use super::action::{Action, Request, RequestKind, ServiceId};
use super::halt::{Halt, Means};
use super::instance::{InstanceState, Then};
use super::service::{Goal, Phase, Service};
use crate::error::{DependencyProblem, FieldError, ServiceError};
use crate::failure::Failure;
use crate::graph::{Direction, EdgeKind};
use crate::manager::{Actor, Manager};
use crate::time::Instant;

impl Manager {
    pub(super) fn carry_out(
        &mut self,
        now: Instant,
        request: &Request,
        actor: Actor<'_>,
    ) -> Result<u64, ServiceError> {
        self.refuse_during_shutdown()?;
        let plan = self.plan(request)?;
        match request {
            Request::Register(document) => self.register(now, document.clone(), actor)?,
            Request::Update(_)
            | Request::RollBack(..)
            | Request::Scale(..)
            | Request::Enable(_)
            | Request::Disable(_) => {
                if let Some(document) = self.wanted_document(request)? {
                    self.update(now, document, actor)?;
                }
            }
            Request::Unregister(name) => self.unregister(name)?,
            Request::Start(name) => self.start(now, name)?,
            Request::Stop(name) => self.stop(name, Means::Request, actor)?,
            Request::Restart(name) => self.restart(now, name)?,
            Request::Reload(name) => self.reload(name)?,
            Request::Pause(name) => self.pause(now, name)?,
            Request::Resume(name) => self.resume(now, name)?,
            Request::Terminate(name) => self.terminate(now, name, actor)?,
        }
        let (kind, service) = request.target();
        if let Request::Register(document) = request
            && document.enabled
        {
            // What would refuse the start does not undo the registration: the state tells.
            self.start_at_boot(now, &service);
        }
        Ok(self.begin_operation(now, kind, service, plan, actor))
    }

    /// Nothing is begun any more once the system goes down.
    pub(super) fn refuse_during_shutdown(&self) -> Result<(), ServiceError> {
        match self.shutdown {
            Shutdown::No => Ok(()),
            Shutdown::Begun | Shutdown::Told => Err(ServiceError::ShuttingDown),
        }
    }

    /// What a start of `name` starts, too: what it needs, a group's members, and what it would like.
    pub(super) fn start_set(&self, name: &Arc<str>) -> BTreeSet<Arc<str>> {
        self.graph.closure([Arc::clone(name)], Direction::Needs, |other, kind| {
            let Some(other) = self.by_name(other) else { return false };
            match kind {
                EdgeKind::Required | EdgeKind::Member => other.phase != Phase::Completed,
                EdgeKind::Optional => other.document().enabled,
                EdgeKind::Ordering | EdgeKind::Conflict => false,
            }
        })
    }

    /// What a stop of `name` stops, too: what needs it, and a group's members.
    pub(super) fn stop_set(&self, name: &Arc<str>) -> BTreeSet<Arc<str>> {
        let members = self
            .graph
            .closure([Arc::clone(name)], Direction::Needs, |_, kind| kind == EdgeKind::Member);
        self.graph.closure(members, Direction::NeededBy, |_, kind| kind.is_needed())
    }

    /// A service that `name` may not run together with, and that runs or will, or is among `others`.
    fn conflict_of(&self, name: &str, others: &BTreeSet<Arc<str>>) -> Option<Arc<str>> {
        let both = self.graph.after(name).chain(self.graph.before(name));
        let conflicting = both.filter(|(_, kind)| *kind == EdgeKind::Conflict);
        let mut running = conflicting.filter(|(other, _)| {
            let wants = |service: &Service| !service.is_leaving();
            others.contains(other) || self.by_name(other).is_some_and(wants)
        });
        running.next().map(|(other, _)| Arc::clone(other))
    }

    /// Refuses a start that its dependencies or conflicts forbid.
    pub(super) fn check_start(&self, name: &Arc<str>) -> Result<BTreeSet<Arc<str>>, ServiceError> {
        let service = self.by_name(name).ok_or_else(|| ServiceError::NotFound(Arc::clone(name)))?;
        if service.phase == Phase::Paused {
            let state = service.state();
            return Err(ServiceError::NotStopped { service: Arc::clone(name), state });
        }
        let set = self.start_set(name);
        for service in &set {
            if let Some(with) = self.conflict_of(service, &set) {
                let service = Arc::clone(service);
                let problem = DependencyProblem::Conflict { service, with };
                return Err(ServiceError::Dependency(problem));
            }
        }
        Ok(set)
    }

    fn start(&mut self, now: Instant, name: &Arc<str>) -> Result<(), ServiceError> {
        let set = self.check_start(name)?;
        for service in set {
            self.want(now, &service, *service == **name);
        }
        Ok(())
    }

    /// At boot nobody is there to hear of a refusal: the service has failed then.
    pub(super) fn start_at_boot(&mut self, now: Instant, name: &Arc<str>) {
        match self.start(now, name) {
            Ok(()) => {}
            Err(ServiceError::Dependency(DependencyProblem::Conflict { with, .. })) => {
                let Ok(id) = self.id(name) else { return };
                if let Some(service) = self.services.get_mut(&id) {
                    service.goal = Goal::Running;
                    service.phase = Phase::Waiting { since: now };
                }
                self.fail(now, id, Failure::Conflict(with));
            }
            Err(_) => {}
        }
    }

    /// One service is to run: what failed is tried anew.
    fn want(&mut self, now: Instant, name: &str, is_asked_for: bool) {
        let Ok(id) = self.id(name) else { return };
        let Some(service) = self.services.get_mut(&id) else { return };
        service.goal = Goal::Running;
        service.halt = None;
        match &mut service.phase {
            Phase::Down | Phase::Failed(_) => service.phase = Phase::Waiting { since: now },
            Phase::Completed if is_asked_for => service.phase = Phase::Waiting { since: now },
            Phase::Stopping { then } => *then = None,
            Phase::Completed | Phase::Waiting { .. } | Phase::Checking => {}
            Phase::Up | Phase::Paused => {}
        }
        for instance in &mut service.instances {
            let is_over =
                matches!(instance.state, InstanceState::Failed(_) | InstanceState::Completed);
            if is_over && service.phase != Phase::Completed {
                instance.restarts.forgive();
                instance.enter(now, InstanceState::Down);
            }
        }
        self.marked.insert(id);
    }

    fn stop(
        &mut self,
        name: &Arc<str>,
        means: Means,
        actor: Actor<'_>,
    ) -> Result<(), ServiceError> {
        self.id(name)?;
        let actor: Option<Arc<str>> = actor.map(Arc::from);
        for stopped in self.stop_set(name) {
            let Ok(id) = self.id(&stopped) else { continue };
            let Some(service) = self.services.get_mut(&id) else { continue };
            // Who was stopped before has somebody else to thank for it, unless this is what ends it.
            let is_ended_now = means == Means::Emergency && !service.is_down();
            if service.goal == Goal::Running || is_ended_now {
                let with = (stopped != *name).then(|| Arc::clone(name));
                service.halt = Some(Halt { actor: actor.clone(), with, means });
            }
            service.goal = Goal::Stopped;
            if let Phase::Stopping { then } = &mut service.phase {
                *then = None;
            }
            self.marked.insert(id);
        }
        Ok(())
    }

    fn restart(&mut self, now: Instant, name: &Arc<str>) -> Result<(), ServiceError> {
        for name in self.restart_list(name)? {
            let id = self.id(&name)?;
            let last_run = self.next_run - 1;
            let Some(service) = self.services.get_mut(&id) else { continue };
            if !service.is_going() {
                self.start(now, &name)?;
                continue;
            }
            service.rolling_from = Some(last_run);
            for instance in &mut service.instances {
                instance.restarts.forgive();
                if matches!(instance.state, InstanceState::Failed(_) | InstanceState::Completed) {
                    instance.enter(now, InstanceState::Down);
                }
            }
            self.marked.insert(id);
        }
        Ok(())
    }

    /// Who is to be started again for a restart of `name`: in place of a group that runs its members.
    pub(super) fn restart_list(&self, name: &Arc<str>) -> Result<Vec<Arc<str>>, ServiceError> {
        let mut list = Vec::new();
        let mut seen = BTreeSet::new();
        let mut open = alloc::vec![Arc::clone(name)];
        while let Some(name) = open.pop() {
            if !seen.insert(Arc::clone(&name)) {
                continue;
            }
            let service = self.by_name(&name);
            let service = service.ok_or_else(|| ServiceError::NotFound(Arc::clone(&name)))?;
            if service.is_group() && service.is_going() {
                let members = &service.document().members;
                open.extend(members.iter().rev().map(|member| Arc::from(member.as_str())));
            } else {
                list.push(name);
            }
        }
        Ok(list)
    }

    fn running(&self, name: &str) -> Result<&Service, ServiceError> {
        let service = self.services.get(&self.id(name)?);
        let service = service.ok_or_else(|| ServiceError::NotFound(name.into()))?;
        if service.phase == Phase::Up {
            return Ok(service);
        }
        Err(ServiceError::NotRunning { service: Arc::clone(&service.name), state: service.state() })
    }

    fn reload(&mut self, name: &str) -> Result<(), ServiceError> {
        let id = self.running(name)?.id;
        let Some(service) = self.services.get(&id) else { return Ok(()) };
        let Some(signal) = service.document().reload.clone() else {
            let field = "reload".into();
            let message = "says no signal that has it read its configuration".into();
            return Err(ServiceError::Configuration(FieldError { field, message }));
        };
        for index in service.indices() {
            let is_up = service.instance(index).is_some_and(|instance| instance.state.is_up());
            if let Some(run) = service.run_id(index).filter(|_| is_up) {
                self.actions.push(Action::Signal { run, signal: signal.as_str().into() });
            }
        }
        Ok(())
    }

    fn pause(&mut self, now: Instant, name: &str) -> Result<(), ServiceError> {
        let id = self.running(name)?.id;
        let Some(service) = self.services.get_mut(&id) else { return Ok(()) };
        let is_calm = |state: &InstanceState| !state.is_alive() || state.is_up();
        if service.rolling_from.is_some() || !service.instances.iter().all(|i| is_calm(&i.state)) {
            let state = service.state();
            return Err(ServiceError::NotRunning { service: Arc::clone(&service.name), state });
        }
        service.phase = Phase::Paused;
        for index in service.indices() {
            let is_alive = service.instance(index).is_some_and(|i| i.state.is_alive());
            if let Some(run) = service.run_id(index).filter(|_| is_alive) {
                self.actions.push(Action::Suspend(run));
            }
        }
        for index in service.indices() {
            self.arm(id, index);
        }
        let _ = now;
        self.marked.insert(id);
        Ok(())
    }

    fn resume(&mut self, now: Instant, name: &str) -> Result<(), ServiceError> {
        let id = self.id(name)?;
        let service = self.services.get(&id).filter(|service| service.phase == Phase::Paused);
        if service.is_none() {
            let state = self.by_name(name).map_or(super::StateName::Stopped, Service::state);
            return Err(ServiceError::NotRunning { service: name.into(), state });
        }
        self.leave_pause(now, id);
        if let Some(service) = self.services.get_mut(&id) {
            service.phase = Phase::Up;
            for index in service.indices() {
                self.arm(id, index);
            }
        }
        self.marked.insert(id);
        Ok(())
    }

    /// Lets suspended processes go on; the time of the pause counts against nobody.
    pub(super) fn leave_pause(&mut self, now: Instant, id: ServiceId) {
        let Some(service) = self.services.get_mut(&id) else { return };
        if service.phase != Phase::Paused {
            return;
        }
        for index in service.indices() {
            let run = service.run_id(index);
            let Some(instance) = service.instance_mut(index) else { continue };
            if !instance.state.is_alive() {
                continue;
            }
            instance.forget_checks_asked(now);
            if let Some(run) = run {
                self.actions.push(Action::Resume(run));
            }
        }
    }

    /// Ends a service by force, and its members if it is a group; what needs them is stopped.
    fn terminate(
        &mut self,
        now: Instant,
        name: &Arc<str>,
        actor: Actor<'_>,
    ) -> Result<(), ServiceError> {
        self.stop(name, Means::Emergency, actor)?;
        for name in self.with_members(name) {
            let id = self.id(&name)?;
            self.leave_pause(now, id);
            let Some(service) = self.services.get_mut(&id) else { continue };
            if !matches!(service.phase, Phase::Down | Phase::Completed | Phase::Failed(_)) {
                service.phase = Phase::Stopping { then: None };
            }
            for index in service.indices() {
                self.kill(now, id, index, Then::Stay);
            }
            self.marked.insert(id);
        }
        Ok(())
    }
}

/// Requests whose effect is over when they return.
pub(super) const fn is_immediate(kind: RequestKind) -> bool {
    !matches!(
        kind,
        RequestKind::Start
            | RequestKind::Stop
            | RequestKind::Restart
            | RequestKind::Scale
            | RequestKind::Terminate
            | RequestKind::Register
            | RequestKind::Update
            | RequestKind::RollBack
    )
}

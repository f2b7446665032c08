//! The rule that moves a service towards its goal as far as its neighbours let it.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Manager;
use super::action::{Action, ReportKind, ServiceId};
use super::instance::{Instance, InstanceState, Then};
use super::service::{Goal, Phase, Service};
use crate::failure::Failure;
use crate::graph::EdgeKind;
use crate::time::Instant;

/// Whether a service may start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// It may.
    Open,
    /// Not yet: it waits for this one, until then at the most.
    Wait { service: Arc<str>, until: Option<Instant> },
    /// It never may.
    Shut(Failure),
}

impl Manager {
    /// Moves one service, and marks its neighbours if it is seen to have moved.
    pub(super) fn reconcile(&mut self, now: Instant, id: ServiceId) {
        // Each round changes the phase towards the goal, and there are few phases.
        while self.advance(now, id) {}
        self.arm_service(now, id);
        self.tell(now, id);
        // What an operation has come to is told after the state that it has come to.
        self.finish_operations(now, id);
    }

    /// Tells operators and neighbours what they do not know yet of a service.
    fn tell(&mut self, now: Instant, id: ServiceId) {
        let Some(service) = self.services.get_mut(&id) else { return };
        let telling = service.telling();
        if telling == service.told {
            return;
        }
        let before = core::mem::replace(&mut service.told, telling);
        let (name, to) = (Arc::clone(&service.name), service.told.state);
        let is_out_of_the_way = service.told.is_down && !before.is_down;
        if before.state != to {
            service.since = now;
            let failure = service.failure().cloned();
            self.report(&name, ReportKind::State { from: before.state, to, failure });
        }
        let neighbours = self.graph.before(&name).chain(self.graph.after(&name));
        let mut neighbours: Vec<_> = neighbours.map(|(other, _)| Arc::clone(other)).collect();
        if is_out_of_the_way {
            neighbours.extend(self.members_that_waited(&name));
        }
        for other in neighbours {
            self.mark_by_name(&other);
        }
    }

    /// One move; says whether there may be another.
    fn advance(&mut self, now: Instant, id: ServiceId) -> bool {
        let Some(service) = self.services.get_mut(&id) else { return false };
        match (service.goal, &service.phase) {
            (Goal::Stopped, Phase::Down | Phase::Completed) => false,
            (Goal::Stopped, Phase::Stopping { .. }) | (_, Phase::Stopping { .. }) => {
                self.go_down(now, id)
            }
            (Goal::Stopped, Phase::Failed(_)) => {
                service.phase = Phase::Down;
                self.reset_instances(now, id);
                true
            }
            (Goal::Stopped, _) => {
                self.leave_pause(now, id);
                if let Some(service) = self.services.get_mut(&id) {
                    service.rolling_from = None;
                    service.phase = Phase::Stopping { then: None };
                }
                true
            }
            (Goal::Running, Phase::Down) => {
                service.phase = Phase::Waiting { since: now };
                true
            }
            (Goal::Running, Phase::Waiting { since }) => {
                let since = *since;
                self.wait(now, id, since)
            }
            (Goal::Running, Phase::Up) => self.run(now, id),
            (Goal::Running, Phase::Failed(failure)) if failure.cause().is_some() => {
                let is_conflict = matches!(failure, Failure::Conflict(_));
                if is_conflict || self.gate(id, now, now) != Gate::Open {
                    return false;
                }
                if let Some(service) = self.services.get_mut(&id) {
                    service.phase = Phase::Waiting { since: now };
                }
                true
            }
            (
                Goal::Running,
                Phase::Completed | Phase::Checking | Phase::Paused | Phase::Failed(_),
            ) => false,
        }
    }

    /// Whether what comes before a service lets it start, if it has waited since `since`.
    pub(super) fn gate(&self, id: ServiceId, since: Instant, now: Instant) -> Gate {
        let Some(service) = self.services.get(&id) else { return Gate::Open };
        let mut waits: Option<(Arc<str>, Option<Instant>)> = None;
        let mut wait = |other: &Arc<str>, until: Option<Instant>| {
            let is_sooner = waits.as_ref().is_none_or(|(_, known)| match (until, known) {
                (Some(until), Some(known)) => until < *known,
                (until, known) => until.is_some() && known.is_none(),
            });
            if is_sooner {
                waits = Some((Arc::clone(other), until));
            }
        };
        for (name, kind) in self.graph.after(&service.name) {
            let other = self.by_name(name);
            let timeout_ms = || {
                let dependencies = &service.document().dependencies;
                let known = dependencies.iter().find(|dependency| dependency.service == **name);
                known
                    .map_or(crate::document::DEFAULT_TIMEOUT_MS, |dependency| dependency.timeout_ms)
            };
            match kind {
                EdgeKind::Member | EdgeKind::Required => {
                    if other.is_some_and(Service::is_satisfied) {
                        continue;
                    }
                    if other.is_none_or(|other| other.failure().is_some()) {
                        return Gate::Shut(Failure::Dependency(Arc::clone(name)));
                    }
                    // A group's members have their own limits.
                    let until = (*kind == EdgeKind::Required).then(|| since.after_ms(timeout_ms()));
                    if until.is_some_and(|until| now >= until) {
                        let service = Arc::clone(name);
                        let after_ms = timeout_ms();
                        return Gate::Shut(Failure::DependencyTimeout { service, after_ms });
                    }
                    wait(name, until);
                }
                EdgeKind::Optional => {
                    let until = since.after_ms(timeout_ms());
                    if other.is_some_and(Service::is_coming) && now < until {
                        wait(name, Some(until));
                    }
                }
                EdgeKind::Ordering => {
                    if other.is_some_and(Service::is_coming) {
                        wait(name, None);
                    }
                }
                EdgeKind::Conflict => {}
            }
        }
        for (name, _) in self
            .graph
            .after(&service.name)
            .chain(self.graph.before(&service.name))
            .filter(|(_, kind)| *kind == EdgeKind::Conflict)
        {
            let Some(other) = self.by_name(name) else { continue };
            if !other.is_leaving() {
                return Gate::Shut(Failure::Conflict(Arc::clone(name)));
            }
            if !other.is_down() {
                wait(name, None);
            }
        }
        match waits {
            Some((service, until)) => Gate::Wait { service, until },
            None => Gate::Open,
        }
    }

    fn wait(&mut self, now: Instant, id: ServiceId, since: Instant) -> bool {
        match self.gate(id, since, now) {
            Gate::Wait { .. } => false,
            Gate::Shut(failure) => {
                self.fail(now, id, failure);
                true
            }
            Gate::Open => {
                let Some(service) = self.services.get_mut(&id) else { return false };
                let document = Arc::clone(service.document());
                if document.conditions.is_empty() {
                    self.come_up(now, id);
                } else {
                    service.phase = Phase::Checking;
                    self.actions.push(Action::CheckConditions { service: id, document });
                }
                true
            }
        }
    }

    pub(super) fn conditions_checked(
        &mut self,
        now: Instant,
        id: ServiceId,
        unmet: Option<String>,
    ) {
        let is_checking = |service: &&Service| service.phase == Phase::Checking;
        if self.services.get(&id).filter(is_checking).is_none() {
            return;
        }
        match unmet {
            Some(what) => self.fail(now, id, Failure::Condition(what)),
            None => self.come_up(now, id),
        }
        self.marked.insert(id);
    }

    fn come_up(&mut self, now: Instant, id: ServiceId) {
        self.reset_instances(now, id);
        let Some(service) = self.services.get_mut(&id) else { return };
        service.phase = Phase::Up;
        service.rolling_from = None;
        if service.document().port.is_some() && !service.has_port_open {
            service.has_port_open = true;
            let document = Arc::clone(service.document());
            self.actions.push(Action::OpenPort { service: id, document });
        }
    }

    /// What is over becomes as if it had never been, but for its history.
    fn reset_instances(&mut self, now: Instant, id: ServiceId) {
        let Some(service) = self.services.get_mut(&id) else { return };
        for instance in &mut service.instances {
            if !instance.state.is_alive() && instance.state != InstanceState::Down {
                instance.enter(now, InstanceState::Down);
            }
        }
        for index in service.indices() {
            self.arm(id, index);
        }
    }

    /// Keeps the wanted instances running. Says whether the phase has changed.
    fn run(&mut self, now: Instant, id: ServiceId) -> bool {
        let Some(service) = self.services.get_mut(&id) else { return false };
        let wanted = service.document().instance_count();
        let present = service.indices().end;
        for _ in present..wanted {
            service.instances.push(Instance::new(now));
        }
        for index in wanted..present {
            let Some(service) = self.services.get_mut(&id) else { return false };
            let Some(instance) = service.instance_mut(index) else { continue };
            if !instance.state.is_alive() {
                instance.enter(now, InstanceState::Down);
                self.arm(id, index);
            } else {
                self.begin_stop(now, id, index, Then::Stay);
            }
        }
        self.drop_surplus(id, wanted);
        self.roll(now, id);
        let is_missing = |instance: &Instance| instance.state == InstanceState::Down;
        let Some(service) = self.services.get(&id) else { return false };
        let missing: Vec<u32> =
            (0..wanted).filter(|index| service.instance(*index).is_some_and(is_missing)).collect();
        if !missing.is_empty() && self.gate(id, now, now) == Gate::Open {
            for index in missing {
                self.launch(now, id, index);
            }
        }
        self.conclude(id)
    }

    fn drop_surplus(&mut self, id: ServiceId, wanted: u32) {
        let Some(service) = self.services.get_mut(&id) else { return };
        while service.indices().end > wanted
            && service.instances.last().is_some_and(|last| last.state == InstanceState::Down)
        {
            service.instances.pop();
        }
    }

    /// A service all of whose instances are over is over.
    fn conclude(&mut self, id: ServiceId) -> bool {
        let Some(service) = self.services.get_mut(&id) else { return false };
        let is_over = |instance: &Instance| {
            matches!(instance.state, InstanceState::Completed | InstanceState::Failed(_))
        };
        if service.instances.is_empty() || !service.instances.iter().all(is_over) {
            return false;
        }
        let failure = service.instances.iter().find_map(|instance| match &instance.state {
            InstanceState::Failed(failure) => Some(failure.clone()),
            _ => None,
        });
        match failure {
            Some(failure) => self.fail(Instant::default(), id, failure),
            None => {
                service.goal = Goal::Stopped;
                service.phase = Phase::Completed;
                self.close_port(id);
            }
        }
        true
    }

    /// Starts the next one again, if all others can be used.
    fn roll(&mut self, now: Instant, id: ServiceId) {
        let Some(service) = self.services.get_mut(&id) else { return };
        let Some(last) = service.rolling_from else { return };
        let is_old = |instance: &Instance| {
            instance.state.is_up() && instance.run.as_ref().is_some_and(|run| run.number <= last)
        };
        let old = service.indices().find(|index| service.instance(*index).is_some_and(is_old));
        let has_failed =
            service.instances.iter().any(|i| matches!(i.state, InstanceState::Failed(_)));
        let is_moving = service.instances.iter().any(|instance| {
            !is_old(instance)
                && instance.state != InstanceState::Ready
                && instance.state != InstanceState::Completed
        });
        match old {
            _ if has_failed => service.rolling_from = None,
            Some(_) if is_moving => {}
            Some(index) => self.begin_stop(now, id, index, Then::Again),
            None if is_moving => {}
            None => service.rolling_from = None,
        }
    }

    /// Stops the instances when nothing that comes after them runs any more. Says whether the phase has
    /// changed.
    fn go_down(&mut self, now: Instant, id: ServiceId) -> bool {
        let Some(service) = self.services.get(&id) else { return false };
        if service.is_down() {
            if self.has_members_leaving(service) {
                return false;
            }
            self.close_port(id);
            let Some(service) = self.services.get_mut(&id) else { return false };
            let Phase::Stopping { then } = core::mem::replace(&mut service.phase, Phase::Down)
            else {
                return false;
            };
            if let Some(failure) = then
                && service.goal == Goal::Running
            {
                service.phase = Phase::Failed(failure);
            } else {
                self.reset_instances(now, id);
            }
            return true;
        }
        let has_dependants_up = self.has_dependants_up(&service.name);
        let Some(service) = self.services.get(&id) else { return false };
        if !has_dependants_up {
            for index in service.indices() {
                self.begin_stop(now, id, index, Then::Stay);
            }
        }
        false
    }

    fn close_port(&mut self, id: ServiceId) {
        if let Some(service) = self.services.get_mut(&id)
            && core::mem::take(&mut service.has_port_open)
        {
            self.actions.push(Action::ClosePort(id));
        }
    }

    /// A service's own timer has gone off: `settle` marks it.
    pub(super) fn service_due(&mut self, id: ServiceId) {
        if let Some(service) = self.services.get_mut(&id) {
            service.timer = None;
        }
    }

    /// Sets the timer of a service that waits.
    fn arm_service(&mut self, now: Instant, id: ServiceId) {
        let Some(service) = self.services.get(&id) else { return };
        let wanted = match service.phase {
            Phase::Waiting { since } => match self.gate(id, since, now) {
                Gate::Wait { until, .. } => until,
                _ => None,
            },
            _ => None,
        };
        let Some(service) = self.services.get_mut(&id) else { return };
        if service.timer == wanted {
            return;
        }
        if let Some(at) = service.timer {
            self.timers.remove(&(at, id, None));
        }
        service.timer = wanted;
        if let Some(at) = wanted {
            self.timers.insert((at, id, None));
        }
    }
}

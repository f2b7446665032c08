//! What follows from how the fake services are: groups, operations, events, lines.

use std::format;
use std::string::String;
use std::vec::Vec;

use crate::fake::state::FakeBackend;
use crate::types::{
    EventKind, OperationError, OperationState, OutputStream, ServiceErrorCode, ServiceLine,
    ServiceState, StepAction, StepState, Text,
};

use super::state::{FakeService, FakeServices, count};

const MAX_LINES: usize = 2000;

impl FakeBackend {
    /// A group is as its members are.
    pub(super) fn follow_groups(&self, all: &mut FakeServices) {
        let groups =
            all.services.values().filter(|one| one.document.group.is_some() && one.is_up());
        let groups: Vec<Text> = groups.map(|one| one.document.name.clone()).collect();
        for name in groups {
            let members = all.services[&name].document.group.clone().map(|group| group.members);
            let members = members.unwrap_or_default();
            let state = |name: &Text| all.services.get(name).map(|member| member.state);
            let states: Vec<_> = members.iter().filter_map(state).collect();
            let failed =
                members.iter().find(|name| state(name) == Some(ServiceState::Failed)).cloned();
            let Some(group) = all.services.get_mut(&name) else { continue };
            if let Some(failed) = failed {
                let why = format!("{failed} has failed");
                self.fail(group, ServiceErrorCode::DependencyError, why.into());
            } else if group.state == ServiceState::Stopping {
                let is_up = |one: &ServiceState| *one == ServiceState::Stopping;
                if !states.iter().any(is_up) {
                    self.enter(group, ServiceState::Stopped, None);
                }
            } else if states.iter().all(|one| *one == ServiceState::Running) {
                self.enter(group, ServiceState::Running, None);
            }
        }
    }

    pub(super) fn follow_operations(&self, all: &mut FakeServices) {
        let mut ended = Vec::new();
        for (id, operation) in &mut all.operations {
            if operation.state != OperationState::Running {
                continue;
            }
            for step in &mut operation.steps {
                let Some(service) = all.services.get(&step.service) else {
                    step.state = StepState::Done;
                    continue;
                };
                step.state = match (step.action, service.state) {
                    (
                        StepAction::Start | StepAction::Restart | StepAction::ScaleUp,
                        ServiceState::Failed,
                    ) => {
                        operation.error.get_or_insert_with(|| OperationError {
                            code: service.failure.unwrap_or(ServiceErrorCode::ServiceFailed),
                            detail: match &service.detail {
                                Some(why) => format!("{} has failed: {why}.", step.service).into(),
                                None => format!("{} has failed.", step.service).into(),
                            },
                        });
                        StepState::Failed
                    }
                    (StepAction::Start, ServiceState::Running) => StepState::Done,
                    (
                        StepAction::Stop,
                        ServiceState::Stopped | ServiceState::Disabled | ServiceState::Failed,
                    ) => StepState::Done,
                    (
                        StepAction::Restart | StepAction::ScaleUp | StepAction::ScaleDown,
                        ServiceState::Running,
                    ) if service.replace_before_ns.is_none()
                        && service.ready_instances() == service.document.instances
                        && count(service.instances.len()) == service.document.instances =>
                    {
                        StepState::Done
                    }
                    (
                        StepAction::Start
                        | StepAction::Stop
                        | StepAction::Restart
                        | StepAction::ScaleUp
                        | StepAction::ScaleDown,
                        _,
                    ) => StepState::Running,
                    _ => StepState::Done,
                };
            }
            let is_done = |state: StepState| operation.steps.iter().all(|step| step.state == state);
            operation.state = if operation.error.is_some() {
                OperationState::Failed
            } else if is_done(StepState::Done) {
                OperationState::Succeeded
            } else {
                continue;
            };
            operation.ended_at = Some(self.clock.now());
            ended.push((*id, operation.service.clone(), operation.kind, operation.state));
        }
        for (id, service, kind, state) in ended {
            let message = format!("{service}: {kind} (operation {id}) {state}");
            self.event_about(EventKind::OperationEnded, None, Some(service), None, &message);
        }
    }

    pub(super) fn health_event(&self, service: &FakeService, number: u32, what: &str) {
        let message = format!("{} #{number} {what}", service.document.name);
        self.service_event(EventKind::ServiceHealthChanged, service, None, None, &message);
    }

    pub(super) fn service_event(
        &self,
        kind: EventKind,
        service: &FakeService,
        pid: Option<u32>,
        actor: Option<Text>,
        message: &str,
    ) {
        self.event_about(kind, pid, Some(service.document.name.clone()), actor, message);
    }

    pub(super) fn write_line(
        &self,
        service: &mut FakeService,
        instance: Option<u32>,
        pid: Option<u32>,
        stream: OutputStream,
        text: &str,
    ) {
        service.line_count += 1;
        service.lines.push_back(ServiceLine {
            sequence: service.line_count,
            at: self.clock.now(),
            instance,
            pid,
            stream,
            text: String::from(text).into(),
            truncated: false,
        });
        if service.lines.len() > MAX_LINES {
            service.lines.pop_front();
        }
        self.state.borrow_mut().wake_all();
    }
}

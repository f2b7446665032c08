//! How far the steps of an operation are, as the states of their services and instances tell.

use super::Manager;
use super::instance::{Instance, InstanceState};
use super::operations::Operation;
use super::plan::{PlanAction, PlanStep};
use super::service::{Service, StateName};

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It has not begun.
    Pending,
    /// It is under way.
    Running,
    /// It is done.
    Done,
    /// It has failed.
    Failed,
    /// The operation was given up before it was done.
    Skipped,
}

impl Manager {
    /// How far a step of an operation is.
    #[must_use]
    pub fn progress(&self, operation: &Operation, step: &PlanStep) -> Progress {
        let is_given_up = match &operation.ended {
            Some((_, Ok(()))) => return Progress::Done,
            Some((_, Err(_))) => true,
            None => false,
        };
        let Some(service) = self.by_name(&step.service) else { return Progress::Skipped };
        let progress = match step.instance.map(|index| service.instance(index)) {
            None => of_service(step.action, service),
            Some(instance) => of_instance(step.action, instance, operation.first_run),
        };
        match progress {
            Progress::Pending | Progress::Running if is_given_up => Progress::Skipped,
            progress => progress,
        }
    }
}

fn of_service(action: PlanAction, service: &Service) -> Progress {
    let is_alive = |instance: &Instance| instance.state.is_alive();
    match (action, service.state()) {
        (PlanAction::Register | PlanAction::Update | PlanAction::Unregister, _)
        | (PlanAction::Start, StateName::Running)
        | (PlanAction::Stop, StateName::Stopped | StateName::Disabled) => Progress::Done,
        (PlanAction::Start, StateName::Failed) => Progress::Failed,
        (PlanAction::Start, StateName::Starting) if service.instances.iter().any(is_alive) => {
            Progress::Running
        }
        // Who waits for those that need it has not been asked to end yet.
        (PlanAction::Stop, StateName::Stopping)
            if service.is_group() || service.instances.iter().any(|one| !one.state.is_up()) =>
        {
            Progress::Running
        }
        _ => Progress::Pending,
    }
}

/// `first_run`: runs from this number on began after the operation did.
fn of_instance(action: PlanAction, instance: Option<&Instance>, first_run: u64) -> Progress {
    let is_gone = instance.is_none_or(|instance| !instance.state.is_alive());
    if action == PlanAction::RemoveInstance {
        let is_up = instance.is_some_and(|instance| instance.state.is_up());
        return match (is_gone, is_up) {
            (true, _) => Progress::Done,
            (_, true) => Progress::Pending,
            _ => Progress::Running,
        };
    }
    let Some(instance) = instance else { return Progress::Pending };
    let is_new = instance.run.as_ref().is_some_and(|run| run.number >= first_run);
    match &instance.state {
        InstanceState::Ready | InstanceState::Completed if is_new => Progress::Done,
        InstanceState::Failed(_) if is_new => Progress::Failed,
        state if is_new || (state.is_alive() && !state.is_up()) => Progress::Running,
        _ => Progress::Pending,
    }
}

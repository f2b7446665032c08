//! What is asked of services: planned, begun, followed.

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use admin_api::backend::{Caller, ServiceChange, ServiceError};
use admin_api::types::{
    Operation, OperationError, OperationKind, OperationState, OperationStep, PlannedStep,
    ServiceErrorCode, ServicePlan, StepAction, StepState,
};
use service_core::{PlanAction, Progress, Request, RequestKind, ServiceId};

use super::{describe, errors, forbids, text, with};
use crate::service::{self, ChangeError, State, Wish};

/// A change in the manager's words.
fn request(change: &ServiceChange) -> Result<Request, ServiceError> {
    let name = |name: &str| Arc::<str>::from(name);
    Ok(match change {
        ServiceChange::Register(document) => Request::Register(document_of(document)?),
        ServiceChange::Update(document) => Request::Update(document_of(document)?),
        ServiceChange::Rollback { name: service, revision } => {
            Request::RollBack(name(service), *revision)
        }
        ServiceChange::Unregister { name: service } => Request::Unregister(name(service)),
        ServiceChange::Scale { name: service, count } => Request::Scale(name(service), *count),
        ServiceChange::Plain { kind, name: service } => {
            let name = name(service);
            match kind {
                OperationKind::Start => Request::Start(name),
                OperationKind::Stop => Request::Stop(name),
                OperationKind::Restart => Request::Restart(name),
                OperationKind::Reload => Request::Reload(name),
                OperationKind::Pause => Request::Pause(name),
                OperationKind::Resume => Request::Resume(name),
                OperationKind::Enable => Request::Enable(name),
                OperationKind::Disable => Request::Disable(name),
                OperationKind::Unregister => Request::Unregister(name),
                OperationKind::Register
                | OperationKind::Update
                | OperationKind::Rollback
                | OperationKind::Scale => {
                    let why = format!("{kind} takes more than a name.");
                    return Err(ServiceError::Configuration(why.into()));
                }
            }
        }
    })
}

fn document_of(
    document: &admin_api::types::Service,
) -> Result<service_core::Document, ServiceError> {
    service::document_of(document).map_err(ServiceError::InvalidConfiguration)
}

fn of_change(error: service_core::ServiceError, change: &ServiceChange) -> ServiceError {
    match (error, change) {
        (
            service_core::ServiceError::InvalidHandle(revision),
            ServiceChange::Rollback { name, .. },
        ) => ServiceError::RevisionNotFound { name: name.clone(), revision },
        (error, _) => errors::of(error),
    }
}

/// What a change would do.
pub(super) fn plan(change: &ServiceChange) -> Result<ServicePlan, ServiceError> {
    let request = request(change)?;
    with(|state| {
        let steps = state.manager.plan(&request).map_err(|error| of_change(error, change))?;
        let planned = steps.iter().map(|step| PlannedStep {
            level: step.order - 1,
            service: text(&step.service),
            action: action(step.action),
            reason: step.why().into(),
        });
        Ok(ServicePlan {
            kind: change.kind(),
            service: change.name().clone(),
            steps: planned.collect(),
            warnings: warnings(state, &request),
        })
    })
}

fn action(action: PlanAction) -> StepAction {
    match action {
        PlanAction::Register | PlanAction::Update | PlanAction::Unregister => StepAction::Configure,
        PlanAction::Start => StepAction::Start,
        PlanAction::Stop => StepAction::Stop,
        PlanAction::RestartInstance => StepAction::Restart,
        PlanAction::AddInstance => StepAction::ScaleUp,
        PlanAction::RemoveInstance => StepAction::ScaleDown,
        PlanAction::Reload => StepAction::Reload,
        PlanAction::Pause => StepAction::Pause,
        PlanAction::Resume => StepAction::Resume,
    }
}

/// What one should know before.
fn warnings(state: &State, request: &Request) -> Vec<admin_api::types::Text> {
    let mut warnings = Vec::new();
    if let Request::Update(document) = request
        && let Ok(view) = state.manager.view(&document.name)
        && view.instances.iter().any(|instance| instance.run.is_some())
        && !view.document.is_run_alike(document)
    {
        warnings.push("Instances that run keep the old document until they are restarted.".into());
    }
    warnings
}

/// Makes a change, and keeps it where there is a disk.
pub(super) async fn make(
    actor: Arc<str>,
    change: ServiceChange,
    expected: Option<u64>,
) -> Result<u64, ServiceError> {
    let wish = Wish { request: request(&change)?, actor: Some(actor), expected };
    let made = service::change(wish).outcome().await;
    made.map_err(|error| match error {
        ChangeError::Refused(error) => of_change(error, &change),
        ChangeError::Stale => ServiceError::Stale,
        ChangeError::Held(state) => {
            let now = describe::state(state);
            forbids(change.name(), now, "be changed during an emergency")
        }
        ChangeError::NotKept(error) => errors::of_disk(&error),
        ChangeError::NotStarted => super::not_started(),
    })
}

/// How far an operation is.
pub(super) fn operation(state: &State, id: u64) -> Result<Operation, ServiceError> {
    let found = state.manager.operation(id).ok_or(ServiceError::InvalidHandle(id))?;
    let (ended_at, error) = match &found.ended {
        None => (None, None),
        Some((at, Ok(()))) => (Some(describe::moment(*at)), None),
        Some((at, Err(error))) => (Some(describe::moment(*at)), Some(error.clone())),
    };
    let operation_state = match (&ended_at, &error) {
        (None, _) => OperationState::Running,
        (Some(_), None) => OperationState::Succeeded,
        (Some(_), Some(_)) => OperationState::Failed,
    };
    let steps = found.plan.iter().map(|step| OperationStep {
        level: step.order - 1,
        service: text(&step.service),
        action: action(step.action),
        state: progress(state.manager.progress(found, step)),
        detail: step.instance.map(|index| format!("instance {index}").into()),
    });
    Ok(Operation {
        id,
        kind: kind(found.kind),
        service: text(&found.service),
        state: operation_state,
        actor: text(found.actor.as_deref().unwrap_or("system")),
        started_at: describe::moment(found.began_at),
        ended_at,
        steps: steps.collect(),
        error: error.map(|error| {
            let error = errors::of(error);
            let code = error.code().unwrap_or(ServiceErrorCode::ServiceFailed);
            OperationError { code, detail: error.detail() }
        }),
    })
}

fn progress(progress: Progress) -> StepState {
    match progress {
        Progress::Pending => StepState::Pending,
        Progress::Running => StepState::Running,
        Progress::Done => StepState::Done,
        Progress::Failed => StepState::Failed,
        Progress::Skipped => StepState::Skipped,
    }
}

fn kind(kind: RequestKind) -> OperationKind {
    match kind {
        RequestKind::Register => OperationKind::Register,
        RequestKind::Update => OperationKind::Update,
        RequestKind::RollBack => OperationKind::Rollback,
        RequestKind::Unregister => OperationKind::Unregister,
        RequestKind::Start => OperationKind::Start,
        RequestKind::Stop | RequestKind::Terminate => OperationKind::Stop,
        RequestKind::Restart => OperationKind::Restart,
        RequestKind::Reload => OperationKind::Reload,
        RequestKind::Pause => OperationKind::Pause,
        RequestKind::Resume => OperationKind::Resume,
        RequestKind::Enable => OperationKind::Enable,
        RequestKind::Disable => OperationKind::Disable,
        RequestKind::Scale => OperationKind::Scale,
    }
}

/// A service, and its members if it is a group.
pub(super) fn with_members(state: &State, name: &str) -> Result<Vec<ServiceId>, ServiceError> {
    if state.manager.id_of(name).is_none() {
        return Err(ServiceError::NotFound(text(name)));
    }
    let names = state.manager.with_members(name);
    Ok(names.iter().filter_map(|name| state.manager.id_of(name)).collect())
}

/// Begins and ends an emergency for a service, or for the members of a group.
pub(super) fn hold(caller: &Caller, name: &str, is_held: bool) -> Result<u64, ServiceError> {
    with(|state| {
        let ids = with_members(state, name)?;
        if is_held {
            let request = Request::Terminate(name.into());
            let begun = state.manager.request(service::now(), &request, Some(&caller.user));
            let (_, actions) = begun.map_err(errors::of)?;
            state.take_in(actions);
        }
        Ok(ids.into_iter().map(|id| state.hold(id, is_held)).sum())
    })
}

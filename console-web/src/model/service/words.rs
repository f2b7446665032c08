//! The words of services as people read them, and their tones.

use admin_api::types::{
    BalanceStrategy, EdgeKind, HealthKind, HealthState, InstanceState, NetworkRights, OnViolation,
    OperationKind, RestartPolicy, SandboxRequest, Service, ServiceKind, ServicePlan, ServiceState,
    StepAction,
};

use crate::model::words::{Tone, network_rights};

/// A service's state.
#[must_use]
pub fn state(state: ServiceState) -> (&'static str, Tone) {
    match state {
        ServiceState::Stopped => ("Stopped", Tone::Neutral),
        ServiceState::Starting => ("Starting", Tone::Active),
        ServiceState::Running => ("Running", Tone::Good),
        ServiceState::Stopping => ("Stopping", Tone::Active),
        ServiceState::Failed => ("Failed", Tone::Bad),
        ServiceState::Disabled => ("Disabled", Tone::Neutral),
        ServiceState::Paused => ("Paused", Tone::Warning),
    }
}

/// An instance's state.
#[must_use]
pub fn instance(state: InstanceState) -> (&'static str, Tone) {
    match state {
        InstanceState::Stopped => ("Stopped", Tone::Neutral),
        InstanceState::Starting => ("Starting", Tone::Active),
        InstanceState::Running => ("Running", Tone::Good),
        InstanceState::Stopping => ("Stopping", Tone::Active),
        InstanceState::Waiting => ("Waiting", Tone::Warning),
        InstanceState::Failed => ("Failed", Tone::Bad),
        InstanceState::Paused => ("Paused", Tone::Warning),
    }
}

/// What checks say.
#[must_use]
pub fn health(health: HealthState) -> (&'static str, Tone) {
    match health {
        HealthState::Healthy => ("Healthy", Tone::Good),
        HealthState::Unknown => ("Not checked", Tone::Neutral),
        HealthState::Unhealthy => ("Unhealthy", Tone::Bad),
    }
}

/// A kind of service.
#[must_use]
pub fn kind(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::System => "System",
        ServiceKind::User => "User",
        ServiceKind::Group => "Group",
        ServiceKind::Monitoring => "Monitoring",
        ServiceKind::LoadBalancer => "Load balancer",
        ServiceKind::Discovery => "Discovery",
    }
}

/// How connections are spread.
#[must_use]
pub fn strategy(strategy: BalanceStrategy) -> &'static str {
    match strategy {
        BalanceStrategy::RoundRobin => "one after the other",
        BalanceStrategy::LeastConnections => "to the one with the fewest",
        BalanceStrategy::Weighted => "by weight",
    }
}

/// What a sandbox is, in a line.
#[must_use]
pub fn sandbox(sandbox: &SandboxRequest) -> String {
    let rights = sandbox.network.unwrap_or(NetworkRights::None);
    let calls = match sandbox.system_calls.as_ref().map(Vec::len) {
        None => "the usual system calls".to_owned(),
        Some(1) => "one system call".to_owned(),
        Some(count) => format!("{count} system calls"),
    };
    let end = match sandbox.on_violation {
        Some(OnViolation::Kill) => ", ended by any other",
        Some(OnViolation::Refuse) | None => "",
    };
    format!("Root {}, {}, {calls}{end}", sandbox.root, network_rights(rights).to_lowercase())
}

/// When it is restarted.
#[must_use]
pub fn policy(policy: RestartPolicy) -> &'static str {
    match policy {
        RestartPolicy::Always => "Always",
        RestartPolicy::OnFailure => "After a failure",
        RestartPolicy::OnAbnormal => "After an abnormal end",
        RestartPolicy::Never => "Never",
    }
}

/// How health is checked.
#[must_use]
pub fn check(kind: HealthKind) -> &'static str {
    match kind {
        HealthKind::Alive => "Process lives",
        HealthKind::Tcp => "TCP",
        HealthKind::Http => "HTTP",
        HealthKind::Command => "Command",
        HealthKind::Heartbeat => "Heartbeat",
    }
}

/// What an edge means, from the one who uses.
#[must_use]
pub fn edge(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Required => "Required",
        EdgeKind::Optional => "Optional",
        EdgeKind::After => "Order only",
        EdgeKind::Conflict => "Conflict",
        EdgeKind::Member => "Member",
    }
}

/// What is done in a step.
#[must_use]
pub fn action(action: StepAction) -> &'static str {
    match action {
        StepAction::Start => "Start",
        StepAction::Stop => "Stop",
        StepAction::Restart => "Restart",
        StepAction::Reload => "Reload",
        StepAction::Pause => "Pause",
        StepAction::Resume => "Let go on",
        StepAction::ScaleUp => "Add instances",
        StepAction::ScaleDown => "Remove instances",
        StepAction::Configure => "Change",
    }
}

/// What a change is called on a button, and what is told when it has begun.
#[must_use]
pub fn change(kind: OperationKind) -> (&'static str, &'static str) {
    match kind {
        OperationKind::Register => ("Register", "is registered"),
        OperationKind::Update => ("Save", "has a new document"),
        OperationKind::Rollback => ("Roll back", "has its earlier document again"),
        OperationKind::Unregister => ("Unregister", "is unregistered"),
        OperationKind::Start => ("Start", "is being started"),
        OperationKind::Stop => ("Stop", "is being stopped"),
        OperationKind::Restart => ("Restart", "is being restarted"),
        OperationKind::Reload => ("Reload", "reads its settings again"),
        OperationKind::Pause => ("Pause", "is paused"),
        OperationKind::Resume => ("Resume", "goes on"),
        OperationKind::Enable => ("Enable", "is enabled"),
        OperationKind::Disable => ("Disable", "is disabled"),
        OperationKind::Scale => ("Scale", "gets another number of instances"),
    }
}

/// Whether a change does something to other services, too, or has something one should know before.
#[must_use]
pub fn reaches_others(plan: &ServicePlan) -> bool {
    !plan.warnings.is_empty() || plan.steps.iter().any(|step| step.service != plan.service)
}

/// Why a change can't be made to a service now; nothing if it can. The system decides; this keeps
/// what can't work from being offered.
#[must_use]
pub fn why_not(service: &Service, kind: OperationKind, may_change: bool) -> Option<&'static str> {
    use ServiceState::{Disabled, Failed, Paused, Running, Starting, Stopped, Stopping};
    if !may_change {
        return Some("Needs an operator");
    }
    let state = service.status.as_ref().map_or(Stopped, |status| status.state);
    let is_idle = matches!(state, Stopped | Failed | Disabled);
    match kind {
        OperationKind::Start if !is_idle && !has_failed_instances(service) => Some("It is up"),
        OperationKind::Stop if matches!(state, Stopped | Disabled | Stopping) => {
            Some("It does not run")
        }
        OperationKind::Restart | OperationKind::Pause | OperationKind::Reload
            if state != Running =>
        {
            Some("It does not run")
        }
        OperationKind::Reload if service.reload.is_none() => Some("Its document has no reload"),
        OperationKind::Resume if state != Paused => Some("It is not paused"),
        OperationKind::Enable if service.enabled => Some("It is enabled"),
        OperationKind::Disable if !service.enabled => Some("It is disabled"),
        OperationKind::Scale if service.group.is_some() => Some("A group has no instances"),
        OperationKind::Unregister if matches!(state, Running | Starting | Stopping | Paused) => {
            Some("Stop it first")
        }
        _ => None,
    }
}

/// Whether it goes on without some of its instances; starting it starts those again.
fn has_failed_instances(service: &Service) -> bool {
    let instances = service.status.iter().flat_map(|status| &status.instances);
    instances.into_iter().any(|instance| instance.state == InstanceState::Failed)
}

/// Whether it runs with all of its instances.
#[must_use]
pub fn is_whole(service: &Service) -> bool {
    service.status.as_ref().is_some_and(|status| {
        status.state == ServiceState::Running && status.ready_instances >= service.instances
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use admin_api::types::PlannedStep;

    #[test]
    fn a_sandbox_is_told_in_a_line() {
        let mut request = SandboxRequest {
            root: "/srv/box".to_owned(),
            network: None,
            system_calls: None,
            on_violation: None,
        };
        assert_eq!(sandbox(&request), "Root /srv/box, no network, the usual system calls");
        request.network = Some(NetworkRights::Both);
        request.system_calls = Some(vec!["read".to_owned(), "write".to_owned()]);
        request.on_violation = Some(OnViolation::Kill);
        let told = "Root /srv/box, may connect and listen, 2 system calls, ended by any other";
        assert_eq!(sandbox(&request), told);
    }

    #[test]
    fn what_can_not_work_is_not_offered() {
        let mut service = Service::named("x".into());
        assert_eq!(why_not(&service, OperationKind::Start, true), None);
        assert_eq!(why_not(&service, OperationKind::Start, false), Some("Needs an operator"));
        assert!(why_not(&service, OperationKind::Stop, true).is_some());
        assert!(why_not(&service, OperationKind::Enable, true).is_some());
        assert_eq!(why_not(&service, OperationKind::Unregister, true), None);
        service.enabled = false;
        assert_eq!(why_not(&service, OperationKind::Enable, true), None);
        assert!(why_not(&service, OperationKind::Disable, true).is_some());
    }

    #[test]
    fn a_change_is_asked_about_when_it_reaches_further_than_its_service() {
        let step = |service: &'static str| PlannedStep {
            level: 0,
            service: service.into(),
            action: StepAction::Start,
            reason: "it was asked for".into(),
        };
        let plan = |steps: &[&'static str], warnings: &[&'static str]| ServicePlan {
            kind: OperationKind::Start,
            service: "web".into(),
            steps: steps.iter().copied().map(step).collect(),
            warnings: warnings.iter().map(|text| (*text).into()).collect(),
        };
        assert!(!reaches_others(&plan(&[], &[])));
        assert!(!reaches_others(&plan(&["web"], &[])));
        assert!(reaches_others(&plan(&["data", "web"], &[])));
        assert!(reaches_others(&plan(&["web"], &["It has failed before."])));
    }
}

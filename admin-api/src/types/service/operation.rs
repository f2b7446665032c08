//! What a change does: [`Operation`] while it goes on, [`ServicePlan`] before.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::types::{Text, Timestamp};

words! {
    /// Why something about a service failed.
    ServiceErrorCode {
        /// There is no such service.
        ServiceNotFound = "service_not_found",
        /// There is one of that name.
        ServiceAlreadyExists = "service_already_exists",
        /// It does not run.
        ServiceNotRunning = "service_not_running",
        /// It is not stopped.
        ServiceNotStopped = "service_not_stopped",
        /// Its document asks for what the system can't do.
        ConfigurationError = "configuration_error",
        /// Its document is wrong.
        InvalidConfiguration = "invalid_configuration",
        /// A service that it depends on is missing, failed, or of a wrong version; or is needed by others.
        DependencyError = "dependency_error",
        /// Its dependencies lead back to itself.
        CircularDependency = "circular_dependency",
        /// Not allowed.
        PermissionDenied = "permission_denied",
        /// No room left.
        ResourceExhausted = "resource_exhausted",
        /// The change cannot be kept: the disk is full.
        DiskFull = "disk_full",
        /// The change cannot be kept: the disk fails.
        DiskFailed = "disk_failed",
        /// It was started and did not stay.
        ServiceFailed = "service_failed",
        /// It can't be found by others.
        DiscoveryError = "discovery_error",
        /// No instance takes connections.
        LoadBalancerError = "load_balancer_error",
        /// It was restarted as often as its policy allows.
        FaultToleranceError = "fault_tolerance_error",
        /// There is no such operation.
        InvalidHandle = "invalid_handle",
        /// It took too long.
        Timeout = "timeout",
        /// Its checks failed.
        HealthCheckFailed = "health_check_failed",
        /// Its state forbids it.
        InvalidState = "invalid_state",
        /// Another operation took its place.
        Superseded = "superseded",
    }
}

words! {
    /// What an operation does.
    OperationKind {
        /// Registers a service.
        Register = "register",
        /// Replaces its document.
        Update = "update",
        /// Goes back to an earlier document.
        Rollback = "rollback",
        /// Forgets a service.
        Unregister = "unregister",
        /// Starts it, with what it needs.
        Start = "start",
        /// Stops it, with what needs it.
        Stop = "stop",
        /// Replaces its instances, one after the other if there are several.
        Restart = "restart",
        /// Tells it to read its settings again.
        Reload = "reload",
        /// Suspends its processes.
        Pause = "pause",
        /// Lets them go on.
        Resume = "resume",
        /// Has it started at boot.
        Enable = "enable",
        /// Has it not started at boot.
        Disable = "disable",
        /// Changes the number of its instances.
        Scale = "scale",
    }
}

words! {
    /// How far an operation is.
    OperationState {
        /// Goes on.
        Running = "running",
        /// Done.
        Succeeded = "succeeded",
        /// Given up; `error` says why.
        Failed = "failed",
    }
}

words! {
    /// What a step does to its service.
    StepAction {
        /// Starts it.
        Start = "start",
        /// Stops it.
        Stop = "stop",
        /// Replaces its instances.
        Restart = "restart",
        /// Sends its reload signal.
        Reload = "reload",
        /// Suspends its processes.
        Pause = "pause",
        /// Lets them go on.
        Resume = "resume",
        /// Starts more instances.
        ScaleUp = "scale_up",
        /// Ends some instances.
        ScaleDown = "scale_down",
        /// Changes its document or how it is kept.
        Configure = "configure",
    }
}

words! {
    /// How far a step is.
    StepState {
        /// Waits for the steps before it.
        Pending = "pending",
        /// Goes on.
        Running = "running",
        /// Done.
        Done = "done",
        /// Given up.
        Failed = "failed",
        /// Not done, because another one failed or there was nothing to do.
        Skipped = "skipped",
    }
}

/// `GET /operations/{id}`: a change that goes on, or has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Operation {
    /// Its number.
    pub id: u64,
    /// What it does.
    pub kind: OperationKind,
    /// The service it is about.
    pub service: Text,
    /// How far it is.
    pub state: OperationState,
    /// Who asked for it.
    pub actor: Text,
    /// When.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What it consists of, in order.
    pub steps: Vec<OperationStep>,
    /// Why it failed.
    pub error: Option<OperationError>,
}

/// A step of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperationStep {
    /// Steps of one level go on at the same time.
    pub level: u32,
    /// The service.
    pub service: Text,
    /// What is done to it.
    pub action: StepAction,
    /// How far it is.
    pub state: StepState,
    /// More about it, if there is.
    pub detail: Option<Text>,
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperationError {
    /// The typed error.
    pub code: ServiceErrorCode,
    /// In words.
    pub detail: Text,
}

/// The answer to a change with `dry_run=true`: what it would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServicePlan {
    /// What was asked for.
    pub kind: OperationKind,
    /// The service it is about.
    pub service: Text,
    /// What would be done, in order.
    pub steps: Vec<PlannedStep>,
    /// What one should know before.
    pub warnings: Vec<Text>,
}

/// A step that would be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlannedStep {
    /// Steps of one level would go on at the same time.
    pub level: u32,
    /// The service.
    pub service: Text,
    /// What would be done to it.
    pub action: StepAction,
    /// Why.
    pub reason: Text,
}

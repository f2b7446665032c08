//! The manager's errors in the API's words.

use alloc::format;
use alloc::string::String;

use admin_api::backend::ServiceError;
use admin_api::types::{FieldError, ServiceErrorCode, Text};
use service_core::{DependencyProblem, Failure};

use crate::disk::{DiskError, StoreError};

use super::describe;
use super::text;

/// As a sentence.
fn sentence(error: &service_core::ServiceError) -> Text {
    let mut words = format!("{error}");
    if !begins_with_name(error)
        && let Some(first) = words.get(..1).map(str::to_ascii_uppercase)
    {
        words.replace_range(..1, &first);
    }
    if !words.ends_with('.') {
        words.push('.');
    }
    words.into()
}

/// Whether its first word is a name, of a service or a field, which stays as it is.
fn begins_with_name(error: &service_core::ServiceError) -> bool {
    use service_core::ServiceError as From;
    match error {
        From::NotRunning { .. }
        | From::NotStopped { .. }
        | From::InvalidConfiguration(_)
        | From::Configuration(_)
        | From::Failed { .. }
        | From::FaultTolerance { .. }
        | From::Timeout { .. }
        | From::HealthCheckFailed { .. } => true,
        From::Dependency(problem) => !matches!(problem, DependencyProblem::Unknown { .. }),
        _ => false,
    }
}

/// An error in the API's words.
pub(super) fn of(error: service_core::ServiceError) -> ServiceError {
    use service_core::ServiceError as From;
    let words = sentence(&error);
    let field = |error: service_core::FieldError| FieldError {
        field: path(&error.field),
        message: error.message,
    };
    match error {
        From::NotFound(name) => ServiceError::NotFound(text(&name)),
        From::AlreadyExists(name) => ServiceError::AlreadyExists(text(&name)),
        From::NotRunning { service, state } => {
            ServiceError::NotRunning { name: text(&service), state: describe::state(state) }
        }
        From::NotStopped { service, state } => {
            ServiceError::NotStopped { name: text(&service), state: describe::state(state) }
        }
        From::InvalidConfiguration(fields) => {
            ServiceError::InvalidConfiguration(fields.into_iter().map(field).collect())
        }
        From::Configuration(error) if error.field == "reload" => ServiceError::Configuration(words),
        From::Configuration(error) => ServiceError::InvalidConfiguration([field(error)].into()),
        From::Dependency(DependencyProblem::Unknown { field, service }) => {
            let message = format!("there is no service {service}");
            let field = path(&field);
            ServiceError::InvalidConfiguration([FieldError { field, message }].into())
        }
        From::Dependency(_) => ServiceError::Dependency(words),
        From::CircularDependency(cycle) => {
            ServiceError::CircularDependency(cycle.iter().map(|name| text(name)).collect())
        }
        From::PermissionDenied => ServiceError::PermissionDenied(words),
        From::ResourceExhausted(_) => ServiceError::ResourceExhausted(words),
        From::Failed { failure: Failure::TooManyRestarts { .. }, .. }
        | From::FaultTolerance { .. } => ServiceError::FaultTolerance(words),
        From::Failed { failure: Failure::Unhealthy { .. }, .. }
        | From::HealthCheckFailed { .. } => ServiceError::HealthCheckFailed(words),
        From::Failed {
            failure: Failure::StartTimeout { .. } | Failure::DependencyTimeout { .. },
            ..
        }
        | From::Timeout { .. } => ServiceError::Timeout(words),
        From::Failed { failure: Failure::Dependency(_) | Failure::Conflict(_), .. } => {
            ServiceError::Dependency(words)
        }
        From::Failed { .. } => ServiceError::Failed(words),
        From::Discovery { .. } => ServiceError::LoadBalancer(words),
        From::LoadBalancer(_) => ServiceError::LoadBalancer(words),
        From::InvalidHandle(number) => ServiceError::InvalidHandle(number),
        From::Superseded { .. } => ServiceError::Superseded(words),
        From::ShuttingDown => ServiceError::ResourceExhausted(words),
    }
}

/// A change that cannot be kept.
pub(super) fn of_disk(error: &StoreError<DiskError>) -> ServiceError {
    let words = |advice| format!("The change was not made, because {error}. {advice}").into();
    match error {
        StoreError::Full { .. } | StoreError::TooLong => ServiceError::DiskFull(words(
            "Unregister services that are not needed, or attach a larger disk.",
        )),
        StoreError::Disk(_) | StoreError::Unsettled(_) => {
            ServiceError::DiskFailed(words("Look after the disk; what runs goes on."))
        }
    }
}

/// The API writes places in lists with a dot.
pub(super) fn path(field: &str) -> String {
    field.replace('[', ".").replace(']', "")
}

/// The word for why a service does not run.
pub(super) const fn code(failure: &Failure) -> ServiceErrorCode {
    match failure {
        Failure::Launch(_) | Failure::Condition(_) => ServiceErrorCode::ConfigurationError,
        Failure::Exit(_) | Failure::Signal(_) => ServiceErrorCode::ServiceFailed,
        Failure::StartTimeout { .. } | Failure::DependencyTimeout { .. } => {
            ServiceErrorCode::Timeout
        }
        Failure::Unhealthy { .. } => ServiceErrorCode::HealthCheckFailed,
        Failure::MemoryQuota { .. } | Failure::AfterLoss { .. } => {
            ServiceErrorCode::ResourceExhausted
        }
        Failure::TooManyRestarts { .. } => ServiceErrorCode::FaultToleranceError,
        Failure::Dependency(_) | Failure::Conflict(_) => ServiceErrorCode::DependencyError,
        Failure::Port(_) => ServiceErrorCode::LoadBalancerError,
    }
}

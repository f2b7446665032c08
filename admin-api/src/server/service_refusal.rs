//! Errors of services as problems.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::backend::ServiceError;
use crate::types::{FieldError, OperationError, ServiceErrorCode};

use super::refusal::Refusal;

/// Status and title of an error.
const fn kind(code: ServiceErrorCode) -> (u16, &'static str) {
    match code {
        ServiceErrorCode::ServiceNotFound => (404, "Service not found"),
        ServiceErrorCode::ServiceAlreadyExists => (409, "Service already exists"),
        ServiceErrorCode::ServiceNotRunning => (409, "Service not running"),
        ServiceErrorCode::ServiceNotStopped => (409, "Service not stopped"),
        ServiceErrorCode::ConfigurationError => (409, "Configuration error"),
        ServiceErrorCode::InvalidConfiguration => (422, "Invalid configuration"),
        ServiceErrorCode::DependencyError => (409, "Dependency error"),
        ServiceErrorCode::CircularDependency => (422, "Circular dependency"),
        ServiceErrorCode::PermissionDenied => (403, "Permission denied"),
        ServiceErrorCode::ResourceExhausted => (503, "Resource exhausted"),
        ServiceErrorCode::DiskFull => (507, "Disk full"),
        ServiceErrorCode::DiskFailed => (503, "Disk failed"),
        ServiceErrorCode::ServiceFailed => (409, "Service failed"),
        ServiceErrorCode::DiscoveryError => (409, "Discovery error"),
        ServiceErrorCode::LoadBalancerError => (503, "Load balancer error"),
        ServiceErrorCode::FaultToleranceError => (409, "Fault tolerance error"),
        ServiceErrorCode::InvalidHandle => (404, "Operation not found"),
        ServiceErrorCode::Timeout => (504, "Timeout"),
        ServiceErrorCode::HealthCheckFailed => (409, "Health check failed"),
        ServiceErrorCode::InvalidState => (409, "Invalid state"),
        ServiceErrorCode::Superseded => (409, "Superseded"),
    }
}

impl Refusal {
    fn of_service(code: ServiceErrorCode, detail: impl Into<crate::types::Text>) -> Self {
        let (status, title) = kind(code);
        let refusal = Self::new(status, code.name(), title, detail);
        if status == 503 { refusal.with_header("Retry-After", "1") } else { refusal }
    }

    /// A document of a service whose fields are wrong.
    pub(crate) fn invalid_configuration(errors: Vec<FieldError>) -> Self {
        let detail = "Fields of the document are unknown, missing or have wrong values.";
        Self::of_service(ServiceErrorCode::InvalidConfiguration, detail).with_errors(errors)
    }

    /// The path's parameter is no number of an operation.
    pub(crate) fn invalid_handle(text: &str) -> Self {
        let detail = format!("{text} is not the number of an operation.");
        Self::of_service(ServiceErrorCode::InvalidHandle, detail)
    }

    /// An operation that was waited for has failed.
    pub(crate) fn operation_failed(id: u64, error: &OperationError) -> Self {
        Self::of_service(error.code, error.detail.clone())
            .with_header("Location", format!("/api/v1/operations/{id}"))
    }
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        let detail = error.detail();
        let Some(code) = error.code() else {
            return match error {
                ServiceError::Stale => Self::new(412, "stale", "Precondition failed", detail),
                _ => Self::new(404, "revision_not_found", "Revision not found", detail),
            };
        };
        let refusal = Self::of_service(code, detail.clone());
        match error {
            ServiceError::InvalidConfiguration(errors) => refusal.with_errors(errors),
            ServiceError::CircularDependency(_) => {
                let message = String::from(detail.as_str());
                refusal.with_errors([FieldError { field: "dependencies".into(), message }].into())
            }
            _ => refusal,
        }
    }
}

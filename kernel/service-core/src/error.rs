//! What can go wrong with services, each kind with what was wrong.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::failure::Failure;
use crate::manager::StateName;

/// A wrong field of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Its place, such as `dependencies[0].service`.
    pub field: String,
    /// What is wrong with it, as the rest of a sentence.
    pub message: String,
}

/// Every way in which an operation of the service manager fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceError {
    /// No service has this name.
    NotFound(Arc<str>),
    /// There is a service of this name already.
    AlreadyExists(Arc<str>),
    /// It has to run for this.
    NotRunning {
        /// The service.
        service: Arc<str>,
        /// The state it is in.
        state: StateName,
    },
    /// It has to be stopped for this.
    NotStopped {
        /// The service.
        service: Arc<str>,
        /// The state it is in.
        state: StateName,
    },
    /// The document is wrong by itself: each field.
    InvalidConfiguration(Vec<FieldError>),
    /// The document does not fit what is configured otherwise.
    Configuration(FieldError),
    /// What is depended on forbids it.
    Dependency(DependencyProblem),
    /// The dependencies would lead back to where they started: the whole cycle, its first member once more
    /// at the end.
    CircularDependency(Vec<Arc<str>>),
    /// The caller may not do this.
    PermissionDenied,
    /// Something has run out: what.
    ResourceExhausted(&'static str),
    /// It failed.
    Failed {
        /// The service.
        service: Arc<str>,
        /// Why.
        failure: Failure,
    },
    /// No instance can be given.
    Discovery {
        /// The service.
        service: Arc<str>,
    },
    /// The port cannot be shared among the instances: why.
    LoadBalancer(String),
    /// It was started again as often as allowed.
    FaultTolerance {
        /// The service.
        service: Arc<str>,
    },
    /// No instance, operation or version has this number.
    InvalidHandle(u64),
    /// It did not happen in time.
    Timeout {
        /// The service.
        service: Arc<str>,
        /// How long was waited.
        after_ms: u64,
    },
    /// A check failed.
    HealthCheckFailed {
        /// The service.
        service: Arc<str>,
    },
    /// Another operation took its place.
    Superseded {
        /// The service.
        service: Arc<str>,
    },
    /// The system is going down.
    ShuttingDown,
}

/// How the dependencies forbid something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DependencyProblem {
    /// A document needs a service that there is not.
    Unknown {
        /// The field that names it.
        field: String,
        /// The missing one.
        service: Arc<str>,
    },
    /// A document needs another version than there is.
    Version {
        /// Who needs it.
        dependant: Arc<str>,
        /// What is needed.
        service: Arc<str>,
        /// Which version.
        required: String,
        /// Which there is.
        found: String,
    },
    /// Others need it.
    Needed {
        /// The service.
        service: Arc<str>,
        /// Those that need it.
        by: Vec<Arc<str>>,
    },
    /// Two that may not run together would.
    Conflict {
        /// The one.
        service: Arc<str>,
        /// The other.
        with: Arc<str>,
    },
}

/// Writes names as `a, b and c`.
struct List<'a>(&'a [Arc<str>]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            let separator = match index {
                0 => "",
                _ if index + 1 == self.0.len() => " and ",
                _ => ", ",
            };
            write!(f, "{separator}{name}")?;
        }
        Ok(())
    }
}

impl fmt::Display for DependencyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { service, .. } => write!(f, "there is no service {service}"),
            Self::Version { dependant, service, required, found } => {
                write!(f, "{dependant} needs {service} {required}, and there is {found}")
            }
            Self::Needed { service, by } => {
                write!(f, "{service} is needed by {}", List(by))
            }
            Self::Conflict { service, with } => {
                write!(f, "{service} may not run together with {with}")
            }
        }
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(service) => write!(f, "there is no service {service}"),
            Self::AlreadyExists(service) => write!(f, "there is a service {service} already"),
            Self::NotRunning { service, state } => {
                write!(f, "{service} does not run: it is {state}")
            }
            Self::NotStopped { service, state } => {
                write!(f, "{service} is not stopped: it is {state}")
            }
            Self::InvalidConfiguration(fields) => match fields.first() {
                Some(first) => write!(f, "{} {}", first.field, first.message),
                None => f.write_str("the document is wrong"),
            },
            Self::Configuration(error) => write!(f, "{} {}", error.field, error.message),
            Self::Dependency(problem) => problem.fmt(f),
            Self::CircularDependency(path) => {
                f.write_str("the dependencies form a cycle: ")?;
                for (index, name) in path.iter().enumerate() {
                    write!(f, "{}{name}", if index > 0 { " -> " } else { "" })?;
                }
                Ok(())
            }
            Self::PermissionDenied => f.write_str("the caller may not do this"),
            Self::ResourceExhausted(what) => write!(f, "there is no room for more {what}"),
            Self::Failed { service, failure } => write!(f, "{service} failed: {failure}"),
            Self::Discovery { service } => write!(f, "no instance of {service} is ready"),
            Self::LoadBalancer(why) => write!(f, "the port cannot be shared: {why}"),
            Self::FaultTolerance { service } => {
                write!(f, "{service} was started again as often as allowed")
            }
            Self::InvalidHandle(number) => write!(f, "nothing has the number {number}"),
            Self::Timeout { service, after_ms } => {
                write!(f, "{service} was not ready within {after_ms} ms")
            }
            Self::HealthCheckFailed { service } => {
                write!(f, "{service} failed its health check")
            }
            Self::Superseded { service } => {
                write!(f, "another operation on {service} took its place")
            }
            Self::ShuttingDown => f.write_str("the system is going down"),
        }
    }
}

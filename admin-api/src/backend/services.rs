//! What the server needs of the service manager: [`Services`].

use alloc::string::String;
use alloc::vec::Vec;
use core::future::Future;
use core::task::{Context, Poll};

use crate::types::{
    FieldError, Operation, OperationKind, Resolved, Service, ServiceDependencies,
    ServiceDifference, ServiceErrorCode, ServiceExplanation, ServiceGraph, ServiceHealth,
    ServiceLine, ServicePlan, ServiceRevision, ServiceState, Text,
};

use super::{Caller, SequenceRange};

/// The service manager behind the API.
///
/// Documents that are handed in have passed the checks that need no knowledge of the system
/// ([`read_service`](crate::server::read_service)); `revision` and `status` of them are `None`. Those
/// that are handed out have both.
pub trait Services {
    /// Calls `visit` with up to `limit` services whose names are above `after`, in the order of their names.
    /// Not to be called under a spin lock, as with
    /// [`Backend::processes_after`](super::Backend::processes_after).
    fn services_after(&self, after: Option<&str>, limit: usize, visit: &mut dyn FnMut(Service));

    /// One service.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    fn service(&self, name: &str) -> Result<Service, ServiceError>;

    /// What a change would do; changes nothing.
    ///
    /// # Errors
    /// Those that [`Services::change_service`] would give now.
    fn plan_service_change(&self, change: &ServiceChange) -> Result<ServicePlan, ServiceError>;

    /// Begins a change, and answers the number of its operation. Registering, changing a document,
    /// going back to one, unregistering, enabling and disabling hold when this is ready, and are kept over a
    /// boot where the system keeps them; what they lead to
    /// (instances that start or stop) goes on as steps of the operation. With `expected`, changes nothing and
    /// answers [`ServiceError::Stale`] unless the document's revision is still this one.
    ///
    /// # Errors
    /// What forbids the change; nothing has changed then.
    fn change_service(
        &self,
        caller: &Caller,
        change: ServiceChange,
        expected: Option<u64>,
    ) -> impl Future<Output = Result<u64, ServiceError>>;

    /// An operation that goes on, or ended and is remembered.
    ///
    /// # Errors
    /// [`ServiceError::InvalidHandle`].
    fn operation(&self, id: u64) -> Result<Operation, ServiceError>;

    /// Ready once the operation has ended, or is unknown.
    fn poll_operation_ended(&self, context: &mut Context<'_>, id: u64) -> Poll<()>;

    /// The health of a service, with its history.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    fn service_health(&self, name: &str) -> Result<ServiceHealth, ServiceError>;

    /// Whom a service uses, and who uses it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    fn service_dependencies(&self, name: &str) -> Result<ServiceDependencies, ServiceError>;

    /// All services and the edges between them.
    fn service_graph(&self) -> ServiceGraph;

    /// Why a service is as it is.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    fn explain_service(&self, name: &str) -> Result<ServiceExplanation, ServiceError>;

    /// The documents of a service that are remembered, the newest first.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    fn service_revisions(&self, name: &str) -> Result<Vec<ServiceRevision>, ServiceError>;

    /// What changed between two documents of a service.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::RevisionNotFound`].
    fn service_difference(
        &self,
        name: &str,
        from: u64,
        to: u64,
    ) -> Result<ServiceDifference, ServiceError>;

    /// Chooses an instance as for a connection.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::NotRunning`], [`ServiceError::LoadBalancer`].
    fn resolve_service(&self, name: &str) -> Result<Resolved, ServiceError>;

    /// The sequence numbers of the lines of a service that are kept.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    fn service_output_range(&self, name: &str) -> Result<SequenceRange, ServiceError>;

    /// Up to `limit` lines of a service with a sequence number above `after`, in order; none of a service
    /// that is unknown.
    fn service_output_after(&self, name: &str, after: u64, limit: usize) -> Vec<ServiceLine>;

    /// Ready once there is a line above `after`, or the service is unknown.
    fn poll_service_output(&self, context: &mut Context<'_>, name: &str, after: u64) -> Poll<()>;

    /// Up to `limit` processes of a service, or of a group's members, above `after`, by number, that have not
    /// ended.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    fn service_processes(
        &self,
        name: &str,
        after: u32,
        limit: usize,
    ) -> Result<Vec<u32>, ServiceError>;

    /// Begins an emergency (`true`) for a service, or for the members of a group, and ends it: while it goes
    /// on, none of its instances is started, none of its processes forks, and how they end is not a
    /// failure; it is stopped afterwards, and tells by whom. Each beginning is followed by one end. Says how
    /// many processes it has ended itself.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    fn hold_service(&self, caller: &Caller, name: &str, is_held: bool)
    -> Result<u64, ServiceError>;
}

/// A change of a service.
#[derive(Clone, Debug, PartialEq)]
pub enum ServiceChange {
    /// Registers a service; started at once if it is enabled and `instances` is not 0.
    Register(Service),
    /// Replaces the document of a service of the same name.
    Update(Service),
    /// Goes back to an earlier document.
    Rollback {
        /// The service.
        name: Text,
        /// The document.
        revision: u64,
    },
    /// Forgets a service that is stopped and that nobody needs.
    Unregister {
        /// The service.
        name: Text,
    },
    /// Changes the number of instances, and the document with it.
    Scale {
        /// The service.
        name: Text,
        /// So many.
        count: u32,
    },
    /// What needs nothing but the service's name.
    Plain {
        /// What to do: one of the kinds from `Start` to `Disable`.
        kind: OperationKind,
        /// The service.
        name: Text,
    },
}

impl ServiceChange {
    /// What it does.
    #[must_use]
    pub fn kind(&self) -> OperationKind {
        match self {
            Self::Register(_) => OperationKind::Register,
            Self::Update(_) => OperationKind::Update,
            Self::Rollback { .. } => OperationKind::Rollback,
            Self::Unregister { .. } => OperationKind::Unregister,
            Self::Scale { .. } => OperationKind::Scale,
            Self::Plain { kind, .. } => *kind,
        }
    }

    /// The service it is about.
    #[must_use]
    pub fn name(&self) -> &Text {
        match self {
            Self::Register(document) | Self::Update(document) => &document.name,
            Self::Rollback { name, .. }
            | Self::Unregister { name }
            | Self::Scale { name, .. }
            | Self::Plain { name, .. } => name,
        }
    }
}

/// Why the service manager refused or failed to do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceError {
    /// There is no service of this name.
    NotFound(Text),
    /// There is one of this name.
    AlreadyExists(Text),
    /// It does not run.
    NotRunning {
        /// The service.
        name: Text,
        /// Its state.
        state: ServiceState,
    },
    /// It is not stopped.
    NotStopped {
        /// The service.
        name: Text,
        /// Its state.
        state: ServiceState,
    },
    /// Its state forbids it.
    InvalidState {
        /// The service.
        name: Text,
        /// Its state.
        state: ServiceState,
        /// What can't be done: `be paused`, `be started`, ...
        operation: &'static str,
    },
    /// The document asks for what the system can't do, or the wrong thing was asked of it; why.
    Configuration(Text),
    /// Fields of the document are wrong.
    InvalidConfiguration(Vec<FieldError>),
    /// A dependency is missing or failed, or the service is needed by others; why.
    Dependency(Text),
    /// The dependencies lead back: the services of the cycle, the first one again at the end.
    CircularDependency(Vec<Text>),
    /// Not allowed; why.
    PermissionDenied(Text),
    /// No room left, in words.
    ResourceExhausted(Text),
    /// The change cannot be kept, because the disk is full; what to do.
    DiskFull(Text),
    /// The change cannot be kept, because the disk fails; how.
    DiskFailed(Text),
    /// It was started and did not stay; why.
    Failed(Text),
    /// It can't be found by others; why.
    Discovery(Text),
    /// No instance takes connections; why.
    LoadBalancer(Text),
    /// It was restarted as often as its policy allows; how often.
    FaultTolerance(Text),
    /// There is no such operation.
    InvalidHandle(u64),
    /// It took too long; what.
    Timeout(Text),
    /// Its checks failed; what they saw.
    HealthCheckFailed(Text),
    /// Another operation took its place; which.
    Superseded(Text),
    /// The document's revision is no longer the one that was expected.
    Stale,
    /// There is no document of this revision, or it is no longer kept.
    RevisionNotFound {
        /// The service.
        name: Text,
        /// The revision.
        revision: u64,
    },
}

impl ServiceError {
    /// The word for it; `None` for those that are about the request alone.
    #[must_use]
    pub const fn code(&self) -> Option<ServiceErrorCode> {
        Some(match self {
            Self::NotFound(_) => ServiceErrorCode::ServiceNotFound,
            Self::AlreadyExists(_) => ServiceErrorCode::ServiceAlreadyExists,
            Self::NotRunning { .. } => ServiceErrorCode::ServiceNotRunning,
            Self::NotStopped { .. } => ServiceErrorCode::ServiceNotStopped,
            Self::InvalidState { .. } => ServiceErrorCode::InvalidState,
            Self::Configuration(_) => ServiceErrorCode::ConfigurationError,
            Self::InvalidConfiguration(_) => ServiceErrorCode::InvalidConfiguration,
            Self::Dependency(_) => ServiceErrorCode::DependencyError,
            Self::CircularDependency(_) => ServiceErrorCode::CircularDependency,
            Self::PermissionDenied(_) => ServiceErrorCode::PermissionDenied,
            Self::ResourceExhausted(_) => ServiceErrorCode::ResourceExhausted,
            Self::DiskFull(_) => ServiceErrorCode::DiskFull,
            Self::DiskFailed(_) => ServiceErrorCode::DiskFailed,
            Self::Failed(_) => ServiceErrorCode::ServiceFailed,
            Self::Discovery(_) => ServiceErrorCode::DiscoveryError,
            Self::LoadBalancer(_) => ServiceErrorCode::LoadBalancerError,
            Self::FaultTolerance(_) => ServiceErrorCode::FaultToleranceError,
            Self::InvalidHandle(_) => ServiceErrorCode::InvalidHandle,
            Self::Timeout(_) => ServiceErrorCode::Timeout,
            Self::HealthCheckFailed(_) => ServiceErrorCode::HealthCheckFailed,
            Self::Superseded(_) => ServiceErrorCode::Superseded,
            Self::Stale | Self::RevisionNotFound { .. } => return None,
        })
    }

    /// The error in one sentence.
    #[must_use]
    pub fn detail(&self) -> Text {
        use alloc::format;
        match self {
            Self::NotFound(name) => format!("There is no service {name}.").into(),
            Self::AlreadyExists(name) => format!("There is a service {name} already.").into(),
            Self::NotRunning { name, state } => {
                format!("{name} is {state}; this takes one that runs.").into()
            }
            Self::NotStopped { name, state } => {
                format!("{name} is {state}; this takes one that is stopped.").into()
            }
            Self::InvalidState { name, state, operation } => {
                format!("{name} is {state} and can't {operation}.").into()
            }
            Self::InvalidConfiguration(_) => "Fields of the document have wrong values.".into(),
            Self::CircularDependency(cycle) => {
                let mut text = String::from("The dependencies are a circle: ");
                for (index, name) in cycle.iter().enumerate() {
                    text.push_str(if index == 0 { "" } else { " → " });
                    text.push_str(name);
                }
                text.push('.');
                text.into()
            }
            Self::InvalidHandle(id) => format!("There is no operation {id}.").into(),
            Self::Stale => "The document was changed since; read it again.".into(),
            Self::RevisionNotFound { name, revision } => {
                format!("There is no revision {revision} of {name}, or it is no longer kept.")
                    .into()
            }
            Self::Configuration(why)
            | Self::Dependency(why)
            | Self::PermissionDenied(why)
            | Self::ResourceExhausted(why)
            | Self::DiskFull(why)
            | Self::DiskFailed(why)
            | Self::Failed(why)
            | Self::Discovery(why)
            | Self::LoadBalancer(why)
            | Self::FaultTolerance(why)
            | Self::Timeout(why)
            | Self::HealthCheckFailed(why)
            | Self::Superseded(why) => why.clone(),
        }
    }
}

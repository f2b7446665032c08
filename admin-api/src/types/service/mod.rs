//! Services: the document that an operator writes, and what the system says about it.

mod document;
mod explanation;
mod graph;
mod health;
mod operation;
mod output;
mod revision;
mod status;

pub use document::{
    BalanceStrategy, ConditionKind, Dependency, HealthCheck, HealthKind, ReadyWhen, ReloadRule,
    RestartPolicy, RestartRule, Service, ServiceCondition, ServiceGroup, ServiceKind,
    ServiceLimits, ServicePort, StartRule, StopRule, SupervisionStrategy,
};
pub use explanation::{ServiceExplanation, ServiceReason};
pub use graph::{
    DependencyState, EdgeKind, ServiceDependencies, ServiceEdge, ServiceGraph, ServiceNode,
};
pub use health::{HealthPurpose, HealthRecord, HealthState, InstanceHealth, ServiceHealth};
pub use operation::{
    Operation, OperationError, OperationKind, OperationState, OperationStep, PlannedStep,
    ServiceErrorCode, ServicePlan, StepAction, StepState,
};
pub use output::{OutputStream, ServiceLine};
pub use revision::{FieldChange, RollbackRequest, ServiceDifference, ServiceRevision};
pub use status::{
    InstanceConnections, InstanceState, Resolved, ScaleRequest, ServiceCounts, ServiceInstance,
    ServiceState, ServiceStatus, ServiceUsage,
};

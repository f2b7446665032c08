//! Everything that crosses the wire: requests, answers, and the values in them.
//!
//! Each type can be written by `serde_json` and by `serde-json-core` with the same result, and be
//! read back by `serde_json`. Requests refuse unknown fields; answers ignore them, so that a
//! console of another version can still read them. Names carry their unit.

#[macro_use]
mod words;

mod cpu;
mod disk;
mod emergency;
mod event;
mod file;
mod hundredths;
mod interrupt;
mod log;
mod memory;
mod memory_map;
mod network;
mod numa;
mod open_file;
mod page;
mod problem;
mod process;
mod process_request;
mod sandbox;
mod service;
mod session;
mod signal;
mod signals;
mod socket;
mod system;
mod text;
mod thread;
mod timestamp;

pub use cpu::{Cpu, CpuState, CpuTimes, IpiCounts};
pub use disk::{Disk, DiskState};
pub use emergency::{EmergencyRequest, EmergencyResult, EmergencyScope};
pub use event::{Event, EventGap, EventKind};
pub use file::{FileEntry, FileKind};
pub use hundredths::Hundredths;
pub use interrupt::{InterruptKind, InterruptLine};
pub use log::{LogLevel, LogLine};
pub use memory::{HeapUsage, Memory, MemoryByUse, MemoryNode, Victim};
pub use memory_map::{MemoryArea, MemoryAreaKind};
pub use network::{
    AddressSource, Counters, HttpCounters, Interface, InterfaceAddress, NameCounters, Network,
    TcpCounters,
};
pub use numa::{Numa, NumaAllocations, NumaDistance, NumaMemory, NumaNode};
pub use open_file::{OpenFile, OpenFileKind};
pub use page::Page;
pub use problem::{FieldError, Problem};
pub use process::{
    Class, ContextSwitches, CpuUsage, Exit, IoUsage, Isolation, Limits, LimitsMet, MemoryUsage,
    PageFaults, Priority, Process, ProcessState, SignalCounts, Usage, User,
};
pub use process_request::{
    CreateProcess, LimitsChange, ProcessOutput, ProcessPatch, SignalRequest,
};
pub use sandbox::{NetworkRights, OnViolation, Sandbox, SandboxRequest};
pub use service::{
    BalanceStrategy, ConditionKind, Dependency, DependencyState, EdgeKind, FieldChange,
    HealthCheck, HealthKind, HealthPurpose, HealthRecord, HealthState, InstanceConnections,
    InstanceHealth, InstanceState, Operation, OperationError, OperationKind, OperationState,
    OperationStep, OutputStream, PlannedStep, ReadyWhen, ReloadRule, Resolved, RestartPolicy,
    RestartRule, RollbackRequest, ScaleRequest, Service, ServiceCondition, ServiceCounts,
    ServiceDependencies, ServiceDifference, ServiceEdge, ServiceErrorCode, ServiceExplanation,
    ServiceGraph, ServiceGroup, ServiceHealth, ServiceInstance, ServiceKind, ServiceLimits,
    ServiceLine, ServiceNode, ServicePlan, ServicePort, ServiceReason, ServiceRevision,
    ServiceState, ServiceStatus, ServiceUsage, StartRule, StepAction, StepState, StopRule,
    SupervisionStrategy,
};
pub use session::{AuthenticatedBy, Role, Session, SessionRequest};
pub use signal::{Signal, UnknownSignal};
pub use signals::{ProcessSignals, SignalEffect, SignalRecord, ThreadSignals};
pub use socket::{Socket, SocketProtocol};
pub use system::{
    CpuSummary, Health, HealthStatus, Load, MemorySummary, PowerAction, PowerAnswer, ProcessCounts,
    System,
};
pub use text::Text;
pub use thread::{Thread, ThreadCpuUsage, ThreadUsage};
pub use timestamp::{InvalidTimestamp, Timestamp};

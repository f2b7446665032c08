//! What happened: [`Event`], as `GET /events` streams it.

use serde::{Deserialize, Serialize};

use super::{Text, Timestamp};

words! {
    /// What kind of thing happened.
    EventKind {
        /// A process was created.
        ProcessCreated = "process_created",
        /// A process was suspended.
        ProcessSuspended = "process_suspended",
        /// A suspended process goes on.
        ProcessResumed = "process_resumed",
        /// Priority, class, nice or affinity were changed.
        ProcessChanged = "process_changed",
        /// A signal was sent to a process by an operator or the kernel.
        ProcessSignaled = "process_signaled",
        /// A process ended.
        ProcessExited = "process_exited",
        /// A process ran into a limit.
        LimitExceeded = "limit_exceeded",
        /// A process tried what its sandbox does not allow; told once for each kind.
        SandboxViolation = "sandbox_violation",
        /// A CPU came up, or failed to.
        CpuChanged = "cpu_changed",
        /// An address was configured or lost, or the link changed.
        NetworkChanged = "network_changed",
        /// Someone signed in, signed out, or failed to sign in.
        SessionChanged = "session_changed",
        /// The system started, shuts down or reboots.
        SystemChanged = "system_changed",
        /// An operator began or finished an emergency termination.
        Emergency = "emergency",
        /// A service was registered.
        ServiceRegistered = "service_registered",
        /// The document of a service was changed.
        ServiceUpdated = "service_updated",
        /// A service was unregistered.
        ServiceUnregistered = "service_unregistered",
        /// A service went from one state to another.
        ServiceStateChanged = "service_state_changed",
        /// An instance of a service was started.
        ServiceInstanceStarted = "service_instance_started",
        /// An instance of a service became ready.
        ServiceInstanceReady = "service_instance_ready",
        /// An instance of a service ended.
        ServiceInstanceEnded = "service_instance_ended",
        /// What the checks of a service say has changed.
        ServiceHealthChanged = "service_health_changed",
        /// A change of a service is done, or was given up.
        OperationEnded = "operation_ended",
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// Counts up from 1 without a hole; the `id` of the server-sent event.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// What kind; the `event` of the server-sent event.
    pub kind: EventKind,
    /// The process it is about.
    pub pid: Option<u32>,
    /// The service it is about.
    #[serde(default)]
    pub service: Option<Text>,
    /// Who caused it, if an operator did.
    pub actor: Option<Text>,
    /// What happened, in words.
    pub message: Text,
}

/// Sent as event `gap` when events were lost because the reader was too slow or away for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventGap {
    /// First sequence number that was lost.
    pub first_lost: u64,
    /// Last sequence number that was lost.
    pub last_lost: u64,
}

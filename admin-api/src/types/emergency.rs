//! Emergency termination: [`EmergencyRequest`] and [`EmergencyResult`].

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

words! {
    /// What an emergency termination ends.
    EmergencyScope {
        /// One process.
        Process = "process",
        /// All processes of one service, which is stopped by it.
        Service = "service",
        /// Every process that is not the system's own.
        All = "all",
    }
}

/// `POST /emergency/terminate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EmergencyRequest {
    /// What to end.
    pub scope: EmergencyScope,
    /// The process; for the scope `process` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The service; for the scope `service` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// What an emergency termination has done when it answers, which is after 10 seconds at the latest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EmergencyResult {
    /// What was to end.
    pub scope: EmergencyScope,
    /// Processes that it ended. A zombie, which it takes away too, had ended before.
    pub ended: u64,
    /// How many are still there: 0, unless something went wrong.
    pub remaining: u64,
    /// The first hundred of those.
    pub remaining_pids: Vec<u32>,
    /// How long it took.
    pub duration_ms: u64,
}

//! Health: [`ServiceHealth`], with its history.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::types::{Text, Timestamp};

use super::HealthKind;

words! {
    /// What checks say, the best first.
    HealthState {
        /// As many good checks in a row as were asked for.
        Healthy = "healthy",
        /// Nothing checks it, or nothing has yet.
        Unknown = "unknown",
        /// Too many bad checks in a row.
        Unhealthy = "unhealthy",
    }
}

words! {
    /// What a check was for.
    HealthPurpose {
        /// Whether it has come up.
        StartUp = "start_up",
        /// Whether it still works; one that does not is restarted.
        Liveness = "liveness",
        /// Whether it takes connections.
        Readiness = "readiness",
    }
}

/// The health of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceHealth {
    /// The service.
    pub service: Text,
    /// The worst of its instances.
    pub health: HealthState,
    /// Its instances by number.
    pub instances: Vec<InstanceHealth>,
    /// The last checks of all instances, the newest first.
    pub history: Vec<HealthRecord>,
}

/// The health of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstanceHealth {
    /// Its number.
    pub instance: u32,
    /// What its checks say.
    pub health: HealthState,
    /// Whether it gets new connections.
    pub ready: bool,
    /// Good checks in a row, up to now.
    pub good_in_a_row: u32,
    /// Bad checks in a row, up to now.
    pub bad_in_a_row: u32,
    /// Good checks so far.
    pub good_total: u64,
    /// Bad checks so far.
    pub bad_total: u64,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HealthRecord {
    /// When it ended.
    pub at: Timestamp,
    /// The instance.
    pub instance: u32,
    /// What it was for.
    pub purpose: HealthPurpose,
    /// How it was done.
    pub kind: HealthKind,
    /// Whether it was good.
    pub good: bool,
    /// How long it took.
    pub duration_ns: u64,
    /// What was seen, in words: `200 OK`, `connection refused`, `no answer within 1000 ms`.
    pub detail: Text,
}

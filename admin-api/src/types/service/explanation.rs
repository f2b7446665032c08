//! Why a service does not run: [`ServiceExplanation`].

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::types::{Text, Timestamp};

use super::{ServiceErrorCode, ServiceState};

/// `GET /services/{name}/explain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceExplanation {
    /// The service.
    pub service: Text,
    /// Where it is in its life.
    pub state: ServiceState,
    /// Why, in one sentence.
    pub summary: Text,
    /// From the service itself to the first cause, which is the last one; empty when it runs well.
    pub chain: Vec<ServiceReason>,
    /// What to do about it, the best first.
    pub advice: Vec<Text>,
}

/// One link of the chain: this service is so because of the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceReason {
    /// The service; there may be none of this name.
    pub service: Text,
    /// Its state; `null` when there is none of this name.
    pub state: Option<ServiceState>,
    /// What is wrong; `null` when nothing is, as with one that nobody started.
    pub code: Option<ServiceErrorCode>,
    /// In words.
    pub message: Text,
    /// Since when.
    pub since: Option<Timestamp>,
}

//! Earlier documents of a service: [`ServiceRevision`] and [`ServiceDifference`].

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::types::{Text, Timestamp};

use super::Service;

/// A document of a service, as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceRevision {
    /// Counts up from 1 in each service.
    pub revision: u64,
    /// When it began to hold.
    pub at: Timestamp,
    /// Who wrote it; `null` for the image's own.
    pub actor: Option<Text>,
    /// Whether it holds now.
    pub current: bool,
    /// The document.
    pub document: Service,
}

/// `GET /services/{name}/diff`: what changed from one document to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceDifference {
    /// The service.
    pub service: Text,
    /// The earlier revision.
    pub from: u64,
    /// The later one.
    pub to: u64,
    /// The fields that differ, by path.
    pub changes: Vec<FieldChange>,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldChange {
    /// Its path, such as `limits.memory_bytes`.
    pub field: Text,
    /// Its value before, as JSON; `null` when it was not there.
    pub before: Option<Text>,
    /// Its value after, as JSON; `null` when it is not there.
    pub after: Option<Text>,
}

/// `POST /services/{name}/rollback`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// The revision to go back to, which becomes the newest one.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub revision: u64,
}

//! [`Problem`]: every error, as RFC 9457 says.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::Text;

/// An error as `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A URI reference that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: Text,
    /// The kind of problem in words, the same each time.
    pub title: Text,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong this time.
    pub detail: Text,
    /// The path that was asked for.
    pub instance: Text,
    /// The typed error, such as `process_not_found`.
    pub code: Text,
    /// Which fields were wrong; empty when the error is about something else.
    #[serde(default)]
    pub errors: Vec<FieldError>,
}

/// One wrong field, query parameter or header of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// Path of the field, such as `limits.memory_bytes`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

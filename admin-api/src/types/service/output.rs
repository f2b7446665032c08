//! What the processes of a service wrote: [`ServiceLine`].

use serde::{Deserialize, Serialize};

use crate::types::{Text, Timestamp};

words! {
    /// Where a line came from.
    OutputStream {
        /// Standard output.
        Stdout = "stdout",
        /// Standard error.
        Stderr = "stderr",
        /// The service manager: starts, exits, checks.
        Manager = "manager",
    }
}

/// A line that a process of a service wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceLine {
    /// Counts up from 1 in each service.
    pub sequence: u64,
    /// When it was complete.
    pub at: Timestamp,
    /// The instance; `null` for a line about the service as a whole.
    pub instance: Option<u32>,
    /// The process.
    pub pid: Option<u32>,
    /// Where it came from.
    pub stream: OutputStream,
    /// The line without its end, as UTF-8; what is not valid is replaced by U+FFFD.
    pub text: Text,
    /// Whether it was too long, and this is its beginning.
    pub truncated: bool,
}

//! The log: [`LogLine`].

use serde::{Deserialize, Serialize};

use super::{Text, Timestamp};

words! {
    /// How serious a line is, the most serious first.
    LogLevel {
        /// Something failed.
        Error = "error",
        /// Something is not as it should be.
        Warning = "warning",
        /// What one wants to know in normal work.
        Info = "info",
        /// For whoever works on the kernel.
        Debug = "debug",
    }
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogLine {
    /// Counts up from 1.
    pub sequence: u64,
    /// When, by the wall clock.
    pub at: Timestamp,
    /// When, since boot.
    pub uptime_ns: u64,
    /// How serious.
    pub level: LogLevel,
    /// What wrote it: an area of the kernel such as `net`, later a service.
    pub source: Text,
    /// The CPU it was written on.
    pub cpu: Option<u32>,
    /// The line, without its end.
    pub message: Text,
}

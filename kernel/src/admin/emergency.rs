//! Emergencies: which processes they concern, and the end of each.

use alloc::vec::Vec;

use admin_api::backend::{ApiError, ProcessOperation};
use process_core::Pid;

use super::{convert, processes};
use crate::process;

/// Up to `limit` processes above `after` that are not the system's own.
pub(super) fn targets(after: u32, limit: usize) -> Vec<u32> {
    process::programs_after(after, limit).into_iter().map(Pid::number).collect()
}

/// Ends a process, whatever state it is in; says whether it lived until now.
///
/// # Errors
/// Those of `Backend::emergency_end`.
pub(super) fn end(number: u32) -> Result<bool, ApiError> {
    let pid = processes::pid(number)?;
    process::end_in_emergency(pid)
        .map_err(|error| convert::error(&error, ProcessOperation::Terminate))
}

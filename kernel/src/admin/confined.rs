//! Users and sandboxes, as the API names them: whom a program that an operator starts acts for, and what
//! holds a process. Their meaning is `crate::service::confined`'s.

use alloc::format;
use alloc::vec::Vec;

use admin_api::backend::ApiError;
use admin_api::types::{NetworkRights, OnViolation, Sandbox, SandboxRequest, Text};
use process_core::Credentials;

use super::convert;
use crate::process::sandbox::{self, NewSandbox};
use crate::service::confined::{self, UserError};

/// Whom a program is to act for.
///
/// # Errors
/// [`ApiError::InvalidValue`] if there is no such user.
pub(super) fn credentials(user: Option<&str>) -> Result<Credentials, ApiError> {
    confined::credentials(user).map_err(|error| match error {
        UserError::Unknown(_) => convert::invalid("user", format!("{error}")),
        UserError::OutOfMemory => ApiError::ResourceExhausted("out of memory".into()),
    })
}

/// The sandbox that is asked for.
///
/// # Errors
/// [`ApiError::InvalidValue`] for a call that nobody knows.
pub(super) fn sandbox(request: &SandboxRequest) -> Result<NewSandbox, ApiError> {
    if let Some((field, message)) = confined::unknown_calls(request).next() {
        return Err(ApiError::InvalidValue { field: field.into(), message: message.into() });
    }
    Ok(confined::new_sandbox(&confined::from_request(request)))
}

/// A sandbox as it is shown in lists.
pub(super) fn describe(rules: &process_core::Sandbox) -> Sandbox {
    Sandbox {
        id: rules.id,
        network: match (rules.network.connect, rules.network.listen) {
            (false, false) => NetworkRights::None,
            (true, false) => NetworkRights::Connect,
            (false, true) => NetworkRights::Listen,
            (true, true) => NetworkRights::Both,
        },
        system_calls: None,
        on_violation: match rules.on_violation {
            process_core::OnViolation::Refuse => OnViolation::Refuse,
            process_core::OnViolation::Kill => OnViolation::Kill,
        },
        violations: rules.violations.count(),
    }
}

/// The calls that a sandbox allows, if they are not the usual ones.
pub(super) fn calls(rules: &process_core::Sandbox) -> Option<Vec<Text>> {
    let calls = &rules.calls;
    (*calls != sandbox::usual_calls()).then(|| sandbox::names(calls).map(Text::from).collect())
}

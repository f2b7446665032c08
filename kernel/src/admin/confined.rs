//! Users and sandboxes, as the API names them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use admin_api::backend::ApiError;
use admin_api::types::{NetworkRights, OnViolation, Sandbox, SandboxRequest, Text};
use process_core::{CallSet, Credentials};
use vfs_core::FileError;

use super::convert;
use crate::fs;
use crate::process::sandbox::{self, Confinement, NewSandbox};

/// Whom a program is to act for.
///
/// # Errors
/// [`ApiError::InvalidValue`] if there is no such user.
pub(super) fn credentials(user: Option<&str>) -> Result<Credentials, ApiError> {
    let Some(user) = user else { return Ok(Credentials::root()) };
    let read = |path: &[u8]| match fs::read_whole(path) {
        Ok(file) => {
            let mut bytes = alloc::vec![0; usize::try_from(file.len()).unwrap_or(0)];
            let count = file.read(0, &mut bytes);
            bytes.truncate(count);
            Ok(bytes)
        }
        Err(FileError::OutOfMemory) => Err(ApiError::ResourceExhausted("out of memory".into())),
        // Without the files there are numbers.
        Err(_) => Ok(Vec::new()),
    };
    let found =
        process_core::find_account(&read(b"/etc/passwd")?, &read(b"/etc/group")?, user.as_bytes());
    match found {
        Some(account) => Ok(account.credentials()),
        None => Err(convert::invalid("user", format!("there is no user {user}"))),
    }
}

/// The sandbox that is asked for.
///
/// # Errors
/// [`ApiError::InvalidValue`] for a call that nobody knows.
pub(super) fn sandbox(request: SandboxRequest) -> Result<NewSandbox, ApiError> {
    let calls = match &request.system_calls {
        None => sandbox::usual_calls(),
        Some(names) => {
            let mut calls = CallSet::EMPTY;
            for (index, name) in names.iter().enumerate() {
                if !sandbox::allow_by_name(&mut calls, name) {
                    let message = format!("there is no system call {name}");
                    return Err(ApiError::InvalidValue {
                        field: format!("sandbox.system_calls.{index}").into(),
                        message: message.into(),
                    });
                }
            }
            calls
        }
    };
    let network = request.network.unwrap_or(NetworkRights::None);
    Ok(NewSandbox {
        root: String::into_bytes(request.root),
        calls,
        network: process_core::NetworkRights {
            connect: matches!(network, NetworkRights::Connect | NetworkRights::Both),
            listen: matches!(network, NetworkRights::Listen | NetworkRights::Both),
        },
        on_violation: match request.on_violation {
            Some(OnViolation::Kill) => process_core::OnViolation::Kill,
            Some(OnViolation::Refuse) | None => process_core::OnViolation::Refuse,
        },
    })
}

/// A sandbox as it is shown in lists.
pub(super) fn describe(confinement: &Confinement) -> Sandbox {
    let rules = &confinement.rules;
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
        violations: confinement.violations(),
    }
}

/// The calls that a sandbox allows, if they are not the usual ones.
pub(super) fn calls(confinement: &Confinement) -> Option<Vec<Text>> {
    let calls = &confinement.rules.calls;
    (*calls != sandbox::usual_calls()).then(|| sandbox::names(calls).map(Text::from).collect())
}

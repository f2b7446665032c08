//! Users and sandboxes of the fake system: it knows root, `nobody` and numbers.

use std::format;

use crate::backend::ApiError;
use crate::types::{
    Isolation, NetworkRights, OnViolation, Process, Sandbox, SandboxRequest, Text, User,
};

/// The user that is named.
pub(super) fn user(text: &str) -> Result<User, ApiError> {
    let unknown = || ApiError::InvalidValue {
        field: "user".into(),
        message: format!("there is no user {text}").into(),
    };
    let (uid, gid) = match text.split_once(':') {
        Some((uid, gid)) => (uid, Some(gid.parse().map_err(|_| unknown())?)),
        None => (text, None),
    };
    let uid: u32 = match uid {
        "root" => 0,
        "nobody" => 65534,
        number => number.parse().map_err(|_| unknown())?,
    };
    let name: Text = match uid {
        0 => "root".into(),
        65534 => "nobody".into(),
        uid => format!("{uid}").into(),
    };
    Ok(User { uid, gid: gid.unwrap_or(uid), name })
}

/// Puts a process into a sandbox of its own.
pub(super) fn enter(
    process: &mut Process,
    id: u32,
    request: &SandboxRequest,
) -> Result<(), ApiError> {
    const KNOWN: [&str; 6] = ["read", "write", "open", "openat", "mmap", "close"];
    let calls = request.system_calls.as_deref();
    if let Some(index) = calls.unwrap_or(&[]).iter().position(|name| !KNOWN.contains(&&**name)) {
        return Err(ApiError::InvalidValue {
            field: format!("sandbox.system_calls.{index}").into(),
            message: "is no system call".into(),
        });
    }
    process.root = request.root.clone().into();
    process.isolation = Isolation::Sandbox;
    process.sandbox = Some(Sandbox {
        id: id.into(),
        network: request.network.unwrap_or(NetworkRights::None),
        system_calls: calls
            .map(|names| names.iter().map(|name| Text::from(name.clone())).collect()),
        on_violation: request.on_violation.unwrap_or(OnViolation::Refuse),
        violations: 0,
    });
    Ok(())
}

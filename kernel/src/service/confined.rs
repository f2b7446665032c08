//! Users and sandboxes, as documents and requests name them: whom a program acts for, and what holds it.
//! One place for the programs of services and for those that operators start.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use admin_api::types::{NetworkRights, OnViolation, SandboxRequest};
use process_core::{CallSet, Credentials};
use service_core as words;
use vfs_core::FileError;

use super::documents::same;
use crate::fs;
use crate::process::sandbox::{NewSandbox, allow_by_name, usual_calls};

/// The longest list of users or groups that is read.
const MOST_ACCOUNT_BYTES: usize = 1 << 20;

/// Why nobody knows the rights of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserError {
    /// There is no such user.
    Unknown(String),
    /// There is no memory to look.
    OutOfMemory,
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(user) => write!(f, "there is no user {user}"),
            Self::OutOfMemory => f.write_str("out of memory"),
        }
    }
}

/// What `/etc/passwd` says; nothing if it cannot be read.
pub fn passwd() -> Vec<u8> {
    fs::read_small(b"/etc/passwd", MOST_ACCOUNT_BYTES).unwrap_or_default()
}

/// The rights of a user, as `/etc/passwd` and `/etc/group` say them, or a number; root's if none is named.
///
/// # Errors
/// Both of [`UserError`].
pub fn credentials(user: Option<&str>) -> Result<Credentials, UserError> {
    let Some(user) = user else { return Ok(Credentials::root()) };
    let read = |path: &[u8]| match fs::read_small(path, MOST_ACCOUNT_BYTES) {
        Err(FileError::OutOfMemory) => Err(UserError::OutOfMemory),
        // Without the files there are numbers.
        read => Ok(read.unwrap_or_default()),
    };
    let (users, groups) = (read(b"/etc/passwd")?, read(b"/etc/group")?);
    let found = process_core::find_account(&users, &groups, user.as_bytes());
    found.map_or_else(|| Err(UserError::Unknown(user.into())), |account| Ok(account.credentials()))
}

/// The system calls of a request that nobody knows: the field of each, and what is wrong with it.
pub fn unknown_calls(request: &SandboxRequest) -> impl Iterator<Item = (String, String)> {
    let names = request.system_calls.iter().flatten().enumerate();
    let unknown = names.filter(|(_, name)| !allow_by_name(&mut CallSet::EMPTY.clone(), name));
    unknown.map(|(index, name)| {
        let field = format!("sandbox.system_calls.{index}");
        (field, format!("there is no system call {name}"))
    })
}

/// The sandbox that a request means.
pub fn from_request(request: &SandboxRequest) -> words::Sandbox {
    let network = request.network.unwrap_or(NetworkRights::None);
    let on_violation = request.on_violation.unwrap_or(OnViolation::Refuse);
    words::Sandbox {
        root: request.root.clone(),
        network: same(
            network,
            NetworkRights::name,
            words::NetworkRights::from_name,
            words::NetworkRights::None,
        ),
        system_calls: request.system_calls.clone(),
        on_violation: same(
            on_violation,
            OnViolation::name,
            words::OnViolation::from_name,
            words::OnViolation::Refuse,
        ),
    }
}

/// The request that means a sandbox.
pub fn to_request(sandbox: &words::Sandbox) -> SandboxRequest {
    SandboxRequest {
        root: sandbox.root.clone(),
        network: Some(same(
            sandbox.network,
            words::NetworkRights::name,
            NetworkRights::from_name,
            NetworkRights::None,
        )),
        system_calls: sandbox.system_calls.clone(),
        on_violation: Some(same(
            sandbox.on_violation,
            words::OnViolation::name,
            OnViolation::from_name,
            OnViolation::Refuse,
        )),
    }
}

/// The sandbox, as processes are put into it. Calls that nobody knows have been refused before.
pub fn new_sandbox(sandbox: &words::Sandbox) -> NewSandbox {
    use words::NetworkRights as Network;
    let named = |names: &Vec<String>| {
        let mut calls = CallSet::EMPTY;
        for name in names {
            allow_by_name(&mut calls, name);
        }
        calls
    };
    NewSandbox {
        root: sandbox.root.clone().into_bytes(),
        calls: sandbox.system_calls.as_ref().map_or_else(usual_calls, named),
        network: process_core::NetworkRights {
            connect: matches!(sandbox.network, Network::Connect | Network::Both),
            listen: matches!(sandbox.network, Network::Listen | Network::Both),
        },
        on_violation: match sandbox.on_violation {
            words::OnViolation::Refuse => process_core::OnViolation::Refuse,
            words::OnViolation::Kill => process_core::OnViolation::Kill,
        },
    }
}

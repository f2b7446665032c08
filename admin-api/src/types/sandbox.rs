//! Sandboxes: what is asked for, and what is shown.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::Text;

words! {
    /// What the processes of a sandbox may do with the network.
    NetworkRights {
        /// Nothing.
        None = "none",
        /// Connect, and send datagrams to addresses.
        Connect = "connect",
        /// Bind to ports and listen.
        Listen = "listen",
        /// Both.
        Both = "both",
    }
}

words! {
    /// What becomes of a system call that a sandbox does not allow.
    OnViolation {
        /// It answers EPERM.
        Refuse = "refuse",
        /// The process ends by SIGSYS.
        Kill = "kill",
    }
}

/// A sandbox that a new process is to be in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SandboxRequest {
    /// Its root: the absolute path of a directory that is not `/`. Program and working directory are
    /// looked up below it.
    #[cfg_attr(feature = "openapi", schema(pattern = "^/[^\\x00]*$", max_length = 4096))]
    pub root: String,
    /// What it may do with the network; else nothing.
    #[serde(default)]
    pub network: Option<NetworkRights>,
    /// The system calls that it allows, by Linux's names or MultiOS's own; else the usual ones, which
    /// leave out what changes the system or looks into other processes. The end of a thread and the
    /// return from a signal's handler are always allowed.
    #[serde(default)]
    pub system_calls: Option<Vec<String>>,
    /// What becomes of other calls; else they are refused.
    #[serde(default)]
    pub on_violation: Option<OnViolation>,
}

/// The sandbox that a process is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sandbox {
    /// Its number: processes with the same one are in the same sandbox.
    pub id: u64,
    /// What it may do with the network.
    pub network: NetworkRights,
    /// The system calls that it allows; `null` for the usual ones, and in lists.
    pub system_calls: Option<Vec<Text>>,
    /// What becomes of other calls.
    pub on_violation: OnViolation,
    /// How often its processes tried what it does not allow.
    pub violations: u64,
}

//! Runs the same programs on this host's Linux and in the guest and compares what they did.

mod difference;
mod in_guest;
mod on_host;

pub use difference::difference;
pub use in_guest::InGuest;
pub use on_host::OnHost;

use std::fmt;
use std::time::Duration;

/// How long a program may take. Generous: the machines share the host with others.
pub const LIMIT: Duration = Duration::from_secs(60);

/// What a program did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Did {
    /// What it wrote to its standard output and error, in order.
    pub output: String,
    /// How it ended.
    pub end: End,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, with this status.
    Status(i32),
    /// By the signal of this number.
    Signal(u8),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "exit status {status}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

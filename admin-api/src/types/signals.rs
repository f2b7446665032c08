//! What a process does about signals, and what they did: [`ProcessSignals`].

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Signal, SignalCounts, Timestamp};

words! {
    /// What a signal has done.
    SignalEffect {
        /// A handler was started.
        Handler = "handler",
        /// It ended the process.
        Terminated = "terminated",
        /// It suspended the process.
        Stopped = "stopped",
        /// It let the process go on.
        Continued = "continued",
        /// A call that waited for it took it.
        Taken = "taken",
        /// Nothing.
        Ignored = "ignored",
    }
}

/// What a process does about signals, and what they did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProcessSignals {
    /// The process.
    pub pid: u32,
    /// How many there were.
    pub counts: SignalCounts,
    /// Those that a handler of the program catches.
    pub caught: Vec<Signal>,
    /// Those that the program ignores.
    pub ignored: Vec<Signal>,
    /// Those that wait for any of its threads.
    pub pending: Vec<Signal>,
    /// What each thread blocks, by number.
    pub threads: Vec<ThreadSignals>,
    /// The last that were dealt with, newest first; a bounded number.
    pub recent: Vec<SignalRecord>,
}

/// What a thread does about signals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ThreadSignals {
    /// Its number.
    pub tid: u32,
    /// Those that it blocks.
    pub blocked: Vec<Signal>,
    /// Those that wait for it alone.
    pub pending: Vec<Signal>,
}

/// A signal that has been dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignalRecord {
    /// Which.
    pub signal: Signal,
    /// The process that sent it; `null` for the kernel and operators.
    pub sender_pid: Option<u32>,
    /// What it did.
    pub effect: SignalEffect,
    /// When.
    pub at: Timestamp,
}

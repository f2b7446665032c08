//! Processes without hardware: table, lifecycle, tree, groups, wait, signals, limits, accounting.
//!
//! The kernel keeps one [`ProcessTable`] behind one lock and, in each process, one
//! [`ProcessSignals`] behind a lock of its own. It asks, unlocks, and carries out what the answer
//! says. Nothing here knows a clock, a lock or a CPU: time is an argument ([`Instant`]).
//!
//! What changes at every context switch is not in here: each thread has an atomic word that holds
//! a [`ThreadActivity`], and [`ProcessState::observed`] joins those words with the lifecycle.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod accounts;
mod credentials;
mod error;
mod exit;
mod fallible;
mod futex;
mod history;
mod id_map;
mod identity;
mod ids;
mod image;
mod inheritance;
mod limits;
mod pace;
mod process;
mod quotas;
mod rlimits;
mod sandbox;
mod scheduling;
mod segments;
mod signal;
mod state;
mod table;
mod timers;
mod usage;
mod victim;

pub use accounts::{Account, account_names, find_account};
pub use credentials::{Capability, CapabilitySet, Credentials, Gid, Uid};
pub use error::{LimitKind, ProcessError, Resource};
pub use exit::ExitStatus;
pub use futex::{FutexQueue, FutexWaiter};
pub use history::{DefunctProcess, History};
pub use identity::{CapabilitySets, IdChange, NewIds, NotAllowed};
pub use ids::{Instant, Pid, Tid};
pub use image::{ArgumentBlock, ProcessName, ProgramImage};
pub use inheritance::{Inheritance, Party, WaitRefusal};
pub use limits::{Limits, LimitsChange};
pub use pace::Pace;
pub use process::{Isolation, Process, Profile};
pub use quotas::{LimitCounts, Quotas, is_violation_told};
pub use rlimits::{INFINITY as NO_RLIMIT, ResourceLimits, Rlimit, RlimitRefusal, SoftHard};
pub use sandbox::{
    CallSet, NetworkRights, OnViolation, SANDBOX_CAPABILITIES, Sandbox, Violations,
    reaches as sandbox_reaches,
};
pub use scheduling::{Nice, Policy, Priority, PriorityClass, Scheduling};
pub use segments::{
    SEGMENTS_MAX, SegmentError, SegmentRequest, SegmentStatus, SegmentTable, SegmentUser,
};
pub use signal::{
    AlternateStack, DefaultAction, Delivery, Disposition, FramePlace, HandlerFlags, PendingSignal,
    ProcessSignals, QueuedSignals, Sent, Signal, SignalCause, SignalContext, SignalEffect,
    SignalHandler, SignalRecord, SignalSender, SignalSet, SignalTarget, SignalsOverview,
    StackRefusal, ThreadOverview, WhatFollows,
};
pub use state::{BlockReason, ProcessState, StateCounts, StateName, Suspension, ThreadActivity};
pub use table::{
    Adopted, ExitNotice, NewProcess, ProcessTable, Reaped, Reaper, Reservation, TableConfig,
    WaitEvents, WaitOutcome, WaitSelector,
};
pub use timers::{
    Clocks, Countdown, Fired, Interval, Notice, ProcessTimers, TimerClock, TimerState,
};
pub use usage::{CpuUsage, IoUsage, MemoryUsage, SignalUsage, Usage, UsageSum};
pub use victim::{Candidate, choose as choose_victim};

#[cfg(test)]
mod tests;

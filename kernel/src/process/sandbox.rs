//! Sandboxes (requirement X1): processes with a root of their own, an allow-list of system calls and
//! rights on the network. The rules are `process_core`'s; here is what the kernel counts, and how a
//! process comes into one.
//!
//! What a process in a sandbox cannot do, whatever list it has: see, signal or change processes
//! outside (`process_core::Sandbox`); get descriptors from outside over a socket (`syscall::socket`);
//! use names of sockets that are no files, but for a service's notify socket; have capabilities over the
//! system.

mod usual;

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};

use linux_abi::SystemCall;
use linux_abi::native::NativeCall;
use process_core::{
    CallSet, ExitStatus, NetworkRights, OnViolation, ProcessError, Sandbox, Signal, Violations,
};

use super::{Pid, Process, table};
use crate::events::{self, Kind};
use crate::scheduler;

/// Where MultiOS's own calls begin in a [`CallSet`]; Linux's lie below.
const NATIVE_BASE: usize = 512;
const WORDS: usize = CallSet::LIMIT / 64;

/// The place of a call in a [`CallSet`].
fn index(number: u64) -> Option<usize> {
    match NativeCall::from_number(number) {
        Some(call) => {
            let offset = usize::try_from(call.number() - linux_abi::native::FIRST).ok()?;
            Some(NATIVE_BASE + offset)
        }
        None => usize::try_from(number).ok().filter(|number| *number < NATIVE_BASE),
    }
}

/// Puts a call into a set by its number; says whether there is such a call.
pub fn allow(set: &mut CallSet, number: u64) -> bool {
    index(number).is_some_and(|index| set.insert(index))
}

/// Puts a call into a set by its name; says whether there is such a call.
pub fn allow_by_name(set: &mut CallSet, name: &str) -> bool {
    let number = match NativeCall::from_name(name) {
        Some(call) => Some(call.number()),
        None => SystemCall::from_name(name).map(SystemCall::number),
    };
    number.is_some_and(|number| allow(set, number))
}

/// The calls that a sandbox allows if nobody says which.
#[must_use]
pub fn usual_calls() -> CallSet {
    let mut set = CallSet::EMPTY;
    for call in usual::USUAL {
        allow(&mut set, call.number());
    }
    set
}

/// The names of a set's calls, but for those that are always allowed.
pub fn names(set: &CallSet) -> impl Iterator<Item = &'static str> {
    set.iter().filter_map(|index| match index.checked_sub(NATIVE_BASE) {
        None => SystemCall::new(index as u64).name(),
        Some(offset) => {
            let call = NativeCall::from_number(linux_abi::native::FIRST + offset as u64)?;
            Some(call.name()).filter(|name| !name.is_empty())
        }
    })
}

/// What a thread cannot do without: its end, and the way back from a signal's handler.
const fn is_always_allowed(call: SystemCall) -> bool {
    matches!(
        call,
        SystemCall::EXIT
            | SystemCall::EXIT_GROUP
            | SystemCall::RT_SIGRETURN
            | SystemCall::RESTART_SYSCALL
    )
}

/// A sandbox that is asked for.
#[derive(Clone, Debug)]
pub struct NewSandbox {
    /// Its root: a path as who asks sees it.
    pub root: alloc::vec::Vec<u8>,
    /// The calls that it allows.
    pub calls: CallSet,
    /// What it allows on the network.
    pub network: NetworkRights,
    /// What becomes of other calls.
    pub on_violation: OnViolation,
}

/// A sandbox, as all its processes share it.
#[derive(Debug)]
pub struct Confinement {
    /// Its rules.
    pub rules: Arc<Sandbox>,
    /// The calls whose first violation has been reported.
    reported: [AtomicU64; WORDS],
    has_reported_other: AtomicU64,
}

/// What a violation was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A system call that is not allowed.
    Call(SystemCall),
    /// A use of the network, or of a socket's name, that is not.
    Network(&'static str),
}

impl Confinement {
    pub(super) fn new(new: &NewSandbox) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let rules = Sandbox {
            // Relaxed: all that counts is that no two are the same.
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            calls: new.calls.clone(),
            network: new.network,
            on_violation: new.on_violation,
            violations: Violations::default(),
        };
        Arc::new(Self {
            rules: Arc::new(rules),
            reported: [const { AtomicU64::new(0) }; WORDS],
            has_reported_other: 0.into(),
        })
    }

    /// Whether a call is allowed.
    #[must_use]
    pub fn allows(&self, call: SystemCall) -> bool {
        index(call.number()).is_some_and(|index| self.rules.calls.contains(index))
            || is_always_allowed(call)
    }

    /// Notes the first violation of its kind; says whether it is that.
    fn is_first(&self, violation: Violation) -> bool {
        let number = match violation {
            Violation::Call(call) => index(call.number()),
            Violation::Network(_) => None,
        };
        let place = number.and_then(|index| Some((self.reported.get(index / 64)?, index % 64)));
        let (word, bit) = place.unwrap_or((
            &self.has_reported_other,
            usize::from(matches!(violation, Violation::Network(_))),
        ));
        // Relaxed: nothing else hangs on it.
        word.fetch_or(1 << bit, Ordering::Relaxed) & (1 << bit) == 0
    }
}

impl Process {
    /// The sandbox that it is in, if it is in one.
    #[must_use]
    pub fn confinement(&self) -> Option<&Arc<Confinement>> {
        self.confinement.as_ref()
    }

    /// The number of its sandbox.
    #[must_use]
    pub fn sandbox_id(&self) -> Option<u64> {
        self.confinement.as_ref().map(|it| it.rules.id)
    }

    /// Whether it sees another process: from inside a sandbox, only those in the same one.
    #[must_use]
    pub fn sees(&self, other: &Self) -> bool {
        process_core::sandbox_reaches(
            self.confinement.as_ref().map(|it| &it.rules),
            other.confinement.as_ref().map(|it| &it.rules),
        )
    }

    /// Counts a violation by the process of the running thread, reports the first of its kind, and
    /// ends the process if its sandbox says so.
    pub fn violate(&self, violation: Violation) {
        let Some(confinement) = &self.confinement else { return };
        confinement.rules.violations.note();
        let kills = confinement.rules.on_violation == OnViolation::Kill;
        if kills || confinement.is_first(violation) {
            let effect = if kills { "ended by SIGSYS" } else { "refused" };
            let pid = Some(self.pid);
            match violation {
                Violation::Call(call) => {
                    let text = format_args!("{call} is not allowed in its sandbox: {effect}");
                    events::publish(Kind::SandboxViolation, pid, None, text);
                }
                Violation::Network(what) => {
                    let text = format_args!("{what} is not allowed in its sandbox: {effect}");
                    events::publish(Kind::SandboxViolation, pid, None, text);
                }
            }
        }
        if kills {
            super::end_own(self, ExitStatus::by_signal(Signal::SIGSYS));
        }
    }
}

/// The number of the sandbox that the running thread is in.
#[must_use]
pub fn own_id() -> Option<u64> {
    scheduler::current().and_then(|thread| thread.process().sandbox_id())
}

/// Whether a process sees another one.
///
/// # Errors
/// [`ProcessError::ProcessNotFound`] if not, or if there is none.
pub fn check_visible(by: &Process, pid: Pid) -> Result<(), ProcessError> {
    if by.confinement.is_none() || by.pid == pid {
        return Ok(());
    }
    let table = table().lock();
    let other = table.get(pid)?;
    if by.sees(&other.attachment) { Ok(()) } else { Err(ProcessError::ProcessNotFound { pid }) }
}

//! One process's record (requirement P1).
//!
//! What the table's invariants rest on (numbers, tree, groups, state) is private and changes only
//! through the table; the rest is the [`Profile`]. Threads, address space, descriptors and signals
//! hang on the kernel's attachment `X`, each under its own lock.

use alloc::boxed::Box;
use alloc::sync::Arc;

use crate::credentials::Credentials;
use crate::ids::{Instant, Pid};
use crate::image::{ProcessName, ProgramImage};
use crate::limits::Limits;
use crate::sandbox::Sandbox;
use crate::scheduling::{Scheduling, words};
use crate::signal::Signal;
use crate::state::ProcessState;
use crate::usage::Usage;

words! {
    /// How far a process is kept apart from the rest (requirement X1).
    Isolation {
        /// A kernel thread: the kernel's own address space.
        Kernel = "kernel",
        /// An address space of its own.
        Process = "process",
        /// An address space and root of its own, and an allow-list of system calls.
        Sandbox = "sandbox",
    }
}

/// What a process is, apart from its place in the table. Cheap to clone: it allocates nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    /// The short name.
    pub name: ProcessName,
    /// Arguments and environment.
    pub image: Arc<ProgramImage>,
    /// The working directory, as an absolute path.
    pub working_directory: Arc<str>,
    /// The root directory, as an absolute path of the system.
    pub root_directory: Arc<str>,
    /// How far it is kept apart.
    pub isolation: Isolation,
    /// The rules of its sandbox, if it is in one.
    pub sandbox: Option<Arc<Sandbox>>,
    /// What the scheduler is told.
    pub scheduling: Scheduling,
    /// What it may use.
    pub limits: Limits,
    /// The service that it belongs to.
    pub service: Option<Arc<str>>,
}

/// A stop or a continuation that a waiting parent has not seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ChildEvent {
    Stopped(Signal),
    Continued,
}

/// The heads of a parent's two lists of children.
#[derive(Clone, Copy, Default)]
pub(crate) struct ChildLists {
    /// Children that have something to report (zombies, stops, continuations).
    pub(crate) with_news: Option<Pid>,
    /// The others.
    pub(crate) quiet: Option<Pid>,
}

/// A place in a list of processes that are linked by their pids: joining and leaving allocates
/// nothing and takes one step.
#[derive(Clone, Copy, Default)]
pub(crate) struct Links {
    pub(crate) next: Option<Pid>,
    pub(crate) previous: Option<Pid>,
}

/// A process's record.
pub struct Process<X> {
    pub(crate) pid: Pid,
    pub(crate) parent: Pid,
    pub(crate) group: Pid,
    pub(crate) session: Pid,
    pub(crate) state: ProcessState,
    pub(crate) started_at: Instant,
    pub(crate) ended_at: Option<Instant>,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) threads: u32,
    /// Numbers that it takes: its own, which stays when its first thread leaves, and one for each
    /// further thread.
    pub(crate) numbers_held: u32,
    pub(crate) exit_signal: Option<Signal>,
    pub(crate) event: Option<ChildEvent>,
    pub(crate) has_executed: bool,
    pub(crate) is_subreaper: bool,
    pub(crate) discards_children: bool,
    pub(crate) children: ChildLists,
    pub(crate) siblings: Links,
    pub(crate) group_links: Links,
    /// None until its end.
    pub(crate) final_usage: Option<Box<Usage>>,
    /// What it is, apart from its place in the table.
    pub profile: Profile,
    /// What the kernel hangs on it.
    pub attachment: X,
}

impl<X> Process<X> {
    /// Its number.
    pub const fn pid(&self) -> Pid {
        self.pid
    }

    /// Its parent, [`Pid::SYSTEM`] if that is the process manager.
    pub const fn parent(&self) -> Pid {
        self.parent
    }

    /// Its process group.
    pub const fn group(&self) -> Pid {
        self.group
    }

    /// Its session.
    pub const fn session(&self) -> Pid {
        self.session
    }

    /// The stored state: `Ready` stands for alive and not suspended; see
    /// [`ProcessState::observed`].
    pub const fn state(&self) -> ProcessState {
        self.state
    }

    /// When it was made.
    pub const fn started_at(&self) -> Instant {
        self.started_at
    }

    /// When its last thread was gone.
    pub const fn ended_at(&self) -> Option<Instant> {
        self.ended_at
    }

    /// Who it acts for.
    pub const fn credentials(&self) -> &Arc<Credentials> {
        &self.credentials
    }

    /// How many threads it has.
    pub const fn threads(&self) -> u32 {
        self.threads
    }

    /// Whether it is a kernel thread, which takes no signals.
    pub const fn is_kernel_thread(&self) -> bool {
        matches!(self.profile.isolation, Isolation::Kernel)
    }

    /// Whether it has executed a program since it was made.
    pub const fn has_executed(&self) -> bool {
        self.has_executed
    }

    /// Whether it adopts its descendants' orphans.
    pub const fn is_subreaper(&self) -> bool {
        self.is_subreaper
    }

    /// The signal that tells its parent of its end.
    pub const fn exit_signal(&self) -> Option<Signal> {
        self.exit_signal
    }

    /// What it had used when it ended; nothing before.
    pub fn final_usage(&self) -> Usage {
        self.final_usage.as_deref().copied().unwrap_or_default()
    }

    pub(crate) fn has_news(&self) -> bool {
        self.event.is_some() || matches!(self.state, ProcessState::Zombie { .. })
    }
}

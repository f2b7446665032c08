//! A process's life as one enum, with every legal transition.
//!
//! Two parties change a process's state. The process manager moves it through its life (made,
//! suspended, resumed, ended, reaped): those transitions are decided here and stored in the table.
//! The schedulers move its threads between ready, running and blocked at every context switch, and
//! take no lock of the table for it: each thread has an atomic word for its [`ThreadActivity`],
//! written by the CPU that switches it. The table keeps `Ready` for a process that is alive and
//! not suspended, and [`ProcessState::observed`] joins that with its threads' words on reading.

use core::fmt;

use crate::error::ProcessError;
use crate::exit::ExitStatus;
use crate::ids::Pid;
use crate::scheduling::words;
use crate::signal::Signal;

words! {
    /// What a blocked thread waits for.
    BlockReason {
        /// A moment.
        Sleep = "sleep",
        /// Data to read.
        Read = "read",
        /// Room to write.
        Write = "write",
        /// A connection to accept.
        Accept = "accept",
        /// A connection to be made.
        Connect = "connect",
        /// Any of several descriptors.
        Poll = "poll",
        /// A futex.
        Futex = "futex",
        /// A child.
        Child = "child",
        /// A signal.
        Signal = "signal",
        /// A page.
        PageFault = "page_fault",
        /// A device.
        Device = "device",
        /// A lock inside the kernel.
        Lock = "lock",
        /// Work: a kernel thread that has none.
        Work = "work",
        /// Its share of CPU or I/O, which is used up.
        Throttle = "throttle",
    }
}

/// Why a process is suspended. Both can hold at once, and both must be lifted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Suspension {
    /// The stop signal that SIGCONT lifts.
    pub signal: Option<Signal>,
    /// Whether an operator holds the process; SIGCONT does not lift that.
    pub by_operator: bool,
}

/// A process's state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProcessState {
    /// Made, not yet allowed to run.
    New,
    /// Able to run. In the table: alive and not suspended, ask the threads.
    Ready,
    /// On a CPU.
    Running,
    /// Waiting.
    Blocked {
        /// For what.
        reason: BlockReason,
    },
    /// Held by a stop signal or an operator.
    Suspended {
        /// By which.
        suspension: Suspension,
    },
    /// Exiting; its resources are being released.
    Terminated {
        /// How it ended.
        exit: ExitStatus,
    },
    /// Gone, but its exit status waits for the parent.
    Zombie {
        /// How it ended.
        exit: ExitStatus,
    },
    /// Reaped; remembered in the history.
    Defunct {
        /// How it ended.
        exit: ExitStatus,
    },
}

words! {
    /// A state without its data.
    StateName {
        /// See [`ProcessState::New`].
        New = "new",
        /// See [`ProcessState::Ready`].
        Ready = "ready",
        /// See [`ProcessState::Running`].
        Running = "running",
        /// See [`ProcessState::Blocked`].
        Blocked = "blocked",
        /// See [`ProcessState::Suspended`].
        Suspended = "suspended",
        /// See [`ProcessState::Terminated`].
        Terminated = "terminated",
        /// See [`ProcessState::Zombie`].
        Zombie = "zombie",
        /// See [`ProcessState::Defunct`].
        Defunct = "defunct",
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a thread is doing; fits an atomic word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ThreadActivity {
    /// In a run queue.
    Ready,
    /// On a CPU.
    Running,
    /// Waiting.
    Blocked {
        /// For what.
        reason: BlockReason,
    },
}

impl ThreadActivity {
    const READY: u8 = 0;
    const RUNNING: u8 = 1;
    const FIRST_BLOCKED: u8 = 2;

    /// The activity as a number for the thread's atomic.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ready => Self::READY,
            Self::Running => Self::RUNNING,
            Self::Blocked { reason } => Self::FIRST_BLOCKED + reason as u8,
        }
    }

    /// The activity that this number stands for; a number that stands for none reads as ready.
    pub fn from_code(code: u8) -> Self {
        if code == Self::RUNNING {
            return Self::Running;
        }
        let position = code.checked_sub(Self::FIRST_BLOCKED).map(usize::from);
        match position.and_then(|position| BlockReason::ALL.get(position)) {
            Some(&reason) => Self::Blocked { reason },
            None => Self::Ready,
        }
    }
}

impl ProcessState {
    /// The state without its data.
    pub const fn name(self) -> StateName {
        match self {
            Self::New => StateName::New,
            Self::Ready => StateName::Ready,
            Self::Running => StateName::Running,
            Self::Blocked { .. } => StateName::Blocked,
            Self::Suspended { .. } => StateName::Suspended,
            Self::Terminated { .. } => StateName::Terminated,
            Self::Zombie { .. } => StateName::Zombie,
            Self::Defunct { .. } => StateName::Defunct,
        }
    }

    /// How it ended, if it has.
    pub const fn exit(self) -> Option<ExitStatus> {
        match self {
            Self::Terminated { exit } | Self::Zombie { exit } | Self::Defunct { exit } => {
                Some(exit)
            }
            _ => None,
        }
    }

    /// Whether the process can still run (new and suspended ones included).
    pub const fn is_alive(self) -> bool {
        self.exit().is_none()
    }

    /// What an observer sees: for a process that is alive and not suspended, running if a thread
    /// runs, else ready if one is ready, else blocked as its first thread is.
    #[must_use]
    pub fn observed(self, threads: impl IntoIterator<Item = ThreadActivity>) -> Self {
        if !matches!(self, Self::Ready | Self::Running | Self::Blocked { .. }) {
            return self;
        }
        let mut seen = None;
        for thread in threads {
            match thread {
                ThreadActivity::Running => return Self::Running,
                ThreadActivity::Ready => seen = Some(Self::Ready),
                ThreadActivity::Blocked { reason } => {
                    seen = seen.or(Some(Self::Blocked { reason }));
                }
            }
        }
        seen.unwrap_or(Self::Ready)
    }

    /// Whether a process may go from this state to that one.
    pub const fn may_become(self, to: StateName) -> bool {
        use StateName::{Blocked, Defunct, New, Ready, Running, Suspended, Terminated, Zombie};
        match (self.name(), to) {
            // Made and released, or given up before it ran.
            (New, Ready | Terminated) => true,
            // The scheduler's: picked, put back, waiting, woken.
            (Ready, Running) | (Running, Ready | Blocked) | (Blocked, Ready) => true,
            // Held and let go, by signal or operator; held for a second reason.
            (Ready | Running | Blocked | Suspended, Suspended) | (Suspended, Ready) => true,
            // The end, from wherever it was.
            (Ready | Running | Blocked | Suspended, Terminated) => true,
            (Terminated, Zombie) | (Zombie, Defunct) => true,
            _ => false,
        }
    }

    /// The next state, if the transition is legal.
    ///
    /// # Errors
    /// [`ProcessError::InvalidState`] naming both states.
    pub fn become_state(self, pid: Pid, to: Self) -> Result<Self, ProcessError> {
        if self.may_become(to.name()) {
            Ok(to)
        } else {
            Err(ProcessError::InvalidState { pid, from: self.name(), to: to.name() })
        }
    }

    /// The state after a further reason to be suspended.
    ///
    /// # Errors
    /// [`ProcessError::InvalidState`] if it is over, not begun, or suspended for that reason.
    pub(crate) fn suspended(self, pid: Pid, by: Option<Signal>) -> Result<Self, ProcessError> {
        let mut suspension = match self {
            Self::Suspended { suspension } => suspension,
            _ => Suspension::default(),
        };
        let before = suspension;
        match by {
            Some(signal) => suspension.signal = suspension.signal.or(Some(signal)),
            None => suspension.by_operator = true,
        }
        if suspension == before {
            return Err(ProcessError::InvalidState {
                pid,
                from: self.name(),
                to: StateName::Suspended,
            });
        }
        self.become_state(pid, Self::Suspended { suspension })
    }

    /// The state after SIGCONT: ready, or suspended still if an operator holds it.
    pub(crate) fn continued(self, pid: Pid) -> Result<Self, ProcessError> {
        match self {
            Self::Suspended { suspension: Suspension { by_operator: true, signal: Some(_) } } => {
                let suspension = Suspension { signal: None, by_operator: true };
                self.become_state(pid, Self::Suspended { suspension })
            }
            Self::Suspended { suspension: Suspension { by_operator: false, .. } } => {
                self.become_state(pid, Self::Ready)
            }
            _ => Err(ProcessError::InvalidState { pid, from: self.name(), to: StateName::Ready }),
        }
    }
}

/// How many processes are in each state of the table; `Ready` counts all that are alive and not
/// suspended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StateCounts([u32; StateName::ALL.len()]);

impl StateCounts {
    /// How many are in this state.
    pub const fn of(&self, state: StateName) -> u32 {
        self.0[state as usize]
    }

    pub(crate) fn enter(&mut self, state: StateName) {
        let count = &mut self.0[state as usize];
        *count = count.saturating_add(1);
    }

    pub(crate) fn leave(&mut self, state: StateName) {
        let count = &mut self.0[state as usize];
        *count = count.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests;

//! [`ApiError`]: what can go wrong behind the API. HTTP statuses are given elsewhere.

use crate::types::{ProcessState, Text};

/// Why the system refused or failed to do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// There is no process of this number, nor is it remembered.
    ProcessNotFound(u32),
    /// There is no such program in the file system.
    ProgramNotFound(Text),
    /// The file is no program that can run here; why.
    InvalidProgram(Text),
    /// The state of the process forbids it.
    InvalidState {
        /// The process's state.
        state: ProcessState,
        /// What can't be done.
        operation: ProcessOperation,
    },
    /// The state of the system forbids it; why.
    Conflict(Text),
    /// Not allowed to anyone, such as killing a kernel thread; why.
    PermissionDenied(Text),
    /// The settings are no longer those that were expected.
    Stale,
    /// A value that is well-formed and can't be used: the field and why.
    InvalidValue {
        /// The field of the request.
        field: Text,
        /// What is wrong with it.
        message: Text,
    },
    /// Something asked for that this system can't do: the field and why.
    Unsupported {
        /// The field of the request.
        field: Text,
        /// What is missing.
        message: Text,
    },
    /// There is no such file or directory.
    FileNotFound(Text),
    /// The file system has no room; why.
    NoSpace(Text),
    /// No room left: memory, process table, or another resource, in words.
    ResourceExhausted(Text),
    /// It did not work for a reason inside the system; why.
    SystemError(Text),
}

/// What is done to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessOperation {
    /// It is made.
    Create,
    /// It is looked at.
    Show,
    /// Its settings are changed.
    Change,
    /// It is sent a signal.
    Signal,
    /// It is suspended.
    Suspend,
    /// It goes on.
    Resume,
    /// It is ended.
    Terminate,
}

impl ProcessOperation {
    /// As in "can't be suspended".
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Create => "be created",
            Self::Show => "be shown",
            Self::Change => "be changed",
            Self::Signal => "be signaled",
            Self::Suspend => "be suspended",
            Self::Resume => "be resumed",
            Self::Terminate => "be terminated",
        }
    }

    /// The state that the process would have afterwards, if that is what is asked for.
    pub(crate) const fn wanted(self) -> Option<ProcessState> {
        match self {
            Self::Suspend => Some(ProcessState::Suspended),
            Self::Resume => Some(ProcessState::Ready),
            Self::Terminate => Some(ProcessState::Terminated),
            Self::Create | Self::Show | Self::Change | Self::Signal => None,
        }
    }
}

//! What the server needs of the system it administers: [`Backend`], which the kernel implements.
//!
//! Everything is synchronous and returns at once. What has to be waited for has a `poll_` method that
//! registers the task's waker, as a future's `poll` does. Answers are owned snapshots, so that no
//! lock is held while they are written to the network.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::task::{Context, Poll};

use crate::types::ProcessSignals;
use crate::types::{
    Class, Cpu, CreateProcess, Event, Hundredths, InterruptLine, Limits, LogLine, Memory,
    MemoryArea, Network, Numa, OpenFile, PowerAction, Priority, Process, ProcessPatch,
    ProcessState, Role, Signal, Socket, System, Text, Thread, Timestamp,
};

mod error;
mod files;
mod services;

pub use error::{ApiError, ProcessOperation};
pub use files::{DirectoryPart, Download, FoundFile, Upload};
pub use services::{ServiceChange, ServiceError, Services};

/// Clock and randomness.
pub trait Environment {
    /// Nanoseconds since boot; never goes back.
    fn uptime_ns(&self) -> u64;

    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// Fills `bytes` from a cryptographically secure generator.
    fn fill_random(&self, bytes: &mut [u8]);
}

/// The system behind the API.
pub trait Backend: Environment + Services {
    /// Whether the system does all that it is meant to.
    ///
    /// # Errors
    /// What is still missing, in words.
    fn readiness(&self) -> Result<(), Text>;

    /// The system as a whole.
    fn system(&self) -> System;

    /// Number of CPUs; their ids are `0..cpu_count()`.
    fn cpu_count(&self) -> u32;

    /// One CPU, if there is one of that number.
    fn cpu(&self, id: u32) -> Option<Cpu>;

    /// Physical memory.
    fn memory(&self) -> Memory;

    /// The nodes that memory and CPUs belong to.
    fn numa(&self) -> Numa;

    /// The interrupt vectors in use, by number.
    fn interrupts(&self) -> Vec<InterruptLine>;

    /// The network.
    fn network(&self) -> Network;

    /// Number of processes that [`Backend::processes_after`] lists in all: those that are not defunct.
    fn process_count(&self) -> u64;

    /// One process, also one that has ended and is kept in the history.
    ///
    /// # Errors
    /// [`ApiError::ProcessNotFound`].
    fn process(&self, pid: u32) -> Result<Process, ApiError>;

    /// What a process was started with as environment: `NAME=value` each. Empty for a kernel thread.
    ///
    /// # Errors
    /// [`ApiError::ProcessNotFound`].
    fn process_environment(&self, pid: u32) -> Result<Vec<Text>, ApiError>;

    /// The threads of a process, by number; none of a process that has ended.
    ///
    /// # Errors
    /// [`ApiError::ProcessNotFound`].
    fn threads(&self, pid: u32) -> Result<Vec<Thread>, ApiError>;

    /// Up to `limit` areas of a process's memory from the address `from` on, and how many there are in
    /// all; none of a kernel thread, or of a process that has ended.
    ///
    /// # Errors
    /// [`ApiError::ProcessNotFound`], [`ApiError::ResourceExhausted`].
    fn memory_map(
        &self,
        pid: u32,
        from: u64,
        limit: usize,
    ) -> Result<(Vec<MemoryArea>, u64), ApiError>;

    /// What a process does about signals, and what the last ones did; nothing of a process that has
    /// ended.
    ///
    /// # Errors
    /// [`ApiError::ProcessNotFound`].
    fn signals(&self, pid: u32) -> Result<ProcessSignals, ApiError>;
    /// Up to `limit` descriptors of a process with numbers from `from` on, and how many it has in all;
    /// none of a process that has ended.
    ///
    /// # Errors
    /// [`ApiError::ProcessNotFound`], [`ApiError::ResourceExhausted`].
    fn open_files(
        &self,
        pid: u32,
        from: u32,
        limit: usize,
    ) -> Result<(Vec<OpenFile>, u64), ApiError>;

    /// The sockets of the Internet's families that a process has made and has not closed.
    ///
    /// # Errors
    /// [`ApiError::ProcessNotFound`].
    fn process_sockets(&self, pid: u32) -> Result<Vec<Socket>, ApiError>;

    /// All of them, with the kernel's own.
    fn sockets(&self) -> Vec<Socket>;

    /// Calls `visit` with up to `limit` processes that are not defunct and whose pid is above `after`, in
    /// ascending order of pid. Costs the same however many processes there are. `visit` takes its
    /// time (it writes JSON), so that it is not to be called under a spin lock.
    fn processes_after(&self, after: u32, limit: usize, visit: &mut dyn FnMut(Process));

    /// The same for all processes, the defunct ones of the history included (a pid that is in use hides
    /// one of the history), with only what filters and orders need: no allocation for each row.
    /// Used for scans over all processes, in steps between which other tasks run. Calling `visit`
    /// fewer times than `limit` says that these were the last.
    fn process_rows_after(&self, after: u32, limit: usize, visit: &mut dyn FnMut(ProcessRow));

    /// Creates a process and starts it. `request` has passed the checks that need no knowledge of the
    /// system: absolute paths without NUL, bounded sizes, `nice` in range, CPUs that exist.
    ///
    /// # Errors
    /// [`ApiError::ProgramNotFound`], [`ApiError::InvalidProgram`], [`ApiError::ResourceExhausted`],
    /// [`ApiError::PermissionDenied`], [`ApiError::Unsupported`].
    fn create_process(&self, caller: &Caller, request: CreateProcess) -> Result<u32, ApiError>;

    /// Changes what `patch` gives, all or nothing. With `expected`, changes nothing and answers
    /// [`ApiError::Stale`] unless the settings are still these, compared under the same lock.
    ///
    /// # Errors
    /// [`ApiError::ProcessNotFound`], [`ApiError::Stale`], [`ApiError::InvalidState`],
    /// [`ApiError::PermissionDenied`], [`ApiError::Unsupported`].
    fn patch_process(
        &self,
        caller: &Caller,
        pid: u32,
        patch: &ProcessPatch,
        expected: Option<&ProcessSettings>,
    ) -> Result<(), ApiError>;

    /// Begins to terminate a process.
    ///
    /// # Errors
    /// [`ApiError::ProcessNotFound`], [`ApiError::InvalidState`] when it has ended,
    /// [`ApiError::PermissionDenied`] for a kernel thread.
    fn terminate_process(
        &self,
        caller: &Caller,
        pid: u32,
        mode: TerminateMode,
    ) -> Result<(), ApiError>;

    /// Ready once the process has ended (terminated by then: zombie, defunct or gone).
    fn poll_process_ended(&self, context: &mut Context<'_>, pid: u32) -> Poll<()>;

    /// Up to `limit` processes above `after`, by number, that an emergency concerns: all that are not
    /// the system's own and not defunct, whatever state they are in.
    fn emergency_targets(&self, after: u32, limit: usize) -> Vec<u32>;

    /// Ends a process at once, whatever state it is in; a zombie's exit status is taken. Says whether
    /// it was this call that did it: not for one that is ending already, or has ended.
    ///
    /// # Errors
    /// [`ApiError::ProcessNotFound`], [`ApiError::InvalidState`] for one that is only remembered,
    /// [`ApiError::PermissionDenied`] for a kernel thread.
    fn emergency_end(&self, pid: u32) -> Result<bool, ApiError>;

    /// Begins (`true`) and ends an emergency that concerns all processes: until it ends, no program
    /// is started and none forks. Each beginning is followed by one end. Says how many processes it
    /// has ended itself: those of services.
    fn hold_new_processes(&self, caller: &Caller, is_held: bool) -> u64;

    /// Sends a signal.
    ///
    /// # Errors
    /// [`ApiError::ProcessNotFound`], [`ApiError::InvalidState`] when it has ended,
    /// [`ApiError::PermissionDenied`] for a kernel thread.
    fn signal_process(&self, caller: &Caller, pid: u32, signal: Signal) -> Result<(), ApiError>;

    /// Suspends a process.
    ///
    /// # Errors
    /// As [`Backend::signal_process`]; [`ApiError::InvalidState`] also when it is suspended already.
    fn suspend_process(&self, caller: &Caller, pid: u32) -> Result<(), ApiError>;

    /// Lets a suspended process go on.
    ///
    /// # Errors
    /// As [`Backend::signal_process`]; [`ApiError::InvalidState`] also when it is not suspended.
    fn resume_process(&self, caller: &Caller, pid: u32) -> Result<(), ApiError>;

    /// What a process wrote, from `offset` on or from the oldest byte kept, whichever is later; at
    /// most `max_bytes`.
    ///
    /// # Errors
    /// [`ApiError::ProcessNotFound`].
    fn process_output(
        &self,
        pid: u32,
        offset: u64,
        max_bytes: usize,
    ) -> Result<OutputBytes, ApiError>;

    /// Ready once there is output beyond `offset`, or the process has ended or is unknown.
    fn poll_process_output(&self, context: &mut Context<'_>, pid: u32, offset: u64) -> Poll<()>;

    /// The sequence numbers of the events that are kept; `first > last` when there are none.
    fn event_range(&self) -> SequenceRange;

    /// Up to `limit` events with a sequence number above `after`, in order.
    fn events_after(&self, after: u64, limit: usize) -> Vec<Event>;

    /// Ready once there is an event with a sequence number above `after`.
    fn poll_events(&self, context: &mut Context<'_>, after: u64) -> Poll<()>;

    /// Puts an event about the API itself (sessions) into the stream.
    fn publish(&self, event: NewEvent);

    /// The sequence numbers of the log lines that are kept; `first > last` when there are none.
    fn log_range(&self) -> SequenceRange;

    /// Up to `limit` log lines with a sequence number above `after`, in order.
    fn logs_after(&self, after: u64, limit: usize) -> Vec<LogLine>;

    /// Ready once there is a log line with a sequence number above `after`.
    fn poll_logs(&self, context: &mut Context<'_>, after: u64) -> Poll<()>;

    /// What stands at an absolute path; links are followed.
    ///
    /// # Errors
    /// [`ApiError::FileNotFound`]; [`ApiError::Conflict`] for what is neither a directory nor a regular
    /// file.
    fn find_file(&self, path: &[u8]) -> Result<FoundFile, ApiError>;

    /// A part of a directory: up to `limit` entries after the place `after`, 0 being the start.
    ///
    /// # Errors
    /// [`ApiError::FileNotFound`], [`ApiError::Conflict`] for what is no directory.
    fn list_directory(
        &self,
        path: &[u8],
        after: u64,
        limit: usize,
    ) -> Result<DirectoryPart, ApiError>;

    /// Makes a directory. Says whether there was none.
    ///
    /// # Errors
    /// [`ApiError::FileNotFound`] without a parent, [`ApiError::Conflict`] for what is no directory,
    /// [`ApiError::NoSpace`].
    fn make_directory(
        &self,
        caller: &Caller,
        path: &[u8],
        permissions: u16,
    ) -> Result<bool, ApiError>;

    /// Begins to make a file of `size_bytes`, in place of one that may be there.
    ///
    /// # Errors
    /// As [`Backend::make_directory`]; [`ApiError::NoSpace`] if it cannot fit.
    fn begin_upload(
        &self,
        caller: &Caller,
        path: &[u8],
        permissions: u16,
        size_bytes: u64,
    ) -> Result<Box<dyn Upload>, ApiError>;

    /// Removes a file, or an empty directory.
    ///
    /// # Errors
    /// [`ApiError::FileNotFound`]; [`ApiError::Conflict`] for a directory with entries or in use.
    fn remove_file(&self, caller: &Caller, path: &[u8]) -> Result<(), ApiError>;

    /// Begins to shut down or reboot; returns before the machine stops, and leaves a moment for the
    /// answer to reach the client.
    ///
    /// # Errors
    /// [`ApiError::InvalidState`] when it has begun already, [`ApiError::SystemError`].
    fn power(&self, caller: &Caller, action: PowerAction) -> Result<(), ApiError>;

    /// Keeps a record of a change or of an attempt to sign in.
    fn audit(&self, record: &AuditRecord<'_>);
}

/// Who asks for a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Name of the user.
    pub user: Text,
    /// What the user may do; the server has checked it.
    pub role: Role,
    /// Where the request came from.
    pub address: SocketAddr,
}

/// One line of the audit log: who, when, from where, what, and the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord<'a> {
    /// When.
    pub at: Timestamp,
    /// Who; `None` when nobody was signed in.
    pub user: Option<&'a str>,
    /// From where.
    pub address: SocketAddr,
    /// What, as method and path: `DELETE /api/v1/processes/42`.
    pub action: &'a str,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The typed error, if it failed.
    pub error: Option<&'a str>,
}

/// What orders and filters of the process list look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessRow {
    /// Its number.
    pub pid: u32,
    /// The process that made it.
    pub parent_pid: u32,
    /// Its short name.
    pub name: Text,
    /// Where it is in its life.
    pub state: ProcessState,
    /// Its priority.
    pub priority: Priority,
    /// Its class.
    pub class: Class,
    /// Number of its user.
    pub uid: u32,
    /// Name of its user.
    pub user: Text,
    /// The service it belongs to.
    pub service: Option<Text>,
    /// CPU time in all.
    pub cpu_total_ns: u64,
    /// CPU time of late, in percent of one CPU.
    pub cpu_percent: Hundredths,
    /// Memory now.
    pub memory_bytes: u64,
    /// When it was made.
    pub started_at: Timestamp,
}

/// What `PATCH` can change; two processes' settings that are equal have the same `ETag`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSettings {
    /// Its priority.
    pub priority: Priority,
    /// Its class.
    pub class: Class,
    /// Its nice value.
    pub nice: i8,
    /// The CPUs it may run on, ascending.
    pub affinity: Vec<u32>,
    /// What it may use.
    pub limits: Limits,
}

impl ProcessSettings {
    /// The settings of a process.
    #[must_use]
    pub fn of(process: &Process) -> Self {
        Self {
            priority: process.priority,
            class: process.class,
            nice: process.nice,
            affinity: process.affinity.clone(),
            limits: process.limits,
        }
    }
}

/// How to terminate a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminateMode {
    /// SIGTERM, then SIGKILL when it still lives after this time.
    Graceful {
        /// How long it has.
        grace_ms: u32,
    },
    /// SIGKILL.
    Force,
}

/// A part of a process's output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputBytes {
    /// Offset of the oldest byte that is kept.
    pub first_offset: u64,
    /// Offset of the first byte of `bytes`.
    pub offset: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether the process has ended and `bytes` reaches to the end of its output.
    pub ended: bool,
}

/// The oldest and the newest sequence number kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceRange {
    /// The oldest that is kept; one above `last` when nothing is kept.
    pub first: u64,
    /// The newest; 0 when there never was one.
    pub last: u64,
}

/// An event that the server itself causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// What kind.
    pub kind: crate::types::EventKind,
    /// Who caused it.
    pub actor: Option<Text>,
    /// What happened.
    pub message: String,
}

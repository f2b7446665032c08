//! The kernel behind the admin API: [`KernelBackend`] answers and does what the server asks for.
//!
//! - `convert`: the cores' words as the API's, and back.
//! - `facts`: what stays the same from boot on. `sampler`: what is measured once a second.
//! - `system`, `processes`, `parts` (of a process), `emergency`, `streams`, `network`, `power`: the answers, by subject.
//! - `assets`: the console's files, inside the kernel's image.
//!
//! Everything runs on the network thread and returns at once.

mod assets;
mod confined;
mod convert;
mod emergency;
mod facts;
pub mod figures;
mod files;
mod network;
mod open_files;
mod parts;
mod power;
mod processes;
mod sampler;
mod services;
mod sockets;
mod streams;
mod system;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::task::{Context, Poll};

use admin_api::backend::{
    ApiError, AuditRecord, Backend, Caller, DirectoryPart, Environment, FoundFile, NewEvent,
    OutputBytes, ProcessRow, ProcessSettings, SequenceRange, TerminateMode, Upload,
};
use admin_api::types::{
    Cpu, CreateProcess, Event, InterruptLine, LogLine, Memory, MemoryArea, Network, Numa, OpenFile,
    PowerAction, Process, ProcessPatch, ProcessSignals, Signal, Socket, System, Text, Thread,
    Timestamp,
};

use crate::process::{self, CreateError};
use facts::Facts;

pub use assets::{ConsoleAssets, OPENAPI};
pub use facts::gather;
pub use power::{Power, go_down};

/// Starts to measure, once a second. Once, when processes can be made.
///
/// # Errors
/// When there is no memory for it.
pub fn start() -> Result<(), CreateError> {
    sampler::start()
}

/// The system that the API administers: this one.
#[derive(Debug)]
pub struct KernelBackend {
    facts: &'static Facts,
    command_line: Text,
}

impl KernelBackend {
    /// The kernel; `command_line` is what is shown as that, without secrets.
    ///
    /// # Panics
    /// Before [`start`]; an error of the boot order.
    #[must_use]
    pub fn new(command_line: String) -> Self {
        figures::note_command_line(&command_line);
        Self { facts: facts::get(), command_line: command_line.into() }
    }
}

impl Environment for KernelBackend {
    fn uptime_ns(&self) -> u64 {
        hal::time::now_ns()
    }

    fn now(&self) -> Timestamp {
        convert::timestamp(hal::time::wall_ns())
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        crate::random::fill(bytes);
    }
}

impl Backend for KernelBackend {
    fn readiness(&self) -> Result<(), Text> {
        // Requests are answered only when the boot is over, so that only its end is left to ask for.
        if power::has_begun() { Err("The system is going down.".into()) } else { Ok(()) }
    }

    fn system(&self) -> System {
        system::system(self.facts, self.command_line.clone())
    }

    fn cpu_count(&self) -> u32 {
        self.facts.cpu_count()
    }

    fn cpu(&self, id: u32) -> Option<Cpu> {
        system::cpu(self.facts, id)
    }

    fn memory(&self) -> Memory {
        system::memory(self.facts)
    }

    fn numa(&self) -> Numa {
        system::numa()
    }

    fn interrupts(&self) -> Vec<InterruptLine> {
        system::interrupts()
    }

    fn network(&self) -> Network {
        network::network()
    }

    fn process_count(&self) -> u64 {
        processes::count()
    }

    fn process(&self, pid: u32) -> Result<Process, ApiError> {
        processes::get(pid)
    }

    fn process_environment(&self, pid: u32) -> Result<Vec<Text>, ApiError> {
        processes::environment_of(pid)
    }

    fn process_sockets(&self, pid: u32) -> Result<Vec<Socket>, ApiError> {
        sockets::of_process(pid)
    }

    fn sockets(&self) -> Vec<Socket> {
        sockets::sockets()
    }

    fn threads(&self, pid: u32) -> Result<Vec<Thread>, ApiError> {
        parts::threads(pid)
    }

    fn signals(&self, pid: u32) -> Result<ProcessSignals, ApiError> {
        parts::signals(pid)
    }

    fn memory_map(
        &self,
        pid: u32,
        from: u64,
        limit: usize,
    ) -> Result<(Vec<MemoryArea>, u64), ApiError> {
        parts::memory_map(pid, from, limit)
    }

    fn open_files(
        &self,
        pid: u32,
        from: u32,
        limit: usize,
    ) -> Result<(Vec<OpenFile>, u64), ApiError> {
        open_files::open_files(pid, from, limit)
    }

    fn processes_after(&self, after: u32, limit: usize, visit: &mut dyn FnMut(Process)) {
        processes::living_after(after, limit, visit);
    }

    fn process_rows_after(&self, after: u32, limit: usize, visit: &mut dyn FnMut(ProcessRow)) {
        processes::rows_after(after, limit, visit);
    }

    fn create_process(&self, caller: &Caller, request: CreateProcess) -> Result<u32, ApiError> {
        processes::create(caller, request)
    }

    fn patch_process(
        &self,
        caller: &Caller,
        pid: u32,
        patch: &ProcessPatch,
        expected: Option<&ProcessSettings>,
    ) -> Result<(), ApiError> {
        processes::patch(caller, pid, patch, expected)
    }

    fn terminate_process(
        &self,
        caller: &Caller,
        pid: u32,
        mode: TerminateMode,
    ) -> Result<(), ApiError> {
        processes::terminate(caller, pid, mode)
    }

    fn poll_process_ended(&self, context: &mut Context<'_>, pid: u32) -> Poll<()> {
        streams::poll_ended(context, pid)
    }

    fn emergency_targets(&self, after: u32, limit: usize) -> Vec<u32> {
        emergency::targets(after, limit)
    }

    fn emergency_end(&self, pid: u32) -> Result<bool, ApiError> {
        emergency::end(pid)
    }

    fn hold_new_processes(&self, caller: &Caller, is_held: bool) -> u64 {
        process::hold_new_programs(is_held);
        if is_held { crate::service::terminate_all(Some(&caller.user)) } else { 0 }
    }

    fn signal_process(&self, caller: &Caller, pid: u32, signal: Signal) -> Result<(), ApiError> {
        processes::signal(caller, pid, signal)
    }

    fn suspend_process(&self, caller: &Caller, pid: u32) -> Result<(), ApiError> {
        processes::suspend(caller, pid)
    }

    fn resume_process(&self, caller: &Caller, pid: u32) -> Result<(), ApiError> {
        processes::resume(caller, pid)
    }

    fn process_output(
        &self,
        pid: u32,
        offset: u64,
        max_bytes: usize,
    ) -> Result<OutputBytes, ApiError> {
        streams::output(pid, offset, max_bytes)
    }

    fn poll_process_output(&self, context: &mut Context<'_>, pid: u32, offset: u64) -> Poll<()> {
        streams::poll_output(context, pid, offset)
    }

    fn event_range(&self) -> SequenceRange {
        streams::event_range()
    }

    fn events_after(&self, after: u64, limit: usize) -> Vec<Event> {
        streams::events_after(after, limit)
    }

    fn poll_events(&self, context: &mut Context<'_>, after: u64) -> Poll<()> {
        streams::poll_events(context, after)
    }

    fn publish(&self, event: NewEvent) {
        streams::publish(&event);
    }

    fn log_range(&self) -> SequenceRange {
        streams::log_range()
    }

    fn logs_after(&self, after: u64, limit: usize) -> Vec<LogLine> {
        streams::logs_after(after, limit)
    }

    fn poll_logs(&self, context: &mut Context<'_>, after: u64) -> Poll<()> {
        streams::poll_logs(context, after)
    }

    fn find_file(&self, path: &[u8]) -> Result<FoundFile, ApiError> {
        files::find(path)
    }

    fn list_directory(
        &self,
        path: &[u8],
        after: u64,
        limit: usize,
    ) -> Result<DirectoryPart, ApiError> {
        files::list(path, after, limit)
    }

    fn make_directory(&self, _: &Caller, path: &[u8], permissions: u16) -> Result<bool, ApiError> {
        files::make_directory(path, permissions)
    }

    fn begin_upload(
        &self,
        _: &Caller,
        path: &[u8],
        permissions: u16,
        size_bytes: u64,
    ) -> Result<Box<dyn Upload>, ApiError> {
        files::begin(path, permissions, size_bytes)
    }

    fn remove_file(&self, _: &Caller, path: &[u8]) -> Result<(), ApiError> {
        files::remove(path)
    }

    fn power(&self, caller: &Caller, action: PowerAction) -> Result<(), ApiError> {
        power::begin(caller, action)
    }

    fn audit(&self, record: &AuditRecord<'_>) {
        streams::audit(record);
    }
}

//! [`Backend`] for the fake system.

use std::boxed::Box;
use std::collections::BTreeMap;
use std::format;
use std::string::String;
use std::task::{Context, Poll};
use std::vec::Vec;

use crate::backend::{
    ApiError, AuditRecord, Backend, Caller, DirectoryPart, Environment, FoundFile, NewEvent,
    OutputBytes, ProcessOperation, ProcessRow, ProcessSettings, SequenceRange, TerminateMode,
    Upload,
};
use crate::types::{
    Class, Cpu, CreateProcess, Event, EventKind, InterruptLine, Isolation, Limits, LimitsChange,
    LogLevel, LogLine, Memory, MemoryArea, Network, Numa, OpenFile, PowerAction, Process,
    ProcessPatch, ProcessState, Signal, Socket, SocketProtocol, System, Text, Thread, Timestamp,
};
use crate::types::{ProcessSignals, ThreadSignals};

use super::resources::command_line;
use super::state::{FakeBackend, FakeProcess};
use super::{parts, program};

/// Most processes of the fake system.
const MAX_PROCESSES: usize = 65_536;

impl Environment for FakeBackend {
    fn uptime_ns(&self) -> u64 {
        self.clock.uptime_ns()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        let mut state = self.state.borrow_mut();
        for chunk in bytes.chunks_mut(8) {
            let random = state.next_random().to_le_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
    }
}

impl FakeBackend {
    /// Whether an operator may do something to a process.
    fn check(&self, pid: u32, operation: ProcessOperation) -> Result<ProcessState, ApiError> {
        let state = self.state.borrow();
        let fake = state.find(pid).ok_or(ApiError::ProcessNotFound(pid))?;
        if !fake.is_alive() {
            return Err(ApiError::InvalidState { state: fake.process.state, operation });
        }
        if fake.process.isolation == Isolation::Kernel {
            let why = format!("{} is a thread of the kernel.", fake.process.name);
            return Err(ApiError::PermissionDenied(why.into()));
        }
        Ok(fake.process.state)
    }
}

fn row(fake: &FakeProcess) -> ProcessRow {
    let process = &fake.process;
    ProcessRow {
        pid: process.pid,
        parent_pid: process.parent_pid,
        name: process.name.clone(),
        state: process.state,
        priority: process.priority,
        class: process.class,
        uid: process.user.uid,
        user: process.user.name.clone(),
        service: process.service.clone(),
        cpu_total_ns: process.usage.cpu.total_ns,
        cpu_percent: process.usage.cpu.percent,
        memory_bytes: process.usage.memory.current_bytes,
        started_at: process.started_at,
    }
}

fn set_limits(limits: &mut Limits, change: LimitsChange) {
    limits.memory_bytes = change.memory_bytes.or(limits.memory_bytes);
    limits.stack_bytes = change.stack_bytes.or(limits.stack_bytes);
    limits.open_files = change.open_files.map(u64::from).or(limits.open_files);
    limits.processes = change.processes.map(u64::from).or(limits.processes);
    limits.cpu_time_ns = change.cpu_time_ns.unwrap_or(limits.cpu_time_ns);
    limits.cpu_percent = change.cpu_percent.unwrap_or(limits.cpu_percent);
    limits.read_bytes_per_second =
        change.read_bytes_per_second.unwrap_or(limits.read_bytes_per_second);
    limits.write_bytes_per_second =
        change.write_bytes_per_second.unwrap_or(limits.write_bytes_per_second);
    limits.processes_per_second =
        change.processes_per_second.unwrap_or(limits.processes_per_second);
}

impl Backend for FakeBackend {
    fn readiness(&self) -> Result<(), Text> {
        self.state.borrow().ready.clone()
    }

    fn system(&self) -> System {
        self.describe_system()
    }

    fn cpu_count(&self) -> u32 {
        super::state::CPUS
    }

    fn cpu(&self, id: u32) -> Option<Cpu> {
        self.describe_cpu(id)
    }

    fn memory(&self) -> Memory {
        self.state.borrow().memory()
    }

    fn numa(&self) -> Numa {
        self.state.borrow().numa()
    }

    fn interrupts(&self) -> Vec<InterruptLine> {
        self.describe_interrupts()
    }

    fn network(&self) -> Network {
        self.describe_network()
    }

    fn process_count(&self) -> u64 {
        self.state.borrow().processes.len() as u64
    }

    fn process(&self, pid: u32) -> Result<Process, ApiError> {
        let state = self.state.borrow();
        let fake = state.find(pid).ok_or(ApiError::ProcessNotFound(pid))?;
        Ok(fake.process.clone())
    }

    fn process_environment(&self, pid: u32) -> Result<Vec<Text>, ApiError> {
        let state = self.state.borrow();
        Ok(state.find(pid).ok_or(ApiError::ProcessNotFound(pid))?.environment.clone())
    }

    fn process_sockets(&self, pid: u32) -> Result<Vec<Socket>, ApiError> {
        self.process(pid)?;
        let own = |socket: &Socket| socket.pid == Some(pid);
        Ok(self.sockets().into_iter().filter(own).collect())
    }

    fn sockets(&self) -> Vec<Socket> {
        let socket =
            |local: &'static str, remote: Option<&'static str>, state: &'static str| Socket {
                protocol: SocketProtocol::Tcp,
                inode: 0,
                pid: None,
                local: Text::from(local),
                remote: remote.map(Text::from),
                state: Some(Text::from(state)),
                received_bytes: 0,
                sent_bytes: 0,
                receive_queue: 0,
                send_queue: 0,
                dropped: 0,
            };
        alloc::vec![
            socket("*:80", None, "listen"),
            socket("10.0.2.15:80", Some("10.0.2.2:40000"), "established"),
        ]
    }

    fn threads(&self, pid: u32) -> Result<Vec<Thread>, ApiError> {
        let state = self.state.borrow();
        let fake = state.find(pid).ok_or(ApiError::ProcessNotFound(pid))?;
        Ok(if fake.is_alive() { parts::threads(&fake.process) } else { Vec::new() })
    }

    fn memory_map(
        &self,
        pid: u32,
        from: u64,
        limit: usize,
    ) -> Result<(Vec<MemoryArea>, u64), ApiError> {
        let state = self.state.borrow();
        let fake = state.find(pid).ok_or(ApiError::ProcessNotFound(pid))?;
        let has_memory = fake.is_alive() && fake.process.isolation != Isolation::Kernel;
        let areas = if has_memory { parts::memory_map(&fake.process) } else { Vec::new() };
        let total = areas.len() as u64;
        Ok((areas.into_iter().filter(|area| area.end > from).take(limit).collect(), total))
    }

    fn signals(&self, pid: u32) -> Result<ProcessSignals, ApiError> {
        let state = self.state.borrow();
        let fake = state.find(pid).ok_or(ApiError::ProcessNotFound(pid))?;
        let counts = fake.process.usage.signals;
        let mut signals = ProcessSignals { pid, counts, ..ProcessSignals::default() };
        if fake.is_alive() {
            signals.recent = fake.signals.iter().rev().copied().collect();
            signals.threads = super::parts::threads(&fake.process)
                .iter()
                .map(|thread| ThreadSignals { tid: thread.tid, ..ThreadSignals::default() })
                .collect();
            if matches!(fake.program, super::program::Program::Stubborn) {
                let is_ignored = |signal: &Signal| ![9, 18, 19].contains(&signal.number());
                signals.ignored = Signal::all().filter(is_ignored).collect();
            }
        }
        Ok(signals)
    }

    fn open_files(
        &self,
        pid: u32,
        from: u32,
        limit: usize,
    ) -> Result<(Vec<OpenFile>, u64), ApiError> {
        let state = self.state.borrow();
        let fake = state.find(pid).ok_or(ApiError::ProcessNotFound(pid))?;
        let has_files = fake.is_alive() && fake.process.isolation != Isolation::Kernel;
        let files = if has_files { parts::open_files(&fake.process) } else { Vec::new() };
        let total = files.len() as u64;
        Ok((files.into_iter().filter(|file| file.fd >= from).take(limit).collect(), total))
    }

    fn processes_after(&self, after: u32, limit: usize, visit: &mut dyn FnMut(Process)) {
        let Some(first) = after.checked_add(1) else { return };
        let state = self.state.borrow();
        for fake in state.processes.range(first..).map(|(_, fake)| fake).take(limit) {
            visit(fake.process.clone());
        }
    }

    fn process_rows_after(&self, after: u32, limit: usize, visit: &mut dyn FnMut(ProcessRow)) {
        let Some(first) = after.checked_add(1) else { return };
        let state = self.state.borrow();
        let history = state.history.iter().filter(|fake| fake.process.pid >= first);
        let mut rows: BTreeMap<u32, &FakeProcess> =
            history.map(|fake| (fake.process.pid, fake)).collect();
        rows.extend(state.processes.range(first..).take(limit).map(|(pid, fake)| (*pid, fake)));
        rows.values().take(limit).for_each(|fake| visit(row(fake)));
    }

    fn create_process(&self, caller: &Caller, request: CreateProcess) -> Result<u32, ApiError> {
        if self.state.borrow().processes.len() >= MAX_PROCESSES {
            return Err(ApiError::ResourceExhausted("There are 65,536 processes.".into()));
        }
        if self.state.borrow().is_held {
            return Err(ApiError::Conflict("An emergency termination is under way.".into()));
        }
        let started = program::start(&request, self.clock.uptime_ns())?;
        let pid = self.next_pid();
        let base = request.program.rsplit('/').next().unwrap_or_default();
        let name = request.name.as_deref().unwrap_or(base);
        let command = command_line(&request.program, &request.args);
        let mut process = self.blank_process(pid, name, command);
        process.cwd = request.cwd.unwrap_or_else(|| "/".into()).into();
        process.priority = request.priority.unwrap_or(process.priority);
        process.class = request.class.unwrap_or(process.class);
        process.nice = request.nice.unwrap_or(0);
        process.affinity = request.affinity.unwrap_or(process.affinity);
        set_limits(&mut process.limits, request.limits.unwrap_or_default());
        if let Some(user) = &request.user {
            process.user = super::confined::user(user)?;
            process.capabilities.clear();
        }
        if let Some(sandbox) = &request.sandbox {
            super::confined::enter(&mut process, pid, sandbox)?;
        }
        process.usage.memory.current_bytes = 1_400_000;
        process.usage.memory.peak_bytes = 1_500_000;
        process.usage.memory.stack_bytes = 132 << 10;
        process.usage.memory.heap_bytes = 200 << 10;
        process.usage.page_faults.minor = 87;
        process.usage.open_files = 3;
        process.threads = started.threads;
        let variables = request.env.iter().map(|(name, value)| format!("{name}={value}").into());
        let environment: Vec<Text> = variables.collect();
        let relatives = started.children;
        self.add(process.clone(), started.program, environment.clone());
        for generation in 0..relatives {
            let child = self.next_pid();
            let parent_pid = if generation % 2 == 0 { pid } else { child - 1 };
            let child = Process { pid: child, parent_pid, process_group: pid, ..process.clone() };
            self.add(child, program::Program::Wait, environment.clone());
        }
        if let Some(fake) = self.state.borrow_mut().processes.get_mut(&pid)
            && !started.output.is_empty()
        {
            fake.write(&started.output);
        }
        self.report(EventKind::ProcessCreated, pid, &caller.user, "created");
        Ok(pid)
    }

    fn patch_process(
        &self,
        caller: &Caller,
        pid: u32,
        patch: &ProcessPatch,
        expected: Option<&ProcessSettings>,
    ) -> Result<(), ApiError> {
        self.check(pid, ProcessOperation::Change)?;
        {
            let mut state = self.state.borrow_mut();
            let fake = state.processes.get_mut(&pid).ok_or(ApiError::ProcessNotFound(pid))?;
            let process = &mut fake.process;
            if expected.is_some_and(|expected| *expected != ProcessSettings::of(process)) {
                return Err(ApiError::Stale);
            }
            process.priority = patch.priority.unwrap_or(process.priority);
            process.class = patch.class.unwrap_or(process.class);
            process.nice = patch.nice.unwrap_or(process.nice);
            set_limits(&mut process.limits, patch.limits.unwrap_or_default());
            if let Some(affinity) = &patch.affinity {
                process.affinity.clone_from(affinity);
            }
        }
        self.report(EventKind::ProcessChanged, pid, &caller.user, "changed");
        Ok(())
    }

    fn terminate_process(
        &self,
        caller: &Caller,
        pid: u32,
        mode: TerminateMode,
    ) -> Result<(), ApiError> {
        self.check(pid, ProcessOperation::Terminate)?;
        self.report(EventKind::ProcessSignaled, pid, &caller.user, "terminates");
        match mode {
            TerminateMode::Force => self.deliver(pid, Signal::KILL),
            TerminateMode::Graceful { grace_ms } => {
                let kill_at_ns = self.clock.uptime_ns() + u64::from(grace_ms) * 1_000_000;
                if let Some(fake) = self.state.borrow_mut().processes.get_mut(&pid) {
                    fake.kill_at_ns = Some(kill_at_ns);
                }
                self.deliver(pid, Signal::TERM);
            }
        }
        Ok(())
    }

    fn poll_process_ended(&self, context: &mut Context<'_>, pid: u32) -> Poll<()> {
        let mut state = self.state.borrow_mut();
        if !state.processes.contains_key(&pid) {
            return Poll::Ready(());
        }
        state.register(context);
        Poll::Pending
    }

    fn emergency_targets(&self, after: u32, limit: usize) -> Vec<u32> {
        let Some(first) = after.checked_add(1) else { return Vec::new() };
        let state = self.state.borrow();
        let programs = state.processes.range(first..).map(|(_, fake)| &fake.process);
        let programs = programs.filter(|process| process.class != Class::System);
        programs.map(|process| process.pid).take(limit).collect()
    }

    fn emergency_end(&self, pid: u32) -> Result<bool, ApiError> {
        self.check(pid, ProcessOperation::Terminate)?;
        self.deliver(pid, Signal::KILL);
        Ok(true)
    }

    fn hold_new_processes(&self, _: &Caller, is_held: bool) -> u64 {
        self.state.borrow_mut().is_held = is_held;
        0
    }

    fn signal_process(&self, caller: &Caller, pid: u32, signal: Signal) -> Result<(), ApiError> {
        self.check(pid, ProcessOperation::Signal)?;
        self.report(EventKind::ProcessSignaled, pid, &caller.user, &format!("sent {signal} to"));
        self.deliver(pid, signal);
        Ok(())
    }

    fn suspend_process(&self, caller: &Caller, pid: u32) -> Result<(), ApiError> {
        let state = self.check(pid, ProcessOperation::Suspend)?;
        if state == ProcessState::Suspended {
            return Err(ApiError::InvalidState { state, operation: ProcessOperation::Suspend });
        }
        self.deliver(pid, Signal::STOP);
        self.report(EventKind::ProcessSuspended, pid, &caller.user, "suspended");
        Ok(())
    }

    fn resume_process(&self, caller: &Caller, pid: u32) -> Result<(), ApiError> {
        let state = self.check(pid, ProcessOperation::Resume)?;
        if state != ProcessState::Suspended {
            return Err(ApiError::InvalidState { state, operation: ProcessOperation::Resume });
        }
        self.deliver(pid, Signal::CONT);
        self.report(EventKind::ProcessResumed, pid, &caller.user, "resumed");
        Ok(())
    }

    fn process_output(
        &self,
        pid: u32,
        offset: u64,
        max_bytes: usize,
    ) -> Result<OutputBytes, ApiError> {
        let state = self.state.borrow();
        let fake = state.find(pid).ok_or(ApiError::ProcessNotFound(pid))?;
        let first_offset = fake.output_start;
        let offset = offset.clamp(first_offset, fake.output_end());
        let skip = usize::try_from(offset - first_offset).unwrap_or(usize::MAX);
        let bytes: Vec<u8> = fake.output.iter().skip(skip).take(max_bytes).copied().collect();
        let ended = !fake.is_alive() && offset + bytes.len() as u64 == fake.output_end();
        Ok(OutputBytes { first_offset, offset, bytes, ended })
    }

    fn poll_process_output(&self, context: &mut Context<'_>, pid: u32, offset: u64) -> Poll<()> {
        let mut state = self.state.borrow_mut();
        let waits =
            state.find(pid).is_some_and(|fake| fake.is_alive() && fake.output_end() <= offset);
        if !waits {
            return Poll::Ready(());
        }
        state.register(context);
        Poll::Pending
    }

    fn event_range(&self) -> SequenceRange {
        self.state.borrow().event_range()
    }

    fn events_after(&self, after: u64, limit: usize) -> Vec<Event> {
        let state = self.state.borrow();
        let new = state.events.iter().filter(|event| event.sequence > after);
        new.take(limit).cloned().collect()
    }

    fn poll_events(&self, context: &mut Context<'_>, after: u64) -> Poll<()> {
        let mut state = self.state.borrow_mut();
        if state.event_range().last > after {
            return Poll::Ready(());
        }
        state.register(context);
        Poll::Pending
    }

    fn publish(&self, event: NewEvent) {
        self.event(event.kind, None, event.actor, &event.message);
    }

    fn log_range(&self) -> SequenceRange {
        self.state.borrow().log_range()
    }

    fn logs_after(&self, after: u64, limit: usize) -> Vec<LogLine> {
        let state = self.state.borrow();
        let new = state.logs.iter().filter(|line| line.sequence > after);
        new.take(limit).cloned().collect()
    }

    fn poll_logs(&self, context: &mut Context<'_>, after: u64) -> Poll<()> {
        let mut state = self.state.borrow_mut();
        if state.log_range().last > after {
            return Poll::Ready(());
        }
        state.register(context);
        Poll::Pending
    }

    fn find_file(&self, path: &[u8]) -> Result<FoundFile, ApiError> {
        self.files.find(path)
    }

    fn list_directory(
        &self,
        path: &[u8],
        after: u64,
        limit: usize,
    ) -> Result<DirectoryPart, ApiError> {
        Ok(self.files.list(path, after, limit))
    }

    fn make_directory(&self, _: &Caller, path: &[u8], _: u16) -> Result<bool, ApiError> {
        self.files.make_directory(path)
    }

    fn begin_upload(
        &self,
        _: &Caller,
        path: &[u8],
        permissions: u16,
        size_bytes: u64,
    ) -> Result<Box<dyn Upload>, ApiError> {
        self.files.begin(path, permissions, size_bytes)
    }

    fn remove_file(&self, _: &Caller, path: &[u8]) -> Result<(), ApiError> {
        self.files.remove(path)
    }

    fn power(&self, caller: &Caller, action: PowerAction) -> Result<(), ApiError> {
        if std::mem::replace(&mut self.state.borrow_mut().stopping, true) {
            return Err(ApiError::Conflict("The system is going down already.".into()));
        }
        let what = match action {
            PowerAction::Shutdown => "shut the system down",
            PowerAction::Reboot => "restarted the system",
        };
        let message = format!("{} {what}", caller.user);
        self.event(EventKind::SystemChanged, None, Some(caller.user.clone()), &message);
        Ok(())
    }

    fn audit(&self, record: &AuditRecord<'_>) {
        let user = record.user.unwrap_or("-");
        let error = record.error.unwrap_or("-");
        let line = format!(
            "{} {user} {} {} {} {error}",
            record.at, record.address, record.action, record.status
        );
        self.log(LogLevel::Info, "audit", &line);
        self.state.borrow_mut().audit.push(String::from(&line));
    }
}

//! [`FakeBackend`] and the state behind it.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::format;
use std::string::String;
use std::task::{Context, Waker};
use std::vec;
use std::vec::Vec;

use crate::backend::SequenceRange;
use crate::types::{
    Class, CpuTimes, Event, EventKind, Exit, Isolation, Limits, LimitsMet, LogLevel, LogLine,
    Priority, Process, ProcessState, SignalRecord, Text, Usage, User,
};

use super::clock::Clock;
use super::files::Files;
use super::program::Program;
use super::services::FakeServices;

/// CPUs of the fake system.
pub(super) const CPUS: u32 = 4;
/// Its memory.
pub(super) const MEMORY_BYTES: u64 = 512 << 20;
const MAX_EVENTS: usize = 1024;
const MAX_LOGS: usize = 4096;
const MAX_HISTORY: usize = 256;
const MAX_OUTPUT_BYTES: usize = 64 * 1024;
const MAX_WAKERS: usize = 1024;

/// A system that does not exist.
pub struct FakeBackend {
    pub(super) clock: Clock,
    pub(super) state: RefCell<State>,
    pub(super) files: Files,
    pub(super) services: RefCell<FakeServices>,
}

/// One process of it.
pub(super) struct FakeProcess {
    pub(super) process: Process,
    pub(super) program: Program,
    pub(super) output: VecDeque<u8>,
    /// Bytes that were forgotten at the beginning of `output`.
    pub(super) output_start: u64,
    /// When SIGKILL follows, after SIGTERM was not enough.
    pub(super) kill_at_ns: Option<u64>,
    /// The environment it was started with.
    pub(super) environment: Vec<Text>,
    /// The last signals that did not end it.
    pub(super) signals: VecDeque<SignalRecord>,
    /// When the last tick found out how busy it is, and its CPU time then.
    pub(super) measured: (u64, u64),
}

impl FakeProcess {
    pub(super) fn is_alive(&self) -> bool {
        self.process.exit.is_none()
    }

    pub(super) fn output_end(&self) -> u64 {
        self.output_start + self.output.len() as u64
    }

    /// Writes output, of which the oldest is forgotten.
    pub(super) fn write(&mut self, text: &str) {
        self.process.usage.io.written_bytes += text.len() as u64;
        self.process.usage.io.write_operations += 1;
        self.output.extend(text.bytes());
        let excess = self.output.len().saturating_sub(MAX_OUTPUT_BYTES);
        self.output.drain(..excess);
        self.output_start += excess as u64;
    }
}

/// Everything that changes.
pub(super) struct State {
    pub(super) random: u64,
    pub(super) last_tick_ns: u64,
    pub(super) last_pid: u32,
    pub(super) processes: BTreeMap<u32, FakeProcess>,
    pub(super) history: VecDeque<FakeProcess>,
    pub(super) cpu_times: Vec<CpuTimes>,
    pub(super) cpu_busy: Vec<u32>,
    pub(super) cpu_switches: Vec<u64>,
    pub(super) load: [f64; 3],
    pub(super) events: VecDeque<Event>,
    pub(super) event_count: u64,
    pub(super) logs: VecDeque<LogLine>,
    pub(super) log_count: u64,
    pub(super) wakers: Vec<Waker>,
    pub(super) stopping: bool,
    /// An emergency is under way.
    pub(super) is_held: bool,
    pub(super) ready: Result<(), Text>,
    pub(super) audit: Vec<String>,
}

impl FakeBackend {
    /// A system that was just booted, with its kernel threads. The same seed gives the same system.
    #[must_use]
    pub fn new(clock: Clock, seed: u64) -> Self {
        let state = State {
            random: seed | 1,
            last_tick_ns: clock.uptime_ns(),
            last_pid: 0,
            processes: BTreeMap::new(),
            history: VecDeque::new(),
            cpu_times: vec![CpuTimes::default(); CPUS as usize],
            cpu_busy: vec![0; CPUS as usize],
            cpu_switches: vec![0; CPUS as usize],
            load: [0.0; 3],
            events: VecDeque::new(),
            event_count: 0,
            logs: VecDeque::new(),
            log_count: 0,
            wakers: Vec::new(),
            stopping: false,
            is_held: false,
            ready: Ok(()),
            audit: Vec::new(),
        };
        let backend = Self {
            clock,
            state: RefCell::new(state),
            files: Files::new(),
            services: RefCell::default(),
        };
        backend.boot();
        backend
    }

    fn boot(&self) {
        for (source, message) in [
            ("boot", "MultiOS starts; this one is a fake for development"),
            ("memory", "512 MiB of memory"),
            ("smp", "4 CPUs online"),
            ("net", "eth0: 10.0.2.15/24 by DHCP, gateway 10.0.2.2"),
            ("api", "listening on port 80"),
        ] {
            self.log(LogLevel::Info, source, message);
        }
        self.event(EventKind::SystemChanged, None, None, "The system started");
        for (name, busy_percent) in
            [("init", 0), ("net", 2), ("reaper", 0), ("balance", 1), ("log", 0)]
        {
            let pid = self.next_pid();
            let program = Program::KernelThread { busy_percent };
            let mut process = self.blank_process(pid, name, vec![format!("[{name}]").into()]);
            process.class = Class::System;
            process.priority = Priority::High;
            process.isolation = Isolation::Kernel;
            process.usage.memory.current_bytes = 32 << 10;
            process.usage.memory.peak_bytes = 32 << 10;
            self.add(process, program, Vec::new());
        }
    }

    /// What [`crate::backend::Backend::readiness`] is to answer.
    pub fn set_ready(&self, ready: Result<(), &'static str>) {
        self.state.borrow_mut().ready = ready.map_err(Text::from);
    }

    /// The audit log, one line a record.
    #[must_use]
    pub fn audit_log(&self) -> Vec<String> {
        self.state.borrow().audit.clone()
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn next_pid(&self) -> u32 {
        let mut state = self.state.borrow_mut();
        state.last_pid += 1;
        state.last_pid
    }

    /// A process that was just made.
    pub(super) fn blank_process(&self, pid: u32, name: &str, command: Vec<Text>) -> Process {
        Process {
            pid,
            parent_pid: u32::from(pid != 1),
            process_group: pid,
            session: pid,
            name: String::from(name).into(),
            command,
            environment: None,
            cwd: "/".into(),
            root: "/".into(),
            state: ProcessState::Ready,
            state_detail: None,
            priority: Priority::Normal,
            class: Class::User,
            nice: 0,
            cpu: None,
            affinity: (0..CPUS).collect(),
            threads: 1,
            isolation: Isolation::Process,
            sandbox: None,
            user: User { uid: 0, gid: 0, name: "root".into() },
            capabilities: Vec::new(),
            service: None,
            started_at: self.clock.now(),
            ended_at: None,
            exit: None,
            usage: Usage::default(),
            limits: Limits {
                memory_bytes: Some(256 << 20),
                stack_bytes: Some(8 << 20),
                open_files: Some(1024),
                processes: Some(1024),
                ..Limits::default()
            },
            limits_met: LimitsMet::default(),
        }
    }

    pub(super) fn add(&self, process: Process, program: Program, environment: Vec<Text>) {
        let measured = (self.clock.uptime_ns(), 0);
        let fake = FakeProcess {
            process,
            program,
            output: VecDeque::new(),
            output_start: 0,
            kill_at_ns: None,
            environment,
            signals: VecDeque::new(),
            measured,
        };
        self.state.borrow_mut().processes.insert(fake.process.pid, fake);
    }

    /// Ends a process: it goes into the history.
    pub(super) fn end(&self, pid: u32, exit: Exit) {
        let Some(mut fake) = self.state.borrow_mut().processes.remove(&pid) else { return };
        fake.process.state = ProcessState::Defunct;
        fake.process.state_detail = None;
        fake.process.ended_at = Some(self.clock.now());
        fake.process.exit = Some(exit);
        fake.process.usage.memory.current_bytes = 0;
        fake.process.usage.cpu.percent = crate::types::Hundredths(0);
        let how = match exit {
            Exit::Code(code) => format!("exited with code {code}"),
            Exit::Signal { signal, .. } => format!("was ended by {signal}"),
        };
        let message = format!("{} ({pid}) {how}", fake.process.name);
        {
            let mut state = self.state.borrow_mut();
            if state.history.len() >= MAX_HISTORY {
                state.history.pop_front();
            }
            state.history.push_back(fake);
        }
        self.log(LogLevel::Info, "process", &message);
        self.event(EventKind::ProcessExited, Some(pid), None, &message);
    }

    /// Puts an event into the stream.
    pub(super) fn event(
        &self,
        kind: EventKind,
        pid: Option<u32>,
        actor: Option<Text>,
        message: &str,
    ) {
        self.event_about(kind, pid, None, actor, message);
    }

    /// Puts an event about a service into the stream.
    pub(super) fn event_about(
        &self,
        kind: EventKind,
        pid: Option<u32>,
        service: Option<Text>,
        actor: Option<Text>,
        message: &str,
    ) {
        let at = self.clock.now();
        let mut state = self.state.borrow_mut();
        state.event_count += 1;
        let sequence = state.event_count;
        let message = String::from(message).into();
        state.events.push_back(Event { sequence, at, kind, pid, service, actor, message });
        if state.events.len() > MAX_EVENTS {
            state.events.pop_front();
        }
        state.wake_all();
    }

    /// Writes a line of the log.
    pub(super) fn log(&self, level: LogLevel, source: &'static str, message: &str) {
        let (at, uptime_ns) = (self.clock.now(), self.clock.uptime_ns());
        let mut state = self.state.borrow_mut();
        state.log_count += 1;
        let line = LogLine {
            sequence: state.log_count,
            at,
            uptime_ns,
            level,
            source: source.into(),
            cpu: Some(0),
            message: String::from(message).into(),
        };
        state.logs.push_back(line);
        if state.logs.len() > MAX_LOGS {
            state.logs.pop_front();
        }
        state.wake_all();
    }
}

impl State {
    /// A process that lives or is remembered.
    pub(super) fn find(&self, pid: u32) -> Option<&FakeProcess> {
        self.processes
            .get(&pid)
            .or_else(|| self.history.iter().find(|fake| fake.process.pid == pid))
    }

    /// Registers a task that waits.
    pub(super) fn register(&mut self, context: &Context<'_>) {
        let waker = context.waker();
        if self.wakers.iter().any(|known| known.will_wake(waker)) {
            return;
        }
        if self.wakers.len() >= MAX_WAKERS {
            self.wakers.remove(0).wake();
        }
        self.wakers.push(waker.clone());
    }

    pub(super) fn wake_all(&mut self) {
        for waker in self.wakers.drain(..) {
            waker.wake();
        }
    }

    /// The next number of a xorshift generator; good enough for a fake.
    pub(super) fn next_random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    pub(super) fn event_range(&self) -> SequenceRange {
        SequenceRange {
            first: self.event_count + 1 - self.events.len() as u64,
            last: self.event_count,
        }
    }

    pub(super) fn log_range(&self) -> SequenceRange {
        SequenceRange { first: self.log_count + 1 - self.logs.len() as u64, last: self.log_count }
    }
}

//! Processes by run: started, ended, noticed.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use process_core::{ExitStatus, Limits, Pid, Priority, PriorityClass, Quotas, Scheduling};
use sched_core::CpuSet;
use service_core::{Document, End, Event, RunId};

use super::output::Tee;
use super::{Belongings, State, checks, confined, front, notices, with};
use crate::process::{self, CreateError, NewProgram, ProcessSet};

/// A run that has processes.
#[derive(Debug)]
pub(super) struct Run {
    id: RunId,
    main: Pid,
    /// How its main process ended, when that has.
    exit: Option<Exit>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exit {
    pub(super) status: ExitStatus,
    /// The service had all the memory that it may have, and this process had most.
    pub(super) is_for_quota: bool,
}

impl Run {
    pub(super) fn new(id: RunId, main: Pid) -> Self {
        Self { id, main, exit: None }
    }

    pub(super) fn main(&self) -> Pid {
        self.main
    }

    pub(super) fn id(&self) -> RunId {
        self.id
    }
}

impl State {
    /// The main process of a run, if it has one.
    #[must_use]
    pub fn main_process(&self, run: RunId) -> Option<Pid> {
        self.runs.get(&run.run).map(Run::main)
    }
}

/// The quotas of a document, as those of a set.
pub(super) fn quotas(limits: &service_core::Quotas) -> Quotas {
    Quotas {
        memory_bytes: limits.memory_bytes,
        open_files: limits.open_files,
        processes: limits.processes,
        cpu_percent: limits.cpu_percent,
        read_bytes_per_second: limits.read_bytes_per_second,
        write_bytes_per_second: limits.write_bytes_per_second,
        processes_per_second: None,
    }
}

/// Starts the program of a document as this run.
///
/// # Errors
/// Why it cannot be started, in words.
pub(super) fn start(run: RunId, document: &Document) -> Result<Pid, String> {
    if !process::admits_new_programs() {
        return Err("an emergency termination is under way".to_string());
    }
    let belongings = with(|state| state.belongings_of(run.service, document));
    let belongings = belongings.ok_or("there is no service manager")?.map_err(|e| e.to_string())?;
    let arguments = core::iter::once(&document.program).chain(&document.args);
    let command = arguments.map(|argument| argument.clone().into_bytes()).collect();
    let new = program(&belongings, document, command, (run.run, run.index))?;
    process::create(&new).map_err(|error: CreateError| error.to_string())
}

/// A program that runs for a service, as `number` of `index`.
///
/// # Errors
/// When its user is not known.
pub(super) fn program(
    belongings: &Belongings,
    document: &Document,
    command: Vec<Vec<u8>>,
    (number, index): (u64, u32),
) -> Result<NewProgram, String> {
    let tee = Arc::new(Tee::new(Arc::clone(&belongings.lines), index));
    Ok(NewProgram {
        path: command.first().cloned().unwrap_or_default(),
        arguments: command,
        environment: environment(document, index),
        name: None,
        working_directory: document.cwd.clone().into_bytes(),
        scheduling: scheduling(document),
        affinity: CpuSet::ALL,
        credentials: confined::credentials(document.user.as_deref()).map_err(|e| e.to_string())?,
        limits: limits(document),
        set: Some(Arc::clone(&belongings.set)),
        instance: number,
        tee: Some(tee),
        sandbox: document.sandbox.as_ref().map(confined::new_sandbox),
        actor: None,
    })
}

/// Each process for itself may use what is usual, or what all of them may together if that is more: the
/// quota is the service's.
fn limits(document: &Document) -> Limits {
    let usual = Limits::default();
    let memory_bytes = document.limits.memory_bytes.unwrap_or(0).max(usual.memory_bytes);
    Limits { memory_bytes, ..usual }
}

fn environment(document: &Document, index: u32) -> Vec<Vec<u8>> {
    let own = [
        ("HOME", "/".to_string()),
        ("PATH", "/bin:/sbin:/usr/bin".to_string()),
        ("NOTIFY_SOCKET", notices::ADDRESS.to_string()),
        ("SERVICE_NAME", document.name.clone()),
        ("SERVICE_INSTANCE", index.to_string()),
    ];
    let mut all: BTreeMap<&str, &str> =
        own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    all.extend(document.env.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    all.into_iter().map(|(name, value)| format!("{name}={value}").into_bytes()).collect()
}

fn scheduling(document: &Document) -> Scheduling {
    use service_core::{Class as FromClass, Priority as From};
    let priority = match document.priority {
        From::Idle => Priority::Idle,
        From::Low => Priority::Low,
        From::Normal => Priority::Normal,
        From::High => Priority::High,
        From::RealTime => Priority::RealTime,
        From::Critical => Priority::Critical,
    };
    let class = match document.class {
        FromClass::System => PriorityClass::System,
        FromClass::User => PriorityClass::User,
        FromClass::Service => PriorityClass::Service,
        FromClass::Background => PriorityClass::Background,
        FromClass::Interactive => PriorityClass::Interactive,
    };
    Scheduling { priority, class, ..Scheduling::default() }
}

/// Does something with the set of a run's service.
pub(super) fn with_set(state: &State, run: RunId, f: impl FnOnce(&ProcessSet)) {
    if let Some(belongings) = state.belongings.get(&run.service) {
        f(&belongings.set);
    }
}

/// Ends all processes of a run. Those that are forked meanwhile end when the next one has.
pub(super) fn end_by_force(state: &mut State, id: RunId) {
    if let Some(run) = state.runs.get_mut(&id.run) {
        let status = ExitStatus::by_signal(process_core::Signal::SIGKILL);
        let by_force = Exit { status, is_for_quota: false };
        // What is decided now is how it ended, even if its main process is gone before.
        let _ = run.exit.get_or_insert(by_force);
        with_set(state, id, |set| set.end_instance(id.run));
        look_at_end(state, id.run);
    }
}

/// A process of an instance, or of a check, has ended.
pub(super) fn process_ended(state: &mut State, instance: u64, pid: Pid, exit: Exit) {
    if checks::is_command(instance) {
        checks::command_ended(state, instance, pid, exit.status);
        return;
    }
    let Some(run) = state.runs.get_mut(&instance) else { return };
    if run.main == pid {
        run.exit = Some(exit);
    } else if exit.is_for_quota && run.exit.is_none() {
        let id = run.id;
        let set = state.belongings.get(&id.service).map(|belongings| &belongings.set);
        if let Some(quota_bytes) = set.and_then(|set| set.quotas().memory_bytes) {
            state.step(Event::LostProcess { run: id, pid: pid.number(), quota_bytes });
        }
    }
    look_at_end(state, instance);
}

/// A run whose main process is gone has no other ones, either: they are ended, and when the last one is
/// gone the run is.
fn look_at_end(state: &mut State, number: u64) {
    let Some(run) = state.runs.get(&number) else { return };
    let (id, Some(exit)) = (run.id, run.exit) else { return };
    let mut has_processes = false;
    with_set(state, id, |set| {
        has_processes = !set.members_of(number).is_empty();
        if has_processes {
            set.end_instance(number);
        }
    });
    if has_processes {
        return;
    }
    state.runs.remove(&number);
    front::remove_member(state, id);
    let mut quota = None;
    if let Some(belongings) = state.belongings.get(&id.service) {
        belongings.lines.finish(id.index);
        quota = belongings.set.quotas().memory_bytes;
    }
    let end = match (exit.status, quota) {
        (ExitStatus::Code(code), _) => End::Code(code),
        (ExitStatus::Signaled { .. }, Some(bytes)) if exit.is_for_quota => {
            End::MemoryQuota { bytes }
        }
        (ExitStatus::Signaled { signal, .. }, _) => End::Signal(signal.name()),
    };
    state.step(Event::Ended { run: id, end });
}

/// The arguments of a command, for `program`.
pub(super) fn command_line(words: &[String]) -> Vec<Vec<u8>> {
    let mut command = vec![];
    command.extend(words.iter().map(|word| word.clone().into_bytes()));
    command
}

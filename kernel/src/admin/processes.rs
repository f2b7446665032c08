//! Processes: lists, details, and what operators do to them.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use admin_api::backend::{
    ApiError, Caller, ProcessOperation, ProcessRow, ProcessSettings, TerminateMode,
};
use admin_api::types::{
    ContextSwitches, CpuUsage, CreateProcess, Hundredths, IoUsage, MemoryUsage, PageFaults,
    Process, ProcessPatch, Signal, SignalCounts, Text, Usage, User,
};
use process_core::{
    CapabilitySet, Limits, LimitsChange, Nice, Pid, ProcessState, Scheduling, StateName,
};
use sched_core::CpuSet;
use vfs_core::FileError;

use super::{confined, convert, power};
use crate::memory::LoadError;
use crate::process::{self, CreateError, NewProgram, Snapshot};

/// Environment of a program that is started by an operator; what the request says comes on top.
const ENVIRONMENT: [(&str, &str); 2] = [("HOME", "/"), ("PATH", "/bin:/sbin:/usr/bin")];

/// Processes that are not only remembered.
pub(super) fn count() -> u64 {
    let (counts, _) = process::counts();
    StateName::ALL.iter().map(|state| u64::from(counts.of(*state))).sum()
}

/// One process, also one that is only remembered.
///
/// # Errors
/// [`ApiError::ProcessNotFound`].
pub(super) fn get(number: u32) -> Result<Process, ApiError> {
    let snapshot = snapshot(number, ProcessOperation::Show)?;
    let mut process = describe(&snapshot, &Users::read());
    if let (Some(sandbox), Some(rules)) = (&mut process.sandbox, &snapshot.profile.sandbox) {
        sandbox.system_calls = confined::calls(rules);
    }
    Ok(process)
}

fn snapshot(number: u32, operation: ProcessOperation) -> Result<Snapshot, ApiError> {
    pid(number)
        .and_then(|pid| process::snapshot(pid).map_err(|error| convert::error(&error, operation)))
}

pub(super) fn pid(number: u32) -> Result<Pid, ApiError> {
    Pid::new(i64::from(number)).map_err(|_| ApiError::ProcessNotFound(number))
}

/// What a process was started with as environment.
///
/// # Errors
/// [`ApiError::ProcessNotFound`].
pub(super) fn environment_of(number: u32) -> Result<Vec<Text>, ApiError> {
    let snapshot = snapshot(number, ProcessOperation::Show)?;
    Ok(snapshot.profile.image.environment.iter().map(convert::text).collect())
}

/// Visits up to `limit` processes above `after` that are not only remembered.
pub(super) fn living_after(after: u32, limit: usize, visit: &mut dyn FnMut(Process)) {
    let users = Users::read();
    let (mut after, mut left) = (after, limit);
    while left > 0 {
        let wanted = left;
        let mut seen = 0;
        process::snapshots_after(after, wanted, |snapshot| {
            seen += 1;
            after = snapshot.pid.number();
            if !matches!(snapshot.state, ProcessState::Defunct { .. }) {
                left -= 1;
                visit(describe(&snapshot, &users));
            }
        });
        if seen < wanted {
            return;
        }
    }
}

/// Visits up to `limit` processes above `after`, with what is remembered.
pub(super) fn rows_after(after: u32, limit: usize, visit: &mut dyn FnMut(ProcessRow)) {
    let users = Users::read();
    process::rows_after(after, limit, |row| {
        visit(ProcessRow {
            pid: row.pid.number(),
            parent_pid: row.parent.number(),
            name: convert::text(row.profile.name.as_bytes()),
            state: convert::state(row.state),
            priority: convert::priority(row.profile.scheduling.priority),
            class: convert::class(row.profile.scheduling.class),
            uid: row.credentials.effective_uid.0,
            user: users.name(row.credentials.effective_uid.0),
            service: row.profile.service.clone().map(Text::from),
            cpu_total_ns: row.usage.cpu.total_ns(),
            cpu_percent: Hundredths(row.cpu_hundredths),
            memory_bytes: row.usage.memory.current_bytes,
            started_at: convert::moment(row.started_at),
        });
    });
}

/// The names of the users, from `/etc/passwd`: read once for all that one call shows.
struct Users(BTreeMap<u32, Text>);

impl Users {
    fn read() -> Self {
        let mut names = BTreeMap::new();
        for (uid, name) in process_core::account_names(&crate::service::confined::passwd()) {
            names.entry(uid.0).or_insert_with(|| convert::text(name));
        }
        Self(names)
    }

    /// A user's name; the number of one who has none. Root is that without a file, too.
    fn name(&self, uid: u32) -> Text {
        match self.0.get(&uid) {
            Some(name) => name.clone(),
            None if uid == 0 => "root".into(),
            None => format!("{uid}").into(),
        }
    }
}

fn describe(snapshot: &Snapshot, users: &Users) -> Process {
    let Snapshot { profile, credentials, .. } = snapshot;
    let state_detail = match snapshot.state {
        ProcessState::Blocked { reason } => Some(reason.name().into()),
        _ => None,
    };
    Process {
        pid: snapshot.pid.number(),
        parent_pid: snapshot.parent.number(),
        process_group: snapshot.group.number(),
        session: snapshot.session.number(),
        name: convert::text(profile.name.as_bytes()),
        command: profile.image.arguments.iter().map(convert::text).collect(),
        environment: None,
        cwd: profile.working_directory.clone().into(),
        root: profile.root_directory.clone().into(),
        state: convert::state(snapshot.state),
        state_detail,
        priority: convert::priority(profile.scheduling.priority),
        class: convert::class(profile.scheduling.class),
        nice: profile.scheduling.nice.value(),
        cpu: snapshot.cpu.and_then(|cpu| u32::try_from(cpu).ok()),
        affinity: convert::cpus(snapshot.affinity),
        threads: snapshot.threads,
        isolation: convert::isolation(profile.isolation),
        sandbox: profile.sandbox.as_deref().map(confined::describe),
        user: User {
            uid: credentials.effective_uid.0,
            gid: credentials.effective_gid.0,
            name: users.name(credentials.effective_uid.0),
        },
        capabilities: capabilities(credentials.capabilities),
        service: profile.service.clone().map(Text::from),
        started_at: convert::moment(snapshot.started_at),
        ended_at: snapshot.ended_at.map(convert::moment),
        exit: snapshot.state.exit().map(convert::exit),
        usage: usage(&snapshot.usage, snapshot.cpu_hundredths),
        limits: convert::limits(&snapshot.limits),
        limits_met: convert::limits_met(&snapshot.usage.limits_met),
    }
}

/// The names of the capabilities; the full set, which all that is root's has, as one word: spelled out
/// it would be the longest part of each row.
fn capabilities(set: CapabilitySet) -> Vec<Text> {
    if set == CapabilitySet::ALL {
        return vec!["all".into()];
    }
    set.iter().map(|capability| capability.name().into()).collect()
}

fn usage(usage: &process_core::Usage, cpu_hundredths: u32) -> Usage {
    Usage {
        cpu: CpuUsage {
            user_ns: usage.cpu.user_ns,
            system_ns: usage.cpu.system_ns,
            total_ns: usage.cpu.total_ns(),
            percent: Hundredths(cpu_hundredths),
        },
        memory: MemoryUsage {
            current_bytes: usage.memory.current_bytes,
            peak_bytes: usage.memory.peak_bytes,
            stack_bytes: usage.memory.stack_bytes,
            heap_bytes: usage.memory.heap_bytes,
        },
        io: IoUsage {
            read_bytes: usage.io.read_bytes,
            written_bytes: usage.io.written_bytes,
            read_operations: usage.io.read_operations,
            write_operations: usage.io.write_operations,
        },
        context_switches: ContextSwitches {
            voluntary: usage.voluntary_switches,
            involuntary: usage.involuntary_switches,
        },
        migrations: usage.migrations,
        page_faults: PageFaults { minor: usage.minor_faults, major: usage.major_faults },
        signals: SignalCounts {
            received: usage.signals.received,
            handled: usage.signals.handled,
            ignored: usage.signals.ignored,
        },
        open_files: usage.open_files,
    }
}

/// Starts a program.
///
/// # Errors
/// Those of `Backend::create_process`, and [`ApiError::Conflict`] when the system is going down.
pub(super) fn create(caller: &Caller, request: CreateProcess) -> Result<u32, ApiError> {
    if power::has_begun() {
        return Err(ApiError::Conflict("The system is going down.".into()));
    }
    if !process::admits_new_programs() {
        return Err(ApiError::Conflict("An emergency termination is under way.".into()));
    }
    let affinity = match &request.affinity {
        Some(numbers) => convert::to_cpus(numbers)?,
        None => CpuSet::ALL,
    };
    let scheduling = Scheduling::default();
    let scheduling = Scheduling {
        priority: request.priority.map_or(scheduling.priority, convert::to_priority),
        class: request.class.map_or(scheduling.class, convert::to_class),
        nice: request.nice.map_or(Ok(scheduling.nice), nice)?,
    };
    let mut arguments = vec![request.program.clone().into_bytes()];
    arguments.extend(request.args.into_iter().map(String::into_bytes));
    let new = NewProgram {
        path: request.program.clone().into_bytes(),
        arguments,
        environment: environment(request.env),
        name: request.name.map(String::into_bytes),
        working_directory: request.cwd.unwrap_or_else(|| String::from("/")).into_bytes(),
        scheduling,
        affinity,
        credentials: confined::credentials(request.user.as_deref())?,
        limits: Limits::default()
            .changed(&limits_change(request.limits))
            .map_err(|error| convert::error(&error, ProcessOperation::Create))?,
        set: None,
        instance: 0,
        tee: None,
        sandbox: request.sandbox.as_ref().map(confined::sandbox).transpose()?,
        actor: Some(String::from(caller.user.as_str())),
    };
    match process::create(&new) {
        Ok(pid) => Ok(pid.number()),
        Err(error) => Err(create_error(&error, request.program)),
    }
}

fn environment(asked: BTreeMap<String, String>) -> Vec<Vec<u8>> {
    let mut all: BTreeMap<String, String> =
        ENVIRONMENT.map(|(name, value)| (String::from(name), String::from(value))).into();
    all.extend(asked);
    all.into_iter().map(|(name, value)| format!("{name}={value}").into_bytes()).collect()
}

fn create_error(error: &CreateError, program: String) -> ApiError {
    let words = || Text::from(format!("{error}"));
    match error {
        CreateError::File(FileError::NotFound | FileError::NotADirectory) => {
            ApiError::ProgramNotFound(program.into())
        }
        CreateError::File(FileError::OutOfMemory)
        | CreateError::WorkingDirectory(FileError::OutOfMemory)
        | CreateError::Root(FileError::OutOfMemory)
        | CreateError::Load(LoadError::OutOfMemory | LoadError::LimitExceeded) => {
            ApiError::ResourceExhausted(words())
        }
        CreateError::Root(_) => convert::invalid("sandbox.root", format!("{error}")),
        CreateError::WorkingDirectory(_) => convert::invalid("cwd", format!("{error}")),
        CreateError::Load(LoadError::Stack(_)) => convert::invalid("args", format!("{error}")),
        CreateError::File(_)
        | CreateError::Script(_)
        | CreateError::Load(LoadError::Elf(_) | LoadError::Map(_)) => {
            ApiError::InvalidProgram(words())
        }
        CreateError::Process(error) => convert::error(error, ProcessOperation::Create),
    }
}

fn nice(value: i8) -> Result<Nice, ApiError> {
    Nice::new(i64::from(value)).map_err(|error| convert::error(&error, ProcessOperation::Change))
}

/// The number of a program that lives: what operators may do something to.
///
/// # Errors
/// [`ApiError::ProcessNotFound`], [`ApiError::InvalidState`] when it has ended,
/// [`ApiError::PermissionDenied`] for a kernel thread.
fn program(number: u32, operation: ProcessOperation) -> Result<Snapshot, ApiError> {
    let snapshot = snapshot(number, operation)?;
    if !snapshot.state.is_alive() {
        return Err(ApiError::InvalidState { state: convert::state(snapshot.state), operation });
    }
    if snapshot.profile.isolation == process_core::Isolation::Kernel {
        let name = snapshot.profile.name;
        let why = format!("{} is a thread of the kernel.", name.as_str());
        return Err(ApiError::PermissionDenied(why.into()));
    }
    Ok(snapshot)
}

/// Changes what the scheduler is told.
///
/// # Errors
/// Those of `Backend::patch_process`.
pub(super) fn patch(
    caller: &Caller,
    number: u32,
    patch: &ProcessPatch,
    expected: Option<&ProcessSettings>,
) -> Result<(), ApiError> {
    const OPERATION: ProcessOperation = ProcessOperation::Change;
    loop {
        let snapshot = program(number, OPERATION)?;
        let now = snapshot.profile.scheduling;
        let settings = ProcessSettings {
            priority: convert::priority(now.priority),
            class: convert::class(now.class),
            nice: now.nice.value(),
            affinity: convert::cpus(snapshot.affinity),
            limits: convert::limits(&snapshot.limits),
        };
        if expected.is_some_and(|expected| *expected != settings) {
            return Err(ApiError::Stale);
        }
        let affinity = match &patch.affinity {
            Some(numbers) => convert::to_cpus(numbers)?,
            None => snapshot.affinity,
        };
        let scheduling = Scheduling {
            priority: patch.priority.map_or(now.priority, convert::to_priority),
            class: patch.class.map_or(now.class, convert::to_class),
            nice: patch.nice.map_or(Ok(now.nice), nice)?,
        };
        // Before anything is changed: all or nothing.
        let change = limits_change(patch.limits);
        let failed = |error| convert::error(&error, OPERATION);
        snapshot.profile.limits.changed(&change).map_err(failed)?;
        let (before, after) = ((now, snapshot.affinity), (scheduling, affinity));
        match process::set_scheduling(snapshot.pid, before, after, Some(&caller.user)) {
            Ok(true) if patch.limits.is_none() => return Ok(()),
            Ok(true) => return process::impose_limits(snapshot.pid, &change).map_err(failed),
            // Someone else changed them at this moment: what is expected is compared anew.
            Ok(false) => {}
            Err(error) => return Err(convert::error(&error, OPERATION)),
        }
    }
}

/// The change of limits that is asked for, in the process manager's words.
fn limits_change(asked: Option<admin_api::types::LimitsChange>) -> LimitsChange {
    let asked = asked.unwrap_or_default();
    LimitsChange {
        memory_bytes: asked.memory_bytes,
        stack_bytes: asked.stack_bytes,
        open_files: asked.open_files,
        processes: asked.processes,
        cpu_time_ns: asked.cpu_time_ns,
        cpu_percent: asked.cpu_percent,
        read_bytes_per_second: asked.read_bytes_per_second,
        write_bytes_per_second: asked.write_bytes_per_second,
        processes_per_second: asked.processes_per_second,
    }
}

/// Begins to terminate a process.
///
/// # Errors
/// Those of `program`.
pub(super) fn terminate(caller: &Caller, number: u32, mode: TerminateMode) -> Result<(), ApiError> {
    const OPERATION: ProcessOperation = ProcessOperation::Terminate;
    let pid = program(number, OPERATION)?.pid;
    let actor = Some(caller.user.as_str());
    let begun = match mode {
        TerminateMode::Force => process::terminate(pid, actor),
        TerminateMode::Graceful { grace_ms } => process::terminate_gracefully(pid, grace_ms, actor),
    };
    begun.map_err(|error| convert::error(&error, OPERATION))
}

/// Sends a signal.
///
/// # Errors
/// Those of `program`.
pub(super) fn signal(caller: &Caller, number: u32, signal: Signal) -> Result<(), ApiError> {
    const OPERATION: ProcessOperation = ProcessOperation::Signal;
    let pid = program(number, OPERATION)?.pid;
    process_core::Signal::new(i64::from(signal.number()))
        .and_then(|signal| process::signal(pid, signal, Some(&caller.user)))
        .map_err(|error| convert::error(&error, OPERATION))
}

/// Suspends a process.
///
/// # Errors
/// Those of `program`; [`ApiError::InvalidState`] also when it is suspended already.
pub(super) fn suspend(caller: &Caller, number: u32) -> Result<(), ApiError> {
    const OPERATION: ProcessOperation = ProcessOperation::Suspend;
    let pid = program(number, OPERATION)?.pid;
    process::suspend(pid, Some(&caller.user)).map_err(|error| convert::error(&error, OPERATION))
}

/// Lets a suspended process go on.
///
/// # Errors
/// Those of `program`; [`ApiError::InvalidState`] also when it is not suspended.
pub(super) fn resume(caller: &Caller, number: u32) -> Result<(), ApiError> {
    const OPERATION: ProcessOperation = ProcessOperation::Resume;
    let pid = program(number, OPERATION)?.pid;
    process::resume(pid, Some(&caller.user)).map_err(|error| convert::error(&error, OPERATION))
}

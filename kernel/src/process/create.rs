//! New processes: programs, and kernel threads.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use hal::interrupts::SpinLock;
use linux_abi::Errno;
use process_core::{
    ArgumentBlock, Credentials, Isolation, Limits, NewProcess, Pid, Priority, PriorityClass,
    ProcessError, ProcessName, ProcessSignals, Profile, ProgramImage, Reservation, ResourceLimits,
    Rlimit, SANDBOX_CAPABILITIES, Scheduling, Signal, SignalSet,
};
use sched_core::CpuSet;
use vfs_core::{Descriptor, DescriptorTable, FileError, LastLink};

use super::budget::{Budget, none_met};
use super::control::params;
use super::fork::VforkWait;
use super::process_set::{ProcessSet, SetPlace};
use super::rlimits::open_files;
use super::sandbox::{Confinement, NewSandbox};
use super::script::follow_scripts;
use super::sharing::{FileTable, SpaceOwner};
use super::wait::Children;
use super::{
    Load, OUT_OF_MEMORY, Output, OutputStream, OutputTee, Process, Threads, end_thread, now,
    program, table,
};
use crate::broadcast::Broadcast;
use crate::events::{self, Kind};
use crate::fs::{self, Held, OpenFile, Standpoint, WatchList, Who};
use crate::levels;
use crate::memory::{self, FileBytes, LoadError};
use crate::scheduler::{self, Task, Thread};

/// Bytes of the kernel stack of a program's thread.
pub(super) const PROGRAM_STACK_BYTES: u64 = 16 * 1024;

/// A program to be started.
#[derive(Clone, Debug)]
pub struct NewProgram {
    /// Its path.
    pub path: Vec<u8>,
    /// Its arguments, its name first.
    pub arguments: Vec<Vec<u8>>,
    /// Its environment, as `NAME=value`.
    pub environment: Vec<Vec<u8>>,
    /// The short name, if it is not to be the program's.
    pub name: Option<Vec<u8>>,
    /// Where it works: an absolute path.
    pub working_directory: Vec<u8>,
    /// What the scheduler is told.
    pub scheduling: Scheduling,
    /// Where it may run.
    pub affinity: CpuSet,
    /// Who it acts for.
    pub credentials: Credentials,
    /// What it may use.
    pub limits: Limits,
    /// The set that it is to belong to, with all that it forks. A program that makes one in a system
    /// call has it belong to its own.
    pub set: Option<Arc<ProcessSet>>,
    /// The run of a service's instance that it is, with all that it forks; 0 for none. By this number a
    /// front knows its members.
    pub instance: u64,
    /// Who gets what it writes, too.
    pub tee: Option<Arc<dyn OutputTee>>,
    /// The sandbox of its own that it is to be in.
    pub sandbox: Option<NewSandbox>,
    /// Who asked for it, for the event.
    pub actor: Option<alloc::string::String>,
}

/// Who has a program started.
#[derive(Debug)]
pub enum Origin<'a> {
    /// The process manager, in an operator's name. Its output is kept, and its input is empty.
    Manager,
    /// A program, whose child it becomes, and in whose group, session and sandbox it is.
    Program {
        /// The thread that asks.
        maker: &'a Arc<Thread>,
        /// What becomes its standard input, output and error, if not what the manager's get.
        standard: [Option<Arc<OpenFile>>; 3],
    },
}

/// Why a process could not be made.
#[derive(Debug)]
pub enum CreateError {
    /// Its file, or its working directory, cannot be used.
    File(FileError),
    /// The working directory cannot be used.
    WorkingDirectory(FileError),
    /// The sandbox's root cannot be used.
    Root(FileError),
    /// A script's first line names no program, or scripts name each other.
    Script(Errno),
    /// The program cannot be loaded.
    Load(LoadError),
    /// The process manager refused.
    Process(ProcessError),
}

impl From<ProcessError> for CreateError {
    fn from(error: ProcessError) -> Self {
        Self::Process(error)
    }
}

impl From<Errno> for CreateError {
    fn from(error: Errno) -> Self {
        Self::Script(error)
    }
}

impl From<LoadError> for CreateError {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => write!(f, "the program cannot be read: {error}"),
            Self::WorkingDirectory(error) => {
                write!(f, "the working directory cannot be used: {error}")
            }
            Self::Root(error) => write!(f, "the root cannot be used: {error}"),
            Self::Script(Errno::ELOOP) => f.write_str("its interpreter is a script, and so on"),
            Self::Script(_) => f.write_str("its first line names no interpreter"),
            Self::Load(error) => error.fmt(f),
            Self::Process(error) => error.fmt(f),
        }
    }
}

/// Starts a program, whose parent is the process manager.
///
/// # Errors
/// See [`CreateError`]; nothing remains.
pub fn create(new: &NewProgram) -> Result<Pid, CreateError> {
    create_for(new, &Origin::Manager)
}

/// Starts a program for someone.
///
/// # Errors
/// See [`CreateError`]; nothing remains.
pub fn create_for(new: &NewProgram, origin: &Origin<'_>) -> Result<Pid, CreateError> {
    let (set, place, instance) = match origin {
        Origin::Manager => {
            let place = new.set.as_ref().map(ProcessSet::reserve).transpose()?;
            (new.set.clone(), place, new.instance)
        }
        Origin::Program { maker, .. } => {
            let process = maker.process();
            let place = process.admit_created().inspect_err(|e| process.note_refusal(e))?;
            (process.set.clone(), place, process.instance)
        }
    };
    let places = Places::of(new, origin)?;
    let confinement = match (&new.sandbox, origin) {
        (Some(sandbox), Origin::Manager) => Some(Confinement::new(sandbox)),
        (Some(sandbox), Origin::Program { maker, .. }) => match maker.process().confinement() {
            // Nobody leaves a sandbox, not for another one either.
            Some(_) => {
                let pid = maker.process().pid;
                return Err(ProcessError::PermissionDenied { pid }.into());
            }
            None => Some(Confinement::new(sandbox)),
        },
        (None, Origin::Manager) => None,
        (None, Origin::Program { maker, .. }) => maker.process().confinement().cloned(),
    };
    let credentials = match &confinement {
        Some(_) => new.credentials.bounded(SANDBOX_CAPABILITIES),
        None => new.credentials.clone(),
    };
    let arguments: Vec<&[u8]> = places.arguments.iter().map(Vec::as_slice).collect();
    let environment: Vec<&[u8]> = new.environment.iter().map(Vec::as_slice).collect();
    let loaded = memory::load(
        &places.program,
        &memory::Start {
            path: &new.path,
            arguments: &arguments,
            environment: &environment,
            uid: credentials.effective_uid.0,
            gid: credentials.effective_gid.0,
            memory_bytes: new.limits.memory_bytes,
            stack_bytes: new.limits.stack_bytes,
            group: set.as_ref().map(|set| Arc::clone(set.memory())),
        },
    )?;
    let image = ProgramImage {
        arguments: ArgumentBlock::new(&places.arguments)?,
        environment: ArgumentBlock::new(&new.environment)?,
    };
    let name = match &new.name {
        Some(name) => ProcessName::new(name),
        None => ProcessName::of_program(&new.path),
    };
    let profile = Profile {
        name,
        image: Arc::new(image),
        working_directory: places.directory_path,
        root_directory: places.root_path,
        isolation: if confinement.is_some() { Isolation::Sandbox } else { Isolation::Process },
        sandbox: confinement.as_ref().map(|it| Arc::clone(&it.rules)),
        scheduling: new.scheduling,
        limits: new.limits,
        service: set.as_ref().map(|set| Arc::clone(set.name())),
    };
    let context = hal::user::UserContext::new(loaded.entry, loaded.stack_pointer);
    let output = Arc::new(Output::with_tee(new.tee.clone()));
    let (standard, lineage, rlimits) = match origin {
        Origin::Manager => {
            (&[const { None }; 3], Lineage::Manager, ResourceLimits::new(&new.limits))
        }
        Origin::Program { maker, standard } => {
            let process = maker.process();
            let limit = process.task_limit(&credentials);
            // What a program has set for itself holds for those that it starts.
            let mut rlimits = process.resource_limits();
            rlimits.allow(&super::limits_of(process.pid)?, &new.limits);
            (standard, Lineage::Created { maker, limit }, rlimits)
        }
    };
    let files = standard_files(standard, &output, new.limits.open_files)?;
    let standpoint = Standpoint::new(places.directory);
    standpoint.set_root(places.root);
    let (pid, thread) = enter(
        Entry {
            profile,
            credentials: Arc::new(credentials),
            space: Some(SpaceOwner::new(loaded.space)),
            files: FileTable::new(files),
            standpoint: Arc::new(standpoint),
            output,
            affinity: new.affinity,
            stack_bytes: PROGRAM_STACK_BYTES,
            lineage,
            rlimits,
            set,
            instance,
            place,
            confinement,
        },
        Box::new(move || program::run(context)),
    )?;
    super::cpu_time::watch(thread.process());
    events::publish(
        Kind::ProcessCreated,
        Some(pid),
        new.actor.as_deref(),
        format_args!("{} started", name.as_str()),
    );
    thread.start();
    Ok(pid)
}

/// What a new program's paths name.
struct Places {
    root: Arc<Held>,
    root_path: Arc<str>,
    program: FileBytes,
    /// Those of a script's interpreter, or the program's own.
    arguments: Vec<Vec<u8>>,
    directory: Arc<Held>,
    directory_path: Arc<str>,
}

impl Places {
    /// Follows the paths: the sandbox's root in the name and from the place of who asks, the others
    /// below that root, in the name that the program will have.
    fn of(new: &NewProgram, origin: &Origin<'_>) -> Result<Self, CreateError> {
        let (outer, start, outer_path) = match origin {
            Origin::Manager => (fs::top(), fs::top(), Arc::from("/")),
            Origin::Program { maker, .. } => {
                let standpoint = maker.process().standpoint();
                let path = {
                    let table = table().lock();
                    Arc::clone(&table.get(maker.process().pid)?.profile.root_directory)
                };
                (standpoint.root(), standpoint.directory(), path)
            }
        };
        let (root, start, root_path) = match &new.sandbox {
            None => (outer, start, outer_path),
            Some(sandbox) => {
                let who = match origin {
                    Origin::Manager => Credentials::root(),
                    Origin::Program { maker, .. } => {
                        (*super::credentials_of(maker.process().pid)?).clone()
                    }
                };
                let who = Who::effective(&who).map_err(CreateError::Root)?;
                let (root, path) = fs::directory_at(&outer, &start, &who.identity(), &sandbox.root)
                    .map_err(CreateError::Root)?;
                if root.place() == outer.place() {
                    // It is to be a root of its own.
                    return Err(CreateError::Root(FileError::InvalidValue));
                }
                (Arc::clone(&root), root, path)
            }
        };
        let who = Who::effective(&new.credentials).map_err(CreateError::File)?;
        let identity = who.identity();
        let open = |path: &[u8]| {
            let opened = fs::program_at(&root, &start, &identity, path, LastLink::Follow);
            opened.map(|(program, _)| program).map_err(CreateError::File)
        };
        let mut arguments = new.arguments.clone();
        let program = follow_scripts(&new.path, open(&new.path)?, &mut arguments, open)?;
        let (directory, directory_path) =
            fs::directory_at(&root, &start, &identity, &new.working_directory)
                .map_err(CreateError::WorkingDirectory)?;
        Ok(Self { root, root_path, program, arguments, directory, directory_path })
    }
}

/// The three standard files. If nothing else is said, input is empty, and output and error are kept.
fn standard_files(
    given: &[Option<Arc<OpenFile>>; 3],
    output: &Arc<Output>,
    limit: u32,
) -> Result<DescriptorTable<Arc<OpenFile>>, CreateError> {
    let mut files = DescriptorTable::new();
    let written = |stream| Arc::new(OpenFile::output(Arc::clone(output), stream));
    let (written, errors) = (written(OutputStream::Standard), written(OutputStream::Error));
    let usual = [Arc::new(OpenFile::null()), written, errors];
    for (given, usual) in given.iter().zip(usual) {
        let file = given.as_ref().map_or(usual, Arc::clone);
        let descriptor = Descriptor { file, close_on_exec: false };
        files.insert(descriptor, limit).map_err(|_| OUT_OF_MEMORY)?;
    }
    Ok(files)
}

/// Starts a kernel thread; it appears as a process of class system. `main` returning ends it.
///
/// # Errors
/// When memory or the table is full.
pub fn spawn_kernel_thread(
    name: &str,
    priority: Priority,
    stack_bytes: u64,
    main: Box<dyn FnOnce() + Send>,
) -> Result<Arc<Thread>, CreateError> {
    let scheduling = Scheduling { priority, class: PriorityClass::System, ..Scheduling::default() };
    let empty: [&[u8]; 0] = [];
    let profile = Profile {
        name: ProcessName::new(name.as_bytes()),
        image: Arc::new(ProgramImage {
            arguments: ArgumentBlock::new(&empty)?,
            environment: ArgumentBlock::new(&empty)?,
        }),
        working_directory: Arc::from("/"),
        root_directory: Arc::from("/"),
        isolation: Isolation::Kernel,
        sandbox: None,
        scheduling,
        limits: Limits::default(),
        service: None,
    };
    let entry = Entry {
        profile,
        credentials: Arc::new(Credentials::root()),
        space: None,
        files: FileTable::new(DescriptorTable::new()),
        standpoint: Arc::new(Standpoint::new(fs::top())),
        output: Arc::new(Output::new()),
        affinity: CpuSet::ALL,
        stack_bytes,
        lineage: Lineage::Manager,
        rlimits: ResourceLimits::new(&Limits::default()),
        set: None,
        instance: 0,
        place: None,
        confinement: None,
    };
    let (_, thread) = enter(
        entry,
        Box::new(move || {
            main();
            end_thread(0);
        }),
    )?;
    thread.start();
    Ok(thread)
}

/// What a process is made of.
pub(super) struct Entry<'a> {
    pub(super) profile: Profile,
    pub(super) credentials: Arc<Credentials>,
    pub(super) space: Option<Arc<SpaceOwner>>,
    pub(super) files: FileTable,
    pub(super) standpoint: Arc<Standpoint>,
    pub(super) output: Arc<Output>,
    pub(super) affinity: CpuSet,
    pub(super) stack_bytes: u64,
    pub(super) lineage: Lineage<'a>,
    pub(super) rlimits: ResourceLimits,
    pub(super) set: Option<Arc<ProcessSet>>,
    pub(super) instance: u64,
    /// Its first thread's place in the set.
    pub(super) place: Option<SetPlace>,
    pub(super) confinement: Option<Arc<Confinement>>,
}

/// Who makes a process.
pub(super) enum Lineage<'a> {
    /// The process manager, in an operator's name or in its own.
    Manager,
    /// The running thread, by `create_process`: as the manager makes them, but for the family.
    Created {
        maker: &'a Arc<Thread>,
        /// How many tasks its user may have.
        limit: Option<u32>,
    },
    /// The running thread, by clone(2).
    Forked {
        maker: &'a Arc<Thread>,
        parent: Pid,
        exit_signal: Option<Signal>,
        /// How many tasks its user may have.
        limit: Option<u32>,
        resets_handlers: bool,
        waiting: Option<Arc<VforkWait>>,
    },
}

/// Enters a process with one thread into the table; the thread is yet to be started.
pub(super) fn enter(
    entry: Entry<'_>,
    main: Box<dyn FnOnce() + Send>,
) -> Result<(Pid, Arc<Thread>), ProcessError> {
    // What is left is the kernel's: the small allocations below cannot fail without it.
    if memory::is_short() {
        return Err(OUT_OF_MEMORY);
    }
    let limit = match &entry.lineage {
        // No limit on how many the manager makes: that is a limit of the processes that make some.
        Lineage::Manager => None,
        Lineage::Created { limit, .. } | Lineage::Forked { limit, .. } => *limit,
    };
    let uid = entry.credentials.real_uid;
    let reservation = table().lock().reserve(uid, limit)?;
    match make(&reservation, entry, main) {
        Ok((record, thread)) => {
            let entered = {
                let mut table = table().lock();
                let entered = table.insert(reservation, record);
                super::rlimits::count_signals(&table, uid, thread.process());
                entered.and_then(|pid| table.start(pid).map(|()| pid))
            };
            if entered.is_err() {
                let_go_of(&thread);
            }
            let pid = entered?;
            if let Some(set) = thread.process().set() {
                set.join(thread.process());
            }
            Ok((pid, thread))
        }
        Err(error) => {
            table().lock().release(reservation);
            Err(error)
        }
    }
}

fn make(
    reservation: &Reservation,
    entry: Entry<'_>,
    main: Box<dyn FnOnce() + Send>,
) -> Result<(NewProcess<Arc<Process>>, Arc<Thread>), ProcessError> {
    let pid = reservation.pid();
    let scheduling = entry.profile.scheduling;
    let mut signals = match &entry.lineage {
        Lineage::Manager | Lineage::Created { .. } => {
            ProcessSignals::new(pid.main_thread(), SignalSet::EMPTY)?
        }
        Lineage::Forked { maker, resets_handlers, .. } => {
            let parents = maker.process().signals.lock();
            let mut signals = parents.fork(maker.tid(), pid.main_thread())?;
            drop(parents);
            if *resets_handlers {
                signals.clear_handlers();
            }
            signals
        }
    };
    signals.set_queue_limit(super::rlimits::queued_signals(&entry.rlimits));
    let (is_forked, waiting, refuses_new_rights) = match &entry.lineage {
        Lineage::Manager => (false, None, false),
        Lineage::Created { maker, .. } => (false, None, maker.process().refuses_new_rights()),
        Lineage::Forked { waiting, maker, .. } => {
            (true, waiting.clone(), maker.process().refuses_new_rights())
        }
    };
    let process = Arc::new(Process {
        pid,
        budget: Budget::new(&(&entry.profile.limits).into()),
        set: entry.set,
        instance: entry.instance,
        is_quota_victim: false.into(),
        earlier_peak_bytes: 0.into(),
        limits_met: none_met(),
        cpu_time_limit_ns: entry.profile.limits.cpu_time_ns.unwrap_or(u64::MAX).into(),
        is_program: entry.space.is_some(),
        space: SpinLock::new(levels::PROCESS, "space", entry.space),
        threads: SpinLock::new(levels::PROCESS, "threads", Threads::default()),
        signals: SpinLock::new(levels::PROCESS, "signals", signals),
        children: SpinLock::new(levels::PROCESS, "children", Children::default()),
        vfork: SpinLock::new(levels::PROCESS, "vfork", waiting),
        survivor: 0.into(),
        is_forked,
        confinement: entry.confinement,
        files: entry.files,
        standpoint: SpinLock::new(levels::PROCESS, "standpoint", entry.standpoint),
        output: entry.output,
        affinity: SpinLock::new(levels::PROCESS, "affinity", entry.affinity),
        open_files_limit: open_files(&entry.rlimits).into(),
        file_size_limit: entry.rlimits.of(Rlimit::FileSize).soft.into(),
        rlimits: SpinLock::new(levels::PROCESS, "rlimits", entry.rlimits),
        death_signal: 0.into(),
        refuses_new_rights: refuses_new_rights.into(),
        had_threads: false.into(),
        has_barriers: false.into(),
        end_watch: WatchList::new(),
        signal_watch: WatchList::new(),
        is_ending: false.into(),
        is_suspended: false.into(),
        main_code: 0.into(),
        has_ended: false.into(),
        ended: Broadcast::new(),
        load: Load::default(),
        alarm: super::alarms::nowhere(),
    });
    process.load.looked_at_ns.store(hal::time::now_ns(), core::sync::atomic::Ordering::Relaxed);
    let thread = scheduler::spawn(Task {
        tid: pid.main_thread(),
        process: Arc::clone(&process),
        params: params(&scheduling),
        affinity: entry.affinity,
        stack_bytes: entry.stack_bytes,
        is_like_running: is_forked,
        main,
    })
    .map_err(|_| OUT_OF_MEMORY)?;
    thread.program.set_place(entry.place);
    process.threads.lock().list.push(Arc::clone(&thread));
    let parent = match &entry.lineage {
        Lineage::Manager => Pid::SYSTEM,
        Lineage::Created { maker, .. } => maker.process().pid,
        Lineage::Forked { parent, .. } => *parent,
    };
    let Entry { credentials, profile, lineage, .. } = entry;
    let record = NewProcess::new(reservation, parent, credentials, profile, process, now());
    if record.is_err() {
        let_go_of(&thread);
    }
    let record = match lineage {
        Lineage::Manager => record?,
        Lineage::Created { maker, .. } => record?.forked_by(maker.process().pid),
        Lineage::Forked { maker, exit_signal, .. } => {
            record?.forked_by(maker.process().pid).with_exit_signal(exit_signal)
        }
    };
    Ok((record, thread))
}

/// A thread that never runs and its process refer to each other: this frees both.
fn let_go_of(thread: &Thread) {
    let threads = core::mem::take(&mut thread.process().threads.lock().list);
    drop(threads);
}

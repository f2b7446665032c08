//! A process made by another one: fork(2), vfork(2), clone(2) without `CLONE_THREAD`.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

use hal::user::UserContext;
use process_core::{BlockReason, LimitKind, Pid, ProcessError, Resource, Signal};

use super::create::{Entry, Lineage, PROGRAM_STACK_BYTES, enter};
use super::process_set::SetPlace;
use super::sharing::SpaceOwner;
use super::{NewThread, OUT_OF_MEMORY, Process, table};
use crate::memory::cut_mark;
use crate::scheduler::{self, Thread};

/// What a new process shares with the one that makes it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shares {
    /// The memory; otherwise it gets a copy.
    pub memory: bool,
    /// The descriptors.
    pub files: bool,
    /// Working directory, root and umask.
    pub places: bool,
}

/// A process to be made.
#[derive(Clone, Copy, Debug)]
pub struct Fork {
    /// Its thread.
    pub thread: NewThread,
    /// What it shares.
    pub shares: Shares,
    /// Its maker waits until it executes a program or ends.
    pub maker_waits: bool,
    /// The signal that tells its parent of its end.
    pub exit_signal: Option<Signal>,
    /// Its parent is its maker's.
    pub is_sibling: bool,
    /// It starts without its maker's signal handlers.
    pub resets_handlers: bool,
}

/// Makes a process that goes on where the running thread is. `announce` is told its number before it
/// runs.
///
/// # Errors
/// [`ProcessError::LimitExceeded`], [`ProcessError::ResourceExhausted`],
/// [`ProcessError::InvalidState`] for a maker that is ending.
pub fn fork(
    maker: &Arc<Thread>,
    context: &UserContext,
    request: &Fork,
    announce: impl FnOnce(Pid, &Arc<Process>),
) -> Result<Pid, ProcessError> {
    let process = maker.process();
    if !super::admits_new_programs() {
        return Err(ProcessError::ResourceExhausted { resource: Resource::Processes });
    }
    let (profile, credentials, parent) = {
        let table = table().lock();
        let record = table.get(process.pid)?;
        (record.profile.clone(), Arc::clone(record.credentials()), record.parent())
    };
    let limit = process.task_limit(&credentials);
    let owner = process.space.lock().clone().ok_or(OUT_OF_MEMORY)?;
    let mark = cut_mark();
    let place = process.admit_child(&owner, request).inspect_err(|e| process.note_refusal(e))?;
    let space = if request.shares.memory {
        owner
    } else {
        SpaceOwner::new(owner.space().fork().map_err(|_| OUT_OF_MEMORY)?)
    };
    let files = if request.shares.files { process.files.share() } else { process.files.copy()? };
    let waiting = request.maker_waits.then(|| Arc::new(VforkWait::of(maker)));
    let entry = Entry {
        profile,
        credentials,
        space: Some(space),
        files,
        standpoint: if request.shares.places {
            process.standpoint()
        } else {
            Arc::new(process.standpoint().copy())
        },
        output: Arc::clone(&process.output),
        affinity: super::thread_affinity(maker),
        stack_bytes: PROGRAM_STACK_BYTES,
        lineage: Lineage::Forked {
            maker,
            parent: if request.is_sibling { parent } else { process.pid },
            exit_signal: request.exit_signal,
            limit,
            resets_handlers: request.resets_handlers,
            waiting: waiting.clone(),
        },
        rlimits: process.resource_limits(),
        set: process.set.clone(),
        instance: process.instance,
        place,
        confinement: process.confinement().cloned(),
    };
    let main = request.thread.main(request.thread.context(context));
    let (pid, thread) = enter(entry, main).inspect_err(|error| process.note_refusal(error))?;
    if cut_mark() != mark
        && let Some(space) = thread.process().space()
    {
        space.forget_beyond_end(None);
    }
    thread.program.set_clear_tid(request.thread.clear_tid.unwrap_or(0));
    thread.program.set_name(maker.program.name());
    announce(pid, thread.process());
    super::cpu_time::watch(thread.process());
    thread.start();
    if let Some(waiting) = waiting {
        waiting.wait(process);
    }
    Ok(pid)
}

/// A thread that waits until the process it has made leaves its memory.
#[derive(Debug)]
pub(super) struct VforkWait {
    maker: Arc<Thread>,
    is_over: AtomicBool,
}

impl VforkWait {
    fn of(maker: &Arc<Thread>) -> Self {
        Self { maker: Arc::clone(maker), is_over: AtomicBool::new(false) }
    }

    /// Only the end of its own process ends the wait before.
    fn wait(&self, process: &Process) {
        // Acquire pairs with the release in `end`.
        while !self.is_over.load(Ordering::Acquire) && !process.is_to_leave(&self.maker) {
            scheduler::park(BlockReason::Child);
        }
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::Release);
        self.maker.unpark();
    }
}

impl Process {
    /// Whether its budget and its set allow it this child, which gets a place in the set.
    fn admit_child(
        &self,
        owner: &SpaceOwner,
        request: &Fork,
    ) -> Result<Option<SetPlace>, ProcessError> {
        self.charge_creation()?;
        let Some(set) = &self.set else { return Ok(None) };
        let place = set.reserve()?;
        let pages = owner.space().tables().mapped_pages();
        if !request.shares.memory && pages > set.memory().room_pages() {
            let maximum = set.quotas().memory_bytes.unwrap_or(u64::MAX);
            return Err(ProcessError::LimitExceeded { limit: LimitKind::Memory, maximum });
        }
        if !request.shares.files {
            let open = self.files.lock().len();
            set.has_room_for_files(open)?;
        }
        Ok(Some(place))
    }

    /// As `admit_child`, for a program that starts with memory and files of its own.
    pub(super) fn admit_created(&self) -> Result<Option<SetPlace>, ProcessError> {
        const STANDARD_FILES: usize = 3;
        self.charge_creation()?;
        if let Some(set) = &self.set {
            set.has_room_for_files(STANDARD_FILES)?;
        }
        self.reserve_in_set()
    }

    /// It has left its maker's memory, which may have been waiting for that.
    pub(super) fn end_vfork(&self) {
        let waiting = self.vfork.lock().take();
        if let Some(waiting) = waiting {
            waiting.end();
        }
    }
}

//! Another program in the same process: execve(2).
//!
//! The new program's memory is made complete while the old one is whole; only what cannot fail
//! comes after the point of no return. Set-user-id bits and file capabilities count for nothing, as
//! on a file system mounted with `nosuid`.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use hal::user::UserContext;
use process_core::{
    ArgumentBlock, BlockReason, Credentials, ProcessError, ProcessName, ProgramImage,
};

use super::sharing::SpaceOwner;
use super::{Process, masks, table};
use crate::memory::{self, FileBytes, LoadError};
use crate::scheduler::{self, Thread};

/// A program to be executed.
#[derive(Debug)]
pub struct Execution<'a> {
    /// Its file.
    pub file: &'a FileBytes,
    /// The path that it is known by.
    pub path: &'a [u8],
    /// Its short name.
    pub name: ProcessName,
    /// Its arguments.
    pub arguments: &'a [Vec<u8>],
    /// Its environment.
    pub environment: &'a [Vec<u8>],
}

/// Why a program was not executed; the caller goes on as it was.
#[derive(Debug)]
pub enum ExecuteError {
    /// It cannot be loaded.
    Load(LoadError),
    /// The process has no memory or no right for it, or is ending.
    Process(ProcessError),
    /// The process is ending, or another thread has begun to execute a program.
    Ending,
}

impl From<LoadError> for ExecuteError {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl From<ProcessError> for ExecuteError {
    fn from(error: ProcessError) -> Self {
        Self::Process(error)
    }
}

/// Has the process of the running thread go on with another program; `context` is that program's
/// first registers then.
///
/// # Errors
/// See [`ExecuteError`].
pub fn execute(
    thread: &Arc<Thread>,
    context: &mut UserContext,
    execution: &Execution<'_>,
) -> Result<(), ExecuteError> {
    let process = thread.process();
    let (limits, old_credentials) = {
        let table = table().lock();
        let record = table.get(process.pid)?;
        (record.profile.limits, Arc::clone(record.credentials()))
    };
    let credentials = credentials_of_program(&old_credentials);
    let arguments: Vec<&[u8]> = execution.arguments.iter().map(Vec::as_slice).collect();
    let environment: Vec<&[u8]> = execution.environment.iter().map(Vec::as_slice).collect();
    let mark = memory::cut_mark();
    let loaded = memory::load(
        execution.file,
        &memory::Start {
            path: execution.path,
            arguments: &arguments,
            environment: &environment,
            uid: credentials.effective_uid.0,
            gid: credentials.effective_gid.0,
            memory_bytes: limits.memory_bytes,
            stack_bytes: process.stack_limit().min(limits.stack_bytes),
            group: process.set().map(|set| Arc::clone(set.memory())),
        },
    )?;
    loaded.space.set_bounds(process.memory_bounds());
    let image = Arc::new(ProgramImage {
        arguments: ArgumentBlock::new(&arguments)?,
        environment: ArgumentBlock::new(&environment)?,
    });
    process.files.unshare()?;
    become_only_thread(thread)?;

    // From here on there is no way back to the old program.
    super::thread::leave_program(thread, process, false);
    let owner = SpaceOwner::new(loaded.space);
    process.note_peak();
    let old_space = process.space.lock().replace(owner);
    if memory::cut_mark() != mark
        && let Some(space) = process.space()
    {
        space.forget_beyond_end(None);
    }
    process.load_space();
    *context = UserContext::new(loaded.entry, loaded.stack_pointer);
    hal::thread::reset_vector_registers();
    process.end_vfork();
    // The last process in a space frees it.
    drop(old_space);
    loop {
        // Each file is let go of without the lock.
        let closed = process.files.lock().remove_close_on_exec();
        if closed.is_none() {
            break;
        }
    }
    thread.program.set_name(None);
    let old_image = {
        let mut table = table().lock();
        // The process is in the table as long as its thread runs.
        let _ = table.note_execution(process.pid);
        if *credentials != *old_credentials {
            let _ = table.set_credentials(process.pid, Arc::clone(&credentials));
        }
        table.get_mut(process.pid).ok().map(|record| {
            record.profile.name = execution.name;
            core::mem::replace(&mut record.profile.image, image)
        })
    };
    drop(old_image);
    process.signals.lock().reset_for_program();
    masks::note_child_disposition(process);
    // Next to come is a thread that may make others.
    process.survivor.store(0, Ordering::Release);
    Ok(())
}

/// Who the program acts for: the same, but for what executing a program takes away.
fn credentials_of_program(old: &Arc<Credentials>) -> Arc<Credentials> {
    let new = old.of_executed_program();
    if new == **old { Arc::clone(old) } else { Arc::new(new) }
}

/// Ends the other threads and waits until they are gone. The thread then is the process's first one,
/// whichever it was.
fn become_only_thread(thread: &Arc<Thread>) -> Result<(), ExecuteError> {
    let process = thread.process();
    let is_first = process
        .survivor
        .compare_exchange(0, thread.tid().number(), Ordering::AcqRel, Ordering::Relaxed)
        .is_ok();
    if !is_first {
        return Err(ExecuteError::Ending);
    }
    if process.threads.lock().list.len() > 1 {
        process.call_threads();
    }
    // `end_thread` wakes the survivor when a thread has left the table.
    while !is_alone(process) {
        if process.is_ending() {
            return Err(ExecuteError::Ending);
        }
        scheduler::park(BlockReason::Lock);
    }
    process.had_threads.store(false, Ordering::Relaxed);
    let tid = thread.tid();
    if tid != process.pid.main_thread() {
        // The number is this thread's.
        let _ = table().lock().become_main_thread(tid);
        process.signals.lock().renumber(tid, process.pid.main_thread());
        thread.become_main();
    }
    Ok(())
}

fn is_alone(process: &Process) -> bool {
    table().lock().get(process.pid).is_ok_and(|record| record.threads() == 1)
}

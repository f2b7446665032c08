//! New threads.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

use hal::thread::ThreadContext;
use process_core::Tid;
use sched_core::{Arrival, CpuSet, Params, State};

use super::run;
use super::thread::{Place, Thread};
use super::wake;
use crate::process::Process;

/// What a new thread is to be.
pub struct Task {
    /// Its number.
    pub tid: Tid,
    /// The process that it belongs to.
    pub process: Arc<Process>,
    /// What the scheduler is told.
    pub params: Params,
    /// Where it may run.
    pub affinity: CpuSet,
    /// Bytes of its kernel stack.
    pub stack_bytes: u64,
    /// Whether it starts with the vector registers of the thread that makes it.
    pub is_like_running: bool,
    /// What it does.
    pub main: Box<dyn FnOnce() + Send>,
}

/// No memory for a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpawnError;

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no memory for a thread")
    }
}

/// Makes a thread. It runs from its first `unpark` on, so that whoever makes it can enter it into
/// tables first; `main` returning ends it.
///
/// # Errors
/// When memory is short; `main` is dropped.
pub fn spawn(task: Task) -> Result<Arc<Thread>, SpawnError> {
    let context = if task.is_like_running {
        ThreadContext::new_like_running(task.stack_bytes, first_steps)
    } else {
        ThreadContext::new(task.stack_bytes, first_steps)
    };
    let context = context.map_err(|_| SpawnError)?;
    let state = State::new(task.params, task.affinity).map_err(|_| SpawnError)?;
    Ok(Arc::new(Thread::new(task.tid, task.process, context, state, task.main)))
}

impl Thread {
    /// Lets a new thread run. Once.
    pub fn start(self: &Arc<Self>) {
        let state = {
            let mut position = self.place.lock();
            match core::mem::replace(&mut position.place, Place::Moving) {
                Place::Parked(state) => state,
                other => {
                    position.place = other;
                    return;
                }
            }
        };
        wake::place(self, state, Arrival::New);
    }
}

/// The first function of every thread, on its own stack, with interrupts disabled.
fn first_steps() -> ! {
    let main = run::current().and_then(|thread| thread.start.lock().take());
    hal::interrupts::enable();
    if let Some(main) = main {
        main();
    }
    run::exit()
}

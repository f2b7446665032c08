//! Looking at the threads of a process.

use alloc::sync::Arc;
use alloc::vec::Vec;

use process_core::{
    Pid, ProcessError, ProcessName, ProcessState, Profile, ThreadActivity, Tid, Usage,
};

use super::table;
use crate::scheduler::Thread;

/// A thread as it was at one moment.
#[derive(Clone, Debug)]
pub struct ThreadSnapshot {
    /// Its number.
    pub tid: Tid,
    /// Its name.
    pub name: ProcessName,
    /// Its state, as an observer sees it.
    pub state: ProcessState,
    /// The CPU that it runs on or ran on last.
    pub cpu: Option<usize>,
    /// What it has used; memory, signals and files are its process's.
    pub usage: Usage,
}

/// What a process is, and its threads, by number; none if it has ended.
///
/// # Errors
/// [`ProcessError::ProcessNotFound`].
pub fn threads(pid: Pid) -> Result<(Profile, Vec<ThreadSnapshot>), ProcessError> {
    let (profile, state, process) = {
        let table = table().lock();
        match table.get(pid) {
            Ok(record) => (record.profile.clone(), record.state(), Arc::clone(&record.attachment)),
            Err(error) => {
                let defunct = table.history().get(pid).ok_or(error)?;
                return Ok((defunct.profile.clone(), Vec::new()));
            }
        }
    };
    let threads: Vec<Arc<Thread>> = process.threads.lock().list.clone();
    let mut snapshots: Vec<ThreadSnapshot> = threads
        .iter()
        .map(|thread| ThreadSnapshot {
            tid: thread.tid(),
            name: thread.program.name().unwrap_or(profile.name),
            state: observed(state, thread.activity()),
            cpu: thread.last_cpu(),
            usage: thread.figures.usage(),
        })
        .collect();
    snapshots.sort_unstable_by_key(|thread| thread.tid.number());
    Ok((profile, snapshots))
}

/// What one thread of a process in this state does. Those of a process that is ending are on their way.
fn observed(state: ProcessState, activity: ThreadActivity) -> ProcessState {
    let state = if state.is_alive() { state } else { ProcessState::Ready };
    state.observed([activity])
}

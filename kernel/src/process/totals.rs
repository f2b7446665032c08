//! What all processes add up to.

use alloc::sync::Arc;
use alloc::vec::Vec;

use process_core::{Pid, ProcessState, StateName};

use super::{Process, table};

/// Processes looked at under the table's lock at a time.
const PAGE: usize = 256;

/// What a walk over all processes adds up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// How many are in each state as an observer sees it, in the order of [`StateName::ALL`].
    pub states: [u32; StateName::ALL.len()],
    /// Threads.
    pub threads: u32,
}

/// Adds up all processes of the table. In pages, because ready, running and blocked are the threads'
/// states: the table does not know them, and is not held for all of the walk.
#[must_use]
pub fn totals() -> Totals {
    let mut totals = Totals::default();
    let mut page: Vec<(Pid, ProcessState, u32, Arc<Process>)> = Vec::with_capacity(PAGE);
    let mut cursor = None;
    loop {
        page.clear();
        page.extend(table().lock().page_after(cursor).take(PAGE).map(|record| {
            (record.pid(), record.state(), record.threads(), Arc::clone(&record.attachment))
        }));
        for (_, state, threads, process) in &page {
            let state = process.observed(*state);
            totals.states[state.name() as usize] += 1;
            totals.threads = totals.threads.saturating_add(*threads);
        }
        match page.last() {
            Some((last, ..)) if page.len() == PAGE => cursor = Some(*last),
            _ => return totals,
        }
    }
}

impl Process {
    /// The state that the table knows, joined with what the threads do.
    fn observed(&self, state: ProcessState) -> ProcessState {
        state.observed(self.threads.lock().list.iter().map(|thread| thread.activity()))
    }
}

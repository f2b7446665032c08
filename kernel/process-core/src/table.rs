//! The process table: every process that is not defunct, by number.
//!
//! [`ProcessTable`] finds a process in a fixed number of steps, lists in the order of numbers from
//! any number on, and keeps what ties processes together: the tree (`tree.rs`), groups and
//! sessions (`groups.rs`), the numbers (`numbers.rs`), life (`life.rs`) and waiting (`wait.rs`).
//! It runs under one lock of the kernel. Making a process takes that lock twice: once to reserve a
//! number, once to enter what was built meanwhile; nothing else allocates but the history.

mod groups;
mod life;
mod numbers;
mod tree;
mod wait;

pub use life::{ExitNotice, NewProcess, Reaped, Reaper};
pub use numbers::Reservation;
pub use tree::Adopted;
pub use wait::{WaitEvents, WaitOutcome, WaitSelector};

use crate::error::ProcessError;
use crate::fallible::FallibleBox;
use crate::history::History;
use crate::id_map::IdMap;
use crate::ids::{NUMBER_LIMIT, Pid, Tid};
use crate::process::{ChildLists, Process};
use crate::state::StateCounts;
use numbers::Numbers;

/// How large a table is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TableConfig {
    /// The most processes that can be there at once, kernel threads included.
    pub max_processes: usize,
    /// Numbers are below this. The larger, the later a number is used again.
    pub number_limit: u32,
    /// How many defunct processes are remembered.
    pub history: usize,
}

impl Default for TableConfig {
    fn default() -> Self {
        Self { max_processes: 65_536 + 1_024, number_limit: NUMBER_LIMIT, history: 1_024 }
    }
}

/// The process table.
pub struct ProcessTable<X> {
    processes: IdMap<FallibleBox<Process<X>>>,
    numbers: Numbers,
    max_processes: usize,
    /// The children of the process manager itself.
    system_children: ChildLists,
    counts: StateCounts,
    /// How many processes adopt their descendants' orphans.
    subreapers: usize,
    history: History,
    /// How many processes were ever entered.
    entered: u64,
    /// The one that was entered last.
    last: Option<Pid>,
}

impl<X> ProcessTable<X> {
    /// An empty table.
    ///
    /// # Errors
    /// [`ProcessError::ResourceExhausted`] if there is no memory for it.
    pub fn new(config: TableConfig) -> Result<Self, ProcessError> {
        Ok(Self {
            processes: IdMap::new()?,
            numbers: Numbers::new(config.number_limit.clamp(2, NUMBER_LIMIT))?,
            max_processes: config.max_processes,
            system_children: ChildLists::default(),
            counts: StateCounts::default(),
            subreapers: 0,
            history: History::new(config.history),
            entered: 0,
            last: None,
        })
    }

    /// How many processes were ever entered, and which one last.
    pub const fn entered(&self) -> (u64, Option<Pid>) {
        (self.entered, self.last)
    }

    /// The process with this pid.
    ///
    /// # Errors
    /// [`ProcessError::ProcessNotFound`].
    pub fn get(&self, pid: Pid) -> Result<&Process<X>, ProcessError> {
        match self.processes.get(pid.number()) {
            Some(process) => Ok(process),
            None => Err(ProcessError::ProcessNotFound { pid }),
        }
    }

    /// The process with this pid, to change its profile or attachment.
    ///
    /// # Errors
    /// [`ProcessError::ProcessNotFound`].
    pub fn get_mut(&mut self, pid: Pid) -> Result<&mut Process<X>, ProcessError> {
        match self.processes.get_mut(pid.number()) {
            Some(process) => Ok(process),
            None => Err(ProcessError::ProcessNotFound { pid }),
        }
    }

    /// The process that this thread belongs to.
    ///
    /// # Errors
    /// [`ProcessError::InvalidPid`] if no thread has this number.
    pub fn process_of(&self, tid: Tid) -> Result<Pid, ProcessError> {
        self.numbers
            .owner(tid.number())
            .filter(|pid| self.processes.get(pid.number()).is_some())
            .ok_or(ProcessError::InvalidPid { value: i64::from(tid.number()) })
    }

    /// The processes with larger numbers than `cursor` (from the first one for `None`), in order.
    ///
    /// Each step costs the same whatever the table holds. A page is `page_after(cursor).take(n)`;
    /// the next one starts after its last pid. A process that is there throughout is in exactly
    /// one page, whatever comes and goes between two pages.
    pub fn page_after(&self, cursor: Option<Pid>) -> impl Iterator<Item = &Process<X>> {
        let mut from = cursor.map_or(0, |pid| pid.number().saturating_add(1));
        core::iter::from_fn(move || {
            let (number, process) = self.processes.next_from(from)?;
            from = number + 1;
            Some(&**process)
        })
    }

    /// How many processes there are, zombies included.
    pub fn len(&self) -> usize {
        self.processes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.processes.len() == 0
    }

    /// How many processes are in each stored state.
    pub const fn counts(&self) -> &StateCounts {
        &self.counts
    }

    /// The processes that are gone.
    pub const fn history(&self) -> &History {
        &self.history
    }
}

#[cfg(test)]
mod tests;

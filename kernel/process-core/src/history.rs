//! The processes that are gone: a bounded, read-only memory of why each one ended.

use alloc::collections::VecDeque;
use alloc::sync::Arc;

use crate::credentials::Credentials;
use crate::ids::{Instant, Pid};
use crate::process::Profile;
use crate::state::ProcessState;
use crate::usage::Usage;

/// A process that has been reaped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DefunctProcess {
    /// The number it had.
    pub pid: Pid,
    /// Its last parent.
    pub parent: Pid,
    /// The group it was in.
    pub group: Pid,
    /// The session it was in.
    pub session: Pid,
    /// [`ProcessState::Defunct`], with how it ended.
    pub state: ProcessState,
    /// Who it acted for.
    pub credentials: Arc<Credentials>,
    /// What it was.
    pub profile: Profile,
    /// When it was made.
    pub started_at: Instant,
    /// When its last thread was gone.
    pub ended_at: Instant,
    /// When its parent took its exit status.
    pub reaped_at: Instant,
    /// What it had used.
    pub usage: Usage,
}

/// The last processes that were reaped; the oldest makes room for the newest.
pub struct History {
    entries: VecDeque<DefunctProcess>,
    /// The entries' pids in the same order: a search reads these few bytes, not the entries.
    pids: VecDeque<Pid>,
    capacity: usize,
}

impl History {
    pub(crate) const fn new(capacity: usize) -> Self {
        Self { entries: VecDeque::new(), pids: VecDeque::new(), capacity }
    }

    /// Remembers one, and hands out what it displaces, to be dropped outside the lock. When
    /// memory is short the history stops growing rather than fail the reaping.
    #[must_use]
    pub(crate) fn remember(&mut self, defunct: DefunctProcess) -> Option<DefunctProcess> {
        let has_room = self.entries.len() < self.capacity
            && self.entries.try_reserve(1).is_ok()
            && self.pids.try_reserve(1).is_ok();
        let mut displaced = None;
        if !has_room {
            displaced = self.entries.pop_front();
            self.pids.pop_front();
            if displaced.is_none() {
                return Some(defunct);
            }
        }
        self.pids.push_back(defunct.pid);
        self.entries.push_back(defunct);
        displaced
    }

    /// The newest entry with this pid.
    pub fn get(&self, pid: Pid) -> Option<&DefunctProcess> {
        let position = self.pids.iter().rposition(|known| *known == pid)?;
        self.entries.get(position)
    }

    /// The entries, newest first.
    pub fn iter(&self) -> impl Iterator<Item = &DefunctProcess> {
        self.entries.iter().rev()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

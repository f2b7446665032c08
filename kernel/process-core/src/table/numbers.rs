//! The numbers: handing out, not again soon, and what each one stands for.
//!
//! A number is taken while a process, a thread, a group or a session is known by it. Numbers are
//! handed out in rising order and start over at the limit, so that a number that has become free
//! is used again only after all the others.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::credentials::Uid;
use crate::error::{LimitKind, ProcessError, Resource};
use crate::fallible::OUT_OF_MEMORY;
use crate::id_map::IdMap;
use crate::ids::{Pid, Tid};
use crate::signal::QueuedSignals;
use crate::table::ProcessTable;

/// After the first round numbers start here: the low ones are the system's first processes, and
/// people remember them.
const FIRST_OF_LATER_ROUNDS: u32 = 300;

/// A process group.
#[derive(Clone, Copy)]
pub(super) struct Group {
    pub(super) session: Pid,
    pub(super) first_member: Option<Pid>,
}

/// What a number stands for.
#[derive(Clone, Copy, Default)]
pub(super) struct Number {
    /// The process that the thread with this number belongs to.
    pub(super) owner: Option<Pid>,
    /// The group with this number.
    pub(super) group: Option<Group>,
    /// How many groups are in the session with this number; 0: no such session.
    pub(super) session_groups: u32,
}

impl Number {
    const fn is_free(&self) -> bool {
        self.owner.is_none() && self.group.is_none() && self.session_groups == 0
    }
}

/// A number that is taken for a process that is being made.
///
/// It goes back to [`ProcessTable::insert`] or [`ProcessTable::release`]; one that is dropped
/// keeps its number for ever.
#[must_use = "an unused reservation keeps its number"]
#[derive(Debug)]
pub struct Reservation {
    pub(super) pid: Pid,
    pub(super) owner: Uid,
}

impl Reservation {
    /// The number that the process will have.
    pub const fn pid(&self) -> Pid {
        self.pid
    }
}

/// A user who has tasks.
struct User {
    uid: Uid,
    /// Processes and threads.
    tasks: u32,
    signals: Arc<QueuedSignals>,
}

pub(super) struct Numbers {
    map: IdMap<Number>,
    limit: u32,
    next: u32,
    /// Processes that have a number and are not in the table yet.
    pub(super) reserved: usize,
    /// Those who have processes or threads, sorted by user.
    users: Vec<User>,
}

impl Numbers {
    pub(super) fn new(limit: u32) -> Result<Self, ProcessError> {
        Ok(Self { map: IdMap::new()?, limit, next: 1, reserved: 0, users: Vec::new() })
    }

    pub(super) fn owner(&self, number: u32) -> Option<Pid> {
        self.map.get(number)?.owner
    }

    pub(super) fn get(&self, number: Pid) -> Option<&Number> {
        self.map.get(number.number())
    }

    pub(super) fn get_mut(&mut self, number: Pid) -> Option<&mut Number> {
        self.map.get_mut(number.number())
    }

    /// Takes the next free number; `owner` is the process of the thread that it is for, `None` for
    /// a new process.
    fn take(&mut self, owner: Option<Pid>) -> Result<u32, ProcessError> {
        let free_from =
            |map: &IdMap<Number>, from| map.free_from(from).filter(|free| *free < self.limit);
        let restart = FIRST_OF_LATER_ROUNDS.min(self.limit / 2).max(1);
        let number = free_from(&self.map, self.next)
            .or_else(|| free_from(&self.map, restart))
            .or_else(|| free_from(&self.map, 1))
            .ok_or(ProcessError::ResourceExhausted { resource: Resource::Numbers })?;
        let owner = owner.unwrap_or(Pid::from_number(number));
        self.map.insert(number, Number { owner: Some(owner), ..Number::default() })?;
        self.next = number + 1;
        Ok(number)
    }

    /// The thread or process with this number is gone.
    pub(super) fn disown(&mut self, number: u32) {
        if let Some(entry) = self.map.get_mut(number) {
            entry.owner = None;
        }
        self.free_if_unused(Pid::from_number(number));
    }

    pub(super) fn free_if_unused(&mut self, number: Pid) {
        if self.get(number).is_some_and(Number::is_free) {
            self.map.remove(number.number());
        }
    }

    pub(super) fn tasks_of(&self, user: Uid) -> u32 {
        match self.users.binary_search_by_key(&user, |entry| entry.uid) {
            Ok(position) => self.users.get(position).map_or(0, |entry| entry.tasks),
            Err(_) => 0,
        }
    }

    fn signals_of(&self, user: Uid) -> Option<&Arc<QueuedSignals>> {
        let position = self.users.binary_search_by_key(&user, |entry| entry.uid).ok()?;
        self.users.get(position).map(|entry| &entry.signals)
    }

    pub(super) fn count_tasks(&mut self, user: Uid, tasks: u32) -> Result<(), ProcessError> {
        match self.users.binary_search_by_key(&user, |entry| entry.uid) {
            Ok(position) => {
                if let Some(entry) = self.users.get_mut(position) {
                    entry.tasks = entry.tasks.saturating_add(tasks);
                }
            }
            Err(position) => {
                self.users.try_reserve(1).map_err(|_| OUT_OF_MEMORY)?;
                self.users.insert(position, User { uid: user, tasks, signals: Arc::default() });
            }
        }
        Ok(())
    }

    pub(super) fn uncount_tasks(&mut self, user: Uid, tasks: u32) {
        if let Ok(position) = self.users.binary_search_by_key(&user, |entry| entry.uid)
            && let Some(entry) = self.users.get_mut(position)
        {
            entry.tasks = entry.tasks.saturating_sub(tasks);
            if entry.tasks == 0 {
                self.users.remove(position);
            }
        }
    }

    /// One number for one task of a user, who may have `limit` of them.
    fn take_for(
        &mut self,
        user: Uid,
        limit: Option<u32>,
        owner: Option<Pid>,
    ) -> Result<u32, ProcessError> {
        if let Some(limit) = limit
            && self.tasks_of(user) >= limit
        {
            return Err(ProcessError::LimitExceeded {
                limit: LimitKind::Processes,
                maximum: limit.into(),
            });
        }
        self.count_tasks(user, 1)?;
        self.take(owner).inspect_err(|_| self.uncount_tasks(user, 1))
    }
}

impl<X> ProcessTable<X> {
    /// Takes a number for a process that is to be made for `user`.
    ///
    /// `limit` is how many processes and threads the user may have, `None` for those whom no
    /// limit binds.
    ///
    /// # Errors
    /// [`ProcessError::LimitExceeded`], or [`ProcessError::ResourceExhausted`] if the table is
    /// full, no number is free, or memory is short.
    pub fn reserve(&mut self, user: Uid, limit: Option<u32>) -> Result<Reservation, ProcessError> {
        if self.processes.len() + self.numbers.reserved >= self.max_processes {
            return Err(ProcessError::ResourceExhausted { resource: Resource::Processes });
        }
        let number = self.numbers.take_for(user, limit, None)?;
        self.numbers.reserved += 1;
        Ok(Reservation { pid: Pid::from_number(number), owner: user })
    }

    /// Gives back the number of a process that was not made after all.
    #[expect(clippy::needless_pass_by_value, reason = "a reservation is used once")]
    pub fn release(&mut self, reservation: Reservation) {
        self.numbers.reserved = self.numbers.reserved.saturating_sub(1);
        self.numbers.uncount_tasks(reservation.owner, 1);
        self.numbers.disown(reservation.pid.number());
    }

    /// Takes a number for a further thread of a process.
    ///
    /// # Errors
    /// As [`Self::reserve`], and [`ProcessError::InvalidState`] for a process that has ended.
    pub fn add_thread(&mut self, pid: Pid, limit: Option<u32>) -> Result<Tid, ProcessError> {
        let process = self.get(pid)?;
        let (state, user) = (process.state, process.credentials.real_uid);
        if !state.is_alive() {
            return Err(ProcessError::InvalidState {
                pid,
                from: state.name(),
                to: crate::state::StateName::Ready,
            });
        }
        let number = self.numbers.take_for(user, limit, Some(pid))?;
        let process = self.get_mut(pid)?;
        process.threads += 1;
        process.numbers_held += 1;
        Ok(Tid::from_number(number))
    }

    /// A thread is gone; answers how many of its process are left.
    ///
    /// The first thread's number stays taken as long as the process is in the table.
    ///
    /// # Errors
    /// [`ProcessError::InvalidPid`] if no thread has this number.
    pub fn remove_thread(&mut self, tid: Tid) -> Result<u32, ProcessError> {
        let pid = self.process_of(tid)?;
        let is_main = tid == pid.main_thread();
        let process = self.get_mut(pid)?;
        process.threads = process.threads.saturating_sub(1);
        if !is_main {
            process.numbers_held = process.numbers_held.saturating_sub(1);
        }
        let (left, user) = (process.threads, process.credentials.real_uid);
        if !is_main {
            self.numbers.uncount_tasks(user, 1);
            self.numbers.disown(tid.number());
        }
        Ok(left)
    }

    /// The only thread of a process, not its first one, takes the process's number, as execve(2)
    /// has it.
    ///
    /// # Errors
    /// [`ProcessError::InvalidPid`] if no thread has this number.
    pub fn become_main_thread(&mut self, tid: Tid) -> Result<(), ProcessError> {
        let pid = self.process_of(tid)?;
        if tid == pid.main_thread() {
            return Ok(());
        }
        let process = self.get_mut(pid)?;
        process.numbers_held = process.numbers_held.saturating_sub(1);
        let user = process.credentials.real_uid;
        self.numbers.uncount_tasks(user, 1);
        self.numbers.disown(tid.number());
        Ok(())
    }

    /// Where the signals that are queued for a user's processes are counted; none for a user who has no
    /// process.
    pub fn signals_of(&self, user: Uid) -> Option<&Arc<QueuedSignals>> {
        self.numbers.signals_of(user)
    }

    /// How many processes and threads a user has.
    pub fn tasks_of(&self, user: Uid) -> u32 {
        self.numbers.tasks_of(user)
    }
}

//! Processes that belong together, as those of a service do: [`ProcessSet`]. Membership is inherited
//! by forks and cannot be left; the set has quotas over all of it (requirement S3), can be listed,
//! signalled, suspended and ended as a whole, and says what all of it has used.
//!
//! | what | call |
//! |---|---|
//! | make a set | [`ProcessSet::new`] |
//! | start a process in it | [`super::create`] with `NewProgram::set`; its forks belong to it, too |
//! | who is in it | [`ProcessSet::members`], [`ProcessSet::is_empty`], [`Process::set`] |
//! | end all of it | [`ProcessSet::end_all`], wait for [`ProcessSet::news`] until it is empty; [`ProcessSet::open`] before the next start |
//! | stop signal, pause | [`ProcessSet::signal_all`], [`ProcessSet::suspend_all`], [`ProcessSet::resume_all`] |
//! | the same for the members of one instance | [`ProcessSet::members_of`], [`ProcessSet::end_instance`], ... |
//! | figures | [`ProcessSet::usage`] |
//! | quotas | [`ProcessSet::quotas`], [`ProcessSet::set_quotas`] |
//!
//! What a violation does: memory beyond the quota ends the member that holds most; a further
//! descriptor is EMFILE; a further process or thread, and one too many a second, EAGAIN; beyond the
//! share of CPU time, and beyond the rates of reading and writing, threads wait. It is counted with
//! the process that met the quota, and an event.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use hal::interrupts::SpinLock;
use hal::paging::PageGroup;
use hal::paging::layout::PAGE_BYTES;
use process_core::{
    ExitStatus, LimitKind, PendingSignal, Pid, ProcessError, Quotas, Signal, SignalCause, Usage,
};

use super::budget::Budget;
use super::{Process, control, exit};
use crate::broadcast::Broadcast;
use crate::levels;

/// Processes that belong together.
#[derive(Debug)]
pub struct ProcessSet {
    name: Arc<str>,
    budget: Budget,
    memory: Arc<PageGroup>,
    quotas: SpinLock<Quotas>,
    /// Processes and threads.
    tasks: AtomicU32,
    /// See `Quotas`; `u32::MAX` for no quota.
    most_tasks: AtomicU32,
    most_files: AtomicU32,
    members: SpinLock<Members>,
    /// All of it is to end: whoever comes ends at once.
    is_closed: AtomicBool,
    /// Woken when a member has ended.
    pub news: Broadcast,
}

#[derive(Debug, Default)]
struct Members {
    living: BTreeMap<u32, Arc<Process>>,
    /// What those that have ended had used. Under one lock with the list, so that the sum never goes
    /// back.
    ended: Usage,
}

/// What a set uses and has used.
#[derive(Clone, Copy, Debug, Default)]
pub struct SetUsage {
    /// Processes that live.
    pub processes: u32,
    /// Their threads.
    pub threads: u32,
    /// All that they and those that have ended have used. Of the memory, the peak is that of the sum.
    pub usage: Usage,
}

fn pages(quotas: &Quotas) -> u64 {
    quotas.memory_bytes.map_or(u64::MAX, |bytes| bytes / PAGE_BYTES)
}

impl ProcessSet {
    /// A set without members. `name` is what its members' `service` says.
    ///
    /// # Errors
    /// [`ProcessError::InvalidLimits`].
    pub fn new(name: Arc<str>, quotas: &Quotas) -> Result<Arc<Self>, ProcessError> {
        quotas.validate()?;
        Ok(Arc::new(Self {
            name,
            budget: Budget::new(&quotas.into()),
            memory: Arc::new(PageGroup::new(pages(quotas))),
            quotas: SpinLock::new(levels::PROCESS, "quotas", *quotas),
            tasks: AtomicU32::new(0),
            most_tasks: AtomicU32::new(quotas.processes.unwrap_or(u32::MAX)),
            most_files: AtomicU32::new(quotas.open_files.unwrap_or(u32::MAX)),
            members: SpinLock::new(levels::PROCESS, "members", Members::default()),
            is_closed: AtomicBool::new(false),
            news: Broadcast::new(),
        }))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(super) fn memory(&self) -> &Arc<PageGroup> {
        &self.memory
    }

    /// What its members may use together.
    #[must_use]
    pub fn quotas(&self) -> Quotas {
        *self.quotas.lock()
    }

    /// Changes what its members may use together, with effect at once; what they have already stays.
    ///
    /// # Errors
    /// [`ProcessError::InvalidLimits`].
    pub fn set_quotas(&self, quotas: &Quotas) -> Result<(), ProcessError> {
        quotas.validate()?;
        *self.quotas.lock() = *quotas;
        self.budget.set(&quotas.into());
        self.memory.set_limit(pages(quotas));
        // Relaxed: who asks at this moment may be told the old one.
        self.most_tasks.store(quotas.processes.unwrap_or(u32::MAX), Ordering::Relaxed);
        self.most_files.store(quotas.open_files.unwrap_or(u32::MAX), Ordering::Relaxed);
        for process in self.living() {
            process.look_at_share();
        }
        Ok(())
    }

    fn living(&self) -> Vec<Arc<Process>> {
        self.members.lock().living.values().map(Arc::clone).collect()
    }

    /// The numbers of its members that have not ended, in rising order.
    #[must_use]
    pub fn members(&self) -> Vec<Pid> {
        self.members.lock().living.values().map(|process| process.pid).collect()
    }

    /// Whether all its members have ended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.lock().living.is_empty()
    }

    /// Its members that belong to this run of an instance.
    fn living_of(&self, instance: u64) -> Vec<Arc<Process>> {
        let members = self.members.lock();
        let own = members.living.values().filter(|process| process.instance == instance);
        own.map(Arc::clone).collect()
    }

    /// The numbers of those members, in rising order.
    #[must_use]
    pub fn members_of(&self, instance: u64) -> Vec<Pid> {
        self.living_of(instance).iter().map(|process| process.pid).collect()
    }

    /// Ends those members. Whoever comes by a fork that is under way is not among them: who ends an
    /// instance does so again until it has none.
    pub fn end_instance(&self, instance: u64) {
        for process in self.living_of(instance) {
            // It may have ended already.
            let _ = exit::begin(process.pid, ExitStatus::by_signal(Signal::SIGKILL));
        }
    }

    /// Suspends those members.
    pub fn suspend_instance(&self, instance: u64) {
        for process in self.living_of(instance) {
            // It may be suspended, or have ended.
            let _ = process.hold();
        }
    }

    /// Lets those members go on.
    pub fn resume_instance(&self, instance: u64) {
        for process in self.living_of(instance) {
            // It may not be suspended, or have ended.
            let _ = process.let_go();
        }
    }

    /// What it uses and has used.
    #[must_use]
    pub fn usage(&self) -> SetUsage {
        let (living, mut usage) = {
            let members = self.members.lock();
            let living: Vec<_> = members.living.values().map(Arc::clone).collect();
            (living, members.ended)
        };
        for process in &living {
            let of_one = process.usage();
            usage.add_thread(&of_one);
            usage.open_files = usage.open_files.saturating_add(of_one.open_files);
        }
        usage.memory.current_bytes = self.memory.pages() * PAGE_BYTES;
        usage.memory.peak_bytes = self.memory.peak_pages() * PAGE_BYTES;
        SetUsage {
            processes: u32::try_from(living.len()).unwrap_or(u32::MAX),
            threads: self.tasks.load(Ordering::Relaxed),
            usage,
        }
    }

    /// Sends a signal to all its members. One that is just ending may not get it.
    pub fn signal_all(&self, signal: Signal) {
        for process in self.living() {
            let signal = PendingSignal { signal, cause: SignalCause::Operator };
            // A signal without a value finds room.
            let _ = control::deliver(&process, signal);
        }
    }

    /// Suspends all its members.
    pub fn suspend_all(&self) {
        for process in self.living() {
            // It may be suspended, or have ended.
            let _ = process.hold();
        }
    }

    /// Lets all its members go on.
    pub fn resume_all(&self) {
        for process in self.living() {
            // It may not be suspended, or have ended.
            let _ = process.let_go();
        }
    }

    /// Ends all its members, and whoever comes by a fork that is under way: until `open` nobody stays
    /// in it. They are gone when it `is_empty`. Says how many lived until now.
    pub fn end_all(&self) -> u64 {
        // Sequentially consistent with `join`: a member that joins sees this, or is found below.
        self.is_closed.store(true, Ordering::SeqCst);
        self.end_members()
    }

    /// Ends the members that it has now. Says how many lived until now.
    pub fn end_members(&self) -> u64 {
        let end = |process: &Arc<Process>| {
            // It may have ended already.
            exit::begin(process.pid, ExitStatus::by_signal(Signal::SIGKILL)).is_ok()
        };
        self.living().iter().map(|process| u64::from(end(process))).sum()
    }

    /// Processes may be started in it again.
    pub fn open(&self) {
        self.is_closed.store(false, Ordering::SeqCst);
    }

    /// Whether nobody stays in it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// A process that is in the table and has not run yet becomes a member.
    pub(super) fn join(&self, process: &Arc<Process>) {
        self.members.lock().living.insert(process.pid.number(), Arc::clone(process));
        if self.is_closed() {
            let _ = exit::begin(process.pid, ExitStatus::by_signal(Signal::SIGKILL));
        }
    }

    /// A member has ended.
    pub(super) fn leave(&self, process: &Process, usage: &Usage) {
        let left = {
            let mut members = self.members.lock();
            members.ended.add_thread(usage);
            members.living.remove(&process.pid.number())
        };
        // Dropped without the lock.
        drop(left);
        self.news.wake_all();
    }

    /// A place for one more process or thread.
    ///
    /// # Errors
    /// [`ProcessError::LimitExceeded`].
    pub(super) fn reserve(self: &Arc<Self>) -> Result<SetPlace, ProcessError> {
        let most = self.most_tasks.load(Ordering::Relaxed);
        let more = |tasks: u32| (tasks < most).then(|| tasks.saturating_add(1));
        self.tasks.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map_err(|_| {
            ProcessError::LimitExceeded { limit: LimitKind::Processes, maximum: most.into() }
        })?;
        Ok(SetPlace(Arc::clone(self)))
    }

    /// Whether its members may have so many descriptors more. Those who ask at the same moment are
    /// told the same. Costs a walk over the members if there is a quota.
    pub(super) fn has_room_for_files(&self, more: usize) -> Result<(), ProcessError> {
        let most = self.most_files.load(Ordering::Relaxed);
        if most == u32::MAX {
            return Ok(());
        }
        let open: usize = self.living().iter().map(|process| process.files.lock().len()).sum();
        if open.saturating_add(more) <= most as usize {
            return Ok(());
        }
        Err(ProcessError::LimitExceeded { limit: LimitKind::OpenFiles, maximum: most.into() })
    }

    /// The member that holds most memory.
    pub(super) fn largest(&self) -> Option<Arc<Process>> {
        let resident = |process: &Arc<Process>| {
            process.space().map_or(0, |space| space.figures().resident_bytes)
        };
        let candidates = self.living().into_iter().filter(|process| !process.is_ending());
        candidates.max_by_key(resident)
    }
}

/// A place that a process's thread has in a set, until it is dropped.
#[derive(Debug)]
pub struct SetPlace(Arc<ProcessSet>);

impl Drop for SetPlace {
    fn drop(&mut self) {
        self.0.tasks.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Process {
    /// The set that it belongs to.
    #[must_use]
    pub fn set(&self) -> Option<&Arc<ProcessSet>> {
        self.set.as_ref()
    }

    /// A place in its set for one more thread or process, if it belongs to one.
    pub(super) fn reserve_in_set(&self) -> Result<Option<SetPlace>, ProcessError> {
        self.set.as_ref().map(ProcessSet::reserve).transpose()
    }

    /// Whether its set allows it so many descriptors more.
    ///
    /// # Errors
    /// [`ProcessError::LimitExceeded`], which has been counted.
    pub fn check_room_for_files(&self, more: usize) -> Result<(), ProcessError> {
        let Some(set) = &self.set else { return Ok(()) };
        set.has_room_for_files(more).inspect_err(|error| self.note_refusal(error))
    }
}

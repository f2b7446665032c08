//! A program's further threads: made, and what is left to do in the program's memory when one ends.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use hal::interrupts::SpinLock;
use hal::user::UserContext;
use process_core::{ProcessError, ProcessName, Tid};
use sched_core::CpuSet;

use super::create::PROGRAM_STACK_BYTES;
use super::futex::{self, FutexName, FutexPlace};
use super::inherit::{self, LockPlace};
use super::process_set::SetPlace;
use super::{OUT_OF_MEMORY, Process, program, table};
use crate::levels;
use crate::scheduler::{self, Task, Thread};

/// What a program has told the kernel about one of its threads. Addresses are its claims; 0 is none.
#[derive(Debug)]
pub struct ProgramThread {
    /// Where its number is cleared when it ends: `set_tid_address`.
    clear_tid: AtomicU64,
    /// Its list of robust locks.
    robust_list: AtomicU64,
    pub(super) futex: FutexPlace,
    /// Where it stands with a lock that inherits priorities.
    pub(super) lock: LockPlace,
    /// It has called `exit`, with this code.
    is_leaving: AtomicBool,
    code: AtomicU8,
    /// Where it may run, if that is not where its process may.
    affinity: SpinLock<Option<CpuSet>>,
    /// Its place in its process's set.
    place: SpinLock<Option<SetPlace>>,
    /// Its own name, if it has one that is not its process's.
    name: SpinLock<Option<ProcessName>>,
}

impl Default for ProgramThread {
    fn default() -> Self {
        Self {
            clear_tid: AtomicU64::new(0),
            robust_list: AtomicU64::new(0),
            futex: FutexPlace::default(),
            lock: LockPlace::default(),
            is_leaving: AtomicBool::new(false),
            code: AtomicU8::new(0),
            affinity: SpinLock::new(levels::PROCESS, "thread affinity", None),
            place: SpinLock::new(levels::PROCESS, "place in a set", None),
            name: SpinLock::new(levels::PROCESS, "thread name", None),
        }
    }
}

// Relaxed throughout: only the thread itself writes, before it ends.
impl ProgramThread {
    /// Says where its number is cleared when it ends.
    pub fn set_clear_tid(&self, address: u64) {
        self.clear_tid.store(address, Ordering::Relaxed);
    }

    /// Where its number is cleared when it ends.
    #[must_use]
    pub fn clear_tid(&self) -> u64 {
        self.clear_tid.load(Ordering::Relaxed)
    }

    /// Says where its list of robust locks is.
    pub fn set_robust_list(&self, address: u64) {
        self.robust_list.store(address, Ordering::Relaxed);
    }

    /// Where its list of robust locks is.
    #[must_use]
    pub fn robust_list(&self) -> u64 {
        self.robust_list.load(Ordering::Relaxed)
    }

    /// It ends at the next border to its program.
    pub fn leave(&self, code: u8) {
        self.code.store(code, Ordering::Relaxed);
        self.is_leaving.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed)
    }

    pub(super) fn code(&self) -> u8 {
        self.code.load(Ordering::Relaxed)
    }

    /// Its place in its process's set.
    pub(super) fn set_place(&self, place: Option<SetPlace>) {
        *self.place.lock() = place;
    }

    /// It has ended: its place in its process's set is free.
    pub(super) fn leave_set(&self) {
        let place = self.place.lock().take();
        // Dropped without the lock.
        drop(place);
    }

    /// It may run where its process may.
    pub(super) fn follow_process_affinity(&self) {
        *self.affinity.lock() = None;
    }

    /// Its own name, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<ProcessName> {
        *self.name.lock()
    }

    /// Gives it a name of its own.
    pub fn set_name(&self, name: Option<ProcessName>) {
        *self.name.lock() = name;
    }
}

/// A thread to be made.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewThread {
    /// Its stack pointer, if it is not its maker's.
    pub stack: Option<u64>,
    /// The base of FS, if it is not its maker's.
    pub tls: Option<u64>,
    /// Where it stores its number first.
    pub store_tid: Option<u64>,
    /// Where its number is cleared when it ends.
    pub clear_tid: Option<u64>,
}

impl NewThread {
    /// The registers that it starts with: its maker's, who gets another answer from the call.
    pub(super) fn context(&self, maker: &UserContext) -> UserContext {
        let mut context = maker.copy_for_child();
        context.set_result(0);
        if let Some(stack) = self.stack {
            context.modify(|registers| registers.rsp = stack);
        }
        if let Some(tls) = self.tls {
            // An address that is not the program's has been refused by who decoded the call.
            let _ = context.set_fs_base(tls);
        }
        context
    }

    /// What it does.
    pub(super) fn main(self, context: UserContext) -> Box<dyn FnOnce() + Send> {
        Box::new(move || {
            if let (Some(address), Some(thread)) = (self.store_tid, scheduler::current()) {
                // As on Linux, a place that cannot be written stays as it is.
                let _ = hal::user::copy_to(address, &thread.tid().number().to_le_bytes());
            }
            program::run(context);
        })
    }
}

/// Makes a further thread of the running one's process, which goes on where the running one is.
/// `announce` is told its number before it runs.
///
/// # Errors
/// [`ProcessError::LimitExceeded`], [`ProcessError::ResourceExhausted`],
/// [`ProcessError::InvalidState`] for a process that is ending.
pub fn spawn_thread(
    maker: &Arc<Thread>,
    context: &UserContext,
    new: NewThread,
    announce: impl FnOnce(Tid),
) -> Result<Tid, ProcessError> {
    let process = maker.process();
    let place = process.reserve_in_set().inspect_err(|error| process.note_refusal(error))?;
    let added = {
        let mut table = table().lock();
        let record = table.get(process.pid)?;
        let limit = process.task_limit(record.credentials());
        let scheduling = record.profile.scheduling;
        table.add_thread(process.pid, limit).map(|tid| (tid, scheduling))
    };
    let (tid, scheduling) = added.inspect_err(|error| process.note_refusal(error))?;
    let thread = make(maker, process, tid, context, new, &scheduling).inspect_err(|_| {
        let _ = table().lock().remove_thread(tid);
    })?;
    thread.program.set_place(place);
    announce(tid);
    thread.start();
    Ok(tid)
}

fn make(
    maker: &Arc<Thread>,
    process: &Arc<Process>,
    tid: Tid,
    context: &UserContext,
    new: NewThread,
    scheduling: &process_core::Scheduling,
) -> Result<Arc<Thread>, ProcessError> {
    let thread = scheduler::spawn(Task {
        tid,
        process: Arc::clone(process),
        params: super::control::params(scheduling),
        affinity: thread_affinity(maker),
        stack_bytes: PROGRAM_STACK_BYTES,
        is_like_running: true,
        main: new.main(new.context(context)),
    })
    .map_err(|_| OUT_OF_MEMORY)?;
    thread.program.set_clear_tid(new.clear_tid.unwrap_or(0));
    thread.program.set_name(maker.program.name());
    *thread.program.affinity.lock() = *maker.program.affinity.lock();
    {
        let mut signals = process.signals.lock();
        let mask = signals.mask(maker.tid());
        signals.add_thread(tid, mask)?;
    }
    // Relaxed: the maker alone has asked so far, and whoever it makes sees what it did.
    process.had_threads.store(true, Ordering::Relaxed);
    let mut threads = process.threads.lock();
    if threads.list.try_reserve(1).is_err() {
        drop(threads);
        process.signals.lock().remove_thread(tid);
        return Err(OUT_OF_MEMORY);
    }
    threads.list.push(Arc::clone(&thread));
    Ok(thread)
}

/// Where a thread may run.
#[must_use]
pub fn thread_affinity(thread: &Thread) -> CpuSet {
    let own = *thread.program.affinity.lock();
    own.unwrap_or_else(|| thread.process().affinity())
}

/// Says where a thread may run, with effect at once. That of the first thread is shown as its
/// process's.
pub fn set_thread_affinity(thread: &Arc<Thread>, affinity: CpuSet) {
    let process = thread.process();
    if thread.tid() == process.pid.main_thread() {
        let others: alloc::vec::Vec<_> = process.threads.lock().list.clone();
        for other in others.iter().filter(|other| !Arc::ptr_eq(other, thread)) {
            // They stay where they may be.
            let stays = thread_affinity(other);
            *other.program.affinity.lock() = Some(stays);
        }
        *process.affinity.lock() = affinity;
        *thread.program.affinity.lock() = None;
    } else {
        *thread.program.affinity.lock() = Some(affinity);
    }
    thread.set_affinity(affinity);
}

impl Process {
    /// Whether this thread, the running one, is to end rather than to go on in the program.
    pub(super) fn is_to_leave(&self, thread: &Thread) -> bool {
        // Acquire pairs with the release of `become_only_thread`.
        let survivor = self.survivor.load(Ordering::Acquire);
        self.is_ending()
            || thread.program.is_leaving()
            || survivor != 0 && survivor != thread.tid().number()
    }

    /// Its thread with this number.
    #[must_use]
    pub fn thread(&self, tid: Tid) -> Option<Arc<Thread>> {
        self.threads.lock().list.iter().find(|thread| thread.tid() == tid).cloned()
    }
}

/// What a thread, the running one, has promised about its program's memory: robust locks that it
/// holds are marked, its number is cleared. When it ends, or leaves the memory for another program.
pub(super) fn leave_program(thread: &Thread, process: &Process, is_ending: bool) {
    let tid = thread.tid().number();
    let robust = thread.program.robust_list.swap(0, Ordering::Relaxed);
    if robust != 0 {
        abandon_locks(process, robust, tid);
    }
    inherit::let_go(thread, is_ending);
    let clear = thread.program.clear_tid.swap(0, Ordering::Relaxed);
    if clear != 0 && (process.threads.lock().list.len() > 1 || process.shares_space()) {
        // A place that cannot be written stays as it is, and nobody waits there.
        if hal::user::copy_to(clear, &[0; 4]).is_ok() {
            let name = FutexName { address: clear, is_private: false };
            let _ = futex::futex_wake(process, name, 1, u32::MAX);
        }
    }
}

/// Goes through a list of robust locks as far as it can be read: struct `robust_list_head` has the
/// first entry, the distance from an entry to its lock's word, and an entry that was being changed.
fn abandon_locks(process: &Process, head: u64, tid: u32) {
    /// As Linux: a list that loops ends here.
    const MOST: usize = 2048;
    /// The lowest bit of an entry's address: the lock inherits priorities, nobody is to be woken.
    const INHERITS: u64 = 1;
    let read = |address: u64| {
        let mut word = [0; 8];
        hal::user::copy_from(address, &mut word).ok().map(|()| u64::from_le_bytes(word))
    };
    let at = |offset: u64| head.checked_add(offset).and_then(read);
    let (Some(mut entry), Some(distance), Some(pending)) = (at(0), at(8), at(16)) else { return };
    let word = |entry: u64| (entry & !INHERITS).wrapping_add(distance);
    let mut left = MOST;
    while entry & !INHERITS != head && left > 0 {
        let next = read(entry & !INHERITS);
        if entry & !INHERITS != pending & !INHERITS {
            futex::abandon(process, word(entry), tid, false, entry & INHERITS != 0);
        }
        let Some(next) = next else { break };
        (entry, left) = (next, left - 1);
    }
    if pending & !INHERITS != 0 {
        futex::abandon(process, word(pending), tid, true, pending & INHERITS != 0);
    }
}

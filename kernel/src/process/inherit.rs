//! Locks in a program's memory whose holder inherits the priority of those who wait for it: futex(2),
//! `FUTEX_LOCK_PI` and its kin.
//!
//! The word says who holds the lock; [`Inheritance`] says who waits, and what that means to the holder.
//! All of it lies under one sleeping lock: who waits here has met a lock that was taken, which is rare,
//! and the word may have to be filled in. A lock is handed to the next holder, never left to whoever
//! comes first.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use hal::user::{compare_exchange_word, fill_in_word, load_word};
use ksync::Once;
use process_core::{BlockReason, Inheritance, Party, Priority, Scheduling, Tid, WaitRefusal};

use super::futex::{FutexError, FutexName, Key};
use super::{Process, control, record};
use crate::scheduler::{self, Thread};
use crate::sync::Mutex;

const WAITERS: u32 = 0x8000_0000;
const OWNER_DIED: u32 = 0x4000_0000;
const TID_MASK: u32 = 0x3fff_ffff;

type Locks = Inheritance<Key, Arc<Thread>>;

static LOCKS: Once<Mutex<Locks>> = Once::new();
/// Threads that want a lock or wait for one: who ends looks for those that wait for it only if there
/// are any.
static WANTING: AtomicU32 = AtomicU32::new(0);

/// Makes the list of those who wait. Once, before there are programs.
pub(super) fn start() {
    LOCKS.call_once(|| Mutex::new(Locks::default()));
}

fn locks() -> Result<&'static Mutex<Locks>, FutexError> {
    LOCKS.get().ok_or(FutexError::OutOfMemory)
}

/// Where a thread stands with a lock that it wants. Written under the list's lock.
#[derive(Debug, Default)]
pub(super) struct LockPlace {
    step: AtomicU8,
    /// It has ended, and let go of all that it held.
    has_left: AtomicU8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It wants none.
    Idle = 0,
    /// It waits.
    Waits = 1,
    /// It has been given the lock.
    Holds = 2,
    /// The same, by a holder that has ended: the word does not say so yet.
    Inherits = 3,
}

impl LockPlace {
    fn step(&self) -> Step {
        // Acquire pairs with the release in `set`: who holds the lock sees what its last holder did.
        match self.step.load(Ordering::Acquire) {
            1 => Step::Waits,
            2 => Step::Holds,
            3 => Step::Inherits,
            _ => Step::Idle,
        }
    }

    fn set(&self, step: Step) {
        self.step.store(step as u8, Ordering::Release);
    }

    pub(super) fn has_left(&self) -> bool {
        // Sequentially consistent, as `WANTING` is: either who wants the lock sees that its holder is
        // gone, or the holder sees that somebody wants one.
        self.has_left.load(Ordering::SeqCst) != 0
    }
}

/// Counts a thread among those that want a lock.
struct Wanting;

impl Wanting {
    fn one() -> Self {
        WANTING.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Wanting {
    fn drop(&mut self) {
        WANTING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What to do about a lock that is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IfTaken {
    /// Give up.
    Refuse,
    /// Wait, at most until then.
    WaitUntil(Option<u64>),
}

/// Takes a lock for the running thread.
///
/// # Errors
/// See [`FutexError`].
pub fn futex_lock(
    thread: &Arc<Thread>,
    name: FutexName,
    if_taken: IfTaken,
) -> Result<(), FutexError> {
    let key = name.key(thread.process())?;
    let _wanting = Wanting::one();
    loop {
        match attempt(thread, name, key, if_taken) {
            Ok(Attempt::Taken) => return Ok(()),
            Ok(Attempt::Waits) => break,
            Ok(Attempt::Changed) => {}
            // The page may have to be filled in, or copied, for the word to be changed.
            Err(FutexError::BadAddress) => fill_in_word(name.address, true)?,
            Err(error) => return Err(error),
        }
    }
    let deadline_ns = match if_taken {
        IfTaken::Refuse => None,
        IfTaken::WaitUntil(deadline) => deadline,
    };
    let process = thread.process();
    while thread.program.lock.step() == Step::Waits {
        if process.interrupts(thread) {
            leave(thread, FutexError::Interrupted)?;
            break;
        }
        match deadline_ns {
            None => scheduler::park(BlockReason::Futex),
            Some(deadline) => {
                if !scheduler::park_until(BlockReason::Futex, deadline) {
                    leave(thread, FutexError::TimedOut)?;
                    break;
                }
            }
        }
    }
    let step = thread.program.lock.step();
    thread.program.lock.set(Step::Idle);
    if step == Step::Inherits { take_over(thread, name) } else { Ok(()) }
}

enum Attempt {
    Taken,
    Waits,
    /// The word has changed meanwhile.
    Changed,
}

fn attempt(
    thread: &Arc<Thread>,
    name: FutexName,
    key: Key,
    if_taken: IfTaken,
) -> Result<Attempt, FutexError> {
    let mut locks = locks()?.lock();
    let word = load_word(name.address)?;
    let tid = thread.tid().number();
    let holder = word & TID_MASK;
    if holder == tid {
        return Err(FutexError::Deadlock);
    }
    let known = locks.holder_of(key).cloned();
    if holder == 0 && known.is_none() {
        // It says still that its last holder died with it.
        let before = compare_exchange_word(name.address, word, word & OWNER_DIED | tid)?;
        return Ok(if before == word { Attempt::Taken } else { Attempt::Changed });
    }
    let holder = match known {
        // It has been handed over, and the word will say so.
        Some(known) if holder == 0 || known.thread.program.lock.step() == Step::Inherits => known,
        Some(known) if known.tid.number() != holder => return Err(FutexError::OtherHolder),
        Some(known) => known,
        None => match find_holder(holder) {
            Ok(party) => party,
            // It may have ended since the look.
            Err(_) if load_word(name.address)? != word => return Ok(Attempt::Changed),
            Err(error) => return Err(error),
        },
    };
    if if_taken == IfTaken::Refuse {
        return Err(FutexError::OtherValue);
    }
    let marked = word | WAITERS;
    if compare_exchange_word(name.address, word, marked)? != word {
        return Ok(Attempt::Changed);
    }
    let own = own_scheduling(thread).priority;
    let waiter = Party { tid: thread.tid(), thread: Arc::clone(thread) };
    locks.wait(key, holder, waiter, own, inherit).map_err(|refusal| match refusal {
        WaitRefusal::Deadlock => FutexError::Deadlock,
        WaitRefusal::OtherHolder => FutexError::OtherHolder,
        WaitRefusal::Process(_) => FutexError::OutOfMemory,
    })?;
    thread.program.lock.set(Step::Waits);
    Ok(Attempt::Waits)
}

/// The thread that a word names.
fn find_holder(number: u32) -> Result<Party<Arc<Thread>>, FutexError> {
    let tid = Tid::new(i64::from(number)).map_err(|_| FutexError::NoHolder)?;
    let thread = record::find_thread(tid).map_err(|_| FutexError::NoHolder)?;
    if !thread.process().is_program() {
        return Err(FutexError::KernelThread);
    }
    if thread.program.lock.has_left() {
        return Err(FutexError::NoHolder);
    }
    Ok(Party { tid, thread })
}

/// Ends a thread's wait; none if it has been given the lock meanwhile.
fn leave(thread: &Arc<Thread>, why: FutexError) -> Result<(), FutexError> {
    let mut locks = locks()?.lock();
    if thread.program.lock.step() != Step::Waits {
        return Ok(());
    }
    locks.leave(thread.tid(), inherit);
    thread.program.lock.set(Step::Idle);
    Err(why)
}

/// Has the word of a lock say that the thread holds it, whose last holder has ended.
fn take_over(thread: &Arc<Thread>, name: FutexName) -> Result<(), FutexError> {
    let _locks = locks()?.lock();
    // Whether others wait, the kernel knows: who unlocks it asks.
    let new = thread.tid().number() | OWNER_DIED | WAITERS;
    loop {
        let change = load_word(name.address)
            .and_then(|word| Ok(compare_exchange_word(name.address, word, new)? == word));
        match change {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(_) => fill_in_word(name.address, true)?,
        }
    }
}

/// Gives a lock back that the running thread holds: to the most urgent of those who wait.
///
/// # Errors
/// See [`FutexError`].
pub fn futex_unlock(thread: &Arc<Thread>, name: FutexName) -> Result<(), FutexError> {
    let key = name.key(thread.process())?;
    let own = thread.tid();
    loop {
        let mut locks = locks()?.lock();
        let step = load_word(name.address).map_err(FutexError::from).and_then(|word| {
            if word & TID_MASK != own.number() {
                return Err(FutexError::NotHolder);
            }
            let new = match locks.holder_of(key) {
                Some(holder) if holder.tid != own => return Err(FutexError::OtherHolder),
                _ => locks.next_holder(key).map_or(0, |next| next.tid.number() | WAITERS),
            };
            Ok(compare_exchange_word(name.address, word, new)? == word)
        });
        match step {
            Ok(true) => {
                let next = locks.hand_over(key, inherit);
                if let Some(next) = &next {
                    next.thread.program.lock.set(Step::Holds);
                }
                drop(locks);
                if let Some(next) = next {
                    next.thread.unpark();
                }
                return Ok(());
            }
            Ok(false) => {}
            Err(FutexError::BadAddress) => {
                drop(locks);
                fill_in_word(name.address, true)?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The running thread ends, or leaves its program's memory: who waits for a lock that it holds gets
/// it.
pub(super) fn let_go(thread: &Thread, is_ending: bool) {
    if is_ending {
        thread.program.lock.has_left.store(1, Ordering::SeqCst);
    }
    if WANTING.load(Ordering::SeqCst) == 0 {
        return;
    }
    let Ok(list) = locks() else { return };
    loop {
        let mut locks = list.lock();
        let Some(key) = locks.held_by(thread.tid()) else { return };
        let Some(next) = locks.hand_over(key, inherit) else { return };
        next.thread.program.lock.set(Step::Inherits);
        drop(locks);
        next.thread.unpark();
    }
}

/// The priority of a process has changed: who waits for locks of its threads' holders hands that on.
pub(super) fn priority_changed(process: &Process, priority: Priority) {
    if WANTING.load(Ordering::SeqCst) == 0 {
        return;
    }
    let Ok(list) = locks() else { return };
    let threads = process.threads.lock().list.clone();
    let mut locks = list.lock();
    for thread in threads.iter().filter(|thread| thread.program.lock.step() == Step::Waits) {
        locks.set_priority(thread.tid(), priority, inherit);
    }
}

/// Has the scheduler know what a thread inherits.
fn inherit(thread: &Arc<Thread>, priority: Option<Priority>) {
    thread.inherit(priority.map(control::priority));
    loop {
        let own = own_scheduling(thread);
        thread.set_params(control::params(&own));
        // Somebody may have changed it in between, and been first.
        if own_scheduling(thread) == own {
            return;
        }
    }
}

fn own_scheduling(thread: &Thread) -> Scheduling {
    record::scheduling_of(thread.process().pid()).unwrap_or_default()
}

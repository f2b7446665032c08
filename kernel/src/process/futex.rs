//! Futexes: threads that wait for a word of their program's memory to change.
//!
//! A waiter stands in the queue of its bucket, and its thread knows in which one
//! ([`Place`](FutexPlace)): who takes it out of the queue sets that to nowhere and wakes it. The word
//! is compared under the bucket's lock, so that no change of it is missed.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use hal::interrupts::{SpinGuard, SpinLock};
use hal::user::{compare_exchange_word, fill_in_word, load_word};
use ksync::CachePadded;
use linux_abi::futex::FutexChange;
use process_core::{BlockReason, FutexQueue, FutexWaiter, ProcessError};

use super::Process;
use crate::levels;
use crate::scheduler::{self, Thread};

const BUCKETS: usize = 256;

/// Which futex: an address in a space that no other shares it with, or a place in what is shared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Key(u64, u64);

type Queue = FutexQueue<Key, Arc<Thread>>;

/// Ordered by their indices where two are taken.
static QUEUES: [CachePadded<SpinLock<Queue>>; BUCKETS] =
    [const { CachePadded::new(SpinLock::new(levels::WAIT_QUEUE, "futex", FutexQueue::new())) };
        BUCKETS];

/// In which bucket's queue a thread waits, plus one; 0 while in none. Written under that bucket's lock.
#[derive(Debug, Default)]
pub(super) struct FutexPlace(AtomicU32);

/// Why a futex call has no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FutexError {
    /// The address cannot be used.
    BadAddress,
    /// The word has another value.
    OtherValue,
    /// The time is over.
    TimedOut,
    /// Something else wants the thread's attention.
    Interrupted,
    /// No memory for another waiter.
    OutOfMemory,
    /// The holder of the lock would wait for itself.
    Deadlock,
    /// The caller does not hold the lock.
    NotHolder,
    /// The word names another holder than those who wait know.
    OtherHolder,
    /// The word names nobody who could give the lock back.
    NoHolder,
    /// The word names a thread of the kernel.
    KernelThread,
}

impl From<ProcessError> for FutexError {
    fn from(_: ProcessError) -> Self {
        Self::OutOfMemory
    }
}

impl From<hal::user::BadAddress> for FutexError {
    fn from(_: hal::user::BadAddress) -> Self {
        Self::BadAddress
    }
}

/// A futex as a program names it.
#[derive(Clone, Copy, Debug)]
pub struct FutexName {
    /// Where its word is.
    pub address: u64,
    /// Only threads of this memory use it.
    pub is_private: bool,
}

impl FutexName {
    pub(super) fn key(self, process: &Process) -> Result<Key, FutexError> {
        let space = process.space().ok_or(FutexError::BadAddress)?;
        if !self.is_private {
            // With that its page is there.
            load_word(self.address)?;
            if let Some(place) = space.shared_place(self.address) {
                // Address 0 is no space's.
                return Ok(Key(0, place));
            }
        }
        // Only told apart, never followed; the running process keeps its space where it is.
        Ok(Key(Arc::as_ptr(&space).addr() as u64, self.address))
    }
}

fn bucket(key: Key) -> usize {
    // Fibonacci hashing: the upper bits of the product depend on all of the key.
    let mixed = (key.0.rotate_left(29) ^ (key.1 >> 2)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> 56).unwrap_or(0) % BUCKETS
}

/// Two buckets, locked in their order; the second is none if both are the same.
struct Two<'a> {
    // Dropped in this order, which is the reverse of the locking.
    second: Option<SpinGuard<'a, Queue>>,
    first: SpinGuard<'a, Queue>,
    is_swapped: bool,
}

impl Two<'_> {
    fn lock(a: usize, b: usize) -> Self {
        let first = QUEUES[a.min(b)].lock();
        let second = (a != b).then(|| QUEUES[a.max(b)].lock_nested());
        Self { second, first, is_swapped: a > b }
    }

    /// The queue of the first futex, and that of the second one if it is another.
    fn queues(&mut self) -> (&mut Queue, Option<&mut Queue>) {
        let is_swapped = self.is_swapped;
        let first: &mut Queue = &mut self.first;
        match self.second.as_deref_mut() {
            None => (first, None),
            Some(second) if is_swapped => (second, Some(first)),
            Some(second) => (first, Some(second)),
        }
    }
}

/// Waits until the futex is woken, as long as its word is `expected`.
///
/// # Errors
/// See [`FutexError`].
pub fn futex_wait(
    thread: &Arc<Thread>,
    name: FutexName,
    expected: u32,
    bitset: u32,
    deadline_ns: Option<u64>,
) -> Result<(), FutexError> {
    let process = thread.process();
    let key = name.key(process)?;
    let index = bucket(key);
    loop {
        let mut queue = QUEUES[index].lock();
        match load_word(name.address) {
            Ok(value) if value == expected => {
                let rank = thread.rank();
                let waiter = FutexWaiter { key, bitset, rank, thread: Arc::clone(thread) };
                queue.wait(waiter)?;
                thread.program.futex.set(Some(index));
                break;
            }
            Ok(_) => return Err(FutexError::OtherValue),
            Err(_) => {
                drop(queue);
                fill_in_word(name.address, false)?;
            }
        }
    }
    loop {
        if thread.program.futex.get().is_none() {
            return Ok(());
        }
        // A suspension in between does not end the wait: it goes on where it was.
        if process.interrupts(thread) {
            return leave_queue(thread, FutexError::Interrupted);
        }
        match deadline_ns {
            None => scheduler::park(BlockReason::Futex),
            Some(deadline) => {
                if !scheduler::park_until(BlockReason::Futex, deadline) {
                    return leave_queue(thread, FutexError::TimedOut);
                }
            }
        }
    }
}

/// Ends the thread's wait, unless it has been woken meanwhile.
fn leave_queue(thread: &Arc<Thread>, why: FutexError) -> Result<(), FutexError> {
    while let Some(index) = thread.program.futex.get() {
        let mut queue = QUEUES[index].lock();
        // It may have been moved to another bucket before the lock was there.
        if thread.program.futex.get() != Some(index) {
            continue;
        }
        let left = queue.leave(|waiting| Arc::ptr_eq(waiting, thread));
        thread.program.futex.set(None);
        drop(queue);
        drop(left);
        return Err(why);
    }
    Ok(())
}

impl FutexPlace {
    fn get(&self) -> Option<usize> {
        // Acquire pairs with the release in `set`: who has been woken sees what the waker did.
        let index = self.0.load(Ordering::Acquire).checked_sub(1)?;
        usize::try_from(index).ok()
    }

    fn set(&self, index: Option<usize>) {
        let word = index.and_then(|index| u32::try_from(index + 1).ok()).unwrap_or(0);
        self.0.store(word, Ordering::Release);
    }
}

/// Wakes up to `count` waiters whose bit sets meet `bitset`. Says how many.
///
/// # Errors
/// [`FutexError::BadAddress`].
pub fn futex_wake(
    process: &Process,
    name: FutexName,
    count: u32,
    bitset: u32,
) -> Result<u32, FutexError> {
    Ok(wake_key(name.key(process)?, count, bitset))
}

/// Threads that are woken in one go.
const AT_ONCE: u32 = 16;

fn wake_key(key: Key, count: u32, bitset: u32) -> u32 {
    let index = bucket(key);
    let mut until = None;
    let mut woken = 0;
    while woken < count {
        let mut threads: [Option<Arc<Thread>>; AT_ONCE as usize] =
            [const { None }; AT_ONCE as usize];
        let before = woken;
        {
            let mut queue = QUEUES[index].lock();
            // Those that come while others are woken are not meant.
            let until = *until.get_or_insert(queue.now());
            for place in &mut threads {
                if woken == count {
                    break;
                }
                let Some(thread) = queue.wake(key, bitset, until) else { break };
                thread.program.futex.set(None);
                *place = Some(thread);
                woken += 1;
            }
        }
        for thread in threads.iter().flatten() {
            thread.unpark();
        }
        if woken - before < AT_ONCE {
            break;
        }
    }
    woken
}

/// Wakes up to `wake` waiters and has up to `move_count` others wait on another futex, if the word
/// is what is expected. Gives both numbers.
///
/// # Errors
/// See [`FutexError`].
pub fn futex_requeue(
    process: &Process,
    (from, to): (FutexName, FutexName),
    (wake, move_count): (u32, u32),
    expected: Option<u32>,
) -> Result<(u32, u32), FutexError> {
    let (from_key, to_key) = (from.key(process)?, to.key(process)?);
    let (from_index, to_index) = (bucket(from_key), bucket(to_key));
    loop {
        let mut two = Two::lock(from_index, to_index);
        if let Some(expected) = expected {
            match load_word(from.address) {
                Ok(value) if value == expected => {}
                Ok(_) => return Err(FutexError::OtherValue),
                Err(_) => {
                    drop(two);
                    fill_in_word(from.address, false)?;
                    continue;
                }
            }
        }
        let (queue, mut other) = two.queues();
        let until = queue.now();
        let waiting = queue.waiting_on(from_key);
        let to_wake = usize::try_from(wake).unwrap_or(usize::MAX).min(waiting);
        let to_move = usize::try_from(move_count).unwrap_or(usize::MAX).min(waiting - to_wake);
        let mut threads = Vec::new();
        threads.try_reserve_exact(to_wake).map_err(|_| FutexError::OutOfMemory)?;
        match &mut other {
            Some(other) => other.reserve(to_move)?,
            None => queue.reserve(to_move)?,
        }
        for _ in 0..to_wake {
            let Some(thread) = queue.wake(from_key, u32::MAX, until) else { break };
            thread.program.futex.set(None);
            threads.push(thread);
        }
        let mut moved = 0;
        match other {
            None => {
                while moved < to_move && queue.requeue(from_key, to_key, until) {
                    moved += 1;
                }
            }
            Some(other) => {
                let note = |thread: &Arc<Thread>| thread.program.futex.set(Some(to_index));
                while moved < to_move && queue.requeue_to(from_key, other, to_key, until, note) {
                    moved += 1;
                }
            }
        }
        drop(two);
        for thread in &threads {
            thread.unpark();
        }
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        return Ok((count(threads.len()), count(moved)));
    }
}

/// Changes the second futex's word and wakes up to `wake` waiters of the first, and, if the word was
/// as `change` says, up to `wake_second` of the second. Gives how many in all.
///
/// # Errors
/// See [`FutexError`].
pub fn futex_wake_op(
    process: &Process,
    (first, second): (FutexName, FutexName),
    (wake, wake_second): (u32, u32),
    change: FutexChange,
) -> Result<u32, FutexError> {
    let (first_key, second_key) = (first.key(process)?, second.key(process)?);
    let before = loop {
        // Under both locks, so that no waiter compares its word in the middle.
        let two = Two::lock(bucket(first_key), bucket(second_key));
        match change_word(second.address, change) {
            Ok(before) => break before,
            Err(_) => {
                drop(two);
                fill_in_word(second.address, true)?;
            }
        }
    };
    let mut woken = wake_key(first_key, wake, u32::MAX);
    if change.holds(before) {
        woken = woken.saturating_add(wake_key(second_key, wake_second, u32::MAX));
    }
    Ok(woken)
}

fn change_word(address: u64, change: FutexChange) -> Result<u32, FutexError> {
    loop {
        let before = load_word(address)?;
        if compare_exchange_word(address, before, change.apply(before))? == before {
            return Ok(before);
        }
    }
}

/// A thread has ended that holds a robust lock: its word says so, and who waits for it is woken.
/// futex(2), get_robust_list(2).
pub(super) fn abandon(process: &Process, address: u64, tid: u32, is_pending: bool, inherits: bool) {
    const WAITERS: u32 = 0x8000_0000;
    const OWNER_DIED: u32 = 0x4000_0000;
    const TID_MASK: u32 = 0x3fff_ffff;
    let name = FutexName { address, is_private: false };
    let wake = || {
        // A word that is not there has no waiters.
        let _ = futex_wake(process, name, 1, u32::MAX);
    };
    loop {
        let Ok(word) = load_word(address) else { return };
        if is_pending && !inherits && word == 0 {
            // It was unlocked, and the waiter not yet woken.
            return wake();
        }
        if word & TID_MASK != tid {
            return;
        }
        let Ok(before) = compare_exchange_word(address, word, word & WAITERS | OWNER_DIED) else {
            return;
        };
        if before == word {
            if word & WAITERS != 0 && !inherits {
                wake();
            }
            return;
        }
    }
}

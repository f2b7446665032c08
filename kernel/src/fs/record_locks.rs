//! Locks on all files: `vfs_core::RecordLocks` decides, this finds the file's and waits. Those of
//! fcntl(2) are on bytes, those of flock(2) on whole files; neither kind minds the other.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};

use hal::interrupts::SpinLock;
use linux_abi::Errno;
use process_core::{BlockReason, Pid};
use vfs_core::{ByteRange, RecordLock, RecordLockKind, RecordLocks};

use super::{OpenFile, Readiness, Turn, WatchList, Watcher, errno, pause};
use crate::levels;
use crate::scheduler::Thread;

/// The most files that have locks at once.
const MOST_FILES: usize = 65_536;

/// Who has a lock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LockOwner {
    /// A process: it loses its locks on a file with any descriptor of it that it closes.
    Process(Pid),
    /// An open file, by its address: `F_OFD_SETLK`.
    OpenFile(usize),
}

/// By which call locks are taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Family {
    /// fcntl(2).
    Records,
    /// flock(2).
    Whole,
}

/// A file: its file system and its number there.
type Key = (Family, u32, u64);

#[derive(Default)]
struct All {
    files: BTreeMap<Key, RecordLocks<LockOwner>>,
    /// For whom a process waits.
    waiting: BTreeMap<Pid, Pid>,
}

static ALL: SpinLock<All> = SpinLock::new(
    levels::FILES,
    "record locks",
    All { files: BTreeMap::new(), waiting: BTreeMap::new() },
);
/// Files that have locks, so that closing a file costs one load while there are none.
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// Who waits for any lock: those that are let go of are few.
static WATCHERS: WatchList = WatchList::new();

fn key(family: Family, file: &OpenFile) -> Result<Key, Errno> {
    let metadata = file.metadata()?;
    Ok((family, metadata.system, metadata.inode))
}

/// The lock that would keep `owner` from this one.
///
/// # Errors
/// When the file is gone.
pub fn conflicting_lock(
    file: &OpenFile,
    owner: LockOwner,
    range: ByteRange,
    kind: RecordLockKind,
) -> Result<Option<RecordLock<LockOwner>>, Errno> {
    let key = key(Family::Records, file)?;
    Ok(ALL.lock().files.get(&key).and_then(|locks| locks.conflict(owner, range, kind)))
}

/// Locks, if nothing conflicts.
///
/// # Errors
/// EAGAIN if something does; ENOLCK.
pub fn lock_range(
    file: &OpenFile,
    owner: LockOwner,
    range: ByteRange,
    kind: RecordLockKind,
) -> Result<(), Errno> {
    lock_key(key(Family::Records, file)?, owner, range, kind)
}

fn lock_key(
    key: Key,
    owner: LockOwner,
    range: ByteRange,
    kind: RecordLockKind,
) -> Result<(), Errno> {
    let mut all = ALL.lock();
    if !all.files.contains_key(&key) && all.files.len() >= MOST_FILES {
        return Err(Errno::ENOLCK);
    }
    let locks = all.files.entry(key).or_default();
    if let Some(conflict) = locks.conflict(owner, range, kind) {
        if let (LockOwner::Process(own), LockOwner::Process(other)) = (owner, conflict.owner)
            && all.waiting.contains_key(&own)
        {
            // The entry is there while it waits: for this one now.
            all.waiting.insert(own, other);
        }
        return Err(Errno::EAGAIN);
    }
    let locked = locks.lock(owner, range, kind).map_err(|_| Errno::ENOLCK);
    all.tidy(key);
    drop(all);
    // A lock that was exclusive may be shared now.
    WATCHERS.notify(Readiness::IN | Readiness::HUP);
    locked
}

impl All {
    /// Forgets a file without locks.
    fn tidy(&mut self, key: Key) {
        if self.files.get(&key).is_some_and(RecordLocks::is_empty) {
            self.files.remove(&key);
        }
        COUNT.store(self.files.len(), Ordering::SeqCst);
    }

    /// Whether `own` would wait for itself if it waited for `other`.
    fn is_circle(&self, own: Pid, other: Pid) -> bool {
        let mut at = other;
        for _ in 0..self.waiting.len() {
            if at == own {
                return true;
            }
            match self.waiting.get(&at) {
                Some(next) => at = *next,
                None => return false,
            }
        }
        at == own
    }
}

/// Locks as soon as nothing conflicts.
///
/// # Errors
/// ERESTARTSYS; EDEADLK if two processes would wait for each other; ENOLCK, ENOMEM.
pub fn lock_range_waiting(
    thread: &Arc<Thread>,
    file: &OpenFile,
    owner: LockOwner,
    range: ByteRange,
    kind: RecordLockKind,
) -> Result<(), Errno> {
    let first = lock_range(file, owner, range, kind);
    if first != Err(Errno::EAGAIN) {
        return first;
    }
    let id = WATCHERS.add(Arc::clone(thread) as Arc<dyn Watcher>, Readiness::IN, Turn::Everyone)?;
    let answer = loop {
        match lock_range(file, owner, range, kind) {
            Err(Errno::EAGAIN) => {}
            other => break other,
        }
        if let LockOwner::Process(own) = owner
            && let Ok(Some(RecordLock { owner: LockOwner::Process(other), .. })) =
                conflicting_lock(file, owner, range, kind)
        {
            let mut all = ALL.lock();
            if all.is_circle(own, other) {
                break Err(Errno::EDEADLK);
            }
            all.waiting.insert(own, other);
        }
        if let Err(error) = pause(thread, BlockReason::Lock, None) {
            break Err(error);
        }
    };
    WATCHERS.remove(id);
    if let LockOwner::Process(own) = owner {
        ALL.lock().waiting.remove(&own);
    }
    answer
}

/// Unlocks.
///
/// # Errors
/// ENOLCK: a hole makes two locks of one, for which there may be no memory.
pub fn unlock_range(file: &OpenFile, owner: LockOwner, range: ByteRange) -> Result<(), Errno> {
    if COUNT.load(Ordering::SeqCst) == 0 {
        return Ok(());
    }
    let key = key(Family::Records, file)?;
    let unlocked = {
        let mut all = ALL.lock();
        let unlocked = match all.files.get_mut(&key) {
            Some(locks) => locks.unlock(owner, range),
            None => Ok(false),
        };
        all.tidy(key);
        unlocked
    };
    match unlocked.map_err(errno) {
        Ok(true) => {
            WATCHERS.notify(Readiness::IN | Readiness::HUP);
            Ok(())
        }
        Ok(false) => Ok(()),
        Err(_) => Err(Errno::ENOLCK),
    }
}

/// A process has closed a descriptor of this file, or the file itself is closed.
pub fn unlock_closed(file: &OpenFile, owner: LockOwner) {
    if COUNT.load(Ordering::SeqCst) == 0 {
        return;
    }
    if let Ok(key) = key(Family::Records, file) {
        unlock_all(key, owner);
    }
}

/// Takes all locks from an owner; says whether it had one.
fn unlock_all(key: Key, owner: LockOwner) -> bool {
    let had = {
        let mut all = ALL.lock();
        let had = all.files.get_mut(&key).is_some_and(|locks| locks.unlock_all(owner));
        all.tidy(key);
        had
    };
    if had {
        WATCHERS.notify(Readiness::IN | Readiness::HUP);
    }
    had
}

/// All of a file.
const WHOLE: ByteRange = ByteRange { first: 0, last: u64::MAX };

/// Locks a whole file in the name of an open file, waiting for that if there is a thread to wait:
/// flock(2). A lock of the other kind that it has goes first, whatever comes of the new one.
///
/// # Errors
/// EAGAIN if it would have to wait; ERESTARTSYS, ENOLCK, ENOMEM.
pub fn lock_whole(
    waiting: Option<&Arc<Thread>>,
    file: &OpenFile,
    kind: RecordLockKind,
) -> Result<(), Errno> {
    let key = key(Family::Whole, file)?;
    let owner = file.lock_owner();
    {
        let all = ALL.lock();
        let own = all.files.get(&key).and_then(|locks| locks.of(owner));
        if own.is_some_and(|lock| lock.kind == kind) {
            return Ok(());
        }
    }
    unlock_all(key, owner);
    let first = lock_key(key, owner, WHOLE, kind);
    let (Err(Errno::EAGAIN), Some(thread)) = (first, waiting) else { return first };
    let id = WATCHERS.add(Arc::clone(thread) as Arc<dyn Watcher>, Readiness::IN, Turn::Everyone)?;
    let answer = loop {
        match lock_key(key, owner, WHOLE, kind) {
            Err(Errno::EAGAIN) => {}
            other => break other,
        }
        if let Err(error) = pause(thread, BlockReason::Lock, None) {
            break Err(error);
        }
    };
    WATCHERS.remove(id);
    answer
}

/// Unlocks a whole file.
///
/// # Errors
/// When the file is gone.
pub fn unlock_whole(file: &OpenFile) -> Result<(), Errno> {
    if COUNT.load(Ordering::SeqCst) != 0 {
        unlock_all(key(Family::Whole, file)?, file.lock_owner());
    }
    Ok(())
}

/// A process has ended.
pub fn unlock_ended(pid: Pid) {
    if COUNT.load(Ordering::SeqCst) == 0 {
        return;
    }
    {
        let mut all = ALL.lock();
        all.files.retain(|_, locks| {
            locks.unlock_all(LockOwner::Process(pid));
            !locks.is_empty()
        });
        all.waiting.remove(&pid);
        COUNT.store(all.files.len(), Ordering::SeqCst);
    }
    WATCHERS.notify(Readiness::IN | Readiness::HUP);
}

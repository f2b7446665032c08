//! Levels of locks and the per-CPU record that checks them.
//!
//! Every lock has a [`Level`], listed in ARCHITECTURE.md. While a lock is held, only locks of a
//! higher level may be waited for; so no two CPUs can wait for each other. Builds with debug
//! assertions, or with the feature `lock-levels`, check each lock against [`HeldLocks`]; other
//! builds carry neither the check nor the lock's name.

use spin::mutex::SpinMutex;

/// Whether this build checks levels.
pub(crate) const IS_CHECKED: bool = cfg!(any(debug_assertions, feature = "lock-levels"));

/// How many locks one CPU may hold at once.
const CAPACITY: usize = 16;

/// A lock's place in the order: taken upwards only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(u8);

impl Level {
    /// The level with this number; higher numbers are taken later.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// The level's number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// How a lock is about to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Waits: the level must be above all that is held.
    Upwards,
    /// Waits: the level may equal that of a held lock, whose order the caller vouches for.
    WithPeers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    /// Address of the lock: its identity.
    lock: usize,
    level: Level,
    name: &'static str,
}

struct Stack {
    entries: [Option<Entry>; CAPACITY],
    len: usize,
}

/// The locks that one CPU holds, in the order of taking; see the module.
///
/// The record has a lock of its own because the type has to be `Sync`, not because anyone contends:
/// it is tried, never waited for, so that a non-maskable interrupt in the middle of an update skips
/// its check instead of hanging.
pub struct HeldLocks {
    stack: SpinMutex<Stack>,
}

impl HeldLocks {
    /// An empty record.
    #[must_use]
    pub const fn new() -> Self {
        Self { stack: SpinMutex::new(Stack { entries: [None; CAPACITY], len: 0 }) }
    }

    /// How many locks the CPU holds.
    #[must_use]
    pub fn count(&self) -> usize {
        self.stack.try_lock().map_or(0, |stack| stack.len)
    }

    /// Panics if waiting for this lock could deadlock.
    pub(crate) fn check(&self, lock: usize, level: Level, name: &'static str, wait: Wait) {
        let Some(stack) = self.stack.try_lock() else { return };
        let obstacle = stack.entries[..stack.len].iter().flatten().find(|held| {
            held.lock == lock
                || held.level > level
                || (held.level == level && wait == Wait::Upwards)
        });
        let obstacle = obstacle.copied();
        // The panic handler takes locks itself: give the record back first.
        drop(stack);
        if let Some(held) = obstacle {
            panic!(
                "lock order: {name} (level {}) taken while holding {} (level {})",
                level.0, held.name, held.level.0
            );
        }
    }

    /// Notes that the lock has been taken.
    pub(crate) fn push(&self, lock: usize, level: Level, name: &'static str) {
        let Some(mut stack) = self.stack.try_lock() else { return };
        let len = stack.len;
        if let Some(slot) = stack.entries.get_mut(len) {
            *slot = Some(Entry { lock, level, name });
            stack.len = len + 1;
            return;
        }
        drop(stack);
        panic!("lock order: {name} is the {}th lock held at once", CAPACITY + 1);
    }

    /// Notes that the lock has been released. Locks come back in the reverse order of their taking:
    /// another order would enable interrupts while a lock is held.
    pub(crate) fn pop(&self, lock: usize, name: &'static str) {
        let Some(mut stack) = self.stack.try_lock() else { return };
        let top = stack.len.checked_sub(1).and_then(|index| stack.entries[index]);
        match top {
            Some(entry) if entry.lock == lock => {
                stack.len -= 1;
                let len = stack.len;
                stack.entries[len] = None;
            }
            // Taken before this CPU had a record: nothing was noted.
            _ if !stack.entries[..stack.len].iter().flatten().any(|entry| entry.lock == lock) => {}
            _ => {
                let later = top.map_or("nothing", |entry| entry.name);
                drop(stack);
                panic!("lock order: {name} released before {later}, which was taken after it");
            }
        }
    }

    /// Forgets everything: for a panicking CPU, whose locks nobody will release.
    pub fn clear(&self) {
        if let Some(mut stack) = self.stack.try_lock() {
            stack.entries = [None; CAPACITY];
            stack.len = 0;
        }
    }
}

impl Default for HeldLocks {
    fn default() -> Self {
        Self::new()
    }
}

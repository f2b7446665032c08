//! Who is to hear that a file has become ready: [`WatchList`], which every file has that one can wait
//! for, and [`Watcher`], what is on it: a thread that is parked, or an epoll's interest in a file.
//!
//! Nothing is lost between looking and waiting, because whoever waits first enters the list, then
//! looks once more, and then parks; whoever changes the file changes it first (under the file's own
//! lock) and then calls [`WatchList::notify`], without any lock.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering, fence};

use hal::interrupts::SpinLock;
use linux_abi::Errno;

use super::Readiness;
use crate::levels;
use crate::scheduler::Thread;

/// Someone who waits for files.
pub trait Watcher: Send + Sync {
    /// The file has become ready for some of what was asked for. Called without locks. Says whether
    /// anybody was there to make use of it: if not, another one who shares the turn is asked.
    fn changed(self: Arc<Self>, ready: Readiness) -> bool;
}

impl Watcher for Thread {
    fn changed(self: Arc<Self>, _ready: Readiness) -> bool {
        self.unpark_with_handover();
        true
    }
}

/// Whether one piece of news is for all who wait or for one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It hears all news: poll.
    Everyone,
    /// Of all who take turns only the first that waits hears of it: reads, writes, accepts, of which
    /// only one would succeed. Who was woken and leaves something over passes the news on.
    OneOfMany,
}

/// Names an entry of one list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchId(u64);

struct Entry {
    id: WatchId,
    interest: Readiness,
    turn: Turn,
    /// It took a turn and has not waited again since.
    is_woken: bool,
    watcher: Arc<dyn Watcher>,
}

/// Who waits for one file.
pub struct WatchList {
    entries: SpinLock<Entries>,
    /// How many there are, so that news nobody waits for cost one load.
    count: AtomicUsize,
}

#[derive(Default)]
struct Entries {
    /// In the order of their numbers, which is the order in which they came.
    list: Vec<Entry>,
    next: u64,
}

impl Entries {
    fn find(&self, id: WatchId) -> Option<usize> {
        self.list.binary_search_by_key(&id.0, |entry| entry.id.0).ok()
    }
}

impl Default for WatchList {
    fn default() -> Self {
        Self::new()
    }
}

impl core::fmt::Debug for WatchList {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WatchList").field("count", &self.count).finish_non_exhaustive()
    }
}

impl WatchList {
    /// One that nobody is on.
    #[must_use]
    pub const fn new() -> Self {
        let entries = Entries { list: Vec::new(), next: 1 };
        Self {
            entries: SpinLock::new(levels::WAIT_QUEUE, "watch list", entries),
            count: AtomicUsize::new(0),
        }
    }

    /// Enters a watcher. The caller looks at the file once more afterwards, because the news may have
    /// come before; and takes the watcher off again by [`Self::remove`].
    ///
    /// # Errors
    /// ENOMEM. The list keeps the memory that it once had: waiting again and again takes none.
    pub fn add(
        &self,
        watcher: Arc<dyn Watcher>,
        interest: Readiness,
        turn: Turn,
    ) -> Result<WatchId, Errno> {
        let id = {
            let mut entries = self.entries.lock();
            entries.list.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
            let id = WatchId(entries.next);
            entries.next += 1;
            let interest = interest | Readiness::ALWAYS;
            entries.list.push(Entry { id, interest, turn, is_woken: false, watcher });
            self.count.store(entries.list.len(), Ordering::Relaxed);
            id
        };
        // Pairs with the fence in `notify`, for files whose state is not under a lock: either the
        // caller's look sees the new state, or `notify` sees the entry.
        fence(Ordering::SeqCst);
        Ok(id)
    }

    /// The watcher is about to wait again, keeping its place.
    pub fn rearm(&self, id: WatchId) {
        {
            let mut entries = self.entries.lock();
            if let Some(entry) = entries.find(id).and_then(|at| entries.list.get_mut(at)) {
                entry.is_woken = false;
            }
        }
        fence(Ordering::SeqCst);
    }

    /// Changes what a watcher waits for.
    pub fn change(&self, id: WatchId, interest: Readiness) {
        {
            let mut entries = self.entries.lock();
            if let Some(entry) = entries.find(id).and_then(|at| entries.list.get_mut(at)) {
                entry.interest = interest | Readiness::ALWAYS;
            }
        }
        fence(Ordering::SeqCst);
    }

    /// Takes a watcher off. Says whether it had been given a turn since it was entered or rearmed: if
    /// it then did not use it up, it calls `notify` for the next one.
    pub fn remove(&self, id: WatchId) -> bool {
        let removed = {
            let mut entries = self.entries.lock();
            let removed = entries.find(id).map(|at| entries.list.remove(at));
            self.count.store(entries.list.len(), Ordering::Relaxed);
            removed
        };
        // Its watcher is dropped without the lock.
        removed.is_some_and(|entry| entry.is_woken)
    }

    /// Whether anybody is on the list: a hint.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.count.load(Ordering::Relaxed) != 0
    }

    /// Tells those who wait for it that the file is ready now for `ready`: all that hear everything,
    /// and one of those who take turns, or every one when something failed or hung up. To be called
    /// after the change, without locks that the watchers, or the file's own `readiness`, may take.
    pub fn notify(&self, ready: Readiness) {
        // Pairs with the fences above.
        fence(Ordering::SeqCst);
        if !self.is_watched() {
            return;
        }
        let wakes_all = ready.intersects(Readiness::ALWAYS);
        let mut is_taken = false;
        let mut after = 0;
        let mut end = None;
        loop {
            let next = {
                let mut entries = self.entries.lock();
                // Who enters meanwhile looks for itself.
                let end = *end.get_or_insert(entries.next);
                let start = entries.list.partition_point(|entry| entry.id.0 <= after);
                let is_meant = |entry: &&mut Entry| {
                    entry.interest.intersects(ready)
                        && match entry.turn {
                            Turn::Everyone => true,
                            Turn::OneOfMany => wakes_all || (!is_taken && !entry.is_woken),
                        }
                };
                let rest = entries.list.get_mut(start..).unwrap_or_default();
                let found = rest.iter_mut().take_while(|entry| entry.id.0 < end).find(is_meant);
                found.map(|entry| {
                    entry.is_woken = true;
                    (entry.id.0, entry.turn, Arc::clone(&entry.watcher))
                })
            };
            let Some((id, turn, watcher)) = next else { return };
            let is_used = watcher.changed(ready);
            is_taken |= is_used && turn == Turn::OneOfMany;
            after = id;
        }
    }
}

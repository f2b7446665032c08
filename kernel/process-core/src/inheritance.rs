//! Locks whose holder is as urgent as the most urgent of those who wait for it: futex(2),
//! "Priority-inheritance futexes", without words and threads.
//!
//! [`Inheritance`] knows who waits for which lock, and who holds it. A holder inherits the priority of
//! each of its waiters, and hands it on to the holder of the lock that it waits for itself. `K` says
//! which lock, `T` is what the kernel needs to reach a thread. A lock that nobody waits for is not in
//! here: its holder is in the program's memory alone.

use alloc::vec::Vec;

use crate::error::ProcessError;
use crate::fallible::OUT_OF_MEMORY;
use crate::ids::Tid;
use crate::scheduling::Priority;

/// A thread by its number, with what the kernel needs to reach it.
#[derive(Clone, Debug)]
pub struct Party<T> {
    /// Its number.
    pub tid: Tid,
    /// What reaches it.
    pub thread: T,
}

/// Why a thread cannot wait for a lock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WaitRefusal {
    /// The holder waits for the thread itself, perhaps by others.
    Deadlock,
    /// Others wait, and for another holder: the word in the program's memory is wrong.
    OtherHolder,
    /// There is no memory for another waiter.
    Process(ProcessError),
}

#[derive(Debug)]
struct Waiter<K, T> {
    key: K,
    holder: Party<T>,
    waiter: Party<T>,
    /// Its own priority.
    own: Priority,
    /// That, or what it inherits.
    effective: Priority,
    came: u64,
}

/// All who wait for such locks.
#[derive(Debug)]
pub struct Inheritance<K, T> {
    waiters: Vec<Waiter<K, T>>,
    next: u64,
}

impl<K, T> Default for Inheritance<K, T> {
    fn default() -> Self {
        Self { waiters: Vec::new(), next: 0 }
    }
}

impl<K: PartialEq + Copy, T: Clone> Inheritance<K, T> {
    /// The holder of a lock that somebody waits for.
    pub fn holder_of(&self, key: K) -> Option<&Party<T>> {
        self.waiters.iter().find(|one| one.key == key).map(|one| &one.holder)
    }

    /// Whether the thread waits.
    pub fn is_waiting(&self, tid: Tid) -> bool {
        self.position(tid).is_some()
    }

    /// A lock that the thread holds and somebody waits for.
    pub fn held_by(&self, tid: Tid) -> Option<K> {
        self.waiters.iter().find(|one| one.holder.tid == tid).map(|one| one.key)
    }

    /// Has a thread wait. `inherit` is told of each thread that what it inherits has changed.
    ///
    /// # Errors
    /// See [`WaitRefusal`].
    pub fn wait(
        &mut self,
        key: K,
        holder: Party<T>,
        waiter: Party<T>,
        own: Priority,
        inherit: impl FnMut(&T, Option<Priority>),
    ) -> Result<(), WaitRefusal> {
        if self.holder_of(key).is_some_and(|known| known.tid != holder.tid) {
            return Err(WaitRefusal::OtherHolder);
        }
        if self.waits_for(holder.tid, waiter.tid) {
            return Err(WaitRefusal::Deadlock);
        }
        self.waiters.try_reserve(1).map_err(|_| WaitRefusal::Process(OUT_OF_MEMORY))?;
        let came = self.next;
        self.next = self.next.wrapping_add(1);
        let effective = self.inherited(waiter.tid).map_or(own, |inherited| own.max(inherited));
        let changed = holder.clone();
        self.waiters.push(Waiter { key, holder, waiter, own, effective, came });
        self.propagate(changed, inherit);
        Ok(())
    }

    /// Ends a thread's wait without the lock; says whether it waited.
    pub fn leave(&mut self, tid: Tid, inherit: impl FnMut(&T, Option<Priority>)) -> bool {
        let Some(position) = self.position(tid) else { return false };
        let left = self.waiters.remove(position);
        self.propagate(left.holder, inherit);
        true
    }

    /// Who is next to hold a lock: the most urgent, of equals the first to come.
    pub fn next_holder(&self, key: K) -> Option<&Party<T>> {
        self.waiters
            .iter()
            .filter(|one| one.key == key)
            .min_by(|a, b| before(a, b))
            .map(|one| &one.waiter)
    }

    /// Gives the lock to who is next, as `next_holder` says.
    pub fn hand_over(
        &mut self,
        key: K,
        mut inherit: impl FnMut(&T, Option<Priority>),
    ) -> Option<Party<T>> {
        let tid = self.next_holder(key)?.tid;
        let Waiter { waiter, holder, .. } = self.waiters.remove(self.position(tid)?);
        for one in self.waiters.iter_mut().filter(|one| one.key == key) {
            one.holder = waiter.clone();
        }
        self.propagate(holder, &mut inherit);
        self.propagate(waiter.clone(), inherit);
        Some(waiter)
    }

    /// The own priority of a thread has changed.
    pub fn set_priority(
        &mut self,
        tid: Tid,
        own: Priority,
        inherit: impl FnMut(&T, Option<Priority>),
    ) {
        let Some(position) = self.position(tid) else { return };
        let inherited = self.inherited(tid);
        let one = &mut self.waiters[position];
        one.own = own;
        one.effective = inherited.map_or(own, |inherited| own.max(inherited));
        let holder = one.holder.clone();
        self.propagate(holder, inherit);
    }

    /// The most urgent of those who wait for what a thread holds.
    fn inherited(&self, tid: Tid) -> Option<Priority> {
        self.waiters.iter().filter(|one| one.holder.tid == tid).map(|one| one.effective).max()
    }

    fn position(&self, tid: Tid) -> Option<usize> {
        self.waiters.iter().position(|one| one.waiter.tid == tid)
    }

    /// Whether a thread waits for another one, itself or by those in between.
    fn waits_for(&self, from: Tid, to: Tid) -> bool {
        let mut tid = from;
        // Nobody waits for himself, so that the way ends.
        loop {
            if tid == to {
                return true;
            }
            match self.position(tid) {
                Some(position) => tid = self.waiters[position].holder.tid,
                None => return false,
            }
        }
    }

    /// What a thread inherits has changed: it is told, and so is whose lock it waits for.
    fn propagate(&mut self, first: Party<T>, mut inherit: impl FnMut(&T, Option<Priority>)) {
        let mut party = first;
        loop {
            let inherited = self.inherited(party.tid);
            inherit(&party.thread, inherited);
            let Some(position) = self.position(party.tid) else { return };
            let one = &mut self.waiters[position];
            let effective = inherited.map_or(one.own, |inherited| one.own.max(inherited));
            if effective == one.effective {
                return;
            }
            one.effective = effective;
            party = one.holder.clone();
        }
    }
}

/// Who gets a lock first.
fn before<K, T>(a: &Waiter<K, T>, b: &Waiter<K, T>) -> core::cmp::Ordering {
    // The counter wraps after all.
    let came = || a.came.wrapping_sub(b.came).cast_signed().cmp(&0);
    b.effective.cmp(&a.effective).then_with(came)
}

#[cfg(test)]
mod tests;

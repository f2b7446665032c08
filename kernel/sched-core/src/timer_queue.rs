//! Deadlines: [`TimerQueue`], a four-ary heap whose entries can be cancelled by name.
//!
//! Insert, cancel and pop are O(log n), the next deadline O(1). Four children instead of two halve
//! the depth and read one cache line a level. Room is reserved ahead; nothing else allocates.

use alloc::vec::Vec;

use crate::{entity::OutOfMemory, time::Instant};

const ARITY: usize = 4;
const NONE: u32 = u32::MAX;

/// Names a timer until it fires or is cancelled; stale names are recognised.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TimerId {
    slot: u32,
    generation: u32,
}

/// Timers with what each is for. Those with the same deadline fire in the order they were set.
#[derive(Debug)]
pub struct TimerQueue<K> {
    heap: Vec<Entry>,
    slots: Vec<Slot<K>>,
    first_free: u32,
    sequence: u64,
}

/// Room for timers, allocated outside of the queue's lock; see [`TimerQueue::grow`].
#[derive(Debug)]
pub struct TimerStorage<K> {
    heap: Vec<Entry>,
    slots: Vec<Slot<K>>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    deadline: Instant,
    sequence: u64,
    slot: u32,
}

#[derive(Debug)]
struct Slot<K> {
    what: Option<K>,
    generation: u32,
    /// Where the entry is in the heap; of a free slot, the next free one.
    place: u32,
}

impl Entry {
    fn order(&self) -> (Instant, u64) {
        (self.deadline, self.sequence)
    }
}

impl<K> TimerStorage<K> {
    /// Room for `timers` timers.
    ///
    /// # Errors
    /// [`OutOfMemory`] if there is no memory for it.
    pub fn with_capacity(timers: usize) -> Result<Self, OutOfMemory> {
        if u32::try_from(timers).map_or(true, |timers| timers == NONE) {
            return Err(OutOfMemory);
        }
        let (mut heap, mut slots) = (Vec::new(), Vec::new());
        heap.try_reserve_exact(timers).map_err(|_| OutOfMemory)?;
        slots.try_reserve_exact(timers).map_err(|_| OutOfMemory)?;
        Ok(Self { heap, slots })
    }

    fn capacity(&self) -> usize {
        self.heap.capacity().min(self.slots.capacity())
    }
}

impl<K> Default for TimerQueue<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> TimerQueue<K> {
    /// No timers, and no room: see [`TimerQueue::reserve`].
    #[must_use]
    pub const fn new() -> Self {
        Self { heap: Vec::new(), slots: Vec::new(), first_free: NONE, sequence: 0 }
    }

    /// Makes room for `timers` timers in all. Allocates; under a spin lock prefer
    /// [`TimerQueue::grow`].
    ///
    /// # Errors
    /// [`OutOfMemory`]; the queue is as it was.
    pub fn reserve(&mut self, timers: usize) -> Result<(), OutOfMemory> {
        if timers > self.capacity() {
            drop(self.grow(TimerStorage::with_capacity(timers)?));
        }
        Ok(())
    }

    /// Moves into `storage` if that is larger, without allocating or freeing.
    #[must_use = "drop it after unlocking"]
    pub fn grow(&mut self, mut storage: TimerStorage<K>) -> TimerStorage<K> {
        if storage.capacity() > self.capacity() {
            storage.heap.append(&mut self.heap);
            storage.slots.append(&mut self.slots);
            core::mem::swap(&mut self.heap, &mut storage.heap);
            core::mem::swap(&mut self.slots, &mut storage.slots);
        }
        storage
    }

    /// How many timers have room.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.heap.capacity().min(self.slots.capacity())
    }

    /// How many timers are set.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether no timer is set.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Sets a timer.
    ///
    /// # Errors
    /// Gives `what` back if there is no room.
    pub fn insert(&mut self, deadline: Instant, what: K) -> Result<TimerId, K> {
        let at = self.first_free;
        let slot = if let Some(slot) = self.slots.get_mut(at as usize) {
            self.first_free = slot.place;
            slot.what = Some(what);
            at
        } else {
            let used = self.slots.len();
            let Ok(at) = u32::try_from(used) else { return Err(what) };
            if used >= self.capacity() {
                return Err(what);
            }
            self.slots.push(Slot { what: Some(what), generation: 0, place: NONE });
            at
        };
        let generation = self.slots[slot as usize].generation;
        let place = self.heap.len();
        self.heap.push(Entry { deadline, sequence: self.sequence, slot });
        self.sequence = self.sequence.wrapping_add(1);
        self.sift_up(place);
        Ok(TimerId { slot, generation })
    }

    /// Takes a timer back; `None` if it has fired or was cancelled.
    pub fn cancel(&mut self, id: TimerId) -> Option<K> {
        let slot = self.slots.get(id.slot as usize)?;
        if slot.generation != id.generation || slot.what.is_none() {
            return None;
        }
        self.remove_at(slot.place as usize).map(|(_, what)| what)
    }

    /// The earliest deadline.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.heap.first().map(|entry| entry.deadline)
    }

    /// Takes out the earliest timer whose deadline is not after `now`.
    pub fn pop_expired(&mut self, now: Instant) -> Option<(Instant, K)> {
        if self.next_deadline()? > now {
            return None;
        }
        self.remove_at(0)
    }

    /// Takes the entry at `place` out of the heap and frees its slot.
    fn remove_at(&mut self, place: usize) -> Option<(Instant, K)> {
        if place >= self.heap.len() {
            return None;
        }
        let entry = self.heap.swap_remove(place);
        if place < self.heap.len() {
            // What came from the end may belong further up or further down.
            let place = self.sift_up(place);
            self.sift_down(place);
        }
        let slot = &mut self.slots[entry.slot as usize];
        slot.generation = slot.generation.wrapping_add(1);
        slot.place = self.first_free;
        self.first_free = entry.slot;
        slot.what.take().map(|what| (entry.deadline, what))
    }

    /// Moves the entry at `place` up to where it belongs; returns where that is.
    fn sift_up(&mut self, mut place: usize) -> usize {
        let entry = self.heap[place];
        while place > 0 {
            let parent = (place - 1) / ARITY;
            if self.heap[parent].order() <= entry.order() {
                break;
            }
            self.settle(place, self.heap[parent]);
            place = parent;
        }
        self.settle(place, entry);
        place
    }

    /// Moves the entry at `place` down to where it belongs.
    fn sift_down(&mut self, mut place: usize) {
        let entry = self.heap[place];
        loop {
            let first = place * ARITY + 1;
            let last = (first + ARITY).min(self.heap.len());
            let Some(least) = (first..last).min_by_key(|&child| self.heap[child].order()) else {
                break;
            };
            if self.heap[least].order() >= entry.order() {
                break;
            }
            self.settle(place, self.heap[least]);
            place = least;
        }
        self.settle(place, entry);
    }

    #[expect(clippy::cast_possible_truncation, reason = "there are at most 2^32 - 1 slots")]
    fn settle(&mut self, place: usize, entry: Entry) {
        self.heap[place] = entry;
        self.slots[entry.slot as usize].place = place as u32;
    }
}

#[cfg(test)]
mod tests;

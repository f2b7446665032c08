//! Who waits on which futex: futex(2), without words, locks and threads.
//!
//! The kernel keeps several [`FutexQueue`]s, each for the futexes that hash to it. A waiter is known
//! by its thread; `K` says which futex, `T` is what the kernel needs to wake it.

use alloc::vec::Vec;

use crate::error::ProcessError;
use crate::fallible::OUT_OF_MEMORY;

/// A thread that waits on a futex.
#[derive(Clone, Debug)]
pub struct FutexWaiter<K, T> {
    /// Which futex.
    pub key: K,
    /// Which wake-ups concern it.
    pub bitset: u32,
    /// The more urgent the lower; the most urgent is woken first, and of equals the first to come.
    pub rank: u8,
    /// What wakes it.
    pub thread: T,
}

/// Threads that wait, in the order in which they came.
#[derive(Debug)]
pub struct FutexQueue<K, T> {
    waiters: Vec<(u64, FutexWaiter<K, T>)>,
    next: u64,
}

impl<K: PartialEq + Copy, T> FutexQueue<K, T> {
    /// An empty queue.
    pub const fn new() -> Self {
        Self { waiters: Vec::new(), next: 0 }
    }

    /// Adds a waiter.
    ///
    /// # Errors
    /// [`ProcessError::ResourceExhausted`].
    pub fn wait(&mut self, waiter: FutexWaiter<K, T>) -> Result<(), ProcessError> {
        self.reserve(1)?;
        self.push(waiter);
        Ok(())
    }

    /// Makes room for waiters.
    ///
    /// # Errors
    /// [`ProcessError::ResourceExhausted`].
    pub fn reserve(&mut self, count: usize) -> Result<(), ProcessError> {
        self.waiters.try_reserve(count).map_err(|_| OUT_OF_MEMORY)
    }

    fn push(&mut self, waiter: FutexWaiter<K, T>) {
        self.waiters.push((self.next, waiter));
        self.next = self.next.wrapping_add(1);
    }

    /// The moment up to which waiters have come: for [`Self::wake`] in several steps.
    pub const fn now(&self) -> u64 {
        self.next
    }

    /// How many wait on this futex.
    pub fn waiting_on(&self, key: K) -> usize {
        self.waiters.iter().filter(|(_, waiter)| waiter.key == key).count()
    }

    /// Takes the waiter out that is to be woken next, of those that came before `until`.
    pub fn wake(&mut self, key: K, bitset: u32, until: u64) -> Option<T> {
        self.take(key, bitset, until).map(|waiter| waiter.thread)
    }

    fn take(&mut self, key: K, bitset: u32, until: u64) -> Option<FutexWaiter<K, T>> {
        let position = self
            .waiters
            .iter()
            .enumerate()
            .filter(|(_, (came, waiter))| {
                // The counter wraps: what came before is at most half of its range away.
                until.wrapping_sub(*came).wrapping_sub(1) < u64::MAX / 2
                    && waiter.key == key
                    && waiter.bitset & bitset != 0
            })
            .min_by_key(|(_, (_, waiter))| waiter.rank)?
            .0;
        Some(self.waiters.remove(position).1)
    }

    /// Has a waiter, the next to be woken, wait on another futex of the same queue. Says whether
    /// there was one.
    pub fn requeue(&mut self, from: K, to: K, until: u64) -> bool {
        let Some(mut waiter) = self.take(from, u32::MAX, until) else { return false };
        waiter.key = to;
        // It has just left a place.
        self.push(waiter);
        true
    }

    /// Has a waiter, the next to be woken, wait in another queue, which has room for it; `moved` is
    /// told of its thread. Says whether there was one.
    pub fn requeue_to(
        &mut self,
        from: K,
        other: &mut Self,
        to: K,
        until: u64,
        moved: impl FnOnce(&T),
    ) -> bool {
        let Some(mut waiter) = self.take(from, u32::MAX, until) else { return false };
        waiter.key = to;
        moved(&waiter.thread);
        other.push(waiter);
        true
    }

    /// Takes the waiter of a thread out, which no longer waits.
    pub fn leave(&mut self, is_it: impl Fn(&T) -> bool) -> Option<T> {
        let position = self.waiters.iter().position(|(_, waiter)| is_it(&waiter.thread))?;
        Some(self.waiters.remove(position).1.thread)
    }
}

impl<K: PartialEq + Copy, T> Default for FutexQueue<K, T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::{FutexQueue, FutexWaiter};

    fn waiter(key: u32, bitset: u32, rank: u8, thread: u32) -> FutexWaiter<u32, u32> {
        FutexWaiter { key, bitset, rank, thread }
    }

    /// Against a plain list: the most urgent first, of equals the first to come.
    #[test]
    fn wakes_in_order_of_rank_then_arrival() {
        let mut seed = 0x1234_5678_u32;
        let mut random = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) % below
        };
        let mut queue = FutexQueue::new();
        let mut model: Vec<FutexWaiter<u32, u32>> = Vec::new();
        for step in 0..20_000 {
            let key = random(3);
            match random(4) {
                0 | 1 => {
                    let bitset = 1 << random(3);
                    let rank = u8::try_from(random(3)).unwrap_or(0);
                    let new = waiter(key, bitset, rank, step);
                    model.push(new.clone());
                    queue.wait(new).unwrap();
                }
                2 => {
                    let bitset = 1 << random(3) | 1;
                    let woken = queue.wake(key, bitset, queue.now());
                    let fits = |w: &FutexWaiter<u32, u32>| w.key == key && w.bitset & bitset != 0;
                    let least = model.iter().filter(|w| fits(w)).map(|w| w.rank).min();
                    let expected =
                        least.and_then(|rank| model.iter().position(|w| fits(w) && w.rank == rank));
                    assert_eq!(woken, expected.map(|at| model.remove(at).thread));
                }
                _ => {
                    let to = random(3);
                    let did = queue.requeue(key, to, queue.now());
                    let least = model.iter().filter(|w| w.key == key).map(|w| w.rank).min();
                    let at = least
                        .and_then(|rank| model.iter().position(|w| w.key == key && w.rank == rank));
                    assert_eq!(did, at.is_some());
                    if let Some(at) = at {
                        let mut moved = model.remove(at);
                        moved.key = to;
                        model.push(moved);
                    }
                }
            }
            assert_eq!(queue.waiting_on(key), model.iter().filter(|w| w.key == key).count());
        }
    }

    #[test]
    fn a_wake_in_steps_leaves_those_that_came_later() {
        let mut queue = FutexQueue::new();
        queue.wait(waiter(1, 1, 0, 1)).unwrap();
        let until = queue.now();
        queue.wait(waiter(1, 1, 0, 2)).unwrap();
        assert_eq!(queue.wake(1, u32::MAX, until), Some(1));
        assert_eq!(queue.wake(1, u32::MAX, until), None);
        assert_eq!(queue.wake(1, u32::MAX, queue.now()), Some(2));
    }

    #[test]
    fn leaving_and_moving_to_another_queue() {
        let mut queue = FutexQueue::new();
        let mut other = FutexQueue::new();
        queue.wait(waiter(1, 1, 0, 1)).unwrap();
        queue.wait(waiter(1, 1, 0, 2)).unwrap();
        assert_eq!(queue.leave(|thread| *thread == 1), Some(1));
        assert_eq!(queue.leave(|thread| *thread == 1), None);
        let mut moved = 0;
        assert!(queue.requeue_to(1, &mut other, 9, queue.now(), |thread| moved = *thread));
        assert_eq!(moved, 2);
        assert_eq!(other.wake(9, u32::MAX, other.now()), Some(2));
        assert!(!queue.requeue_to(1, &mut other, 9, queue.now(), |_| {}));
    }
}

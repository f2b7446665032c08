//! A bounded queue for any number of producers and consumers, without locks or allocation.
//!
//! It hands work from interrupt handlers to threads and from CPU to CPU. Each slot counts its turns,
//! two a lap: even means "to be filled in lap turn / 2", odd "to be emptied". Whoever moves `tail`
//! or `head` past a slot owns it until it advances the slot's turn. (The idea is Dmitry Vyukov's
//! bounded MPMC queue.)
//!
//! A producer that is interrupted between the two steps blocks nobody: later producers take later
//! slots, and consumers see an empty queue until it has gone on. Hence the rule for wake-ups: each
//! producer wakes the consumer after its own push; then no element is left behind.

use core::fmt;
use core::mem::MaybeUninit;

use crate::CachePadded;
use crate::primitives::atomic::{AtomicUsize, Ordering};
use crate::primitives::{UnsafeCell, constructor};

struct Slot<T> {
    turn: AtomicUsize,
    value: UnsafeCell<MaybeUninit<T>>,
}

impl<T> Slot<T> {
    constructor! {
        fn new() -> Self {
            Self { turn: AtomicUsize::new(0), value: UnsafeCell::new(MaybeUninit::uninit()) }
        }
    }
}

/// A first-in, first-out queue of at most `N` elements; `N` is a power of two.
pub struct Queue<T, const N: usize> {
    /// Position of the next push. Positions only grow.
    tail: CachePadded<AtomicUsize>,
    /// Position of the next pop.
    head: CachePadded<AtomicUsize>,
    slots: [Slot<T>; N],
}

// SAFETY: an element is moved in by one thread and out by one other, never shared; the turns give
// each slot one owner at a time.
unsafe impl<T: Send, const N: usize> Sync for Queue<T, N> {}
// SAFETY: as above; the queue owns its elements.
unsafe impl<T: Send, const N: usize> Send for Queue<T, N> {}

impl<T, const N: usize> Queue<T, N> {
    const SIZE_IS_VALID: () = assert!(N.is_power_of_two());

    #[cfg(not(loom))]
    /// An empty queue.
    #[must_use]
    pub const fn new() -> Self {
        let () = Self::SIZE_IS_VALID;
        Self {
            tail: CachePadded::new(AtomicUsize::new(0)),
            head: CachePadded::new(AtomicUsize::new(0)),
            slots: [const { Slot::new() }; N],
        }
    }

    #[cfg(loom)]
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        let () = Self::SIZE_IS_VALID;
        Self {
            tail: CachePadded::new(AtomicUsize::new(0)),
            head: CachePadded::new(AtomicUsize::new(0)),
            slots: core::array::from_fn(|_| Slot::new()),
        }
    }

    /// Appends the value; allowed in interrupt handlers.
    ///
    /// # Errors
    /// Gives the value back when the queue is full.
    pub fn push(&self, value: T) -> Result<(), T> {
        // Relaxed: only a guess; the slot's turn decides.
        let mut position = self.tail.load(Ordering::Relaxed);
        loop {
            let slot = &self.slots[position % N];
            let filling = position / N * 2;
            // Acquire: partner of the Release in `pop`; the slot's last element has been moved out.
            let turn = slot.turn.load(Ordering::Acquire);
            if turn < filling {
                return Err(value);
            }
            if turn > filling {
                // Relaxed: a guess again.
                position = self.tail.load(Ordering::Relaxed);
                continue;
            }
            // Relaxed: what is published is published by the slot's turn.
            match self.tail.compare_exchange_weak(
                position,
                position + 1,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    slot.value.with_mut(|place| {
                        // SAFETY: moving `tail` past an empty slot made this call its only owner.
                        unsafe { place.write(MaybeUninit::new(value)) };
                    });
                    // Release: partner of the Acquire in `pop`; hands the element over.
                    slot.turn.store(filling + 1, Ordering::Release);
                    return Ok(());
                }
                Err(current) => position = current,
            }
        }
    }

    /// Takes the oldest element, if there is one.
    pub fn pop(&self) -> Option<T> {
        // Relaxed: only a guess; the slot's turn decides.
        let mut position = self.head.load(Ordering::Relaxed);
        loop {
            let slot = &self.slots[position % N];
            let emptying = position / N * 2 + 1;
            // Acquire: partner of the Release in `push`; makes the element visible.
            let turn = slot.turn.load(Ordering::Acquire);
            if turn < emptying {
                return None;
            }
            if turn > emptying {
                // Relaxed: a guess again.
                position = self.head.load(Ordering::Relaxed);
                continue;
            }
            // Relaxed: what is published is published by the slot's turn.
            match self.head.compare_exchange_weak(
                position,
                position + 1,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    let value = slot.value.with_mut(|place| {
                        // SAFETY: the turn says that the slot is filled, and moving `head` past it
                        // made this call its only owner.
                        unsafe { place.cast::<T>().read() }
                    });
                    // Release: partner of the Acquire in `push`; the slot is empty now.
                    slot.turn.store(emptying + 1, Ordering::Release);
                    return Some(value);
                }
                Err(current) => position = current,
            }
        }
    }
}

impl<T, const N: usize> Default for Queue<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> Drop for Queue<T, N> {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

impl<T, const N: usize> fmt::Debug for Queue<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("capacity", &N).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

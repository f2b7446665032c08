//! A map from small numbers to values that never moves what it holds.
//!
//! A radix tree of fixed depth: look-up, "the next after" and "the first free from" take the same
//! few steps whatever the map holds, an insertion allocates at most one node a level and tells
//! when memory is short, and no growth ever copies the whole map (a hash table's or a vector's
//! would, under a lock). A B-tree of the library cannot report failed allocations.

use alloc::vec::Vec;

use crate::error::ProcessError;
use crate::fallible::OUT_OF_MEMORY;

const BITS: u32 = 5;
const FANOUT: u32 = 1 << BITS;
const LEVELS: u32 = 5;
/// Keys are below this.
pub(crate) const KEY_LIMIT: u32 = 1 << (BITS * LEVELS);

/// The map.
pub(crate) struct IdMap<T> {
    root: Node<T>,
    len: usize,
}

struct Node<T> {
    /// A bit for each slot below which there is a value.
    used: u32,
    /// A bit for each slot below which there is no room.
    full: u32,
    slots: Slots<T>,
}

enum Slots<T> {
    Leaf(Vec<Option<T>>),
    Branch(Vec<Option<Node<T>>>),
}

fn empty_slots<S>() -> Result<Vec<Option<S>>, ProcessError> {
    let mut slots = Vec::new();
    slots.try_reserve_exact(FANOUT as usize).map_err(|_| OUT_OF_MEMORY)?;
    slots.resize_with(FANOUT as usize, || None);
    Ok(slots)
}

fn slot_of(key: u32, level: u32) -> u32 {
    (key >> (BITS * level)) % FANOUT
}

/// The bits of the slots after this one.
fn after(slot: u32) -> u32 {
    u32::MAX.checked_shl(slot + 1).unwrap_or(0)
}

impl<T> Node<T> {
    fn new(level: u32) -> Result<Self, ProcessError> {
        let slots =
            if level == 0 { Slots::Leaf(empty_slots()?) } else { Slots::Branch(empty_slots()?) };
        Ok(Self { used: 0, full: 0, slots })
    }

    fn insert(&mut self, level: u32, key: u32, value: T) -> Result<Option<T>, ProcessError> {
        let slot = slot_of(key, level);
        let (previous, child_full) = match &mut self.slots {
            Slots::Leaf(values) => (values[slot as usize].replace(value), true),
            Slots::Branch(children) => {
                if children[slot as usize].is_none() {
                    children[slot as usize] = Some(Self::new(level - 1)?);
                }
                let Some(child) = &mut children[slot as usize] else { return Err(OUT_OF_MEMORY) };
                let previous = child.insert(level - 1, key, value)?;
                (previous, child.full == u32::MAX)
            }
        };
        self.used |= 1 << slot;
        if child_full {
            self.full |= 1 << slot;
        }
        Ok(previous)
    }

    fn remove(&mut self, level: u32, key: u32) -> Option<T> {
        let slot = slot_of(key, level);
        let removed = match &mut self.slots {
            Slots::Leaf(values) => {
                let removed = values[slot as usize].take()?;
                self.used &= !(1 << slot);
                removed
            }
            Slots::Branch(children) => {
                let child = children[slot as usize].as_mut()?;
                let removed = child.remove(level - 1, key)?;
                if child.used == 0 {
                    children[slot as usize] = None;
                    self.used &= !(1 << slot);
                }
                removed
            }
        };
        self.full &= !(1 << slot);
        Some(removed)
    }

    /// The first value at `from` or after, `from` counted from this node's first key.
    fn next(&self, level: u32, from: u32, base: u32) -> Option<(u32, &T)> {
        let slot = slot_of(from, level);
        if self.used & (1 << slot) != 0
            && let Some(found) = self.next_in(level, slot, from, base)
        {
            return Some(found);
        }
        let later = self.used & after(slot);
        if later == 0 {
            return None;
        }
        self.next_in(level, later.trailing_zeros(), 0, base)
    }

    fn next_in(&self, level: u32, slot: u32, from: u32, base: u32) -> Option<(u32, &T)> {
        let base = base | (slot << (BITS * level));
        match &self.slots {
            Slots::Leaf(values) => values[slot as usize].as_ref().map(|value| (base, value)),
            Slots::Branch(children) => {
                children[slot as usize].as_ref()?.next(level - 1, from, base)
            }
        }
    }

    /// The first key at `from` or after that holds nothing.
    fn free(&self, level: u32, from: u32, base: u32) -> Option<u32> {
        let slot = slot_of(from, level);
        if self.full & (1 << slot) == 0
            && let Some(found) = self.free_in(level, slot, from, base)
        {
            return Some(found);
        }
        let later = !self.full & after(slot);
        if later == 0 {
            return None;
        }
        self.free_in(level, later.trailing_zeros(), 0, base)
    }

    fn free_in(&self, level: u32, slot: u32, from: u32, base: u32) -> Option<u32> {
        let base = base | (slot << (BITS * level));
        match &self.slots {
            Slots::Leaf(_) => Some(base),
            Slots::Branch(children) => match &children[slot as usize] {
                Some(child) => child.free(level - 1, from, base),
                None => Some(base | (from & ((1 << (BITS * level)) - 1))),
            },
        }
    }
}

impl<T> IdMap<T> {
    /// An empty map.
    pub(crate) fn new() -> Result<Self, ProcessError> {
        Ok(Self { root: Node::new(LEVELS - 1)?, len: 0 })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, key: u32) -> Option<&T> {
        if key >= KEY_LIMIT {
            return None;
        }
        let mut node = &self.root;
        let mut level = LEVELS - 1;
        loop {
            let slot = slot_of(key, level);
            match &node.slots {
                Slots::Leaf(values) => return values[slot as usize].as_ref(),
                Slots::Branch(children) => node = children[slot as usize].as_ref()?,
            }
            level -= 1;
        }
    }

    pub(crate) fn get_mut(&mut self, key: u32) -> Option<&mut T> {
        if key >= KEY_LIMIT {
            return None;
        }
        let mut node = &mut self.root;
        let mut level = LEVELS - 1;
        loop {
            let slot = slot_of(key, level);
            match &mut node.slots {
                Slots::Leaf(values) => return values[slot as usize].as_mut(),
                Slots::Branch(children) => node = children[slot as usize].as_mut()?,
            }
            level -= 1;
        }
    }

    /// Puts a value at a key, and answers the one that was there.
    ///
    /// A failure leaves the map as it was (but for empty nodes, which the next insertion uses).
    pub(crate) fn insert(&mut self, key: u32, value: T) -> Result<Option<T>, ProcessError> {
        if key >= KEY_LIMIT {
            return Err(ProcessError::InvalidPid { value: i64::from(key) });
        }
        let previous = self.root.insert(LEVELS - 1, key, value)?;
        if previous.is_none() {
            self.len += 1;
        }
        Ok(previous)
    }

    pub(crate) fn remove(&mut self, key: u32) -> Option<T> {
        if key >= KEY_LIMIT {
            return None;
        }
        let removed = self.root.remove(LEVELS - 1, key)?;
        self.len -= 1;
        Some(removed)
    }

    /// The entry with the smallest key that is not below `from`.
    pub(crate) fn next_from(&self, from: u32) -> Option<(u32, &T)> {
        if from >= KEY_LIMIT { None } else { self.root.next(LEVELS - 1, from, 0) }
    }

    /// The smallest key not below `from` that holds nothing.
    pub(crate) fn free_from(&self, from: u32) -> Option<u32> {
        if from >= KEY_LIMIT { None } else { self.root.free(LEVELS - 1, from, 0) }
    }
}

#[cfg(test)]
mod tests;

//! Where a run queue keeps its tasks: [`Slab`], slots that are allocated ahead and reused.
//!
//! A slot holds the task, its tree node and its list link; a task keeps its slot from `enqueue`
//! until it leaves the queue, running or waiting, so its [`Key`] stays valid in between. A slot is
//! about 90 bytes. Growing happens by [`Storage`], which is allocated without the run queue's lock.

use alloc::vec::Vec;

use crate::{
    entity::{Entity, Inner, OutOfMemory},
    list::Link,
    tree::{NONE, Node},
};

/// Names a task in one run queue, from `enqueue` until it leaves that queue. Stale keys are
/// recognised, so a key may be kept (and used late) without harm.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Key {
    pub(crate) slot: u32,
    generation: u32,
}

impl Key {
    /// The key as a number, to be kept in an atomic.
    #[must_use]
    pub fn to_bits(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.slot)
    }

    /// The key that [`Key::to_bits`] made.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the halves that to_bits joined")]
    pub const fn from_bits(bits: u64) -> Self {
        Self { slot: bits as u32, generation: (bits >> 32) as u32 }
    }
}

/// Room for the tasks of a run queue, allocated outside of its lock; see `RunQueue::grow`.
#[derive(Debug)]
pub struct Storage<T> {
    slots: Vec<Slot<T>>,
    nodes: Vec<Node>,
    links: Vec<Link>,
}

#[derive(Debug)]
struct Slot<T> {
    entity: Option<Entity<T>>,
    generation: u32,
    next_free: u32,
}

#[derive(Debug)]
pub(crate) struct Slab<T> {
    storage: Storage<T>,
    first_free: u32,
    len: usize,
}

impl<T> Storage<T> {
    /// No room; allocates nothing.
    #[must_use]
    pub const fn empty() -> Self {
        Self { slots: Vec::new(), nodes: Vec::new(), links: Vec::new() }
    }

    /// Room for `tasks` tasks.
    ///
    /// # Errors
    /// [`OutOfMemory`] if there is no memory for it.
    pub fn with_capacity(tasks: usize) -> Result<Self, OutOfMemory> {
        if u32::try_from(tasks).map_or(true, |tasks| tasks == NONE) {
            return Err(OutOfMemory);
        }
        let mut storage = Self::empty();
        storage.slots.try_reserve_exact(tasks).map_err(|_| OutOfMemory)?;
        storage.nodes.try_reserve_exact(tasks).map_err(|_| OutOfMemory)?;
        storage.links.try_reserve_exact(tasks).map_err(|_| OutOfMemory)?;
        Ok(storage)
    }

    /// How many tasks have room.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.slots.capacity().min(self.nodes.capacity()).min(self.links.capacity())
    }
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self { storage: Storage::empty(), first_free: NONE, len: 0 }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.storage.capacity()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.first_free != NONE || self.storage.slots.len() < self.capacity()
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Moves into `larger` if it is larger; returns what is left over, to be freed by the caller.
    pub(crate) fn grow(&mut self, mut larger: Storage<T>) -> Storage<T> {
        if larger.capacity() <= self.capacity() {
            return larger;
        }
        larger.slots.append(&mut self.storage.slots);
        larger.nodes.append(&mut self.storage.nodes);
        larger.links.append(&mut self.storage.links);
        core::mem::replace(&mut self.storage, larger)
    }

    /// Puts `entity` into a free slot.
    ///
    /// # Errors
    /// Gives it back if there is none.
    pub(crate) fn insert(&mut self, entity: Entity<T>) -> Result<u32, Entity<T>> {
        let at = self.first_free;
        if let Some(slot) = self.storage.slots.get_mut(at as usize) {
            self.first_free = slot.next_free;
            slot.entity = Some(entity);
            self.len += 1;
            return Ok(at);
        }
        let used = self.storage.slots.len();
        let Ok(at) = u32::try_from(used) else { return Err(entity) };
        if used >= self.capacity() {
            return Err(entity);
        }
        self.storage.slots.push(Slot { entity: Some(entity), generation: 0, next_free: NONE });
        self.storage.nodes.push(Node::new());
        self.storage.links.push(Link::new());
        self.len += 1;
        Ok(at)
    }

    /// Takes the task out of slot `at`, whose keys become stale.
    pub(crate) fn remove(&mut self, at: u32) -> Option<Entity<T>> {
        let slot = self.storage.slots.get_mut(at as usize)?;
        let entity = slot.entity.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        slot.next_free = self.first_free;
        self.first_free = at;
        self.len -= 1;
        Some(entity)
    }

    pub(crate) fn key(&self, at: u32) -> Key {
        Key { slot: at, generation: self.storage.slots[at as usize].generation }
    }

    /// The slot that `key` names, if its task is still there.
    pub(crate) fn find(&self, key: Key) -> Option<u32> {
        let slot = self.storage.slots.get(key.slot as usize)?;
        (slot.entity.is_some() && slot.generation == key.generation).then_some(key.slot)
    }

    pub(crate) fn entity(&self, at: u32) -> Option<&Entity<T>> {
        self.storage.slots.get(at as usize)?.entity.as_ref()
    }

    pub(crate) fn entity_mut(&mut self, at: u32) -> Option<&mut Entity<T>> {
        self.storage.slots.get_mut(at as usize)?.entity.as_mut()
    }

    pub(crate) fn state(&self, at: u32) -> Option<&Inner> {
        self.entity(at).map(|entity| entity.state.inner())
    }

    pub(crate) fn state_mut(&mut self, at: u32) -> Option<&mut Inner> {
        let entity = self.storage.slots.get_mut(at as usize)?.entity.as_mut()?;
        Some(entity.state.inner_mut())
    }

    pub(crate) fn node(&self, at: u32) -> &Node {
        &self.storage.nodes[at as usize]
    }

    pub(crate) fn node_mut(&mut self, at: u32) -> &mut Node {
        &mut self.storage.nodes[at as usize]
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        &self.storage.nodes
    }

    pub(crate) fn nodes_mut(&mut self) -> &mut [Node] {
        &mut self.storage.nodes
    }

    pub(crate) fn links(&self) -> &[Link] {
        &self.storage.links
    }

    pub(crate) fn links_mut(&mut self) -> &mut [Link] {
        &mut self.storage.links
    }
}

//! Where inodes live: chunks that never move, found by index, guarded by a generation.

use alloc::vec::Vec;

use crate::error::FileError;

const CHUNK: usize = 64;

/// An inode's name within its file system. One that outlives its inode finds nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct InodeId {
    index: u32,
    generation: u32,
}

impl InodeId {
    /// A name that never finds anything.
    pub(super) const NONE: Self = Self { index: u32::MAX, generation: 0 };

    /// The number that programs see; never 0.
    pub fn number(self) -> u64 {
        (u64::from(self.generation) << 32 | u64::from(self.index)) + 1
    }
}

struct Slot<T> {
    generation: u32,
    value: Option<T>,
    next_free: Option<u32>,
}

pub(super) struct Slab<T> {
    chunks: Vec<Vec<Slot<T>>>,
    first_free: Option<u32>,
    len: usize,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), first_free: None, len: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    fn slot(&self, index: u32) -> Option<&Slot<T>> {
        let index = index as usize;
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }

    fn slot_mut(&mut self, index: u32) -> Option<&mut Slot<T>> {
        let index = index as usize;
        self.chunks.get_mut(index / CHUNK)?.get_mut(index % CHUNK)
    }

    pub(super) fn get(&self, id: InodeId) -> Option<&T> {
        let slot = self.slot(id.index)?;
        if slot.generation == id.generation { slot.value.as_ref() } else { None }
    }

    pub(super) fn get_mut(&mut self, id: InodeId) -> Option<&mut T> {
        let slot = self.slot_mut(id.index)?;
        if slot.generation == id.generation { slot.value.as_mut() } else { None }
    }

    pub(super) fn insert(&mut self, value: T) -> Result<InodeId, FileError> {
        let index = match self.first_free {
            Some(index) => index,
            None => self.grow()?,
        };
        let slot = self.slot_mut(index).ok_or(FileError::OutOfMemory)?;
        slot.value = Some(value);
        let generation = slot.generation;
        self.first_free = slot.next_free.take();
        self.len += 1;
        Ok(InodeId { index, generation })
    }

    /// Adds one slot, in a new chunk if the last is full, and answers its index.
    fn grow(&mut self) -> Result<u32, FileError> {
        let out_of_memory = |_| FileError::OutOfMemory;
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            let mut chunk = Vec::new();
            chunk.try_reserve_exact(CHUNK).map_err(out_of_memory)?;
            self.chunks.try_reserve(1).map_err(out_of_memory)?;
            self.chunks.push(chunk);
        }
        let full_chunks = self.chunks.len() - 1;
        let Some(chunk) = self.chunks.last_mut() else { return Err(FileError::OutOfMemory) };
        let index = full_chunks * CHUNK + chunk.len();
        let index = u32::try_from(index).map_err(|_| FileError::NoSpace)?;
        chunk.push(Slot { generation: 0, value: None, next_free: None });
        Ok(index)
    }

    pub(super) fn remove(&mut self, id: InodeId) -> Option<T> {
        self.get(id)?;
        let first_free = self.first_free;
        let slot = self.slot_mut(id.index)?;
        slot.generation = slot.generation.wrapping_add(1);
        slot.next_free = first_free;
        let value = slot.value.take();
        self.first_free = Some(id.index);
        self.len -= 1;
        value
    }
}

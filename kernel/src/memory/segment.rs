//! Taking a shared segment out of a process's memory: shmdt(2).

use alloc::sync::Arc;

use vm_core::address_space::{Area, Error};

use super::object::{Object, SharedMemory};
use super::space::UserSpace;

/// The segment that an area shows as one attached at `address` would, whatever is left of it.
fn attached_at(area: &Area<Object>, address: u64) -> Option<&Arc<SharedMemory>> {
    let backing = area.kind.backing()?;
    match &backing.file {
        Object::Memory(memory) if memory.is_segment() => {
            let start = area.range.start().checked_sub(backing.offset)?;
            (start == address).then_some(memory)
        }
        _ => None,
    }
}

impl UserSpace {
    /// Takes away what is left of the segment that was attached at an address; gives its memory, or
    /// none if there is no such segment.
    ///
    /// # Errors
    /// The map's.
    pub fn detach_segment(&self, address: u64) -> Result<Option<Arc<SharedMemory>>, Error> {
        let mut detached: Option<Arc<SharedMemory>> = None;
        loop {
            let found = {
                let map = self.map_locked();
                map.areas().find_map(|area| {
                    let memory = attached_at(area, address)?;
                    let is_it = detached.as_ref().is_none_or(|known| Arc::ptr_eq(known, memory));
                    is_it.then(|| (area.range, Arc::clone(memory)))
                })
            };
            let Some((range, memory)) = found else { return Ok(detached) };
            self.unmap(range.start(), range.bytes())?;
            detached = Some(memory);
        }
    }
}

//! The items of an epoll, found by descriptor.

use alloc::sync::Arc;
use alloc::vec::Vec;

use linux_abi::Errno;

use super::Item;
use crate::fs::OpenFile;

/// The most items whose number stands for another file by now: their files live on under other
/// numbers.
const MOST_OTHERS: usize = 4096;

/// A table by descriptor: those are small and dense.
#[derive(Default)]
pub(super) struct Items {
    slots: Vec<Option<Arc<Item>>>,
    /// Whose slot is taken by another file.
    others: Vec<Arc<Item>>,
    count: usize,
}

impl Items {
    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn find(&self, fd: u32, file: &Arc<OpenFile>) -> Option<Arc<Item>> {
        let slot = usize::try_from(fd).ok().and_then(|index| self.slots.get(index));
        let in_slot = slot.and_then(Option::as_ref).filter(|item| item.is_for(fd, file));
        in_slot.or_else(|| self.others.iter().find(|item| item.is_for(fd, file))).cloned()
    }

    pub(super) fn insert(&mut self, item: &Arc<Item>) -> Result<(), Errno> {
        let index = usize::try_from(item.fd).map_err(|_| Errno::EBADF)?;
        if index >= self.slots.len() {
            let more = index + 1 - self.slots.len();
            self.slots.try_reserve(more).map_err(|_| Errno::ENOMEM)?;
            self.slots.resize_with(index + 1, || None);
        }
        match self.slots.get_mut(index) {
            Some(slot) if slot.is_none() => *slot = Some(Arc::clone(item)),
            _ => {
                if self.others.len() >= MOST_OTHERS {
                    return Err(Errno::ENOSPC);
                }
                self.others.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
                self.others.push(Arc::clone(item));
            }
        }
        self.count += 1;
        Ok(())
    }

    /// Gives back the table's own reference, to be dropped without the lock.
    pub(super) fn remove(&mut self, item: &Arc<Item>) -> Option<Arc<Item>> {
        let slot = usize::try_from(item.fd).ok().and_then(|index| self.slots.get_mut(index));
        let in_slot = slot.and_then(|slot| slot.take_if(|known| Arc::ptr_eq(known, item)));
        let removed = in_slot.or_else(|| {
            let at = self.others.iter().position(|known| Arc::ptr_eq(known, item))?;
            Some(self.others.swap_remove(at))
        });
        if removed.is_some() {
            self.count -= 1;
        }
        removed
    }

    pub(super) fn for_each(self, mut f: impl FnMut(Arc<Item>)) {
        for item in self.slots.into_iter().flatten().chain(self.others) {
            f(item);
        }
    }
}

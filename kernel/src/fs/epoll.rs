//! epoll(7): interest in many files, and a list of those that have become ready, so that a wait
//! costs what is ready and not what is watched.
//!
//! An [`Item`] stands for one file in one epoll. It is on the file's watch list; when the file tells
//! of a change the item enters the epoll's list of what may be ready. A wait takes items off that
//! list, asks their files, and puts those that are to be told of again (level) back at its end.

mod items;
mod nesting;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use hal::interrupts::SpinLock;
use linux_abi::Errno;
use vfs_core::{FileKind, Metadata};

use super::file::{File, Transfer, nameless};
use super::{OpenFile, Readiness, Turn, WatchId, WatchList, Watcher};
use crate::levels;
use items::Items;

/// What is asked for beside readiness; the bits of `EPOLL*`.
pub mod flags {
    /// Only one of several epolls that watch the same file hears of it.
    pub const EXCLUSIVE: u32 = 1 << 28;
    /// Without effect: nothing here goes to sleep.
    pub const WAKEUP: u32 = 1 << 29;
    /// Once, until it is asked for again.
    pub const ONE_SHOT: u32 = 1 << 30;
    /// When it changes, not while it is so.
    pub const EDGE: u32 = 1 << 31;
}

/// What one waits for with a file, and what one is told then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// Readiness in the lower half, [`flags`] in the upper one.
    pub events: u32,
    /// The program's own.
    pub data: u64,
}

impl Interest {
    fn readiness(self) -> Readiness {
        #[expect(clippy::cast_possible_truncation, reason = "readiness is the lower half")]
        let bits = Readiness::from_bits(self.events as u16);
        bits | Readiness::ALWAYS
    }

    const fn has(self, flag: u32) -> bool {
        self.events & flag != 0
    }
}

/// An epoll.
#[derive(Debug)]
pub struct Epoll(Arc<Shared>);

/// What an epoll and its items share.
struct Shared {
    state: SpinLock<State>,
    /// Threads that wait, and epolls and polls that watch this one.
    watchers: WatchList,
}

impl core::fmt::Debug for Shared {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Epoll")
    }
}

#[derive(Default)]
struct State {
    items: Items,
    /// Items whose files may be ready. There is always room for all items.
    ready: VecDeque<Arc<Item>>,
    /// Epolls that this one watches, and those that watch this one: see `nesting`.
    below: Vec<Weak<Shared>>,
    above: Vec<Weak<Shared>>,
}

/// A file in an epoll, under the number that it had.
struct Item {
    epoll: Weak<Shared>,
    fd: u32,
    file: Weak<OpenFile>,
    cell: SpinLock<Cell>,
}

/// What changes of an item. Its lock may be taken under the epoll's.
struct Cell {
    interest: Interest,
    /// It is in the list of what may be ready.
    is_queued: bool,
    /// One-shot, and told of.
    is_spent: bool,
    /// It has been taken out.
    is_gone: bool,
    watch: Option<WatchId>,
}

/// Something that was waited for.
pub type Told = Interest;

impl Item {
    fn is_for(&self, fd: u32, file: &Arc<OpenFile>) -> bool {
        self.fd == fd && core::ptr::eq(self.file.as_ptr(), Arc::as_ptr(file))
    }

    /// Ends the watching; `file` is what it watches, if that is still there.
    fn detach(&self, file: Option<&OpenFile>) {
        let watch = {
            let mut cell = self.cell.lock();
            cell.is_gone = true;
            cell.watch.take()
        };
        if let (Some(id), Some(list)) = (watch, file.and_then(|file| file.file().watch_list())) {
            list.remove(id);
        }
    }

    /// Puts it into the list of what may be ready, unless it is there. With the epoll's lock held.
    fn enqueue(self: &Arc<Self>, state: &mut State) {
        let mut cell = self.cell.lock();
        if !cell.is_gone && !cell.is_spent && !cell.is_queued {
            cell.is_queued = true;
            state.ready.push_back(Arc::clone(self));
        }
    }

    /// Takes it out of its epoll, because its file is closed. The caller is the file's end.
    fn file_closed(self: &Arc<Self>, file: &OpenFile) {
        self.detach(Some(file));
        if let Some(epoll) = self.epoll.upgrade() {
            epoll.forget(self);
        }
    }
}

impl Watcher for Item {
    fn changed(self: Arc<Self>, _ready: Readiness) -> bool {
        let Some(epoll) = self.epoll.upgrade() else { return false };
        self.enqueue(&mut epoll.state.lock());
        let has_waiters = epoll.watchers.is_watched();
        epoll.watchers.notify(Readiness::IN);
        has_waiters
    }
}

/// What epolls an open file is in; they are told when it is closed.
#[derive(Default)]
pub(super) struct EpollLinks(Vec<Weak<Item>>);

impl EpollLinks {
    fn add(&mut self, item: &Arc<Item>) -> Result<(), Errno> {
        // Epolls that are gone leave their links behind until the next one comes.
        if self.0.len() == self.0.capacity() {
            self.0.retain(|link| link.strong_count() > 0);
        }
        self.0.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        self.0.push(Arc::downgrade(item));
        Ok(())
    }

    fn remove(&mut self, item: &Arc<Item>) {
        self.0.retain(|link| !core::ptr::eq(link.as_ptr(), Arc::as_ptr(item)));
    }

    /// The file is closed.
    pub(super) fn close(self, file: &OpenFile) {
        for item in self.0.iter().filter_map(Weak::upgrade) {
            item.file_closed(file);
        }
    }
}

impl core::fmt::Debug for EpollLinks {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} epolls", self.0.len())
    }
}

impl Shared {
    /// Removes an item from all lists.
    fn forget(&self, item: &Arc<Item>) {
        let removed = {
            let mut state = self.state.lock();
            let was_queued = core::mem::take(&mut item.cell.lock().is_queued);
            if was_queued {
                state.ready.retain(|queued| !Arc::ptr_eq(queued, item));
            }
            state.items.remove(item)
        };
        // Not under the lock; nor is it the last that the caller has.
        drop(removed);
    }

    /// Takes the first item that may be ready; from then on changes of its file enter it again.
    fn take_ready(&self) -> Option<Arc<Item>> {
        let mut state = self.state.lock();
        let item = state.ready.pop_front()?;
        item.cell.lock().is_queued = false;
        Some(item)
    }
}

impl Epoll {
    /// One that watches nothing.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            state: SpinLock::new(levels::FILES, "epoll", State::default()),
            watchers: WatchList::new(),
        }))
    }

    /// Begins to watch a file: EPOLL_CTL_ADD.
    ///
    /// # Errors
    /// EEXIST, EPERM for files that never make one wait, ELOOP for epolls that would watch each other
    /// or too deep, EINVAL, ENOMEM.
    pub fn add(&self, fd: u32, file: &Arc<OpenFile>, interest: Interest) -> Result<(), Errno> {
        let list = file.file().watch_list().ok_or(Errno::EPERM)?;
        let nested = file.downcast::<Self>();
        if interest.has(flags::EXCLUSIVE) {
            let with_it = 0x1f & !u32::from(Readiness::PRI.bits());
            let with_it = with_it | flags::EXCLUSIVE | flags::WAKEUP | flags::EDGE;
            if nested.is_some() || interest.events & !with_it != 0 {
                return Err(Errno::EINVAL);
            }
        }
        if self.0.state.lock().items.find(fd, file).is_some() {
            return Err(Errno::EEXIST);
        }
        let nesting = match nested {
            Some(inner) => Some(nesting::connect(&self.0, &inner.0)?),
            None => None,
        };
        let cell =
            Cell { interest, is_queued: false, is_spent: false, is_gone: false, watch: None };
        let item = Arc::new(Item {
            epoll: Arc::downgrade(&self.0),
            fd,
            file: Arc::downgrade(file),
            cell: SpinLock::new(levels::FILES_INNER, "epoll item", cell),
        });
        {
            let mut state = self.0.state.lock();
            if state.items.find(fd, file).is_some() {
                return Err(Errno::EEXIST);
            }
            let room = state.items.len().saturating_add(1).saturating_sub(state.ready.len());
            state.ready.try_reserve(room).map_err(|_| Errno::ENOMEM)?;
            state.items.insert(&item)?;
        }
        if let Err(error) = self.start(&item, file, list, interest) {
            item.detach(Some(file));
            self.0.forget(&item);
            return Err(error);
        }
        if let Some(nesting) = nesting {
            nesting.keep();
        }
        Ok(())
    }

    /// Puts an item onto its file's lists.
    fn start(
        &self,
        item: &Arc<Item>,
        file: &Arc<OpenFile>,
        list: &WatchList,
        interest: Interest,
    ) -> Result<(), Errno> {
        file.epolls().lock().add(item)?;
        let turn = if interest.has(flags::EXCLUSIVE) { Turn::OneOfMany } else { Turn::Everyone };
        let watcher = Arc::clone(item) as Arc<dyn Watcher>;
        let id = list.add(watcher, interest.readiness().without_normal(), turn)?;
        let is_gone = {
            let mut cell = item.cell.lock();
            cell.watch = Some(id);
            cell.is_gone
        };
        // Another thread may have taken it out again meanwhile.
        if is_gone {
            item.detach(Some(file));
        }
        self.look(item, file, interest);
        Ok(())
    }

    /// If the file is ready already, the item is as if it had just become so.
    fn look(&self, item: &Arc<Item>, file: &OpenFile, interest: Interest) {
        let ready = file.file().readiness().with_normal();
        if ready.intersects(interest.readiness()) {
            item.enqueue(&mut self.0.state.lock());
            self.0.watchers.notify(Readiness::IN);
        }
    }

    /// Changes what is waited for: EPOLL_CTL_MOD.
    ///
    /// # Errors
    /// ENOENT; EINVAL for an exclusive one.
    pub fn modify(&self, fd: u32, file: &Arc<OpenFile>, interest: Interest) -> Result<(), Errno> {
        let item = self.0.state.lock().items.find(fd, file).ok_or(Errno::ENOENT)?;
        let watch = {
            let mut cell = item.cell.lock();
            if interest.has(flags::EXCLUSIVE) || cell.interest.has(flags::EXCLUSIVE) {
                return Err(Errno::EINVAL);
            }
            cell.interest = interest;
            cell.is_spent = false;
            cell.watch
        };
        if let (Some(id), Some(list)) = (watch, file.file().watch_list()) {
            list.change(id, interest.readiness().without_normal());
        }
        self.look(&item, file, interest);
        Ok(())
    }

    /// Watches a file no more: EPOLL_CTL_DEL.
    ///
    /// # Errors
    /// ENOENT.
    pub fn remove(&self, fd: u32, file: &Arc<OpenFile>) -> Result<(), Errno> {
        let item = self.0.state.lock().items.find(fd, file).ok_or(Errno::ENOENT)?;
        item.detach(Some(file));
        file.epolls().lock().remove(&item);
        self.0.forget(&item);
        if let Some(inner) = file.downcast::<Self>() {
            nesting::disconnect(&self.0, &inner.0);
        }
        Ok(())
    }

    /// What is ready, up to `most` of it.
    ///
    /// # Errors
    /// EAGAIN if nothing is; ENOMEM.
    pub fn collect(&self, most: usize) -> Result<Vec<Told>, Errno> {
        let queued = self.0.state.lock().ready.len();
        if queued == 0 {
            return Err(Errno::EAGAIN);
        }
        let mut told = Vec::new();
        let most = queued.min(most);
        told.try_reserve_exact(most).map_err(|_| Errno::ENOMEM)?;
        let mut is_left = false;
        for _ in 0..queued {
            if told.len() == most {
                is_left = true;
                break;
            }
            let Some(item) = self.0.take_ready() else { break };
            let Some(file) = item.file.upgrade() else { continue };
            let ready = file.file().readiness().with_normal();
            let mut cell = item.cell.lock();
            let interest = cell.interest;
            let ready = ready & interest.readiness();
            if ready.is_none() || cell.is_gone || cell.is_spent {
                continue;
            }
            cell.is_spent = interest.has(flags::ONE_SHOT);
            drop(cell);
            told.push(Told { events: u32::from(ready.bits()), data: interest.data });
            if !interest.has(flags::EDGE) && !interest.has(flags::ONE_SHOT) {
                item.enqueue(&mut self.0.state.lock());
                is_left = true;
            }
        }
        if is_left {
            // Others who wait may take what is still ready.
            self.0.watchers.notify(Readiness::IN);
        }
        if told.is_empty() { Err(Errno::EAGAIN) } else { Ok(told) }
    }
}

impl Drop for Epoll {
    fn drop(&mut self) {
        let (items, ready) = {
            let mut state = self.0.state.lock();
            (core::mem::take(&mut state.items), core::mem::take(&mut state.ready))
        };
        drop(ready);
        items.for_each(|item| {
            let file = item.file.upgrade();
            item.detach(file.as_deref());
        });
    }
}

impl File for Epoll {
    fn transfer(&self) -> Transfer {
        Transfer::Stream
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        Ok(nameless(FileKind::Regular, 0o600, 0))
    }

    fn readiness(&self) -> Readiness {
        let queued = self.0.state.lock().ready.len();
        for _ in 0..queued {
            let Some(item) = self.0.take_ready() else { break };
            let Some(file) = item.file.upgrade() else { continue };
            let ready = file.file().readiness().with_normal();
            let interest = {
                let cell = item.cell.lock();
                if cell.is_gone || cell.is_spent { continue } else { cell.interest }
            };
            if ready.intersects(interest.readiness()) {
                let mut state = self.0.state.lock();
                let mut cell = item.cell.lock();
                if !cell.is_queued && !cell.is_gone {
                    cell.is_queued = true;
                    drop(cell);
                    state.ready.push_front(item);
                }
                return Readiness::IN;
            }
        }
        Readiness::NONE
    }

    fn watch_list(&self) -> Option<&WatchList> {
        Some(&self.0.watchers)
    }

    fn describe(&self) -> String {
        String::from("anon_inode:[eventpoll]")
    }
}

//! inotify(7): one that listens to what happens to files, and the book of who watches which.
//!
//! File systems take notes (`vfs_core::Note`) while anybody watches; whoever unlocks the tree passes
//! them on ([`tell`]) before, so that they come in the order in which things happened. A watch names
//! its file by number and goes with it.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use hal::interrupts::SpinLock;
use linux_abi::Errno;
use linux_abi::file::ioctl as requests;
use vfs_core::{EventQueue, FileEvents, FileKind, Metadata, Note};

use super::file::{File, Transfer, nameless};
use super::{FileKey, Readiness, WatchList, errno};
use crate::levels;

/// Watches of one descriptor.
const MOST_WATCHES: usize = 65_536;
/// Descriptors.
const MOST_INSTANCES: u32 = 4_096;

/// What of a file is listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchRequest {
    /// Which events.
    pub events: FileEvents,
    /// The first one ends the watch.
    pub is_once: bool,
    /// Names that are removed tell nothing more.
    pub excludes_unlinked: bool,
}

/// What becomes of a watch that there is already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Present {
    /// It is replaced.
    Replace,
    /// The events are added to it.
    Extend,
    /// It is an error.
    Refuse,
}

/// One that listens.
#[derive(Debug)]
pub struct Inotify(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: SpinLock<State>,
    watchers: WatchList,
}

#[derive(Debug, Default)]
struct State {
    queue: EventQueue,
    /// What is watched, by the numbers that programs know.
    watched: BTreeMap<i32, FileKey>,
    last: i32,
}

/// A watch, in the book.
struct Watch {
    listener: Weak<Shared>,
    number: i32,
    request: WatchRequest,
    /// Later watches have larger ones.
    sequence: u64,
}

#[derive(Default)]
struct Book {
    files: BTreeMap<FileKey, Vec<Watch>>,
    last_sequence: u64,
}

static BOOK: SpinLock<Book> = SpinLock::new(
    levels::RINGS,
    "watched files",
    Book { files: BTreeMap::new(), last_sequence: 0 },
);
/// How many files are watched, so that what happens to files costs one load while none is.
static COUNT: AtomicUsize = AtomicUsize::new(0);
static INSTANCES: AtomicU32 = AtomicU32::new(0);

/// Whether anybody watches any file.
#[must_use]
pub fn is_watching() -> bool {
    COUNT.load(Ordering::SeqCst) != 0
}

impl Book {
    fn next_after(&self, key: FileKey, sequence: u64) -> Option<&Watch> {
        self.files.get(&key)?.iter().find(|watch| watch.sequence > sequence)
    }

    fn find(&mut self, key: FileKey, listener: &Arc<Shared>) -> Option<&mut Watch> {
        let is_its = |watch: &&mut Watch| watch.listener.as_ptr() == Arc::as_ptr(listener);
        self.files.get_mut(&key)?.iter_mut().find(is_its)
    }

    /// Takes watches of a file out that are not `kept`.
    fn retain(&mut self, key: FileKey, kept: impl FnMut(&Watch) -> bool) {
        if let Some(list) = self.files.get_mut(&key) {
            list.retain(kept);
            if list.is_empty() {
                self.files.remove(&key);
            }
        }
        COUNT.store(self.files.len(), Ordering::SeqCst);
    }
}

impl Inotify {
    /// One that watches nothing.
    ///
    /// # Errors
    /// EMFILE for too many.
    pub fn new() -> Result<Self, Errno> {
        let more = |count: u32| (count < MOST_INSTANCES).then_some(count + 1);
        // Relaxed: it counts, and orders nothing.
        let counted = INSTANCES.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        counted.map_err(|_| Errno::EMFILE)?;
        let state = SpinLock::new(levels::FILES, "inotify", State::default());
        Ok(Self(Arc::new(Shared { state, watchers: WatchList::new() })))
    }

    /// Watches a file; answers the watch's number, the same for the same file. To be called under the
    /// tree's lock, after the file systems have been told to take notes.
    ///
    /// # Errors
    /// EEXIST if there is such a watch and it is not to be changed; ENOSPC for too many; ENOMEM.
    pub fn watch(
        &self,
        key: FileKey,
        request: WatchRequest,
        present: Present,
    ) -> Result<i32, Errno> {
        let mut book = BOOK.lock();
        if let Some(old) = book.find(key, &self.0) {
            old.request = match present {
                Present::Refuse => return Err(Errno::EEXIST),
                Present::Replace => request,
                Present::Extend => {
                    WatchRequest { events: old.request.events.and(request.events), ..request }
                }
            };
            return Ok(old.number);
        }
        let number = {
            let mut state = self.0.state.lock();
            if state.watched.len() >= MOST_WATCHES {
                return Err(Errno::ENOSPC);
            }
            state.last = state.last.checked_add(1).ok_or(Errno::ENOSPC)?;
            let number = state.last;
            state.watched.insert(number, key);
            number
        };
        book.last_sequence += 1;
        let sequence = book.last_sequence;
        let listener = Arc::downgrade(&self.0);
        let list = book.files.entry(key).or_default();
        if list.try_reserve(1).is_err() {
            book.retain(key, |_| true);
            self.0.state.lock().watched.remove(&number);
            return Err(Errno::ENOMEM);
        }
        list.push(Watch { listener, number, request, sequence });
        COUNT.store(book.files.len(), Ordering::SeqCst);
        Ok(number)
    }

    /// Ends a watch, which is told.
    ///
    /// # Errors
    /// EINVAL for a number that is none of its watches'.
    pub fn end(&self, number: i32) -> Result<(), Errno> {
        if self.0.forget(number) { Ok(()) } else { Err(Errno::EINVAL) }
    }
}

impl Drop for Inotify {
    fn drop(&mut self) {
        INSTANCES.fetch_sub(1, Ordering::Relaxed);
        let watched = core::mem::take(&mut self.0.state.lock().watched);
        let mut book = BOOK.lock();
        for key in watched.into_values() {
            book.retain(key, |watch| watch.listener.as_ptr() != Arc::as_ptr(&self.0));
        }
    }
}

impl Shared {
    fn put(&self, number: i32, events: FileEvents, cookie: u32, name: &[u8]) {
        let is_new = self.state.lock().queue.push(number, events, cookie, name);
        if is_new {
            self.watchers.notify(Readiness::IN);
        }
    }

    /// Ends a watch; says whether there was one.
    fn forget(self: &Arc<Self>, number: i32) -> bool {
        let Some(key) = self.state.lock().watched.remove(&number) else { return false };
        BOOK.lock().retain(key, |watch| watch.listener.as_ptr() != Arc::as_ptr(self));
        self.put(number, FileEvents::IGNORED, 0, b"");
        true
    }
}

/// Passes on what has happened on a file system.
pub(super) fn tell(system: u32, note: &Note) {
    let is_end = note.events.intersects(FileEvents::DELETE_SELF);
    if let Some((directory, name)) = &note.entry {
        let key = FileKey { system, inode: directory.number() };
        deliver(key, note.events, note.cookie, name, note.is_unlinked);
    }
    if let Some(file) = note.file {
        let key = FileKey { system, inode: file.number() };
        deliver(key, note.events, note.cookie, b"", false);
        if is_end {
            end_all(key);
        }
    }
}

/// Passes on that a file system is gone.
pub(super) fn tell_unmounted(system: u32) {
    while let Some(key) = next_on(system) {
        deliver(key, FileEvents::UNMOUNT, 0, b"", false);
        end_all(key);
    }
}

fn next_on(system: u32) -> Option<FileKey> {
    let book = BOOK.lock();
    let first = FileKey { system, inode: 0 };
    book.files.range(first..).next().map(|(key, _)| *key).filter(|key| key.system == system)
}

/// Each listener is told without the book's lock; who comes meanwhile was not there when it happened.
fn deliver(key: FileKey, events: FileEvents, cookie: u32, name: &[u8], is_unlinked: bool) {
    let always = FileEvents::UNMOUNT.and(FileEvents::IGNORED);
    let asked = events.without(FileEvents::DIRECTORY);
    let mut after = 0;
    loop {
        let next = {
            let book = BOOK.lock();
            book.next_after(key, after).map(|watch| {
                (watch.sequence, watch.listener.upgrade(), watch.number, watch.request)
            })
        };
        let Some((sequence, listener, number, request)) = next else { return };
        after = sequence;
        let is_wanted = asked.intersects(request.events.and(always))
            && !(is_unlinked && request.excludes_unlinked);
        let Some(listener) = listener.filter(|_| is_wanted) else { continue };
        listener.put(number, events, cookie, name);
        if request.is_once {
            listener.forget(number);
        }
    }
}

/// Ends all watches of a file that is gone.
fn end_all(key: FileKey) {
    loop {
        let next = {
            let book = BOOK.lock();
            book.next_after(key, 0).map(|watch| (watch.listener.upgrade(), watch.number))
        };
        match next {
            None => return,
            // It ends the watch, or is about to.
            Some((Some(listener), number)) if listener.forget(number) => {}
            Some(_) => {
                BOOK.lock().retain(key, |_| false);
                return;
            }
        }
    }
}

impl File for Inotify {
    fn transfer(&self) -> Transfer {
        Transfer::Messages
    }

    fn read(&self, _at: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        match self.0.state.lock().queue.take(buffer).map_err(errno)? {
            0 => Err(Errno::EAGAIN),
            count => Ok(count),
        }
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        Ok(nameless(FileKind::Regular, 0o600, 0))
    }

    fn ioctl(&self, request: u32, argument: u64) -> Result<u64, Errno> {
        if request != requests::FIONREAD {
            return Err(Errno::ENOTTY);
        }
        let waiting = i32::try_from(self.0.state.lock().queue.bytes()).unwrap_or(i32::MAX);
        hal::user::copy_to(argument, &waiting.to_le_bytes()).map_err(|_| Errno::EFAULT)?;
        Ok(0)
    }

    fn readiness(&self) -> Readiness {
        let is_empty = self.0.state.lock().queue.is_empty();
        Readiness::NONE.with_if(!is_empty, Readiness::IN)
    }

    fn watch_list(&self) -> Option<&WatchList> {
        Some(&self.0.watchers)
    }

    fn describe(&self) -> String {
        String::from("anon_inode:inotify")
    }
}

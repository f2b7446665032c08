//! Waiting for several files at once: `poll`, `select` and their kin.

use alloc::sync::Arc;
use alloc::vec::Vec;

use linux_abi::Errno;
use process_core::BlockReason;

use super::{OpenFile, Readiness, Turn, WatchId, Watcher, pause};
use crate::scheduler::Thread;

/// A file that one waits for.
#[derive(Debug)]
pub struct Polled {
    /// The file; none is ready for nothing.
    pub file: Option<Arc<OpenFile>>,
    /// What is asked for.
    pub interest: Readiness,
    /// What it is ready for.
    pub ready: Readiness,
    watch: Option<WatchId>,
}

impl Polled {
    /// Not looked at yet.
    #[must_use]
    pub fn new(file: Option<Arc<OpenFile>>, interest: Readiness) -> Self {
        Self { file, interest, ready: Readiness::NONE, watch: None }
    }

    /// Looks at the file; says whether it is ready for something that is asked for.
    fn look(&mut self) -> bool {
        if let Some(file) = &self.file {
            let all = self.interest | Readiness::ALWAYS;
            self.ready = file.file().readiness().with_normal() & all;
        }
        !self.ready.is_none()
    }

    fn watch(&mut self, watcher: &Arc<dyn Watcher>) -> Result<(), Errno> {
        if let Some(list) = self.file.as_ref().and_then(|file| file.file().watch_list()) {
            let interest = self.interest.without_normal();
            self.watch = Some(list.add(Arc::clone(watcher), interest, Turn::Everyone)?);
        }
        Ok(())
    }

    fn unwatch(&mut self) {
        if let Some(id) = self.watch.take()
            && let Some(list) = self.file.as_ref().and_then(|file| file.file().watch_list())
        {
            list.remove(id);
        }
    }
}

/// The list, on whose watch lists the thread is, until this is dropped.
struct Watched<'a>(&'a mut Vec<Polled>);

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        for polled in self.0.iter_mut() {
            polled.unwatch();
        }
    }
}

/// Waits until one of the files is ready, and says how many are. With 0 the deadline has passed; one
/// that has passed from the start is "do not wait".
///
/// # Errors
/// EINTR, ENOMEM.
pub fn poll(
    thread: &Arc<Thread>,
    files: &mut Vec<Polled>,
    deadline_ns: Option<u64>,
) -> Result<usize, Errno> {
    let look =
        |files: &mut Vec<Polled>| files.iter_mut().map(Polled::look).filter(|it| *it).count();
    let ready = look(files);
    if ready > 0 || deadline_ns == Some(0) {
        return Ok(ready);
    }
    let watcher: Arc<dyn Watcher> = Arc::clone(thread) as Arc<dyn Watcher>;
    let watched = Watched(files);
    for polled in watched.0.iter_mut() {
        polled.watch(&watcher)?;
    }
    loop {
        let ready = look(watched.0);
        if ready > 0 {
            return Ok(ready);
        }
        match pause(thread, BlockReason::Poll, deadline_ns) {
            Ok(()) => {}
            Err(Errno::EAGAIN) => return Ok(look(watched.0)),
            Err(error) => return Err(error),
        }
    }
}

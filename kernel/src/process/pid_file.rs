//! Descriptors of processes and threads: pidfd_open(2). Readable when what they stand for has ended.

use alloc::string::String;
use alloc::sync::Arc;

use ksync::Once;
use linux_abi::Errno;
use process_core::{Pid, Tid};
use vfs_core::{FileKind, Metadata};

use super::Process;
use crate::fs::{File, Readiness, Transfer, WatchList, nameless};
use crate::scheduler::Thread;

/// A process as a file.
#[derive(Debug)]
pub struct PidFile {
    /// None while the process is being made.
    process: Once<Arc<Process>>,
    /// Its thread, if it stands for that one alone: `PIDFD_THREAD`.
    thread: Option<Arc<Thread>>,
    /// For the time without a process.
    nobody: WatchList,
}

impl PidFile {
    /// A file of a process that is yet to be made.
    #[must_use]
    pub fn unbound() -> Self {
        Self { process: Once::new(), thread: None, nobody: WatchList::new() }
    }

    /// The file of this process.
    #[must_use]
    pub fn of(process: Arc<Process>) -> Self {
        let file = Self::unbound();
        file.bind(process);
        file
    }

    /// The file of this thread.
    #[must_use]
    pub fn of_thread(thread: Arc<Thread>) -> Self {
        let process = Arc::clone(thread.process());
        let file = Self { thread: Some(thread), ..Self::unbound() };
        file.bind(process);
        file
    }

    /// The thread that it stands for; none if it stands for a process.
    ///
    /// # Errors
    /// ESRCH if it has ended.
    pub fn thread(&self) -> Result<Option<Tid>, Errno> {
        match &self.thread {
            Some(thread) if thread.program.lock.has_left() => Err(Errno::ESRCH),
            thread => Ok(thread.as_ref().map(|thread| thread.tid())),
        }
    }

    /// Says which process it is. Once.
    pub fn bind(&self, process: Arc<Process>) {
        self.process.call_once(|| process);
    }

    /// The process, if it has not been waited for.
    ///
    /// # Errors
    /// ESRCH.
    pub fn pid(&self) -> Result<Pid, Errno> {
        let process = self.process.get().ok_or(Errno::ESRCH)?;
        // Its number may be another's by now.
        let found = super::find(process.pid).map_err(|_| Errno::ESRCH)?;
        if Arc::ptr_eq(&found, process) { Ok(process.pid) } else { Err(Errno::ESRCH) }
    }
}

impl File for PidFile {
    fn transfer(&self) -> Transfer {
        Transfer::Stream
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        Ok(nameless(FileKind::Regular, 0o600, 0))
    }

    fn readiness(&self) -> Readiness {
        let has_ended = match &self.thread {
            Some(thread) => thread.program.lock.has_left(),
            None => self.process.get().is_some_and(|process| process.has_ended()),
        };
        if has_ended { Readiness::IN } else { Readiness::NONE }
    }

    fn watch_list(&self) -> Option<&WatchList> {
        Some(self.process.get().map_or(&self.nobody, |process| &process.end_watch))
    }

    fn describe(&self) -> String {
        String::from("anon_inode:[pidfd]")
    }
}

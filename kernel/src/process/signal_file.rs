//! Descriptors that signals are read from: signalfd(2).

use alloc::string::String;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use hal::interrupts::SpinLock;
use linux_abi::Errno;
use linux_abi::layout::{SigInfo, SignalFdInfo};
use process_core::{PendingSignal, SignalCause, SignalSet};
use vfs_core::{FileKind, Metadata};

use super::{Process, info, now};
use crate::fs::{File, Readiness, Transfer, Turn, WatchId, WatchList, Watcher, nameless};
use crate::levels;
use crate::scheduler;

/// Signals as a file: a read takes those that are pending for whoever reads. It is not bound to the
/// process that made it, as on Linux: a forked child reads its own.
#[derive(Debug)]
pub struct SignalFile {
    shared: Arc<Shared>,
    /// Processes whose signals were looked for here, with the entries in their lists. Who waits looks
    /// first, so that all that it has to hear of are here.
    heard: SpinLock<Vec<(Weak<Process>, WatchId)>>,
}

/// What the file and the lists of processes share.
#[derive(Debug)]
struct Shared {
    wanted: SpinLock<SignalSet>,
    watchers: WatchList,
}

impl Watcher for Shared {
    fn changed(self: Arc<Self>, ready: Readiness) -> bool {
        self.watchers.notify(ready);
        true
    }
}

impl SignalFile {
    /// One that gives these signals.
    #[must_use]
    pub fn new(wanted: SignalSet) -> Self {
        let wanted = SpinLock::new(levels::FILES, "signal file", wanted);
        Self {
            shared: Arc::new(Shared { wanted, watchers: WatchList::new() }),
            heard: SpinLock::new(levels::FILES, "signal file's processes", Vec::new()),
        }
    }

    /// Gives these signals from now on.
    pub fn set_wanted(&self, wanted: SignalSet) {
        *self.shared.wanted.lock() = wanted;
        // Some of them may be pending already.
        self.shared.watchers.notify(Readiness::IN);
    }

    /// Has the process tell of its signals here from now on.
    fn hear(&self, process: &Arc<Process>) -> Result<(), Errno> {
        let mut heard = self.heard.lock();
        if heard.iter().any(|(known, _)| known.as_ptr() == Arc::as_ptr(process)) {
            return Ok(());
        }
        heard.retain(|(known, _)| known.strong_count() > 0);
        heard.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        let watcher = Arc::clone(&self.shared) as Arc<dyn Watcher>;
        let id = process.signal_watch.add(watcher, Readiness::IN, Turn::Everyone)?;
        heard.push((Arc::downgrade(process), id));
        Ok(())
    }

    fn take(&self) -> Result<Option<PendingSignal>, Errno> {
        let thread = scheduler::current().ok_or(Errno::ESRCH)?;
        let process = thread.process();
        self.hear(process)?;
        let wanted = *self.shared.wanted.lock();
        Ok(process.signals.lock().take_awaited(thread.tid(), wanted, now()))
    }
}

impl Drop for SignalFile {
    fn drop(&mut self) {
        let heard = core::mem::take(&mut *self.heard.lock());
        for (process, id) in heard {
            if let Some(process) = process.upgrade() {
                process.signal_watch.remove(id);
            }
        }
    }
}

impl File for SignalFile {
    fn transfer(&self) -> Transfer {
        Transfer::Messages
    }

    fn read(&self, _at: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        let mut done = 0;
        let (places, _) = buffer.as_chunks_mut::<{ SignalFdInfo::BYTES }>();
        if places.is_empty() {
            return Err(Errno::EINVAL);
        }
        for place in places {
            let taken = match self.take() {
                Ok(Some(taken)) => taken,
                Ok(None) => break,
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            };
            *place = told(&taken).to_bytes();
            done += SignalFdInfo::BYTES;
        }
        if done == 0 { Err(Errno::EAGAIN) } else { Ok(done) }
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        Ok(nameless(FileKind::Regular, 0o600, 0))
    }

    fn readiness(&self) -> Readiness {
        let Some(thread) = scheduler::current() else { return Readiness::NONE };
        let process = thread.process();
        if self.hear(process).is_err() {
            // Nobody would hear of a signal: the read says why.
            return Readiness::IN;
        }
        let wanted = *self.shared.wanted.lock();
        let is_there = process.signals.lock().has_pending(thread.tid(), wanted);
        Readiness::NONE.with_if(is_there, Readiness::IN)
    }

    fn watch_list(&self) -> Option<&WatchList> {
        Some(&self.shared.watchers)
    }

    fn describe(&self) -> String {
        String::from("anon_inode:[signalfd]")
    }
}

/// What a read tells of a signal.
fn told(pending: &PendingSignal) -> SignalFdInfo {
    let SigInfo { signal, errno, code, fields, .. } = info(pending);
    let low = |word: u64| u32::try_from(word & u64::from(u32::MAX)).unwrap_or(0);
    let high = |word: u64| u32::try_from(word >> 32).unwrap_or(0);
    let base =
        SignalFdInfo { signal: signal.cast_unsigned(), errno, code, ..SignalFdInfo::zeroed() };
    let [first, second, third, fourth, ..] = fields;
    match pending.cause {
        SignalCause::User { .. }
        | SignalCause::Thread { .. }
        | SignalCause::Queue { .. }
        | SignalCause::Kernel
        | SignalCause::Operator => SignalFdInfo {
            pid: low(first),
            uid: high(first),
            pointer: second,
            integer: low(second).cast_signed(),
            ..base
        },
        SignalCause::Fault { address, .. } => SignalFdInfo { address, ..base },
        SignalCause::Child { status, .. } => SignalFdInfo {
            pid: low(first),
            uid: high(first),
            status,
            user_time: third,
            system_time: fourth,
            ..base
        },
        SignalCause::Timer { .. } => SignalFdInfo {
            timer: low(first),
            overruns: high(first),
            pointer: second,
            integer: low(second).cast_signed(),
            ..base
        },
    }
}

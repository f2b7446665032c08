//! What a process writes to its standard output and error, kept for whoever asks: the last bytes,
//! and how many there ever were.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use hal::interrupts::SpinLock;
use process_core::Pid;

use crate::broadcast::Broadcast;
use crate::levels;

/// Bytes kept.
const KEPT_BYTES: usize = 64 * 1024;

/// Which of a process's two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputStream {
    /// The standard output.
    Standard,
    /// The standard error.
    Error,
}

/// Someone who gets what is written, too, as it comes: the lines of a service.
pub trait OutputTee: core::fmt::Debug + Send + Sync {
    /// Takes in what `writer` wrote, the running process.
    fn take_in(&self, writer: Pid, stream: OutputStream, bytes: &[u8]);
}

/// The captured output of one process.
#[derive(Debug)]
pub struct Output {
    ring: SpinLock<Ring>,
    tee: Option<Arc<dyn OutputTee>>,
    /// Who waits for more.
    pub news: Broadcast,
}

#[derive(Debug, Default)]
struct Ring {
    bytes: VecDeque<u8>,
    /// All bytes ever written.
    written: u64,
}

/// A part of the output.
#[derive(Clone, Debug, Default)]
pub struct OutputPart {
    /// Offset of the oldest byte that is kept.
    pub first_offset: u64,
    /// Offset of the first byte of `bytes`.
    pub offset: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// All bytes ever written.
    pub written: u64,
}

impl Output {
    /// None yet. Memory is taken as output comes.
    #[must_use]
    pub fn new() -> Self {
        Self::with_tee(None)
    }

    /// The same; `tee` gets what is written, too.
    #[must_use]
    pub fn with_tee(tee: Option<Arc<dyn OutputTee>>) -> Self {
        Self {
            ring: SpinLock::new(levels::RINGS, "output", Ring::default()),
            tee,
            news: Broadcast::new(),
        }
    }

    /// Adds what a program wrote, over the oldest bytes if need be.
    pub fn write(&self, stream: OutputStream, bytes: &[u8]) {
        if let Some(tee) = &self.tee
            && let Some(thread) = crate::scheduler::current()
        {
            tee.take_in(thread.process().pid(), stream, bytes);
        }
        // In pieces, because interrupts are disabled under the lock.
        for piece in bytes.chunks(1024) {
            let mut ring = self.ring.lock();
            let excess = (ring.bytes.len() + piece.len()).saturating_sub(KEPT_BYTES);
            ring.bytes.drain(..excess);
            if ring.bytes.try_reserve(piece.len()).is_ok() {
                ring.bytes.extend(piece);
            } else {
                // Without memory the output is lost, and the offsets say so.
                ring.bytes.clear();
            }
            ring.written += piece.len() as u64;
        }
        self.news.wake_all();
    }

    /// How many bytes there ever were.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.ring.lock().written
    }

    /// Up to `max_bytes` from `offset` on, or from the oldest byte kept if that is later.
    #[must_use]
    pub fn read(&self, offset: u64, max_bytes: usize) -> OutputPart {
        let ring = self.ring.lock();
        let first_offset = ring.written - ring.bytes.len() as u64;
        let offset = offset.clamp(first_offset, ring.written);
        let skip = usize::try_from(offset - first_offset).unwrap_or(usize::MAX);
        let count = ring.bytes.len().saturating_sub(skip).min(max_bytes);
        let mut bytes = Vec::new();
        if bytes.try_reserve_exact(count).is_ok() {
            bytes.extend(ring.bytes.iter().skip(skip).take(count));
        }
        OutputPart { first_offset, offset, bytes, written: ring.written }
    }
}

/// Outputs of processes that are gone which are kept, and their bytes in all.
const ENDED_KEPT: usize = 256;
const ENDED_KEPT_BYTES: usize = 2 << 20;

/// What processes that are gone wrote, the oldest first: who starts a short program reads its output
/// afterwards.
static ENDED: SpinLock<VecDeque<(Pid, Arc<Output>)>> =
    SpinLock::new(levels::SERVICES, "ended outputs", VecDeque::new());

/// Keeps what a process wrote beyond its end, for a while. What wrote nothing needs no place.
pub(super) fn keep_ended(pid: Pid, output: &Arc<Output>) {
    if output.written() == 0 {
        return;
    }
    let mut forgotten = Vec::new();
    {
        let mut ended = ENDED.lock();
        if ended.try_reserve(1).is_ok() {
            ended.push_back((pid, Arc::clone(output)));
        }
        let kept = |(_, output): &(Pid, Arc<Output>)| output.ring.lock().bytes.capacity();
        let mut bytes: usize = ended.iter().map(kept).sum();
        while ended.len() > ENDED_KEPT || bytes > ENDED_KEPT_BYTES {
            let Some(oldest) = ended.pop_front() else { break };
            bytes = bytes.saturating_sub(kept(&oldest));
            forgotten.push(oldest);
        }
    }
    // Dropped without the lock.
    drop(forgotten);
}

/// What the last process with this number wrote, if it is gone and that is still kept.
#[must_use]
pub fn ended_output(pid: Pid) -> Option<Arc<Output>> {
    let ended = ENDED.lock();
    ended.iter().rev().find(|(known, _)| *known == pid).map(|(_, output)| Arc::clone(output))
}

//! What a process writes to its standard output and error, kept for whoever asks: the last bytes,
//! and how many there ever were.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use hal::interrupts::SpinLock;

use crate::broadcast::Broadcast;
use crate::levels;

/// Bytes kept.
const KEPT_BYTES: usize = 64 * 1024;

/// The captured output of one process.
#[derive(Debug)]
pub struct Output {
    ring: SpinLock<Ring>,
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
        Self {
            ring: SpinLock::new(levels::RINGS, "output", Ring::default()),
            news: Broadcast::new(),
        }
    }

    /// Adds what a program wrote, over the oldest bytes if need be.
    pub fn write(&self, bytes: &[u8]) {
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

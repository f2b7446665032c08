//! The gate's buffers: what has been read and not used, and what is to be written.

use alloc::vec::Vec;

/// The first size of a buffer.
const FIRST_CAPACITY: usize = 2 * 1024;
/// So little room that it is worth growing for.
const LITTLE: usize = 256;

/// Makes a buffer larger if there is memory for it.
fn grow(bytes: &mut Vec<u8>, wanted: usize) {
    let more = wanted.saturating_sub(bytes.len());
    if bytes.try_reserve_exact(more).is_ok() {
        bytes.resize(bytes.len() + more, 0);
    }
}

/// Bytes from the client that nobody has used yet.
#[derive(Default)]
pub(super) struct Input {
    /// Initialised memory; only `start..end` of it counts.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    pub(super) fn unused(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// Says that the first `count` bytes were used.
    pub(super) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        if self.is_empty() {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Copies unused bytes out.
    pub(super) fn take_into(&mut self, buffer: &mut [u8]) -> usize {
        let unused = self.unused();
        let count = unused.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), unused.get(..count)) {
            to.copy_from_slice(from);
        }
        self.consume(count);
        count
    }

    /// Free bytes to read into, as long as fewer than `capacity` are unused and there is memory;
    /// else none.
    pub(super) fn room(&mut self, capacity: usize) -> &mut [u8] {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end >= self.bytes.len() {
            grow(&mut self.bytes, (self.end * 2).max(FIRST_CAPACITY).min(capacity));
        }
        let limit = self.bytes.len().min(capacity);
        self.bytes.get_mut(self.end..limit).unwrap_or_default()
    }

    /// Counts bytes that were put into [`Self::room`].
    pub(super) fn add(&mut self, count: usize) {
        self.end = (self.end + count).min(self.bytes.len());
    }

    /// Gives the memory back while the connection is idle.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }
}

/// Bytes for the client that the stream has not taken yet.
#[derive(Default)]
pub(super) struct Output {
    /// Initialised memory; only `sent..filled` of it counts.
    bytes: Vec<u8>,
    sent: usize,
    filled: usize,
}

impl Output {
    pub(super) fn is_empty(&self) -> bool {
        self.sent >= self.filled
    }

    pub(super) fn pending(&self) -> &[u8] {
        self.bytes.get(self.sent..self.filled).unwrap_or_default()
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.sent = (self.sent + count).min(self.filled);
        if self.is_empty() {
            self.sent = 0;
            self.filled = 0;
        }
    }

    /// Free bytes before a flush is needed; none without memory.
    pub(super) fn room(&mut self, max: usize) -> &mut [u8] {
        if self.filled + LITTLE >= self.bytes.len() {
            self.grow(max);
        }
        self.bytes.get_mut(self.filled..).unwrap_or_default()
    }

    /// Makes the buffer larger, up to `max`: an answer that is formatted again after each flush is
    /// formatted less often.
    pub(super) fn grow(&mut self, max: usize) {
        let wanted = (self.bytes.len() * 4).max(FIRST_CAPACITY).min(max);
        grow(&mut self.bytes, wanted);
    }

    /// Counts bytes that were put into [`Self::room`].
    pub(super) fn add(&mut self, count: usize) {
        self.filled = (self.filled + count).min(self.bytes.len());
    }

    /// The last `count` bytes that were put in.
    pub(super) fn last(&self, count: usize) -> &[u8] {
        self.bytes.get(self.filled.saturating_sub(count)..self.filled).unwrap_or_default()
    }

    /// Takes the last `count` bytes back.
    pub(super) fn remove_last(&mut self, count: usize) {
        self.filled = self.filled.saturating_sub(count).max(self.sent);
    }

    /// Copies as much of `bytes` as there is room for.
    pub(super) fn append(&mut self, bytes: &[u8], max: usize) -> usize {
        let room = self.room(max);
        let count = room.len().min(bytes.len());
        if let (Some(to), Some(from)) = (room.get_mut(..count), bytes.get(..count)) {
            to.copy_from_slice(from);
        }
        self.add(count);
        count
    }

    /// Gives the memory back while the connection is idle.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }
}

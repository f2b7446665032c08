//! A pipe: bytes between those who write and those who read. pipe(7).
//!
//! [`Pipe`] decides and copies; who waits for what, and SIGPIPE, is the kernel's. Its pages come
//! when there is something to hold and go when it is read, so that an idle pipe costs little.

use alloc::collections::VecDeque;

use crate::error::FileError;
use crate::tmpfs::{PAGE_BYTES, Page};

/// Up to this many bytes a write goes in as a whole or not at all.
pub const PIPE_ATOMIC_BYTES: usize = 4096;
/// What a pipe holds at most, unless that is changed.
pub const PIPE_BYTES: usize = 65_536;
/// The most that F_SETPIPE_SZ may make of it: `fs.pipe-max-size`.
pub const PIPE_MOST_BYTES: usize = 1 << 20;

/// What became of a read or a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PipeOutcome {
    /// This many bytes were copied.
    Copied {
        /// How many.
        bytes: usize,
        /// Whether those who wait at the other end are to be woken.
        wakes_others: bool,
    },
    /// Not now: wait, or answer EAGAIN.
    WouldBlock,
    /// There is nobody at the other end: the end of the file for a reader, SIGPIPE and EPIPE for
    /// a writer.
    Closed,
}

/// A pipe.
pub struct Pipe<P> {
    pages: VecDeque<P>,
    /// A page that was read empty, kept for the next write.
    spare: Option<P>,
    /// Where the first byte stands in the first page.
    start: usize,
    len: usize,
    capacity: usize,
    readers: u32,
    writers: u32,
    /// Somebody passes on what is in it: nobody else takes anything meanwhile.
    is_passed_on: bool,
}

impl<P: Page> Default for Pipe<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Page> Pipe<P> {
    /// An empty pipe without ends.
    pub const fn new() -> Self {
        Self {
            pages: VecDeque::new(),
            spare: None,
            start: 0,
            len: 0,
            capacity: PIPE_BYTES,
            readers: 0,
            writers: 0,
            is_passed_on: false,
        }
    }

    /// How many bytes wait to be read: FIONREAD.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether no byte waits to be read.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What it holds at most: F_GETPIPE_SZ.
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Changes what it holds at most, rounded up to a power of two of pages: F_SETPIPE_SZ. Answers
    /// what it is then, and whether the writers are to be woken.
    ///
    /// # Errors
    /// [`FileError::Busy`] if more than that is in it, [`FileError::NotPermitted`] for more than
    /// [`PIPE_MOST_BYTES`].
    pub fn set_capacity(&mut self, bytes: usize) -> Result<(usize, bool), FileError> {
        if bytes > PIPE_MOST_BYTES {
            return Err(FileError::NotPermitted);
        }
        let capacity = bytes.max(PAGE_BYTES).next_power_of_two();
        if capacity < self.len {
            return Err(FileError::Busy);
        }
        let had_room = self.has_room();
        self.capacity = capacity;
        Ok((capacity, !had_room && self.has_room()))
    }

    const fn has_room(&self) -> bool {
        self.room() >= PIPE_ATOMIC_BYTES
    }

    /// A further end for reading is open.
    pub fn add_reader(&mut self) {
        self.readers = self.readers.saturating_add(1);
    }

    /// A further end for writing is open.
    pub fn add_writer(&mut self) {
        self.writers = self.writers.saturating_add(1);
    }

    /// An end for reading is closed; answers whether the writers are to be woken to see it.
    pub fn remove_reader(&mut self) -> bool {
        self.readers = self.readers.saturating_sub(1);
        self.readers == 0
    }

    /// An end for writing is closed; answers whether the readers are to be woken to see it.
    pub fn remove_writer(&mut self) -> bool {
        self.writers = self.writers.saturating_sub(1);
        self.writers == 0
    }

    /// Whether somebody could read.
    pub const fn has_readers(&self) -> bool {
        self.readers > 0
    }

    /// Whether somebody could write.
    pub const fn has_writers(&self) -> bool {
        self.writers > 0
    }

    /// Whether a read would not wait: POLLIN, or POLLHUP without writers.
    pub const fn is_readable(&self) -> bool {
        self.len > 0 || self.writers == 0
    }

    /// Whether a write of up to [`PIPE_ATOMIC_BYTES`] would not wait: POLLOUT, or POLLERR without
    /// readers.
    pub const fn is_writable(&self) -> bool {
        self.has_room() || self.readers == 0
    }

    const fn room(&self) -> usize {
        self.capacity.saturating_sub(self.len)
    }

    /// Takes bytes out.
    pub fn read(&mut self, buffer: &mut [u8]) -> PipeOutcome {
        if buffer.is_empty() {
            return PipeOutcome::Copied { bytes: 0, wakes_others: false };
        }
        if self.is_passed_on {
            return PipeOutcome::WouldBlock;
        }
        if self.len == 0 {
            let is_over = self.writers == 0;
            return if is_over { PipeOutcome::Closed } else { PipeOutcome::WouldBlock };
        }
        let had_room = self.has_room();
        let mut bytes = 0;
        while bytes < buffer.len() && self.len > 0 {
            let Some(page) = self.pages.front() else { break };
            let step = (buffer.len() - bytes).min(PAGE_BYTES - self.start).min(self.len);
            page.read(self.start, &mut buffer[bytes..bytes + step]);
            bytes += step;
            self.start += step;
            self.len -= step;
            if self.start == PAGE_BYTES || self.len == 0 {
                self.spare = self.pages.pop_front();
                self.start = 0;
            }
        }
        // Writers wait for room for a whole atomic write: waking them for less would be in vain.
        let wakes_others = !had_room && self.has_room();
        PipeOutcome::Copied { bytes, wakes_others }
    }

    /// Copies what comes next without taking it out, and keeps other readers from it until
    /// [`Self::end_passing_on`], which is to follow if bytes were copied: splice(2), tee(2).
    pub fn begin_passing_on(&mut self, buffer: &mut [u8]) -> PipeOutcome {
        if self.is_passed_on {
            return PipeOutcome::WouldBlock;
        }
        if self.len == 0 {
            let is_over = self.writers == 0;
            return if is_over { PipeOutcome::Closed } else { PipeOutcome::WouldBlock };
        }
        let wanted = buffer.len().min(self.len);
        let mut bytes = 0;
        while bytes < wanted {
            let at = self.start + bytes;
            let Some(page) = self.pages.get(at / PAGE_BYTES) else { break };
            let within = at % PAGE_BYTES;
            let step = (wanted - bytes).min(PAGE_BYTES - within);
            page.read(within, &mut buffer[bytes..bytes + step]);
            bytes += step;
        }
        self.is_passed_on = true;
        PipeOutcome::Copied { bytes, wakes_others: false }
    }

    /// Takes so many bytes out, and lets others read again. Says whether the writers are to be woken.
    pub fn end_passing_on(&mut self, taken: usize) -> bool {
        self.is_passed_on = false;
        let had_room = self.has_room();
        let mut left = taken.min(self.len);
        while left > 0 {
            let step = left.min(PAGE_BYTES - self.start).min(self.len);
            left -= step;
            self.start += step;
            self.len -= step;
            if self.start == PAGE_BYTES || self.len == 0 {
                self.spare = self.pages.pop_front();
                self.start = 0;
            }
        }
        !had_room && self.has_room()
    }

    /// How many bytes more find room.
    pub const fn room_bytes(&self) -> usize {
        self.room()
    }

    /// Puts bytes in.
    ///
    /// # Errors
    /// [`FileError::OutOfMemory`] if not a single byte, or not the whole of an atomic write, found
    /// memory.
    pub fn write(&mut self, data: &[u8]) -> Result<PipeOutcome, FileError> {
        if data.is_empty() {
            return Ok(PipeOutcome::Copied { bytes: 0, wakes_others: false });
        }
        if self.readers == 0 {
            return Ok(PipeOutcome::Closed);
        }
        let is_atomic = data.len() <= PIPE_ATOMIC_BYTES;
        let room = self.room();
        if room == 0 || (is_atomic && room < data.len()) {
            return Ok(PipeOutcome::WouldBlock);
        }
        let wanted = data.len().min(room);
        let bytes = wanted.min(self.get_memory(wanted));
        if bytes == 0 || (is_atomic && bytes < wanted) {
            return Err(FileError::OutOfMemory);
        }
        let mut copied = 0;
        while copied < bytes {
            let end = self.start + self.len;
            let Some(page) = self.pages.get_mut(end / PAGE_BYTES) else { break };
            let within = end % PAGE_BYTES;
            let step = (bytes - copied).min(PAGE_BYTES - within);
            page.write(within, &data[copied..copied + step]);
            copied += step;
            self.len += step;
        }
        Ok(PipeOutcome::Copied { bytes: copied, wakes_others: true })
    }

    /// Sees to it that there are pages for so many bytes more, and answers for how many there are.
    fn get_memory(&mut self, bytes: usize) -> usize {
        let needed = (self.start + self.len + bytes).div_ceil(PAGE_BYTES);
        while self.pages.len() < needed {
            let page = match self.spare.take() {
                Some(page) => page,
                None if self.pages.try_reserve(1).is_err() => break,
                None => match P::zeroed() {
                    Some(page) => page,
                    None => break,
                },
            };
            self.pages.push_back(page);
        }
        self.pages.len() * PAGE_BYTES - self.start - self.len
    }
}

#[cfg(test)]
mod tests;

//! The kernel's log: a ring of bytes that forgets its oldest records.
//!
//! Writers come from any context, interrupt handlers included; they format into a buffer of their
//! own and hold the ring's lock only while copying at most [`MAX_TEXT_BYTES`]. Readers keep a
//! sequence number and copy one record at a time; one that was too slow learns how many records it
//! has lost. Nothing here wakes readers: that is the caller's, when the lock is free again.

use core::fmt::{self, Write};

use crate::{Interrupts, Level, SpinLock};

/// The longest text of a record; longer ones are cut at a character.
pub const MAX_TEXT_BYTES: usize = 512;

/// What a reader gets beside the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The record's number: the first record of all has number 0.
    pub sequence: u64,
    /// When it was written, as the writer said (nanoseconds since boot, in the kernel).
    pub time_ns: u64,
    /// How serious it is, as the writer said.
    pub severity: u8,
    /// Where it was written, as the writer said: a CPU's index.
    pub cpu: u16,
    /// The text, without a line's end.
    pub text: &'a str,
    /// How many records between the wanted one and this one had been overwritten.
    pub lost: u64,
}

#[derive(Clone, Copy)]
struct Descriptor {
    time_ns: u64,
    /// Where the text begins: counts all bytes ever written; the place is this modulo `BYTES`.
    start: u64,
    len_bytes: u16,
    cpu: u16,
    severity: u8,
}

struct State<const RECORDS: usize, const BYTES: usize> {
    descriptors: [Descriptor; RECORDS],
    bytes: [u8; BYTES],
    /// Number of the oldest record that is still whole.
    first: u64,
    /// Number of the next record.
    next: u64,
    /// All bytes ever written.
    written: u64,
}

/// The last records, at most `RECORDS` of them with at most `BYTES` bytes of text.
pub struct LogRing<R: Interrupts, const RECORDS: usize, const BYTES: usize> {
    state: SpinLock<State<RECORDS, BYTES>, R>,
}

impl<R: Interrupts, const RECORDS: usize, const BYTES: usize> LogRing<R, RECORDS, BYTES> {
    const SIZES_ARE_VALID: () = assert!(RECORDS > 0 && BYTES >= MAX_TEXT_BYTES);

    /// An empty ring; its lock has this level.
    #[must_use]
    pub const fn new(level: Level) -> Self {
        let () = Self::SIZES_ARE_VALID;
        let empty = Descriptor { time_ns: 0, start: 0, len_bytes: 0, cpu: 0, severity: 0 };
        let state = State {
            descriptors: [empty; RECORDS],
            bytes: [0; BYTES],
            first: 0,
            next: 0,
            written: 0,
        };
        Self { state: SpinLock::new(level, "log", state) }
    }

    /// Appends a record, over the oldest ones if need be, and says its number.
    pub fn write(&self, severity: u8, time_ns: u64, cpu: u16, text: fmt::Arguments<'_>) -> u64 {
        let line = Line::of(text);
        self.state.lock().append(severity, time_ns, cpu, line.as_str())
    }

    /// As [`write`](Self::write), but gives up after some attempts: for the panic path, which may
    /// have interrupted the lock's holder.
    pub fn try_write(
        &self,
        severity: u8,
        time_ns: u64,
        cpu: u16,
        text: fmt::Arguments<'_>,
    ) -> Option<u64> {
        const ATTEMPTS: usize = 100_000;
        let line = Line::of(text);
        let mut state = self.state.try_lock_for(ATTEMPTS)?;
        Some(state.append(severity, time_ns, cpu, line.as_str()))
    }

    /// Copies the record `wanted`, or the oldest one left if that is gone, into `buffer`. `None` when
    /// there is no such record yet. Continue with the returned record's number plus one.
    pub fn read<'a>(
        &self,
        wanted: u64,
        buffer: &'a mut [u8; MAX_TEXT_BYTES],
    ) -> Option<Record<'a>> {
        let (sequence, lost, descriptor) = self.state.lock().copy(wanted, buffer)?;
        let bytes = buffer.get(..usize::from(descriptor.len_bytes)).unwrap_or_default();
        // Whole strings go in, so whole strings come out.
        let text = core::str::from_utf8(bytes).unwrap_or_default();
        Some(Record {
            sequence,
            time_ns: descriptor.time_ns,
            severity: descriptor.severity,
            cpu: descriptor.cpu,
            text,
            lost,
        })
    }

    /// The numbers of the records that can be read: from the oldest to the next one to come.
    pub fn range(&self) -> core::ops::Range<u64> {
        let state = self.state.lock();
        state.first..state.next
    }
}

impl<const RECORDS: usize, const BYTES: usize> State<RECORDS, BYTES> {
    fn append(&mut self, severity: u8, time_ns: u64, cpu: u16, text: &str) -> u64 {
        let len = text.len().min(MAX_TEXT_BYTES);
        self.make_room(len);
        let sequence = self.next;
        let start = self.written;
        let place = position::<BYTES>(start);
        let until_end = len.min(BYTES - place);
        let (head, tail) = text.as_bytes()[..len].split_at(until_end);
        self.bytes[place..place + until_end].copy_from_slice(head);
        self.bytes[..tail.len()].copy_from_slice(tail);
        self.descriptors[position::<RECORDS>(sequence)] = Descriptor {
            time_ns,
            start,
            len_bytes: u16::try_from(len).unwrap_or(u16::MAX),
            cpu,
            severity,
        };
        self.written += len as u64;
        self.next += 1;
        sequence
    }

    /// Forgets the oldest records until one more with `len` bytes fits.
    fn make_room(&mut self, len: usize) {
        while self.first < self.next {
            let oldest = self.descriptors[position::<RECORDS>(self.first)].start;
            let in_use = self.written - oldest;
            let has_room = in_use + len as u64 <= BYTES as u64;
            if has_room && self.next - self.first < RECORDS as u64 {
                return;
            }
            self.first += 1;
        }
    }

    fn copy(
        &self,
        wanted: u64,
        buffer: &mut [u8; MAX_TEXT_BYTES],
    ) -> Option<(u64, u64, Descriptor)> {
        let sequence = wanted.max(self.first);
        if sequence >= self.next {
            return None;
        }
        let descriptor = self.descriptors[position::<RECORDS>(sequence)];
        let len = usize::from(descriptor.len_bytes);
        let place = position::<BYTES>(descriptor.start);
        let until_end = len.min(BYTES - place);
        buffer[..until_end].copy_from_slice(&self.bytes[place..place + until_end]);
        buffer[until_end..len].copy_from_slice(&self.bytes[..len - until_end]);
        Some((sequence, sequence - wanted, descriptor))
    }
}

/// The place of a growing number in a ring of `N`.
fn position<const N: usize>(number: u64) -> usize {
    // The remainder is below N, which is a usize.
    usize::try_from(number % N as u64).unwrap_or(0)
}

/// A text of bounded length on the stack; what does not fit is cut off at a character.
struct Line {
    bytes: [u8; MAX_TEXT_BYTES],
    len: usize,
}

impl Line {
    fn of(text: fmt::Arguments<'_>) -> Self {
        let mut line = Self { bytes: [0; MAX_TEXT_BYTES], len: 0 };
        // An error means that the text was cut, or that a Display gave up: what there is is logged.
        let _ = line.write_fmt(text);
        line
    }

    fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MAX_TEXT_BYTES - self.len;
        let cut = text.floor_char_boundary(room);
        self.bytes[self.len..self.len + cut].copy_from_slice(&text.as_bytes()[..cut]);
        self.len += cut;
        if cut == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

impl<R: Interrupts, const RECORDS: usize, const BYTES: usize> fmt::Debug
    for LogRing<R, RECORDS, BYTES>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogRing").field("range", &self.range()).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests;

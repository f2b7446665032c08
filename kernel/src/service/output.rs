//! What the processes of a service write, line by line: the last ones are kept, with when and by whom.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use hal::interrupts::SpinLock;
use process_core::Pid;

use crate::broadcast::Broadcast;
use crate::levels;
use crate::process::{OutputStream, OutputTee};

/// Lines kept of each service.
const KEPT_LINES: usize = 1000;
/// Bytes kept of each service.
const KEPT_BYTES: usize = 128 * 1024;
/// The longest line; what is longer is cut.
const LONGEST_LINE: usize = 2048;

/// A line.
#[derive(Clone, Debug)]
pub struct Line {
    /// Counts up from 1 in each service.
    pub sequence: u64,
    /// When it was complete, on the wall clock, in nanoseconds since 1970.
    pub wall_ns: i64,
    /// The instance; none for a line about the service as a whole.
    pub instance: Option<u32>,
    /// The process that completed it; none for the manager's.
    pub pid: Option<Pid>,
    /// Which output; none for the manager's.
    pub stream: Option<OutputStream>,
    /// Its text.
    pub text: Vec<u8>,
    /// It was longer.
    pub is_cut: bool,
}

/// The lines of a service.
#[derive(Debug)]
pub struct Lines {
    ring: SpinLock<Ring>,
    /// Who waits for more.
    pub news: Broadcast,
}

#[derive(Debug, Default)]
struct Ring {
    lines: VecDeque<Line>,
    bytes: usize,
    last: u64,
    /// Lines that have no end yet, by instance and whether it is the standard error.
    open: BTreeMap<(u32, bool), OpenLine>,
}

#[derive(Debug, Default)]
struct OpenLine {
    text: Vec<u8>,
    is_cut: bool,
    pid: Option<Pid>,
}

impl Ring {
    fn push(&mut self, mut line: Line, dropped: &mut Vec<Line>) {
        self.last += 1;
        line.sequence = self.last;
        self.bytes += line.text.len();
        self.lines.push_back(line);
        while self.lines.len() > KEPT_LINES || self.bytes > KEPT_BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.text.len();
            dropped.push(oldest);
        }
    }
}

impl Lines {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            ring: SpinLock::new(levels::RINGS, "service lines", Ring::default()),
            news: Broadcast::new(),
        }
    }

    /// The numbers of the oldest line kept and of the newest one.
    #[must_use]
    pub fn range(&self) -> (u64, u64) {
        let ring = self.ring.lock();
        (ring.last + 1 - ring.lines.len() as u64, ring.last)
    }

    /// Up to `limit` lines with a number above `after`.
    #[must_use]
    pub fn after(&self, after: u64, limit: usize) -> Vec<Line> {
        let ring = self.ring.lock();
        let first = ring.last + 1 - ring.lines.len() as u64;
        let skip = usize::try_from((after + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        ring.lines.iter().skip(skip).take(limit).cloned().collect()
    }

    /// Adds a line of the manager's.
    pub fn say(&self, instance: Option<u32>, text: String) {
        let line = Line {
            sequence: 0,
            wall_ns: hal::time::wall_ns(),
            instance,
            pid: None,
            stream: None,
            text: text.into_bytes(),
            is_cut: false,
        };
        let mut dropped = Vec::new();
        self.ring.lock().push(line, &mut dropped);
        // Dropped without the lock.
        drop(dropped);
        self.news.wake_all();
    }

    /// An instance writes no more: what has no end ends here.
    pub fn finish(&self, instance: u32) {
        let mut dropped = Vec::new();
        {
            let mut ring = self.ring.lock();
            for is_error in [false, true] {
                if let Some(open) = ring.open.remove(&(instance, is_error)) {
                    let line = open.complete(instance, is_error);
                    ring.push(line, &mut dropped);
                }
            }
        }
        drop(dropped);
        self.news.wake_all();
    }

    fn take_in(&self, instance: u32, writer: Pid, is_error: bool, bytes: &[u8]) {
        let mut dropped = Vec::new();
        // In pieces, because interrupts are disabled under the lock.
        for piece in bytes.chunks(1024) {
            let mut ring = self.ring.lock();
            for part in piece.split_inclusive(|byte| *byte == b'\n') {
                let open = ring.open.entry((instance, is_error)).or_default();
                open.pid = Some(writer);
                let (text, is_whole) = match part.split_last() {
                    Some((b'\n', text)) => (text, true),
                    _ => (part, false),
                };
                let room = LONGEST_LINE.saturating_sub(open.text.len());
                open.is_cut |= text.len() > room;
                let text = &text[..text.len().min(room)];
                if open.text.try_reserve(text.len()).is_ok() {
                    open.text.extend_from_slice(text);
                } else {
                    open.is_cut = true;
                }
                if is_whole && let Some(open) = ring.open.remove(&(instance, is_error)) {
                    let line = open.complete(instance, is_error);
                    ring.push(line, &mut dropped);
                }
            }
            drop(ring);
            dropped.clear();
        }
        self.news.wake_all();
    }
}

impl OpenLine {
    fn complete(self, instance: u32, is_error: bool) -> Line {
        let stream = if is_error { OutputStream::Error } else { OutputStream::Standard };
        Line {
            sequence: 0,
            wall_ns: hal::time::wall_ns(),
            instance: Some(instance),
            pid: self.pid,
            stream: Some(stream),
            text: self.text,
            is_cut: self.is_cut,
        }
    }
}

/// Gives the lines of an instance to its service.
#[derive(Debug)]
pub(super) struct Tee {
    lines: Arc<Lines>,
    instance: u32,
}

impl Tee {
    pub(super) fn new(lines: Arc<Lines>, instance: u32) -> Self {
        Self { lines, instance }
    }
}

impl OutputTee for Tee {
    fn take_in(&self, writer: Pid, stream: OutputStream, bytes: &[u8]) {
        self.lines.take_in(self.instance, writer, stream == OutputStream::Error, bytes);
    }
}

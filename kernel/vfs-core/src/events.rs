//! What happens to files, as inotify(7) tells it: [`FileEvents`], and the queue of one that listens,
//! [`EventQueue`].

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use crate::error::FileError;

/// Kinds of events; the bits are those of `inotify_event.mask`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FileEvents(u32);

impl FileEvents {
    /// None.
    pub const NONE: Self = Self(0);
    /// It was read.
    pub const ACCESS: Self = Self(0x1);
    /// Its contents were changed.
    pub const MODIFY: Self = Self(0x2);
    /// What is known about it was changed.
    pub const ATTRIBUTES: Self = Self(0x4);
    /// It was closed that was open for writing.
    pub const CLOSE_WRITE: Self = Self(0x8);
    /// It was closed that was not open for writing.
    pub const CLOSE_OTHER: Self = Self(0x10);
    /// It was opened.
    pub const OPEN: Self = Self(0x20);
    /// A name has left the directory.
    pub const MOVED_FROM: Self = Self(0x40);
    /// A name has come into the directory.
    pub const MOVED_TO: Self = Self(0x80);
    /// A name has been made in the directory.
    pub const CREATE: Self = Self(0x100);
    /// A name has been removed from the directory.
    pub const DELETE: Self = Self(0x200);
    /// The file itself is gone.
    pub const DELETE_SELF: Self = Self(0x400);
    /// The file itself has another name.
    pub const MOVE_SELF: Self = Self(0x800);
    /// Its file system is gone.
    pub const UNMOUNT: Self = Self(0x2000);
    /// Events were lost.
    pub const OVERFLOW: Self = Self(0x4000);
    /// It is not watched any more.
    pub const IGNORED: Self = Self(0x8000);
    /// It is about a directory.
    pub const DIRECTORY: Self = Self(0x4000_0000);
    /// All that one can ask for.
    pub const ALL: Self = Self(0xfff);

    /// Those of these bits that are known.
    #[must_use]
    pub const fn from_bits_truncate(bits: u32) -> Self {
        Self(bits & 0x4000_efff)
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether the two have something in common.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Without these.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// An event that waits to be read.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Queued {
    watch: i32,
    events: FileEvents,
    cookie: u32,
    name: Box<[u8]>,
}

/// Events that wait to be read, the oldest first.
#[derive(Debug, Default)]
pub struct EventQueue {
    list: VecDeque<Queued>,
    bytes: usize,
}

/// Bytes of an event before its name: `struct inotify_event`.
const HEADER_BYTES: usize = 16;
/// What a name's length is rounded up to, its final zero counted.
const NAME_STEP: usize = 16;
/// The watch of an event that is about none.
const NO_WATCH: i32 = -1;

impl Queued {
    fn name_bytes(&self) -> usize {
        if self.name.is_empty() { 0 } else { (self.name.len() + 1).next_multiple_of(NAME_STEP) }
    }

    fn bytes(&self) -> usize {
        HEADER_BYTES + self.name_bytes()
    }
}

impl EventQueue {
    /// The most events that wait; the next one to come says that there were more.
    pub const MOST: usize = 16_384;

    /// Adds an event; one that is as the last one is only there once. `name` is empty for what is
    /// about the watched file itself. What finds no room or memory is lost, which is said. Answers
    /// whether there is something new to read.
    pub fn push(&mut self, watch: i32, events: FileEvents, cookie: u32, name: &[u8]) -> bool {
        if let Some(last) = self.list.back() {
            let is_same = last.watch == watch && last.events == events && *last.name == *name;
            if is_same && !events.intersects(FileEvents::IGNORED) {
                return false;
            }
            if last.events == FileEvents::OVERFLOW {
                return false;
            }
        }
        let copied = if self.list.len() < Self::MOST { copy(name) } else { None };
        let queued = match copied {
            Some(name) => Queued { watch, events, cookie, name },
            None => Queued {
                watch: NO_WATCH,
                events: FileEvents::OVERFLOW,
                cookie: 0,
                name: Box::default(),
            },
        };
        if self.list.try_reserve(1).is_err() {
            return false;
        }
        self.bytes += queued.bytes();
        self.list.push_back(queued);
        true
    }

    /// Whether there is nothing to read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many bytes there are to read.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes as many events as there are and find room; answers how many bytes they are.
    ///
    /// # Errors
    /// [`FileError::InvalidValue`] if not even the first finds room.
    pub fn take(&mut self, buffer: &mut [u8]) -> Result<usize, FileError> {
        let mut written = 0;
        while let Some(next) = self.list.front() {
            let Some(place) =
                buffer.get_mut(written..).and_then(|rest| rest.get_mut(..next.bytes()))
            else {
                break;
            };
            let name_bytes = u32::try_from(next.name_bytes()).unwrap_or(0);
            let bytes = next
                .watch
                .to_le_bytes()
                .into_iter()
                .chain(next.events.bits().to_le_bytes())
                .chain(next.cookie.to_le_bytes())
                .chain(name_bytes.to_le_bytes())
                .chain(next.name.iter().copied())
                .chain(core::iter::repeat(0));
            for (place, byte) in place.iter_mut().zip(bytes) {
                *place = byte;
            }
            written += next.bytes();
            self.bytes = self.bytes.saturating_sub(next.bytes());
            self.list.pop_front();
        }
        if written == 0 && !self.list.is_empty() {
            return Err(FileError::InvalidValue);
        }
        Ok(written)
    }
}

fn copy(name: &[u8]) -> Option<Box<[u8]>> {
    let mut copy = alloc::vec::Vec::new();
    copy.try_reserve_exact(name.len()).ok()?;
    copy.extend_from_slice(name);
    Some(copy.into_boxed_slice())
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::{EventQueue, FileEvents};
    use crate::error::FileError;

    fn word(bytes: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
    }

    // proves: P7
    #[test]
    fn events_are_read_whole_and_once() {
        let mut queue = EventQueue::default();
        assert!(queue.push(1, FileEvents::CREATE, 0, b"a name of sixteen"));
        assert!(!queue.push(1, FileEvents::CREATE, 0, b"a name of sixteen"));
        assert!(queue.push(1, FileEvents::MOVED_FROM, 7, b"x"));
        assert!(queue.push(1, FileEvents::IGNORED, 0, b""));
        assert_eq!(queue.bytes(), 48 + 32 + 16);
        let mut buffer = [0xaa; 90];
        assert_eq!(queue.take(&mut buffer[..47]), Err(FileError::InvalidValue));
        assert_eq!(queue.take(&mut buffer), Ok(80));
        assert_eq!([0, 4, 8, 12].map(|at| word(&buffer, at)), [1, 0x100, 0, 32]);
        assert_eq!(&buffer[16..34], b"a name of sixteen\0");
        assert_eq!([48, 52, 56, 60].map(|at| word(&buffer, at)), [1, 0x40, 7, 16]);
        assert_eq!(&buffer[64..80], b"x\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(queue.take(&mut buffer), Ok(16));
        assert_eq!(queue.take(&mut buffer), Ok(0));
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn what_is_too_much_is_said_once() {
        let mut queue = EventQueue::default();
        let mut told = Vec::new();
        for number in 0..EventQueue::MOST + 5 {
            let watch = i32::try_from(number).unwrap();
            told.push(queue.push(watch, FileEvents::OPEN, 0, b""));
        }
        assert_eq!(told.iter().filter(|told| **told).count(), EventQueue::MOST + 1);
        let mut buffer = std::vec![0; queue.bytes()];
        assert_eq!(queue.take(&mut buffer), Ok(16 * (EventQueue::MOST + 1)));
        let last = &buffer[buffer.len() - 16..];
        assert_eq!([0, 4].map(|at| word(last, at)), [u32::MAX, 0x4000]);
        assert!(queue.push(1, FileEvents::OPEN, 0, b""));
    }
}

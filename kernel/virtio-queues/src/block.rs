//! The queue of a disk (VIRTIO 1.2, 5.2).
//!
//! virtio-drivers has a driver of its own for disks. It spins until a flush is done, so here the raw
//! queue is used: one request at a time, asked for and fetched without waiting.

use core::fmt;

use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::{DeviceStatus, Transport};
use virtio_drivers::{Error, Hal};

use crate::buffer::{Buffer, Lent};

/// Bytes of a sector, whatever the device's blocks are.
pub const SECTOR_BYTES: usize = 512;
/// The most sectors of one request.
pub const MOST_SECTORS: usize = 63;

const QUEUE: u16 = 0;
const QUEUE_SIZE: usize = 8;
/// `VIRTIO_BLK_F_RO`: it cannot be written.
const READ_ONLY: u64 = 1 << 5;
/// `VIRTIO_BLK_F_FLUSH`: it has a cache, which a request empties.
const FLUSH: u64 = 1 << 9;
/// `VIRTIO_F_VERSION_1`.
const VERSION_1: u64 = 1 << 32;

// The types of requests (5.2.6).
const TYPE_IN: u32 = 0;
const TYPE_OUT: u32 = 1;
const TYPE_FLUSH: u32 = 4;

/// In the buffer: what is asked, how it went, the sectors.
const HEADER_BYTES: usize = 16;
const STATUS: usize = HEADER_BYTES;
const DATA: usize = SECTOR_BYTES;
const BUFFER: usize = DATA + MOST_SECTORS * SECTOR_BYTES;
/// A status that no device gives: it has not written one.
const NO_STATUS: u8 = 0xff;

/// What a disk is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// To read so many bytes, from this sector on.
    Read {
        /// The first sector.
        sector: u64,
        /// Whole sectors, at most [`MOST_SECTORS`].
        len_bytes: usize,
    },
    /// To write, from this sector on.
    Write {
        /// The first sector.
        sector: u64,
        /// Whole sectors, at most [`MOST_SECTORS`].
        bytes: &'a [u8],
    },
    /// To make lasting what was written.
    Flush,
}

/// Why a request was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockError {
    /// The request is none: no sectors, too many, beyond the end, or writing where that cannot be.
    Invalid,
    /// Another request is under way.
    Busy,
    /// The disk reported an error.
    Io,
    /// The disk does not know such requests.
    Unsupported,
    /// The device did what it may not do, or was given up: it is out of use.
    Broken,
}

impl fmt::Display for BlockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "the disk has no such sectors, or may not be written",
            Self::Busy => "another request is under way",
            Self::Io => "the disk reports an I/O error",
            Self::Unsupported => "the disk does not know such requests",
            Self::Broken => "the disk does not answer as a disk does, and is out of use",
        })
    }
}

/// A request that was carried out.
#[derive(Debug)]
pub struct Done<'a> {
    /// What was read.
    pub data: &'a [u8],
}

/// A disk's queue.
pub struct BlockQueue<H: Hal, T: Transport> {
    transport: T,
    queue: VirtQueue<H, QUEUE_SIZE>,
    sectors: u64,
    features: u64,
    state: State,
}

enum State {
    Idle(Buffer<BUFFER>),
    Asked(Asked),
    Broken,
}

/// A request that the device has.
struct Asked {
    token: u16,
    buffer: Lent<BUFFER>,
    kind: u32,
    len: usize,
}

impl<H: Hal, T: Transport> BlockQueue<H, T> {
    /// Starts the device.
    ///
    /// # Errors
    /// When the device's queue is too short, it does not say how large it is, or memory is short.
    pub fn new(mut transport: T) -> Result<Self, Error> {
        transport.set_status(DeviceStatus::empty());
        let mut status = DeviceStatus::ACKNOWLEDGE | DeviceStatus::DRIVER;
        transport.set_status(status);
        let features = transport.read_device_features() & (READ_ONLY | FLUSH | VERSION_1);
        transport.write_driver_features(features);
        status |= DeviceStatus::FEATURES_OK;
        transport.set_status(status);
        let sectors = transport.read_consistent(|| {
            let half = |offset| transport.read_config_space::<u32>(offset).map(u64::from);
            Ok(half(0)? | half(4)? << 32)
        })?;
        let queue = VirtQueue::new(&mut transport, QUEUE, false, false)?;
        transport.finish_init();
        Ok(Self { transport, queue, sectors, features, state: State::Idle(Buffer::new()?) })
    }

    /// How many sectors the disk has.
    #[must_use]
    pub fn sectors(&self) -> u64 {
        self.sectors
    }

    /// Whether it cannot be written.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.features & READ_ONLY != 0
    }

    /// Asks the disk for something; [`poll`](Self::poll) says when it is done.
    ///
    /// # Errors
    /// Why not.
    pub fn begin(&mut self, request: Request<'_>) -> Result<(), BlockError> {
        let (kind, sector, len) = self.check(&request)?;
        let mut buffer = match core::mem::replace(&mut self.state, State::Broken) {
            State::Idle(buffer) => buffer,
            State::Asked(asked) => {
                self.state = State::Asked(asked);
                return Err(BlockError::Busy);
            }
            State::Broken => return Err(BlockError::Broken),
        };
        let bytes = buffer.bytes_mut();
        bytes[..4].copy_from_slice(&kind.to_le_bytes());
        bytes[4..8].fill(0);
        bytes[8..16].copy_from_slice(&sector.to_le_bytes());
        bytes[STATUS] = NO_STATUS;
        if let Request::Write { bytes: content, .. } = request {
            bytes[DATA..DATA + len].copy_from_slice(content);
        }
        let buffer = buffer.lend();
        let mut pointer = buffer.pointer();
        // SAFETY: the buffer is lent, so nothing else refers to it.
        let parts = Parts::of(unsafe { pointer.as_mut() }, len);
        // SAFETY: the buffer is not touched until `fetch` gets it back.
        let token = unsafe { parts.with(kind, |inputs, outputs| self.queue.add(inputs, outputs)) };
        // With one request at a time there is room; a queue that says otherwise has lost count.
        let Ok(token) = token else { return Err(BlockError::Broken) };
        if self.queue.should_notify() {
            self.transport.notify(QUEUE);
        }
        self.state = State::Asked(Asked { token, buffer, kind, len });
        Ok(())
    }

    /// Type, first sector and bytes of a request that can be made.
    fn check(&self, request: &Request<'_>) -> Result<(u32, u64, usize), BlockError> {
        let (kind, sector, len) = match request {
            Request::Read { sector, len_bytes } => (TYPE_IN, *sector, *len_bytes),
            Request::Write { .. } if self.is_read_only() => return Err(BlockError::Invalid),
            Request::Write { sector, bytes } => (TYPE_OUT, *sector, bytes.len()),
            Request::Flush => return Ok((TYPE_FLUSH, 0, 0)),
        };
        let count = len / SECTOR_BYTES;
        let end = sector.checked_add(u64::try_from(count).map_err(|_| BlockError::Invalid)?);
        let is_valid = len.is_multiple_of(SECTOR_BYTES)
            && (1..=MOST_SECTORS).contains(&count)
            && end.is_some_and(|end| end <= self.sectors);
        if is_valid { Ok((kind, sector, len)) } else { Err(BlockError::Invalid) }
    }

    /// Whether a flush does anything: a disk without a cache needs none.
    #[must_use]
    pub fn has_cache(&self) -> bool {
        self.features & FLUSH != 0
    }

    /// The request's end, once it has come. Nothing is asked: [`BlockError::Invalid`].
    pub fn poll(&mut self) -> Option<Result<Done<'_>, BlockError>> {
        match core::mem::replace(&mut self.state, State::Broken) {
            State::Idle(buffer) => {
                self.state = State::Idle(buffer);
                Some(Err(BlockError::Invalid))
            }
            State::Asked(asked) if self.queue.peek_used().is_none() => {
                self.state = State::Asked(asked);
                None
            }
            State::Asked(asked) => Some(self.fetch(asked)),
            State::Broken => Some(Err(BlockError::Broken)),
        }
    }

    fn fetch(&mut self, asked: Asked) -> Result<Done<'_>, BlockError> {
        let Asked { token, buffer, kind, len } = asked;
        let mut pointer = buffer.pointer();
        // SAFETY: the buffer is lent, so nothing else refers to it.
        let parts = Parts::of(unsafe { pointer.as_mut() }, len);
        // SAFETY: the same parts of the buffer that `begin` queued under this token; another token in the
        // queue is an error that leaves the buffer to the device.
        let popped = unsafe {
            parts.with(kind, |inputs, outputs| self.queue.pop_used(token, inputs, outputs))
        };
        if popped.is_err() {
            return Err(BlockError::Broken);
        }
        // SAFETY: the queue has let go of the buffer.
        let buffer = unsafe { buffer.take_back() };
        let status = buffer.bytes()[STATUS];
        self.state = State::Idle(buffer);
        match (status, &self.state) {
            (0, State::Idle(buffer)) => {
                let len = if kind == TYPE_IN { len } else { 0 };
                Ok(Done { data: &buffer.bytes()[DATA..DATA + len] })
            }
            (2, _) => Err(BlockError::Unsupported),
            _ => Err(BlockError::Io),
        }
    }

    /// Gives the device up: it is reset, and is not asked again. What it has stays its own.
    pub fn give_up(&mut self) {
        self.state = State::Broken;
        self.transport.set_status(DeviceStatus::empty());
    }
}

/// The parts of a buffer that the device is told of.
struct Parts<'a> {
    header: &'a [u8],
    status: &'a mut [u8],
    data: &'a mut [u8],
}

impl<'a> Parts<'a> {
    fn of(bytes: &'a mut [u8; BUFFER], len: usize) -> Self {
        let (head, data) = bytes.split_at_mut(DATA);
        let (header, rest) = head.split_at_mut(HEADER_BYTES);
        Self { header, status: &mut rest[..1], data: &mut data[..len] }
    }

    /// Calls `f` with what the device reads, and what it writes.
    fn with<R>(
        self,
        kind: u32,
        f: impl for<'x> FnOnce(&'x [&'x [u8]], &'x mut [&'x mut [u8]]) -> R,
    ) -> R {
        match kind {
            TYPE_IN => f(&[self.header], &mut [self.data, self.status]),
            TYPE_OUT => f(&[self.header, self.data], &mut [self.status]),
            _ => f(&[self.header], &mut [self.status]),
        }
    }
}

impl<H: Hal, T: Transport> Drop for BlockQueue<H, T> {
    fn drop(&mut self) {
        // Before the queue's memory is freed.
        self.transport.set_status(DeviceStatus::empty());
    }
}

impl<H: Hal, T: Transport> fmt::Debug for BlockQueue<H, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockQueue").field("sectors", &self.sectors).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

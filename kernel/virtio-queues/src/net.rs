//! The queues of a network device, with their buffers.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{Ordering, fence};

use virtio_drivers::device::net::VirtIONetRaw;
use virtio_drivers::transport::Transport;
use virtio_drivers::{Error, Hal};

use crate::buffer::{BUFFER_BYTES, Buffer, Lent};

/// Buffers for sending at the start.
const FIRST_SEND_BUFFERS: usize = 16;

/// What a device did that no device may do. It is not used after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceError {
    /// It returned a buffer that it did not have.
    UnknownBuffer(u16),
    /// It changed a queue's entry between two looks, or the queue's own state is not as it must be.
    Queue(Error),
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownBuffer(token) => {
                write!(f, "the device returned buffer {token}, which it did not have")
            }
            Self::Queue(error) => write!(f, "the device spoiled a queue: {error}"),
        }
    }
}

/// A buffer that the device has filled.
#[derive(Debug)]
pub struct Completed {
    buffer: Buffer,
    start: usize,
    len: usize,
}

impl Completed {
    /// The received frame.
    #[must_use]
    pub fn frame(&self) -> &[u8] {
        self.buffer.bytes().get(self.start..self.start + self.len).unwrap_or_default()
    }

    /// The buffer, to be given back by [`NetQueues::recycle`].
    #[must_use]
    pub fn into_buffer(self) -> Buffer {
        self.buffer
    }
}

/// A sent buffer and how much of it the device reads.
struct Sent {
    buffer: Lent,
    len: usize,
}

/// A receive queue and a transmit queue of `SIZE` buffers each. Nothing in here waits.
pub struct NetQueues<H: Hal, T: Transport, const SIZE: usize> {
    // Dropped first: that resets the device, which then has no buffer any more. (The buffers that it
    // had are leaked all the same: a reset that a device ignores must not make memory unsafe.)
    // (On the heap, because kernel stacks are small.)
    raw: Box<VirtIONetRaw<H, T, SIZE>>,
    /// The buffers that the device has for receiving, by their tokens.
    receiving: Vec<Option<Lent>>,
    /// The buffers that the device has for sending, by their tokens.
    sending: Vec<Option<Sent>>,
    /// Buffers for sending that the driver has.
    idle: Vec<Buffer>,
    /// Buffers for sending that there are; more are made when all are on their way.
    send_buffers: usize,
    header_bytes: usize,
    error: Option<DeviceError>,
}

impl<H: Hal, T: Transport, const SIZE: usize> NetQueues<H, T, SIZE> {
    /// Starts the device and gives it all its buffers for receiving.
    ///
    /// # Errors
    /// When the device's queues are shorter than `SIZE`, or memory for them is short.
    pub fn new(transport: T) -> Result<Self, Error> {
        let raw = Box::new(VirtIONetRaw::new(transport)?);
        let mut probe = [0; 64];
        let header_bytes = raw.fill_buffer_header(&mut probe)?;
        let mut queues = Self {
            raw,
            receiving: (0..SIZE).map(|_| None).collect(),
            sending: (0..SIZE).map(|_| None).collect(),
            idle: Vec::with_capacity(SIZE),
            send_buffers: 0,
            header_bytes,
            error: None,
        };
        for _ in 0..SIZE {
            queues.recycle(Buffer::new()?);
        }
        for _ in 0..SIZE.min(FIRST_SEND_BUFFERS) {
            queues.make_send_buffer()?;
        }
        match queues.error {
            Some(DeviceError::Queue(error)) => Err(error),
            _ => Ok(queues),
        }
    }

    /// The header of zeros that sending needs stays in the buffer for good.
    fn make_send_buffer(&mut self) -> Result<(), Error> {
        self.idle.push(Buffer::new()?);
        self.send_buffers += 1;
        Ok(())
    }

    /// The device's MAC address.
    #[must_use]
    pub fn mac_address(&self) -> [u8; 6] {
        self.raw.mac_address()
    }

    /// What the device did wrong, if it did: it is out of use then.
    #[must_use]
    pub fn error(&self) -> Option<DeviceError> {
        self.error
    }

    /// The longest frame that can be sent.
    #[must_use]
    pub fn max_frame_bytes(&self) -> usize {
        BUFFER_BYTES - self.header_bytes
    }

    /// The next received frame, in the order of arrival. Its buffer goes back by
    /// [`recycle`](Self::recycle). `None`: there is none at the moment.
    pub fn receive(&mut self) -> Option<Result<Completed, Malformed>> {
        if self.error.is_some() {
            return None;
        }
        let token = self.raw.poll_receive()?;
        let Some(lent) = self.receiving.get_mut(usize::from(token)).and_then(Option::take) else {
            self.error = Some(DeviceError::UnknownBuffer(token));
            return None;
        };
        let mut pointer = lent.pointer();
        // SAFETY: the buffer is lent, so nothing else refers to it; the device has returned it.
        let bytes = unsafe { pointer.as_mut() };
        // SAFETY: it is the buffer that `recycle` queued under this token.
        let received = unsafe { self.raw.receive_complete(token, bytes) };
        if let Err(error @ (Error::NotReady | Error::WrongToken)) = received {
            // The entry has changed since: the device may still have the buffer. It stays leaked.
            self.error = Some(DeviceError::Queue(error));
            return None;
        }
        // SAFETY: the queue has let go of the buffer.
        let buffer = unsafe { lent.take_back() };
        match received {
            Ok((start, len)) if start + len <= BUFFER_BYTES => {
                Some(Ok(Completed { buffer, start, len }))
            }
            // A length beyond the buffer, or less than a header.
            _ => Some(Err(Malformed(buffer))),
        }
    }

    /// Gives the device a buffer for receiving.
    pub fn recycle(&mut self, buffer: Buffer) {
        if self.error.is_some() {
            return;
        }
        let lent = buffer.lend();
        let mut pointer = lent.pointer();
        // SAFETY: the buffer is lent, so nothing else refers to it.
        let bytes = unsafe { pointer.as_mut() };
        // SAFETY: the buffer is not touched until `receive` gets its token back.
        let queued = unsafe { self.raw.receive_begin(bytes) };
        match queued {
            Ok(token) => match self.receiving.get_mut(usize::from(token)) {
                Some(slot) => *slot = Some(lent),
                None => self.error = Some(DeviceError::UnknownBuffer(token)),
            },
            // There are as many buffers as entries.
            Err(error) => self.error = Some(DeviceError::Queue(error)),
        }
    }

    /// Whether a frame can be sent now, after taking back what has been sent.
    pub fn can_send(&mut self) -> bool {
        if self.idle.is_empty() {
            self.reap();
            if self.idle.is_empty() && self.send_buffers < SIZE {
                // Without memory the frame waits for a buffer to come back.
                let _ = self.make_send_buffer();
            }
        }
        self.error.is_none() && !self.idle.is_empty()
    }

    /// Sends a frame of `len` bytes, which `fill` writes in place.
    ///
    /// # Errors
    /// Gives `fill` back when there is no buffer or the frame is too long.
    pub fn send<O, F: FnOnce(&mut [u8]) -> O>(&mut self, len: usize, fill: F) -> Result<O, F> {
        if !self.can_send() || len > self.max_frame_bytes() {
            return Err(fill);
        }
        let Some(mut buffer) = self.idle.pop() else { return Err(fill) };
        let end = self.header_bytes + len;
        let outcome = fill(&mut buffer.bytes_mut()[self.header_bytes..end]);
        let lent = buffer.lend();
        // SAFETY: the buffer is lent, so nothing writes to it until the device returns it.
        let bytes = unsafe { lent.pointer().as_ref() };
        // SAFETY: the buffer is not touched until `reap` gets its token back.
        let queued = unsafe { self.raw.transmit_begin(&bytes[..end]) };
        match queued {
            Ok(token) => match self.sending.get_mut(usize::from(token)) {
                Some(slot) => *slot = Some(Sent { buffer: lent, len: end }),
                None => self.error = Some(DeviceError::UnknownBuffer(token)),
            },
            // There are as many buffers as entries.
            Err(error) => self.error = Some(DeviceError::Queue(error)),
        }
        Ok(outcome)
    }

    /// Takes back the buffers that have been sent.
    pub fn reap(&mut self) {
        while self.error.is_none() {
            let Some(token) = self.raw.poll_transmit() else { return };
            let slot = self.sending.get_mut(usize::from(token)).and_then(Option::take);
            let Some(Sent { buffer, len }) = slot else {
                self.error = Some(DeviceError::UnknownBuffer(token));
                return;
            };
            // SAFETY: the buffer is lent, so nothing writes to it.
            let bytes = unsafe { buffer.pointer().as_ref() };
            // SAFETY: the same part of the buffer that `send` queued under this token.
            let sent = unsafe { self.raw.transmit_complete(token, &bytes[..len]) };
            if let Err(error) = sent {
                self.error = Some(DeviceError::Queue(error));
                return;
            }
            // SAFETY: the queue has let go of the buffer.
            self.idle.push(unsafe { buffer.take_back() });
        }
    }

    /// Asks the device to interrupt when it returns a buffer, and says whether it has returned one
    /// meanwhile: then there may be no interrupt for it.
    pub fn enable_interrupts(&mut self) -> bool {
        self.raw.enable_interrupts();
        // SeqCst: the device must see the flag before this looks at the used ring; its partner is the
        // barrier with which the device updates the ring before it looks at the flag
        // (VIRTIO 1.2, 2.7.7.2).
        fence(Ordering::SeqCst);
        self.has_received()
    }

    /// Asks the device not to interrupt: a request, which it may come to see late.
    pub fn disable_interrupts(&mut self) {
        self.raw.disable_interrupts();
    }

    /// Whether a received frame waits.
    #[must_use]
    pub fn has_received(&self) -> bool {
        self.error.is_none() && self.raw.poll_receive().is_some()
    }
}

impl<H: Hal, T: Transport, const SIZE: usize> fmt::Debug for NetQueues<H, T, SIZE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetQueues")
            .field("idle", &self.idle.len())
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// A buffer came back with an impossible length. The buffer goes back by [`NetQueues::recycle`].
#[derive(Debug)]
pub struct Malformed(
    /// The buffer.
    pub Buffer,
);

#[cfg(test)]
mod tests;

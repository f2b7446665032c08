//! The queue of an entropy device (VIRTIO 1.2, 5.4).

use core::fmt;

use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::{DeviceStatus, Transport};
use virtio_drivers::{Error, Hal};

use crate::buffer::{BUFFER_BYTES, Buffer, Lent};

const QUEUE: u16 = 0;
const QUEUE_SIZE: usize = 8;
/// `VIRTIO_F_VERSION_1`: the only feature this driver wants.
const VERSION_1: u64 = 1 << 32;

/// Random bytes from the device, asked for and fetched without waiting.
pub struct EntropyQueue<H: Hal, T: Transport> {
    transport: T,
    queue: VirtQueue<H, QUEUE_SIZE>,
    state: State,
}

enum State {
    Idle(Buffer),
    /// The device fills the buffer.
    Asked {
        token: u16,
        buffer: Lent,
        len: usize,
    },
    /// The device did what it may not do.
    Broken,
}

impl<H: Hal, T: Transport> EntropyQueue<H, T> {
    /// Starts the device.
    ///
    /// # Errors
    /// When the device's queue is too short, or memory for it is short.
    pub fn new(mut transport: T) -> Result<Self, Error> {
        // VIRTIO 1.2, 3.1.1, in short: there is nothing to choose but the version.
        transport.set_status(DeviceStatus::empty());
        let mut status = DeviceStatus::ACKNOWLEDGE | DeviceStatus::DRIVER;
        transport.set_status(status);
        let features = transport.read_device_features();
        transport.write_driver_features(features & VERSION_1);
        status |= DeviceStatus::FEATURES_OK;
        transport.set_status(status);
        let mut queue = VirtQueue::new(&mut transport, QUEUE, false, false)?;
        // The answer is polled for.
        queue.set_dev_notify(false);
        transport.finish_init();
        Ok(Self { transport, queue, state: State::Idle(Buffer::new()?) })
    }

    /// Copies random bytes into `out`, if the device has delivered some, and says how many; else asks
    /// for `out.len()` bytes, if it has not been asked. Call it again later.
    ///
    /// # Errors
    /// When the device did what it may not do; it is not used after that.
    pub fn poll(&mut self, out: &mut [u8]) -> Result<usize, Error> {
        match core::mem::replace(&mut self.state, State::Broken) {
            State::Idle(buffer) => {
                if out.is_empty() {
                    self.state = State::Idle(buffer);
                    return Ok(0);
                }
                self.ask(buffer, out.len().min(BUFFER_BYTES))?;
                Ok(0)
            }
            State::Asked { token, buffer, len } => match self.queue.peek_used() {
                None => {
                    self.state = State::Asked { token, buffer, len };
                    Ok(0)
                }
                Some(_) => self.fetch(token, buffer, len, out),
            },
            State::Broken => Err(Error::IoError),
        }
    }

    fn ask(&mut self, buffer: Buffer, len: usize) -> Result<(), Error> {
        let buffer = buffer.lend();
        let mut pointer = buffer.pointer();
        // SAFETY: the buffer is lent, so nothing else refers to it.
        let bytes = unsafe { pointer.as_mut() };
        // SAFETY: the buffer is not touched until `fetch` gets it back.
        let token = unsafe { self.queue.add(&[], &mut [&mut bytes[..len]]) }?;
        if self.queue.should_notify() {
            self.transport.notify(QUEUE);
        }
        self.state = State::Asked { token, buffer, len };
        Ok(())
    }

    fn fetch(
        &mut self,
        token: u16,
        buffer: Lent,
        len: usize,
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let mut pointer = buffer.pointer();
        // SAFETY: the buffer is lent, so nothing else refers to it.
        let bytes = unsafe { pointer.as_mut() };
        // SAFETY: the same part of the buffer that `ask` queued under this token; another token in the
        // queue is an error that leaves the buffer to the device.
        let filled = unsafe { self.queue.pop_used(token, &[], &mut [&mut bytes[..len]]) }?;
        // SAFETY: the queue has let go of the buffer.
        let mut buffer = unsafe { buffer.take_back() };
        let count = usize::try_from(filled).unwrap_or(usize::MAX).min(len).min(out.len());
        out[..count].copy_from_slice(&buffer.bytes()[..count]);
        // Random bytes are used once.
        buffer.bytes_mut().fill(0);
        self.state = State::Idle(buffer);
        Ok(count)
    }
}

impl<H: Hal, T: Transport> Drop for EntropyQueue<H, T> {
    fn drop(&mut self) {
        // Before the queue's memory is freed.
        self.transport.set_status(DeviceStatus::empty());
    }
}

impl<H: Hal, T: Transport> fmt::Debug for EntropyQueue<H, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntropyQueue").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

//! The gate's sending side: answers are collected, so that head and body go out together, and a
//! client that takes nothing for too long is given up.

use core::task::{Context, Poll, ready};

use super::config::Policy;
use super::gate::{Gate, GateError};
use crate::stream::{ByteStream, Clock, StreamError};

/// From this size on bytes go to the stream without a copy in between.
const DIRECT_BYTES: usize = 2 * 1024;
/// Room that is worth formatting into.
const MIN_ROOM: usize = 256;

impl<S: ByteStream, C: Clock, P: Policy> Gate<S, C, P> {
    /// Takes some of `bytes` of an answer.
    ///
    /// # Errors
    /// When the connection is gone, the client too slow, or the request refused.
    pub fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, GateError>> {
        self.check_writable()?;
        if bytes.len() >= DIRECT_BYTES && self.response.is_in_plain_body() {
            ready!(self.poll_flush(context))?;
            let written = self.stream.poll_write(context, bytes);
            return self.poll_unless_stalled(context, written);
        }
        let max = self.config.max_write_buffer_bytes;
        if self.output.room(max).is_empty() {
            ready!(self.poll_flush(context))?;
        }
        let count = self.output.append(bytes, max);
        if count == 0 && !bytes.is_empty() {
            return Poll::Ready(Err(GateError::NoMemory));
        }
        self.observe_last(count);
        Poll::Ready(Ok(count))
    }

    /// Ready when there is room to format an answer into; see [`Self::write_into`].
    ///
    /// # Errors
    /// As [`Self::poll_write`].
    pub fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Result<(), GateError>> {
        self.check_writable()?;
        if self.output.room(self.config.max_write_buffer_bytes).len() < MIN_ROOM {
            ready!(self.poll_flush(context))?;
        }
        if self.output.room(self.config.max_write_buffer_bytes).is_empty() {
            return Poll::Ready(Err(GateError::NoMemory));
        }
        Poll::Ready(Ok(()))
    }

    /// Lends the room for an answer to `write`, which returns how much of it it has used.
    pub fn write_into<R>(&mut self, write: impl FnOnce(&mut [u8]) -> (usize, R)) -> R {
        let max = self.config.max_write_buffer_bytes;
        let room = self.output.room(max);
        let room_len = room.len();
        let (count, result) = write(room);
        let count = count.min(room_len);
        self.output.add(count);
        self.observe_last(count);
        if count == room_len {
            // There is more, which will be formatted again.
            self.output.grow(max);
        }
        result
    }

    /// Ready when the stream has taken everything that was written.
    ///
    /// # Errors
    /// When the connection is gone, or the client takes nothing for too long.
    pub fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), GateError>> {
        while !self.output.is_empty() {
            let written = self.stream.poll_write(context, self.output.pending());
            let count = ready!(self.poll_unless_stalled(context, written))?;
            self.output.consume(count);
        }
        Poll::Ready(Ok(()))
    }

    /// Turns a write that is pending for too long into an error.
    pub(super) fn poll_unless_stalled(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<Result<usize, StreamError>>,
    ) -> Poll<Result<usize, GateError>> {
        match written {
            Poll::Ready(result) => {
                self.write_deadline.clear();
                Poll::Ready(result.map_err(GateError::from))
            }
            Poll::Pending => {
                if !self.write_deadline.is_set() {
                    let timeout = self.config.write_stall_timeout;
                    self.write_deadline.set(self.clock.now().after(timeout));
                }
                ready!(self.write_deadline.poll(context, &self.clock));
                Poll::Ready(Err(GateError::TimedOut))
            }
        }
    }

    fn observe_last(&mut self, count: usize) {
        let keep = self.response.observe(self.output.last(count));
        self.output.remove_last(count - keep);
        self.follow_switch();
    }
}

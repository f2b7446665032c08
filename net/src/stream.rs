//! What the HTTP gate needs of the world: a byte stream and a clock.
//!
//! The kernel gives it TCP connections and the executor's timers, a host program `std`'s sockets.

use core::future::Future;
use core::task::{Context, Poll};

use crate::time::Instant;

/// Why a stream stopped working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamError {
    /// The peer reset the connection, or it was aborted here.
    Reset,
    /// Nothing was heard from the peer for too long.
    TimedOut,
    /// This end has closed its sending half.
    Closed,
}

impl core::fmt::Display for StreamError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Reset => "connection reset",
            Self::TimedOut => "connection timed out",
            Self::Closed => "connection closed",
        })
    }
}

impl core::error::Error for StreamError {}

/// A bidirectional byte stream whose operations are polled.
///
/// One waker is kept for each direction: the last one that found it not ready.
pub trait ByteStream {
    /// Reads into `buffer`; `Ok(0)` is the end of the stream (or an empty buffer).
    ///
    /// # Errors
    /// When the connection is gone.
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, StreamError>>;

    /// Takes some of `bytes` for sending and says how many.
    ///
    /// # Errors
    /// When the connection is gone or its sending half closed.
    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, StreamError>>;

    /// Ready when the peer has acknowledged everything written.
    ///
    /// # Errors
    /// When the connection is gone.
    fn poll_acknowledged(&mut self, context: &mut Context<'_>) -> Poll<Result<(), StreamError>>;

    /// Closes the sending half after what was written. Reading goes on.
    fn close_write(&mut self);

    /// Resets the connection at once.
    fn abort(&mut self);
}

/// A clock with timers.
pub trait Clock: Clone {
    /// A running timer; dropping it cancels it.
    type Sleep: Future<Output = ()> + Unpin;

    /// The present.
    fn now(&self) -> Instant;

    /// A future that is ready from `deadline` on. It costs nothing until it is polled.
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep;
}

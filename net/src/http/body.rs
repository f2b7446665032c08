//! The gate's work on bodies: chunked ones are collected, others handed out as they arrive, and both
//! have to keep coming.

use core::task::{Context, Poll, ready};

use super::chunked::Decoder;
use super::config::Policy;
use super::gate::{Gate, GateError, State};
use super::head::end_head;
use super::refusal::RefusalKind;
use crate::stream::{ByteStream, Clock};

/// The most that ends a head.
const END_OF_HEAD: usize = 64;

impl<S: ByteStream, C: Clock, P: Policy> Gate<S, C, P> {
    /// The collected body lies behind the head; its length is put between them at the end.
    pub(super) fn poll_collect(
        &mut self,
        context: &mut Context<'_>,
        mut decoder: Decoder,
        head_len: usize,
    ) -> Poll<Result<(), GateError>> {
        let unused = self.input.unused();
        if self.message.try_reserve(unused.len() + END_OF_HEAD).is_err() {
            self.refuse_collecting(RefusalKind::NoMemory);
            return Poll::Ready(Ok(()));
        }
        match decoder.decode(unused, &mut self.message) {
            Ok(count) => self.input.consume(count),
            Err(kind) => {
                self.refuse_collecting(kind);
                return Poll::Ready(Ok(()));
            }
        }
        self.state = State::Collect { decoder, head_len };
        if decoder.is_done() {
            let body_len = self.message.len().saturating_sub(head_len);
            end_head(&mut self.message, body_len as u64);
            // What was put behind the body belongs before it.
            if let Some(body_and_end) = self.message.get_mut(head_len..) {
                body_and_end.rotate_left(body_len);
            }
            self.state = State::Deliver { at: 0, body_left: 0 };
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_continue(context))?;
        let capacity = self.config.max_head_bytes;
        match ready!(self.poll_fill(context, capacity)) {
            Ok(0) => self.refuse_collecting(RefusalKind::Incomplete),
            Ok(count) => self.window_bytes += count as u64,
            Err(GateError::TimedOut) if self.renew_window() => {}
            Err(GateError::TimedOut) => self.refuse_collecting(RefusalKind::Timeout),
            Err(GateError::NoMemory) => self.refuse_collecting(RefusalKind::NoMemory),
            Err(error) => return Poll::Ready(Err(error)),
        }
        Poll::Ready(Ok(()))
    }

    /// The server has not seen this request: for it, refusing is the end.
    pub(super) fn refuse_collecting(&mut self, kind: RefusalKind) {
        self.request = None;
        self.refuse(kind);
    }

    /// `None` when the state has changed instead.
    pub(super) fn poll_body(
        &mut self,
        context: &mut Context<'_>,
        left: u64,
        buffer: &mut [u8],
    ) -> Poll<Result<Option<usize>, GateError>> {
        let len = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let buffer = buffer.get_mut(..len).unwrap_or_default();
        let count = if self.input.is_empty() && len > 0 {
            ready!(self.poll_continue(context))?;
            match self.stream.poll_read(context, buffer) {
                Poll::Ready(count) => count?,
                Poll::Pending => {
                    ready!(self.read_deadline.poll(context, &self.clock));
                    if !self.renew_window() {
                        return Poll::Ready(self.refuse_slow_body().map(|()| None));
                    }
                    return Poll::Ready(Ok(None));
                }
            }
        } else {
            self.input.take_into(buffer)
        };
        self.window_bytes += count as u64;
        self.state = State::Body { left: left.saturating_sub(count as u64) };
        if count == 0 && len > 0 {
            // The client has closed its side; the server finds the body too short.
            self.has_read_end = true;
        }
        Poll::Ready(Ok(Some(count)))
    }

    /// An answer that the server has begun can't be replaced.
    pub(super) fn refuse_slow_body(&mut self) -> Result<(), GateError> {
        if self.response.has_started() {
            self.refusal = Some(RefusalKind::Timeout);
            self.policy.refused(RefusalKind::Timeout);
            return Err(GateError::TimedOut);
        }
        self.refuse(RefusalKind::Timeout);
        Ok(())
    }

    pub(super) fn start_window(&mut self) {
        self.window_bytes = 0;
        self.read_deadline.set(self.clock.now().after(self.config.body_window));
    }

    /// At the end of a window: another one, if enough has come in this one.
    pub(super) fn renew_window(&mut self) -> bool {
        let is_enough = self.window_bytes >= self.config.min_body_bytes;
        if is_enough {
            self.start_window();
        }
        is_enough
    }

    /// Asks the client for the body it holds back.
    pub(super) fn poll_continue(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), GateError>> {
        if let Some(request) = &mut self.request
            && core::mem::take(&mut request.expects_continue)
            && !self.response.has_started()
        {
            let max = self.config.max_write_buffer_bytes;
            self.output.append(b"HTTP/1.1 100 Continue\r\n\r\n", max);
        }
        if self.output.is_empty() || self.response.has_started() {
            return Poll::Ready(Ok(()));
        }
        self.poll_flush(context)
    }
}

//! How a connection ends: by a refusal, in order, or by a reset; and that the client gets to read the
//! last answer in each case.

use core::task::{Context, Poll, ready};

use super::config::Policy;
use super::gate::{Gate, GateError, State};
use super::refusal::RefusalKind;
use super::target;
use crate::stream::{ByteStream, Clock};

impl<S: ByteStream, C: Clock, P: Policy> Gate<S, C, P> {
    pub(super) fn refuse(&mut self, kind: RefusalKind) {
        self.refusal = Some(kind);
        self.policy.refused(kind);
        // Of a request that was let in the head is here; of another there are the lines that have come.
        let head = match self.state {
            State::Head => self.input.unused().get(..self.scan.lines_end()).unwrap_or_default(),
            _ => self.message.as_slice(),
        };
        self.message = kind.response(target::path_of(head).unwrap_or_default());
        self.state = State::Refuse { at: 0 };
    }

    pub(super) fn poll_refuse(
        &mut self,
        context: &mut Context<'_>,
        at: usize,
    ) -> Poll<Result<(), GateError>> {
        ready!(self.poll_flush(context))?;
        let rest = self.message.get(at..).unwrap_or_default();
        if rest.is_empty() {
            self.close_write();
            return Poll::Ready(Ok(()));
        }
        let written = self.stream.poll_write(context, rest);
        let count = ready!(self.poll_unless_stalled(context, written))?;
        self.state = State::Refuse { at: at + count };
        Poll::Ready(Ok(()))
    }

    pub(super) fn close_write(&mut self) {
        self.stream.close_write();
        self.read_deadline.set(self.clock.now().after(self.config.drain_timeout));
        self.state = State::Drain { left: self.config.max_drain_bytes };
    }

    pub(super) fn poll_drain(
        &mut self,
        context: &mut Context<'_>,
        left: usize,
    ) -> Poll<Result<(), GateError>> {
        let mut scratch = [0; 512];
        let count = match self.stream.poll_read(context, &mut scratch) {
            Poll::Ready(count) => count.unwrap_or(0),
            Poll::Pending => {
                ready!(self.read_deadline.poll(context, &self.clock));
                0
            }
        };
        self.state = match left.checked_sub(count) {
            Some(left) if count > 0 => State::Drain { left },
            _ => State::End,
        };
        Poll::Ready(Ok(()))
    }

    /// Ends the connection after what was written: the client gets the end of the stream, and
    /// what it still sends is thrown away for a while.
    pub fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<Result<(), GateError>> {
        loop {
            match self.state {
                State::End if self.refusal.is_some() => return Poll::Ready(Ok(())),
                State::Refuse { at } => ready!(self.poll_refuse(context, at))?,
                State::Drain { left } => {
                    ready!(self.poll_drain(context, left))?;
                    if matches!(self.state, State::End) {
                        return Poll::Ready(Ok(()));
                    }
                }
                _ => {
                    ready!(self.poll_flush(context))?;
                    self.close_write();
                }
            }
        }
    }

    /// Before a reset: waits a short time for the client to get what was written.
    pub fn poll_abort(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if matches!(self.state, State::Refuse { .. } | State::Drain { .. }) {
            return self.poll_shutdown(context).map(|_| ());
        }
        if !matches!(self.state, State::End) {
            self.state = State::End;
            self.read_deadline.set(self.clock.now().after(self.config.drain_timeout));
        }
        let delivered = match self.poll_flush(context) {
            Poll::Ready(Ok(())) => self.stream.poll_acknowledged(context).map(|_| ()),
            Poll::Ready(Err(_)) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        };
        if delivered.is_pending() {
            ready!(self.read_deadline.poll(context, &self.clock));
        }
        self.stream.abort();
        Poll::Ready(())
    }
}

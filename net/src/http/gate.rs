//! The gate: a state machine between a byte stream and the server.
//!
//! The server's side is [`Gate::poll_read`], which hands out one checked request after the other,
//! and the `poll_write` family, which takes the answers. Only the server knows when it is done with
//! a request, so it says so with [`Gate::next_request`]; until then a read waits for the client to
//! go away, which is what a server reads for while it answers.

use alloc::vec::Vec;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use super::buffer::{Input, Output};
use super::chunked::Decoder;
use super::config::{GateConfig, Policy};
use super::deadline::Deadline;
use super::head::{Framing, Head, Request, end_head, header_slots};
use super::refusal::RefusalKind;
use super::response::Response;
use super::scan::{MAX_EMPTY_BYTES, Scan};
use crate::stream::{ByteStream, Clock, StreamError};
use crate::time::Instant;

/// How long an idle connection keeps its buffers for the next request.
const KEEP_BUFFERS: Duration = Duration::from_secs(5);

/// What a head may gain: a connection option and a length.
const HEAD_GROWTH: usize = 64;

/// Why the server's side of the gate failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateError {
    /// The connection is gone.
    Stream(StreamError),
    /// The client is too slow.
    TimedOut,
    /// There is no memory for what it sends or gets.
    NoMemory,
    /// The request was refused while its body arrived; the gate has answered it.
    Refused(RefusalKind),
}

impl From<StreamError> for GateError {
    fn from(error: StreamError) -> Self {
        Self::Stream(error)
    }
}

impl core::fmt::Display for GateError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Stream(error) => error.fmt(f),
            Self::TimedOut => f.write_str("the client is too slow"),
            Self::NoMemory => f.write_str("there is no memory"),
            Self::Refused(kind) => f.write_str(kind.detail()),
        }
    }
}

impl core::error::Error for GateError {}

/// What the gate is doing with what the client sends.
#[derive(Clone, Copy)]
pub(super) enum State {
    /// Reading a head, or waiting for one.
    Head,
    /// Collecting a chunked body behind its head.
    Collect {
        decoder: Decoder,
        head_len: usize,
    },
    /// Handing out the head (and a collected body); this many bytes of body follow.
    Deliver {
        at: usize,
        body_left: u64,
    },
    /// Handing out the body as it arrives.
    Body {
        left: u64,
    },
    /// The request was handed out; the server answers.
    Answer,
    /// Another protocol is spoken.
    Tunnel,
    /// Sending a refusal.
    Refuse {
        at: usize,
    },
    /// Throwing away what still comes, so that the client reads the answer before a reset.
    Drain {
        left: usize,
    },
    End,
}

/// The gate on one connection.
pub struct Gate<S, C: Clock, P> {
    pub(super) stream: S,
    pub(super) clock: C,
    pub(super) config: GateConfig,
    pub(super) policy: P,
    pub(super) state: State,
    pub(super) input: Input,
    pub(super) scan: Scan,
    /// The request for the server, or the refusal for the client.
    pub(super) message: Vec<u8>,
    pub(super) request: Option<Request>,
    pub(super) response: Response,
    pub(super) output: Output,
    pub(super) read_deadline: Deadline<C>,
    /// When an idle connection ends; before that its buffers are given back.
    pub(super) idle_until: Instant,
    pub(super) write_deadline: Deadline<C>,
    /// Bytes of the body since the present window began.
    pub(super) window_bytes: u64,
    pub(super) requests: u32,
    pub(super) is_next_wanted: bool,
    pub(super) has_read_end: bool,
    pub(super) refusal: Option<RefusalKind>,
}

impl<S: ByteStream, C: Clock, P: Policy> Gate<S, C, P> {
    /// A gate on a new connection.
    pub fn new(stream: S, clock: C, policy: P, config: GateConfig) -> Self {
        let mut gate = Self {
            stream,
            clock,
            config,
            policy,
            state: State::Head,
            input: Input::default(),
            scan: Scan::default(),
            message: Vec::new(),
            request: None,
            response: Response::new(false),
            output: Output::default(),
            read_deadline: Deadline::default(),
            idle_until: Instant::default(),
            write_deadline: Deadline::default(),
            window_bytes: 0,
            requests: 0,
            is_next_wanted: false,
            has_read_end: false,
            refusal: None,
        };
        gate.start_head();
        gate
    }

    /// A gate that answers a new connection with a refusal, whatever it sends.
    pub fn refusing(stream: S, clock: C, policy: P, config: GateConfig, kind: RefusalKind) -> Self {
        let mut gate = Self::new(stream, clock, policy, config);
        gate.refuse(kind);
        gate
    }

    /// The server is done with the last request, its answer is written, and it is ready for the
    /// next one.
    pub fn next_request(&mut self) {
        self.is_next_wanted = true;
    }

    /// What was refused on this connection.
    #[must_use]
    pub fn refusal(&self) -> Option<RefusalKind> {
        self.refusal
    }

    /// Requests that got through.
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// Reads the next request's head and body. `Ok(0)` is the end: there is no further request, the
    /// client has gone, or the body ended early.
    ///
    /// # Errors
    /// When the connection is gone, or the body was refused.
    pub fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, GateError>> {
        loop {
            let step = match self.state {
                State::Head => self.poll_head(context),
                State::Collect { decoder, head_len } => {
                    self.poll_collect(context, decoder, head_len)
                }
                State::Deliver { at, body_left } => return self.deliver(at, body_left, buffer),
                State::Body { left: 0 } => {
                    self.state = State::Answer;
                    continue;
                }
                State::Body { left } => match ready!(self.poll_body(context, left, buffer)) {
                    Ok(Some(count)) => return Poll::Ready(Ok(count)),
                    Ok(None) => continue,
                    Err(error) => Poll::Ready(Err(error)),
                },
                State::Answer if self.is_next_wanted => {
                    self.is_next_wanted = false;
                    self.finish_request();
                    continue;
                }
                State::Answer => return self.poll_disconnection(context),
                State::Tunnel => return self.poll_tunnel(context, buffer),
                State::Refuse { at } => self.poll_refuse(context, at),
                State::Drain { left } => self.poll_drain(context, left),
                State::End => return Poll::Ready(self.end()),
            };
            match ready!(step) {
                Ok(()) => {}
                Err(error) => {
                    self.state = State::End;
                    return Poll::Ready(Err(error));
                }
            }
        }
    }

    /// After a refusal in the middle of a request the server has to know that it failed; between
    /// requests it is just the end.
    fn end(&self) -> Result<usize, GateError> {
        match (self.refusal, self.request) {
            (Some(kind), Some(_)) => Err(GateError::Refused(kind)),
            _ => Ok(0),
        }
    }

    fn start_head(&mut self) {
        self.state = State::Head;
        self.scan = Scan::default();
        self.request = None;
        let now = self.clock.now();
        self.idle_until = now.after(self.config.idle_timeout);
        self.read_deadline.set(if self.input.is_empty() {
            self.idle_until.min(now.after(KEEP_BUFFERS))
        } else {
            now.after(self.config.head_timeout)
        });
    }

    /// Waits for the next request a while longer, with less memory.
    fn doze(&mut self) -> bool {
        if self.clock.now() >= self.idle_until {
            return false;
        }
        self.input.shrink();
        self.output.shrink();
        self.message = Vec::new();
        self.read_deadline.set(self.idle_until);
        true
    }

    fn finish_request(&mut self) {
        let is_persistent = self.request.is_some_and(|request| request.is_persistent);
        if is_persistent
            && !self.response.ends_with_connection()
            && self.requests < self.config.max_requests
        {
            self.start_head();
        } else {
            self.state = State::End;
        }
    }

    fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<Result<(), GateError>> {
        match self.scan.advance(self.input.unused(), &self.config) {
            Err(kind) => self.refuse(kind),
            Ok(Some(range)) => {
                let head = self.input.unused().get(range.start..range.end).unwrap_or_default();
                let mut slots = header_slots();
                match Head::parse(head, &mut slots, &self.config, &self.policy) {
                    Err(kind) => self.refuse(kind),
                    Ok(head) => {
                        let request = head.request;
                        let is_last = self.requests + 1 >= self.config.max_requests;
                        self.message.clear();
                        // A rewritten head is hardly longer than what the client sent.
                        if self.message.try_reserve(range.end + HEAD_GROWTH).is_err() {
                            self.refuse(RefusalKind::NoMemory);
                            return Poll::Ready(Ok(()));
                        }
                        head.write(&mut self.message, is_last);
                        self.input.consume(range.end);
                        self.start_request(request);
                    }
                }
            }
            Ok(None) => {
                let was_idle = self.input.is_empty();
                let capacity = self.config.max_head_bytes + MAX_EMPTY_BYTES;
                match ready!(self.poll_fill(context, capacity)) {
                    Ok(0) if self.scan.is_idle() => self.state = State::End,
                    Ok(0) => self.refuse(RefusalKind::Incomplete),
                    Ok(_) if was_idle => {
                        self.read_deadline.set(self.clock.now().after(self.config.head_timeout));
                    }
                    Ok(_) => {}
                    Err(GateError::TimedOut) if self.scan.is_idle() && self.doze() => {}
                    Err(GateError::TimedOut) if self.scan.is_idle() => self.state = State::End,
                    Err(GateError::TimedOut) => self.refuse(RefusalKind::Timeout),
                    Err(GateError::NoMemory) => self.refuse(RefusalKind::NoMemory),
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn start_request(&mut self, request: Request) {
        self.policy.admitted();
        self.request = Some(request);
        self.response = Response::new(request.is_head_method);
        self.requests += 1;
        self.is_next_wanted = false;
        self.start_window();
        self.state = match request.framing {
            Framing::Length(length) => {
                end_head(&mut self.message, length);
                State::Deliver { at: 0, body_left: length }
            }
            Framing::Chunked { limit } => {
                let head_len = self.message.len();
                State::Collect { decoder: Decoder::new(limit), head_len }
            }
        };
    }

    fn deliver(
        &mut self,
        at: usize,
        body_left: u64,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, GateError>> {
        let rest = self.message.get(at..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.state = if count == rest.len() {
            State::Body { left: body_left }
        } else {
            State::Deliver { at: at + count, body_left }
        };
        Poll::Ready(Ok(count))
    }

    /// While the server answers: what comes is kept for later, until there is too much of it.
    fn poll_disconnection(&mut self, context: &mut Context<'_>) -> Poll<Result<usize, GateError>> {
        while !self.has_read_end {
            let room = self.input.room(self.config.max_head_bytes);
            if room.is_empty() {
                return Poll::Pending;
            }
            let count = ready!(self.stream.poll_read(context, room))?;
            self.input.add(count);
            self.has_read_end = count == 0;
        }
        Poll::Ready(Ok(0))
    }

    fn poll_tunnel(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, GateError>> {
        if !self.input.is_empty() {
            return Poll::Ready(Ok(self.input.take_into(buffer)));
        }
        self.stream.poll_read(context, buffer).map_err(GateError::from)
    }

    /// Reads into the input buffer, against the deadline.
    pub(super) fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        capacity: usize,
    ) -> Poll<Result<usize, GateError>> {
        if self.has_read_end {
            return Poll::Ready(Ok(0));
        }
        let room = self.input.room(capacity);
        if room.is_empty() {
            return Poll::Ready(Err(GateError::NoMemory));
        }
        match self.stream.poll_read(context, room) {
            Poll::Ready(count) => {
                let count = count?;
                self.input.add(count);
                Poll::Ready(Ok(count))
            }
            Poll::Pending => {
                ready!(self.read_deadline.poll(context, &self.clock));
                Poll::Ready(Err(GateError::TimedOut))
            }
        }
    }

    /// After `101` the bytes belong to another protocol.
    pub(super) fn follow_switch(&mut self) {
        if self.response.is_switching()
            && self.request.is_some_and(|request| request.wants_upgrade)
            && matches!(self.state, State::Answer | State::Body { left: 0 })
        {
            self.state = State::Tunnel;
        }
    }

    /// Whether the server may write: not after the gate has answered in its place.
    pub(super) fn check_writable(&self) -> Result<(), GateError> {
        match self.refusal {
            Some(kind) => Err(GateError::Refused(kind)),
            None => Ok(()),
        }
    }
}

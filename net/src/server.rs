//! The gate as picoserve's socket and timer.
//!
//! [`Connection::serve`] runs picoserve's server on one connection, [`HttpServer`] does it for a
//! listener's. picoserve asks its timer for the time limit
//! on waiting for a request exactly when it is done with the request before; with
//! [`CONFIG`]'s value for that limit the timer tells the gate, which has no other way to know.

use alloc::rc::Rc;
use alloc::sync::Arc;
use core::cell::RefCell;
use core::future::{Future, poll_fn};
use core::net::SocketAddr;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use core::task::Poll;
use core::time::Duration;

use picoserve::io::embedded_io_async;
use picoserve::io::{ErrorKind, ErrorType, Read, Write};
use picoserve::mem::{BorrowedBuffer, BorrowedCursor};
use picoserve::routing::PathRouter;
use picoserve::{KeepAlive, Router, Server, Timeouts};

use crate::executor::Spawner;
use crate::http::{Gate, GateConfig, GateError, Policy, RefusalKind};
use crate::stream::{ByteStream, Clock};

/// Longer than any connection lives: the gate's own limits come first.
const FOREVER: picoserve::time::Duration = picoserve::time::Duration::from_secs(400 * 24 * 3600);
/// As long, and different, so that the timer recognises it.
const NEXT_REQUEST: picoserve::time::Duration =
    picoserve::time::Duration::from_secs(401 * 24 * 3600);

/// picoserve's configuration behind the gate.
pub const CONFIG: picoserve::Config = picoserve::Config {
    timeouts: Timeouts {
        start_read_request: FOREVER,
        persistent_start_read_request: NEXT_REQUEST,
        read_request: FOREVER,
        write: FOREVER,
    },
    connection: KeepAlive::KeepAlive,
};

/// The buffer that picoserve needs for a head of [`GateConfig`]'s default size: the rewritten head
/// may be a little longer than what the client sent. What the head leaves free is for bodies.
pub const HTTP_BUFFER_BYTES: usize = 12 * 1024;

/// Names the implementations here for picoserve's `Socket` and `Timer`.
pub struct Runtime;

/// What became of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Requests that got through the gate.
    pub requests: u32,
    /// What the gate has refused.
    pub refusal: Option<RefusalKind>,
    /// How it failed, if it did.
    pub error: Option<GateError>,
}

/// A connection for [`Connection::serve`].
pub struct Connection<S, C, P> {
    /// The bytes.
    pub stream: S,
    /// The time.
    pub clock: C,
    /// What is allowed by route.
    pub policy: P,
    /// The gate's limits.
    pub config: GateConfig,
}

impl<S: ByteStream, C: Clock, P: Policy> Connection<S, C, P> {
    /// picoserve's timer over this connection's clock, for what handlers wait for.
    pub fn timer(&self) -> ClockTimer<C> {
        ClockTimer(self.clock.clone())
    }

    /// Serves the requests of the connection, until its end.
    ///
    /// `http_buffer` holds a request's head and what a handler reads of the body at once; it should
    /// be [`HTTP_BUFFER_BYTES`] long or longer.
    pub async fn serve<R: PathRouter>(self, app: &Router<R>, http_buffer: &mut [u8]) -> Outcome {
        let Self { stream, clock, policy, config } = self;
        let gate = Rc::new(RefCell::new(Gate::new(stream, clock.clone(), policy, config)));
        let timer = GateTimer { gate: gate.clone(), clock: ClockTimer(clock) };
        let socket = GateSocket { gate: gate.clone() };
        let served = Server::custom(app, timer, &CONFIG, http_buffer).serve(socket).await;
        let gate = gate.borrow();
        let error = match served {
            Ok(_) | Err(picoserve::Error::BadRequest) => None,
            Err(picoserve::Error::Read(error) | picoserve::Error::Write(error)) => Some(error),
            Err(picoserve::Error::ReadTimeout(_) | picoserve::Error::WriteTimeout(_)) => {
                Some(GateError::TimedOut)
            }
        };
        Outcome { requests: gate.requests(), refusal: gate.refusal(), error }
    }
}

/// What the server has done, readable from any thread.
#[derive(Debug, Default)]
pub struct ServerCounters {
    active: AtomicUsize,
    connections: AtomicU64,
    requests: AtomicU64,
    refused: AtomicU64,
    busy: AtomicU64,
}

impl ServerCounters {
    /// Connections that are being served.
    #[must_use]
    pub fn active(&self) -> usize {
        // Relaxed, here and below: each is a number of its own, nothing is ordered by it.
        self.active.load(Ordering::Relaxed)
    }

    /// Connections that were taken on.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Requests that got through the gate.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Requests that the gate has refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Connections refused because there were too many.
    #[must_use]
    pub fn busy(&self) -> u64 {
        self.busy.load(Ordering::Relaxed)
    }
}

/// Takes a connection out of the count when its task ends, however it ends.
struct Active(Arc<ServerCounters>);

impl Active {
    fn new(counters: &Arc<ServerCounters>) -> Self {
        counters.active.fetch_add(1, Ordering::Relaxed);
        counters.connections.fetch_add(1, Ordering::Relaxed);
        Self(counters.clone())
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A policy that also counts.
pub struct Counting<P> {
    policy: P,
    counters: Arc<ServerCounters>,
}

impl<P: Policy> Policy for Counting<P> {
    fn max_body_bytes(&self, method: &str, path: &str) -> u64 {
        self.policy.max_body_bytes(method, path)
    }

    fn admitted(&self) {
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        self.policy.admitted();
    }

    fn refused(&self, kind: RefusalKind) {
        self.counters.refused.fetch_add(1, Ordering::Relaxed);
        self.policy.refused(kind);
    }
}

/// A server for the connections of listeners.
pub struct HttpServer<P> {
    /// What is allowed by route.
    pub policy: P,
    /// The gate's limits.
    pub config: GateConfig,
    /// Connections at once; further ones get an answer with 503.
    pub max_connections: usize,
    /// Where to count.
    pub counters: Arc<ServerCounters>,
}

impl<P: Policy + Clone + 'static> HttpServer<P> {
    /// Starts a task that serves one connection: `serve` makes its future, in which
    /// [`Connection::serve`] does the work. Without a free task slot the connection is closed; some
    /// slots more than `max_connections` let clients be told.
    pub fn start<S: ByteStream + 'static, C: Clock + 'static, F: Future<Output = ()> + 'static>(
        &self,
        stream: S,
        clock: C,
        spawner: &Spawner,
        serve: impl FnOnce(Connection<S, C, Counting<P>>) -> F,
    ) {
        let config = self.config;
        if self.counters.active() >= self.max_connections {
            self.counters.busy.fetch_add(1, Ordering::Relaxed);
            // Without a slot there is nobody to say it: the stream is dropped, that is closed.
            let _ = spawner.spawn(refuse_busy(stream, clock, config));
            return;
        }
        let active = Active::new(&self.counters);
        let policy = Counting { policy: self.policy.clone(), counters: self.counters.clone() };
        let served = serve(Connection { stream, clock, policy, config });
        let connection = async move {
            let _active = active;
            served.await;
        };
        if spawner.spawn(connection).is_err() {
            self.counters.busy.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Serves the connections of a listener until the stack forgets it. `serve` gets each of them
    /// with its peer's address.
    #[cfg(feature = "stack")]
    pub async fn run<S, C, F>(
        self,
        listener: crate::socket::TcpListener<S>,
        clock: C,
        spawner: Spawner,
        serve: impl Fn(Connection<crate::socket::TcpStream<S>, C, Counting<P>>, SocketAddr) -> F,
    ) where
        S: crate::socket::SharedStack + 'static,
        C: Clock + 'static,
        F: Future<Output = ()> + 'static,
    {
        while let Ok((stream, peer)) = listener.accept().await {
            self.start(stream, clock.clone(), &spawner, |connection| {
                serve(connection, crate::socket::socket_addr(peer))
            });
        }
    }
}

/// Tells a client that there is no room for its connection, and ends it.
pub async fn refuse_busy<S: ByteStream, C: Clock>(stream: S, clock: C, config: GateConfig) {
    let mut gate = Gate::refusing(stream, clock, |_: &str, _: &str| 0, config, RefusalKind::Busy);
    // The connection ends either way.
    let _ = poll_fn(|context| gate.poll_shutdown(context)).await;
}

impl embedded_io_async::Error for GateError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Stream(_) => ErrorKind::ConnectionReset,
            Self::TimedOut => ErrorKind::TimedOut,
            Self::NoMemory => ErrorKind::OutOfMemory,
            Self::Refused(_) => ErrorKind::InvalidData,
        }
    }
}

type SharedGate<S, C, P> = Rc<RefCell<Gate<S, C, P>>>;

struct GateSocket<S, C: Clock, P> {
    gate: SharedGate<S, C, P>,
}

struct Half<'a, S, C: Clock, P>(&'a RefCell<Gate<S, C, P>>);

impl<S: ByteStream, C: Clock, P: Policy> picoserve::io::Socket<Runtime> for GateSocket<S, C, P> {
    type Error = GateError;
    type ReadHalf<'a>
        = Half<'a, S, C, P>
    where
        Self: 'a;
    type WriteHalf<'a>
        = Half<'a, S, C, P>
    where
        Self: 'a;

    fn split(&mut self) -> (Self::ReadHalf<'_>, Self::WriteHalf<'_>) {
        (Half(&self.gate), Half(&self.gate))
    }

    async fn abort<T: picoserve::Timer<Runtime>>(
        self,
        _: &Timeouts,
        _: &T,
    ) -> Result<(), picoserve::Error<GateError>> {
        poll_fn(|context| self.gate.borrow_mut().poll_abort(context)).await;
        Ok(())
    }

    async fn shutdown<T: picoserve::Timer<Runtime>>(
        self,
        _: &Timeouts,
        _: &T,
    ) -> Result<(), picoserve::Error<GateError>> {
        poll_fn(|context| self.gate.borrow_mut().poll_shutdown(context))
            .await
            .map_err(picoserve::Error::Write)
    }
}

impl<S, C: Clock, P> ErrorType for Half<'_, S, C, P> {
    type Error = GateError;
}

impl<S: ByteStream, C: Clock, P: Policy> Read for Half<'_, S, C, P> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, GateError> {
        poll_fn(|context| self.0.borrow_mut().poll_read(context, buffer)).await
    }
}

impl<S: ByteStream, C: Clock, P: Policy> embedded_io_async::Write for Half<'_, S, C, P> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, GateError> {
        poll_fn(|context| self.0.borrow_mut().poll_write(context, bytes)).await
    }

    async fn flush(&mut self) -> Result<(), GateError> {
        poll_fn(|context| self.0.borrow_mut().poll_flush(context)).await
    }
}

impl<S: ByteStream, C: Clock, P: Policy> Write for Half<'_, S, C, P> {
    async fn write_with<F: FnOnce(BorrowedCursor<'_>) -> R, R>(
        &mut self,
        f: F,
    ) -> Result<R, GateError> {
        poll_fn(|context| self.0.borrow_mut().poll_room(context)).await?;
        Ok(self.0.borrow_mut().write_into(|room| {
            let mut buffer = BorrowedBuffer::new(room);
            let result = f(buffer.unfilled());
            (buffer.len(), result)
        }))
    }
}

/// picoserve's timer over a clock.
#[derive(Clone, Debug)]
pub struct ClockTimer<C>(pub C);

impl<C: Clock> picoserve::Timer<Runtime> for ClockTimer<C> {
    fn delay(&self, duration: picoserve::time::Duration) -> impl Future<Output = ()> {
        let deadline = self.0.now().after(Duration::from_millis(duration.as_millis()));
        self.0.sleep_until(deadline)
    }
}

struct GateTimer<S, C: Clock, P> {
    gate: SharedGate<S, C, P>,
    clock: ClockTimer<C>,
}

impl<S: ByteStream, C: Clock, P: Policy> picoserve::Timer<Runtime> for GateTimer<S, C, P> {
    fn delay(&self, duration: picoserve::time::Duration) -> impl Future<Output = ()> {
        let is_endless = duration == FOREVER || duration == NEXT_REQUEST;
        if duration == NEXT_REQUEST {
            self.gate.borrow_mut().next_request();
        }
        let clock = &self.clock.0;
        let mut sleep =
            clock.sleep_until(clock.now().after(Duration::from_millis(duration.as_millis())));
        // The endless ones never get into the timer queue.
        poll_fn(move |context| {
            if is_endless { Poll::Pending } else { core::pin::Pin::new(&mut sleep).poll(context) }
        })
    }
}

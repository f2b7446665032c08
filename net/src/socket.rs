//! Handles on the stack for tasks and threads: listeners and streams.
//!
//! The stack lies behind a [`SharedStack`], which the kernel implements over its lock. Every
//! operation exists in a form that is polled with a [`Context`], so that a blocking thread can use
//! it with a waker that unparks it, and as a future for tasks.

use alloc::rc::Rc;
use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::net::SocketAddr;
use core::task::{Context, Poll};

use smoltcp::phy::Device;

use crate::stack::{
    ConnectError, ConnectionId, FrontId, IpEndpoint, ListenConfig, ListenError, ListenerId,
    SocketOptions, Stack, WakeList,
};
use crate::stream::{ByteStream, StreamError};
use crate::time::Instant;

/// Access to a stack that is shared. Cheap to clone.
pub trait SharedStack: Clone {
    /// The device below the stack.
    type Device: Device;

    /// Runs `f` with the stack, which nobody else uses meanwhile. `f` is short and never calls
    /// back into this trait.
    fn with<R>(&self, f: impl FnOnce(&mut Stack<Self::Device>) -> R) -> R;

    /// The present.
    fn now(&self) -> Instant;

    /// Says that there may be something to send: whoever polls the stack should do so soon.
    /// Needs to do nothing where the stack is polled after the tasks have run.
    fn kick(&self);

    /// Polls the stack and wakes who waited, after the stack was let go. Returns when to poll
    /// again; see [`Stack::poll`].
    fn poll(&self, wakes: &mut WakeList) -> Option<Instant> {
        let now = self.now();
        let next = self.with(|stack| stack.poll(now, wakes));
        wakes.wake_all();
        next
    }

    /// Sends what was written since the last poll, likewise; see [`Stack::flush`].
    fn flush(&self, wakes: &mut WakeList) -> Option<Instant> {
        let now = self.now();
        let next = self.with(|stack| stack.flush(now, wakes));
        wakes.wake_all();
        next
    }
}

/// An endpoint in the standard library's terms.
#[must_use]
pub fn socket_addr(endpoint: IpEndpoint) -> SocketAddr {
    SocketAddr::new(endpoint.addr.into(), endpoint.port)
}

/// A stack that only one thread uses.
pub struct LocalStack<D: Device>(Rc<(RefCell<Stack<D>>, Cell<Instant>)>);

impl<D: Device> LocalStack<D> {
    /// Shares `stack` among the tasks of this thread.
    #[must_use]
    pub fn new(stack: Stack<D>, now: Instant) -> Self {
        Self(Rc::new((RefCell::new(stack), Cell::new(now))))
    }

    /// Sets the time that operations go by.
    pub fn set_now(&self, now: Instant) {
        self.0.1.set(now);
    }
}

impl<D: Device> Clone for LocalStack<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<D: Device> SharedStack for LocalStack<D> {
    type Device = D;

    fn with<R>(&self, f: impl FnOnce(&mut Stack<D>) -> R) -> R {
        f(&mut self.0.0.borrow_mut())
    }

    fn now(&self) -> Instant {
        self.0.1.get()
    }

    fn kick(&self) {}
}

/// A listening TCP socket. Dropping it stops the listening and resets what was not accepted.
pub struct TcpListener<S: SharedStack> {
    stack: S,
    id: ListenerId,
}

impl<S: SharedStack> TcpListener<S> {
    /// Starts to listen.
    ///
    /// # Errors
    /// When another listener has the port, or the configuration can't work.
    pub fn bind(stack: &S, config: ListenConfig) -> Result<Self, ListenError> {
        let id = stack.with(|stack| stack.listen(config))?;
        Ok(Self { stack: stack.clone(), id })
    }

    /// Takes the next connection from the backlog.
    ///
    /// # Errors
    /// [`StreamError::Closed`] when the stack does not know the listener any more.
    pub fn poll_accept(
        &self,
        context: &mut Context<'_>,
    ) -> Poll<Result<(TcpStream<S>, IpEndpoint), StreamError>> {
        let accepted = self.stack.with(|stack| stack.poll_accept(self.id, context.waker()));
        accepted.map(|accepted| {
            let (id, peer) = accepted.ok_or(StreamError::Closed)?;
            Ok((TcpStream { stack: self.stack.clone(), id }, peer))
        })
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// As [`Self::poll_accept`].
    pub async fn accept(&self) -> Result<(TcpStream<S>, IpEndpoint), StreamError> {
        poll_fn(|context| self.poll_accept(context)).await
    }

    /// Its name in the statistics.
    #[must_use]
    pub fn id(&self) -> ListenerId {
        self.id
    }
}

impl<S: SharedStack> Drop for TcpListener<S> {
    fn drop(&mut self) {
        self.stack.with(|stack| stack.stop_listening(self.id));
        self.stack.kick();
    }
}

/// A TCP connection. Dropping it closes it: what was written is still delivered.
pub struct TcpStream<S: SharedStack> {
    stack: S,
    id: ConnectionId,
}

impl<S: SharedStack> TcpStream<S> {
    /// Opens a connection.
    ///
    /// # Errors
    /// When there is no way to `remote`, or nothing left to open it with.
    pub fn connect(
        stack: &S,
        remote: IpEndpoint,
        options: &SocketOptions,
    ) -> Result<Self, ConnectError> {
        let now = stack.now();
        let id = stack.with(|stack| stack.connect(remote, options, now))?;
        stack.kick();
        Ok(Self { stack: stack.clone(), id })
    }

    /// Opens a connection to one member of a front; see [`Stack::connect_to_member`].
    ///
    /// # Errors
    /// When it does not listen, or nothing is left to open the connection with.
    pub fn connect_to_member(
        stack: &S,
        front: FrontId,
        member: u64,
        options: &SocketOptions,
    ) -> Result<Self, ConnectError> {
        let now = stack.now();
        let id = stack.with(|it| it.connect_to_member(front, member, options, now))?;
        stack.kick();
        Ok(Self { stack: stack.clone(), id })
    }

    /// Ready when the connection is established.
    ///
    /// # Errors
    /// When it was refused or timed out.
    pub fn poll_connected(&self, context: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        let now = self.stack.now();
        self.stack.with(|stack| stack.poll_connected(self.id, now, context.waker()))
    }

    /// Waits until the connection is established.
    ///
    /// # Errors
    /// As [`Self::poll_connected`].
    pub async fn connected(&self) -> Result<(), StreamError> {
        poll_fn(|context| self.poll_connected(context)).await
    }

    /// Reads what has arrived, at least one byte; 0 is the end.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        poll_fn(|context| self.poll_read(context, buffer)).await
    }

    /// Writes some of `bytes` and says how many.
    ///
    /// # Errors
    /// When the connection is gone or its sending half closed.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<usize, StreamError> {
        poll_fn(|context| self.poll_write(context, bytes)).await
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), StreamError> {
        while !bytes.is_empty() {
            let count = self.write(bytes).await?;
            bytes = bytes.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// Waits until the peer has acknowledged everything.
    ///
    /// # Errors
    /// When the connection was lost before.
    pub async fn acknowledged(&mut self) -> Result<(), StreamError> {
        poll_fn(|context| self.poll_acknowledged(context)).await
    }

    /// The address and port at this end.
    #[must_use]
    pub fn local_endpoint(&self) -> Option<IpEndpoint> {
        self.stack.with(|stack| stack.local_endpoint(self.id))
    }

    /// Its name in the stack.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    fn with<R>(&self, f: impl FnOnce(&mut Stack<S::Device>, Instant) -> R) -> R {
        let now = self.stack.now();
        self.stack.with(|stack| f(stack, now))
    }
}

impl<S: SharedStack> ByteStream for TcpStream<S> {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, StreamError>> {
        let read = self.with(|stack, now| stack.poll_read(self.id, now, context.waker(), buffer));
        if read.is_ready() {
            // The peer may wait for the window to open.
            self.stack.kick();
        }
        read
    }

    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, StreamError>> {
        let written =
            self.with(|stack, now| stack.poll_write(self.id, now, context.waker(), bytes));
        if written.is_ready() {
            self.stack.kick();
        }
        written
    }

    fn poll_acknowledged(&mut self, context: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        self.with(|stack, now| stack.poll_acknowledged(self.id, now, context.waker()))
    }

    fn close_write(&mut self) {
        self.stack.with(|stack| stack.close_write(self.id));
        self.stack.kick();
    }

    fn abort(&mut self) {
        self.stack.with(|stack| stack.abort(self.id));
        self.stack.kick();
    }
}

impl<S: SharedStack> Drop for TcpStream<S> {
    fn drop(&mut self) {
        self.stack.with(|stack| stack.release(self.id));
        self.stack.kick();
    }
}

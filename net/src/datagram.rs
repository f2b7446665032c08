//! A UDP socket for tasks.

use core::future::poll_fn;

use crate::socket::SharedStack;
use crate::stack::{
    BindError, DatagramId, DatagramInfo, DatagramKind, IpEndpoint, IpVersion, LocalAddress,
    Refusal, SendError, Sharing,
};

/// A UDP socket of the kernel's. Dropping it closes it.
pub struct UdpSocket<S: SharedStack> {
    stack: S,
    id: DatagramId,
}

impl<S: SharedStack> UdpSocket<S> {
    /// Makes a socket. `None` when there are too many.
    #[must_use]
    pub fn open(stack: &S, version: IpVersion) -> Option<Self> {
        let id = stack.with(|it| it.open_datagram(DatagramKind::Udp, version, 0, None))?;
        Some(Self { stack: stack.clone(), id })
    }

    /// Gives it a port; 0 lets one be chosen.
    ///
    /// # Errors
    /// When it has one, or the port or address cannot be had.
    pub fn bind(&self, address: LocalAddress, port: u16) -> Result<(), BindError> {
        self.stack.with(|it| it.bind_datagram(self.id, address, port, Sharing::default()))
    }

    /// Sets the only one it talks to.
    ///
    /// # Errors
    /// When there is no way there.
    pub fn connect(&self, remote: IpEndpoint) -> Result<(), SendError> {
        self.stack.with(|it| it.connect_datagram(self.id, Some(remote)))
    }

    /// Sends to the one it is connected to.
    ///
    /// # Errors
    /// Why it was not sent.
    pub fn send(&self, bytes: &[u8]) -> Result<(), SendError> {
        self.send_where(None, bytes)
    }

    /// Sends to this one.
    ///
    /// # Errors
    /// Why it was not sent.
    pub fn send_to(&self, to: IpEndpoint, bytes: &[u8]) -> Result<(), SendError> {
        self.send_where(Some(to), bytes)
    }

    fn send_where(&self, to: Option<IpEndpoint>, bytes: &[u8]) -> Result<(), SendError> {
        self.stack.with(|it| it.send_datagram(self.id, to, bytes))?;
        self.stack.kick();
        Ok(())
    }

    /// Waits for a datagram; what of it is longer than `buffer` is lost.
    ///
    /// # Errors
    /// When one that was sent was not delivered.
    pub async fn receive(&self, buffer: &mut [u8]) -> Result<DatagramInfo, Refusal> {
        poll_fn(|context| {
            self.stack.with(|it| it.poll_receive_datagram(self.id, context.waker(), buffer))
        })
        .await
    }
}

impl<S: SharedStack> Drop for UdpSocket<S> {
    fn drop(&mut self) {
        self.stack.with(|it| it.close_datagram(self.id));
    }
}

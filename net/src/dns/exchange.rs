//! Asking other servers, with time limits.

use alloc::vec;
use alloc::vec::Vec;
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;

use smoltcp::wire::{IpAddress, IpEndpoint};

use super::answer::{Carrier, is_answer, is_failure, question_for_server};
use super::query::Query;
use crate::datagram::UdpSocket;
use crate::executor::Timers;
use crate::socket::{SharedStack, TcpStream};
use crate::stack::{LocalAddress, SocketOptions};
use crate::stream::Clock;

/// How long one server is waited for.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How often servers are asked, one after the other: programs wait for five seconds.
const ATTEMPTS: usize = 3;
/// The ports that questions are sent from: with the id, what a forger has to guess. Only those that
/// nobody wants for a certain purpose (RFC 6335, section 6).
const PORTS: core::ops::RangeInclusive<u16> = 49_152..=65_535;
/// How many of them are tried before the stack chooses.
const PORT_CHOICES: usize = 16;
/// The longest answer by datagram that fits into one frame.
const DATAGRAM_BYTES: usize = 1500;

/// What a question is sent with.
pub(super) struct Exchange<'a, S: SharedStack> {
    pub(super) stack: &'a S,
    pub(super) timers: &'a Timers,
    /// Where ids and ports come from: nobody must be able to guess them.
    pub(super) random: fn() -> u64,
}

impl<S: SharedStack> Exchange<'_, S> {
    /// Asks the servers in turn. `None` when none of them has answered in time.
    pub(super) async fn ask(
        &self,
        servers: &[IpEndpoint],
        query: &Query,
        carrier: Carrier,
    ) -> Option<Vec<u8>> {
        let mut failure = None;
        for server in servers.iter().cycle().take(ATTEMPTS.max(servers.len())) {
            let id = (self.random)().to_le_bytes();
            let id = u16::from_le_bytes([id[0], id[1]]);
            let answer = match carrier {
                Carrier::Datagram => {
                    within(self.timers, self.by_datagram(*server, query, id)).await
                }
                Carrier::Stream => within(self.timers, self.by_stream(*server, query, id)).await,
            };
            match answer.flatten() {
                Some(answer) if is_failure(&answer) && servers.len() > 1 => failure = Some(answer),
                Some(answer) => return Some(answer),
                None => {}
            }
        }
        failure
    }

    async fn by_datagram(&self, server: IpEndpoint, query: &Query, id: u16) -> Option<Vec<u8>> {
        let socket = self.open(server)?;
        socket.connect(server).ok()?;
        socket.send(&question_for_server(query, id)).ok()?;
        let mut buffer = vec![0; DATAGRAM_BYTES];
        loop {
            let info = socket.receive(&mut buffer).await.ok()?;
            let message = buffer.get(..info.count)?;
            // What does not fit is somebody else's attempt: the answer may still come.
            if info.count == info.length && is_answer(message, query, id) {
                return Some(message.to_vec());
            }
        }
    }

    /// A socket on a port that is hard to guess.
    fn open(&self, server: IpEndpoint) -> Option<UdpSocket<S>> {
        let socket = UdpSocket::open(self.stack, server.addr.version())?;
        let any = match server.addr {
            IpAddress::Ipv4(_) => LocalAddress::AnyV4,
            IpAddress::Ipv6(_) => LocalAddress::AnyV6,
        };
        let count = u64::from(PORTS.end() - PORTS.start()) + 1;
        let choose = || u16::try_from((self.random)() % count).map(|step| PORTS.start() + step);
        let is_bound = (0..PORT_CHOICES)
            .filter_map(|_| choose().ok())
            .any(|port| socket.bind(any, port).is_ok());
        (is_bound || socket.bind(any, 0).is_ok()).then_some(socket)
    }

    async fn by_stream(&self, server: IpEndpoint, query: &Query, id: u16) -> Option<Vec<u8>> {
        let mut stream = TcpStream::connect(self.stack, server, &SocketOptions::default()).ok()?;
        stream.connected().await.ok()?;
        write_message(&mut stream, &question_for_server(query, id)).await?;
        let answer = read_message(&mut stream, usize::from(u16::MAX)).await?;
        is_answer(&answer, query, id).then_some(answer)
    }
}

/// Reads a message with its length before it. `None` at the end, and for one that is too long.
pub(super) async fn read_message<S: SharedStack>(
    stream: &mut TcpStream<S>,
    most_bytes: usize,
) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    read_exactly(stream, &mut length).await?;
    let length = usize::from(u16::from_be_bytes(length));
    if length > most_bytes {
        return None;
    }
    let mut message = vec![0; length];
    read_exactly(stream, &mut message).await?;
    Some(message)
}

async fn read_exactly<S: SharedStack>(stream: &mut TcpStream<S>, buffer: &mut [u8]) -> Option<()> {
    let mut done = 0;
    while done < buffer.len() {
        let count = stream.read(buffer.get_mut(done..)?).await.ok()?;
        if count == 0 {
            return None;
        }
        done += count;
    }
    Some(())
}

/// Writes a message with its length before it, in one piece.
pub(super) async fn write_message<S: SharedStack>(
    stream: &mut TcpStream<S>,
    message: &[u8],
) -> Option<()> {
    let length = u16::try_from(message.len()).ok()?;
    let mut bytes = Vec::with_capacity(message.len() + 2);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(message);
    stream.write_all(&bytes).await.ok()
}

/// Gives a future its time.
pub(super) async fn within<T>(timers: &Timers, future: impl Future<Output = T>) -> Option<T> {
    within_time(timers, PATIENCE, future).await
}

/// Gives a future this time.
pub(super) async fn within_time<T>(
    timers: &Timers,
    time: Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut future = pin!(future);
    let mut sleep = timers.sleep_until(timers.now().after(time));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => pin!(&mut sleep).as_mut().poll(context).map(|()| None),
    })
    .await
}

//! Whether something answers at a port of this machine, for the service manager: asked from any thread, done as
//! tasks of the network thread.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use core::future::{Future, poll_fn};
use core::net::Ipv4Addr;
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;

use hal::interrupts::SpinLock;
use net::executor::{Executor, Timers};
use net::socket::TcpStream;
use net::stack::{ConnectError, FrontId, IpEndpoint, SocketOptions};
use net::stream::{Clock, StreamError};

use super::KernelStack;
use crate::broadcast::Broadcast;
use crate::levels;

/// Who is told how a check went: what was seen, or why it failed.
pub type Answer = Box<dyn FnOnce(Result<String, String>) + Send>;

/// A check.
pub struct PortCheck {
    /// Where something is to answer.
    pub port: u16,
    /// The member of a front that is meant, if the port is shared.
    pub member: Option<(FrontId, u64)>,
    /// What is asked for by HTTP; none if a connection is enough.
    pub path: Option<String>,
    /// The time for all of it.
    pub timeout_ms: u64,
    /// Who is told.
    pub answer: Answer,
}

static WAITING: SpinLock<VecDeque<PortCheck>> =
    SpinLock::new(levels::RINGS, "port checks", VecDeque::new());
static NEWS: Broadcast = Broadcast::new();

/// Begins a check. Without a network it never ends: whoever asks has a time limit of its own.
pub fn check_port(check: PortCheck) {
    WAITING.lock().push_back(check);
    NEWS.wake_all();
}

/// Starts the task that begins checks.
pub(super) fn start(executor: &Executor) {
    let (spawner, timers) = (executor.spawner(), executor.timers());
    let own = spawner.clone();
    let begin_all = async move {
        loop {
            let check = next().await;
            let timers = timers.clone();
            if let Err(error) = own.spawn(async move { carry_out(&timers, check).await }) {
                crate::warning!("network: a check cannot be made: {error}");
            }
        }
    };
    if let Err(error) = spawner.spawn(begin_all) {
        crate::error!("network: checks cannot be made: {error}");
    }
}

async fn next() -> PortCheck {
    poll_fn(|context| {
        if let Some(check) = WAITING.lock().pop_front() {
            return Poll::Ready(check);
        }
        NEWS.register(context.waker());
        match WAITING.lock().pop_front() {
            Some(check) => Poll::Ready(check),
            None => Poll::Pending,
        }
    })
    .await
}

async fn carry_out(timers: &Timers, check: PortCheck) {
    let PortCheck { port, member, path, timeout_ms, answer } = check;
    let mut asking = pin!(ask(port, member, path.as_deref()));
    let time = Duration::from_millis(timeout_ms);
    let mut sleep = timers.sleep_until(timers.now().after(time));
    let result = poll_fn(|context| match asking.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => pin!(&mut sleep).as_mut().poll(context).map(|()| None),
    })
    .await;
    answer(result.unwrap_or_else(|| Err(format!("no answer within {timeout_ms} ms"))));
}

async fn ask(
    port: u16,
    member: Option<(FrontId, u64)>,
    path: Option<&str>,
) -> Result<String, String> {
    let remote = IpEndpoint::new(Ipv4Addr::LOCALHOST.into(), port);
    let options = SocketOptions { keep_alive: None, dead_after: None, ..SocketOptions::default() };
    let stream = match member {
        Some((front, member)) => {
            TcpStream::connect_to_member(&KernelStack, front, member, &options)
        }
        None => TcpStream::connect(&KernelStack, remote, &options),
    };
    let mut stream = stream.map_err(|error| match error {
        ConnectError::Refused => "connection refused".to_string(),
        other => other.to_string(),
    })?;
    stream.connected().await.map_err(|error| match error {
        // Until it is made, a reset says that nobody listens.
        StreamError::Reset => "connection refused".to_string(),
        other => other.to_string(),
    })?;
    let Some(path) = path else { return Ok("the port takes connections".to_string()) };
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut line = [0; 64];
    let mut length = 0;
    while length < line.len() && !line[..length].contains(&b'\n') {
        let count = stream.read(&mut line[length..]).await;
        let count = count.map_err(|error| error.to_string())?;
        if count == 0 {
            break;
        }
        length += count;
    }
    match status_of(&line[..length]) {
        Some(status) if (200..400).contains(&status) => Ok(format!("answered {status}")),
        Some(status) => Err(format!("answered {status}")),
        None => Err("the answer is no HTTP".to_string()),
    }
}

/// The status in the first bytes of an answer: `HTTP/1.1 200 OK`.
fn status_of(line: &[u8]) -> Option<u16> {
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let digits = rest.get(2..5)?;
    let is_apart = rest.get(1) == Some(&b' ') && !rest.get(5).is_some_and(u8::is_ascii_digit);
    core::str::from_utf8(digits).ok().filter(|_| is_apart)?.parse().ok()
}

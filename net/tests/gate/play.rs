//! A client of bytes, a server that answers everything, and a clock that jumps.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use net::http::{Gate, GateConfig, GateError, RefusalKind};
use net::stream::{ByteStream, Clock, StreamError};
use net::time::Instant;

/// The largest body the policy of these tests allows.
pub(crate) const MAX_BODY: u64 = 1000;

/// What the client does next.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Send(Vec<u8>),
    /// Sends nothing for this long.
    Wait(Duration),
    /// Closes its sending side.
    Close,
    Reset,
}

#[derive(Clone, Default)]
pub(crate) struct ManualClock(Rc<Now>);

#[derive(Default)]
struct Now {
    now: Cell<Instant>,
    /// The earliest deadline that someone waits for.
    next: Cell<Option<Instant>>,
}

impl ManualClock {
    fn wait_until(&self, at: Instant) {
        self.0.next.set(Some(self.0.next.get().map_or(at, |next| next.min(at))));
    }
}

pub(crate) struct ManualSleep(ManualClock, Instant);

impl Future for ManualSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0.0.now.get() >= self.1 {
            return Poll::Ready(());
        }
        self.0.wait_until(self.1);
        Poll::Pending
    }
}

impl Clock for ManualClock {
    type Sleep = ManualSleep;

    fn now(&self) -> Instant {
        self.0.now.get()
    }

    fn sleep_until(&self, deadline: Instant) -> ManualSleep {
        ManualSleep(self.clone(), deadline)
    }
}

#[derive(Default)]
pub(crate) struct Seen {
    /// Everything the client got.
    pub(crate) received: Vec<u8>,
    pub(crate) got_end: bool,
    pub(crate) got_reset: bool,
}

pub(crate) struct ScriptedClient {
    script: VecDeque<Act>,
    waiting_until: Option<Instant>,
    clock: ManualClock,
    seen: Rc<RefCell<Seen>>,
    /// Takes this many bytes and no more.
    appetite: usize,
}

impl ByteStream for ScriptedClient {
    fn poll_read(
        &mut self,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, StreamError>> {
        assert!(!buffer.is_empty(), "a read without room");
        loop {
            match self.script.front_mut() {
                None => return Poll::Pending,
                Some(Act::Close) => return Poll::Ready(Ok(0)),
                Some(Act::Reset) => return Poll::Ready(Err(StreamError::Reset)),
                Some(Act::Wait(time)) => {
                    let now = self.clock.now();
                    let until = *self.waiting_until.get_or_insert(now.after(*time));
                    if now < until {
                        self.clock.wait_until(until);
                        return Poll::Pending;
                    }
                    self.waiting_until = None;
                }
                Some(Act::Send(bytes)) if !bytes.is_empty() => {
                    let count = bytes.len().min(buffer.len());
                    buffer[..count].copy_from_slice(&bytes[..count]);
                    bytes.drain(..count);
                    return Poll::Ready(Ok(count));
                }
                Some(Act::Send(_)) => {}
            }
            self.script.pop_front();
        }
    }

    fn poll_write(
        &mut self,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, StreamError>> {
        let count = bytes.len().min(self.appetite);
        if count == 0 && !bytes.is_empty() {
            return Poll::Pending;
        }
        self.appetite -= count;
        let mut seen = self.seen.borrow_mut();
        assert!(!seen.got_end && !seen.got_reset, "a write after the end");
        seen.received.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_acknowledged(&mut self, _: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        Poll::Ready(Ok(()))
    }

    fn close_write(&mut self) {
        self.seen.borrow_mut().got_end = true;
    }

    fn abort(&mut self) {
        self.seen.borrow_mut().got_reset = true;
    }
}

/// What a connection came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transcript {
    /// Heads and bodies as the server got them.
    pub(crate) requests: Vec<(String, Vec<u8>)>,
    /// What the client got.
    pub(crate) received: String,
    pub(crate) refusal: Option<RefusalKind>,
    pub(crate) error: Option<GateError>,
    pub(crate) seconds: u64,
}

impl Transcript {
    /// The status codes of the answers.
    pub(crate) fn statuses(&self) -> Vec<u16> {
        self.received
            .match_indices("HTTP/1.1 ")
            .filter_map(|(at, _)| self.received[at + 9..at + 12].parse().ok())
            .collect()
    }
}

pub(crate) struct Setup {
    pub(crate) config: GateConfig,
    pub(crate) answer: &'static str,
    pub(crate) appetite: usize,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            config: GateConfig::default(),
            answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            appetite: usize::MAX,
        }
    }
}

/// A client that plays `script`, and what it sees.
pub(crate) fn client(
    script: impl IntoIterator<Item = Act>,
    clock: &ManualClock,
) -> (ScriptedClient, Rc<RefCell<Seen>>) {
    let seen = Rc::new(RefCell::new(Seen::default()));
    let client = ScriptedClient {
        script: script.into_iter().collect(),
        waiting_until: None,
        clock: clock.clone(),
        seen: seen.clone(),
        appetite: usize::MAX,
    };
    (client, seen)
}

/// Plays `script` against the gate and a server that reads each request and answers it.
pub(crate) fn play(setup: &Setup, script: impl IntoIterator<Item = Act>) -> Transcript {
    let clock = ManualClock::default();
    let (mut client, seen) = client(script, &clock);
    client.appetite = setup.appetite;
    let policy = |_: &str, path: &str| if path == "/none" { 0 } else { MAX_BODY };
    let mut gate = Gate::new(client, clock.clone(), policy, setup.config);
    let mut requests = Vec::new();
    let error = serve(&mut gate, &clock, &mut requests, setup.answer).err();
    if error.is_some() {
        run(&clock, |context| gate.poll_abort(context));
    } else {
        let _ = run(&clock, |context| gate.poll_shutdown(context));
    }
    let received = String::from_utf8(seen.borrow().received.clone()).unwrap();
    let seconds = clock.now().as_nanos() / 1_000_000_000;
    Transcript { requests, received, refusal: gate.refusal(), error, seconds }
}

/// Everything in one read, then the end.
pub(crate) fn play_bytes(bytes: &[u8]) -> Transcript {
    play(&Setup::default(), [Act::Send(bytes.to_vec()), Act::Close])
}

type TestGate<P> = Gate<ScriptedClient, ManualClock, P>;

fn serve<P: net::http::Policy>(
    gate: &mut TestGate<P>,
    clock: &ManualClock,
    requests: &mut Vec<(String, Vec<u8>)>,
    answer: &str,
) -> Result<(), GateError> {
    let mut buffer = [0; 700];
    loop {
        let mut bytes = Vec::new();
        let head_len = loop {
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            match run(clock, |context| gate.poll_read(context, &mut buffer))? {
                0 if bytes.is_empty() => return Ok(()),
                0 => panic!("the gate gave half a head: {:?}", String::from_utf8_lossy(&bytes)),
                count => bytes.extend_from_slice(&buffer[..count]),
            }
        };
        let mut body = bytes.split_off(head_len);
        let head = String::from_utf8_lossy(&bytes).into_owned();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        while body.len() < length {
            let room = buffer.len().min(length - body.len());
            match run(clock, |context| gate.poll_read(context, &mut buffer[..room]))? {
                0 => break,
                count => body.extend_from_slice(&buffer[..count]),
            }
        }
        assert!(body.len() <= length, "more body than announced");
        requests.push((head, body));
        let mut rest = answer.as_bytes();
        while !rest.is_empty() {
            let count = run(clock, |context| gate.poll_write(context, rest))?;
            rest = &rest[count..];
        }
        run(clock, |context| gate.poll_flush(context))?;
        gate.next_request();
    }
}

/// Polls until ready; the clock jumps whenever nothing else happens.
pub(crate) fn run<T>(clock: &ManualClock, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    loop {
        clock.0.next.set(None);
        if let Poll::Ready(result) = poll(&mut context) {
            return result;
        }
        // Pending without a deadline is for ever.
        clock.0.now.set(clock.0.next.get().unwrap());
    }
}

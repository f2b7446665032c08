//! A socket in memory, and requests through it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use admin_api::fake::{Clock, FakeBackend};
use admin_api::server::{App, Asset, Assets, Config, Credential, SecretHash, serve_connection};
use admin_api::types::Role;
use picoserve::io::embedded_io_async::{ErrorType, Write as BaseWrite};
use picoserve::io::{ErrorKind, Read, Socket, Write};
use picoserve::mem::{BorrowedBuffer, BorrowedCursor};
use picoserve::time::Duration;
use picoserve::{Timeouts, Timer};
use serde_json::Value;

pub(crate) const ADMINISTRATOR: &str = "administrator-token";
pub(crate) const OPERATOR: &str = "operator-token";
pub(crate) const VIEWER: &str = "viewer-token";
pub(crate) const SECRET: &str = "one-time-secret";

/// The console of the tests: a page, and a script that may be kept.
pub(crate) struct TestAssets;

impl Assets for TestAssets {
    fn get(&self, path: &str) -> Option<Asset> {
        let page = Asset {
            bytes: b"<!doctype html>",
            is_gzip: false,
            content_type: "text/html; charset=utf-8",
            etag: "\"page\"",
            is_immutable: false,
        };
        match path {
            "/index.html" => Some(page),
            "/app-0123.js" => Some(Asset {
                bytes: b"compressed",
                is_gzip: true,
                content_type: "text/javascript; charset=utf-8",
                etag: "\"0123\"",
                is_immutable: true,
            }),
            _ => None,
        }
    }
}

pub(crate) type TestApp = App<FakeBackend, TestAssets>;

/// An app over a fake system whose clock the test moves.
pub(crate) fn app() -> TestApp {
    let credential = |user: &'static str, role, token: &str| Credential {
        user: user.into(),
        role,
        token: SecretHash::of(token.as_bytes()),
    };
    let credentials = vec![
        credential("alice", Role::Administrator, ADMINISTRATOR),
        credential("oscar", Role::Operator, OPERATOR),
        credential("vera", Role::Viewer, VIEWER),
    ];
    let sign_in_secret = Some(SecretHash::of(SECRET.as_bytes()));
    let config = Config { credentials, sign_in_secret };
    App::new(FakeBackend::new(Clock::manual(), 42), TestAssets, b"{\"openapi\":\"3.1.0\"}", config)
}

/// A connection as the server sees it.
#[derive(Default)]
pub(crate) struct Wire {
    pub(crate) input: RefCell<VecDeque<u8>>,
    /// Whether the client has closed its side, once the input is used up.
    pub(crate) is_closed: Cell<bool>,
    pub(crate) output: RefCell<Vec<u8>>,
}

struct MemorySocket<'w>(&'w Wire);
struct Half<'w>(&'w Wire);

#[derive(Debug)]
pub(crate) struct Never;

impl picoserve::io::Error for Never {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

impl std::fmt::Display for Never {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("never")
    }
}

impl std::error::Error for Never {}

impl ErrorType for Half<'_> {
    type Error = Never;
}

impl Read for Half<'_> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Never> {
        std::future::poll_fn(|_| {
            let mut input = self.0.input.borrow_mut();
            if input.is_empty() && !self.0.is_closed.get() {
                return Poll::Pending;
            }
            let count = input.len().min(buffer.len());
            for (place, byte) in buffer.iter_mut().zip(input.drain(..count)) {
                *place = byte;
            }
            Poll::Ready(Ok(count))
        })
        .await
    }
}

impl BaseWrite for Half<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Never> {
        self.0.output.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), Never> {
        Ok(())
    }
}

impl Write for Half<'_> {
    async fn write_with<F: FnOnce(BorrowedCursor<'_>) -> R, R>(
        &mut self,
        f: F,
    ) -> Result<R, Never> {
        let mut room = [0; 512];
        let mut buffer = BorrowedBuffer::new(&mut room);
        let result = f(buffer.unfilled());
        self.0.output.borrow_mut().extend_from_slice(buffer.filled());
        Ok(result)
    }
}

struct TestRuntime;

impl<'w> Socket<TestRuntime> for MemorySocket<'w> {
    type Error = Never;
    type ReadHalf<'a>
        = Half<'w>
    where
        Self: 'a;
    type WriteHalf<'a>
        = Half<'w>
    where
        Self: 'a;

    fn split(&mut self) -> (Half<'w>, Half<'w>) {
        (Half(self.0), Half(self.0))
    }

    async fn abort<T: Timer<TestRuntime>>(
        self,
        _timeouts: &Timeouts,
        _timer: &T,
    ) -> Result<(), picoserve::Error<Never>> {
        Ok(())
    }

    async fn shutdown<T: Timer<TestRuntime>>(
        self,
        _timeouts: &Timeouts,
        _timer: &T,
    ) -> Result<(), picoserve::Error<Never>> {
        Ok(())
    }
}

/// Time limits by the fake system's clock.
struct TestTimer<'a>(&'a TestApp);

impl Timer<TestRuntime> for TestTimer<'_> {
    fn delay(&self, duration: Duration) -> impl Future<Output = ()> {
        use admin_api::backend::Environment;
        let deadline_ns = self.0.backend().uptime_ns() + duration.as_millis() * 1_000_000;
        std::future::poll_fn(move |_| {
            let has_passed = self.0.backend().uptime_ns() >= deadline_ns;
            if has_passed { Poll::Ready(()) } else { Poll::Pending }
        })
    }
}

/// Serves a connection.
pub(crate) async fn connection(app: &TestApp, wire: &Wire, buffer: &mut [u8]) {
    let peer: SocketAddr = "192.0.2.1:40000".parse().unwrap();
    let timer = TestTimer(app);
    // What the client sees is in the wire.
    let _ = serve_connection(app, &timer, MemorySocket(wire), peer, buffer).await;
}

/// Runs a connection; `between` is called after every poll that did not end it, and says whether
/// to go on.
pub(crate) fn run(app: &TestApp, wire: &Wire, mut between: impl FnMut(&Wire) -> bool) {
    let mut buffer = [0; 8192];
    let mut served = pin!(connection(app, wire, &mut buffer));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..100_000 {
        match served.as_mut().poll(&mut context) {
            Poll::Ready(_) => return,
            Poll::Pending if between(wire) => {}
            Poll::Pending => return,
        }
    }
    panic!("the connection does not end");
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// Checks that it is a proper problem with this status and code.
    #[track_caller]
    pub(crate) fn expect_problem(&self, status: u16, code: &str) -> Value {
        let shown = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{shown}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{shown}");
        let problem = self.json();
        assert_eq!(problem["status"], status, "{shown}");
        assert_eq!(problem["code"], code, "{shown}");
        for field in ["type", "title", "detail", "instance"] {
            assert!(problem[field].is_string(), "{field}: {shown}");
        }
        problem
    }
}

/// Splits what a connection wrote into answers.
pub(crate) fn responses(mut bytes: &[u8]) -> Vec<Response> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let (response, rest) = response(bytes);
        all.push(response);
        bytes = rest;
    }
    all
}

fn response(bytes: &[u8]) -> (Response, &[u8]) {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status_line = lines.next().unwrap();
    let status = status_line.split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").expect("a header"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut response = Response { status, headers, body: Vec::new() };
    let mut rest = &bytes[end + 4..];
    if response.header("transfer-encoding") == Some("chunked") {
        loop {
            let line = rest.windows(2).position(|two| two == b"\r\n").unwrap();
            let length =
                usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
            rest = &rest[line + 2..];
            response.body.extend_from_slice(&rest[..length]);
            rest = &rest[length + 2..];
            if length == 0 {
                return (response, rest);
            }
        }
    }
    let length = match response.header("content-length") {
        Some(length) => length.parse().unwrap(),
        None if status == 204 || status == 304 => 0,
        None => rest.len(),
    };
    let length = length.min(rest.len());
    response.body = rest[..length].to_vec();
    (response, &rest[length..])
}

/// A request that is being made up.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// A request by a token.
pub(crate) fn request(method: &str, target: &str, token: &str) -> Request {
    anonymous(method, target).header("Authorization", &format!("Bearer {token}"))
}

/// A request without credentials.
pub(crate) fn anonymous(method: &str, target: &str) -> Request {
    let (method, target) = (method.to_owned(), target.to_owned());
    Request { method, target, headers: Vec::new(), body: Vec::new() }
}

pub(crate) fn get(target: &str) -> Request {
    request("GET", target, VIEWER)
}

pub(crate) fn post(target: &str) -> Request {
    request("POST", target, ADMINISTRATOR)
}

impl Request {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn json(self, body: &str) -> Self {
        self.header("Content-Type", "application/json").body(body.as_bytes())
    }

    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\nHost: test\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += &format!("Content-Length: {}\r\n\r\n", self.body.len());
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Sends it over a connection of its own. When the server waits, time passes.
    pub(crate) fn send(&self, app: &TestApp) -> Response {
        let wire = Wire::default();
        wire.input.borrow_mut().extend(self.bytes());
        wire.is_closed.set(true);
        run(app, &wire, |_| {
            app.backend().advance_ms(10);
            true
        });
        let output = wire.output.take();
        let (mut response, rest) = response(&output);
        if self.method == "HEAD" {
            assert!(response.body.is_empty(), "HEAD has no body");
        } else if let Some(length) = response.header("content-length") {
            assert_eq!(length.parse(), Ok(response.body.len()), "the body is complete");
        }
        assert!(rest.is_empty(), "one answer");
        response.body.shrink_to_fit();
        response
    }
}

/// Registers a service.
#[track_caller]
pub(crate) fn register(app: &TestApp, document: &str) {
    let response = post("/api/v1/services").json(document).send(app);
    assert_eq!(response.status, 201, "{}", response.text());
}

/// Creates a process and returns its number.
pub(crate) fn create(app: &TestApp, program: &str, args: &[&str]) -> u32 {
    let body = serde_json::json!({ "program": program, "args": args }).to_string();
    let response = post("/api/v1/processes").json(&body).send(app);
    assert_eq!(response.status, 201, "{}", response.text());
    response.json()["pid"].as_u64().unwrap().try_into().unwrap()
}

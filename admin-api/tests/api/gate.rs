//! The API behind the network's gate, as the kernel puts it together.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use admin_api::backend::Environment;
use admin_api::server::{HTTP_BUFFER_BYTES, max_body_bytes, router};
use net::http::GateConfig;
use net::server::{Connection, Runtime};
use net::stream::{ByteStream, Clock, StreamError};
use net::time::Instant;

use crate::harness::{ADMINISTRATOR, Response, TestApp, Wire, app, get, post, request, responses};

struct MemoryStream<'w>(&'w Wire);

impl ByteStream for MemoryStream<'_> {
    fn poll_read(
        &mut self,
        _context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, StreamError>> {
        let mut input = self.0.input.borrow_mut();
        if input.is_empty() && !self.0.is_closed.get() {
            return Poll::Pending;
        }
        // In small parts, as a slow network brings them.
        let count = input.len().min(buffer.len()).min(100);
        for (place, byte) in buffer.iter_mut().zip(input.drain(..count)) {
            *place = byte;
        }
        Poll::Ready(Ok(count))
    }

    fn poll_write(
        &mut self,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, StreamError>> {
        let count = bytes.len().min(1460);
        self.0.output.borrow_mut().extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_acknowledged(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        Poll::Ready(Ok(()))
    }

    fn close_write(&mut self) {}

    fn abort(&mut self) {}
}

#[derive(Clone, Copy)]
struct FakeClock<'a>(&'a TestApp);

struct FakeSleep<'a>(&'a TestApp, Instant);

impl Future for FakeSleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
        let now = Instant::from_nanos(self.0.backend().uptime_ns());
        if now >= self.1 { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<'a> Clock for FakeClock<'a> {
    type Sleep = FakeSleep<'a>;

    fn now(&self) -> Instant {
        Instant::from_nanos(self.0.backend().uptime_ns())
    }

    fn sleep_until(&self, deadline: Instant) -> FakeSleep<'a> {
        FakeSleep(self.0, deadline)
    }
}

/// Sends bytes through the gate and returns the answers.
fn exchange(app: &TestApp, input: &[u8]) -> Vec<Response> {
    let wire = Wire::default();
    wire.input.borrow_mut().extend(input);
    wire.is_closed.set(true);
    let connection = Connection {
        stream: MemoryStream(&wire),
        clock: FakeClock(app),
        policy: max_body_bytes,
        config: GateConfig::default(),
    };
    let timer = connection.timer();
    let router = router::<Runtime, _, _, _>(app, &timer, "192.0.2.1:1".parse().unwrap());
    let mut buffer = vec![0; HTTP_BUFFER_BYTES];
    let mut served = pin!(connection.serve(&router, &mut buffer));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..10_000 {
        if served.as_mut().poll(&mut context).is_ready() {
            return responses(&wire.output.borrow());
        }
        app.backend().advance_ms(10);
    }
    panic!("the connection does not end");
}

// proves: A1
#[test]
fn requests_go_through_the_gate() {
    let app = app();
    for _ in 0..95 {
        crate::harness::create(&app, "/bin/cat", &[]);
    }
    let requests = [
        get("/healthz").bytes(),
        post("/api/v1/processes").json(r#"{"program":"/bin/true"}"#).bytes(),
        get("/api/v1/processes?limit=100").bytes(),
        request("HEAD", "/api/v1/system", ADMINISTRATOR).bytes(),
    ]
    .concat();
    // The harness reads a body by its length, which the answer to HEAD has none of: it is last.
    let answers = exchange(&app, &requests);
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 201, 200, 200]);
    assert_eq!(answers[2].json()["items"].as_array().unwrap().len(), 100);
}

// proves: A1
#[test]
fn a_chunked_body_and_a_too_long_one() {
    let app = app();
    let chunked = "POST /api/v1/processes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \
        administrator-token\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\
        c\r\n{\"program\":\"\r\nb\r\n/bin/true\"}\r\n0\r\n\r\n";
    assert_eq!(exchange(&app, chunked.as_bytes())[0].status, 201);
    let long = post("/api/v1/sessions").json(&" ".repeat(5000)).bytes();
    assert_eq!(exchange(&app, &long)[0].status, 413);
}

// proves: A1
#[test]
fn a_stream_goes_through_the_gate() {
    let app = app();
    let wire = Wire::default();
    wire.input.borrow_mut().extend(get("/api/v1/events?after=0").bytes());
    let connection = Connection {
        stream: MemoryStream(&wire),
        clock: FakeClock(&app),
        policy: max_body_bytes,
        config: GateConfig::default(),
    };
    let timer = connection.timer();
    let router = router::<Runtime, _, _, _>(&app, &timer, "192.0.2.1:1".parse().unwrap());
    let mut buffer = vec![0; HTTP_BUFFER_BYTES];
    let mut served = pin!(connection.serve(&router, &mut buffer));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..10 {
        assert!(served.as_mut().poll(&mut context).is_pending());
        // Longer than every time limit of the gate in all.
        app.backend().advance_ms(15_000);
    }
    let text = String::from_utf8(wire.output.take()).unwrap();
    assert!(text.contains("event: system_changed\n"), "{text}");
    assert!(text.matches(": heartbeat").count() >= 8, "{text}");
}

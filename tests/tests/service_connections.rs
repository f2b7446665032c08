//! Connections of a service whose instances come and go: none is cut, and nobody waits for nothing.

#![expect(clippy::expect_used, reason = "a test that can't go on panics")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use admin_api::types::{InstanceState, ServiceState};
use end_to_end::services::{await_state, begin, main_process, register, start, status};
use end_to_end::{Guest, Setup, wait};
use serde_json::json;

const PORT: u16 = 8121;
/// Longer than any test waits: only the end of a connection ends the draining.
const FOR_EVER_MS: u32 = 600_000;

/// The first half of a request.
fn begin_request(guest: &Guest) -> TcpStream {
    let mut stream =
        TcpStream::connect(("127.0.0.1", guest.forwarded(PORT))).expect("the port is forwarded");
    stream.set_read_timeout(Some(wait::PATIENCE)).expect("a TCP option");
    write!(stream, "GET /hostname HTTP/1.0\r\n").expect("it is taken");
    stream
}

fn finish(stream: &mut TcpStream) -> String {
    write!(stream, "\r\n").expect("it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the answer comes");
    answer
}

/// proves: S5
#[test]
fn a_stop_waits_for_open_connections_and_not_longer() {
    let mut setup = Setup::named("service-connections");
    setup.ports = vec![PORT];
    let guest = &Guest::boot(&setup);
    register(
        guest,
        &json!({
            "name": "pages", "program": "/bin/httpd", "enabled": false,
            "args": ["-f", "-p", PORT.to_string(), "-h", "/etc"],
            "port": { "listen": PORT }, "stop": { "drain_ms": FOR_EVER_MS },
            "health": { "kind": "tcp", "interval_ms": 500 }, "start": { "ready_when": "healthy" },
        }),
    );
    let open = || {
        let counts = status(guest, "pages").instances[0].connections;
        counts.expect("it has a port").open
    };
    start(guest, "pages");
    for clients in [1, 2] {
        let mut streams: Vec<_> = (0..clients).map(|_| begin_request(guest)).collect();
        // A check may be under way, too.
        wait::until("the server to have them", || (open() >= clients).then_some(()));
        let pid = main_process(guest, "pages");
        begin(guest, "pages", "stop");
        wait::until("it to drain", || {
            (status(guest, "pages").instances[0].state == InstanceState::Stopping).then_some(())
        });
        for stream in &mut streams {
            assert_eq!(status(guest, "pages").state, ServiceState::Stopping, "one is open");
            assert_eq!(main_process(guest, "pages"), pid);
            let answer = finish(stream);
            assert!(answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.0 200"));
        }
        drop(streams);
        await_state(guest, "pages", ServiceState::Disabled);
        start(guest, "pages");
    }
    // Without connections there is nothing to wait for.
    let began = Instant::now();
    begin(guest, "pages", "stop");
    await_state(guest, "pages", ServiceState::Disabled);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    guest.assert_healthy();
}

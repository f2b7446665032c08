//! Clients that break HTTP's rules, say too much, or say nothing: each gets a clear answer or a
//! closed connection, and the server goes on.

use end_to_end::raw::{Connection, Heard};
use end_to_end::{Guest, wait};
use std::time::Duration;

/// Longer than any time limit of the server.
const LIMIT: Duration = Duration::from_secs(90);

fn guest() -> &'static Guest {
    Guest::shared("hostile")
}

/// Sends bytes on a fresh connection and listens until the server closes it.
fn exchange(bytes: &[u8]) -> Heard {
    let mut connection = Connection::open(guest().port());
    connection.send(bytes);
    connection.listen(LIMIT)
}

fn assert_refused(what: &str, heard: &Heard, statuses: &[u16]) {
    assert!(heard.is_closed, "{what}: the connection stays open: {heard:?}");
    let status = heard.status();
    let is_expected = status.is_some_and(|status| statuses.contains(&status));
    let text = String::from_utf8_lossy(&heard.bytes);
    assert!(is_expected, "{what}: not one of {statuses:?}: {text}");
    assert!(text.contains("application/problem+json"), "{what}: {text}");
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let problem = serde_json::from_str::<admin_api::types::Problem>(body);
    assert_eq!(problem.ok().map(|problem| problem.status), status, "{what}: {body}");
}

#[test]
fn heads_that_rfc_9112_refuses_are_refused() {
    let get = "GET /healthz HTTP/1.1\r\n";
    for (what, head, statuses) in [
        ("no host", format!("{get}\r\n"), &[400][..]),
        ("two hosts", format!("{get}Host: a\r\nHost: b\r\n\r\n"), &[400]),
        ("no version", "GET /healthz\r\nHost: a\r\n\r\n".to_owned(), &[400]),
        ("a future version", "GET /healthz HTTP/3.0\r\nHost: a\r\n\r\n".to_owned(), &[400, 505]),
        ("rubbish", "\u{1}\u{2}\u{3}\r\n\r\n".to_owned(), &[400]),
        ("a space before the colon", format!("{get}Host : a\r\n\r\n"), &[400]),
        ("a folded line", format!("{get}Host: a\r\nX: b\r\n c\r\n\r\n"), &[400]),
        ("a zero byte", format!("{get}Host: a\r\nX: a\0b\r\n\r\n"), &[400]),
        ("an absurd length", format!("{get}Host: a\r\nContent-Length: 18446744073709551615\r\n\r\n"), &[400, 413]),
        ("a negative length", format!("{get}Host: a\r\nContent-Length: -1\r\n\r\n"), &[400]),
        ("a length in words", format!("{get}Host: a\r\nContent-Length: ten\r\n\r\n"), &[400]),
        ("two lengths", format!("{get}Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), &[400]),
        ("a length and chunks", format!("{get}Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), &[400]),
        ("an unknown coding", format!("{get}Host: a\r\nTransfer-Encoding: gzip\r\n\r\n"), &[400, 501]),
        ("too long a target", format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(70_000)), &[400, 414, 431]),
        ("too many fields", format!("{get}Host: a\r\n{}\r\n", "X: y\r\n".repeat(5_000)), &[400, 431]),
        ("too long a field", format!("{get}Host: a\r\nX: {}\r\n\r\n", "y".repeat(70_000)), &[400, 431]),
        ("broken chunks", "POST /api/v1/sessions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nzz\r\n".to_owned(), &[400]),
    ] {
        assert_refused(what, &exchange(head.as_bytes()), statuses);
    }
    guest().assert_healthy();
}

#[test]
fn a_smuggled_request_is_not_seen() {
    let hidden = "GET /healthz HTTP/1.1\r\nHost: b\r\n\r\n";
    let head = format!(
        "POST /api/v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\
         Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
        5 + hidden.len()
    );
    assert_eq!(exchange(head.as_bytes()).statuses().len(), 1);
}

#[test]
fn requests_that_follow_each_other_are_answered_in_order() {
    let mut connection = Connection::open(guest().port());
    let ask = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    let asked = [ask("/healthz"), ask("/nothing/here"), ask("/healthz")].concat();
    connection.send(asked.as_bytes());
    let three =
        |bytes: &[u8]| Heard { bytes: bytes.to_vec(), is_closed: false }.statuses().len() == 3;
    let heard = connection.listen_until(LIMIT, three);
    assert_eq!(heard.statuses(), [200, 404, 200], "{heard:?}");
}

#[test]
fn a_request_that_comes_byte_by_byte_is_answered() {
    let mut connection = Connection::open(guest().port());
    for byte in b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" {
        connection.send(&[*byte]);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(connection.listen(LIMIT).status(), Some(200));
}

#[test]
fn who_never_finishes_is_let_go() {
    let body = "POST /api/v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                Content-Length: 100\r\n\r\n{";
    let beginnings = ["", "GET /healthz HTTP/1.1\r\nHost: a\r\n", body];
    // All at once, so that the test takes the longest limit and not their sum.
    let connections = beginnings.map(|beginning| {
        let mut connection = Connection::open(guest().port());
        connection.send(beginning.as_bytes());
        (beginning, connection)
    });
    for (beginning, mut connection) in connections {
        let heard = connection.listen(LIMIT);
        assert!(heard.is_closed, "after {beginning:?}");
        let status = heard.status();
        assert!(matches!(status, None | Some(400 | 408)), "after {beginning:?}: {status:?}");
    }
    guest().assert_healthy();
}

#[test]
fn a_slow_sender_does_not_hold_a_connection_for_ever() {
    let mut connection = Connection::open(guest().port());
    connection.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n");
    wait::until_within(LIMIT, "the slow sender to be let go", || {
        connection.send(b"X: y\r\n");
        let heard = connection.listen(Duration::from_millis(500));
        heard.is_closed.then_some(())
    });
    guest().assert_healthy();
}

#[test]
fn a_client_that_closes_half_way_gets_its_answer() {
    let request = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut connection = Connection::open(guest().port());
    // A first answer shows that the guest has the connection. Before that the host may reset one that
    // closes half way: QEMU lets one connection wait, and the tests beside this one open hundreds.
    connection.send(request);
    let first =
        connection.listen_until(LIMIT, |bytes| bytes.windows(4).any(|end| end == b"\r\n\r\n"));
    assert_eq!((first.status(), first.is_closed), (Some(200), false));
    connection.send(request);
    connection.finish();
    let rest = connection.listen(LIMIT);
    assert!(rest.is_closed);
    assert_eq!(rest.statuses(), [200]);
}

#[test]
fn many_idle_connections_do_not_lock_others_out() {
    // QEMU takes in one connection at a time; who comes meanwhile is made to wait a second.
    let idle: Vec<_> = (0..200)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(10));
            Connection::open(guest().port())
        })
        .collect();
    guest().assert_healthy();
    let network: admin_api::types::Network = guest().read("/api/v1/network");
    assert!(network.tcp.established >= 200, "{network:?}");
    drop(idle);
    guest().assert_healthy();
}

#[test]
fn connections_dropped_in_the_middle_leave_nothing_behind() {
    let established = || {
        let network: admin_api::types::Network = guest().read("/api/v1/network");
        network.tcp.established
    };
    for _ in 0..100 {
        let mut connection = Connection::open(guest().port());
        connection.send(b"GET /api/v1/processes HTTP/1.1\r\nHost: a\r\nAuthorization: ");
    }
    wait::until_within(LIMIT, "the dropped connections to be forgotten", || {
        (established() < 20).then_some(())
    });
    guest().assert_healthy();
}

#[test]
fn guessing_tokens_is_slowed_down() {
    // The only test with a machine of its own here: it locks this host's address out for a while.
    let guest = Guest::boot(&end_to_end::Setup::named("guessing"));
    let guess = || {
        let request = guest.anonymous("POST", "/api/v1/sessions");
        request.json(&serde_json::json!({"token": "0123456789abcdef"})).send()
    };
    let slowed = (0..50).map(|_| guess()).find(|answer| answer.status != 401);
    let slowed = slowed.expect("fifty guesses in a row are too many");
    slowed.assert_problem(429, "too_many_attempts");
    let wait = slowed.header("retry-after").expect("when to try again");
    assert!(wait.parse::<u32>().is_ok_and(|seconds| seconds > 0), "{wait}");
}

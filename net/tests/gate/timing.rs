//! Slow clients, and clients that take nothing.

use std::time::Duration;

use net::http::{GateConfig, GateError, RefusalKind};

use crate::play::{Act, Setup, play};

const HEAD: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n";

fn slowly(bytes: &str, pause: Duration) -> Vec<Act> {
    bytes.bytes().flat_map(|byte| [Act::Send(vec![byte]), Act::Wait(pause)]).collect()
}

#[test]
fn a_head_has_to_arrive_in_time() {
    let transcript = play(&Setup::default(), slowly(HEAD, Duration::from_millis(900)));
    assert_eq!(transcript.refusal, Some(RefusalKind::Timeout));
    assert_eq!(transcript.statuses(), [408]);
    assert!((10..=13).contains(&transcript.seconds), "{}", transcript.seconds);
    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let transcript = play(&Setup::default(), slowly(get, Duration::from_millis(300)));
    assert_eq!(transcript.statuses(), [200]);
}

#[test]
fn a_silent_connection_ends_without_answer() {
    let transcript = play(&Setup::default(), []);
    assert_eq!((transcript.received.as_str(), transcript.refusal), ("", None));
    assert!((60..=63).contains(&transcript.seconds), "{}", transcript.seconds);
    // After a request, too.
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec();
    let transcript = play(
        &Setup::default(),
        [Act::Send(request.clone()), Act::Wait(Duration::from_secs(50)), Act::Send(request)],
    );
    assert_eq!(transcript.statuses(), [200, 200]);
    assert!((110..=113).contains(&transcript.seconds), "{}", transcript.seconds);
}

#[test]
fn a_body_has_to_keep_coming() {
    let body =
        [Act::Send(HEAD.into()), Act::Wait(Duration::from_secs(15)), Act::Send(vec![b'x'; 900])];
    let transcript = play(&Setup::default(), body);
    assert_eq!(transcript.statuses(), [408]);
    assert_eq!(transcript.error, Some(GateError::Refused(RefusalKind::Timeout)));

    let mut trickle = vec![Act::Send(HEAD.into())];
    trickle.extend(slowly(&"x".repeat(900), Duration::from_secs(1)));
    assert_eq!(play(&Setup::default(), trickle.clone()).statuses(), [408]);
    // With a lower demand it is fast enough.
    let setup = Setup {
        config: GateConfig { min_body_bytes: 5, ..GateConfig::default() },
        ..Setup::default()
    };
    let transcript = play(&setup, trickle);
    assert_eq!(transcript.statuses(), [200]);

    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab";
    let transcript = play(&Setup::default(), [Act::Send(chunked.into())]);
    assert_eq!(transcript.statuses(), [408]);
    assert_eq!(transcript.error, None, "the server never saw that request");
}

#[test]
fn a_body_that_ends_early_is_the_servers_to_judge() {
    let transcript = play(&Setup::default(), [Act::Send(format!("{HEAD}abc").into()), Act::Close]);
    assert_eq!(transcript.requests[0].1, b"abc");
    assert_eq!(transcript.refusal, None);
}

#[test]
fn a_client_that_takes_no_answer_is_given_up() {
    let setup = Setup { appetite: 10, ..Setup::default() };
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec();
    let transcript = play(&setup, [Act::Send(request)]);
    assert_eq!(transcript.error, Some(GateError::TimedOut));
    assert_eq!(transcript.received.len(), 10);
    assert!((20..=24).contains(&transcript.seconds), "{}", transcript.seconds);
}

#[test]
fn a_reset_is_an_error_and_no_answer() {
    let transcript = play(&Setup::default(), [Act::Send(b"GET /".to_vec()), Act::Reset]);
    assert!(matches!(transcript.error, Some(GateError::Stream(_))));
    assert_eq!(transcript.received, "");
}

#[test]
fn what_comes_after_a_refusal_is_drained_within_limits() {
    // It goes on sending for ever: the gate stops at its limits of bytes and time.
    let mut script = vec![Act::Send(b"GET / HTTP/3.0\r\n\r\n".to_vec())];
    for _ in 0..10_000 {
        script.push(Act::Send(vec![b'x'; 1000]));
        script.push(Act::Wait(Duration::from_millis(100)));
    }
    let transcript = play(&Setup::default(), script);
    assert_eq!(transcript.statuses(), [505]);
    assert!(transcript.seconds <= 3, "{}", transcript.seconds);
}

//! What gets through, and in which form.

use net::http::GateConfig;

use crate::play::{Act, Setup, play, play_bytes};

fn head_of(request: &str) -> String {
    let transcript = play_bytes(request.as_bytes());
    assert_eq!(transcript.refusal, None, "{request:?}");
    transcript.requests[0].0.clone()
}

#[test]
fn plain_requests_pass_unchanged() {
    for target in ["/", "/a/b?c=d&e", "/%C3%A4", "/a%2Fb", "/?q=%0A", "/a|b[c]", "/?{}"] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a.b:80\r\nX-Y: a \t b\r\n\r\n");
        let expected = format!("GET {target} HTTP/1.1\r\nHost: a.b:80\r\nX-Y: a \t b\r\n\r\n");
        assert_eq!(head_of(&request), expected);
    }
    assert_eq!(
        head_of("GET / HTTP/1.1\r\nHost:   [::1]:8080  \r\nX:\r\n\r\n"),
        "GET / HTTP/1.1\r\nHost: [::1]:8080\r\nX: \r\n\r\n"
    );
    assert_eq!(
        head_of("\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"
    );
    // HTTP/1.0 may come without a host.
    assert_eq!(head_of("GET / HTTP/1.0\r\n\r\n"), "GET / HTTP/1.0\r\nconnection: close\r\n\r\n");
}

#[test]
fn the_absolute_form_names_the_host() {
    assert_eq!(
        head_of("GET http://b:81/x?y HTTP/1.1\r\nHost: a\r\nX: z\r\n\r\n"),
        "GET /x?y HTTP/1.1\r\nhost: b:81\r\nX: z\r\n\r\n"
    );
    assert_eq!(
        head_of("GET HTTP://b?y HTTP/1.1\r\nHost: a\r\n\r\n"),
        "GET /?y HTTP/1.1\r\nhost: b\r\n\r\n"
    );
}

#[test]
fn what_is_between_client_and_gate_stays_there() {
    let head = head_of(
        "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\n\
         Connection: keep-alive, TE\r\nTrailer: X\r\nAccept: */*\r\n\r\n",
    );
    assert_eq!(head, "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n");
    let head = head_of("GET / HTTP/1.1\r\nHost: a\r\nconnection: X, Close\r\n\r\n");
    assert_eq!(head, "GET / HTTP/1.1\r\nHost: a\r\nconnection: close\r\n\r\n");
}

#[test]
fn chunked_bodies_arrive_with_a_length() {
    for body in [
        "4\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n",
        "1\r\na\r\n6;x=\"y z\"\r\nbcdefg\r\n00\r\nTrailer: x\r\nOther: y\r\n\r\n",
        "00000007 ; a\r\nabcdefg\r\n0;b\r\n\r\n",
    ] {
        let transcript = play_bytes(
            format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n{body}")
                .as_bytes(),
        );
        assert_eq!(transcript.refusal, None, "{body:?}");
        let (head, received) = &transcript.requests[0];
        assert_eq!(head, "POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 7\r\n\r\n");
        assert_eq!(received, b"abcdefg");
    }
    let empty = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(head_of(empty), "POST / HTTP/1.1\r\nHost: a\r\n\r\n");
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let transcript = play_bytes(
        b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
          POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n\
          \r\nGET /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n\
          GET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n\
          GET /never HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    let lines: Vec<_> =
        transcript.requests.iter().map(|(head, _)| head.lines().next().unwrap()).collect();
    assert_eq!(
        lines,
        ["POST /1 HTTP/1.1", "POST /2 HTTP/1.1", "GET /3 HTTP/1.1", "GET /4 HTTP/1.1"]
    );
    assert_eq!(transcript.requests[0].1, b"abc");
    assert_eq!(transcript.requests[1].1, b"de");
    assert_eq!(transcript.statuses(), [200; 4]);
}

/// The classic desynchronisations: whatever two parsers could read differently is refused, and
/// what hides behind it is never taken for a request.
#[test]
fn smuggled_requests_are_never_seen() {
    let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    let len = hidden.len();
    for head in [
        format!("Content-Length: {len}\r\nTransfer-Encoding: chunked\r\n"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {len}\r\n"),
        format!("Content-Length: 0\r\nContent-Length: {len}\r\n"),
        format!("Content-Length : {len}\r\n"),
        "Transfer-Encoding : chunked\r\n".into(),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n".into(),
        "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n".into(),
        "Transfer-Encoding:\x0bchunked\r\n".into(),
        "Transfer-Encoding: chun\r\n ked\r\n".into(),
        "Transfer-Encoding\n: chunked\r\n".into(),
        "X: y\nTransfer-Encoding: chunked\r\n".into(),
        "X: y\rTransfer-Encoding: chunked\r\n".into(),
        "Content-Length: +0\r\n".into(),
        "Content-Length: 0, 0\r\n".into(),
    ] {
        for body in [format!("0\r\n\r\n{hidden}"), hidden.to_owned()] {
            let request = format!("POST / HTTP/1.1\r\nHost: a\r\n{head}\r\n{body}");
            let transcript = play_bytes(request.as_bytes());
            assert!(transcript.refusal.is_some(), "{request:?}");
            assert_eq!(transcript.requests, [], "{request:?}");
        }
    }
    // With one reading only, the body is the body.
    let request = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {len}\r\n\r\n{hidden}");
    let transcript = play_bytes(request.as_bytes());
    assert_eq!(transcript.requests.len(), 1);
    assert_eq!(transcript.requests[0].1, hidden.as_bytes());
}

#[test]
fn a_client_that_expects_it_is_told_to_continue() {
    use std::time::Duration;
    let head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n";
    for (framing, body) in [
        ("Content-Length: 3\r\n", "abc"),
        ("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"),
    ] {
        let transcript = play(
            &Setup::default(),
            [
                Act::Send(format!("{head}{framing}\r\n").into_bytes()),
                Act::Wait(Duration::from_secs(1)),
                Act::Send(body.into()),
                Act::Close,
            ],
        );
        assert_eq!(transcript.statuses(), [100, 200]);
        assert_eq!(transcript.requests[0].1, b"abc");
        // One that did not wait needs no word.
        let transcript = play_bytes(format!("{head}{framing}\r\n{body}").as_bytes());
        assert_eq!(transcript.statuses(), [200]);
    }
}

#[test]
fn the_last_request_of_a_connection_says_so() {
    let setup = Setup {
        config: GateConfig { max_requests: 3, ..GateConfig::default() },
        ..Setup::default()
    };
    let requests = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(5);
    let transcript = play(&setup, [Act::Send(requests.into_bytes()), Act::Close]);
    let closing: Vec<_> =
        transcript.requests.iter().map(|(head, _)| head.contains("connection: close")).collect();
    assert_eq!(closing, [false, false, true]);
}

#[test]
fn answers_to_head_lose_their_body() {
    let requests = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let transcript = play_bytes(requests.as_bytes());
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    assert_eq!(transcript.received, format!("{head}{head}ok"));
}

#[test]
fn an_answer_without_length_ends_the_connection() {
    let setup = Setup { answer: "HTTP/1.1 200 OK\r\nX: y\r\n\r\nbody", ..Setup::default() };
    let requests = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2);
    let transcript = play(&setup, [Act::Send(requests.into_bytes()), Act::Close]);
    assert_eq!(transcript.requests.len(), 1);
    assert!(transcript.received.ends_with("body"));
}

#[test]
fn after_a_switch_bytes_pass_untouched() {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use net::http::Gate;

    use crate::play::ManualClock;

    let (client, seen) = crate::play::client(
        [Act::Send(
            b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\
              \0\x01raw\n"
                .to_vec(),
        )],
        &ManualClock::default(),
    );
    let policy = |_: &str, _: &str| 0;
    let gate = Gate::new(client, ManualClock::default(), policy, GateConfig::default());
    let mut gate = pin!(gate);
    let mut context = Context::from_waker(Waker::noop());
    let mut buffer = [0; 500];
    let Poll::Ready(Ok(count)) = gate.poll_read(&mut context, &mut buffer) else {
        panic!("no request")
    };
    assert_eq!(
        &buffer[..count],
        b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nconnection: upgrade\r\n\r\n"
    );
    // The server looks for the client's end while it answers: nothing is read past the request.
    assert!(gate.poll_read(&mut context, &mut buffer).is_pending());
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x02frame";
    assert!(
        matches!(gate.poll_write(&mut context, answer), Poll::Ready(Ok(count)) if count == answer.len())
    );
    assert!(gate.poll_flush(&mut context).is_ready());
    assert_eq!(seen.borrow().received, answer);
    let Poll::Ready(Ok(count)) = gate.poll_read(&mut context, &mut buffer) else {
        panic!("no bytes")
    };
    assert_eq!(&buffer[..count], b"\0\x01raw\n");
}

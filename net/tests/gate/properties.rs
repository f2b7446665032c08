//! Whatever comes, cut however: no panic, and always the same result.

use net::http::GateConfig;
use net::server::{Connection, HTTP_BUFFER_BYTES};
use picoserve::routing::get;
use proptest::prelude::*;

use crate::play::{Act, MAX_BODY, ManualClock, Setup, Transcript, client, play, play_bytes, run};

/// The bytes in pieces of these sizes, over and over, then the end.
fn cut(bytes: &[u8], sizes: &[usize]) -> Vec<Act> {
    let mut script = Vec::new();
    let mut rest = bytes;
    for &size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(size.clamp(1, rest.len()));
        script.push(Act::Send(piece.to_vec()));
        rest = after;
    }
    script.push(Act::Close);
    script
}

fn play_cut(bytes: &[u8], sizes: &[usize]) -> Transcript {
    without_interim(play(&Setup::default(), cut(bytes, sizes)))
}

fn play_whole(bytes: &[u8]) -> Transcript {
    without_interim(play_bytes(bytes))
}

/// Whether a client is told to go on does depend on whether it has done so.
fn without_interim(mut transcript: Transcript) -> Transcript {
    transcript.received = transcript.received.replace("HTTP/1.1 100 Continue\r\n\r\n", "");
    transcript
}

/// Pieces of requests, so that soup from them gets further than random bytes.
fn ingredient() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&str] = &[
        "GET / HTTP/1.1\r\n",
        "POST /x?y=%41 HTTP/1.1\r\n",
        "HEAD http://a/ HTTP/1.0\r\n",
        "Host: a\r\n",
        "Host: b\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Expect: 100-continue\r\n",
        "Connection: close\r\n",
        "Connection: upgrade\r\nUpgrade: x\r\n",
        "X: y\r\n",
        "\r\n",
        "\r",
        "\n",
        "\r\n\r\n",
        "hello",
        "5\r\nhello\r\n",
        "0\r\n\r\n",
        "3;a=b\r\nabc\r\n",
        " ",
        ":",
        "%",
    ];
    prop_oneof![
        6 => (0..PIECES.len()).prop_map(|at| PIECES[at].as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ]
}

/// A request that is valid, or nearly so.
fn nearly_valid() -> impl Strategy<Value = Vec<u8>> {
    let request = prop_oneof![
        Just("GET /a HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        Just("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello".to_owned()),
        Just(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
             2\r\nab\r\n0\r\nT: u\r\n\r\n"
                .to_owned()
        ),
        Just("HEAD http://b/ HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n".to_owned()),
    ];
    let mutation = prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>()));
    prop::collection::vec((request, mutation), 1..5).prop_map(|requests| {
        let mutate = |(request, mutation): (String, Option<(prop::sample::Index, u8)>)| {
            let mut bytes = request.into_bytes();
            if let Some((at, byte)) = mutation {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes
        };
        requests.into_iter().flat_map(mutate).collect()
    })
}

/// The real server behind the gate; what the client got.
fn serve(bytes: &[u8], sizes: &[usize]) -> String {
    let clock = ManualClock::default();
    let (client, seen) = client(cut(bytes, sizes), &clock);
    let policy = |_: &str, _: &str| MAX_BODY;
    let config = GateConfig::default();
    let connection = Connection { stream: client, clock: clock.clone(), policy, config };
    let app = picoserve::Router::new()
        .route("/", get(|| async { "root" }).post(|body: Vec<u8>| async move { body }))
        .route(
            ("/a", picoserve::routing::parse_path_segment::<String>()),
            get(|segment: String| async move { segment }),
        )
        .route("/x", get(|| async { "x" }).post(|body: String| async move { body }));
    let mut buffer = vec![0; HTTP_BUFFER_BYTES];
    let mut future = std::pin::pin!(connection.serve(&app, &mut buffer));
    run(&clock, |context| future.as_mut().poll(context));
    String::from_utf8_lossy(&seen.borrow().received).into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        play_bytes(&bytes);
    }

    #[test]
    fn cuts_change_nothing_for_soup(
        soup in prop::collection::vec(ingredient(), 0..20),
        sizes in prop::collection::vec(1usize..40, 1..8),
    ) {
        let bytes = soup.concat();
        prop_assert_eq!(play_cut(&bytes, &sizes), play_whole(&bytes));
        prop_assert_eq!(play_cut(&bytes, &[1]), play_whole(&bytes));
    }

    #[test]
    fn cuts_change_nothing_for_nearly_valid_requests(
        bytes in nearly_valid(),
        sizes in prop::collection::vec(1usize..100, 1..8),
    ) {
        prop_assert_eq!(play_cut(&bytes, &sizes), play_whole(&bytes));
    }

    /// What gets to the server is unambiguous: one length at the most, no coding, one host, and
    /// the same when the gate reads it again.
    #[test]
    fn what_gets_through_gets_through_again(bytes in nearly_valid()) {
        for (head, body) in play_bytes(&bytes).requests {
            let lower = head.to_ascii_lowercase();
            prop_assert!(lower.matches("\r\ncontent-length:").count() <= 1);
            prop_assert!(!lower.contains("\r\ntransfer-encoding:"));
            prop_assert!(lower.matches("\r\nhost:").count() <= 1);
            let again = play_bytes(&[head.as_bytes(), &body].concat());
            prop_assert_eq!(again.requests, vec![(head, body)]);
        }
    }

    /// The real server never panics, and every answer of it is one.
    #[test]
    fn the_server_answers_what_gets_through(
        bytes in nearly_valid(),
        sizes in prop::collection::vec(1usize..100, 1..8),
    ) {
        let answers = serve(&bytes, &sizes);
        prop_assert!(answers.is_empty() || answers.starts_with("HTTP/1.1 "), "{}", answers);
    }

    #[test]
    fn the_server_survives_soup(soup in prop::collection::vec(ingredient(), 0..20)) {
        serve(&soup.concat(), &[1000]);
    }
}

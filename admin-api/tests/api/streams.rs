//! Streams: events, followed log, followed output.

use std::cell::Cell;

use crate::harness::{
    ADMINISTRATOR, Request, TestApp, VIEWER, Wire, anonymous, app, create, get, post, request, run,
};

/// One server-sent event.
#[derive(Debug, Clone, PartialEq)]
struct Sent {
    name: String,
    id: String,
    data: serde_json::Value,
}

/// Opens a stream, calls `steps` one after the other, each after the stream has nothing to do, and
/// returns what was sent in the end.
fn stream(app: &TestApp, request: &Request, steps: &mut [&mut dyn FnMut()]) -> String {
    let wire = Wire::default();
    wire.input.borrow_mut().extend(request.bytes());
    let (quiet, length, step) = (Cell::new(0), Cell::new(0), Cell::new(0));
    run(app, &wire, |wire| {
        let now = wire.output.borrow().len();
        quiet.set(if now == length.replace(now) { quiet.get() + 1 } else { 0 });
        if quiet.get() < 3 {
            return true;
        }
        quiet.set(0);
        let index = step.replace(step.get() + 1);
        match steps.get_mut(index) {
            Some(step) => step(),
            None => return false,
        }
        true
    });
    String::from_utf8(wire.output.take()).unwrap()
}

fn sent(text: &str) -> Vec<Sent> {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Content-Type: text/event-stream"), "{head}");
    body.split("\n\n")
        .filter(|block| block.starts_with("event: "))
        .map(|block| {
            let field = |name: &str| {
                let line = block.lines().find_map(|line| line.strip_prefix(name)).unwrap();
                line.to_owned()
            };
            let data = serde_json::from_str(&field("data: ")).unwrap();
            Sent { name: field("event: "), id: field("id: "), data }
        })
        .collect()
}

// proves: A1
#[test]
fn events_come_as_they_happen() {
    let app = app();
    let text = stream(
        &app,
        &get("/api/v1/events"),
        &mut [
            &mut || {
                create(&app, "/bin/true", &[]);
            },
            &mut || app.backend().advance_ms(100),
        ],
    );
    let events = sent(&text);
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["process_created", "process_exited"]);
    assert_eq!(events[0].data["actor"], "alice");
    assert_eq!(events[0].id, events[0].data["sequence"].to_string());
}

// proves: A1
#[test]
fn a_stream_goes_on_where_it_was_cut_off() {
    let app = app();
    for _ in 0..5 {
        create(&app, "/bin/cat", &[]);
    }
    let all = sent(&stream(&app, &get("/api/v1/events?after=0"), &mut []));
    assert_eq!(all.len(), 6);
    let resumed = get("/api/v1/events").header("Last-Event-ID", &all[2].id);
    assert_eq!(sent(&stream(&app, &resumed, &mut [])), all[3..]);
    let filtered = get("/api/v1/events?after=0&kind=system_changed,process_exited");
    assert_eq!(sent(&stream(&app, &filtered, &mut [])), all[..1]);
}

// proves: A1
#[test]
fn lost_events_are_reported_as_a_gap() {
    let app = app();
    for _ in 0..1100 {
        create(&app, "/bin/cat", &[]);
    }
    let events = sent(&stream(&app, &get("/api/v1/events?after=10"), &mut []));
    assert_eq!(events[0].name, "gap");
    assert_eq!(events[0].data, serde_json::json!({ "first_lost": 11, "last_lost": 77 }));
    assert_eq!((events[1].id.as_str(), events.len()), ("78", 1025));
    // A number of another boot: everything that is kept is new.
    let old = get("/api/v1/events").header("Last-Event-ID", "999999");
    assert_eq!(sent(&stream(&app, &old, &mut [])).len(), 1025);
}

#[test]
fn a_quiet_stream_beats() {
    let app = app();
    let text = stream(
        &app,
        &get("/api/v1/events?kind=limit_exceeded"),
        &mut [&mut || app.backend().advance_ms(15_000), &mut || app.backend().advance_ms(15_000)],
    );
    assert_eq!(text.matches(": heartbeat\n\n").count(), 2, "{text}");
    assert!(text.contains("Connection: close\r\n"));
}

// proves: A1
#[test]
fn the_log_is_followed() {
    let app = app();
    let text = stream(
        &app,
        &get("/api/v1/logs?follow=true&limit=2&source=net,process"),
        &mut [&mut || {
            create(&app, "/bin/cat", &[]);
        }],
    );
    let lines = sent(&text);
    assert_eq!(lines[0].data["source"], "net");
    let last = lines.last().unwrap();
    assert_eq!((last.name.as_str(), &last.data["source"]), ("log", &"process".into()));
}

// proves: A1
#[test]
fn output_is_followed_to_its_end() {
    let app = app();
    let pid = create(&app, "/bin/chatter", &[]);
    let path = format!("/api/v1/processes/{pid}");
    let text = stream(
        &app,
        &get(&format!("{path}/output?follow=true")),
        &mut [
            &mut || app.backend().advance_ms(1000),
            &mut || app.backend().advance_ms(1000),
            &mut || {
                request("DELETE", &path, ADMINISTRATOR).send(&app);
            },
        ],
    );
    let parts = sent(&text);
    let whole: String = parts
        .iter()
        .filter(|part| part.name == "output")
        .map(|part| part.data["text"].as_str().unwrap())
        .collect();
    assert!(whole.starts_with("line 1: all is well, größer") && whole.contains("line 2"));
    assert_eq!(parts.last().unwrap().name, "end");
    get("/api/v1/processes/4711/output?follow=true")
        .send(&app)
        .expect_problem(404, "process_not_found");
}

// proves: A3
#[test]
fn a_stream_ends_with_its_session() {
    let app = app();
    let body = format!(r#"{{"token":"{VIEWER}"}}"#);
    let signed_in = anonymous("POST", "/api/v1/sessions").json(&body).send(&app);
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let csrf = signed_in.json()["csrf_token"].as_str().unwrap().to_owned();
    let text = stream(
        &app,
        &anonymous("GET", "/api/v1/events?kind=process_created").header("Cookie", &cookie),
        &mut [
            &mut || {
                create(&app, "/bin/cat", &[]);
            },
            &mut || {
                let out = anonymous("DELETE", "/api/v1/sessions").header("Cookie", &cookie);
                assert_eq!(out.header("X-CSRF-Token", &csrf).send(&app).status, 204);
            },
            &mut || {
                create(&app, "/bin/cat", &[]);
            },
        ],
    );
    assert_eq!(sent(&text).len(), 1, "{text}");
}

#[test]
fn streams_are_bounded_and_their_places_come_back() {
    use std::future::Future;
    let app = app();
    {
        let wires: Vec<Wire> = (0..64).map(|_| Wire::default()).collect();
        let mut buffers = vec![[0_u8; 2048]; 64];
        let mut open: Vec<_> = wires
            .iter()
            .zip(&mut buffers)
            .map(|(wire, buffer)| {
                wire.input.borrow_mut().extend(get("/api/v1/events").bytes());
                Box::pin(crate::harness::connection(&app, wire, buffer))
            })
            .collect();
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        for connection in &mut open {
            assert!(connection.as_mut().poll(&mut context).is_pending());
        }
        let one_more = get("/api/v1/events").send(&app);
        one_more.expect_problem(503, "resource_exhausted");
        assert_eq!(
            post("/api/v1/processes").json(r#"{"program":"/bin/cat"}"#).send(&app).status,
            201
        );
    }
    assert!(stream(&app, &get("/api/v1/events"), &mut []).starts_with("HTTP/1.1 200"));
}

/// All events of these kinds so far, as they are sent.
pub(crate) fn events(app: &TestApp, kinds: &str) -> String {
    stream(app, &get(&format!("/api/v1/events?after=0&kind={kinds}")), &mut [])
}

// proves: S9
#[test]
fn output_of_a_service_is_followed_until_it_is_forgotten() {
    let app = app();
    crate::harness::register(&app, r#"{"name":"x","program":"/bin/httpd"}"#);
    let text = stream(
        &app,
        &get("/api/v1/services/x/output?follow=true&stream=manager&search=READY"),
        &mut [
            &mut || app.backend().advance_ms(1000),
            &mut || {
                let stop = "/api/v1/services/x/stop?wait=true";
                assert_eq!(post(stop).send(&app).status, 200);
            },
            &mut || {
                let delete = request("DELETE", "/api/v1/services/x", ADMINISTRATOR);
                assert_eq!(delete.send(&app).status, 204);
            },
            &mut || app.backend().advance_ms(1000),
        ],
    );
    let lines = sent(&text);
    assert_eq!(lines.len(), 1, "{text}");
    assert_eq!((lines[0].name.as_str(), &lines[0].data["text"]), ("line", &"ready".into()));
}

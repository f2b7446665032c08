//! Services from within: the calls that programs make through the crate `multios` (by the image's program
//! `service`), and `NAME.service`.

use std::sync::atomic::{AtomicU32, Ordering};

use admin_api::types::{Exit, Operation, ServiceLine, ServiceState};
use end_to_end::services::{
    IDLE, await_state, lines, main_process, register, run, shell, start, status, stop, with, write,
};
use end_to_end::{Guest, wait};
use serde_json::{Value, json};

const REFUSED: Exit = Exit::Code(1);

fn guest() -> &'static Guest {
    Guest::shared("service-calls")
}

/// `service ...` as some user.
fn service(user: &str, args: &[&str]) -> (String, Exit) {
    run(guest(), &json!({ "program": "/bin/service", "args": args, "user": user }))
}

fn succeeds(user: &str, args: &[&str]) -> String {
    let (text, exit) = service(user, args);
    assert_eq!(exit, Exit::Code(0), "service {args:?}: {text}");
    text
}

/// The document is given to the program as its input, in a file of its own: tests run side by side.
fn create(user: &str, document: &Value) -> (String, Exit) {
    static FILES: AtomicU32 = AtomicU32::new(0);
    // Relaxed: all that matters is that no number comes twice.
    let path = format!("/tmp/document-{}.json", FILES.fetch_add(1, Ordering::Relaxed));
    write(guest(), &path, &document.to_string());
    let script = format!("service create < {path}");
    let request = json!({ "program": "/bin/sh", "args": ["-c", script], "user": user });
    run(guest(), &request)
}

/// proves: A4, S1
#[test]
fn a_program_registers_starts_watches_and_stops_a_service() {
    let guest = guest();
    let (text, exit) = create("root", &shell("own", IDLE));
    assert_eq!(exit, Exit::Code(0), "{text}");
    assert!(text.starts_with("operation "), "{text}");
    assert_eq!(status(guest, "own").state, ServiceState::Disabled);
    let text = succeeds("root", &["start", "own"]);
    // The operation is the API's, and says who asked.
    let number = text.trim().strip_prefix("operation ").expect("it tells the number").to_owned();
    let operation: Operation = guest.read(&format!("/api/v1/operations/{number}"));
    assert_eq!(&*operation.service, "own");
    await_state(guest, "own", ServiceState::Running);
    let pid = main_process(guest, "own");
    let shown = succeeds("nobody", &["status", "own"]);
    for line in ["state     running", "ready     1 of 1", &format!("process   {pid}")] {
        assert!(shown.contains(line), "{shown}");
    }
    succeeds("root", &["stop", "own"]);
    await_state(guest, "own", ServiceState::Disabled);
    assert!(succeeds("root", &["status", "own"]).contains("state     disabled"));
}

/// proves: A4, S8, X3
#[test]
fn whoever_may_not_administer_the_system_only_looks() {
    let guest = guest();
    register(guest, &shell("guarded", IDLE));
    let denied = "service: permission denied\n";
    let refused = |(text, exit): (String, Exit)| {
        assert_eq!((text.as_str(), exit), (denied, REFUSED));
    };
    refused(create("nobody", &shell("smuggled", IDLE)));
    refused(service("nobody", &["start", "guarded"]));
    start(guest, "guarded");
    refused(service("1000", &["stop", "guarded"]));
    assert_eq!(status(guest, "guarded").state, ServiceState::Running);
    let answer = guest.get("/api/v1/services/smuggled");
    assert_eq!(answer.status, 404, "{}", answer.text());
    assert!(succeeds("nobody", &["status", "guarded"]).contains("running"));
    stop(guest, "guarded");
}

/// proves: A4, S8
#[test]
fn what_cannot_be_done_is_refused_by_its_name() {
    let guest = guest();
    let refused = |(text, exit): (String, Exit), why: &str| {
        assert_eq!((text, exit), (format!("service: {why}\n"), REFUSED));
    };
    for what in ["start", "stop", "status", "resolve"] {
        refused(service("root", &[what, "nowhere"]), "service not found");
    }
    register(guest, &shell("known", IDLE));
    refused(create("root", &shell("known", IDLE)), "already exists");
    refused(create("root", &json!({ "name": "half" })), "invalid argument");
    let needs = |name: &str| json!({ "dependencies": [{ "service": name }] });
    refused(create("root", &with(shell("lost", IDLE), &needs("nowhere"))), "invalid argument");
    let version = json!({ "dependencies": [{ "service": "known", "version": ">=9" }] });
    refused(create("root", &with(shell("ahead", IDLE), &version)), "dependency error");
    refused(service("root", &["resolve", "known"]), "service error");
    refused(service("root", &["notify", "READY=1"]), "service not found");
    let long = "x".repeat(70_000);
    write(guest, "/tmp/long.json", &long);
    let script = json!({ "program": "/bin/sh", "args": ["-c", "service create < /tmp/long.json"] });
    let (text, exit) = run(guest, &script);
    assert!(exit == REFUSED && text.starts_with("service: "), "{text}");
    assert_eq!(service("root", &["nonsense"]).1, Exit::Code(2));
}

/// As deep as a reader of JSON goes, and deeper: no stack is used up by it.
#[test]
fn a_document_may_be_as_deep_as_it_likes() {
    let guest = guest();
    for depth in [120, 127, 10_000] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let document =
            format!("{{\"name\":\"deep\",\"args\":{nested},\"env\":{{\"a\":{nested}}}}}");
        write(guest, "/tmp/deep.json", &document);
        for (user, why) in [("nobody", "permission denied"), ("root", "invalid argument")] {
            let request = json!({ "program": "/bin/sh", "user": user,
                                  "args": ["-c", "service create < /tmp/deep.json"] });
            let (text, exit) = run(guest, &request);
            assert_eq!((text, exit), (format!("service: {why}\n"), REFUSED), "{depth} by {user}");
        }
        for path in ["/api/v1/services", "/api/v1/processes"] {
            let body = guest.request("POST", path).header("Content-Type: application/json");
            let answer = body.body(document.as_bytes()).send();
            assert!((400..500).contains(&answer.status), "{depth} at {path}: {}", answer.text());
        }
    }
    guest.assert_healthy();
}

/// proves: A4, S4
#[test]
fn a_service_says_itself_that_it_is_ready() {
    let guest = guest();
    let script = format!("service notify STATUS=warm READY=1 && echo said; {IDLE}");
    let more = json!({ "start": { "ready_when": "notified", "timeout_ms": 60000 },
                       "user": "nobody" });
    register(guest, &with(shell("telling", &script), &more));
    start(guest, "telling");
    let said = |line: &ServiceLine| &*line.text == "said";
    wait::until("its line", || lines(guest, "telling").iter().any(said).then_some(()));
    let shown = status(guest, "telling");
    assert_eq!(shown.detail.as_deref(), Some("warm"));
    assert_eq!(shown.instances[0].status.as_deref(), Some("warm"));
    stop(guest, "telling");
}

/// proves: S5, S6
#[test]
fn a_service_is_found_by_its_name_and_used() {
    let guest = guest();
    let pages = json!({
        "name": "pages", "program": "/bin/httpd", "args": ["-f", "-p", "8111", "-h", "/etc"],
        "enabled": false, "instances": 2,
        "port": { "listen": 8111, "strategy": "round_robin" },
        "health": { "kind": "tcp", "interval_ms": 1000 },
    });
    register(guest, &pages);
    let resolve = json!({ "program": "/test/resolve", "args": ["pages.service", "8111"] });
    let (text, _) = run(guest, &resolve);
    assert!(text.starts_with("no such name"), "nobody runs: {text}");
    start(guest, "pages");
    // By musl's resolver, by glibc's, and by a client that knows nothing else.
    let (text, exit) = run(guest, &resolve);
    assert_eq!((text.as_str(), exit), ("127.0.0.1 8111\n", Exit::Code(0)));
    let wget = json!({ "program": "/bin/wget",
                       "args": ["-q", "-O", "-", "http://pages.service:8111/hostname"] });
    let hostname = guest.get("/api/v1/files/etc/hostname").text();
    for _ in 0..2 {
        assert_eq!(run(guest, &wget), (hostname.clone(), Exit::Code(0)));
    }
    // Both instances had a connection, and the call gives one after the other, with its process.
    let served: Vec<_> = {
        let instances = status(guest, "pages").instances.into_iter();
        instances.map(|one| one.connections.expect("it has a port").total).collect()
    };
    assert!(served.iter().all(|total| *total >= 1), "{served:?}");
    let known: Vec<_> = {
        let instances = status(guest, "pages").instances.into_iter();
        instances.map(|one| format!("{} {}", one.number, one.pid.expect("it runs"))).collect()
    };
    let mut found: Vec<_> = (0..2).map(|_| succeeds("nobody", &["resolve", "pages"])).collect();
    found.sort();
    let expected: Vec<_> = known.iter().map(|one| format!("{one} 127.0.0.1 8111\n")).collect();
    assert_eq!(found, expected);
    stop(guest, "pages");
    let (text, exit) = run(guest, &resolve);
    assert!(text.starts_with("no such name") && exit != Exit::Code(0), "{text}");
}

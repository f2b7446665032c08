//! Whether services work: what they say themselves, what checks say, and what follows.

use admin_api::types::{Exit, HealthKind, HealthPurpose, HealthRecord, HealthState, ServiceState};
use end_to_end::services::{
    IDLE, await_state, begin, checks, explain, fails, kill, main_process, register, remove, run,
    shell, signal, start, status, stop, successor, with, write,
};
use end_to_end::{Guest, wait};
use serde_json::{Value, json};

fn guest() -> &'static Guest {
    Guest::shared("service-health")
}

/// A service that speaks `sd_notify(3)`'s protocol: see `programs/notifier.c`.
fn notifier(name: &str, beat_ms: Option<u32>, more: &Value) -> Value {
    let args: Vec<_> = beat_ms.into_iter().map(|ms| ms.to_string()).collect();
    let document = json!({ "name": name, "program": "/test/notifier", "args": args,
                           "enabled": false });
    with(document, more)
}

/// The last checks of the service's first instance that were bad and made for this.
fn bad(name: &str, purpose: HealthPurpose) -> Vec<HealthRecord> {
    let all = checks(guest(), name).into_iter();
    all.filter(|record| !record.good && record.purpose == purpose).collect()
}

/// proves: S2, S4
#[test]
fn who_says_that_it_is_ready_is_waited_for() {
    let guest = guest();
    let notified = json!({ "start": { "ready_when": "notified", "timeout_ms": 60000 } });
    register(guest, &notifier("announced", None, &notified));
    let needs = json!({ "dependencies": [{ "service": "announced" }] });
    register(guest, &with(shell("patient", IDLE), &needs));
    begin(guest, "patient", "start");
    wait::until("its process", || status(guest, "announced").instances.first()?.pid);
    assert_eq!(status(guest, "announced").state, ServiceState::Starting);
    assert_eq!(status(guest, "patient").state, ServiceState::Starting);
    let summary = explain(guest, "patient").summary;
    assert!(summary.starts_with("patient waits for announced. The first cause: "), "{summary:?}");
    // What a process of no service says is nobody's word.
    let socket = json!({ "NOTIFY_SOCKET": "@multios/notify" });
    let foreign = json!({ "program": "/test/notifier", "args": ["once"], "env": socket });
    let (text, exit) = run(guest, &foreign);
    assert_eq!(exit, Exit::Code(0), "{text}");
    assert_eq!(status(guest, "announced").state, ServiceState::Starting);
    // A child of its own says it, and has ended before anybody hears it.
    signal(guest, main_process(guest, "announced"), "SIGUSR1");
    await_state(guest, "announced", ServiceState::Running);
    await_state(guest, "patient", ServiceState::Running);
    stop(guest, "announced");
}

/// proves: S4, S8, S9
#[test]
fn who_never_says_so_is_given_up_in_time() {
    let guest = guest();
    let more = json!({ "start": { "ready_when": "notified", "timeout_ms": 700 },
                       "restart": { "policy": "never" } });
    register(guest, &notifier("mute", None, &more));
    let problem = fails(guest, "mute", "start");
    assert_eq!(&*problem.code, "timeout", "{problem:?}");
    let failed = status(guest, "mute");
    assert_eq!(failed.state, ServiceState::Failed);
    assert_eq!(failed.detail.as_deref(), Some("it was not ready within 700 ms"));
    let reason = failed.last_exit_reason.expect("it was ended");
    assert_eq!(&*reason, "was ended by SIGKILL, because it was not ready within 700 ms");
    assert!(explain(guest, "mute").advice[0].contains("start.timeout_ms"));
}

/// proves: S4
#[test]
fn a_heartbeat_that_stops_is_a_hang() {
    let guest = guest();
    let more = json!({
        "start": { "ready_when": "healthy" },
        "health": { "kind": "heartbeat", "interval_ms": 1500, "unhealthy_after": 2 },
        "restart": { "delay_ms": 50 },
    });
    register(guest, &notifier("beating", Some(100), &more));
    start(guest, "beating");
    let first = main_process(guest, "beating");
    wait::until("it to be found in good health", || {
        let is_good = |one: &HealthRecord| one.good && one.purpose == HealthPurpose::Liveness;
        let good = checks(guest, "beating").iter().filter(|one| is_good(one)).count();
        (good >= 2 && status(guest, "beating").health == HealthState::Healthy).then_some(())
    });
    assert_eq!(main_process(guest, "beating"), first);
    signal(guest, first, "SIGUSR2");
    successor(guest, "beating", first);
    let after = status(guest, "beating");
    assert_eq!((after.restarts, after.state), (1, ServiceState::Running));
    let reason = after.last_exit_reason.expect("the first one has ended");
    assert!(reason.ends_with("it failed its health check: no heartbeat came"), "{reason:?}");
    let bad = bad("beating", HealthPurpose::Liveness);
    assert_eq!(bad.len(), 2, "{bad:#?}");
    assert!(bad.iter().all(|record| record.kind == HealthKind::Heartbeat));
    stop(guest, "beating");
}

/// proves: S4
#[test]
fn a_port_that_takes_no_connections_is_found() {
    let guest = guest();
    let script = "httpd -f -p 8101 -h /etc & while true; do sleep 60; done";
    let more = json!({
        "start": { "ready_when": "healthy" },
        "health": { "kind": "tcp", "port": 8101, "interval_ms": 300, "timeout_ms": 5000,
                    "unhealthy_after": 2 },
        "restart": { "delay_ms": 50 },
    });
    register(guest, &with(shell("port", script), &more));
    start(guest, "port");
    let first = main_process(guest, "port");
    // Its main process lives on.
    let processes: Value = guest.read("/api/v1/processes?service=port&name=httpd");
    let server = processes["items"][0]["pid"].as_u64().expect("the server runs");
    kill(guest, u32::try_from(server).expect("a number"));
    successor(guest, "port", first);
    let bad = bad("port", HealthPurpose::Liveness);
    assert!(bad.len() == 2 && bad[0].kind == HealthKind::Tcp, "{bad:#?}");
    assert!(&*bad[0].detail == "connection refused", "{bad:#?}");
    stop(guest, "port");
}

/// proves: S4
#[test]
fn a_page_that_is_not_there_or_does_not_come_is_found() {
    let guest = guest();
    let script = "mkdir -p /tmp/pages && echo well > /tmp/pages/health && \
                  exec httpd -f -p 8102 -h /tmp/pages";
    let more = json!({
        "start": { "ready_when": "healthy" },
        "health": { "kind": "http", "port": 8102, "path": "/health", "interval_ms": 300,
                    "timeout_ms": 2000, "unhealthy_after": 2 },
        "restart": { "delay_ms": 50 },
    });
    register(guest, &with(shell("pages", script), &more));
    start(guest, "pages");
    let first = main_process(guest, "pages");
    remove(guest, "/tmp/pages/health");
    let second = successor(guest, "pages", first);
    let gone = bad("pages", HealthPurpose::Liveness);
    assert_eq!(gone.len(), 2, "{gone:#?}");
    assert!(gone.iter().all(|one| one.detail.contains("404")), "{gone:#?}");
    // A server that hangs takes connections still: the handshake is the kernel's.
    let answer = guest.request("POST", &format!("/api/v1/processes/{second}/suspend")).send();
    assert!(answer.status < 300, "{}", answer.text());
    successor(guest, "pages", second);
    let late = bad("pages", HealthPurpose::Liveness);
    assert!(late[0].detail.contains("within 2000 ms"), "{late:#?}");
    let good = checks(guest, "pages");
    assert!(good.iter().any(|one| one.good && one.detail.contains("200")), "{good:#?}");
    stop(guest, "pages");
}

/// proves: S4
#[test]
fn a_command_that_takes_too_long_has_failed_and_is_ended() {
    let guest = guest();
    let command = ["/bin/sh", "-c", "test -e /tmp/slow-check && sleep 1000; exit 0"];
    let more = json!({
        "health": { "kind": "command", "command": command, "interval_ms": 300,
                    "timeout_ms": 1000, "unhealthy_after": 2 },
        "restart": { "delay_ms": 50 },
    });
    register(guest, &with(shell("commanded", &format!("rm -f /tmp/slow-check; {IDLE}")), &more));
    start(guest, "commanded");
    let first = main_process(guest, "commanded");
    wait::until("a good check", || checks(guest, "commanded").first()?.good.then_some(()));
    write(guest, "/tmp/slow-check", "");
    successor(guest, "commanded", first);
    let bad = bad("commanded", HealthPurpose::Liveness);
    assert!(bad.len() >= 2, "{bad:#?}");
    assert!(bad.iter().all(|one| one.detail.contains("within 1000 ms")), "{bad:#?}");
    stop(guest, "commanded");
    assert_eq!(status(guest, "commanded").usage.processes, 0, "a check's processes are ended");
}

/// proves: S4, S5
#[test]
fn start_up_life_and_readiness_are_apart() {
    let guest = guest();
    let test = |what: &str| json!(["/bin/test", "-e", format!("/tmp/apart.{what}")]);
    let check = |what: &str| {
        json!({ "kind": "command", "command": test(what), "interval_ms": 300, "timeout_ms": 5000,
                "unhealthy_after": 2 })
    };
    let document = json!({
        "name": "apart", "program": "/bin/httpd", "args": ["-f", "-p", "8103", "-h", "/etc"],
        "enabled": false, "port": { "listen": 8103 },
        "start": { "ready_when": "healthy", "timeout_ms": 60000 },
        "health": check("alive"), "readiness": check("ready"), "restart": { "delay_ms": 50 },
    });
    register(guest, &document);
    begin(guest, "apart", "start");
    // While it starts, neither check ends it, however often they fail.
    let starting = || {
        let all = checks(guest, "apart");
        all.iter().filter(|one| one.purpose == HealthPurpose::StartUp && !one.good).count()
    };
    wait::until("several bad checks", || (starting() >= 8).then_some(()));
    let first = main_process(guest, "apart");
    assert_eq!((status(guest, "apart").restarts, status(guest, "apart").ready_instances), (0, 0));
    write(guest, "/tmp/apart.alive", "");
    wait::until("the check for life to be good", || {
        checks(guest, "apart").iter().any(|one| one.good).then_some(())
    });
    write(guest, "/tmp/apart.ready", "");
    await_state(guest, "apart", ServiceState::Running);
    // Not ready: no connections, no restart. Who connects waits, and is served when it is ready.
    remove(guest, "/tmp/apart.ready");
    wait::until("it not to be ready", || {
        (status(guest, "apart").ready_instances == 0).then_some(())
    });
    assert!(!bad("apart", HealthPurpose::Readiness).is_empty());
    let get = json!({ "program": "/bin/wget",
                      "args": ["-q", "-O", "-", "http://127.0.0.1:8103/hostname"] });
    let (page, exit) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| run(guest, &get));
        wait::until("the client to connect", || {
            let sockets: Value = guest.read("/api/v1/processes?name=wget");
            sockets["items"].as_array()?.iter().find(|one| one["state"] == "blocked").map(drop)
        });
        write(guest, "/tmp/apart.ready", "");
        asking.join().expect("the client's thread ends")
    });
    assert!(exit == Exit::Code(0) && !page.is_empty(), "{page}");
    assert_eq!(main_process(guest, "apart"), first, "nothing was started again");
    assert!(bad("apart", HealthPurpose::Liveness).is_empty());
    // Life is another matter.
    remove(guest, "/tmp/apart.alive");
    wait::until("it to be ended", || (status(guest, "apart").restarts > 0).then_some(()));
    write(guest, "/tmp/apart.alive", "");
    successor(guest, "apart", first);
    stop(guest, "apart");
}

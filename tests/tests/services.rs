//! Services, from outside the machine: started in order, restarted, checked, limited, balanced.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use admin_api::types::{
    HealthState, OperationState, Page, ServiceExplanation, ServiceHealth, ServiceInstance,
    ServicePlan, ServiceState,
};
use end_to_end::raw::Connection;
use end_to_end::services::{
    act, await_state, begin, events, kill, lines, register, says, shell, start, status, with,
};
use end_to_end::{Guest, Setup, wait};
use serde_json::{Value, json};
use xtask::qemu::GuestExit;

const PORT: u16 = 8090;

/// proves: S2
#[test]
fn services_of_the_image_start_in_the_order_of_their_dependencies() {
    let mut setup = Setup::named("services-boot");
    setup.starts_services = true;
    let guest = Guest::boot(&setup);
    await_state(&guest, "web", ServiceState::Running);
    await_state(&guest, "report", ServiceState::Running);
    wait::until("all instances of web to be ready", || {
        (status(&guest, "web").ready_instances == 3).then_some(())
    });
    let events = events(&guest);
    let position = |text: &str| {
        let found = events.iter().position(|event| event.message.contains(text));
        found.unwrap_or_else(|| panic!("{text} is not among {events:#?}"))
    };
    assert!(position("data: starting -> running") < position("web/0 was started"));
    assert!(position("slow: starting -> running") < position("report/0 was started"));
    assert_eq!(status(&guest, "crash").state, ServiceState::Disabled);
    let explained: ServiceExplanation = guest.read("/api/v1/services/crash/explain");
    assert!(explained.chain.iter().any(|link| link.message.contains("not started at boot")));
    guest.assert_healthy();

    // Going down, the dependants are first. Events are told until the machine's end.
    let mut stream = Connection::open(guest.port());
    let token = guest.token();
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nHost: guest\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.send(request.as_bytes());
    let head = stream.listen_until(wait::PATIENCE, |bytes| bytes.ends_with(b"\n"));
    assert_eq!(head.status(), Some(200));
    let answer = guest.request("POST", "/api/v1/system/shutdown").send();
    assert!(answer.status < 300, "{}", answer.text());
    assert_eq!(guest.await_end(), GuestExit::PowerOff);
    let told = String::from_utf8(stream.listen(wait::PATIENCE).bytes).expect("it is text");
    let position =
        |text: &str| told.find(text).unwrap_or_else(|| panic!("{text} is not in {told}"));
    assert!(position("report/0 was ended by SIGTERM") < position("slow/0 was ended by SIGTERM"));
    for instance in ["web/0", "web/1", "web/2"] {
        assert!(position(&format!("{instance} was ended")) < position("data/0 was ended"));
    }
}

/// proves: S1, S4, S7, S9
#[test]
fn a_crash_is_restarted_with_growing_delays_until_it_has_failed() {
    let guest = Guest::shared("services");
    let more = json!({ "restart": { "delay_ms": 100, "max_delay_ms": 1000, "max_restarts": 3,
                                    "window_ms": 60000 } });
    register(guest, &with(shell("crasher", "echo out; echo err >&2; exit 7"), &more));
    begin(guest, "crasher", "start");
    let failed = await_state(guest, "crasher", ServiceState::Failed);
    assert_eq!(failed.restarts, 3);
    let exit = failed.last_exit.expect("it has ended");
    assert_eq!(serde_json::to_value(exit).expect("JSON"), json!({ "code": 7 }));
    let lines = lines(guest, "crasher");
    let count = |stream: &str, text: &str| {
        lines.iter().filter(|line| line.stream.name() == stream && *line.text == *text).count()
    };
    assert_eq!((count("stdout", "out"), count("stderr", "err")), (4, 4), "{lines:#?}");
    let explained: ServiceExplanation = guest.read("/api/v1/services/crasher/explain");
    assert!(explained.summary.contains("code 7"), "{explained:?}");
    assert!(!explained.advice.is_empty());
    // An operator who starts it again begins a new count.
    begin(guest, "crasher", "start");
    let failed = await_state(guest, "crasher", ServiceState::Failed);
    assert_eq!(failed.restarts, 6);
}

/// proves: S4
#[test]
fn a_hang_is_found_by_its_check_and_the_process_replaced() {
    let guest = Guest::shared("services");
    let script = "touch /tmp/hanger; echo alive; sleep 1; rm /tmp/hanger; \
                  while true; do sleep 60; done";
    let more = json!({
        "health": { "kind": "command", "command": ["/bin/sh", "-c", "test -e /tmp/hanger"],
                    "interval_ms": 200, "timeout_ms": 5000, "unhealthy_after": 2 },
        "restart": { "delay_ms": 50, "max_restarts": 50 },
        "stop": { "grace_ms": 200 },
    });
    register(guest, &with(shell("hanger", script), &more));
    start(guest, "hanger");
    let first = status(guest, "hanger").instances[0].pid.expect("it runs");
    wait::until("the hang to be found", || (status(guest, "hanger").restarts > 0).then_some(()));
    wait::until("another process to run", || {
        status(guest, "hanger").instances[0].pid.filter(|pid| *pid != first)
    });
    let health: ServiceHealth = guest.read("/api/v1/services/hanger/health");
    assert!(health.history.iter().any(|record| !record.good && record.detail.contains("code 1")));
    act(guest, "hanger", "stop");
    assert_eq!(status(guest, "hanger").health, HealthState::Unknown);
}

/// proves: S3
#[test]
fn a_leak_is_stopped_by_the_quota_and_others_go_on() {
    let guest = Guest::shared("services");
    register(guest, &shell("bystander", "while true; do sleep 60; done"));
    start(guest, "bystander");
    let script = "x=0123456789abcdef; while true; do x=$x$x; echo ${#x}; done";
    let more = json!({
        "limits": { "memory_bytes": 8_388_608 },
        "restart": { "policy": "never" },
    });
    register(guest, &with(shell("leaker", script), &more));
    begin(guest, "leaker", "start");
    let failed = await_state(guest, "leaker", ServiceState::Failed);
    assert!(failed.usage.peak_memory_bytes <= 8_388_608, "{failed:?}");
    let exit = serde_json::to_value(failed.last_exit.expect("it has ended")).expect("JSON");
    assert_eq!(exit["signal"], "SIGKILL");
    let why = "reached its memory quota of 8 MiB and was ended";
    assert_eq!(failed.last_exit_reason.as_deref(), Some(why));
    assert_eq!(failed.instances[0].last_exit_reason.as_deref(), Some(why));
    assert_eq!(failed.detail.as_deref(), Some(format!("it {why}").as_str()));
    let explained: ServiceExplanation = guest.read("/api/v1/services/leaker/explain");
    assert_eq!(explained.summary.as_str(), format!("leaker {why}."));
    assert!(explained.advice[0].contains("limits.memory_bytes"), "{explained:?}");
    let told = format!("leaker/0 {why}");
    assert!(events(guest).iter().any(|event| event.message.as_str() == told), "{told}");
    assert!(says(guest, "leaker", &told));
    // The image's own demo, which has more attempts.
    begin(guest, "leak", "start");
    let reason = wait::until("the demo's end", || status(guest, "leak").last_exit_reason);
    assert_eq!(&*reason, why);
    act(guest, "leak", "stop");
    assert_eq!(status(guest, "bystander").state, ServiceState::Running);
    act(guest, "bystander", "stop");
}

/// proves: P8, S1
#[test]
fn stopping_ends_every_process_that_a_service_has_made() {
    let guest = Guest::shared("services");
    // One ignores the signal, one has left the session, one is a child of a child.
    let script = "trap '' TERM; setsid sleep 1000 & (sleep 1001 & sleep 1002) & \
                  echo forked; while true; do sleep 1; done";
    let more = json!({ "stop": { "grace_ms": 300 } });
    register(guest, &with(shell("forker", script), &more));
    start(guest, "forker");
    wait::until("all of it to run", || {
        (status(guest, "forker").usage.processes >= 4 && says(guest, "forker", "forked"))
            .then_some(())
    });
    let stopped = act(guest, "forker", "stop");
    assert_eq!(stopped.state, OperationState::Succeeded, "{stopped:?}");
    let left = status(guest, "forker");
    assert_eq!((left.state, left.usage.processes), (ServiceState::Disabled, 0));
    let processes: Value = guest.read("/api/v1/processes?service=forker");
    assert_eq!(processes["total"], 0, "{processes}");
}

/// proves: S2
#[test]
fn what_a_service_needs_starts_first_and_its_failure_spreads() {
    let guest = Guest::shared("services");
    register(guest, &shell("base", "while true; do sleep 60; done"));
    let needs = json!({ "dependencies": [{ "service": "base" }] });
    register(guest, &with(shell("middle", "while true; do sleep 60; done"), &needs));
    let needs = json!({ "dependencies": [{ "service": "middle" }] });
    register(guest, &with(shell("top", "while true; do sleep 60; done"), &needs));
    let plan = guest.request("POST", "/api/v1/services/top/start?dry_run=true").send();
    let plan: ServicePlan = plan.json();
    let order: Vec<_> = plan.steps.iter().map(|step| step.service.to_string()).collect();
    assert_eq!(order, ["base", "middle", "top"]);
    assert_eq!(status(guest, "base").state, ServiceState::Disabled, "a plan changes nothing");
    start(guest, "top");
    assert_eq!(status(guest, "base").state, ServiceState::Running);

    let pid = status(guest, "base").instances[0].pid.expect("it runs");
    let change = with(shell("base", "exit 3"), &json!({ "restart": { "policy": "never" } }));
    let answer = guest.request("PUT", "/api/v1/services/base").json(&change).send();
    assert!(answer.status < 300, "{}", answer.text());
    kill(guest, pid);
    await_state(guest, "top", ServiceState::Failed);
    let explained: ServiceExplanation = guest.read("/api/v1/services/top/explain");
    let chain: Vec<_> = explained.chain.iter().map(|link| link.service.to_string()).collect();
    assert_eq!(chain, ["top", "middle", "base"]);

    // The first document again, and it runs: the others follow by themselves.
    let answer =
        guest.request("POST", "/api/v1/services/base/rollback").json(&json!({ "revision": 1 }));
    assert!(answer.send().status < 300);
    start(guest, "base");
    await_state(guest, "top", ServiceState::Running);
    act(guest, "base", "stop");
    assert_eq!(status(guest, "top").state, ServiceState::Disabled, "who needs it stops first");
}

/// proves: S8
#[test]
fn bad_documents_are_refused_where_they_are_wrong() {
    let guest = Guest::shared("services");
    register(guest, &shell("good", "true"));
    let refuse = |document: &Value, status: u16, text: &str| {
        let answer = guest.request("POST", "/api/v1/services").json(document).send();
        assert_eq!(answer.status, status, "{document}: {}", answer.text());
        assert!(answer.text().contains(text), "{document}: {}", answer.text());
    };
    refuse(&json!({ "name": "Bad", "program": "/bin/sh" }), 422, "\"name\"");
    refuse(&json!({ "name": "bad", "program": "sh" }), 422, "\"program\"");
    refuse(&with(shell("bad", "true"), &json!({ "version": "x" })), 422, "\"version\"");
    refuse(&with(shell("bad", "true"), &json!({ "colour": 1 })), 422, "colour");
    let unknown = json!({ "dependencies": [{ "service": "nowhere" }] });
    refuse(&with(shell("bad", "true"), &unknown), 422, "nowhere");
    let version = json!({ "dependencies": [{ "service": "good", "version": ">=2" }] });
    refuse(&with(shell("bad", "true"), &version), 409, "good");
    refuse(&shell("good", "true"), 409, "already");
    let needs = json!({ "dependencies": [{ "service": "good" }] });
    register(guest, &with(shell("needy", "true"), &needs));
    let back = with(shell("good", "true"), &json!({ "dependencies": [{ "service": "needy" }] }));
    let answer = guest.request("PUT", "/api/v1/services/good").json(&back).send();
    assert_eq!(answer.status, 422, "{}", answer.text());
    assert!(answer.text().contains("needy"), "{}", answer.text());
    let answer = guest.request("DELETE", "/api/v1/services/good").send();
    assert_eq!(answer.status, 409, "{}", answer.text());
    // A program that does not exist fails where one looks.
    let missing = json!({ "name": "missing", "program": "/bin/nothing", "enabled": false,
                          "restart": { "policy": "never" } });
    register(guest, &missing);
    begin(guest, "missing", "start");
    let failed = await_state(guest, "missing", ServiceState::Failed);
    assert!(failed.detail.is_some_and(|detail| detail.contains("could not be started")));
}

fn page(guest: &Guest) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", guest.forwarded(PORT)))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(stream, "GET /hostname HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// proves: S5
#[test]
fn connections_go_on_through_restarts_scaling_and_kills() {
    let mut setup = Setup::named("services-front");
    setup.ports = vec![PORT];
    let guest = Guest::boot(&setup);
    register(
        &guest,
        &json!({
            "name": "pages", "program": "/bin/busybox", "enabled": false, "instances": 3,
            "args": ["httpd", "-f", "-p", PORT.to_string(), "-h", "/etc"],
            "port": { "listen": PORT, "strategy": "round_robin" },
            "health": { "kind": "http", "path": "/hostname", "interval_ms": 1000 },
            "restart": { "policy": "always", "delay_ms": 50, "max_restarts": 1000 },
        }),
    );
    start(&guest, "pages");
    assert_eq!(status(&guest, "pages").ready_instances, 3);
    let (served, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    match page(&guest) {
                        Ok(answer) if answer.starts_with("HTTP/1.1 200") => {
                            served.fetch_add(1, Ordering::Relaxed);
                        }
                        _ => drop(refused.fetch_add(1, Ordering::Relaxed)),
                    }
                }
            });
        }
        let serves_on = || {
            let before = served.load(Ordering::Relaxed);
            wait::until("more answers", || {
                (served.load(Ordering::Relaxed) > before + 10).then_some(())
            });
        };
        serves_on();
        let restarted = act(&guest, "pages", "restart");
        assert_eq!(restarted.state, OperationState::Succeeded, "{restarted:?}");
        for count in [5, 1, 3] {
            let scale =
                guest.request("PUT", "/api/v1/services/pages/instances?wait=true&timeout_ms=60000");
            let answer =
                scale.json(&json!({ "count": count })).limit(Duration::from_secs(60)).send();
            assert!(answer.status < 300, "{}", answer.text());
            serves_on();
        }
        let without_kills = refused.load(Ordering::Relaxed);
        assert_eq!(without_kills, 0, "of {} requests", served.load(Ordering::Relaxed));
        // What was in flight on a killed instance is lost; at most one of each client's.
        const KILLS: u64 = 4;
        for _ in 0..KILLS {
            let instances: Page<ServiceInstance> = guest.read("/api/v1/services/pages/instances");
            let pid = instances.items.iter().find_map(|one| one.pid.filter(|_| one.ready));
            let pid = pid.expect("one is ready");
            kill(&guest, pid);
            serves_on();
            wait::until("three to be ready", || {
                (status(&guest, "pages").ready_instances == 3).then_some(())
            });
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(refused.load(Ordering::Relaxed) <= 3 * KILLS);
    });
    let total: u64 = {
        let instances: Page<ServiceInstance> = guest.read("/api/v1/services/pages/instances");
        instances.items.iter().filter_map(|one| one.connections).map(|counts| counts.total).sum()
    };
    assert!(total > 0, "the front counts");
    guest.assert_healthy();
}

/// proves: P9
#[test]
fn a_thousand_service_processes() {
    let mut setup = Setup::named("services-many");
    setup.memory_mib = 1024;
    let guest = Guest::boot(&setup);
    register(
        &guest,
        &json!({
            "name": "many", "program": "/bin/sleep", "args": ["100000"], "enabled": false,
            "instances": 1024, "stop": { "grace_ms": 10_000 },
        }),
    );
    begin(&guest, "many", "start");
    wait::until_within(Duration::from_secs(240), "all to be ready", || {
        (status(&guest, "many").ready_instances == 1024).then_some(())
    });
    assert_eq!(status(&guest, "many").usage.processes, 1024);
    begin(&guest, "many", "stop");
    wait::until_within(Duration::from_secs(120), "all to be gone", || {
        let status = status(&guest, "many");
        (status.usage.processes == 0 && status.state == ServiceState::Disabled).then_some(())
    });
    guest.assert_healthy();
}

//! What a document says has its effect: who gets connections, how much all processes may use, what runs
//! beside what and after what; what is written is kept, within bounds; and the image's demos do what they
//! are there for.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use admin_api::types::{
    Exit, Page, Service, ServiceDifference, ServiceLine, ServicePlan, ServiceRevision, ServiceState,
};
use end_to_end::raw::Connection;
use end_to_end::services::{
    IDLE, act, await_state, begin, checks, explain, fails, lines, main_process, register, remove,
    says, shell, signal, start, status, stop, successor, with, write,
};
use end_to_end::{Guest, Setup, wait};
use serde_json::{Value, json};

fn guest() -> &'static Guest {
    Guest::shared("service-rules")
}

/// proves: S4
#[test]
fn the_demos_crash_hang_and_start_slowly() {
    let guest = guest();
    begin(guest, "report", "start");
    let waiting = explain(guest, "report").summary;
    assert!(waiting.starts_with("report waits for slow. The first cause: "), "{waiting:?}");
    begin(guest, "crash", "start");
    begin(guest, "hang", "start");
    let reason = wait::until("a crash", || status(guest, "crash").last_exit_reason);
    assert_eq!(&*reason, "exited with code 1");
    let failed = await_state(guest, "crash", ServiceState::Failed);
    assert_eq!((failed.restarts, failed.last_exit), (4, Some(Exit::Code(1))));
    assert!(says(guest, "crash", "crashing"));
    let first = wait::until("the hang's process", || status(guest, "hang").instances.first()?.pid);
    successor(guest, "hang", first);
    let hung = status(guest, "hang").last_exit_reason.expect("it was ended");
    assert!(hung.contains("because it failed its health check: "), "{hung:?}");
    assert!(checks(guest, "hang").iter().any(|check| !check.good));
    await_state(guest, "report", ServiceState::Running);
    for name in ["hang", "report", "slow"] {
        stop(guest, name);
    }
}

/// proves: S2, S7
#[test]
fn conflicts_order_and_conditions_hold() {
    let guest = guest();
    register(guest, &shell("red", IDLE));
    register(guest, &with(shell("blue", IDLE), &json!({ "conflicts": ["red"] })));
    start(guest, "red");
    let refused = fails(guest, "blue", "start");
    assert_eq!((refused.status, &*refused.code), (409, "dependency_error"), "{refused:?}");
    assert!(refused.detail.contains("red"), "{refused:?}");
    stop(guest, "red");
    start(guest, "blue");
    let refused = fails(guest, "red", "start");
    assert!(refused.detail.contains("blue"), "either way: {refused:?}");
    stop(guest, "blue");

    // What is only ordered is not started, but waited for when it comes.
    let slow = "while ! test -e /tmp/dawn; do sleep 0.05; done; service notify READY=1; \
                while true; do sleep 60; done";
    let notified = json!({ "start": { "ready_when": "notified", "timeout_ms": 60000 } });
    register(guest, &with(shell("dawn", slow), &notified));
    register(guest, &with(shell("day", IDLE), &json!({ "after": ["dawn"] })));
    start(guest, "day");
    assert_eq!(status(guest, "dawn").state, ServiceState::Disabled);
    stop(guest, "day");
    begin(guest, "dawn", "start");
    begin(guest, "day", "start");
    assert_eq!(&*explain(guest, "day").chain[0].message, "day waits for dawn");
    assert_eq!(status(guest, "day").state, ServiceState::Starting);
    write(guest, "/tmp/dawn", "");
    await_state(guest, "day", ServiceState::Running);
    stop(guest, "dawn");
    assert_eq!(status(guest, "day").state, ServiceState::Running, "it is not needed");
    stop(guest, "day");

    let conditions = json!({ "conditions": [
        { "kind": "path_exists", "path": "/tmp/wanted" },
        { "kind": "path_missing", "path": "/tmp/unwanted" },
    ] });
    register(guest, &with(shell("choosy", IDLE), &conditions));
    let refused = fails(guest, "choosy", "start").detail;
    assert!(refused.contains("there is nothing at /tmp/wanted"), "{refused:?}");
    write(guest, "/tmp/wanted", "");
    write(guest, "/tmp/unwanted", "");
    let refused = fails(guest, "choosy", "start").detail;
    assert!(refused.contains("there is something at /tmp/unwanted"), "{refused:?}");
    remove(guest, "/tmp/unwanted");
    start(guest, "choosy");
    stop(guest, "choosy");
}

/// proves: S1, S7
#[test]
fn what_is_enabled_paused_or_asked_with_an_old_etag() {
    let guest = guest();
    register(guest, &shell("switch", "i=0; while true; do i=$((i+1)); echo $i; done"));
    act(guest, "switch", "enable");
    let service: Service = guest.read("/api/v1/services/switch");
    assert!(service.enabled && service.revision == Some(2));
    assert_eq!(status(guest, "switch").state, ServiceState::Stopped, "it starts at boot, not now");
    act(guest, "switch", "disable");
    assert_eq!(status(guest, "switch").state, ServiceState::Disabled);

    let busy = json!({ "restart": { "policy": "never" } });
    let answer = guest.request("PUT", "/api/v1/services/switch").header("If-Match: \"1\"");
    let document = with(shell("switch", "while true; do :; done"), &busy);
    let stale = answer.json(&document).send();
    assert_eq!(stale.status, 412, "{}", stale.text());
    let current = guest.get("/api/v1/services/switch");
    let etag = current.header("etag").expect("it has one").to_owned();
    let answer = guest.request("PUT", "/api/v1/services/switch");
    let answer = answer.header(&format!("If-Match: {etag}")).json(&document).send();
    assert!(answer.status < 300, "{}", answer.text());

    start(guest, "switch");
    let used = || status(guest, "switch").usage.cpu.total_ns;
    wait::until("it to work", || (used() > 0).then_some(()));
    act(guest, "switch", "pause");
    assert_eq!(status(guest, "switch").state, ServiceState::Paused);
    let process = format!("/api/v1/processes/{}", main_process(guest, "switch"));
    wait::until("it to be held", || {
        (guest.read::<Value>(&process)["state"] == "suspended").then_some(())
    });
    let held = used();
    assert!(fails(guest, "switch", "pause").detail.contains("paused"));
    assert_eq!(used(), held, "it does nothing");
    act(guest, "switch", "resume");
    wait::until("it to go on", || (used() > held).then_some(()));
    stop(guest, "switch");

    let versions: Page<ServiceRevision> = guest.read("/api/v1/services/switch/versions");
    let numbers: Vec<u64> = versions.items.iter().map(|one| one.revision).collect();
    assert_eq!(numbers, [4, 3, 2, 1], "the newest first");
    let difference: ServiceDifference = guest.read("/api/v1/services/switch/diff?from=1&to=4");
    let fields: Vec<_> = difference.changes.iter().map(|one| &*one.field).collect();
    assert_eq!(fields, ["args.1", "restart.policy"]);
}

/// proves: S1
#[test]
fn a_plan_changes_nothing_whatever_it_is_for() {
    let guest = guest();
    let reload = json!({ "reload": { "signal": "SIGHUP" } });
    register(guest, &with(shell("planned", &format!("trap : HUP; {IDLE}")), &reload));
    start(guest, "planned");
    let before = || {
        let mut service: Value = guest.read("/api/v1/services/planned");
        // What moves by itself.
        service["status"]["usage"].take();
        service
    };
    let was = before();
    let mut asked = 0;
    let mut plan = |method: &str, path: &str, body: Option<&Value>| {
        let request = guest.request(method, &format!("/api/v1/services{path}?dry_run=true"));
        let answer = body.into_iter().fold(request, |request, body| request.json(body)).send();
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
        let plan: ServicePlan = answer.json();
        assert_eq!(before(), was, "{method} {path}");
        asked += 1;
        plan.steps.len()
    };
    for what in ["stop", "restart", "reload", "pause", "enable", "disable"] {
        assert!(plan("POST", &format!("/planned/{what}"), None) > 0, "{what}");
    }
    assert_eq!(plan("POST", "/planned/start", None), 0, "it runs");
    assert_eq!(plan("PUT", "/planned/instances", Some(&json!({ "count": 3 }))), 3);
    assert!(plan("PUT", "/planned", Some(&shell("planned", IDLE))) > 0);
    assert!(plan("POST", "/planned/rollback", Some(&json!({ "revision": 1 }))) > 0);
    assert!(plan("POST", "", Some(&shell("unborn", IDLE))) > 0);
    assert_eq!(guest.get("/api/v1/services/unborn").status, 404);
    stop(guest, "planned");
    let answer = guest.request("DELETE", "/api/v1/services/planned?dry_run=true").send();
    assert_eq!((answer.status, asked), (200, 11), "{}", answer.text());
    assert_eq!(status(guest, "planned").state, ServiceState::Disabled);
}

/// proves: S3
#[test]
fn quotas_are_of_all_processes_together() {
    let guest = guest();
    // Each of the two has a share; together they may have one fifth of a CPU.
    let spins = "while true; do :; done";
    let more = json!({ "limits": { "cpu_percent": 20 }, "instances": 2 });
    register(guest, &with(shell("spinners", spins), &more));
    start(guest, "spinners");
    let used = || status(guest, "spinners").usage.cpu.total_ns;
    let (began, before) = (Instant::now(), used());
    let spent = wait::until("them to spin for a while", || {
        Some(used() - before).filter(|spent| *spent > 400_000_000)
    });
    let most = began.elapsed().as_nanos() / 5 + 100_000_000;
    assert!(u128::from(spent) < most, "{spent} of {most} ns");
    stop(guest, "spinners");

    let copies = "dd if=/dev/zero of=/dev/null bs=4k & dd if=/dev/zero of=/dev/null bs=4k; wait";
    let more = json!({ "limits": { "read_bytes_per_second": 1_048_576 } });
    register(guest, &with(shell("copiers", copies), &more));
    start(guest, "copiers");
    let read = || status(guest, "copiers").usage.io.read_bytes;
    let (began, before) = (Instant::now(), read());
    let bytes = wait::until("them to read for a while", || {
        Some(read() - before).filter(|bytes| *bytes > 2 << 20)
    });
    let most = (began.elapsed().as_secs_f64() * 1.1 + 0.4) * 1_048_576.0;
    assert!((bytes as f64) < most, "{bytes} in {:?}", began.elapsed());
    stop(guest, "copiers");

    // A shell and four others; the fifth is refused, and the shell ends.
    let forks = format!("for i in 1 2 3 4 5 6; do sleep 1000 & echo child $i; done; {IDLE}");
    let more = json!({ "limits": { "processes": 5 }, "restart": { "policy": "never" } });
    register(guest, &with(shell("family", &forks), &more));
    begin(guest, "family", "start");
    await_state(guest, "family", ServiceState::Failed);
    assert!(says(guest, "family", "child 4") && !says(guest, "family", "child 5"));
    assert!(says(guest, "family", "fork"), "{:#?}", lines(guest, "family"));

    // Nine descriptors for two: the shell's three, and three of a child that it has beside its own.
    let opens = "(exec 4</dev/null 5</dev/null; echo five; exec 6</dev/null; echo six); exit 3";
    let more = json!({ "limits": { "open_files": 9 }, "restart": { "policy": "never" } });
    register(guest, &with(shell("opener", opens), &more));
    begin(guest, "opener", "start");
    await_state(guest, "opener", ServiceState::Failed);
    assert!(!says(guest, "opener", "six"), "{:#?}", lines(guest, "opener"));
    assert!(says(guest, "opener", "open files"), "{:#?}", lines(guest, "opener"));
}

/// proves: S9
#[test]
fn output_is_kept_within_bounds_and_followed() {
    let guest = guest();
    let long = "head -c 5000 /dev/zero | tr '\\0' x; echo";
    let script = format!(
        "trap 'echo caught >&2' USR1; seq 1 3000; {long}; echo written; \
         while true; do sleep 0.1; done"
    );
    register(guest, &shell("writer", &script));
    start(guest, "writer");
    wait::until("it to have written", || says(guest, "writer", "written").then_some(()));
    let kept = lines(guest, "writer");
    assert!(kept.len() <= 1000, "{}", kept.len());
    assert!(kept.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
    assert!(!kept.iter().any(|line| &*line.text == "1") && says(guest, "writer", "3000"));
    let cut = kept.iter().find(|line| line.truncated).expect("the long one");
    assert!(cut.text.len() >= 1024 && cut.text.len() < 5000, "{}", cut.text.len());
    assert!(cut.text.bytes().all(|byte| byte == b'x'));

    // Who follows is told of what comes, with its stream.
    let mut stream = Connection::open(guest.port());
    let token = guest.token();
    let path = "/api/v1/services/writer/output?follow=true&stream=stderr";
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: guest\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.send(head.as_bytes());
    let head = stream.listen_until(wait::PATIENCE, |bytes| bytes.ends_with(b"\n"));
    assert_eq!(head.status(), Some(200));
    signal(guest, main_process(guest, "writer"), "SIGUSR1");
    let told = stream
        .listen_until(wait::PATIENCE, |bytes| bytes.windows(8).any(|part| part == b"\"caught\""));
    let text = String::from_utf8_lossy(&told.bytes).into_owned();
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let line: ServiceLine = data
        .filter_map(|data| serde_json::from_str(data.trim()).ok())
        .next_back()
        .expect("the line");
    assert_eq!((line.stream.name(), &*line.text), ("stderr", "caught"));
    stop(guest, "writer");
}

const WEIGHED: u16 = 8131;
const FEWEST: u16 = 8132;

/// proves: S5
#[test]
fn connections_go_by_weight_and_to_who_has_fewest() {
    let mut setup = Setup::named("service-strategies");
    setup.ports = vec![WEIGHED, FEWEST];
    let guest = &Guest::boot(&setup);
    let pages = |name: &str, port: u16, strategy: &Value| {
        json!({ "name": name, "program": "/bin/busybox", "enabled": false, "instances": 2,
                "args": ["httpd", "-f", "-p", port.to_string(), "-h", "/etc"],
                "port": strategy })
    };
    let weighted = json!({ "listen": WEIGHED, "strategy": "weighted", "weights": [1, 3] });
    register(guest, &pages("weighed", WEIGHED, &weighted));
    let least = json!({ "listen": FEWEST, "strategy": "least_connections" });
    register(guest, &pages("fewest", FEWEST, &least));
    let connect = |port: u16| {
        let stream = TcpStream::connect(("127.0.0.1", guest.forwarded(port))).expect("a port");
        stream.set_read_timeout(Some(wait::PATIENCE)).expect("a TCP option");
        stream
    };
    let get = |port: u16| {
        let mut stream = connect(port);
        write!(stream, "GET /hostname HTTP/1.0\r\n\r\n").expect("it is taken");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the answer comes");
        assert!(answer.contains(" 200 "), "{answer}");
    };
    let counts = |name: &str| {
        let instances = status(guest, name).instances;
        let of = |index: usize| instances[index].connections.expect("it has a port");
        [of(0), of(1)]
    };
    let totals = |name: &str| counts(name).map(|one| one.total);
    start(guest, "weighed");
    // Who does not listen yet is not chosen.
    wait::until("both to listen", || {
        get(WEIGHED);
        totals("weighed").iter().all(|total| *total > 0).then_some(())
    });
    let before = totals("weighed");
    for _ in 0..40 {
        get(WEIGHED);
    }
    let after = totals("weighed");
    assert_eq!([after[0] - before[0], after[1] - before[1]], [10, 30]);

    start(guest, "fewest");
    // One that stays keeps all others away from its instance.
    let mut staying = connect(FEWEST);
    write!(staying, "GET /hostname HTTP/1.0\r\n").expect("it is taken");
    let open = || counts("fewest").map(|one| one.open);
    wait::until("an instance to have it", || (open().iter().sum::<u64>() == 1).then_some(()));
    let busy = usize::from(open()[1] == 1);
    let get_one = || {
        get(FEWEST);
        // The end of one is seen before the next one comes.
        wait::until("it to be over", || (open().iter().sum::<u64>() == 1).then_some(()));
    };
    wait::until("the other one to listen", || {
        get_one();
        (totals("fewest")[1 - busy] > 0).then_some(())
    });
    let before = totals("fewest");
    for _ in 0..10 {
        get_one();
    }
    let after = totals("fewest");
    assert_eq!((after[busy], after[1 - busy]), (before[busy], before[1 - busy] + 10));
    drop(staying);
    guest.assert_healthy();
}

/// proves: S6
#[test]
fn services_are_found_by_name_kind_state_and_tag() {
    let guest = guest();
    let names = |query: &str| -> Vec<String> {
        let page: Page<Service> = guest.read(&format!("/api/v1/services?{query}"));
        page.items.iter().map(|one| one.name.to_string()).collect()
    };
    let more = json!({ "tags": ["needle", "blunt"], "kind": "monitoring" });
    register(guest, &with(shell("hay-one", IDLE), &more));
    register(guest, &with(shell("hay-two", IDLE), &json!({ "tags": ["needle"] })));
    assert_eq!(names("tag=needle"), ["hay-one", "hay-two"]);
    assert_eq!(names("tag=blunt"), ["hay-one"]);
    assert_eq!(names("name=hay-*"), ["hay-one", "hay-two"]);
    assert_eq!(names("kind=monitoring&name=hay-*"), ["hay-one"]);
    start(guest, "hay-two");
    assert_eq!(names("state=running&tag=needle"), ["hay-two"]);
    assert_eq!(names("state=disabled&tag=needle"), ["hay-one"]);
    stop(guest, "hay-two");
    let answer = guest.get("/api/v1/services?state=asleep");
    assert_eq!(answer.status, 400, "{}", answer.text());
}

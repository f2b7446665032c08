//! Every route of the API and every kind of error, asked for with curl.

use admin_api::types::{
    Cpu, Event, Health, InterruptLine, LogLine, Memory, Network, Page, Process, Role, Session,
    System,
};
use end_to_end::{Guest, wait};
use serde_json::{Value, json};

fn guest() -> &'static Guest {
    Guest::shared("api")
}

#[test]
fn health_is_open_to_everyone() {
    // proves: X3
    for path in ["/healthz", "/readyz"] {
        let answer = wait::until(path, || {
            let answer = guest().anonymous("GET", path).send();
            (answer.status == 200).then_some(answer)
        });
        let _: Health = answer.json();
    }
}

#[test]
fn the_system_describes_itself() {
    // proves: A1
    let system: System = guest().read("/api/v1/system");
    assert_eq!(system.name.as_str(), "MultiOS");
    assert_eq!((system.cpus.present, system.cpus.online), (4, 4));
    let memory = system.memory;
    assert!(memory.total_bytes > 200 << 20 && memory.total_bytes <= 256 << 20);
    assert!(memory.used_bytes > 0 && memory.used_bytes + memory.free_bytes <= memory.total_bytes);
    assert!(system.uptime_ns > 0);
    let later: System = guest().read("/api/v1/system");
    assert!(later.uptime_ns > system.uptime_ns);
    assert_eq!(later.boot_id, system.boot_id);
    let command_line = system.command_line.as_str();
    assert!(!command_line.contains(guest().token()), "{command_line}");
    assert!(!command_line.contains(guest().link_secret()), "{command_line}");
}

#[test]
fn every_cpu_runs_and_is_measured() {
    // proves: K1, K5
    let page: Page<Cpu> = guest().read("/api/v1/cpus");
    assert_eq!((page.items.len(), page.total), (4, 4));
    for (index, _) in page.items.iter().enumerate() {
        let _: Cpu = guest().read(&format!("/api/v1/cpus/{index}"));
    }
    let apic_ids: std::collections::BTreeSet<u64> = page_values("/api/v1/cpus")
        .iter()
        .map(|cpu| cpu["apic_id"].as_u64().expect("an APIC id"))
        .collect();
    assert_eq!(apic_ids.len(), 4, "each CPU has an APIC of its own");
    let times = |cpus: &[Value]| -> Vec<u64> {
        cpus.iter()
            .map(|cpu| {
                let times = cpu["times"].as_object().expect("times");
                times.values().filter_map(Value::as_u64).sum()
            })
            .collect()
    };
    let before = times(&page_values("/api/v1/cpus"));
    wait::until("the times of all CPUs to grow", || {
        let after = times(&page_values("/api/v1/cpus"));
        before.iter().zip(&after).all(|(before, after)| after > before).then_some(())
    });
    guest().get("/api/v1/cpus/4").assert_problem(404, "cpu_not_found");
    guest().get("/api/v1/cpus/x").assert_problem(404, "cpu_not_found");
}

fn page_values(path: &str) -> Vec<Value> {
    guest().read::<Page<Value>>(path).items
}

#[test]
fn memory_interrupts_and_network_are_measured() {
    // proves: K5
    let _: Memory = guest().read("/api/v1/memory");
    let interrupts: Page<InterruptLine> = guest().read("/api/v1/interrupts");
    use admin_api::types::InterruptKind::{Device, Ipi, Timer};
    for kind in [Timer, Device, Ipi] {
        let mut lines = interrupts.items.iter().filter(|line| line.kind == kind);
        assert!(lines.any(|line| line.total > 0), "no {kind:?} interrupt: {interrupts:?}");
    }
    for line in &interrupts.items {
        assert_eq!(line.per_cpu.len(), 4, "{line:?}");
        assert_eq!(line.per_cpu.iter().sum::<u64>(), line.total, "{line:?}");
    }
    let network: Network = guest().read("/api/v1/network");
    let names: Vec<_> = network.interfaces.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["eth0", "lo"], "{network:?}");
    let interface = &network.interfaces[0];
    assert!(interface.link_up && interface.received.packets > 0 && interface.sent.bytes > 0);
    let addresses = &interface.addresses;
    assert!(addresses.iter().any(|a| a.address.as_str() == "10.0.2.15"), "{addresses:?}");
    assert!(network.tcp.accepted > 0 && network.http.requests > 0, "{network:?}");
}

#[test]
fn kernel_threads_are_listed_as_system_processes() {
    let page: Page<Process> = guest().read("/api/v1/processes?class=system");
    assert!(!page.items.is_empty());
    let names: Vec<_> = page.items.iter().map(|process| process.name.to_string()).collect();
    assert!(names.iter().any(|name| name.contains("net")), "{names:?}");
    let pid = page.items[0].pid;
    let answer = guest().request("DELETE", &format!("/api/v1/processes/{pid}")).send();
    answer.assert_problem(403, "permission_denied");
}

#[test]
fn a_list_comes_in_pages_without_holes_or_repetitions() {
    let all: Page<Process> = guest().read("/api/v1/processes?limit=1000&class=system");
    let mut seen = Vec::new();
    let mut path = "/api/v1/processes?limit=1&class=system".to_owned();
    loop {
        let page: Page<Process> = guest().read(&path);
        assert!(page.items.len() <= 1);
        seen.extend(page.items.iter().map(|process| process.pid));
        let Some(cursor) = page.next_cursor else { break };
        path = format!("/api/v1/processes?limit=1&class=system&cursor={cursor}");
    }
    let expected: Vec<_> = all.items.iter().map(|process| process.pid).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_list_is_sorted_as_asked_for() {
    let page: Page<Process> = guest().read("/api/v1/processes?sort=-pid");
    assert!(page.items.is_sorted_by_key(|process| std::cmp::Reverse(process.pid)));
    let page: Page<Process> = guest().read("/api/v1/processes?sort=name");
    assert!(page.items.is_sorted_by_key(|process| process.name.to_string()));
    guest().get("/api/v1/processes?sort=colour").assert_problem(400, "invalid_parameter");
}

#[test]
fn metrics_are_open_metrics() {
    let answer = guest().get("/metrics");
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type").unwrap_or_default().to_owned();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let text = answer.text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let value = line.rsplit(' ').next().unwrap_or_default();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}

#[test]
fn the_document_lists_every_route() {
    let document: Value = guest().read("/api/v1/openapi.json");
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    let paths = document["paths"].as_object().expect("paths");
    for path in ["/healthz", "/api/v1/system", "/api/v1/processes/{pid}", "/api/v1/events"] {
        assert!(paths.contains_key(path), "{path}: {:?}", paths.keys());
    }
}

#[test]
fn events_are_streamed_and_can_be_resumed() {
    let created =
        guest().request("POST", "/api/v1/processes").json(&json!({"program": "/bin/true"})).send();
    assert_eq!(created.status, 201, "{}", created.text());
    let pid = created.json::<Process>().pid;
    let events = wait::until("the event of the new process", || {
        // curl gives up after the limit, as a stream has no end; what came until then counts.
        let answer = guest()
            .request("GET", "/api/v1/events?after=0")
            .header("Accept: text/event-stream")
            .limit(std::time::Duration::from_secs(2))
            .try_send()?;
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        let events = events_of(&answer.text());
        let is_ours = |event: &Event| event.pid == Some(pid);
        events.iter().any(is_ours).then_some(events)
    });
    assert!(events.windows(2).all(|two| two[1].sequence == two[0].sequence + 1), "{events:?}");
    let last = events.last().expect("an event").sequence;
    let resumed = guest()
        .request("GET", "/api/v1/events")
        .header(&format!("Last-Event-ID: {}", last - 1))
        .limit(std::time::Duration::from_secs(2))
        .send();
    assert_eq!(events_of(&resumed.text()).first().map(|event| event.sequence), Some(last));
}

fn events_of(stream: &str) -> Vec<Event> {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|json| serde_json::from_str(json).ok()).collect()
}

#[test]
fn the_log_is_read_and_filtered() {
    let page: Page<LogLine> = guest().read("/api/v1/logs?limit=1000");
    assert!(!page.items.is_empty());
    let source = page.items[0].source.clone();
    let filtered: Page<LogLine> = guest().read(&format!("/api/v1/logs?source={source}"));
    assert!(filtered.items.iter().all(|line| line.source == source) && !filtered.items.is_empty());
    let secrets = [guest().token(), guest().link_secret()];
    let leaks = |line: &&LogLine| secrets.iter().any(|secret| line.message.contains(secret));
    assert_eq!(page.items.iter().find(leaks), None, "a secret in the log");
}

#[test]
fn nothing_is_told_without_credentials() {
    // proves: X3
    let gets = [
        "/metrics",
        "/api/v1/openapi.json",
        "/api/v1/sessions",
        "/api/v1/system",
        "/api/v1/cpus",
        "/api/v1/cpus/0",
        "/api/v1/memory",
        "/api/v1/interrupts",
        "/api/v1/network",
        "/api/v1/processes",
        "/api/v1/processes/1",
        "/api/v1/processes/1/output",
        "/api/v1/events",
        "/api/v1/logs",
    ];
    for path in gets {
        let answer = guest().anonymous("GET", path).send();
        answer.assert_problem(401, "authentication_required");
        assert!(answer.header("www-authenticate").is_some());
    }
    let posts = [
        "/api/v1/system/shutdown",
        "/api/v1/system/reboot",
        "/api/v1/processes",
        "/api/v1/processes/1/suspend",
        "/api/v1/processes/1/resume",
        "/api/v1/processes/1/signals",
    ];
    for path in posts {
        guest().anonymous("POST", path).send().assert_problem(401, "authentication_required");
    }
}

#[test]
fn a_session_needs_its_csrf_token_for_changes() {
    // proves: A3
    let body = json!({"token": guest().token()});
    let answer = guest().anonymous("POST", "/api/v1/sessions").json(&body).send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let session: Session = answer.json();
    assert_eq!(session.role, Role::Administrator);
    let csrf = session.csrf_token.expect("a session has a CSRF token");
    let cookie = format!("Cookie: {}", cookie.split(';').next().unwrap_or_default());

    let read = guest().anonymous("GET", "/api/v1/system").header(&cookie).send();
    assert_eq!(read.status, 200);
    let program = json!({"program": "/bin/true"});
    let create = || guest().anonymous("POST", "/api/v1/processes").header(&cookie).json(&program);
    create().send().assert_problem(403, "csrf_token_invalid");
    create().header("X-CSRF-Token: wrong").send().assert_problem(403, "csrf_token_invalid");
    assert_eq!(create().header(&format!("X-CSRF-Token: {csrf}")).send().status, 201);

    let sign_out = guest().anonymous("DELETE", "/api/v1/sessions").header(&cookie);
    assert_eq!(sign_out.header(&format!("X-CSRF-Token: {csrf}")).send().status, 204);
    let after = guest().anonymous("GET", "/api/v1/system").header(&cookie).send();
    after.assert_problem(401, "invalid_credentials");
}

#[test]
fn the_secret_of_the_link_works_once() {
    let body = json!({"secret": guest().link_secret()});
    let sign_in = || guest().anonymous("POST", "/api/v1/sessions").json(&body).send();
    assert_eq!(sign_in().status, 201);
    sign_in().assert_problem(401, "invalid_credentials");
}

#[test]
fn malformed_requests_are_refused_with_their_reason() {
    let post = |path: &str| guest().request("POST", path);
    let create = "/api/v1/processes";
    guest().get("/api/v1/nothing").assert_problem(404, "not_found");
    guest().get("/api/v1/processes/4000000").assert_problem(404, "process_not_found");
    guest().get("/api/v1/processes/x").assert_problem(404, "invalid_pid");
    let wrong_method = guest().request("PUT", "/api/v1/system").send();
    wrong_method.assert_problem(405, "method_not_allowed");
    assert_eq!(wrong_method.header("allow"), Some("GET, HEAD"));
    post(create)
        .header("Content-Type: text/plain")
        .body(b"{}")
        .send()
        .assert_problem(415, "unsupported_media_type");
    let json_bytes =
        |body: &[u8]| post(create).header("Content-Type: application/json").body(body).send();
    json_bytes(b"{\"program\": ").assert_problem(400, "malformed_json");
    json_bytes(b"\xff\xfe").assert_problem(400, "malformed_json");
    json_bytes(&b"[".repeat(20_000)).assert_problem(400, "malformed_json");
    json_bytes(&vec![b' '; 1 << 20]).assert_problem(413, "content_too_large");
    for bad in [
        json!({}),
        json!({"program": 7}),
        json!({"program": "relative"}),
        json!({"program": "/bin/true", "unknown": 1}),
        json!({"program": "/bin/true", "nice": 99}),
        json!({"program": "/bin/true", "affinity": [77]}),
        json!({"program": "/bin/true", "priority": "highest"}),
        json!({"program": "/bin/t\u{0}rue"}),
        json!([1, 2]),
        json!("x"),
    ] {
        let answer = post(create).json(&bad).send();
        answer.assert_problem(422, "invalid_field");
    }
    let directory = post(create).json(&json!({"program": "/bin"})).send();
    directory.assert_problem(422, "invalid_program");
    assert!(directory.text().contains("is a directory"), "{}", directory.text());
    for limit in ["memory_bytes", "stack_bytes", "open_files", "processes"] {
        let mut lifted = json!({"limits": {}});
        lifted["limits"][limit] = Value::Null;
        let answer = guest().request("PATCH", "/api/v1/processes/1").json(&lifted).send();
        answer.assert_problem(422, "invalid_field");
    }
    guest().get("/api/v1/processes?limit=0").assert_problem(400, "invalid_parameter");
    guest().get("/api/v1/processes?colour=red").assert_problem(400, "invalid_parameter");
    guest().get("/api/v1/processes?limit=1&limit=2").assert_problem(400, "invalid_parameter");
    let wrong = guest().anonymous("GET", "/api/v1/system").header("Authorization: Bearer wrong");
    wrong.send().assert_problem(401, "invalid_credentials");
    guest().assert_healthy();
}

#[test]
fn the_console_is_served_compressed_with_an_etag() {
    // proves: A2
    let page = guest().anonymous("GET", "/").option(&["--compressed"]).send();
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    assert_eq!(page.header("content-encoding"), Some("gzip"));
    let etag = page.header("etag").expect("an ETag").to_owned();
    assert!(page.text().contains("<html"), "{}", page.text());
    let again = guest().anonymous("GET", "/").header(&format!("If-None-Match: {etag}")).send();
    assert_eq!((again.status, again.body.len()), (304, 0));
    let head = guest().anonymous("HEAD", "/").send();
    assert_eq!(head.status, 200);
    for reference in page.text().split('"').filter(|text| text.ends_with(".js")) {
        let path =
            if reference.starts_with('/') { reference.to_owned() } else { format!("/{reference}") };
        assert_eq!(guest().anonymous("GET", &path).send().status, 200, "{path}");
    }
}

#[test]
fn a_key_makes_a_repeated_creation_harmless() {
    let body = json!({"program": "/bin/sleep", "args": ["1000"]});
    let create = |key: &str| {
        let request = guest().request("POST", "/api/v1/processes").json(&body);
        request.header(&format!("Idempotency-Key: {key}")).send()
    };
    let (first, second) = (create("key-1"), create("key-1"));
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.json::<Process>().pid, second.json::<Process>().pid);
    let third = create("key-2");
    assert_ne!(first.json::<Process>().pid, third.json::<Process>().pid);
}

#[test]
fn a_program_is_uploaded_and_started() {
    let upload = |path: &str, bytes: &[u8]| {
        guest().request("PUT", &format!("/api/v1/files/{path}")).body(bytes).send()
    };
    let fetch = |path: &str| guest().request("GET", &format!("/api/v1/files/{path}")).send();
    let busybox = fetch("bin/busybox");
    assert_eq!(busybox.status, 200);
    assert_eq!(upload("srv/", b"").status, 201);
    assert_eq!(upload("srv/copied?permissions=755", &busybox.body).status, 201);
    assert_eq!(fetch("srv/copied").body, busybox.body);
    let body = json!({"program": "/srv/copied", "args": ["true"]});
    let started = guest().request("POST", "/api/v1/processes").json(&body).send();
    // It is busybox by another name: it starts, and does not know itself by that.
    assert_eq!(started.status, 201, "{started:?}");
    assert_eq!(upload("srv/copied", b"data").status, 204);
    assert_eq!(fetch("srv/copied").body, b"data");
    assert_eq!(upload("no/such", b"data").status, 404);
    assert_eq!(guest().request("DELETE", "/api/v1/files/srv").send().status, 409);
    for path in ["srv/copied", "srv"] {
        let removed = guest().request("DELETE", &format!("/api/v1/files/{path}")).send();
        assert_eq!(removed.status, 204);
    }
    assert_eq!(fetch("srv").status, 404);
}

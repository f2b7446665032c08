//! Every route does what it is for.

use admin_api::backend::Backend;
use admin_api::types::{
    Cpu, InterruptLine, LogLine, Memory, Network, Numa, Page, Process, ProcessOutput, System,
};

use crate::harness::{
    ADMINISTRATOR, OPERATOR, SECRET, VIEWER, anonymous, app, create, get, post, request,
};

// proves: A1
#[test]
fn probes_are_open_and_readiness_follows_the_system() {
    let app = app();
    for path in ["/healthz", "/readyz"] {
        let response = anonymous("GET", path).send(&app);
        assert_eq!((response.status, response.text().as_str()), (200, "{\"status\":\"ok\"}"));
    }
    app.backend().set_ready(Err("The network has no address yet."));
    assert_eq!(anonymous("GET", "/healthz").send(&app).status, 200);
    let response = anonymous("GET", "/readyz").send(&app);
    let problem = response.expect_problem(503, "not_ready");
    assert_eq!(problem["detail"], "The network has no address yet.");
    assert_eq!(response.header("retry-after"), Some("1"));
}

// proves: A1, K5
#[test]
fn figures_of_the_system_are_read() {
    let app = app();
    app.backend().advance_ms(5000);
    let system: System = serde_json::from_slice(&get("/api/v1/system").send(&app).body).unwrap();
    assert_eq!(system.cpus.online, 4);
    let cpus: Page<Cpu> = serde_json::from_slice(&get("/api/v1/cpus").send(&app).body).unwrap();
    assert_eq!((cpus.items.len(), cpus.total, cpus.next_cursor), (4, 4, None));
    let first: Page<Cpu> =
        serde_json::from_slice(&get("/api/v1/cpus?limit=3").send(&app).body).unwrap();
    let next = format!("/api/v1/cpus?limit=3&cursor={}", first.next_cursor.unwrap());
    let rest: Page<Cpu> = serde_json::from_slice(&get(&next).send(&app).body).unwrap();
    assert_eq!((rest.items[0].id, rest.items.len(), rest.next_cursor), (3, 1, None));
    let cpu: Cpu = serde_json::from_slice(&get("/api/v1/cpus/2").send(&app).body).unwrap();
    assert_eq!(cpu.id, 2);
    let memory: Memory = serde_json::from_slice(&get("/api/v1/memory").send(&app).body).unwrap();
    assert_eq!(memory.used_bytes + memory.free_bytes, memory.total_bytes);
    assert_eq!(memory.next_victim, None, "no program runs");
    let numa: Numa = serde_json::from_slice(&get("/api/v1/numa").send(&app).body).unwrap();
    assert_eq!(numa.nodes[0].cpus, [0, 1, 2, 3]);
    assert_eq!(numa.nodes[0].memory.free_bytes, memory.free_bytes);
    let lines: Page<InterruptLine> =
        serde_json::from_slice(&get("/api/v1/interrupts?limit=5").send(&app).body).unwrap();
    assert_eq!((lines.items.len(), lines.total), (5, 7));
    let next = format!("/api/v1/interrupts?cursor={}", lines.next_cursor.unwrap());
    let rest: Page<InterruptLine> = serde_json::from_slice(&get(&next).send(&app).body).unwrap();
    assert_eq!((rest.items.len(), rest.next_cursor), (2, None));
    let network: Network = serde_json::from_slice(&get("/api/v1/network").send(&app).body).unwrap();
    assert_eq!(network.interfaces[0].name, "eth0");
    assert_eq!(get("/api/v1/openapi.json").send(&app).json()["openapi"], "3.1.0");
}

// proves: A1, P7
#[test]
fn a_process_is_created_read_changed_and_terminated() {
    let app = app();
    let body = r#"{"program":"/bin/sleep","args":["600"],"name":"nap","priority":"low",
        "class":"background","nice":5,"affinity":[3,1,1],"env":{"A":"b"},"cwd":"/tmp"}"#;
    let created = post("/api/v1/processes").json(body).send(&app);
    assert_eq!(created.status, 201, "{}", created.text());
    let location = created.header("location").unwrap().to_owned();
    let process: Process = serde_json::from_slice(&created.body).unwrap();
    assert_eq!(location, format!("/api/v1/processes/{}", process.pid));
    assert_eq!((&*process.name, process.nice, process.affinity), ("nap", 5, vec![1, 3]));

    let read = get(&location).send(&app);
    let etag = read.header("etag").unwrap().to_owned();
    assert_eq!(created.header("etag"), Some(etag.as_str()));
    let patched = request("PATCH", &location, OPERATOR)
        .header("If-Match", &etag)
        .json(r#"{"priority":"high"}"#)
        .send(&app);
    assert_eq!((patched.status, patched.json()["priority"].as_str()), (200, Some("high")));
    assert_ne!(patched.header("etag"), Some(etag.as_str()));
    let stale = request("PATCH", &location, OPERATOR)
        .header("If-Match", &etag)
        .json(r#"{"priority":"idle"}"#)
        .send(&app);
    stale.expect_problem(412, "stale");
    assert_eq!(get(&location).send(&app).json()["priority"], "high");

    let suspended = request("POST", &format!("{location}/suspend"), OPERATOR).send(&app);
    assert_eq!((suspended.status, &suspended.json()["state"]), (200, &"suspended".into()));
    let again = request("POST", &format!("{location}/suspend"), OPERATOR).send(&app);
    let problem = again.expect_problem(409, "invalid_state");
    let both = "A process that is suspended can't be suspended, which would make it suspended.";
    assert_eq!(problem["detail"], both);
    let resumed = request("POST", &format!("{location}/resume"), OPERATOR).send(&app);
    assert_eq!(resumed.status, 200);
    let again = request("POST", &format!("{location}/resume"), OPERATOR).send(&app);
    again.expect_problem(409, "invalid_state");

    let ended = request("DELETE", &format!("{location}?wait=true"), OPERATOR).send(&app);
    assert_eq!((ended.status, &ended.json()["state"]), (200, &"defunct".into()));
    assert_eq!(ended.json()["exit"], serde_json::json!({ "signal": "SIGTERM", "core": false }));
    let twice = request("DELETE", &location, OPERATOR).send(&app);
    let problem = twice.expect_problem(409, "invalid_state");
    let both = "A process that is defunct can't be terminated, which would make it terminated.";
    assert_eq!(problem["detail"], both);
}

// proves: P7
#[test]
fn a_stubborn_process_is_killed_after_its_grace() {
    let app = app();
    let path = format!("/api/v1/processes/{}", create(&app, "/bin/stubborn", &[]));
    let begun = request("DELETE", &format!("{path}?grace_ms=1000"), OPERATOR).send(&app);
    assert_eq!((begun.status, begun.json()["exit"].is_null()), (202, true));
    app.backend().advance_ms(999);
    assert!(get(&path).send(&app).json()["exit"].is_null());
    app.backend().advance_ms(200);
    assert_eq!(get(&path).send(&app).json()["exit"]["signal"], "SIGKILL");

    let path = format!("/api/v1/processes/{}", create(&app, "/bin/stubborn", &[]));
    let begun = request("DELETE", &format!("{path}?mode=force"), OPERATOR).send(&app);
    assert_eq!(begun.json()["exit"]["signal"], "SIGKILL");
}

// proves: P6, A1
#[test]
fn signals_are_sent_by_name() {
    let app = app();
    let path = format!("/api/v1/processes/{}", create(&app, "/bin/cat", &[]));
    let signals = format!("{path}/signals");
    let sent = request("POST", &signals, OPERATOR).json(r#"{"signal":"SIGWINCH"}"#).send(&app);
    assert_eq!((sent.status, &sent.json()["usage"]["signals"]["ignored"]), (200, &1.into()));
    let sent = request("POST", &signals, OPERATOR).json(r#"{"signal":"SIGSEGV"}"#).send(&app);
    let exit = serde_json::json!({ "signal": "SIGSEGV", "core": false });
    assert_eq!(sent.json()["exit"], exit);
}

// proves: A1
#[test]
fn output_is_read_in_parts() {
    let app = app();
    let pid = create(&app, "/bin/echo", &["größer", "als"]);
    app.backend().advance_ms(10);
    let path = format!("/api/v1/processes/{pid}/output");
    let whole: ProcessOutput = serde_json::from_slice(&get(&path).send(&app).body).unwrap();
    assert_eq!((whole.text.as_str(), whole.ended), ("größer als\n", true));
    // Four bytes end within the ß, which is left for the next part.
    let mut text = String::new();
    let mut offset = 0;
    loop {
        let part = get(&format!("{path}?offset={offset}&max_bytes=4")).send(&app);
        let part: ProcessOutput = serde_json::from_slice(&part.body).unwrap();
        text += &part.text;
        assert!(part.next_offset > offset || part.ended);
        offset = part.next_offset;
        if part.ended {
            break;
        }
    }
    assert_eq!((text.as_str(), offset), ("größer als\n", whole.next_offset));
}

// proves: A1
#[test]
fn the_same_request_with_a_key_creates_once() {
    let app = app();
    let send = |key: &str, body: &str| {
        post("/api/v1/processes").header("Idempotency-Key", key).json(body).send(&app)
    };
    let body = r#"{"program":"/bin/sleep","args":["9"]}"#;
    let (one, two, other) = (send("k1", body), send("k1", body), send("k2", body));
    assert_eq!((one.status, two.status, other.status), (201, 201, 201));
    assert_eq!(one.header("location"), two.header("location"));
    assert_ne!(one.header("location"), other.header("location"));
    send("k1", r#"{"program":"/bin/cat"}"#).expect_problem(422, "idempotency_key_reused");
    // Another user's key of the same name is another key.
    let foreign = request("POST", "/api/v1/processes", OPERATOR)
        .header("Idempotency-Key", "k1")
        .json(body)
        .send(&app);
    assert_ne!(foreign.header("location"), one.header("location"));
    // A request that failed may be repeated.
    send("k3", r#"{"program":"/bin/nothing"}"#).expect_problem(422, "program_not_found");
    assert_eq!(send("k3", body).status, 201);
}

// proves: A1, A3
#[test]
fn a_console_signs_in_works_and_signs_out() {
    let app = app();
    let signed_in = anonymous("POST", "/api/v1/sessions")
        .json(&format!(r#"{{"secret":"{SECRET}"}}"#))
        .send(&app);
    assert_eq!(signed_in.status, 201, "{}", signed_in.text());
    let set_cookie = signed_in.header("set-cookie").unwrap();
    assert!(set_cookie.contains("HttpOnly") && set_cookie.contains("SameSite=Strict"));
    let cookie = set_cookie.split(';').next().unwrap().to_owned();
    let csrf = signed_in.json()["csrf_token"].as_str().unwrap().to_owned();
    let with = |method: &str, path: &str| anonymous(method, path).header("Cookie", &cookie);

    assert_eq!(with("GET", "/api/v1/system").send(&app).status, 200);
    assert_eq!(with("GET", "/api/v1/sessions").send(&app).json()["csrf_token"], csrf.as_str());
    let create = with("POST", "/api/v1/processes").json(r#"{"program":"/bin/cat"}"#);
    create.send(&app).expect_problem(403, "csrf_token_invalid");
    let wrong = create.clone().header("X-CSRF-Token", &csrf.replace('a', "b"));
    wrong.send(&app).expect_problem(403, "csrf_token_invalid");
    assert_eq!(create.header("X-CSRF-Token", &csrf).send(&app).status, 201);

    let out = with("DELETE", "/api/v1/sessions").header("X-CSRF-Token", &csrf).send(&app);
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    with("GET", "/api/v1/system").send(&app).expect_problem(401, "invalid_credentials");
    let log = app.backend().audit_log().join("\n");
    assert!(log.contains("alice 192.0.2.1:40000 POST /api/v1/sessions 201"), "{log}");
    assert!(log.contains("alice 192.0.2.1:40000 DELETE /api/v1/sessions 204"), "{log}");
}

// proves: A1
#[test]
fn the_log_is_paged_both_ways() {
    let app = app();
    let all: Page<LogLine> =
        serde_json::from_slice(&get("/api/v1/logs?limit=1000").send(&app).body).unwrap();
    assert_eq!(all.total, all.items.len() as u64);
    for (sort, mut expected) in [
        ("sequence", all.items.iter().map(|line| line.sequence).collect::<Vec<_>>()),
        ("-sequence", all.items.iter().rev().map(|line| line.sequence).collect()),
    ] {
        let mut cursor = String::new();
        let mut seen = Vec::new();
        loop {
            let path = format!("/api/v1/logs?limit=2&sort={sort}{cursor}");
            let page: Page<LogLine> = serde_json::from_slice(&get(&path).send(&app).body).unwrap();
            seen.extend(page.items.iter().map(|line| line.sequence));
            let Some(next) = page.next_cursor else { break };
            cursor = format!("&cursor={next}");
        }
        expected.truncate(seen.len());
        assert_eq!(seen, expected);
    }
    let filtered = get("/api/v1/logs?source=net,smp&level=info").send(&app).json();
    assert_eq!(filtered["total"], 2);
}

// proves: A1
#[test]
fn metrics_are_openmetrics() {
    let app = app();
    app.backend().advance_ms(1500);
    let response = get("/metrics").send(&app);
    assert!(response.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    let text = response.text();
    assert!(text.ends_with("\n# EOF\n"));
    assert!(text.contains("multios_uptime_seconds 1.5"), "{text}");
    assert!(text.contains("\nmultios_name_queries_total 12\n"), "{text}");
    let mut family = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split(' ').next().unwrap();
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(name.starts_with(family), "{line} in {family}");
            let value = line.rsplit(' ').next().unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
}

// proves: A1
#[test]
fn power_is_switched_once() {
    let app = app();
    let begun = post("/api/v1/system/reboot").send(&app);
    assert_eq!((begun.status, &begun.json()["action"]), (202, &"reboot".into()));
    post("/api/v1/system/shutdown").send(&app).expect_problem(409, "conflict");
}

// proves: A2
#[test]
fn the_console_is_served_with_its_headers() {
    let app = app();
    let page = anonymous("GET", "/").send(&app);
    assert_eq!((page.status, page.text().as_str()), (200, "<!doctype html>"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("'wasm-unsafe-eval'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    let script = anonymous("GET", "/app-0123.js").header("Accept-Encoding", "gzip").send(&app);
    assert_eq!(script.header("content-encoding"), Some("gzip"));
    assert!(script.header("cache-control").unwrap().contains("immutable"));
    let known = anonymous("GET", "/").header("If-None-Match", "\"x\", W/\"page\"").send(&app);
    assert_eq!((known.status, known.body.len()), (304, 0));
    // A path of the page's own router is the page, for a browser.
    let deep = anonymous("GET", "/processes/42").header("Accept", "text/html,*/*").send(&app);
    assert_eq!((deep.status, deep.text().as_str()), (200, "<!doctype html>"));
    anonymous("GET", "/processes/42").send(&app).expect_problem(404, "not_found");
    let api = anonymous("GET", "/api/v2/x").header("Accept", "text/html").send(&app);
    api.expect_problem(404, "not_found");
    anonymous("POST", "/").send(&app).expect_problem(405, "method_not_allowed");
}

#[test]
fn head_is_get_without_the_body() {
    let app = app();
    let paths = ["/healthz", "/", "/api/v1/system", "/api/v1/processes", "/api/v1/events"];
    for path in paths {
        let response = request("HEAD", path, VIEWER).send(&app);
        assert_eq!((response.status, response.body.len()), (200, 0), "{path}");
    }
    assert_eq!(request("HEAD", "/healthz", VIEWER).send(&app).header("content-length"), Some("15"));
}

#[test]
fn a_connection_serves_many_requests_and_bodies() {
    use crate::harness::{Wire, responses, run};
    let app = app();
    let wire = Wire::default();
    wire.is_closed.set(true);
    for _ in 0..20 {
        let create = post("/api/v1/processes").json(r#"{"program":"/bin/true"}"#).bytes();
        // A body that is refused unread must not be taken for the next request.
        let refused = post("/api/v1/system/reboot").json("{}").bytes();
        let too_long = post("/api/v1/sessions").json(&" ".repeat(5000)).bytes();
        for bytes in [create, refused, too_long] {
            wire.input.borrow_mut().extend(bytes);
        }
    }
    run(&app, &wire, |_| true);
    let statuses: Vec<u16> =
        responses(&wire.output.borrow()).iter().map(|response| response.status).collect();
    assert_eq!(statuses, [201, 400, 413].repeat(20));
    assert_eq!(app.backend().process_count(), 25);
    assert_eq!(request("GET", "/api/v1/system", ADMINISTRATOR).send(&app).status, 200);
}

// proves: A1
#[test]
fn an_old_client_gets_a_long_list_in_one_piece() {
    use crate::harness::{Wire, responses, run};
    let app = app();
    for _ in 0..195 {
        create(&app, "/bin/cat", &[]);
    }
    let wire = Wire::default();
    wire.is_closed.set(true);
    let new = String::from_utf8(get("/api/v1/processes?limit=200").bytes()).unwrap();
    wire.input.borrow_mut().extend(new.replace("HTTP/1.1", "HTTP/1.0").into_bytes());
    run(&app, &wire, |_| true);
    let response = &responses(&wire.output.borrow())[0];
    assert_eq!(response.header("transfer-encoding"), None);
    assert_eq!(response.json()["items"].as_array().unwrap().len(), 200);
}

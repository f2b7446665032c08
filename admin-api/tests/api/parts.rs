//! What a process consists of, the tree, and emergencies.

use std::collections::BTreeSet;

use admin_api::types::{
    EmergencyResult, MemoryArea, OpenFile, Page, Process, ProcessSignals, Signal, SignalEffect,
    Thread,
};

use crate::harness::{OPERATOR, VIEWER, app, create, get, post, request};

fn page<T: serde::de::DeserializeOwned>(app: &crate::harness::TestApp, path: &str) -> Page<T> {
    let response = get(path).send(app);
    assert_eq!(response.status, 200, "{path}: {}", response.text());
    serde_json::from_slice(&response.body).unwrap()
}

// proves: P1
#[test]
fn threads_are_listed_in_pages() {
    let app = app();
    let pid = create(&app, "/bin/workers", &[]);
    let path = format!("/api/v1/processes/{pid}/threads");
    let first: Page<Thread> = page(&app, &format!("{path}?limit=3"));
    assert_eq!((first.items.len(), first.total, first.items[0].tid), (3, 4, pid));
    let next = format!("{path}?limit=3&cursor={}", first.next_cursor.unwrap());
    let rest: Page<Thread> = page(&app, &next);
    assert_eq!((rest.items.len(), rest.next_cursor), (1, None));
    let tids: BTreeSet<u32> = first.items.iter().chain(&rest.items).map(|one| one.tid).collect();
    assert_eq!(tids.len(), 4);

    request("DELETE", &format!("/api/v1/processes/{pid}?mode=force"), OPERATOR).send(&app);
    assert_eq!(page::<Thread>(&app, &path).total, 0);
    get("/api/v1/processes/4711/threads").send(&app).expect_problem(404, "process_not_found");
}

// proves: K6, A1
#[test]
fn memory_is_listed_in_pages_by_address() {
    let app = app();
    let pid = create(&app, "/bin/cat", &[]);
    let path = format!("/api/v1/processes/{pid}/memory-map");
    let whole: Page<MemoryArea> = page(&app, &path);
    assert_eq!(whole.total, whole.items.len() as u64);
    assert!(whole.items.is_sorted_by(|one, next| one.end <= next.start));
    let (mut paged, mut next) = (Vec::new(), Some(format!("{path}?limit=3")));
    while let Some(path_now) = next {
        let part: Page<MemoryArea> = page(&app, &path_now);
        paged.extend(part.items);
        next = part.next_cursor.map(|cursor| format!("{path}?limit=3&cursor={cursor}"));
    }
    assert_eq!(paged, whole.items);
    assert_eq!(page::<MemoryArea>(&app, "/api/v1/processes/1/memory-map").total, 0);
}

// proves: P1
#[test]
fn open_files_are_listed_in_pages_by_number() {
    let app = app();
    let pid = create(&app, "/bin/sleep", &["1000"]);
    let path = format!("/api/v1/processes/{pid}/files");
    let whole: Page<OpenFile> = page(&app, &path);
    assert_eq!(whole.total, u64::from(get_open_files(&app, pid)));
    let first: Page<OpenFile> = page(&app, &format!("{path}?limit=1"));
    let next = format!("{path}?limit=1000&cursor={}", first.next_cursor.unwrap());
    let rest: Page<OpenFile> = page(&app, &next);
    let paged: Vec<_> = first.items.into_iter().chain(rest.items).collect();
    assert_eq!(paged, whole.items);
    assert!(paged.iter().is_sorted_by_key(|file| file.fd));
    get("/api/v1/processes/4711/files").send(&app).expect_problem(404, "process_not_found");
}

fn get_open_files(app: &crate::harness::TestApp, pid: u32) -> u32 {
    let response = get(&format!("/api/v1/processes/{pid}")).send(app);
    let process: Process = serde_json::from_slice(&response.body).unwrap();
    process.usage.open_files
}

// proves: P1
#[test]
fn children_are_those_of_this_parent_alone() {
    let app = app();
    let pid = create(&app, "/bin/family", &[]);
    let children: Page<Process> = page(&app, &format!("/api/v1/processes/{pid}/children"));
    assert_eq!(children.total, 2);
    assert!(children.items.iter().all(|child| child.parent_pid == pid));
    let filtered: Page<Process> = page(&app, &format!("/api/v1/processes?parent_pid={pid}"));
    assert_eq!(filtered, children);
    get("/api/v1/processes/4711/children").send(&app).expect_problem(404, "process_not_found");
    get("/api/v1/processes?parent_pid=x").send(&app).expect_problem(400, "invalid_parameter");
}

// proves: P9, A1
#[test]
fn the_tree_is_read_in_pages_and_can_be_folded() {
    let app = app();
    let pid = create(&app, "/bin/family", &[]);
    for _ in 0..20 {
        create(&app, "/bin/sleep", &["1000"]);
    }
    let whole: Page<Process> = page(&app, "/api/v1/processes?tree=true");
    let mut known = BTreeSet::new();
    for process in &whole.items {
        assert!(process.parent_pid == 0 || known.contains(&process.parent_pid), "{}", process.pid);
        assert!(known.insert(process.pid), "{} is listed twice", process.pid);
    }
    let (mut paged, mut path) = (Vec::new(), "/api/v1/processes?tree=true&limit=7".to_owned());
    loop {
        let part: Page<Process> = page(&app, &path);
        paged.extend(part.items);
        let Some(cursor) = part.next_cursor else { break };
        path = format!("/api/v1/processes?tree=true&limit=7&cursor={cursor}");
    }
    assert_eq!(paged, whole.items);

    let folded: Page<Process> = page(&app, &format!("/api/v1/processes?tree=true&collapsed={pid}"));
    assert_eq!(folded.total, whole.total - 3);
    for bad in ["tree=true&sort=pid", "collapsed=1", "tree=1", "tree=true&collapsed=a"] {
        let response = get(&format!("/api/v1/processes?{bad}")).send(&app);
        response.expect_problem(400, "invalid_parameter");
    }
}

// proves: P1
#[test]
fn the_environment_is_shown_to_operators_alone_and_never_in_lists() {
    let app = app();
    let body = r#"{"program":"/bin/sleep","args":["9"],"env":{"SECRET":"hush"}}"#;
    let created = post("/api/v1/processes").json(body).send(&app).json();
    let path = format!("/api/v1/processes/{}", created["pid"]);
    let shown = request("GET", &path, OPERATOR).send(&app);
    assert_eq!(shown.json()["environment"], serde_json::json!(["SECRET=hush"]));
    for path in [path.as_str(), "/api/v1/processes"] {
        let hidden = request("GET", path, VIEWER).send(&app);
        assert!(!hidden.text().contains("hush"), "{}", hidden.text());
    }
}

// proves: P5, P7
#[test]
fn limits_are_set_at_creation_and_changed_later() {
    let app = app();
    let body = r#"{"program":"/bin/cat","limits":{"memory_bytes":1048576,"open_files":16}}"#;
    let created = post("/api/v1/processes").json(body).send(&app);
    let path = format!("/api/v1/processes/{}", created.json()["pid"]);
    assert_eq!(created.json()["limits"]["memory_bytes"], 1_048_576);
    let memory = request("GET", "/api/v1/memory", OPERATOR).send(&app).json();
    assert_eq!(memory["next_victim"]["pid"], created.json()["pid"]);
    let change = |body: &str| request("PATCH", &path, OPERATOR).json(body).send(&app);
    let changed = change(r#"{"limits":{"processes":7}}"#);
    assert_eq!(changed.status, 200, "{}", changed.text());
    let limits = &changed.json()["limits"];
    assert_eq!((&limits["processes"], &limits["open_files"]), (&7.into(), &16.into()));
    assert_ne!(changed.header("etag"), created.header("etag"));
    assert_eq!(limits["cpu_percent"], serde_json::Value::Null);
    let rates = r#"{"limits":{"cpu_percent":150,"cpu_time_ns":5,"read_bytes_per_second":6,
        "write_bytes_per_second":7,"processes_per_second":8}}"#;
    let limited = change(rates);
    assert_eq!(limited.status, 200, "{}", limited.text());
    assert_ne!(limited.header("etag"), changed.header("etag"));
    let value = |field: &str| limited.json()["limits"][field].clone();
    for (field, expected) in [
        ("cpu_percent", 150),
        ("cpu_time_ns", 5),
        ("read_bytes_per_second", 6),
        ("write_bytes_per_second", 7),
        ("processes_per_second", 8),
        ("processes", 7),
    ] {
        assert_eq!(value(field), expected, "{field}");
    }
    let lifted = change(r#"{"limits":{"cpu_percent":null}}"#).json();
    assert_eq!(lifted["limits"]["cpu_percent"], serde_json::Value::Null);
    assert_eq!(lifted["limits"]["cpu_time_ns"], 5);
    assert_eq!(lifted["limits_met"]["cpu_percent"], 0);
    for (field, value) in [
        ("memory_bytes", "65535"),
        ("memory_bytes", "-1"),
        ("stack_bytes", "16385"),
        ("open_files", "0"),
        ("processes", "4194305"),
        ("cpu_percent", "0"),
        ("cpu_percent", "409601"),
        ("cpu_time_ns", "\"1 s\""),
        ("read_bytes_per_second", "-1"),
        ("processes_per_second", "4294967296"),
        ("memory_bytes", "\"much\""),
        ("colour", "1"),
    ] {
        let refused = change(&format!(r#"{{"limits":{{"{field}":{value}}}}}"#));
        let problem = refused.expect_problem(422, "invalid_field");
        assert_eq!(problem["errors"][0]["field"], format!("limits.{field}"), "{problem}");
    }
    change(r#"{"limits":[]}"#).expect_problem(422, "invalid_field");
}

fn emergency(app: &crate::harness::TestApp, body: &str) -> EmergencyResult {
    let response = post("/api/v1/emergency/terminate").json(body).send(app);
    assert_eq!(response.status, 200, "{}", response.text());
    serde_json::from_slice(&response.body).unwrap()
}

// proves: P10
#[test]
fn an_emergency_ends_all_programs_and_spares_the_system() {
    let app = app();
    let before: Page<Process> = page(&app, "/api/v1/processes?class=system");
    for program in ["/bin/stubborn", "/bin/yes", "/bin/cat"] {
        for _ in 0..60 {
            create(&app, program, &[]);
        }
    }
    let stopped = create(&app, "/bin/stubborn", &[]);
    request("POST", &format!("/api/v1/processes/{stopped}/suspend"), OPERATOR).send(&app);
    let result = emergency(&app, r#"{"scope":"all"}"#);
    assert_eq!((result.ended, result.remaining, result.remaining_pids), (181, 0, vec![]));
    let after: Page<Process> = page(&app, "/api/v1/processes");
    let pids = |page: &Page<Process>| page.items.iter().map(|one| one.pid).collect::<Vec<_>>();
    assert_eq!(pids(&after), pids(&before));
    let log = app.backend().audit_log().join("\n");
    assert!(log.contains("POST /api/v1/emergency/terminate 200"), "{log}");
    // New programs are let in again.
    create(&app, "/bin/cat", &[]);
}

// proves: P10
#[test]
fn an_emergency_may_concern_one_process() {
    let app = app();
    let pid = create(&app, "/bin/stubborn", &[]);
    let other = create(&app, "/bin/stubborn", &[]);
    let result = emergency(&app, &format!(r#"{{"scope":"process","pid":{pid}}}"#));
    assert_eq!((result.ended, result.remaining), (1, 0));
    assert_eq!(get(&format!("/api/v1/processes/{pid}")).send(&app).json()["state"], "defunct");
    assert!(get(&format!("/api/v1/processes/{other}")).send(&app).json()["exit"].is_null());
    for (body, status, code) in [
        (r#"{"scope":"process","pid":1}"#, 403, "permission_denied"),
        (r#"{"scope":"process","pid":4711}"#, 404, "process_not_found"),
        (r#"{"scope":"process"}"#, 422, "invalid_field"),
        (r#"{"scope":"all","pid":6}"#, 422, "invalid_field"),
        (r#"{"scope":"service","name":"web"}"#, 422, "invalid_field"),
        (r#"{"scope":"everything"}"#, 422, "invalid_field"),
        (r#"{"pid":6}"#, 422, "invalid_field"),
        (r#"[]"#, 422, "invalid_field"),
    ] {
        let response = post("/api/v1/emergency/terminate").json(body).send(&app);
        response.expect_problem(status, code);
    }
    let gone = format!(r#"{{"scope":"process","pid":{pid}}}"#);
    let response = post("/api/v1/emergency/terminate").json(&gone).send(&app);
    response.expect_problem(409, "invalid_state");
    let viewer = request("POST", "/api/v1/emergency/terminate", VIEWER).json(r#"{"scope":"all"}"#);
    viewer.send(&app).expect_problem(403, "permission_denied");
}

// proves: P4, P6
#[test]
fn signals_are_counted_and_the_last_ones_remembered() {
    let app = app();
    let pid = create(&app, "/bin/sleep", &["1000"]);
    let path = format!("/api/v1/processes/{pid}/signals");
    for _ in 0..20 {
        let sent = request("POST", &path, OPERATOR).json(r#"{"signal": "SIGWINCH"}"#).send(&app);
        assert!(sent.status < 300, "{}", sent.text());
    }
    let response = get(&path).send(&app);
    let shown: ProcessSignals = serde_json::from_slice(&response.body).unwrap();
    assert_eq!((shown.pid, shown.counts.received, shown.counts.ignored), (pid, 20, 20));
    assert_eq!(shown.recent.len(), 16);
    let effects = shown.recent.iter().map(|one| (one.signal, one.effect));
    assert!(effects.eq([(Signal::from_number(28).unwrap(), SignalEffect::Ignored); 16]));
    assert_eq!(shown.threads.len(), 1);
    get("/api/v1/processes/4711/signals").send(&app).expect_problem(404, "process_not_found");
}

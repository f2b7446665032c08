//! Every kind of error is a problem with its status, its code and the fields that are wrong.

use crate::harness::{
    ADMINISTRATOR, OPERATOR, Request, Response, anonymous, app, create, get, post, request,
};

/// The fields that an answer complains about.
fn fields(response: &Response) -> Vec<String> {
    let problem = response.json();
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn expect_fields(request: &Request, status: u16, expected: &[&str]) {
    let response = request.send(&app());
    assert_eq!(response.status, status, "{}", response.text());
    assert_eq!(response.header("content-type"), Some("application/problem+json"));
    let mut found = fields(&response);
    found.sort();
    assert_eq!(found, expected, "{}", response.text());
}

// proves: P11
#[test]
fn what_does_not_exist_is_404() {
    let app = app();
    get("/api/v1/processes/4711").send(&app).expect_problem(404, "process_not_found");
    for pid in ["x", "-1", "+1", "99999999999", "1.5", "%31"] {
        let path = format!("/api/v1/processes/{pid}");
        get(&path).send(&app).expect_problem(404, "invalid_pid");
    }
    for id in ["4", "x", "+1", "4294967296"] {
        get(&format!("/api/v1/cpus/{id}")).send(&app).expect_problem(404, "cpu_not_found");
    }
    for path in ["/api/v1", "/api/v1/", "/api/v1/system/", "/api/v1/processes/1/2", "/x", "/api"] {
        let problem = get(path).send(&app).expect_problem(404, "not_found");
        assert_eq!(problem["instance"], path);
    }
    for method in ["suspend", "resume"] {
        let path = format!("/api/v1/processes/4711/{method}");
        post(&path).send(&app).expect_problem(404, "process_not_found");
    }
}

#[test]
fn other_methods_are_405_and_say_which_are_allowed() {
    let app = app();
    for (method, path, allow) in [
        ("PUT", "/api/v1/processes", "GET, HEAD, POST"),
        ("POST", "/api/v1/processes/1", "GET, HEAD, PATCH, DELETE"),
        ("GET", "/api/v1/processes/1/suspend", "POST"),
        ("DELETE", "/healthz", "GET, HEAD"),
        ("OPTIONS", "/api/v1/sessions", "POST, GET, HEAD, DELETE"),
        ("BREW", "/metrics", "GET, HEAD"),
    ] {
        let response = request(method, path, ADMINISTRATOR).send(&app);
        response.expect_problem(405, "method_not_allowed");
        assert_eq!(response.header("allow"), Some(allow), "{method} {path}");
    }
}

#[test]
fn bodies_are_checked_before_they_are_read() {
    let app = app();
    let create = || post("/api/v1/processes");
    let plain = create().body(b"{}").send(&app);
    plain.expect_problem(415, "unsupported_media_type");
    for content_type in ["text/plain", "application/json; charset=latin1", "application/jsonx"] {
        let response = create().header("Content-Type", content_type).body(b"{}").send(&app);
        response.expect_problem(415, "unsupported_media_type");
    }
    let fine = create().header("Content-Type", "Application/JSON; charset=UTF-8");
    assert_eq!(fine.body(br#"{"program":"/bin/true"}"#).send(&app).status, 201);
    create().json(&" ".repeat(65_537)).send(&app).expect_problem(413, "content_too_large");
    post("/api/v1/system/reboot").json("{}").send(&app).expect_problem(400, "unexpected_body");
}

#[test]
fn malformed_json_is_400() {
    let app = app();
    let deep = "[".repeat(60_000);
    for body in ["", "{", "{]", "\u{1}", "{\"a\":1}x", "{\"a\":\"\\ud800\"}", "nul", &deep] {
        let response = post("/api/v1/processes").json(body).send(&app);
        response.expect_problem(400, "malformed_json");
    }
    let not_utf8 = post("/api/v1/processes")
        .header("Content-Type", "application/json")
        .body(b"{\"program\":\"\xff\"}");
    not_utf8.send(&app).expect_problem(400, "malformed_json");
}

// proves: P11
#[test]
fn every_wrong_field_is_named() {
    let create = |body: &str| post("/api/v1/processes").json(body);
    expect_fields(&create("{}"), 422, &["program"]);
    expect_fields(&create("[]"), 422, &[""]);
    expect_fields(&create(r#"{"program":null}"#), 422, &["program"]);
    expect_fields(&create(r#"{"program":""}"#), 422, &["program"]);
    expect_fields(&create(r#"{"program":"bin/x"}"#), 422, &["program"]);
    expect_fields(&create(r#"{"program":"/a\u0000b","cwd":"x"}"#), 422, &["cwd", "program"]);
    let body = r#"{"program":"/bin/true","nice":20,"priority":"urgent","class":"system",
        "affinity":[0,9],"args":["a","b\u0000"],"env":{"A=B":"c"},"name":"","size":1}"#;
    let expected = ["affinity.1", "args.1", "class", "env", "name", "nice", "priority", "size"];
    expect_fields(&create(body), 422, &expected);
    let body = r#"{"program":"/bin/true","nice":"1","affinity":[],"args":"x","env":[]}"#;
    expect_fields(&create(body), 422, &["affinity", "args", "env", "nice"]);
    let session = |body: &str| anonymous("POST", "/api/v1/sessions").json(body);
    expect_fields(&session("{}"), 422, &["token"]);
    expect_fields(&session(r#"{"token":"a","secret":"b"}"#), 422, &["token"]);
    expect_fields(&session(r#"{"token":1}"#), 422, &["token"]);
    let signal = |body: &str| post("/api/v1/processes/1/signals").json(body);
    expect_fields(&signal("{}"), 422, &["signal"]);
    expect_fields(&signal(r#"{"signal":"SIGNOTHING"}"#), 422, &["signal"]);
    expect_fields(&signal(r#"{"signal":9}"#), 422, &["signal"]);
}

#[test]
fn every_wrong_parameter_is_named() {
    for (query, expected) in [
        ("limit=0", &["limit"][..]),
        ("limit=1001", &["limit"]),
        ("sort=size", &["sort"]),
        ("state=sleeping", &["state"]),
        ("state=ready,", &["state"]),
        ("class=x", &["class"]),
        ("priority=x", &["priority"]),
        ("cursor=x", &["cursor"]),
        ("cursor=p", &["cursor"]),
        ("cursor=s1", &["cursor"]),
        ("a=1&b=2", &["a", "b"]),
        ("limit=1&limit=2", &["limit"]),
        ("name=%zz", &["name"]),
    ] {
        expect_fields(&get(&format!("/api/v1/processes?{query}")), 400, expected);
    }
    expect_fields(&get("/api/v1/system?x=1"), 400, &["x"]);
    expect_fields(&get("/api/v1/logs?sort=at"), 400, &["sort"]);
    expect_fields(&get("/api/v1/logs?follow=yes"), 400, &["follow"]);
    expect_fields(&get("/api/v1/events?kind=x"), 400, &["kind"]);
    let broken = get("/api/v1/events").header("Last-Event-ID", "x");
    expect_fields(&broken, 400, &["Last-Event-ID"]);
    let delete = request("DELETE", "/api/v1/processes/1?mode=hard", OPERATOR);
    expect_fields(&delete, 400, &["mode"]);
    let empty = post("/api/v1/processes").header("Idempotency-Key", "").json("{}");
    expect_fields(&empty, 400, &["Idempotency-Key"]);
}

// proves: P5
#[test]
fn limits_that_every_process_has_cannot_be_lifted() {
    let app = app();
    let patch = request("PATCH", "/api/v1/processes/1", OPERATOR);
    let body = r#"{"limits":{"memory_bytes":null,"stack_bytes":null,"open_files":null,
        "processes":null,"cpu_time_ns":null,"cpu_percent":null}}"#;
    let fields = ["memory_bytes", "open_files", "processes", "stack_bytes"];
    let fields = fields.map(|field| format!("limits.{field}"));
    expect_fields(&patch.json(body), 422, &fields.each_ref().map(String::as_str));
    let path = format!("/api/v1/processes/{}", create(&app, "/bin/cat", &[]));
    let lifted = request("PATCH", &path, OPERATOR);
    assert_eq!(lifted.json(r#"{"limits":{"cpu_time_ns":null}}"#).send(&app).status, 200);
}

// proves: P11
#[test]
fn what_the_system_refuses_has_its_code() {
    let app = app();
    let create_at = |program: &str| {
        post("/api/v1/processes").json(&format!(r#"{{"program":"{program}"}}"#)).send(&app)
    };
    create_at("/bin/nothing").expect_problem(422, "program_not_found");
    create_at("/etc/motd").expect_problem(422, "invalid_program");
    // The kernel's threads are nobody's to kill.
    request("DELETE", "/api/v1/processes/2", ADMINISTRATOR)
        .send(&app)
        .expect_problem(403, "permission_denied");
    let pid = create(&app, "/bin/true", &[]);
    app.backend().advance_ms(100);
    let patch = request("PATCH", &format!("/api/v1/processes/{pid}"), OPERATOR);
    let problem = patch.json("{}").send(&app).expect_problem(409, "invalid_state");
    assert_eq!(problem["detail"], "A process that is defunct can't be changed.");
    let stale = request("DELETE", "/api/v1/processes/1", OPERATOR).header("If-Match", "\"0\"");
    stale.send(&app).expect_problem(412, "stale");
}

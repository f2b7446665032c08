//! Changes of services: operations, waiting, plans, guards, roll-back, emergencies.

use serde_json::{Value, json};

use crate::harness::{ADMINISTRATOR, OPERATOR, TestApp, app, get, post, register, request};
use crate::services::{site, state};

fn operation(app: &TestApp, id: &Value) -> Value {
    get(&format!("/api/v1/operations/{id}")).send(app).json()
}

// proves: S1
#[test]
fn a_change_answers_at_once_with_its_operation() {
    let app = site();
    let begun = post("/api/v1/services/web/stop").send(&app);
    assert_eq!(begun.status, 202, "{}", begun.text());
    let id = begun.json()["id"].clone();
    assert_eq!(begun.header("location"), Some(format!("/api/v1/operations/{id}").as_str()));
    assert_eq!(operation(&app, &id)["state"], "running");
    app.backend().advance_ms(200);
    let ended = operation(&app, &id);
    assert_eq!((&ended["state"], &ended["actor"]), (&json!("succeeded"), &json!("alice")));
    assert_eq!(state(&app, "web"), "stopped");
    for id in ["0", "99", "x", "-1"] {
        let unknown = get(&format!("/api/v1/operations/{id}")).send(&app);
        unknown.expect_problem(404, "invalid_handle");
    }
}

// proves: S1, S7
#[test]
fn who_waits_gets_the_end() {
    let app = site();
    for (change, end) in [
        ("pause", "paused"),
        ("resume", "running"),
        ("restart", "running"),
        ("reload", "running"),
        ("stop", "stopped"),
        ("disable", "disabled"),
        ("enable", "stopped"),
        ("start", "running"),
    ] {
        let response = post(&format!("/api/v1/services/web/{change}?wait=true")).send(&app);
        assert_eq!(response.status, 200, "{change}: {}", response.text());
        let operation = response.json();
        assert_eq!(
            (&operation["kind"], &operation["state"]),
            (&json!(change), &json!("succeeded"))
        );
        assert_eq!(state(&app, "web"), end, "{change}");
    }
}

// proves: S8
#[test]
fn who_waits_for_what_fails_gets_its_error() {
    let app = site();
    let failed = post("/api/v1/services/crash/start?wait=true").send(&app);
    // It runs for a moment, so that it was started.
    assert_eq!(failed.status, 200);
    app.backend().advance_ms(5000);
    register(&app, r#"{"name":"gone","program":"/bin/gone","enabled":false}"#);
    assert_eq!(post("/api/v1/services/gone/enable?wait=true").send(&app).status, 200);
    let failed = post("/api/v1/services/gone/start?wait=true").send(&app);
    let problem = failed.expect_problem(409, "configuration_error");
    assert!(problem["detail"].as_str().unwrap().contains("/bin/gone"));
    assert!(failed.header("location").unwrap().starts_with("/api/v1/operations/"));
    register(
        &app,
        r#"{"name":"late","program":"/bin/slow","start":{"timeout_ms":1000},"enabled":false}"#,
    );
    post("/api/v1/services/late/enable?wait=true").send(&app);
    let late = post("/api/v1/services/late/start?wait=true").send(&app);
    late.expect_problem(504, "timeout");
    register(&app, r#"{"name":"slow","program":"/bin/slow","enabled":false}"#);
    post("/api/v1/services/slow/enable?wait=true").send(&app);
    let patient = post("/api/v1/services/slow/start?wait=true&timeout_ms=50").send(&app);
    assert_eq!((patient.status, &patient.json()["state"]), (202, &json!("running")));
}

// proves: S8
#[test]
fn a_state_that_forbids_a_change_is_409_with_its_code() {
    let app = site();
    for (method, path, code) in [
        ("POST", "web/start", "invalid_state"),
        ("POST", "web/resume", "invalid_state"),
        ("POST", "web/enable", "invalid_state"),
        ("POST", "crash/pause", "service_not_running"),
        ("POST", "crash/restart", "service_not_running"),
        ("POST", "data/reload", "configuration_error"),
        ("DELETE", "web", "service_not_stopped"),
        ("DELETE", "crash", "dependency_error"),
    ] {
        let path = format!("/api/v1/services/{path}");
        request(method, &path, OPERATOR).send(&app).expect_problem(409, code);
        let planned = request(method, &format!("{path}?dry_run=true"), OPERATOR).send(&app);
        planned.expect_problem(409, code);
    }
    let again = post("/api/v1/services").json(r#"{"name":"web","program":"/bin/sh"}"#).send(&app);
    again.expect_problem(409, "service_already_exists");
    let alone = r#"{"name":"y","program":"/bin/sh","dependencies":[{"service":"nobody"}]}"#;
    post("/api/v1/services").json(alone).send(&app).expect_problem(409, "dependency_error");
    let old =
        r#"{"name":"y","program":"/bin/sh","dependencies":[{"service":"data","version":"<1"}]}"#;
    post("/api/v1/services").json(old).send(&app).expect_problem(409, "dependency_error");
    let wrong = r#"{"name":"y","program":"/bin/sh","version":"new","dependencies":[{"service":"data","version":"?"}]}"#;
    let wrong = post("/api/v1/services").json(wrong).send(&app);
    let problem = wrong.expect_problem(422, "invalid_configuration");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2);
}

// proves: S2
#[test]
fn a_cycle_is_refused_and_named() {
    let app = site();
    let document = r#"{"name":"data","program":"/bin/data","dependencies":[{"service":"web"}]}"#;
    let response = request("PUT", "/api/v1/services/data", OPERATOR).json(document).send(&app);
    let problem = response.expect_problem(422, "circular_dependency");
    assert!(problem["detail"].as_str().unwrap().contains("data → web → data"), "{problem}");
    assert_eq!(problem["errors"][0]["field"], "dependencies");
    assert_eq!(get("/api/v1/services/data").send(&app).json()["revision"], 1);
}

// proves: S2
#[test]
fn a_plan_is_in_order_and_changes_nothing() {
    let app = site();
    let before = get("/api/v1/services").send(&app).text();
    let plan = post("/api/v1/services/data/stop?dry_run=true").send(&app).json();
    let steps: Vec<&str> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["service"].as_str().unwrap())
        .collect();
    assert_eq!(steps, ["web", "data"], "who uses it stops first");
    let document = r#"{"name":"app","program":"/bin/sh","dependencies":[{"service":"web"}]}"#;
    let plan = post("/api/v1/services?dry_run=true").json(document).send(&app);
    assert_eq!((plan.status, &plan.json()["kind"]), (200, &json!("register")));
    get("/api/v1/services/app").send(&app).expect_problem(404, "service_not_found");
    assert_eq!(get("/api/v1/services").send(&app).text(), before);
}

// proves: S5
#[test]
fn the_number_of_instances_changes_while_it_runs() {
    let app = site();
    for count in [5, 2] {
        let put = request("PUT", "/api/v1/services/web/instances?wait=true", OPERATOR);
        let response = put.json(&json!({ "count": count }).to_string()).send(&app);
        assert_eq!(response.status, 200, "{}", response.text());
        let web = get("/api/v1/services/web").send(&app).json();
        assert_eq!(
            (&web["instances"], &web["status"]["ready_instances"]),
            (&json!(count), &json!(count))
        );
        let running = get("/api/v1/processes?service=web").send(&app).json();
        assert_eq!(running["total"], count);
    }
    for body in ["{}", r#"{"count":0}"#, r#"{"count":1025}"#, r#"{"count":1,"x":2}"#] {
        let put = request("PUT", "/api/v1/services/web/instances", OPERATOR).json(body);
        put.send(&app).expect_problem(422, "invalid_field");
    }
}

// proves: S1
#[test]
fn documents_are_guarded_compared_and_brought_back() {
    let app = site();
    let path = "/api/v1/services/data";
    let tag = get(path).send(&app).header("etag").unwrap().to_owned();
    let put = |version: &str| {
        let document =
            json!({"name": "data", "program": "/bin/data", "version": version, "kind": "system"});
        request("PUT", path, OPERATOR)
            .header("If-Match", &tag)
            .json(&document.to_string())
            .send(&app)
    };
    assert_eq!(put("1.5.0").status, 200);
    put("1.6.0").expect_problem(412, "stale");
    let stop = post("/api/v1/services/data/stop").header("If-Match", &tag).send(&app);
    stop.expect_problem(412, "stale");
    let difference = get("/api/v1/services/data/diff?from=1&to=2").send(&app).json();
    let fields: Vec<&str> = difference["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["tags", "version"]);
    let rollback = || post("/api/v1/services/data/rollback");
    let back = rollback().json(r#"{"revision":1}"#).send(&app);
    assert_eq!((back.status, &back.json()["version"]), (200, &json!("1.4.0")));
    let versions = get("/api/v1/services/data/versions?limit=2").send(&app).json();
    assert_eq!((&versions["total"], &versions["next_cursor"]), (&json!(3), &json!("2")));
    assert_eq!(versions["items"][0]["current"], true);
    rollback().json(r#"{"revision":9}"#).send(&app).expect_problem(404, "revision_not_found");
    rollback().json("{}").send(&app).expect_problem(422, "invalid_field");
    get("/api/v1/services/data/diff?from=1").send(&app).expect_problem(400, "invalid_parameter");
    let other = request("PUT", "/api/v1/services/web", OPERATOR)
        .json(r#"{"name":"data","program":"/bin/sh"}"#);
    other.send(&app).expect_problem(422, "invalid_configuration");
}

// proves: A1
#[test]
fn a_repeated_registration_is_answered_not_done_again() {
    let app = app();
    let register = || post("/api/v1/services").header("Idempotency-Key", "k1");
    let document = r#"{"name":"x","program":"/bin/sh"}"#;
    let first = register().json(document).send(&app);
    assert_eq!((first.status, first.header("location")), (201, Some("/api/v1/services/x")));
    let second = register().json(document).send(&app);
    assert_eq!((second.status, second.header("etag")), (201, first.header("etag")));
    let other = register().json(r#"{"name":"y","program":"/bin/sh"}"#).send(&app);
    other.expect_problem(422, "idempotency_key_reused");
    let process = post("/api/v1/processes").header("Idempotency-Key", "k1");
    process.json(document).send(&app).expect_problem(422, "idempotency_key_reused");
}

// proves: P10
#[test]
fn an_emergency_ends_a_service_and_nothing_else() {
    let app = site();
    let request = || post("/api/v1/emergency/terminate");
    let result = request().json(r#"{"scope":"service","service":"web"}"#).send(&app);
    assert_eq!(result.status, 200, "{}", result.text());
    assert_eq!((&result.json()["ended"], &result.json()["remaining"]), (&json!(3), &json!(0)));
    app.backend().advance_ms(5000);
    assert_eq!((state(&app, "web"), state(&app, "data")), ("stopped".into(), "running".into()));
    let unknown = request().json(r#"{"scope":"service","service":"nothing"}"#).send(&app);
    unknown.expect_problem(404, "service_not_found");
    for body in [
        r#"{"scope":"service"}"#,
        r#"{"scope":"all","service":"web"}"#,
        r#"{"scope":"service","service":"web","pid":1}"#,
    ] {
        request().json(body).send(&app).expect_problem(422, "invalid_field");
    }
}

// proves: S4, S7
#[test]
fn what_happens_is_told_as_events() {
    let app = app();
    register(&app, r#"{"name":"data","program":"/bin/data"}"#);
    app.backend().advance_ms(1000);
    request("POST", "/api/v1/services/data/stop?wait=true", ADMINISTRATOR).send(&app);
    request("DELETE", "/api/v1/services/data", ADMINISTRATOR).send(&app);
    let text = crate::streams::events(
        &app,
        "service_registered,service_state_changed,service_instance_ready,service_unregistered",
    );
    let kinds: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(kinds[..2], ["service_state_changed", "service_registered"]);
    assert_eq!(kinds.last(), Some(&"service_unregistered"));
    assert!(kinds.contains(&"service_instance_ready"));
    assert!(text.contains("\"service\":\"data\""));
}

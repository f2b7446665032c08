//! Documents of services: what is taken, what is refused and where, what is kept.

use admin_api::server::{read_service, write_service};
use admin_api::types::{ReadyWhen, RestartPolicy, Service, Signal};

use crate::harness::{OPERATOR, VIEWER, app, get, post, register, request};

/// The fields that a document is refused for.
#[track_caller]
fn expect_fields(document: &str, expected: &[&str]) {
    let errors = read_service(document.as_bytes()).expect_err(document);
    let mut fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, expected, "{errors:?}");
    let problem = post("/api/v1/services").json(document).send(&app());
    let problem = problem.expect_problem(422, "invalid_configuration");
    assert_eq!(problem["errors"].as_array().unwrap().len(), expected.len());
}

/// The document of API.md, word for word.
const FULL: &str = r#"{
  "name": "web", "description": "static files", "kind": "user", "version": "1.2.0", "tags": ["http"],
  "program": "/bin/httpd", "args": ["-f", "-p", "8080", "-h", "/srv"], "env": {}, "cwd": "/", "user": "www",
  "priority": "normal", "class": "service", "isolation": "process",
  "enabled": true, "instances": 2,
  "port": {"listen": 8080, "strategy": "least_connections"},
  "dependencies": [{"service": "data", "required": true, "version": ">=1.0", "timeout_ms": 30000}],
  "limits": {"memory_bytes": 67108864, "processes": 64},
  "restart": {"policy": "on_failure", "delay_ms": 100, "max_delay_ms": 30000, "max_restarts": 5, "window_ms": 60000},
  "health": {"kind": "http", "path": "/", "interval_ms": 5000, "timeout_ms": 1000, "healthy_after": 1, "unhealthy_after": 3},
  "stop": {"signal": "SIGTERM", "grace_ms": 5000}
}"#;

// proves: S1
#[test]
fn a_document_is_answered_as_it_was_written() {
    let app = app();
    register(&app, r#"{"name":"data","program":"/bin/data","version":"1.0.0"}"#);
    register(&app, FULL);
    let found = get("/api/v1/services/web").send(&app).json();
    let written: serde_json::Value = serde_json::from_str(FULL).unwrap();
    for (field, value) in written.as_object().unwrap() {
        let found = &found[field];
        match value.as_object() {
            // What was not said has its default.
            Some(inner) => inner.iter().for_each(|(name, value)| assert_eq!(found[name], *value)),
            None => assert_eq!(found, value, "{field}"),
        }
    }
    assert_eq!(found["revision"], 1);
    // What was read can be sent back as it is.
    let back = request("PUT", "/api/v1/services/web", OPERATOR).json(&found.to_string()).send(&app);
    assert_eq!(back.status, 200, "{}", back.text());
    assert_eq!(back.json()["revision"], 2);
}

// proves: S1, S9
#[test]
fn what_is_not_said_has_its_default() {
    let service = read_service(br#"{"name":"x","program":"/bin/x"}"#).unwrap();
    assert_eq!((service.start.timeout_ms, service.stop.grace_ms), (30_000, 5000));
    assert_eq!((service.stop.signal, service.instances, service.enabled), (Signal::TERM, 1, true));
    assert_eq!(service.restart.policy, RestartPolicy::OnFailure);
    assert_eq!(service.start.ready_when, ReadyWhen::Running);
    let checked = r#"{"name":"x","program":"/bin/x","health":{"kind":"alive"}}"#;
    let checked = read_service(checked.as_bytes()).unwrap();
    assert_eq!(checked.start.ready_when, ReadyWhen::Healthy);
    for service in [service, checked, read_service(FULL.as_bytes()).unwrap()] {
        let kept = write_service(&service);
        assert_eq!(read_service(&kept).unwrap(), service);
        let with_status = Service { revision: Some(3), ..service.clone() };
        assert_eq!(write_service(&with_status), kept, "what is the system's is not kept");
    }
}

// proves: S8
#[test]
fn every_wrong_field_is_named() {
    expect_fields("{}", &["name", "program"]);
    for name in ["", "-a", "a-", "A", "a.b", "a_b", "ü", "graph", &"a".repeat(64)] {
        expect_fields(&format!(r#"{{"name":"{name}","program":"/bin/x"}}"#), &["name"]);
    }
    let wrong = |rest: &str, fields: &[&str]| {
        expect_fields(&format!(r#"{{"name":"x","program":"/bin/x",{rest}}}"#), fields);
    };
    wrong(
        r#""size":1,"kind":"big","instances":0,"cwd":"tmp""#,
        &["cwd", "instances", "kind", "size"],
    );
    wrong(r#""args":["a\u0000"],"tags":["a b"],"user":"""#, &["args.0", "tags.0", "user"]);
    wrong(
        r#""env":{"A=B":"c"},"class":"system","isolation":"kernel""#,
        &["class", "env.A=B", "isolation"],
    );
    wrong(r#""port":{"listen":0}"#, &["port.listen"]);
    wrong(r#""port":{"strategy":"luck"}"#, &["port.listen", "port.strategy"]);
    wrong(r#""port":{"listen":80,"weights":[1]}"#, &["port.weights"]);
    wrong(r#""port":{"listen":80,"strategy":"weighted","weights":[1,0]}"#, &["port.weights.1"]);
    wrong(r#""dependencies":[{}]"#, &["dependencies.0.service"]);
    wrong(r#""dependencies":[{"service":"x"},3]"#, &["dependencies.0.service", "dependencies.1"]);
    wrong(
        r#""dependencies":[{"service":"a"},{"service":"a","timeout_ms":0}]"#,
        &["dependencies.1.service", "dependencies.1.timeout_ms"],
    );
    wrong(r#""after":["x","b","b"],"conflicts":["_"]"#, &["after.0", "after.2", "conflicts.0"]);
    wrong(r#""conditions":[{"kind":"path_exists"}]"#, &["conditions.0.path"]);
    wrong(r#""limits":{"memory_bytes":1,"cpu":2}"#, &["limits.cpu", "limits.memory_bytes"]);
    wrong(r#""restart":{"delay_ms":9,"max_delay_ms":8}"#, &["restart.max_delay_ms"]);
    wrong(
        r#""restart":{"policy":"maybe","max_restarts":-1}"#,
        &["restart.max_restarts", "restart.policy"],
    );
    wrong(r#""health":{}"#, &["health.kind"]);
    wrong(r#""health":{"kind":"http"}"#, &["health.port"]);
    wrong(r#""health":{"kind":"tcp","port":1,"path":"/"}"#, &["health.path"]);
    wrong(r#""health":{"kind":"command"}"#, &["health.command"]);
    wrong(r#""health":{"kind":"alive","interval_ms":9}"#, &["health.interval_ms"]);
    wrong(r#""start":{"ready_when":"healthy"}"#, &["start.ready_when"]);
    wrong(r#""reload":{"signal":"SIGKILL"}"#, &["reload.signal"]);
    wrong(r#""stop":{"signal":"TERM","grace_ms":600001}"#, &["stop.grace_ms", "stop.signal"]);
    wrong(r#""group":{"members":["a"]}"#, &["group"]);
    expect_fields(r#"{"name":"x","kind":"group"}"#, &["group"]);
    expect_fields(
        r#"{"name":"x","kind":"group","program":"/a","group":{"members":[]}}"#,
        &["group.members", "program"],
    );
    let app = app();
    post("/api/v1/services").json("[]").send(&app).expect_problem(422, "invalid_field");
    assert_eq!(read_service(b"[]").unwrap_err()[0].field, "");
    post("/api/v1/services").json("{").send(&app).expect_problem(400, "malformed_json");
    let long = format!(r#"{{"name":"{}"}}"#, "a".repeat(70_000));
    post("/api/v1/services").json(&long).send(&app).expect_problem(413, "content_too_large");
    assert!(read_service(long.as_bytes()).is_err());
}

// proves: A3
#[test]
fn a_viewer_does_not_see_what_may_be_a_secret() {
    let app = app();
    register(&app, r#"{"name":"x","program":"/bin/sh","env":{"TOKEN":"tops3cret"}}"#);
    let put = request("PUT", "/api/v1/services/x", OPERATOR);
    let changed = put.json(r#"{"name":"x","program":"/bin/sh","env":{"TOKEN":"tops3cret2"}}"#);
    assert_eq!(changed.send(&app).status, 200);
    for path in ["x", "x/versions", "x/diff?from=1&to=2", ""] {
        let path = format!("/api/v1/services/{path}");
        let path = path.trim_end_matches('/');
        let shown = request("GET", path, VIEWER).send(&app).text();
        assert!(shown.contains("TOKEN") && !shown.contains("tops3cret"), "{shown}");
        assert!(request("GET", path, OPERATOR).send(&app).text().contains("tops3cret"));
    }
}

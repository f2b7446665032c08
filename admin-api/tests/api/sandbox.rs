//! Processes in sandboxes, and of other users.

use crate::harness::{app, get, post};

// proves: X1
#[test]
fn a_sandbox_is_asked_for_and_shown() {
    let app = app();
    let body = r#"{"program": "/bin/cat", "user": "nobody", "isolation": "sandbox", "sandbox":
        {"root": "/srv/box", "network": "listen", "system_calls": ["read", "write"],
         "on_violation": "kill"}}"#;
    let made = post("/api/v1/processes").json(body).send(&app);
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!((&made["isolation"], &made["root"]), (&"sandbox".into(), &"/srv/box".into()));
    assert_eq!(made["user"]["uid"], 65534);
    let shown = get(&format!("/api/v1/processes/{}", made["pid"])).send(&app).json();
    let sandbox = &shown["sandbox"];
    assert_eq!(sandbox["network"], "listen");
    assert_eq!(sandbox["system_calls"], serde_json::json!(["read", "write"]));
    assert_eq!((&sandbox["on_violation"], &sandbox["violations"]), (&"kill".into(), &0.into()));
    let plain = post("/api/v1/processes").json(r#"{"program": "/bin/cat"}"#).send(&app).json();
    assert!(plain["sandbox"].is_null());
}

// proves: X1
#[test]
fn what_is_wrong_with_a_sandbox_is_told_by_field() {
    let app = app();
    for (rest, field) in [
        (r#""isolation": "kernel""#, "isolation"),
        (r#""isolation": "tight""#, "isolation"),
        (r#""isolation": "sandbox""#, "sandbox"),
        (r#""isolation": "process", "sandbox": {"root": "/a"}"#, "sandbox"),
        (r#""sandbox": 1"#, "sandbox"),
        (r#""sandbox": {}"#, "sandbox.root"),
        (r#""sandbox": {"root": "a"}"#, "sandbox.root"),
        (r#""sandbox": {"root": "//"}"#, "sandbox.root"),
        (r#""sandbox": {"root": "/a", "network": "some"}"#, "sandbox.network"),
        (r#""sandbox": {"root": "/a", "on_violation": "no"}"#, "sandbox.on_violation"),
        (r#""sandbox": {"root": "/a", "system_calls": ["a b"]}"#, "sandbox.system_calls.0"),
        (r#""sandbox": {"root": "/a", "system_calls": ["nothing"]}"#, "sandbox.system_calls.0"),
        (r#""sandbox": {"root": "/a", "more": 1}"#, "sandbox.more"),
        (r#""user": """#, "user"),
        (r#""user": "a b""#, "user"),
        (r#""user": "no-such-user""#, "user"),
    ] {
        let body = format!(r#"{{"program": "/bin/cat", {rest}}}"#);
        let answer = post("/api/v1/processes").json(&body).send(&app);
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
        let problem = answer.json();
        let told = problem["errors"].as_array().unwrap().iter();
        assert!(told.clone().any(|error| error["field"] == field), "{body}: {problem}");
    }
}

//! Documents and programs that are wrong: told where the operator looks, and nobody else is the worse for
//! it.

use admin_api::types::{Problem, ServiceErrorCode, ServiceState};
use end_to_end::services::{
    IDLE, await_state, begin, explain, fails, main_process, register, says, shell, start, status,
    stop, with,
};
use end_to_end::{Answer, Guest};
use serde_json::{Value, json};

fn guest() -> &'static Guest {
    Guest::shared("service-refusals")
}

fn post(document: &Value) -> Answer {
    guest().request("POST", "/api/v1/services").json(document).send()
}

/// The problem that a document is refused with.
fn refusal(document: &Value, status: u16, code: &str) -> Problem {
    let answer = post(document);
    assert_eq!(answer.status, status, "{document}: {}", answer.text());
    answer.assert_problem(status, code);
    let name = document["name"].as_str().unwrap_or_default().to_owned();
    if !name.is_empty() && code != "already_exists" {
        assert_eq!(guest().get(&format!("/api/v1/services/{name}")).status, 404, "{name} is there");
    }
    answer.json()
}

fn assert_field(document: &Value, field: &str) {
    let problem = refusal(document, 422, "invalid_configuration");
    let named: Vec<_> = problem.errors.iter().map(|error| error.field.as_str()).collect();
    assert!(named.contains(&field), "{field} is not among {named:?}");
    assert!(problem.errors.iter().all(|error| !error.message.is_empty()));
}

/// proves: S8
#[test]
fn a_wrong_field_is_named() {
    let wrong: [(&str, Value); 14] = [
        ("program", json!({ "program": "sh" })),
        ("version", json!({ "version": "one" })),
        ("instances", json!({ "instances": 0 })),
        ("port.listen", json!({ "port": { "listen": 0 } })),
        ("cwd", json!({ "cwd": "here" })),
        ("health.path", json!({ "health": { "kind": "http", "port": 80, "path": "x" } })),
        ("health.command", json!({ "health": { "kind": "command" } })),
        ("limits.memory_bytes", json!({ "limits": { "memory_bytes": 1 } })),
        ("restart.success_codes.1", json!({ "restart": { "success_codes": [0, 300] } })),
        ("dependencies.0.version", json!({ "dependencies": [{ "service": "x", "version": "!" }] })),
        ("dependencies.0.service", json!({ "dependencies": [{ "service": "nowhere" }] })),
        (
            "group.members.0",
            json!({ "kind": "group", "program": null, "args": [],
                                    "group": { "members": ["nowhere"] } }),
        ),
        ("after.0", json!({ "after": ["Not A Name"] })),
        ("conditions.0.path", json!({ "conditions": [{ "kind": "path_exists", "path": "x" }] })),
    ];
    for (field, more) in wrong {
        assert_field(&with(shell("wrong", IDLE), &more), field);
    }
    assert_field(&json!({ "name": "Wrong", "program": "/bin/sh" }), "name");
}

/// proves: S2, S8
#[test]
fn a_version_that_there_is_not_is_told_with_the_one_there_is() {
    register(guest(), &with(shell("library", IDLE), &json!({ "version": "1.4.2" })));
    let needs = |version: &str| {
        let needs = json!({ "dependencies": [{ "service": "library", "version": version }] });
        with(shell("modern", IDLE), &needs)
    };
    let problem = refusal(&needs(">=2.0"), 409, "dependency_error");
    for part in ["modern", "library", ">=2.0", "1.4.2"] {
        assert!(problem.detail.contains(part), "{part} is not in {:?}", problem.detail);
    }
    register(guest(), &needs(">=1.4, <2"));
    // Nor may what is needed change to one that does not do.
    let older = with(shell("library", IDLE), &json!({ "version": "1.3.0" }));
    let answer = guest().request("PUT", "/api/v1/services/library").json(&older).send();
    answer.assert_problem(409, "dependency_error");
    assert!(answer.text().contains("modern"), "{}", answer.text());
}

/// proves: S2, S8
#[test]
fn a_cycle_is_refused_with_its_path_and_changes_nothing() {
    let guest = guest();
    let needs = |name: &str, needed: &str| {
        with(shell(name, IDLE), &json!({ "dependencies": [{ "service": needed }] }))
    };
    register(guest, &shell("one", IDLE));
    register(guest, &needs("two", "one"));
    register(guest, &needs("three", "two"));
    start(guest, "three");
    let before = main_process(guest, "one");
    let answer = guest.request("PUT", "/api/v1/services/one").json(&needs("one", "three")).send();
    answer.assert_problem(422, "circular_dependency");
    let text = answer.text();
    assert!(text.contains("one → three → two → one"), "{text}");
    assert_eq!((main_process(guest, "one"), status(guest, "one").restarts), (before, 0));
    // One that needs itself is a cycle, too, of which the field says all there is to say.
    assert_field(&needs("selfish", "selfish"), "dependencies.0.service");
    stop(guest, "one");
}

/// proves: S4, S8
#[test]
fn a_program_that_is_not_there_or_ends_at_once_is_told_everywhere() {
    let guest = guest();
    register(guest, &shell("unconcerned", IDLE));
    start(guest, "unconcerned");
    let neighbour = main_process(guest, "unconcerned");
    let restart = json!({ "restart": { "delay_ms": 20, "max_restarts": 1 } });

    let absent = json!({ "name": "absent", "program": "/bin/nothing", "enabled": false });
    register(guest, &with(absent, &restart));
    let told = fails(guest, "absent", "start").detail;
    assert!(told.starts_with("absent failed: it could not be started: "), "{told:?}");
    let failed = await_state(guest, "absent", ServiceState::Failed);
    let detail = failed.detail.expect("why");
    assert!(detail.starts_with("it could not be started: "), "{detail:?}");
    assert!(detail.ends_with(", after 1 restart within 60 s"), "{detail:?}");
    assert_eq!(failed.last_exit, None, "it has never run");
    assert!(failed.last_exit_reason.is_some_and(|why| why.starts_with("could not be started")));
    let explained = explain(guest, "absent");
    assert!(explained.summary.starts_with("absent could not be started: "), "{explained:?}");
    assert!(explained.advice[0].contains("program's path"), "{explained:?}");

    register(guest, &with(shell("brief", "echo no configuration >&2; exit 78"), &restart));
    begin(guest, "brief", "start");
    let failed = await_state(guest, "brief", ServiceState::Failed);
    let why = "it exited with code 78, after 1 restart within 60 s";
    assert_eq!(failed.detail.as_deref(), Some(why));
    assert!(says(guest, "brief", "no configuration"), "its own words are kept");
    let explained = explain(guest, "brief");
    assert_eq!(explained.chain[0].code, Some(ServiceErrorCode::FaultToleranceError));

    // Who needs it says so, and is not started.
    let needs = json!({ "dependencies": [{ "service": "absent" }] });
    register(guest, &with(shell("dependant", IDLE), &needs));
    let problem = fails(guest, "dependant", "start");
    assert_eq!((problem.status, &*problem.code), (409, "dependency_error"), "{problem:?}");
    let explained = explain(guest, "dependant");
    let links: Vec<_> = explained.chain.iter().map(|link| link.message.as_str()).collect();
    assert_eq!(links[0], "dependant needs absent, which does not run");
    assert!(links[1].starts_with("absent could not be started: "), "{links:?}");
    assert!(status(guest, "dependant").instances.iter().all(|one| one.pid.is_none()));
    assert_eq!(main_process(guest, "unconcerned"), neighbour);
    stop(guest, "unconcerned");
}

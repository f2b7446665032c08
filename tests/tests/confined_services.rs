//! Services that are kept apart: in a sandbox, and as users with few rights.

#![expect(clippy::expect_used, reason = "a test that can't go on panics")]

use std::time::Duration;

use admin_api::types::{
    Exit, Isolation, NetworkRights, Page, Problem, Process, Service, ServiceExplanation,
    ServiceLine, ServiceState, ServiceStatus,
};
use end_to_end::{Guest, wait};
use serde_json::{Value, json};

fn guest() -> &'static Guest {
    Guest::shared("confined-services")
}

fn register(document: &Value) -> Service {
    let answer = guest().request("POST", "/api/v1/services").json(document).send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

fn status(name: &str) -> ServiceStatus {
    let service: Service = guest().read(&format!("/api/v1/services/{name}"));
    service.status.expect("GET adds the status")
}

fn start(name: &str) {
    let path = format!("/api/v1/services/{name}/start");
    assert_eq!(guest().request("POST", &path).send().status, 202);
}

/// What its programs wrote, once the service has done what it was for.
fn output(name: &str) -> String {
    wait::until_within(Duration::from_secs(60), &format!("{name} to end"), || {
        let status = status(name);
        assert_ne!(status.state, ServiceState::Failed, "{name}: {:?}", status.detail);
        status.last_exit
    });
    output_so_far(name)
}

fn output_so_far(name: &str) -> String {
    let path = format!("/api/v1/services/{name}/output?limit=1000");
    let page: Page<ServiceLine> = guest().read(&path);
    let lines = page.items.iter().filter(|line| line.pid.is_some());
    lines.map(|line| format!("{}\n", line.text)).collect()
}

fn processes(name: &str) -> Vec<Process> {
    guest().read::<Page<Process>>(&format!("/api/v1/processes?service={name}")).items
}

/// A service of the tests' program that tries to get out, in a sandbox whose root is `/test`.
fn boxed(name: &str, arguments: &Value, rules: &Value) -> Value {
    let mut sandbox = json!({ "root": "/test" });
    for (field, value) in rules.as_object().expect("rules are an object") {
        sandbox[field] = value.clone();
    }
    json!({ "name": name, "program": "/escape", "args": arguments, "enabled": false,
        "isolation": "sandbox", "sandbox": sandbox, "restart": { "policy": "never" } })
}

#[test]
fn a_service_in_a_sandbox_stays_in_it_with_all_that_it_starts() {
    // proves: X1, S1
    register(&json!({ "name": "outsider", "program": "/test/escape", "args": ["sleep"] }));
    let outside =
        wait::until("the outsider to run", || processes("outsider").first().map(|p| p.pid));
    let document = boxed("boxed", &json!(["child", outside.to_string()]), &json!({}));
    let made = register(&document);
    assert_eq!(made.isolation, Isolation::Sandbox);
    start("boxed");
    let said = output("boxed");
    for refused in [
        "a child's root: EPERM",
        "a file outside: ENOENT",
        "up is elsewhere: 0",
        "a mount: EPERM",
        "a device: EPERM",
        "tracing: EPERM",
        "a signal: ESRCH",
        "its priority: ESRCH",
        "a raw socket: EACCES",
        "a call of the system's own: EPERM",
        "status: 0",
    ] {
        assert!(said.contains(refused), "{refused} is missing in:\n{said}");
    }
    assert_eq!(processes("outsider").first().map(|process| process.pid), Some(outside));

    // Each process of a service that stays is seen to be in it.
    register(&boxed("stays", &json!(["sleep"]), &json!({ "network": "listen" })));
    start("stays");
    let inside = wait::until("it to run", || processes("stays").into_iter().next());
    assert_eq!((inside.root.as_str(), inside.isolation), ("/test", Isolation::Sandbox));
    let rules = inside.sandbox.expect("it is in a sandbox");
    assert_eq!(rules.network, NetworkRights::Listen);
    guest().assert_healthy();
}

#[test]
fn the_rules_of_a_service_s_sandbox_hold() {
    // proves: X1
    let try_network = |name: &str, network: &str| {
        let rules = json!({ "network": network });
        register(&boxed(name, &json!(["network", "7"]), &rules));
        start(name);
        output(name)
    };
    let none = try_network("net-none", "none");
    assert!(none.contains("tcp: EACCES") && none.contains("udp: EACCES"), "{none}");
    let listen = try_network("net-listen", "listen");
    assert!(listen.contains("bind: done") && listen.contains("connect: EACCES"), "{listen}");

    // A list without what every program needs: it is ended by the first call that is not on it.
    let rules = json!({ "system_calls": ["write", "exit_group"], "on_violation": "kill" });
    register(&boxed("killed", &json!(["all", "1"]), &rules));
    start("killed");
    wait::until("it to fail", || (status("killed").state == ServiceState::Failed).then_some(()));
    let why: ServiceExplanation = guest().read("/api/v1/services/killed/explain");
    assert!(why.chain.iter().any(|link| link.message.contains("SIGSYS")), "{why:?}");
    guest().assert_healthy();
}

#[test]
fn a_service_in_a_sandbox_says_that_it_is_ready() {
    // proves: X1, S4
    let ready = json!({ "ready_when": "notified", "timeout_ms": 60000 });
    let mut document = boxed("speaker", &json!([]), &json!({}));
    document["program"] = "/notifier".into();
    document["start"] = ready;
    register(&document);
    start("speaker");
    let pid = wait::until("its process", || processes("speaker").first().map(|one| one.pid));
    let waits = || output_so_far("speaker").contains("waiting").then_some(());
    wait::until("it to wait for its signal", waits);
    let path = format!("/api/v1/processes/{pid}/signals");
    let answer = guest().request("POST", &path).json(&json!({ "signal": "SIGUSR1" })).send();
    assert!(answer.status < 300, "{}", answer.text());
    let status = wait::until("it to be ready", || {
        Some(status("speaker")).filter(|status| status.state == ServiceState::Running)
    });
    assert_eq!(status.detail.as_deref(), Some("at work"));
    let rules = processes("speaker").remove(0).sandbox.expect("it is in a sandbox");
    assert_eq!((rules.network, rules.violations), (NetworkRights::None, 0));

    // The socket is for services alone: another process in a sandbox does not reach it.
    let request = json!({ "program": "/notifier", "args": ["once"], "sandbox": { "root": "/test" },
                          "env": { "NOTIFY_SOCKET": "@multios/notify" } });
    let answer = guest().request("POST", "/api/v1/processes").json(&request).send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let pid = answer.json::<Process>().pid;
    let ended = wait::until("its end", || {
        let process: Process = guest().read(&format!("/api/v1/processes/{pid}"));
        process.exit.is_some().then_some(process)
    });
    assert_eq!(ended.exit, Some(Exit::Code(1)));
    // What it was in is known when it is gone.
    assert_eq!(ended.isolation, Isolation::Sandbox);
    let rules = ended.sandbox.expect("it was in a sandbox");
    assert_eq!((rules.network, rules.violations), (NetworkRights::None, 1));
    guest().assert_healthy();
}

#[test]
fn wrong_sandboxes_are_refused_by_their_fields() {
    let refused = |document: &Value| -> Vec<String> {
        let answer = guest().request("POST", "/api/v1/services").json(document).send();
        assert_eq!(answer.status, 422, "{}", answer.text());
        let problem: Problem = answer.json();
        problem.errors.iter().map(|error| error.field.clone()).collect()
    };
    let with = |rules: &Value| boxed("wrong", &json!([]), rules);
    assert_eq!(refused(&with(&json!({ "root": "/" }))), ["sandbox.root"]);
    assert_eq!(refused(&with(&json!({ "root": "test" }))), ["sandbox.root"]);
    assert_eq!(refused(&with(&json!({ "network": "some" }))), ["sandbox.network"]);
    assert_eq!(refused(&with(&json!({ "more": 1 }))), ["sandbox.more"]);
    let calls = json!({ "system_calls": ["read", "frobnicate"] });
    assert_eq!(refused(&with(&calls)), ["sandbox.system_calls.1"]);
    let mut without = with(&json!({}));
    without.as_object_mut().expect("it is an object").remove("sandbox");
    assert_eq!(refused(&without), ["sandbox"]);
    let mut other = with(&json!({}));
    other["isolation"] = "process".into();
    assert_eq!(refused(&other), ["sandbox"]);

    // A root that is not there is found out when it is started.
    register(&boxed("rootless", &json!(["sleep"]), &json!({ "root": "/nowhere" })));
    start("rootless");
    let detail = wait::until("it to fail", || {
        let status = status("rootless");
        status.detail.filter(|_| status.state == ServiceState::Failed)
    });
    assert!(detail.contains("root"), "{detail}");
}

#[test]
fn a_service_acts_for_its_user() {
    // proves: X2
    let put = |path: &str, content: &str| {
        let request = guest().request("PUT", &format!("/api/v1/files{path}"));
        let answer = request.body(content.as_bytes()).send();
        assert!(answer.status < 300, "{}", answer.text());
    };
    put("/etc/passwd", "root:x:0:0::/:/bin/sh\nwww:x:33:34::/:/bin/false\n");
    put("/etc/group", "root:x:0:\nweb:x:34:\nlogs:x:40:www\n");
    register(&json!({ "name": "root-s", "program": "/bin/sleep", "args": ["1000"] }));
    let other = wait::until("it to run", || processes("root-s").first().map(|process| process.pid));
    let script = format!("id -u; id -g; id -G; echo x > /etc/passwd; kill -0 {other}; echo end");
    register(&json!({ "name": "as-www", "program": "/bin/sh", "args": ["-c", script],
        "user": "www", "enabled": false, "restart": { "policy": "never" } }));
    start("as-www");
    let said = output("as-www");
    assert!(said.starts_with("33\n34\n34 40\n"), "{said}");
    assert!(said.contains("Permission denied") && said.contains("not permitted"), "{said}");
    assert!(said.ends_with("end\n"), "{said}");

    register(&json!({ "name": "as-nobody-known", "program": "/bin/true", "user": "stranger",
        "enabled": false, "restart": { "policy": "never" } }));
    start("as-nobody-known");
    let detail = wait::until("it to fail", || {
        let status = status("as-nobody-known");
        status.detail.filter(|_| status.state == ServiceState::Failed)
    });
    assert!(detail.contains("stranger"), "{detail}");
}

//! Services as an operator deals with them: registered, started, watched.

use std::time::Duration;

use admin_api::types::{
    Event, Exit, HealthRecord, Operation, OperationState, Page, Problem, Process, ProcessOutput,
    Service, ServiceExplanation, ServiceHealth, ServiceLine, ServiceState, ServiceStatus,
};
use serde_json::{Value, json};

use crate::{Answer, Guest, wait};

/// A program that does nothing and never ends.
pub const IDLE: &str = "while true; do sleep 60; done";

/// Registers a service.
///
/// # Panics
/// When it is refused.
pub fn register(guest: &Guest, document: &Value) -> Service {
    let answer = guest.request("POST", "/api/v1/services").json(document).send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

/// A script as a service that is not enabled, so that the test starts it.
#[must_use]
pub fn shell(name: &str, script: &str) -> Value {
    json!({ "name": name, "program": "/bin/sh", "args": ["-c", script], "enabled": false })
}

/// A document with more fields.
#[must_use]
pub fn with(mut document: Value, more: &Value) -> Value {
    let (Some(document_fields), Some(more)) = (document.as_object_mut(), more.as_object()) else {
        return document;
    };
    document_fields.extend(more.clone());
    document
}

/// Asks for something and waits until it is done, or has failed.
///
/// # Panics
/// When it is refused.
pub fn act(guest: &Guest, name: &str, what: &str) -> Operation {
    let path = format!("/api/v1/services/{name}/{what}?wait=true&timeout_ms=60000");
    let answer = guest.request("POST", &path).limit(Duration::from_secs(70)).send();
    assert_eq!(answer.status, 200, "{what} {name}: {}", answer.text());
    answer.json()
}

/// Asks for something and waits until it has failed: why.
///
/// # Panics
/// When it succeeds.
#[must_use]
pub fn fails(guest: &Guest, name: &str, what: &str) -> Problem {
    let path = format!("/api/v1/services/{name}/{what}?wait=true&timeout_ms=60000");
    let answer = guest.request("POST", &path).limit(Duration::from_secs(70)).send();
    assert!(answer.status >= 400, "{what} {name}: {}", answer.text());
    answer.json()
}

/// Asks for something without waiting for it.
///
/// # Panics
/// When it is refused.
pub fn begin(guest: &Guest, name: &str, what: &str) {
    let answer = guest.request("POST", &format!("/api/v1/services/{name}/{what}")).send();
    assert_eq!(answer.status, 202, "{what} {name}: {}", answer.text());
}

/// Starts a service.
///
/// # Panics
/// When that does not succeed.
pub fn start(guest: &Guest, name: &str) {
    let operation = act(guest, name, "start");
    assert_eq!(operation.state, OperationState::Succeeded, "{operation:?}");
}

/// Stops a service.
///
/// # Panics
/// When that does not succeed.
pub fn stop(guest: &Guest, name: &str) {
    let operation = act(guest, name, "stop");
    assert_eq!(operation.state, OperationState::Succeeded, "{operation:?}");
}

/// How a service is.
///
/// # Panics
/// When there is none of this name.
#[must_use]
pub fn status(guest: &Guest, name: &str) -> ServiceStatus {
    let service: Service = guest.read(&format!("/api/v1/services/{name}"));
    service.status.expect("GET adds the status")
}

/// The main process of a service's first instance.
///
/// # Panics
/// When it does not run.
#[must_use]
pub fn main_process(guest: &Guest, name: &str) -> u32 {
    status(guest, name).instances[0].pid.expect("it runs")
}

/// The main process that has taken another one's place, when it is ready.
///
/// # Panics
/// When there is none in time.
pub fn successor(guest: &Guest, name: &str, of: u32) -> u32 {
    wait::until(&format!("another process of {name}"), || {
        let status = status(guest, name);
        let instance = status.instances.first().filter(|one| one.ready)?;
        instance.pid.filter(|pid| *pid != of)
    })
}

/// Waits until a service is in a state.
///
/// # Panics
/// When it does not come to be.
pub fn await_state(guest: &Guest, name: &str, state: ServiceState) -> ServiceStatus {
    wait::until_within(Duration::from_secs(60), &format!("{name} to be {state}"), || {
        Some(status(guest, name)).filter(|status| status.state == state)
    })
}

/// Ends a process by SIGKILL.
///
/// # Panics
/// When that is refused.
pub fn kill(guest: &Guest, pid: u32) {
    let answer = guest.request("DELETE", &format!("/api/v1/processes/{pid}?mode=force")).send();
    assert!(answer.status < 300, "{}", answer.text());
}

/// Sends a signal to a process.
///
/// # Panics
/// When that is refused.
pub fn signal(guest: &Guest, pid: u32, name: &str) {
    let path = format!("/api/v1/processes/{pid}/signals");
    let answer = guest.request("POST", &path).json(&json!({ "signal": name })).send();
    assert!(answer.status < 300, "{}", answer.text());
}

/// Writes a file.
///
/// # Panics
/// When that is refused.
pub fn write(guest: &Guest, path: &str, text: &str) {
    let answer = guest.request("PUT", &format!("/api/v1/files{path}")).body(text.as_bytes()).send();
    assert!(answer.status < 300, "{path}: {}", answer.text());
}

/// Removes a file.
///
/// # Panics
/// When that is refused.
pub fn remove(guest: &Guest, path: &str) {
    let answer = guest.request("DELETE", &format!("/api/v1/files{path}")).send();
    assert!(answer.status < 300, "{path}: {}", answer.text());
}

/// What a service has written.
#[must_use]
pub fn lines(guest: &Guest, name: &str) -> Vec<ServiceLine> {
    let page: Page<ServiceLine> = guest.read(&format!("/api/v1/services/{name}/output?limit=1000"));
    page.items
}

/// Whether it has written this.
#[must_use]
pub fn says(guest: &Guest, name: &str, text: &str) -> bool {
    lines(guest, name).iter().any(|line| line.text.contains(text))
}

/// Why a service is as it is.
#[must_use]
pub fn explain(guest: &Guest, name: &str) -> ServiceExplanation {
    guest.read(&format!("/api/v1/services/{name}/explain"))
}

/// The last checks of a service, the newest first.
#[must_use]
pub fn checks(guest: &Guest, name: &str) -> Vec<HealthRecord> {
    let health: ServiceHealth = guest.read(&format!("/api/v1/services/{name}/health"));
    health.history
}

/// All events that are kept, from the first one on.
#[must_use]
pub fn events(guest: &Guest) -> Vec<Event> {
    let answer = guest.request("GET", "/api/v1/events").header("Last-Event-ID: 0");
    let answer = answer.option(&["--max-time", "2"]).limit(Duration::from_secs(4)).send();
    let text = answer.text();
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.filter_map(|data| serde_json::from_str(data.trim()).ok()).collect()
}

/// Runs a program to its end: what it wrote, and how it ended.
///
/// # Panics
/// When it cannot be started, or does not end.
pub fn run(guest: &Guest, request: &Value) -> (String, Exit) {
    let answer: Answer = guest.request("POST", "/api/v1/processes").json(request).send();
    assert_eq!(answer.status, 201, "{request}: {}", answer.text());
    let pid = answer.json::<Process>().pid;
    let exit = wait::until("a process's end", || {
        guest.read::<Process>(&format!("/api/v1/processes/{pid}")).exit
    });
    let output: ProcessOutput =
        guest.read(&format!("/api/v1/processes/{pid}/output?max_bytes=65536"));
    (output.text, exit)
}

//! What operators are told of services: by whom they were ended, what they say of themselves, what they
//! lost, and in which order.

use admin_api::types::{
    Event, EventKind, InstanceState, Operation, OperationState, ServicePlan, ServiceState,
    StepAction, StepState,
};
use end_to_end::services::{
    IDLE, act, await_state, begin, events, explain, kill, register, says, shell, start, status,
    with,
};
use end_to_end::{Guest, wait};
use serde_json::json;

fn guest() -> &'static Guest {
    Guest::shared("service-words")
}

/// proves: P10
#[test]
fn who_ended_a_service_in_an_emergency_is_told_with_what_to_do() {
    let guest = guest();
    register(guest, &shell("engine", IDLE));
    let needs = json!({ "dependencies": [{ "service": "engine" }] });
    register(guest, &with(shell("train", IDLE), &needs));
    let members = json!({ "name": "railway", "kind": "group", "enabled": false,
                          "group": { "members": ["train"] } });
    register(guest, &members);
    start(guest, "railway");
    let body = json!({ "scope": "service", "service": "engine" });
    let answer = guest.request("POST", "/api/v1/emergency/terminate").json(&body).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    await_state(guest, "railway", ServiceState::Disabled);
    let ended = await_state(guest, "engine", ServiceState::Disabled).detail.expect("why");
    assert!(ended.starts_with("it was ended by "), "{ended:?}");
    assert!(ended.ends_with(" in an emergency. Find out what led to that, and start it."));
    let stopped = status(guest, "train").detail.expect("why");
    assert!(stopped.contains(", because engine was ended in an emergency. "), "{stopped:?}");
    assert!(explain(guest, "engine").advice[0].ends_with("and start it."));
    start(guest, "railway");
    assert_eq!(status(guest, "engine").detail, None, "that is over");

    // A group is an emergency of its members, who are given no time.
    let more = json!({ "stop": { "grace_ms": 60_000 } });
    register(guest, &with(shell("deaf", &format!("trap '' TERM; {IDLE}")), &more));
    let group = json!({ "name": "deaf-ones", "kind": "group", "enabled": false,
                        "group": { "members": ["deaf"] } });
    register(guest, &group);
    start(guest, "deaf-ones");
    let body = json!({ "scope": "service", "service": "deaf-ones" });
    let answer = guest.request("POST", "/api/v1/emergency/terminate").json(&body).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    await_state(guest, "deaf", ServiceState::Disabled);
    await_state(guest, "deaf-ones", ServiceState::Disabled);
    act(guest, "railway", "stop");
    act(guest, "engine", "stop");
}

/// proves: S7
#[test]
fn a_group_stops_until_its_last_member_has_and_tells_of_that_before_the_operation() {
    let guest = guest();
    // One ends at once, the other when a file is there.
    register(guest, &shell("quick", IDLE));
    let slow = "trap 'while ! test -e /tmp/may-end; do sleep 0.05; done; exit 0' TERM; \
                echo armed; while true; do sleep 0.05; done";
    register(guest, &with(shell("dawdler", slow), &json!({ "stop": { "grace_ms": 60_000 } })));
    let group = json!({ "name": "couple", "kind": "group", "enabled": false,
                        "group": { "members": ["quick", "dawdler"] } });
    register(guest, &group);
    let started = act(guest, "couple", "start");
    assert_eq!(started.state, OperationState::Succeeded);
    wait::until("the trap", || says(guest, "dawdler", "armed").then_some(()));
    begin(guest, "couple", "stop");
    await_state(guest, "quick", ServiceState::Disabled);
    let stopping = status(guest, "couple");
    assert_eq!(stopping.state, ServiceState::Stopping, "{:#?}", events(guest));
    let id = stopping.operation.expect("it is under way");
    let operation: Operation = guest.read(&format!("/api/v1/operations/{id}"));
    let states: Vec<_> = operation.steps.iter().map(|step| (&*step.service, step.state)).collect();
    assert!(states.contains(&("dawdler", StepState::Running)), "{states:?}");
    assert!(states.contains(&("quick", StepState::Done)), "{states:?}");
    end_to_end::services::write(guest, "/tmp/may-end", "");
    await_state(guest, "couple", ServiceState::Disabled);

    let events = events(guest);
    let place = |text: &str| {
        let is_it = |event: &Event| event.message.as_str() == text;
        events.iter().position(is_it).unwrap_or_else(|| panic!("{text:?} is not in {events:#?}"))
    };
    let done = |id: u64| place(&format!("operation {id} on couple is done"));
    assert!(place("couple: starting -> running") < done(started.id));
    assert!(place("dawdler/0 exited with code 0") < place("couple: stopping -> disabled"));
    assert!(place("couple: stopping -> disabled") < done(id));
}

/// proves: S3
#[test]
fn a_process_that_is_lost_to_the_quota_is_told_of_its_service() {
    let guest = guest();
    let leak = "(x=0123456789abcdef; while true; do x=$x$x; done)";
    let limits = json!({ "limits": { "memory_bytes": 8_388_608 },
                         "restart": { "policy": "never" } });
    register(guest, &with(shell("survivor", &format!("{leak}; echo went on; {IDLE}")), &limits));
    start(guest, "survivor");
    wait::until("its child's end", || says(guest, "survivor", "went on").then_some(()));
    let told = "runs, but a process of it was ended at the memory quota of 8 MiB";
    let detail = wait::until("what is told", || status(guest, "survivor").detail);
    assert_eq!(detail.as_str(), format!("it {told}"));
    let explained = explain(guest, "survivor");
    assert_eq!(explained.summary.as_str(), format!("survivor {told}."));
    assert!(explained.advice[0].contains("limits.memory_bytes"), "{explained:?}");
    assert!(says(guest, "survivor", "reached its memory quota of 8 MiB and was ended"));
    assert_eq!(status(guest, "survivor").last_exit, None, "it has not ended");
    act(guest, "survivor", "stop");

    // One that ends because of it tells both.
    register(guest, &with(shell("mourner", &format!("{leak}; exit 9")), &limits));
    begin(guest, "mourner", "start");
    let failed = await_state(guest, "mourner", ServiceState::Failed);
    let why = "exited with code 9 (a process of it was ended at the memory quota of 8 MiB)";
    assert_eq!(failed.last_exit_reason.as_deref(), Some(why));
    assert_eq!(failed.instances[0].last_exit_reason.as_deref(), Some(why));
    assert_eq!(failed.detail.as_deref(), Some(format!("it {why}").as_str()));
}

/// proves: S1
#[test]
fn a_start_of_one_that_runs_plans_the_instance_that_does_not() {
    let guest = guest();
    let more = json!({ "instances": 2, "restart": { "policy": "never" } });
    register(guest, &with(shell("twins", IDLE), &more));
    start(guest, "twins");
    kill(guest, status(guest, "twins").instances[1].pid.expect("it runs"));
    wait::until("its end", || {
        (status(guest, "twins").instances[1].state == InstanceState::Failed).then_some(())
    });
    let half = status(guest, "twins");
    assert_eq!(half.state, ServiceState::Running);
    assert_eq!(half.detail.as_deref(), Some("it runs, but only 1 of 2 instances is ready"));
    let plan = guest.request("POST", "/api/v1/services/twins/start?dry_run=true").send();
    let plan: ServicePlan = plan.json();
    let steps: Vec<_> = plan.steps.iter().map(|step| (step.action, &*step.reason)).collect();
    assert_eq!(steps, [(StepAction::Start, "instance 1 does not run any more")]);
    start(guest, "twins");
    assert_eq!(status(guest, "twins").ready_instances, 2);
    let is_end = |event: &Event| event.kind == EventKind::OperationEnded;
    assert!(events(guest).iter().any(is_end));
    act(guest, "twins", "stop");
}

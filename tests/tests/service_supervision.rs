//! Members of groups, restarts by policy, and the end of everything that a service has started.

#![expect(clippy::expect_used, reason = "a test that can't go on panics")]

use std::time::{Duration, Instant};

use admin_api::types::{EmergencyResult, OperationState, ServiceState, SupervisionStrategy};
use end_to_end::services::{
    IDLE, act, await_state, begin, explain, kill, main_process, register, says, shell, start,
    status, stop, successor, with,
};
use end_to_end::{Guest, wait};
use serde_json::{Value, json};

fn guest() -> &'static Guest {
    Guest::shared("service-supervision")
}

/// Processes of a service, by the API's list.
fn processes(name: &str) -> u64 {
    let all: Value = guest().read(&format!("/api/v1/processes?service={name}"));
    all["total"].as_u64().expect("a list has a total")
}

/// A group of three services; which have another process after the second one was killed.
fn restarted(strategy: SupervisionStrategy) -> Vec<bool> {
    let guest = guest();
    let group = strategy.name().replace('_', "-");
    let members = ["a", "b", "c"].map(|letter| format!("{group}-{letter}"));
    for member in &members {
        let more = json!({ "restart": { "delay_ms": 50 } });
        register(guest, &with(shell(member, IDLE), &more));
    }
    let document = json!({ "name": group, "kind": "group", "enabled": false,
                           "group": { "strategy": strategy, "members": members } });
    register(guest, &document);
    start(guest, &group);
    assert_eq!(status(guest, &group).state, ServiceState::Running);
    let before = members.each_ref().map(|member| main_process(guest, member));
    kill(guest, before[1]);
    successor(guest, &members[1], before[1]);
    // Whoever is started again with it has been asked to end before that.
    let now = || members.each_ref().map(|member| status(guest, member).instances[0].pid);
    wait::until("all members to run", || {
        let is_settled = members.iter().all(|member| {
            let status = status(guest, member);
            status.state == ServiceState::Running && status.instances[0].ready
        });
        is_settled.then_some(())
    });
    let after = now();
    assert_eq!(status(guest, &members[1]).restarts, 1);
    stop(guest, &group);
    assert!(members.iter().all(|member| processes(member) == 0), "a group stops its members");
    before.iter().zip(after).map(|(before, after)| after != Some(*before)).collect()
}

/// proves: S4, S7
#[test]
fn a_member_that_fails_takes_with_it_whom_the_strategy_says() {
    assert_eq!(restarted(SupervisionStrategy::OneForOne), [false, true, false]);
    assert_eq!(restarted(SupervisionStrategy::OneForAll), [true, true, true]);
    assert_eq!(restarted(SupervisionStrategy::RestForOne), [false, true, true]);
}

/// Starts a service whose program ends as `script` says; the state that it comes to, and how often it
/// was started again.
fn outcome(name: &str, script: &str, restart: &Value) -> (ServiceState, u64) {
    let guest = guest();
    register(guest, &with(shell(name, script), &json!({ "restart": restart })));
    begin(guest, name, "start");
    let end = wait::until(&format!("{name} to come to rest"), || {
        let status = status(guest, name);
        let is_over = matches!(status.state, ServiceState::Failed | ServiceState::Disabled);
        (is_over && status.last_exit_at.is_some()).then_some(status)
    });
    (end.state, end.restarts)
}

/// proves: S4
#[test]
fn each_policy_restarts_what_it_says_and_no_more_than_allowed() {
    use ServiceState::{Disabled, Failed};
    let rule = |policy: &str| json!({ "policy": policy, "delay_ms": 20, "max_restarts": 2, "window_ms": 60000 });
    let well = "exit 0";
    let badly = "exit 4";
    let abnormally = "kill -9 $$";
    let cases = [
        ("always", well, (Failed, 2)),
        ("always", badly, (Failed, 2)),
        ("on_failure", well, (Disabled, 0)),
        ("on_failure", badly, (Failed, 2)),
        ("on_failure", abnormally, (Failed, 2)),
        ("on_abnormal", badly, (Failed, 0)),
        ("on_abnormal", abnormally, (Failed, 2)),
        ("never", well, (Disabled, 0)),
        ("never", abnormally, (Failed, 0)),
    ];
    for (index, (policy, script, expected)) in cases.into_iter().enumerate() {
        let name = format!("policy-{index}");
        assert_eq!(outcome(&name, script, &rule(policy)), expected, "{policy} {script}");
    }
    let codes = with(rule("on_failure"), &json!({ "success_codes": [0, 4] }));
    assert_eq!(outcome("policy-codes", badly, &codes), (Disabled, 0));

    // Each part of the failure is told, and a start by hand is a new beginning.
    let explained = explain(guest(), "policy-3");
    let summary = "policy-3 exited with code 4, after 2 restarts within 60 s.";
    assert_eq!(&*explained.summary, summary);
    assert!(explained.advice[0].contains("new count of restarts"), "{explained:?}");
    begin(guest(), "policy-3", "start");
    wait::until("it to be restarted as often again", || {
        (status(guest(), "policy-3").restarts == 4).then_some(())
    });
    await_state(guest(), "policy-3", Failed);
}

/// proves: S4
#[test]
fn restarts_wait_longer_and_longer() {
    let restart = json!({ "delay_ms": 200, "max_delay_ms": 10000, "max_restarts": 3 });
    let began = Instant::now();
    let (state, restarts) = outcome("backing-off", "exit 1", &restart);
    assert_eq!((state, restarts), (ServiceState::Failed, 3));
    let took = began.elapsed();
    // 200, 400 and 800 ms, and chance adds to them only.
    assert!(took >= Duration::from_millis(1400), "only {took:?}");
}

/// proves: P8
#[test]
fn daemons_that_left_and_ignore_signals_are_ended_with_their_service() {
    let guest = guest();
    // Twice forked, in a session of its own, its parent gone, deaf to the signal that asks.
    let daemon = "(setsid sh -c \"trap '' TERM HUP; echo daemon; while true; do sleep 1; done\" &)";
    let more = json!({ "stop": { "grace_ms": 400 } });
    register(guest, &with(shell("fathers", &format!("{daemon}; {daemon}; {IDLE}")), &more));
    start(guest, "fathers");
    wait::until("the daemons to run", || {
        (says(guest, "fathers", "daemon") && processes("fathers") >= 5).then_some(())
    });
    let operation = act(guest, "fathers", "stop");
    assert_eq!(operation.state, OperationState::Succeeded, "{operation:?}");
    assert_eq!((processes("fathers"), status(guest, "fathers").usage.processes), (0, 0));

    // Where the main process ends by itself, what it has left behind ends, too.
    let never = json!({ "restart": { "policy": "never" } });
    let script = format!("{daemon}; sleep 0.5; exit 0");
    register(guest, &with(shell("leaving", &script), &never));
    start(guest, "leaving");
    await_state(guest, "leaving", ServiceState::Disabled);
    assert_eq!(processes("leaving"), 0);
    assert!(says(guest, "leaving", "daemon"));
}

/// proves: P8, P10
#[test]
fn an_emergency_ends_one_service_and_nothing_else() {
    let guest = guest();
    register(guest, &shell("neighbour", IDLE));
    start(guest, "neighbour");
    // It forks without end, hears nothing, and would be started again.
    let script = "trap '' TERM; while true; do sleep 100 & sleep 0.05; done";
    let more = json!({ "restart": { "policy": "always", "delay_ms": 20, "max_restarts": 1000 },
                       "limits": { "processes": 200 }, "instances": 2 });
    register(guest, &with(shell("rampant", script), &more));
    start(guest, "rampant");
    // Of those that are counted here, each of the two may have one that ends at once, and one to come.
    wait::until("it to have forked", || (processes("rampant") >= 24).then_some(()));
    let neighbour = main_process(guest, "neighbour");
    let request = guest.request("POST", "/api/v1/emergency/terminate");
    let body = json!({ "scope": "service", "service": "rampant" });
    let began = Instant::now();
    let answer = request.json(&body).send();
    assert!(began.elapsed() < Duration::from_secs(11), "{:?}", began.elapsed());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let result: EmergencyResult = answer.json();
    assert!(result.ended >= 20 && result.remaining == 0, "{result:?}");
    assert_eq!(processes("rampant"), 0);
    await_state(guest, "rampant", ServiceState::Disabled);
    assert_eq!(main_process(guest, "neighbour"), neighbour);
    // It is over: who starts it again gets it again.
    start(guest, "rampant");
    stop(guest, "rampant");
    stop(guest, "neighbour");
    let missing = json!({ "scope": "service", "service": "nowhere" });
    let answer = guest.request("POST", "/api/v1/emergency/terminate").json(&missing).send();
    assert_eq!(answer.status, 404, "{}", answer.text());
}

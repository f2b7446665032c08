//! An operator gets rid of processes that are hard to get rid of, one by one and all together.

use admin_api::types::{EmergencyResult, Exit, Process, ProcessOutput, ProcessState};
use end_to_end::{Guest, Setup, wait};
use serde_json::{Value, json};

fn start(guest: &Guest, body: &Value) -> u32 {
    let answer = guest.request("POST", "/api/v1/processes").json(body).send();
    assert_eq!(answer.status, 201, "{body}: {}", answer.text());
    answer.json::<Process>().pid
}

fn process(guest: &Guest, pid: u32) -> Process {
    guest.read(&format!("/api/v1/processes/{pid}"))
}

/// Starts a process that gets stuck in this way, and waits until it is.
fn stuck(guest: &Guest, how: &str) -> u32 {
    let pid = start(guest, &json!({"program": "/test/stuck", "args": [how]}));
    wait::until(how, || {
        let path = format!("/api/v1/processes/{pid}/output");
        let is_ready = guest.read::<ProcessOutput>(&path).text.starts_with("ready");
        let state = process(guest, pid).state;
        let is_there = match how {
            "stopped" => state == ProcessState::Suspended,
            "spin" | "group" | "storm" => true,
            _ => state == ProcessState::Blocked,
        };
        (is_ready && is_there).then_some(())
    });
    pid
}

fn end(guest: &Guest, request: &Value) -> EmergencyResult {
    let answer = guest.request("POST", "/api/v1/emergency/terminate").json(request).send();
    assert_eq!(answer.status, 200, "{request}: {}", answer.text());
    answer.json()
}

const WAYS: [&str; 11] = [
    "stopped", "masked", "spin", "vfork", "zombie", "futex", "inherit", "lock", "fifo", "group",
    "storm",
];

#[test]
fn a_process_ends_in_an_emergency_whatever_it_does() {
    // proves: P10
    let guest = Guest::boot(&Setup::named("emergency"));
    let end_one = |pid: u32, what: &str| {
        let result = end(&guest, &json!({"scope": "process", "pid": pid}));
        assert_eq!((result.ended, result.remaining), (1, 0), "{what}: {result:?}");
        let exit = wait::until("its end", || process(&guest, pid).exit);
        assert!(matches!(exit, Exit::Signal { .. }), "{what}: {exit:?}");
    };
    for how in WAYS {
        end_one(stuck(&guest, how), how);
    }
    // Those that wait because of a limit.
    let copy = json!({
        "program": "/bin/dd", "args": ["if=/dev/zero", "of=/dev/null"],
        "limits": {"read_bytes_per_second": 1},
    });
    let slow = json!({
        "program": "/test/probe", "args": ["spin"],
        "limits": {"cpu_percent": 1}, "priority": "idle",
    });
    for body in [copy, slow] {
        end_one(start(&guest, &body), "a limit");
    }
    let held = start(&guest, &json!({"program": "/bin/sleep", "args": ["1000"]}));
    let path = format!("/api/v1/processes/{held}/suspend");
    assert_eq!(guest.request("POST", &path).send().status / 100, 2);
    end_one(held, "a suspended one");

    // A zombie is taken away; its parent goes on.
    let parent = stuck(&guest, "zombie");
    let children = format!("/api/v1/processes/{parent}/children");
    let zombie = guest.read::<Value>(&children)["items"][0]["pid"].as_u64().expect("a child");
    let result = end(&guest, &json!({"scope": "process", "pid": zombie}));
    assert_eq!((result.ended, result.remaining), (0, 0), "{result:?}");
    assert_eq!(process(&guest, parent).state, ProcessState::Blocked);

    // All at once, what the others have left behind among them.
    for how in WAYS {
        stuck(&guest, how);
    }
    let result = end(&guest, &json!({"scope": "all"}));
    assert!(result.ended >= WAYS.len() as u64, "{result:?}");
    assert_eq!(result.remaining, 0, "{result:?}");
    guest.assert_healthy();
}

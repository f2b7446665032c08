//! A small machine whose memory is used up by processes: who asks for more is told so, nobody who is
//! there is hurt, and when they are gone everything is as before.

use admin_api::types::{Exit, Memory, Page, Process};
use end_to_end::{Answer, Guest, Setup, wait};
use serde_json::json;

/// More than fit into the machine.
const MANY: usize = 4000;

fn create(guest: &Guest) -> Answer {
    let body = json!({"program": "/bin/sleep", "args": ["100000"], "name": "filler"});
    guest.request("POST", "/api/v1/processes").json(&body).send()
}

fn memory(guest: &Guest) -> Memory {
    guest.read("/api/v1/memory")
}

/// The pids of all fillers, page by page.
fn fillers(guest: &Guest) -> Vec<u32> {
    let mut pids = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/processes?name=filler&limit=500{cursor}");
        let page: Page<Process> = guest.read(&path);
        let alive = page.items.iter().filter(|process| process.exit.is_none());
        pids.extend(alive.map(|process| process.pid));
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return pids,
        }
    }
}

#[test]
fn processes_until_memory_is_used_up_and_after() {
    let mut setup = Setup::named("exhaustion");
    setup.memory_mib = 64;
    let guest = Guest::boot(&setup);
    // What the first one needs for all is there by then.
    let witness = create(&guest).json::<Process>().pid;
    let before = memory(&guest);

    let mut made = vec![witness];
    let refusal = (0..MANY).find_map(|_| {
        let answer = create(&guest);
        if answer.status == 201 {
            made.push(answer.json::<Process>().pid);
            return None;
        }
        Some(answer)
    });
    let refusal = refusal.expect("4000 processes don't fit into 64 MiB");
    assert!(made.len() > 100, "{} processes, then {}", made.len(), refusal.text());
    refusal.assert_problem(503, "resource_exhausted");

    // The API answers as ever, and nobody is lost: who does not sleep was ended for want of memory,
    // as Linux does, and the log says so of each.
    guest.assert_healthy();
    let alive = fillers(&guest);
    let ended: Vec<u32> = made.iter().copied().filter(|pid| !alive.contains(pid)).collect();
    let serial = guest.serial();
    for pid in &ended {
        let line = format!("no memory is left: process {pid} ends");
        assert!(serial.contains(&line), "process {pid} is gone:\n{}", guest.serial_end());
    }
    assert!(alive.iter().all(|pid| made.contains(pid)), "a refused process lives");
    assert!(ended.len() * 4 < made.len(), "{} of {} were ended", ended.len(), made.len());

    for pid in &alive {
        let answer = guest.request("DELETE", &format!("/api/v1/processes/{pid}?mode=force")).send();
        // One more may just have been ended.
        assert!([200, 202, 204, 409].contains(&answer.status), "{}", answer.text());
    }
    wait::until("all of them to end", || fillers(&guest).is_empty().then_some(()));
    // What ended is remembered for a while; an address space each would be many megabytes.
    let back = || memory(&guest).used_bytes < before.used_bytes + (6 << 20);
    assert!(wait::holds(back), "{} bytes before, {:?}", before.used_bytes, memory(&guest));

    let body = json!({"program": "/bin/echo", "args": ["still", "here"]});
    let echo = guest.request("POST", "/api/v1/processes").json(&body).send();
    assert_eq!(echo.status, 201, "{}", echo.text());
    let pid = echo.json::<Process>().pid;
    let exit = wait::until("a new process to end", || {
        guest.read::<Process>(&format!("/api/v1/processes/{pid}")).exit
    });
    assert_eq!(exit, Exit::Code(0));
    guest.assert_healthy();
}

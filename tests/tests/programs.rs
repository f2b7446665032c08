//! Real programs: started, watched, suspended, resumed, changed and killed through the API.

use admin_api::types::{Exit, Priority, Process, ProcessOutput, ProcessState, System};
use end_to_end::{Answer, Guest, wait};
use serde_json::{Value, json};

fn guest() -> &'static Guest {
    Guest::shared("programs")
}

fn create(body: &Value) -> Process {
    let answer = guest().request("POST", "/api/v1/processes").json(body).send();
    assert_eq!(answer.status, 201, "{body}: {}", answer.text());
    let process: Process = answer.json();
    let location = format!("/api/v1/processes/{}", process.pid);
    assert_eq!(answer.header("location"), Some(location.as_str()));
    process
}

fn process(pid: u32) -> Process {
    guest().read(&format!("/api/v1/processes/{pid}"))
}

fn post(pid: u32, what: &str) -> Answer {
    guest().request("POST", &format!("/api/v1/processes/{pid}/{what}")).send()
}

fn delete(pid: u32, query: &str) -> Answer {
    guest().request("DELETE", &format!("/api/v1/processes/{pid}{query}")).send()
}

fn await_exit(pid: u32) -> Exit {
    wait::until("a process's end", || process(pid).exit)
}

fn cpu_ns(pid: u32) -> u64 {
    process(pid).usage.cpu.total_ns
}

fn output(pid: u32) -> ProcessOutput {
    guest().read(&format!("/api/v1/processes/{pid}/output?max_bytes=65536"))
}

#[test]
fn programs_exit_with_their_code() {
    // proves: P7
    for (program, code) in [("/bin/true", 0), ("/bin/false", 1)] {
        let pid = create(&json!({"program": program})).pid;
        assert_eq!(await_exit(pid), Exit::Code(code), "{program}");
        let gone = process(pid);
        assert!(gone.ended_at.is_some());
        // An operator can still ask why it died.
        assert!(matches!(gone.state, ProcessState::Zombie | ProcessState::Defunct), "{gone:?}");
    }
}

#[test]
fn output_is_captured() {
    let pid = create(&json!({"program": "/bin/echo", "args": ["hello", "MultiOS"]})).pid;
    assert_eq!(await_exit(pid), Exit::Code(0));
    let output = output(pid);
    assert_eq!(output.text, "hello MultiOS\n");
    assert!(output.ended);
    let rest: ProcessOutput =
        guest().read(&format!("/api/v1/processes/{pid}/output?offset=6&max_bytes=5"));
    assert_eq!((rest.text.as_str(), rest.next_offset), ("Multi", 11));
}

#[test]
fn cat_shows_a_file_of_the_image() {
    let pid = create(&json!({"program": "/bin/cat", "args": ["/etc/hostname"]})).pid;
    assert_eq!(await_exit(pid), Exit::Code(0));
    assert_eq!(output(pid).text, "multios\n");
}

#[test]
fn a_sleeper_blocks_and_costs_nothing() {
    // proves: P2, P4
    let pid = create(&json!({"program": "/bin/sleep", "args": ["1000"], "name": "sleeper"})).pid;
    // Not only blocked: on its way there it may wait for a moment for something else.
    let sleeper = wait::until("the sleeper to sleep", || {
        let process = process(pid);
        (process.state_detail.as_deref() == Some("sleep")).then_some(process)
    });
    assert_eq!(sleeper.state, ProcessState::Blocked);
    assert_eq!(sleeper.name.as_str(), "sleeper");
    assert!(sleeper.usage.memory.current_bytes > 0);
    let listed: admin_api::types::Page<Process> = guest().read("/api/v1/processes?name=sleeper");
    assert!(listed.items.iter().any(|process| process.pid == pid));
    let before = cpu_ns(pid);
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(cpu_ns(pid), before, "a sleeping process gets no CPU time");
    assert_eq!(delete(pid, "?mode=force").status / 100, 2);
    assert!(matches!(await_exit(pid), Exit::Signal { .. }));
}

#[test]
fn a_busy_process_gets_cpu_time_until_it_is_suspended() {
    // proves: P2, P7
    let pid = create(&json!({"program": "/bin/yes"})).pid;
    let start = cpu_ns(pid);
    wait::until("CPU time to be counted", || (cpu_ns(pid) > start + 20_000_000).then_some(()));

    assert_eq!(post(pid, "suspend").status / 100, 2);
    let suspended = wait::until("suspension", || {
        let process = process(pid);
        (process.state == ProcessState::Suspended).then_some(process)
    });
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(cpu_ns(pid), suspended.usage.cpu.total_ns, "a suspended process gets none");
    post(pid, "suspend").assert_problem(409, "invalid_state");

    assert_eq!(post(pid, "resume").status / 100, 2);
    let then = suspended.usage.cpu.total_ns;
    wait::until("it to go on", || (cpu_ns(pid) > then + 20_000_000).then_some(()));
    post(pid, "resume").assert_problem(409, "invalid_state");

    assert_eq!(delete(pid, "").status / 100, 2);
    assert!(matches!(await_exit(pid), Exit::Signal { .. } | Exit::Code(_)));
    delete(pid, "").assert_problem(409, "invalid_state");
}

#[test]
fn signals_end_a_process_by_their_name() {
    // proves: P6
    let pid = create(&json!({"program": "/bin/sleep", "args": ["1000"]})).pid;
    let path = format!("/api/v1/processes/{pid}/signals");
    let send = |signal: &Value| guest().request("POST", &path).json(signal).send();
    send(&json!({"signal": "SIGNOTHING"})).assert_problem(422, "invalid_field");
    assert_eq!(send(&json!({"signal": "SIGUSR1"})).status / 100, 2);
    let Exit::Signal { signal, .. } = await_exit(pid) else { panic!("not ended by a signal") };
    assert_eq!(signal.name(), "SIGUSR1");
}

#[test]
fn priority_class_and_affinity_change_while_it_runs() {
    // proves: P3
    let pid = create(&json!({"program": "/bin/yes"})).pid;
    let path = format!("/api/v1/processes/{pid}");
    let etag = guest().get(&path).header("etag").expect("an ETag").to_owned();
    let patch = json!({"priority": "low", "class": "background", "affinity": [1]});
    let change = |tag: &str| {
        guest().request("PATCH", &path).header(&format!("If-Match: {tag}")).json(&patch).send()
    };
    let changed = change(&etag);
    assert_eq!(changed.status, 200, "{}", changed.text());
    change(&etag).assert_problem(412, "stale");
    let process = wait::until("it to run on CPU 1", || {
        let process = process(pid);
        (process.cpu == Some(1)).then_some(process)
    });
    assert_eq!((process.priority, process.affinity), (Priority::Low, vec![1]));
    assert_eq!(delete(pid, "?mode=force").status / 100, 2);
}

#[test]
fn two_busy_processes_on_one_cpu_share_it() {
    // proves: K2
    let body = json!({"program": "/bin/yes", "affinity": [2]});
    let pids = [create(&body).pid, create(&body).pid];
    let before = pids.map(cpu_ns);
    let spent = wait::until("both to run for a while", || {
        let now = pids.map(cpu_ns);
        let spent = [now[0] - before[0], now[1] - before[1]];
        (spent[0] + spent[1] > 1_000_000_000).then_some(spent)
    });
    for pid in pids {
        assert_eq!(delete(pid, "?mode=force").status / 100, 2);
    }
    let (less, more) = (spent[0].min(spent[1]), spent[0].max(spent[1]));
    assert!(less * 10 >= more * 8, "{spent:?}");
}

#[test]
fn what_is_no_program_is_refused_with_the_reason() {
    let create = |program: &str| {
        guest().request("POST", "/api/v1/processes").json(&json!({"program": program})).send()
    };
    create("/bin/nothing").assert_problem(422, "program_not_found");
    create("/etc/hostname").assert_problem(422, "invalid_program");
    create("/bin").assert_problem(422, "invalid_program");
    guest().assert_healthy();
}

#[test]
fn a_script_is_run_by_the_program_that_its_first_line_names() {
    // proves: P7
    let upload = |name: &str, text: &str| {
        let path = format!("/api/v1/files/tmp/{name}?permissions=755");
        let answer = guest().request("PUT", &path).body(text.as_bytes()).send();
        assert_eq!(answer.status / 100, 2, "{}", answer.text());
    };
    upload("greet", "#!/bin/sh -e\necho \"$0: $# $*\"\nexit 7\n");
    upload("indirect", "#!/tmp/greet  by way of\n");
    upload("lost", "#!/bin/nothing\n");
    upload("empty", "#!  \n");
    upload("circle", "#!/tmp/circle\n");
    let run = |program: &str| {
        let process = create(&json!({"program": program, "args": ["a b", "c"]}));
        assert_eq!(await_exit(process.pid), Exit::Code(7), "{program}");
        (process.name, output(process.pid).text)
    };
    let said = |text: &str| String::from(text);
    let (name, text) = run("/tmp/greet");
    assert_eq!((name.as_ref(), text), ("greet", said("/tmp/greet: 2 a b c\n")));
    let (name, text) = run("/tmp/indirect");
    let passed = said("/tmp/greet: 4 by way of /tmp/indirect a b c\n");
    assert_eq!((name.as_ref(), text), ("indirect", passed));
    let refused = |program: &str, code: &str| {
        let body = json!({"program": program});
        guest().request("POST", "/api/v1/processes").json(&body).send().assert_problem(422, code);
    };
    refused("/tmp/lost", "program_not_found");
    refused("/tmp/empty", "invalid_program");
    refused("/tmp/circle", "invalid_program");
}

#[test]
fn nothing_is_leaked_by_many_short_processes() {
    let used = || {
        let system: System = guest().read("/api/v1/system");
        system.memory.used_bytes
    };
    let run = |count: usize| {
        for _ in 0..count {
            let pid = create(&json!({"program": "/bin/true"})).pid;
            await_exit(pid);
        }
    };
    run(20); // what is kept for later is kept by now
    let before = used();
    run(60);
    let after = used();
    // The history is bounded and may still grow a little; an address space each would be megabytes.
    assert!(after < before + (4 << 20), "{before} before, {after} after");
}

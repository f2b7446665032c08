//! Sandboxes and users: what a process is started with keeps it where it is.

use admin_api::types::{
    Event, Exit, Isolation, NetworkRights, Page, Process, ProcessOutput, ProcessState, Signal,
};
use end_to_end::{Guest, wait};
use serde_json::{Value, json};

fn guest() -> &'static Guest {
    Guest::shared("sandbox")
}

fn create(body: &Value) -> Process {
    let answer = guest().request("POST", "/api/v1/processes").json(body).send();
    assert_eq!(answer.status, 201, "{body}: {}", answer.text());
    answer.json()
}

fn process(pid: u32) -> Process {
    guest().read(&format!("/api/v1/processes/{pid}"))
}

fn output(pid: u32) -> String {
    let exit = wait::until("a process's end", || process(pid).exit);
    assert!(matches!(exit, Exit::Code(0)), "{exit:?}: {}", text(pid));
    text(pid)
}

fn text(pid: u32) -> String {
    let output: ProcessOutput =
        guest().read(&format!("/api/v1/processes/{pid}/output?max_bytes=65536"));
    output.text
}

/// Runs the tests' program in a sandbox of its own whose root is `/test`.
fn escape(arguments: &[&str], rules: &Value) -> Process {
    let mut sandbox = json!({"root": "/test"});
    let Value::Object(rules) = rules else { panic!("rules are an object: {rules}") };
    for (name, value) in rules {
        sandbox[name] = value.clone();
    }
    create(&json!({"program": "/escape", "args": arguments, "sandbox": sandbox}))
}

/// A process outside, of the user whose numbers a sandboxed root has, too.
fn outsider() -> u32 {
    let pid = create(&json!({"program": "/test/escape", "args": ["sleep"]})).pid;
    wait::until("the outsider to sleep", || {
        (process(pid).state == ProcessState::Blocked).then_some(())
    });
    pid
}

const REFUSED: &str = "\
a file outside: ENOENT
the way up: done
up is elsewhere: 0
another root: EPERM
a mount: EPERM
an unmount: EPERM
pivot_root: EPERM
a name space: EPERM
a device: EPERM
the host's name: EPERM
tracing: EPERM
its memory: EPERM
its descriptors: EPERM
a signal: ESRCH
the same by tkill: ESRCH
a signal to all: ESRCH
its handle: ESRCH
its priority: ESRCH
its limits: ESRCH
its session: ESRCH
its CPUs: ESRCH
a name in the system: EACCES
reaching such a name: EACCES
a raw socket: EACCES
netlink: EACCES
a call of the system's own: EPERM
";

#[test]
fn nobody_gets_out_of_a_sandbox() {
    // proves: X1
    let outside = outsider();
    let inside = escape(&["all", &outside.to_string()], &json!({}));
    assert_eq!(inside.isolation, Isolation::Sandbox);
    assert_eq!((inside.root.as_str(), inside.cwd.as_str()), ("/test", "/test"));
    let rules = inside.sandbox.expect("it is in a sandbox");
    assert_eq!((rules.network, rules.system_calls), (NetworkRights::None, None));
    assert!(!inside.capabilities.iter().any(|name| name.as_str().starts_with("sys_")));
    assert_eq!(output(inside.pid), REFUSED);
    assert_eq!(process(outside).state, ProcessState::Blocked, "the outsider sleeps on");

    // Children, and what they execute, are no better off.
    let parent = escape(&["child", &outside.to_string()], &json!({}));
    let refused = REFUSED.replace("a signal to all: ESRCH", "a signal to all: done");
    assert_eq!(output(parent.pid), format!("a child's root: EPERM\n{refused}status: 0\n"));
}

#[test]
fn violations_are_counted_and_told() {
    // proves: X1
    let outside = outsider();
    let pid = escape(&["all", &outside.to_string()], &json!({"network": "connect"})).pid;
    output(pid);
    let events = guest().request("GET", "/api/v1/events?kind=sandbox_violation").option(&[
        "--max-time",
        "3",
        "--header",
        "Last-Event-ID: 0",
    ]);
    let shown = events.try_send().map(|answer| answer.text()).unwrap_or_default();
    let told: Vec<Event> = shown
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|event: &Event| event.pid == Some(pid))
        .collect();
    assert!(told.iter().any(|event| event.message.contains("mount")), "{told:?}");
    assert!(told.iter().all(|event| event.message.contains("refused")), "{told:?}");

    // A sandbox that allows next to nothing, and whose program is ended by the first other call.
    let calls = json!({"system_calls": ["execve", "arch_prctl", "set_tid_address"],
        "on_violation": "kill"});
    let strict = escape(&["sleep"], &calls);
    let exit = wait::until("its end", || process(strict.pid).exit);
    let Exit::Signal { signal, .. } = exit else { panic!("{exit:?}") };
    assert_eq!(signal, Signal::from_number(31).expect("SIGSYS"));

    // While it lives, the count is there; so are the calls that were named.
    let sleeper = escape(&["sleep"], &json!({"system_calls": ["pause", "arch_prctl"]})).pid;
    let rules = wait::until("a violation to be counted", || {
        process(sleeper).sandbox.filter(|rules| rules.violations > 0)
    });
    let names: Vec<String> =
        rules.system_calls.unwrap_or_default().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["pause", "arch_prctl"]);
    let deleted = guest().request("DELETE", &format!("/api/v1/processes/{sleeper}?mode=force"));
    assert_eq!(deleted.send().status / 100, 2);
}

#[test]
fn the_network_is_reached_as_far_as_it_is_allowed() {
    // proves: X1
    let cases = [
        ("none", "tcp: EACCES\nconnect: Bad file descriptor\nudp: EACCES\n"),
        (
            "connect",
            "tcp: done\nconnect: ECONNREFUSED\nudp: done\nsendto: done\nbind to any port: done\nbind: EACCES\nlisten: EACCES\n",
        ),
        (
            "listen",
            "tcp: done\nconnect: EACCES\nudp: done\nsendto: EACCES\nbind to any port: done\nbind: done\nlisten: done\n",
        ),
        (
            "both",
            "tcp: done\nconnect: ECONNREFUSED\nudp: done\nsendto: done\nbind to any port: done\nbind: done\nlisten: done\n",
        ),
    ];
    for (port, (rights, expected)) in (9001..).zip(cases) {
        let pid = escape(&["network", &port.to_string()], &json!({"network": rights})).pid;
        let said = output(pid);
        assert!(said.starts_with(expected), "{rights}: {said}");
    }
}

#[test]
fn proc_shows_a_sandbox_to_itself_only() {
    // proves: X1, X2
    let run = |program: &str, args: &[&str]| {
        output(create(&json!({"program": program, "args": args})).pid);
    };
    run("/bin/mkdir", &["-p", "/srv/box/proc"]);
    run("/bin/cp", &["/test/escape", "/srv/box/escape"]);
    run("/bin/mount", &["-t", "proc", "proc", "/srv/box/proc"]);
    let outside = outsider();
    let body = json!({"program": "/escape", "args": ["proc", outside.to_string()],
        "sandbox": {"root": "/srv/box"}});
    let said = output(create(&body).pid);
    let mut expected = String::from("others: 0, own: 1\n");
    for file in ["stat", "environ", "maps", "root", "cwd", "exe", "fd", "own root"] {
        expected += &format!("{file}: ENOENT\n");
    }
    assert_eq!(said, expected);
    run("/bin/umount", &["/srv/box/proc"]);
}

#[test]
fn descriptors_from_outside_do_not_arrive() {
    // proves: X1
    let inside = escape(&["receive", "/socket"], &json!({})).pid;
    wait::until("the receiver to wait", || {
        (process(inside).state_detail.is_some() && text(inside).contains("bind: done"))
            .then_some(())
    });
    let outside = create(&json!({"program": "/test/escape", "args": ["send", "/test/socket"]})).pid;
    assert_eq!(output(outside), "sendmsg: done\n");
    let said = output(inside);
    assert_eq!(said, "bind: done\nrecvmsg: done\ndescriptors: 0, something is missing: 1\n");
}

#[test]
fn a_process_runs_as_the_user_that_is_named() {
    // proves: X2
    for (user, uid, gid, name) in [
        ("nobody", 65534, 65534, "nobody"),
        ("65534", 65534, 65534, "nobody"),
        ("1000", 1000, 1000, "1000"),
        ("7:8", 7, 8, "7"),
        ("root", 0, 0, "root"),
    ] {
        let body = json!({"program": "/bin/id", "user": user});
        let made = create(&body);
        assert_eq!((made.user.uid, made.user.gid), (uid, gid));
        assert_eq!(made.user.name.as_str(), name);
        assert_eq!(made.capabilities.is_empty(), uid != 0);
        let path = format!("/api/v1/processes?user={name}&state=defunct&limit=1000");
        let ended = wait::until("it to be listed with its user", || {
            let page: Page<Process> = guest().read(&path);
            page.items.into_iter().find(|process| process.pid == made.pid)
        });
        assert_eq!((ended.user.uid, ended.user.name.as_str()), (uid, name));
        let said = output(made.pid);
        assert!(said.starts_with(&format!("uid={uid}")), "{said}");
    }
    let post = |body: &Value| guest().request("POST", "/api/v1/processes").json(body).send();
    for body in [
        json!({"program": "/bin/true", "user": "no-such-user"}),
        json!({"program": "/bin/true", "isolation": "kernel"}),
        json!({"program": "/bin/true", "isolation": "sandbox"}),
        json!({"program": "/bin/true", "isolation": "process", "sandbox": {"root": "/test"}}),
        json!({"program": "/bin/true", "sandbox": {"root": "/"}}),
        json!({"program": "/bin/true", "sandbox": {"root": "/test/.."}}),
        json!({"program": "/bin/true", "sandbox": {"root": "/no-such"}}),
        json!({"program": "/bin/true", "sandbox": {"root": "/test", "system_calls": ["nothing"]}}),
        json!({"program": "/bin/true", "sandbox": {"root": "/test", "network": "all"}}),
    ] {
        assert_eq!(post(&body).status, 422, "{body}");
    }
    // What only root may read is not read for others, and there is no such program below the root.
    let below = json!({"program": "/bin/true", "sandbox": {"root": "/test"}});
    assert!(matches!(post(&below).status, 404 | 422));
}

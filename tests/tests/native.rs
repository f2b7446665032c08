//! The programs of the image that use MultiOS's own calls: `procs` and `confine`.

use admin_api::types::{Exit, Process, ProcessOutput, ProcessState};
use end_to_end::{Guest, wait};
use serde_json::{Value, json};

fn guest() -> &'static Guest {
    Guest::shared("native")
}

fn create(body: &Value) -> Process {
    let answer = guest().request("POST", "/api/v1/processes").json(body).send();
    assert_eq!(answer.status, 201, "{body}: {}", answer.text());
    answer.json()
}

fn process(pid: u32) -> Process {
    guest().read(&format!("/api/v1/processes/{pid}"))
}

/// Runs a program to its end: what it wrote, and how it ended.
fn run(program: &str, args: &[&str]) -> (String, Exit) {
    let pid = create(&json!({"program": program, "args": args})).pid;
    let exit = wait::until("a process's end", || process(pid).exit);
    let output: ProcessOutput =
        guest().read(&format!("/api/v1/processes/{pid}/output?max_bytes=65536"));
    (output.text, exit)
}

fn procs(args: &[&str]) -> String {
    let (text, exit) = run("/bin/procs", args);
    assert_eq!(exit, Exit::Code(0), "procs {args:?}: {text}");
    text
}

fn sleeper(name: &str) -> u32 {
    create(&json!({"program": "/bin/sleep", "args": ["1000"], "name": name})).pid
}

#[test]
fn procs_shows_what_the_api_shows() {
    // proves: A4
    let pid = sleeper("shown");
    let listed = procs(&[]);
    let line = listed
        .lines()
        .find(|line| line.split_whitespace().next() == Some(pid.to_string().as_str()))
        .unwrap_or_else(|| panic!("{pid} is not in {listed}"));
    assert!(line.ends_with("shown") && line.contains("normal"), "{line}");
    assert!(
        listed.lines().any(|line| line.ends_with("procs")),
        "it does not list itself: {listed}"
    );
    let shown = procs(&["show", &pid.to_string()]);
    let limit = process(pid).limits.memory_bytes.unwrap_or(0) / 1024;
    assert!(shown.contains(&format!("memory limit  {limit} KiB")), "{shown}");
    procs(&["kill", &pid.to_string()]);
    let (text, exit) = run("/bin/procs", &["show", "4000000"]);
    assert_eq!(exit, Exit::Code(1));
    assert!(text.contains("process not found"), "{text}");
    assert_eq!(run("/bin/procs", &["nonsense"]).1, Exit::Code(2));
}

#[test]
fn procs_changes_what_the_api_shows() {
    // proves: A4, P7
    let pid = sleeper("changed");
    let number = pid.to_string();
    procs(&["priority", &number, "low"]);
    procs(&["class", &number, "background"]);
    procs(&["nice", &number, "7"]);
    procs(&["limit", &number, "memory=33554432", "files=32"]);
    let changed = process(pid);
    assert_eq!((changed.priority.name(), changed.class.name()), ("low", "background"));
    assert_eq!((changed.nice, changed.limits.open_files), (7, Some(32)));
    assert_eq!(changed.limits.memory_bytes, Some(32 << 20));
    procs(&["suspend", &number]);
    assert_eq!(process(pid).state, ProcessState::Suspended);
    procs(&["resume", &number]);
    let waiter = create(&json!({"program": "/bin/procs", "args": ["wait", number]})).pid;
    procs(&["stop", &number]);
    let exit = wait::until("the waiter's end", || process(waiter).exit);
    assert_eq!(exit, Exit::Code(128 + 15));
}

#[test]
fn confine_starts_programs_that_stay_where_they_are() {
    // proves: A4, X1
    assert_eq!(run("/bin/mkdir", &["-p", "/srv/cell/tmp"]).1, Exit::Code(0));
    assert_eq!(run("/bin/cp", &["/bin/busybox", "/srv/cell/busybox"]).1, Exit::Code(0));
    let confine = |options: &[&str], program: &[&str]| {
        run("/bin/confine", &[&["--root", "/srv/cell"], options, program].concat())
    };
    let (text, exit) = confine(&[], &["/busybox", "ls", "/"]);
    assert_eq!((text.as_str(), exit), ("busybox\ntmp\n", Exit::Code(0)));
    let (text, exit) = confine(&["--user", "1000:100"], &["/busybox", "id"]);
    assert!(text.starts_with("uid=1000 gid=100") && exit == Exit::Code(0), "{text}");
    let (text, exit) = confine(&["--env", "A=b"], &["/busybox", "sh", "-c", "echo $A; exit 3"]);
    assert_eq!((text.as_str(), exit), ("b\n", Exit::Code(3)));
    let (text, exit) = confine(&[], &["/busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:80/"]);
    assert!(text.contains("denied") && exit == Exit::Code(1), "{text}");
    let (text, exit) = confine(&["--kill"], &["/busybox", "chroot", "/tmp", "/busybox", "ls"]);
    assert_eq!((text.as_str(), exit), ("", Exit::Code(128 + 31)));
    let (_, exit) = confine(&["--allow", "read"], &["/busybox", "true"]);
    assert_ne!(exit, Exit::Code(0), "nothing starts with read alone");
    let (text, exit) = confine(&[], &["/no-such-program"]);
    assert_eq!((text.as_str(), exit), ("confine: no such file or directory\n", Exit::Code(126)));
    assert_eq!(run("/bin/confine", &["/bin/ls"]).1, Exit::Code(2), "a root is wanted");
}

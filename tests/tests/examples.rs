//! The seven examples, as a reader runs them: twice each, by two shells, and with a wrong token.

#![expect(clippy::expect_used, reason = "a test that can't go on panics")]

use std::process::{Command, Output};

use admin_api::types::{Page, Process, Service};
use end_to_end::{Guest, Setup};
use xtask::places::Places;

/// The examples, their arguments, and lines that stand for what they show.
const EXAMPLES: [(&str, &[&str], &[&str]); 7] = [
    (
        "service-processes.sh",
        &[],
        &[
            "ok  the service has three processes",
            "ok  it was restarted once",
            "ok  no helper of the old run is left",
            "ok  none of its processes is left",
        ],
    ),
    (
        "process-monitoring.sh",
        &[],
        &[
            "ok  the one that computes has used CPU time",
            "ok  the one that writes has moved bytes",
            "ok  the one that computes comes first",
            "ok  there is an event about it",
        ],
    ),
    (
        "coordination.sh",
        &[],
        &[
            "ok  both instances are ready",
            "ok  asked again, the other one is named",
            "ok  the reader has all three results",
            "ok  it got the result of the third worker",
            "ok  nothing was restarted",
        ],
    ),
    (
        "dependencies.sh",
        &[],
        &[
            "ok  store and cache start at the same time",
            "ok  the index was started when the store was ready",
            "422 circular_dependency",
            "ok  the first cause is the store",
            "ok  the site stops before the index",
        ],
    ),
    (
        "constrained-processes.sh",
        &[],
        &[
            "ok  it never had more than it may",
            "ok  it got no more than its share",
            "ok  no more than it may",
            "ok  a fork was refused",
            "is not allowed in its sandbox",
            "ok  each of the eight limits was told",
        ],
    ),
    (
        "emergency.sh",
        &["--all"],
        &[
            "ok  it is not started again",
            "ok  the stubborn one is gone",
            "ok  the system is healthy",
            "emergency: terminate all programs",
        ],
    ),
    (
        "performance.sh",
        &[],
        &[
            "ok  the nicer one got at least a fifth",
            "ok  and at most a half",
            "ok  the kernel has counted them",
            "ok  the scrape is complete",
        ],
    ),
];

fn run(guest: &Guest, shell: &[&str], name: &str, arguments: &[&str], token: &str) -> Output {
    let script = Places::find().root.join("images/examples").join(name);
    let (shell, own) = shell.split_first().expect("a shell");
    Command::new(shell)
        .args(own)
        .arg(script)
        .args(arguments)
        .env("MULTIOS_URL", guest.url(""))
        .env("MULTIOS_TOKEN", token)
        .output()
        .expect("there is a shell")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// What an example must not leave behind: programs that run, and services that were not there.
fn left(guest: &Guest) -> (Vec<String>, Vec<String>) {
    let services: Page<Service> = guest.read("/api/v1/services?limit=1000");
    let processes: Page<Process> = guest.read("/api/v1/processes?limit=1000");
    let own = processes.items.iter().filter(|process| {
        process.exit.is_none() && process.service.is_none() && process.class.name() != "system"
    });
    (
        own.map(|process| format!("{process:?}")).collect(),
        services.items.iter().map(|service| service.name.to_string()).collect(),
    )
}

/// proves: A6, P8, P10, P5, P4, S2
#[test]
fn every_example_shows_what_it_says_and_leaves_nothing_behind() {
    let mut setup = Setup::named("examples");
    setup.cpus = 4;
    setup.memory_mib = 512;
    setup.starts_services = true;
    let guest = Guest::boot(&setup);
    let before = left(&guest);
    for (name, arguments, lines) in EXAMPLES {
        for shell in [&["sh"][..], &["busybox", "sh"]] {
            let output = run(&guest, shell, name, arguments, guest.token());
            let text = text(&output);
            assert!(output.status.success(), "{shell:?} {name}: {}\n{text}", output.status);
            for line in lines {
                assert!(text.contains(line), "{name} does not say “{line}”:\n{text}");
            }
            assert_eq!(left(&guest), before, "left by {name}");
            guest.assert_healthy();
        }
    }
}

/// proves: A6
#[test]
fn an_example_says_what_to_do_when_it_can_not_work() {
    let guest = Guest::boot(&Setup::named("examples-refused"));
    for (name, ..) in EXAMPLES {
        let output = run(&guest, &["sh"], name, &[], "not-the-token-at-all");
        let text = text(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {text}");
        assert!(text.contains("does not take the token"), "{name}: {text}");
        assert!(text.contains("Set MULTIOS_TOKEN to the one that"), "{name}: {text}");
        let output = run(&guest, &["sh"], name, &[], "");
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(self::text(&output).contains("MULTIOS_TOKEN is not set"), "{name}");
    }
    // Nobody is there.
    let url = format!("http://127.0.0.1:{}", xtask::qemu::free_port().expect("a free port"));
    let script = Places::find().root.join("images/examples/performance.sh");
    let mut command = Command::new("sh");
    command.arg(script).env("MULTIOS_URL", url).env("MULTIOS_TOKEN", "x");
    let output = command.output().expect("there is a shell");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("Boot the system with 'cargo xtask run'"), "{}", text(&output));
}

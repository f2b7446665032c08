//! As many processes as the system is made for, in a machine of 2 GiB: they are listed without a
//! loss while others come and go, at a cost that does not depend on their number, and an operator
//! is rid of them in time.

#![expect(clippy::expect_used, reason = "a test that can't go on panics")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use admin_api::types::{Memory, Process, ProcessOutput, System};
use end_to_end::{Guest, Setup, wait};
use serde::Deserialize;
use serde_json::json;
use xtask::http::Client;

/// The requirement's number.
const SLEEPERS: usize = 65_536;
/// And of those that have an address space of their own.
const FORKED: usize = 36_000;
/// What a process may take, in bytes.
const PROCESS_BYTES: u64 = 32 * 1024;
/// How long an emergency may take.
const EMERGENCY: Duration = Duration::from_secs(10);
/// The machine's CPUs.
const CPUS: u32 = 2;
/// How often a page is read to see what it costs.
const LOOKS: usize = 40;
/// And how often that is done at the most.
const ROUNDS: usize = 8;

/// What matters of a page here: to read all of each process would take this host longer than the guest
/// takes to write it.
#[derive(Deserialize)]
struct Listing {
    items: Vec<Listed>,
    next_cursor: Option<String>,
    total: usize,
}

#[derive(Deserialize)]
struct Listed {
    pid: u32,
    parent_pid: u32,
}

struct Machine {
    guest: Guest,
    client: Client,
}

impl Machine {
    fn start(&self, arguments: &[&str]) -> u32 {
        let limits = json!({"processes": 2 * SLEEPERS});
        let body = json!({"program": "/test/population", "args": arguments, "limits": limits});
        let answer = self.guest.request("POST", "/api/v1/processes").json(&body).send();
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json::<Process>().pid
    }

    /// Starts sleepers and waits until all are there; gives the pid of the one who made them.
    fn sleepers(&self, count: usize) -> u32 {
        self.make("sharing", count)
    }

    fn make(&self, kind: &str, count: usize) -> u32 {
        let maker = self.start(&[kind, &count.to_string()]);
        wait::until_within(8 * wait::PATIENCE, "the sleepers to be made", || {
            let output: ProcessOutput =
                self.guest.read(&format!("/api/v1/processes/{maker}/output"));
            output.text.contains("made").then(|| assert_made(&output.text, count))
        });
        maker
    }

    fn page(&self, query: &str) -> Listing {
        let path = format!("/api/v1/processes?{query}");
        let answer = self.client.send("GET", &path, "").expect("the guest answers");
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        serde_json::from_slice(&answer.body).expect("a page of processes")
    }

    /// The quickest answer of many to a page of 100, which other work on this host disturbs least.
    fn cost_of_a_page(&self) -> Duration {
        let looks = (0..LOOKS).map(|_| {
            let started = Instant::now();
            let page = self.page("limit=100");
            assert_eq!(page.items.len(), 100);
            started.elapsed()
        });
        looks.min().expect("there are some")
    }

    /// All processes, page by page, in the order they are listed.
    fn all(&self) -> Vec<Listed> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.page(&format!("limit=1000{cursor}"));
            all.extend(page.items);
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }

    /// How many processes a churning one has seen end.
    fn churned(&self, pid: u32) -> u64 {
        let output: ProcessOutput =
            self.guest.read(&format!("/api/v1/processes/{pid}/output?max_bytes=65536"));
        output.text.lines().last().and_then(|line| line.parse().ok()).unwrap_or(0)
    }

    fn used_bytes(&self) -> u64 {
        self.guest.read::<Memory>("/api/v1/memory").used_bytes
    }

    fn end_all(&self) -> serde_json::Value {
        let request = self.guest.request("POST", "/api/v1/emergency/terminate");
        let answer = request.limit(4 * EMERGENCY).json(&json!({"scope": "all"})).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}

impl Machine {
    /// Ends all by an emergency. A host that has other things to do gives the machine less than its
    /// CPUs. What counts is the time that it would have taken with them.
    fn end_all_in_time(&self) {
        let (began, started) = (self.guest.host_cpu_time(), Instant::now());
        let took = || (self.guest.host_cpu_time() - began) / CPUS;
        let mut ended = self.end_all();
        while ended["remaining"] != 0 && took() < EMERGENCY {
            ended = self.end_all();
        }
        let took = took();
        println!("{took:?} of both CPUs, {:?} by the clock: {ended}", started.elapsed());
        assert_eq!(ended["remaining"], 0, "{ended}");
        assert!(took <= EMERGENCY, "{took:?}");
    }
}

fn assert_made(output: &str, count: usize) {
    assert!(output.starts_with(&format!("made {count} in ")), "{output}");
}

/// The first cost that is good enough, or the least of all.
fn first_or_least(
    costs: impl Iterator<Item = Duration>,
    is_enough: impl Fn(Duration) -> bool,
) -> Duration {
    let mut least = Duration::MAX;
    for cost in costs {
        least = least.min(cost);
        if is_enough(least) {
            break;
        }
    }
    least
}

#[test]
fn as_many_processes_as_the_system_is_made_for() {
    // proves: P9, P10
    let mut setup = Setup::named("scale");
    setup.memory_mib = 2048;
    setup.cpus = CPUS;
    let guest = Guest::boot(&setup);
    let client = Client { port: guest.port(), token: guest.token().to_owned() };
    let machine = Machine { guest, client };

    machine.sleepers(100);
    let cost_of_few = machine.cost_of_a_page();
    machine.end_all();

    let before = machine.used_bytes();
    let maker = machine.sleepers(SLEEPERS);
    let each = (machine.used_bytes() - before) / SLEEPERS as u64;
    assert!(each <= PROCESS_BYTES, "{each} bytes for a process");
    // Again, if the host was busy meanwhile: what always costs more does so each time.
    let rounds = (0..ROUNDS).map(|_| machine.cost_of_a_page());
    let cost_of_many = first_or_least(rounds, |cost| cost < 2 * cost_of_few);
    println!("{each} bytes for a process; a page of 100: {cost_of_few:?}, then {cost_of_many:?}");
    assert!(cost_of_many < 2 * cost_of_few, "{cost_of_few:?} with few, then {cost_of_many:?}");

    // While others come and go, everybody who is there throughout is in the list once.
    let churners = [(); 3].map(|()| machine.start(&["churn"]));
    let churned = || churners.iter().map(|pid| machine.churned(*pid)).sum::<u64>();
    let before_listing = churned();
    let listed = machine.all();
    let gone = churned() - before_listing;
    assert!(gone > 2000, "only {gone} came and went");
    let ascends = listed.windows(2).all(|pair| pair[0].pid < pair[1].pid);
    assert!(ascends, "not in the order of their numbers");
    let pids: BTreeSet<u32> = listed.iter().map(|process| process.pid).collect();
    assert_eq!(pids.len(), listed.len(), "some are listed twice");
    let sleepers = listed.iter().filter(|process| process.parent_pid == maker).count();
    assert_eq!(sleepers, SLEEPERS);
    println!("{gone} processes came and went while all were listed");

    machine.end_all_in_time();
    let left: System = machine.guest.read("/api/v1/system");
    assert!(left.processes.total < 64, "{:?}", left.processes);
    let back = || machine.used_bytes() < before + (64 << 20);
    assert!(wait::holds(back), "{before} bytes before, {} after", machine.used_bytes());

    // And as many as there is memory for of those that have memory of their own.
    machine.make("sleepers", FORKED);
    let each = (machine.used_bytes() - before) / FORKED as u64;
    println!("{each} bytes for a forked process");
    machine.end_all_in_time();
    assert!(wait::holds(back), "{before} bytes before, {} after", machine.used_bytes());
    assert!(machine.page("limit=100").total < 2000);
    machine.guest.assert_healthy();
}

//! Programs of other languages' libraries, as they are: C with threads on musl and on glibc, Rust's and
//! Go's standard libraries. Each serves pages to this host's curl, many clients at a time.

#![expect(clippy::expect_used, reason = "a test that can't go on panics")]

use std::path::PathBuf;
use std::thread;

use admin_api::types::Process;
use end_to_end::curl::Request;
use end_to_end::{Guest, Setup, wait};
use serde_json::json;
use xtask::places::Places;
use xtask::programs::{self, Kind};

/// Clients of each server at once.
const CLIENTS: usize = 12;
/// Times that each asks for both sizes.
const ROUNDS: usize = 4;
const SIZES: [usize; 2] = [2 << 10, 100 << 10];

struct Server {
    name: &'static str,
    source: &'static str,
    kind: Kind,
    port: u16,
}

const SERVERS: [Server; 4] = [
    Server { name: "musl", source: "threads.c", kind: Kind::Musl, port: 8081 },
    Server { name: "glibc", source: "threads.c", kind: Kind::Glibc, port: 8082 },
    Server { name: "rust", source: "listener.rs", kind: Kind::Rust, port: 8083 },
    Server { name: "go", source: "server.go", kind: Kind::Go, port: 8084 },
];

impl Server {
    fn compiled(&self) -> PathBuf {
        let places = Places::find();
        let source = places.root.join("tests/programs/servers").join(self.source);
        let name = format!("servers/{}", self.name);
        programs::compile(&places, &source, &name, self.kind).expect("it compiles")
    }

    /// Uploads it and starts it.
    fn start(&self, guest: &Guest) -> Process {
        let path = format!("/tmp/{}", self.name);
        let bytes = std::fs::read(self.compiled()).expect("it was compiled");
        let upload = guest.request("PUT", &format!("/api/v1/files{path}?permissions=755"));
        let answer = upload.header("Content-Type: application/octet-stream").body(&bytes).send();
        assert_eq!(answer.status, 201, "{}", answer.text());
        create(guest, &path, &[&self.port.to_string()])
    }

    fn ask(&self, guest: &Guest, path: &str) -> Request {
        Request::new("GET", &format!("http://127.0.0.1:{}{path}", guest.forwarded(self.port)))
    }

    fn number(&self, guest: &Guest, path: &str) -> usize {
        let text = self.ask(guest, path).send().text();
        text.parse().unwrap_or_else(|_| panic!("{}: {path} is {text}", self.name))
    }

    /// Asks for pages by many clients at once and looks at every byte.
    fn is_asked_by_many(&self, guest: &Guest) {
        thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    for size in SIZES.repeat(ROUNDS) {
                        let answer = self.ask(guest, &format!("/bytes/{size}")).send();
                        assert_eq!(
                            (answer.status, answer.body.len()),
                            (200, size),
                            "{}",
                            self.name
                        );
                        let expected = (0..size).map(|at| at % 251);
                        let is_right =
                            answer.body.iter().map(|byte| usize::from(*byte)).eq(expected);
                        assert!(is_right, "{} sent other bytes", self.name);
                    }
                });
            }
        });
    }
}

fn create(guest: &Guest, program: &str, arguments: &[&str]) -> Process {
    let body = json!({"program": program, "args": arguments});
    let answer = guest.request("POST", "/api/v1/processes").json(&body).send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

fn process(guest: &Guest, pid: u32) -> Process {
    guest.read(&format!("/api/v1/processes/{pid}"))
}

/// The program is position-independent and names no interpreter: it relocates itself.
#[test]
fn the_rust_server_is_a_static_pie() {
    let program = SERVERS[2].compiled();
    let bytes = std::fs::read(program).expect("it was compiled");
    let word = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    assert_eq!(word(16), 3, "e_type is not ET_DYN");
    // Program headers follow the header of 64 bytes; the interpreter's has type 3.
    let (each, count) = (word(54), word(56));
    assert!((0..count).all(|number| word(64 + number * each) != 3), "it names an interpreter");
}

#[test]
fn programs_of_several_languages_serve_many_clients_at_once() {
    let mut setup = Setup::named("servers");
    setup.cpus = 4;
    setup.ports = SERVERS.iter().map(|server| server.port).collect();
    let guest = Guest::boot(&setup);
    let started = SERVERS.map(|server| (server.start(&guest).pid, server));
    for (pid, server) in &started {
        wait::until("the server to answer", || {
            let answer = server.ask(&guest, "/bytes/1").try_send()?;
            assert_eq!(answer.body, [0], "{}: {:?}", server.name, process(&guest, *pid));
            Some(())
        });
    }
    // All of them at the same time.
    let before = started.each_ref().map(|(_, server)| server.number(&guest, "/served"));
    thread::scope(|scope| {
        for (_, server) in &started {
            scope.spawn(|| server.is_asked_by_many(&guest));
        }
    });
    for ((pid, server), before) in started.iter().zip(before) {
        let served = server.number(&guest, "/served") - before;
        // The question itself is answered before it is counted, and counted by some of them.
        let expected = CLIENTS * ROUNDS * SIZES.len();
        assert!((expected..=expected + 1).contains(&served), "{}: {served}", server.name);
        let now = process(&guest, *pid);
        assert!(now.exit.is_none(), "{now:?}");
        if server.kind == Kind::Go {
            assert!(server.number(&guest, "/collections") > 0, "no garbage was collected");
            assert!(now.threads > 1, "{now:?}");
        }
        if server.source == "threads.c" {
            assert_eq!(now.threads, 12);
        }
    }
    for (pid, server) in &started {
        let path = format!("/api/v1/processes/{pid}?mode=force");
        assert!(guest.request("DELETE", &path).send().status < 300);
        wait::until(server.name, || process(&guest, *pid).exit);
    }
    guest.assert_healthy();
}

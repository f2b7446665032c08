//! Programs that do what no program should: random system calls from racing threads, and files that are
//! hardly programs. They may come to grief; the kernel goes on, and nothing stays behind.

#![expect(clippy::expect_used, reason = "a test that can't go on panics")]

use admin_api::types::{Exit, Memory, Process, ProcessOutput, System};
use end_to_end::{Guest, Setup, wait};
use serde_json::json;
use xtask::places::Places;
use xtask::programs::{self, Kind};

/// What may be kept for later use, such as a magazine of the heap or a stack, and what the history
/// remembers. A process that stayed behind would take more.
const KEPT_BYTES: u64 = 1 << 20;
/// Mutants that are uploaded and started through the API.
const MUTANTS: usize = 80;

/// What must not grow.
#[derive(Debug)]
struct Counts {
    processes: u32,
    threads: u32,
    used_bytes: u64,
    heap_bytes: u64,
}

struct Machine(Guest);

impl Machine {
    fn boot(name: &str) -> Self {
        let mut setup = Setup::named(name);
        setup.cpus = 4;
        Self(Guest::boot(&setup))
    }

    fn process(&self, pid: u32) -> Process {
        self.0.read(&format!("/api/v1/processes/{pid}"))
    }

    /// Runs a program to its end, which has to be good; gives what it wrote.
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let body = json!({"program": program, "args": arguments, "env": {"PATH": "/bin"}});
        let answer = self.0.request("POST", "/api/v1/processes").json(&body).send();
        assert_eq!(answer.status, 201, "{}", answer.text());
        let pid = answer.json::<Process>().pid;
        let exit = wait::until_within(4 * wait::PATIENCE, program, || {
            self.0.assert_healthy();
            self.process(pid).exit
        });
        let output: ProcessOutput = self.0.read(&format!("/api/v1/processes/{pid}/output"));
        println!("{program} {arguments:?}: {}", output.text);
        assert_eq!(exit, Exit::Code(0), "{program} {arguments:?}: {}", output.text);
        output.text
    }

    /// Has so many processes end that the history remembers as many as it ever does.
    fn fill_history(&self) {
        let script = "i=0; while [ $i -lt 1100 ]; do /bin/true; i=$((i+1)); done";
        self.run("/bin/sh", &["-c", script]);
    }

    /// Removes what the programs made on purpose: files, and mounts that are in their way.
    fn tidy(&self) {
        let script = "for place in $(cut -d ' ' -f 2 /proc/mounts | grep /fuzz- | sort -r); do \
                      umount $place; done; rm -rf /tmp/*; ls -A /tmp";
        assert_eq!(self.run("/bin/sh", &["-c", script]), "", "something can't be removed");
    }

    fn counts(&self) -> Counts {
        self.tidy();
        let memory: Memory = self.0.read("/api/v1/memory");
        let system: System = self.0.read("/api/v1/system");
        Counts {
            processes: system.processes.total,
            threads: system.threads,
            used_bytes: memory.used_bytes,
            heap_bytes: memory.heap.used_bytes,
        }
    }

    /// Waits until there is no more than before.
    fn assert_nothing_left(&self, before: &Counts) {
        let mut now = None;
        let is_back = wait::holds(|| {
            let counts = self.counts();
            let is_back = counts.processes == before.processes
                && counts.threads == before.threads
                && counts.used_bytes < before.used_bytes + KEPT_BYTES
                && counts.heap_bytes < before.heap_bytes + KEPT_BYTES / 2;
            now = Some(counts);
            is_back
        });
        assert!(is_back, "{before:?} before, {now:?} after");
    }
}

#[test]
fn random_system_calls_do_not_hurt_the_kernel() {
    let machine = Machine::boot("fuzz-calls");
    machine.run("/test/syscall_fuzz", &["0", "10000", "4"]); // what is kept for later is kept by now
    let before = machine.counts();
    for (seed, threads) in [("1", "1"), ("2", "1"), ("3", "4"), ("4", "4"), ("5", "8")] {
        let said = machine.run("/test/syscall_fuzz", &[seed, "20000", threads]);
        let made: Vec<u64> = said.split(' ').filter_map(|word| word.parse().ok()).collect();
        // Calls made, calls that succeeded: the grammar gets some through.
        assert!(made.iter().any(|count| *count >= 20_000), "{said}");
    }
    machine.assert_nothing_left(&before);
    machine.run("/bin/true", &[]);
}

#[test]
fn files_that_are_hardly_programs_do_not_hurt_the_kernel() {
    let machine = Machine::boot("fuzz-elf");
    machine.run("/test/elf_fuzz", &["0", "100", "/test/probe"]);
    machine.upload_mutants(8);
    machine.fill_history();
    let before = machine.counts();
    for seed in ["1", "2"] {
        machine.run("/test/elf_fuzz", &[seed, "500", "/test/probe"]);
    }
    machine.upload_mutants(MUTANTS);
    machine.assert_nothing_left(&before);
}

impl Machine {
    /// The same through the API: each mutant is refused as no program, or is started and ends, by
    /// itself, by a signal, or because it is ended.
    fn upload_mutants(&self, count: usize) {
        let places = Places::find();
        let source = places.root.join("tests/programs/probe.c");
        let program =
            programs::compile(&places, &source, "probe", Kind::Musl).expect("it compiles");
        let original = std::fs::read(program).expect("it was compiled");
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut below = move |bound: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            usize::try_from(random >> 11).expect("54 bits") % bound
        };
        let (mut refused, mut started) = (0, 0);
        for number in 0..count {
            let mut mutant = original.clone();
            if number > 0 {
                // The headers are what is checked; the rest is what runs.
                let area = if below(2) == 0 { 400 } else { mutant.len() };
                for _ in 0..=below(4) {
                    let at = below(area);
                    mutant[at] = if below(2) == 0 { 0xff } else { below(256).to_le_bytes()[0] };
                }
                if below(8) == 0 {
                    mutant.truncate(below(original.len()));
                }
            }
            let upload = self.0.request("PUT", "/api/v1/files/tmp/mutant?permissions=755");
            let answer = upload.header("Content-Type: application/octet-stream").body(&mutant);
            assert!([201, 204].contains(&answer.send().status), "mutant {number}");
            let body = json!({"program": "/tmp/mutant", "args": ["nothing"]});
            let answer = self.0.request("POST", "/api/v1/processes").json(&body).send();
            if answer.status == 201 {
                self.end(answer.json::<Process>().pid, number);
                started += 1;
            } else {
                answer.assert_problem(422, "invalid_program");
                refused += 1;
            }
        }
        println!("{refused} refused, {started} started");
        assert!(count < MUTANTS || refused > 4 && started > 4);
    }

    /// Waits for a mutant's end, and ends it if it does not come soon; the first one is no mutant.
    fn end(&self, pid: u32, number: usize) {
        let mut looks = 0;
        let exit = wait::until("the mutant's end", || {
            looks += 1;
            if looks == 20 {
                let path = format!("/api/v1/processes/{pid}?mode=force");
                // It may just have ended.
                let _ = self.0.request("DELETE", &path).send();
            }
            self.process(pid).exit
        });
        assert!(number > 0 || exit == Exit::Code(0), "{exit:?}");
    }
}

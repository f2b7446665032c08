//! Programs that have to do in the guest what they do on this host's Linux: the same output and the
//! same end. Every program of `programs/abi` and `programs/scripts` counts as a test.
//!
//! `cargo xtask test abi WORD...` runs those whose names hold one of the words. A program of its own,
//! so that it is built without what the tests with a browser take.
#![forbid(unsafe_code)]
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use end_to_end::compare::{Did, End, InGuest, OnHost, difference};
use end_to_end::{Guest, Setup, wait};
use std::collections::VecDeque;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use xtask::places::Places;
use xtask::programs::{self, Compared};

/// Programs at once.
const AT_ONCE: usize = 6;

/// What became of a program.
enum Verdict {
    Same,
    /// Linux was not asked, for this reason.
    Unjudged(String),
    Differs(String),
    /// The guest died while it ran, perhaps by another program.
    GuestDied(String),
}

fn main() -> ExitCode {
    let started = Instant::now();
    let words: Vec<String> = std::env::args().skip(1).filter(|w| !w.starts_with('-')).collect();
    let places = Places::find();
    let chosen = programs::compared(&places).expect("the programs can be read");
    let all = chosen.len();
    let is_wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word));
    let (alone, together): (Vec<_>, Vec<_>) = chosen
        .into_iter()
        .filter(|program| is_wanted(&program.name))
        .partition(|program| program.is_alone);
    let count = alone.len() + together.len();
    println!("\nrunning {count} programs on Linux and in the guest");
    let run = Run { places, host: OnHost::prepare(), results: Mutex::default() };
    // A guest that dies takes all with it that ran at that time; one by one they show who did it.
    let suspects = run.in_one_guest("abi", together, AT_ONCE);
    for (number, program) in suspects.into_iter().chain(alone).enumerate() {
        run.in_one_guest(&format!("abi-alone-{number}"), vec![program], 1);
    }
    let results = run.results.lock().expect("nothing panicked");
    let failed = results.iter().filter(|is_good| !**is_good).count();
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {} passed; {failed} failed; 0 ignored; 0 measured; {} filtered \
         out; finished in {:.2}s\n",
        results.len() - failed,
        all - count,
        started.elapsed().as_secs_f64()
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Run {
    places: Places,
    host: OnHost,
    /// Of each program whether it passed.
    results: Mutex<Vec<bool>>,
}

impl Run {
    /// Runs programs in a new guest; when several ran at once, returns those that ran when it died.
    fn in_one_guest(&self, name: &str, all: Vec<Compared>, at_once: usize) -> Vec<Compared> {
        if all.is_empty() {
            return Vec::new();
        }
        let mut setup = Setup::named(name);
        setup.cpus = 4;
        setup.memory_mib = 512;
        let guest = Guest::boot(&setup);
        let left = Mutex::new(VecDeque::from(all));
        let suspects = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..at_once {
                scope.spawn(|| {
                    let in_guest = InGuest::new(&guest);
                    let next = || left.lock().expect("nothing panicked").pop_front();
                    while let Some(program) = next() {
                        let started = Instant::now();
                        match self.compare(&guest, &in_guest, &program) {
                            Verdict::GuestDied(why) if at_once > 1 => {
                                println!("{}: {why}", program.name);
                                suspects.lock().expect("nothing panicked").push(program);
                            }
                            verdict => self.tell(&program, started.elapsed(), &verdict),
                        }
                    }
                });
            }
        });
        if !guest.has_ended() {
            guest.assert_healthy();
        }
        suspects.into_inner().expect("nothing panicked")
    }

    fn compare(&self, guest: &Guest, in_guest: &InGuest<'_>, program: &Compared) -> Verdict {
        let guest_did = match in_guest.run(program) {
            Ok(did) => did,
            // A panic is printed before QEMU ends, which takes a moment.
            Err(why) if is_over(guest) => {
                return Verdict::GuestDied(format!("{why}\n{}", guest.serial_end()));
            }
            Err(why) => return Verdict::Differs(why),
        };
        if let Some(reason) = self.host.why_not(program) {
            let good = Did { output: guest_did.output.clone(), end: End::Status(0) };
            return difference(&good, &guest_did).map_or(Verdict::Unjudged(reason), |text| {
                Verdict::Differs(format!("{text}{}", guest_did.output))
            });
        }
        match self.host.run(&self.places, program) {
            Ok(did) => difference(&did, &guest_did).map_or(Verdict::Same, Verdict::Differs),
            Err(why) => Verdict::Differs(why),
        }
    }

    fn tell(&self, program: &Compared, took: Duration, verdict: &Verdict) {
        let seconds = took.as_secs_f64();
        let is_good = matches!(verdict, Verdict::Same | Verdict::Unjudged(_));
        let mut results = self.results.lock().expect("nothing panicked");
        match verdict {
            Verdict::Same => println!("test {} ... ok ({seconds:.1} s)", program.name),
            Verdict::Unjudged(why) => {
                println!("test {} ... ok ({seconds:.1} s; not compared: {why})", program.name);
            }
            Verdict::Differs(text) | Verdict::GuestDied(text) => {
                println!("test {} ... FAILED ({seconds:.1} s)", program.name);
                println!("  (- Linux, + guest)\n{}", indented(text));
            }
        }
        results.push(is_good);
    }
}

fn is_over(guest: &Guest) -> bool {
    let answers = || guest.anonymous("GET", "/healthz").try_send().is_some();
    guest.has_ended() || (!answers() && wait::holds(|| guest.has_ended()))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

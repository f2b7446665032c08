//! `cargo xtask test [NAME]`: everything that can be checked, in parts.
//!
//! A part that fails does not stop the others. What a part printed is kept as a log beside the other
//! artefacts; when it fails the end of it is shown.

mod kernel;
mod log;
mod parts;
mod watched;

use crate::failure::{Failure, Result};
use crate::options::{Word, Words, unexpected};
use crate::places::Places;
use crate::setup::{self, Need};
use std::process::ExitCode;
use std::time::Instant;

pub use log::Log;

/// What came out of a part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Tests, or steps of a part that has no tests of its own, that passed.
    pub passed: usize,
    /// Those that failed.
    pub failed: usize,
}

impl Count {
    /// One step.
    #[must_use]
    pub fn step(is_passed: bool) -> Self {
        Self { passed: usize::from(is_passed), failed: usize::from(!is_passed) }
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// What a part answers with.
#[derive(Debug)]
pub enum Outcome {
    /// It ran.
    Ran(Count),
    /// It can't run here, for this reason.
    Skipped(String),
}

/// Runs one part, writing what it does to its log.
#[derive(Clone, Copy)]
enum Run {
    /// All of it.
    Whole(fn(&Places, &mut Log) -> Result<Outcome>),
    /// What the words name of it; all without any.
    Chosen(fn(&Places, &[String], &mut Log) -> Result<Outcome>),
}

use Run::{Chosen, Whole};

/// A part of the whole.
struct Part {
    name: &'static str,
    what: &'static str,
    needs: &'static [Need],
    run: Run,
}

const PARTS: &[Part] = &[
    Part { name: "fmt", what: "formatting", needs: &[], run: Whole(parts::fmt) },
    Part {
        name: "tidy",
        what: "the rules that no compiler checks",
        needs: &[],
        run: Whole(parts::tidy),
    },
    Part {
        name: "host",
        what: "unit and property tests of everything that runs without hardware",
        needs: &[],
        run: Whole(parts::host),
    },
    Part { name: "loom", what: "every interleaving of ksync", needs: &[], run: Whole(parts::loom) },
    Part {
        name: "build",
        what: "the image, as a user gets it, within its size",
        needs: setup::TO_BUILD,
        run: Whole(parts::build),
    },
    Part {
        name: "kernel",
        what: "tests inside the kernel, with 1, 2 and 4 CPUs, with and without x2APIC",
        needs: setup::TO_RUN,
        run: Whole(kernel::run),
    },
    Part {
        name: "e2e",
        what: "the booted image, driven with curl and by hostile clients",
        needs: setup::TO_TEST_WITHOUT_BROWSER,
        run: Whole(parts::e2e),
    },
    Part {
        name: "abi",
        what: "programs that have to do what they do on Linux; `abi NAME...` runs some of them",
        needs: setup::TO_RUN,
        run: Chosen(parts::abi),
    },
    Part {
        name: "browser",
        what: "the console in a headless browser",
        needs: setup::TO_TEST_IN_BROWSER,
        run: Whole(parts::browser),
    },
    Part { name: "clippy", what: "lints", needs: setup::TO_BUILD, run: Whole(parts::clippy) },
    Part {
        name: "deny",
        what: "licences and sources of dependencies",
        needs: &[],
        run: Whole(parts::deny),
    },
];

/// The command itself.
///
/// # Errors
/// When the part asked for does not exist, or what the parts need can't be set up.
pub fn command(places: &Places, mut words: Words) -> Result<ExitCode> {
    let mut wanted: Vec<&Part> = Vec::new();
    let mut chosen = Vec::new();
    while let Some(word) = words.take()? {
        match word {
            Word::Option(name) if name == "list" => {
                for part in PARTS {
                    println!("{:8} {}", part.name, part.what);
                }
                return Ok(ExitCode::SUCCESS);
            }
            Word::Plain(name) => match (find(&name), wanted.last()) {
                (Ok(part), _) => wanted.push(part),
                (Err(_), Some(Part { run: Chosen(_), .. })) => chosen.push(name),
                (Err(failure), _) => return Err(failure),
            },
            Word::Option(_) | Word::Rest(_) => return Err(unexpected(&word)),
        }
    }
    if wanted.is_empty() {
        wanted.extend(PARTS);
    }
    for part in &wanted {
        setup::ensure(part.needs)?;
    }
    let total = run_all(places, &wanted, &chosen)?;
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn find(name: &str) -> Result<&'static Part> {
    PARTS.iter().find(|part| part.name == name).ok_or_else(|| {
        let names: Vec<_> = PARTS.iter().map(|part| part.name).collect();
        Failure::usage(format!("there is no part `{name}`; the parts are {}", names.join(", ")))
    })
}

fn run_all(places: &Places, parts: &[&Part], chosen: &[String]) -> Result<Count> {
    let mut total = Count::default();
    for part in parts {
        let started = Instant::now();
        let mut log = Log::create(places, part.name)?;
        let outcome = match part.run {
            Whole(run) => run(places, &mut log),
            Chosen(run) => run(places, chosen, &mut log),
        };
        let seconds = started.elapsed().as_secs_f64();
        match outcome {
            Ok(Outcome::Ran(count)) => {
                let Count { passed, failed } = count;
                println!("{:8} {passed:4} passed {failed:3} failed {seconds:7.1} s", part.name);
                if failed > 0 {
                    log.show_end();
                }
                total.add(count);
            }
            Ok(Outcome::Skipped(reason)) => println!("{:8} skipped: {reason}", part.name),
            Err(failure) => {
                println!("{:8}    0 passed   1 failed {seconds:7.1} s", part.name);
                log.show_end();
                println!("{failure}");
                total.add(Count::step(false));
            }
        }
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_part_names_the_known_ones() {
        let failure = find("nothing").err().unwrap();
        assert!(failure.to_string().contains("kernel, e2e"), "{failure}");
        assert_eq!(failure.code(), 2);
        assert_eq!(find("host").unwrap().name, "host");
    }

    #[test]
    fn every_part_counts_whatever_becomes_of_it() {
        fn passes(_: &Places, _: &mut Log) -> Result<Outcome> {
            Ok(Outcome::Ran(Count { passed: 3, failed: 1 }))
        }
        fn skips(_: &Places, _: &mut Log) -> Result<Outcome> {
            Ok(Outcome::Skipped("not here".to_owned()))
        }
        fn breaks(_: &Places, _: &mut Log) -> Result<Outcome> {
            Err(Failure::new("broken"))
        }
        let part = |run| Part { name: "x", what: "", needs: &[], run: Whole(run) };
        let out = std::env::temp_dir().join(format!("xtask-test-{}", std::process::id()));
        let places = Places { root: out.clone(), target: out.clone(), out: out.clone() };
        let parts = [part(passes), part(skips), part(breaks)];
        let total = run_all(&places, &parts.iter().collect::<Vec<_>>(), &[]);
        std::fs::remove_dir_all(&out).unwrap();
        assert_eq!(total.unwrap(), Count { passed: 3, failed: 2 });
    }
}

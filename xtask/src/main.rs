//! `cargo xtask COMMAND`.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use xtask::failure::{Failure, Result};
use xtask::options::{self, Words};
use xtask::places::Places;
use xtask::{bench, build, help, mock, run, setup, test, tidy};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(words) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.code())
        }
    }
}

fn dispatch(mut words: Vec<String>) -> Result<ExitCode> {
    let wants_help = |word: &String| word == "--help" || word == "-h";
    let ours = words.iter().take_while(|word| *word != "--");
    if words.is_empty() || words[0] == "help" || ours.into_iter().any(wants_help) {
        print!("{}", help::ALL);
        return Ok(ExitCode::SUCCESS);
    }
    let command = words.remove(0);
    let words = Words::new(words);
    let places = Places::find();
    match command.as_str() {
        "setup" => options::none(words).and_then(|()| setup::command()),
        "build" => options::none(words).and_then(|()| build::command(&places)),
        "run" => return run::command(&places, run::Options::parse(words)?),
        "test" => return test::command(&places, words),
        "mock" => mock::command(&places, words),
        "bench" => bench::command(&places, words),
        "tidy" => options::none(words).and_then(|()| tidy::command(&places)),
        _ => Err(Failure::usage(format!("there is no command `{command}`"))),
    }
    .map(|()| ExitCode::SUCCESS)
}

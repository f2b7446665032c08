//! A part's log: commands write to it, their test results are read from it.

use super::{Count, watched};
use crate::failure::{Failure, Result};
use crate::places::Places;
use crate::shell;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How many lines of a failed part's log are shown.
const SHOWN_LINES: usize = 80;

/// A command that takes longer hangs: on a loaded host the longest takes a fifth of this.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// The log of one part.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Starts an empty log among the artefacts.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn create(places: &Places, name: &str) -> Result<Self> {
        let folder = places.artefacts();
        let path = folder.join(format!("{name}.log"));
        let fail = |error| Failure::file("can't write", &path, &error);
        fs::create_dir_all(&folder).map_err(fail)?;
        // Appended to, so that several writers don't overwrite each other.
        fs::write(&path, "").map_err(fail)?;
        let file = File::options().read(true).append(true).open(&path).map_err(fail)?;
        Ok(Self { path, file })
    }

    /// Adds a line.
    pub fn line(&mut self, text: &str) {
        // A full disk shows as a failed command soon enough.
        let _ = writeln!(self.file, "{text}");
    }

    /// Runs a command whose success is all there is to know.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn step(&mut self, command: &mut Command) -> Result<Count> {
        Ok(Count::step(self.run(command)?.0))
    }

    /// Runs a command that ends with test results, as `cargo test` does.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn tests(&mut self, command: &mut Command) -> Result<Count> {
        let (is_success, text) = self.run(command)?;
        let mut count = results(&text);
        if !is_success && count.failed == 0 {
            count.failed = 1; // it did not even compile, or died
        }
        Ok(count)
    }

    fn run(&mut self, command: &mut Command) -> Result<(bool, String)> {
        let fail = |error| Failure::file("can't use", &self.path, &error);
        writeln!(self.file, "$ {}", shell::line(command)).map_err(fail)?;
        let from = self.file.seek(SeekFrom::End(0)).map_err(fail)?;
        let copy = || self.file.try_clone().map(Stdio::from).map_err(fail);
        command.stdin(Stdio::null()).stdout(copy()?).stderr(copy()?);
        let status = watched::status(command, LIMIT, |report| {
            // What hangs has to be seen in the log: nobody can look at the processes later.
            let _ = writeln!(&self.file, "{report}");
        })?;
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(from)).map_err(fail)?;
        self.file.read_to_end(&mut bytes).map_err(fail)?;
        let is_success = status.is_some_and(|status| status.success());
        Ok((is_success, String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Prints the end of the log and where the rest is.
    pub fn show_end(&self) {
        let text = fs::read(&self.path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        for line in lines.iter().skip(lines.len().saturating_sub(SHOWN_LINES)) {
            println!("    {line}");
        }
        println!("    (all of it: {})", self.path.display());
    }
}

/// Adds up the `test result: ok. 12 passed; 0 failed; ...` lines.
fn results(text: &str) -> Count {
    let mut count = Count::default();
    for line in text.lines().filter(|line| line.starts_with("test result: ")) {
        count.passed += number_before(line, " passed");
        count.failed += number_before(line, " failed");
    }
    count
}

fn number_before(line: &str, word: &str) -> usize {
    let number = line.split_once(word).and_then(|(before, _)| before.rsplit(' ').next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_added_up() {
        let text = "running 3 tests\ntest a ... ok\n\n\
                    test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured\n\
                    test result: FAILED. 10 passed; 2 failed; 1 ignored\n";
        assert_eq!(results(text), Count { passed: 13, failed: 2 });
        assert_eq!(results("error: could not compile"), Count::default());
    }

    #[test]
    fn a_command_that_fails_without_results_counts_as_one_failure() {
        let out = std::env::temp_dir().join(format!("xtask-log-{}", std::process::id()));
        let places = Places { root: out.clone(), target: out.clone(), out: out.clone() };
        let mut log = Log::create(&places, "x").unwrap();
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        let result = "echo 'test result: ok. 2 passed; 0 failed'";
        let passed = log.tests(&mut shell(result)).unwrap();
        let failed = log.tests(&mut shell("echo to stderr >&2; exit 1")).unwrap();
        let text = fs::read_to_string(out.join("artefacts/x.log")).unwrap();
        fs::remove_dir_all(&out).unwrap();
        assert_eq!(passed, Count { passed: 2, failed: 0 });
        assert_eq!(failed, Count { passed: 0, failed: 1 });
        assert!(text.contains("$ sh -c") && text.contains("to stderr"), "{text}");
    }
}

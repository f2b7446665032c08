//! Running other programs: a failed one is reported with the command line that can be pasted.

use crate::failure::{Failure, Result};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs `command` with our own output streams.
///
/// # Errors
/// When it can't be started or exits with anything but 0.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| not_started(command, &error))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("{status}: {}", line(command))))
}

/// Runs `command` and returns what it wrote to its standard output.
///
/// # Errors
/// When it can't be started or exits with anything but 0; its standard error is then shown.
pub fn output(command: &mut Command) -> Result<String> {
    let out =
        command.stdin(Stdio::null()).output().map_err(|error| not_started(command, &error))?;
    if !out.status.success() {
        let stderr = String::from_utf8_lossy(&out.stderr);
        return Err(Failure::new(format!("{}: {}\n{stderr}", out.status, line(command))));
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// True when `command` runs and exits with 0; its output is thrown away.
pub fn succeeds(command: &mut Command) -> bool {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

/// Where `program` lies, looking through `PATH` and then the system's own folders, which an
/// ordinary user's `PATH` may lack.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(system)
        .map(|folder| folder.join(program))
        .find(|candidate| is_executable(candidate))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(format!("can't start `{}`: {error}", command.get_program().to_string_lossy()))
}

/// The command as a line for a shell, with the variables that it sets.
#[must_use]
pub fn line(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(key, value)| {
        value.map(|value| format!("{}={}", key.to_string_lossy(), quote(value)))
    });
    let words = std::iter::once(command.get_program()).chain(command.get_args()).map(quote);
    variables.chain(words).collect::<Vec<_>>().join(" ")
}

fn quote(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_command_is_shown_as_it_can_be_pasted() {
        let mut command = Command::new("false");
        command.env("A", "x y").args(["it's", "", "-M", "q35,sata=off"]);
        assert_eq!(line(&command), r"A='x y' false 'it'\''s' '' -M q35,sata=off");
        let failure = run(&mut command).unwrap_err();
        assert!(failure.to_string().contains("'it'"), "{failure}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let failure = run(&mut Command::new("no-such-program-at-all")).unwrap_err();
        assert!(failure.to_string().contains("no-such-program-at-all"), "{failure}");
        assert!(find("no-such-program-at-all").is_none());
        assert!(find("sh").is_some());
    }
}

//! A command that may hang: it is given a time, then what its processes do is reported, and they
//! are ended.

use crate::failure::{Failure, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// Runs `command` in a process group of its own; `None` when it did not end within `limit`. Then
/// `report` is given a line for each thread of the group: what it is, in which state, where it waits
/// (proc(5), `stat` and `wchan`).
///
/// # Errors
/// When it can't be started.
pub(super) fn status(
    command: &mut Command,
    limit: Duration,
    report: impl FnOnce(&str),
) -> Result<Option<ExitStatus>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let fail = |error| Failure::new(format!("can't run `{program}`: {error}"));
    let started = Instant::now();
    let mut child = command.process_group(0).spawn().map_err(fail)?;
    loop {
        if let Some(status) = child.try_wait().map_err(fail)? {
            return Ok(Some(status));
        }
        if started.elapsed() > limit {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    report(&format!(
        "`{program}` did not end within {} s:\n{}",
        limit.as_secs(),
        threads(child.id())
    ));
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // Some of them may have ended by now.
        let _ = kill_process_group(group, Signal::KILL);
    }
    child.wait().map_err(fail)?;
    Ok(None)
}

/// The threads of a process group.
fn threads(group: u32) -> String {
    let mut text = String::new();
    let entries = |path: &str| fs::read_dir(path).into_iter().flatten().flatten();
    for process in entries("/proc") {
        let folder = process.path().join("task");
        for thread in entries(&folder.to_string_lossy()) {
            let read =
                |name: &str| fs::read_to_string(thread.path().join(name)).unwrap_or_default();
            // `pid (name) state parent group ...`; the name may hold anything but has no last `)`.
            let stat = read("stat");
            let Some((name, rest)) = stat.rsplit_once(')') else { continue };
            if rest.split_whitespace().nth(2) != Some(&group.to_string()) {
                continue;
            }
            let state = rest.split_whitespace().next().unwrap_or("?");
            // Writing to a string can't fail.
            let _ = writeln!(text, "    {name}) {state} {}", read("wchan"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_ends_in_time_is_not_reported() {
        let status = status(&mut shell("exit 3"), Duration::from_secs(60), |_| panic!("reported"));
        assert_eq!(status.unwrap().and_then(|status| status.code()), Some(3));
    }

    #[test]
    fn what_hangs_is_shown_and_ended_with_all_its_children() {
        let mut text = String::new();
        let began = Instant::now();
        let script = "sleep 1000 & sleep 1000; true";
        let limit = Duration::from_millis(300);
        let status = status(&mut shell(script), limit, |report| text.push_str(report)).unwrap();
        assert!(status.is_none());
        assert_eq!(text.matches("(sleep) S").count(), 2, "{text}");
        assert!(began.elapsed() < Duration::from_secs(60));
    }
}

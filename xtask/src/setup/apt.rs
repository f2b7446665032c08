//! Installing Debian packages, when we may; else saying which commands do it.

use super::{Need, OLDEST_QEMU, shell};
use crate::failure::{Failure, Result};
use std::path::Path;
use std::process::Command;

/// Where the set-up notes the backports suite. A file of our own, easy to remove again.
const BACKPORTS_LIST: &str = "/etc/apt/sources.list.d/multios-backports.list";

/// Who we are to apt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rights {
    Root,
    Sudo,
    Nobody,
}

/// Installs the packages of `missing`.
pub(super) fn install(missing: &[Need]) -> Result<()> {
    if shell::find("apt-get").is_none() {
        let lines: Vec<_> = missing.iter().map(|need| need.title()).collect();
        return Err(Failure::new("this machine has no apt-get to install what is missing with")
            .advise(format!("install by hand: {}", lines.join(", "))));
    }
    let rights = rights();
    let mut steps = Vec::new();
    let mut is_updated = false;
    let mut suite = None;
    if missing.contains(&Need::Qemu) && candidate_version("qemu-system-x86") < Some(OLDEST_QEMU) {
        let backports = backports()?;
        if !Path::new(BACKPORTS_LIST).exists() {
            let line = backports.line;
            steps.push(shell_step(rights, &format!("echo '{line}' > {BACKPORTS_LIST}")));
        }
        steps.push(apt_step(rights, &["update"]));
        is_updated = true;
        suite = Some(backports.suite);
    }
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages()).copied().collect();
    if !is_updated && packages.iter().any(|package| candidate_version(package).is_none()) {
        steps.push(apt_step(rights, &["update"]));
    }
    if let Some(suite) = suite {
        let from = ["install", "-y", "--no-install-recommends", "-t", &suite, "qemu-system-x86"];
        steps.push(apt_step(rights, &from));
    }
    let mut install = vec!["install", "-y", "--no-install-recommends"];
    install.extend(packages);
    steps.push(apt_step(rights, &install));
    perform(steps, rights)
}

fn perform(steps: Vec<Command>, rights: Rights) -> Result<()> {
    if rights == Rights::Nobody {
        let lines: Vec<_> = steps.iter().map(shell::line).collect();
        return Err(Failure::new("only root may install packages")
            .advise(format!("run these as root:\n    {}", lines.join("\n    "))));
    }
    for mut step in steps {
        eprintln!("+ {}", shell::line(&step));
        shell::run(&mut step)?;
    }
    Ok(())
}

fn rights() -> Rights {
    if rustix::process::geteuid().is_root() {
        Rights::Root
    } else if shell::succeeds(Command::new("sudo").args(["-n", "true"])) {
        Rights::Sudo
    } else {
        Rights::Nobody
    }
}

fn privileged(rights: Rights, program: &str) -> Command {
    match rights {
        Rights::Sudo => {
            let mut command = Command::new("sudo");
            command.args(["-n", program]);
            command
        }
        Rights::Root | Rights::Nobody => Command::new(program),
    }
}

fn apt_step(rights: Rights, arguments: &[&str]) -> Command {
    // `env` carries the variable through sudo, which drops the caller's.
    let mut command = privileged(rights, "env");
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(arguments);
    command
}

fn shell_step(rights: Rights, script: &str) -> Command {
    let mut command = privileged(rights, "sh");
    command.args(["-c", script]);
    command
}

/// The major version that apt would install; `None` when it knows no such package.
fn candidate_version(package: &str) -> Option<u32> {
    let mut policy = Command::new("apt-cache");
    policy.env("LC_ALL", "C").args(["policy", package]);
    parse_candidate(&shell::output(&mut policy).ok()?)
}

fn parse_candidate(policy: &str) -> Option<u32> {
    let line = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "))?;
    let version = line.split_once(':').map_or(line, |(_, version)| version);
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The suite with newer packages, from the mirror that the machine already uses.
#[derive(Debug, PartialEq, Eq)]
struct Backports {
    suite: String,
    line: String,
}

fn backports() -> Result<Backports> {
    let os = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let mut sources = std::fs::read_to_string("/etc/apt/sources.list").unwrap_or_default();
    for file in Path::new("/etc/apt/sources.list.d").read_dir().into_iter().flatten().flatten() {
        let path = file.path();
        let is_source = path.extension().is_some_and(|end| end == "list" || end == "sources");
        if is_source {
            sources.push_str("\n\n");
            sources.push_str(&std::fs::read_to_string(path).unwrap_or_default());
        }
    }
    backports_of(&os, &sources).ok_or_else(|| {
        Failure::new(format!("this system's packages have no QEMU {OLDEST_QEMU} or newer"))
            .advise("install a newer QEMU by hand so that qemu-system-x86_64 is found in PATH")
    })
}

/// Finds the mirror of the system's own suite among apt's sources, in either of its two formats
/// (sources.list(5)).
fn backports_of(os_release: &str, sources: &str) -> Option<Backports> {
    let codename = os_release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    let codename = codename.trim_matches('"');
    let suite = format!("{codename}-backports");
    let (mirror, key) =
        one_line_mirror(sources, codename).or_else(|| stanza_mirror(sources, codename))?;
    let options = key.map_or_else(String::new, |key| format!("[signed-by={key}] "));
    let line = format!("deb {options}{mirror} {suite} main");
    Some(Backports { suite, line })
}

fn one_line_mirror(sources: &str, codename: &str) -> Option<(String, Option<String>)> {
    sources.lines().find_map(|line| {
        let rest = line.trim().strip_prefix("deb ")?.trim_start();
        let (options, rest) = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None => ("", rest),
        };
        let mut words = rest.split_whitespace();
        let (mirror, suite) = (words.next()?, words.next()?);
        let key = options.split_whitespace().find_map(|option| option.strip_prefix("signed-by="));
        (suite == codename).then(|| (mirror.to_owned(), key.map(ToOwned::to_owned)))
    })
}

fn stanza_mirror(sources: &str, codename: &str) -> Option<(String, Option<String>)> {
    sources.split("\n\n").find_map(|stanza| {
        let field = |name: &str| {
            stanza.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then(|| value.trim())
            })
        };
        let is_binary = field("Types")?.split_whitespace().any(|kind| kind == "deb");
        let is_ours = field("Suites")?.split_whitespace().any(|suite| suite == codename);
        let mirror = field("URIs")?.split_whitespace().next()?;
        let key = field("Signed-By").filter(|key| key.starts_with('/'));
        (is_binary && is_ours).then(|| (mirror.to_owned(), key.map(ToOwned::to_owned)))
    })
}

#[cfg(test)]
mod tests;

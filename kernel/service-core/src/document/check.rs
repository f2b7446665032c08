//! What is wrong with a document by itself, field by field.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::fields::purpose_field;
use super::{Document, Isolation, Kind, Probe, ProbeKind, Purpose, ReadyWhen};
use crate::error::FieldError;

/// The most of each thing in a document.
const MOST_INSTANCES: u32 = 1024;
const MOST_NAMES: usize = 64;
const MOST_ARGUMENTS: usize = 256;
const LONGEST_TEXT: usize = 4096;
const LONGEST_TIME_MS: u64 = 24 * 60 * 60 * 1000;
const SHORTEST_INTERVAL_MS: u64 = 10;
/// Memory that a program needs to start at all.
const LEAST_MEMORY_BYTES: u64 = 65_536;

/// Signals that a service may be sent. Those that a program cannot handle are for force.
const SIGNALS: [&str; 8] =
    ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGABRT", "SIGWINCH"];

impl Document {
    /// Finds everything that is wrong with it by itself.
    ///
    /// # Errors
    /// Each wrong field with its place.
    pub fn check(&self) -> Result<(), Vec<FieldError>> {
        let mut checker = Checker::default();
        self.check_identity(&mut checker);
        self.check_program(&mut checker);
        self.check_relations(&mut checker);
        self.check_quotas(&mut checker);
        self.check_restart(&mut checker);
        for purpose in Purpose::ALL {
            if let Some(probe) = self.probe(*purpose) {
                self.check_probe(*purpose, probe, &mut checker);
            }
        }
        self.check_start(&mut checker);
        if checker.found.is_empty() { Ok(()) } else { Err(checker.found) }
    }

    fn check_identity(&self, checker: &mut Checker) {
        checker.name("name", &self.name);
        checker.text("description", &self.description);
        checker.count("tags", self.tags.len(), MOST_NAMES);
        for (index, tag) in self.tags.iter().enumerate() {
            let is_word = |byte: u8| byte.is_ascii_graphic();
            if tag.is_empty() || tag.len() > 63 || !tag.bytes().all(is_word) {
                checker.wrong(format!("tags[{index}]"), "is no word of 1 to 63 visible characters");
            }
        }
    }

    fn check_program(&self, checker: &mut Checker) {
        if self.kind == Kind::Group {
            if !self.program.is_empty() {
                checker.wrong("program", "a group has no program");
            }
            if self.port.is_some() {
                checker.wrong("port", "a group has no port");
            }
        } else {
            checker.path("program", &self.program);
        }
        checker.path("cwd", &self.cwd);
        checker.count("args", self.args.len(), MOST_ARGUMENTS);
        for (index, argument) in self.args.iter().enumerate() {
            checker.text(&format!("args[{index}]"), argument);
        }
        checker.count("env", self.env.len(), MOST_ARGUMENTS);
        for (name, value) in &self.env {
            let place = format!("env.{name}");
            if name.is_empty() || name.contains(['=', '\0']) {
                checker.wrong(&place, "is no name of a variable");
            }
            checker.text(&place, value);
        }
        if let Some(user) = &self.user
            && (user.is_empty() || user.len() > 32 || !user.bytes().all(|b| b.is_ascii_graphic()))
        {
            checker.wrong("user", "is no name of a user");
        }
        self.check_sandbox(checker);
        checker.number("instances", self.instances.into(), 1, MOST_INSTANCES.into());
        if let Some(port) = &self.port {
            checker.number("port.listen", port.listen.into(), 1, u16::MAX.into());
            checker.count("port.weights", port.weights.len(), MOST_INSTANCES as usize);
            for (index, weight) in port.weights.iter().enumerate() {
                checker.number(&format!("port.weights[{index}]"), u64::from(*weight), 1, 1000);
            }
        }
    }

    fn check_sandbox(&self, checker: &mut Checker) {
        match (&self.sandbox, self.isolation) {
            (None, Isolation::Process) => {}
            (None, Isolation::Sandbox) => checker.wrong("sandbox", "is missing"),
            (Some(_), Isolation::Process) => {
                checker.wrong("sandbox", "is for the isolation level sandbox");
            }
            (Some(_), Isolation::Sandbox) if self.kind == Kind::Group => {
                checker.wrong("sandbox", "a group has no processes");
            }
            (Some(sandbox), Isolation::Sandbox) => {
                checker.path("sandbox.root", &sandbox.root);
                if sandbox.root.trim_matches('/').is_empty() {
                    checker.wrong("sandbox.root", "must be a directory of its own, not /");
                }
            }
        }
    }

    fn check_relations(&self, checker: &mut Checker) {
        checker.count("dependencies", self.dependencies.len(), MOST_NAMES);
        let mut seen = BTreeSet::new();
        for (index, dependency) in self.dependencies.iter().enumerate() {
            let place = format!("dependencies[{index}]");
            self.check_other(&format!("{place}.service"), &dependency.service, checker);
            if !seen.insert(dependency.service.as_str()) {
                checker.wrong(format!("{place}.service"), "is named twice");
            }
            checker.time(&format!("{place}.timeout_ms"), dependency.timeout_ms, 1);
        }
        for (field, names) in [
            ("conflicts", &self.conflicts),
            ("after", &self.after),
            ("group.members", &self.members),
        ] {
            checker.count(field, names.len(), 1024);
            let mut seen = BTreeSet::new();
            for (index, name) in names.iter().enumerate() {
                let place = format!("{field}[{index}]");
                self.check_other(&place, name, checker);
                if !seen.insert(name) {
                    checker.wrong(&place, "is named twice");
                }
            }
        }
        for (index, name) in self.conflicts.iter().enumerate() {
            if self.dependencies.iter().any(|needed| needed.required && needed.service == *name) {
                checker.wrong(format!("conflicts[{index}]"), "is a service that is needed, too");
            }
        }
        match (self.kind == Kind::Group, self.members.is_empty()) {
            (true, true) => checker.wrong("group.members", "a group has at least one member"),
            (false, false) => checker.wrong("group.members", "only a group has members"),
            _ => {}
        }
        checker.count("conditions", self.conditions.len(), MOST_NAMES);
        for (index, condition) in self.conditions.iter().enumerate() {
            checker.path(&format!("conditions[{index}].path"), &condition.path);
        }
    }

    fn check_other(&self, place: &str, name: &str, checker: &mut Checker) {
        checker.name(place, name);
        if name == self.name {
            checker.wrong(place, "is the service itself");
        }
    }

    fn check_quotas(&self, checker: &mut Checker) {
        let limits = &self.limits;
        let least = [
            ("limits.memory_bytes", limits.memory_bytes, LEAST_MEMORY_BYTES),
            ("limits.processes", limits.processes.map(u64::from), 1),
            ("limits.open_files", limits.open_files.map(u64::from), 3),
            ("limits.cpu_percent", limits.cpu_percent.map(u64::from), 1),
            ("limits.read_bytes_per_second", limits.read_bytes_per_second, 1),
            ("limits.write_bytes_per_second", limits.write_bytes_per_second, 1),
        ];
        for (place, value, least) in least {
            if let Some(value) = value {
                checker.number(place, value, least, u64::MAX);
            }
        }
    }

    fn check_restart(&self, checker: &mut Checker) {
        let restart = &self.restart;
        checker.time("restart.delay_ms", restart.delay_ms, 1);
        checker.time("restart.max_delay_ms", restart.max_delay_ms, 1);
        if restart.max_delay_ms < restart.delay_ms {
            checker.wrong("restart.max_delay_ms", "is less than restart.delay_ms");
        }
        checker.number("restart.max_restarts", restart.max_restarts.into(), 0, 1_000);
        checker.time("restart.window_ms", restart.window_ms, 1);
        checker.time("restart.reset_after_ms", restart.reset_after_ms, 1);
        checker.time("stop.grace_ms", self.stop.grace_ms, 0);
        checker.time("stop.drain_ms", self.stop.drain_ms, 0);
        let reload = self.reload.as_ref().map(|signal| ("reload.signal", signal));
        for (place, signal) in [("stop.signal", &self.stop.signal)].into_iter().chain(reload) {
            if !SIGNALS.contains(&signal.as_str()) {
                let message = format!("is none of {}", SIGNALS.join(", "));
                checker.wrong(place, &message);
            }
        }
    }

    fn check_start(&self, checker: &mut Checker) {
        checker.time("start.timeout_ms", self.start.timeout_ms, 1);
        let has_check = self.health.is_some() || self.readiness.is_some();
        if self.start.ready_when == ReadyWhen::Healthy && !has_check {
            checker
                .wrong("start.ready_when", "is healthy, and there is no check that could say so");
        }
    }

    fn check_probe(&self, purpose: Purpose, probe: &Probe, checker: &mut Checker) {
        let field = purpose_field(purpose);
        let place = |part: &str| format!("{field}.{part}");
        if self.kind == Kind::Group {
            checker.wrong(field, "a group has no checks of its own");
        }
        let fits = match probe.kind {
            ProbeKind::Heartbeat => purpose == Purpose::Liveness,
            _ => true,
        };
        if !fits {
            checker.wrong(place("kind"), "cannot be used for this purpose");
        }
        let needs_port = matches!(probe.kind, ProbeKind::Tcp | ProbeKind::Http);
        match (needs_port, probe.port) {
            (true, None) if self.port.is_none() => {
                checker.wrong(place("port"), "is needed, since the service has no port");
            }
            (true, Some(0)) => checker.wrong(place("port"), "is 0"),
            (false, Some(_)) => checker.wrong(place("port"), "has no meaning for this kind"),
            _ => {}
        }
        if probe.kind == ProbeKind::Http {
            let is_good = |byte: u8| byte.is_ascii_graphic();
            if !probe.path.starts_with('/') || !probe.path.bytes().all(is_good) {
                checker.wrong(place("path"), "is no path of visible ASCII that starts with /");
            }
            checker.text(&place("path"), &probe.path);
        }
        match (probe.kind == ProbeKind::Command, probe.command.first()) {
            (true, None) => checker.wrong(place("command"), "is missing"),
            (true, Some(program)) => checker.path(&place("command[0]"), program),
            (false, Some(_)) => checker.wrong(place("command"), "has no meaning for this kind"),
            (false, None) => {}
        }
        checker.count(&place("command"), probe.command.len(), MOST_ARGUMENTS);
        for (index, argument) in probe.command.iter().enumerate() {
            checker.text(&place(&format!("command[{index}]")), argument);
        }
        checker.time(&place("interval_ms"), probe.interval_ms, SHORTEST_INTERVAL_MS);
        checker.time(&place("timeout_ms"), probe.timeout_ms, SHORTEST_INTERVAL_MS);
        checker.number(&place("healthy_after"), probe.healthy_after.into(), 1, 100);
        checker.number(&place("unhealthy_after"), probe.unhealthy_after.into(), 1, 100);
    }
}

/// What has been found.
#[derive(Default)]
struct Checker {
    found: Vec<FieldError>,
}

impl Checker {
    fn wrong(&mut self, field: impl AsRef<str>, message: &str) {
        self.found.push(FieldError { field: field.as_ref().into(), message: message.into() });
    }

    /// A name is a DNS label in lower case (RFC 1035, 2.3.1), because it is one in `NAME.service`.
    fn name(&mut self, field: &str, name: &str) {
        let is_letter =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_good = (1..=63).contains(&name.len())
            && name.bytes().all(is_letter)
            && !name.starts_with('-')
            && !name.ends_with('-');
        if !is_good {
            self.wrong(field, "is no name: 1 to 63 of a to z, 0 to 9 and hyphens inside");
        }
    }

    fn path(&mut self, field: &str, path: &str) {
        if !path.starts_with('/') {
            self.wrong(field, "is no absolute path");
        }
        self.text(field, path);
    }

    fn text(&mut self, field: &str, text: &str) {
        if text.len() > LONGEST_TEXT {
            self.wrong(field, "is longer than 4096 bytes");
        }
        if text.contains('\0') {
            self.wrong(field, "contains a NUL");
        }
    }

    fn count(&mut self, field: &str, count: usize, most: usize) {
        if count > most {
            let message: String = format!("has {count} entries; at most {most} are allowed");
            self.wrong(field, &message);
        }
    }

    fn number(&mut self, field: &str, value: u64, least: u64, most: u64) {
        if value < least || value > most {
            let message = match most {
                u64::MAX => format!("is {value}; it is at least {least}"),
                _ => format!("is {value}; it is {least} to {most}"),
            };
            self.wrong(field, &message);
        }
    }

    fn time(&mut self, field: &str, value: u64, least: u64) {
        self.number(field, value, least, LONGEST_TIME_MS);
    }
}

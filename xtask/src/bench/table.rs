//! The figures: samples of lines, their medians, spreads and ratios, as a table and as JSON.

use super::System;
use crate::failure::Failure;
use crate::places::Places;
use crate::shell;
use serde_json::{Map, Value, json};
use std::process::Command;

/// What a figure is of; says how it is shown and whether more is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Ns,
    Us,
    Ms,
    Kib,
    Mib,
    Percent,
    PerSecond,
    MibPerSecond,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Ns => "ns",
            Self::Us => "us",
            Self::Ms => "ms",
            Self::Kib => "KiB",
            Self::Mib => "MiB",
            Self::Percent => "%",
            Self::PerSecond => "1/s",
            Self::MibPerSecond => "MiB/s",
        }
    }

    fn more_is_better(self) -> bool {
        matches!(self, Self::PerSecond | Self::MibPerSecond)
    }
}

/// One line of the table.
#[derive(Debug)]
pub(super) struct Line {
    key: String,
    what: String,
    unit: Unit,
    /// Of MultiOS and of Linux.
    sides: [Side; 2],
}

#[derive(Debug, Default)]
struct Side {
    samples: Vec<f64>,
    /// Why there are none.
    note: Option<String>,
}

impl Line {
    /// Adds a round's figure.
    pub(super) fn add(&mut self, system: System, value: f64) {
        self.side(system).samples.push(value);
    }

    /// Says why a system has no figure.
    pub(super) fn lacks(&mut self, system: System, why: &str) {
        self.side(system).note = Some(why.to_owned());
    }

    fn side(&mut self, system: System) -> &mut Side {
        &mut self.sides[system as usize]
    }

    /// MultiOS's median by Linux's.
    fn ratio(&self) -> Option<f64> {
        let [ours, theirs] = self.sides.each_ref().map(|side| median(&side.samples));
        ours.zip(theirs).filter(|(_, theirs)| *theirs != 0.0).map(|(ours, theirs)| ours / theirs)
    }
}

/// All lines.
#[derive(Debug)]
pub(super) struct Table {
    lines: Vec<Line>,
    /// Tables of others, each with its name.
    texts: Vec<(String, Vec<String>)>,
    failures: Vec<String>,
    host: String,
    linux: Option<String>,
}

impl Table {
    pub(super) fn new(places: &Places) -> Self {
        let qemu = shell::output(Command::new("qemu-system-x86_64").arg("--version"));
        let qemu = qemu.unwrap_or_default().lines().next().unwrap_or_default().to_owned();
        let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let cpu = cpu.trim_matches([' ', '\t', ':']);
        let mut git = Command::new("git");
        git.args(["rev-parse", "--short", "HEAD"]).current_dir(&places.root);
        let commit = shell::output(&mut git).unwrap_or_default();
        let profile = std::env::var(crate::build::PROFILE_VARIABLE);
        let profile = profile.unwrap_or_else(|_| "release".to_owned());
        let commit = commit.trim();
        let host = format!("{cpus} x {cpu}; {qemu}, TCG; commit {commit}, profile {profile}");
        Self { lines: Vec::new(), texts: Vec::new(), failures: Vec::new(), host, linux: None }
    }

    /// Says which Linux stands beside.
    pub(super) fn names_linux(&mut self, kernel: &str, nginx: &str) {
        self.linux = Some(format!("Linux {kernel} with nginx {nginx}"));
    }

    /// The line of that key, made when it is new.
    pub(super) fn line(&mut self, key: &str, what: &str, unit: Unit) -> &mut Line {
        let at = self.lines.iter().position(|line| line.key == key).unwrap_or_else(|| {
            let (key, what) = (key.to_owned(), what.to_owned());
            self.lines.push(Line { key, what, unit, sides: Default::default() });
            self.lines.len() - 1
        });
        &mut self.lines[at]
    }

    /// Adds a table that another program made.
    pub(super) fn text(&mut self, name: &str, lines: Vec<String>) {
        self.texts.push((name.to_owned(), lines));
    }

    /// Notes that a section ended early.
    pub(super) fn failed(&mut self, section: &str, failure: &Failure) {
        eprintln!("{section}: {failure}");
        self.failures.push(format!("{section}: {failure}"));
    }

    /// Prints it.
    pub(super) fn print(&self) {
        let linux = self.linux.as_deref().unwrap_or("no Linux guest");
        println!("{}\n{linux}; medians, and how far the rounds lie apart\n", self.host);
        let head = ["MultiOS", "spread", "Linux", "spread", "ratio"];
        if !self.lines.is_empty() {
            let [ours, spread, theirs, other, ratio] = head;
            println!("{:58} {ours:>12} {spread:>7} {theirs:>12} {other:>7} {ratio:>7}", "");
        }
        for line in &self.lines {
            let [ours, theirs] = line.sides.each_ref().map(Side::shown);
            let ratio = line.ratio().map_or(String::new(), |ratio| format!("{ratio:.2}"));
            let behind = line.ratio().is_some_and(|ratio| {
                if line.unit.more_is_better() { ratio < 1.0 } else { ratio > 1.0 }
            });
            let what = format!("{}, {}", line.what, line.unit.name());
            let mark = if behind { " behind" } else { "" };
            println!(
                "{what:58} {:>12} {:>7} {:>12} {:>7} {ratio:>7}{mark}",
                ours.0, ours.1, theirs.0, theirs.1
            );
        }
        for (name, mean) in self.means() {
            println!("{:58} {:>49.2}", format!("geometric mean of {name}"), mean);
        }
        for (name, line) in self
            .lines
            .iter()
            .flat_map(|line| {
                let notes = [("MultiOS", &line.sides[0].note), ("Linux", &line.sides[1].note)];
                notes.into_iter().filter_map(move |(name, note)| Some((name, line, note.as_ref()?)))
            })
            .map(|(name, line, note)| (name, format!("{}: {note}", line.what)))
        {
            println!("n/a on {name}: {line}");
        }
        for (name, lines) in &self.texts {
            println!("\n{name}, on this host");
            lines.iter().for_each(|line| println!("{line}"));
        }
        for failure in &self.failures {
            println!("not measured to its end: {failure}");
        }
    }

    /// Geometric means of the ratios of those lines where less is better, by kind.
    fn means(&self) -> Vec<(&'static str, f64)> {
        let mean = |is_in: fn(&Line) -> bool| {
            let lines = self.lines.iter().filter(|line| is_in(line));
            let logs: Vec<f64> = lines.filter_map(Line::ratio).map(f64::ln).collect();
            (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
        };
        let calls = mean(|line| line.key.starts_with("calls."));
        let rates = mean(|line| line.unit == Unit::PerSecond);
        [("system calls, processes and memory", calls), ("requests per second", rates)]
            .into_iter()
            .filter_map(|(name, mean)| Some((name, mean?)))
            .collect()
    }

    /// It as a JSON document.
    pub(super) fn json(&self) -> String {
        let lines = self.lines.iter().map(|line| {
            let [ours, theirs] = line.sides.each_ref().map(Side::json);
            let value = json!({
                "what": line.what, "unit": line.unit.name(), "multios": ours, "linux": theirs,
                "ratio": line.ratio(), "more_is_better": line.unit.more_is_better(),
            });
            (line.key.clone(), value)
        });
        let document = json!({
            "host": self.host, "linux": self.linux, "failures": self.failures,
            "cores": self.texts.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "geometric_means": self.means().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            "lines": Value::Object(lines.collect::<Map<_, _>>()),
        });
        format!("{document:#}\n")
    }
}

impl Side {
    /// The median and the spread as they stand in the table.
    fn shown(&self) -> (String, String) {
        let Some(median) = median(&self.samples) else {
            let why = if self.note.is_some() { "n/a" } else { "" };
            return (why.to_owned(), String::new());
        };
        let digits = if median.abs() < 100.0 { 2 } else { 0 };
        let spread = spread(&self.samples).map_or(String::new(), |s| format!("{:.0} %", s * 100.0));
        (format!("{median:.digits$}"), spread)
    }

    fn json(&self) -> Value {
        json!({
            "median": median(&self.samples), "spread": spread(&self.samples),
            "samples": self.samples, "note": self.note,
        })
    }
}

fn median(samples: &[f64]) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted.get(middle).copied()
    } else {
        let lower = sorted.get(middle.checked_sub(1)?)?;
        Some(f64::midpoint(*lower, *sorted.get(middle)?))
    }
}

/// Largest less smallest, by the median; `None` of a single sample.
fn spread(samples: &[f64]) -> Option<f64> {
    let median = median(samples).filter(|median| samples.len() > 1 && *median != 0.0)?;
    let least = samples.iter().copied().fold(f64::INFINITY, f64::min);
    let most = samples.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some((most - least) / median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_spreads() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
        assert_eq!(spread(&[1.0]), None);
        assert_eq!(spread(&[9.0, 10.0, 11.0]), Some(0.2));
    }

    #[test]
    fn a_line_has_a_ratio_only_with_both_figures() {
        let sides = Default::default();
        let (key, what) = ("k".to_owned(), "w".to_owned());
        let mut line = Line { key, what, unit: Unit::Ns, sides };
        line.add(System::MultiOs, 1.0);
        assert_eq!(line.ratio(), None);
        line.add(System::Linux, 4.0);
        assert_eq!(line.ratio(), Some(0.25));
        line.lacks(System::Linux, "why");
        assert_eq!(line.sides[1].note.as_deref(), Some("why"));
    }
}

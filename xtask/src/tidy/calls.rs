//! The table of system calls in the documentation, against the kernel's dispatcher: every number of
//! Linux's has a row, and no row says another thing than the code.

use super::Violation;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Where the numbers and names of Linux's calls are.
const NUMBERS: &str = "kernel/linux-abi/src/number.rs";
/// Where calls are dispatched.
const DISPATCHER: &str = "kernel/src/syscall/mod.rs";
/// Where they are documented.
const DOCUMENT: &str = "docs/system-calls.md";
/// The heading of the table with a row for each number.
const HEADING: &str = "## By number";

/// What the dispatcher does about a call, and what the document may say then.
#[derive(Clone, Copy, PartialEq, Eq)]
enum There {
    Handled,
    Refused,
}

/// Checks the document of the repository at `root`.
pub(super) fn check(root: &Path) -> Vec<Violation> {
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap_or_default();
    compare(&read(NUMBERS), &read(DISPATCHER), &read(DOCUMENT))
}

fn compare(numbers: &str, dispatcher: &str, document: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut complain = |place: &str, what: String| {
        violations.push(Violation { place: place.to_owned(), what });
    };
    let calls = named(numbers);
    if calls.is_empty() {
        complain(NUMBERS, "no system call was found".to_owned());
    }
    let handled = dispatched(dispatcher);
    if handled.is_empty() {
        complain(DISPATCHER, "no dispatched system call was found".to_owned());
    }
    let (prose, table) = document.split_once(HEADING).unwrap_or((document, ""));
    let rows = rows(table);
    let words: BTreeSet<&str> =
        prose.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    for (number, (constant, name)) in &calls {
        let there = if handled.contains(constant) { There::Handled } else { There::Refused };
        match rows.get(number) {
            None => complain(DOCUMENT, format!("{number} {name} has no row")),
            Some((row_name, _)) if row_name != name => {
                complain(DOCUMENT, format!("{number} is {name}, not {row_name}"));
            }
            Some((_, state)) => {
                let is_true = match state.as_str() {
                    "yes" | "partly" | "refused" => there == There::Handled,
                    "no" => there == There::Refused,
                    _ => false,
                };
                if !is_true {
                    complain(DOCUMENT, format!("{name} is not \"{state}\" in {DISPATCHER}"));
                }
                if there == There::Handled && !words.contains(name.as_str()) {
                    complain(DOCUMENT, format!("{name} is answered and not described"));
                }
            }
        }
    }
    for (number, (name, _)) in rows.iter().filter(|(number, _)| !calls.contains_key(number)) {
        complain(DOCUMENT, format!("{number} {name} is no call of Linux's"));
    }
    violations
}

/// Numbers with their constant and name, from lines of `NAME = 7 name;`.
fn named(source: &str) -> BTreeMap<u32, (String, String)> {
    let mut calls = BTreeMap::new();
    for entry in source.split(';') {
        let words: Vec<&str> = entry.split_whitespace().collect();
        let Some(at) = words.iter().position(|word| *word == "=") else { continue };
        let (Some(constant), [_, number, name]) =
            (at.checked_sub(1).and_then(|at| words.get(at)), words.get(at..).unwrap_or_default())
        else {
            continue;
        };
        if let Ok(number) = number.parse() {
            calls.insert(number, ((*constant).to_owned(), (*name).to_owned()));
        }
    }
    calls
}

/// The constants whose arm in the dispatcher is more than ENOSYS.
fn dispatched(source: &str) -> BTreeSet<String> {
    const PREFIX: &str = "SystemCall::";
    let mut handled = BTreeSet::new();
    let mut waiting = Vec::new();
    let body = source.split_once("fn dispatch(").map_or("", |(_, body)| body);
    for line in body.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        let (pattern, arm) = match line.split_once("=>") {
            Some((pattern, arm)) => (pattern, Some(arm)),
            None => (line, None),
        };
        for part in pattern.split(PREFIX).skip(1) {
            let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let constant = part.get(..end.unwrap_or(part.len())).unwrap_or_default();
            // Functions of the type are written in small letters.
            if constant.chars().next().is_some_and(|first| !first.is_ascii_lowercase()) {
                waiting.push(constant.to_owned());
            }
        }
        if let Some(arm) = arm {
            let is_refused = arm.trim() == "Err(Errno::ENOSYS),";
            handled.extend(std::mem::take(&mut waiting).into_iter().filter(|_| !is_refused));
        }
    }
    handled
}

/// The rows of the table: number, name, state.
fn rows(table: &str) -> BTreeMap<u32, (String, String)> {
    let mut rows = BTreeMap::new();
    for line in table.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        // Several calls stand in a line, three cells each.
        for cells in cells.get(1..).unwrap_or_default().chunks(3) {
            if let [number, name, state] = cells
                && let Ok(number) = number.parse()
            {
                rows.insert(number, ((*name).to_owned(), (*state).to_owned()));
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::compare;

    const NUMBERS: &str = "system_calls! { 2:\n READ = 0 read; WRITE = 1 write;\n RSEQ = 2 rseq; }";
    const DISPATCHER: &str = "fn dispatch(call: SystemCall) -> Answer {\n match call {\n \
        SystemCall::READ\n | SystemCall::WRITE => transfer(call),\n // Asked and done without.\n \
        SystemCall::RSEQ => Err(Errno::ENOSYS),\n _ => note(SystemCall::new(1)),";

    fn complaints(document: &str) -> Vec<String> {
        let violations = compare(NUMBERS, DISPATCHER, document);
        violations.into_iter().map(|violation| violation.what).collect()
    }

    #[test]
    fn a_true_table_passes() {
        let document = "`read` and write are there.\n## By number\n| nr | call | there |\n|---|\n\
            | 0 | read | yes | 1 | write | partly |\n| 2 | rseq | no |";
        assert_eq!(complaints(document), Vec::<String>::new());
    }

    #[test]
    fn what_is_missing_or_untrue_is_found() {
        let document = "`read`\n## By number\n| 0 | read | no |\n| 1 | wrote | yes |\n\
            | 7 | more | no |";
        let found = complaints(document);
        for expected in ["read is not", "1 is write", "2 rseq has no row", "7 more is no call"] {
            assert!(found.iter().any(|what| what.contains(expected)), "{expected}: {found:?}");
        }
        let undescribed = "read\n## By number\n| 0 | read | yes | 1 | write | yes |\n\
            | 2 | rseq | no |";
        assert_eq!(complaints(undescribed), ["write is answered and not described"]);
    }
}

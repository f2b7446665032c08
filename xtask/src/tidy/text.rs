//! What a source file may hold: where `unsafe` may stand, how long files are, which words are out.

use super::Violation;
use std::path::Path;

/// The crates that may hold `unsafe`.
const UNSAFE_CRATES: [&str; 5] = [
    "kernel/hal/",
    "kernel/kheap/",
    "kernel/ksync/",
    "kernel/virtio-queues/",
    "images/programs/multios/",
];
/// How a crate says that it has none; `deny` is for the kernel, whose entry point comes from a macro
/// of hal that takes the responsibility.
const FORBIDS: [&str; 2] = ["#![forbid(unsafe_code)]", "#![deny(unsafe_code)]"];
/// The longest source file, its tests not counted.
const LONGEST_FILE_LINES: usize = 600;

/// Words that mean something was left unfinished or muted. In halves, so that this list does not
/// find itself.
const OUT: [(&str, &str, &str); 7] = [
    ("#[al", "low(", "use #[expect(lint, reason = \"...\")]"),
    ("#![al", "low(", "use #[expect(lint, reason = \"...\")]"),
    ("#[ign", "ore", "a test that does not run proves nothing"),
    ("#![fea", "ture(", "stable Rust only"),
    ("FIX", "ME", "finish it or write down what is missing where users look"),
    ("to", "do!(", "finish it"),
    ("unimpl", "emented!(", "finish it"),
];

/// Hosts of package registries and mirrors: which one is used is the machine's own choice.
const HOSTS: [(&str, &str); 4] = [
    ("deb.deb", "ian.org"),
    ("index.cra", "tes.io"),
    ("static.cra", "tes.io"),
    ("registry.npm", "js.org"),
];

/// Checks one file; `file` is its path in the repository at `root`.
pub(super) fn check(file: &str, content: &str, root: &Path) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut complain = |line: Option<usize>, what: String| {
        let place = line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"));
        violations.push(Violation { place, what });
    };
    let home = std::env::var("HOME").ok().filter(|home| home.len() > 1);
    let machine_paths = [root.to_str().map(str::to_owned), home.map(|home| format!("{home}/."))];
    // Lock files are cargo's and npm's own.
    let is_locked = file.ends_with("Cargo.lock") || file.ends_with("package-lock.json");
    for (number, line) in (1..).zip(content.lines()).filter(|_| !is_locked) {
        for (front, back) in HOSTS {
            if line.contains(&format!("{front}{back}")) {
                complain(Some(number), format!("names the host {front}{back}"));
            }
        }
        if machine_paths.iter().flatten().any(|path| line.contains(path.as_str())) {
            complain(Some(number), "names a path of this machine".to_owned());
        }
    }
    if !file.ends_with(".rs") {
        return violations;
    }
    for (number, line) in (1..).zip(content.lines()) {
        for (front, back, instead) in OUT {
            if line.contains(&format!("{front}{back}")) {
                complain(Some(number), format!("`{front}{back}`: {instead}"));
            }
        }
        if !may_be_unsafe(file) && has_unsafe(line) {
            complain(Some(number), "`unsafe` outside the crates that may have it".to_owned());
        }
    }
    let forbids = FORBIDS.iter().any(|attribute| content.contains(attribute));
    if is_crate_root(file) && !may_be_unsafe(file) && !forbids {
        complain(None, "lacks #![forbid(unsafe_code)]".to_owned());
    }
    let lines = lines_without_tests(file, content);
    if lines > LONGEST_FILE_LINES {
        complain(None, format!("{lines} lines, more than {LONGEST_FILE_LINES}"));
    }
    violations
}

fn may_be_unsafe(file: &str) -> bool {
    UNSAFE_CRATES.iter().any(|folder| file.starts_with(folder))
}

fn is_crate_root(file: &str) -> bool {
    file.ends_with("src/lib.rs") || file.ends_with("src/main.rs")
}

/// True when the line uses the keyword; a comment, a string or a lint's name does not count.
fn has_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    ["{", "fn ", "impl ", "trait ", "extern "].iter().any(|after| {
        code.match_indices(&format!("uns{} {after}", "afe")).any(|(at, _)| {
            let before = &code[..at];
            // Within a string there is an odd number of quotes before it.
            before.matches('"').count().is_multiple_of(2)
        })
    })
}

fn lines_without_tests(file: &str, content: &str) -> usize {
    let is_test =
        file.ends_with("/tests.rs") || file.contains("/tests/") || file.starts_with("tests/");
    if is_test {
        return 0;
    }
    content.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(file: &str, content: &str) -> Vec<String> {
        let root = Path::new("/somewhere/checkout");
        check(file, content, root).into_iter().map(|violation| violation.to_string()).collect()
    }

    #[test]
    fn an_ordinary_file_is_tidy() {
        let content =
            "#![forbid(unsafe_code)]\n// unsafe { } in a comment\nlet a = \"unsafe { }\";\n";
        assert_eq!(complaints("net/src/lib.rs", content), Vec::<String>::new());
    }

    #[test]
    fn each_rule_finds_its_breach() {
        for (file, content, part) in [
            ("net/src/a.rs", "let x = unsafe { y() };", "net/src/a.rs:1: `unsafe`"),
            ("net/src/a.rs", "pub unsafe fn f() {}", "`unsafe`"),
            ("net/src/lib.rs", "fn f() {}", "forbid"),
            ("kernel/hal/src/a.rs", concat!("#[al", "low(dead_code)]"), "expect"),
            ("kernel/src/a.rs", concat!("#![fea", "ture(x)]"), "stable"),
            ("README.md", concat!("get it from deb.deb", "ian.org"), "README.md:1: names the host"),
            ("README.md", "cd /somewhere/checkout", "path of this machine"),
        ] {
            let found = complaints(file, content);
            assert!(found.len() == 1 && found[0].contains(part), "{content}: {found:?}");
        }
    }

    #[test]
    fn hal_and_ksync_may_be_unsafe() {
        assert!(complaints("kernel/hal/src/lib.rs", "unsafe { x() }").is_empty());
        assert!(complaints("kernel/ksync/src/a.rs", "unsafe impl Sync for A {}").is_empty());
    }

    #[test]
    fn tests_do_not_make_a_file_long() {
        let long = "x\n".repeat(LONGEST_FILE_LINES + 1);
        assert!(complaints("net/src/a.rs", &long)[0].contains("601 lines"));
        let with_tests = format!("{}#[cfg(test)]\n{long}", "x\n".repeat(10));
        assert!(complaints("net/src/a.rs", &with_tests).is_empty());
        assert!(complaints("net/src/a/tests.rs", &long).is_empty());
    }

    #[test]
    fn lock_files_may_say_where_packages_come_from() {
        assert!(complaints("Cargo.lock", concat!("registry.npm", "js.org")).is_empty());
    }
}

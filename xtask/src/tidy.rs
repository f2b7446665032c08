//! `cargo xtask tidy`: the rules of the project that no compiler checks.
//!
//! Which crate may depend on which is in `layers`, what a source file may hold in `text`, that the
//! table of system calls is true in `calls`.

mod calls;
mod layers;
mod text;

use crate::failure::{Failure, Result};
use crate::places::Places;
use crate::{shell, toolchain};
use std::fmt;
use std::path::Path;
use std::process::Command;

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The file, and the line if there is one.
    place: String,
    /// What is wrong, in a sentence.
    what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// The command itself.
///
/// # Errors
/// When a rule is broken; each breach is printed.
pub fn command(places: &Places) -> Result<()> {
    let violations = check(places)?;
    for violation in &violations {
        println!("{violation}");
    }
    if violations.is_empty() {
        println!("tidy");
        return Ok(());
    }
    Err(Failure::new(format!("{} rules are broken", violations.len())))
}

pub(crate) fn check(places: &Places) -> Result<Vec<Violation>> {
    let mut metadata = toolchain::host_cargo("metadata");
    metadata.current_dir(&places.root).args(["--format-version", "1", "--no-deps", "--offline"]);
    let packages = layers::read(&shell::output(&mut metadata)?)?;
    let mut violations = layers::check(&packages);
    for file in tracked_files(&places.root)? {
        // A file that is deleted but not yet committed as such has nothing to be checked.
        let Ok(bytes) = std::fs::read(places.root.join(&file)) else { continue };
        let Ok(content) = String::from_utf8(bytes) else { continue };
        violations.extend(text::check(&file, &content, &places.root));
    }
    violations.extend(calls::check(&places.root));
    Ok(violations)
}

/// The files that git knows, and those that it would add.
fn tracked_files(root: &Path) -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    Ok(shell::output(&mut git)?.lines().map(ToOwned::to_owned).collect())
}

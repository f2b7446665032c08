//! The npm packages that the console takes its style sheet and fonts from.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::PackError;

/// Installs the packages of `package-lock.json` in `console_dir` unless they are there already.
///
/// # Errors
/// [`PackError::Packages`] if npm is missing or fails; [`PackError::File`] if the lock file cannot
/// be read.
pub fn fetch_packages(console_dir: &Path) -> Result<(), PackError> {
    let lock_path = console_dir.join("package-lock.json");
    let lock = fs::read(&lock_path).map_err(PackError::file(&lock_path))?;
    // A copy of the lock file beside the packages says which one they were installed from.
    let stamp_path = console_dir.join("node_modules/.installed-from");
    if fs::read(&stamp_path).is_ok_and(|stamp| stamp == lock) {
        return Ok(());
    }
    let output = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(console_dir)
        .output()
        .map_err(|error| PackError::Packages(format!("npm does not start: {error}")))?;
    if !output.status.success() {
        return Err(PackError::Packages(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    fs::write(&stamp_path, lock).map_err(PackError::file(&stamp_path))
}

//! The image's own programs that are written in Rust: static, without a standard library, by the
//! machine's ordinary compiler.

use crate::failure::Result;
use crate::places::Places;
use crate::shell;
use crate::toolchain::host_cargo;
use std::path::PathBuf;
use std::process::Command;

/// The crates of `images/programs/`, each of which is a program.
pub const NAMES: [&str; 3] = ["procs", "confine", "service"];

const TARGET: &str = "x86_64-unknown-linux-gnu";
const PROFILE: &str = "program";
/// One file at fixed addresses, whose first function is the crate `multios`'s.
const FLAGS: &str = "-Crelocation-model=static -Ctarget-feature=+crt-static -Clink-arg=-nostartfiles \
                     -Clink-arg=-nostdlib -Clink-arg=-static -Clink-arg=-no-pie";

/// `cargo SUBCOMMAND` for these programs.
#[must_use]
pub fn cargo(places: &Places, subcommand: &str) -> Command {
    let mut cargo = host_cargo(subcommand);
    cargo
        .current_dir(&places.root)
        // Named, because only then the flags are the programs' alone.
        .args(["--target", TARGET, "--profile", PROFILE])
        .env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", FLAGS);
    for name in NAMES {
        cargo.args(["--package", name]);
    }
    cargo
}

/// Compiles them; returns each one's name and where it is.
///
/// # Errors
/// When one does not compile.
pub fn build(places: &Places) -> Result<Vec<(&'static str, PathBuf)>> {
    let target = places.target.join("image-programs");
    shell::run(cargo(places, "build").args(["--quiet", "--target-dir"]).arg(&target))?;
    let folder = target.join(TARGET).join(PROFILE);
    Ok(NAMES.iter().map(|name| (*name, folder.join(name))).collect())
}

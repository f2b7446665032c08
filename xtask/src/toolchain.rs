//! Which compiler builds for the bare machine and for WebAssembly.
//!
//! The machine's own toolchain where it has the targets (rustup's `target add`, or a distribution
//! that ships them); else Debian's `rustc-web` packages, which build the standard library from
//! source.

use crate::failure::{Failure, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A target that is not the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The kernel's.
    Kernel,
    /// The console's.
    Console,
}

impl Target {
    /// The target's triple.
    #[must_use]
    pub fn triple(self) -> &'static str {
        match self {
            Self::Kernel => "x86_64-unknown-none",
            Self::Console => "wasm32-unknown-unknown",
        }
    }

    fn standard_library(self) -> &'static str {
        match self {
            Self::Kernel => "-Zbuild-std=core,alloc",
            Self::Console => "-Zbuild-std=std,panic_abort",
        }
    }
}

/// A compiler that can build for both targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toolchain {
    /// The machine's ordinary cargo, which has the targets.
    Ordinary,
    /// Debian's packages under `/usr`.
    Debian,
}

/// Debian's packages that make up its toolchain.
pub const DEBIAN_PACKAGES: [&str; 6] =
    ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-22", "rust-web-clippy"];

const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_CLIPPY: &str = "/usr/bin/cargo-clippy";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

impl Toolchain {
    /// Looks for a toolchain; `None` when neither is there.
    #[must_use]
    pub fn find() -> Option<Self> {
        if ordinary_has_targets() {
            return Some(Self::Ordinary);
        }
        debian_is_complete().then_some(Self::Debian)
    }

    /// Like `find`, but a missing toolchain is an error that says what to install.
    ///
    /// # Errors
    /// When neither toolchain is there.
    pub fn require() -> Result<Self> {
        Self::find().ok_or_else(|| {
            Failure::new("there is no compiler for x86_64-unknown-none and wasm32-unknown-unknown")
                .advise(install_hint())
        })
    }

    /// `cargo SUBCOMMAND --target ...` with what this toolchain needs to build for `target`.
    #[must_use]
    pub fn cargo(self, subcommand: &str, target: Target) -> Command {
        let mut command = match (self, subcommand) {
            (Self::Ordinary, _) => Command::new(ordinary("cargo", "CARGO")),
            // By its own path: cargo would prefer another toolchain's in the user's folder.
            (Self::Debian, "clippy") => Command::new(DEBIAN_CLIPPY),
            (Self::Debian, _) => Command::new(DEBIAN_CARGO),
        };
        command.args([subcommand, "--target", target.triple()]);
        forget_outer_cargo(&mut command);
        match self {
            // `acpi` uses an unstable allocator interface; nothing of ours may.
            Self::Ordinary => command.env("RUSTC_BOOTSTRAP", "acpi"),
            Self::Debian => command
                .arg(target.standard_library())
                .env("RUSTC_BOOTSTRAP", "1")
                .env("RUSTC", DEBIAN_RUSTC)
                .env("CARGO", DEBIAN_CARGO)
                .env_remove("RUSTUP_TOOLCHAIN"),
        };
        command
    }
}

/// The line that brings the targets to a machine without Debian's packages.
#[must_use]
pub fn install_hint() -> String {
    format!(
        "rustup target add {} {}\n        or, on Debian: apt-get install {}",
        Target::Kernel.triple(),
        Target::Console.triple(),
        DEBIAN_PACKAGES.join(" ")
    )
}

/// `cargo SUBCOMMAND` for the host, as the user calls it.
#[must_use]
pub fn host_cargo(subcommand: &str) -> Command {
    let mut command = Command::new(ordinary("cargo", "CARGO"));
    command.arg(subcommand);
    forget_outer_cargo(&mut command);
    command
}

fn ordinary(program: &str, variable: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| PathBuf::from(program), PathBuf::from)
}

/// The cargo that runs us describes its own package and libraries in the environment; another
/// cargo's build scripts and compiler must not see them.
fn forget_outer_cargo(command: &mut Command) {
    command.env_remove("LD_LIBRARY_PATH");
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        let is_ours = name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        if is_ours || name == "CARGO_PRIMARY_PACKAGE" {
            command.env_remove(&key);
        }
    }
}

fn ordinary_has_targets() -> bool {
    let mut rustc = Command::new(ordinary("rustc", "RUSTC"));
    let Ok(sysroot) = crate::shell::output(rustc.args(["--print", "sysroot"])) else {
        return false;
    };
    let libraries = Path::new(sysroot.trim()).join("lib/rustlib");
    [Target::Kernel, Target::Console].iter().all(|t| has_core(&libraries.join(t.triple())))
}

fn has_core(target: &Path) -> bool {
    let Ok(files) = target.join("lib").read_dir() else { return false };
    files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libcore-"))
}

fn debian_is_complete() -> bool {
    let mut rustc = Command::new(DEBIAN_RUSTC);
    let Ok(sysroot) = crate::shell::output(rustc.args(["--print", "sysroot"])) else {
        return false;
    };
    let source = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core/src/lib.rs");
    let tools = [DEBIAN_CARGO, DEBIAN_CLIPPY, "/usr/bin/rust-lld"];
    source.exists() && tools.iter().all(|tool| Path::new(tool).exists())
}

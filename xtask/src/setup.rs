//! `cargo xtask setup`: finds what the other commands need and installs what is missing.
//!
//! Each command demands only its own needs, so that `run` works without a browser. Nothing is
//! touched, and apt is not even asked, when everything is there.

mod apt;

use crate::failure::{Failure, Result};
use crate::shell;
use crate::toolchain::{self, Toolchain};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Something that has to be on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A compiler for the kernel and the console.
    Compiler,
    /// QEMU with an x2APIC without hardware virtualisation: 9 or newer.
    Qemu,
    /// npm, which fetches the console's style sheet and fonts.
    Npm,
    /// A statically linked busybox, the guest's basic programs.
    Busybox,
    /// A C compiler for static programs.
    StaticC,
    /// Chromium and its driver, for the browser tests.
    Browser,
    /// curl, which the end-to-end tests speak HTTP with.
    Curl,
    /// Go, in which one of the programs is written that the end-to-end tests run.
    Go,
}

/// What building the image takes.
pub const TO_BUILD: &[Need] = &[Need::Compiler, Need::Npm, Need::Busybox, Need::StaticC];
/// What booting the image takes.
pub const TO_RUN: &[Need] = &[Need::Compiler, Need::Npm, Need::Busybox, Need::StaticC, Need::Qemu];
/// What the end-to-end tests without the browser take.
pub const TO_TEST_WITHOUT_BROWSER: &[Need] =
    &[Need::Compiler, Need::Npm, Need::Busybox, Need::StaticC, Need::Qemu, Need::Curl, Need::Go];
/// What the tests with the browser take.
pub const TO_TEST_IN_BROWSER: &[Need] = &[
    Need::Compiler,
    Need::Npm,
    Need::Busybox,
    Need::StaticC,
    Need::Qemu,
    Need::Browser,
    Need::Curl,
];
/// What all of the tests take.
pub const TO_TEST: &[Need] = &[
    Need::Compiler,
    Need::Npm,
    Need::Busybox,
    Need::StaticC,
    Need::Qemu,
    Need::Browser,
    Need::Curl,
    Need::Go,
];

/// The oldest QEMU whose emulated CPU has an x2APIC.
const OLDEST_QEMU: u32 = 9;

impl Need {
    fn is_met(self) -> bool {
        match self {
            Self::Compiler => Toolchain::find().is_some(),
            Self::Qemu => qemu_version().is_some_and(|version| version >= OLDEST_QEMU),
            Self::Npm => shell::find("npm").is_some(),
            Self::Busybox => busybox().is_some(),
            Self::StaticC => shell::find("musl-gcc").is_some(),
            Self::Browser => {
                shell::find("chromium").is_some() && shell::find("chromedriver").is_some()
            }
            Self::Curl => shell::find("curl").is_some(),
            Self::Go => shell::find("go").is_some(),
        }
    }

    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Compiler => &toolchain::DEBIAN_PACKAGES,
            Self::Qemu => &["qemu-system-x86"],
            Self::Npm => &["npm"],
            Self::Busybox => &["busybox-static"],
            Self::StaticC => &["musl-tools"],
            Self::Browser => &["chromium", "chromium-driver"],
            Self::Curl => &["curl"],
            Self::Go => &["golang-go"],
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Compiler => "a compiler for the bare machine and for WebAssembly",
            Self::Qemu => "QEMU 9 or newer (qemu-system-x86_64)",
            Self::Npm => "npm",
            Self::Busybox => "a statically linked busybox",
            Self::StaticC => "musl-gcc",
            Self::Browser => "chromium and chromedriver",
            Self::Curl => "curl",
            Self::Go => "go",
        }
    }
}

/// The command itself: sets up everything and says what is there.
///
/// # Errors
/// When something is missing and can't be installed.
pub fn command() -> Result<()> {
    ensure(TO_TEST)?;
    for need in TO_TEST {
        println!("found {}", need.title());
    }
    if let Some(Toolchain::Debian) = Toolchain::find() {
        println!("the kernel and the console are built with Debian's toolchain in /usr/bin");
    }
    Ok(())
}

/// Installs what is missing of `needs`.
///
/// # Errors
/// When something is missing and can't be installed; the message has the commands to type.
pub fn ensure(needs: &[Need]) -> Result<()> {
    let missing: Vec<Need> = needs.iter().copied().filter(|need| !need.is_met()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        eprintln!("missing: {}", need.title());
    }
    apt::install(&missing)?;
    match missing.iter().find(|need| !need.is_met()) {
        None => Ok(()),
        Some(need) => Err(Failure::new(format!(
            "{} is still missing after installing {}",
            need.title(),
            need.packages().join(" ")
        ))
        .advise(other_way(*need))),
    }
}

fn other_way(need: Need) -> String {
    match need {
        Need::Compiler => toolchain::install_hint(),
        _ => "install it by hand so that it is found in PATH".to_owned(),
    }
}

/// QEMU's major version; `None` when there is no QEMU.
fn qemu_version() -> Option<u32> {
    let qemu = shell::find("qemu-system-x86_64")?;
    parse_qemu_version(&shell::output(Command::new(qemu).arg("--version")).ok()?)
}

fn parse_qemu_version(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("version ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The host's busybox, if it runs without shared libraries.
#[must_use]
pub fn busybox() -> Option<PathBuf> {
    let candidates = ["/bin/busybox", "/usr/bin/busybox"].map(PathBuf::from);
    candidates.into_iter().find(|path| is_static(path))
}

/// True for an ELF file that names no interpreter.
fn is_static(path: &Path) -> bool {
    let Ok(bytes) = std::fs::read(path) else { return false };
    let Ok(file) = elf::ElfBytes::<elf::endian::LittleEndian>::minimal_parse(&bytes) else {
        return false;
    };
    let Some(segments) = file.segments() else { return false };
    segments.iter().all(|segment| segment.p_type != elf::abi::PT_INTERP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_what_qemu_says() {
        let debian = "QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2~bpo12+1)\nCopyright";
        assert_eq!(parse_qemu_version(debian), Some(10));
        assert_eq!(parse_qemu_version("QEMU emulator version 7.2.17"), Some(7));
        assert_eq!(parse_qemu_version("something else"), None);
    }

    #[test]
    fn a_script_is_no_static_program() {
        assert!(!is_static(Path::new("/no/such/file")));
        assert!(!is_static(Path::new(file!())));
    }
}

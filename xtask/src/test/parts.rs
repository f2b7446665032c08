//! The parts that are other programs' work.

use super::{Count, Log, Outcome};
use crate::failure::Result;
use crate::initrd::sorted;
use crate::places::Places;
use crate::toolchain::{Target, Toolchain, host_cargo};
use crate::{build as image, image_programs, shell, tidy as rules};
use std::ffi::OsString;
use std::process::Command;

/// The crates that run on the bare machine; of them only `drivers` compiles for the host, too.
const KERNEL_CRATES: [&str; 3] = ["kernel", "hal", "drivers"];

pub(super) fn fmt(places: &Places, log: &mut Log) -> Result<Outcome> {
    let mut cargo = cargo(places, "fmt");
    log.step(cargo.args(["--all", "--check"])).map(Outcome::Ran)
}

pub(super) fn tidy(places: &Places, log: &mut Log) -> Result<Outcome> {
    let violations = rules::check(places)?;
    for violation in &violations {
        log.line(&violation.to_string());
    }
    Ok(Outcome::Ran(Count::step(violations.is_empty())))
}

pub(super) fn host(places: &Places, log: &mut Log) -> Result<Outcome> {
    let mut count = log.tests(cargo(places, "test").arg("--no-fail-fast"))?;
    count.add(log.tests(cargo(places, "test").args(["--package", "console-web"]))?);
    Ok(Outcome::Ran(count))
}

pub(super) fn loom(places: &Places, log: &mut Log) -> Result<Outcome> {
    let mut test = cargo(places, "test");
    test.args(["--package", "ksync", "--release", "--lib", "--target-dir"])
        // Other flags, so another folder: the host's results stay as they are.
        .arg(places.target.join("loom"))
        .env("RUSTFLAGS", "--cfg loom")
        .env("LOOM_MAX_PREEMPTIONS", "3");
    log.tests(&mut test).map(Outcome::Ran)
}

pub(super) fn build(places: &Places, log: &mut Log) -> Result<Outcome> {
    prepare(places, log)?;
    Ok(Outcome::Ran(Count::step(true)))
}

pub(super) fn e2e(places: &Places, log: &mut Log) -> Result<Outcome> {
    prepare(places, log)?;
    let mut test = cargo(places, "test");
    test.args(["--package", "end-to-end", "--no-fail-fast"]);
    for file in end_to_end(places)? {
        test.arg("--test").arg(file);
    }
    log.tests(test.args(["--lib", "--", "--test-threads=4"])).map(Outcome::Ran)
}

/// The names of the end-to-end tests: every file of their folder. The browser's are a folder in it.
fn end_to_end(places: &Places) -> Result<Vec<OsString>> {
    let mut files = sorted(&places.root.join("tests/tests"))?;
    files.retain(|file| file.extension().is_some_and(|end| end == "rs"));
    Ok(files.iter().filter_map(|file| file.file_stem().map(OsString::from)).collect())
}

/// `chosen` are words that the programs' names hold.
pub(super) fn abi(places: &Places, chosen: &[String], log: &mut Log) -> Result<Outcome> {
    prepare(places, log)?;
    let mut test = cargo(places, "run");
    test.args(["--quiet", "--package", "end-to-end", "--bin", "abi", "--"]).args(chosen);
    log.tests(&mut test).map(Outcome::Ran)
}

pub(super) fn browser(places: &Places, log: &mut Log) -> Result<Outcome> {
    prepare(places, log)?;
    let mut test = cargo(places, "test");
    test.args(["--package", "end-to-end", "--test", "browser", "--", "--test-threads=1"]);
    log.tests(&mut test).map(Outcome::Ran)
}

pub(super) fn clippy(places: &Places, log: &mut Log) -> Result<Outcome> {
    let mut host = cargo(places, "clippy");
    host.args(["--workspace", "--all-targets", "--exclude", "kernel", "--exclude", "hal"]);
    for name in image_programs::NAMES {
        host.args(["--exclude", name]);
    }
    let mut count = log.step(host.args(["--", "-D", "warnings"]))?;

    let mut programs = image_programs::cargo(places, "clippy");
    programs.arg("--target-dir").arg(places.target.join("image-programs"));
    count.add(log.step(programs.args(["--", "-D", "warnings"]))?);

    let mut kernel = Toolchain::require()?.cargo("clippy", Target::Kernel);
    image::kernel_environment(places, &mut kernel)?;
    kernel.current_dir(&places.root).arg("--target-dir").arg(places.cross_target());
    for package in KERNEL_CRATES {
        kernel.args(["--package", package]);
    }
    count.add(log.step(kernel.args(["--", "-D", "warnings"]))?);
    Ok(Outcome::Ran(count))
}

pub(super) fn deny(places: &Places, log: &mut Log) -> Result<Outcome> {
    if !shell::succeeds(Command::new("cargo-deny").arg("--version")) {
        let how = "cargo-deny is not installed (cargo install cargo-deny)";
        return Ok(Outcome::Skipped(how.to_owned()));
    }
    let mut deny = Command::new("cargo-deny");
    // Advisories come from a data base on the network, which a test must not depend on.
    deny.current_dir(&places.root).args(["--offline", "check", "bans", "licenses", "sources"]);
    log.step(&mut deny).map(Outcome::Ran)
}

/// Makes sure that the image is the sources' image. Cargo finds out what there is to do.
pub(super) fn prepare(places: &Places, log: &mut Log) -> Result<()> {
    log.line("building the image");
    image::image(places, &[])?;
    image::test_initrd(places)
}

fn cargo(places: &Places, subcommand: &str) -> Command {
    let mut command = host_cargo(subcommand);
    command.current_dir(&places.root);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_run_but_the_browsers() {
        let names = end_to_end(&Places::find()).unwrap();
        assert!(names.iter().any(|name| name == "api") && names.len() > 10, "{names:?}");
        assert!(!names.iter().any(|name| name == "browser" || name == "main"), "{names:?}");
    }
}

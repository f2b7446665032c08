//! `cargo xtask build`: the kernel with the console inside, and the initial file system.
//!
//! Cargo decides what to compile; what is made from its results is cheap enough to be made each
//! time, and written only when it changed.

use crate::failure::{Failure, Result};
use crate::initrd::{self, Addition, Programs};
use crate::places::Places;
use crate::toolchain::{Target, Toolchain};
use crate::{console, setup, shell, symbols};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The image may not grow beyond this.
pub const LARGEST_KERNEL_BYTES: u64 = 10 << 20;

/// Tells the kernel's build script where the packed console lies.
const CONSOLE_VARIABLE: &str = "MULTIOS_CONSOLE_DIR";
/// Tells it where the OpenAPI document lies.
const DOCUMENT_VARIABLE: &str = "MULTIOS_OPENAPI";

/// Names another of the workspace's profiles to compile the kernel with: `quick`, for work on it.
pub const PROFILE_VARIABLE: &str = "MULTIOS_PROFILE";

/// How the kernel is compiled: for addresses in the top 2 GiB, and so that a backtrace can follow
/// the frame pointers.
const CODE_GENERATION: &str = "-Crelocation-model=static -Ccode-model=kernel \
                               -Cforce-frame-pointers=yes";

/// The command itself.
///
/// # Errors
/// When a tool is missing or a build step fails.
pub fn command(places: &Places) -> Result<()> {
    setup::ensure(setup::TO_BUILD)?;
    image(places, &[])?;
    for path in [places.kernel(), places.initrd()] {
        let size = path.metadata().map_or(0, |meta| meta.len());
        println!("{} ({} KiB)", path.display(), size / 1024);
    }
    Ok(())
}

/// Builds everything that a boot takes. `additions` go into the product's initial file system.
///
/// # Errors
/// When a build step fails.
pub fn image(places: &Places, additions: &[Addition]) -> Result<()> {
    let linked = kernel(places)?;
    let elf = read(&linked)?;
    let symbols = symbols::table(&elf)?;
    write(&places.debug_kernel(), &elf)?;
    write(&places.kernel(), &bootable(elf)?)?;
    let product = initrd::assemble(places, symbols, Programs::Product, additions)?;
    write(&places.initrd(), &product)
}

/// Makes the initial file system with the test programs, for a kernel that `image` built.
///
/// # Errors
/// When a test program does not compile.
pub fn test_initrd(places: &Places) -> Result<()> {
    let symbols = symbols::table(&read(&places.debug_kernel())?)?;
    let bytes = initrd::assemble(places, symbols, Programs::WithTests, &[])?;
    write(&places.test_initrd(), &bytes)
}

/// Makes the product's initial file system with `additions`, for a kernel that `image` built; returns
/// where it is.
///
/// # Errors
/// When an addition can't be read.
pub fn special_initrd(places: &Places, name: &str, additions: &[Addition]) -> Result<PathBuf> {
    let symbols = symbols::table(&read(&places.debug_kernel())?)?;
    let bytes = initrd::assemble(places, symbols, Programs::Product, additions)?;
    let path = places.out.join(format!("initrd-{name}.cpio"));
    write(&path, &bytes)?;
    Ok(path)
}

/// Compiles and links the kernel; returns where cargo put it.
fn kernel(places: &Places) -> Result<PathBuf> {
    let script = linker_script(places)?;
    let profile = std::env::var(PROFILE_VARIABLE).unwrap_or_else(|_| "release".to_owned());
    let mut cargo = Toolchain::require()?.cargo("rustc", Target::Kernel);
    kernel_environment(places, &mut cargo)?;
    cargo
        .current_dir(&places.root)
        .args(["--package", "kernel", "--profile", &profile, "--target-dir"])
        .arg(places.cross_target())
        .arg("--")
        // Only the last step is linked: kept out of the flags of the crates below it, so that a
        // changed linker script compiles nothing but the kernel's own crate.
        .arg(format!("-Clink-arg=-T{}", script.display()))
        .arg("-Clink-arg=--build-id=sha1");
    shell::run(&mut cargo)?;
    Ok(places.cross_target().join(Target::Kernel.triple()).join(profile).join("kernel"))
}

/// Sets what every compilation for the kernel's target has in common, be it `rustc` or `clippy`, and
/// makes what the kernel embeds: the packed console and the API's document.
///
/// # Errors
/// When the console can't be built.
pub fn kernel_environment(places: &Places, cargo: &mut Command) -> Result<()> {
    let document = places.out.join("openapi.json");
    write(&document, admin_api::openapi::document().as_bytes())?;
    cargo
        .env("CARGO_TARGET_X86_64_UNKNOWN_NONE_RUSTFLAGS", CODE_GENERATION)
        .env(CONSOLE_VARIABLE, console_folder(places)?)
        .env(DOCUMENT_VARIABLE, document);
    Ok(())
}

/// The packed console. Who works on the kernel alone can name one that was packed before.
///
/// # Errors
/// When it can't be built.
pub fn console_folder(places: &Places) -> Result<PathBuf> {
    match std::env::var_os(CONSOLE_VARIABLE) {
        Some(folder) => Ok(places.root.join(folder)),
        None => console::packed(places),
    }
}

/// Copies the linker script to a name made of its content: cargo links again when the name changes.
fn linker_script(places: &Places) -> Result<PathBuf> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let source = places.root.join("kernel/hal/src/boot/kernel.ld");
    let script = read(&source)?;
    let mut hasher = DefaultHasher::new();
    script.hash(&mut hasher);
    let copy = places.out.join(format!("kernel-{:016x}.ld", hasher.finish()));
    write(&copy, &script)?;
    Ok(copy)
}

/// Drops everything from an ELF file that its segments don't hold: sections, symbols, line tables.
fn bootable(mut elf: Vec<u8>) -> Result<Vec<u8>> {
    let bad = || Failure::new("the linked kernel is no ELF file with segments");
    let end = {
        let file = elf::ElfBytes::<elf::endian::LittleEndian>::minimal_parse(&elf);
        let file = file.map_err(|_| bad())?;
        let segments = file.segments().ok_or_else(bad)?;
        let end = segments.iter().map(|segment| segment.p_offset.saturating_add(segment.p_filesz));
        usize::try_from(end.max().ok_or_else(bad)?).map_err(|_| bad())?
    };
    if end > elf.len() {
        return Err(bad());
    }
    elf.truncate(end);
    // e_shoff, and e_shnum with e_shstrndx (ELF-64 object file format, "ELF header").
    elf.get_mut(0x28..0x30).ok_or_else(bad)?.fill(0);
    elf.get_mut(0x3C..0x40).ok_or_else(bad)?.fill(0);
    let size = elf.len() as u64;
    if size > LARGEST_KERNEL_BYTES {
        return Err(Failure::new(format!(
            "the image has {size} bytes, more than the {LARGEST_KERNEL_BYTES} it may have"
        )));
    }
    Ok(elf)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| Failure::file("can't read", path, &error))
}

/// Writes a file unless it has that content already; its time then says when it last changed.
///
/// # Errors
/// When the file or its folder can't be written.
pub fn write(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let fail = |error| Failure::file("can't write", path, &error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    // By way of another name: a guest that is running keeps the file it was started with.
    let new = path.with_extension("new");
    fs::write(&new, content).map_err(fail)?;
    fs::rename(&new, path).map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bootable_file_keeps_its_segments_and_nothing_else() {
        let segments = crate::accel::probe_kernel();
        let mut linked = segments.clone();
        linked.resize(segments.len() + 9 * 64, 0xEE); // section headers
        linked[0x28..0x30].copy_from_slice(&(segments.len() as u64).to_le_bytes());
        linked[0x3C..0x40].copy_from_slice(&[9, 0, 8, 0]);
        assert!(bootable(linked).unwrap() == segments);
    }

    #[test]
    fn what_is_no_elf_file_is_refused() {
        assert!(bootable(b"no".to_vec()).is_err());
        assert!(bootable(Vec::new()).is_err());
    }
}

//! Builds the web console and packs it into the files that the kernel embeds.

use crate::build::write;
use crate::failure::{Failure, Result};
use crate::places::Places;
use crate::shell;
use crate::toolchain::{Target, Toolchain};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// What the console weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// The WebAssembly module as it is sent.
    pub wasm_bytes: u64,
    /// Everything that a first visit transfers.
    pub served_bytes: u64,
}

/// Builds and packs; returns the folder with the files and their manifest.
///
/// # Errors
/// When the console does not compile or can't be packed.
pub fn packed(places: &Places) -> Result<PathBuf> {
    let sources = places.root.join("console-web");
    let mut cargo = Toolchain::require()?.cargo("build", Target::Console);
    cargo
        .current_dir(&places.root)
        .args(["--package", "console-web", "--bin", "console-web", "--profile", "console"])
        .arg("--target-dir")
        .arg(places.cross_target());
    shell::run(&mut cargo)?;
    let wasm =
        places.cross_target().join(Target::Console.triple()).join("console/console-web.wasm");
    let out = places.out.join("console");
    // Beside the folder, which packing empties.
    let stamp_file = places.out.join("console.stamp");
    let stamp = stamp(&sources, &wasm)?;
    if fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp) {
        return Ok(out);
    }
    let failed =
        |error: console_pack::PackError| Failure::new(format!("can't pack the console: {error}"));
    console_pack::fetch_packages(&sources).map_err(failed)?;
    let manifest = console_pack::pack(&wasm, &sources, &out).map_err(failed)?;
    println!("console: {} files, {} KiB", manifest.assets.len(), manifest.served_bytes() / 1024);
    write(&stamp_file, stamp.as_bytes())?;
    Ok(out)
}

/// How much a browser transfers, from the manifest of the last build.
///
/// # Errors
/// When there is no manifest.
pub fn sizes(places: &Places) -> Result<Sizes> {
    let path = places.out.join("console/manifest.json");
    let text = fs::read(&path).map_err(|error| Failure::file("can't read", &path, &error))?;
    let manifest: console_pack::Manifest = serde_json::from_slice(&text)
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    let wasm = manifest.assets.iter().find(|asset| asset.content_type == "application/wasm");
    Ok(Sizes {
        wasm_bytes: wasm.map_or(0, |asset| asset.served_bytes),
        served_bytes: manifest.served_bytes(),
    })
}

/// Changes when anything changes that packing reads, the packer itself included.
fn stamp(sources: &Path, wasm: &Path) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    feed(&mut hasher, wasm)?;
    for part in ["web", "pack", "package-lock.json"] {
        feed(&mut hasher, &sources.join(part))?;
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

fn feed(hasher: &mut DefaultHasher, path: &Path) -> Result<()> {
    let fail = |error| Failure::file("can't read", path, &error);
    path.hash(hasher);
    if path.is_dir() {
        for child in crate::initrd::sorted(path)? {
            feed(hasher, &child)?;
        }
        return Ok(());
    }
    fs::read(path).map_err(fail)?.hash(hasher);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stamp_changes_with_any_input() {
        let folder = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        for part in ["web/deep", "pack"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        let wasm = folder.join("a.wasm");
        for file in ["a.wasm", "web/deep/x.css", "pack/lib.rs", "package-lock.json"] {
            fs::write(folder.join(file), "1").unwrap();
        }
        let first = stamp(&folder, &wasm).unwrap();
        assert_eq!(stamp(&folder, &wasm).unwrap(), first);
        fs::write(folder.join("web/deep/x.css"), "2").unwrap();
        let second = stamp(&folder, &wasm).unwrap();
        fs::write(&wasm, "2").unwrap();
        let third = stamp(&folder, &wasm).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert!(first != second && second != third);
    }
}

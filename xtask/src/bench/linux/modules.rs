//! Finds drivers among a Linux kernel's modules, with what they need, in the order of loading.

use super::read;
use crate::failure::{Failure, Result};
use crate::initrd::sorted;
use elf::ElfBytes;
use elf::endian::LittleEndian;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The modules `wanted` and all that they depend on: file names and contents, each after those that
/// it needs.
///
/// # Errors
/// When one is missing, or is no module.
pub(super) fn in_order(folder: &Path, wanted: &[&str]) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = BTreeMap::new();
    find(folder, &mut files)?;
    let mut done = Vec::new();
    for name in wanted {
        add(name, &files, &mut done)?;
    }
    Ok(done)
}

fn add(
    name: &str,
    files: &BTreeMap<String, PathBuf>,
    done: &mut Vec<(String, Vec<u8>)>,
) -> Result<()> {
    let file = format!("{name}.ko");
    if done.iter().any(|(known, _)| *known == file) {
        return Ok(());
    }
    let path = files.get(name).ok_or_else(|| Failure::new(format!("there is no {file}")))?;
    let content = read(path)?;
    let needs = dependencies(&content)
        .ok_or_else(|| Failure::new(format!("{} is no module", path.display())))?;
    for need in needs {
        add(&need, files, done)?;
    }
    done.push((file, content));
    Ok(())
}

/// What a module says that it depends on: `depends=a,b` in its `.modinfo`.
fn dependencies(module: &[u8]) -> Option<Vec<String>> {
    let file = ElfBytes::<LittleEndian>::minimal_parse(module).ok()?;
    let section = file.section_header_by_name(".modinfo").ok()??;
    let (data, _) = file.section_data(&section).ok()?;
    let texts = data.split(|byte| *byte == 0).filter_map(|text| std::str::from_utf8(text).ok());
    let names = texts.filter_map(|text| text.strip_prefix("depends=")).flat_map(|l| l.split(','));
    Some(names.filter(|name| !name.is_empty()).map(canonical).collect())
}

/// Module names have `_` where file names may have `-`.
fn canonical(name: &str) -> String {
    name.replace('-', "_")
}

fn find(folder: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for path in sorted(folder)? {
        if path.is_dir() && !path.is_symlink() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|end| end == "ko") {
            let name = canonical(&path.file_stem().unwrap_or_default().to_string_lossy());
            files.insert(name, path);
        }
    }
    Ok(())
}

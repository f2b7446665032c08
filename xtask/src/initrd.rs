//! Puts the initial file system together: boot configuration and `/etc` from `images/root/`,
//! busybox with a link for each of its applets, programs compiled here, the kernel's symbols, and
//! what the caller adds.

use crate::cpio::{Archive, Entry};
use crate::failure::{Failure, Result};
use crate::programs::{self, Kind};
use crate::{image_programs, places::Places, setup, shell};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A host file or folder that goes into the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// Where it lies on the host.
    pub host: PathBuf,
    /// Where it will lie in the guest.
    pub guest: String,
}

impl Addition {
    /// Reads `HOST=GUEST`.
    ///
    /// # Errors
    /// When there is no `=`, or the guest's path is empty or leaves the root.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || Failure::usage(format!("--initrd-add takes HOST=GUEST, not `{text}`"));
        let (host, guest) = text.split_once('=').ok_or_else(wrong)?;
        let leaves = guest.split('/').any(|part| part == "..");
        if host.is_empty() || guest.trim_matches('/').is_empty() || leaves {
            return Err(wrong());
        }
        Ok(Self { host: PathBuf::from(host), guest: guest.to_owned() })
    }
}

/// Which programs of ours go in beside busybox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Programs {
    /// Those of the product.
    Product,
    /// The product's and the tests'.
    WithTests,
}

/// Makes the archive. `symbols` is the kernel's symbol table.
///
/// # Errors
/// When a file can't be read, a program does not compile, or there is no static busybox.
pub fn assemble(
    places: &Places,
    symbols: Vec<u8>,
    programs: Programs,
    additions: &[Addition],
) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    for folder in ["dev", "proc", "sys", "tmp", "root"] {
        archive.put(folder, Entry::Folder);
    }
    add_busybox(&mut archive)?;
    add_programs(&mut archive, places, &places.root.join("images/programs"), "bin")?;
    for (name, program) in image_programs::build(places)? {
        let content = read(&program)?;
        archive.put(&format!("bin/{name}"), Entry::File { mode: 0o755, content });
    }
    if programs == Programs::WithTests {
        add_programs(&mut archive, places, &places.root.join("tests/programs"), "test")?;
        add_compared(&mut archive, places)?;
    }
    archive.put("boot/kernel.symbols", Entry::File { mode: 0o644, content: symbols });
    add_tree(&mut archive, &places.root.join("images/root"), "")?;
    for addition in additions {
        add_tree(&mut archive, &addition.host, &addition.guest)?;
    }
    archive.write().map_err(|long| Failure::new(format!("{} is longer than 4 GiB", long.path)))
}

fn add_busybox(archive: &mut Archive) -> Result<()> {
    let path = setup::busybox().ok_or_else(|| {
        Failure::new("there is no statically linked busybox").advise("cargo xtask setup")
    })?;
    let content = read(&path)?;
    let applets = shell::output(Command::new(&path).arg("--list"))?;
    for applet in applets.lines().filter(|name| *name != "busybox") {
        let target = "busybox".to_owned();
        archive.put(&format!("bin/{applet}"), Entry::Link { target });
    }
    archive.put("bin/busybox", Entry::File { mode: 0o755, content });
    Ok(())
}

/// Compiles each C file of `sources` into a static program in `folder` of the guest.
fn add_programs(
    archive: &mut Archive,
    places: &Places,
    sources: &Path,
    folder: &str,
) -> Result<()> {
    for source in sorted(sources)? {
        if source.extension().is_none_or(|end| end != "c") {
            continue;
        }
        let name = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let program = programs::compile(places, &source, &name, Kind::Musl)?;
        let content = read(&program)?;
        archive.put(&format!("{folder}/{name}"), Entry::File { mode: 0o755, content });
    }
    Ok(())
}

/// Adds what is compared with Linux, and for each an empty folder to start in.
fn add_compared(archive: &mut Archive, places: &Places) -> Result<()> {
    for program in programs::compared(places)? {
        let content = read(&program.file(places)?)?;
        archive.put(&program.guest_folder(), Entry::Folder);
        archive.put(&program.guest_path(), Entry::File { mode: 0o755, content });
    }
    Ok(())
}

/// Adds a file, a link or a folder with all that is in it.
fn add_tree(archive: &mut Archive, host: &Path, guest: &str) -> Result<()> {
    let meta = host.symlink_metadata().map_err(|e| Failure::file("can't read", host, &e))?;
    if meta.is_symlink() && !guest.is_empty() {
        let target =
            fs::read_link(host).map_err(|error| Failure::file("can't read", host, &error))?;
        let target = target.to_string_lossy().into_owned();
        archive.put(guest, Entry::Link { target });
    } else if meta.is_dir() {
        if !guest.is_empty() {
            archive.put(guest, Entry::Folder);
        }
        for child in sorted(host)? {
            let name = child.file_name().unwrap_or_default().to_string_lossy().into_owned();
            add_tree(archive, &child, &format!("{guest}/{name}"))?;
        }
    } else {
        // Only the owner's right to execute counts: the rest depends on who cloned with what umask.
        let mode = if meta.permissions().mode() & 0o100 != 0 { 0o755 } else { 0o644 };
        archive.put(guest, Entry::File { mode, content: read(host)? });
    }
    Ok(())
}

/// What lies in a folder, in the order of the names.
///
/// # Errors
/// When it can't be listed.
pub fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let fail = |error| Failure::file("can't list", folder, &error);
    let mut paths = Vec::new();
    for entry in folder.read_dir().map_err(fail)? {
        paths.push(entry.map_err(fail)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| Failure::file("can't read", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_addition_is_a_host_path_and_a_guest_path() {
        let good = Addition::parse("./a=/srv/a").unwrap();
        assert_eq!((good.host, good.guest.as_str()), (PathBuf::from("./a"), "/srv/a"));
        for bad in ["a", "=b", "a=", "a=/", "a=/../b"] {
            assert_eq!(Addition::parse(bad).unwrap_err().code(), 2, "{bad}");
        }
    }

    #[test]
    fn a_tree_goes_in_with_its_links_and_modes() {
        let folder = std::env::temp_dir().join(format!("xtask-initrd-{}", std::process::id()));
        fs::create_dir_all(folder.join("d")).unwrap();
        fs::write(folder.join("d/f"), "x").unwrap();
        fs::set_permissions(folder.join("d/f"), fs::Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::symlink("d/f", folder.join("l")).unwrap();
        let mut archive = Archive::default();
        add_tree(&mut archive, &folder, "srv").unwrap();
        let mut expected = Archive::default();
        let content = b"x".to_vec();
        expected.put("srv/d/f", Entry::File { mode: 0o755, content });
        expected.put("srv/l", Entry::Link { target: "d/f".to_owned() });
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(archive.write().unwrap(), expected.write().unwrap());
    }
}

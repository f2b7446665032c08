//! Writes cpio archives in the "newc" format, the one that the kernel reads its initial files from
//! (Linux, `Documentation/driver-api/early-userspace/buffer-format.rst`).
//!
//! The same entries make the same bytes: inode numbers count up, owner and time are 0, and the
//! order is the paths'. Files of a page and more start on a page, so that the kernel can map them
//! where they lie: slashes in their names, which mean nothing there, fill the gap.

use std::collections::BTreeMap;

/// What one path of the archive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A folder.
    Folder,
    /// A file with its permission bits.
    File {
        /// Permission bits, as in `0o755`.
        mode: u32,
        /// The file's content.
        content: Vec<u8>,
    },
    /// A symbolic link.
    Link {
        /// What the link says.
        target: String,
    },
}

/// An archive in the making. Folders above an entry come into being with it.
#[derive(Debug, Default)]
pub struct Archive {
    entries: BTreeMap<String, Entry>,
}

const FILE: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const LINK: u32 = 0o120_000;

/// A value does not fit the format's 32 bits.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong {
    /// The path that has it.
    pub path: String,
}

impl Archive {
    /// Puts `entry` at `path`, which counts from the root with or without a leading slash.
    /// An earlier entry at the same path is replaced.
    pub fn put(&mut self, path: &str, entry: Entry) {
        let path = path.trim_matches('/');
        let above = path.char_indices().filter(|(_, c)| *c == '/').map(|(at, _)| &path[..at]);
        for folder in above {
            self.entries.entry(folder.to_owned()).or_insert(Entry::Folder);
        }
        self.entries.insert(path.to_owned(), entry);
    }

    /// The archive's bytes.
    ///
    /// # Errors
    /// When a file or a path is longer than the format can say (4 GiB).
    pub fn write(&self) -> Result<Vec<u8>, TooLong> {
        let mut out = Vec::new();
        for (inode, (path, entry)) in (1u32..).zip(&self.entries) {
            let (mode, content): (u32, &[u8]) = match entry {
                Entry::Folder => (FOLDER | 0o755, &[]),
                Entry::File { mode, content } => (FILE | mode, content),
                Entry::Link { target } => (LINK | 0o777, target.as_bytes()),
            };
            if content.len() >= PAGE {
                fill_to_page(&mut out, path)?;
            }
            let links = if matches!(entry, Entry::Folder) { 2 } else { 1 };
            let name = if content.len() >= PAGE {
                padded(path, gap_before(&out, path))
            } else {
                path.clone()
            };
            member(&mut out, &name, Head { inode, mode, links }, content)?;
        }
        member(&mut out, "TRAILER!!!", Head { inode: 0, mode: 0, links: 1 }, &[])?;
        Ok(out)
    }
}

const PAGE: usize = 4096;
const HEAD_BYTES: usize = 110;
/// Names stay clear of the format's limit, which is a page.
const MOST_SLASHES: usize = 2048;

/// How far from the next page the content of a file of this name would start if it came next.
fn gap_before(out: &[u8], path: &str) -> usize {
    let start = (out.len() + HEAD_BYTES + path.len() + 1).next_multiple_of(4);
    start.next_multiple_of(PAGE) - start
}

/// Writes the folder that holds `path` once more if the gap before the next page is more than a name
/// can fill.
fn fill_to_page(out: &mut Vec<u8>, path: &str) -> Result<(), TooLong> {
    let gap = gap_before(out, path);
    if gap > MOST_SLASHES {
        let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
        let rest = gap - MOST_SLASHES;
        member(out, &padded(folder, rest), Head { inode: 0, mode: FOLDER | 0o755, links: 2 }, &[])?;
    }
    Ok(())
}

/// The same path, by so many bytes longer.
fn padded(path: &str, slashes: usize) -> String {
    match path.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/{}{name}", "/".repeat(slashes)),
        None if slashes < 2 => path.to_owned(),
        None => format!(".{}{path}", "/".repeat(slashes - 1)),
    }
}

#[derive(Clone, Copy)]
struct Head {
    inode: u32,
    mode: u32,
    links: u32,
}

fn member(out: &mut Vec<u8>, path: &str, head: Head, content: &[u8]) -> Result<(), TooLong> {
    let too_long = |_| TooLong { path: path.to_owned() };
    let size = u32::try_from(content.len()).map_err(too_long)?;
    // The name counts with its terminating zero.
    let name_size = u32::try_from(path.len() + 1).map_err(too_long)?;
    let Head { inode, mode, links } = head;
    // inode, mode, uid, gid, links, mtime, size, device (2), device number (2), name size, check
    let fields = [inode, mode, 0, 0, links, 0, size, 0, 0, 0, 0, name_size, 0];
    out.extend_from_slice(b"070701");
    for field in fields {
        out.extend_from_slice(format!("{field:08X}").as_bytes());
    }
    out.extend_from_slice(path.as_bytes());
    out.push(0);
    pad(out);
    out.extend_from_slice(content);
    pad(out);
    Ok(())
}

/// Names and contents end on a multiple of four.
fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn sample() -> Archive {
        let mut archive = Archive::default();
        archive.put("/bin/sh", Entry::Link { target: "busybox".to_owned() });
        archive.put("bin/busybox", Entry::File { mode: 0o755, content: b"abcde".to_vec() });
        archive.put("etc/a/b", Entry::File { mode: 0o644, content: Vec::new() });
        archive
    }

    #[test]
    fn the_bytes_depend_on_the_entries_only() {
        let mut other = Archive::default();
        other.put("etc/a/b", Entry::File { mode: 0o644, content: Vec::new() });
        other.put("bin/busybox", Entry::File { mode: 0o755, content: b"abcde".to_vec() });
        other.put("bin/sh", Entry::Link { target: "busybox".to_owned() });
        assert_eq!(sample().write().unwrap(), other.write().unwrap());
    }

    #[test]
    fn large_files_start_on_pages() {
        let mut archive = sample();
        for (path, len) in [("bin/large", 5000), ("top", 4096), ("a/b/c/d", 9000), ("z/z", 4095)] {
            let content = vec![b'#'; len];
            archive.put(path, Entry::File { mode: 0o755, content });
        }
        let bytes = archive.write().unwrap();
        let starts: Vec<usize> =
            (1..bytes.len()).filter(|at| bytes[*at] == b'#' && bytes[*at - 1] != b'#').collect();
        assert_eq!(starts.len(), 4);
        assert_eq!(starts.iter().filter(|start| **start % PAGE == 0).count(), 3, "{starts:?}");
    }

    #[test]
    fn a_member_is_laid_out_as_the_format_says() {
        let mut out = Vec::new();
        member(&mut out, "ab", Head { inode: 7, mode: FILE | 0o644, links: 1 }, b"xyz").unwrap();
        assert_eq!(&out[..14], b"07070100000007");
        assert_eq!(&out[14..22], b"000081A4");
        assert_eq!(&out[54..62], b"00000003", "size");
        assert_eq!(&out[94..102], b"00000003", "name size with its zero");
        assert_eq!(&out[110..116], b"ab\0\0\0\0", "name, padded to 116");
        assert_eq!(&out[116..], b"xyz\0");
    }

    #[test]
    fn busybox_unpacks_what_was_written() {
        let Some(busybox) = crate::setup::busybox() else {
            eprintln!("no busybox on this machine: the format is checked byte by byte above");
            return;
        };
        let mut list = Command::new(busybox)
            .args(["cpio", "-tv"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let bytes = sample().write().unwrap();
        std::io::Write::write_all(&mut list.stdin.take().unwrap(), &bytes).unwrap();
        let out = list.wait_with_output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        let paths: Vec<_> = text.lines().map(|l| l.split_whitespace().last().unwrap()).collect();
        assert_eq!(paths, ["bin", "bin/busybox", "busybox", "etc", "etc/a", "etc/a/b"]);
        assert!(text.contains("-rwxr-xr-x"), "{text}");
        assert!(text.contains("bin/sh -> busybox"), "{text}");
    }
}

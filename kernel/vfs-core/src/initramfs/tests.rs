//! Unpacking.

use std::boxed::Box;
use std::format;
use std::vec::Vec;

use proptest::prelude::*;

use super::load_archive;
use crate::access::Identity;
use crate::archive::{ArchiveError, ArchiveFault};
use crate::error::FileError;
use crate::metadata::{DeviceKind, FileKind, Owner, WallTime};
use crate::tmpfs::{HeapPage, InodeId, TmpFs};
use crate::walk::{LastLink, WalkContext, walk};

type Fs = TmpFs<HeapPage>;

const NOW: WallTime = WallTime { nanoseconds: 1 };

struct File {
    name: &'static str,
    mode: u32,
    inode: u32,
    links: u32,
    device: (u32, u32),
    contents: &'static [u8],
}

fn file(name: &'static str, mode: u32, contents: &'static [u8]) -> File {
    File { name, mode, inode: 0, links: 1, device: (0, 0), contents }
}

fn archive(files: &[File]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let trailer = file("TRAILER!!!", 0, b"");
    for file in files.iter().chain([&trailer]) {
        let size = u32::try_from(file.contents.len()).unwrap();
        let name_bytes = u32::try_from(file.name.len() + 1).unwrap();
        let (major, minor) = file.device;
        bytes.extend_from_slice(b"070701");
        for field in
            [file.inode, file.mode, 3, 4, file.links, 9, size, 0, 0, major, minor, name_bytes, 0]
        {
            bytes.extend_from_slice(format!("{field:08X}").as_bytes());
        }
        bytes.extend_from_slice(file.name.as_bytes());
        bytes.push(0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend_from_slice(file.contents);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

fn load(bytes: Vec<u8>) -> (Fs, Result<usize, ArchiveError>) {
    let mut fs = Fs::new(1 << 22, NOW).unwrap();
    let result = load_archive(&mut fs, Box::leak(bytes.into_boxed_slice()), NOW);
    (fs, result)
}

fn find(fs: &Fs, path: &str) -> Result<InodeId, FileError> {
    let context = WalkContext { root: fs.root(), directory: fs.root(), identity: &Identity::ROOT };
    walk(fs, &context, path.as_bytes(), LastLink::Keep)?.existing(fs)
}

fn sample() -> Vec<File> {
    let shared = |name, contents| File { inode: 5, links: 2, ..file(name, 0o100_755, contents) };
    std::vec![
        file(".", 0o040_711, b""),
        file("bin", 0o040_755, b""),
        shared("bin/busybox", b""),
        file("./bin/sh", 0o120_777, b"busybox"),
        shared("bin/box", b"ELF"),
        File { device: (1, 3), ..file("dev/null", 0o020_666, b"") },
        file("etc/motd", 0o104_644, b"hello"),
        file("pipe", 0o010_600, b""),
    ]
}

// proves: A5
#[test]
fn an_archive_becomes_a_tree_without_copies() {
    let bytes: &'static [u8] = Box::leak(archive(&sample()).into_boxed_slice());
    let mut fs = Fs::new(1 << 22, NOW).unwrap();
    assert_eq!(load_archive(&mut fs, bytes, NOW), Ok(8));
    let metadata = |path| fs.metadata(find(&fs, path).unwrap()).unwrap();
    assert_eq!(metadata("/").permissions, 0o711);
    let busybox = find(&fs, "/bin/busybox").unwrap();
    assert_eq!(find(&fs, "/bin/box"), Ok(busybox), "one file with two names");
    assert_eq!(metadata("/bin/box").links, 2);
    let contents = fs.borrowed(busybox).unwrap();
    assert_eq!(contents, b"ELF", "the contents came with the second name");
    assert!(bytes.as_ptr_range().contains(&contents.as_ptr()));
    assert_eq!(metadata("/bin/sh").kind, FileKind::SymbolicLink);
    let null = metadata("/dev/null");
    assert_eq!(null.device.and_then(DeviceKind::from_number), Some(DeviceKind::Null));
    assert_eq!(metadata("/dev").owner, Owner { uid: 0, gid: 0 }, "made without an entry");
    let motd = metadata("/etc/motd");
    assert_eq!((motd.owner, motd.mode()), (Owner { uid: 3, gid: 4 }, 0o104_644));
    assert_eq!((motd.modified, motd.size), (WallTime::from_seconds(9), 5));
    assert_eq!(metadata("/pipe").kind, FileKind::Fifo);
}

#[test]
fn contents_can_come_with_the_first_name_too() {
    let shared = |name, contents| File { inode: 5, links: 2, ..file(name, 0o100_644, contents) };
    let (fs, result) = load(archive(&[shared("a", b"first"), shared("b", b"")]));
    assert_eq!(result, Ok(2));
    assert_eq!(find(&fs, "/a"), find(&fs, "/b"));
    assert_eq!(fs.borrowed(find(&fs, "/b").unwrap()), Some(&b"first"[..]));
}

#[test]
fn a_later_entry_replaces_a_file_and_never_a_directory() {
    let (fs, result) = load(archive(&[
        file("a", 0o120_777, b"/elsewhere"),
        file("a", 0o100_644, b"second"),
        file("d", 0o040_755, b""),
        file("d/x", 0o100_644, b"kept"),
        file("d", 0o040_700, b""),
    ]));
    assert_eq!(result, Ok(5));
    assert_eq!(fs.borrowed(find(&fs, "/a").unwrap()), Some(&b"second"[..]));
    assert_eq!(fs.metadata(find(&fs, "/d").unwrap()).unwrap().permissions, 0o700);
    assert!(find(&fs, "/d/x").is_ok());
    for files in [
        [file("d", 0o040_755, b""), file("d", 0o100_644, b"")],
        [file("f", 0o100_644, b""), file("f/x", 0o100_644, b"")],
        [file("f", 0o100_644, b""), file(".", 0o100_644, b"")],
        [file("l", 0o120_777, b"/"), file("l/x", 0o100_644, b"")],
    ] {
        let fault = load(archive(&files)).1.unwrap_err().fault;
        assert_eq!(fault, ArchiveFault::Conflict, "a link is not followed either");
    }
}

#[test]
fn an_archive_that_is_too_large_says_so() {
    let mut fs = Fs::new(1_000, NOW).unwrap();
    let bytes = Box::leak(archive(&sample()).into_boxed_slice());
    let error = load_archive(&mut fs, bytes, NOW).unwrap_err();
    assert_eq!(error.fault, ArchiveFault::OutOfMemory);
}

/// Whether the tree can be gone through and read from end to end.
fn go_through(fs: &Fs, directory: InodeId, depth: usize) {
    assert!(depth < 4_096);
    let names: Vec<Vec<u8>> =
        fs.entries(directory, 2).unwrap().map(|entry| entry.name.to_vec()).collect();
    for name in names {
        let inode = fs.find(directory, &name).unwrap().unwrap();
        let mut buffer = [0; 16];
        match fs.metadata(inode).unwrap().kind {
            FileKind::Directory => go_through(fs, inode, depth + 1),
            FileKind::Regular => assert!(fs.read(inode, 0, &mut buffer).is_ok()),
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Bytes changed, cut out or repeated: an error or a tree, never a panic.
    #[test]
    fn damaged_archives_are_survived(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        digits in proptest::collection::vec(
            (0..9_usize, 0..13_usize, 0..8_usize, prop::sample::select(b"0123456789abcdefF-x".to_vec())),
            0..4,
        ),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = archive(&sample());
        let starts: Vec<usize> =
            bytes.windows(6).enumerate().filter(|(_, it)| *it == b"070701").map(|it| it.0).collect();
        for (entry, field, digit, to) in digits {
            bytes[starts[entry] + 6 + 8 * field + digit] = to;
        }
        for (at, to) in changes {
            let at = at.index(bytes.len());
            bytes[at] = to;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let length = bytes.len();
        let (fs, result) = load(bytes);
        if let Err(error) = result {
            prop_assert!(error.offset <= length);
        }
        go_through(&fs, fs.root(), 0);
    }
}

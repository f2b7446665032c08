//! Archives made by hand, good and bad.

use std::format;
use std::vec;
use std::vec::Vec;

use super::{ArchiveError, ArchiveFault, ArchiveReader};
use crate::metadata::{FileKind, WallTime};

/// One entry, with the fields that matter here.
fn entry(magic: &str, name: &[u8], mode: u32, contents: &[u8], checksum: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(magic.as_bytes());
    let size = u32::try_from(contents.len()).unwrap();
    let name_bytes = u32::try_from(name.len() + 1).unwrap();
    for field in [7, mode, 1, 2, 1, 9, size, 0, 0, 5, 1, name_bytes, checksum] {
        bytes.extend_from_slice(format!("{field:08x}").as_bytes());
    }
    bytes.extend_from_slice(name);
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend_from_slice(contents);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn plain(name: &[u8], mode: u32, contents: &[u8]) -> Vec<u8> {
    entry("070701", name, mode, contents, 0)
}

fn trailer() -> Vec<u8> {
    plain(b"TRAILER!!!", 0, b"")
}

fn fault(archive: &[u8]) -> ArchiveError {
    ArchiveReader::new(archive).find_map(Result::err).expect("an error")
}

#[test]
fn entries_are_ranges_of_the_archive() {
    let mut archive = plain(b"etc/motd", 0o100_644, b"hello");
    let second = archive.len();
    archive.extend(entry("070702", b"bin", 0o040_755, b"", 0));
    archive.extend(trailer());
    archive.extend([0; 512]);
    archive.extend(plain(b"more", 0o120_777, b"bin"));
    archive.extend(trailer());
    let entries: Vec<_> = ArchiveReader::new(&archive).collect::<Result<_, _>>().unwrap();
    assert_eq!(entries.len(), 3, "a second archive follows after the padding");
    assert_eq!((entries[0].name, entries[0].contents), (&b"etc/motd"[..], &b"hello"[..]));
    assert_eq!((entries[0].kind, entries[0].permissions), (FileKind::Regular, 0o644));
    assert_eq!(entries[0].modified, WallTime::from_seconds(9));
    assert_eq!((entries[0].owner.uid, entries[0].owner.gid), (1, 2));
    assert!(archive.as_ptr_range().contains(&entries[0].contents.as_ptr()));
    assert_eq!((entries[1].offset, entries[1].kind), (second, FileKind::Directory));
    assert_eq!((entries[2].kind, entries[2].contents), (FileKind::SymbolicLink, &b"bin"[..]));
}

#[test]
fn each_fault_has_its_error() {
    let file = |name: &[u8], mode| plain(name, mode, b"hello");
    let with = |mut bytes: Vec<u8>, at: usize, text: &[u8]| {
        bytes[at..at + text.len()].copy_from_slice(text);
        bytes
    };
    let good = file(b"a", 0o100_644);
    let cases: [(Vec<u8>, ArchiveFault); 11] = [
        (with(good.clone(), 0, b"070707"), ArchiveFault::NotAnEntry),
        (vec![b'0'; 3], ArchiveFault::NotAnEntry),
        (good[..80].to_vec(), ArchiveFault::Truncated),
        (good[..good.len() - 4].to_vec(), ArchiveFault::Truncated),
        (with(good.clone(), 54, b"ffffffff"), ArchiveFault::Truncated),
        (with(good.clone(), 14, b"+0000001"), ArchiveFault::BadNumber),
        (with(good.clone(), 94, b"ffffffff"), ArchiveFault::BadName),
        (with(good.clone(), 94, b"00000001"), ArchiveFault::BadName),
        (file(b"/a", 0o100_644), ArchiveFault::AbsoluteName),
        (file(b"a/../../b", 0o100_644), ArchiveFault::EscapingName),
        (file(b"a", 0o644), ArchiveFault::UnknownKind),
    ];
    for (archive, expected) in cases {
        assert_eq!(fault(&archive), ArchiveError { offset: 0, fault: expected });
    }
    let checked = entry("070702", b"a", 0o100_644, b"hello", 1);
    assert_eq!(fault(&checked).fault, ArchiveFault::WrongChecksum);
    assert_eq!(fault(&good), ArchiveError { offset: good.len(), fault: ArchiveFault::NoTrailer });
    assert_eq!(fault(b"").fault, ArchiveFault::NoTrailer);
    let mut garbage = trailer();
    garbage.extend(b"\0\0\0\0\x1f\x8b");
    assert_eq!(fault(&garbage).fault, ArchiveFault::NotAnEntry);
}

#[test]
fn a_reader_ends_after_its_error() {
    let archive = plain(b"/a", 0o100_644, b"");
    assert_eq!(ArchiveReader::new(&archive).count(), 1);
}

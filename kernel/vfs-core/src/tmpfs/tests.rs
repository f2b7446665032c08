//! Rules one by one; comparisons with models stand in `contents.rs` and `model.rs`.

mod contents;
mod model;
mod ranges;
mod seals;

use std::vec::Vec;

use super::{HeapPage, InodeId, NewNode, RenameMode, TmpFs};
use crate::access::Identity;
use crate::error::FileError;
use crate::metadata::{FileKind, Owner, WallTime};

type Fs = TmpFs<HeapPage>;

const NOW: WallTime = WallTime { nanoseconds: 1 };
const LATER: WallTime = WallTime { nanoseconds: 2 };
const ROOT: &Identity<'static> = &Identity::ROOT;
const USER: &Identity<'static> = &Identity {
    uid: 1000,
    gid: 1000,
    groups: &[7],
    overrides_permissions: false,
    overrides_reading: false,
    owns_all: false,
    can_give_away: false,
};

fn fs() -> Fs {
    Fs::new(1 << 20, NOW).unwrap()
}

fn make(fs: &mut Fs, directory: InodeId, name: &str, new: NewNode<'_>) -> InodeId {
    fs.create(directory, name.as_bytes(), new, 0o755, ROOT, NOW).unwrap()
}

fn names(fs: &Fs, directory: InodeId) -> Vec<Vec<u8>> {
    fs.entries(directory, 0).unwrap().map(|entry| entry.name.to_vec()).collect()
}

#[test]
fn a_removed_file_lives_while_it_is_used() {
    let mut fs = fs();
    let root = fs.root();
    let before = fs.used_bytes();
    let file = make(&mut fs, root, "f", NewNode::Regular(b"contents"));
    fs.retain(file).unwrap();
    drop(fs.unlink(root, b"f", ROOT, LATER).unwrap());
    assert_eq!(fs.metadata(file).unwrap().links, 0);
    assert_eq!(fs.write(file, 8, b"!", LATER), Ok(1));
    let mut buffer = [0; 16];
    assert_eq!(fs.read(file, 0, &mut buffer), Ok(9));
    assert_eq!(&buffer[..9], b"contents!");
    assert_eq!(fs.link(root, b"g", file, ROOT, LATER), Err(FileError::NotFound));
    drop(fs.release(file));
    assert_eq!(fs.metadata(file), Err(FileError::Stale));
    assert_eq!((fs.used_bytes(), fs.inodes()), (before, 1));
}

#[test]
fn a_stale_number_finds_no_later_file() {
    let mut fs = fs();
    let root = fs.root();
    let first = make(&mut fs, root, "f", NewNode::Fifo);
    drop(fs.unlink(root, b"f", ROOT, NOW).unwrap());
    let second = make(&mut fs, root, "f", NewNode::Fifo);
    assert_ne!(first.number(), second.number());
    assert!(fs.metadata(first).is_err() && fs.metadata(second).is_ok());
}

#[test]
fn a_removed_directory_takes_nothing_in() {
    let mut fs = fs();
    let root = fs.root();
    let directory = make(&mut fs, root, "d", NewNode::Directory);
    fs.retain(directory).unwrap();
    drop(fs.remove_directory(root, b"d", ROOT, NOW).unwrap());
    let made = fs.create(directory, b"x", NewNode::Fifo, 0o644, ROOT, NOW);
    assert_eq!(made, Err(FileError::NotFound));
    assert_eq!(fs.path_of(root, directory), Err(FileError::NotFound));
    drop(fs.release(directory));
    assert_eq!(fs.inodes(), 1);
}

#[test]
fn what_is_removed_while_used_keeps_its_last_path() {
    let mut fs = fs();
    let root = fs.root();
    let outer = make(&mut fs, root, "outer", NewNode::Directory);
    let inner = make(&mut fs, outer, "inner", NewNode::Directory);
    let file = make(&mut fs, inner, "f", NewNode::Regular(b""));
    let unused = make(&mut fs, inner, "unused", NewNode::Regular(b""));
    for kept in [inner, file] {
        fs.retain(kept).unwrap();
    }
    assert_eq!(fs.lost_path(root, file), None);
    drop(fs.unlink(inner, b"f", ROOT, NOW).unwrap());
    drop(fs.unlink(inner, b"unused", ROOT, NOW).unwrap());
    assert_eq!(fs.lost_path(outer, file), Some(&b"/inner/f"[..]));
    assert_eq!(fs.lost_path(inner, file), Some(&b"/f"[..]));
    drop(fs.remove_directory(outer, b"inner", ROOT, NOW).unwrap());
    // A directory above that is gone altogether does not matter.
    drop(fs.remove_directory(root, b"outer", ROOT, NOW).unwrap());
    assert_eq!(fs.lost_path(root, file), Some(&b"/outer/inner/f"[..]));
    assert_eq!(fs.lost_path(root, inner), Some(&b"/outer/inner"[..]));
    assert_eq!(fs.lost_path(root, unused), None);

    let replaced = make(&mut fs, root, "a", NewNode::Fifo);
    make(&mut fs, root, "b", NewNode::Fifo);
    fs.retain(replaced).unwrap();
    drop(fs.rename((root, b"b"), (root, b"a"), RenameMode::Replace, ROOT, NOW).unwrap());
    assert_eq!(fs.lost_path(root, replaced), Some(&b"/a"[..]));

    let unnamed = fs.create_unnamed(root, 0o600, true, ROOT, NOW).unwrap();
    let shown = std::format!("/#{}", unnamed.number());
    assert_eq!(fs.lost_path(root, unnamed), Some(shown.as_bytes()));
    for kept in [inner, file, replaced, unnamed] {
        drop(fs.release(kept));
    }
    assert_eq!(fs.inodes(), 2);
}

#[test]
fn a_full_file_system_says_so_and_recovers() {
    let mut fs = Fs::new(64 << 10, NOW).unwrap();
    let root = fs.root();
    let file = make(&mut fs, root, "f", NewNode::Regular(b""));
    let data = std::vec![7; 128 << 10];
    let written = fs.write(file, 0, &data, NOW).unwrap();
    assert!(written > 32 << 10 && written < 64 << 10, "a part fits: {written}");
    assert!(fs.used_bytes() <= fs.limit_bytes());
    assert_eq!(fs.metadata(file).unwrap().size, written as u64);
    assert_eq!(fs.write(file, written as u64, b"x", NOW), Err(FileError::NoSpace));
    assert_eq!(fs.write(file, 0, b"x", NOW), Ok(1), "what is there can be written over");
    fs.truncate(file, 0, NOW).unwrap();
    assert_eq!(fs.write(file, 0, &data[..written], NOW), Ok(written));
    let full = (0..).map(|number| {
        let name = std::format!("{number}");
        fs.create(root, name.as_bytes(), NewNode::Fifo, 0o644, ROOT, NOW)
    });
    assert_eq!(full.into_iter().find_map(Result::err), Some(FileError::NoSpace));
    let huge = 1 << 40;
    assert_eq!(fs.truncate(file, huge, NOW), Err(FileError::FileTooLarge { size: huge }));
    assert!(matches!(fs.write(file, u64::MAX, b"x", NOW), Err(FileError::FileTooLarge { .. })));
}

#[test]
fn names_that_cannot_be_are_refused() {
    let mut fs = fs();
    let root = fs.root();
    for name in [&b""[..], b".", b"..", b"a/b", b"a\0b"] {
        let made = fs.create(root, name, NewNode::Fifo, 0o644, ROOT, NOW);
        assert_eq!(made, Err(FileError::InvalidName));
    }
    let long = [b'x'; 256];
    let made = fs.create(root, &long, NewNode::Fifo, 0o644, ROOT, NOW);
    assert_eq!(made, Err(FileError::NameTooLong { length: 256 }));
}

// proves: X2
#[test]
fn who_may_change_a_directory() {
    let mut fs = fs();
    let root = fs.root();
    let shared = make(&mut fs, root, "tmp", NewNode::Directory);
    let denied = Err(FileError::AccessDenied);
    assert_eq!(fs.create(shared, b"x", NewNode::Fifo, 0o644, USER, NOW), denied);
    fs.set_permissions(shared, 0o1777, ROOT, NOW).unwrap();
    fs.create(shared, b"mine", NewNode::Fifo, 0o644, USER, NOW).unwrap();
    make(&mut fs, shared, "theirs", NewNode::Fifo);
    let refused = Some(FileError::NotPermitted);
    assert_eq!(fs.unlink(shared, b"theirs", USER, NOW).err(), refused, "the directory is sticky");
    let moved = fs.rename((shared, b"mine"), (shared, b"theirs"), RenameMode::Replace, USER, NOW);
    assert_eq!(moved.err(), refused);
    drop(fs.unlink(shared, b"mine", USER, NOW).unwrap());
    assert_eq!(names(&fs, shared).len(), 3);
}

// proves: X2
#[test]
fn who_may_change_a_file() {
    let mut fs = fs();
    let root = fs.root();
    fs.set_permissions(root, 0o777, ROOT, NOW).unwrap();
    let file = fs.create(root, b"f", NewNode::Regular(b""), 0o6755, USER, NOW).unwrap();
    let stranger = &Identity { uid: 5, gid: 5, ..Identity::default() };
    let refused = Err(FileError::NotPermitted);
    assert_eq!(fs.set_permissions(file, 0o777, stranger, NOW), refused);
    assert_eq!(fs.set_owner(file, Some(5), None, stranger, NOW), refused);
    assert_eq!(fs.set_owner(file, Some(5), None, USER, NOW), refused, "no giving away");
    assert_eq!(fs.set_owner(file, None, Some(8), USER, NOW), refused, "not a group of its own");
    fs.set_owner(file, None, Some(7), USER, NOW).unwrap();
    let metadata = fs.metadata(file).unwrap();
    assert_eq!(metadata.owner, Owner { uid: 1000, gid: 7 });
    assert_eq!(metadata.permissions, 0o755, "a change of hands drops set-id");
    fs.set_permissions(file, 0o6755, USER, NOW).unwrap();
    fs.write(file, 0, b"x", LATER).unwrap();
    let metadata = fs.metadata(file).unwrap();
    assert_eq!((metadata.permissions, metadata.modified), (0o755, LATER));
}

#[test]
fn a_set_gid_directory_hands_its_group_down() {
    let mut fs = fs();
    let root = fs.root();
    fs.set_owner(root, None, Some(9), ROOT, NOW).unwrap();
    fs.set_permissions(root, 0o2777, ROOT, NOW).unwrap();
    let directory = fs.create(root, b"d", NewNode::Directory, 0o755, USER, NOW).unwrap();
    let metadata = fs.metadata(directory).unwrap();
    assert_eq!((metadata.owner.gid, metadata.permissions), (9, 0o2755));
}

#[test]
fn directories_move_with_their_links_and_not_into_themselves() {
    let mut fs = fs();
    let root = fs.root();
    let a = make(&mut fs, root, "a", NewNode::Directory);
    let b = make(&mut fs, a, "b", NewNode::Directory);
    let file = make(&mut fs, root, "f", NewNode::Fifo);
    let into_itself = fs.rename((root, b"a"), (b, b"x"), RenameMode::Replace, ROOT, NOW);
    assert_eq!(into_itself.err(), Some(FileError::InvalidName));
    let keep = fs.rename((root, b"f"), (root, b"a"), RenameMode::Keep, ROOT, NOW);
    assert_eq!(keep.err(), Some(FileError::AlreadyExists));
    drop(fs.rename((a, b"b"), (root, b"b"), RenameMode::Keep, ROOT, NOW).unwrap());
    let links = |fs: &Fs, id| fs.metadata(id).unwrap().links;
    assert_eq!((links(&fs, root), links(&fs, a)), (4, 2));
    assert_eq!(fs.path_of(root, b).unwrap(), b"/b");
    drop(fs.rename((root, b"f"), (b, b"f"), RenameMode::Replace, ROOT, NOW).unwrap());
    drop(fs.rename((root, b"a"), (b, b"f"), RenameMode::Exchange, ROOT, NOW).unwrap());
    assert_eq!(fs.find(root, b"a"), Ok(Some(file)));
    assert_eq!(fs.path_of(root, a).unwrap(), b"/b/f");
    assert_eq!((links(&fs, root), links(&fs, b)), (3, 3));
}

#[test]
fn a_listing_goes_on_where_it_was_whatever_changes() {
    let mut fs = fs();
    let root = fs.root();
    for number in 0..300 {
        make(&mut fs, root, &std::format!("stays-{number}"), NewNode::Fifo);
        make(&mut fs, root, &std::format!("goes-{number}"), NewNode::Fifo);
    }
    let mut seen = Vec::new();
    let mut place = 0;
    let mut round = 0;
    loop {
        let page: Vec<(u64, Vec<u8>, FileKind)> = fs
            .entries(root, place)
            .unwrap()
            .take(7)
            .map(|entry| (entry.place, entry.name.to_vec(), entry.kind))
            .collect();
        let Some((last, ..)) = page.last() else { break };
        place = *last;
        seen.extend(page.into_iter().map(|(_, name, _)| name));
        let removed = fs.unlink(root, std::format!("goes-{round}").as_bytes(), ROOT, NOW);
        assert!(removed.is_ok());
        make(&mut fs, root, &std::format!("comes-{round}"), NewNode::Fifo);
        round += 1;
    }
    assert_eq!(&seen[..2], [&b"."[..], b".."]);
    let count = |prefix: &[u8]| {
        let mut names: Vec<_> = seen.iter().filter(|name| name.starts_with(prefix)).collect();
        names.sort();
        let total = names.len();
        names.dedup();
        assert_eq!(names.len(), total, "nothing is listed twice");
        total
    };
    assert_eq!(count(b"stays-"), 300);
    assert!(count(b"goes-") < 300 && count(b"comes-") <= round);
}

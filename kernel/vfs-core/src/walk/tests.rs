//! Paths that lead somewhere, and paths that do not.

use std::vec;
use std::vec::Vec;

use super::{
    FileTree, LastLink, LastName, LinkTarget, NAME_MAX, PATH_MAX, SYMLINK_MAX, WalkContext, Walked,
    walk,
};
use crate::access::Identity;
use crate::error::FileError;
use crate::metadata::{FileKind, Metadata, WallTime};
use crate::tmpfs::{HeapPage, InodeId, NewNode, TmpFs};

const NOW: WallTime = WallTime { nanoseconds: 1 };
const USER: Identity<'static> = Identity {
    uid: 1000,
    gid: 1000,
    groups: &[],
    overrides_permissions: false,
    overrides_reading: false,
    owns_all: false,
    can_give_away: false,
};

type Fs = TmpFs<HeapPage>;

fn make(fs: &mut Fs, directory: InodeId, name: &[u8], new: NewNode<'_>) -> InodeId {
    fs.create(directory, name, new, 0o755, &Identity::ROOT, NOW).unwrap()
}

/// `/a/b/f`, `/a/up -> ..`, `/a/file -> /a/b/f`, `/a/loop -> loop`, `/a/gone -> nowhere`,
/// `/a/deep -> b`.
fn tree() -> (Fs, InodeId) {
    let mut fs = Fs::new(1 << 20, NOW).unwrap();
    let root = fs.root();
    let a = make(&mut fs, root, b"a", NewNode::Directory);
    let b = make(&mut fs, a, b"b", NewNode::Directory);
    make(&mut fs, b, b"f", NewNode::Regular(b"contents"));
    for (name, target) in [
        (&b"up"[..], &b".."[..]),
        (b"file", b"/a/b/f"),
        (b"loop", b"loop"),
        (b"gone", b"nowhere"),
        (b"deep", b"b"),
    ] {
        make(&mut fs, a, name, NewNode::SymbolicLink(target));
    }
    (fs, a)
}

fn from<'a>(root: InodeId, directory: InodeId) -> WalkContext<'a, InodeId> {
    WalkContext { root, directory, identity: &Identity::ROOT }
}

fn find(fs: &Fs, directory: InodeId, path: &[u8]) -> Result<InodeId, FileError> {
    walk(fs, &from(fs.root(), directory), path, LastLink::Follow)?.existing(fs)
}

#[test]
fn paths_that_stand_for_the_same_file() {
    let (fs, a) = tree();
    let f = find(&fs, fs.root(), b"/a/b/f").unwrap();
    for path in [
        &b"b/f"[..],
        b"./b/./f",
        b"b/../b/f",
        b"/a//b///f",
        b"up/a/b/f",
        b"up/../../a/b/f",
        b"/../../a/b/f",
        b"file",
        b"deep/f",
        b"up/a/up/a/deep/../file",
    ] {
        assert_eq!(find(&fs, a, path), Ok(f), "{}", path.escape_ascii());
    }
    for path in [&b"/"[..], b"//", b"/..", b"up", b"up/", b"..", b"../..", b"../.", b"up/."] {
        assert_eq!(find(&fs, a, path), Ok(fs.root()), "{}", path.escape_ascii());
    }
}

#[test]
fn paths_that_lead_nowhere() {
    let (fs, a) = tree();
    for (path, error) in [
        (&b""[..], FileError::NotFound),
        (b"missing", FileError::NotFound),
        (b"missing/f", FileError::NotFound),
        (b"gone", FileError::NotFound),
        (b"gone/", FileError::NotFound),
        (b"b/f/", FileError::NotADirectory),
        (b"file/", FileError::NotADirectory),
        (b"b/f/x", FileError::NotADirectory),
        (b"b/f/..", FileError::NotADirectory),
        (b"b/f/.", FileError::NotADirectory),
        (b"loop", FileError::TooManyLinks),
        (b"loop/x", FileError::TooManyLinks),
        (b"b\0f", FileError::InvalidName),
    ] {
        assert_eq!(find(&fs, a, path), Err(error), "{}", path.escape_ascii());
    }
    let long = vec![b'x'; NAME_MAX + 1];
    assert_eq!(find(&fs, a, &long), Err(FileError::NameTooLong { length: NAME_MAX + 1 }));
    assert_eq!(find(&fs, a, &long[1..]), Err(FileError::NotFound));
    let slashes = vec![b'/'; PATH_MAX];
    assert_eq!(find(&fs, a, &slashes), Err(FileError::NameTooLong { length: PATH_MAX }));
    assert_eq!(find(&fs, a, &slashes[1..]), Ok(fs.root()));
}

#[test]
fn the_last_link_is_followed_on_request() {
    let (fs, a) = tree();
    let context = from(fs.root(), a);
    let kind_by = |path, last_link| {
        let walked = walk(&fs, &context, path, last_link).unwrap();
        fs.metadata(walked.node.unwrap()).unwrap().kind
    };
    assert_eq!(kind_by(b"deep", LastLink::Follow), FileKind::Directory);
    assert_eq!(kind_by(b"deep", LastLink::Keep), FileKind::SymbolicLink);
    assert_eq!(kind_by(b"deep/", LastLink::Keep), FileKind::Directory);
    assert_eq!(kind_by(b"deep/", LastLink::Name), FileKind::SymbolicLink);
    let link = walk(&fs, &context, b"deep/", LastLink::Name).unwrap();
    assert_eq!(link.old_name(&fs), Err(FileError::NotADirectory));
}

#[test]
fn a_missing_last_name_is_where_it_would_stand() {
    let (fs, a) = tree();
    let context = from(fs.root(), a);
    let through_link = walk(&fs, &context, b"gone", LastLink::Follow).unwrap();
    let expected = Walked {
        directory: a,
        last: LastName::Name(b"nowhere"),
        node: None,
        wants_directory: false,
    };
    assert_eq!(through_link, expected);
    let new = |path| walk(&fs, &context, path, LastLink::Name).unwrap();
    assert_eq!(new(b"b/new/").new_name(FileKind::Regular), Err(FileError::NotFound));
    let b = find(&fs, a, b"b").unwrap();
    assert_eq!(new(b"b/new/").new_name(FileKind::Directory), Ok((b, &b"new"[..])));
    assert_eq!(new(b"gone").new_name(FileKind::Regular), Err(FileError::AlreadyExists));
    for (path, error) in [
        (&b"b/."[..], FileError::InvalidName),
        (b"b/..", FileError::NotEmpty),
        (b"/", FileError::Busy),
        (b"nothing", FileError::NotFound),
    ] {
        assert_eq!(new(path).old_name(&fs).unwrap_err(), error, "{}", path.escape_ascii());
    }
}

#[test]
fn forty_links_are_followed_and_no_more() {
    let (mut fs, _) = tree();
    let root = fs.root();
    make(&mut fs, root, b"0", NewNode::Directory);
    for number in 1..=SYMLINK_MAX + 1 {
        let name = std::format!("{number}");
        // Each target goes on after its link, so that what is left of every path is kept.
        let target = std::format!("{}/.", number - 1);
        make(&mut fs, root, name.as_bytes(), NewNode::SymbolicLink(target.as_bytes()));
    }
    let last = std::format!("/{SYMLINK_MAX}/");
    assert_eq!(find(&fs, root, last.as_bytes()), find(&fs, root, b"0"));
    let beyond = std::format!("/{}", SYMLINK_MAX + 1);
    assert_eq!(find(&fs, root, beyond.as_bytes()), Err(FileError::TooManyLinks));
}

// proves: X1
#[test]
fn nothing_leads_out_of_a_root() {
    let (mut fs, a) = tree();
    let b = find(&fs, a, b"b").unwrap();
    make(&mut fs, b, b"out", NewNode::SymbolicLink(b"/../../.."));
    make(&mut fs, b, b"up", NewNode::SymbolicLink(b"../../../f"));
    let jail = from(b, b);
    let see = |path| walk(&fs, &jail, path, LastLink::Follow).and_then(|it| it.existing(&fs));
    let f = find(&fs, a, b"b/f").unwrap();
    for path in [&b"/"[..], b"..", b"/../..", b"out", b"out/..", b"out/out"] {
        assert_eq!(see(path), Ok(b), "{}", path.escape_ascii());
    }
    for path in [&b"up"[..], b"/f", b"../../f", b"out/f"] {
        assert_eq!(see(path), Ok(f), "{}", path.escape_ascii());
    }
    assert_eq!(see(b"/a"), Err(FileError::NotFound));
}

// proves: X2
#[test]
fn each_directory_on_the_way_must_be_searchable() {
    let (mut fs, a) = tree();
    let b = find(&fs, a, b"b").unwrap();
    fs.set_permissions(b, 0o600, &Identity::ROOT, NOW).unwrap();
    let context = WalkContext { root: fs.root(), directory: a, identity: &USER };
    let see = |path| walk(&fs, &context, path, LastLink::Follow).and_then(|it| it.existing(&fs));
    assert_eq!(see(b"b"), Ok(b), "to name it takes no right on it");
    for path in [&b"b/f"[..], b"b/.", b"b/..", b"file", b"b/missing"] {
        assert_eq!(see(path), Err(FileError::AccessDenied), "{}", path.escape_ascii());
    }
    let reader = Identity { overrides_reading: true, ..USER };
    let context = WalkContext { identity: &reader, ..context };
    assert!(walk(&fs, &context, b"b/f", LastLink::Follow).is_ok());
}

#[test]
fn deep_trees_cost_no_stack() {
    let mut fs = Fs::new(1 << 24, NOW).unwrap();
    let mut at = fs.root();
    let mut path: Vec<u8> = Vec::new();
    while path.len() + 2 < PATH_MAX {
        at = make(&mut fs, at, b"d", NewNode::Directory);
        path.extend(b"/d");
    }
    assert_eq!(find(&fs, fs.root(), &path), Ok(at));
    assert_eq!(fs.path_of(fs.root(), at).unwrap(), path);
}

/// The tree, in which links named `jump` lead straight to a file, as those of `/proc` do.
struct Jumping {
    fs: Fs,
    to: InodeId,
}

impl FileTree for Jumping {
    type Node = InodeId;

    fn metadata(&self, node: &InodeId) -> Result<Metadata, FileError> {
        self.fs.metadata(*node)
    }

    fn lookup(&self, directory: &InodeId, name: &[u8]) -> Result<Option<InodeId>, FileError> {
        self.fs.lookup(directory, name)
    }

    fn parent(&self, directory: &InodeId) -> Result<InodeId, FileError> {
        self.fs.parent(directory)
    }

    fn link_target(&self, node: &InodeId) -> Result<LinkTarget<'_, InodeId>, FileError> {
        match self.fs.link_target(node)? {
            LinkTarget::Path(b"jump") => Ok(LinkTarget::Node(self.to)),
            other => Ok(other),
        }
    }
}

#[test]
fn a_link_can_lead_straight_to_a_file() {
    let (mut fs, a) = tree();
    let b = find(&fs, a, b"b").unwrap();
    let f = find(&fs, a, b"b/f").unwrap();
    let jail = make(&mut fs, a, b"jail", NewNode::Directory);
    make(&mut fs, jail, b"jump", NewNode::SymbolicLink(b"jump"));
    let mut tree = Jumping { fs, to: b };
    let context = from(jail, jail);
    let node = |tree: &Jumping, path| {
        walk(tree, &context, path, LastLink::Follow).and_then(|it| it.existing(tree))
    };
    assert_eq!(node(&tree, b"jump"), Ok(b), "even out of the root");
    assert_eq!(node(&tree, b"jump/f"), Ok(f));
    assert_eq!(node(&tree, b"jump/"), Ok(b));
    tree.to = f;
    assert_eq!(node(&tree, b"/jump"), Ok(f));
    assert_eq!(node(&tree, b"jump/"), Err(FileError::NotADirectory));
    assert_eq!(node(&tree, b"jump/x"), Err(FileError::NotADirectory));
    let walked = walk(&tree, &context, b"jump", LastLink::Follow).unwrap();
    assert_eq!(walked.old_name(&tree), Err(FileError::Busy), "it has no name there");
}

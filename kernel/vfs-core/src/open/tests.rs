//! open(2), case by case.

use super::{OpenFlags, OpenPlan, plan_open};
use crate::access::Identity;
use crate::error::FileError;
use crate::metadata::{DeviceKind, WallTime};
use crate::tmpfs::{HeapPage, InodeId, NewNode, TmpFs};
use crate::walk::WalkContext;

const NOW: WallTime = WallTime { nanoseconds: 1 };
const READ: u32 = 0;
const WRITE: u32 = 1;
const BOTH: u32 = 2;
const CREATE: u32 = OpenFlags::CREATE;
const EXCLUSIVE: u32 = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;

type Fs = TmpFs<HeapPage>;

/// `/d`, `/f` (0644, uid 1), `/null`, `/link -> f`, `/gone -> d/new`.
fn tree() -> Fs {
    let mut fs = Fs::new(1 << 20, NOW).unwrap();
    let root = fs.root();
    for (name, new) in [
        (&b"d"[..], NewNode::Directory),
        (b"f", NewNode::Regular(b"contents")),
        (b"null", NewNode::CharacterDevice(DeviceKind::Null.number())),
        (b"link", NewNode::SymbolicLink(b"f")),
        (b"gone", NewNode::SymbolicLink(b"d/new")),
    ] {
        let owner = Identity { uid: 1, ..Identity::ROOT };
        fs.create(root, name, new, 0o644, &owner, NOW).unwrap();
    }
    fs
}

fn plan<'t>(
    fs: &'t Fs,
    identity: &Identity<'_>,
    path: &'t str,
    bits: u32,
) -> Result<OpenPlan<'t, InodeId>, FileError> {
    let context = WalkContext { root: fs.root(), directory: fs.root(), identity };
    plan_open(fs, &context, path.as_bytes(), OpenFlags::from_bits(bits)?)
}

#[test]
fn what_is_there_is_opened() {
    let fs = tree();
    let root = &Identity::ROOT;
    let opened = |path, bits| match plan(&fs, root, path, bits) {
        Ok(OpenPlan::Existing { truncates, .. }) => truncates,
        other => panic!("{path}: {other:?}"),
    };
    assert!(!opened("f", READ) && !opened("link", BOTH | CREATE) && !opened("d", READ));
    assert!(!opened("d/", READ | OpenFlags::DIRECTORY) && !opened("/", READ));
    assert!(opened("f", WRITE | OpenFlags::TRUNCATE | CREATE));
    assert!(!opened("null", WRITE | OpenFlags::TRUNCATE), "a device has nothing to cut");
    assert!(!opened("link", OpenFlags::PATH | OpenFlags::NO_FOLLOW));
}

#[test]
fn what_is_not_there_is_made() {
    let fs = tree();
    let root = &Identity::ROOT;
    let made = |path, bits| match plan(&fs, root, path, bits) {
        Ok(OpenPlan::Create { directory, name }) => (directory, name),
        other => panic!("{path}: {other:?}"),
    };
    let d = fs.find(fs.root(), b"d").unwrap().unwrap();
    assert_eq!(made("new", CREATE | WRITE), (fs.root(), &b"new"[..]));
    assert_eq!(made("d/../d/x", EXCLUSIVE), (d, &b"x"[..]));
    assert_eq!(made("gone", CREATE), (d, &b"new"[..]), "a link to nothing makes its target");
}

#[test]
fn what_cannot_be_opened() {
    let fs = tree();
    for (path, bits, error) in [
        ("new", READ, FileError::NotFound),
        ("gone", READ, FileError::NotFound),
        ("f", EXCLUSIVE, FileError::AlreadyExists),
        ("gone", EXCLUSIVE, FileError::AlreadyExists),
        ("d", WRITE, FileError::IsADirectory),
        ("d", READ | OpenFlags::TRUNCATE, FileError::IsADirectory),
        ("d", READ | CREATE, FileError::IsADirectory),
        ("d/.", READ | CREATE, FileError::IsADirectory),
        ("new/", CREATE, FileError::IsADirectory),
        ("f/", READ, FileError::NotADirectory),
        ("f", OpenFlags::DIRECTORY, FileError::NotADirectory),
        ("link", OpenFlags::NO_FOLLOW, FileError::TooManyLinks),
        ("link", OpenFlags::NO_FOLLOW | OpenFlags::DIRECTORY, FileError::NotADirectory),
        ("d/new/x", CREATE, FileError::NotFound),
    ] {
        assert_eq!(plan(&fs, &Identity::ROOT, path, bits), Err(error), "{path} {bits:#o}");
    }
    let both = OpenFlags::CREATE | OpenFlags::DIRECTORY;
    assert_eq!(OpenFlags::from_bits(both), Err(FileError::InvalidFlags { bits: both }));
}

// proves: X2
#[test]
fn permissions_bind_users_and_not_root() {
    let fs = tree();
    let user = Identity { uid: 2, gid: 2, ..Identity::default() };
    let owner = Identity { uid: 1, gid: 2, ..Identity::default() };
    let is_allowed = |identity, bits| plan(&fs, identity, "f", bits).is_ok();
    assert!(
        is_allowed(&user, READ) && is_allowed(&owner, BOTH) && is_allowed(&Identity::ROOT, BOTH)
    );
    for bits in [WRITE, BOTH, READ | OpenFlags::TRUNCATE] {
        assert_eq!(plan(&fs, &user, "f", bits), Err(FileError::AccessDenied));
    }
    let no_access_time = READ | OpenFlags::NO_ACCESS_TIME;
    assert_eq!(plan(&fs, &user, "f", no_access_time), Err(FileError::NotPermitted));
    assert!(is_allowed(&owner, no_access_time));
}

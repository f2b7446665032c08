//! The permission bits, case by case.

use super::{Access, Identity};
use crate::metadata::{FileKind, Metadata, Owner, WallTime};

fn file(kind: FileKind, permissions: u16) -> Metadata {
    let time = WallTime::default();
    Metadata {
        system: 0,
        inode: 1,
        kind,
        permissions,
        links: 1,
        owner: Owner { uid: 10, gid: 20 },
        size: 0,
        allocated_bytes: 0,
        accessed: time,
        modified: time,
        changed: time,
        device: None,
    }
}

// proves: X2
#[test]
fn the_first_class_that_fits_decides() {
    let owner = Identity { uid: 10, gid: 20, ..Identity::default() };
    let member = Identity { uid: 1, gid: 1, groups: &[5, 20], ..Identity::default() };
    let other = Identity { uid: 1, gid: 1, ..Identity::default() };
    let all = [Access::READ, Access::WRITE, Access::EXECUTE];
    for (identity, shift) in [(owner, 6), (member, 3), (other, 0)] {
        for bits in 0..8_u16 {
            // The other classes have the opposite rights.
            let permissions =
                (0o777 & !(7 << shift) & !((bits | bits << 3 | bits << 6) & 0o777)) | bits << shift;
            let file = file(FileKind::Regular, permissions);
            for (access, bit) in all.into_iter().zip([4, 2, 1]) {
                let is_granted = identity.check(&file, access).is_ok();
                assert_eq!(is_granted, bits & bit != 0, "{permissions:o} {access:?}");
            }
            let both = identity.check(&file, Access::READ.and(Access::WRITE)).is_ok();
            assert_eq!(both, bits & 6 == 6);
            assert!(identity.check(&file, Access::EXISTS).is_ok());
        }
    }
}

// proves: X2
#[test]
fn capabilities_override_what_they_are_for() {
    let all = Identity { overrides_permissions: true, ..Identity::default() };
    let reading = Identity { overrides_reading: true, ..Identity::default() };
    let may = |identity: &Identity<'_>, kind, permissions, access| {
        identity.check(&file(kind, permissions), access).is_ok()
    };
    let (regular, directory) = (FileKind::Regular, FileKind::Directory);
    let both = Access::READ.and(Access::WRITE);
    assert!(may(&all, regular, 0, both) && may(&all, directory, 0, both.and(Access::EXECUTE)));
    assert!(!may(&all, regular, 0o666, Access::EXECUTE), "no program without an x bit");
    assert!(may(&all, regular, 0o100, Access::EXECUTE));
    assert!(
        may(&reading, regular, 0, Access::READ) && may(&reading, directory, 0, Access::EXECUTE)
    );
    assert!(!may(&reading, regular, 0, both) && !may(&reading, regular, 0o100, Access::EXECUTE));
    assert!(!may(&reading, directory, 0, Access::WRITE));
}

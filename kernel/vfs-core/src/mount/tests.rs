use alloc::boxed::Box;
use alloc::vec::Vec;

use super::*;

type Table = MountTable<u32, &'static str>;

fn source() -> Box<[u8]> {
    Box::from(&b"none"[..])
}

fn table() -> Table {
    MountTable::new("root", 0, source()).unwrap()
}

fn place(mount: MountId, node: u32) -> Place<u32> {
    Place { mount, node }
}

#[test]
fn a_mount_is_entered_and_left() {
    let mut table = table();
    let root = table.root().unwrap();
    let on = place(root.mount, 7);
    let proc = table.add("proc", 1, on, MountFlags::default(), source()).unwrap();
    assert_eq!(table.enter(on), place(proc, 1));
    assert_eq!(table.leave(place(proc, 1)), on);
    // Other files are not affected.
    assert_eq!(table.enter(place(root.mount, 8)), place(root.mount, 8));
    assert_eq!(table.leave(place(proc, 2)), place(proc, 2));
    assert_eq!(table.leave(root), root);
}

#[test]
fn mounts_stack_and_come_off_from_the_top() {
    let mut table = table();
    let root = table.root().unwrap();
    let on = place(root.mount, 7);
    let lower = table.add("lower", 1, on, MountFlags::default(), source()).unwrap();
    let upper_on = table.enter(on);
    let upper = table.add("upper", 2, upper_on, MountFlags::default(), source()).unwrap();
    assert_eq!(table.enter(on), place(upper, 2));
    assert_eq!(table.leave(place(upper, 2)), on);
    assert_eq!(table.remove(lower).unwrap_err(), FileError::Busy);
    assert_eq!(table.remove(upper).unwrap().unwrap().system, "upper");
    assert_eq!(table.enter(on), place(lower, 1));
    assert_eq!(table.remove(upper).unwrap_err(), FileError::Stale);
}

#[test]
fn what_is_in_use_stays() {
    let mut table = table();
    let root = table.root().unwrap();
    let id = table.add("a", 1, place(root.mount, 7), MountFlags::default(), source()).unwrap();
    table.retain(id).unwrap();
    assert_eq!(table.remove(id).unwrap_err(), FileError::Busy);
    let mut gone = Vec::new();
    table.detach(id, |mount| gone.push(mount.system)).unwrap();
    assert!(gone.is_empty());
    assert_eq!(table.enter(place(root.mount, 7)), place(root.mount, 7));
    assert_eq!(table.leave(place(id, 1)), place(id, 1));
    assert_eq!(table.release(id).unwrap().system, "a");
    assert_eq!(table.list().unwrap(), [root.mount]);
}

#[test]
fn detaching_takes_what_stands_on_it() {
    let mut table = table();
    let root = table.root().unwrap();
    let a = table.add("a", 1, place(root.mount, 7), MountFlags::default(), source()).unwrap();
    let b = table.add("b", 1, place(a, 3), MountFlags::default(), source()).unwrap();
    table.add("c", 1, place(b, 4), MountFlags::default(), source()).unwrap();
    let mut gone = Vec::new();
    table.detach(a, |mount| gone.push(mount.system)).unwrap();
    gone.sort_unstable();
    assert_eq!(gone, ["a", "b", "c"]);
    assert_eq!(table.list().unwrap().len(), 1);
}

#[test]
fn the_root_stays() {
    let mut table = table();
    let root = table.root().unwrap();
    assert_eq!(table.remove(root.mount).unwrap_err(), FileError::Busy);
    assert_eq!(table.detach(root.mount, |_| ()).unwrap_err(), FileError::Busy);
    table.retain(root.mount).unwrap();
    assert!(table.release(root.mount).is_none());
}

#[test]
fn a_file_is_covered_through_every_mount_of_its_system() {
    let mut table = table();
    let root = table.root().unwrap();
    let bound =
        table.add("root", 0, place(root.mount, 5), MountFlags::default(), source()).unwrap();
    table.add("x", 1, place(root.mount, 7), MountFlags::default(), source()).unwrap();
    assert!(table.is_covered(place(bound, 7)));
    assert!(!table.is_covered(place(bound, 8)));
}

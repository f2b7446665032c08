//! A tree of files against nested maps.

use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;

use super::{Fs, NOW, ROOT};
use crate::error::FileError;
use crate::tmpfs::{InodeId, NewNode, RenameMode};

/// What a name stands for in the model: a directory by its own map, a file by its number.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Entry {
    Directory(BTreeMap<String, Entry>),
    File(u64),
}

type Path = Vec<String>;

#[derive(Clone, Debug)]
enum Step {
    MakeFile(Path),
    MakeDirectory(Path),
    Link(Path, Path),
    Unlink(Path),
    RemoveDirectory(Path),
    Rename(Path, Path, RenameMode),
}

fn path() -> impl Strategy<Value = Path> {
    let name = prop::sample::select(std::vec!["a", "b", "c"]).prop_map(String::from);
    proptest::collection::vec(name, 1..5)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let mode = prop::sample::select(std::vec![
        RenameMode::Replace,
        RenameMode::Keep,
        RenameMode::Exchange,
    ]);
    let step = prop_oneof![
        1 => path().prop_map(Step::MakeFile),
        3 => path().prop_map(Step::MakeDirectory),
        1 => (path(), path()).prop_map(|(from, to)| Step::Link(from, to)),
        1 => path().prop_map(Step::Unlink),
        1 => path().prop_map(Step::RemoveDirectory),
        3 => (path(), path(), mode).prop_map(|(from, to, mode)| Step::Rename(from, to, mode)),
    ];
    proptest::collection::vec(step, 0..60)
}

fn directory<'m>(
    root: &'m mut BTreeMap<String, Entry>,
    path: &[String],
) -> Option<&'m mut BTreeMap<String, Entry>> {
    path.iter().try_fold(root, |at, name| match at.get_mut(name)? {
        Entry::Directory(entries) => Some(entries),
        Entry::File(_) => None,
    })
}

fn get(root: &mut BTreeMap<String, Entry>, path: &[String]) -> Option<Entry> {
    let (name, parents) = path.split_last()?;
    directory(root, parents)?.get(name).cloned()
}

fn put(root: &mut BTreeMap<String, Entry>, path: &[String], entry: Entry) {
    let (name, parents) = path.split_last().unwrap();
    directory(root, parents).unwrap().insert(name.clone(), entry);
}

fn take(root: &mut BTreeMap<String, Entry>, path: &[String]) -> Option<Entry> {
    let (name, parents) = path.split_last().unwrap();
    directory(root, parents).unwrap().remove(name)
}

/// rename(2) on the model, as the manual words it.
fn rename_model(
    root: &mut BTreeMap<String, Entry>,
    from: &[String],
    to: &[String],
    mode: RenameMode,
) -> Result<(), FileError> {
    let moved = get(root, from).ok_or(FileError::NotFound)?;
    let target = get(root, to);
    let is_inside =
        |outer: &[String], inner: &[String]| inner.len() > outer.len() && inner.starts_with(outer);
    if matches!(moved, Entry::Directory(_)) && is_inside(from, to) {
        return Err(FileError::InvalidName);
    }
    match (mode, &moved, &target) {
        (RenameMode::Keep, _, Some(_)) => return Err(FileError::AlreadyExists),
        (RenameMode::Exchange, _, None) => return Err(FileError::NotFound),
        (_, Entry::File(one), Some(Entry::File(other))) if one == other => return Ok(()),
        _ if from == to => return Ok(()),
        (RenameMode::Exchange, _, Some(other)) => {
            if matches!(other, Entry::Directory(_)) && is_inside(to, from) {
                return Err(FileError::InvalidName);
            }
            put(root, from, other.clone());
            put(root, to, moved);
            return Ok(());
        }
        (_, Entry::File(_), Some(Entry::Directory(_))) => return Err(FileError::IsADirectory),
        (_, Entry::Directory(_), Some(Entry::File(_))) => return Err(FileError::NotADirectory),
        (_, _, Some(Entry::Directory(entries))) if !entries.is_empty() => {
            return Err(FileError::NotEmpty);
        }
        _ => {}
    }
    take(root, from);
    put(root, to, moved);
    Ok(())
}

/// The directory of a path's last name, where the model has it too.
fn parent(fs: &Fs, path: &[String]) -> InodeId {
    path[..path.len() - 1]
        .iter()
        .fold(fs.root(), |at, name| fs.find(at, name.as_bytes()).unwrap().unwrap())
}

/// How many names each file has, by number.
type Links = BTreeMap<u64, (InodeId, u32)>;

fn compare(fs: &Fs, at: InodeId, model: &BTreeMap<String, Entry>, links: &mut Links) {
    let mut names: Vec<String> = fs
        .entries(at, 2)
        .unwrap()
        .map(|entry| String::from_utf8(entry.name.to_vec()).unwrap())
        .collect();
    names.sort();
    assert!(names.iter().eq(model.keys()));
    let mut subdirectories = 0;
    for (name, entry) in model {
        let found = fs.find(at, name.as_bytes()).unwrap().unwrap();
        match entry {
            Entry::File(number) => {
                assert_eq!(found.number(), *number);
                links.entry(*number).or_insert((found, 0)).1 += 1;
            }
            Entry::Directory(entries) => {
                subdirectories += 1;
                compare(fs, found, entries, links);
                let up = fs.entries(found, 1).unwrap().next().unwrap();
                assert_eq!((up.name, up.inode), (&b".."[..], at.number()));
            }
        }
    }
    assert_eq!(fs.metadata(at).unwrap().links, 2 + subdirectories);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    // proves: A5
    #[test]
    fn a_tree_is_nested_maps(steps in steps()) {
        let mut fs = Fs::new(1 << 20, NOW).unwrap();
        let empty = fs.used_bytes();
        let mut model = BTreeMap::new();
        for step in steps {
            let paths = match &step {
                Step::Link(from, to) | Step::Rename(from, to, _) => std::vec![from, to],
                Step::MakeFile(path) | Step::MakeDirectory(path)
                | Step::Unlink(path) | Step::RemoveDirectory(path) => std::vec![path],
            };
            if paths.iter().any(|path| directory(&mut model, &path[..path.len() - 1]).is_none()) {
                continue;
            }
            match step {
                Step::MakeFile(path) => {
                    let name = path.last().unwrap().as_bytes();
                    let new = NewNode::Regular(b"");
                    let made = fs.create(parent(&fs, &path), name, new, 0o644, ROOT, NOW);
                    match get(&mut model, &path) {
                        Some(_) => prop_assert_eq!(made, Err(FileError::AlreadyExists)),
                        None => put(&mut model, &path, Entry::File(made.unwrap().number())),
                    }
                }
                Step::MakeDirectory(path) => {
                    let name = path.last().unwrap().as_bytes();
                    let new = NewNode::Directory;
                    let made = fs.create(parent(&fs, &path), name, new, 0o755, ROOT, NOW);
                    match get(&mut model, &path) {
                        Some(_) => prop_assert_eq!(made, Err(FileError::AlreadyExists)),
                        None => {
                            prop_assert!(made.is_ok());
                            put(&mut model, &path, Entry::Directory(BTreeMap::new()));
                        }
                    }
                }
                Step::Link(from, to) => {
                    let Some(entry) = get(&mut model, &from) else { continue };
                    let file = fs.find(parent(&fs, &from), from.last().unwrap().as_bytes());
                    let name = to.last().unwrap().as_bytes();
                    let linked = fs.link(parent(&fs, &to), name, file.unwrap().unwrap(), ROOT, NOW);
                    let expected = match (&entry, get(&mut model, &to)) {
                        (_, Some(_)) => Err(FileError::AlreadyExists),
                        (Entry::Directory(_), None) => Err(FileError::NotPermitted),
                        (Entry::File(_), None) => Ok(()),
                    };
                    prop_assert_eq!(linked, expected);
                    if linked.is_ok() {
                        put(&mut model, &to, entry);
                    }
                }
                Step::Unlink(path) => {
                    let name = path.last().unwrap().as_bytes();
                    let removed = fs.unlink(parent(&fs, &path), name, ROOT, NOW).map(drop);
                    let expected = match get(&mut model, &path) {
                        None => Err(FileError::NotFound),
                        Some(Entry::Directory(_)) => Err(FileError::IsADirectory),
                        Some(Entry::File(_)) => { take(&mut model, &path); Ok(()) },
                    };
                    prop_assert_eq!(removed, expected);
                }
                Step::RemoveDirectory(path) => {
                    let name = path.last().unwrap().as_bytes();
                    let removed = fs.remove_directory(parent(&fs, &path), name, ROOT, NOW);
                    let expected = match get(&mut model, &path) {
                        None => Err(FileError::NotFound),
                        Some(Entry::File(_)) => Err(FileError::NotADirectory),
                        Some(Entry::Directory(entries)) if !entries.is_empty() => {
                            Err(FileError::NotEmpty)
                        }
                        Some(Entry::Directory(_)) => { take(&mut model, &path); Ok(()) },
                    };
                    prop_assert_eq!(removed.map(drop), expected);
                }
                Step::Rename(from, to, mode) => {
                    let old = (parent(&fs, &from), from.last().unwrap().as_bytes());
                    let new = (parent(&fs, &to), to.last().unwrap().as_bytes());
                    let renamed = fs.rename(old, new, mode, ROOT, NOW).map(drop);
                    prop_assert_eq!(renamed, rename_model(&mut model, &from, &to, mode));
                }
            }
            let mut links = BTreeMap::new();
            compare(&fs, fs.root(), &model, &mut links);
            for (file, count) in links.values() {
                prop_assert_eq!(fs.metadata(*file).unwrap().links, *count);
            }
        }
        remove_all(&mut fs, &mut model, &[]);
        prop_assert_eq!((fs.used_bytes(), fs.inodes()), (empty, 1), "nothing has leaked");
    }
}

fn remove_all(fs: &mut Fs, model: &mut BTreeMap<String, Entry>, at: &[String]) {
    for (name, mut entry) in core::mem::take(model) {
        let path: Path = at.iter().cloned().chain([name.clone()]).collect();
        let directory = parent(fs, &path);
        if let Entry::Directory(entries) = &mut entry {
            remove_all(fs, entries, &path);
            drop(fs.remove_directory(directory, name.as_bytes(), ROOT, NOW).unwrap());
        } else {
            drop(fs.unlink(directory, name.as_bytes(), ROOT, NOW).unwrap());
        }
    }
}

//! A file against a vector of bytes.

use std::cell::Cell;
use std::thread_local;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::{NOW, ROOT};
use crate::error::FileError;
use crate::tmpfs::{FilePage, HeapPage, NewNode, PAGE_BYTES, Page, TmpFs};

/// A borrowed range that ends within a page.
static BASE: [u8; 10_000] = [0x5a; 10_000];

#[derive(Clone, Debug)]
enum Step {
    Write(u64, Vec<u8>),
    Append(Vec<u8>),
    Truncate(u64),
    Read(u64, usize),
    /// Through a mapping: the file's page, made if need be.
    Map(u64, Option<u8>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Near the start, and around the end of the first leaf of the table of pages.
    let offset = prop_oneof![0..30_000_u64, (2 << 20) - 9_000..(2 << 20) + 9_000_u64];
    let data = proptest::collection::vec(any::<u8>(), 0..9_000);
    let step = prop_oneof![
        (offset.clone(), data.clone()).prop_map(|(offset, data)| Step::Write(offset, data)),
        data.prop_map(Step::Append),
        offset.clone().prop_map(Step::Truncate),
        (offset, 0..10_000_usize).prop_map(|(offset, len)| Step::Read(offset, len)),
        (0..10_u64, any::<Option<u8>>()).prop_map(|(page, byte)| Step::Map(page, byte)),
    ];
    proptest::collection::vec(step, 0..12)
}

fn put(model: &mut Vec<u8>, offset: usize, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    model.resize(model.len().max(offset + data.len()), 0);
    model[offset..offset + data.len()].copy_from_slice(data);
}

thread_local! {
    static PAGES_LEFT: Cell<usize> = const { Cell::new(0) };
}

/// A page of a machine with little memory.
struct ScarcePage(HeapPage);

impl Page for ScarcePage {
    fn zeroed() -> Option<Self> {
        let left = PAGES_LEFT.get().checked_sub(1)?;
        PAGES_LEFT.set(left);
        HeapPage::zeroed().map(Self)
    }

    fn read(&self, offset: usize, bytes: &mut [u8]) {
        self.0.read(offset, bytes);
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) {
        self.0.write(offset, bytes);
    }
}

#[test]
fn a_write_goes_as_far_as_there_are_pages() {
    PAGES_LEFT.set(2);
    let mut fs: TmpFs<ScarcePage> = TmpFs::new(1 << 20, NOW).unwrap();
    let new = NewNode::Regular(b"");
    let file = fs.create(fs.root(), b"f", new, 0o644, ROOT, NOW).unwrap();
    assert_eq!(fs.write(file, 100, &vec![1; 20_000], NOW), Ok(8_092));
    assert_eq!(fs.metadata(file).unwrap().size, 8_192);
    assert_eq!(fs.write(file, 8_192, b"x", NOW), Err(FileError::OutOfMemory));
    let before = fs.used_bytes();
    assert_eq!(fs.write(file, 50_000, b"x", NOW), Err(FileError::OutOfMemory));
    assert_eq!(fs.used_bytes(), before, "what was not got is not charged");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_file_is_a_vector_of_bytes(steps in steps(), has_base in any::<bool>()) {
        let mut fs: TmpFs<HeapPage> = TmpFs::new(64 << 20, NOW).unwrap();
        let empty = fs.used_bytes();
        let base: &'static [u8] = if has_base { &BASE } else { b"" };
        let root = fs.root();
        let file = fs.create(root, b"f", NewNode::Regular(base), 0o644, ROOT, NOW).unwrap();
        let mut model = base.to_vec();
        let mut is_changed = false;
        for step in steps {
            match step {
                Step::Write(offset, data) => {
                    is_changed |= !data.is_empty();
                    prop_assert_eq!(fs.write(file, offset, &data, NOW), Ok(data.len()));
                    put(&mut model, usize::try_from(offset).unwrap(), &data);
                }
                Step::Append(data) => {
                    is_changed |= !data.is_empty();
                    let end = model.len();
                    prop_assert_eq!(fs.append(file, &data, NOW), Ok((end as u64, data.len())));
                    put(&mut model, end, &data);
                }
                Step::Truncate(size) => {
                    is_changed |= size != model.len() as u64;
                    prop_assert_eq!(fs.truncate(file, size, NOW), Ok(()));
                    model.resize(usize::try_from(size).unwrap(), 0);
                }
                Step::Map(index, byte) => {
                    let start = usize::try_from(index).unwrap() * PAGE_BYTES;
                    let end = model.len().min(start + PAGE_BYTES);
                    let mut found = [0; PAGE_BYTES];
                    match fs.page(file, index).unwrap() {
                        None => prop_assert!(start >= model.len()),
                        Some(FilePage::Written(page)) => page.read(0, &mut found),
                        Some(FilePage::Borrowed(bytes)) => found.copy_from_slice(bytes),
                        Some(FilePage::Part(bytes)) => found[..bytes.len()].copy_from_slice(bytes),
                    }
                    if start < model.len() {
                        prop_assert_eq!(&found[..end - start], &model[start..end]);
                        prop_assert!(found[end - start..].iter().all(|byte| *byte == 0));
                    }
                    let Some(byte) = byte else { continue };
                    let made = fs.make_page(file, index).unwrap();
                    prop_assert_eq!(made.is_some(), start < model.len());
                    let Some(page) = made else { continue };
                    page.read(0, &mut found);
                    prop_assert_eq!(&found[..end - start], &model[start..end]);
                    page.write(0, &[byte]);
                    model[start] = byte;
                    is_changed = true;
                }
                Step::Read(offset, len) => {
                    let mut buffer = vec![0xff; len];
                    let count = fs.read(file, offset, &mut buffer).unwrap();
                    let start = usize::try_from(offset).unwrap().min(model.len());
                    let expected = &model[start..model.len().min(start + len)];
                    prop_assert_eq!(&buffer[..count], expected);
                }
            }
            prop_assert_eq!(fs.metadata(file).unwrap().size, model.len() as u64);
            if !is_changed {
                prop_assert_eq!(fs.borrowed(file), Some(base));
            }
        }
        let mut whole = vec![0xff; model.len() + 1];
        prop_assert_eq!(fs.read(file, 0, &mut whole), Ok(model.len()));
        prop_assert!(whole[..model.len()] == model[..]);
        drop(fs.unlink(root, b"f", ROOT, NOW).unwrap());
        prop_assert_eq!(fs.used_bytes(), empty, "all that was charged is given back");
    }
}

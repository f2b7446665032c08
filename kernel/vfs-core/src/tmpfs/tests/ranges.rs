//! fallocate(2) and the holes it makes, against a naive file.

#![expect(clippy::cast_possible_truncation, reason = "the naive file is small")]

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::{Fs, NOW, ROOT};
use crate::error::FileError;
use crate::tmpfs::{NewNode, PAGE_BYTES};

const MOST: u64 = 6 * PAGE_BYTES as u64;

#[derive(Clone, Debug)]
enum Step {
    Write(u64, Vec<u8>),
    Truncate(u64),
    Allocate(u64, u64, bool),
    Punch(u64, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let range = (0..MOST, 1..MOST);
    let step = prop_oneof![
        (0..MOST, proptest::collection::vec(1..=255_u8, 1..5000))
            .prop_map(|(at, data)| Step::Write(at, data)),
        (0..MOST).prop_map(Step::Truncate),
        (range.clone(), any::<bool>())
            .prop_map(|((at, len), keeps)| Step::Allocate(at, len, keeps)),
        range.prop_map(|(at, len)| Step::Punch(at, len)),
    ];
    proptest::collection::vec(step, 0..20)
}

static BASE: [u8; 3 * PAGE_BYTES + 100] = [7; 3 * PAGE_BYTES + 100];

proptest! {
    #[test]
    fn a_file_reads_as_its_model(steps in steps(), is_borrowed in any::<bool>()) {
        let mut fs = Fs::new(1 << 20, NOW).unwrap();
        let base: &'static [u8] = if is_borrowed { &BASE } else { &[] };
        let before = fs.used_bytes();
        let file = fs.create(fs.root(), b"f", NewNode::Regular(base), 0o644, ROOT, NOW).unwrap();
        let mut model = base.to_vec();
        for step in steps {
            match step {
                Step::Write(at, data) => {
                    prop_assert_eq!(fs.write(file, at, &data, NOW).unwrap(), data.len());
                    let at = at as usize;
                    if model.len() < at + data.len() {
                        model.resize(at + data.len(), 0);
                    }
                    model[at..at + data.len()].copy_from_slice(&data);
                }
                Step::Truncate(size) => {
                    fs.truncate(file, size, NOW).unwrap();
                    model.resize(size as usize, 0);
                }
                Step::Allocate(at, length, keeps_size) => {
                    fs.allocate(file, at..at + length, keeps_size, NOW).unwrap();
                    if !keeps_size && model.len() < (at + length) as usize {
                        model.resize((at + length) as usize, 0);
                    }
                    prop_assert!(fs.metadata(file).unwrap().allocated_bytes > 0);
                }
                Step::Punch(at, length) => {
                    fs.punch(file, at..at + length, NOW).unwrap();
                    let end = ((at + length) as usize).min(model.len());
                    if let Some(range) = model.get_mut(at as usize..end) {
                        range.fill(0);
                    }
                }
            }
            let mut read = vec![0; model.len() + 10];
            let count = fs.read(file, 0, &mut read).unwrap();
            prop_assert_eq!(&read[..count], &model[..]);
            // What lies in holes is zero, and a hole follows wherever data ends.
            let mut at = 0;
            while let Some(data) = fs.seek(file, at, true).unwrap() {
                prop_assert!(model[at as usize..data as usize].iter().all(|byte| *byte == 0));
                at = fs.seek(file, data, false).unwrap().unwrap();
                prop_assert!(at > data);
            }
            let rest = model.get(at as usize..).unwrap_or_default();
            prop_assert!(rest.iter().all(|byte| *byte == 0));
        }
        drop(fs.unlink(fs.root(), b"f", ROOT, NOW).unwrap());
        prop_assert_eq!(fs.used_bytes(), before);
    }
}

#[test]
fn what_cannot_fit_is_refused_before_anything_is_given() {
    let mut fs = Fs::new(64 * 1024, NOW).unwrap();
    let file = fs.create(fs.root(), b"f", NewNode::Regular(&[]), 0o644, ROOT, NOW).unwrap();
    let before = fs.used_bytes();
    for length in [1 << 17, 1 << 30, 1 << 36] {
        assert_eq!(fs.allocate(file, 0..length, false, NOW), Err(FileError::NoSpace));
    }
    assert_eq!(
        fs.allocate(file, 0..1 << 40, false, NOW),
        Err(FileError::FileTooLarge { size: 1 << 40 })
    );
    assert_eq!((fs.used_bytes(), fs.metadata(file).unwrap().size), (before, 0));
}

//! Seals against what they say.

use std::vec;

use proptest::prelude::*;

use super::{NOW, ROOT};
use crate::error::FileError;
use crate::tmpfs::{HeapPage, NewNode, Seals, TmpFs};

/// What a sealed file of two pages lets through, by one rule each.
fn expected(seals: Seals, offset: u64, length: u64, size: u64) -> [bool; 3] {
    let closed = seals.has(Seals::WRITE) || seals.has(Seals::FUTURE_WRITE);
    let write = !closed && (offset + length <= 8192 || !seals.has(Seals::GROW));
    let resize = if size < 8192 { !seals.has(Seals::SHRINK) } else { !seals.has(Seals::GROW) };
    [write, size == 8192 || resize, !closed]
}

proptest! {
    // proves: P7
    #[test]
    fn a_file_lets_through_what_its_seals_do(
        bits in 0_u32..0x20,
        offset in 0_u64..16_384,
        length in 1_u64..300,
        size in 0_u64..16_384,
    ) {
        let mut fs = TmpFs::<HeapPage>::new(1 << 20, NOW).unwrap();
        let root = fs.root();
        let file = fs.create(root, b"file", NewNode::Regular(&[]), 0o644, ROOT, NOW).unwrap();
        prop_assert_eq!(fs.add_seals(file, Seals::GROW, 0), Err(FileError::NotPermitted));
        fs.set_seals(file, Seals::NONE).unwrap();
        fs.truncate(file, 8192, NOW).unwrap();
        let seals = Seals::from_bits(bits).unwrap();
        if seals.has(Seals::WRITE) {
            prop_assert_eq!(fs.add_seals(file, seals, 1), Err(FileError::Busy));
        }
        fs.add_seals(file, seals, 0).unwrap();
        prop_assert_eq!(fs.seals(file), Ok(seals));
        let more = fs.add_seals(file, Seals::NONE, 0);
        prop_assert_eq!(more.is_err(), seals.has(Seals::SEAL));

        let bytes = vec![7; usize::try_from(length).unwrap()];
        let did = [
            fs.write(file, offset, &bytes, NOW).map(drop),
            // Only what the write left as it was is asked.
            if fs.metadata(file).unwrap().size == 8192 {
                fs.truncate(file, size, NOW)
            } else {
                Err(FileError::WrongKind)
            },
            fs.punch(file, 0..4096, NOW),
        ];
        for (did, expected) in did.into_iter().zip(expected(seals, offset, length, size)) {
            match did {
                Ok(()) => prop_assert!(expected),
                Err(FileError::NotPermitted) => prop_assert!(!expected),
                Err(error) => prop_assert_eq!(error, FileError::WrongKind),
            }
        }
    }
}

#[test]
fn what_stays_executable_stays_what_it_is() {
    let mut fs = TmpFs::<HeapPage>::new(1 << 20, NOW).unwrap();
    let root = fs.root();
    for (permissions, is_program) in [(0o755, true), (0o644, false)] {
        let name = [b'0' + u8::from(is_program)];
        let file = fs.create(root, &name, NewNode::Regular(&[]), permissions, ROOT, NOW).unwrap();
        fs.set_seals(file, Seals::NONE).unwrap();
        fs.add_seals(file, Seals::EXECUTE, 0).unwrap();
        assert_eq!(fs.seals(file).unwrap().has(Seals::WRITE), is_program);
        let turned = permissions ^ 0o100;
        let refused = Err(FileError::NotPermitted);
        assert_eq!(fs.set_permissions(file, turned, ROOT, NOW), refused);
        assert_eq!(fs.set_permissions(file, permissions & !0o044, ROOT, NOW), Ok(()));
    }
}

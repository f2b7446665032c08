//! Sets of processors against ordered sets of numbers.

use std::{collections::BTreeSet, vec::Vec};

use proptest::prelude::*;

use super::*;

fn set_of(numbers: &BTreeSet<u8>) -> CpuSet {
    numbers.iter().copied().map(CpuId::from).collect()
}

fn numbers_of(set: CpuSet) -> BTreeSet<u8> {
    set.iter().map(|cpu| u8::try_from(cpu.index()).unwrap()).collect()
}

proptest! {
    /// proves: K2
    #[test]
    fn sets_agree_with_ordered_sets(
        one in prop::collection::btree_set(any::<u8>(), 0..40),
        other in prop::collection::btree_set(any::<u8>(), 0..40),
        cpu in any::<u8>(),
    ) {
        let (a, b) = (set_of(&one), set_of(&other));
        prop_assert_eq!(numbers_of(a), one.clone());
        prop_assert_eq!(a.len() as usize, one.len());
        prop_assert_eq!(a.is_empty(), one.is_empty());
        prop_assert_eq!(numbers_of(a & b), &one & &other);
        prop_assert_eq!(numbers_of(a | b), &one | &other);
        prop_assert_eq!(numbers_of(a & !b), &one - &other);
        prop_assert_eq!(a.contains(CpuId::from(cpu)), one.contains(&cpu));
        prop_assert_eq!(CpuSet::from_words(a.words()), a);
        let next = one.range(cpu..).chain(&one).next().copied();
        prop_assert_eq!(a.next_from(CpuId::from(cpu)), next.map(CpuId::from));
        let (mut with, mut without) = (a, a);
        with.insert(CpuId::from(cpu));
        without.remove(CpuId::from(cpu));
        prop_assert_eq!(with, a | CpuSet::single(CpuId::from(cpu)));
        prop_assert_eq!(without, a & !CpuSet::single(CpuId::from(cpu)));
    }
}

/// proves: K1
#[test]
fn there_is_room_for_256_processors() {
    assert_eq!(CpuSet::ALL.len(), 256);
    assert_eq!(CpuSet::first_n(1_000), CpuSet::ALL);
    assert_eq!(CpuSet::first_n(65).iter().last(), CpuId::new(64));
    assert_eq!(CpuId::new(256), None);
    let all: Vec<usize> = CpuSet::ALL.iter().map(CpuId::index).collect();
    assert_eq!(all, (0..256).collect::<Vec<_>>());
}

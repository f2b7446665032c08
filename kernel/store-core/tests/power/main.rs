//! The store on a disk that does all that disks do.

#![expect(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "small numbers, and a test that can't go on panics"
)]

// proves: S1 (what was changed is there after a boot, or was refused)

mod cuts;
mod damage;
mod disk;
mod kinds;
mod random;

use std::collections::BTreeMap;

use disk::{Disk, Failure};
use random::Random;
use store_core::{Foreign, Recovery, Store, StoreError};

/// The smallest disk that is of use: its halves are full after a few dozen records.
const SMALL: usize = 160;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;
/// All values that each key ever had.
type Ever = BTreeMap<Vec<u8>, Vec<Vec<u8>>>;

#[derive(Clone, Debug)]
enum Step {
    Put(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
}

impl Step {
    /// Mostly small values, some of many sectors, of a few keys.
    fn random(random: &mut Random) -> Self {
        let key = format!("service-{}", random.below(6)).into_bytes();
        match random.below(8) {
            0 => Self::Remove(key),
            size => {
                let most = if size == 1 { 5000 } else { 700 };
                let len = random.below(most);
                let byte = random.number() as u8;
                Self::Put(key, (0..len).map(|at| byte.wrapping_add(at as u8)).collect())
            }
        }
    }

    fn apply(&self, model: &mut Model) {
        match self {
            Self::Put(key, value) => drop(model.insert(key.clone(), value.clone())),
            Self::Remove(key) => drop(model.remove(key)),
        }
    }

    fn carry_out(&self, store: &mut Store<Disk>) -> Result<(), StoreError<Failure>> {
        match self {
            Self::Put(key, value) => store.put(key, value),
            Self::Remove(key) => store.remove(key),
        }
    }
}

fn open(disk: &Disk, seed: u64) -> (Store<Disk>, Recovery) {
    Store::open(disk.clone(), Foreign::Leave, seed).expect("the disk is a store")
}

fn content(store: &Store<Disk>) -> Model {
    store.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

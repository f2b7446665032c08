//! A sparse list: a few values at places that are far apart, or many in a row. What shared memory
//! keeps its pages in. Key type: [`Sparse`].

use alloc::boxed::Box;
use alloc::vec::Vec;

/// Places in one chunk: of shared memory, 128 KiB.
const CHUNK: u64 = 32;
const CHUNK_LEN: usize = 32;

/// Values by their index. Looking costs O(log n); adding at the end, as memory that is filled from
/// its start does, costs the same, anywhere else a move of one word for every 16 values behind.
/// Adding never aborts when there is no memory.
#[derive(Debug)]
pub struct Sparse<T> {
    /// In the order of their numbers.
    chunks: Vec<Chunk<T>>,
    len: usize,
}

#[derive(Debug)]
struct Chunk<T> {
    number: u64,
    values: Box<[Option<T>]>,
}

impl<T> Default for Sparse<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Sparse<T> {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }

    /// How many values there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value at an index.
    #[must_use]
    pub fn get(&self, index: u64) -> Option<&T> {
        let place = self.find(index).ok()?;
        self.chunks.get(place)?.values.get(within(index))?.as_ref()
    }

    /// Puts a value where there is none.
    ///
    /// # Errors
    /// The value, if there is one already or no memory for it.
    pub fn insert(&mut self, index: u64, value: T) -> Result<(), T> {
        let place = match self.find(index) {
            Ok(place) => place,
            Err(place) => {
                let mut values = Vec::new();
                if self.chunks.try_reserve(1).is_err()
                    || values.try_reserve_exact(CHUNK_LEN).is_err()
                {
                    return Err(value);
                }
                values.resize_with(CHUNK_LEN, || None);
                let values = values.into_boxed_slice();
                self.chunks.insert(place, Chunk { number: index / CHUNK, values });
                place
            }
        };
        let slot = self.chunks.get_mut(place).and_then(|chunk| chunk.values.get_mut(within(index)));
        match slot {
            Some(slot @ None) => {
                *slot = Some(value);
                self.len += 1;
                Ok(())
            }
            _ => Err(value),
        }
    }

    /// Takes a value out.
    pub fn remove(&mut self, index: u64) -> Option<T> {
        let place = self.find(index).ok()?;
        let chunk = self.chunks.get_mut(place)?;
        let value = chunk.values.get_mut(within(index))?.take()?;
        self.len -= 1;
        if chunk.values.iter().all(Option::is_none) {
            self.chunks.remove(place);
        }
        Some(value)
    }

    /// The first index from this one on that has a value.
    #[must_use]
    pub fn next_from(&self, index: u64) -> Option<u64> {
        let (Ok(first) | Err(first)) = self.find(index);
        self.chunks.get(first..)?.iter().find_map(|chunk| {
            let indices = chunk.number * CHUNK..;
            let mut all = indices.zip(chunk.values.iter());
            all.find(|(at, value)| *at >= index && value.is_some()).map(|(at, _)| at)
        })
    }

    /// Where the chunk of an index is, or would be.
    fn find(&self, index: u64) -> Result<usize, usize> {
        let number = index / CHUNK;
        // Most often the last one: memory is filled from its start.
        match self.chunks.last() {
            Some(last) if last.number < number => Err(self.chunks.len()),
            _ => self.chunks.binary_search_by_key(&number, |chunk| chunk.number),
        }
    }
}

const fn within(index: u64) -> usize {
    (index % CHUNK) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((0..3_u8, 0..200_u64, any::<u16>()), 0..300)) {
            let mut sparse = Sparse::new();
            let mut model = BTreeMap::new();
            for (step, index, value) in steps {
                // Some of them far away.
                let index = if index > 150 { u64::MAX - index } else { index };
                match step {
                    0 => {
                        let is_new = !model.contains_key(&index);
                        prop_assert_eq!(sparse.insert(index, value).is_ok(), is_new);
                        model.entry(index).or_insert(value);
                    }
                    1 => prop_assert_eq!(sparse.remove(index), model.remove(&index)),
                    _ => {
                        let next = model.range(index..).next().map(|(index, _)| *index);
                        prop_assert_eq!(sparse.next_from(index), next);
                    }
                }
                prop_assert_eq!(sparse.len(), model.len());
                prop_assert_eq!(sparse.get(index), model.get(&index));
            }
            let all: Vec<_> = model.keys().map(|index| sparse.get(*index)).collect();
            prop_assert!(all.iter().all(Option::is_some));
        }
    }
}

//! A [`Tree`] that a forked child has together with its maker until one of them changes its own: most children
//! execute a program, or wait, and never change it.

use alloc::sync::Arc;

use super::area::{Area, PageRange};
use super::tree::{OutOfMemory, Tree};

/// Areas in the order of their addresses, none overlapping. None before the first.
pub(super) struct SharedTree<F>(Option<Arc<Tree<F>>>);

impl<F> SharedTree<F> {
    pub(super) const fn new() -> Self {
        Self(None)
    }

    /// The same areas for another space. Takes no memory.
    pub(super) fn share(&self) -> Self {
        Self(self.0.clone())
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |tree| tree.len())
    }

    /// See [`Tree::first_ending_after`].
    pub(super) fn first_ending_after(&self, address: u64) -> Option<&Area<F>> {
        self.0.as_ref()?.first_ending_after(address)
    }

    /// See [`Tree::last_starting_before`].
    pub(super) fn last_starting_before(&self, address: u64) -> Option<&Area<F>> {
        self.0.as_ref()?.last_starting_before(address)
    }

    /// See [`Tree::highest_gap`].
    pub(super) fn highest_gap(&self, window: PageRange, bytes: u64) -> Option<u64> {
        match &self.0 {
            Some(tree) => tree.highest_gap(window, bytes),
            None => Tree::<F>::new().highest_gap(window, bytes),
        }
    }

    /// Puts an area in. It must not overlap another; room must have been reserved.
    pub(super) fn insert(&mut self, area: Area<F>) {
        let own = self.own();
        debug_assert!(own.is_some(), "no room was reserved");
        if let Some(tree) = own {
            tree.insert(area);
        }
    }

    /// Takes the area out that starts at the address; room must have been reserved, if only for none.
    pub(super) fn remove(&mut self, start: u64) -> Option<Area<F>> {
        let own = self.own();
        debug_assert!(own.is_some(), "the areas are another space's, too");
        own?.remove(start)
    }

    /// The tree, if nobody else has it.
    fn own(&mut self) -> Option<&mut Tree<F>> {
        self.0.as_mut().and_then(Arc::get_mut)
    }

    #[cfg(test)]
    pub(super) fn depth(&self) -> u8 {
        self.0.as_ref().map_or(0, |tree| tree.depth())
    }

    #[cfg(test)]
    pub(super) fn is_shared(&self) -> bool {
        self.0.as_ref().is_some_and(|tree| Arc::strong_count(tree) > 1)
    }
}

impl<F: Clone> SharedTree<F> {
    /// Makes sure that the tree is the space's own and that `extra` insertions will not allocate. Before each
    /// change.
    pub(super) fn reserve(&mut self, extra: usize) -> Result<(), OutOfMemory> {
        if let Some(tree) = self.own() {
            return tree.reserve(extra);
        }
        let copy = match &self.0 {
            Some(shared) => shared.try_clone(extra)?,
            None => {
                let mut first = Tree::new();
                first.reserve(extra)?;
                first
            }
        };
        self.0 = Some(Arc::new(copy));
        Ok(())
    }
}

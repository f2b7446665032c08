//! The ordered set of areas: an AVL tree in one vector, each subtree knowing its largest gap.
//!
//! A `BTreeMap` was rejected for two reasons: finding free space in it walks all areas, and it
//! can't report that the heap is exhausted, where the vector's `try_reserve` can. The depth is at
//! most 1.44 · log2(areas), so recursion is bounded whatever addresses a program picks.

use alloc::vec::Vec;

use super::area::{Area, PageRange};

type Link = u32;
const NIL: Link = Link::MAX;

/// Areas in the order of their addresses, none overlapping.
pub(super) struct Tree<F> {
    nodes: Vec<Node<F>>,
    root: Link,
    /// First of the unused nodes, linked through `left`.
    vacant: Link,
    len: usize,
}

#[derive(Clone)]
struct Node<F> {
    /// `None` while the node is unused.
    area: Option<Area<F>>,
    left: Link,
    right: Link,
    height: u8,
    /// Where the subtree's first area begins, its guard included.
    first: u64,
    /// Where the subtree's last area ends.
    last: u64,
    /// The most free bytes between two neighbours within the subtree.
    gap: u64,
}

/// No memory for more nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfMemory;

impl<F> Tree<F> {
    pub(super) const fn new() -> Self {
        Self { nodes: Vec::new(), root: NIL, vacant: NIL, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The depth, for the test that it stays logarithmic.
    #[cfg(test)]
    pub(super) fn depth(&self) -> u8 {
        self.height(self.root)
    }

    /// Makes sure that `extra` insertions will not allocate.
    pub(super) fn reserve(&mut self, extra: usize) -> Result<(), OutOfMemory> {
        let unused = self.nodes.len() - self.len;
        let wanted = extra.saturating_sub(unused);
        if self.nodes.len().saturating_add(wanted) >= NIL as usize {
            return Err(OutOfMemory);
        }
        self.nodes.try_reserve(wanted).map_err(|_| OutOfMemory)
    }

    /// The first area that ends behind the address.
    pub(super) fn first_ending_after(&self, address: u64) -> Option<&Area<F>> {
        let mut found = None;
        let mut at = self.root;
        while let Some(node) = self.node(at) {
            let area = node.area.as_ref()?;
            if area.range.end() > address {
                found = Some(area);
                at = node.left;
            } else {
                at = node.right;
            }
        }
        found
    }

    /// The last area that starts before the address.
    pub(super) fn last_starting_before(&self, address: u64) -> Option<&Area<F>> {
        let mut found = None;
        let mut at = self.root;
        while let Some(node) = self.node(at) {
            let area = node.area.as_ref()?;
            if area.range.start() < address {
                found = Some(area);
                at = node.right;
            } else {
                at = node.left;
            }
        }
        found
    }

    /// The start of the highest free range of this many bytes within `window`.
    pub(super) fn highest_gap(&self, window: PageRange, bytes: u64) -> Option<u64> {
        self.highest_gap_at(self.root, window.start(), window.end(), bytes)
    }

    /// Puts an area in. It must not overlap another; room must have been reserved.
    pub(super) fn insert(&mut self, area: Area<F>) {
        let node =
            Node { area: Some(area), left: NIL, right: NIL, height: 1, first: 0, last: 0, gap: 0 };
        let link = self.place(node);
        self.refresh(link);
        self.root = self.insert_at(self.root, link);
        self.len += 1;
    }

    /// Takes the area out that starts at the address.
    pub(super) fn remove(&mut self, start: u64) -> Option<Area<F>> {
        let (root, removed) = self.remove_at(self.root, start);
        self.root = root;
        if removed == NIL {
            return None;
        }
        let vacant = self.vacant;
        let node = self.node_mut(removed)?;
        node.left = vacant;
        let area = node.area.take();
        self.vacant = removed;
        self.len -= 1;
        area
    }

    fn place(&mut self, node: Node<F>) -> Link {
        let link = self.vacant;
        if let Some(slot) = self.node_mut(link) {
            let next = slot.left;
            *slot = node;
            self.vacant = next;
            return link;
        }
        // `reserve` keeps the length below NIL.
        let link = Link::try_from(self.nodes.len()).unwrap_or(NIL);
        self.nodes.push(node);
        link
    }

    fn highest_gap_at(&self, at: Link, low: u64, high: u64, bytes: u64) -> Option<u64> {
        let Some(node) = self.node(at) else {
            return high.checked_sub(bytes).filter(|start| *start >= low);
        };
        let edge = node.first.saturating_sub(low).max(high.saturating_sub(node.last));
        if node.gap.max(edge) < bytes {
            return None;
        }
        let area = node.area.as_ref()?;
        let above = low.max(area.range.end());
        // What lies in the guard itself has no guard above it: the gap between is empty.
        let last_below = self.node(node.left).map_or(low, |left| left.last);
        let below = high.min(area.lower_bound().max(last_below));
        let right =
            if above < high { self.highest_gap_at(node.right, above, high, bytes) } else { None };
        match right {
            None if low < below => self.highest_gap_at(node.left, low, below, bytes),
            found => found,
        }
    }

    fn insert_at(&mut self, at: Link, new: Link) -> Link {
        if at == NIL {
            return new;
        }
        if self.start_of(new) < self.start_of(at) {
            let left = self.insert_at(self.left_of(at), new);
            self.set_left(at, left);
        } else {
            let right = self.insert_at(self.right_of(at), new);
            self.set_right(at, right);
        }
        self.balance(at)
    }

    /// Unlinks the node that starts at `start`; returns the subtree without it, and it.
    fn remove_at(&mut self, at: Link, start: u64) -> (Link, Link) {
        let Some(here) = self.start_of(at) else { return (NIL, NIL) };
        let (left, right) = (self.left_of(at), self.right_of(at));
        if start < here {
            let (left, removed) = self.remove_at(left, start);
            self.set_left(at, left);
            return (self.balance(at), removed);
        }
        if start > here {
            let (right, removed) = self.remove_at(right, start);
            self.set_right(at, right);
            return (self.balance(at), removed);
        }
        if left == NIL {
            return (right, at);
        }
        if right == NIL {
            return (left, at);
        }
        let (rest, successor) = self.remove_first(right);
        self.set_left(successor, left);
        self.set_right(successor, rest);
        (self.balance(successor), at)
    }

    fn remove_first(&mut self, at: Link) -> (Link, Link) {
        let left = self.left_of(at);
        if left == NIL {
            return (self.right_of(at), at);
        }
        let (left, first) = self.remove_first(left);
        self.set_left(at, left);
        (self.balance(at), first)
    }

    fn balance(&mut self, at: Link) -> Link {
        let (left, right) = (self.left_of(at), self.right_of(at));
        let (left_height, right_height) = (self.height(left), self.height(right));
        if left_height > right_height + 1 {
            if self.height(self.left_of(left)) < self.height(self.right_of(left)) {
                let left = self.rotate_left(left);
                self.set_left(at, left);
            }
            return self.rotate_right(at);
        }
        if right_height > left_height + 1 {
            if self.height(self.right_of(right)) < self.height(self.left_of(right)) {
                let right = self.rotate_right(right);
                self.set_right(at, right);
            }
            return self.rotate_left(at);
        }
        self.refresh(at);
        at
    }

    fn rotate_left(&mut self, at: Link) -> Link {
        let top = self.right_of(at);
        let middle = self.left_of(top);
        self.set_right(at, middle);
        self.set_left(top, at);
        self.refresh(at);
        self.refresh(top);
        top
    }

    fn rotate_right(&mut self, at: Link) -> Link {
        let top = self.left_of(at);
        let middle = self.right_of(top);
        self.set_left(at, middle);
        self.set_right(top, at);
        self.refresh(at);
        self.refresh(top);
        top
    }

    /// Recomputes what a node knows of its subtree from its area and its children.
    fn refresh(&mut self, at: Link) {
        let Some(node) = self.node(at) else { return };
        let Some(area) = &node.area else { return };
        let (start, end) = (area.lower_bound(), area.range.end());
        let mut summary = (1, start, end, 0u64);
        if let Some(left) = self.node(node.left) {
            summary.0 = left.height + 1;
            summary.1 = left.first;
            summary.3 = left.gap.max(start.saturating_sub(left.last));
        }
        if let Some(right) = self.node(node.right) {
            summary.0 = summary.0.max(right.height + 1);
            summary.2 = right.last;
            summary.3 = summary.3.max(right.gap).max(right.first.saturating_sub(end));
        }
        if let Some(node) = self.node_mut(at) {
            (node.height, node.first, node.last, node.gap) = summary;
        }
    }

    fn node(&self, link: Link) -> Option<&Node<F>> {
        self.nodes.get(link as usize)
    }

    fn node_mut(&mut self, link: Link) -> Option<&mut Node<F>> {
        self.nodes.get_mut(link as usize)
    }

    fn start_of(&self, link: Link) -> Option<u64> {
        Some(self.node(link)?.area.as_ref()?.range.start())
    }

    fn height(&self, link: Link) -> u8 {
        self.node(link).map_or(0, |node| node.height)
    }

    fn left_of(&self, link: Link) -> Link {
        self.node(link).map_or(NIL, |node| node.left)
    }

    fn right_of(&self, link: Link) -> Link {
        self.node(link).map_or(NIL, |node| node.right)
    }

    fn set_left(&mut self, link: Link, left: Link) {
        if let Some(node) = self.node_mut(link) {
            node.left = left;
        }
    }

    fn set_right(&mut self, link: Link, right: Link) {
        if let Some(node) = self.node_mut(link) {
            node.right = right;
        }
    }
}

impl<F: Clone> Tree<F> {
    /// A copy with room for `extra` insertions, if there is memory for one.
    pub(super) fn try_clone(&self, extra: usize) -> Result<Self, OutOfMemory> {
        let mut nodes = Vec::new();
        let room = self.nodes.len().saturating_add(extra);
        nodes.try_reserve_exact(room).map_err(|_| OutOfMemory)?;
        nodes.extend_from_slice(&self.nodes);
        let mut copy = Self { nodes, ..*self };
        copy.reserve(extra)?;
        Ok(copy)
    }
}

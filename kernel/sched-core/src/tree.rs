//! The queue of a sharing band: an AVL tree ordered by virtual deadline whose nodes know the
//! smallest virtual runtime and the processors allowed below them.
//!
//! With the smallest runtime at hand, "the earliest deadline among the eligible" is one descent;
//! with the allowed processors, so is "the earliest deadline that may run there". The nodes are
//! those of the run queue's slab ([`Node`], by slot number), so linking allocates nothing, and a
//! node has its parent, so that unlinking needs no search.
//!
//! Eligible trees in this form are in section 5 of Stoica and Abdel-Wahab, "Earliest Eligible
//! Virtual Deadline First" (Old Dominion University TR-95-22, 1995), there ordered by eligible time
//! and augmented with deadlines; ordering by deadline makes the common case shorter: the leftmost.

use core::cmp::Ordering;

use crate::virtual_time::VirtualTime;

/// No node.
pub(crate) const NONE: u32 = u32::MAX;

/// How many candidates [`Tree::find_allowed`] offers before it gives up.
const MAX_PROBES: u32 = 32;

/// The place of a task in a tree, and the keys it is found by.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    parent: u32,
    left: u32,
    right: u32,
    height: u8,
    /// When the current request has to be served, in virtual time: the order of the tree.
    pub(crate) deadline: VirtualTime,
    /// How old the task is; it is eligible when that is not past the queue's virtual time.
    pub(crate) runtime: VirtualTime,
    /// Where the task may run, folded.
    pub(crate) allowed: u64,
    min_runtime: VirtualTime,
    any_allowed: u64,
}

impl Node {
    /// A node outside of any tree.
    pub(crate) fn new() -> Self {
        Self {
            parent: NONE,
            left: NONE,
            right: NONE,
            height: 1,
            deadline: VirtualTime::default(),
            runtime: VirtualTime::default(),
            allowed: 0,
            min_runtime: VirtualTime::default(),
            any_allowed: 0,
        }
    }
}

/// What a search thinks of a candidate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Take this one.
    Take,
    /// Look further.
    Skip,
}

/// A tree over a slice of nodes that every method gets anew: several trees share one slab.
#[derive(Debug)]
pub(crate) struct Tree {
    root: u32,
}

impl Tree {
    pub(crate) const fn new() -> Self {
        Self { root: NONE }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.root == NONE
    }

    /// The node with the earliest deadline among those that `is_eligible` holds for. It must hold
    /// for every runtime before one that it holds for. O(log n).
    pub(crate) fn earliest_eligible(
        &self,
        nodes: &[Node],
        is_eligible: impl Fn(VirtualTime) -> bool,
    ) -> Option<u32> {
        let mut at = self.root;
        while at != NONE {
            let node = get(nodes, at);
            if node.left != NONE && is_eligible(get(nodes, node.left).min_runtime) {
                at = node.left;
            } else if is_eligible(node.runtime) {
                return Some(at);
            } else {
                at = node.right;
            }
        }
        None
    }

    /// The first node in the order of deadlines that may run where `cpu_bit` says and that
    /// `judge` takes, out of at most [`MAX_PROBES`] judged ones. O(log n) for each of them.
    pub(crate) fn find_allowed(
        &self,
        nodes: &[Node],
        cpu_bit: u64,
        mut judge: impl FnMut(u32) -> Verdict,
    ) -> Option<u32> {
        let has_allowed = |at: u32| at != NONE && get(nodes, at).any_allowed & cpu_bit != 0;
        let mut at = self.root;
        if !has_allowed(at) {
            return None;
        }
        let mut from_left = false;
        let mut probes = 0;
        loop {
            let node = get(nodes, at);
            if !from_left && has_allowed(node.left) {
                at = node.left;
                continue;
            }
            if node.allowed & cpu_bit != 0 {
                if judge(at) == Verdict::Take {
                    return Some(at);
                }
                probes += 1;
                if probes == MAX_PROBES {
                    return None;
                }
            }
            if has_allowed(node.right) {
                at = node.right;
                from_left = false;
                continue;
            }
            // Up to the first ancestor whose left subtree is finished.
            loop {
                let parent = get(nodes, at).parent;
                if parent == NONE {
                    return None;
                }
                let came_from_left = get(nodes, parent).left == at;
                at = parent;
                if came_from_left {
                    break;
                }
            }
            from_left = true;
        }
    }

    /// Links `at` by its deadline, after those with the same one.
    pub(crate) fn insert(&mut self, nodes: &mut [Node], at: u32) {
        let deadline = get(nodes, at).deadline;
        let mut parent = NONE;
        let mut child = self.root;
        let mut side = Ordering::Equal;
        while child != NONE {
            parent = child;
            let node = get(nodes, child);
            (side, child) = if deadline.ahead_of(node.deadline) < 0 {
                (Ordering::Less, node.left)
            } else {
                (Ordering::Greater, node.right)
            };
        }
        let node = get_mut(nodes, at);
        node.parent = parent;
        node.left = NONE;
        node.right = NONE;
        node.height = 1;
        node.min_runtime = node.runtime;
        node.any_allowed = node.allowed;
        match side {
            Ordering::Equal => self.root = at,
            Ordering::Less => get_mut(nodes, parent).left = at,
            Ordering::Greater => get_mut(nodes, parent).right = at,
        }
        self.retrace(nodes, parent);
    }

    /// Unlinks `at`, which is in this tree.
    pub(crate) fn remove(&mut self, nodes: &mut [Node], at: u32) {
        let (parent, left, right) = {
            let node = get(nodes, at);
            (node.parent, node.left, node.right)
        };
        if left == NONE || right == NONE {
            let child = if left == NONE { right } else { left };
            self.replace_child(nodes, parent, at, child);
            self.retrace(nodes, parent);
            return;
        }
        // The successor takes its place; changes start where the successor was.
        let mut successor = right;
        while get(nodes, successor).left != NONE {
            successor = get(nodes, successor).left;
        }
        let (below, above) = {
            let node = get(nodes, successor);
            (node.right, node.parent)
        };
        let start = if above == at {
            successor
        } else {
            self.replace_child(nodes, above, successor, below);
            get_mut(nodes, successor).right = right;
            get_mut(nodes, right).parent = successor;
            above
        };
        get_mut(nodes, successor).left = left;
        get_mut(nodes, left).parent = successor;
        self.replace_child(nodes, parent, at, successor);
        self.retrace_through(nodes, start, successor);
    }

    /// Puts `new` where `old` hangs below `parent`.
    fn replace_child(&mut self, nodes: &mut [Node], parent: u32, old: u32, new: u32) {
        if parent == NONE {
            self.root = new;
        } else {
            let node = get_mut(nodes, parent);
            if node.left == old {
                node.left = new;
            } else {
                node.right = new;
            }
        }
        if new != NONE {
            get_mut(nodes, new).parent = parent;
        }
    }

    /// Restores balance and what nodes know of their subtrees, from `at` up to where nothing changes.
    fn retrace(&mut self, nodes: &mut [Node], mut at: u32) {
        while at != NONE {
            let (top, has_changed) = self.settle(nodes, at);
            if !has_changed {
                return;
            }
            at = get(nodes, top).parent;
        }
    }

    /// As [`Self::retrace`], but does not stop below `through`, which took another's place.
    fn retrace_through(&mut self, nodes: &mut [Node], mut at: u32, through: u32) {
        loop {
            let is_last = at == through;
            let (top, _) = self.settle(nodes, at);
            at = get(nodes, top).parent;
            if is_last || at == NONE {
                break;
            }
        }
        self.retrace(nodes, at);
    }

    /// Balances and updates one node whose subtrees are right; returns the node that is now on
    /// top of them, and whether anything that its parent depends on changed.
    fn settle(&mut self, nodes: &mut [Node], at: u32) -> (u32, bool) {
        let (left, right) = {
            let node = get(nodes, at);
            (node.left, node.right)
        };
        let (left_height, right_height) = (height(nodes, left), height(nodes, right));
        if left_height > right_height + 1 {
            let inner = get(nodes, left).right;
            if height(nodes, inner) > height(nodes, get(nodes, left).left) {
                self.rotate_left(nodes, left);
            }
            return (self.rotate_right(nodes, at), true);
        }
        if right_height > left_height + 1 {
            let inner = get(nodes, right).left;
            if height(nodes, inner) > height(nodes, get(nodes, right).right) {
                self.rotate_right(nodes, right);
            }
            return (self.rotate_left(nodes, at), true);
        }
        (at, update(nodes, at))
    }

    fn rotate_left(&mut self, nodes: &mut [Node], at: u32) -> u32 {
        let (parent, top) = (get(nodes, at).parent, get(nodes, at).right);
        let inner = get(nodes, top).left;
        get_mut(nodes, at).right = inner;
        if inner != NONE {
            get_mut(nodes, inner).parent = at;
        }
        self.replace_child(nodes, parent, at, top);
        get_mut(nodes, top).left = at;
        get_mut(nodes, at).parent = top;
        update(nodes, at);
        update(nodes, top);
        top
    }

    fn rotate_right(&mut self, nodes: &mut [Node], at: u32) -> u32 {
        let (parent, top) = (get(nodes, at).parent, get(nodes, at).left);
        let inner = get(nodes, top).right;
        get_mut(nodes, at).left = inner;
        if inner != NONE {
            get_mut(nodes, inner).parent = at;
        }
        self.replace_child(nodes, parent, at, top);
        get_mut(nodes, top).right = at;
        get_mut(nodes, at).parent = top;
        update(nodes, at);
        update(nodes, top);
        top
    }
}

fn get(nodes: &[Node], at: u32) -> &Node {
    &nodes[at as usize]
}

fn get_mut(nodes: &mut [Node], at: u32) -> &mut Node {
    &mut nodes[at as usize]
}

fn height(nodes: &[Node], at: u32) -> u8 {
    if at == NONE { 0 } else { get(nodes, at).height }
}

/// Recomputes what `at` knows of its subtree; tells whether that changed.
fn update(nodes: &mut [Node], at: u32) -> bool {
    let node = get(nodes, at);
    let mut tallest = 0;
    let mut min_runtime = node.runtime;
    let mut any_allowed = node.allowed;
    for child in [node.left, node.right] {
        if child != NONE {
            let child = get(nodes, child);
            tallest = tallest.max(child.height);
            min_runtime = min_runtime.min(child.min_runtime);
            any_allowed |= child.any_allowed;
        }
    }
    let node = get_mut(nodes, at);
    let has_changed = node.height != tallest + 1
        || node.min_runtime != min_runtime
        || node.any_allowed != any_allowed;
    node.height = tallest + 1;
    node.min_runtime = min_runtime;
    node.any_allowed = any_allowed;
    has_changed
}

#[cfg(test)]
mod tests;

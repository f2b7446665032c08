//! The tree against a sorted vector.

use std::vec::Vec;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    /// Link a node with this deadline, runtime and set of processors.
    Insert(u16, u16, u8),
    /// Unlink the node that is `n`th (modulo their number) in the order of deadlines.
    Remove(u16),
}

#[derive(Clone, Copy, Debug)]
struct Model {
    at: u32,
    deadline: VirtualTime,
    runtime: VirtualTime,
    allowed: u64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let insert = (0..200u16, 0..200u16, any::<u8>()).prop_map(|(d, r, a)| Step::Insert(d, r, a));
    let remove = any::<u16>().prop_map(Step::Remove);
    prop::collection::vec(prop_oneof![3 => insert, 2 => remove], 1..400)
}

/// Checks the subtree of `at` and returns its height and its nodes in order.
fn check(nodes: &[Node], at: u32, parent: u32, order: &mut Vec<u32>) -> u8 {
    if at == NONE {
        return 0;
    }
    let node = get(nodes, at);
    assert_eq!(node.parent, parent, "parent of {at}");
    let first = order.len();
    let left = check(nodes, node.left, at, order);
    order.push(at);
    let right = check(nodes, node.right, at, order);
    assert!(left.abs_diff(right) <= 1, "balance of {at}: {left} and {right}");
    assert_eq!(node.height, left.max(right) + 1, "height of {at}");
    let below = || order[first..].iter().map(|&at| get(nodes, at));
    let least = below().map(|node| node.runtime).reduce(VirtualTime::min).unwrap();
    assert_eq!(node.min_runtime, least, "least runtime below {at}");
    assert_eq!(node.any_allowed, below().fold(0, |all, node| all | node.allowed));
    node.height
}

fn compare(tree: &Tree, nodes: &[Node], model: &[Model], start: VirtualTime) {
    let mut order = Vec::new();
    check(nodes, tree.root, NONE, &mut order);
    assert_eq!(order, model.iter().map(|entry| entry.at).collect::<Vec<_>>());
    for limit in (0..=200).step_by(20) {
        let limit = start.moved(limit);
        let expected = model.iter().find(|entry| entry.runtime.ahead_of(limit) <= 0);
        let found = tree.earliest_eligible(nodes, |runtime| runtime.ahead_of(limit) <= 0);
        assert_eq!(found, expected.map(|entry| entry.at));
    }
    for bit in 0..8 {
        let bit = 1 << bit;
        let mut offered = Vec::new();
        let found = tree.find_allowed(nodes, bit, |at| {
            offered.push(at);
            Verdict::Skip
        });
        assert_eq!(found, None);
        let allowed = model.iter().filter(|entry| entry.allowed & bit != 0);
        let expected: Vec<u32> = allowed.map(|entry| entry.at).take(MAX_PROBES as usize).collect();
        assert_eq!(offered, expected);
        let taken = tree.find_allowed(nodes, bit, |_| Verdict::Take);
        assert_eq!(taken, expected.first().copied());
    }
}

proptest! {
    /// proves: K2
    #[test]
    fn tree_agrees_with_a_sorted_vector(steps in steps(), near_wrap in any::<bool>()) {
        // Virtual time wraps: the keys of one tree may lie on both sides.
        let start = VirtualTime::from_raw(if near_wrap { u64::MAX - 100 } else { 0 });
        let mut nodes: Vec<Node> = Vec::new();
        let mut free: Vec<u32> = Vec::new();
        let mut tree = Tree::new();
        let mut model: Vec<Model> = Vec::new();
        for step in steps {
            match step {
                Step::Insert(deadline, runtime, allowed) => {
                    let at = free.pop().unwrap_or_else(|| {
                        nodes.push(Node::new());
                        u32::try_from(nodes.len() - 1).unwrap()
                    });
                    let entry = Model {
                        at,
                        deadline: start.moved(i64::from(deadline)),
                        runtime: start.moved(i64::from(runtime)),
                        allowed: u64::from(allowed),
                    };
                    let node = get_mut(&mut nodes, at);
                    node.deadline = entry.deadline;
                    node.runtime = entry.runtime;
                    node.allowed = entry.allowed;
                    tree.insert(&mut nodes, at);
                    let place = model.partition_point(|other| {
                        other.deadline.ahead_of(entry.deadline) <= 0
                    });
                    model.insert(place, entry);
                }
                Step::Remove(which) if !model.is_empty() => {
                    let entry = model.remove(usize::from(which) % model.len());
                    tree.remove(&mut nodes, entry.at);
                    free.push(entry.at);
                }
                Step::Remove(_) => {}
            }
            compare(&tree, &nodes, &model, start);
        }
        prop_assert_eq!(tree.is_empty(), model.is_empty());
    }
}

/// proves: P9
#[test]
fn a_full_tree_is_shallow() {
    const TASKS: u32 = 65_536;
    let mut nodes: Vec<Node> = (0..TASKS).map(|_| Node::new()).collect();
    let mut tree = Tree::new();
    for at in 0..TASKS {
        get_mut(&mut nodes, at).deadline = VirtualTime::from_raw(u64::from(at));
        tree.insert(&mut nodes, at);
    }
    // 1.44 * log2(n) is an AVL tree's worst case.
    assert!(height(&nodes, tree.root) <= 24);
    for at in (0..TASKS).step_by(2) {
        tree.remove(&mut nodes, at);
    }
    let mut order = Vec::new();
    check(&nodes, tree.root, NONE, &mut order);
    assert_eq!(order, (1..TASKS).step_by(2).collect::<Vec<_>>());
}

//! The process list as a tree: how deep each row stands, and which rows are folded.

use std::collections::BTreeMap;

use admin_api::types::Process;

/// Deeper rows are not moved in further.
pub const DEEPEST: usize = 8;

/// How deep each process of a page stands, 0 at the root, and whether its children follow. A page lists
/// each process right before its children; whose parent is on an earlier page stands at the root.
#[must_use]
pub fn depths(items: &[Process]) -> Vec<(usize, bool)> {
    let mut known: BTreeMap<u32, usize> = BTreeMap::new();
    let mut rows: Vec<(usize, bool)> = Vec::with_capacity(items.len());
    for (index, process) in items.iter().enumerate() {
        let depth = known.get(&process.parent_pid).map_or(0, |parent| parent + 1);
        known.insert(process.pid, depth);
        let has_children = items.get(index + 1).is_some_and(|next| next.parent_pid == process.pid);
        rows.push((depth, has_children));
    }
    rows
}

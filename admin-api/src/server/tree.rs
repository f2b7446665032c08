//! The process list as a tree: each process right before its children.

use alloc::vec::Vec;
use core::cmp::Reverse;

use super::query::Query;
use super::refusal::Refusal;

/// Most processes whose descendants a request may leave out.
const MAX_COLLAPSED: usize = 1024;

/// The tree that a query asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    /// Processes whose descendants are left out, ascending.
    collapsed: Vec<u32>,
}

impl Tree {
    /// Reads `tree` and `collapsed`; `None` for a plain list.
    ///
    /// # Errors
    /// 400 when they make no sense.
    pub(crate) fn parse(query: &Query<'_>) -> Result<Option<Self>, Refusal> {
        let mut collapsed = query.words("collapsed", |word| word.parse().ok())?;
        if !query.flag("tree")? {
            let is_alone = query.get("collapsed").is_some();
            let message = "is for tree=true only";
            return if is_alone {
                Err(Refusal::bad_parameter("collapsed", message))
            } else {
                Ok(None)
            };
        }
        if query.get("sort").is_some() {
            return Err(Refusal::bad_parameter("sort", "can't be given with tree=true"));
        }
        if collapsed.len() > MAX_COLLAPSED {
            return Err(Refusal::bad_parameter("collapsed", "has too many items, at most 1024"));
        }
        collapsed.sort_unstable();
        Ok(Some(Self { collapsed }))
    }

    /// The pids of `rows` (pid and parent, ascending by pid) in the order of the tree, brothers by pid.
    /// Whose parent is not among them stands at the root. `None` when there is no memory for it.
    pub(crate) fn order(&self, rows: &[(u32, u32)]) -> Option<Vec<u32>> {
        let mut by_parent: Vec<usize> = Vec::new();
        let mut order: Vec<u32> = Vec::new();
        let mut seen: Vec<bool> = Vec::new();
        let mut waiting: Vec<(usize, bool)> = Vec::new();
        let is_reserved = by_parent.try_reserve_exact(rows.len()).is_ok()
            && order.try_reserve_exact(rows.len()).is_ok()
            && seen.try_reserve_exact(rows.len()).is_ok()
            && waiting.try_reserve_exact(rows.len()).is_ok();
        if !is_reserved {
            return None;
        }
        by_parent.extend(0..rows.len());
        by_parent.sort_unstable_by_key(|index| (rows[*index].1, Reverse(rows[*index].0)));
        seen.resize(rows.len(), false);
        let has_parent = |parent: u32, pid: u32| {
            parent != pid && rows.binary_search_by_key(&parent, |(pid, _)| *pid).is_ok()
        };
        let roots = (0..rows.len()).filter(|index| !has_parent(rows[*index].1, rows[*index].0));
        // What no root leads to comes last: the rows were not read at one moment, so that numbers used
        // again can make a circle.
        for root in roots.chain(0..rows.len()) {
            waiting.push((root, false));
            while let Some((index, is_hidden)) = waiting.pop() {
                if core::mem::replace(&mut seen[index], true) {
                    continue;
                }
                let (pid, _) = rows[index];
                if !is_hidden {
                    order.push(pid);
                }
                let hides = is_hidden || self.collapsed.binary_search(&pid).is_ok();
                let first = by_parent.partition_point(|child| rows[*child].1 < pid);
                let children = by_parent[first..].iter().take_while(|child| rows[**child].1 == pid);
                waiting
                    .extend(children.filter(|child| !seen[**child]).map(|child| (*child, hides)));
            }
        }
        Some(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn order(rows: &[(u32, u32)], collapsed: &[u32]) -> Vec<u32> {
        Tree { collapsed: collapsed.to_vec() }.order(rows).unwrap()
    }

    #[test]
    fn children_follow_their_parent() {
        let rows = [(1, 0), (2, 1), (3, 0), (4, 2), (5, 1), (6, 3), (9, 77)];
        assert_eq!(order(&rows, &[]), vec![1, 2, 4, 5, 3, 6, 9]);
        assert_eq!(order(&rows, &[2]), vec![1, 2, 5, 3, 6, 9]);
        assert_eq!(order(&rows, &[1, 3]), vec![1, 3, 9]);
        assert_eq!(order(&[], &[1]), Vec::<u32>::new());
    }

    #[test]
    fn a_circle_loses_and_doubles_nobody() {
        let rows = [(1, 0), (4, 5), (5, 4), (6, 6), (7, 5)];
        let mut all = order(&rows, &[]);
        assert_eq!(all.len(), 5);
        all.sort_unstable();
        assert_eq!(all, vec![1, 4, 5, 6, 7]);
    }

    #[test]
    fn a_long_chain_is_no_deep_recursion() {
        let rows: Vec<(u32, u32)> = (1..=65_536).map(|pid| (pid, pid - 1)).collect();
        assert!(order(&rows, &[]).into_iter().eq(1..=65_536));
        assert_eq!(order(&rows, &[100]).len(), 100);
    }
}

//! Who needs whom: edges between services by name, cycles, and the order of starting.
//!
//! An edge points from a service to one that comes before it: one it needs, one it would like, one it
//! is merely ordered after, a group's member, and the member before in a group that keeps an order.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::document::{Document, Kind, Supervision};

words! {
    /// What an edge says.
    EdgeKind {
        /// The target is needed.
        Required = "required",
        /// The target is started, too, if it is there.
        Optional = "optional",
        /// The target comes before, if it starts at all.
        Ordering = "after",
        /// The target is a member of the group.
        Member = "member",
        /// The two may not run together; no order follows.
        Conflict = "conflict",
    }
}

/// An edge of the graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Who says it.
    pub from: Arc<str>,
    /// About whom.
    pub to: Arc<str>,
    /// What.
    pub kind: EdgeKind,
}

impl EdgeKind {
    /// Whether the target has to run for the source to run.
    #[must_use]
    pub const fn is_needed(self) -> bool {
        matches!(self, Self::Required | Self::Member)
    }

    /// Whether the target comes first.
    #[must_use]
    pub const fn is_ordered(self) -> bool {
        !matches!(self, Self::Conflict)
    }
}

/// The edges of all documents, also those to services that are not there.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    outgoing: BTreeMap<Arc<str>, Vec<(Arc<str>, EdgeKind)>>,
    incoming: BTreeMap<Arc<str>, Vec<(Arc<str>, EdgeKind)>>,
    /// Who made which edges: those of a group are between its members.
    made_by: BTreeMap<Arc<str>, Vec<Edge>>,
}

impl Graph {
    /// Takes a document's edges in, in place of those that its service had.
    ///
    /// # Errors
    /// The cycle that they would close, its first member once more at the end; nothing has changed
    /// then.
    pub fn put(&mut self, document: &Document) -> Result<(), Vec<Arc<str>>> {
        let name: Arc<str> = document.name.as_str().into();
        let before = self.take_edges(&name);
        let edges = edges_of(document);
        self.add_edges(&name, edges.clone());
        for edge in edges.iter().filter(|edge| edge.kind.is_ordered()) {
            if let Some(cycle) = self.cycle_through(edge) {
                self.take_edges(&name);
                self.add_edges(&name, before);
                return Err(cycle);
            }
        }
        Ok(())
    }

    /// Takes a service's edges out. Those that others have to it stay.
    pub fn remove(&mut self, name: &str) {
        self.take_edges(name);
    }

    /// Whom the edges that a service's document makes concern, the service itself left out.
    pub fn concerned(&self, maker: &str) -> BTreeSet<Arc<str>> {
        let edges = self.made_by.get(maker).into_iter().flatten();
        let ends = edges.flat_map(|edge| [Arc::clone(&edge.from), Arc::clone(&edge.to)]);
        ends.filter(|name| **name != *maker).collect()
    }

    fn add_edges(&mut self, maker: &Arc<str>, edges: Vec<Edge>) {
        for edge in &edges {
            let out = self.outgoing.entry(Arc::clone(&edge.from)).or_default();
            out.push((Arc::clone(&edge.to), edge.kind));
            let into = self.incoming.entry(Arc::clone(&edge.to)).or_default();
            into.push((Arc::clone(&edge.from), edge.kind));
        }
        self.made_by.insert(Arc::clone(maker), edges);
    }

    fn take_edges(&mut self, maker: &str) -> Vec<Edge> {
        let edges = self.made_by.remove(maker).unwrap_or_default();
        for edge in &edges {
            take_one(&mut self.outgoing, &edge.from, &edge.to, edge.kind);
            take_one(&mut self.incoming, &edge.to, &edge.from, edge.kind);
        }
        edges
    }

    /// The way from an edge's target back to its source.
    fn cycle_through(&self, edge: &Edge) -> Option<Vec<Arc<str>>> {
        let mut came_from: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
        let mut open = alloc::vec![Arc::clone(&edge.to)];
        while let Some(node) = open.pop() {
            if node == edge.from {
                let mut path = alloc::vec![Arc::clone(&node)];
                let mut at = node;
                while at != edge.to {
                    at = Arc::clone(came_from.get(&at)?);
                    path.push(Arc::clone(&at));
                }
                path.push(Arc::clone(&edge.from));
                path.reverse();
                return Some(path);
            }
            for (next, kind) in self.after(&node) {
                if kind.is_ordered() && *next != edge.to && !came_from.contains_key(next) {
                    came_from.insert(Arc::clone(next), Arc::clone(&node));
                    open.push(Arc::clone(next));
                }
            }
        }
        None
    }

    /// What `name` points to: what comes before it, and what it conflicts with.
    pub fn after(&self, name: &str) -> impl Iterator<Item = &(Arc<str>, EdgeKind)> {
        self.outgoing.get(name).into_iter().flatten()
    }

    /// What points to `name`.
    pub fn before(&self, name: &str) -> impl Iterator<Item = &(Arc<str>, EdgeKind)> {
        self.incoming.get(name).into_iter().flatten()
    }

    /// All edges, by source.
    pub fn edges(&self) -> impl Iterator<Item = Edge> {
        self.outgoing.iter().flat_map(|(from, out)| {
            out.iter().map(|(to, kind)| Edge {
                from: Arc::clone(from),
                to: Arc::clone(to),
                kind: *kind,
            })
        })
    }

    /// Divides services into levels: each comes after all that its edges point to, and those of one
    /// level can start together.
    #[must_use]
    pub fn levels(&self, services: &BTreeSet<Arc<str>>) -> Vec<Vec<Arc<str>>> {
        let among = |name: &Arc<str>| {
            let ordered =
                self.after(name).filter(|(to, kind)| kind.is_ordered() && services.contains(to));
            ordered.map(|(to, _)| Arc::clone(to)).collect::<BTreeSet<_>>()
        };
        let mut waits: BTreeMap<_, _> =
            services.iter().map(|name| (Arc::clone(name), among(name).len())).collect();
        let is_free = |(_, count): &(&Arc<str>, &usize)| **count == 0;
        let mut level: Vec<Arc<str>> =
            waits.iter().filter(is_free).map(|(name, _)| Arc::clone(name)).collect();
        let mut levels = Vec::new();
        while !level.is_empty() {
            let mut next = BTreeSet::new();
            for done in &level {
                let mut told = BTreeSet::new();
                for (from, kind) in self.before(done) {
                    if !kind.is_ordered() || !told.insert(from) {
                        continue;
                    }
                    if let Some(count) = waits.get_mut(from) {
                        *count = count.saturating_sub(1);
                        if *count == 0 {
                            next.insert(Arc::clone(from));
                        }
                    }
                }
            }
            levels.push(core::mem::replace(&mut level, next.into_iter().collect()));
        }
        levels
    }

    /// `names` and all that is reached from them by edges that `follows` chooses.
    #[must_use]
    pub fn closure(
        &self,
        names: impl IntoIterator<Item = Arc<str>>,
        direction: Direction,
        follows: impl Fn(&Arc<str>, EdgeKind) -> bool,
    ) -> BTreeSet<Arc<str>> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<_> = names.into_iter().collect();
        while let Some(name) = open.pop() {
            if !reached.insert(Arc::clone(&name)) {
                continue;
            }
            let mut visit = |(other, kind): &(Arc<str>, EdgeKind)| {
                if follows(other, *kind) && !reached.contains(other) {
                    open.push(Arc::clone(other));
                }
            };
            match direction {
                Direction::Needs => self.after(&name).for_each(&mut visit),
                Direction::NeededBy => self.before(&name).for_each(&mut visit),
            }
        }
        reached
    }
}

/// Which way edges are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From a service to what it points to.
    Needs,
    /// From a service to what points to it.
    NeededBy,
}

type Sides = BTreeMap<Arc<str>, Vec<(Arc<str>, EdgeKind)>>;

fn take_one(sides: &mut Sides, key: &Arc<str>, other: &Arc<str>, kind: EdgeKind) {
    let Some(list) = sides.get_mut(key) else { return };
    if let Some(place) = list.iter().position(|(name, known)| name == other && *known == kind) {
        list.swap_remove(place);
    }
    if list.is_empty() {
        sides.remove(key);
    }
}

/// The edges that a document makes.
fn edges_of(document: &Document) -> Vec<Edge> {
    let name: Arc<str> = document.name.as_str().into();
    let to = |other: &str, kind| Edge { from: Arc::clone(&name), to: other.into(), kind };
    let mut edges = Vec::new();
    for dependency in &document.dependencies {
        let kind = if dependency.required { EdgeKind::Required } else { EdgeKind::Optional };
        edges.push(to(&dependency.service, kind));
    }
    edges.extend(document.after.iter().map(|other| to(other, EdgeKind::Ordering)));
    edges.extend(document.conflicts.iter().map(|other| to(other, EdgeKind::Conflict)));
    if document.kind == Kind::Group {
        edges.extend(document.members.iter().map(|other| to(other, EdgeKind::Member)));
        if document.supervision != Supervision::OneForOne {
            edges.extend(document.members.windows(2).map(|pair| Edge {
                from: pair[1].as_str().into(),
                to: pair[0].as_str().into(),
                kind: EdgeKind::Ordering,
            }));
        }
    }
    edges
}

#[cfg(test)]
mod tests;

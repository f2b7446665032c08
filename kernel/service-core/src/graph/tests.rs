use super::{Direction, EdgeKind, Graph};
use crate::document::{Dependency, Document, Kind, Supervision};
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use proptest::prelude::*;

fn document(name: &str, needs: &[&str]) -> Document {
    let mut document = Document::new(name, "/bin/true", "1".parse().unwrap());
    document.dependencies = needs.iter().map(|other| Dependency::on(other)).collect();
    document
}

fn names(list: &[Arc<str>]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn all(list: &[&str]) -> BTreeSet<Arc<str>> {
    list.iter().map(|name| Arc::from(*name)).collect()
}

/// proves: S2
#[test]
fn a_cycle_is_refused_with_its_path_and_changes_nothing() {
    let mut graph = Graph::default();
    graph.put(&document("a", &["b"])).unwrap();
    graph.put(&document("b", &["c"])).unwrap();
    let before: Vec<_> = graph.edges().collect();
    let cycle = graph.put(&document("c", &["x", "a"])).unwrap_err();
    assert_eq!(names(&cycle), ["c", "a", "b", "c"]);
    assert_eq!(graph.edges().collect::<Vec<_>>(), before);
    let mut ordered = document("c", &[]);
    ordered.after = alloc::vec!["a".into()];
    assert!(graph.put(&ordered).is_err(), "an order is part of a cycle, too");
    let mut conflicting = document("c", &[]);
    conflicting.conflicts = alloc::vec!["a".into()];
    graph.put(&conflicting).unwrap();
}

#[test]
fn levels_put_each_after_what_it_needs() {
    let mut graph = Graph::default();
    for (name, needs) in [
        ("web", &["data", "log"][..]),
        ("data", &["disk"]),
        ("log", &["disk"]),
        ("disk", &[]),
        ("lone", &[]),
    ] {
        graph.put(&document(name, needs)).unwrap();
    }
    let levels = graph.levels(&all(&["web", "data", "log", "disk", "lone"]));
    let levels: Vec<_> = levels.iter().map(|level| names(level)).collect();
    assert_eq!(levels, [&["disk", "lone"][..], &["data", "log"], &["web"]]);
    let needed =
        graph.closure([Arc::from("disk")], Direction::NeededBy, |_, kind| kind.is_needed());
    assert_eq!(needed, all(&["disk", "data", "log", "web"]));
}

#[test]
fn a_group_orders_its_members_if_its_strategy_does() {
    let mut graph = Graph::default();
    let mut group = document("all", &[]);
    group.kind = Kind::Group;
    group.members = alloc::vec!["one".into(), "two".into()];
    group.supervision = Supervision::RestForOne;
    graph.put(&group).unwrap();
    assert!(graph.after("two").any(|edge| *edge == ("one".into(), EdgeKind::Ordering)));
    assert!(graph.put(&document("one", &["two"])).is_err());
    group.supervision = Supervision::OneForOne;
    graph.put(&group).unwrap();
    assert_eq!(graph.after("two").count(), 0);
    graph.put(&document("one", &["two"])).unwrap();
}

proptest! {
    /// Whatever is put in, in whatever order: the graph has levels that hold all of its services, which
    /// a cycle would prevent; and what was refused had a cycle.
    #[test]
    fn no_cycle_ever_enters(puts in prop::collection::vec((0u8..12, prop::collection::btree_set(0u8..12, 0..4)), 1..80)) {
        let mut graph = Graph::default();
        let mut there = BTreeSet::new();
        for (service, needs) in puts {
            let name = std::format!("s{service}");
            let needs: Vec<_> = needs.into_iter().filter(|other| *other != service).map(|other| std::format!("s{other}")).collect();
            let needs: Vec<_> = needs.iter().map(String::as_str).collect();
            match graph.put(&document(&name, &needs)) {
                Ok(()) => drop(there.insert(Arc::from(name.as_str()))),
                Err(cycle) => {
                    prop_assert!(cycle.len() >= 3);
                    prop_assert_eq!(cycle.first(), cycle.last());
                    for pair in cycle.windows(2) {
                        let is_known = graph.after(&pair[0]).any(|(to, _)| *to == pair[1]);
                        let is_new = *pair[0] == *name && needs.contains(&&*pair[1]);
                        prop_assert!(is_known || is_new, "{:?}", pair);
                    }
                }
            }
            let levels = graph.levels(&there);
            prop_assert_eq!(levels.iter().map(Vec::len).sum::<usize>(), there.len());
        }
    }
}

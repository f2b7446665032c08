//! Where the graph's services stand and how its edges run: [`layout`]. No drawing here.

use std::collections::BTreeMap;

use admin_api::types::{
    EdgeKind, HealthState, ServiceEdge, ServiceGraph, ServiceNode, ServiceState,
};

/// Width of a service's box.
pub const BOX_WIDTH: f64 = 168.0;
/// Height of a service's box.
pub const BOX_HEIGHT: f64 = 54.0;
/// Room between boxes of one level.
const GAP: f64 = 22.0;
/// Room between levels.
const LEVEL_GAP: f64 = 76.0;
/// Room around everything.
const MARGIN: f64 = 16.0;
/// Times that the order within the levels is improved.
const ROUNDS: usize = 8;

/// A service in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// Its index among the nodes.
    pub node: usize,
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
}

/// An edge as a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Its index among the edges.
    pub edge: usize,
    /// SVG path, from who is used to who uses it.
    pub path: String,
}

/// The whole picture.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layout {
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
    /// The services.
    pub nodes: Vec<Placed>,
    /// The edges whose both ends are there.
    pub edges: Vec<Drawn>,
}

/// Places the services: level by level in the order of starting, within a level near to those that they
/// use, so that few edges cross.
#[must_use]
pub fn layout(graph: &ServiceGraph) -> Layout {
    if graph.nodes.is_empty() {
        return Layout::default();
    }
    let index: BTreeMap<&str, usize> =
        graph.nodes.iter().enumerate().map(|(at, node)| (node.name.as_str(), at)).collect();
    let ends = |edge: &ServiceEdge| {
        index.get(edge.from.as_str()).copied().zip(index.get(edge.to.as_str()).copied())
    };
    let mut levels: Vec<Vec<usize>> = Vec::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        let level = node.level as usize;
        // A level that is out of all proportion is a mistake of the system's, not a reason to hang.
        let level = level.min(graph.nodes.len());
        if levels.len() <= level {
            levels.resize(level + 1, Vec::new());
        }
        levels[level].push(at);
    }
    levels.retain(|level| !level.is_empty());
    let neighbours: Vec<Vec<usize>> = (0..graph.nodes.len())
        .map(|at| {
            let others = graph.edges.iter().filter_map(|edge| {
                let (from, to) = ends(edge)?;
                if from == at {
                    Some(to)
                } else if to == at {
                    Some(from)
                } else {
                    None
                }
            });
            others.collect()
        })
        .collect();
    order(&mut levels, &neighbours);
    let most = levels.iter().map(Vec::len).max().unwrap_or(1);
    let (along, across) = (BOX_WIDTH + LEVEL_GAP, BOX_HEIGHT + GAP);
    let mut nodes = vec![Placed { node: 0, x: 0.0, y: 0.0 }; graph.nodes.len()];
    for (level, members) in levels.iter().enumerate() {
        let start = (most - members.len()) as f64 / 2.0;
        for (place, at) in members.iter().enumerate() {
            let (x, y) = (level as f64 * along, (start + place as f64) * across);
            nodes[*at] = Placed { node: *at, x: x + MARGIN, y: y + MARGIN };
        }
    }
    let edges = graph.edges.iter().enumerate().filter_map(|(edge, one)| {
        let (from, to) = ends(one)?;
        let path = curve(&nodes[to], &nodes[from]);
        Some(Drawn { edge, path })
    });
    let edges = edges.collect();
    let size =
        |count: usize, step: f64, last: f64| (count.max(1) - 1) as f64 * step + last + 2.0 * MARGIN;
    let (width, height) = (size(levels.len(), along, BOX_WIDTH), size(most, across, BOX_HEIGHT));
    Layout { width, height, nodes, edges }
}

/// Orders each level by where its neighbours stand (the barycentre rule), forth and back.
fn order(levels: &mut [Vec<usize>], neighbours: &[Vec<usize>]) {
    let mut place = vec![0.0; neighbours.len()];
    let spread = |level: &[usize], place: &mut Vec<f64>| {
        for (at, node) in level.iter().enumerate() {
            place[*node] = (at as f64 + 0.5) / level.len() as f64;
        }
    };
    levels.iter().for_each(|level| spread(level, &mut place));
    for round in 0..ROUNDS {
        for at in 0..levels.len() {
            let at = if round % 2 == 0 { at } else { levels.len() - 1 - at };
            let mut keyed: Vec<(f64, usize)> = levels[at]
                .iter()
                .map(|node| {
                    let others = &neighbours[*node];
                    let sum: f64 = others.iter().map(|other| place[*other]).sum();
                    let own = place[*node];
                    let key = if others.is_empty() { own } else { sum / others.len() as f64 };
                    (key, *node)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            levels[at] = keyed.into_iter().map(|(_, node)| node).collect();
            spread(&levels[at], &mut place);
        }
    }
}

/// From the far edge of one box to the near edge of the other; between boxes of one level, around.
fn curve(used: &Placed, user: &Placed) -> String {
    let (x1, y1) = (used.x + BOX_WIDTH, used.y + BOX_HEIGHT / 2.0);
    let (x2, y2) = (user.x, user.y + BOX_HEIGHT / 2.0);
    let bend = ((x2 - x1) / 2.0).max(28.0);
    format!("M{x1:.0} {y1:.0}C{:.0} {y1:.0} {:.0} {y2:.0} {x2:.0} {y2:.0}", x1 + bend, x2 - bend)
}

/// The part of a graph that is about one service: what it uses and what uses it, directly or not.
#[must_use]
pub fn around(graph: &ServiceGraph, name: &str) -> ServiceGraph {
    let reach = |forward: bool| {
        let mut found = vec![name.to_owned()];
        let mut at = 0;
        while let Some(one) = found.get(at).cloned() {
            at += 1;
            for edge in graph.edges.iter().filter(|edge| edge.kind != EdgeKind::Conflict) {
                let (near, far) =
                    if forward { (&edge.from, &edge.to) } else { (&edge.to, &edge.from) };
                if near.as_str() == one && !found.iter().any(|known| known == far.as_str()) {
                    found.push(far.to_string());
                }
            }
        }
        found
    };
    let mut kept = reach(true);
    kept.extend(reach(false));
    let is_kept = |name: &str| kept.iter().any(|known| known == name);
    ServiceGraph {
        nodes: graph.nodes.iter().filter(|node| is_kept(&node.name)).cloned().collect(),
        edges: graph
            .edges
            .iter()
            .filter(|edge| is_kept(&edge.from) && is_kept(&edge.to))
            .cloned()
            .collect(),
        start_order: Vec::new(),
    }
}

/// How a service's box is coloured: the end of a class's name.
#[must_use]
pub fn look(node: &ServiceNode) -> &'static str {
    match node.state {
        ServiceState::Failed => "bad",
        ServiceState::Running if node.health == HealthState::Unhealthy => "bad",
        ServiceState::Running => "good",
        ServiceState::Starting | ServiceState::Stopping => "active",
        ServiceState::Paused => "warning",
        ServiceState::Stopped | ServiceState::Disabled => "off",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use admin_api::types::ServiceKind;

    fn graph(
        names: &[(&'static str, u32)],
        edges: &[(&'static str, &'static str)],
    ) -> ServiceGraph {
        let node = |(name, level): &(&'static str, u32)| ServiceNode {
            name: (*name).into(),
            kind: ServiceKind::User,
            state: ServiceState::Running,
            health: HealthState::Unknown,
            ready_instances: 1,
            instances: 1,
            level: *level,
        };
        let edge = |(from, to): &(&'static str, &'static str)| ServiceEdge {
            from: (*from).into(),
            to: (*to).into(),
            kind: EdgeKind::Required,
            satisfied: true,
        };
        ServiceGraph {
            nodes: names.iter().map(node).collect(),
            edges: edges.iter().map(edge).collect(),
            start_order: Vec::new(),
        }
    }

    #[test]
    fn levels_follow_each_other_and_boxes_never_overlap() {
        let names = [("a", 0), ("b", 0), ("c", 1), ("d", 1), ("e", 2), ("lone", 0)];
        let edges = [("c", "b"), ("d", "a"), ("e", "c"), ("e", "d"), ("e", "nobody")];
        let graph = graph(&names, &edges);
        let picture = layout(&graph);
        assert_eq!((picture.nodes.len(), picture.edges.len()), (6, 4));
        for (at, one) in picture.nodes.iter().enumerate() {
            assert!(one.x >= 0.0 && one.x + BOX_WIDTH <= picture.width);
            assert!(one.y >= 0.0 && one.y + BOX_HEIGHT <= picture.height);
            for other in &picture.nodes[at + 1..] {
                let is_apart =
                    (one.x - other.x).abs() >= BOX_WIDTH || (one.y - other.y).abs() >= BOX_HEIGHT;
                assert!(is_apart, "{one:?} {other:?}");
            }
        }
        let placed = layout(&graph).nodes;
        assert!(placed[2].x > placed[1].x && placed[4].x > placed[2].x);
    }

    #[test]
    fn edges_that_need_not_cross_do_not() {
        // In the order of their names c and d would cross.
        let graph = graph(&[("a", 0), ("b", 0), ("c", 1), ("d", 1)], &[("c", "b"), ("d", "a")]);
        let placed = layout(&graph).nodes;
        assert_eq!(placed[2].y < placed[3].y, placed[1].y < placed[0].y);
    }

    #[test]
    fn what_is_wrong_with_the_levels_hangs_nobody() {
        let graph = graph(&[("a", u32::MAX), ("b", 7)], &[("a", "b"), ("b", "a")]);
        assert_eq!(layout(&graph).nodes.len(), 2);
        assert_eq!(layout(&ServiceGraph::default()), Layout::default());
    }

    #[test]
    fn the_surroundings_of_one_service_are_what_it_reaches() {
        let names = [("data", 0), ("web", 1), ("watch", 2), ("other", 0)];
        let graph = graph(&names, &[("web", "data"), ("watch", "web"), ("other", "other")]);
        let near = around(&graph, "web");
        let names: Vec<&str> = near.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["data", "web", "watch"]);
        assert_eq!(near.edges.len(), 2);
    }
}

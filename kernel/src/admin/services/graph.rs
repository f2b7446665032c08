//! Who needs whom, as the API tells it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use admin_api::backend::ServiceError;
use admin_api::types::{
    DependencyState, EdgeKind, ServiceDependencies, ServiceEdge, ServiceGraph, ServiceKind,
    ServiceNode, Text,
};
use service_core::{Edge, StateName};

use super::{describe, errors, text};
use crate::service::State;

fn kind(kind: service_core::EdgeKind) -> EdgeKind {
    EdgeKind::from_name(kind.name()).unwrap_or(EdgeKind::After)
}

/// Whether what an edge says holds now.
fn is_satisfied(state: &State, edge: &Edge) -> bool {
    let other = state.manager.view(&edge.to).ok();
    let runs = other.as_ref().is_some_and(|view| view.state == StateName::Running);
    match edge.kind {
        service_core::EdgeKind::Conflict => !runs,
        service_core::EdgeKind::Ordering => {
            other.is_none_or(|view| view.state != StateName::Starting)
        }
        _ => runs,
    }
}

fn levels(order: &[Vec<Arc<str>>]) -> Vec<Vec<Text>> {
    order.iter().map(|level| level.iter().map(|name| text(name)).collect()).collect()
}

/// All services and the edges between them.
pub(super) fn graph(state: &State) -> ServiceGraph {
    let order = state.manager.start_order();
    let mut level_of = BTreeMap::new();
    for (level, names) in (0_u32..).zip(&order) {
        level_of.extend(names.iter().map(|name| (Arc::clone(name), level)));
    }
    let nodes = state.manager.views_after("", usize::MAX).into_iter().map(|view| ServiceNode {
        name: text(&view.document.name),
        kind: ServiceKind::from_name(view.document.kind.name()).unwrap_or(ServiceKind::User),
        state: describe::state(view.state),
        health: describe::health_state(view.health),
        ready_instances: view.ready,
        instances: view.document.instances,
        level: level_of.get(view.document.name.as_str()).copied().unwrap_or(0),
    });
    let edges = state.manager.edges();
    let edges = edges.iter().map(|edge| ServiceEdge {
        from: text(&edge.from),
        to: text(&edge.to),
        kind: kind(edge.kind),
        satisfied: is_satisfied(state, edge),
    });
    ServiceGraph { nodes: nodes.collect(), edges: edges.collect(), start_order: levels(&order) }
}

/// Whom a service uses, and who uses it.
pub(super) fn dependencies(state: &State, name: &str) -> Result<ServiceDependencies, ServiceError> {
    state.manager.view(name).map_err(errors::of)?;
    let edges = state.manager.edges();
    let describe = |edge: &Edge, other: &str| {
        let view = state.manager.view(other).ok();
        let asking = state.manager.view(&edge.from).ok();
        let wanted = asking.and_then(|asking| {
            let all = &asking.document.dependencies;
            let found = all.iter().find(|dependency| *dependency.service == *edge.to);
            found.map(|dependency| dependency.version.to_string())
        });
        DependencyState {
            service: text(other),
            kind: kind(edge.kind),
            wanted_version: wanted.filter(|wanted| wanted != "*").map(Into::into),
            found_version: state.manager.version_of(&edge.to).map(Into::into),
            state: view.map(|view| describe::state(view.state)),
            satisfied: is_satisfied(state, edge),
        }
    };
    let own = edges.iter().filter(|edge| *edge.from == *name);
    let others = edges.iter().filter(|edge| *edge.to == *name);
    let set: BTreeSet<Arc<str>> = state.manager.start_closure(name);
    Ok(ServiceDependencies {
        service: text(name),
        dependencies: own.map(|edge| describe(edge, &edge.to)).collect(),
        dependants: others.map(|edge| describe(edge, &edge.from)).collect(),
        start_order: levels(&state.manager.levels_of(&set)),
    })
}

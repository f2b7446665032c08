//! Who uses whom: [`ServiceGraph`] and [`ServiceDependencies`].

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::types::Text;

use super::{HealthState, ServiceKind, ServiceState};

words! {
    /// What an edge of the graph means.
    EdgeKind {
        /// It can't be without the other.
        Required = "required",
        /// It uses the other if that is there.
        Optional = "optional",
        /// It is started after the other when both are.
        After = "after",
        /// It can't run together with the other.
        Conflict = "conflict",
        /// The other is a member of it.
        Member = "member",
    }
}

/// All services and the edges between them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceGraph {
    /// The services, by name.
    pub nodes: Vec<ServiceNode>,
    /// The edges, from who uses to who is used.
    pub edges: Vec<ServiceEdge>,
    /// The services in the order in which they are started: those of one level at the same time.
    pub start_order: Vec<Vec<Text>>,
}

/// A service in the graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceNode {
    /// Its name.
    pub name: Text,
    /// What it is for.
    pub kind: ServiceKind,
    /// Where it is in its life.
    pub state: ServiceState,
    /// What its checks say.
    pub health: HealthState,
    /// Instances that are ready.
    pub ready_instances: u32,
    /// Instances that are wanted.
    pub instances: u32,
    /// Its place in `start_order`, from 0.
    pub level: u32,
}

/// An edge of the graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceEdge {
    /// Who uses.
    pub from: Text,
    /// Who is used; there may be no service of this name if the edge is not `required`.
    pub to: Text,
    /// What it means.
    pub kind: EdgeKind,
    /// Whether it holds now: the other is ready, in a version that will do; of a conflict, that the
    /// other does not run.
    pub satisfied: bool,
}

/// `GET /services/{name}/dependencies`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceDependencies {
    /// The service.
    pub service: Text,
    /// What it uses.
    pub dependencies: Vec<DependencyState>,
    /// What uses it.
    pub dependants: Vec<DependencyState>,
    /// What has to be started for it, itself last: those of one level at the same time.
    pub start_order: Vec<Vec<Text>>,
}

/// A dependency, and how it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DependencyState {
    /// The other service.
    pub service: Text,
    /// What the edge means.
    pub kind: EdgeKind,
    /// The versions that will do.
    pub wanted_version: Option<Text>,
    /// The version that there is; `null` when there is no such service.
    pub found_version: Option<Text>,
    /// The other's state; `null` when there is no such service.
    pub state: Option<ServiceState>,
    /// Whether it holds now.
    pub satisfied: bool,
}

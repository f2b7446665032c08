//! Nodes of memory and CPUs that are near each other: [`Numa`].

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// The machine's NUMA nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Numa {
    /// The nodes; one where the machine does not tell several apart.
    pub nodes: Vec<NumaNode>,
}

/// One node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NumaNode {
    /// Its number in the firmware's tables.
    pub id: u32,
    /// The CPUs that belong to it.
    pub cpus: Vec<u32>,
    /// How far it is to each node, itself included.
    pub distances: Vec<NumaDistance>,
    /// Its memory.
    pub memory: NumaMemory,
    /// What was taken from its memory since boot.
    pub allocations: NumaAllocations,
}

/// How far it is from one node to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NumaDistance {
    /// The other node.
    pub node: u32,
    /// ACPI's measure: 10 is the node itself, 20 twice as far.
    pub distance: u32,
}

/// Memory of one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NumaMemory {
    /// What the kernel manages of it.
    pub total_bytes: u64,
    /// In use, with what CPUs keep at hand.
    pub used_bytes: u64,
    /// Free.
    pub free_bytes: u64,
}

/// Pages taken from one node's memory, by who took them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NumaAllocations {
    /// By CPUs of this node.
    pub local_pages: u64,
    /// By CPUs of other nodes, which had none left themselves.
    pub foreign_pages: u64,
}

//! Memory of the machine: [`Memory`].

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::Text;

/// Physical memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Memory {
    /// What the machine has for the kernel to use.
    pub total_bytes: u64,
    /// In use.
    pub used_bytes: u64,
    /// Free.
    pub free_bytes: u64,
    /// Size of a page.
    pub page_size_bytes: u64,
    /// What the used memory is used for.
    pub by_use: MemoryByUse,
    /// The kernel's heap.
    pub heap: HeapUsage,
    /// Figures of each NUMA node.
    pub nodes: Vec<MemoryNode>,
    /// The program that would be ended if memory ran out now: the one that holds most, of equals the
    /// youngest; those of class `system` and init come last.
    pub next_victim: Option<Victim>,
}

/// A program that may be ended for its memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Victim {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub name: Text,
    /// What it holds.
    pub memory_bytes: u64,
}

/// Used memory by use. Adds up to `used_bytes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemoryByUse {
    /// The kernel's code and static data.
    pub kernel_image_bytes: u64,
    /// The kernel's heap, free parts included.
    pub kernel_heap_bytes: u64,
    /// Stacks of the kernel's and the programs' threads inside the kernel.
    pub kernel_stacks_bytes: u64,
    /// Page tables.
    pub page_tables_bytes: u64,
    /// Pages of programs, each once however many share it; those of files are not among them.
    pub user_bytes: u64,
    /// The initial file system and files in memory.
    pub files_bytes: u64,
    /// Everything else: tables of the frame allocator, buffers of devices, firmware.
    pub other_bytes: u64,
}

/// The kernel's heap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeapUsage {
    /// Size of the heap.
    pub total_bytes: u64,
    /// Handed out.
    pub used_bytes: u64,
    /// Allocations since boot.
    pub allocations: u64,
    /// Allocations that failed since boot.
    pub failures: u64,
}

/// Memory of one NUMA node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemoryNode {
    /// The node's number.
    pub id: u32,
    /// What it has.
    pub total_bytes: u64,
    /// What is free of it.
    pub free_bytes: u64,
}

//! One area of a process's address space: [`MemoryArea`].

use serde::{Deserialize, Serialize};

use super::Text;

words! {
    /// What an area of an address space consists of.
    MemoryAreaKind {
        /// Memory of the process's own; without any right, a reservation or a guard.
        Anonymous = "anonymous",
        /// The heap that `brk` moves the end of.
        Heap = "heap",
        /// A stack that grows.
        Stack = "stack",
        /// Memory that forked processes share.
        SharedMemory = "shared_memory",
        /// The kernel's page that clocks are read by.
        Vdso = "vdso",
        /// A file.
        File = "file",
    }
}

/// A range of addresses that are alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemoryArea {
    /// The first address.
    pub start: u64,
    /// The address behind the last.
    pub end: u64,
    /// Its length.
    pub size_bytes: u64,
    /// How much of it is in memory.
    pub resident_bytes: u64,
    /// What the program may do there: `r`, `w` and `x`, each `-` if it may not.
    pub rights: Text,
    /// Whether other processes see what is written there.
    pub shared: bool,
    /// Whether the program has locked it in memory.
    pub locked: bool,
    /// What it consists of.
    pub kind: MemoryAreaKind,
    /// The file's path.
    pub path: Option<Text>,
    /// Where in the file it starts.
    pub offset_bytes: u64,
}

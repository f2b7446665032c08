//! Interrupts: [`InterruptLine`].

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::Text;

/// What kind of thing uses a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InterruptKind {
    /// An exception of the processor, such as a page fault.
    Exception,
    /// A device.
    Device,
    /// The timer of each CPU.
    Timer,
    /// One CPU to another.
    Ipi,
    /// Spurious ones and errors of the interrupt controller.
    Controller,
}

/// One vector of the interrupt table that is in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InterruptLine {
    /// Its number, 0 to 255.
    pub vector: u8,
    /// What uses it, such as `page fault` or `virtio-net`.
    pub name: Text,
    /// What kind of thing that is.
    pub kind: InterruptKind,
    /// How often it came, on all CPUs.
    pub total: u64,
    /// How often it came on each CPU, in the order of their numbers.
    pub per_cpu: Vec<u64>,
}

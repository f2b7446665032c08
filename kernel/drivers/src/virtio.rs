//! virtio devices over PCI (VIRTIO 1.2).

mod block;
mod doorbell;
mod entropy;
mod network;
mod transport;

use core::fmt;

use virtio_drivers::Error;

pub use block::{BlockCounters, BlockSignal, VirtioBlock};
pub use entropy::VirtioEntropy;
pub use network::{Idle, NetworkCounters, NetworkSignal, VirtioNetwork};
pub use transport::PciTransport;
pub use virtio_queues::{BlockError, MOST_SECTORS, Request};

use crate::pci::{Function, PciError};

/// Vendor of all virtio devices.
const VENDOR: u16 = 0x1af4;

/// The virtio devices that there are drivers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A network card.
    Network,
    /// A source of random bytes.
    Entropy,
    /// A disk.
    Block,
}

/// Which virtio device the function is, if there is a driver for it. (Transitional devices have ids
/// of their own, and speak VIRTIO 1 as well.)
#[must_use]
pub fn kind(function: &Function) -> Option<Kind> {
    match (function.vendor_id, function.device_id) {
        (VENDOR, 0x1000 | 0x1041) => Some(Kind::Network),
        (VENDOR, 0x1005 | 0x1044) => Some(Kind::Entropy),
        (VENDOR, 0x1001 | 0x1042) => Some(Kind::Block),
        _ => None,
    }
}

/// Why a virtio device cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VirtioError {
    /// It is not as PCI wants it.
    Pci(PciError),
    /// It lacks the structure with this number (VIRTIO 1.2, 4.1.4).
    NoStructure(u8),
    /// It has only the interface from before VIRTIO 1.
    Legacy,
    /// It took no interrupt vector for this queue.
    NoVector(u16),
    /// The driver's queues could not be set up.
    Queue(Error),
}

impl From<PciError> for VirtioError {
    fn from(error: PciError) -> Self {
        Self::Pci(error)
    }
}

impl From<Error> for VirtioError {
    fn from(error: Error) -> Self {
        Self::Queue(error)
    }
}

impl fmt::Display for VirtioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pci(error) => error.fmt(f),
            Self::NoStructure(number) => write!(f, "the device lacks structure {number}"),
            Self::Legacy => f.write_str("the device does not speak VIRTIO 1"),
            Self::NoVector(queue) => write!(f, "queue {queue} got no interrupt vector"),
            Self::Queue(error) => error.fmt(f),
        }
    }
}

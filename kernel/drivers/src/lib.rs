//! Device drivers: PCI, virtio.
//!
//! - [`pci`]: finds devices, reads their registers' places and capabilities, sets up MSI-X;
//! - [`virtio`]: the transport over PCI, the network, disk and entropy drivers;
//! - [`registers`]: what drivers need of the machine, as traits;
//! - [`machine`] (bare metal only): the same from the hal.
//!
//! Devices are not trusted: what they say about themselves is checked, and a device that is found to
//! lie is put out of use.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[cfg(target_os = "none")]
pub mod machine;
pub mod pci;
pub mod registers;
pub mod virtio;

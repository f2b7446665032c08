//! Device drivers: PCI, virtio.
#![no_std]
#![forbid(unsafe_code)]

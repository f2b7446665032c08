//! virtio-drivers' raw queues behind a safe interface.
//!
//! The raw queues lend a buffer to the device for longer than the call that lends it, so their
//! methods are unsafe. Here buffers are owned values: while the device has one, nobody else can reach
//! it. And the device is not trusted: a queue entry that names a buffer which the device does not
//! have, or a length beyond the buffer, is an error and never a panic.
//!
//! - [`NetQueues`]: the pair of queues of a network device;
//! - [`EntropyQueue`]: the queue of an entropy device;
//! - [`BlockQueue`]: the queue of a disk;
//! - `fake` (feature `fake-device`): a device for host tests, which can be told to misbehave.
//!
//! The crate is not part of `drivers` because that one has no unsafe code, and not of `hal` because
//! it is tested on the host. It knows no PCI and no memory: [`virtio_drivers::Hal`] and
//! [`virtio_drivers::transport::Transport`] are parameters.
#![no_std]

extern crate alloc;
#[cfg(any(test, feature = "fake-device"))]
extern crate std;

mod block;
mod buffer;
mod entropy;
#[cfg(feature = "fake-device")]
pub mod fake;
mod net;

pub use block::{BlockError, BlockQueue, Done, MOST_SECTORS, Request, SECTOR_BYTES};
pub use buffer::{BUFFER_BYTES, Buffer};
pub use entropy::EntropyQueue;
pub use net::{Completed, DeviceError, Malformed, NetQueues};

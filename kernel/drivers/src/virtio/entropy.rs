//! Random bytes from the host: virtio-rng (VIRTIO 1.2, 5.4).

use core::fmt;

use virtio_drivers::Hal;
use virtio_drivers::transport::{DeviceType, Transport};
use virtio_queues::EntropyQueue;

use super::{PciTransport, VirtioError};
use crate::pci::Function;
use crate::registers::{Machine, Registers};

/// An entropy device.
pub struct VirtioEntropy<H: Hal, T: Transport> {
    queue: EntropyQueue<H, T>,
}

impl<H: Hal, R: Registers> VirtioEntropy<H, PciTransport<R>> {
    /// Starts the device. It is polled, so it raises no interrupts.
    ///
    /// # Errors
    /// When the device cannot be used.
    pub fn start<M: Machine<Registers = R>>(
        machine: &M,
        function: &Function,
    ) -> Result<Self, VirtioError> {
        let transport =
            PciTransport::new(machine, function, DeviceType::EntropySource, [None, None])?;
        Ok(Self { queue: EntropyQueue::new(transport)? })
    }
}

impl<H: Hal, T: Transport> VirtioEntropy<H, T> {
    /// Fills `out` as long as `may_go_on` says so between two looks at the device (which may rest in
    /// there), and says how many bytes it got.
    ///
    /// # Errors
    /// When the device did what it may not do; it is not used after that.
    pub fn fill(
        &mut self,
        out: &mut [u8],
        mut may_go_on: impl FnMut() -> bool,
    ) -> Result<usize, VirtioError> {
        let mut filled = 0;
        while filled < out.len() {
            match self.queue.poll(&mut out[filled..])? {
                0 if !may_go_on() => break,
                count => filled += count,
            }
        }
        Ok(filled)
    }
}

impl<H: Hal, T: Transport> fmt::Debug for VirtioEntropy<H, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtioEntropy").finish_non_exhaustive()
    }
}

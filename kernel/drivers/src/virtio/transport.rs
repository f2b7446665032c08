//! The virtio transport over PCI (VIRTIO 1.2, 4.1).
//!
//! virtio-drivers has one of its own. This one differs: it gives queues their MSI-X vectors, it
//! remembers where queues are notified (theirs asks the device before each notification, three
//! accesses for one), and nothing that a device says about itself makes it panic or wait for ever.

use core::fmt;

use virtio_drivers::transport::{DeviceStatus, DeviceType, InterruptStatus, Transport};
use virtio_drivers::{Error, PhysAddr};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::VirtioError;
use super::doorbell::Doorbell;
use crate::pci::{Function, capabilities};
use crate::registers::{Machine, Registers};

/// Id of vendor-specific capabilities, which virtio's are.
const VENDOR_CAPABILITY: u8 = 0x09;
const STRUCTURE_COMMON: u8 = 1;
const STRUCTURE_NOTIFY: u8 = 2;
const STRUCTURE_ISR: u8 = 3;
const STRUCTURE_DEVICE: u8 = 4;

// Offsets in the common configuration (4.1.4.3).
const DEVICE_FEATURE_SELECT: usize = 0x00;
const DEVICE_FEATURE: usize = 0x04;
const DRIVER_FEATURE_SELECT: usize = 0x08;
const DRIVER_FEATURE: usize = 0x0c;
const CONFIG_MSIX_VECTOR: usize = 0x10;
const DEVICE_STATUS: usize = 0x14;
const CONFIG_GENERATION: usize = 0x15;
const QUEUE_SELECT: usize = 0x16;
const QUEUE_SIZE: usize = 0x18;
const QUEUE_MSIX_VECTOR: usize = 0x1a;
const QUEUE_ENABLE: usize = 0x1c;
const QUEUE_NOTIFY_OFFSET: usize = 0x1e;
const QUEUE_DESCRIPTORS: usize = 0x20;
const QUEUE_DRIVER: usize = 0x28;
const QUEUE_DEVICE: usize = 0x30;
const COMMON_BYTES: usize = 0x38;

/// A queue or the configuration without an interrupt.
const NO_VECTOR: u16 = 0xffff;
/// `VIRTIO_F_INDIRECT_DESC`: not wanted, because chains are short.
const INDIRECT: u64 = 1 << 28;
/// `VIRTIO_F_EVENT_IDX`: not wanted, because with it virtio-drivers cannot turn interrupts off.
const EVENT_INDEX: u64 = 1 << 29;
/// `VIRTIO_F_VERSION_1`.
const VERSION_1: u64 = 1 << 32;
/// How often a register is read again before the driver goes on without the expected answer.
const PATIENCE: u32 = 10_000;
/// Queues that the drivers in here use at the most.
const QUEUES: usize = 2;

/// One device's registers.
pub struct PciTransport<R: Registers> {
    device_type: DeviceType,
    common: R,
    notify: R,
    isr: R,
    device: Option<R>,
    notify_multiplier: u32,
    /// Which MSI-X entry each queue raises.
    vectors: [Option<u16>; QUEUES],
    /// Where each queue is notified, once it is set up.
    notify_offsets: [Option<usize>; QUEUES],
    /// The queue whose notifications are gathered.
    gathered: Option<Doorbell<R>>,
}

impl<R: Registers> PciTransport<R> {
    /// Finds and maps the device's structures. Each queue raises the MSI-X entry that `vectors` has
    /// in its place, or none.
    ///
    /// # Errors
    /// When a structure is missing or lies where it cannot, and when the device is older than
    /// VIRTIO 1.
    pub fn new<M: Machine<Registers = R>>(
        machine: &M,
        function: &Function,
        device_type: DeviceType,
        vectors: [Option<u16>; QUEUES],
    ) -> Result<Self, VirtioError> {
        function.enable(machine);
        let mut structures: [Option<R>; 4] = [const { None }; 4];
        let mut notify_multiplier = 0;
        for capability in capabilities(machine, function.address) {
            let [len, structure] = capability.control.to_le_bytes();
            let Some(slot) = structures.get_mut(usize::from(structure).wrapping_sub(1)) else {
                continue;
            };
            // The first of a kind counts: devices list them in the order of preference (4.1.4.1).
            if capability.id != VENDOR_CAPABILITY || len < 16 || slot.is_some() {
                continue;
            }
            let read = |offset| capability.read(machine, function.address, offset);
            let [bar, ..] = read(4).to_le_bytes();
            *slot = Some(function.map(machine, bar, read(8), read(12))?);
            if structure == STRUCTURE_NOTIFY {
                notify_multiplier = read(16);
            }
        }
        let [common, notify, isr, device] = structures;
        let common = common
            .filter(|common| common.len_bytes() >= COMMON_BYTES)
            .ok_or(VirtioError::NoStructure(STRUCTURE_COMMON))?;
        let transport = Self {
            device_type,
            common,
            notify: notify.ok_or(VirtioError::NoStructure(STRUCTURE_NOTIFY))?,
            isr: isr.ok_or(VirtioError::NoStructure(STRUCTURE_ISR))?,
            device,
            notify_multiplier,
            vectors,
            notify_offsets: [None; QUEUES],
            gathered: None,
        };
        if transport.all_features() & VERSION_1 == 0 {
            return Err(VirtioError::Legacy);
        }
        // The reset at the beginning of the driver's own set-up takes these back; they are set again
        // with the queues. Here it shows whether the device has room for them.
        for (queue, vector) in (0..).zip(vectors) {
            if vector.is_some() && !transport.set_vector(queue) {
                return Err(VirtioError::NoVector(queue));
            }
        }
        Ok(transport)
    }

    /// The registers of the device's own kind, to be read beside a driver that has the transport.
    ///
    /// # Errors
    /// When the device has none.
    pub fn device_registers(&self) -> Result<R, VirtioError> {
        self.device.clone().ok_or(VirtioError::NoStructure(STRUCTURE_DEVICE))
    }

    /// Holds the queue's notifications back until the bell is rung. Before the queue is set up.
    pub(super) fn gather(&mut self, queue: u16) -> Doorbell<R> {
        let bell = Doorbell::new(self.notify.clone(), queue);
        self.gathered = Some(bell.clone());
        bell
    }

    fn gathered(&self, queue: u16) -> Option<&Doorbell<R>> {
        self.gathered.as_ref().filter(|bell| bell.queue() == queue)
    }

    fn all_features(&self) -> u64 {
        let half = |select| {
            self.common.write_u32(DEVICE_FEATURE_SELECT, select);
            u64::from(self.common.read_u32(DEVICE_FEATURE))
        };
        half(0) | half(1) << 32
    }

    fn select(&self, queue: u16) {
        self.common.write_u16(QUEUE_SELECT, queue);
    }

    fn write_address(&self, offset: usize, address: PhysAddr) {
        let [low, high] = halves(address);
        self.common.write_u32(offset, low);
        self.common.write_u32(offset + 4, high);
    }

    /// Gives the queue its interrupt, or none, and says whether the device had one for it.
    fn set_vector(&self, queue: u16) -> bool {
        let vector = self.vectors.get(usize::from(queue)).copied().flatten().unwrap_or(NO_VECTOR);
        self.select(queue);
        self.common.write_u16(QUEUE_MSIX_VECTOR, vector);
        self.common.read_u16(QUEUE_MSIX_VECTOR) == vector
    }

    /// The place of the selected queue's notifications, if it lies in the structure.
    fn notify_offset(&self) -> Option<usize> {
        let number = u64::from(self.common.read_u16(QUEUE_NOTIFY_OFFSET));
        let offset = usize::try_from(number * u64::from(self.notify_multiplier)).ok()?;
        let end = offset.checked_add(size_of::<u16>())?;
        (end <= self.notify.len_bytes() && offset.is_multiple_of(2)).then_some(offset)
    }
}

fn halves(value: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
    [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])]
}

impl<R: Registers> Transport for PciTransport<R> {
    fn device_type(&self) -> DeviceType {
        self.device_type
    }

    fn read_device_features(&mut self) -> u64 {
        self.all_features() & !(INDIRECT | EVENT_INDEX)
    }

    fn write_driver_features(&mut self, driver_features: u64) {
        for (select, half) in (0..).zip(halves(driver_features)) {
            self.common.write_u32(DRIVER_FEATURE_SELECT, select);
            self.common.write_u32(DRIVER_FEATURE, half);
        }
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        self.select(queue);
        self.common.read_u16(QUEUE_SIZE).into()
    }

    fn notify(&mut self, queue: u16) {
        if let Some(bell) = self.gathered(queue) {
            bell.hold();
        } else if let Some(Some(offset)) = self.notify_offsets.get(usize::from(queue)) {
            self.notify.write_u16(*offset, queue);
        }
    }

    fn get_status(&self) -> DeviceStatus {
        DeviceStatus::from_bits_truncate(self.common.read_u8(DEVICE_STATUS).into())
    }

    fn set_status(&mut self, status: DeviceStatus) {
        let [bits, ..] = status.bits().to_le_bytes();
        self.common.write_u8(DEVICE_STATUS, bits);
        if status.is_empty() {
            // The reset is done when the register reads 0 (4.1.4.3.2).
            (0..PATIENCE).any(|_| self.common.read_u8(DEVICE_STATUS) == 0);
            self.common.write_u16(CONFIG_MSIX_VECTOR, NO_VECTOR);
        }
    }

    fn set_guest_page_size(&mut self, _guest_page_size: u32) {
        // Only older interfaces have it.
    }

    fn requires_legacy_layout(&self) -> bool {
        false
    }

    fn queue_set(
        &mut self,
        queue: u16,
        size: u32,
        descriptors: PhysAddr,
        driver_area: PhysAddr,
        device_area: PhysAddr,
    ) {
        self.select(queue);
        self.common.write_u16(QUEUE_SIZE, u16::try_from(size).unwrap_or(0));
        self.write_address(QUEUE_DESCRIPTORS, descriptors);
        self.write_address(QUEUE_DRIVER, driver_area);
        self.write_address(QUEUE_DEVICE, device_area);
        self.set_vector(queue);
        let offset = self.notify_offset();
        if let Some(slot) = self.notify_offsets.get_mut(usize::from(queue)) {
            *slot = offset;
        }
        if let Some(bell) = self.gathered(queue) {
            bell.place(offset);
        }
        self.common.write_u16(QUEUE_ENABLE, 1);
    }

    fn queue_unset(&mut self, _queue: u16) {
        // A queue cannot be taken back singly; dropping the transport resets the device.
    }

    fn queue_used(&mut self, queue: u16) -> bool {
        self.select(queue);
        self.common.read_u16(QUEUE_ENABLE) == 1
    }

    fn ack_interrupt(&mut self) -> InterruptStatus {
        // Reading clears it. With MSI-X nobody needs to.
        InterruptStatus::from_bits_truncate(self.isr.read_u8(0).into())
    }

    fn read_config_generation(&self) -> u32 {
        self.common.read_u8(CONFIG_GENERATION).into()
    }

    fn read_config_space<T: FromBytes + IntoBytes>(&self, offset: usize) -> Result<T, Error> {
        let device = self.device.as_ref().ok_or(Error::ConfigSpaceMissing)?;
        let end = offset.checked_add(size_of::<T>()).ok_or(Error::ConfigSpaceTooSmall)?;
        if end > device.len_bytes() {
            return Err(Error::ConfigSpaceTooSmall);
        }
        let mut value = T::new_zeroed();
        let bytes = value.as_mut_bytes();
        // Fields are read in their own width (4.1.3.1).
        match bytes.len() {
            2 => bytes.copy_from_slice(&device.read_u16(offset).to_le_bytes()),
            4 => bytes.copy_from_slice(&device.read_u32(offset).to_le_bytes()),
            _ => {
                for (byte, place) in bytes.iter_mut().zip(offset..) {
                    *byte = device.read_u8(place);
                }
            }
        }
        Ok(value)
    }

    fn write_config_space<T: IntoBytes + Immutable>(
        &mut self,
        _offset: usize,
        _value: T,
    ) -> Result<(), Error> {
        // No device that there is a driver for has anything to write.
        Err(Error::Unsupported)
    }

    fn read_consistent<T>(&self, f: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
        for _ in 0..PATIENCE {
            let before = self.read_config_generation();
            let result = f();
            if self.read_config_generation() == before {
                return result;
            }
        }
        Err(Error::NotReady)
    }
}

impl<R: Registers> Drop for PciTransport<R> {
    fn drop(&mut self) {
        // The device must forget the queues' memory before it is freed.
        self.set_status(DeviceStatus::empty());
    }
}

impl<R: Registers> fmt::Debug for PciTransport<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PciTransport")
            .field("device_type", &self.device_type)
            .field("vectors", &self.vectors)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

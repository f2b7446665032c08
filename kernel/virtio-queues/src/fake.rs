//! A virtio device in the test's own memory, driven by the test: it answers when it is told to, and
//! can be told to answer what no device may.

use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ptr::{NonNull, with_exposed_provenance, with_exposed_provenance_mut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use virtio_drivers::transport::{DeviceStatus, DeviceType, InterruptStatus, Transport};
use virtio_drivers::{BufferDirection, Error, Hal, PAGE_SIZE, PhysAddr};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// `VIRTIO_F_VERSION_1`, `VIRTIO_NET_F_STATUS`, `VIRTIO_NET_F_MAC`.
const FEATURES: u64 = 1 << 32 | 1 << 16 | 1 << 5;
const DESCRIPTOR_BYTES: u64 = 16;
/// In a descriptor's flags: another one follows; the device writes.
const NEXT: u16 = 1;
const WRITE: u16 = 2;
/// In the available ring's flags: the driver wants no interrupts.
const NO_INTERRUPT: u16 = 1;

/// Memory whose physical address is its address.
#[derive(Debug)]
pub struct FakeHal;

// SAFETY: pages come from the host's allocator, zeroed and page-aligned.
unsafe impl Hal for FakeHal {
    fn dma_alloc(pages: usize, _direction: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        // SAFETY: queues take at least one page.
        let pages = unsafe { alloc_zeroed(layout(pages)) };
        let address = pages.expose_provenance() as PhysAddr;
        // Address 0 says that there is no memory.
        (address, NonNull::new(pages).unwrap_or(NonNull::dangling()))
    }

    unsafe fn dma_dealloc(_paddr: PhysAddr, vaddr: NonNull<u8>, pages: usize) -> i32 {
        // SAFETY: by the trait's contract, pages from `dma_alloc`.
        unsafe { dealloc(vaddr.as_ptr(), layout(pages)) };
        0
    }

    unsafe fn mmio_phys_to_virt(_paddr: PhysAddr, _size: usize) -> NonNull<u8> {
        // The fake transport has no registers.
        NonNull::dangling()
    }

    unsafe fn share(buffer: NonNull<[u8]>, _direction: BufferDirection) -> PhysAddr {
        buffer.cast::<u8>().as_ptr().expose_provenance() as PhysAddr
    }

    unsafe fn unshare(_paddr: PhysAddr, _buffer: NonNull<[u8]>, _direction: BufferDirection) {}
}

fn layout(pages: usize) -> Layout {
    Layout::from_size_align(pages * PAGE_SIZE, PAGE_SIZE).unwrap_or(Layout::new::<u64>())
}

/// Where a queue's three parts are, and how far the device is.
#[derive(Clone, Copy, Default)]
struct Queue {
    size: u64,
    descriptors: u64,
    available: u64,
    used: u64,
    taken: u16,
    returned: u16,
}

#[derive(Default)]
struct State {
    queues: [Queue; 2],
    status: u32,
    notifications: u32,
    features: u64,
    /// The device's own registers.
    config: Vec<u8>,
}

/// The test's end: what the device does.
#[derive(Clone)]
pub struct FakeDevice(Arc<Mutex<State>>);

/// A buffer that the driver has made available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Available {
    /// Its number in the queue.
    pub token: u16,
    address: u64,
    len: u32,
    flags: u16,
}

impl FakeDevice {
    /// A device and the transport through which a driver reaches it: a network card, as far as it matters.
    #[must_use]
    pub fn new() -> (Self, FakeTransport) {
        // MAC address, then the status "link is up".
        Self::with(FEATURES, &[0x52, 0x54, 0, 1, 2, 3, 1, 0])
    }

    /// A disk of so many sectors, with these features beside those of all devices.
    #[must_use]
    pub fn disk(sectors: u64, features: u64) -> (Self, FakeTransport) {
        Self::with(1 << 32 | features, &sectors.to_le_bytes())
    }

    fn with(features: u64, config: &[u8]) -> (Self, FakeTransport) {
        let state = State { features, config: config.to_vec(), ..State::default() };
        let state = Arc::new(Mutex::new(state));
        (Self(Arc::clone(&state)), FakeTransport(state))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next available buffer of a queue.
    #[must_use]
    pub fn take(&self, queue: usize) -> Option<Available> {
        let mut state = self.state();
        let queue = state.queues.get_mut(queue)?;
        if queue.size == 0 || queue.taken == read::<u16>(queue.available + 2) {
            return None;
        }
        let slot = u64::from(queue.taken) % queue.size;
        let token = read::<u16>(queue.available + 4 + 2 * slot);
        queue.taken = queue.taken.wrapping_add(1);
        let descriptor = queue.descriptors + u64::from(token) * DESCRIPTOR_BYTES;
        Some(Available {
            token,
            address: read(descriptor),
            len: read(descriptor + 8),
            flags: read(descriptor + 12),
        })
    }

    /// Takes the next available chain of buffers of a queue; all are returned by the first one's token.
    #[must_use]
    pub fn take_chain(&self, queue: usize) -> Vec<Available> {
        let mut chain = Vec::from_iter(self.take(queue));
        let Some(descriptors) = self.state().queues.get(queue).map(|queue| queue.descriptors)
        else {
            return chain;
        };
        while let Some(last) = chain.last().filter(|last| last.flags & NEXT != 0) {
            let token = read::<u16>(descriptors + u64::from(last.token) * DESCRIPTOR_BYTES + 14);
            let place = descriptors + u64::from(token) * DESCRIPTOR_BYTES;
            let (address, len, flags) = (read(place), read(place + 8), read(place + 12));
            chain.push(Available { token, address, len, flags });
        }
        chain
    }

    /// Whether the device may write to a buffer.
    #[must_use]
    pub fn is_writable(&self, buffer: Available) -> bool {
        buffer.flags & WRITE != 0
    }

    /// Writes into a buffer taken from the driver, as far as it reaches.
    pub fn fill(&self, buffer: Available, bytes: &[u8]) {
        if buffer.flags & WRITE == 0 {
            return;
        }
        for (address, byte) in (buffer.address..).zip(bytes.iter().take(buffer.len as usize)) {
            write(address, *byte);
        }
    }

    /// Reads a buffer taken from the driver.
    #[must_use]
    pub fn content(&self, buffer: Available) -> Vec<u8> {
        (0..u64::from(buffer.len)).map(|offset| read(buffer.address + offset)).collect()
    }

    /// Returns any token with any length: what the device may or may not do.
    pub fn put(&self, queue: usize, token: u32, len: u32) {
        let mut state = self.state();
        let Some(queue) = state.queues.get_mut(queue) else { return };
        let entry = queue.used + 4 + 8 * (u64::from(queue.returned) % queue.size);
        write(entry, token);
        write(entry + 4, len);
        queue.returned = queue.returned.wrapping_add(1);
        write(queue.used + 2, queue.returned);
    }

    /// Delivers a frame to a network driver; false when the driver has given it no buffer.
    pub fn deliver(&self, frame: &[u8]) -> bool {
        let Some(buffer) = self.take(0) else { return false };
        let mut bytes = Vec::from([0; 12]);
        bytes.extend_from_slice(frame);
        self.fill(buffer, &bytes);
        self.put(0, u32::from(buffer.token), u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        true
    }

    /// Takes and returns all that a network driver has sent; the frames without their headers.
    #[must_use]
    pub fn sent(&self) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        while let Some(buffer) = self.take(1) {
            frames.push(self.content(buffer).split_off(12));
            self.put(1, u32::from(buffer.token), 0);
        }
        frames
    }

    /// Whether the driver wants to be interrupted for a queue.
    #[must_use]
    pub fn may_interrupt(&self, queue: usize) -> bool {
        self.state()
            .queues
            .get(queue)
            .is_some_and(|queue| read::<u16>(queue.available) & NO_INTERRUPT == 0)
    }

    /// How often the driver has notified the device.
    #[must_use]
    pub fn notifications(&self) -> u32 {
        self.state().notifications
    }

    /// Whether a driver runs the device: it has announced itself and not reset the device since.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.state().status & DeviceStatus::DRIVER_OK.bits() != 0
    }
}

/// Reads the driver's memory, as a device does.
fn read<T: Copy>(address: u64) -> T {
    let address = usize::try_from(address).unwrap_or(0);
    // SAFETY: addresses of queues and buffers that the driver has exposed.
    unsafe { with_exposed_provenance::<T>(address).read_volatile() }
}

/// Writes the driver's memory, as a device does.
fn write<T>(address: u64, value: T) {
    let address = usize::try_from(address).unwrap_or(0);
    // SAFETY: as in `read`; the driver expects it.
    unsafe { with_exposed_provenance_mut::<T>(address).write_volatile(value) }
}

/// The driver's end.
pub struct FakeTransport(Arc<Mutex<State>>);

impl FakeTransport {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for FakeTransport {
    fn device_type(&self) -> DeviceType {
        DeviceType::Network
    }

    fn read_device_features(&mut self) -> u64 {
        self.state().features
    }

    fn write_driver_features(&mut self, _driver_features: u64) {}

    fn max_queue_size(&mut self, _queue: u16) -> u32 {
        256
    }

    fn notify(&mut self, _queue: u16) {
        self.state().notifications += 1;
    }

    fn get_status(&self) -> DeviceStatus {
        DeviceStatus::from_bits_truncate(self.state().status)
    }

    fn set_status(&mut self, status: DeviceStatus) {
        let mut state = self.state();
        state.status = status.bits();
        if status.is_empty() {
            state.queues = [Queue::default(); 2];
        }
    }

    fn set_guest_page_size(&mut self, _guest_page_size: u32) {}

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
        if let Some(slot) = self.state().queues.get_mut(usize::from(queue)) {
            *slot = Queue {
                size: size.into(),
                descriptors,
                available: driver_area,
                used: device_area,
                ..Queue::default()
            };
        }
    }

    fn queue_unset(&mut self, _queue: u16) {}

    fn queue_used(&mut self, queue: u16) -> bool {
        self.state().queues.get(usize::from(queue)).is_some_and(|queue| queue.size != 0)
    }

    fn ack_interrupt(&mut self) -> InterruptStatus {
        InterruptStatus::empty()
    }

    fn read_config_generation(&self) -> u32 {
        0
    }

    fn read_config_space<T: FromBytes + IntoBytes>(&self, offset: usize) -> Result<T, Error> {
        let state = self.state();
        let bytes = state.config.get(offset..).ok_or(Error::ConfigSpaceTooSmall)?;
        T::read_from_prefix(bytes).map(|(value, _)| value).map_err(|_| Error::ConfigSpaceTooSmall)
    }

    fn write_config_space<T: IntoBytes + Immutable>(
        &mut self,
        _offset: usize,
        _value: T,
    ) -> Result<(), Error> {
        Ok(())
    }
}

impl Drop for FakeTransport {
    fn drop(&mut self) {
        self.set_status(DeviceStatus::empty());
    }
}

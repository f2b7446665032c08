//! What the `acpi` crate needs of the machine.

use alloc::sync::Arc;
use core::ptr::NonNull;

use acpi::aml::AmlError;
use acpi::{Handle, Handler, PciAddress, PhysicalMapping};
use x86_64::instructions::port::Port;

use crate::paging::{layout, windows};
use crate::{pci, time};

/// Reaches memory through the direct map, or through a window where that has a hole.
#[derive(Clone, Copy, Debug)]
pub(super) struct KernelHandler;

/// The virtual address at which `len` bytes of a physical range can be read.
fn reach(physical: usize, len: usize) -> usize {
    let address = physical as u64;
    let is_direct = |at: u64| crate::paging::kernel_space::is_mapped(layout::direct(at));
    if is_direct(address) && is_direct(address + len.max(1) as u64 - 1) {
        return layout::direct(address) as usize;
    }
    match windows::map_device(address, len as u64) {
        Ok(window) => window as usize,
        Err(error) => panic!("no window for ACPI's memory at {address:#x}: {error}"),
    }
}

impl Handler for KernelHandler {
    unsafe fn map_physical_region<T>(
        &self,
        physical_address: usize,
        size: usize,
    ) -> PhysicalMapping<Self, T> {
        let at = reach(physical_address, size) as *mut T;
        PhysicalMapping {
            physical_start: physical_address,
            virtual_start: NonNull::new(at).unwrap_or(NonNull::dangling()),
            region_length: size,
            mapped_length: size,
            handler: *self,
        }
    }

    fn unmap_physical_region<T>(_region: &PhysicalMapping<Self, T>) {
        // The direct map stays, and a window that ACPI needed once is needed again.
    }

    fn read_u8(&self, address: usize) -> u8 {
        // SAFETY: firmware's AML names the address; it is mapped by `reach`.
        unsafe { (reach(address, 1) as *const u8).read_volatile() }
    }
    fn read_u16(&self, address: usize) -> u16 {
        // SAFETY: as in `read_u8`.
        unsafe { (reach(address, 2) as *const u16).read_unaligned() }
    }
    fn read_u32(&self, address: usize) -> u32 {
        // SAFETY: as in `read_u8`.
        unsafe { (reach(address, 4) as *const u32).read_unaligned() }
    }
    fn read_u64(&self, address: usize) -> u64 {
        // SAFETY: as in `read_u8`.
        unsafe { (reach(address, 8) as *const u64).read_unaligned() }
    }

    fn write_u8(&self, address: usize, value: u8) {
        // SAFETY: as in `read_u8`; firmware knows what it writes.
        unsafe { (reach(address, 1) as *mut u8).write_volatile(value) }
    }
    fn write_u16(&self, address: usize, value: u16) {
        // SAFETY: as in `write_u8`.
        unsafe { (reach(address, 2) as *mut u16).write_unaligned(value) }
    }
    fn write_u32(&self, address: usize, value: u32) {
        // SAFETY: as in `write_u8`.
        unsafe { (reach(address, 4) as *mut u32).write_unaligned(value) }
    }
    fn write_u64(&self, address: usize, value: u64) {
        // SAFETY: as in `write_u8`.
        unsafe { (reach(address, 8) as *mut u64).write_unaligned(value) }
    }

    fn read_io_u8(&self, port: u16) -> u8 {
        // SAFETY: firmware's tables name the port.
        unsafe { Port::new(port).read() }
    }
    fn read_io_u16(&self, port: u16) -> u16 {
        // SAFETY: as above.
        unsafe { Port::new(port).read() }
    }
    fn read_io_u32(&self, port: u16) -> u32 {
        // SAFETY: as above.
        unsafe { Port::new(port).read() }
    }

    fn write_io_u8(&self, port: u16, value: u8) {
        // SAFETY: as above.
        unsafe { Port::new(port).write(value) }
    }
    fn write_io_u16(&self, port: u16, value: u16) {
        // SAFETY: as above.
        unsafe { Port::new(port).write(value) }
    }
    fn write_io_u32(&self, port: u16, value: u32) {
        // SAFETY: as above.
        unsafe { Port::new(port).write(value) }
    }

    fn read_pci_u8(&self, address: PciAddress, offset: u16) -> u8 {
        (read_pci(address, offset) >> (8 * (offset & 3))) as u8
    }
    fn read_pci_u16(&self, address: PciAddress, offset: u16) -> u16 {
        (read_pci(address, offset) >> (8 * (offset & 2))) as u16
    }
    fn read_pci_u32(&self, address: PciAddress, offset: u16) -> u32 {
        read_pci(address, offset)
    }

    fn write_pci_u8(&self, address: PciAddress, offset: u16, value: u8) {
        let shift = 8 * (offset & 3);
        let old = read_pci(address, offset) & !(0xff << shift);
        write_pci(address, offset, old | u32::from(value) << shift);
    }
    fn write_pci_u16(&self, address: PciAddress, offset: u16, value: u16) {
        let shift = 8 * (offset & 2);
        let old = read_pci(address, offset) & !(0xffff << shift);
        write_pci(address, offset, old | u32::from(value) << shift);
    }
    fn write_pci_u32(&self, address: PciAddress, offset: u16, value: u32) {
        write_pci(address, offset, value);
    }

    fn nanos_since_boot(&self) -> u64 {
        time::now_ns()
    }
    fn stall(&self, microseconds: u64) {
        time::busy_wait_ns(microseconds.saturating_mul(1000));
    }
    fn sleep(&self, milliseconds: u64) {
        time::busy_wait_ns(milliseconds.saturating_mul(1_000_000));
    }

    // The interpreter runs on one CPU, once, when the machine is turned off: its mutexes are never
    // contended.
    fn create_mutex(&self) -> Handle {
        static NEXT: core::sync::atomic::AtomicU32 = core::sync::atomic::AtomicU32::new(0);
        Handle(NEXT.fetch_add(1, core::sync::atomic::Ordering::Relaxed))
    }
    fn acquire(&self, _mutex: Handle, _timeout: u16) -> Result<(), AmlError> {
        Ok(())
    }
    fn release(&self, _mutex: Handle) {}
}

fn read_pci(address: PciAddress, offset: u16) -> u32 {
    pci::read(pci::Function::new(address.bus(), address.device(), address.function()), offset & !3)
}

fn write_pci(address: PciAddress, offset: u16, value: u32) {
    pci::write(
        pci::Function::new(address.bus(), address.device(), address.function()),
        offset & !3,
        value,
    );
}

// The crate keeps handlers in an `Arc`; nothing here is shared that would need it.
const _: fn() = || {
    fn assert_send<T: Send + Sync>() {}
    assert_send::<Arc<KernelHandler>>();
};

//! What the kernel does on interrupts: the scheduler's, and those of devices by vector.

use core::sync::atomic::{AtomicUsize, Ordering};

use hal::interrupts::SpinLock;
use hal::trap::{DEVICE_VECTORS, Handlers};
use hal::user::PageFault;

use crate::{levels, scheduler};

/// A device's handler: called with interrupts disabled, so it only notes and wakes.
pub type DeviceHandler = fn();

struct Device {
    name: &'static str,
    handler: DeviceHandler,
}

const COUNT: usize = (DEVICE_VECTORS.end - DEVICE_VECTORS.start) as usize;
static DEVICES: SpinLock<[Option<Device>; COUNT]> =
    SpinLock::new(levels::DEVICES, "devices", [const { None }; COUNT]);
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Gives a device a vector of its own; none if all are taken. `name` appears in the API.
pub fn allocate_vector(name: &'static str, handler: DeviceHandler) -> Option<u8> {
    let slot = NEXT.fetch_add(1, Ordering::Relaxed);
    let vector = u8::try_from(slot).ok()?.checked_add(DEVICE_VECTORS.start)?;
    let mut devices = DEVICES.lock();
    *devices.get_mut(slot)? = Some(Device { name, handler });
    Some(vector)
}

/// What a vector is for.
#[must_use]
pub fn vector_name(vector: u8) -> &'static str {
    match vector {
        0..32 => hal::trap::exception_name(vector),
        hal::trap::TIMER_VECTOR => "local timer",
        hal::trap::RESCHEDULE_VECTOR => "reschedule",
        hal::paging::SHOOTDOWN_VECTOR => "TLB shoot-down",
        hal::trap::APIC_ERROR_VECTOR => "APIC error",
        hal::trap::SPURIOUS_VECTOR => "spurious",
        _ => {
            let slot = usize::from(vector.wrapping_sub(DEVICE_VECTORS.start));
            let devices = DEVICES.lock();
            devices.get(slot).and_then(Option::as_ref).map_or("unassigned", |device| device.name)
        }
    }
}

struct KernelHandlers;

/// Takes over interrupts.
pub fn start() {
    hal::trap::install(&KernelHandlers);
}

impl Handlers for KernelHandlers {
    fn timer(&self) {
        scheduler::timer_interrupt();
    }

    fn reschedule(&self) {
        scheduler::reschedule_interrupt();
    }

    fn device(&self, vector: u8) {
        let slot = usize::from(vector.wrapping_sub(DEVICE_VECTORS.start));
        let handler = {
            let devices = DEVICES.lock();
            devices.get(slot).and_then(Option::as_ref).map(|device| device.handler)
        };
        if let Some(handler) = handler {
            handler();
        }
    }

    fn preempt(&self) {
        scheduler::preempt();
    }

    fn fault_in(&self, fault: PageFault) -> bool {
        crate::memory::fault_in_for_kernel(fault)
    }
}

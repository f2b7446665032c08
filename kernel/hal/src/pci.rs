//! PCI configuration space: through the memory window that ACPI's MCFG names, or through ports
//! where there is none. What the registers mean is the drivers' business.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use ksync::Level;
use x86_64::instructions::port::Port;

use crate::frame::OutOfMemory;
use crate::interrupts::SpinLock;
use crate::paging::windows;

/// Where the configuration space of bus 0 is mapped; 0 while ports are used.
static WINDOW: AtomicU64 = AtomicU64::new(0);
/// Buses that the window is mapped for. More are reached by ports.
const WINDOW_BUSES: u8 = 16;
/// The two ports belong together.
static PORTS: SpinLock<()> = SpinLock::new(Level::new(245), "pci ports", ());

/// A function of a device: bus, device (0 to 31), function (0 to 7).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Function {
    /// The bus.
    pub bus: u8,
    /// The device on the bus.
    pub device: u8,
    /// The function of the device.
    pub function: u8,
}

impl Function {
    /// Device and function are taken modulo their ranges.
    #[must_use]
    pub const fn new(bus: u8, device: u8, function: u8) -> Self {
        Self { bus, device: device & 31, function: function & 7 }
    }

    fn number(self) -> u64 {
        u64::from(self.bus) << 8 | u64::from(self.device) << 3 | u64::from(self.function)
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}:{:02x}.{}", self.bus, self.device, self.function)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Uses the memory window at this physical address.
///
/// # Errors
/// When memory is short: the ports go on being used.
pub fn use_window(physical: u64) -> Result<(), OutOfMemory> {
    let window = windows::map_device(physical, u64::from(WINDOW_BUSES) << 20)?;
    WINDOW.store(window, Ordering::Release);
    Ok(())
}

fn window_address(function: Function, offset: u16) -> Option<u64> {
    // Acquire pairs with the release in `use_window`.
    let window = WINDOW.load(Ordering::Acquire);
    (window != 0 && function.bus < WINDOW_BUSES)
        .then(|| window + (function.number() << 12) + u64::from(offset & 0xffc))
}

/// Reads the 32-bit register at `offset` (rounded down to a multiple of 4).
#[must_use]
pub fn read(function: Function, offset: u16) -> u32 {
    match window_address(function, offset) {
        // SAFETY: it lies in the configuration window; reading configuration space does no harm.
        Some(address) => unsafe { (address as *const u32).read_volatile() },
        None => {
            let _guard = PORTS.lock();
            select(function, offset);
            // SAFETY: the port of PCI's configuration mechanism 1.
            unsafe { Port::<u32>::new(0xcfc).read() }
        }
    }
}

/// Writes the 32-bit register at `offset` (rounded down to a multiple of 4).
pub fn write(function: Function, offset: u16, value: u32) {
    match window_address(function, offset) {
        // SAFETY: it lies in the configuration window. A device can be made to write memory by
        // this, but only to where `dma` has put its buffers, because the drivers program nothing
        // else.
        Some(address) => unsafe { (address as *mut u32).write_volatile(value) },
        None => {
            let _guard = PORTS.lock();
            select(function, offset);
            // SAFETY: as in `read`.
            unsafe { Port::<u32>::new(0xcfc).write(value) }
        }
    }
}

fn select(function: Function, offset: u16) {
    let address = 0x8000_0000 | (function.number() as u32) << 8 | u32::from(offset & 0xfc);
    // SAFETY: the port of PCI's configuration mechanism 1.
    unsafe { Port::<u32>::new(0xcf8).write(address) }
}

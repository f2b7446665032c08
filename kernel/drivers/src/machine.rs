//! This machine, for the drivers: the hal's configuration space and register windows.

use hal::mmio::Window;
use hal::pci;

use crate::pci::Address;
use crate::registers::{Machine, Registers};

/// The machine that the kernel runs on.
#[derive(Clone, Copy, Debug)]
pub struct ThisMachine;

/// The network card on it.
pub type NetworkCard = crate::virtio::VirtioNetwork<
    hal::virtio::DmaMemory,
    crate::virtio::PciTransport<Window>,
    Window,
>;

/// The entropy device on it.
pub type EntropyDevice =
    crate::virtio::VirtioEntropy<hal::virtio::DmaMemory, crate::virtio::PciTransport<Window>>;

/// A disk on it.
pub type Disk =
    crate::virtio::VirtioBlock<hal::virtio::DmaMemory, crate::virtio::PciTransport<Window>>;

impl Machine for ThisMachine {
    type Registers = Window;

    fn read_config(&self, function: Address, offset: u16) -> u32 {
        pci::read(place(function), offset)
    }

    fn write_config(&self, function: Address, offset: u16, value: u32) {
        pci::write(place(function), offset, value);
    }

    fn map(&self, physical: u64, len_bytes: u64) -> Option<Window> {
        Window::map(physical, len_bytes).ok()
    }
}

fn place(function: Address) -> pci::Function {
    pci::Function::new(function.bus, function.device, function.function)
}

impl Registers for Window {
    fn len_bytes(&self) -> usize {
        Window::len_bytes(self)
    }

    fn read_u8(&self, offset: usize) -> u8 {
        Window::read_u8(self, offset)
    }

    fn read_u16(&self, offset: usize) -> u16 {
        Window::read_u16(self, offset)
    }

    fn read_u32(&self, offset: usize) -> u32 {
        Window::read_u32(self, offset)
    }

    fn write_u8(&self, offset: usize, value: u8) {
        Window::write_u8(self, offset, value);
    }

    fn write_u16(&self, offset: usize, value: u16) {
        Window::write_u16(self, offset, value);
    }

    fn write_u32(&self, offset: usize, value: u32) {
        Window::write_u32(self, offset, value);
    }
}

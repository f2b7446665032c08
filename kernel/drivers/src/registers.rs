//! What drivers need of the machine: configuration space and device registers.

use crate::pci::Address;

/// A mapped range of device registers. Cloning gives a second handle on the same registers.
///
/// An access beyond the range, or one that is not aligned to its width, touches nothing: it reads as
/// all ones, as an access to a missing device does.
pub trait Registers: Clone {
    /// How long the range is.
    fn len_bytes(&self) -> usize;
    /// Reads 8 bits.
    fn read_u8(&self, offset: usize) -> u8;
    /// Reads 16 bits.
    fn read_u16(&self, offset: usize) -> u16;
    /// Reads 32 bits.
    fn read_u32(&self, offset: usize) -> u32;
    /// Writes 8 bits.
    fn write_u8(&self, offset: usize, value: u8);
    /// Writes 16 bits.
    fn write_u16(&self, offset: usize, value: u16);
    /// Writes 32 bits.
    fn write_u32(&self, offset: usize, value: u32);
}

/// The machine as PCI drivers see it.
pub trait Machine {
    /// Its mapped registers.
    type Registers: Registers;

    /// Reads the 32-bit register of a function's configuration space at a multiple of 4.
    fn read_config(&self, function: Address, offset: u16) -> u32;

    /// Writes the 32-bit register of a function's configuration space at a multiple of 4.
    fn write_config(&self, function: Address, offset: u16, value: u32);

    /// Maps device registers; `None` when that is not possible.
    fn map(&self, physical: u64, len_bytes: u64) -> Option<Self::Registers>;
}

#[cfg(test)]
pub(crate) mod fake {
    //! A machine in the test's memory.

    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::rc::Rc;
    use std::vec::Vec;

    use super::{Machine, Registers};
    use crate::pci::Address;

    /// Registers that remember.
    #[derive(Clone, Debug)]
    pub(crate) struct FakeRegisters {
        bytes: Rc<RefCell<Vec<u8>>>,
        start: usize,
        len: usize,
    }

    impl FakeRegisters {
        pub(crate) fn new(len: usize) -> Self {
            Self { bytes: Rc::new(RefCell::new(std::vec![0; len])), start: 0, len }
        }

        fn read<const N: usize>(&self, offset: usize) -> [u8; N] {
            if offset + N > self.len || !offset.is_multiple_of(N) {
                return [0xff; N];
            }
            let start = self.start + offset;
            self.bytes.borrow()[start..start + N].try_into().unwrap()
        }

        fn write<const N: usize>(&self, offset: usize, value: [u8; N]) {
            if offset + N <= self.len && offset.is_multiple_of(N) {
                let start = self.start + offset;
                self.bytes.borrow_mut()[start..start + N].copy_from_slice(&value);
            }
        }
    }

    impl Registers for FakeRegisters {
        fn len_bytes(&self) -> usize {
            self.len
        }
        fn read_u8(&self, offset: usize) -> u8 {
            u8::from_le_bytes(self.read(offset))
        }
        fn read_u16(&self, offset: usize) -> u16 {
            u16::from_le_bytes(self.read(offset))
        }
        fn read_u32(&self, offset: usize) -> u32 {
            u32::from_le_bytes(self.read(offset))
        }
        fn write_u8(&self, offset: usize, value: u8) {
            self.write(offset, value.to_le_bytes());
        }
        fn write_u16(&self, offset: usize, value: u16) {
            self.write(offset, value.to_le_bytes());
        }
        fn write_u32(&self, offset: usize, value: u32) {
            self.write(offset, value.to_le_bytes());
        }
    }

    /// One function's configuration space.
    pub(crate) struct FakeFunction {
        pub(crate) config: [u32; 64],
    }

    impl FakeFunction {
        pub(crate) fn new(vendor: u16, device: u16, class: u32) -> Self {
            let mut config = [0; 64];
            config[0] = u32::from(device) << 16 | u32::from(vendor);
            config[2] = class << 8;
            Self { config }
        }

        /// Appends a capability at this offset; the words follow its first two bytes' word.
        pub(crate) fn capability(&mut self, offset: u8, next: u8, first: u32, words: &[u32]) {
            let index = usize::from(offset) / 4;
            self.config[1] |= 1 << 20;
            if self.config[0xd] == 0 {
                self.config[0xd] = u32::from(offset);
            }
            self.config[index] = first | u32::from(next) << 8;
            for (word, place) in words.iter().zip(index + 1..) {
                self.config[place] = *word;
            }
        }
    }

    /// Functions, and memory behind their base addresses.
    #[derive(Default)]
    pub(crate) struct FakeMachine {
        pub(crate) functions: RefCell<BTreeMap<Address, FakeFunction>>,
        pub(crate) memory: BTreeMap<u64, FakeRegisters>,
    }

    impl Machine for FakeMachine {
        type Registers = FakeRegisters;

        fn read_config(&self, function: Address, offset: u16) -> u32 {
            let functions = self.functions.borrow();
            let config = functions.get(&function).map(|function| &function.config);
            config.map_or(u32::MAX, |config| config[usize::from(offset) / 4])
        }

        fn write_config(&self, function: Address, offset: u16, value: u32) {
            let mut functions = self.functions.borrow_mut();
            let Some(function) = functions.get_mut(&function) else { return };
            let index = usize::from(offset) / 4;
            if index == 1 {
                // The status half is not written.
                function.config[1] = function.config[1] & !0xffff | value & 0xffff;
                return;
            }
            function.config[index] = value;
        }

        fn map(&self, physical: u64, len_bytes: u64) -> Option<FakeRegisters> {
            let (base, memory) = self.memory.range(..=physical).next_back()?;
            let start = usize::try_from(physical - base).unwrap();
            let len = usize::try_from(len_bytes).unwrap();
            (len > 0 && start + len <= memory.len).then(|| FakeRegisters {
                start,
                len,
                ..memory.clone()
            })
        }
    }
}

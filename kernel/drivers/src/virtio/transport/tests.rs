use super::*;
use crate::pci::{Address, PciError, enumerate};
use crate::registers::fake::{FakeFunction, FakeMachine, FakeRegisters};

const MEMORY: u64 = 0xfe00_0000;
const COMMON: usize = 0;
const DEVICE: usize = 0x2000;
const NOTIFY: usize = 0x3000;

/// One structure's capability: its number and place, and what follows.
#[derive(Clone, Copy)]
struct Structure {
    number: u8,
    bar: u32,
    offset: u32,
    len_bytes: u32,
}

fn structures() -> [Structure; 4] {
    [
        Structure { number: 1, bar: 4, offset: 0, len_bytes: 0x38 },
        Structure { number: 3, bar: 4, offset: 0x1000, len_bytes: 1 },
        Structure { number: 4, bar: 4, offset: 0x2000, len_bytes: 8 },
        Structure { number: 2, bar: 4, offset: 0x3000, len_bytes: 8 },
    ]
}

/// A machine with one card, as QEMU lays it out, and its function.
fn machine(structures: &[Structure]) -> (FakeMachine, FakeRegisters, Function) {
    let mut card = FakeFunction::new(0x1af4, 0x1041, 0x02_0000);
    card.config[8] = 0xfe00_0004;
    for (structure, place) in structures.iter().zip(0_u8..) {
        let offset = 0x40 + 20 * place;
        let next = if usize::from(place) + 1 < structures.len() { offset + 20 } else { 0 };
        let first = 0x09 | 20 << 16 | u32::from(structure.number) << 24;
        card.capability(
            offset,
            next,
            first,
            &[structure.bar, structure.offset, structure.len_bytes, 4],
        );
    }
    let registers = FakeRegisters::new(0x4000);
    // The same for both halves: bit 32 is VERSION_1, and indirect and event index are offered too.
    registers.write_u32(COMMON + DEVICE_FEATURE, 0x3001_0021);
    registers.write_u16(COMMON + QUEUE_SIZE, 256);
    let mut machine = FakeMachine::default();
    machine.functions.borrow_mut().insert(Address { bus: 0, device: 0, function: 0 }, card);
    machine.memory.insert(MEMORY, registers.clone());
    let function = enumerate(&machine).remove(0);
    (machine, registers, function)
}

fn transport(
    structures: &[Structure],
) -> Result<(PciTransport<FakeRegisters>, FakeRegisters), VirtioError> {
    let (machine, registers, function) = machine(structures);
    let vectors = [Some(0), None];
    let transport = PciTransport::new(&machine, &function, DeviceType::Network, vectors)?;
    // Memory and bus mastering on, the wired interrupt off.
    assert_eq!(machine.read_config(function.address, 4) & 0xffff, 0x406);
    Ok((transport, registers))
}

#[test]
fn a_queue_is_set_up_with_its_vector_and_notified_in_its_place() {
    let (mut transport, registers) = transport(&structures()).unwrap();
    registers.write_u16(COMMON + QUEUE_NOTIFY_OFFSET, 1);
    transport.queue_set(0, 64, 0x1_2345_6000, 0x7000, 0x8000);
    assert_eq!(registers.read_u16(COMMON + QUEUE_SIZE), 64);
    assert_eq!(registers.read_u32(COMMON + QUEUE_DESCRIPTORS), 0x2345_6000);
    assert_eq!(registers.read_u32(COMMON + QUEUE_DESCRIPTORS + 4), 1);
    assert_eq!(registers.read_u32(COMMON + QUEUE_DRIVER), 0x7000);
    assert_eq!(registers.read_u32(COMMON + QUEUE_DEVICE), 0x8000);
    assert_eq!(registers.read_u16(COMMON + QUEUE_MSIX_VECTOR), 0);
    assert_eq!(registers.read_u16(COMMON + QUEUE_ENABLE), 1);
    transport.queue_set(1, 64, 0, 0, 0);
    assert_eq!(registers.read_u16(COMMON + QUEUE_MSIX_VECTOR), NO_VECTOR);
    transport.notify(1);
    assert_eq!(registers.read_u16(NOTIFY + 4), 1);
}

#[test]
fn gathered_notifications_are_one() {
    let (mut transport, registers) = transport(&structures()).unwrap();
    let bell = transport.gather(1);
    registers.write_u16(COMMON + QUEUE_NOTIFY_OFFSET, 1);
    transport.queue_set(1, 64, 0, 0, 0);
    for _ in 0..3 {
        transport.notify(1);
        assert_eq!(registers.read_u16(NOTIFY + 4), 0);
    }
    bell.ring();
    assert_eq!(registers.read_u16(NOTIFY + 4), 1);
    registers.write_u16(NOTIFY + 4, 0);
    bell.ring();
    assert_eq!(registers.read_u16(NOTIFY + 4), 0, "nothing to tell");
    // The other queue is notified at once.
    registers.write_u16(COMMON + QUEUE_NOTIFY_OFFSET, 0);
    transport.queue_set(0, 64, 0, 0, 0);
    registers.write_u16(NOTIFY, 9);
    transport.notify(0);
    assert_eq!(registers.read_u16(NOTIFY), 0);
}

#[test]
fn a_notification_beyond_the_structure_goes_nowhere() {
    let (mut transport, registers) = transport(&structures()).unwrap();
    for offset in [2, 3, 0x1000, u16::MAX] {
        registers.write_u16(COMMON + QUEUE_NOTIFY_OFFSET, offset);
        transport.queue_set(1, 64, 0, 0, 0);
        transport.notify(1);
    }
    transport.notify(7);
    assert!((NOTIFY..0x4000).step_by(2).all(|place| registers.read_u16(place) == 0));
}

#[test]
fn unwanted_features_are_not_offered_on() {
    let (mut transport, registers) = transport(&structures()).unwrap();
    assert_eq!(transport.read_device_features(), 0x3001_0021_0001_0021);
    transport.write_driver_features(VERSION_1);
    assert_eq!(registers.read_u32(COMMON + DRIVER_FEATURE), 1);
}

#[test]
fn the_device_s_registers_are_read_within_their_bounds() {
    let (transport, registers) = transport(&structures()).unwrap();
    for (place, byte) in (DEVICE..).zip([0x52, 0x54, 0, 1, 2, 3, 1, 0]) {
        registers.write_u8(place, byte);
    }
    assert_eq!(transport.read_config_space::<[u8; 6]>(0), Ok([0x52, 0x54, 0, 1, 2, 3]));
    assert_eq!(transport.read_config_space::<u16>(6), Ok(1));
    assert_eq!(transport.read_config_space::<u32>(6), Err(Error::ConfigSpaceTooSmall));
    assert_eq!(transport.read_config_space::<u8>(usize::MAX), Err(Error::ConfigSpaceTooSmall));
    assert_eq!(transport.device_registers().unwrap().len_bytes(), 8);
}

#[test]
fn a_configuration_that_never_settles_is_given_up() {
    let (transport, registers) = transport(&structures()).unwrap();
    let count = core::cell::Cell::new(0_u8);
    let read = || {
        count.set(count.get().wrapping_add(1));
        registers.write_u8(COMMON + CONFIG_GENERATION, count.get());
        Ok(())
    };
    assert_eq!(transport.read_consistent(read), Err(Error::NotReady));
}

#[test]
fn a_reset_that_the_device_ignores_does_not_hang() {
    let (mut transport, _registers) = transport(&structures()).unwrap();
    // What is read from a device that is gone: all ones, never the zero of a finished reset.
    transport.common = FakeRegisters::new(0);
    transport.set_status(DeviceStatus::empty());
    assert_ne!(transport.get_status(), DeviceStatus::empty());
}

#[test]
fn missing_and_misplaced_structures_are_refused() {
    for missing in [0, 1, 3] {
        let mut list = structures().to_vec();
        let number = list.remove(missing).number;
        assert_eq!(transport(&list).err(), Some(VirtioError::NoStructure(number)));
    }
    let mut wild = structures();
    wild[0].bar = 200;
    assert_eq!(transport(&wild).err(), Some(VirtioError::Pci(PciError::NoMemory { bar: 200 })));
    wild = structures();
    wild[3] = Structure { offset: u32::MAX, len_bytes: u32::MAX, ..wild[3] };
    assert!(matches!(transport(&wild).err(), Some(VirtioError::Pci(PciError::Unmappable(_)))));
    wild = structures();
    wild[0].len_bytes = 0x20;
    assert_eq!(transport(&wild).err(), Some(VirtioError::NoStructure(1)));
}

#[test]
fn a_device_from_before_version_1_is_refused() {
    let (machine, registers, function) = machine(&structures());
    registers.write_u32(COMMON + DEVICE_FEATURE, 0x20);
    let refused = PciTransport::new(&machine, &function, DeviceType::Network, [None, None]);
    assert_eq!(refused.err(), Some(VirtioError::Legacy));
}

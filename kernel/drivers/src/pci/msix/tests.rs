use super::*;
use crate::pci::{Address, enumerate};
use crate::registers::fake::{FakeFunction, FakeMachine, FakeRegisters};

const WHERE: Address = Address { bus: 0, device: 3, function: 0 };
const TABLE: u64 = 0xfe00_0000;

/// A function with this message control, table offset and base address number.
fn machine(control: u16, place: u32) -> FakeMachine {
    let host = FakeFunction::new(0x8086, 0x29c0, 0x06_0000);
    let mut function = FakeFunction::new(0x1af4, 0x1041, 0x02_0000);
    function.config[4] = 0xfe00_0000;
    function.capability(0x98, 0, 0x11 | u32::from(control) << 16, &[place, 0x800]);
    let mut machine = FakeMachine::default();
    machine.functions.borrow_mut().insert(Address { bus: 0, device: 0, function: 0 }, host);
    machine.functions.borrow_mut().insert(WHERE, function);
    machine.memory.insert(TABLE, FakeRegisters::new(0x1000));
    machine
}

fn function(machine: &FakeMachine) -> Function {
    enumerate(machine).into_iter().find(|function| function.address == WHERE).unwrap()
}

#[test]
fn entries_are_masked_until_they_are_let_through() {
    let machine = machine(3 - 1, 0x100);
    let msix = Msix::enable(&machine, &function(&machine)).unwrap();
    assert_eq!(msix.entries(), 3);
    let table = machine.map(TABLE + 0x100, 48).unwrap();
    assert!([12, 28, 44].iter().all(|control| table.read_u32(*control) == 1));
    let control = machine.read_config(WHERE, 0x98);
    assert_eq!(control >> 16, 0x8002);
    assert_eq!(control & 0xff, 0x11);

    msix.set(1, MsiTarget { apic_id: 3, vector: 0x41 }).unwrap();
    assert_eq!(table.read_u32(16), 0xfee0_3000);
    assert_eq!(table.read_u32(20), 0);
    assert_eq!(table.read_u32(24), 0x41);
    assert_eq!(table.read_u32(28), 1);
    msix.unmask(1);
    assert_eq!(table.read_u32(28), 0);
    msix.mask(1);
    assert_eq!(table.read_u32(28), 1);
}

#[test]
fn what_cannot_be_addressed_is_refused() {
    let machine = machine(0, 0);
    let msix = Msix::enable(&machine, &function(&machine)).unwrap();
    let far = MsiTarget { apic_id: 256, vector: 0x41 };
    assert_eq!(msix.set(0, far), Err(PciError::UnreachableCpu(256)));
    assert_eq!(msix.set(1, MsiTarget { apic_id: 0, vector: 0x41 }), Err(PciError::NoEntry(1)));
    // Beyond the table, but within the mapped page: nothing happens.
    msix.unmask(1);
    assert_eq!(machine.map(TABLE, 32).unwrap().read_u32(28), 0);
}

#[test]
fn a_table_beyond_its_range_is_refused() {
    // 2,048 entries need 32 KiB.
    let machine_with = machine(0x7ff, 0);
    assert!(matches!(
        Msix::enable(&machine_with, &function(&machine_with)),
        Err(PciError::Unmappable(TABLE))
    ));
    let no_such_bar = machine(0, 7);
    assert!(matches!(
        Msix::enable(&no_such_bar, &function(&no_such_bar)),
        Err(PciError::NoMemory { bar: 7 })
    ));
}

#[test]
fn a_function_without_msix_says_so() {
    let machine = machine(0, 0);
    machine.functions.borrow_mut().get_mut(&WHERE).unwrap().config[1] = 0;
    assert!(matches!(Msix::enable(&machine, &function(&machine)), Err(PciError::NoMsix)));
}

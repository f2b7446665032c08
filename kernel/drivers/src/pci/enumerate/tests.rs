use super::*;
use crate::pci::{Bar, Capability, PciError, capabilities};
use crate::registers::fake::{FakeFunction, FakeMachine, FakeRegisters};

fn at(bus: u8, device: u8, function: u8) -> Address {
    Address { bus, device, function }
}

fn machine(functions: impl IntoIterator<Item = (Address, FakeFunction)>) -> FakeMachine {
    FakeMachine {
        functions: functions.into_iter().collect::<std::collections::BTreeMap<_, _>>().into(),
        ..FakeMachine::default()
    }
}

fn header(mut function: FakeFunction, kind: u8) -> FakeFunction {
    function.config[3] = u32::from(kind) << 16;
    function
}

fn bridge(secondary: u8) -> FakeFunction {
    let mut bridge = header(FakeFunction::new(0x1b36, 1, 0x06_0400), BRIDGE);
    bridge.config[6] = u32::from(secondary) << 8;
    bridge
}

#[test]
fn finds_functions_of_multi_function_devices_and_behind_bridges() {
    let machine = machine([
        (at(0, 0, 0), FakeFunction::new(0x8086, 0x29c0, 0x06_0000)),
        (at(0, 2, 0), bridge(5)),
        (at(0, 31, 0), header(FakeFunction::new(0x8086, 0x2918, 0x06_0100), MULTI_FUNCTION)),
        (at(0, 31, 3), FakeFunction::new(0x8086, 0x2930, 0x0c_0500)),
        // Not a multi-function device: what answers at function 1 is function 0 again.
        (at(5, 0, 0), FakeFunction::new(0x1af4, 0x1041, 0x02_0000)),
        (at(5, 0, 1), FakeFunction::new(0x1af4, 0x1041, 0x02_0000)),
        // On a bus that no bridge leads to.
        (at(9, 0, 0), FakeFunction::new(0x1234, 0x5678, 0)),
    ]);
    let found = enumerate(&machine);
    let addresses: Vec<_> = found.iter().map(|function| function.address).collect();
    assert_eq!(addresses, [at(0, 0, 0), at(0, 2, 0), at(0, 31, 0), at(0, 31, 3), at(5, 0, 0)]);
    let net = &found[4];
    assert_eq!((net.vendor_id, net.device_id), (0x1af4, 0x1041));
    assert_eq!(net.class_name(), "Ethernet controller");
}

#[test]
fn bridges_in_a_circle_end() {
    let machine =
        machine([(at(0, 0, 0), bridge(1)), (at(1, 0, 0), bridge(0)), (at(1, 1, 0), bridge(1))]);
    assert_eq!(enumerate(&machine).len(), 3);
}

#[test]
fn base_addresses_are_sized_and_left_as_they_were() {
    let mut function = FakeFunction::new(0x1af4, 0x1041, 0x02_0000);
    function.config[1] = COMMAND_BITS;
    function.config[4] = 0xc001;
    function.bar_bytes[0] = 0x20;
    function.config[5] = 0xfebd_1000;
    function.bar_bytes[1] = 0x1000;
    // 64 bits wide and prefetchable: its upper half is all address.
    function.config[8] = 0xc;
    function.bar_bytes[4] = 0x4000;
    function.config[9] = 0x8;
    function.bar_bytes[5] = 1;
    let machine = machine([(at(0, 0, 0), function)]);
    let found = enumerate(&machine).remove(0);
    assert_eq!(found.bars[0], Some(Bar::Io { port: 0xc000, len_bytes: 0x20 }));
    assert_eq!(
        found.bars[1],
        Some(Bar::Memory { address: 0xfebd_1000, len_bytes: 0x1000, is_prefetchable: false })
    );
    assert_eq!(
        found.bars[4],
        Some(Bar::Memory { address: 0x8_0000_0000, len_bytes: 0x4000, is_prefetchable: true })
    );
    assert_eq!(found.bars.iter().flatten().count(), 3);
    let functions = machine.functions.borrow();
    let after = &functions[&at(0, 0, 0)].config;
    assert_eq!(
        (after[1], after[4], after[5], after[8], after[9]),
        (3, 0xc001, 0xfebd_1000, 0xc, 8)
    );
}

const COMMAND_BITS: u32 = 3;

#[test]
fn a_capability_list_in_a_circle_ends() {
    let mut function = FakeFunction::new(0x1af4, 0x1041, 0x02_0000);
    function.capability(0x40, 0x50, 0x11, &[]);
    function.capability(0x50, 0x40, 0x9, &[]);
    let machine = machine([(at(0, 0, 0), function)]);
    let list: Vec<Capability> = capabilities(&machine, at(0, 0, 0)).collect();
    assert_eq!((list[0].id, list[1].id), (0x11, 0x9));
    assert!(list.len() <= 48);
}

#[test]
fn structures_beyond_their_range_are_not_mapped() {
    let mut function = FakeFunction::new(0x1af4, 0x1041, 0x02_0000);
    function.config[4] = 0xfe00_0000;
    function.bar_bytes[0] = 0x1000;
    function.bar_bytes[1] = 0x1000;
    let mut machine = machine([(at(0, 0, 0), function)]);
    machine.memory.insert(0xfe00_0000, FakeRegisters::new(0x1000));
    let found = enumerate(&machine).remove(0);
    assert!(found.map(&machine, 0, 0xf00, 0x100).is_ok());
    for (bar, offset, len_bytes) in [(0, 0xf00, 0x101), (0, u32::MAX, u32::MAX), (0, 0, 0)] {
        assert_eq!(
            found.map(&machine, bar, offset, len_bytes).err(),
            Some(PciError::OutOfRange { bar, offset, len_bytes })
        );
    }
    // Not assigned, not there, no such number.
    for bar in [1, 2, 6, 255] {
        assert_eq!(found.map(&machine, bar, 0, 4).err(), Some(PciError::NoMemory { bar }));
    }
}

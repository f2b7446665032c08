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
fn base_addresses_are_read_in_their_kind_and_width() {
    let mut function = FakeFunction::new(0x1af4, 0x1041, 0x02_0000);
    function.config[4] = 0xc001;
    function.config[5] = 0xfebd_1000;
    // 64 bits wide and prefetchable.
    function.config[8] = 0x4000_000c;
    function.config[9] = 0x8;
    let machine = machine([(at(0, 0, 0), function)]);
    let found = enumerate(&machine).remove(0);
    let bars: Vec<_> = (0..=6).map(|number| found.bar(&machine, number)).collect();
    assert_eq!(bars[..2], [Some(Bar::Io(0xc000)), Some(Bar::Memory(0xfebd_1000))]);
    // Not assigned; and number 6 would be the next register.
    assert_eq!((bars[2], bars[3], bars[6]), (None, None, None));
    assert_eq!(bars[4], Some(Bar::Memory(0x8_4000_0000)));
}

#[test]
fn a_wide_base_address_needs_two_places() {
    let mut function = FakeFunction::new(0x1af4, 0x1041, 0x02_0000);
    function.config[9] = 0xfe00_0004;
    function.config[10] = 0x1234_5678;
    let machine = machine([(at(0, 0, 0), function)]);
    assert_eq!(enumerate(&machine)[0].bar(&machine, 5), None);
}

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
fn structures_that_lie_nowhere_are_not_mapped() {
    let mut function = FakeFunction::new(0x1af4, 0x1041, 0x02_0000);
    function.config[4] = 0xfe00_0000;
    function.config[6] = 0xffff_f004;
    function.config[7] = 0xffff_ffff;
    let mut machine = machine([(at(0, 0, 0), function)]);
    machine.memory.insert(0xfe00_0000, FakeRegisters::new(0x1000));
    let found = enumerate(&machine).remove(0);
    assert!(found.map(&machine, 0, 0xf00, 0x100).is_ok());
    for (offset, len_bytes) in [(0xf00, 0x101), (u32::MAX, u32::MAX)] {
        let physical = 0xfe00_0000 + u64::from(offset);
        let refused = found.map(&machine, 0, offset, len_bytes);
        assert_eq!(refused.err(), Some(PciError::Unmappable(physical)));
    }
    // Beyond the end of all addresses.
    let refused = found.map(&machine, 2, 0x1000, 4);
    assert_eq!(refused.err(), Some(PciError::Unmappable(0xffff_ffff_ffff_f000)));
    // Not assigned, no such number.
    for bar in [1, 6, 255] {
        assert_eq!(found.map(&machine, bar, 0, 4).err(), Some(PciError::NoMemory { bar }));
    }
}

//! The initial stack, read as a C library's start code reads it.

use std::collections::HashMap;

use linux_abi::auxiliary::*;
use linux_abi::{Auxiliary, InitialStack, MAX_STRING_BYTES, StackError, StackImage};
use proptest::prelude::*;

const TOP: u64 = 0x7fff_ffff_e000;
const LIMIT: usize = 2 << 20;

fn stack<'a>(arguments: &'a [&'a [u8]], environment: &'a [&'a [u8]]) -> InitialStack<'a, &'a [u8]> {
    InitialStack {
        arguments,
        environment,
        executable: b"/bin/busybox",
        random: *b"0123456789abcdef",
        auxiliary: Auxiliary {
            phdr_address: 0x40_0040,
            phdr_entry_bytes: 56,
            phdr_count: 10,
            interpreter_base: 0,
            entry: 0x40_ebf0,
            uid: (1, 2),
            gid: (3, 4),
            is_secure: true,
            hardware_capabilities: (0x178b_fbff, 2),
            signal_stack_bytes: 3632,
            vdso_address: 0x7ffd_1234_5000,
        },
    }
}

/// What a program sees.
struct Seen {
    arguments: Vec<Vec<u8>>,
    environment: Vec<Vec<u8>>,
    auxiliary: HashMap<u64, u64>,
}

struct Memory<'a>(&'a StackImage);

impl Memory<'_> {
    fn at(&self, address: u64) -> &[u8] {
        let offset = usize::try_from(address.wrapping_sub(self.0.stack_pointer));
        offset.ok().and_then(|offset| self.0.bytes.get(offset..)).unwrap_or(&[])
    }

    fn word(&self, address: u64) -> u64 {
        self.at(address).iter().take(8).rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
    }

    fn string(&self, address: u64) -> Vec<u8> {
        self.at(address).iter().copied().take_while(|byte| *byte != 0).collect()
    }

    fn strings(&self, at: &mut u64) -> Vec<Vec<u8>> {
        let mut strings = vec![];
        loop {
            let pointer = self.word(*at);
            *at += 8;
            if pointer == 0 {
                return strings;
            }
            strings.push(self.string(pointer));
        }
    }
}

fn read(image: &StackImage) -> Seen {
    let memory = Memory(image);
    assert_eq!(image.stack_pointer % 16, 0);
    assert_eq!(image.stack_pointer + image.bytes.len() as u64, TOP);
    let count = memory.word(image.stack_pointer);
    let mut at = image.stack_pointer + 8;
    let arguments = memory.strings(&mut at);
    assert_eq!(arguments.len() as u64, count);
    let environment = memory.strings(&mut at);
    let mut auxiliary = HashMap::new();
    while memory.word(at) != AT_NULL {
        let earlier = auxiliary.insert(memory.word(at), memory.word(at + 8));
        assert_eq!(earlier, None);
        at += 16;
    }
    Seen { arguments, environment, auxiliary }
}

#[test]
fn a_program_finds_all_it_was_told() {
    let arguments: [&[u8]; 2] = [b"sleep", b"10"];
    let environment: [&[u8]; 2] = [b"PATH=/bin", b"HOME=/"];
    let image = stack(&arguments, &environment).build(TOP, LIMIT).unwrap();
    let seen = read(&image);
    assert_eq!(seen.arguments, arguments);
    assert_eq!(seen.environment, environment);
    let values = [
        (AT_PHDR, 0x40_0040),
        (AT_PHENT, 56),
        (AT_PHNUM, 10),
        (AT_PAGESZ, 4096),
        (AT_BASE, 0),
        (AT_FLAGS, 0),
        (AT_ENTRY, 0x40_ebf0),
        (AT_UID, 1),
        (AT_EUID, 2),
        (AT_GID, 3),
        (AT_EGID, 4),
        (AT_SECURE, 1),
        (AT_CLKTCK, 100),
        (AT_HWCAP, 0x178b_fbff),
        (AT_HWCAP2, 2),
        (AT_MINSIGSTKSZ, 3632),
        (AT_SYSINFO_EHDR, 0x7ffd_1234_5000),
    ];
    for (kind, value) in values {
        assert_eq!(seen.auxiliary.get(&kind), Some(&value), "{kind}");
    }
    let memory = Memory(&image);
    assert_eq!(memory.string(seen.auxiliary[&AT_EXECFN]), b"/bin/busybox");
    assert_eq!(memory.string(seen.auxiliary[&AT_PLATFORM]), b"x86_64");
    assert_eq!(&memory.at(seen.auxiliary[&AT_RANDOM])[..16], b"0123456789abcdef");
    assert_eq!(seen.auxiliary.len(), values.len() + 3);
}

#[test]
fn a_program_without_arguments_gets_an_empty_one() {
    let seen = read(&stack(&[], &[]).build(TOP, LIMIT).unwrap());
    assert_eq!((seen.arguments, seen.environment), (vec![vec![]], vec![]));
}

#[test]
fn limits_are_enforced() {
    let long = vec![b'x'; MAX_STRING_BYTES];
    let arguments: [&[u8]; 1] = [&long];
    let too_long = Err(StackError::StringTooLong { bytes: MAX_STRING_BYTES });
    assert_eq!(stack(&arguments, &[]).build(TOP, LIMIT), too_long);
    assert_eq!(stack(&[], &arguments).build(TOP, LIMIT), too_long);
    let longest: [&[u8]; 1] = [&long[1..]];
    let image = stack(&longest, &[]).build(TOP, LIMIT).unwrap();
    let size = image.bytes.len();
    assert_eq!(stack(&longest, &[]).build(TOP, size), Ok(image));
    assert_eq!(
        stack(&longest, &[]).build(TOP, size - 1),
        Err(StackError::TooLarge { limit_bytes: size - 1 })
    );
    let zero: [&[u8]; 1] = [b"a\0b"];
    assert_eq!(stack(&zero, &[]).build(TOP, LIMIT), Err(StackError::ZeroInString));
    for top in [0, 16, TOP + 8] {
        assert_eq!(stack(&[], &[]).build(top, LIMIT), Err(StackError::WrongTop { top }));
    }
}

proptest! {
    #[test]
    fn any_strings_arrive(
        arguments in prop::collection::vec("[a-z]{0,20}", 1..20),
        environment in prop::collection::vec("[A-Z]{1,9}=[ -~]{0,30}", 0..20),
    ) {
        let arguments: Vec<&[u8]> = arguments.iter().map(String::as_bytes).collect();
        let environment: Vec<&[u8]> = environment.iter().map(String::as_bytes).collect();
        let seen = read(&stack(&arguments, &environment).build(TOP, LIMIT).unwrap());
        prop_assert_eq!(seen.arguments, arguments);
        prop_assert_eq!(seen.environment, environment);
    }
}

use std::vec;
use std::vec::Vec;

use super::*;
use crate::address_space::{Layout, PAGE_BYTES, PageRange, Protection, WriteExecute};

const READ: u32 = 4;
const WRITE: u32 = 2;
const EXECUTE: u32 = 1;

#[derive(Clone)]
struct Header {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    file_bytes: u64,
    memory_bytes: u64,
    alignment: u64,
}

/// A program made by hand: code with the headers in it, read-only data, data with a bss.
#[derive(Clone)]
struct Program {
    kind: u16,
    entry: u64,
    headers: Vec<Header>,
    file_bytes: usize,
}

impl Program {
    fn at(base: u64) -> Self {
        let load = |flags, offset, address, file_bytes, memory_bytes| Header {
            kind: 1,
            flags,
            offset,
            address: base + address,
            file_bytes,
            memory_bytes,
            alignment: PAGE_BYTES,
        };
        let stack = Header {
            kind: 0x6474_e551,
            flags: READ | WRITE,
            offset: 0,
            address: 0,
            file_bytes: 0,
            memory_bytes: 0,
            alignment: 16,
        };
        Self {
            kind: if base == 0 { 3 } else { 2 },
            entry: base + 0x400,
            headers: vec![
                load(READ | EXECUTE, 0, 0, 0x1100, 0x1100),
                load(READ, 0x2000, 0x2000, 0x10, 0x10),
                load(READ | WRITE, 0x2ff0, 0x3ff0, 0x210, 0x3000),
                stack,
            ],
            file_bytes: 0x4000,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut file = vec![0u8; self.file_bytes];
        let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, b"\x7fELF\x02\x01\x01");
        put(16, &self.kind.to_le_bytes());
        put(18, &62u16.to_le_bytes());
        put(20, &1u32.to_le_bytes());
        put(24, &self.entry.to_le_bytes());
        put(32, &64u64.to_le_bytes());
        put(52, &64u16.to_le_bytes());
        put(54, &56u16.to_le_bytes());
        put(56, &u16::try_from(self.headers.len()).unwrap().to_le_bytes());
        for (number, header) in self.headers.iter().enumerate() {
            let at = 64 + number * 56;
            put(at, &header.kind.to_le_bytes());
            put(at + 4, &header.flags.to_le_bytes());
            let words = [
                header.offset,
                header.address,
                header.address,
                header.file_bytes,
                header.memory_bytes,
                header.alignment,
            ];
            for (word, value) in words.into_iter().enumerate() {
                put(at + 8 + word * 8, &value.to_le_bytes());
            }
        }
        file
    }

    fn plan(&self) -> Result<LoadPlan, ElfError> {
        plan(&self.bytes())
    }

    fn refused_with(&self, change: impl FnOnce(&mut Self)) -> ElfError {
        let mut changed = self.clone();
        change(&mut changed);
        changed.plan().unwrap_err()
    }
}

fn options() -> LoadOptions {
    LoadOptions {
        user: Layout::USER,
        pie_base: 0x5555_5555_4000,
        write_execute: WriteExecute::Refused,
    }
}

fn plan(file: &[u8]) -> Result<LoadPlan, ElfError> {
    LoadPlan::new(file, file.len() as u64, &options())
}

fn range(start: u64, end: u64) -> Option<PageRange> {
    PageRange::new(start, end)
}

#[test]
fn a_program_at_fixed_addresses_is_planned_as_it_is() {
    let plan = Program::at(0x40_0000).plan().unwrap();
    assert_eq!((plan.load_bias, plan.entry), (0, 0x40_0400));
    assert_eq!(
        (plan.phdr_address, plan.phdr_count, plan.phdr_entry_bytes),
        (Some(0x40_0040), 4, 56)
    );
    assert!(!plan.wants_executable_stack);
    assert_eq!(plan.brk_start, 0x40_6ff0);
    let rights: Vec<_> = plan.segments.iter().map(|segment| segment.protection).collect();
    assert_eq!(rights, [Protection::READ_EXECUTE, Protection::READ, Protection::READ_WRITE]);

    let code = plan.segments[0];
    assert_eq!(code.file_pages(), range(0x40_0000, 0x40_2000));
    assert_eq!((code.zero_bytes(), code.zero_pages()), (None, None));

    let data = plan.segments[2];
    assert_eq!((data.range.start(), data.range.end()), (0x40_3000, 0x40_7000));
    assert_eq!((data.file_offset, data.file_end), (0x2000, 0x40_4200));
    assert_eq!(data.file_pages(), range(0x40_3000, 0x40_5000));
    assert_eq!(data.zero_bytes(), Some(0x40_4200..0x40_5000));
    assert_eq!(data.zero_pages(), range(0x40_5000, 0x40_7000));
}

#[test]
fn a_position_independent_program_is_moved_by_its_alignment() {
    let mut program = Program::at(0);
    let plan = program.plan().unwrap();
    assert_eq!(plan.load_bias, 0x5555_5555_4000);
    assert_eq!(plan.entry, 0x5555_5555_4400);
    assert_eq!(plan.phdr_address, Some(0x5555_5555_4040));
    program.headers[0].alignment = 0x20_0000;
    let plan = program.plan().unwrap();
    assert_eq!(plan.load_bias, 0x5555_5560_0000);
    // Linked at an address of its own, it begins at the same base.
    let mut linked = Program::at(0x1_0000);
    linked.kind = 3;
    assert_eq!(linked.plan().unwrap().segments[0].range.start(), 0x5555_5555_4000);
}

#[test]
fn pages_of_zeros_need_no_place_in_the_file() {
    let mut program = Program::at(0x40_0000);
    let bss = &mut program.headers[2];
    (bss.file_bytes, bss.offset) = (0, 0x123);
    let plan = program.plan().unwrap();
    let bss = plan.segments[2];
    assert_eq!((bss.file_pages(), bss.zero_bytes()), (None, None));
    assert_eq!(bss.zero_pages(), Some(bss.range));
    // An empty segment is none.
    program.headers[2].memory_bytes = 0;
    assert_eq!(program.plan().unwrap().segments.len(), 2);
}

#[test]
fn every_malformation_has_its_name() {
    use ElfError::*;
    let good = Program::at(0x40_0000);
    let end = Layout::USER.end();
    type Change = fn(&mut Program);
    let cases: [(Change, ElfError); 17] = [
        (|it| it.headers[2].memory_bytes = 0x20f, FileLargerThanMemory { index: 2 }),
        (|it| it.file_bytes = 0x31ff, OutsideFile { index: 2 }),
        (|it| it.headers[2].offset = !0xf, OutsideFile { index: 2 }),
        (|it| it.headers[2].memory_bytes = !0, OutsideUserSpace { index: 2 }),
        (|it| it.headers[2].address = Layout::USER.end() + 0xff0, OutsideUserSpace { index: 2 }),
        (|it| it.headers[0].address = 0xf000, OutsideUserSpace { index: 0 }),
        (|it| it.headers[0].address = 0, OutsideUserSpace { index: 0 }),
        (|it| it.headers[1].address += 8, Misaligned { index: 1 }),
        (|it| it.headers[1].alignment = 0x3000, WrongAlignment { index: 1, alignment: 0x3000 }),
        (|it| it.headers.swap(1, 2), OutOfOrder { index: 2 }),
        (|it| it.headers[1].address -= 0x1000, Overlap { index: 1 }),
        (|it| it.headers[2].flags = 7, WriteExecute { index: 2 }),
        (|it| it.entry = 0x40_1100, EntryNotExecutable { entry: 0x40_1100 }),
        (|it| it.entry = 0x40_2000, EntryNotExecutable { entry: 0x40_2000 }),
        (|it| it.headers[3].kind = 3, HasInterpreter),
        (|it| it.headers.drain(..3).for_each(drop), NoSegments),
        (|it| it.headers = vec![it.headers[0].clone(); 129], TooManyHeaders { count: 129 }),
    ];
    for (change, expected) in cases {
        assert_eq!(good.refused_with(change), expected);
    }
    let mut moved = Program::at(0);
    moved.headers[2].address = end + 0xff0;
    assert_eq!(moved.plan(), Err(OutsideUserSpace { index: 2 }));
    moved.headers.truncate(1);
    moved.headers[0].alignment = 1 << 63;
    assert_eq!(moved.plan(), Err(OutsideUserSpace { index: 0 }));
}

#[test]
fn every_foreign_file_has_its_name() {
    let good = Program::at(0x40_0000).bytes();
    let with = |at: usize, bytes: &[u8]| {
        let mut file = good.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        plan(&file)
    };
    assert_eq!(plan(b""), Err(ElfError::NotElf));
    assert_eq!(plan(b"#!/bin/sh\necho hello\n"), Err(ElfError::NotElf));
    assert_eq!(with(4, &[1]), Err(ElfError::WrongClass { class: 1 }));
    assert_eq!(with(5, &[2]), Err(ElfError::WrongByteOrder { data: 2 }));
    assert_eq!(with(6, &[0]), Err(ElfError::WrongVersion { version: 0 }));
    assert_eq!(with(7, &[9]), Err(ElfError::WrongSystem { osabi: 9 }));
    assert!(with(7, &[3]).is_ok());
    assert_eq!(with(18, &183u16.to_le_bytes()), Err(ElfError::WrongMachine { machine: 183 }));
    assert_eq!(with(16, &1u16.to_le_bytes()), Err(ElfError::NotExecutable { kind: 1 }));
    assert_eq!(with(54, &32u16.to_le_bytes()), Err(ElfError::WrongHeaderSize { bytes: 32 }));
    assert_eq!(with(56, &[0, 0]), Err(ElfError::NoSegments));
    let file_bytes = good.len() as u64;
    assert_eq!(
        with(32, &u64::MAX.to_le_bytes()),
        Err(ElfError::Truncated { needed_bytes: u64::MAX, file_bytes })
    );
    assert_eq!(plan(&good[..63]), Err(ElfError::Truncated { needed_bytes: 64, file_bytes: 63 }));
    assert_eq!(
        plan(&good[..100]),
        Err(ElfError::Truncated { needed_bytes: 64 + 4 * 56, file_bytes: 100 })
    );
}

#[test]
fn the_head_of_the_file_is_enough() {
    let file = Program::at(0x40_0000).bytes();
    let file_bytes = file.len() as u64;
    let whole = plan(&file);
    assert_eq!(LoadPlan::new(&file[..288], file_bytes, &options()), whole);
    assert_eq!(
        LoadPlan::new(&file[..287], file_bytes, &options()),
        Err(ElfError::HeadersTooFarBack { needed_bytes: 288 })
    );
}

#[test]
fn the_policy_may_allow_write_and_execute() {
    let mut program = Program::at(0x40_0000);
    program.headers[2].flags = READ | WRITE | EXECUTE;
    program.headers[3].flags = READ | WRITE | EXECUTE;
    let file = program.bytes();
    let lax = LoadOptions { write_execute: WriteExecute::Allowed, ..options() };
    let plan = LoadPlan::new(&file, file.len() as u64, &lax).unwrap();
    assert_eq!(plan.segments[2].protection, Protection::ALL);
    assert!(plan.wants_executable_stack);
}

/// What the kernel relies on once there is a plan.
fn check(plan: &LoadPlan, file_bytes: u64) {
    let mut previous_end = Layout::USER.start();
    for segment in &plan.segments {
        assert!(Layout::USER.encloses(segment.range));
        assert!(segment.range.start() >= previous_end);
        previous_end = segment.range.end();
        assert!(!segment.protection.is_write_execute());
        assert!(segment.file_offset.is_multiple_of(PAGE_BYTES));
        assert!(segment.range.start() <= segment.file_end);
        assert!(
            segment.file_end <= segment.memory_end && segment.memory_end <= segment.range.end()
        );
        assert!(segment.file_offset + (segment.file_end - segment.range.start()) <= file_bytes);
        let parts = [segment.file_pages(), segment.zero_pages()];
        let pages: u64 = parts.into_iter().flatten().map(PageRange::pages).sum();
        assert_eq!(pages, segment.range.pages());
    }
    assert!(plan.segments.iter().any(|segment| segment.range.contains(plan.entry)));
    assert!(plan.brk_start <= previous_end);
    if let Some(table) = plan.phdr_address {
        let end = table + u64::from(plan.phdr_count) * 56;
        assert!(plan.segments.iter().any(|it| it.range.start() <= table && end <= it.file_end));
    }
}

struct Random(u64);

impl Random {
    /// xorshift64*.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % bound
    }
}

/// Changes a few bytes of the headers, mostly to values at an edge.
fn mutate(file: &mut Vec<u8>, random: &mut Random) {
    let edges = [0, 1, 0x7f, 0xff, 0x80, 0x10, 0xf0, 0x38, 0x40];
    let headers = file.len().min(64 + 12 * 56);
    for _ in 0..=random.below(6) {
        let at = random.below(headers);
        match random.below(4) {
            0 => file[at] ^= 1 << random.below(8),
            1 => file[at] = edges[random.below(edges.len())],
            2 => {
                let word = [0, 1, !0, 1 << 63, !0xfff, 0x7fff_ffff_f000, 0x1000][random.below(7)];
                let at = at & !7;
                file[at..at + 8].copy_from_slice(&u64::to_le_bytes(word));
            }
            _ => file[at] = u8::try_from(random.below(256)).unwrap(),
        }
    }
    if random.below(20) == 0 {
        file.truncate(random.below(headers));
    }
}

fn survive_mutants(original: &[u8], mutants: usize, seed: u64) {
    let head = &original[..original.len().min(4096)];
    let file_bytes = original.len() as u64;
    let mut random = Random(seed);
    let mut taken = 0;
    for number in 0..mutants {
        let mut file = head.to_vec();
        mutate(&mut file, &mut random);
        if let Ok(plan) = LoadPlan::new(&file, file_bytes, &options()) {
            check(&plan, file_bytes);
            taken += 1;
        }
        assert!(number < 1000 || taken > 0, "seed {seed}: no mutant was taken");
    }
    assert!(taken < mutants, "seed {seed}: no mutant was refused");
}

#[test]
fn a_hundred_thousand_mutants_do_no_harm() {
    survive_mutants(&Program::at(0x40_0000).bytes(), 100_000, 1);
    survive_mutants(&Program::at(0).bytes(), 100_000, 2);
}

/// The first program that MultiOS runs, where it is installed.
#[test]
fn busybox_and_its_mutants() {
    let Ok(file) = std::fs::read("/usr/bin/busybox") else { return };
    // A dynamically linked one has another name for its fault.
    match plan(&file) {
        Ok(plan) => {
            check(&plan, file.len() as u64);
            survive_mutants(&file, 100_000, 3);
        }
        Err(error) => assert_eq!(error, ElfError::HasInterpreter),
    }
}

//! Making the plan: [`LoadPlan::new`].
//!
//! The `elf` crate reads the tables; what the values may be is decided here. The rules are those of
//! the System V ABI's chapter 5, and stricter than Linux's where Linux would map rubbish.

use alloc::vec::Vec;
use core::ops::Range;

use elf::abi;
use elf::endian::LittleEndian;
use elf::file::{Class, FileHeader, parse_ident};
use elf::parse::ParseError;
use elf::segment::{ProgramHeader, SegmentTable};

use super::error::ElfError;
use crate::address_space::{PAGE_BYTES, PageRange, Protection, WriteExecute, page_of};

/// The most program headers that are taken; linkers make about a dozen.
pub const MAX_PROGRAM_HEADERS: u16 = 128;

const FILE_HEADER_BYTES: usize = 64;
const PROGRAM_HEADER_BYTES: u16 = 56;

/// What the kernel decides about where and how programs are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadOptions {
    /// The user's part of the address space.
    pub user: PageRange,
    /// Where a position-independent program begins: rounded up to the alignment that it asks for.
    pub pie_base: u64,
    /// Whether a segment may be writable and executable.
    pub write_execute: WriteExecute,
}

/// What to map where, and where to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadPlan {
    /// The segments, the lowest first, none sharing a page with another.
    pub segments: Vec<Segment>,
    /// Address of the first instruction (`AT_ENTRY`).
    pub entry: u64,
    /// What was added to the addresses in the file: 0 for a program at fixed addresses.
    pub load_bias: u64,
    /// Where the program headers are in memory (`AT_PHDR`), if a segment holds them.
    pub phdr_address: Option<u64>,
    /// How many program headers there are (`AT_PHNUM`).
    pub phdr_count: u16,
    /// The size of one in bytes (`AT_PHENT`).
    pub phdr_entry_bytes: u16,
    /// Whether the program asks for an executable stack (`PT_GNU_STACK`).
    pub wants_executable_stack: bool,
    /// The first address behind all segments, where the heap may start.
    pub brk_start: u64,
}

/// One segment to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// All its pages.
    pub range: PageRange,
    /// What the program may do with them.
    pub protection: Protection,
    /// Which byte of the file lies at the range's start: a multiple of the page size.
    pub file_offset: u64,
    /// Address behind the last byte that comes from the file; the range's start if none does.
    pub file_end: u64,
    /// Address behind the last byte of the segment; from `file_end` to here it is zeros.
    pub memory_end: u64,
}

impl Segment {
    /// The pages that hold bytes of the file.
    #[must_use]
    pub fn file_pages(&self) -> Option<PageRange> {
        PageRange::new(self.range.start(), page_up(self.file_end)?)
    }

    /// The bytes of the last file page that have to be zeros, not what follows in the file.
    #[must_use]
    pub fn zero_bytes(&self) -> Option<Range<u64>> {
        if self.memory_end == self.file_end {
            return None;
        }
        let zeros = self.file_end..page_up(self.file_end)?;
        (!zeros.is_empty()).then_some(zeros)
    }

    /// The pages of nothing but zeros.
    #[must_use]
    pub fn zero_pages(&self) -> Option<PageRange> {
        PageRange::new(page_up(self.file_end)?, self.range.end())
    }
}

impl LoadPlan {
    /// Makes a plan from the beginning of a file, which has to reach to the end of the program
    /// headers (a page nearly always does), and the length of the whole file in bytes.
    ///
    /// # Errors
    /// If the file is malformed, or not a static program for this machine.
    pub fn new(head: &[u8], file_bytes: u64, options: &LoadOptions) -> Result<Self, ElfError> {
        let header = file_header(head, file_bytes)?;
        let headers = program_headers(head, file_bytes, &header)?;
        let bias = load_bias(&header, &headers, options)?;
        let mut plan = Self {
            segments: Vec::new(),
            entry: header.e_entry.wrapping_add(bias),
            load_bias: bias,
            phdr_address: None,
            phdr_count: header.e_phnum,
            phdr_entry_bytes: header.e_phentsize,
            wants_executable_stack: false,
            brk_start: 0,
        };
        let loads = headers.iter().filter(|segment| segment.p_type == abi::PT_LOAD).count();
        plan.segments.try_reserve_exact(loads).map_err(|_| ElfError::OutOfMemory)?;
        for (index, segment) in headers.iter().enumerate() {
            match segment.p_type {
                abi::PT_INTERP => return Err(ElfError::HasInterpreter),
                abi::PT_GNU_STACK => {
                    plan.wants_executable_stack = segment.p_flags & abi::PF_X != 0;
                }
                abi::PT_LOAD => plan.add_load(index, &segment, &header, file_bytes, options)?,
                _ => {}
            }
        }
        plan.brk_start = plan.segments.last().ok_or(ElfError::NoSegments)?.memory_end;
        plan.check_entry()?;
        Ok(plan)
    }

    fn add_load(
        &mut self,
        index: usize,
        header: &ProgramHeader,
        file: &FileHeader<LittleEndian>,
        file_bytes: u64,
        options: &LoadOptions,
    ) -> Result<(), ElfError> {
        if header.p_filesz > header.p_memsz {
            return Err(ElfError::FileLargerThanMemory { index });
        }
        let file_range_end = header.p_offset.checked_add(header.p_filesz);
        if file_range_end.is_none_or(|end| end > file_bytes) {
            return Err(ElfError::OutsideFile { index });
        }
        if header.p_memsz == 0 {
            return Ok(());
        }
        let segment = self.segment(index, header, options)?;
        if let Some(previous) = self.segments.last() {
            if segment.range.start() < previous.range.start() {
                return Err(ElfError::OutOfOrder { index });
            }
            if segment.range.start() < previous.range.end() {
                return Err(ElfError::Overlap { index });
            }
        }
        let table_bytes = u64::from(file.e_phnum) * u64::from(PROGRAM_HEADER_BYTES);
        let holds_table = header.p_offset <= file.e_phoff
            && file_range_end.is_some_and(|end| file.e_phoff + table_bytes <= end);
        if holds_table {
            let within = file.e_phoff - page_of(header.p_offset);
            self.phdr_address = segment.range.start().checked_add(within);
        }
        self.segments.push(segment);
        Ok(())
    }

    fn segment(
        &self,
        index: usize,
        header: &ProgramHeader,
        options: &LoadOptions,
    ) -> Result<Segment, ElfError> {
        let outside = ElfError::OutsideUserSpace { index };
        let start = header.p_vaddr.checked_add(self.load_bias).ok_or(outside)?;
        let memory_end = start.checked_add(header.p_memsz).ok_or(outside)?;
        let range = page_up(memory_end)
            .and_then(|end| PageRange::new(page_of(start), end))
            .filter(|range| options.user.encloses(*range))
            .ok_or(outside)?;
        let has_file = header.p_filesz > 0;
        if has_file && header.p_offset % PAGE_BYTES != start % PAGE_BYTES {
            return Err(ElfError::Misaligned { index });
        }
        let protection = protection(header.p_flags);
        if protection.is_write_execute() && options.write_execute == WriteExecute::Refused {
            return Err(ElfError::WriteExecute { index });
        }
        Ok(Segment {
            range,
            protection,
            file_offset: if has_file { page_of(header.p_offset) } else { 0 },
            // Not beyond `memory_end`, so it can't wrap.
            file_end: if has_file { start + header.p_filesz } else { range.start() },
            memory_end,
        })
    }

    fn check_entry(&self) -> Result<(), ElfError> {
        let entry = self.entry;
        let is_executable = self.segments.iter().any(|segment| {
            segment.protection.contains(Protection::EXECUTE)
                && (segment.range.start()..segment.memory_end).contains(&entry)
        });
        if is_executable { Ok(()) } else { Err(ElfError::EntryNotExecutable { entry }) }
    }
}

fn file_header(head: &[u8], file_bytes: u64) -> Result<FileHeader<LittleEndian>, ElfError> {
    let ident = head.get(..abi::EI_NIDENT).ok_or(ElfError::NotElf)?;
    if ident.get(..abi::ELFMAGIC.len()) != Some(&abi::ELFMAGIC) {
        return Err(ElfError::NotElf);
    }
    let byte = |index: usize| ident.get(index).copied().unwrap_or(0);
    let (class, data, version) = (byte(abi::EI_CLASS), byte(abi::EI_DATA), byte(abi::EI_VERSION));
    if class != abi::ELFCLASS64 {
        return Err(ElfError::WrongClass { class });
    }
    if data != abi::ELFDATA2LSB {
        return Err(ElfError::WrongByteOrder { data });
    }
    if version != abi::EV_CURRENT {
        return Err(ElfError::WrongVersion { version });
    }
    let truncated = ElfError::Truncated { needed_bytes: FILE_HEADER_BYTES as u64, file_bytes };
    let tail = head.get(abi::EI_NIDENT..FILE_HEADER_BYTES).ok_or(truncated)?;
    let header = parse_ident::<LittleEndian>(ident)
        .and_then(|ident| FileHeader::parse_tail(ident, tail))
        .map_err(|_: ParseError| ElfError::NotElf)?;
    let osabi = header.osabi;
    if osabi != abi::ELFOSABI_SYSV && osabi != abi::ELFOSABI_GNU {
        return Err(ElfError::WrongSystem { osabi });
    }
    if header.e_machine != abi::EM_X86_64 {
        return Err(ElfError::WrongMachine { machine: header.e_machine });
    }
    if header.e_type != abi::ET_EXEC && header.e_type != abi::ET_DYN {
        return Err(ElfError::NotExecutable { kind: header.e_type });
    }
    Ok(header)
}

fn program_headers<'head>(
    head: &'head [u8],
    file_bytes: u64,
    header: &FileHeader<LittleEndian>,
) -> Result<SegmentTable<'head, LittleEndian>, ElfError> {
    let count = header.e_phnum;
    if count == 0 {
        return Err(ElfError::NoSegments);
    }
    if count > MAX_PROGRAM_HEADERS {
        return Err(ElfError::TooManyHeaders { count });
    }
    if header.e_phentsize != PROGRAM_HEADER_BYTES {
        return Err(ElfError::WrongHeaderSize { bytes: header.e_phentsize });
    }
    let table_bytes = u64::from(count) * u64::from(PROGRAM_HEADER_BYTES);
    let needed_bytes = header.e_phoff.saturating_add(table_bytes);
    if needed_bytes > file_bytes {
        return Err(ElfError::Truncated { needed_bytes, file_bytes });
    }
    let table = match (usize::try_from(header.e_phoff), usize::try_from(needed_bytes)) {
        (Ok(start), Ok(end)) => head.get(start..end),
        _ => None,
    };
    let table = table.ok_or(ElfError::HeadersTooFarBack { needed_bytes })?;
    Ok(SegmentTable::new(LittleEndian, Class::ELF64, table))
}

/// What to add to the addresses in the file. A multiple of every segment's alignment, so that what
/// the linker aligned stays aligned.
fn load_bias(
    header: &FileHeader<LittleEndian>,
    headers: &SegmentTable<'_, LittleEndian>,
    options: &LoadOptions,
) -> Result<u64, ElfError> {
    let mut alignment = PAGE_BYTES;
    let mut lowest: Option<(usize, u64)> = None;
    for (index, segment) in headers.iter().enumerate() {
        if segment.p_type != abi::PT_LOAD {
            continue;
        }
        if segment.p_align > 1 && !segment.p_align.is_power_of_two() {
            return Err(ElfError::WrongAlignment { index, alignment: segment.p_align });
        }
        alignment = alignment.max(segment.p_align);
        if lowest.is_none_or(|(_, address)| segment.p_vaddr < address) {
            lowest = Some((index, segment.p_vaddr));
        }
    }
    let (index, address) = lowest.ok_or(ElfError::NoSegments)?;
    if header.e_type == abi::ET_EXEC {
        return Ok(0);
    }
    options
        .pie_base
        .checked_next_multiple_of(alignment)
        .and_then(|base| base.checked_sub(address & !(alignment - 1)))
        .ok_or(ElfError::OutsideUserSpace { index })
}

fn protection(flags: u32) -> Protection {
    let mut protection = Protection::NONE;
    let rights = [
        (abi::PF_R, Protection::READ),
        (abi::PF_W, Protection::WRITE),
        (abi::PF_X, Protection::EXECUTE),
    ];
    for (flag, right) in rights {
        if flags & flag != 0 {
            protection = protection.union(right);
        }
    }
    protection
}

fn page_up(address: u64) -> Option<u64> {
    address.checked_next_multiple_of(PAGE_BYTES)
}

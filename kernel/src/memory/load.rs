//! Loading a program: from a file's bytes to an address space that can be entered.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use hal::frame::OutOfMemory;
use hal::paging::PageGroup;
use linux_abi::{Auxiliary, InitialStack, StackError};
use vm_core::address_space::{
    Backing, Error, Kind, Layout, MapRequest, PAGE_BYTES, Placement, Protection, WriteExecute,
};
use vm_core::elf::{ElfError, LoadOptions, LoadPlan, Segment};

use super::object::{FileBytes, Object};
use super::space::{Bounds, FaultError, PAGE_LEN, UserSpace};
use super::vdso;
use crate::random;

/// Bytes of the stack that are mapped from the start; it grows from there on.
const FIRST_STACK_BYTES: u64 = 128 * 1024;
/// How far into a file its program headers may reach: beyond what linkers make.
const HEAD_BYTES: usize = 8192;
/// Where position-independent programs begin, before a random part is added: in the same 512 GiB as
/// their stacks ([`Layout`]), with room for a heap in between.
const PIE_BASE: u64 = 64 << 30;
/// Pages of that random part at most: 128 GiB.
const PIE_RANDOM_PAGES: u64 = 1 << 25;
/// Arguments and environment may take a quarter of the stack, as on Linux.
const ARGUMENT_SHARE: u64 = 4;
/// A page's worth: more zeros than the end of a segment's last page can need.
const ZEROS: [u8; PAGE_LEN] = [0; PAGE_LEN];

/// A program that can be entered.
#[derive(Debug)]
pub struct Loaded {
    /// Its memory.
    pub space: UserSpace,
    /// Where it starts.
    pub entry: u64,
    /// Where its stack pointer is then.
    pub stack_pointer: u64,
}

/// Why a program could not be loaded.
#[derive(Debug)]
pub enum LoadError {
    /// The file is no program that can run here.
    Elf(ElfError),
    /// Its segments do not fit.
    Map(Error),
    /// Arguments and environment are too large, or malformed.
    Stack(StackError),
    /// It does not fit into the memory that it may have.
    LimitExceeded,
    /// No memory is left.
    OutOfMemory,
}

impl From<OutOfMemory> for LoadError {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

impl From<FaultError> for LoadError {
    fn from(error: FaultError) -> Self {
        match error {
            FaultError::LimitExceeded | FaultError::QuotaExceeded => Self::LimitExceeded,
            // Segments lie in areas that were just made for them.
            FaultError::OutOfMemory
            | FaultError::Violation(_)
            | FaultError::BeyondFile
            | FaultError::NoRoom => Self::OutOfMemory,
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elf(error) => error.fmt(f),
            Self::Map(error) => write!(f, "its segments cannot be mapped: {error}"),
            Self::Stack(error) => error.fmt(f),
            Self::LimitExceeded => f.write_str("it does not fit into its memory limit"),
            Self::OutOfMemory => f.write_str("no memory is left"),
        }
    }
}

/// What a program is started with.
#[derive(Debug)]
pub struct Start<'a> {
    /// Its path.
    pub path: &'a [u8],
    /// Its arguments, its name first.
    pub arguments: &'a [&'a [u8]],
    /// Its environment, as `NAME=value`.
    pub environment: &'a [&'a [u8]],
    /// User and group that it runs as.
    pub uid: u32,
    /// See `uid`.
    pub gid: u32,
    /// The most memory that it may have.
    pub memory_bytes: u64,
    /// The largest stack that it may have.
    pub stack_bytes: u64,
    /// The pages of the set that it belongs to.
    pub group: Option<Arc<PageGroup>>,
}

/// Makes an address space with the program in it, and its stack.
///
/// # Errors
/// See [`LoadError`]; nothing remains of the space.
pub fn load(file: &FileBytes, start: &Start<'_>) -> Result<Loaded, LoadError> {
    let mut head = Vec::new();
    head.try_reserve_exact(HEAD_BYTES).map_err(|_| LoadError::OutOfMemory)?;
    head.resize(HEAD_BYTES, 0);
    let count = file.read(0, &mut head);
    let options = LoadOptions {
        user: Layout::USER,
        pie_base: PIE_BASE + random::number() % PIE_RANDOM_PAGES * PAGE_BYTES,
        write_execute: WriteExecute::Refused,
    };
    let plan = LoadPlan::new(&head[..count], file.len(), &options).map_err(LoadError::Elf)?;
    let group = start.group.clone();
    let mut space = UserSpace::new(random::number(), start.memory_bytes, start.stack_bytes, group)?;
    space.code_bytes = code_bytes(&plan);
    map_segments(&space, file, &plan)?;
    space.set_heap_start(heap_start(plan.brk_start, random::number()));
    let stack_pointer = make_stack(&space, start, &plan)?;
    if let FileBytes::File(file) = file {
        space.set_executable(Arc::clone(file));
    }
    Ok(Loaded { space, entry: plan.entry, stack_pointer })
}

/// A place for the heap behind a program's last byte, chosen by `random`: as far as the same page table
/// leads, so that a small heap needs none of its own.
fn heap_start(program_end: u64, random: u64) -> u64 {
    /// What one page table leads to.
    const TABLE_BYTES: u64 = 2 << 20;
    /// Fewer bytes than these leave nothing to choose from: then the next table, too.
    const LEAST_BYTES: u64 = 256 << 10;
    let end = program_end.saturating_add(LEAST_BYTES).next_multiple_of(TABLE_BYTES);
    let places = (end - program_end) / PAGE_BYTES;
    program_end + random % places * PAGE_BYTES
}

/// From the first segment that can be executed to the end of the last.
fn code_bytes(plan: &LoadPlan) -> u64 {
    let code = || {
        let is_code = |segment: &&Segment| segment.protection.contains(Protection::EXECUTE);
        plan.segments.iter().filter(is_code)
    };
    let start = code().map(|segment| segment.range.start()).min().unwrap_or(0);
    let end = code().map(|segment| segment.range.end()).max().unwrap_or(0);
    end.saturating_sub(start)
}

fn map_segments(space: &UserSpace, file: &FileBytes, plan: &LoadPlan) -> Result<(), LoadError> {
    let map = |start: u64, length: u64, protection, kind| {
        space
            .map(
                MapRequest {
                    length,
                    placement: Placement::Fixed(start),
                    protection,
                    max_protection: Protection::ALL,
                    kind,
                    is_locked: false,
                },
                Bounds::NONE,
            )
            .map_err(LoadError::Map)
    };
    for segment in &plan.segments {
        if let Some(pages) = segment.file_pages() {
            let backing = Backing { file: Object::File(file.clone()), offset: segment.file_offset };
            // The bytes behind the file's part become zeros while nobody can see them.
            map(pages.start(), pages.bytes(), segment.protection, Kind::PrivateFile(backing))?;
            if let Some(zeros) = segment.zero_bytes() {
                let count = usize::try_from(zeros.end - zeros.start).unwrap_or(0);
                space.write(zeros.start, &ZEROS[..count.min(ZEROS.len())])?;
            }
        }
        if let Some(pages) = segment.zero_pages() {
            map(pages.start(), pages.bytes(), segment.protection, Kind::Anonymous)?;
        }
    }
    Ok(())
}

fn make_stack(space: &UserSpace, start: &Start<'_>, plan: &LoadPlan) -> Result<u64, LoadError> {
    let top = space.map_locked().layout().stack_top;
    let mut random_bytes = [0; 16];
    random::fill(&mut random_bytes);
    let image = InitialStack {
        arguments: start.arguments,
        environment: start.environment,
        executable: start.path,
        random: random_bytes,
        auxiliary: Auxiliary {
            phdr_address: plan.phdr_address.unwrap_or(0),
            phdr_entry_bytes: plan.phdr_entry_bytes,
            phdr_count: plan.phdr_count,
            interpreter_base: 0,
            entry: plan.entry,
            uid: (start.uid, start.uid),
            gid: (start.gid, start.gid),
            is_secure: false,
            hardware_capabilities: hal::cpu::features::linux_hwcap(),
            signal_stack_bytes: SIGNAL_STACK_BYTES,
            vdso_address: vdso::map(space, top, random::number())?,
        },
    }
    .build(top, usize::try_from(start.stack_bytes / ARGUMENT_SHARE).unwrap_or(usize::MAX))
    .map_err(LoadError::Stack)?;
    let needed = (image.bytes.len() as u64).next_multiple_of(PAGE_BYTES);
    let length = FIRST_STACK_BYTES.max(needed + PAGE_BYTES).min(start.stack_bytes);
    space
        .map(
            MapRequest {
                length,
                // The program's image may be linked to just there.
                placement: Placement::FixedNoReplace(top - length),
                protection: Protection::READ_WRITE,
                max_protection: Protection::ALL,
                kind: Kind::Stack,
                is_locked: false,
            },
            Bounds::NONE,
        )
        .map_err(LoadError::Map)?;
    space.write(image.stack_pointer, &image.bytes)?;
    Ok(image.stack_pointer)
}

/// Bytes of a signal frame with the x87 and SSE state: what `sigaltstack` needs at least.
const SIGNAL_STACK_BYTES: u64 = 2048;

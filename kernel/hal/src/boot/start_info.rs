//! What the boot loader tells: memory map, command line, modules, ACPI's root pointer.
//! Source: the PVH boot ABI, xen/include/public/arch-x86/hvm/start_info.h.

use crate::paging::layout::direct;

const MAGIC: u32 = 0x336e_c578;
/// Ranges of the memory map that are kept; QEMU gives about ten.
pub(crate) const MAX_RANGES: usize = 64;
/// Longest command line that is kept, in bytes.
pub(crate) const MAX_COMMAND_LINE: usize = 2048;

#[repr(C)]
struct StartInfo {
    magic: u32,
    version: u32,
    flags: u32,
    module_count: u32,
    module_list: u64,
    command_line: u64,
    rsdp: u64,
    memory_map: u64,
    memory_map_entries: u32,
    reserved: u32,
}

#[repr(C)]
struct Module {
    address: u64,
    size: u64,
    command_line: u64,
    reserved: u64,
}

#[repr(C)]
struct MemoryMapEntry {
    address: u64,
    size: u64,
    kind: u32,
    reserved: u32,
}

/// A range of physical memory, `start..end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// What is needed of it, copied out, because the memory it lies in is given away.
pub(crate) struct BootFacts {
    pub(crate) usable: [Range; MAX_RANGES],
    pub(crate) usable_count: usize,
    /// End of the highest usable range.
    pub(crate) memory_end: u64,
    pub(crate) initrd: Range,
    pub(crate) rsdp: u64,
    pub(crate) command_line: [u8; MAX_COMMAND_LINE],
    pub(crate) command_line_len: usize,
}

impl BootFacts {
    pub(crate) fn usable(&self) -> &[Range] {
        &self.usable[..self.usable_count]
    }
}

/// Reads the loader's structures, or none if `address` does not point to them.
///
/// # Safety
/// `address` is what the loader left in `ebx`, the provisional direct map of the first 4 GiB is
/// loaded, and nothing has been written to memory outside the image yet.
pub(crate) unsafe fn read(address: u64) -> Option<BootFacts> {
    // SAFETY: the loader put the structure there, below 4 GiB.
    let info = unsafe { &*(direct(address) as *const StartInfo) };
    if info.magic != MAGIC {
        return None;
    }
    let mut facts = BootFacts {
        usable: [Range::default(); MAX_RANGES],
        usable_count: 0,
        memory_end: 0,
        initrd: Range::default(),
        rsdp: info.rsdp,
        command_line: [0; MAX_COMMAND_LINE],
        command_line_len: 0,
    };
    if info.version >= 1 {
        for index in 0..u64::from(info.memory_map_entries) {
            let at = info.memory_map + index * size_of::<MemoryMapEntry>() as u64;
            // SAFETY: the entry is within the table that the loader describes.
            let entry = unsafe { &*(direct(at) as *const MemoryMapEntry) };
            let start = entry.address.next_multiple_of(4096);
            let end = entry.address.saturating_add(entry.size) & !4095;
            if entry.kind == 1 && start < end && facts.usable_count < MAX_RANGES {
                facts.usable[facts.usable_count] = Range { start, end };
                facts.usable_count += 1;
                facts.memory_end = facts.memory_end.max(end);
            }
        }
    }
    if info.module_count > 0 {
        // SAFETY: the loader says that there is at least one module.
        let module = unsafe { &*(direct(info.module_list) as *const Module) };
        facts.initrd =
            Range { start: module.address, end: module.address.saturating_add(module.size) };
    }
    if info.command_line != 0 {
        let text = direct(info.command_line) as *const u8;
        while facts.command_line_len < MAX_COMMAND_LINE {
            let at = text.wrapping_add(facts.command_line_len);
            // SAFETY: the text ends with a zero byte, at which the loop stops.
            let byte = unsafe { at.read() };
            if byte == 0 {
                break;
            }
            facts.command_line[facts.command_line_len] = byte;
            facts.command_line_len += 1;
        }
    }
    Some(facts)
}

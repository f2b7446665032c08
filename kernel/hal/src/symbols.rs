//! Names for addresses, from the table that the build puts beside the kernel into the initial file
//! system (`boot/kernel.symbols`; xtask's `symbols.rs` describes the format). It is read in place,
//! with every offset checked, because it is read in a panic.

use core::fmt::Write;

use spin::Once;

use crate::serial::Serial;

static TABLE: Once<&'static [u8]> = Once::new();

const MAGIC: &[u8; 8] = b"MOSYMS01";
const HEADER_BYTES: usize = 48;
const ENTRY_BYTES: usize = 12;

unsafe extern "C" {
    safe static __build_id_start: u8;
    safe static __build_id_end: u8;
}

/// Says where the table lies. A table of another build is refused.
///
/// # Errors
/// When it is no such table, or its build id is not this kernel's.
pub fn install(table: &'static [u8]) -> Result<(), WrongTable> {
    let id = table.get(24..44).ok_or(WrongTable)?;
    if !table.starts_with(MAGIC) || !own_build_id().ends_with(id) {
        return Err(WrongTable);
    }
    TABLE.call_once(|| table);
    Ok(())
}

/// The symbol table is not this kernel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongTable;

/// The note with the build id that the linker made; the id is at its end.
fn own_build_id() -> &'static [u8] {
    let start = &raw const __build_id_start;
    let len = (&raw const __build_id_end).addr() - start.addr();
    // SAFETY: the linker script puts the note between the two symbols.
    unsafe { core::slice::from_raw_parts(start, len) }
}

/// The function that an address lies in, and how far.
#[must_use]
pub fn find(address: u64) -> Option<(&'static str, u64)> {
    let table = *TABLE.get()?;
    let number = |at: usize| {
        table.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes)
    };
    let base = u64::from_le_bytes(table.get(8..16)?.try_into().ok()?);
    let count = number(16)? as usize;
    let offset = u32::try_from(address.checked_sub(base)?).ok()?;
    let entry = |index: usize, field: usize| number(HEADER_BYTES + index * ENTRY_BYTES + 4 * field);
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if entry(middle, 0)? <= offset {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let index = low.checked_sub(1)?;
    let into = offset - entry(index, 0)?;
    let names = table.get(HEADER_BYTES + count * ENTRY_BYTES..)?;
    let start = entry(index, 2)? as usize;
    let end = if index + 1 < count { entry(index + 1, 2)? as usize } else { names.len() };
    let name = core::str::from_utf8(names.get(start..end)?).ok()?;
    Some((name, u64::from(into)))
}

pub(crate) fn write_line(serial: &mut Serial, address: u64) {
    // A serial port takes every byte: there is no error to handle.
    let _ = match find(address) {
        Some((name, offset)) => writeln!(serial, "  {address:#018x} {name}+{offset:#x}"),
        None => writeln!(serial, "  {address:#018x}"),
    };
}

//! The kernel's symbol table, as it lies in the initial file system at `boot/kernel.symbols`.
//!
//! The panic handler reads it in place: no allocation, a binary search over entries of one size.
//! All numbers are little-endian.
//!
//! | offset | what |
//! |---|---|
//! | 0 | the eight bytes `MOSYMS01` |
//! | 8 | `u64` base: the address that the entries count from |
//! | 16 | `u32` number of entries |
//! | 20 | `u32` length of the names in bytes |
//! | 24 | the kernel's 20-byte build id (its GNU note): a table of another kernel is not to be believed |
//! | 44 | four bytes, zero |
//! | 48 | the entries, sorted by address: `u32` offset from the base, `u32` size in bytes, `u32` where its name begins among the names |
//! | 48 + 12 × entries | the names, in UTF-8, one after the other: a name ends where the next entry's begins, the last one where the names end |

use crate::failure::{Failure, Result};
use elf::ElfBytes;
use elf::abi::{PT_NOTE, STT_FUNC};
use elf::endian::LittleEndian;
use elf::note::Note;

/// What the table begins with.
pub const MAGIC: &[u8; 8] = b"MOSYMS01";
/// Bytes before the first entry.
pub const HEADER_BYTES: usize = 48;
/// Bytes of one entry.
pub const ENTRY_BYTES: usize = 12;
/// Bytes of a build id (SHA-1).
pub const BUILD_ID_BYTES: usize = 20;

/// One function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Symbol {
    address: u64,
    size: u64,
    name: String,
}

/// Makes the table of the kernel in `elf`.
///
/// # Errors
/// When it is no ELF file with a symbol table and a build id, or is spread over more than 4 GiB.
pub fn table(elf: &[u8]) -> Result<Vec<u8>> {
    let bad = |error| Failure::new(format!("the kernel is no readable ELF file: {error}"));
    let file = ElfBytes::<LittleEndian>::minimal_parse(elf).map_err(bad)?;
    let build_id = build_id(&file)
        .ok_or_else(|| Failure::new("the kernel has no build id of 20 bytes (--build-id=sha1)"))?;
    let symbols = functions(&file)
        .filter(|symbols| !symbols.is_empty())
        .ok_or_else(|| Failure::new("the kernel has no symbol table"))?;
    encode(build_id, &symbols)
        .ok_or_else(|| Failure::new("the kernel's functions are spread over more than 4 GiB"))
}

/// The functions of a kernel, to be found by an address inside of them.
#[derive(Debug)]
pub struct Names {
    symbols: Vec<Symbol>,
}

impl Names {
    /// Reads those of the kernel in `elf`.
    ///
    /// # Errors
    /// When it is no ELF file with a symbol table.
    pub fn of(elf: &[u8]) -> Result<Self> {
        let bad = |error| Failure::new(format!("the kernel is no readable ELF file: {error}"));
        let file = ElfBytes::<LittleEndian>::minimal_parse(elf).map_err(bad)?;
        let symbols = functions(&file);
        let symbols = symbols.ok_or_else(|| Failure::new("the kernel has no symbol table"))?;
        Ok(Self { symbols })
    }

    /// The function that `address` lies in; behind its end still counts, since what is written in
    /// assembly has no size.
    #[must_use]
    pub fn find(&self, address: u64) -> Option<&str> {
        let behind = self.symbols.partition_point(|symbol| symbol.address <= address);
        self.symbols.get(behind.checked_sub(1)?).map(|symbol| symbol.name.as_str())
    }
}

/// The build id among the notes, if there is one of the expected length.
fn build_id(file: &ElfBytes<'_, LittleEndian>) -> Option<[u8; BUILD_ID_BYTES]> {
    let segments = file.segments()?.iter().filter(|segment| segment.p_type == PT_NOTE);
    let notes = segments.filter_map(|segment| file.segment_data_as_notes(&segment).ok());
    notes.flatten().find_map(|note| match note {
        Note::GnuBuildId(id) => id.0.try_into().ok(),
        Note::GnuAbiTag(_) | Note::Unknown(_) => None,
    })
}

/// All functions, sorted by address; of several names of one address the shortest wins.
fn functions(file: &ElfBytes<'_, LittleEndian>) -> Option<Vec<Symbol>> {
    let (symbols, names) = file.symbol_table().ok()??;
    let mut found: Vec<Symbol> = symbols
        .iter()
        .filter(|symbol| symbol.st_symtype() == STT_FUNC && !symbol.is_undefined())
        .filter_map(|symbol| {
            let raw = names.get(usize::try_from(symbol.st_name).ok()?).ok()?;
            let name = format!("{:#}", rustc_demangle::demangle(raw));
            Some(Symbol { address: symbol.st_value, size: symbol.st_size, name })
        })
        .filter(|symbol| !symbol.name.is_empty())
        .collect();
    found.sort_by(|a, b| {
        (a.address, a.name.len(), &a.name).cmp(&(b.address, b.name.len(), &b.name))
    });
    found.dedup_by_key(|symbol| symbol.address);
    Some(found)
}

fn encode(build_id: [u8; BUILD_ID_BYTES], symbols: &[Symbol]) -> Option<Vec<u8>> {
    let base = symbols.first()?.address;
    let names_len: usize = symbols.iter().map(|symbol| symbol.name.len()).sum();
    let mut out = Vec::with_capacity(HEADER_BYTES + symbols.len() * ENTRY_BYTES + names_len);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&base.to_le_bytes());
    out.extend_from_slice(&u32::try_from(symbols.len()).ok()?.to_le_bytes());
    out.extend_from_slice(&u32::try_from(names_len).ok()?.to_le_bytes());
    out.extend_from_slice(&build_id);
    out.resize(HEADER_BYTES, 0);
    let mut name_offset = 0u32;
    for symbol in symbols {
        let offset = u32::try_from(symbol.address - base).ok()?;
        let size = u32::try_from(symbol.size).ok()?;
        for field in [offset, size, name_offset] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        name_offset = name_offset.checked_add(u32::try_from(symbol.name.len()).ok()?)?;
    }
    for symbol in symbols {
        out.extend_from_slice(symbol.name.as_bytes());
    }
    Some(out)
}

#[cfg(test)]
mod tests;

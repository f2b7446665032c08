//! Why a file can't be loaded: [`ElfError`].

use core::fmt;

use super::plan::MAX_PROGRAM_HEADERS;

/// What is wrong with the file. A segment is named by its place in the program header table,
/// counted from 0, as `readelf -l` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElfError {
    /// It is not an ELF file: too short, or without the magic number.
    NotElf,
    /// The class is not 64-bit.
    WrongClass {
        /// `EI_CLASS`.
        class: u8,
    },
    /// The byte order is not little endian.
    WrongByteOrder {
        /// `EI_DATA`.
        data: u8,
    },
    /// The version is not 1.
    WrongVersion {
        /// `EI_VERSION`.
        version: u8,
    },
    /// It is for another operating system.
    WrongSystem {
        /// `EI_OSABI`.
        osabi: u8,
    },
    /// It is for another processor.
    WrongMachine {
        /// `e_machine`.
        machine: u16,
    },
    /// It is an object file, a core dump or the like.
    NotExecutable {
        /// `e_type`.
        kind: u16,
    },
    /// The file header or the program headers reach beyond the file's end.
    Truncated {
        /// How long the file would have to be.
        needed_bytes: u64,
        /// How long it is.
        file_bytes: u64,
    },
    /// The program headers lie behind the part of the file that was read.
    HeadersTooFarBack {
        /// How much would have to be read.
        needed_bytes: u64,
    },
    /// The program headers have another size than x86_64's.
    WrongHeaderSize {
        /// `e_phentsize`.
        bytes: u16,
    },
    /// There are more program headers than [`MAX_PROGRAM_HEADERS`].
    TooManyHeaders {
        /// `e_phnum`.
        count: u16,
    },
    /// It needs a dynamic linker.
    HasInterpreter,
    /// Nothing is to be loaded.
    NoSegments,
    /// A segment has more bytes in the file than in memory.
    FileLargerThanMemory {
        /// The segment.
        index: usize,
    },
    /// A segment's bytes reach beyond the file's end.
    OutsideFile {
        /// The segment.
        index: usize,
    },
    /// A segment's addresses wrap, or leave the user's part of the address space.
    OutsideUserSpace {
        /// The segment.
        index: usize,
    },
    /// A segment lies at different places within a page in the file and in memory.
    Misaligned {
        /// The segment.
        index: usize,
    },
    /// A segment's alignment is not a power of two.
    WrongAlignment {
        /// The segment.
        index: usize,
        /// `p_align`.
        alignment: u64,
    },
    /// A segment starts below the one before it.
    OutOfOrder {
        /// The segment.
        index: usize,
    },
    /// A segment starts in a page of the one before it.
    Overlap {
        /// The segment.
        index: usize,
    },
    /// A segment is writable and executable, which the policy refuses.
    WriteExecute {
        /// The segment.
        index: usize,
    },
    /// The first instruction is not in an executable segment.
    EntryNotExecutable {
        /// `e_entry`, moved to where the program is loaded.
        entry: u64,
    },
    /// The kernel has no memory for the plan.
    OutOfMemory,
}

impl fmt::Display for ElfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotElf => f.write_str("not an ELF file"),
            Self::WrongClass { class } => {
                write!(f, "not a 64-bit ELF file (class {class}, needed is 2)")
            }
            Self::WrongByteOrder { data } => {
                write!(f, "not a little-endian ELF file (data {data}, needed is 1)")
            }
            Self::WrongVersion { version } => write!(f, "ELF version {version}, needed is 1"),
            Self::WrongSystem { osabi } => {
                write!(f, "for another operating system (OS/ABI {osabi}, needed is 0 or 3)")
            }
            Self::WrongMachine { machine } => {
                write!(f, "for another processor (machine {machine}, needed is 62, x86_64)")
            }
            Self::NotExecutable { kind } => {
                write!(f, "not an executable (type {kind}, needed is 2 or 3)")
            }
            Self::Truncated { needed_bytes, file_bytes } => {
                write!(f, "the headers need {needed_bytes} bytes, the file has {file_bytes}")
            }
            Self::HeadersTooFarBack { needed_bytes } => {
                write!(f, "the program headers end at byte {needed_bytes}, too far back")
            }
            Self::WrongHeaderSize { bytes } => {
                write!(f, "program headers of {bytes} bytes, needed are 56")
            }
            Self::TooManyHeaders { count } => {
                write!(f, "{count} program headers, at most {MAX_PROGRAM_HEADERS} are taken")
            }
            Self::HasInterpreter => {
                f.write_str("dynamically linked: it needs an interpreter; link it statically")
            }
            Self::NoSegments => f.write_str("no segment to load"),
            Self::FileLargerThanMemory { index } => {
                write!(f, "segment {index} is larger in the file than in memory")
            }
            Self::OutsideFile { index } => write!(f, "segment {index} reaches beyond the file"),
            Self::OutsideUserSpace { index } => write!(f, "segment {index} is not in user space"),
            Self::Misaligned { index } => {
                write!(f, "segment {index}: offset and address differ within the page")
            }
            Self::WrongAlignment { index, alignment } => {
                write!(f, "segment {index}: alignment {alignment:#x} is no power of two")
            }
            Self::OutOfOrder { index } => {
                write!(f, "segment {index} starts below the one before it")
            }
            Self::Overlap { index } => write!(f, "segment {index} overlaps the one before it"),
            Self::WriteExecute { index } => {
                write!(f, "segment {index} is writable and executable")
            }
            Self::EntryNotExecutable { entry } => {
                write!(f, "the entry {entry:#x} is not in an executable segment")
            }
            Self::OutOfMemory => f.write_str("no kernel memory for the load plan"),
        }
    }
}

impl core::error::Error for ElfError {}

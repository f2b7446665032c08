//! Calls on memory: `mmap`, `mprotect`, `mremap`, `madvise`.

use crate::arguments::Arguments;
use crate::errno::Errno;
use crate::flags::flags;

/// Bytes in a page.
pub const PAGE_BYTES: u64 = 4096;

flags! {
    /// `PROT_*`: what a program may do with pages.
    pub struct Prot(u32) {
        /// Read.
        READ = 1,
        /// Write.
        WRITE = 2,
        /// Execute.
        EXEC = 4,
    }
}

flags! {
    /// `MAP_*`, without the two bits that say whether a mapping is shared.
    pub struct MapFlags(u32) {
        /// Just at this address; what is there is replaced.
        FIXED = 0x10,
        /// Not a file: zeros.
        ANONYMOUS = 0x20,
        /// Below 2 GiB.
        BITS_32 = 0x40,
        /// Grows downwards, as a stack.
        GROWSDOWN = 0x100,
        /// Without effect.
        DENYWRITE = 0x800,
        /// Without effect.
        EXECUTABLE = 0x1000,
        /// Can't be paged out.
        LOCKED = 0x2000,
        /// Not counted as committed.
        NORESERVE = 0x4000,
        /// Fill in the pages at once.
        POPULATE = 0x8000,
        /// Do not wait while filling in.
        NONBLOCK = 0x1_0000,
        /// Meant for a stack; without effect.
        STACK = 0x2_0000,
        /// With huge pages.
        HUGETLB = 0x4_0000,
        /// Write through to persistent memory.
        SYNC = 0x8_0000,
        /// Just at this address, if it is free.
        FIXED_NOREPLACE = 0x10_0000,
    }
}

impl MapFlags {
    /// Seen by others (`MAP_SHARED`).
    pub const SHARED: u32 = 1;
    /// Not seen by others (`MAP_PRIVATE`).
    pub const PRIVATE: u32 = 2;
    /// Shared, and unknown flags are refused (`MAP_SHARED_VALIDATE`).
    pub const SHARED_VALIDATE: u32 = 3;

    const TYPE_MASK: u32 = 0xf;
}

/// `mmap(address, length, prot, flags, fd, offset)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mmap {
    /// The address wished for, or demanded; 0 for none.
    pub address: u64,
    /// Bytes, not 0.
    pub length: u64,
    /// What the program may do.
    pub prot: Prot,
    /// Whether others see what is written.
    pub is_shared: bool,
    /// The other flags.
    pub flags: MapFlags,
    /// What is mapped.
    pub source: MmapSource,
}

/// What `mmap` maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MmapSource {
    /// Zeros.
    Anonymous,
    /// A file.
    File {
        /// The descriptor.
        fd: i32,
        /// Where in the file, a multiple of the page size.
        offset: u64,
    },
}

impl Mmap {
    /// Reads the arguments.
    ///
    /// # Errors
    /// EINVAL for an unaligned offset or demanded address, no length, or neither shared nor
    /// private; EOPNOTSUPP for flags that `MAP_SHARED_VALIDATE` asks to be checked and that are
    /// not known. Otherwise unknown flags are passed over, as Linux does.
    pub fn decode(arguments: &Arguments) -> Result<Self, Errno> {
        let offset = arguments.word(5);
        let length = arguments.word(1);
        if !offset.is_multiple_of(PAGE_BYTES) || length == 0 {
            return Err(Errno::EINVAL);
        }
        let bits = arguments.unsigned(3);
        let flags = MapFlags::from_bits_truncate(bits);
        let is_shared = match bits & MapFlags::TYPE_MASK {
            MapFlags::PRIVATE => false,
            MapFlags::SHARED => true,
            MapFlags::SHARED_VALIDATE => {
                MapFlags::from_bits(bits & !MapFlags::TYPE_MASK).ok_or(Errno::EOPNOTSUPP)?;
                true
            }
            _ => return Err(Errno::EINVAL),
        };
        let address = arguments.word(0);
        let is_fixed = flags.intersects(MapFlags::FIXED | MapFlags::FIXED_NOREPLACE);
        if is_fixed && !address.is_multiple_of(PAGE_BYTES) {
            return Err(Errno::EINVAL);
        }
        let source = if flags.contains(MapFlags::ANONYMOUS) {
            MmapSource::Anonymous
        } else {
            MmapSource::File { fd: arguments.int(4), offset }
        };
        let prot = Prot::from_bits_truncate(arguments.unsigned(2));
        Ok(Self { address, length, prot, is_shared, flags, source })
    }
}

/// `mprotect(address, length, prot)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mprotect {
    /// Where, a multiple of the page size.
    pub address: u64,
    /// Bytes; 0 does nothing.
    pub length: u64,
    /// What the program may do from now on.
    pub prot: Prot,
}

impl Mprotect {
    /// Reads the arguments.
    ///
    /// # Errors
    /// EINVAL for an unaligned address or an unknown protection; `PROT_SEM` is taken and has no
    /// effect, as on Linux.
    pub fn decode(arguments: &Arguments) -> Result<Self, Errno> {
        const PROT_SEM: u32 = 8;
        let address = arguments.word(0);
        if !address.is_multiple_of(PAGE_BYTES) {
            return Err(Errno::EINVAL);
        }
        let prot = Prot::from_bits(arguments.unsigned(2) & !PROT_SEM).ok_or(Errno::EINVAL)?;
        Ok(Self { address, length: arguments.word(1), prot })
    }
}

/// `mremap(old_address, old_length, new_length, flags, new_address)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mremap {
    /// Where it is, a multiple of the page size.
    pub old_address: u64,
    /// Bytes now.
    pub old_length: u64,
    /// Bytes then, not 0.
    pub new_length: u64,
    /// Where it may be then.
    pub placement: MremapPlacement,
}

/// Where `mremap` may put a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MremapPlacement {
    /// Only where it is.
    InPlace,
    /// Anywhere (`MREMAP_MAYMOVE`).
    MayMove,
    /// Only here (`MREMAP_FIXED`).
    Fixed(u64),
}

impl Mremap {
    /// The mapping may move (`MREMAP_MAYMOVE`).
    pub const MAYMOVE: u32 = 1;
    /// The mapping has to move to the new address (`MREMAP_FIXED`).
    pub const FIXED: u32 = 2;

    /// Reads the arguments.
    ///
    /// # Errors
    /// EINVAL for unaligned addresses, no new length, and unknown flags or combinations of them;
    /// `MREMAP_DONTUNMAP` is not known.
    pub fn decode(arguments: &Arguments) -> Result<Self, Errno> {
        const BOTH: u32 = Mremap::MAYMOVE | Mremap::FIXED;
        let new_address = arguments.word(4);
        let placement = match arguments.unsigned(3) {
            0 => MremapPlacement::InPlace,
            Self::MAYMOVE => MremapPlacement::MayMove,
            BOTH if new_address.is_multiple_of(PAGE_BYTES) => MremapPlacement::Fixed(new_address),
            _ => return Err(Errno::EINVAL),
        };
        let (old_address, old_length, new_length) =
            (arguments.word(0), arguments.word(1), arguments.word(2));
        if !old_address.is_multiple_of(PAGE_BYTES) || new_length == 0 {
            return Err(Errno::EINVAL);
        }
        Ok(Self { old_address, old_length, new_length, placement })
    }
}

/// `madvise(address, length, advice)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Madvise {
    /// Where, a multiple of the page size.
    pub address: u64,
    /// Bytes; 0 does nothing.
    pub length: u64,
    /// What about it.
    pub advice: Advice,
}

/// What `madvise` says about pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// How they will be used: a kernel may pass over it.
    Hint,
    /// Their content is not needed: private ones are zeros when touched again (`MADV_DONTNEED`).
    DontNeed,
    /// The same, but it may happen later (`MADV_FREE`).
    Free,
    /// A forked child does not get them (`MADV_DONTFORK`).
    DontFork,
    /// A forked child gets them (`MADV_DOFORK`).
    DoFork,
    /// A forked child gets them empty (`MADV_WIPEONFORK`).
    WipeOnFork,
    /// A forked child gets them with their content (`MADV_KEEPONFORK`).
    KeepOnFork,
    /// Their content is needed by nobody who shares them (`MADV_REMOVE`).
    Remove,
    /// Fill them in for reading (`MADV_POPULATE_READ`).
    PopulateRead,
    /// Fill them in for writing (`MADV_POPULATE_WRITE`).
    PopulateWrite,
}

impl Madvise {
    /// Reads the arguments.
    ///
    /// # Errors
    /// EINVAL for an unaligned address or an unknown advice.
    pub fn decode(arguments: &Arguments) -> Result<Self, Errno> {
        let address = arguments.word(0);
        if !address.is_multiple_of(PAGE_BYTES) {
            return Err(Errno::EINVAL);
        }
        let advice = match arguments.int(2) {
            // NORMAL, RANDOM, SEQUENTIAL, WILLNEED; MERGEABLE, UNMERGEABLE, HUGEPAGE, NOHUGEPAGE,
            // DONTDUMP, DODUMP; COLD and PAGEOUT.
            0..=3 | 12..=17 | 20 | 21 => Advice::Hint,
            4 => Advice::DontNeed,
            8 => Advice::Free,
            9 => Advice::Remove,
            10 => Advice::DontFork,
            11 => Advice::DoFork,
            18 => Advice::WipeOnFork,
            19 => Advice::KeepOnFork,
            22 => Advice::PopulateRead,
            23 => Advice::PopulateWrite,
            _ => return Err(Errno::EINVAL),
        };
        Ok(Self { address, length: arguments.word(1), advice })
    }
}

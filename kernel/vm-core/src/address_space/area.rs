//! What one area of an address space is: [`Area`], with its [`PageRange`], [`Protection`] and
//! [`Kind`].

use core::fmt;

/// Bytes in one page.
pub const PAGE_BYTES: u64 = 4096;

/// What stays free below a stack, so that overflowing it hits nothing (Linux's
/// `stack_guard_gap`).
pub const STACK_GUARD_BYTES: u64 = 256 * PAGE_BYTES;

/// A non-empty range of whole pages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PageRange {
    start: u64,
    end: u64,
}

impl PageRange {
    /// From a page-aligned start to a page-aligned end behind it; `None` for anything else.
    #[must_use]
    pub const fn new(start: u64, end: u64) -> Option<Self> {
        let is_aligned = start.is_multiple_of(PAGE_BYTES) && end.is_multiple_of(PAGE_BYTES);
        if is_aligned && start < end { Some(Self { start, end }) } else { None }
    }

    /// The pages that a start and a length in bytes touch at their end: the length is rounded up.
    /// `None` if the start is not aligned, the length is zero or the range wraps.
    #[must_use]
    pub const fn with_length(start: u64, length: u64) -> Option<Self> {
        let Some(bytes) = length.checked_next_multiple_of(PAGE_BYTES) else { return None };
        match start.checked_add(bytes) {
            Some(end) => Self::new(start, end),
            None => None,
        }
    }

    /// Address of the first byte.
    #[must_use]
    pub const fn start(self) -> u64 {
        self.start
    }

    /// Address just behind the last byte.
    #[must_use]
    pub const fn end(self) -> u64 {
        self.end
    }

    /// Length in bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.end - self.start
    }

    /// Length in pages.
    #[must_use]
    pub const fn pages(self) -> u64 {
        self.bytes() / PAGE_BYTES
    }

    /// Whether the address lies within.
    #[must_use]
    pub const fn contains(self, address: u64) -> bool {
        self.start <= address && address < self.end
    }

    /// Whether the other range lies wholly within.
    #[must_use]
    pub const fn encloses(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// What both have in common.
    #[must_use]
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }
}

impl fmt::Debug for PageRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}..{:#x}", self.start, self.end)
    }
}

/// The start of the page that holds an address.
#[must_use]
pub const fn page_of(address: u64) -> u64 {
    address & !(PAGE_BYTES - 1)
}

/// What a program may do with a page. The bits are those of Linux's `PROT_*`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Protection(u8);

impl Protection {
    /// No access: a reservation or a guard.
    pub const NONE: Self = Self(0);
    /// May be read.
    pub const READ: Self = Self(1);
    /// May be written.
    pub const WRITE: Self = Self(2);
    /// May be executed.
    pub const EXECUTE: Self = Self(4);
    /// Read and write.
    pub const READ_WRITE: Self = Self(3);
    /// Read and execute.
    pub const READ_EXECUTE: Self = Self(5);
    /// Everything.
    pub const ALL: Self = Self(7);

    /// From `PROT_READ` (1), `PROT_WRITE` (2) and `PROT_EXEC` (4); `None` for any other bit.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits <= Self::ALL.0 { Some(Self(bits)) } else { None }
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Both together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The same, but for writing.
    #[must_use]
    pub const fn without_write(self) -> Self {
        Self(self.0 & !Self::WRITE.0)
    }

    /// Whether everything in `other` is allowed.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether a program may change what it executes.
    #[must_use]
    pub const fn is_write_execute(self) -> bool {
        self.contains(Self(Self::WRITE.0 | Self::EXECUTE.0))
    }

    /// Whether an access is allowed. As on Linux, a page that may be written or executed may be
    /// read: x86_64 can't tell these apart.
    #[must_use]
    pub const fn allows(self, access: Access) -> bool {
        match access {
            Access::Read => self.0 != 0,
            Access::Write => self.contains(Self::WRITE),
            Access::Execute => self.contains(Self::EXECUTE),
        }
    }
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = |flag, letter| if self.contains(flag) { letter } else { '-' };
        let (r, w) = (letter(Self::READ, 'r'), letter(Self::WRITE, 'w'));
        write!(f, "{r}{w}{}", letter(Self::EXECUTE, 'x'))
    }
}

/// How a program touched a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It read.
    Read,
    /// It wrote.
    Write,
    /// It fetched an instruction.
    Execute,
}

/// The file (or shared memory object) behind an area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backing<F> {
    /// The kernel's handle. Two handles are equal if they mean the same file.
    pub file: F,
    /// Where in the file the area starts, in bytes, a multiple of the page size.
    pub offset: u64,
}

/// What an area is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind<F> {
    /// Private memory that starts as zeros; with [`Protection::NONE`], a reservation or guard.
    Anonymous,
    /// Private memory that `brk` moves the end of.
    Heap,
    /// Private memory that grows downwards when touched below its start.
    Stack,
    /// Memory shared with the processes forked after it was made; the kernel's object holds it.
    SharedAnonymous(Backing<F>),
    /// A file's content; what is written stays with the process.
    PrivateFile(Backing<F>),
    /// A file's content; what is written goes to the file.
    SharedFile(Backing<F>),
}

impl<F> Kind<F> {
    /// The file or object behind the area.
    #[must_use]
    pub fn backing(&self) -> Option<&Backing<F>> {
        match self {
            Self::Anonymous | Self::Heap | Self::Stack => None,
            Self::SharedAnonymous(backing)
            | Self::PrivateFile(backing)
            | Self::SharedFile(backing) => Some(backing),
        }
    }

    pub(super) fn backing_mut(&mut self) -> Option<&mut Backing<F>> {
        match self {
            Self::Anonymous | Self::Heap | Self::Stack => None,
            Self::SharedAnonymous(backing)
            | Self::PrivateFile(backing)
            | Self::SharedFile(backing) => Some(backing),
        }
    }

    /// Whether what is written here is seen by other processes.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::SharedAnonymous(_) | Self::SharedFile(_))
    }
}

/// What `madvise` said about an area's fate in a forked child.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFork {
    /// The child gets the area as it is.
    #[default]
    Inherit,
    /// The child does not get the area (`MADV_DONTFORK`).
    Omit,
    /// The child gets the area empty (`MADV_WIPEONFORK`).
    Wipe,
}

/// A range of pages that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area<F> {
    /// The pages.
    pub range: PageRange,
    /// What the program may do.
    pub protection: Protection,
    /// The most that `protect` may allow: a shared file opened for reading can't become writable.
    pub max_protection: Protection,
    /// What it is made of.
    pub kind: Kind<F>,
    /// What a forked child gets.
    pub on_fork: OnFork,
    /// Whether `mlock` keeps the pages: they are not to be taken away on advice.
    pub is_locked: bool,
}

impl<F> Area<F> {
    /// Where the file's byte for an address in this area lies, if a file is behind it.
    #[must_use]
    pub fn file_offset(&self, address: u64) -> Option<u64> {
        let backing = self.kind.backing()?;
        backing.offset.checked_add(address.checked_sub(self.range.start)?)
    }

    /// Where the space that no other area should be placed in begins.
    pub(super) fn lower_bound(&self) -> u64 {
        match self.kind {
            Kind::Stack => self.range.start.saturating_sub(STACK_GUARD_BYTES),
            _ => self.range.start,
        }
    }

    /// Moves the start, and the place in the file with it.
    pub(super) fn set_range(&mut self, range: PageRange) {
        if let Some(backing) = self.kind.backing_mut() {
            backing.offset =
                backing.offset.wrapping_add(range.start.wrapping_sub(self.range.start));
        }
        self.range = range;
    }
}

impl<F: Clone + PartialEq> Area<F> {
    /// The part of the area within a range.
    #[must_use]
    pub fn part(&self, range: PageRange) -> Option<Self> {
        let mut part = self.clone();
        part.set_range(self.range.intersection(range)?);
        Some(part)
    }

    /// Whether `next` starts where this ends and differs in nothing else.
    pub(super) fn continues_in(&self, next: &Self) -> bool {
        let is_same_content = match (self.kind.backing(), next.kind.backing()) {
            (Some(mine), Some(other)) => {
                mine.file == other.file && self.file_offset(self.range.end) == Some(other.offset)
            }
            _ => true,
        };
        self.range.end == next.range.start
            && self.protection == next.protection
            && self.max_protection == next.max_protection
            && self.on_fork == next.on_fork
            && self.is_locked == next.is_locked
            && core::mem::discriminant(&self.kind) == core::mem::discriminant(&next.kind)
            && is_same_content
    }
}

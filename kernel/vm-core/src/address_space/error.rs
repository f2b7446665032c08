//! Why an operation on an address space was refused: [`Error`].

use core::fmt;

use super::area::{PageRange, Protection};
use super::tree::OutOfMemory;

/// Why nothing was changed. The error number that Linux answers stands with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The length is zero (EINVAL).
    ZeroLength,
    /// The address or offset is not a multiple of the page size (EINVAL).
    Unaligned {
        /// The address or offset.
        value: u64,
    },
    /// The range wraps or is not wholly within the user's part of the address space (ENOMEM; for
    /// `munmap` EINVAL).
    OutsideUserSpace {
        /// Where the range starts.
        start: u64,
        /// Its length in bytes.
        length: u64,
    },
    /// No free range is as long as this (ENOMEM).
    NoSpace {
        /// Bytes asked for.
        bytes: u64,
    },
    /// Something is mapped in the range (EEXIST).
    Occupied {
        /// The range.
        range: PageRange,
    },
    /// Part of the range is not mapped (ENOMEM; for `mremap` EFAULT).
    NotMapped {
        /// The first address that is not.
        address: u64,
    },
    /// The process would have more mapped than its limit (ENOMEM).
    AddressSpaceLimit {
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// The process would have more that is private and can be written than its limit (ENOMEM).
    DataLimit {
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// The process would have more locked than its limit (EAGAIN; for `mlock` ENOMEM).
    LockLimit {
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// The process would have more areas than its limit (ENOMEM).
    TooManyAreas {
        /// The limit.
        limit: usize,
    },
    /// The kernel has no memory for the map itself (ENOMEM).
    OutOfMemory,
    /// The policy refuses memory that is writable and executable (EACCES).
    WriteExecute,
    /// The file was not opened for what the protection allows (EACCES).
    BeyondMaximum {
        /// What was asked for.
        asked: Protection,
        /// The most that is allowed.
        maximum: Protection,
    },
    /// The range in the file wraps (EOVERFLOW).
    OffsetOverflow {
        /// Where in the file it starts.
        offset: u64,
        /// Its length in bytes.
        length: u64,
    },
    /// The old and the new range of a move overlap (EINVAL).
    OverlappingMove,
}

impl From<OutOfMemory> for Error {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroLength => f.write_str("the length is zero"),
            Self::Unaligned { value } => write!(f, "{value:#x} is not page-aligned"),
            Self::OutsideUserSpace { start, length } => {
                write!(f, "{length:#x} bytes from {start:#x} leave user space")
            }
            Self::NoSpace { bytes } => write!(f, "no free range of {bytes:#x} bytes"),
            Self::Occupied { range } => write!(f, "something is mapped in {range:?}"),
            Self::NotMapped { address } => write!(f, "nothing is mapped at {address:#x}"),
            Self::AddressSpaceLimit { limit_bytes } => {
                write!(f, "the address space is limited to {limit_bytes} bytes")
            }
            Self::DataLimit { limit_bytes } => {
                write!(f, "private memory that can be written is limited to {limit_bytes} bytes")
            }
            Self::LockLimit { limit_bytes } => {
                write!(f, "locked memory is limited to {limit_bytes} bytes")
            }
            Self::TooManyAreas { limit } => write!(f, "more than {limit} areas"),
            Self::OutOfMemory => f.write_str("no kernel memory for the map"),
            Self::WriteExecute => f.write_str("memory may not be writable and executable"),
            Self::BeyondMaximum { asked, maximum } => {
                write!(f, "{asked:?} is more than the file allows ({maximum:?})")
            }
            Self::OffsetOverflow { offset, length } => {
                write!(f, "{length:#x} bytes from {offset:#x} in the file wrap")
            }
            Self::OverlappingMove => f.write_str("the old and the new range overlap"),
        }
    }
}

impl core::error::Error for Error {}

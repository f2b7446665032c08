//! What goes wrong.

use core::fmt;

/// Why a disk is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError<E> {
    /// The disk failed.
    Disk(E),
    /// It is too small: the fewest sectors that are of use.
    TooSmall {
        /// So many.
        needed: u64,
    },
    /// It holds something else, which is left alone.
    Foreign,
    /// It is a store of another version.
    Version(u32),
    /// It is a store whose headers are damaged.
    Damaged,
    /// It is a store that was made on a larger disk.
    Shrunk {
        /// The sectors that it takes.
        needed: u64,
    },
}

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError<E> {
    /// The disk failed; after the next start of the store the change is not there, either.
    Disk(E),
    /// The disk failed, also when the change was to be taken back: whether it is there after the next start
    /// is not known. The next change that succeeds settles it.
    Unsettled(E),
    /// There is no room.
    Full {
        /// What the change takes beyond what is free, in bytes.
        missing_bytes: u64,
    },
    /// The key or the value is too long.
    TooLong,
}

impl<E: fmt::Display> fmt::Display for OpenError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(error) => error.fmt(f),
            Self::TooSmall { needed } => {
                write!(f, "it is too small: it would need {} KiB", needed.div_ceil(2))
            }
            Self::Foreign => f.write_str("it holds something else, which is left alone"),
            Self::Version(version) => {
                write!(f, "its layout is version {version}, which this system does not know")
            }
            Self::Damaged => f.write_str("its headers are damaged"),
            Self::Shrunk { needed } => {
                write!(
                    f,
                    "it was {} KiB when it was set up, and is smaller now",
                    needed.div_ceil(2)
                )
            }
        }
    }
}

impl<E: fmt::Display> fmt::Display for StoreError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(error) => error.fmt(f),
            Self::Unsettled(error) => {
                write!(f, "{error}; whether it is there after the next boot is not known")
            }
            Self::Full { missing_bytes } => {
                write!(f, "the disk is full: {missing_bytes} bytes more would be needed")
            }
            Self::TooLong => f.write_str("it is longer than what a disk keeps"),
        }
    }
}

//! The structures that system calls exchange with programs, byte for byte.
//!
//! Each has its size in `BYTES`, `to_bytes` and `from_bytes`: the kernel copies arrays of bytes in
//! and out, so that no padding leaks and no user memory is trusted to be a value. The offsets
//! written here and those of `repr(C)` are compared when this is compiled.

mod directory;
mod file;
mod process;
mod signal;
mod socket;
mod terminal;
mod time;

pub use directory::{DirectoryEntries, EntryKind, NotWritten};
pub use file::{EpollEvent, Flock, IoVec, PollFd, Stat, StatFs, Statx, StatxTime};
pub use process::{Rlimit64, Rusage, SegmentDescription, SysInfo, Tms, UtsName};
pub use signal::{
    SigAction, SigAltStack, SigContext, SigEvent, SigFrame, SigInfo, SignalFdInfo, UContext,
};
pub use socket::{CMsgHdr, Linger, MMsgHdr, MsgHdr, UCred};
pub use terminal::{Termios, Termios2, WinSize};
pub use time::{ItimerSpec, ItimerVal, Timespec, Timeval};

/// A value with a fixed place for each byte; little endian.
pub(crate) trait Layout: Sized {
    const SIZE: usize;

    /// Writes the value to a slice of `SIZE` bytes.
    fn store(&self, bytes: &mut [u8]);

    /// Reads a value from a slice of `SIZE` bytes.
    fn load(bytes: &[u8]) -> Self;
}

macro_rules! integers {
    ($($integer:ty)*) => {
        $(impl Layout for $integer {
            const SIZE: usize = size_of::<Self>();

            fn store(&self, bytes: &mut [u8]) {
                for (place, byte) in bytes.iter_mut().zip(self.to_le_bytes()) {
                    *place = byte;
                }
            }

            fn load(bytes: &[u8]) -> Self {
                bytes.try_into().map(Self::from_le_bytes).unwrap_or_default()
            }
        })*
    };
}

integers! { u8 i16 u16 i32 u32 i64 u64 }

impl<T: Layout, const N: usize> Layout for [T; N] {
    const SIZE: usize = N * T::SIZE;

    fn store(&self, bytes: &mut [u8]) {
        for (value, place) in self.iter().zip(bytes.chunks_exact_mut(T::SIZE)) {
            value.store(place);
        }
    }

    fn load(bytes: &[u8]) -> Self {
        core::array::from_fn(|index| {
            T::load(bytes.get(index * T::SIZE..(index + 1) * T::SIZE).unwrap_or(&[]))
        })
    }
}

/// Makes a structure from its size and the offset, name and type of each field.
macro_rules! layout {
    (
        $(#[$doc:meta])*
        pub struct $name:ident: $size:literal {
            $($(#[$field_doc:meta])* $offset:literal $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(C)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        const _: () = {
            assert!(size_of::<$name>() == $size);
            $(assert!(core::mem::offset_of!($name, $field) == $offset);)*
        };

        impl $name {
            /// Its size.
            pub const BYTES: usize = $size;

            /// All bytes zero.
            #[must_use]
            pub fn zeroed() -> Self {
                Self::from_bytes(&[0; $size])
            }

            /// As a program reads it. Padding is zero.
            #[must_use]
            pub fn to_bytes(&self) -> [u8; $size] {
                let mut bytes = [0; $size];
                crate::layout::Layout::store(self, &mut bytes);
                bytes
            }

            /// As a program wrote it. Padding is ignored.
            #[must_use]
            pub fn from_bytes(bytes: &[u8; $size]) -> Self {
                <Self as crate::layout::Layout>::load(bytes)
            }
        }

        impl crate::layout::Layout for $name {
            const SIZE: usize = $size;

            fn store(&self, bytes: &mut [u8]) {
                $({
                    const END: usize = $offset + <$type as crate::layout::Layout>::SIZE;
                    if let Some(place) = bytes.get_mut($offset..END) {
                        crate::layout::Layout::store(&self.$field, place);
                    }
                })*
            }

            fn load(bytes: &[u8]) -> Self {
                Self {
                    $($field: {
                        const END: usize = $offset + <$type as crate::layout::Layout>::SIZE;
                        let place = bytes.get($offset..END).unwrap_or(&[]);
                        <$type as crate::layout::Layout>::load(place)
                    },)*
                }
            }
        }
    };
}

pub(crate) use layout;

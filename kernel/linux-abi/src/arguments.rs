//! The six registers of a system call, read as C's types: [`Arguments`].

use crate::errno::Errno;

/// The arguments of a system call as they came: RDI, RSI, RDX, R10, R8, R9.
///
/// The accessors read a register as the C type of the parameter, which for the types of 32 bits
/// means that the upper half does not count: that is what Linux does, and programs leave rubbish
/// there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arguments(pub [u64; 6]);

/// An address that a program passed: a claim, to be checked when it is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserPointer(pub u64);

impl UserPointer {
    /// `None` for a null pointer, where one means "none".
    #[must_use]
    pub const fn non_null(self) -> Option<Self> {
        if self.0 == 0 { None } else { Some(self) }
    }
}

/// The most that one call reads or writes (`MAX_RW_COUNT`): a request for more is cut.
pub const MAX_TRANSFER_BYTES: u64 = 0x7fff_f000;

impl Arguments {
    /// The whole register; 0 for an index above 5.
    #[must_use]
    pub fn word(&self, index: usize) -> u64 {
        self.0.get(index).copied().unwrap_or(0)
    }

    /// An `int`, such as a descriptor.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a C int is the register's lower half")]
    #[expect(clippy::cast_possible_wrap, reason = "a C int is signed")]
    pub fn int(&self, index: usize) -> i32 {
        self.word(index) as u32 as i32
    }

    /// An `unsigned int`, such as flags.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the register's lower half")]
    pub fn unsigned(&self, index: usize) -> u32 {
        self.word(index) as u32
    }

    /// A `long` or an `off_t`.
    #[must_use]
    #[expect(clippy::cast_possible_wrap, reason = "a C long is signed")]
    pub fn long(&self, index: usize) -> i64 {
        self.word(index) as i64
    }

    /// A pointer.
    #[must_use]
    pub fn pointer(&self, index: usize) -> UserPointer {
        UserPointer(self.word(index))
    }

    /// The length of what is to be read or written, cut to [`MAX_TRANSFER_BYTES`].
    ///
    /// # Errors
    /// EINVAL for a negative one, as Linux (`rw_verify_area`).
    pub fn transfer_length(&self, index: usize) -> Result<u64, Errno> {
        if self.long(index) < 0 {
            return Err(Errno::EINVAL);
        }
        Ok(self.word(index).min(MAX_TRANSFER_BYTES))
    }

    /// The arguments of `openat` that a call has which names no directory: those of `open`.
    #[must_use]
    pub(crate) fn after(first: u64, rest: &Self) -> Self {
        let [a, b, c, d, e, _] = rest.0;
        Self([first, a, b, c, d, e])
    }
}

//! What lies on a program's stack when it starts: [`InitialStack`]. System V ABI for AMD64, 3.4.1.

use alloc::vec::Vec;
use core::fmt;

use crate::auxiliary::*;

/// The longest argument or variable, its zero byte included (`MAX_ARG_STRLEN`).
pub const MAX_STRING_BYTES: usize = 128 << 10;

/// What to tell a program.
#[derive(Clone, Copy, Debug)]
pub struct InitialStack<'a, S> {
    /// The arguments, the program's name first. If there are none, the program gets an empty one:
    /// many read `argv[0]` without asking.
    pub arguments: &'a [S],
    /// The environment, as `NAME=value`.
    pub environment: &'a [S],
    /// The path of the program's file.
    pub executable: &'a [u8],
    /// Fresh random bytes: stack protectors and pointer guards are made from them.
    pub random: [u8; 16],
    /// The rest of the auxiliary vector.
    pub auxiliary: Auxiliary,
}

/// What the auxiliary vector says, but for what this module knows itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Auxiliary {
    /// Where the program headers are; 0 if they are not in memory.
    pub phdr_address: u64,
    /// Size of a program header in bytes.
    pub phdr_entry_bytes: u16,
    /// Number of program headers.
    pub phdr_count: u16,
    /// Where the interpreter is; 0 for none.
    pub interpreter_base: u64,
    /// Where the program starts.
    pub entry: u64,
    /// User id and effective user id.
    pub uid: (u32, u32),
    /// Group id and effective group id.
    pub gid: (u32, u32),
    /// Whether the program has rights that its caller has not.
    pub is_secure: bool,
    /// [`AT_HWCAP`] and [`AT_HWCAP2`].
    pub hardware_capabilities: (u64, u64),
    /// Bytes of a signal frame with the largest FPU state that is switched on.
    pub signal_stack_bytes: u64,
    /// Where the object is that clocks are read by.
    pub vdso_address: u64,
}

/// The bytes of a stack, and where they belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackImage {
    /// Where the stack pointer points: at the number of arguments, a multiple of 16.
    pub stack_pointer: u64,
    /// What lies from the stack pointer to the top.
    pub bytes: Vec<u8>,
}

/// Why a program can't be told what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackError {
    /// A string is longer than [`MAX_STRING_BYTES`] (E2BIG).
    StringTooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// Everything together is larger than the limit (E2BIG).
    TooLarge {
        /// The limit in bytes.
        limit_bytes: usize,
    },
    /// A string has a zero byte in it (EINVAL).
    ZeroInString,
    /// The top is not a multiple of 16, or too low for what lies below it (EINVAL).
    WrongTop {
        /// The top.
        top: u64,
    },
    /// The kernel has no memory for the image (ENOMEM).
    OutOfMemory,
}

/// Entries of the auxiliary vector, the last one included.
const AUXILIARY_ENTRIES: usize = 21;

const PLATFORM: &[u8] = b"x86_64";
const WORD: usize = 8;

impl<S: AsRef<[u8]>> InitialStack<'_, S> {
    /// Lays everything out below `top`, the address just behind the stack.
    ///
    /// # Errors
    /// If it is larger than `limit_bytes` (on Linux a quarter of the stack's limit), or a string is
    /// none.
    pub fn build(&self, top: u64, limit_bytes: usize) -> Result<StackImage, StackError> {
        let none = [b"".as_slice()];
        let arguments = || {
            let default = if self.arguments.is_empty() { none.as_slice() } else { &[] };
            default.iter().copied().chain(self.arguments.iter().map(AsRef::as_ref))
        };
        let environment = || self.environment.iter().map(AsRef::as_ref);
        let strings = || arguments().chain(environment()).chain([self.executable, PLATFORM]);

        let too_large = StackError::TooLarge { limit_bytes };
        let mut string_bytes = self.random.len();
        for string in strings() {
            if string.len() >= MAX_STRING_BYTES {
                return Err(StackError::StringTooLong { bytes: string.len() });
            }
            if string.contains(&0) {
                return Err(StackError::ZeroInString);
            }
            string_bytes = string_bytes.checked_add(string.len() + 1).ok_or(too_large)?;
        }
        let counts = (arguments().count(), self.environment.len());
        // The number of arguments, both lists with a null at their ends, the vector.
        let words = 3 + counts.0 + counts.1 + 2 * AUXILIARY_ENTRIES;
        let total = (words * WORD).checked_add(string_bytes).ok_or(too_large)?;
        let total = total.checked_next_multiple_of(16).ok_or(too_large)?;
        if total > limit_bytes {
            return Err(too_large);
        }
        let wrong_top = StackError::WrongTop { top };
        let stack_pointer = top
            .checked_sub(total as u64)
            .filter(|pointer| pointer.is_multiple_of(16))
            .ok_or(wrong_top)?;

        let mut image = Image { bytes: Vec::new() };
        image.bytes.try_reserve_exact(total).map_err(|_| StackError::OutOfMemory)?;
        let random = stack_pointer + (words * WORD) as u64;
        let mut next = random + self.random.len() as u64;
        image.word(counts.0 as u64);
        next = image.pointers(arguments(), next);
        next = image.pointers(environment(), next);
        let executable = next;
        let platform = executable + self.executable.len() as u64 + 1;
        for (kind, value) in self.auxiliary.entries(random, executable, platform) {
            image.word(kind);
            image.word(value);
        }
        image.bytes.extend_from_slice(&self.random);
        for string in strings() {
            image.bytes.extend_from_slice(string);
            image.bytes.push(0);
        }
        image.bytes.resize(total, 0);
        Ok(StackImage { stack_pointer, bytes: image.bytes })
    }
}

struct Image {
    bytes: Vec<u8>,
}

impl Image {
    fn word(&mut self, word: u64) {
        self.bytes.extend_from_slice(&word.to_le_bytes());
    }

    /// Writes the address of each string, the first lying at `next`, and a null; returns where the
    /// string behind them lies.
    fn pointers<'s>(&mut self, strings: impl Iterator<Item = &'s [u8]>, mut next: u64) -> u64 {
        for string in strings {
            self.word(next);
            next += string.len() as u64 + 1;
        }
        self.word(0);
        next
    }
}

impl Auxiliary {
    fn entries(
        &self,
        random: u64,
        executable: u64,
        platform: u64,
    ) -> [(u64, u64); AUXILIARY_ENTRIES] {
        [
            (AT_SYSINFO_EHDR, self.vdso_address),
            (AT_HWCAP, self.hardware_capabilities.0),
            (AT_PAGESZ, crate::memory::PAGE_BYTES),
            (AT_CLKTCK, CLOCK_TICKS),
            (AT_PHDR, self.phdr_address),
            (AT_PHENT, u64::from(self.phdr_entry_bytes)),
            (AT_PHNUM, u64::from(self.phdr_count)),
            (AT_BASE, self.interpreter_base),
            (AT_FLAGS, 0),
            (AT_ENTRY, self.entry),
            (AT_UID, u64::from(self.uid.0)),
            (AT_EUID, u64::from(self.uid.1)),
            (AT_GID, u64::from(self.gid.0)),
            (AT_EGID, u64::from(self.gid.1)),
            (AT_SECURE, u64::from(self.is_secure)),
            (AT_RANDOM, random),
            (AT_HWCAP2, self.hardware_capabilities.1),
            (AT_EXECFN, executable),
            (AT_PLATFORM, platform),
            (AT_MINSIGSTKSZ, self.signal_stack_bytes),
            (AT_NULL, 0),
        ]
    }
}

impl fmt::Display for StackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StringTooLong { bytes } => {
                write!(f, "a string of {bytes} bytes, at most {} fit", MAX_STRING_BYTES - 1)
            }
            Self::TooLarge { limit_bytes } => {
                write!(f, "arguments and environment need more than {limit_bytes} bytes")
            }
            Self::ZeroInString => f.write_str("a string has a zero byte in it"),
            Self::WrongTop { top } => write!(f, "no stack can end at {top:#x}"),
            Self::OutOfMemory => f.write_str("no kernel memory for the stack's image"),
        }
    }
}

impl core::error::Error for StackError {}

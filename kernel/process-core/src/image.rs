//! What a process runs: its name, its arguments, its environment.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::error::{LimitKind, ProcessError};
use crate::fallible::OUT_OF_MEMORY;

/// The longest name, as Linux's `TASK_COMM_LEN` without its NUL.
const NAME_MAX: usize = 15;

/// Bytes that arguments or environment may take each: what Linux allows both together.
const BLOCK_MAX: usize = 6 << 20;

/// A process's or thread's short name: at most 15 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ProcessName {
    bytes: [u8; NAME_MAX],
    len: u8,
}

impl ProcessName {
    /// The name from bytes; what does not fit, or follows a NUL, is cut off, as prctl(2) does.
    pub fn new(name: &[u8]) -> Self {
        let mut bytes = [0; NAME_MAX];
        let mut len = 0;
        for (to, from) in bytes.iter_mut().zip(name.iter().take_while(|byte| **byte != 0)) {
            *to = *from;
            len += 1;
        }
        Self { bytes, len }
    }

    /// The name of a process that runs the program at this path: the part after the last slash.
    pub fn of_program(path: &[u8]) -> Self {
        Self::new(path.rsplit(|byte| *byte == b'/').next().unwrap_or(path))
    }

    /// The bytes, which a program may have set to anything but NUL.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The name as text, up to the first byte that is not UTF-8.
    pub fn as_str(&self) -> &str {
        let bytes = self.as_bytes();
        match core::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => core::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        }
    }
}

/// A list of byte strings, each ended by a NUL: the form of `/proc/PID/cmdline`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ArgumentBlock {
    bytes: Box<[u8]>,
    count: usize,
}

impl ArgumentBlock {
    /// The block of these strings.
    ///
    /// # Errors
    /// [`ProcessError::InvalidArgument`] for a string with a NUL in it,
    /// [`ProcessError::LimitExceeded`] above 6 MiB, [`ProcessError::ResourceExhausted`].
    pub fn new<S: AsRef<[u8]>>(
        strings: impl IntoIterator<Item = S> + Clone,
    ) -> Result<Self, ProcessError> {
        let mut size = 0_usize;
        for (index, string) in strings.clone().into_iter().enumerate() {
            let string = string.as_ref();
            if string.contains(&0) {
                return Err(ProcessError::InvalidArgument { index });
            }
            size = size.saturating_add(string.len()).saturating_add(1);
            if size > BLOCK_MAX {
                return Err(ProcessError::LimitExceeded {
                    limit: LimitKind::Arguments,
                    maximum: BLOCK_MAX as u64,
                });
            }
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size).map_err(|_| OUT_OF_MEMORY)?;
        let mut count = 0;
        for string in strings {
            bytes.extend_from_slice(string.as_ref());
            bytes.push(0);
            count += 1;
        }
        Ok(Self { bytes: bytes.into_boxed_slice(), count })
    }

    /// The strings, each with its NUL.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many strings there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The strings, without their NULs.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.split_inclusive(|byte| *byte == 0).map(|string| &string[..string.len() - 1])
    }
}

/// What a process runs; replaced as a whole by execve(2).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProgramImage {
    /// The arguments; the first is by custom the program's name.
    pub arguments: ArgumentBlock,
    /// The environment.
    pub environment: ArgumentBlock,
}

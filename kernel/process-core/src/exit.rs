//! How a process ended.

use crate::signal::Signal;

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExitStatus {
    /// It called exit with this code.
    Code(u8),
    /// A signal ended it.
    Signaled {
        /// The signal.
        signal: Signal,
        /// Whether a core file was written.
        core: bool,
    },
}

impl ExitStatus {
    /// The end by a signal. No core file is written, whichever signal it is.
    pub const fn by_signal(signal: Signal) -> Self {
        Self::Signaled { signal, core: false }
    }

    /// The word that wait4(2) stores. The core flag says that a core file was written.
    pub fn wait_word(self) -> i32 {
        const CORE_FLAG: i32 = 0x80;
        match self {
            Self::Code(code) => i32::from(code) << 8,
            Self::Signaled { signal, core } => {
                i32::from(signal.number()) | if core { CORE_FLAG } else { 0 }
            }
        }
    }
}

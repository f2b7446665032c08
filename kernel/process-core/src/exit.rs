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
        /// Whether the signal is one that dumps core.
        core: bool,
    },
}

impl ExitStatus {
    /// The end by a signal; whether it would dump core follows from the signal.
    pub const fn by_signal(signal: Signal) -> Self {
        Self::Signaled { signal, core: signal.dumps_core() }
    }

    /// The word that wait4(2) stores. No core file is written, so the core flag is not set in it.
    pub fn wait_word(self) -> i32 {
        match self {
            Self::Code(code) => i32::from(code) << 8,
            Self::Signaled { signal, .. } => i32::from(signal.number()),
        }
    }
}

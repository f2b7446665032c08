//! A set of signals in Linux's layout: bit 0 is signal 1.

use crate::signal::Signal;

/// A set of signals; its bits are those of the kernel's `sigset_t`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SignalSet(u64);

impl SignalSet {
    /// No signal.
    pub const EMPTY: Self = Self(0);
    /// SIGKILL and SIGSTOP, which no mask can hold.
    pub const UNSTOPPABLE: Self = Self::of(&[Signal::SIGKILL, Signal::SIGSTOP]);
    /// The signals whose default action is to stop.
    pub const STOPS: Self =
        Self::of(&[Signal::SIGSTOP, Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU]);
    /// The signals that the processor's faults raise.
    pub const SYNCHRONOUS: Self = Self::of(&[
        Signal::SIGSEGV,
        Signal::SIGBUS,
        Signal::SIGILL,
        Signal::SIGTRAP,
        Signal::SIGFPE,
        Signal::SIGSYS,
    ]);

    const fn bit(signal: Signal) -> u64 {
        1 << (signal.number() - 1)
    }

    /// The set of these signals.
    pub const fn of(signals: &[Signal]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < signals.len() {
            bits |= Self::bit(signals[index]);
            index += 1;
        }
        Self(bits)
    }

    /// The set with these bits, as a program passes it.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits, as a program reads them.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether the signal is in the set.
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 & Self::bit(signal) != 0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set with this signal.
    #[must_use]
    pub const fn with(self, signal: Signal) -> Self {
        Self(self.0 | Self::bit(signal))
    }

    /// The set without this signal.
    #[must_use]
    pub const fn without(self, signal: Signal) -> Self {
        Self(self.0 & !Self::bit(signal))
    }

    /// The signals of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The signals of both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The signals of this set that are not in the other.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The signal with the lowest number.
    pub fn lowest(self) -> Option<Signal> {
        if self.is_empty() {
            return None;
        }
        Signal::new(i64::from(self.0.trailing_zeros()) + 1).ok()
    }

    /// The signals, lowest number first.
    pub fn iter(self) -> impl Iterator<Item = Signal> {
        let mut rest = self;
        core::iter::from_fn(move || {
            let signal = rest.lowest()?;
            rest = rest.without(signal);
            Some(signal)
        })
    }
}

//! What a process has asked for, signal by signal: sigaction(2).

use alloc::vec::Vec;

use crate::error::ProcessError;
use crate::fallible::OUT_OF_MEMORY;
use crate::signal::{DefaultAction, Signal, SignalSet};

/// The flags of a handler, as `sa_flags` has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HandlerFlags(u64);

impl HandlerFlags {
    /// SA_NOCLDSTOP: no SIGCHLD for stops.
    pub const NO_CHILD_STOP: u64 = 0x1;
    /// SA_NOCLDWAIT: children leave no zombies.
    pub const NO_CHILD_WAIT: u64 = 0x2;
    /// SA_SIGINFO: the handler takes three arguments.
    pub const SIGNAL_INFO: u64 = 0x4;
    /// SA_RESTORER: the address to return to is given.
    pub const RESTORER: u64 = 0x0400_0000;
    /// SA_ONSTACK: on the alternate stack.
    pub const ON_STACK: u64 = 0x0800_0000;
    /// SA_RESTART: the interrupted call starts again.
    pub const RESTART: u64 = 0x1000_0000;
    /// SA_NODEFER: the signal is not blocked in its own handler.
    pub const NO_DEFER: u64 = 0x4000_0000;
    /// SA_RESETHAND: back to the default after one delivery.
    pub const RESET_HANDLER: u64 = 0x8000_0000;

    /// Flags as a program passes them; those without a meaning are kept, as Linux does.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The flags as a program reads them.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether all of these are set.
    pub const fn has(self, flag: u64) -> bool {
        self.0 & flag == flag
    }
}

/// A handler in the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SignalHandler {
    /// Its address, which is the program's claim.
    pub address: u64,
    /// Its flags.
    pub flags: HandlerFlags,
    /// What is blocked while it runs.
    pub mask: SignalSet,
    /// Where it returns to, if the flags say so.
    pub restorer: u64,
}

/// What a process has asked for about a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disposition {
    /// The default action.
    Default,
    /// Nothing is to happen.
    Ignore,
    /// A handler is to run.
    Handler(SignalHandler),
}

/// In place of a handler's address: the default action (`SIG_DFL`).
const DEFAULT: u64 = 0;
/// In place of a handler's address: nothing (`SIG_IGN`).
const IGNORE: u64 = 1;

/// What a program passed to sigaction(2), word by word: flags and mask are kept for a signal that
/// has no handler, too.
impl SignalHandler {
    const fn disposition(self) -> Disposition {
        match self.address {
            DEFAULT => Disposition::Default,
            IGNORE => Disposition::Ignore,
            _ => Disposition::Handler(self),
        }
    }
}

impl Disposition {
    fn action(self) -> SignalHandler {
        match self {
            Self::Default => SignalHandler::default(),
            Self::Ignore => SignalHandler { address: IGNORE, ..SignalHandler::default() },
            Self::Handler(handler) => handler,
        }
    }
}

/// All dispositions of a process. Most processes have few handlers or none, so they are a short
/// sorted list, of what is not the default, rather than a table of 64.
#[derive(Default, Debug)]
pub(super) struct Dispositions {
    actions: Vec<(Signal, SignalHandler)>,
}

impl Dispositions {
    pub(super) fn get(&self, signal: Signal) -> Disposition {
        self.action(signal).disposition()
    }

    /// As the program passed it.
    pub(super) fn action(&self, signal: Signal) -> SignalHandler {
        let entry = self.position(signal).ok().and_then(|position| self.actions.get(position));
        entry.map_or_else(SignalHandler::default, |entry| entry.1)
    }

    fn position(&self, signal: Signal) -> Result<usize, usize> {
        self.actions.binary_search_by_key(&signal, |entry| entry.0)
    }

    pub(super) fn set(
        &mut self,
        signal: Signal,
        disposition: Disposition,
    ) -> Result<(), ProcessError> {
        self.set_action(signal, disposition.action())
    }

    pub(super) fn set_action(
        &mut self,
        signal: Signal,
        action: SignalHandler,
    ) -> Result<(), ProcessError> {
        match self.position(signal) {
            Ok(position) if action == SignalHandler::default() => {
                self.actions.remove(position);
            }
            Ok(position) => {
                if let Some(entry) = self.actions.get_mut(position) {
                    entry.1 = action;
                }
            }
            Err(_) if action == SignalHandler::default() => {}
            Err(position) => {
                self.actions.try_reserve(1).map_err(|_| OUT_OF_MEMORY)?;
                self.actions.insert(position, (signal, action));
            }
        }
        Ok(())
    }

    /// The handler is gone; the rest stays (`SA_RESETHAND`).
    pub(super) fn forget_handler(&mut self, signal: Signal) {
        if let Ok(position) = self.position(signal)
            && let Some(entry) = self.actions.get_mut(position)
        {
            entry.1.address = DEFAULT;
        }
    }

    /// The signals with a handler.
    pub(super) fn caught(&self) -> SignalSet {
        self.those(|action| matches!(action.disposition(), Disposition::Handler(_)))
    }

    /// The signals that the program ignores.
    pub(super) fn ignored(&self) -> SignalSet {
        self.those(|action| action.disposition() == Disposition::Ignore)
    }

    fn those(&self, fits: impl Fn(&SignalHandler) -> bool) -> SignalSet {
        let fitting = self.actions.iter().filter(|(_, action)| fits(action));
        fitting.fold(SignalSet::EMPTY, |set, (signal, _)| set.with(*signal))
    }

    /// Whether a signal would be dropped on delivery.
    pub(super) fn ignores(&self, signal: Signal) -> bool {
        match self.get(signal) {
            Disposition::Ignore => true,
            Disposition::Default => {
                matches!(signal.default_action(), DefaultAction::Ignore | DefaultAction::Continue)
            }
            Disposition::Handler(_) => false,
        }
    }

    /// What a forked child starts with.
    pub(super) fn try_clone(&self) -> Result<Self, ProcessError> {
        let mut actions = Vec::new();
        actions.try_reserve_exact(self.actions.len()).map_err(|_| OUT_OF_MEMORY)?;
        actions.extend_from_slice(&self.actions);
        Ok(Self { actions })
    }

    /// What is left after execve(2): what was ignored stays ignored, handlers are gone.
    pub(super) fn reset_handlers(&mut self) {
        self.actions.retain_mut(|(_, action)| {
            let is_kept = action.address == IGNORE;
            *action = Disposition::Ignore.action();
            is_kept
        });
    }
}

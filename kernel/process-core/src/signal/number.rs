//! One signal: number, name, default action.

use core::fmt;
use core::num::NonZeroU8;

use crate::error::ProcessError;

/// What a signal does to a process that has not said otherwise (signal(7), "Standard signals").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DefaultAction {
    /// The process ends.
    Terminate,
    /// The process ends and would dump core.
    Core,
    /// Nothing.
    Ignore,
    /// The process is suspended.
    Stop,
    /// A suspended process goes on.
    Continue,
}

/// A signal, numbered 1 to 64 as on Linux; 32 to 64 are the real-time signals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(NonZeroU8);

const NAMES: [&str; 64] = [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
    "SIGRTMIN",
    "SIGRTMIN+1",
    "SIGRTMIN+2",
    "SIGRTMIN+3",
    "SIGRTMIN+4",
    "SIGRTMIN+5",
    "SIGRTMIN+6",
    "SIGRTMIN+7",
    "SIGRTMIN+8",
    "SIGRTMIN+9",
    "SIGRTMIN+10",
    "SIGRTMIN+11",
    "SIGRTMIN+12",
    "SIGRTMIN+13",
    "SIGRTMIN+14",
    "SIGRTMIN+15",
    "SIGRTMIN+16",
    "SIGRTMIN+17",
    "SIGRTMIN+18",
    "SIGRTMIN+19",
    "SIGRTMIN+20",
    "SIGRTMIN+21",
    "SIGRTMIN+22",
    "SIGRTMIN+23",
    "SIGRTMIN+24",
    "SIGRTMIN+25",
    "SIGRTMIN+26",
    "SIGRTMIN+27",
    "SIGRTMIN+28",
    "SIGRTMIN+29",
    "SIGRTMIN+30",
    "SIGRTMIN+31",
    "SIGRTMIN+32",
];

const FIRST_REAL_TIME: u8 = 32;
const LAST: u8 = 64;

macro_rules! signals {
    ($($name:ident = $number:literal, $what:literal;)*) => {
        impl Signal {
            $(#[doc = $what] pub const $name: Self = Self::constant($number);)*
        }
    };
}

signals! {
    SIGHUP = 1, "The terminal is gone.";
    SIGINT = 2, "Interrupt from the keyboard.";
    SIGQUIT = 3, "Quit from the keyboard.";
    SIGILL = 4, "Illegal instruction.";
    SIGTRAP = 5, "Breakpoint or trace.";
    SIGABRT = 6, "abort(3).";
    SIGBUS = 7, "Memory that cannot be had.";
    SIGFPE = 8, "Arithmetic error.";
    SIGKILL = 9, "The end; cannot be caught.";
    SIGUSR1 = 10, "For the program's own use.";
    SIGSEGV = 11, "Memory that may not be touched.";
    SIGUSR2 = 12, "For the program's own use.";
    SIGPIPE = 13, "Write to a pipe without readers.";
    SIGALRM = 14, "alarm(2).";
    SIGTERM = 15, "A request to end.";
    SIGSTKFLT = 16, "Unused.";
    SIGCHLD = 17, "A child has stopped, gone on or ended.";
    SIGCONT = 18, "Go on.";
    SIGSTOP = 19, "Stop; cannot be caught.";
    SIGTSTP = 20, "Stop from the keyboard.";
    SIGTTIN = 21, "Terminal input for a background process.";
    SIGTTOU = 22, "Terminal output of a background process.";
    SIGURG = 23, "Urgent data on a socket.";
    SIGXCPU = 24, "CPU time limit reached.";
    SIGXFSZ = 25, "File size limit reached.";
    SIGVTALRM = 26, "Virtual timer.";
    SIGPROF = 27, "Profiling timer.";
    SIGWINCH = 28, "The window's size has changed.";
    SIGIO = 29, "I/O is possible.";
    SIGPWR = 30, "Power is failing.";
    SIGSYS = 31, "A forbidden system call.";
}

impl Signal {
    /// For numbers that are known to be good when this is compiled.
    const fn constant(number: u8) -> Self {
        match NonZeroU8::new(number) {
            Some(number) => Self(number),
            None => Self(NonZeroU8::MIN),
        }
    }

    /// The signal with this number.
    ///
    /// # Errors
    /// [`ProcessError::SignalNotSupported`] for numbers outside 1 to 64.
    pub fn new(number: i64) -> Result<Self, ProcessError> {
        u8::try_from(number)
            .ok()
            .filter(|small| *small <= LAST)
            .and_then(NonZeroU8::new)
            .map(Self)
            .ok_or(ProcessError::SignalNotSupported { signal: number, pid: None })
    }

    /// The signal with this name (`"SIGTERM"`, `"SIGRTMIN"`, `"SIGRTMIN+3"`).
    pub fn from_name(name: &str) -> Option<Self> {
        let position = NAMES.iter().position(|known| *known == name)?;
        Self::new(i64::try_from(position).ok()? + 1).ok()
    }

    /// The name; real-time signals count from the kernel's first, 32.
    pub fn name(self) -> &'static str {
        NAMES.get(usize::from(self.number()) - 1).copied().unwrap_or_default()
    }

    /// The number, 1 to 64.
    pub const fn number(self) -> u8 {
        self.0.get()
    }

    /// Whether this is one of the queued signals 32 to 64.
    pub const fn is_real_time(self) -> bool {
        self.number() >= FIRST_REAL_TIME
    }

    /// Whether nobody can catch, block or ignore it.
    pub const fn is_unstoppable(self) -> bool {
        matches!(self, Self::SIGKILL | Self::SIGSTOP)
    }

    /// Whether the processor's own faults raise it: such a signal is delivered before others.
    pub const fn is_synchronous(self) -> bool {
        matches!(
            self,
            Self::SIGSEGV
                | Self::SIGBUS
                | Self::SIGILL
                | Self::SIGTRAP
                | Self::SIGFPE
                | Self::SIGSYS
        )
    }

    /// What it does by default.
    pub const fn default_action(self) -> DefaultAction {
        match self {
            Self::SIGCHLD | Self::SIGURG | Self::SIGWINCH => DefaultAction::Ignore,
            Self::SIGCONT => DefaultAction::Continue,
            Self::SIGSTOP | Self::SIGTSTP | Self::SIGTTIN | Self::SIGTTOU => DefaultAction::Stop,
            Self::SIGQUIT
            | Self::SIGILL
            | Self::SIGTRAP
            | Self::SIGABRT
            | Self::SIGBUS
            | Self::SIGFPE
            | Self::SIGSEGV
            | Self::SIGXCPU
            | Self::SIGXFSZ
            | Self::SIGSYS => DefaultAction::Core,
            _ => DefaultAction::Terminate,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

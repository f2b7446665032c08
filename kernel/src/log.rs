//! The kernel's log: a ring that the API reads, and the serial console.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU8, Ordering};

use hal::interrupts::LocalInterrupts;
use ksync::{LogRing, Record};

use crate::broadcast::Broadcast;
use crate::levels;

/// Lines kept.
const LINES: usize = 1024;
/// Bytes of text kept.
const BYTES: usize = 96 * 1024;

static RING: LogRing<LocalInterrupts, LINES, BYTES> = LogRing::new(levels::LOG);
/// Who waits for the next line.
pub static NEWS: Broadcast = Broadcast::new();
static CONSOLE_LEVEL: AtomicU8 = AtomicU8::new(Severity::Info as u8);

/// How serious a line is, with syslog's numbers (RFC 5424, 6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something failed.
    Error = 3,
    /// Something is not as it should be.
    Warning = 4,
    /// What an operator wants to know.
    Info = 6,
    /// What a developer wants to know.
    Debug = 7,
}

impl Severity {
    /// The one with this number; what is in between counts as the next more verbose one.
    #[must_use]
    pub fn from_number(number: u8) -> Self {
        match number {
            0..=3 => Self::Error,
            4 => Self::Warning,
            5 | 6 => Self::Info,
            _ => Self::Debug,
        }
    }

    /// Its name on the command line, in the log and in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }

    /// The one with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Error, Self::Warning, Self::Info, Self::Debug]
            .into_iter()
            .find(|severity| severity.name() == name)
    }
}

/// Chooses which lines appear on the serial console: this severity and the more serious ones.
pub fn set_console_level(severity: Severity) {
    CONSOLE_LEVEL.store(severity as u8, Ordering::Relaxed);
}

/// Writes a line and wakes who waits for it. Not under a lock of the scheduler's level or above.
pub fn write(severity: Severity, text: fmt::Arguments<'_>) {
    let time_ns = hal::time::now_ns();
    // The thread may be moved while it writes: where it was is as good an answer as any.
    let cpu = u16::try_from(hal::cpu::current()).unwrap_or(u16::MAX);
    RING.write(severity as u8, time_ns, cpu, text);
    if severity as u8 <= CONSOLE_LEVEL.load(Ordering::Relaxed) {
        let mut serial = hal::serial::lock();
        // A serial port takes every byte: there is no error to handle.
        let _ = writeln!(
            serial,
            "[{:5}.{:06}] {text}",
            time_ns / 1_000_000_000,
            time_ns / 1000 % 1_000_000
        );
    }
    NEWS.wake_all();
}

/// The line with this number, or the oldest one left; none if there is none yet.
pub fn read(wanted: u64, buffer: &mut [u8; ksync::MAX_TEXT_BYTES]) -> Option<Record<'_>> {
    RING.read(wanted, buffer)
}

/// The numbers of the lines that are kept.
#[must_use]
pub fn range() -> core::ops::Range<u64> {
    RING.range()
}

/// Writes an informational line to the log.
#[macro_export]
macro_rules! info {
    ($($text:tt)*) => { $crate::log::write($crate::log::Severity::Info, format_args!($($text)*)) };
}

/// Writes a warning to the log.
#[macro_export]
macro_rules! warning {
    ($($text:tt)*) => {
        $crate::log::write($crate::log::Severity::Warning, format_args!($($text)*))
    };
}

/// Writes an error to the log.
#[macro_export]
macro_rules! error {
    ($($text:tt)*) => { $crate::log::write($crate::log::Severity::Error, format_args!($($text)*)) };
}

//! Why something does not run: how an instance ended ([`End`], [`Ending`]), and why it, or its service,
//! has failed ([`Failure`]), in words for people.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;

use crate::time::Instant;

/// What to do where the memory that a service may have is not enough.
pub(crate) const QUOTA_ADVICE: &str = "Raise limits.memory_bytes, or find out why it uses so much.";

/// How an instance ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this code.
    Code(u8),
    /// By this signal, by name.
    Signal(&'static str),
    /// By force, because its service had all the memory that it may have.
    MemoryQuota {
        /// How much that is.
        bytes: u64,
    },
    /// It never ran: why.
    NotLaunched(String),
}

/// When and how an instance ended, and why if it was made to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// When.
    pub at: Instant,
    /// How.
    pub end: End,
    /// What it was ended for by force.
    pub because: Option<Failure>,
    /// Processes that it had lost to the memory quota.
    pub lost: Option<Lost>,
}

/// Processes of an instance, its main one not among them, that were ended by force because the service
/// had all the memory that it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// How many.
    pub count: u32,
    /// How much memory that was, the last time.
    pub quota_bytes: u64,
}

impl Lost {
    /// Both.
    #[must_use]
    pub fn and(self, later: Self) -> Self {
        Self { count: self.count.saturating_add(later.count), ..later }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => f.write_str("a process of it was"),
            count => write!(f, "{count} of its processes were"),
        }?;
        write!(f, " ended at the memory quota of {}", Bytes(self.quota_bytes))
    }
}

/// Why an instance or a service does not run although it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Its program could not be started: why.
    Launch(String),
    /// It ended by itself.
    Exit(u8),
    /// A signal ended it.
    Signal(&'static str),
    /// It was not ready in time.
    StartTimeout {
        /// The time that it had.
        after_ms: u64,
    },
    /// It failed its check for life too often.
    Unhealthy {
        /// What the last check said.
        detail: String,
    },
    /// Its service had all the memory that it may have, and it had most of that.
    MemoryQuota {
        /// How much that is.
        bytes: u64,
    },
    /// It ended by itself, after it had lost processes to the memory quota of its service.
    AfterLoss {
        /// How it ended.
        end: Box<Failure>,
        /// What it had lost.
        lost: Lost,
    },
    /// It was started again as often as allowed.
    TooManyRestarts {
        /// How often.
        restarts: u32,
        /// In which time.
        window_ms: u64,
        /// What happened the last time.
        last: Box<Failure>,
    },
    /// A service that it needs failed.
    Dependency(Arc<str>),
    /// A service that it needs was not ready in time.
    DependencyTimeout {
        /// Which.
        service: Arc<str>,
        /// The time that it had.
        after_ms: u64,
    },
    /// A service runs beside which it may not.
    Conflict(Arc<str>),
    /// A condition of its document does not hold.
    Condition(String),
    /// Its port could not be opened: why.
    Port(String),
}

impl Failure {
    /// Whether another service is the reason.
    #[must_use]
    pub fn cause(&self) -> Option<&Arc<str>> {
        match self {
            Self::Dependency(service)
            | Self::DependencyTimeout { service, .. }
            | Self::Conflict(service) => Some(service),
            _ => None,
        }
    }

    /// Whether a program may end so without anything being wrong with it.
    pub(crate) fn is_normal(&self) -> bool {
        match self {
            Self::Exit(_) | Self::Launch(_) => true,
            Self::AfterLoss { end, .. } => end.is_normal(),
            _ => false,
        }
    }

    /// What an operator can do about it.
    #[must_use]
    pub fn advice(&self) -> String {
        let words = match self {
            Self::Launch(_) => {
                "Check the program's path, its permissions and the working directory."
            }
            Self::Exit(_) | Self::Signal(_) => "Read its output, correct the cause, and start it.",
            Self::StartTimeout { .. } => {
                "Read its output; give it more start.timeout_ms if it only needs longer."
            }
            Self::Unhealthy { .. } => "Look at the history of its health and at its output.",
            Self::MemoryQuota { .. } | Self::AfterLoss { .. } => QUOTA_ADVICE,
            Self::TooManyRestarts { last, .. } => {
                return format!(
                    "{} A start by hand begins a new count of restarts.",
                    last.advice()
                );
            }
            Self::Dependency(service) | Self::DependencyTimeout { service, .. } => {
                return format!("Get {service} to run; then it starts by itself.");
            }
            Self::Conflict(service) => return format!("Stop {service} first, and start it."),
            Self::Condition(_) => "Make the condition hold, and start it.",
            Self::Port(_) => "Find out who uses the port, or give the service another one.",
        };
        words.to_string()
    }

    /// The same about `service` by name, as a sentence without its full stop.
    pub fn of<'a>(&'a self, service: &'a str) -> impl fmt::Display + 'a {
        Told { subject: Some(service), failure: self }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(signal) => write!(f, "was ended by {signal}"),
            Self::MemoryQuota { bytes } => {
                write!(f, "reached its memory quota of {} and was ended", Bytes(*bytes))
            }
            Self::NotLaunched(why) => write!(f, "could not be started: {why}"),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.end.fmt(f)?;
        if let Some(failure) = &self.because {
            write!(f, ", because {failure}")?;
        }
        match &self.lost {
            Some(lost) => write!(f, " ({lost})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Told { subject: None, failure: self }.fmt(f)
    }
}

/// A failure told of a service by its name, or of "it".
struct Told<'a> {
    subject: Option<&'a str>,
    failure: &'a Failure,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = self.subject.unwrap_or("it");
        match self.failure {
            Failure::Launch(why) => write!(f, "{it} could not be started: {why}"),
            Failure::Exit(code) => write!(f, "{it} exited with code {code}"),
            Failure::Signal(signal) => write!(f, "{it} was ended by {signal}"),
            Failure::StartTimeout { after_ms } => {
                write!(f, "{it} was not ready within {}", Time(*after_ms))
            }
            Failure::Unhealthy { detail } => write!(f, "{it} failed its health check: {detail}"),
            Failure::MemoryQuota { bytes } => {
                write!(f, "{it} {}", End::MemoryQuota { bytes: *bytes })
            }
            Failure::AfterLoss { end, lost } => {
                Told { failure: end, ..*self }.fmt(f)?;
                write!(f, " ({lost})")
            }
            Failure::TooManyRestarts { restarts, window_ms, last } => {
                Told { failure: last, ..*self }.fmt(f)?;
                match restarts {
                    0 => f.write_str(", and no restart is allowed"),
                    1 => write!(f, ", after 1 restart within {}", Time(*window_ms)),
                    _ => write!(f, ", after {restarts} restarts within {}", Time(*window_ms)),
                }
            }
            Failure::Dependency(service) => {
                write!(f, "{it} needs {service}, which does not run")
            }
            Failure::DependencyTimeout { service, after_ms } => {
                write!(f, "{it} needs {service}, which was not ready within {}", Time(*after_ms))
            }
            Failure::Conflict(service) => {
                write!(f, "{it} may not run beside {service}, which runs")
            }
            Failure::Condition(what) => {
                write!(f, "{it} has a condition that does not hold: {what}")
            }
            Failure::Port(why) => write!(f, "{it} could not get its port: {why}"),
        }
    }
}

/// A size as people say it, without losing anything.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KIB: u64 = 1024;
        const MIB: u64 = 1024 * KIB;
        match self.0 {
            bytes if bytes.is_multiple_of(MIB) => write!(f, "{} MiB", bytes / MIB),
            bytes if bytes.is_multiple_of(KIB) => write!(f, "{} KiB", bytes / KIB),
            bytes => write!(f, "{bytes} bytes"),
        }
    }
}

/// Milliseconds as people say them, without losing anything.
struct Time(u64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ms if ms.is_multiple_of(1000) => write!(f, "{} s", ms / 1000),
            ms => write!(f, "{ms} ms"),
        }
    }
}

//! What the scheduler is told about a process: priority, class, nice value.

use crate::error::ProcessError;

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// Every one, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word that the API uses for it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The one that the API calls this.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.name() == name)
            }
        }
    };
}
pub(crate) use words;

words! {
    /// The level at which a process runs, lowest first.
    Priority {
        /// Only when nothing else can run.
        Idle = "idle",
        /// A smaller share.
        Low = "low",
        /// The usual share.
        Normal = "normal",
        /// A larger share.
        High = "high",
        /// Before all sharing levels, in turns.
        RealTime = "real_time",
        /// Before everything.
        Critical = "critical",
    }
}

words! {
    /// What kind of work a process does.
    PriorityClass {
        /// The kernel's own.
        System = "system",
        /// A user's program.
        User = "user",
        /// A supervised service.
        Service = "service",
        /// Long work that nobody waits for.
        Background = "background",
        /// Work that a person waits for.
        Interactive = "interactive",
    }
}

/// A nice value, -20 (most favourable) to 19.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Nice(i8);

impl Nice {
    /// A nice value from outside.
    ///
    /// # Errors
    /// [`ProcessError::InvalidPriority`] outside -20 to 19.
    pub fn new(value: i64) -> Result<Self, ProcessError> {
        match i8::try_from(value) {
            Ok(small) if (-20..=19).contains(&small) => Ok(Self(small)),
            _ => Err(ProcessError::InvalidPriority { value }),
        }
    }

    /// The value.
    pub const fn value(self) -> i8 {
        self.0
    }
}

/// What the scheduler is told about a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scheduling {
    /// The level.
    pub priority: Priority,
    /// The kind of work.
    pub class: PriorityClass,
    /// The nice value.
    pub nice: Nice,
}

/// A policy as sched(7) names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    /// `SCHED_OTHER`.
    Other,
    /// `SCHED_RR`: real-time processes of one level take turns, whichever policy they asked for.
    RoundRobin,
    /// `SCHED_BATCH`.
    Batch,
    /// `SCHED_IDLE`.
    Idle,
}

impl Policy {
    /// Linux's number of it.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Other => 0,
            Self::RoundRobin => 2,
            Self::Batch => 3,
            Self::Idle => 5,
        }
    }
}

impl Scheduling {
    /// Real-time priorities of Linux's from here on are the most urgent level.
    pub const FIRST_CRITICAL: i32 = 50;

    /// The policy that it amounts to.
    #[must_use]
    pub fn policy(&self) -> Policy {
        match self.priority {
            Priority::RealTime | Priority::Critical => Policy::RoundRobin,
            Priority::Idle => Policy::Idle,
            _ if self.class == PriorityClass::Background => Policy::Batch,
            _ => Policy::Other,
        }
    }

    /// Its real-time priority as Linux counts them; 0 for none.
    #[must_use]
    pub const fn real_time_priority(&self) -> i32 {
        match self.priority {
            Priority::Critical => Self::FIRST_CRITICAL,
            Priority::RealTime => 1,
            _ => 0,
        }
    }
}

impl Default for Scheduling {
    fn default() -> Self {
        Self { priority: Priority::Normal, class: PriorityClass::User, nice: Nice(0) }
    }
}
